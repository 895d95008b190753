from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.stats import norm

from digitize.records.results import VERDICTS, Calibration, Quality, Strip
from digitize.strips.verdict import BLURRED_MM, cut_off, edge_width, judge

READ = Calibration(25.0, 10.0, "read", "measured", 8.0, "grid")


def strips(confidence: float = 0.98, **other: str) -> list[Strip]:
    n = 500
    path = np.zeros((n, 2), np.float32)
    sure = np.full(n, confidence, np.float32)
    return [
        Strip(lead, row, 0, 0.0, np.zeros(n, np.float32), sure, path, other.get("source", "read"))
        for row, lead in enumerate(("I", "II", "III"))
    ]


def verdict_on(printed: list[Strip], calibration: Calibration = READ, **found: object) -> Quality:
    known: dict[str, object] = {"residual": 0.01, "edge_mm": 0.2, "truncated": False}
    return judge(printed, calibration, **{**known, **found})


def test_a_page_without_doubts_is_good():
    quality = verdict_on(strips())
    assert quality == Quality("good", (), pytest.approx(0.98, abs=1e-6), 0.2)


@pytest.mark.parametrize(
    ("quality", "reason"),
    [
        (verdict_on(strips(0.7)), "only 70%"),
        (verdict_on(strips(), probability=0.8), "probability of only 80%"),
        (verdict_on(strips(), residual=0.5), "Einthoven"),
        (verdict_on(strips(), edge_mm=0.8), "out of focus: the trace's edge is 0.8 mm wide"),
        (verdict_on(strips(), truncated=True), "edge"),
        (verdict_on(strips(), Calibration(25.0, 10.0, "read", "assumed", 8.0, "grid")), "gain is assumed"),
        (verdict_on(strips(), Calibration(25.0, 10.0, "assumed", "read", 8.0, "grid")), "speed is assumed"),
        (verdict_on(strips(), Calibration(25.0, 10.0, "read", "read", 8.0, "pulse")), "no grid"),
        (verdict_on([*strips(), strips(source="assumed")[0]]), "1 of 4 lead names"),
        (verdict_on(strips(source="given"), unread=1), "1 of 3 lead names"),
        (verdict_on(strips(source="given"), contradicted=True), "names contradict the given layout"),
        (verdict_on(strips(), lost=["V4"]), "no strip was found for the printed name of V4"),
    ],
)
def test_a_doubt_makes_a_page_usable_and_is_told(quality, reason):
    assert quality.verdict == "usable"
    assert reason in quality.reasons[0]


@pytest.mark.parametrize(
    ("quality", "reason"),
    [
        (verdict_on(strips(0.4)), "only 40%"),
        (verdict_on([*strips(), *strips(0.3)[:1]]), "lead I only 30%"),
        (verdict_on(strips(source="assumed")), "3 of 3 lead names"),
        (verdict_on(strips(), Calibration(25.0, 10.0, "assumed", "assumed", 8.0, "assumed")), "scale"),
    ],
)
def test_a_fault_makes_a_page_unreliable(quality, reason):
    assert quality.verdict == "unreliable"
    assert any(reason in told for told in quality.reasons)


def test_what_cannot_be_judged_is_no_reason():
    assert verdict_on(strips(), residual=float("nan"), edge_mm=float("nan")).verdict == VERDICTS[0]


@pytest.mark.parametrize("sigma", [1.0, 2.0, 4.0, 6.0])
def test_blur_widens_the_edge(sigma):
    page = np.zeros((200, 900), np.float32)
    page[99:103] = 1.0
    blurred = cv2.GaussianBlur(page, (0, 0), sigma)
    y = np.arange(-15, 16) + 0.5
    profile = norm.cdf((y + 2) / sigma) - norm.cdf((y - 2) / sigma)
    expected = profile.max() / np.abs(np.diff(profile)).max() / 10
    width = edge_width(blurred, np.full((1, 900), 100.5, np.float32))
    assert width == pytest.approx(expected, rel=0.1)
    assert (width > BLURRED_MM) == (sigma >= 4.0)


def test_without_level_stretches_there_is_no_edge():
    steep = np.arange(50, 150, dtype=np.float32)[None] * 1.0
    assert np.isnan(edge_width(np.zeros((200, 100), np.float32), steep))


@pytest.mark.parametrize("side", ["left", "right", "up", "down"])
def test_a_trace_at_the_edge_is_cut_off(side):
    inside = np.ones((300, 800), bool)
    center = np.full((2, 800), np.nan, np.float32)
    center[:, 100:700] = np.array([[100.0], [200.0]])
    assert not cut_off(center, inside)
    if side == "left":
        center[0, :100] = 100
    elif side == "right":
        inside[:, 705:] = False
    elif side == "up":
        center[0, 300:320] = 3
    else:
        inside[205:] = False
    assert cut_off(center, inside)

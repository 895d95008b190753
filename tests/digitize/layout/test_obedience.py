from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitize.layout.einthoven import LIMB_LEADS
from digitize.layout.obedience import obedience
from digitize.records.layouts import LAYOUTS, LEAD_NAMES, lead_of, sign_of
from tests.digitize.layout.prints import LEFT, RIGHT, Print, names

N = 2400


def heart(n: int = N, seed: int = 0) -> dict[str, np.ndarray]:
    """Twelve leads in pixels downward: limb leads of two electrodes' differences, chest leads of their own."""
    rng = np.random.default_rng(seed)
    kernel = np.hanning(25)
    one, two, *chest = (80 * np.convolve(rng.normal(size=n) ** 3, kernel / kernel.sum(), "same") for _ in range(8))
    limb = {lead: a * one + b * two for lead, (a, b) in LIMB_LEADS.items()}
    leads = {**limb, **dict(zip(LEAD_NAMES[6:], chest, strict=True))}
    return {lead: -signal for lead, signal in leads.items()}


def draw(rows, columns: int, leads) -> np.ndarray:
    """What a page of these rows shows."""
    width = N // columns
    page = []
    for row in rows:
        shown = [sign_of(lead) * leads[lead_of(lead)] for lead in row]
        span = N if len(row) < columns else width
        page.append(np.concatenate([signal[k * span : (k + 1) * span] for k, signal in enumerate(shown)]))
    return np.array(page)


@pytest.mark.parametrize(
    "name", ["3x4", "cabrera-3x4", "6x2", "cabrera-6x2", "12x1", "cabrera-12x1", "4x3", "limb-3x1"]
)
def test_the_right_layout_is_obeyed_and_others_of_its_rows_are_not(name):
    layout = LAYOUTS[name]
    page = draw(layout.rows, layout.columns, heart())
    right = obedience(page, layout.rows, 0, 0.0, N / layout.columns)
    assert right >= 3.5
    for other in LAYOUTS.values():
        if len(other.rows) == len(layout.rows) and other.name != name and not other.continues:
            told = obedience(page, other.rows, 0, 0.0, N / other.columns)
            assert told < right - 3.0 or not _limb_leads_together(other), other.name


def _limb_leads_together(layout) -> bool:
    columns = zip(*([lead_of(lead) for lead in row] for row in layout.rows), strict=True)
    return any(len(LIMB_LEADS.keys() & set(column)) > 2 for column in columns)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.2, 5.0), st.floats(-500, 500))
def test_neither_gain_nor_place_nor_a_hidden_stretch_changes_what_is_right(seed, gain, shift):
    rows = LAYOUTS["6x2"].rows
    plain = draw(rows, 2, heart(seed=seed))
    right = obedience(plain, rows, 0, 0.0, N / 2)
    assert right > 8.0
    page = gain * plain + shift
    assert obedience(page, rows, 0, 0.0, N / 2) == pytest.approx(right, abs=1.0)
    page[2, 300:420] = np.nan
    below = np.vstack([np.zeros((1, N)), page])
    assert obedience(below, rows, 1, 0.0, N / 2) == pytest.approx(right, abs=4.0)
    assert obedience(below, rows, 0, 0.0, N / 2) < 0.0


def test_bad_traces_speak_against_a_layout_only_so_much():
    noise = np.random.default_rng(3).normal(size=(12, N))
    assert obedience(noise, LAYOUTS["12x1"].rows, 0, 0.0, N) == -3.0
    assert obedience(noise[:3], LAYOUTS["3x4"].rows, 0, 0.0, N / 4) == -3.0


def test_where_no_three_limb_leads_stand_together_nothing_is_said():
    page = draw(LAYOUTS["chest-6x1"].rows, 1, heart())
    assert obedience(page, LAYOUTS["chest-6x1"].rows, 0, 0.0, N) == 0.0
    assert obedience(page, [["II"]], 0, 0.0, N) == 0.0 == obedience(page, [], 0, 0.0, N)
    assert obedience(np.full((3, N), np.nan), LAYOUTS["limb-3x1"].rows, 0, 0.0, N) == 0.0


@pytest.mark.parametrize("name", ["6x2", "cabrera-3x4", "cabrera-6x2", "3x4", "limb-3x1", "limb-6x1", "12x1"])
def test_pages_without_a_readable_name_are_named_by_the_law(read, name, monkeypatch):
    """By position alone, six long rows may be anything: limb leads, two columns, in either order."""
    layout = LAYOUTS[name]
    page = Print(layout)
    page.readings.clear()
    shown = draw(layout.rows, layout.columns, heart())
    plain = page.traces

    def traces():
        drawn = plain()
        center = drawn.center.copy()
        at = np.linspace(0, N - 1, RIGHT - LEFT + 1).astype(int)
        center[:, LEFT : RIGHT + 1] += shown[:, at].astype(np.float32)
        return type(drawn)(center, center, *(getattr(drawn, field) for field in list(vars(drawn))[2:]))

    monkeypatch.setattr(page, "traces", traces)
    found = read(page)
    assert found.layout.name == name
    assert names(found) == [lead_of(lead) for row in layout.rows for lead in row]

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import find_peaks

import papertrace.synth.simulator
from digitize.records.layouts import LEAD_NAMES
from papertrace.synth.simulator import draw_heart, simulate

RATES = (50, 70, 90, 110, 130, 150)


@pytest.mark.parametrize("rate", [45.0, 70.0, 130.0])
def test_heart_beats_as_asked_and_leads_belong_together(rate: float) -> None:
    leads = dict(zip(LEAD_NAMES, simulate(6.0, 250, rate, seed=2), strict=True))
    np.testing.assert_allclose(leads["I"] + leads["III"], leads["II"], atol=1e-12)
    np.testing.assert_allclose(leads["aVR"] + leads["aVL"] + leads["aVF"], 0, atol=1e-12)
    peaks, _ = find_peaks(leads["II"], height=0.6 * leads["II"].max(), distance=60)
    assert 60 * 250 / np.diff(peaks).mean() == pytest.approx(rate, rel=0.08)
    assert leads["V1"].max() < -leads["V1"].min()
    assert leads["V5"].max() > -leads["V5"].min()
    for name, lead in leads.items():
        assert 0.15 < np.ptp(lead) < 4, name


@pytest.mark.parametrize("rate", RATES)
def test_every_heart_is_normal(rate: int) -> None:
    for seed in range(20):
        heart = draw_heart(rate, seed)
        assert 120 <= heart.pr <= 200 and 80 <= heart.qrs <= 100 and 30 <= heart.axis <= 60
        assert 359 <= heart.qt * (rate / 60) ** (1 / 3) <= 445, "QTc of healthy people (Mason et al. 2007)"


@pytest.mark.parametrize("rate", [50, 70, 90])
def test_waves_begin_and_end_when_the_heart_says(rate: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without noise, all leads are level between the waves."""
    monkeypatch.setattr(papertrace.synth.simulator, "_NOISE_MV", 0.0)
    fs = 1000
    heart, leads = draw_heart(rate, seed=rate), simulate(6.0, fs, rate, seed=rate)
    moving = np.flatnonzero(np.diff((np.abs(leads) > 1e-5).any(axis=0).astype(int)))
    lengths = np.diff(moving) * 1000 / fs
    first = next(k for k in range(2, len(lengths)) if abs(lengths[k] - heart.qrs) < 4 and lengths[k - 1] < 100)
    p_start, qrs_start, qrs_end = moving[first - 2], moving[first], moving[first + 1]
    assert (qrs_start - p_start) * 1000 / fs == pytest.approx(heart.pr, abs=4)
    assert (qrs_end - qrs_start) * 1000 / fs == pytest.approx(heart.qrs, abs=4)
    complexes = leads[:, qrs_start : qrs_end + 1].sum(axis=1) * 1000 / fs
    areas = dict(zip(LEAD_NAMES, complexes, strict=True))
    assert np.degrees(np.arctan2(areas["aVF"] * 2 / np.sqrt(3), areas["I"])) == pytest.approx(heart.axis, abs=1)


def test_one_seed_is_one_heart() -> None:
    np.testing.assert_array_equal(simulate(2.0, 250, seed=3), simulate(2.0, 250, seed=3))
    assert np.abs(simulate(2.0, 250, seed=3) - simulate(2.0, 250, seed=4)).max() > 0.01


@pytest.mark.parametrize(
    ("knobs", "name"), [({"seconds": 0}, "seconds"), ({"fs": 250.5}, "fs"), ({"heart_rate": 9}, "h")]
)
def test_wrong_values_are_refused(knobs: dict[str, float], name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}.* allowed"):
        simulate(**knobs)

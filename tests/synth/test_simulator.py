from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import find_peaks

from digitize.layouts import LEAD_NAMES
from synth.simulator import simulate


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


def test_one_seed_is_one_heart() -> None:
    np.testing.assert_array_equal(simulate(2.0, 250, seed=3), simulate(2.0, 250, seed=3))
    assert np.abs(simulate(2.0, 250, seed=3) - simulate(2.0, 250, seed=4)).max() > 0.01


@pytest.mark.parametrize(
    ("knobs", "name"), [({"seconds": 0}, "seconds"), ({"fs": 250.5}, "fs"), ({"heart_rate": 9}, "h")]
)
def test_wrong_values_are_refused(knobs: dict[str, float], name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}.* allowed"):
        simulate(**knobs)

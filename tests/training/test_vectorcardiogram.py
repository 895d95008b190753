from __future__ import annotations

import numpy as np
import pytest

from digitize.layouts import LEAD_NAMES
from training.vectorcardiogram import turns


def leads(rng: np.random.Generator) -> np.ndarray:
    """Twelve leads that obey Einthoven's and Goldberger's laws."""
    made = dict(zip(LEAD_NAMES, rng.normal(size=(12, 50)), strict=True))
    made["III"] = made["II"] - made["I"]
    made["aVR"] = -(made["I"] + made["II"]) / 2
    made["aVL"] = (made["I"] - made["III"]) / 2
    made["aVF"] = (made["II"] + made["III"]) / 2
    return np.stack([made[lead] for lead in LEAD_NAMES])


def test_limb_leads_obey_their_laws_when_the_heart_is_turned():
    rng = np.random.default_rng(0)
    for turned in turns(20, 0.5, rng) @ leads(rng):
        one = dict(zip(LEAD_NAMES, turned, strict=True))
        assert one["III"] == pytest.approx(one["II"] - one["I"], abs=1e-5)
        assert one["aVF"] == pytest.approx((one["II"] + one["III"]) / 2, abs=1e-5)
        assert one["aVR"] + one["aVL"] + one["aVF"] == pytest.approx(0, abs=1e-5)


def test_turns_are_as_wide_as_asked():
    rng = np.random.default_rng(1)
    change = {spread: float(np.abs(turns(200, spread, rng) - np.eye(12)).mean()) for spread in (0.05, 0.1)}
    assert change[0.1] == pytest.approx(2 * change[0.05], rel=0.15)


def test_a_vector_keeps_its_length():
    rng = np.random.default_rng(2)
    vector = rng.normal(size=3)
    frank = np.linalg.pinv(np.array([[-0.172, -0.074, 0.122, 0.231, 0.239, 0.194, 0.156, -0.010],
                                     [0.057, -0.019, -0.106, -0.022, 0.041, 0.048, -0.227, 0.887],
                                     [-0.229, -0.310, -0.246, -0.063, 0.055, 0.108, 0.022, 0.102]]))  # fmt: skip
    chest_and_two = frank @ vector
    i, ii = chest_and_two[6:]
    shown = np.array([i, ii, ii - i, -(i + ii) / 2, i - ii / 2, ii - i / 2, *chest_and_two[:6]])
    for turned in turns(5, 0.4, rng) @ shown:
        seen = np.linalg.pinv(frank) @ np.array([*turned[6:], turned[0], turned[1]])
        assert np.linalg.norm(seen) == pytest.approx(np.linalg.norm(vector), rel=1e-4)
        assert np.linalg.norm(seen - vector) > 1e-3

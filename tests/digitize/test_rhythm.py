from __future__ import annotations

import numpy as np
import pytest

from digitize.rhythm import lead_of_rhythm

FS = 500


@pytest.mark.parametrize(("own", "other", "found"), [(0.11, 0.09, "II"), (0.4, 0.09, "aVF"), (0.3, 0.2, "II")])
def test_the_expected_lead_stands_until_another_fits_clearly_better(own, other, found):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(3, 1250))
    # A noise of power p beside a lead of power 1 leaves p / (1 + p) when the lead is taken off.
    lead, *parts = noise / noise.std(axis=1, keepdims=True)
    strips = [
        (name, 0.0, lead + np.sqrt(share / (1 - share)) * part)
        for name, share, part in zip(("II", "aVF"), (own, other), parts, strict=True)
    ]
    assert lead_of_rhythm(lead, strips, FS, "II") == found

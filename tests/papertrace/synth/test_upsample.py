from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from papertrace.synth.upsample import upsample


@given(samples=st.lists(st.floats(-10, 10, allow_subnormal=False), min_size=1, max_size=60), factor=st.integers(1, 8))
def test_samples_stay_as_they_are(samples: list[float], factor: int) -> None:
    signal = np.array(samples)
    fine = upsample(signal, factor)
    assert len(fine) == (len(signal) - 1) * factor + 1
    np.testing.assert_allclose(fine[::factor], signal, atol=1e-9)


def test_band_limited_signal_is_restored_between_samples() -> None:
    time = np.arange(2000) / 500
    fine_time = np.arange(1999 * 4 + 1) / 2000

    def wave(at: np.ndarray) -> np.ndarray:
        return np.sin(2 * np.pi * 40 * at) + 0.5 * np.cos(2 * np.pi * 110 * at)

    error = upsample(wave(time), 4) - wave(fine_time)
    assert np.abs(error[200:-200]).max() < 2e-3

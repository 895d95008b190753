from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest


@pytest.fixture(scope="session")
def ecg() -> Callable[..., np.ndarray]:
    """Simulate one lead: beats a minute and seconds to millivolts at 500 Hz."""

    def simulate(heart_rate: int, seconds: float = 10) -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import neurokit2

            signal = neurokit2.ecg_simulate(
                duration=10, sampling_rate=500, heart_rate=heart_rate, noise=0.01, random_state=3
            )
        return np.asarray(signal, np.float32)[: int(seconds * 500)]

    return simulate

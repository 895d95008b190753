from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

FS = 500


@pytest.fixture(scope="session")
def waves() -> NDArray[np.float64]:
    """Twelve slow waves of 10 s, each at a level and a phase of its own."""
    time = np.arange(10 * FS) / FS
    return np.array([0.3 * np.sin(4 * time + lead) + 0.05 * (lead - 6) for lead in range(12)])


@pytest.fixture(scope="session")
def beats() -> NDArray[np.float64]:
    """Twelve leads of narrow complexes on a flat line, 10 s."""
    time = np.arange(10 * FS) / FS
    beat = np.exp(-(((time % 0.8 - 0.4) / 0.012) ** 2))
    return np.array([(lead - 5.5) / 5 * beat for lead in range(12)])

"""Draws that any knob may use."""

from __future__ import annotations

import numpy as np


def sometimes(rng: np.random.Generator, chance: float, low: float, high: float) -> float:
    """Draw a value from `low` to `high`, or 0: the same number of draws either way, so that no knob moves another.

    Parameters
    ----------
    rng : numpy.random.Generator
    chance : float
        Of a value, 0 to 1.
    low, high : float

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> sometimes(np.random.default_rng(1), 0.0, 2.0, 3.0)
    0.0
    >>> 2.0 <= sometimes(np.random.default_rng(1), 1.0, 2.0, 3.0) <= 3.0
    True
    """
    value = float(rng.uniform(low, high))
    return value if rng.random() < chance else 0.0

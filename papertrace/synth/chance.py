"""Draws that any knob may use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Dice:
    """Draw choices from one source.

    Examples
    --------
    >>> import numpy as np
    >>> dice = Dice(np.random.default_rng(1))
    >>> dice.pick("ab", [0, 1]), dice.maybe(0.0, 2, 3), 2 <= dice.between(2, 3) <= 3
    ('b', 0.0, True)
    """

    rng: np.random.Generator

    def pick(self, values: Sequence[Any], weights: Sequence[float] | None = None) -> Any:
        """Draw one of several values."""
        share = None if weights is None else np.asarray(weights) / np.sum(weights)
        return values[int(self.rng.choice(len(values), p=share))]

    def between(self, low: float, high: float) -> float:
        """Draw a value of a range."""
        return float(self.rng.uniform(low, high))

    def chance(self, share: float) -> bool:
        """Draw whether something happens."""
        return bool(self.rng.random() < share)

    def maybe(self, share: float, low: float, high: float) -> float:
        """Draw a value of a range, or 0; the value is drawn only where it is used."""
        return self.between(low, high) if self.chance(share) else 0.0


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

"""Placeholder of the over-print: redaction boxes only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Notes:
    """What is drawn over the print.

    Attributes
    ----------
    redactions : int
        Black boxes, 0 to 20.
    """

    redactions: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.redactions <= 20:
            raise ValueError(f"redactions is {self.redactions}; allowed: 0 to 20")


@dataclass(frozen=True)
class Noted:
    """Image and the share of each pixel, 0 to 255, below which the pen cannot be seen."""

    image: NDArray[np.uint8]
    hidden: NDArray[np.uint8]


def random_notes(rng: np.random.Generator) -> Notes:
    """Draw notes."""
    return Notes(int(rng.integers(1, 4)) if rng.random() < 0.2 else 0)


def draw_notes(
    image: NDArray[np.uint8],
    px_per_mm: float,
    occupied: list[tuple[float, float, float, float]],
    notes: Notes,
    rng: np.random.Generator,
) -> Noted:
    """Draw them on a copy of the flat sheet."""
    drawn = image.copy()
    hidden = np.zeros(image.shape[:2], np.uint8)
    for _ in range(notes.redactions):
        x, y = rng.uniform(0, 0.9, 2) * (image.shape[1], image.shape[0])
        box = np.s_[int(y) : int(y + 6 * px_per_mm), int(x) : int(x + 20 * px_per_mm)]
        drawn[box], hidden[box] = 0, 255
    return Noted(drawn, hidden)

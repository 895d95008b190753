"""Placeholder of the paper's wear: one wavy relief and one torn corner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Wear:
    """What happened to the paper.

    Attributes
    ----------
    wrinkle : float
        Amplitude in mm, 0 to 2.
    torn : float
        Size of the lost corner in mm, 0 to 50.
    """

    wrinkle: float = 0.0
    torn: float = 0.0

    def __post_init__(self) -> None:
        for name, high in (("wrinkle", 2.0), ("torn", 50.0)):
            if not 0 <= getattr(self, name) <= high:
                raise ValueError(f"{name} is {getattr(self, name)}; allowed: 0 to {high:g}")


@dataclass(frozen=True)
class WornSheet:
    """Flat raster, where paper is, where the pen is hidden, and flat minus worn position in mm."""

    image: NDArray[np.uint8]
    paper: NDArray[np.uint8]
    hidden: NDArray[np.uint8]
    offset: NDArray[np.float32] | None
    spacing: float


def random_wear(rng: np.random.Generator) -> Wear:
    """Draw wear."""
    return Wear(float(rng.uniform(0.2, 1.0)) if rng.random() < 0.2 else 0.0)


def apply_wear(image: NDArray[np.uint8], px_per_mm: float, wear: Wear, rng: np.random.Generator) -> WornSheet:
    """Wear the flat raster."""
    height, width = image.shape[:2]
    paper = np.full((height, width), 255, np.uint8)
    if wear.torn:
        size = round(wear.torn * px_per_mm)
        paper[:size, :size] = 0
    offset: NDArray[np.float32] | None = None
    if wear.wrinkle:
        x, y = np.meshgrid(np.arange(0, width / px_per_mm + 2, 2.0), np.arange(0, height / px_per_mm + 2, 2.0))
        phase = rng.uniform(0, 6, 2)
        moved = wear.wrinkle * np.stack((np.sin(y / 9 + phase[0]), np.sin(x / 7 + y / 15 + phase[1])), axis=-1)
        offset = moved.astype(np.float32)
    return WornSheet(image.copy(), paper, np.zeros((height, width), np.uint8), offset, 2.0)

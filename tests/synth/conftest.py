from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

import synth.printer
from synth.wear import Wear, WornSheet


@pytest.fixture
def wavy_paper(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make every sheet that is photographed wavy and torn by known amounts, whatever `Wear` says."""

    def wear_out(waves: float = 0.0, torn: float = 0.0, covered: float = 0.0) -> None:
        """Amplitude of the waves, and sides of the lost upper left corner and of a cover in it, all mm."""

        def apply(image: NDArray[np.uint8], px_per_mm: float, wear: Wear, rng: np.random.Generator) -> WornSheet:
            height, width = image.shape[:2]
            paper, hidden = np.full((height, width), 255, np.uint8), np.zeros((height, width), np.uint8)
            lost, under = round(torn * px_per_mm), round(covered * px_per_mm)
            paper[:lost, :lost], hidden[:under, :under] = 0, 255
            x, y = np.meshgrid(np.arange(0, width / px_per_mm + 2, 2.0), np.arange(0, height / px_per_mm + 2, 2.0))
            offset = waves * np.stack((np.sin(y / 9), np.sin(x / 7 + y / 15)), axis=-1)
            return WornSheet(image.copy(), paper, hidden, offset.astype(np.float32) if waves else None, 2.0)

        monkeypatch.setattr(synth.printer, "apply_wear", apply)

    return wear_out

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

import papertrace.synth.printer
from papertrace.synth.wear import Wear, WornSheet

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

        monkeypatch.setattr(papertrace.synth.printer, "apply_wear", apply)

    return wear_out

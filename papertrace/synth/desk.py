"""Draw what the sheet lies on: a desk with its grain, and the sheet's own shadow on it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from papertrace.synth.canvas import RGB
from papertrace.synth.noise import smooth_noise

_COARSE = 3


def lay_on_desk(
    image: NDArray[np.uint8],
    paper: NDArray[np.uint8],
    color: RGB,
    table: str,
    texture: float,
    shadow: float,
    pixels_per_mm: float,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Fill in what shows where there is no paper.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8
    paper : ndarray, shape (H, W), uint8
        Share of each pixel that is paper.
    color : RGB
    table : str
        One of `papertrace.synth.capture.TABLES`.
    texture : float
        Strength of the grain, 0 to 1.
    shadow : float
        Depth of the shadow that the sheet's edge throws, 0 to 1.
    pixels_per_mm : float
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (H, W, 3), uint8
    """
    height, width = paper.shape
    size = (max(2, width // _COARSE), max(2, height // _COARSE))
    level = np.ones(size[::-1], np.float32)
    if texture:
        level += 0.25 * texture * _grain(size, pixels_per_mm / _COARSE, table, rng)
    if shadow:
        near = cv2.resize(paper, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        drop = rng.uniform(-1, 1, 2) * pixels_per_mm / _COARSE * 1.5
        moved = cv2.warpAffine(
            near, np.array([[1, 0, drop[0]], [0, 1, drop[1]]]), size, borderMode=cv2.BORDER_REPLICATE
        )
        spread = float(rng.uniform(0.8, 3.0)) * pixels_per_mm / _COARSE
        level *= 1 - shadow * cv2.GaussianBlur(moved, (0, 0), max(spread, 0.5))
    coarse = np.clip(np.round(level[..., None] * np.array(color, np.float32)), 0, 255).astype(np.uint8)
    desk = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    laid = np.asarray(cv2.copyTo(desk, cv2.inRange(paper, 0, 0), image.copy()), np.uint8)
    edge = np.flatnonzero(np.asarray(cv2.inRange(paper, 1, 254)) > 0)
    share = paper.reshape(-1)[edge, None].astype(np.float32) / 255
    over, under = image.reshape(-1, 3)[edge], desk.reshape(-1, 3)[edge]
    laid.reshape(-1, 3)[edge] = np.round(over * share + under * (1 - share)).astype(np.uint8)
    return laid


def _grain(size: tuple[int, int], pixels_per_mm: float, table: str, rng: np.random.Generator) -> NDArray[np.float32]:
    """Grain of unit variance: of wood, stone or cloth, or a faint one of wood, cloth or speckled laminate."""
    if table in _GRAINS:
        return _evened(_GRAINS[table]((size[1], size[0]), pixels_per_mm, rng))
    width, height = size
    noise = rng.standard_normal((height, width), dtype=np.float32)
    kind = int(rng.integers(3))
    if kind == 0:
        long, fine = 40 * pixels_per_mm, max(0.4 * pixels_per_mm, 0.6)
        along = (long, fine) if rng.random() < 0.5 else (fine, long)
        streaks = cv2.blur(cv2.GaussianBlur(noise, (0, 0), fine), (_odd(along[0]), _odd(along[1])))
        broad = (
            cv2.blur(noise, (_odd(along[0]), _odd(12 * fine)))
            if along[0] > along[1]
            else cv2.blur(noise, (_odd(12 * fine), _odd(along[1])))
        )
        grain = streaks / max(float(streaks.std()), 1e-6) + broad / max(float(broad.std()), 1e-6)
    elif kind == 1:
        grain = cv2.GaussianBlur(noise, (0, 0), max(0.5 * pixels_per_mm, 0.6))
    else:
        speckles = cv2.GaussianBlur(noise, (0, 0), max(0.3 * pixels_per_mm, 0.6))
        grain = np.where(speckles > 1.5 * speckles.std(), np.float32(1.0), np.float32(0.0))
    return _evened(grain)


def _evened(grain: NDArray[Any]) -> NDArray[np.float32]:
    """Give grain a mean of zero and unit variance."""
    centered = grain - grain.mean()
    return np.asarray(centered / max(float(centered.std()), 1e-6), np.float32)


def _wood(shape: tuple[int, int], pixels_per_mm: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Rings of a trunk, cut along: broad bands that wander, with pores as short streaks."""
    long, across = 120 * pixels_per_mm, 9 * pixels_per_mm
    upright = rng.random() < 0.5
    cells = (long, across) if upright else (across, long)
    rings = smooth_noise(shape, cells, rng, octaves=4)
    bands = np.sin(float(rng.uniform(4, 14)) * rings)
    pores = smooth_noise(shape, tuple(max(1.0, cell / 14) for cell in cells), rng)  # type: ignore[arg-type]
    tone = smooth_noise(shape, tuple(2.5 * cell for cell in cells), rng)  # type: ignore[arg-type]
    return np.asarray(rings + 0.35 * bands + 1.2 * np.minimum(pores, 0) + tone, np.float32)


def _stone(shape: tuple[int, int], pixels_per_mm: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Clouds with veins where a field changes its sign, and grains of mica."""
    clouds = smooth_noise(shape, 45 * pixels_per_mm, rng, octaves=5)
    veins = np.exp(-np.abs(smooth_noise(shape, 60 * pixels_per_mm, rng, octaves=4)) / 0.03)
    grains = smooth_noise(shape, max(1.0, 0.8 * pixels_per_mm), rng)
    return np.asarray(
        clouds + float(rng.uniform(-0.8, 0.8)) * veins + float(rng.uniform(0.2, 1.2)) * grains, np.float32
    )


def _cloth(shape: tuple[int, int], pixels_per_mm: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Threads of a weave, and soft folds."""
    thread = max(1.0, 0.5 * pixels_per_mm)
    weave = smooth_noise(shape, (thread, 12 * thread), rng) + smooth_noise(shape, (12 * thread, thread), rng)
    return np.asarray(0.5 * weave + smooth_noise(shape, 70 * pixels_per_mm, rng, octaves=2), np.float32)


_GRAINS = {"wood": _wood, "stone": _stone, "cloth": _cloth}


def _odd(extent: float) -> int:
    return 2 * int(extent / 2) + 1

"""Adhesive tape: a strip with straight sides and saw-toothed ends, clear, yellowed or opaque."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from papertrace.synth.canvas import RGB, Canvas
from papertrace.synth.noise import smooth_noise
from papertrace.synth.tears import patch

TAPES = ("clear", "yellowed", "opaque")
"""Office tape, the same after years, and masking tape."""

_TINTS: dict[str, RGB] = {"clear": (248, 246, 240), "yellowed": (238, 208, 140), "opaque": (222, 202, 160)}
_GLOSS: RGB = (255, 255, 252)


def stick(
    canvas: Canvas, kind: str, middle: tuple[float, float], length: float, angle: float, rng: np.random.Generator
) -> None:
    """Stick a piece of tape on a canvas.

    Parameters
    ----------
    canvas : Canvas
        Painted on in place.
    kind : str
        One of `TAPES`. Through the first two the print is seen.
    middle : tuple of float
        x, y in mm.
    length : float
        mm.
    angle : float
        Degrees, positive clockwise as seen.
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If there is no such tape.

    Examples
    --------
    >>> canvas = Canvas(np.full((240, 320, 3), 255, np.uint8), 4.0)
    >>> stick(canvas, "opaque", (40.0, 30.0), 50.0, 10.0, np.random.default_rng(0))
    >>> int(canvas.hidden[120, 160])
    255
    """
    if kind not in TAPES:
        raise ValueError(f"tape is {kind!r}; allowed: {', '.join(TAPES)}")
    breadth = rng.uniform(15, 19) if kind != "opaque" else rng.uniform(18, 25)
    turn = np.deg2rad(angle)
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    teeth = np.arange(0, breadth + 0.01, 0.7)
    saw = np.where(np.arange(len(teeth)) % 2, 0.45, 0.0) + rng.normal(0, 0.05, len(teeth))
    right = np.stack([length / 2 + saw, teeth - breadth / 2], axis=1)
    left = np.stack([-length / 2 + saw, breadth / 2 - teeth], axis=1)
    outline = np.concatenate([right, left]) @ axes + middle
    coverage, corner = patch(outline, canvas.px_per_mm)
    shape = coverage.shape
    fine = np.ones((3, 3), np.uint8)
    edge = cv2.subtract(coverage, cv2.erode(coverage, fine, iterations=max(1, round(0.15 * canvas.px_per_mm))))
    tint = _TINTS[kind]
    if kind == "opaque":
        crepe = smooth_noise(shape, (0.5 * canvas.px_per_mm, 4 * canvas.px_per_mm), rng)
        levels = np.array(tint, np.float32) * (1 + np.float32(0.05) * crepe[..., None])
        canvas.cover(np.asarray(np.clip(levels, 0, 255), np.uint8), coverage, corner)
    else:
        # Glue ages in patches, and air below it looks pale.
        patchy = np.clip(0.85 + 0.3 * smooth_noise(shape, 7 * canvas.px_per_mm, rng, octaves=2), 0, 1)
        canvas.ink(np.asarray(coverage * patchy, np.uint8), corner, tint)
        bubbles = np.clip(smooth_noise(shape, 3.5 * canvas.px_per_mm, rng, octaves=2) - 0.45, 0, 1)
        shine = _shine(shape, np.array(corner) / canvas.px_per_mm, canvas.px_per_mm, middle, axes, breadth, rng)
        canvas.glaze(_GLOSS, np.asarray(coverage * np.clip(0.12 * bubbles + shine, 0, 0.6), np.uint8), corner)
    canvas.ink(np.asarray(cv2.convertScaleAbs(edge, alpha=0.35), np.uint8), corner, (120, 100, 70))


def _shine(
    shape: tuple[int, int],
    origin: NDArray[np.float64],
    px_per_mm: float,
    middle: tuple[float, float],
    axes: NDArray[np.float64],
    breadth: float,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Opacity of the lamp's reflection: a soft streak along the tape."""
    x = (np.arange(shape[1], dtype=np.float32) + np.float32(0.5)) / np.float32(px_per_mm) + np.float32(
        origin[0] - middle[0]
    )
    y = (np.arange(shape[0], dtype=np.float32) + np.float32(0.5)) / np.float32(px_per_mm) + np.float32(
        origin[1] - middle[1]
    )
    across = x[None, :] * np.float32(axes[1, 0]) + y[:, None] * np.float32(axes[1, 1])
    place, spread = rng.uniform(-0.4, 0.4) * breadth, rng.uniform(0.1, 0.3) * breadth
    streak = np.exp(-np.square((across - np.float32(place)) / np.float32(spread)))
    return np.asarray(np.float32(rng.uniform(0.05, 0.3)) * streak, np.float32)

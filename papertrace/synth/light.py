"""Light on the sheet: its fall-off, shading of bent paper, shadows, gloss and stray light, coarsely tabulated."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from papertrace.synth.capture import Capture
from papertrace.synth.pose import bend
from papertrace.synth.warp import Warp

Field = NDArray[np.float32]

_NODES = 160
_ELEVATION = 40.0
_SHADOW_TINT = (1.0, 0.97, 0.92)


def light_field(warp: Warp, sheet: tuple[float, float], capture: Capture, rng: np.random.Generator) -> Field:
    """Share of the light that each place of the picture gets.

    Parameters
    ----------
    warp : Warp
    sheet : tuple of float
        Width and height in mm.
    capture : Capture
    rng : numpy.random.Generator
        Source of the shadow's shape and the light's patches.

    Returns
    -------
    ndarray, shape (h, w, 3), float32
        Gains of red, green and blue on a coarse raster of the picture's aspect; 1 is plain white light.
    """
    x, y, pixels = _coarse(warp.shape)
    height, width = x.shape
    tint = np.ones((height, width, 3), np.float32)
    # The light's way is the sheet's, x and y are the turned picture's.
    angle = np.deg2rad(capture.light_direction + 90 * capture.quarter_turns)
    towards = np.cos(angle) * x + np.sin(angle) * y
    if capture.uneven:
        patches = _smooth_noise((height, width), 0.25, rng)
        lost = np.clip(0.5 - 0.5 * towards / np.abs(towards).max() + 0.15 * patches, 0, 1)
        tint *= (1 - capture.uneven * lost**1.3)[..., None]
    if capture.vignette:
        squared = (x**2 + y**2) / (x**2 + y**2).max()
        tint *= (1 - capture.vignette * (0.4 * squared + 0.6 * squared**2))[..., None]
    if capture.shadow:
        depth = capture.shadow * _shadow((height, width), angle, rng)
        tint *= 1 - depth[..., None] * np.array(_SHADOW_TINT, np.float32)
    if capture.lid:
        edge = [x - x.min(), y - y.min(), x.max() - x, y.max() - y][int(rng.integers(4))]
        tint *= (1 - capture.lid * np.exp(-edge / rng.uniform(0.01, 0.06)))[..., None]
    if capture.relief and (capture.curl or capture.lift):
        tint *= _shading(warp, pixels, sheet, capture)[..., None]
    return np.asarray(tint * np.array(capture.white_balance, np.float32), np.float32)


def stray_light(warp: Warp, capture: Capture, rng: np.random.Generator) -> Field:
    """Light that the picture gets without the sheet's ink: haze and gloss.

    Parameters
    ----------
    warp : Warp
    capture : Capture
    rng : numpy.random.Generator
        Source of the gloss's place.

    Returns
    -------
    ndarray, shape (h, w), float32
        Share of white that replaces the picture, on a coarse raster of the picture's aspect.
    """
    x, y, _ = _coarse(warp.shape)
    veil = np.full(x.shape, capture.haze, np.float32)
    if capture.glare:
        center = rng.uniform(-0.4, 0.4, 2) * (np.ptp(x), np.ptp(y))
        spread = rng.uniform(0.05, 0.25, 2)
        turn = rng.uniform(0, np.pi)
        along = (x - center[0]) * np.cos(turn) + (y - center[1]) * np.sin(turn)
        across = (y - center[1]) * np.cos(turn) - (x - center[0]) * np.sin(turn)
        spot = np.exp(-((along / spread[0]) ** 2 + (across / spread[1]) ** 2))
        ripple = np.clip(1 + 0.5 * _smooth_noise(x.shape, 0.05, rng), 0.2, 1.5)
        veil = veil + (1 - veil) * np.clip(capture.glare * spot * ripple, 0, 1)
    return np.asarray(veil, np.float32)


def illuminate(image: NDArray[np.uint8], field: Field, veil: Field | None) -> NDArray[np.uint8]:
    """Put an image into a light.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8
    field : ndarray, shape (h, w, 3), float32
        Of `light_field`.
    veil : ndarray, shape (h, w), float32, optional
        Of `stray_light`.

    Returns
    -------
    ndarray, shape (H, W, 3), uint8
    """
    size = image.shape[1::-1]
    if veil is not None:
        field = field * (1 - veil[..., None])
    lit = cv2.multiply(image, cv2.resize(field, size, interpolation=cv2.INTER_LINEAR), dtype=cv2.CV_8U)
    if veil is not None:
        white = np.round(255 * np.repeat(veil[..., None], 3, axis=2)).astype(np.uint8)
        lit = cv2.add(lit, cv2.resize(white, size, interpolation=cv2.INTER_LINEAR))
    return np.asarray(lit, np.uint8)


def _coarse(shape: tuple[int, int]) -> tuple[Field, Field, NDArray[np.float64]]:
    """Coordinates of the coarse raster from the picture's middle, 1 for its longer side, and its pixels."""
    longer = max(shape)
    rows, columns = (max(8, round(_NODES * extent / longer)) for extent in shape)
    y = (np.arange(rows) + 0.5) * shape[0] / rows - 0.5
    x = (np.arange(columns) + 0.5) * shape[1] / columns - 0.5
    pixels = np.stack(np.meshgrid(x, y), axis=-1)
    middle = (np.array(shape[::-1]) - 1) / 2
    centered = ((pixels - middle) / longer).astype(np.float32)
    return centered[..., 0], centered[..., 1], pixels


def _smooth_noise(shape: tuple[int, int], scale: float, rng: np.random.Generator) -> Field:
    """Patches of unit variance, `scale` of the picture wide."""
    sigma = max(scale * max(shape), 0.5)
    noise = cv2.GaussianBlur(rng.standard_normal(shape, dtype=np.float32), (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    return np.asarray(noise / max(float(noise.std()), 1e-6), np.float32)


def _shadow(shape: tuple[int, int], light: float, rng: np.random.Generator) -> Field:
    """Shade, 0 to 1, of somebody in the light, of a phone, or of a hand at the edge away from it."""
    height, width = shape
    mask = np.zeros(shape, np.uint8)
    longer = max(shape)
    kind = int(rng.integers(3))
    start = np.array([width, height]) * (0.5 + 0.5 * np.array([np.cos(light), np.sin(light)]))
    start = start + rng.normal(0, 0.15, 2) * longer
    if kind == 0:
        # An edge across the whole picture: a head, a body, a cupboard.
        normal = light + rng.normal(0, 0.5)
        way = np.array([np.cos(normal), np.sin(normal)])
        along = np.array([-way[1], way[0]])
        middle = np.array([width, height]) * rng.uniform(0.25, 0.75, 2)
        steps = np.linspace(-2, 2, 41)
        wave = 0.06 * np.cumsum(rng.normal(0, 0.35, len(steps)))
        rim = middle + longer * (steps[:, None] * along + wave[:, None] * way)
        outline = np.concatenate((rim, [rim[-1] + 3 * longer * way, rim[0] + 3 * longer * way]))
        cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], 255)
    elif kind == 1:
        size = (longer * rng.uniform(0.25, 0.45), longer * rng.uniform(0.5, 0.9))
        box = cv2.boxPoints((tuple(map(float, start)), tuple(map(float, size)), float(rng.uniform(0, 180))))
        cv2.fillConvexPoly(mask, np.round(box).astype(np.int32), 255)
    else:
        target = np.array([width, height]) * rng.uniform(0.3, 0.7, 2)
        thick = max(2, round(longer * rng.uniform(0.08, 0.16)))
        palm = start + 0.6 * (target - start)
        cv2.line(mask, _pixel(start), _pixel(palm), 255, thick)
        heading = float(np.arctan2(*(target - start)[::-1]))
        for spread in np.linspace(-0.35, 0.35, 4) + rng.normal(0, 0.05, 4):
            tip = palm + longer * rng.uniform(0.12, 0.2) * np.array(
                [np.cos(heading + spread), np.sin(heading + spread)]
            )
            cv2.line(mask, _pixel(palm), _pixel(tip), 255, max(1, thick // 4))
    softness = longer * rng.uniform(0.015, 0.09)
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32) / 255, (0, 0), softness), np.float32)


def _pixel(point: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def _shading(warp: Warp, pixels: NDArray[np.float64], sheet: tuple[float, float], capture: Capture) -> Field:
    """Lambert's law on the bent sheet, 1 where it lies flat; the desk beside it is not shaded."""
    points = warp.to_sheet(pixels).reshape(-1, 2)
    on_sheet = np.clip(points, 0, sheet)
    nudge = 0.5
    here = bend(on_sheet, sheet, capture)
    across, down = (bend(on_sheet + step, sheet, capture) - here for step in nudge * np.eye(2))
    normal = np.cross(across, down)
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    azimuth, elevation = np.deg2rad([capture.light_direction, _ELEVATION])
    light = np.array([np.cos(azimuth) / np.tan(elevation), np.sin(azimuth) / np.tan(elevation), 1.0])
    shade = 1 + capture.relief * 0.6 * (np.clip(normal @ light, 0.1, 1.6) - 1)
    outside = np.abs(points - on_sheet).max(axis=1)
    shade = 1 + (shade - 1) * np.exp(-outside / 3.0)
    return np.asarray(shade.reshape(pixels.shape[:2]), np.float32)

"""From the flat sheet to the picture: one resampling, then everything that light and devices do to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from papertrace.synth.binarize import binarize
from papertrace.synth.desk import lay_on_desk
from papertrace.synth.fax import send_by_fax
from papertrace.synth.light import illuminate, light_field, stray_light
from papertrace.synth.moire import show_on_screen
from papertrace.synth.sensor import add_noise, band, blur, sharpen, smooth
from papertrace.synth.warp import Warp, fill_lattice

if TYPE_CHECKING:
    from papertrace.synth.style import PageStyle

Image = NDArray[np.uint8]

_LIGHT, _DESK, _SENSOR, _FAX = 4, 5, 6, 7
_CONTACT_SHADOW = 0.35


@dataclass(frozen=True)
class Sheet:
    """A flat sheet of paper, drawn and worn. Pixel centers lie half a pixel in from its edges.

    Attributes
    ----------
    image : ndarray, shape (H, W, 3), uint8
    ink : ndarray, shape (H, W), uint8
        Share of each pixel that the traces' pen covers, where it can be seen.
    paper : ndarray, shape (H, W), uint8
        Share of each pixel that is paper.
    size : tuple of float
        Width and height in mm.
    pixels_per_mm : float
    """

    image: Image
    ink: Image
    paper: Image
    size: tuple[float, float]
    pixels_per_mm: float


def lay_out(sheet: Sheet, warp: Warp, style: PageStyle, seed: int) -> tuple[Image, Image]:
    """Draw a sheet through a warp, with the desk where there is no paper.

    Parameters
    ----------
    sheet : Sheet
    warp : Warp
    style : PageStyle
    seed : int

    Returns
    -------
    image : ndarray, shape (H, W, 3), uint8
    ink : ndarray, shape (H, W), uint8
    """
    place = warp.lattice * np.float32(sheet.pixels_per_mm) - np.float32(0.5)
    x, y = fill_lattice(place, warp.step, warp.shape)
    drawn = cv2.remap(sheet.image, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    masks = cv2.remap(cv2.merge((sheet.ink, sheet.paper)), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    image, ink, paper = (np.asarray(layer, np.uint8) for layer in (drawn, *cv2.split(masks)))
    if paper.min() < 255:
        capture = style.capture
        image = lay_on_desk(
            image,
            paper,
            capture.desk or style.bed_color,
            capture.table,
            capture.texture,
            _CONTACT_SHADOW if capture.moves else 0.0,
            sheet.pixels_per_mm,
            np.random.default_rng([seed, _DESK]),
        )
    return image, ink


def expose(image: Image, warp: Warp, size: tuple[float, float], style: PageStyle, seed: int) -> Image:
    """Light a scene and take its picture.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8
        What lies before the device.
    warp : Warp
    size : tuple of float
        Width and height of the sheet in mm.
    style : PageStyle
    seed : int

    Returns
    -------
    ndarray, shape (H, W, 3), uint8
    """
    capture = style.capture
    scale = style.dpi / 25.4
    light = np.random.default_rng([seed, _LIGHT])
    field = light_field(warp, size, capture, light)
    veil = stray_light(warp, capture, light) if capture.haze or capture.glare else None
    if veil is not None or not (field == 1).all():
        image = illuminate(image, field, veil)
    if capture.moire:
        x, y = fill_lattice(warp.lattice * np.float32(scale), warp.step, warp.shape)
        image = show_on_screen(image, x, y, capture.screen_pitch, capture.moire)
    image = blur(image, capture.defocus, capture.motion, capture.motion_direction)
    sensor = np.random.default_rng([seed, _SENSOR])
    if capture.noise:
        image = add_noise(image, capture.noise, sensor)
    if capture.denoising:
        image = smooth(image, capture.denoising, capture.noise)
    if capture.sharpening:
        image = sharpen(image, capture.sharpening)
    if capture.banding:
        image = band(image, capture.banding, sensor)
    if capture.fax != "none":
        fax = np.random.default_rng([seed, _FAX])
        image = send_by_fax(image, capture.fax, scale, capture.halftone, capture.dropouts, fax)
    middle = 127.5 * cv2.cvtColor(field, cv2.COLOR_RGB2GRAY)
    return _store(image, style, middle if veil is None else middle * (1 - veil) + 255 * veil)


def _store(image: Image, style: PageStyle, middle: NDArray[np.float32]) -> Image:
    """Do to the picture what color modes and file formats do; `middle` is half-way gray in the light that it got."""
    if style.color != "rgb":
        gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
        if style.color == "1-bit" and style.capture.local_threshold:
            gray = binarize(gray, style.capture.local_threshold, style.dpi / 25.4)
        elif style.color == "1-bit":
            # A device that stores one bit evens out the light first, or its pictures would be black.
            threshold = cv2.resize(middle, gray.shape[::-1], interpolation=cv2.INTER_LINEAR)
            gray = np.where(gray >= threshold, np.uint8(255), np.uint8(0))
        image = np.repeat(gray[..., None], 3, axis=2)
    if style.jpeg is not None:
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, style.jpeg])
        image = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR_RGB), np.uint8)
    return image

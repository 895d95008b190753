"""What happens to a sheet in its life: folds, wrinkles, stains, water, mould, tears, tape, light and dust."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray

from synth.canvas import Canvas
from synth.crumple import facets
from synth.dust import dust
from synth.folds import FOLDS, Crease, add_slope, broken_print, fold_lines, random_crease
from synth.mould import colonies
from synth.noise import smooth_noise
from synth.relief import displacement, shading, soften
from synth.stains import ring, soaked, spill
from synth.tape import TAPES, stick
from synth.tears import cut_edges, filled, punched, random_tear

SPACING = 2.0
"""Of the displacement's lattice, mm."""

_RELIEF = 2.0
_BORDER = 24.0
_TINT = 4.0
_UNIT = 200.0
_COFFEE = (0.22, 0.42, 0.80)
_TEA = (0.10, 0.26, 0.62)
_BLOOD = (0.25, 0.85, 0.95)
_BETADINE = (0.25, 0.60, 1.20)
_RUST = (0.15, 0.34, 0.62)
_MOULD = (62, 68, 58)
_FIBRES = (247, 245, 238)
_STEEPNESS = 0.34


@dataclass(frozen=True)
class Wear:
    """What a sheet has gone through. By default nothing. Strengths run from 0 to 1.

    Attributes
    ----------
    crumple : float
        Crumpled by hand and flattened again; 1 bends the print by up to about 1.5 mm.
    wrinkles : float
        Long ripples of one direction, as a sheet gets in a file or under a hand.
    facet : float
        Size of a crumpled sheet's facets, 8 to 80 mm.
    fold : str
        One of `synth.folds.FOLDS`.
    creases : int
        Short accidental bends, 0 to 20.
    light : float
        Where the light comes from that shows the relief, degrees clockwise as seen: 0 from the right, 90 from below.
    light_height : float
        Of the lamp over the paper, 15 to 85 degrees: a low one shows more.
    stains : int
        Rings of cups and spills, 0 to 10.
    soaking : float
        Water that came in from a side, left tide-marks, let the ink run and the paper cockle.
    mould : float
        Greenish grey specks and colonies; the densest hide the trace.
    tears : int
        Slits, bites and missing corners, 0 to 10.
    cropped : float
        The most that a crooked cut took off an edge, 0 to 60 mm.
    punches : int
        Binder holes, 0, 2, 3 or 4.
    tape : int
        Pieces of tape, 0 to 6.
    tape_kind : str
        One of `synth.tape.TAPES`; the print is hidden below ``"opaque"``.
    yellowing : float
        From the edges inward.
    dust : float
        Specks, hairs and scratches.

    Raises
    ------
    ValueError
        If a value is not one of those allowed; the message lists them.

    Examples
    --------
    >>> Wear(fold="half").crumple
    0.0
    """

    crumple: float = 0.0
    wrinkles: float = 0.0
    facet: float = 26.0
    fold: str = "none"
    creases: int = 0
    light: float = 215.0
    light_height: float = 50.0
    stains: int = 0
    soaking: float = 0.0
    mould: float = 0.0
    tears: int = 0
    cropped: float = 0.0
    punches: int = 0
    tape: int = 0
    tape_kind: str = "clear"
    yellowing: float = 0.0
    dust: float = 0.0

    def __post_init__(self) -> None:
        ranges: tuple[tuple[str, float, float], ...] = (
            *((name, 0.0, 1.0) for name in ("crumple", "wrinkles", "soaking", "mould", "yellowing", "dust")),
            ("facet", 8.0, 80.0),
            ("light", -360.0, 360.0),
            ("light_height", 15.0, 85.0),
            ("cropped", 0.0, 60.0),
        )
        for name, low, high in ranges:
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} is {getattr(self, name)}; allowed: {low:g} to {high:g}")
        for name, most in (("creases", 20), ("stains", 10), ("tears", 10), ("tape", 6)):
            count = getattr(self, name)
            if not (isinstance(count, int) and 0 <= count <= most):
                raise ValueError(f"{name} is {count!r}; allowed: a whole number from 0 to {most}")
        for name, allowed in (("fold", FOLDS), ("tape_kind", TAPES), ("punches", (0, 2, 3, 4))):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is {getattr(self, name)!r}; allowed: {', '.join(map(str, allowed))}")

    def bends(self) -> bool:
        """Whether the sheet is no longer flat."""
        return bool(self.crumple or self.wrinkles or self.creases or self.soaking) or self.fold != "none"


@dataclass(frozen=True)
class WornSheet:
    """A sheet after its life, as one picture of the flat paper and the way that it is bent.

    Attributes
    ----------
    image : ndarray, shape (H, W, 3), uint8
        RGB of the flat sheet, with the shading of its relief and all that is on it.
    paper : ndarray, shape (H, W), uint8
        255 where there is paper, 0 where what lies below the sheet is seen.
    hidden : ndarray, shape (H, W), uint8
        Share of each pixel whose print cannot be seen because something opaque is on it or its face is torn off.
    offset : ndarray, shape (r, c, 2), float32, or None
        ``offset[i, j]`` is flat minus worn position in mm at the worn point ``(j * spacing, i * spacing)``: point q of
        the worn sheet shows flat point ``q + offset(q)``. None where the sheet is flat.
    spacing : float
        mm.
    """

    image: NDArray[np.uint8]
    paper: NDArray[np.uint8]
    hidden: NDArray[np.uint8]
    offset: NDArray[np.float32] | None
    spacing: float


def random_wear(rng: np.random.Generator) -> Wear:
    """Draw what a sheet may have gone through: often little, now and then everything.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    Wear

    Examples
    --------
    >>> random_wear(np.random.default_rng(5)) == random_wear(np.random.default_rng(5))
    True
    """

    def some(share: float, low: float, high: float) -> float:
        value = float(rng.uniform(low, high))
        return value if rng.random() < share else 0.0

    def count(share: float, mean: float, most: int) -> int:
        value = int(min(most, 1 + rng.poisson(mean)))
        return value if rng.random() < share else 0

    untouched = rng.random() < 0.3
    drawn = Wear(
        crumple=some(0.25, 0.1, 0.8),
        wrinkles=some(0.3, 0.1, 0.7),
        facet=float(np.exp(rng.uniform(np.log(12), np.log(55)))),
        fold=FOLDS[int(rng.choice(len(FOLDS), p=[0.68, 0.12, 0.06, 0.07, 0.07]))],
        creases=count(0.3, 1.5, 8),
        light=float(rng.uniform(0, 360)),
        light_height=float(rng.uniform(30, 75)),
        stains=count(0.18, 0.6, 4),
        soaking=some(0.1, 0.2, 0.9),
        mould=some(0.08, 0.1, 0.8),
        tears=count(0.15, 0.6, 4),
        cropped=some(0.1, 2, 20),
        punches=(0, 2, 3, 4)[int(rng.choice(4, p=[0.8, 0.12, 0.05, 0.03]))],
        tape=count(0.1, 0.4, 3),
        tape_kind=TAPES[int(rng.choice(3, p=[0.45, 0.43, 0.12]))],
        yellowing=some(0.3, 0.1, 1.0),
        dust=some(0.4, 0.05, 0.8),
    )
    return Wear() if untouched else drawn


def apply_wear(image: NDArray[np.uint8], px_per_mm: float, wear: Wear, rng: np.random.Generator) -> WornSheet:
    """Wear a flat, upright sheet.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8
        RGB.
    px_per_mm : float
        Pixels per mm.
    wear : Wear
    rng : numpy.random.Generator
        Source of every place and shape. Each kind of wear has a stream of its own, so that one more stain does not
        move the folds.

    Returns
    -------
    WornSheet

    Raises
    ------
    ValueError
        If the image is not an RGB picture or the resolution is not positive.

    Examples
    --------
    >>> sheet = np.full((400, 600, 3), 250, np.uint8)
    >>> worn = apply_wear(sheet, 4.0, Wear(crumple=0.5), np.random.default_rng(0))
    >>> worn.image.shape, worn.offset.shape, bool(0.02 < abs(worn.offset).max() < 1.5)
    ((400, 600, 3), (51, 76, 2), True)
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f"image has shape {image.shape} and type {image.dtype}; allowed: (H, W, 3) of uint8")
    if not (np.isfinite(px_per_mm) and px_per_mm > 0):
        raise ValueError(f"px_per_mm is {px_per_mm}; allowed: a positive number")
    key = int(rng.integers(1 << 62))
    streams = {field.name: np.random.default_rng([key, index]) for index, field in enumerate(fields(Wear))}
    canvas = Canvas(image, px_per_mm)
    tint_shape = (math.ceil(canvas.height * _TINT), math.ceil(canvas.width * _TINT))

    folds = fold_lines(wear.fold, canvas.width, canvas.height, streams["fold"])
    short = [random_crease(canvas.width, canvas.height, streams["creases"]) for _ in range(wear.creases)]
    creases = folds + short
    light: NDArray[np.float32] | None = None
    offset = None
    wet: NDArray[np.float32] | None = None
    density: NDArray[np.float32] | None = None
    if wear.soaking:
        wet, density = soaked(tint_shape, _TINT, wear.soaking, streams["soaking"])
    if wear.bends():
        slope = _relief(canvas.width, canvas.height, wear, creases, wet, streams)
        light, offset = _lit(slope, canvas.width, canvas.height, wear)

    if wet is not None:
        _run(canvas, wet)
    _dye(canvas, _tints(tint_shape, wear, light, density, streams))
    if creases:
        _break_print(canvas, creases, streams["creases"])
    if wear.mould:
        growth = colonies(tint_shape, _TINT, wear.mould, streams["mould"])
        grown = cv2.resize(growth, canvas.hidden.shape[::-1], interpolation=cv2.INTER_LINEAR)
        canvas.glaze(_MOULD, np.asarray(grown, np.uint8), (0, 0))
        # A pixel of which a tenth shines through still shows the trace.
        canvas.hidden = cv2.max(canvas.hidden, cv2.threshold(grown, 254, 255, cv2.THRESH_BINARY)[1])
    paper = _missing(canvas, wear, streams)
    for _ in range(wear.tape):
        _tape(canvas, wear.tape_kind, streams["tape"])
    if wear.dust:
        dark, bright = dust(canvas.hidden.shape, px_per_mm, wear.dust, streams["dust"])
        canvas.image = cv2.add(
            cv2.subtract(canvas.image, cv2.merge([dark, dark, dark])), cv2.merge([bright, bright, bright])
        )
    return WornSheet(canvas.image, paper, canvas.hidden, offset, SPACING)


def _relief(
    width: float,
    height: float,
    wear: Wear,
    creases: list[Crease],
    wet: NDArray[np.float32] | None,
    streams: dict[str, np.random.Generator],
) -> NDArray[np.float32]:
    """Slope of the sheet and of a border around it, so that the Fourier transform's wrap stays off the sheet."""
    # Whole cells of the displacement's lattice, one more than the sheet has, with its first point at the corner.
    factor = round(SPACING * _RELIEF)
    cells = [2 * round(_BORDER / SPACING) + math.ceil(length / SPACING) + 1 for length in (height, width)]
    shape = (fft_length(cells[0]) * factor, fft_length(cells[1]) * factor)
    slope = np.zeros((*shape, 2), np.float32)
    if wear.crumple:
        rng = streams["crumple"]
        slope += np.float32(_STEEPNESS * wear.crumple) * facets(shape, _RELIEF, wear.facet, 1.0, 0.0, rng)
    if wear.wrinkles:
        rng = streams["wrinkles"]
        stretch, angle = rng.uniform(2.5, 7.0), rng.normal(0, 15) + 90 * (rng.random() < 0.4)
        steepness = np.float32(0.6 * _STEEPNESS * wear.wrinkles)
        slope += steepness * facets(shape, _RELIEF, 0.8 * wear.facet, stretch, angle, rng)
    if creases:
        origin = -_BORDER - SPACING / 2 + 0.5 / _RELIEF
        slope = add_slope(slope, _RELIEF, (origin, origin), creases)
    if wet is not None:
        cockle = smooth_noise(shape, 16 * _RELIEF, streams["soaking"], octaves=2)
        first = round((_BORDER + SPACING / 2) * _RELIEF)
        size = (math.ceil(width * _RELIEF), math.ceil(height * _RELIEF))
        damp = cv2.copyMakeBorder(
            cv2.resize(wet, size, interpolation=cv2.INTER_AREA),
            first,
            shape[0] - first - size[1],
            first,
            shape[1] - first - size[0],
            cv2.BORDER_REPLICATE,
        )
        steps = [cv2.Sobel(cockle, -1, dx, 1 - dx, scale=0.125 * 7 * _RELIEF * wear.soaking / 4) for dx in (1, 0)]
        slope += cv2.merge(steps) * damp[..., None]
    return soften(slope)


def fft_length(least: int) -> int:
    """The next length that the Fourier transform is quick at."""
    from scipy import fft

    return int(fft.next_fast_len(least, real=True))


def _lit(
    slope: NDArray[np.float32], width: float, height: float, wear: Wear
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Light on the sheet at 2 pixels a mm, and the displacement."""
    first = round((_BORDER + SPACING / 2) * _RELIEF)
    rows, columns = math.ceil(height * _RELIEF), math.ceil(width * _RELIEF)
    on_sheet = slope[first : first + rows, first : first + columns]
    light = shading(on_sheet, _RELIEF, wear.light, wear.light_height)
    # Exposure is set by the paper's bright parts: they do not run out of the picture's range.
    light = light / np.float32(1 + 0.8 * float(light.std()))
    shift = displacement(slope, SPACING, round(SPACING * _RELIEF))
    border = round(_BORDER / SPACING)
    cells = (math.ceil(height / SPACING) + 1, math.ceil(width / SPACING) + 1)
    offset = shift[border : border + cells[0], border : border + cells[1]]
    # Only what the sheet does within itself can be seen: a common shift is where it lies.
    return light, np.ascontiguousarray(offset - offset.mean(axis=(0, 1)))


def _run(canvas: Canvas, wet: NDArray[np.float32]) -> None:
    """Let ink run and fade where the sheet was wet."""
    rows, columns = np.flatnonzero(wet.any(axis=1)), np.flatnonzero(wet.any(axis=0))
    if not len(rows):
        return
    size = canvas.hidden.shape[::-1]
    share = np.asarray(cv2.resize(np.asarray(wet * 175, np.uint8), size, interpolation=cv2.INTER_LINEAR), np.uint8)
    blurred = cv2.GaussianBlur(canvas.image, (0, 0), 0.35 * canvas.px_per_mm)
    canvas.glaze(np.asarray(blurred, np.uint8), share, (0, 0))


def _tints(
    shape: tuple[int, int],
    wear: Wear,
    light: NDArray[np.float32] | None,
    tide: NDArray[np.float32] | None,
    streams: dict[str, np.random.Generator],
) -> list[NDArray[np.float32]] | None:
    """What light and dyes leave of each colour, at 4 pixels a mm: three channels, None where it is all."""
    rows, columns = shape
    dyes: list[NDArray[np.float32]] = [np.zeros(shape, np.float32) for _ in range(3)]
    any_dye = False

    def add(density: NDArray[np.float32], absorbance: tuple[float, float, float], x: int, y: int) -> None:
        x0, y0 = max(x, 0), max(y, 0)
        x1, y1 = min(x + density.shape[1], columns), min(y + density.shape[0], rows)
        if x1 > x0 and y1 > y0:
            for dye, strength in zip(dyes, absorbance, strict=True):
                dye[y0:y1, x0:x1] += np.float32(strength) * density[y0 - y : y1 - y, x0 - x : x1 - x]

    rng = streams["stains"]
    for _ in range(wear.stains):
        any_dye = True
        absorbance = (_COFFEE, _COFFEE, _TEA, _TEA, _BLOOD, _BETADINE)[int(rng.integers(6))]
        if absorbance in (_COFFEE, _TEA) and rng.random() < 0.5:
            density = ring(rng.uniform(58, 88), _TINT, rng)
        else:
            density = spill(float(np.exp(rng.uniform(np.log(4), np.log(70)))), _TINT, rng)
        density = density * np.float32(rng.uniform(0.3, 1.0))
        x, y = (rng.uniform((0, 0), (columns, rows)) - np.array(density.shape[::-1]) / 2).astype(int).tolist()
        add(density, absorbance, x, y)
    if tide is not None:
        any_dye = True
        add(tide * np.float32(0.25 + 0.35 * wear.soaking), _RUST, 0, 0)
    if wear.yellowing:
        any_dye = True
        density = cv2.resize(_yellow((rows // 4 + 1, columns // 4 + 1), _TINT / 4, streams["yellowing"]), (columns, rows))
        add(density * np.float32(wear.yellowing), (0.08, 0.17, 0.42), 0, 0)
    if not any_dye and light is None:
        return None
    left = [cv2.exp(-dye) if any_dye else dye + 1 for dye in dyes]
    if light is not None:
        lit = cv2.resize(light, (columns, rows), interpolation=cv2.INTER_LINEAR)
        left = [channel * lit for channel in left]
    return left


def _yellow(shape: tuple[int, int], px_per_mm: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Age of the paper, 0 to about 1: most at the edges, where air and light come in, and cloudy."""
    rows, columns = shape
    x = np.minimum(np.arange(columns), np.arange(columns)[::-1]).astype(np.float32)[None, :] / np.float32(px_per_mm)
    y = np.minimum(np.arange(rows), np.arange(rows)[::-1]).astype(np.float32)[:, None] / np.float32(px_per_mm)
    depth = np.float32(rng.uniform(10, 35))
    edge = np.exp(-x / depth) + np.exp(-y / depth)
    clouds = smooth_noise(shape, 40 * px_per_mm, rng, octaves=3)
    return np.asarray(np.clip(np.float32(0.45) + np.float32(0.55) * edge + np.float32(0.2) * clouds, 0, 1.4), np.float32)


def _dye(canvas: Canvas, left: list[NDArray[np.float32]] | None) -> None:
    if left is None:
        return
    small = cv2.merge([np.asarray(np.clip(channel * _UNIT + 0.5, 0, 255), np.uint8) for channel in left])
    share = cv2.resize(small, canvas.hidden.shape[::-1], interpolation=cv2.INTER_LINEAR)
    canvas.image = np.asarray(cv2.multiply(canvas.image, share, scale=1 / _UNIT), np.uint8)


def _break_print(canvas: Canvas, creases: list[Crease], rng: np.random.Generator) -> None:
    """Bare white fibres where the print broke, and dirt beside them."""
    shape = (math.ceil(canvas.height * _TINT), math.ceil(canvas.width * _TINT))
    broken = broken_print(shape, _TINT, creases, rng)
    size = canvas.hidden.shape[::-1]
    dirt = cv2.GaussianBlur(broken, (0, 0), 0.5 * _TINT)
    for levels, color in ((dirt * 70, (110, 102, 92)), (broken * 190, _FIBRES)):
        canvas.glaze(color, np.asarray(cv2.resize(np.asarray(levels, np.uint8), size), np.uint8), (0, 0))


def _missing(canvas: Canvas, wear: Wear, streams: dict[str, np.random.Generator]) -> NDArray[np.uint8]:
    """Take paper away, with its frayed rim; give back where there is some."""
    shape = canvas.hidden.shape
    paper = np.full(shape, 255, np.uint8)
    if wear.tears:
        tears = [random_tear(canvas.width, canvas.height, streams["tears"]) for _ in range(wear.tears)]
        frayed = filled(shape, canvas.px_per_mm, [tear.frayed for tear in tears])
        canvas.cover(_FIBRES, frayed, (0, 0))
        paper = cv2.subtract(paper, filled(shape, canvas.px_per_mm, [tear.missing for tear in tears]))
    if wear.cropped:
        outlines = cut_edges(canvas.width, canvas.height, wear.cropped, streams["cropped"])
        paper = cv2.min(paper, cv2.bitwise_not(filled(shape, canvas.px_per_mm, outlines)))
    if wear.punches:
        holes = punched(wear.punches, canvas.width, canvas.height, streams["punches"])
        turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
        outlines = [circle * (diameter / 2) + (x, y) for x, y, diameter in holes]
        paper = cv2.min(paper, cv2.bitwise_not(filled(shape, canvas.px_per_mm, outlines)))
    return np.asarray(paper, np.uint8)


def _tape(canvas: Canvas, kind: str, rng: np.random.Generator) -> None:
    """Half of all tape is stuck over an edge, to hold the sheet on another one."""
    middle = rng.uniform((0, 0), (canvas.width, canvas.height))
    angle = rng.choice((0, 90)) + rng.normal(0, 4)
    if rng.random() < 0.5:
        side = int(rng.integers(4))
        middle[side % 2] = (0.0, 0.0, canvas.width, canvas.height)[side]
        angle = (0 if side % 2 == 0 else 90) + rng.normal(0, 8)
    stick(canvas, kind, (float(middle[0]), float(middle[1])), rng.uniform(25, 110), float(angle), rng)

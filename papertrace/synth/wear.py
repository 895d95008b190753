"""Wear a sheet: folds, wrinkles, stains, water, mould, tears, tape, light and dust."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray
from scipy import fft

from papertrace.synth.canvas import Canvas
from papertrace.synth.chance import sometimes
from papertrace.synth.crumple import facets
from papertrace.synth.dust import dust
from papertrace.synth.folds import FOLDS, Crease, add_panels, add_slope, broken_print, fold_lines, random_crease
from papertrace.synth.knobs import check, described, draw, knob, one_of, whole, within
from papertrace.synth.mould import colonies
from papertrace.synth.noise import smooth_noise
from papertrace.synth.relief import displacement, shading, soften
from papertrace.synth.stains import ring, soaked, spill
from papertrace.synth.tape import TAPES, stick
from papertrace.synth.tears import cut_edges, patch, punched, random_tear, without
from papertrace.synth.veil import Veil

SPACING = 2.0
"""Of the displacement's lattice, mm."""

_RELIEF = 2.0
"""Pixels a mm of the relief: a ridge is about half a millimeter round."""
_VEIL = 4.0
"""Pixels a mm of stains and other thin layers, whose edges are sharper."""
_BORDER = 12
"""Points of the displacement's lattice beyond each side of the sheet."""
_COFFEE = (0.22, 0.42, 0.80)
_TEA = (0.10, 0.26, 0.62)
_BLOOD = (0.25, 0.85, 0.95)
_BETADINE = (0.25, 0.60, 1.20)
_RUST = (0.15, 0.34, 0.62)
_AGE = (0.08, 0.17, 0.42)
_MOULD = (62, 68, 58)
_FIBERS = (247, 245, 238)
_DIRT = (110, 102, 92)
_STEEPNESS = 0.42
_COCKLE = 1.6
_PANEL = 0.2
"""Slope of the panels of a folded sheet."""
_DAMP_EDGE = (17, 17)
"""Pixels of the relief over which the cockles of wet paper die out."""


def _count(rng: np.random.Generator, share: float, mean: float, most: int) -> int:
    """Draw how often something happened; the same number of draws whether it did."""
    count = int(min(most, 1 + rng.poisson(mean)))
    return count if rng.random() < share else 0


@described
@dataclass(frozen=True)
class Wear:
    """Say what a sheet has gone through. By default nothing. Strengths run from 0 to 1.

    The fields stand in the order in which `random_wear` draws them, and the place of each is the number of its stream
    of random numbers: a new one goes last.

    Raises
    ------
    ValueError
        If a value is not one of those allowed; the message lists them.

    Examples
    --------
    >>> Wear(fold="half").crumple
    0.0
    """

    crumple: float = knob(
        0.0,
        within(0, 1),
        "Crumpled by hand and flattened again; 1 bends the print by up to about 1.5 mm.",
        lambda rng: sometimes(rng, 0.25, 0.1, 0.8),
    )
    wrinkles: float = knob(
        0.0,
        within(0, 1),
        "Long ripples of one direction, as a sheet gets in a file or under a hand.",
        lambda rng: sometimes(rng, 0.3, 0.1, 0.7),
    )
    facet: float = knob(
        26.0,
        within(8, 80),
        "Size of a crumpled sheet's facets in mm.",
        lambda rng: float(np.exp(rng.uniform(np.log(12), np.log(55)))),
    )
    fold: str = knob(
        "none",
        one_of(*FOLDS),
        "How the sheet was folded.",
        lambda rng: FOLDS[int(rng.choice(5, p=[0.68, 0.12, 0.06, 0.07, 0.07]))],
    )
    creases: int = knob(0, whole(0, 12), "Short accidental bends.", lambda rng: _count(rng, 0.3, 1.5, 8))
    light: float = knob(
        215.0,
        within(-360, 360),
        "Where the light comes from that shows the relief, degrees clockwise as seen: 0 from the right, 90 from below.",
        lambda rng: float(rng.uniform(0, 360)),
    )
    light_height: float = knob(
        50.0,
        within(15, 85),
        "Of the lamp over the paper, in degrees: a low one shows more.",
        lambda rng: float(rng.uniform(35, 78)),
    )
    stains: int = knob(0, whole(0, 6), "Rings of cups and spills.", lambda rng: _count(rng, 0.18, 0.6, 4))
    soaking: float = knob(
        0.0,
        within(0, 1),
        "Water that came in from a side, left tide-marks, let the ink run and the paper cockle.",
        lambda rng: sometimes(rng, 0.1, 0.2, 0.9),
    )
    mould: float = knob(
        0.0,
        within(0, 1),
        "Greenish gray specks and colonies; the densest hide the trace.",
        lambda rng: sometimes(rng, 0.08, 0.1, 0.8),
    )
    tears: int = knob(0, whole(0, 8), "Slits, bites and missing corners.", lambda rng: _count(rng, 0.15, 0.6, 4))
    cropped: float = knob(
        0.0,
        within(0, 60),
        "The most that a crooked cut took off an edge, in mm, and at most a quarter of the sheet.",
        lambda rng: sometimes(rng, 0.1, 2, 20),
    )
    punches: int = knob(
        0,
        one_of(0, 2, 3, 4),
        "Number of binder holes.",
        lambda rng: (0, 2, 3, 4)[int(rng.choice(4, p=[0.8, 0.12, 0.05, 0.03]))],
    )
    tape: int = knob(0, whole(0, 4), "Pieces of tape.", lambda rng: _count(rng, 0.1, 0.4, 3))
    tape_kind: str = knob(
        "clear",
        one_of(*TAPES),
        'What the tape is like; below "opaque" the print is hidden.',
        lambda rng: TAPES[int(rng.choice(3, p=[0.45, 0.43, 0.12]))],
    )
    yellowing: float = knob(
        0.0, within(0, 1), "Age that browns from the edges inward.", lambda rng: sometimes(rng, 0.3, 0.1, 1.0)
    )
    dust: float = knob(0.0, within(0, 1), "Specks, hairs and scratches.", lambda rng: sometimes(rng, 0.4, 0.05, 0.8))
    # `random_wear` leaves what follows alone, so that the pages of a seed stay what they were.
    panels: float = knob(
        0.0, within(0, 1), "How far the panels between folds are tilted: each is plane and has a light of its own."
    )

    def __post_init__(self) -> None:
        check(self)

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
    untouched = rng.random() < 0.3
    drawn = draw(Wear, rng)
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
    canvas = Canvas(image, px_per_mm)
    key = int(rng.integers(1 << 62))
    streams = {field.name: np.random.default_rng([key, index]) for index, field in enumerate(fields(Wear))}
    creases = fold_lines(wear.fold, canvas.width, canvas.height, streams["fold"])
    creases += [random_crease(canvas.width, canvas.height, streams["creases"]) for _ in range(wear.creases)]
    offset = _age_and_bend(canvas, wear, creases, streams)
    paper = _missing(canvas, wear, streams)
    for _ in range(wear.tape):
        _tape(canvas, wear.tape_kind, streams["tape"])
    if wear.dust:
        dark, bright = dust(canvas.hidden.shape, px_per_mm, wear.dust, streams["dust"])
        at = np.nonzero(np.asarray(cv2.max(dark, bright)) > 0)
        levels = canvas.image[at].astype(np.int16) - dark[at][:, None] + bright[at][:, None]
        canvas.image[at] = np.clip(levels, 0, 255)
    return WornSheet(canvas.image, paper, canvas.hidden, offset, SPACING)


def _age_and_bend(
    canvas: Canvas, wear: Wear, creases: list[Crease], streams: dict[str, np.random.Generator]
) -> NDArray[np.float32] | None:
    """Lay water, dyes, the relief's light, broken print and mould over the sheet, and give its displacement."""
    veil = Veil(canvas.width, canvas.height, _VEIL)
    wet, tide = None, None
    if wear.soaking:
        wet, tide = soaked(veil.shape, _VEIL, wear.soaking, streams["soaking"])
        _run(canvas, wet)
    light, offset = None, None
    if wear.bends():
        light, offset = _lit(_relief(canvas, wear, creases, wet, streams), canvas, wear)
    density = _density(veil.shape, wear, tide, streams)
    dyed = density is not None or light is not None
    if dyed:
        veil.dye(_through(veil.shape, density, light))
    if creases:
        broken = broken_print(veil.shape, _VEIL, creases, streams["creases"])
        # Dirt gathers where fibers stand up.
        veil.film(_scaled(cv2.GaussianBlur(broken, (0, 0), 0.5 * _VEIL), 0.28), _DIRT)
        veil.film(_scaled(broken, 0.75), _FIBERS)
    if wear.mould:
        growth = colonies(veil.shape, _VEIL, wear.mould, streams["mould"])
        veil.film(growth, _MOULD)
        grown = cv2.resize(growth, canvas.hidden.shape[::-1], interpolation=cv2.INTER_LINEAR)
        # A pixel of which a tenth shines through still shows the trace.
        canvas.hidden = np.where(grown == 255, np.uint8(255), np.uint8(0))
    if dyed or creases or wear.mould:
        canvas.image = veil.over(canvas.image)
    return offset


def _relief(
    canvas: Canvas,
    wear: Wear,
    creases: list[Crease],
    wet: NDArray[np.float32] | None,
    streams: dict[str, np.random.Generator],
) -> NDArray[np.float32]:
    """Slope of the sheet and of a border around it, so that the Fourier transform's wrap stays off the sheet."""
    # Whole cells of the displacement's lattice; that of its first point on the sheet has the corner in its middle.
    factor = round(SPACING * _RELIEF)
    shape = tuple(
        factor * int(fft.next_fast_len(2 * _BORDER + math.ceil(length / SPACING) + 1, real=True))
        for length in (canvas.height, canvas.width)
    )
    slope = np.zeros((shape[0], shape[1], 2), np.float32)
    if wear.crumple:
        rng = streams["crumple"]
        slope += np.float32(_STEEPNESS * wear.crumple) * facets(slope.shape[:2], _RELIEF, wear.facet, 1.0, 0.0, rng)
    if wear.wrinkles:
        rng = streams["wrinkles"]
        stretch, angle = rng.uniform(2.5, 7.0), rng.normal(0, 15) + 90 * (rng.random() < 0.4)
        steepness = np.float32(0.6 * _STEEPNESS * wear.wrinkles)
        slope += steepness * facets(slope.shape[:2], _RELIEF, 0.8 * wear.facet, stretch, angle, rng)
    first = _first()
    if wet is not None:
        height = smooth_noise(slope.shape[:2], 20 * _RELIEF, streams["soaking"], octaves=2)
        size = (math.ceil(canvas.width * _RELIEF), math.ceil(canvas.height * _RELIEF))
        after = (shape[0] - first - size[1], shape[1] - first - size[0])
        damp = cv2.resize(wet, size, interpolation=cv2.INTER_AREA)
        # Dry paper beside it is pulled along: it does not lie flat from one millimeter to the next.
        damp = cv2.blur(cv2.blur(damp, _DAMP_EDGE), _DAMP_EDGE)
        damp = cv2.copyMakeBorder(damp, first, after[0], first, after[1], cv2.BORDER_REPLICATE)
        rise = _COCKLE * wear.soaking * _RELIEF
        steps = [cv2.Sobel(height, -1, dx, 1 - dx, scale=0.125 * rise) for dx in (1, 0)]
        slope += cv2.merge(steps) * damp[..., None]
    if creases:
        origin = (0.5 - first) / _RELIEF
        slope = add_slope(slope, _RELIEF, (origin, origin), creases)
        if wear.panels:
            folds = creases[: len(creases) - wear.creases]
            slope = add_panels(slope, _RELIEF, (origin, origin), folds, _PANEL * wear.panels)
    return soften(slope)


def _first() -> int:
    """First point of the relief that lies on the sheet, along each axis."""
    return round((_BORDER * SPACING + SPACING / 2) * _RELIEF)


def _lit(slope: NDArray[np.float32], canvas: Canvas, wear: Wear) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Light that the sheet throws back, on the relief's lattice, and the displacement."""
    first = _first()
    rows, columns = (math.ceil(length * _RELIEF) for length in (canvas.height, canvas.width))
    on_sheet = slope[first : first + rows, first : first + columns]
    light = shading(on_sheet, _RELIEF, wear.light, wear.light_height)
    # Exposure is set by the paper's bright parts: they do not run out of the picture's range.
    light = light / np.float32(1 + 0.8 * float(light.std()))
    shift = displacement(slope, SPACING, round(SPACING * _RELIEF))
    cells = [math.ceil(length / SPACING) + 1 for length in (canvas.height, canvas.width)]
    offset = shift[_BORDER : _BORDER + cells[0], _BORDER : _BORDER + cells[1]]
    # A shift of all of the sheet is where it lies, not what happened to it.
    return light, np.ascontiguousarray(offset - offset.mean(axis=(0, 1)))


def _scaled(opacity: MatLike, factor: float) -> NDArray[np.uint8]:
    return np.asarray(cv2.convertScaleAbs(opacity, alpha=factor), np.uint8)


def _run(canvas: Canvas, wet: NDArray[np.float32]) -> None:
    """Let ink run and fade where the sheet was wet."""
    size = canvas.hidden.shape[::-1]
    share = np.asarray(cv2.resize(cv2.convertScaleAbs(wet, alpha=175), size, interpolation=cv2.INTER_LINEAR), np.uint8)
    x, y, width, height = cv2.boundingRect(share)
    if width and height:
        window = (slice(y, y + height), slice(x, x + width))
        # Two boxes blur nearly as a Gaussian of 0.35 mm does, in a third of the time.
        box = (max(1, round(math.sqrt(6 * (0.35 * canvas.px_per_mm) ** 2 + 1))),) * 2
        blurred = cv2.blur(cv2.blur(canvas.image[window], box), box)
        canvas.glaze(np.asarray(blurred, np.uint8), share[window], (x, y))


def _density(
    shape: tuple[int, int], wear: Wear, tide: NDArray[np.float32] | None, streams: dict[str, np.random.Generator]
) -> list[NDArray[np.float32]] | None:
    """How much red, green and blue light the sheet's dyes absorb; None where there are none."""
    if not (wear.stains or wear.yellowing or tide is not None):
        return None
    rows, columns = shape
    total = [np.zeros(shape, np.float32) for _ in range(3)]
    rng = streams["stains"]
    for _ in range(wear.stains):
        dye = (_COFFEE, _COFFEE, _TEA, _TEA, _BLOOD, _BETADINE)[int(rng.integers(6))]
        if dye in (_COFFEE, _TEA) and rng.random() < 0.5:
            stain = ring(rng.uniform(58, 88), _VEIL, rng)
        else:
            stain = spill(float(np.exp(rng.uniform(np.log(4), np.log(70)))), _VEIL, rng)
        stain = stain * np.float32(rng.uniform(0.3, 1.0))
        x, y = (rng.uniform((0, 0), (columns, rows)) - np.array(stain.shape[::-1]) / 2).astype(int).tolist()
        x0, y0 = max(x, 0), max(y, 0)
        part = stain[y0 - y : rows - y, x0 - x : columns - x]
        for channel, strength in zip(total, dye, strict=True):
            channel[y0 : y0 + part.shape[0], x0 : x0 + part.shape[1]] += np.float32(strength) * part
    if tide is not None:
        for channel, strength in zip(total, _RUST, strict=True):
            channel += np.float32(strength * (0.25 + 0.35 * wear.soaking)) * tide
    if wear.yellowing:
        age = cv2.resize(_age((rows // 4 + 1, columns // 4 + 1), _VEIL / 4, streams["yellowing"]), (columns, rows))
        for channel, strength in zip(total, _AGE, strict=True):
            channel += np.float32(strength * wear.yellowing) * age
    return total


def _through(
    shape: tuple[int, int], density: list[NDArray[np.float32]] | None, light: NDArray[np.float32] | None
) -> list[NDArray[np.float32]]:
    """Find what is left of red, green and blue light: Beer's law, times the light on the sheet."""
    left = [np.ones(shape, np.float32)] * 3
    if density is not None:
        left = [np.exp(-channel) for channel in density]
    if light is None:
        return left
    lit = cv2.resize(light, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return [channel * lit for channel in left]


def _age(shape: tuple[int, int], px_per_mm: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Age of the paper, 0 to about 1: most at the edges, where air and light come in, and cloudy."""
    to_edge = [
        np.minimum(np.arange(length), np.arange(length)[::-1]).astype(np.float32) / np.float32(px_per_mm)
        for length in shape
    ]
    depth = np.float32(rng.uniform(10, 35))
    edge = np.exp(-to_edge[0] / depth)[:, None] + np.exp(-to_edge[1] / depth)[None, :]
    clouds = smooth_noise(shape, 40 * px_per_mm, rng, octaves=3)
    return np.asarray(
        np.clip(np.float32(0.45) + np.float32(0.55) * edge + np.float32(0.2) * clouds, 0, 1.4), np.float32
    )


def _missing(canvas: Canvas, wear: Wear, streams: dict[str, np.random.Generator]) -> NDArray[np.uint8]:
    """Take paper away, fray its rims, and give back where there is some."""
    outlines = []
    for _ in range(wear.tears):
        tear = random_tear(canvas.width, canvas.height, streams["tears"])
        canvas.cover(_FIBERS, *patch(tear.frayed, canvas.px_per_mm))
        outlines.append(tear.missing)
    if wear.cropped:
        outlines += cut_edges(canvas.width, canvas.height, wear.cropped, streams["cropped"])
    if wear.punches:
        turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        circle = np.stack([np.cos(turn), np.sin(turn)], axis=1)
        holes = punched(wear.punches, canvas.width, canvas.height, streams["punches"])
        outlines += [circle * (diameter / 2) + (x, y) for x, y, diameter in holes]
    return without(np.full(canvas.hidden.shape, 255, np.uint8), canvas.px_per_mm, outlines)


def _tape(canvas: Canvas, kind: str, rng: np.random.Generator) -> None:
    """Half of all tape is stuck over an edge, to hold the sheet on another one."""
    middle = rng.uniform((0, 0), (canvas.width, canvas.height))
    angle = rng.choice((0, 90)) + rng.normal(0, 4)
    if rng.random() < 0.5:
        side = int(rng.integers(4))
        middle[side % 2] = (0.0, 0.0, canvas.width, canvas.height)[side]
        angle = (0 if side % 2 == 0 else 90) + rng.normal(0, 8)
    stick(canvas, kind, (float(middle[0]), float(middle[1])), rng.uniform(25, 110), float(angle), rng)

"""Find the millimeter grid of a page: its pitch, its direction, and where its lines stand.

A grid is periodic in two directions, whatever its color and however faint, and nothing else on the page is. So it is
sought in the page's spectrum: its lines are sharp peaks on two perpendicular rays through the origin. The direction is
that of the rays; the pitch is the tooth distance of the comb on each ray, the one comb that explains the peaks and has
few teeth missing. The local phase of the strongest tooth, block by block over the page, then gives pitch, direction
and bend to a few parts in 100,000, and the texture folded at the pitch says where in a cycle the lines stand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage, optimize

from digitize.geometry.bend import follow_bend
from digitize.geometry.flatten import FlatPicture, lay_flat
from digitize.geometry.lattice import enlarged, follow_lattice
from digitize.geometry.mapping import box_around, derivative_at, project, quarter_turn, scale_at, turned
from digitize.records.placement import Grid

Spacing = TypeVar("Spacing", float, NDArray[np.float64])

_LONG_SIDE = 2400
"""Pages are analyzed at no more than this many pixels: 1 mm lines stay resolved on a 300 mm page (8 pixels)."""

_PAGE_MM = (70.0, 640.0)
"""Long side of anything that an electrocardiogram is printed on, from a pocket strip to ten seconds at 50 mm/s."""

_USUAL_PAGE = (280.0, 0.45)
_USUAL_SCALE = (7.0, 0.6)
"""Long side in mm, and pixels a millimeter, each with the spread of its logarithm. Lines of one kind look alike at 1 mm
and at 5 mm: only the size of the paper and of its pixels tells these two apart."""

_KNOWN, _SAME_PITCH = 0.05, 0.08
"""Spread of the logarithm of a pitch that the page's print and pulses tell, and part by which they may be wrong."""

_PEAK = 3.0
"""A peak of the spectrum stands e^3 = 20 times over the geometric mean of its surroundings."""

_TOOTH = 4.0
"""Height from which a peak is more likely a tooth than chance."""

_TALLEST = 9.0
"""Height beyond which a peak says no more for a comb: one strong tooth is not two."""

_MISSING = 2.0
"""What a missing tooth costs a comb, in the units of heights."""

_REACHED = 0.25
"""Part of a tooth distance by which the outermost peak may fall short of a tooth that it still is."""

_CLEAR = 0.5
"""Height by which a tooth stands clear of what rounding explains."""

_FINE = 0.1
"""Cycles a pixel below which peaks count less for there being a grid at all: rows of text are periodic, too."""

_MIDWAY = 0.85
"""Part of the tallest tooth's height from which a peak midway between teeth is a tooth, too."""

_COMMON = 4.5
_LEAST_SIGNIFICANCE = 3.3
"""Height that single peaks reach anywhere, and the summed height of a ray's teeth beyond it that no page without a grid
reaches."""

_RAISED = 4.0
"""What raised fifth teeth are worth for the 5 mm reading of a comb, in squared standard deviations."""

_TRUSTED = 0.32
"""Cycles a pixel below which peaks are teeth, not aliases of teeth."""

_DIRECTIONS = 3
"""Directions that are tried: ruled text or a halftone may have a rival to the grid's."""

_STRONG = 5
_ORDERS = 24
"""The tooth distance is sought among fractions, to the 24th, of the radii of the five tallest peaks of each ray."""

_STRETCHES = np.linspace(0.985, 1.015, 31)
"""Factors by which one ray's comb may differ from the other's."""

_COARSER = 3
"""Coarser teeth that are tried when the bend is too large for the most precise one."""

_BINS = 300
"""Parts of 5 mm in which the texture is folded to find the lines."""

_BLOCK = 32
"""Side in pixels of the blocks whose phases are measured."""

_BEND_BLOCKS = 3.0
_CREASED_BLOCKS = 1.5
"""Standard deviations, in blocks, of the smoothing of the paper's bend: as a rule, and where it is creased."""

_CREASED = 0.15
"""Part of what is out of step that the finer bend must bring into step: noise alone lets it bring a tenth."""

_WRAPPED = 0.35
"""Cycles of bend beyond which one line may have been taken for the next: then no bend is better than a wrong one."""

_FLAT = 0.8
"""Share of the blocks' strength in step with a grid from which a page is flat."""

_BETTER = 0.03
"""By how much more of it must be in step with another grid for that to be taken."""

_LEAST_AGREEMENT = 0.4
"""Share in step below which there is no grid: what is periodic there is something else."""

_MOST_SQUEEZED = 1.8
"""Most by which a page may be squeezed along any direction against any other. Paper that is seen from 55 degrees is
squeezed by 1.74, a print or scan by 1.25 at most; a lattice that takes every second line, or diagonals, seems squeezed
by 2 or 2.6."""

_SAME_BASIS = 0.25
"""Part by which a followed lattice may be stretched, turned or sheared against a flat fit: in another basis of the same
grid some step is half, twice, or once too much."""

_COARSE_SIDE = 1000
"""Pixels at which a page is looked at in search of lines too far apart to be followed at its own."""

_LEAST_SIDE = 50
"""Pixels below which what was laid flat is no page: lines that were followed astray may meet in a point."""

_FOLLOWED = 0.86
"""Share in step from which no other way to follow the grid is tried."""

_SURELY_FLAT = 0.92
"""Share in step from which a page that was laid flat is not laid flat a second time."""

_KEPT = 0.7
"""Share of the blocks' strength that smoothing leaves; of less, the bend has turned the phases against each other."""


@dataclass(frozen=True)
class _Size:
    """How large a picture is to its page: it was shrunk by `scale`, and the page has some `per_mm` pixels a millimeter.

    That is known up to the `spread` of its logarithm.
    """

    scale: float
    per_mm: float
    spread: float


@dataclass(frozen=True)
class _Peaks:
    """Peaks of the spectrum: frequency vectors (cycles a pixel) and heights (log power over surroundings)."""

    vectors: NDArray[np.float64]
    heights: NDArray[np.float64]
    resolution: float

    @property
    def radii(self) -> NDArray[np.float64]:
        radii: NDArray[np.float64] = np.hypot(*self.vectors.T)
        return radii

    def select(self, keep: NDArray[np.bool_] | NDArray[np.intp]) -> _Peaks:
        return _Peaks(self.vectors[keep], self.heights[keep], self.resolution)


@dataclass(frozen=True)
class _Teeth:
    """Teeth of a comb on one ray that are there: their orders, and the peaks that they are."""

    orders: NDArray[np.intp]
    peaks: _Peaks


@dataclass(frozen=True)
class _Comb:
    """One tooth distance (cycles a pixel) on two perpendicular rays.

    The evidence says how much better or worse it is than another comb, the significance whether it is a grid or chance
    (both for the weaker ray), the certainty which share of its teeth is there. It is uneven where one ray has a tooth
    distance of its own, twice or half as wide.
    """

    spacing: float
    teeth: tuple[_Teeth, _Teeth]
    evidence: float
    significance: float
    certainty: float
    uneven: bool


@dataclass(frozen=True)
class _Wave:
    """A wave over the picture: ``phase + vector @ (x, y) + residue`` cycles, the residue smooth, block by block.

    The agreement is the share of the blocks' strength that is in step with it.
    """

    vector: NDArray[np.float64]
    phase: float
    residue: NDArray[np.float32]
    agreement: float


@dataclass(frozen=True)
class _Fit:
    """A grid, and the share of the blocks' strength that is in step with it, in the worse direction."""

    grid: Grid
    agreement: float


def find_grid(image: NDArray[np.uint8], per_mm: float | None = None) -> Grid | None:
    """Find the grid of a page.

    Parameters
    ----------
    image : ndarray, shape (h, w, 3), uint8
        RGB page, turned by less than 45 degrees.
    per_mm : float, optional
        Pixels a millimeter, where they are known to a few per cent.

    Returns
    -------
    Grid or None
        None when no periodic grid, or none of that pitch, stands clear of the noise in both directions.

    Examples
    --------
    >>> page = np.full((600, 800, 3), 255, np.uint8)
    >>> page[::6] = page[:, ::6] = (250, 180, 180)
    >>> grid = find_grid(page)
    >>> np.abs(np.linalg.inv(grid.matrix)[:2, :2]).round(2).tolist()
    [[6.0, 0.0], [0.0, 6.0]]
    """
    scale = min(1.0, _LONG_SIDE / max(image.shape[:2]))
    small = _shrunk(image, scale)
    texture = _texture(small)
    size = _Size(scale, *_USUAL_SCALE) if per_mm is None else _Size(scale, per_mm, _KNOWN)
    flat = fit = _find_flat(texture, size)
    enough = _FLAT
    for most in (_LONG_SIDE, _COARSE_SIDE):
        if fit is not None and fit.agreement > enough:
            break
        enough = _FOLLOWED
        fit = _better(fit, _find_followed(small, size, most, flat))
    if fit is None or fit.agreement < _LEAST_AGREEMENT:
        return None
    # Pixel centers of a page that was shrunk about its corner.
    x, y = texture.shape[1] / image.shape[1], texture.shape[0] / image.shape[0]
    shrink = np.array([[x, 0.0, 0.5 * x - 0.5], [0.0, y, 0.5 * y - 0.5], [0.0, 0.0, 1.0]])
    grid = replace(fit.grid, matrix=fit.grid.matrix @ shrink)
    if per_mm is not None:
        pitch = scale_at(grid.matrix, (image.shape[1] / 2, image.shape[0] / 2))[:2]
        if max(abs(side / per_mm - 1.0) for side in pitch) > _SAME_PITCH:
            return None
    return grid


def _better(first: _Fit | None, second: _Fit | None) -> _Fit | None:
    """Of two fits the better one; the first unless the second is clearly so."""
    if first is None or second is None:
        return first or second
    return second if second.agreement > first.agreement + _BETTER else first


def _find_followed(image: NDArray[np.uint8], size: _Size, most: int, known: _Fit | None) -> _Fit | None:
    """Follow the grid of a picture, seen at no more than so many pixels, and find the grid of the page laid flat.

    What is known of the picture's grid without following it tells its basis.
    """
    ratio = min(1.0, most / max(image.shape[:2]))
    texture = _texture(_shrunk(image, ratio))
    best = None
    for lattice in follow_lattice(texture):
        flat = lay_flat(image, enlarged(lattice, texture.shape, image.shape))
        if min(flat.image.shape[:2]) < _LEAST_SIDE:
            continue
        found = _fit_laid_flat(flat, size, known)
        if found is None or found.agreement < _SURELY_FLAT:
            # What was too steep to be followed at the first time no longer is.
            texture_again = _texture(_shrunk(flat.image, ratio))
            again = next(follow_lattice(texture_again), None)
            if again is not None:
                again = enlarged(again, texture_again.shape, flat.image.shape)
                homography, departure = flat.followed_by(again.homography, again.departure)
                flatter = lay_flat(image, replace(again, homography=homography, departure=departure))
                better = _fit_laid_flat(flatter, size, known)
                if better is not None and (found is None or better.agreement > found.agreement):
                    found = better
        best = _better(best, found)
        if best is not None and best.agreement > _FOLLOWED:
            break
    return best


def _fit_laid_flat(flat: FlatPicture, size: _Size, known: _Fit | None) -> _Fit | None:
    """The grid of a picture that was laid flat, as one of the picture; None if no page can lie so.

    Neither can one that is squeezed too much, nor one whose lines are not those of the grid that is known: a dotted
    grid has other families of lines than its own, through every second dot or across, and they may be followed better.
    """
    found = _find_flat(_texture(flat.image), size)
    if found is None:
        return None
    placed = _on_picture(found, flat)
    middle = project(np.linalg.inv(flat.homography), flat.middle).tolist()
    here = derivative_at(placed.grid.matrix, middle)
    if np.linalg.cond(here) > _MOST_SQUEEZED:
        return None
    if known is None or known.agreement < _LEAST_AGREEMENT:
        return placed
    # Which way up it stands a grid does not tell: it is turned as the one that is known.
    change = here @ np.linalg.inv(derivative_at(known.grid.matrix, middle))
    turns = min(range(4), key=lambda turns: _departure(change, turns))
    if _departure(change, turns) > _SAME_BASIS:
        return None
    return replace(placed, grid=turned(placed.grid, turns)) if turns else placed


def _departure(change: NDArray[np.float64], turns: int) -> float:
    """By how much a change of a lattice's steps, turned by quarter turns clockwise, differs from none."""
    return float(np.abs(quarter_turn(turns)[:2, :2] @ change - np.eye(2)).max())


def _shrunk(image: NDArray[np.uint8], ratio: float) -> NDArray[np.uint8]:
    if ratio == 1.0:
        return image
    return np.asarray(cv2.resize(image, None, fx=ratio, fy=ratio, interpolation=cv2.INTER_AREA), np.uint8)


def _on_picture(found: _Fit, flat: FlatPicture) -> _Fit:
    """A flat picture's grid as one of the picture that was laid flat."""
    height, width = flat.image.shape[:2]
    extent = box_around(found.grid.matrix, (-0.5, -0.5, width - 0.5, height - 0.5))
    matrix, bend = flat.followed_by(found.grid.matrix, found.grid.bend)
    return replace(found, grid=replace(found.grid, matrix=matrix, bend=bend, extent=extent))


def _find_flat(texture: NDArray[np.float32], size: _Size) -> _Fit | None:
    """Find the grid of a page that is almost flat, in the pixels of its texture."""
    peaks = _find_peaks(texture)
    long_side = max(texture.shape)
    combs = [_find_comb(peaks, angle, long_side, size) for angle in _directions(peaks)]
    sound = [comb for comb in combs if comb is not None and comb.evidence >= 0.0]
    comb = max(sound, key=lambda comb: comb.significance, default=None)
    if comb is None or comb.significance < _LEAST_SIGNIFICANCE:
        return None
    if comb.uneven:
        return None
    line_mm, tooth_mm = _tooth_distance(comb, long_side, size)

    matrix, bend, agreement = np.eye(3), [], []
    for axis, teeth in enumerate(comb.teeth):
        order, wave = _fit_tooth(texture, teeth, tooth_mm)
        cycle_mm = tooth_mm / order
        bend.append(wave.residue * cycle_mm)
        agreement.append(wave.agreement)
        matrix[axis, :2] = wave.vector * cycle_mm
        matrix[axis, 2] = wave.phase * cycle_mm - _line_offset(texture, wave, axis, round(5.0 / cycle_mm))
    grid = Grid(matrix, np.stack(bend, axis=2), line_mm, comb.certainty)
    return _Fit(grid, min(agreement))


def _texture(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """High-pass of the color channel with most fine structure; strong strokes clipped, for they are not the grid."""
    best = None
    for channel in cv2.split(image):
        plane = channel.astype(np.float32)
        plane -= cv2.blur(plane, (31, 31))
        limit = 6.0 * float(np.median(np.abs(plane[::3, ::3]))) + 4.0
        np.clip(plane, -limit, limit, out=plane)
        strength = float(np.abs(plane[::3, ::3]).mean())
        if best is None or strength > best[0]:
            best = strength, plane
    assert best is not None
    return best[1]


def _find_peaks(texture: NDArray[np.float32]) -> _Peaks:
    """Peaks of the whitened spectrum in the right half-plane (f_x >= 0)."""
    height, width = texture.shape
    window = np.outer(np.hanning(height), np.hanning(width)).astype(np.float32)
    shape = fft.next_fast_len(height), fft.next_fast_len(width, real=True)
    spectrum = fft.rfft2(texture * window, shape)
    level = fft.fftshift(np.log(spectrum.real**2 + spectrum.imag**2 + 1.0), axes=0)
    level -= cv2.blur(level, (41, 41))
    top = (level > _PEAK) & (cv2.dilate(level, np.ones((5, 5), np.uint8)) == level)
    row, column = np.nonzero(top)
    vectors = np.stack([column / shape[1], (row - shape[0] // 2) / shape[0]], axis=1)
    radius = np.hypot(*vectors.T)
    peaks = _Peaks(vectors, level[top].astype(np.float64), 1.0 / min(height, width))
    # Beyond half a cycle there is aliasing; eight periods a page are the least that make a grid.
    return peaks.select((radius < 0.46) & (radius > 8.0 / min(height, width)))


def _directions(peaks: _Peaks) -> list[float]:
    """Angles in degrees, -45 to 45, at which the rays may stand."""
    clear = peaks.select(peaks.heights > _TOOTH)
    if len(clear.heights) < 2:
        return []
    folded = (np.degrees(np.arctan2(clear.vectors[:, 1], clear.vectors[:, 0])) + 45.0) % 90.0 - 45.0
    # Far peaks know the angle better: near ones jump by whole bins.
    weight = (clear.heights - _PEAK) * np.minimum(clear.radii / 0.1, 1.0)
    step = 0.25
    votes, _ = np.histogram(folded, np.arange(-45.0, 45.0 + step, step), weights=weight)
    votes = ndimage.convolve1d(votes, [0.5, 1.0, 0.5], mode="wrap")
    tops = np.flatnonzero((votes == ndimage.maximum_filter1d(votes, 9, mode="wrap")) & (votes > 0.4 * votes.max()))
    angles = []
    for top in tops[np.argsort(-votes[tops])][:_DIRECTIONS]:
        offset = (folded - (top + 0.5) * step + 90.0) % 90.0 - 45.0
        near = np.abs(offset) < 0.5
        angles.append(float((top + 0.5) * step - 45.0 + np.average(offset[near], weights=weight[near] ** 2)))
    return angles


def _ray(peaks: _Peaks, degrees: float) -> _Peaks:
    """Peaks on one ray that may be teeth, their vectors turned to point along it; each place once."""
    direction = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    along = peaks.vectors @ direction
    across = np.abs(peaks.vectors @ np.array([-direction[1], direction[0]]))
    keep = across < 2.5 * peaks.resolution + 0.004 * np.abs(along)
    signs = np.where(along[keep] < 0, -1.0, 1.0)[:, None]
    ray = _Peaks(peaks.vectors[keep] * signs, peaks.heights[keep], peaks.resolution)
    ray = ray.select((ray.radii < _TRUSTED) & (ray.heights > _TOOTH))
    ray = ray.select(np.argsort(-ray.heights))
    close = np.abs(ray.radii[:, None] - ray.radii) < _tolerance(ray.radii, ray.resolution)
    return ray.select(np.flatnonzero(~np.tril(close, -1).any(axis=1)))


def _find_comb(peaks: _Peaks, angle: float, long_side: float, size: _Size) -> _Comb | None:
    """Find the comb that explains the peaks on two perpendicular rays best; None if none does.

    A tooth that is there speaks for a comb by its height and one that is missing speaks against it. So a multiple of
    the true tooth distance loses the teeth that it steps over, and a fraction of it pays for teeth that do not exist.
    """
    rays = _ray(peaks, angle), _ray(peaks, angle + 90.0)
    if min(len(ray.heights) for ray in rays) == 0:
        return None
    strong = np.concatenate([ray.radii[:_STRONG] for ray in rays])
    spacings = np.unique(strong[:, None] / np.arange(1, _ORDERS + 1))
    cycles = long_side * spacings
    spacings = spacings[(cycles > _PAGE_MM[0] / 5.0) & (cycles < _PAGE_MM[1])]
    if len(spacings) == 0:
        return None
    (first, first_own), (second, second_own) = (_evidence(ray, spacings, size.scale) for ray in rays)
    unlikely = np.minimum(*(_unlikely(spacings, tooth_mm, long_side, size) for tooth_mm in (1.0, 5.0)))
    best = int((first + second - 0.5 * unlikely).argmax())
    own = first_own[best], second_own[best]
    teeth = tuple(_teeth(ray, spacing) for ray, spacing in zip(rays, own, strict=True))
    possible = [max(1, int(ray.radii.max() / spacing + 0.5)) for ray, spacing in zip(rays, own, strict=True)]
    share = [len(tooth.orders) / n for tooth, n in zip(teeth, possible, strict=True)]
    return _Comb(
        spacing=float(spacings[best]),
        teeth=(teeth[0], teeth[1]),
        evidence=float(min(first[best], second[best])),
        significance=min(_significance(tooth.peaks) for tooth in teeth),
        certainty=min(1.0, float(np.mean(share))),
        uneven=any(_is_uneven(ray, found, spacing) for ray, found, spacing in zip(rays, teeth, own, strict=True)),
    )


def _is_uneven(ray: _Peaks, teeth: _Teeth, spacing: float) -> bool:
    """Whether a ray shows only every second tooth, or one as tall as its teeth midway between two."""
    if len(teeth.orders) == 0:
        return False
    midway = np.abs(ray.radii % spacing - 0.5 * spacing) < _tolerance(ray.radii, ray.resolution)
    taller = midway & (ray.heights > _MIDWAY * teeth.peaks.heights.max())
    return bool(taller.any()) or int(np.gcd.reduce(teeth.orders)) in (2, 3, 4)


def _significance(peaks: _Peaks) -> float:
    return float((np.maximum(peaks.heights - _COMMON, 0.0) * np.minimum(1.0, (peaks.radii / _FINE) ** 2)).sum())


def _tolerance(radii: NDArray[np.float64], resolution: float) -> NDArray[np.float64]:
    return 0.6 * resolution + 0.0005 * radii


def _evidence(
    ray: _Peaks, spacings: NDArray[np.float64], scale: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Score each tooth distance along a ray, and find the distance near it that fits this ray best.

    The two differ by a little: scanners feed paper a little faster or slower than they read it.
    """
    own = spacings[:, None] * _STRETCHES
    order = np.maximum(np.rint(ray.radii / own[..., None]), 1.0)
    hit = np.abs(ray.radii - order * own[..., None]) < _tolerance(ray.radii, ray.resolution)
    # Lines rounded to whole pixels of the picture are displaced by 0.29 of them (rms), and repeat only after several
    # pitches: that adds faint teeth between the true ones, which say little about a comb.
    rounding = ray.heights.max() + 2.0 * np.log(2.0 * np.pi * 0.29 * scale * ray.radii)
    gain = hit @ (np.where(ray.heights > rounding + _CLEAR, np.minimum(ray.heights, _TALLEST) - _PEAK, -0.5) + _MISSING)
    # No tooth is missing where the ray does not reach.
    evidence = gain - _MISSING * np.maximum(np.floor(ray.radii.max() / own + _REACHED), 1.0)
    # Of equally good ones the nearest.
    best = np.argmax(evidence - 1e-3 * np.abs(_STRETCHES - 1.0), axis=1)
    row = np.arange(len(spacings))
    return evidence[row, best], own[row, best]


def _teeth(ray: _Peaks, spacing: float) -> _Teeth:
    order = np.maximum(np.rint(ray.radii / spacing), 1.0)
    hit = np.abs(ray.radii - order * spacing) < _tolerance(ray.radii, ray.resolution)
    return _Teeth(order[hit].astype(np.intp), ray.select(hit))


def _unlikely(spacing: Spacing, tooth_mm: float, long_side: float, size: _Size) -> Spacing:
    """How odd page and pixels would be in size if a cycle were `tooth_mm`, in squared standard deviations."""
    page, pixels = long_side * spacing * tooth_mm, 1.0 / (spacing * tooth_mm * size.scale)
    page_mm, page_spread = _USUAL_PAGE
    odd: Spacing = (np.log(page / page_mm) / page_spread) ** 2 + (np.log(pixels / size.per_mm) / size.spread) ** 2
    return odd


def _tooth_distance(comb: _Comb, long_side: float, size: _Size) -> tuple[float, float]:
    """Millimeters between the finest lines, and millimeters a cycle of the comb."""
    raised = _fifth_is_raised(comb)
    odd_1, odd_5 = (_unlikely(comb.spacing, tooth_mm, long_side, size) for tooth_mm in (1.0, 5.0))
    tooth_mm = 5.0 if odd_5 - _RAISED * raised < odd_1 else 1.0
    return (5.0 if tooth_mm == 5.0 and not raised else 1.0), tooth_mm


def _fifth_is_raised(comb: _Comb) -> bool:
    """Whether every fifth tooth stands over its neighbors: 1 mm lines between 5 mm lines."""
    differences = []
    for teeth in comb.teeth:
        height = dict(zip(teeth.orders.tolist(), teeth.peaks.heights.tolist(), strict=True))
        for k in {5, 10, 15} & height.keys():
            differences.append(height[k] - max(height.get(k - 1, _PEAK), height.get(k + 1, _PEAK)))
    return bool(differences) and float(np.mean(differences)) > 0.7


def _fit_tooth(texture: NDArray[np.float32], teeth: _Teeth, tooth_mm: float) -> tuple[int, _Wave]:
    """Order and wave of the most precise tooth, or of a coarser one where the bend is too large for it."""
    # The error of a phase falls with the tooth's amplitude, that of a place on the page with its order as well.
    precision = teeth.peaks.heights + 2.0 * np.log(teeth.orders)
    # Cycles shorter than a millimeter lose count on paper that is not quite flat.
    precision[teeth.orders > round(tooth_mm)] -= 100.0
    best = int(precision.argmax())
    coarser = np.flatnonzero(teeth.orders < teeth.orders[best])
    coarser = coarser[np.argsort(-precision[coarser])][:_COARSER]
    for index in (best, *coarser.tolist()):
        wave, wrapped = _fit_wave(texture, teeth.peaks.vectors[index])
        if not wrapped:
            break
    return int(teeth.orders[index]), wave


def _fit_wave(texture: NDArray[np.float32], vector: NDArray[np.float64]) -> tuple[_Wave, bool]:
    """Fit a wave whose crests are dark, near a frequency; and whether the bend was too large to follow."""
    height, width = texture.shape
    rows, columns = -(-height // _BLOCK), -(-width // _BLOCK)
    padded = np.zeros((rows * _BLOCK, columns * _BLOCK), np.float32)
    padded[:height, :width] = texture
    turn_x = np.exp(-2j * np.pi * vector[0] * np.arange(padded.shape[1])).astype(np.complex64)
    turn_y = np.exp(-2j * np.pi * vector[1] * np.arange(padded.shape[0])).astype(np.complex64)
    by_column = (padded * turn_x).reshape(len(padded), columns, _BLOCK).sum(axis=2)
    blocks = (by_column * turn_y[:, None]).reshape(rows, _BLOCK, columns).sum(axis=1)
    # A block full of pen or print must not outvote the grid, and the blank around a boxed grid has no say.
    magnitude = np.abs(blocks)
    usual = float(np.percentile(magnitude[magnitude > 1e-3 * magnitude.max()], 75))
    blocks *= np.minimum(1.0, 1.5 * usual / np.maximum(magnitude, 1e-9))
    center_y = np.arange(rows) * _BLOCK + (_BLOCK - 1) / 2
    center_x = np.arange(columns) * _BLOCK + (_BLOCK - 1) / 2

    def waves(shift: NDArray[np.float64]) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
        return np.exp(-2j * np.pi * shift[0] * center_x), np.exp(-2j * np.pi * shift[1] * center_y)

    def mismatch(shift: NDArray[np.float64]) -> float:
        wave_x, wave_y = waves(shift)
        return -abs(complex(wave_y @ blocks @ wave_x))

    step = 0.25 / max(height, width)
    found = optimize.minimize(
        mismatch,
        np.zeros(2),
        method="Nelder-Mead",
        options={"initial_simplex": np.array([[0, 0], [step, 0], [0, step]]), "xatol": 1e-8, "fatol": 1e-3},
    )
    wave_x, wave_y = waves(found.x)
    straight = blocks * wave_x * wave_y[:, None]
    total = straight.sum()
    phase = np.angle(-total) / (2 * np.pi)
    local = straight * np.exp(-1j * np.angle(total))
    real, imaginary = (cv2.GaussianBlur(part, (0, 0), _BEND_BLOCKS) for part in (local.real, local.imag))
    smooth = real + 1j * imaginary
    # Where the grid is hidden the paper is taken to be flat.
    residue = np.angle(smooth + 0.3 * usual) / (2 * np.pi)
    wrapped = bool(np.percentile(np.abs(residue), 98) > _WRAPPED)
    residue[wrapped | (np.abs(residue) > _WRAPPED)] = 0.0
    # Smoothing by little keeps waves that a large bend turns against each other.
    fine_real, fine_imaginary = (cv2.GaussianBlur(part, (0, 0), 1.0) for part in (local.real, local.imag))
    fine = fine_real + 1j * fine_imaginary
    if wrapped or np.abs(smooth).sum() < _KEPT * np.abs(fine).sum():
        followed = follow_bend(fine, usual)
        wrapped = followed is None
        residue = np.zeros_like(residue) if followed is None else followed
        return _Wave(vector + found.x, float(phase), residue.astype(np.float32), _in_step(local, residue)), wrapped
    in_step = _in_step(local, residue)
    real, imaginary = (cv2.GaussianBlur(part, (0, 0), _CREASED_BLOCKS) for part in (local.real, local.imag))
    creased = np.angle(real + 1j * imaginary + 0.3 * usual) / (2 * np.pi)
    creased = np.where(np.abs(creased) > _WRAPPED, residue, creased)
    # The share in step stays that of the smooth bend: it tells whether the page had better be laid flat first.
    if _in_step(local, creased) - in_step > _CREASED * (1.0 - in_step):
        residue = creased
    return _Wave(vector + found.x, float(phase), residue.astype(np.float32), in_step), wrapped


def _in_step(local: NDArray[np.complex128], residue: NDArray[np.floating]) -> float:
    """Share of the blocks' strength that is in step with a bend in cycles."""
    return float((local * np.exp(-2j * np.pi * residue)).sum().real / np.abs(local).sum())


def _line_offset(texture: NDArray[np.float32], wave: _Wave, axis: int, order: int) -> float:
    """Millimeters from the wave's zero to a 5 mm line, or to any line where none is wider; `order` cycles are 5 mm.

    A tooth of a higher order has several crests from line to line, and between wide lines its crests may be pale.
    """
    height, width = texture.shape
    rows, columns = (slice(6, height, 13), slice(width)) if axis == 0 else (slice(height), slice(6, width, 13))
    y, x = np.arange(height)[rows], np.arange(width)[columns]
    cycles = wave.phase + wave.vector[0] * x + wave.vector[1] * y[:, None]
    cycles += wave.residue[np.ix_(y // _BLOCK, x // _BLOCK)]
    folded = (cycles / order % 1.0 * _BINS).astype(np.intp).ravel()
    total = np.bincount(folded, -texture[rows, columns].ravel().astype(np.float64), _BINS)
    count = np.bincount(folded, minlength=_BINS)
    blur = 0.1 / 5.0 * _BINS
    dark = ndimage.gaussian_filter1d(total, blur, mode="wrap") / (
        ndimage.gaussian_filter1d(count.astype(np.float64), blur, mode="wrap") + 1e-9
    )
    dark = dark + 0.1 * sum(np.roll(dark, k * _BINS // 5) for k in range(1, 5))
    places = np.arange(2 * order) / (2 * order)
    at = np.rint(places * _BINS).astype(np.intp) % _BINS
    return float(places[np.argmax(dark[at])] * 5.0)

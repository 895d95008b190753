"""Follow a grid over a page that is not flat: seen obliquely, curved, folded.

On such a page no wave fits the whole picture, but in a window of two or three centimeters the grid is still two plane
waves. Their wave vectors are the peaks of the window's spectrum. A family of lines is followed from the window that
shows it best to its neighbors, the surest first, each looked for near the vector that those before it predict; phase
and vector together then count the lines from window to window (windowed Fourier ridges: Kemao, Optics and Lasers in
Engineering 45, 2007, with the quality-guided order of Herraez et al., Applied Optics 41, 2002). Two families that cross
give a homography and what the paper departs from it, and with these the picture can be laid flat.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft, sparse
from scipy.sparse import linalg as sparse_linalg

from digitize.geometry.mapping import project

_WINDOW = 128
"""Side of a window in pixels; tapered, it sees half of that."""

_STEP = 32
_MOST_WINDOWS = 700
"""Least distance of windows, and about how many there are in the largest picture."""

_PEAKS = 14
"""Peaks that are kept of a window's spectrum."""

_LEAST_HEIGHT = 2.2
"""A peak of a window's spectrum stands nine times over its surroundings."""

_CLEAR_HEIGHT, _LEAST_CLEAR = 4.5, 0.3
"""Height of a window's tallest peak that is no chance, and least share of the windows that have one on a page with a
grid: where `papertrace.synth` printed one that could be followed, three quarters and more; without, two fifths and
less."""

_LOWEST = 3.0 / _WINDOW
_HIGHEST = 0.42
"""Cycles a pixel between which the carriers of a grid are looked for."""

_STRAY = 0.04
"""Part of itself by which a wave vector may change from a window to the next, beside a bin's width."""

_FAMILIES = 8
"""Families of lines that are followed: two directions, 1 mm and 5 mm, overtones, and what else is periodic."""

_LEAST_WINDOWS = 12
_LEAST_SHARE = 0.12
"""Windows that a family must reach: their number, and their share of all."""

_CROSSING = 0.55
"""Sine of the least angle at which two families cross."""

_MISCOUNT = 0.3
"""Cycles by which neighboring windows may disagree about a line's place."""

_FIELD = 40
"""Nodes of the field of departures along the picture's long side."""

_STIFFNESS = 0.05
"""Weight of the field's second differences against the windows' phases."""


_SEEDS = 30
"""Peaks from which families are started."""

_PAIRS = 2
"""Pairs of families that are tried."""

_PARALLEL = 0.12
"""Sine of the angle up to which families are parallel."""

_ORDERS = np.array([1, 2, 3, 4, 5, 6, 10, 15])
_ORDER_COST = np.array([0.0, 0.3, 0.3, 0.35, 0.1, 0.35, 0.25, 0.25])
"""Overtones of the lattice's lines that a carrier may be, and what each costs: 5 mm and 1 mm lines are the clearest."""

_UNLIKE = np.not_equal.outer(_ORDERS % 5 == 0, _ORDERS % 5 == 0)
_UNLIKE_COST = 0.15
"""Orders of which one makes 1 mm lines of its carrier and the other does not: as a rule both are printed alike."""

_OFF_ORDER = 0.1
"""How far from whole the ratio to the base may be."""

_UNEVEN_COST = 0.2
"""Cost of a logarithm of the ratio of scales along the two directions: as a rule they are alike."""

_LEVEL = 0.3
"""Resistance to slopes, in squared windows, of the planes by which the next vectors are guessed."""

_REACH = 3
_REACH_Y, _REACH_X = (side.ravel() for side in np.mgrid[-_REACH : _REACH + 1.0, -_REACH : _REACH + 1.0])
_AROUND = np.stack([np.ones_like(_REACH_X), _REACH_X, _REACH_Y, _REACH_X**2, _REACH_X * _REACH_Y, _REACH_Y**2])
_AROUND /= np.maximum(_REACH_X**2 + _REACH_Y**2, 1.0)
"""Weights of the windows around one in the guess at its vector, and their moments."""

_NEIGHBORS = ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0))
"""Rows and columns between windows over which lines are counted."""

_ROUNDS = 3
"""Fits by which outlying windows lose their weight."""


@dataclass(frozen=True)
class Lattice:
    """How to lay a page flat.

    A pixel ``(x, y)`` lies at ``p / w`` cycles, ``(p, w) = homography @ (x, y, 1)``, plus its departure.

    Attributes
    ----------
    homography : ndarray, shape (3, 3), float64
        Pixels to cycles of the two families of lines, the first one along the picture's width.
    departure : ndarray, shape (r, c, 2), float32
        What the paper departs from a plane, in cycles, at the nodes of a coarse lattice that spans the picture.
    seen : ndarray, shape (n, 2), float64
        Cycles at the middles of the windows in which both families were seen.
    pixels_per_cycle : float
        Of the picture, where the lines stand far apart.
    """

    homography: NDArray[np.float64]
    departure: NDArray[np.float32]
    seen: NDArray[np.float64]
    pixels_per_cycle: float

    @property
    def margin(self) -> float:
        """Cycles by which the windows reach beyond their middles."""
        return 0.5 * _WINDOW / self.pixels_per_cycle


@dataclass(frozen=True)
class _Windows:
    """Spectral peaks of windows in rows and columns.

    `vectors` (r, c, k, 2) in cycles a pixel, `heights` (r, c, k), 0 where there is no peak; `x` (c,) and `y` (r,) the
    windows' middles; `content` (r, c, n, n) their tapered pixels.
    """

    vectors: NDArray[np.float64]
    heights: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    content: NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, int]:
        return self.heights.shape[0], self.heights.shape[1]


@dataclass(frozen=True)
class _Family:
    """Parallel lines: a wave vector in every window (NaN where not seen), and which of the peaks it is."""

    vectors: NDArray[np.float64]
    heights: NDArray[np.float64]

    @property
    def score(self) -> float:
        return float(np.minimum(self.heights, 7.0).sum())

    @property
    def seen(self) -> NDArray[np.bool_]:
        return self.heights > 0

    @property
    def lean(self) -> float:
        """By how much the vectors lean to the vertical."""
        return float(np.median(np.diff(np.abs(self.vectors[self.seen]), axis=1)))


@dataclass(frozen=True)
class _Carrier:
    """A family by which lines are counted, the score of each of `_ORDERS`, and which it is.

    So many of its cycles are one of the lattice's.
    """

    family: _Family
    scores: NDArray[np.float64]
    order: int = 1


def follow_lattice(texture: NDArray[np.float32]) -> Iterator[Lattice]:
    """Follow the grid of a picture.

    Parameters
    ----------
    texture : ndarray, shape (h, w), float32
        High-pass of the picture.

    Yields
    ------
    Lattice
        For each pair of families of lines that cross over enough of the picture, the likeliest first.

    Examples
    --------
    >>> y, x = np.mgrid[:400, :600]
    >>> lattice = next(follow_lattice((np.cos(2 * np.pi * x / 6) + np.cos(2 * np.pi * y / 6)).astype(np.float32)))
    >>> round(float(6 * lattice.homography[0, 0] / lattice.homography[2, 2]), 3)
    1.0
    """
    windows = _find_windows(texture)
    if (windows.heights[..., 0] > _CLEAR_HEIGHT).mean() < _LEAST_CLEAR:
        return
    for pair in _choose_pairs(_find_families(windows)):
        counted = [_count_lines(windows, carrier.family) / carrier.order for carrier in pair]
        x, y = np.meshgrid(windows.x, windows.y)
        middles = np.stack([x, y], axis=2)
        known = [np.isfinite(cycles) for cycles in counted]
        both = known[0] & known[1]
        if both.sum() < _LEAST_WINDOWS:
            continue
        homography = _fit_homography(
            [middles[seen] for seen in known], [cycles[seen] for cycles, seen in zip(counted, known, strict=True)]
        )
        flat = project(homography, middles)
        departure = np.stack(
            [
                _fit_field(middles[seen], (cycles - flat[..., axis])[seen], texture.shape)
                for axis, (cycles, seen) in enumerate(zip(counted, known, strict=True))
            ],
            axis=2,
        )
        frequency = np.sqrt(np.prod([np.hypot(*c.family.vectors[both].T) / c.order for c in pair], axis=0))
        yield Lattice(
            homography,
            departure.astype(np.float32),
            np.stack([cycles[both] for cycles in counted], axis=1),
            pixels_per_cycle=1.0 / float(np.percentile(frequency, 25)),
        )


def enlarged(lattice: Lattice, small: tuple[int, ...], large: tuple[int, ...]) -> Lattice:
    """The lattice of a picture from that of the same picture at another size, both (height, width)."""
    x, y = small[1] / large[1], small[0] / large[0]
    shrink = np.array([[x, 0.0, 0.5 * x - 0.5], [0.0, y, 0.5 * y - 0.5], [0.0, 0.0, 1.0]])
    return replace(
        lattice, homography=lattice.homography @ shrink, pixels_per_cycle=lattice.pixels_per_cycle / np.sqrt(x * y)
    )


def _find_windows(texture: NDArray[np.float32]) -> _Windows:
    step = max(_STEP, int(np.sqrt(texture.size / _MOST_WINDOWS)))
    padded = np.pad(texture, [(0, max(0, _WINDOW - side)) for side in texture.shape])
    tops, lefts = (np.arange((side - _WINDOW) % step // 2, side - _WINDOW + 1, step) for side in padded.shape)
    taper = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
    view = np.lib.stride_tricks.sliding_window_view(padded, (_WINDOW, _WINDOW))
    content = view[np.ix_(tops, lefts)] * np.outer(taper, taper)
    spectrum = fft.rfft2(content.reshape(-1, _WINDOW, _WINDOW))
    level = fft.fftshift(np.log(spectrum.real**2 + spectrum.imag**2 + 1.0), axes=1)
    # One tall picture for all windows: at their seams lie the highest frequencies, which are not looked at.
    tall = level.reshape(-1, level.shape[2])
    rise = (tall - cv2.blur(tall, (17, 17))).reshape(level.shape)
    top = (cv2.dilate(tall, np.ones((3, 3), np.uint8)) == tall).reshape(level.shape) & (rise > _LEAST_HEIGHT)
    # The spectrum's left edge is mirrored, so that peaks on it are not tops of a slope.
    top[:, [0, -1]] = top[:, :, [0, -1]] = False
    zero = level[:, :, 0]
    ridge = (zero >= np.maximum(np.roll(zero, 1, axis=1), np.roll(zero, -1, axis=1))) & (rise[:, :, 0] > _LEAST_HEIGHT)
    top[:, 1:-1, 0] = (ridge & (zero >= level[:, :, 1]) & (np.arange(_WINDOW) > _WINDOW // 2))[:, 1:-1]
    window, row, column = np.nonzero(top)
    here = level[window, row, column]
    before = np.where(column > 0, level[window, row, column - 1], level[window, -row % _WINDOW, 1])
    fx = column + _vertex(before, here, level[window, row, column + 1])
    fy = row - _WINDOW // 2 + _vertex(level[window, row - 1, column], here, level[window, row + 1, column])
    vectors, heights = np.stack([fx, fy], axis=1) / _WINDOW, rise[window, row, column]
    radius = np.hypot(fx, fy) / _WINDOW
    order = np.lexsort((-heights, window))
    order = order[((radius > _LOWEST) & (radius < _HIGHEST))[order]]
    window, vectors, heights = window[order], vectors[order], heights[order]
    rank = np.arange(len(window)) - np.searchsorted(window, np.arange(len(level)))[window]
    kept = rank < _PEAKS
    shape = (len(tops), len(lefts), _PEAKS)
    all_vectors, all_heights = np.zeros((len(level), _PEAKS, 2)), np.zeros((len(level), _PEAKS))
    all_vectors[window[kept], rank[kept]], all_heights[window[kept], rank[kept]] = vectors[kept], heights[kept]
    middle = (_WINDOW - 1) / 2
    return _Windows(all_vectors.reshape(*shape, 2), all_heights.reshape(shape), lefts + middle, tops + middle, content)


def _vertex(before: NDArray[np.float32], here: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
    """Place of the top of the parabola through three levels, the middle one the highest."""
    place: NDArray[np.float32] = np.clip(
        0.5 * (before - after) / np.minimum(before - 2 * here + after, -1e-6), -0.5, 0.5
    )
    return place


def _find_families(windows: _Windows) -> list[_Family]:
    """Families of lines, the most clearly seen first."""
    free = windows.heights > 0
    families: list[_Family] = []
    least = max(_LEAST_WINDOWS, _LEAST_SHARE * windows.heights[..., 0].size)
    for _ in range(_SEEDS):
        masked = np.where(free, windows.heights, 0.0)
        seed = np.unravel_index(masked.argmax(), masked.shape)
        if masked[seed] == 0:
            break
        family, used = _follow(windows, (int(seed[0]), int(seed[1]), int(seed[2])), free)
        free &= ~used
        if family.seen.sum() >= least:
            families.append(family)
        if len(families) == _FAMILIES:
            break
    return families


def _follow(
    windows: _Windows, seed: tuple[int, int, int], free: NDArray[np.bool_]
) -> tuple[_Family, NDArray[np.bool_]]:
    """Follow a wave vector from the window and peak of a seed over the free peaks, the surest first."""
    vectors, heights = np.zeros((*windows.shape, 2)), np.zeros(windows.shape)
    used = np.zeros_like(free)
    vectors[seed[:2]], heights[seed[:2]], used[seed] = windows.vectors[seed], windows.heights[seed], True
    while True:
        beside = cv2.dilate((heights > 0).view(np.uint8), np.ones((3, 3), np.uint8)) > 0
        row, column = np.nonzero(beside & (heights == 0))
        guess = _predict(vectors, heights, row, column)[:, None]
        candidates = windows.vectors[row, column]
        signs = np.where((candidates * guess).sum(axis=2) < 0, -1.0, 1.0)
        candidates = candidates * signs[..., None]
        stray = np.hypot(*np.moveaxis(candidates - guess, 2, 0))
        stray /= 1.0 / _WINDOW + _STRAY * np.hypot(*np.moveaxis(guess, 2, 0))
        height = np.where((stray < 1) & free[row, column], windows.heights[row, column] - 2.0 * stray**2, 0.0)
        peak = height.argmax(axis=1) if len(row) else np.zeros(0, np.intp)
        best = height[np.arange(len(row)), peak]
        sure = best > max(0.0, 0.7 * best.max(initial=0.0))
        if not sure.any():
            return _Family(vectors, heights), used
        row, column, peak, index = row[sure], column[sure], peak[sure], np.flatnonzero(sure)
        vectors[row, column] = candidates[index, peak]
        heights[row, column] = windows.heights[row, column, peak]
        used[row, column, peak] = True


def _predict(
    vectors: NDArray[np.float64], heights: NDArray[np.float64], row: NDArray[np.intp], column: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Wave vectors, shape (n, 2), in windows that a family has not reached yet: planes through those around them."""
    rows, columns = heights.shape
    width = columns + 2 * _REACH
    planes = np.zeros((3, rows + 2 * _REACH, width))
    inner = planes[:, _REACH:-_REACH, _REACH:-_REACH]
    inner[0], inner[1:] = heights, np.moveaxis(vectors, 2, 0) * heights
    beside = ((_REACH_Y + _REACH) * width + _REACH_X + _REACH).astype(np.intp)
    around = np.take(planes.reshape(3, -1), (row * width + column)[:, None] + beside, axis=1)
    moments, *of_vectors = (around.reshape(-1, beside.size) @ _AROUND.T).reshape(3, -1, len(_AROUND))
    one, x, y, xx, xy, yy = moments.T
    # Of few windows the mean is surer than the slope.
    xx, yy = xx + _LEVEL * one, yy + _LEVEL * one
    # Cramer's rule for the value here: three unknowns each are too few for a solver's calls.
    first, second, third = xx * yy - xy**2, xy * y - x * yy, x * xy - xx * y
    along = np.stack([first, second, third], axis=1) / (one * first + x * second + y * third)[:, None]
    return np.stack([(along * sums[:, :3]).sum(axis=1) for sums in of_vectors], axis=1)


def _choose_pairs(families: list[_Family]) -> list[tuple[_Carrier, _Carrier]]:
    """Pairs of carriers that cross, the likeliest first; of each pair the first one's lines stand upright.

    Both are counted rightward and downward, in cycles of the same width.
    """
    carriers = [_carrier(group) for group in _by_direction(families)]
    scored = []
    for one, a in enumerate(carriers):
        for b in carriers[one + 1 :]:
            both = a.family.seen & b.family.seen
            if both.sum() < _LEAST_WINDOWS:
                continue
            (ax, ay), (bx, by) = a.family.vectors[both].T, b.family.vectors[both].T
            first, second = np.hypot(ax, ay), np.hypot(bx, by)
            sine = float(np.median(np.abs(ax * by - ay * bx) / (first * second)))
            if sine < _CROSSING:
                continue
            # One direction may show its 1 mm lines alone, the other overtones of its 5 mm lines.
            uneven = float(np.median(np.log(first / second))) - np.log(np.divide.outer(_ORDERS, _ORDERS))
            total = a.scores[:, None] + b.scores - _UNEVEN_COST * np.abs(uneven) - _UNLIKE_COST * _UNLIKE
            best = np.unravel_index(total.argmax(), total.shape)
            pair = (replace(a, order=int(_ORDERS[best[0]])), replace(b, order=int(_ORDERS[best[1]])))
            # Sums of a lattice's two waves are waves of it, too, but oblique to these and higher.
            score = sine**2 * min(a.family.score, b.family.score) * float(np.exp(-0.5 * abs(uneven[best])))
            score /= float(np.median(first / pair[0].order * second / pair[1].order)) ** 0.1
            upright, level = sorted(pair, key=lambda carrier: carrier.family.lean)
            scored.append((score, _turned(upright, 0), _turned(level, 1)))
    scored.sort(key=lambda item: -item[0])
    return [(first, second) for _, first, second in scored[:_PAIRS]]


def _by_direction(families: list[_Family]) -> list[list[_Family]]:
    """Families whose lines are parallel, together; each list's clearest one first."""
    groups: list[list[_Family]] = []
    for family in sorted(families, key=lambda family: -family.score):
        for group in groups:
            both = family.seen & group[0].seen
            (ax, ay), (bx, by) = family.vectors[both].T, group[0].vectors[both].T
            if both.any() and np.median(np.abs(ax * by - ay * bx) / np.hypot(ax, ay) / np.hypot(bx, by)) < _PARALLEL:
                group.append(family)
                break
        else:
            groups.append([family])
    return groups


def _carrier(group: list[_Family]) -> _Carrier:
    """The clearest of parallel families, and how well the others fit it for every overtone that it may be."""
    first = group[0]
    ratios, scores = [], []
    for family in group[1:]:
        both = family.seen & first.seen
        lengths = np.hypot(*family.vectors[both].T), np.hypot(*first.vectors[both].T)
        ratios.append(float(np.median(lengths[0] / lengths[1])))
        scores.append(family.score)
    multiples = np.outer(_ORDERS, ratios)
    fits = (np.abs(multiples - np.rint(multiples)) < _OFF_ORDER) & (multiples > 0.5)
    return _Carrier(first, fits @ np.array(scores) / max(first.score, sum(scores)) - _ORDER_COST)


def _turned(carrier: _Carrier, axis: int) -> _Carrier:
    """The carrier with its vectors along an axis instead of against it."""
    family = carrier.family
    against = np.median(family.vectors[family.seen][:, axis]) < 0
    return replace(carrier, family=_Family(-family.vectors, family.heights)) if against else carrier


def _count_lines(windows: _Windows, family: _Family) -> NDArray[np.float64]:
    """Cycles at the middle of every window, NaN where they cannot be counted from the others."""
    row, column = np.nonzero(family.seen)
    vector = family.vectors[row, column]
    at = np.arange(_WINDOW) - (_WINDOW - 1) / 2
    turn_x, turn_y = (np.exp(-2j * np.pi * component[:, None] * at).astype(np.complex64) for component in vector.T)
    wave = np.einsum("nij,nj->ni", windows.content[row, column], turn_x)
    # Lines are dark: a line's middle is where the texture is lowest.
    phase = np.full(windows.shape, np.nan)
    phase[row, column] = np.angle(-(wave * turn_y).sum(axis=1)) / (2 * np.pi)
    edges = []
    number = np.arange(phase.size).reshape(phase.shape)
    rows, columns = phase.shape
    for down, right in _NEIGHBORS:
        if down >= rows or abs(right) >= columns:
            continue
        here = np.s_[: rows - down, max(0, -right) : columns - max(0, right)]
        there = np.s_[down:, max(0, right) : columns - max(0, -right)]
        way = np.array([windows.x[abs(right)] - windows.x[0], windows.y[down] - windows.y[0]]) * (np.sign(right), 1)
        off = phase[there] - phase[here] - 0.5 * (family.vectors[here] + family.vectors[there]) @ way
        whole = np.round(-off)
        edges.append(np.stack([number[here], number[there], whole, np.abs(off + whole)], axis=2).reshape(-1, 4))
    return _add_up(phase, np.concatenate(edges))


def _add_up(phase: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Make phases continuous over edges, the best fitting first; NaN outside the largest piece that hangs together.

    An edge is a row of window from, window to, whole cycles to add, and misfit.
    """
    edges = edges[edges[:, 3] < _MISCOUNT]
    edges = edges[np.argsort(edges[:, 3], kind="stable")]
    root, turns = list(range(phase.size)), [0] * phase.size

    def find(k: int) -> tuple[int, int]:
        total, path = 0, []
        while root[k] != k:
            path.append(k)
            k = root[k]
        for node in reversed(path):
            total += turns[node]
            root[node], turns[node] = k, total
        return k, total

    for a, b, whole in edges[:, :3].astype(int).tolist():
        (top_a, turn_a), (top_b, turn_b) = find(a), find(b)
        if top_a != top_b:
            root[top_b], turns[top_b] = top_a, turn_a + whole - turn_b
    tops, offsets = np.array([find(k) for k in range(phase.size)]).T
    largest = np.bincount(tops[np.isfinite(phase.ravel())]).argmax()
    cycles = np.where(tops == largest, phase.ravel() + offsets, np.nan)
    return cycles.reshape(phase.shape)


def _fit_homography(points: list[NDArray[np.float64]], cycles: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Homography that takes points ``(x, y)`` of two families, each (n, 2), to their cycles, each (n,).

    Each point gives one linear equation (the direct linear transform of Hartley and Zisserman, 2004, section 4.1, with
    one coordinate known); weights against outlying points follow Huber.
    """
    every = np.concatenate(points)
    middle, scale = every.mean(axis=0), float(np.abs(every - every.mean(axis=0)).max())
    rows, aims = [], []
    for axis, (place, count) in enumerate(zip(points, cycles, strict=True)):
        x, y = ((place - middle) / scale).T
        block = np.zeros((len(x), 8))
        block[:, 3 * axis : 3 * axis + 3] = np.stack([x, y, np.ones_like(x)], axis=1)
        block[:, 6], block[:, 7] = -count * x, -count * y
        rows.append(block)
        aims.append(count)
    matrix, aim = np.concatenate(rows), np.concatenate(aims)
    weight = np.ones(len(aim))
    for _ in range(_ROUNDS):
        found = np.linalg.lstsq(matrix * weight[:, None], aim * weight, rcond=None)[0]
        x, y = ((every - middle) / scale).T
        depth = np.maximum(1.0 + found[6] * x + found[7] * y, 0.1)
        miss = np.abs(matrix @ found - aim) / depth
        bound = 2.0 * float(np.median(miss)) + 0.02
        weight = np.sqrt(np.minimum(1.0, bound / np.maximum(miss, 1e-9))) / depth
    normalize = np.array([[1 / scale, 0, -middle[0] / scale], [0, 1 / scale, -middle[1] / scale], [0, 0, 1]])
    return np.asarray(np.append(found, 1.0).reshape(3, 3) @ normalize)


def _fit_field(points: NDArray[np.float64], values: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Smooth field on a coarse lattice over the picture through scattered values, straight on where there are none.

    Least squares of the misfit and of the field's second differences; misfits beyond the usual count little.
    """
    size = np.maximum(2, np.rint(_FIELD * np.array(shape[:2]) / max(shape[:2])).astype(int))
    at = (points[:, ::-1] + 0.5) * size / np.array(shape[:2]) - 0.5
    low = np.clip(np.floor(at).astype(int), 0, size - 2)
    part = at - low
    index = np.arange(size.prod()).reshape(size)
    columns = np.stack([index[low[:, 0] + a, low[:, 1] + b] for a in (0, 1) for b in (0, 1)], axis=1)
    shares = np.stack([abs(1 - a - part[:, 0]) * abs(1 - b - part[:, 1]) for a in (0, 1) for b in (0, 1)], axis=1)
    sample = sparse.csr_matrix(
        (shares.ravel(), (np.repeat(np.arange(len(points)), 4), columns.ravel())), (len(points), index.size)
    )
    second = [sparse.diags([1.0, -2.0, 1.0], [0, 1, 2], shape=(max(n - 2, 0), n)) for n in size]
    first = [sparse.diags([-1.0, 1.0], [0, 1], shape=(n - 1, n)) for n in size]
    bending = sparse.vstack(
        [
            sparse.kron(second[0], sparse.identity(size[1])),
            sparse.kron(sparse.identity(size[0]), second[1]),
            np.sqrt(2.0) * sparse.kron(first[0], first[1]),
        ]
    )
    stiff = _STIFFNESS * (bending.T @ bending) + 1e-9 * sparse.identity(index.size)
    weight = np.ones(len(points))
    for _ in range(_ROUNDS):
        normal = (sample.T @ sample.multiply(weight[:, None]) + stiff).tocsc()
        field = sparse_linalg.spsolve(normal, sample.T @ (weight * values))
        miss = np.abs(sample @ field - values)
        weight = np.minimum(1.0, (2.0 * np.median(miss) + 0.01) / np.maximum(miss, 1e-9))
    return np.asarray(field.reshape(size))

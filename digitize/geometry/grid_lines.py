"""Number the lines of a grid by counting: the next line is one pitch further on, however the paper is squeezed there.

Places at which a line is seen, band by band, are the nodes of a graph. A place in the next band beside it is the same
line; the next place in the band is the next line, the surer the nearer it is to a pitch away. Numbers are carried along
the strongest links (a maximum spanning tree: Kruskal, 1956), around what hides a line or looks like one.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

BAND = 20
"""Pixels along a line of which its place is told as one: lines that lean are seen, too."""
_SEEN = 0.2
"""Share of a band in which a line is seen, from which it tells anything."""
_APART = 15
"""Pixels within which there is one line."""
_PEAK = 3
"""Pixels around a line's darkest place whose center of gravity is its place."""
_NEXT = (0.4, 1.5)
"""Pitches to the next line: from squeezed paper to twice as much, where a line may be missing."""
_LIKE = 1.5
"""How fast a next line loses its weight: two thirds of a pitch too near or too far are all of it."""
_LEAST_WEIGHT = 0.02
"""What is left of it."""
_BESIDE = 8.0
"""Pixels by which a line may move from band to band."""
_REACH = 3
"""Bands over which a line is followed where it is hidden."""
_LEAST_REGULAR = 0.4
"""Share of places a whole number of pitches after the one before from which lines can be counted: on folded photographs
three in four are, where finer lines are seen one in thirty."""
_WHOLE = 0.15
"""Pitches by which such a number may be off."""
_FINE = 0.08
"""Pitches from its place within which a line is sought then: less than half-way to the next finer one."""
_LEAST_PLACES = 100
"""Fewest places that are numbered together, without a link to the others: the grid tells where they belong."""

_UNKNOWN = np.iinfo(np.int64).min

_Links = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Pairs of places, by how many lines the second is further on, and how sure that is."""


@dataclass(frozen=True, eq=False)
class Places:
    """Where upright lines are seen.

    Attributes
    ----------
    band : ndarray, shape (n,), int
        Number of the band of `BAND` rows of pixels.
    x : ndarray, shape (n,), float64
        Pixels.
    strength : ndarray, shape (n,), float32
        Share of the band in which the line is seen there.
    line : ndarray, shape (n,), int
        Number of the line: where the page is flat, it runs at so many pitches.
    """

    band: NDArray[np.int64]
    x: NDArray[np.float64]
    strength: NDArray[np.float32]
    line: NDArray[np.int64]


def index_lines(lines: NDArray[np.uint8], pitch: float) -> Places:
    """Find upright lines, and number them.

    Parameters
    ----------
    lines : ndarray, shape (h, w), uint8
        How likely each pixel belongs to a line, 255 where it is certain.
    pitch : float
        Pixels from line to line: most of them are within half of it of their number's place.

    Returns
    -------
    Places

    Examples
    --------
    >>> squeezed = np.concatenate([np.arange(0, 900, 50), np.arange(900, 1100, 25), np.arange(1100, 3000, 50)])
    >>> lines = np.zeros((400, 3000), np.uint8)
    >>> lines[:, squeezed] = 255
    >>> found = index_lines(lines, 50)
    >>> at = found.line[np.searchsorted(found.x[found.band == 3], [850, 1000, 1150, 2000])]
    >>> np.diff(at).tolist()
    [5, 5, 17]
    """
    band, x, strength = _find_places(lines)
    links = _link(band, x, strength, pitch)
    if not len(links[0]):
        return Places(band[:0], x[:0], strength[:0], band[:0])
    usual = np.rint(x / pitch).astype(np.int64)
    if _regular(band, x, pitch) < _LEAST_REGULAR:
        # Finer lines are seen too: nothing can be counted, and each line is near its place, if anywhere.
        near = np.flatnonzero(np.abs(x - usual * pitch) < _FINE * pitch)
        kept = near[_one_each(band[near], usual[near], strength[near].astype(np.float64))]
        return Places(band[kept], x[kept], strength[kept], usual[kept])
    line = _numbered(usual, *links)
    # The next place but one is the next line where a stroke stands between the two.
    said = [_support(line, *_onward(band, x, strength, pitch, places)) for places in (1, 2)]
    kept = _one_each(band, line, said[0] + said[1])
    return Places(band[kept], x[kept], strength[kept], line[kept])


def _find_places(lines: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float32]]:
    """Bands, places and strengths of lines, from left to right in one band after the other."""
    height, width = lines.shape
    bands = height // BAND
    if not bands:
        return np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.float32)
    share = cv2.resize(lines[: bands * BAND], (width, bands), interpolation=cv2.INTER_AREA)
    profile = np.asarray(cv2.GaussianBlur(share.astype(np.float32) / 255, (7, 1), 1.5)).reshape(bands, width)
    highest = np.asarray(cv2.dilate(profile, np.ones((1, _APART), np.uint8)))
    band, peak = np.nonzero((profile == highest) & (profile > _SEEN))
    around = np.clip(peak[:, None] + np.arange(-_PEAK, _PEAK + 1), 0, width - 1)
    mass = profile[band[:, None], around].astype(np.float64)
    x = (mass * around).sum(axis=1) / mass.sum(axis=1)
    return band.astype(np.int64), x, profile[band, peak].astype(np.float32)


def _link(band: NDArray[np.int64], x: NDArray[np.float64], strength: NDArray[np.float32], pitch: float) -> _Links:
    """Pairs of places, by how many lines the second is further on, and how sure that is."""
    links = [_onward(band, x, strength, pitch, 1)]
    every = np.arange(len(x))
    for bands in range(1, _REACH + 1):
        below = _nearest(band, x, bands)
        mutual = every[(below >= 0) & (_nearest(band, x, -bands)[below] == every)]
        moved = np.abs(x[mutual] - x[below[mutual]])
        mutual, moved = mutual[moved < _BESIDE], moved[moved < _BESIDE]
        sure = 2 * (1 - moved / (3 * _BESIDE)) / bands
        other = below[mutual]
        links.append((mutual, other, np.zeros_like(mutual), sure * np.minimum(strength[mutual], strength[other])))
    first, second, step, weight = (np.concatenate(parts) for parts in zip(*links, strict=True))
    return first, second, step, weight


def _onward(
    band: NDArray[np.int64], x: NDArray[np.float64], strength: NDArray[np.float32], pitch: float, places: int
) -> _Links:
    """Pairs of places in a band, so many places from each other, that may be a line and the next one."""
    first = np.arange(max(len(x) - places, 0))
    first = first[band[first + places] == band[first]]
    apart = (x[first + places] - x[first]) / pitch
    near = (apart > _NEXT[0]) & (apart < _NEXT[1])
    first, like = first[near], np.maximum(1 - _LIKE * np.abs(apart[near] - 1), _LEAST_WEIGHT)
    sure = like * np.minimum(strength[first], strength[first + places])
    return first, first + places, np.ones_like(first), sure


def _regular(band: NDArray[np.int64], x: NDArray[np.float64], pitch: float) -> float:
    """Share of the places that lie a whole number of pitches after the one before."""
    apart = (np.diff(x) / pitch)[band[1:] == band[:-1]]
    return float((np.abs(apart - np.maximum(np.rint(apart), 1)) < _WHOLE).mean()) if len(apart) else 0.0


def _nearest(band: NDArray[np.int64], x: NDArray[np.float64], bands: int) -> NDArray[np.int64]:
    """The nearest place so many bands below each; -1 for none."""
    if not len(x):
        return np.zeros(0, np.int64)
    far = float(x.max()) + 1
    key, wanted = band * far + x, (band + bands) * far + x
    after = np.searchsorted(key, wanted).clip(0, len(key) - 1)
    before = (after - 1).clip(0)
    nearest = np.where(np.abs(key[before] - wanted) < np.abs(key[after] - wanted), before, after)
    return np.where(band[nearest] == band + bands, nearest, -1)


def _numbered(
    usual: NDArray[np.int64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    step: NDArray[np.int64],
    weight: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Numbers carried along the strongest links, so that most are the usual ones; `_UNKNOWN` of a few by themselves."""
    shape = (len(usual), len(usual))
    tree = sparse.csgraph.minimum_spanning_tree(sparse.coo_array((-weight, (first, second)), shape=shape).tocsr())
    # A link of no lines further on would be no entry of a sparse matrix.
    steps = sparse.coo_array((step + 1, (first, second)), shape=shape).tocsr()
    count, part = sparse.csgraph.connected_components(tree, directed=False)
    number = np.full(len(usual), _UNKNOWN)
    for each in np.flatnonzero(np.bincount(part, minlength=count) >= _LEAST_PLACES):
        own = np.flatnonzero(part == each)
        order, before = sparse.csgraph.breadth_first_order(tree, own[0], directed=False)
        number[own[0]] = 0
        onward = np.asarray(steps[before[order[1:]], order[1:]]).ravel()
        backward = np.asarray(steps[order[1:], before[order[1:]]]).ravel()
        further = np.where(onward > 0, onward - 1, 1 - backward)
        for place, link in zip(order[1:], further, strict=True):
            number[place] = number[before[place]] + link
        apart, often = np.unique(number[own] - usual[own], return_counts=True)
        number[own] -= apart[often.argmax()]
    return number


def _support(
    line: NDArray[np.int64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    step: NDArray[np.int64],
    weight: NDArray[np.float64],
) -> NDArray[np.float64]:
    """How much the lines beside say that each place is on its line."""
    agrees = (step > 0) & (line[first] != _UNKNOWN) & (line[second] - line[first] == step)
    said = [np.bincount(end[agrees], weight[agrees], len(line)) for end in (first, second)]
    return np.asarray(said[0] + said[1])


def _one_each(band: NDArray[np.int64], line: NDArray[np.int64], support: NDArray[np.float64]) -> NDArray[np.int64]:
    """The place with the most support on each line of each band."""
    order = np.lexsort((-support, line, band))
    order = order[line[order] != _UNKNOWN]
    again = (np.diff(line[order], prepend=_UNKNOWN) == 0) & (np.diff(band[order], prepend=-1) == 0)
    return np.asarray(order[~again], np.int64)

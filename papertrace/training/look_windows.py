"""Windows of printed pages laid flat, with the kind of print of every pixel: what `digitize.ink.look` learns from.

A page is printed with all that its preset does to it and laid flat by the exact inverse (`papertrace.synth.flat`). Its
windows are larger than what the network sees, so that each can be turned, scaled and bent anew every time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from digitize.records.kinds import KINDS
from papertrace.datasets.ptbxl import read_500
from papertrace.synth import render_page
from papertrace.synth.flat import FlatPage, lay_flat
from papertrace.training.pages import Job, make_missing, write_arrays

SIDE = 320
"""Pixels of a window's side."""

_ABOUT = (("pen", 0.45), ("pulse", 0.1), ("name", 0.1), ("separator", 0.1), ("text", 0.1))
"""Shares of the windows that lie about print of a kind: most of it is rare. The others, and those about print that a
page does not show, lie anywhere."""
_FS = 500
_HALF = 128


@dataclass(frozen=True, eq=False)
class LookWindows:
    """Windows with their truth.

    Attributes
    ----------
    image : ndarray, shape (n, SIDE, SIDE, 3), uint8
        RGB.
    pen : ndarray, shape (n, SIDE, SIDE), uint8
        Share of each pixel that traces cover, 255 where it is full.
    others : ndarray, shape (n, SIDE, SIDE), uint8
        Bit ``k`` says whether the kind ``KINDS[k + 1]`` covers half of the pixel; the highest bit that the truth cannot
        be seen.
    page : ndarray, shape (n,), int32
        Number of the page that a window is from.
    """

    image: NDArray[np.uint8]
    pen: NDArray[np.uint8]
    others: NDArray[np.uint8]
    page: NDArray[np.int32]

    def __len__(self) -> int:
        """Count the windows."""
        return len(self.page)


HIDDEN = len(KINDS)
"""Place, counted from the lowest as the kinds are, of the bit of hidden truth."""


def collect(jobs: Sequence[Job], most: int, processes: int) -> LookWindows:
    """Make the windows that are not there yet, and load all.

    Parameters
    ----------
    jobs : sequence of Job
    most : int
        Windows of a page.
    processes : int
        Pages at a time.

    Returns
    -------
    LookWindows
        In the order of the jobs, however many processes made them.
    """
    make_missing(jobs, partial(make, most=most), processes)
    arrays: dict[str, list[NDArray[np.uint8]]] = {"image": [], "pen": [], "others": []}
    for job in jobs:
        with np.load(job.file) as content:
            for name, parts in arrays.items():
                parts.append(content[name])
    page = np.repeat([job.page for job in jobs], [len(part) for part in arrays["pen"]]).astype(np.int32)
    joined = {}
    for name in list(arrays):
        # One kind after the other: both copies of all would be twice as much memory.
        joined[name] = np.concatenate(arrays.pop(name))
    return LookWindows(**joined, page=page)


def make(job: Job, most: int) -> None:
    """Print a page, and write its windows."""
    page = render_page(read_500(job.record), _FS, job.preset, seed=job.seed)
    windows = cut_windows(lay_flat(page), np.random.default_rng(job.seed), most)
    write_arrays(job.file, {"image": windows.image, "pen": windows.pen, "others": windows.others})


def cut_windows(flat: FlatPage, rng: np.random.Generator, most: int) -> LookWindows:
    """Cut windows of a page by chance.

    Parameters
    ----------
    flat : FlatPage
    rng : numpy.random.Generator
    most : int
        Windows.

    Returns
    -------
    LookWindows
    """
    flat = _at_least(flat, SIDE)
    pen = flat.kinds[0]
    free = np.array(pen.shape) - SIDE
    corners = rng.integers(0, free + 1, (most, 2))
    shares = [share for _, share in _ABOUT]
    about = rng.choice(len(_ABOUT) + 1, most, p=[*shares, 1 - sum(shares)])
    for number, (kind, _) in enumerate(_ABOUT):
        y, x = np.nonzero((flat.kinds[KINDS.index(kind)] > _HALF) & flat.seen)
        chosen = np.flatnonzero(about == number)
        if len(y):
            middle = np.column_stack([y, x])[rng.integers(0, len(y), len(chosen))]
            middle += rng.integers(-SIDE // 3, SIDE // 3 + 1, middle.shape)
            corners[chosen] = np.clip(middle - SIDE // 2, 0, free)
    bits = np.concatenate([flat.kinds[1:] > _HALF, ~flat.seen[None]])
    others = np.packbits(bits, axis=0, bitorder="little")[0]
    cut = [(slice(top, top + SIDE), slice(left, left + SIDE)) for top, left in corners]
    return LookWindows(
        np.stack([flat.image[window] for window in cut]),
        np.stack([pen[window] for window in cut]),
        np.stack([others[window] for window in cut]),
        np.zeros(most, np.int32),
    )


def _at_least(flat: FlatPage, side: int) -> FlatPage:
    """Enlarge a page that is smaller than a window; nothing is known of what is added."""
    down, across = (max(0, side - length) for length in flat.seen.shape)
    if not down and not across:
        return flat
    around = ((0, down), (0, across))
    return FlatPage(
        np.pad(flat.image, (*around, (0, 0)), mode="edge"),
        np.pad(flat.seen, around),
        np.pad(flat.kinds, ((0, 0), *around)),
    )

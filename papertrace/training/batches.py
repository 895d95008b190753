"""Pictures as batches, each a little changed: moved, paler, blurred, with grid left in it, specks, and parts gone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from classify.picture.network import CELL, CELLS, NOWHERE
from classify.picture.picture import HEIGHT, PIXELS_PER_MM, WIDTH
from classify.signal.inputs import ABSENT
from classify.signal.network import INPUTS
from papertrace.training.cells import Cells
from papertrace.training.pictures import PictureDataset

_MOVED = (3, 2)
"""Most cells by which a picture is moved down and to the right, or back."""

_EMPTY = 0.03
"""Share of pictures that are emptied but for grid and specks, so that a page without an electrocardiogram is known."""


class Batch(NamedTuple):
    """Pictures as tensors.

    Attributes
    ----------
    pictures : Tensor, shape (n, 1, HEIGHT, WIDTH), uint8
    leads : Tensor, shape (n, rows, columns), int64
        Lead of every cell, or `NOWHERE`.
    at : Tensor, shape (3, cells), int64
        Picture, row and column of every cell of a strip.
    strip : Tensor, shape (cells,), int64
        Number of its strip, from 0 without a gap.
    pen : Tensor, shape (cells, CELL), float32
        See `papertrace.training.cells.Cells`.
    views : tuple of Tensor
        What `classify.signal.network.INPUTS` names.
    """

    pictures: Tensor
    leads: Tensor
    at: Tensor
    strip: Tensor
    pen: Tensor
    views: tuple[Tensor, ...]


def draw_places(dataset: PictureDataset, records: Sequence[int], printed: float, rng: np.random.Generator) -> list[int]:
    """Draw one picture of each of some records.

    Parameters
    ----------
    dataset : PictureDataset
    records : sequence of int
    printed : float
        Chance that a record of which there are printed pages is shown by one of them.
    rng : numpy.random.Generator

    Returns
    -------
    list of int
    """
    places = []
    for record in records:
        own = dataset.by_record[record]
        pages = own[dataset.printed[own]]
        if 0 < len(pages) < len(own):
            own = pages if rng.random() < printed else own[~dataset.printed[own]]
        places.append(int(own[rng.integers(len(own))]))
    return places


def batch_of(dataset: PictureDataset, places: Sequence[int], rng: np.random.Generator | None) -> Batch:
    """Put pictures together.

    Parameters
    ----------
    dataset : PictureDataset
    places : sequence of int
    rng : numpy.random.Generator or None
        Changes them; None leaves them as they are.

    Returns
    -------
    Batch
    """
    pictures, parts = [], []
    leads = np.full((len(places), *CELLS), NOWHERE, np.int64)
    strips = 0
    for number, place in enumerate(places):
        ink, cells = dataset.ink(place), dataset.cells[place]
        move = (0, 0) if rng is None else tuple(int(rng.integers(-most, most + 1)) for most in _MOVED)
        row, column, known = _moved(cells, move)
        if rng is not None and rng.random() < _EMPTY:
            ink, known = np.zeros_like(ink), np.zeros_like(known)
            row, column = row[:0], column[:0]
        pictures.append(ink if rng is None else changed(_shift(ink, move), rng))
        leads[number, row, column] = cells.lead[known]
        own = np.unique(cells.strip[known], return_inverse=True)[1]
        parts.append((np.full(len(row), number), row, column, own + strips, cells.pen[known].astype(np.float32)))
        strips += int(own.max(initial=-1)) + 1
    picture, row, column, strip, pen = (np.concatenate(part) for part in zip(*parts, strict=True))
    views = [np.asarray(getattr(dataset.views, name)[list(places)]) for name in INPUTS]
    return Batch(
        torch.from_numpy(np.stack(pictures))[:, None],
        torch.from_numpy(leads),
        torch.from_numpy(np.stack([picture, row, column]).astype(np.int64)),
        torch.from_numpy(strip.astype(np.int64)),
        torch.from_numpy(pen),
        tuple(torch.from_numpy(view).long() if view.dtype.kind == "i" else torch.from_numpy(view).float()
              for view in views),
    )  # fmt: skip


def blank(batch: Batch, chance: float, rng: np.random.Generator) -> Batch:
    """Let either stream of some pages see nothing.

    Parameters
    ----------
    batch : Batch
        Not modified.
    chance : float
        Of each stream; never of both.
    rng : numpy.random.Generator

    Returns
    -------
    Batch
    """
    draw = torch.from_numpy(rng.random(len(batch.pictures)))
    no_picture, no_view = draw < chance, draw > 1 - chance
    views = []
    for name, view in zip(INPUTS, batch.views, strict=True):
        nothing = torch.full_like(view, ABSENT if name == "rhythm_lead" else 0)
        views.append(torch.where(no_view.view(-1, *[1] * (view.ndim - 1)), nothing, view))
    pictures = batch.pictures.masked_fill(no_picture[:, None, None, None], 0)
    return batch._replace(pictures=pictures, views=tuple(views))


def changed(ink: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Change a picture as print, light and a reader do.

    Parameters
    ----------
    ink : ndarray, shape (HEIGHT, WIDTH), uint8
        Not modified.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (HEIGHT, WIDTH), uint8
    """
    out = ink
    if rng.random() < 0.3:
        out = np.asarray(cv2.GaussianBlur(out, (0, 0), float(rng.uniform(0.3, 0.9))), np.uint8)
    if rng.random() < 0.5:
        out = np.asarray(cv2.convertScaleAbs(out, alpha=float(rng.uniform(0.4, 1.0))), np.uint8)
    out = out.copy() if out is ink else out
    if rng.random() < 0.2:
        level, step = int(rng.integers(5, 50)), 5 * PIXELS_PER_MM
        first = rng.uniform(0, step, 2)
        rows, columns = (np.arange(start, end, step).astype(int)
                         for start, end in zip(first, (HEIGHT, WIDTH), strict=True))  # fmt: skip
        out[rows] = np.maximum(out[rows], level)
        out[:, columns] = np.maximum(out[:, columns], level)
    if rng.random() < 0.2:
        specks = int(rng.integers(20, 2000))
        at = rng.integers(0, HEIGHT, specks), rng.integers(0, WIDTH, specks)
        out[at] = np.maximum(out[at], rng.integers(20, 256, specks).astype(np.uint8))
    if rng.random() < 0.2:
        for _ in range(int(rng.integers(1, 5))):
            height, width = rng.integers(4, 60), rng.integers(4, 60)
            y, x = rng.integers(0, HEIGHT), rng.integers(0, WIDTH)
            out[y : y + height, x : x + width] = 0 if rng.random() < 0.7 else int(rng.integers(30, 256))
    return out


def _shift(ink: NDArray[np.uint8], move: tuple[int, ...]) -> NDArray[np.uint8]:
    down, right = (cells * CELL for cells in move)
    matrix = np.array([[1.0, 0.0, right], [0.0, 1.0, down]])
    return np.asarray(cv2.warpAffine(ink, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_NEAREST), np.uint8)


def _moved(cells: Cells, move: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Rows and columns of the cells that are still in the picture, and which these are."""
    row, column = cells.place.astype(np.int64) // CELLS[1] + move[0], cells.place.astype(np.int64) % CELLS[1] + move[1]
    known = (row >= 0) & (row < CELLS[0]) & (column >= 0) & (column < CELLS[1])
    return row[known], column[known], known

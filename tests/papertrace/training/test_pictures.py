from __future__ import annotations

import numpy as np
import pytest

from classify.picture.network import CELL, CELLS
from classify.picture.picture import HEIGHT, WIDTH
from digitize.records.layouts import LEAD_NAMES
from papertrace.datasets.ptbxl import load_ptbxl
from papertrace.training import pictures
from papertrace.training.batches import batch_of, blank, changed, draw_places
from papertrace.training.cells import Drawn, cells_of
from papertrace.training.pages import plan
from papertrace.training.pictures import Sketches, draw_all, joined, load, make_sketches, read_all
from papertrace.training.sketch import draw_sketch


@pytest.fixture(scope="module")
def recording() -> np.ndarray:
    rng = np.random.default_rng(2)
    beats = np.exp(-(((np.arange(1000) % 80 - 40) / 2.5) ** 2))
    return (beats * rng.uniform(0.3, 1.2, (12, 1))).astype(np.float32)


@pytest.fixture(scope="module")
def sketches(recording):
    return [draw_sketch(recording, 100, np.random.default_rng(seed)) for seed in range(8)]


def test_cells_lie_on_the_ink(sketches):
    near = []
    for sketch in sketches:
        assert sketch.ink.shape == (HEIGHT, WIDTH) and sketch.ink.max() > 100
        cells = sketch.cells
        row, column = np.divmod(cells.place, CELLS[1])
        y = (row[:, None] + 0.5) * CELL - 0.5 + cells.pen.astype(float)
        x = column[:, None] * CELL + np.arange(CELL)
        known = np.isfinite(y)
        at = np.rint(y[known]).astype(int)
        column_at = np.broadcast_to(x, y.shape)[known]
        around = np.stack([sketch.ink[np.clip(at + by, 0, HEIGHT - 1), column_at] for by in (-1, 0, 1)])
        near.append((around.max(0) > 20).mean())
        assert {LEAD_NAMES[lead] for lead in cells.lead} <= {piece.lead for piece in sketch.pieces}
        assert len(np.unique(cells.place)) == len(cells.place)
    assert min(near) > 0.9


def test_hidden_samples_are_not_cells():
    x = np.linspace(40, 300, 500)
    pen = np.stack([x, np.full(500, 60.0)], 1)
    pen[200:400] = np.nan
    cells = cells_of([Drawn(1, pen, np.array([[40.0, 60.0], [300.0, 60.0]]))])
    column = cells.place % CELLS[1]
    assert column.min() == 5 and column.max() == 37
    assert not ((column * CELL > x[205]) & ((column + 1) * CELL < x[395])).any()
    assert cells_of([]).pen.shape == (0, CELL)


@pytest.fixture(scope="module")
def dataset(recording, tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    signals = {4: recording, 9: 0.5 * recording}
    for place, signal in signals.items():
        make_sketches(Sketches(signal, 1_000_000 + place, 3, folder / f"{place}.npz"))
    return load([(folder / f"{place}.npz", place) for place in signals], printed=False)


def test_a_seed_is_a_picture(dataset, recording, tmp_path, monkeypatch):
    assert len(dataset) == 6 and dataset.views.record.tolist() == [4] * 3 + [9] * 3 and not dataset.printed.any()
    made = []
    monkeypatch.setattr(pictures, "make_missing", lambda jobs, make, n: made.append([make(job) for job in jobs]))
    again = draw_all(recording[None], (4,), 3, 1, tmp_path, 1)
    assert (again.ink(1) == dataset.ink(1)).all()
    assert len(made) == 1 and len(list(tmp_path.iterdir())) == 1


def test_a_batch_moves_picture_and_truth_together(dataset):
    still, moved = batch_of(dataset, [0], None), batch_of(dataset, [0], np.random.default_rng(5))
    assert (still.pictures[0, 0].numpy() == dataset.ink(0)).all()
    assert still.strip.max() + 1 == len(np.unique(dataset.cells[0].strip))
    by = (moved.at[1:, 0] - still.at[1:, 0]).numpy()
    if len(moved.strip) == len(still.strip):
        assert (moved.at[1:] - still.at[1:]).numpy().T.tolist() == [by.tolist()] * len(still.strip)
    assert (moved.leads[0][tuple(moved.at[1:])] < 12).all()


def test_changes_leave_the_picture_as_it_is(dataset):
    ink = dataset.ink(0)
    kept = ink.copy()
    out = [changed(ink, np.random.default_rng(seed)) for seed in range(20)]
    assert (ink == kept).all() and all(own.shape == ink.shape and own.dtype == np.uint8 for own in out)
    assert sum((own != ink).any() for own in out) > 10


def test_a_stream_sees_nothing_now_and_then(dataset):
    batch = batch_of(dataset, [0, 1, 2, 3] * 10, None)
    seen = blank(batch, 0.3, np.random.default_rng(0))
    pictures, views = ((part != 0).flatten(1).any(1) for part in (seen.pictures, seen.views[0]))
    assert 0 < (~pictures).sum() < 40 and 0 < (~views).sum() < 40 and (pictures | views).all()
    assert (seen.views[-1][~views] == len(LEAD_NAMES)).all()


def test_pages_are_read_and_their_truth_lies_under_the_ink(folder, tmp_path, monkeypatch):
    records = load_ptbxl(folder, (1, 2, 3))
    paths = [path for path in records.paths_500 if path is not None]
    monkeypatch.setattr(pictures, "make_missing", lambda jobs, make, n: [make(job) for job in jobs])
    read = read_all(plan(paths, 1, 5, tmp_path), records, 1)
    assert read.printed.all() and len(read) == 2, "the picture, and the coarse one of every fourth page"
    for number in range(2):
        row, column = np.divmod(read.cells[number].place, CELLS[1])
        y = (row[:, None] + 0.5) * CELL - 0.5 + read.cells[number].pen.astype(float)
        known = np.isfinite(y)
        x = np.broadcast_to(column[:, None] * CELL + np.arange(CELL), y.shape)[known]
        ink = read.ink(number)
        at = np.rint(y[known]).astype(int)
        around = np.stack([ink[np.clip(at + by, 0, HEIGHT - 1), x] for by in (-2, -1, 0, 1, 2)])
        assert (around.max(0) > 20).mean() > 0.8
    assert read.views.beats_seen[0].any() and not read.views.beats_seen[1].any()
    both = joined([read, read])
    assert len(both) == 4 and both.views.record.shape == (4,)
    places = draw_places(both, [int(read.views.record[0])] * 5, 0.5, np.random.default_rng(0))
    assert set(places) <= {0, 1, 2, 3}

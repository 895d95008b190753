from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitize.tracing.rows import find_rows

WIDTH = 1600


def beats(x: np.ndarray, phase: float = 0.0) -> np.ndarray:
    """Pixels upward of a lead with a beat every 200 columns."""
    at = (x + phase) % 200 - 100
    return 60 * np.exp(-0.5 * (at / 4) ** 2) + 8 * np.exp(-0.5 * ((at - 60) / 12) ** 2) + 2 * np.sin(x / 90)


def page_of(levels, first=60, last=1540, height=None, phases=None) -> np.ndarray:
    page = np.zeros((height or int(max(levels)) + 120, WIDTH), np.float32)
    x = np.arange(first, last)
    for index, level in enumerate(levels):
        y = level - beats(x, 37.0 * index if phases is None else phases[index])
        upper, lower = np.minimum(y[:-1], y[1:]), np.maximum(y[:-1], y[1:])
        for column, a, b in zip(x, upper, lower, strict=False):
            page[int(a) - 1 : int(b) + 3, column] = 1
    return page


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 7, 12, 13])
def test_every_row_is_found(count):
    levels = 120 + 130.0 * np.arange(count)
    rows = find_rows(page_of(levels))
    assert rows is not None
    assert len(rows.level) == count
    np.testing.assert_allclose(np.median(rows.level, axis=1), levels, atol=4)
    np.testing.assert_allclose(rows.start, 60, atol=3)
    np.testing.assert_allclose(rows.end, 1539, atol=3)
    assert (np.diff(rows.level, axis=0) > 0).all()


def test_a_worn_row_is_found_where_it_is_known_that_there_is_one():
    levels = 120 + 130.0 * np.arange(6)
    page = page_of(levels)
    page[480:560, 300:1300] = 0
    usual, known = find_rows(page), find_rows(page, 6)
    assert usual is not None and len(usual.level) == 5
    assert known is not None
    np.testing.assert_allclose(np.median(known.level, axis=1), levels, atol=6)


def test_not_more_rows_are_found_than_there_are():
    rows = find_rows(page_of(120 + 130.0 * np.arange(4)), 12)
    assert rows is not None and len(rows.level) == 4
    assert find_rows(np.zeros((300, 500), np.float32), 3) is None


def test_an_empty_page_has_no_rows():
    assert find_rows(np.zeros((300, 500), np.float32)) is None


def test_print_is_no_row():
    page = np.zeros((400, WIDTH), np.float32)
    for x in range(50, 1500, 40):
        page[100:120, x : x + 22] = 1
    assert find_rows(page) is None


def test_print_beside_traces_adds_no_row():
    page = page_of([200.0, 400.0])
    for x in range(50, 1500, 40):
        page[20:40, x : x + 22] = 1
    rows = find_rows(page)
    assert rows is not None
    assert len(rows.level) == 2


def test_a_ruled_line_is_no_row():
    page = page_of([200.0, 400.0])
    page[50:53, 20:1580] = 1
    page[20:500, 1570:1573] = 1
    rows = find_rows(page)
    assert rows is not None
    assert len(rows.level) == 2


def test_wander_is_followed_and_beats_are_not():
    x = np.arange(WIDTH)
    wander = 200 + 30 * np.sin(x / 400)
    page = np.zeros((400, WIDTH), np.float32)
    for column in range(60, 1540):
        middle = wander[column] - beats(np.array([column]))[0] * (column % 200 > 90)
        page[int(middle) - 1 : int(middle) + 3, column] = 1
    rows = find_rows(page)
    assert rows is not None
    assert len(rows.level) == 1
    assert np.abs(rows.level[0, 100:1500] - wander[100:1500]).max() < 12


def test_rows_of_different_length():
    page = page_of([150.0, 300.0])
    page[220:, 800:] = 0
    rows = find_rows(page)
    assert rows is not None
    assert len(rows.level) == 2
    np.testing.assert_allclose(rows.end, [1539, 800], atol=3)


def test_broken_traces_are_found_by_their_density():
    """Worn print: long pieces of every trace here and there, specks for the rest."""
    page = page_of([150.0, 300.0, 450.0])
    columns = np.arange(WIDTH)
    for index, level in enumerate((150, 300, 450)):
        worn = (columns % 24 < 12) & ((columns + 130 * index) % 480 < 300)
        page[level - 75 : level + 75, worn] = 0
    rows = find_rows(page)
    assert rows is not None
    assert len(rows.level) == 3
    np.testing.assert_allclose(np.median(rows.level, axis=1), [150, 300, 450], atol=5)


@settings(max_examples=25, deadline=None)
@given(gaps=st.lists(st.integers(90, 260), min_size=1, max_size=6), seed=st.integers(0, 1000))
def test_rows_need_no_even_spacing(gaps, seed):
    levels = 110 + np.cumsum([0.0, *gaps])
    phases = np.random.default_rng(seed).uniform(0, 200, len(levels))
    rows = find_rows(page_of(levels, phases=phases))
    assert rows is not None
    assert len(rows.level) == len(levels)
    np.testing.assert_allclose(np.median(rows.level, axis=1), levels, atol=5)


def test_rows_of_a_pen_that_ran_dry_are_found():
    levels = [150.0, 350.0, 550.0, 750.0]
    page = page_of(levels)
    page[:450] *= 0.33
    page[450:650, 900:] *= 0.33
    rows = find_rows(page)
    assert rows is not None
    assert len(rows.level) == 4
    np.testing.assert_allclose(np.median(rows.level, axis=1), levels, atol=5)


def test_a_row_that_sinks_by_more_than_its_distance_from_the_next_is_followed():
    levels = [150.0 + 135.0 * row for row in range(6)]
    page = page_of(levels, height=1200)
    sunk = np.zeros_like(page)
    for column in range(WIDTH):
        sunk[:, column] = np.roll(np.where(np.arange(1200) > 730, page[:, column], 0), int(180 * column / WIDTH))
    page[731:] = 0
    rows = find_rows(np.maximum(page, sunk))
    assert rows is not None
    assert len(rows.level) == 6
    assert np.ptp(rows.level[-1, 100:1500]) > 120


def test_an_edge_of_the_paper_is_no_row():
    page = page_of([200.0, 400.0, 600.0], height=900)
    x = np.arange(WIDTH)
    for thick in range(4):
        page[(800 + thick + x * 0.01).astype(int), x] = 1
    rows = find_rows(page)
    assert rows is not None
    assert len(rows.level) == 3


def test_rows_of_flutter_that_never_rest():
    """Four waves of different sizes and lengths, none of which stays at its level."""
    page = np.zeros((1200, 2500), np.float32)
    x = np.arange(50, 2450)
    for level, size, length in ((150, 95, 9), (420, 80, 16), (690, 40, 5), (960, 90, 12)):
        y = level + size * np.sin(x / length) * (1 + 0.2 * np.sin(x / 150))
        for step in range(60):
            # Between neighboring columns the pen draws all there is.
            at = np.rint(y + (np.roll(y, -1) - y) * step / 60).astype(int)
            page[at[:-1], x[:-1]] = page[at[:-1] + 1, x[:-1]] = page[at[:-1] - 1, x[:-1]] = 1.0
    rows = find_rows(page)
    assert rows is not None
    np.testing.assert_allclose(np.median(rows.level, axis=1), [150, 420, 690, 960], atol=30)


def test_print_beyond_a_rows_beginning_is_not_its_level():
    page = np.zeros((900, WIDTH), np.float32)
    # A trace that is nowhere at rest, and a line of letters that hang together.
    for x in range(340, 1540):
        y = int(700 - 120 * np.sin(x / 25) ** 3 - 40 * np.sin(x / 9))
        page[y - 6 : y + 6, x] = 1
    for x in range(60, 230):
        page[100 + (x % 8) : 108 + (x % 8), x] = 1
    rows = find_rows(page)
    assert len(rows.level) == 1
    assert rows.start[0] == pytest.approx(340, abs=8)
    assert rows.level[0].min() > 350


def test_a_trace_on_a_ground_as_dark_as_faint_ink():
    """All that is faint hangs together from edge to edge, and is no trace: the dark ink alone tells the row."""
    page = np.full((700, 900), 0.3, np.float32)
    x = np.arange(50, 850)
    for dy in range(3):
        page[300 + dy + (20 * np.sin(x / 9)).astype(int), x] = 1.0
    rows = find_rows(page)
    assert (len(rows.level), rows.start.tolist(), rows.end.tolist()) == (1, [50], [850])

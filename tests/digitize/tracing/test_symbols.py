from __future__ import annotations

import numpy as np
import pytest

from digitize.ink.look import Look
from digitize.records.kinds import KINDS
from digitize.records.traces import Rows
from digitize.tracing.symbols import find_symbols, stacked_pulses, without_pulses

WIDTH, HEIGHT = 1600, 1000
LEVELS = (260.0, 530.0, 800.0)


def rows_of(*levels: float) -> Rows:
    level = np.repeat(np.array(levels, np.float32)[:, None], WIDTH, axis=1)
    return Rows(level, np.full(len(levels), 60), np.full(len(levels), 1500))


def blank() -> np.ndarray:
    return np.zeros((HEIGHT, WIDTH), np.float32)


def level_lines(page: np.ndarray, levels=LEVELS, first: int = 60, last: int = 1500) -> np.ndarray:
    for level in levels:
        page[int(level) - 1 : int(level) + 3, first:last] = 1
    return page


def add_pulse(page: np.ndarray, level: float, left: int, width: int = 50, height: int = 100) -> np.ndarray:
    """A pulse whose lines are 4 pixels wide: middles at left + 0.5, level + 0.5."""
    y = int(level)
    page[y - 1 : y + 3, left + 2 : left + width - 1] = 0
    page[y - height - 1 : y + 3, left - 1 : left + 3] = 1
    page[y - height - 1 : y + 3, left + width - 1 : left + width + 3] = 1
    page[y - height - 1 : y - height + 3, left : left + width] = 1
    return page


def look_of_pulses(where: np.ndarray) -> Look:
    kinds = np.zeros((len(KINDS), *where.shape), np.uint8)
    kinds[KINDS.index("pulse")] = where * 250
    return Look(kinds)


def test_pulse_that_hangs_together_with_a_beat_is_found_by_its_look():
    page, pulses = level_lines(blank(), first=150), blank()
    for level in LEVELS:
        add_pulse(pulses, level, 100)
        # The first beat rises in the right flank, and goes on above the roof.
        page[int(level) - 160 : int(level), 148:156] = 1
    page = np.maximum(page, pulses)
    rows = rows_of(*LEVELS)
    assert find_symbols(page, rows).pulses == ()
    found = find_symbols(page, rows, look_of_pulses(pulses)).pulses
    assert [pulse.row for pulse in found] == [0, 1, 2]
    for pulse, level in zip(found, LEVELS, strict=True):
        assert (pulse.left, pulse.foot, pulse.top) == pytest.approx((100.5, level + 0.5, level - 99.5), abs=1.0)
        assert pulse.right == pytest.approx(150.5, abs=4.0)


def test_pulses_that_stand_on_their_heads_are_none():
    page, pulses = level_lines(blank(), first=150), blank()
    for level in LEVELS:
        add_pulse(pulses, level, 100)
    upended = pulses[::-1]
    rows = rows_of(*sorted(HEIGHT - 1 - level for level in LEVELS))
    assert find_symbols(np.maximum(page[::-1], upended), rows, look_of_pulses(upended)).pulses == ()


def test_lines_that_are_drawn_like_pulses_are_not_believed():
    page = level_lines(blank())
    for level in LEVELS:
        add_pulse(page, level, 100)
    rows = rows_of(*LEVELS)
    assert len(find_symbols(page, rows).pulses) == 3
    assert find_symbols(page, rows, look_of_pulses(blank())).pulses == ()


def test_separators_through_which_a_trace_runs_are_found_by_their_look():
    page, bars = level_lines(blank()), blank()
    for level in LEVELS:
        for x in (540, 1020):
            bars[int(level) - 35 : int(level) + 36, x : x + 5] = 1
            # The beat that ends the column touches the bar along most of it.
            page[int(level) - 60 : int(level) + 20, x - 16 : x + 1] = 1
    page = np.maximum(page, bars)
    kinds = np.zeros((len(KINDS), *page.shape), np.uint8)
    kinds[KINDS.index("separator")] = bars * 250
    rows = rows_of(*LEVELS)
    assert find_symbols(page, rows).bars == ()
    found = find_symbols(page, rows, Look(kinds)).bars
    assert sorted({bar.row for bar in found}) == [0, 1, 2]
    assert {min((542, 1022), key=lambda x: abs(x - bar.x)) for bar in found} == {542, 1022}
    assert all(min(abs(bar.x - 542), abs(bar.x - 1022)) < 1.5 for bar in found)


@pytest.mark.parametrize(("width", "height"), [(50, 50), (50, 100), (50, 200), (100, 100), (25, 100)])
def test_pulses_are_measured(width, height):
    page = level_lines(blank())
    for level in LEVELS:
        add_pulse(page, level, 100, width, height)
    symbols = find_symbols(page, rows_of(*LEVELS))
    assert [pulse.row for pulse in symbols.pulses] == [0, 1, 2]
    for pulse, level in zip(symbols.pulses, LEVELS, strict=True):
        assert pulse.left == pytest.approx(100.5, abs=0.6)
        assert pulse.right - pulse.left == pytest.approx(width, abs=0.6)
        assert pulse.foot == pytest.approx(level + 0.5, abs=0.6)
        assert pulse.foot - pulse.top == pytest.approx(height, abs=0.6)
    assert symbols.bars == ()


def test_grid_lines_that_took_ink_with_them_do_not_break_a_pulse():
    page = level_lines(blank())
    for level in LEVELS:
        add_pulse(page, level, 100)
        for gap in range(20, 100, 25):
            page[int(level) - gap : int(level) - gap + 5, 90:170] = 0
    symbols = find_symbols(page, rows_of(*LEVELS))
    assert [pulse.row for pulse in symbols.pulses] == [0, 1, 2]
    assert all(pulse.foot - pulse.top == pytest.approx(100, abs=0.6) for pulse in symbols.pulses)


def test_a_pulse_may_have_a_step_for_the_chest_leads():
    page = level_lines(blank())
    for level in LEVELS:
        y = int(level)
        add_pulse(page, level, 100, width=70)
        page[y - 101 : y - 50, 137:175] = 0
        page[y - 101 : y - 47, 134:138] = 1
        page[y - 51 : y - 47, 134:172] = 1
    symbols = find_symbols(page, rows_of(*LEVELS))
    assert [pulse.row for pulse in symbols.pulses] == [0, 1, 2]
    for pulse, level in zip(symbols.pulses, LEVELS, strict=True):
        assert (pulse.left, pulse.right) == (pytest.approx(100.5, abs=0.6), pytest.approx(170.5, abs=0.6))
        assert level + 0.5 - pulse.step == pytest.approx(50, abs=0.6)
        assert pulse.foot - pulse.top == pytest.approx(100, abs=0.6)
    assert symbols.mask[: int(LEVELS[0]) - 10][page[: int(LEVELS[0]) - 10] > 0].all()


def test_a_pulse_at_the_end_of_a_row():
    symbols = find_symbols(add_pulse(level_lines(blank()), LEVELS[1], 1420), rows_of(*LEVELS))
    (pulse,) = symbols.pulses
    assert (pulse.row, pulse.left) == (1, pytest.approx(1420.5, abs=0.6))


def test_a_flank_hidden_in_one_row_is_where_the_others_have_theirs():
    page = level_lines(blank())
    for level in LEVELS:
        add_pulse(page, level, 100)
    page[int(LEVELS[2]) - 90 : int(LEVELS[2]) - 20, 130:175] = 1  # a beat over the right flank
    symbols = find_symbols(page, rows_of(*LEVELS))
    assert sorted(pulse.row for pulse in symbols.pulses) == [0, 1, 2]
    hidden = next(pulse for pulse in symbols.pulses if pulse.row == 2)
    assert hidden.right == pytest.approx(150.5, abs=0.6)
    assert hidden.foot - hidden.top == pytest.approx(100, abs=1.5)


def test_the_outline_of_a_pulse_is_masked_and_the_trace_is_not():
    page = add_pulse(level_lines(blank()), LEVELS[0], 100)
    symbols = find_symbols(page, rows_of(*LEVELS))
    upper = page[:240] > 0
    assert symbols.mask[:240][upper].all()
    assert not symbols.mask[:, 200:].any()
    assert not symbols.mask[250:270, 60:95].any()


def bars(page: np.ndarray, x: int, levels, half: int = 35) -> np.ndarray:
    for level in levels:
        page[int(level) - half : int(level) + half, x - 2 : x + 3] = 1
    return page


def test_bars_between_columns():
    page = level_lines(blank())
    for x in (420, 780, 1140):
        bars(page, x, LEVELS)
    symbols = find_symbols(page, rows_of(*LEVELS))
    assert sorted((bar.row, round(bar.x)) for bar in symbols.bars) == [
        (row, x) for row in range(3) for x in (420, 780, 1140)
    ]
    assert symbols.pulses == ()
    for x in (420, 780, 1140):
        assert symbols.mask[int(LEVELS[0]) - 30 : int(LEVELS[0]) + 30, x - 2 : x + 3].all()


def test_bars_are_found_though_most_rows_begin_with_pulses_that_are_not_seen():
    page, rows = level_lines(blank()), rows_of(*LEVELS)
    rows.start[0] = 200
    for x in (525, 850, 1175):
        bars(page, x, LEVELS)
    assert {round(bar.x) for bar in find_symbols(page, rows).bars} == {525, 850, 1175}


def test_a_stroke_in_one_row_only_is_no_separator():
    page = bars(level_lines(blank()), 420, LEVELS[:1])
    symbols = find_symbols(page, rows_of(*LEVELS))
    assert symbols.bars == ()
    assert not symbols.mask.any()


def test_beats_are_neither_pulses_nor_bars():
    """Upright but leaning strokes, in the same place in every row, as the beats of all leads are."""
    page = level_lines(blank())
    for level in LEVELS:
        for beat in range(200, 1400, 170):
            for step in range(-120, 121):
                x = beat + abs(step) / 8
                page[int(level - 120 + abs(step)), int(x) : int(x) + 4] = 1
                page[int(level - 120 + abs(step)), int(2 * beat - x) - 3 : int(2 * beat - x) + 1] = 1
    symbols = find_symbols(page, rows_of(*LEVELS))
    assert (symbols.pulses, symbols.bars) == ((), ())
    assert not symbols.mask.any()


def test_a_page_without_marks():
    symbols = find_symbols(level_lines(blank()), rows_of(*LEVELS))
    assert (symbols.pulses, symbols.bars) == ((), ())
    assert not symbols.mask.any()


def test_rows_begin_after_leading_pulses():
    page = add_pulse(level_lines(blank()), LEVELS[0], 100)
    rows = rows_of(*LEVELS)
    rows.level[:, :200] -= 60  # what the pulse does to a running median
    cut = without_pulses(page, rows, find_symbols(page, rows_of(*LEVELS)))
    assert (cut.start > 150).all()
    assert (cut.start < 160).all()
    np.testing.assert_array_equal(cut.end, rows.end)
    np.testing.assert_allclose(cut.level, rows_of(*LEVELS).level)


def test_rows_begin_after_feet_that_look_like_the_pulses():
    page, seen = level_lines(blank(), first=150), blank()
    for level in LEVELS:
        add_pulse(page, level, 100)
        add_pulse(seen, level, 100)
        seen[int(level) - 1 : int(level) + 3, 150:210] = 1
    rows, look = rows_of(*LEVELS), look_of_pulses(seen)
    symbols = find_symbols(page, rows, look)
    assert without_pulses(page, rows, symbols).start.tolist() == [153] * 3
    assert without_pulses(page, rows, symbols, look).start.tolist() == [210] * 3
    # A row of whole half seconds from the flank on begins there: what looks like a foot is the beginning of the trace.
    rows.end[:] = 1400
    assert without_pulses(page, rows, symbols, look).start.tolist() == [153] * 3


def test_rows_end_before_trailing_pulses():
    page, rows = add_pulse(level_lines(blank()), LEVELS[0], 1420), rows_of(*LEVELS)
    cut = without_pulses(page, rows, find_symbols(page, rows))
    np.testing.assert_array_equal(cut.start, rows.start)
    assert (cut.end < 1421).all()
    assert (cut.end > 1410).all()


def test_rows_without_pulses_stay_as_they_are():
    page, rows = level_lines(blank()), rows_of(*LEVELS)
    cut = without_pulses(page, rows, find_symbols(page, rows))
    np.testing.assert_array_equal(cut.level, rows.level)
    np.testing.assert_array_equal((cut.start, cut.end), (rows.start, rows.end))


def test_pulses_beside_each_other_are_one_row():
    page = blank()
    for level in LEVELS[:2]:
        add_pulse(page, level, 100)
        add_pulse(page, level, 1400)
    add_pulse(page, LEVELS[0], 170)
    assert stacked_pulses((page * 250).astype(np.uint8)) == 2
    assert stacked_pulses(np.zeros((9, 9), np.uint8)) == 0


def test_the_page_and_the_rows_are_not_modified():
    page, rows = add_pulse(level_lines(blank()), LEVELS[0], 100), rows_of(*LEVELS)
    before = page.copy(), rows.level.copy(), rows.start.copy()
    without_pulses(page, rows, find_symbols(page, rows))
    for now, then in zip((page, rows.level, rows.start), before, strict=True):
        np.testing.assert_array_equal(now, then)

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitize.layout.columns import (
    NO_WHITE,
    Ends,
    White,
    begin_together,
    past_names,
    row_ends,
    strip_edges,
    white_between,
)
from digitize.records.symbols import Pulse, Symbols
from digitize.records.traces import Traces, TraceState

NO_BARS, NO_NAMES = np.zeros(0), np.zeros((0, 4))
WIDTH = 3000
BLANK = np.zeros((300, WIDTH), np.float32)


def traces_between(left: list[float], right: list[float], hidden: list[tuple[int, int]] | None = None) -> Traces:
    level = np.zeros((len(left), WIDTH), np.float32)
    state = np.full(level.shape, TraceState.SEEN, np.uint8)
    for a, b in hidden or ():
        state[:, a:b] = TraceState.UNKNOWN
    at = np.array(left, float), np.array(right, float)
    return Traces(level, level, state, at[0].astype(int), at[1].astype(int) + 1, *at, 1.5, level)


def ends_at(left: float, right: float, sure_left: bool = True, sure_right: bool = True) -> Ends:
    return Ends(np.array([left]), np.array([right]), np.array([sure_left]), np.array([sure_right]))


def marks_with(*pulses: Pulse) -> Symbols:
    return Symbols(pulses, (), np.zeros((10, WIDTH), bool))


@given(origin=st.floats(50, 200), cap=st.floats(-2.0, 2.0), columns=st.sampled_from([1, 2, 4, 5]))
def test_pens_of_any_end_begin_at_the_same_sample(origin, cap, columns):
    """However far the pen's ends reach beyond the samples, they do so on both sides."""
    last = origin + 2500 - 0.5
    strips = strip_edges(ends_at(origin - cap, last + cap), 0, columns, None, NO_WHITE, NO_BARS)
    assert len(strips) == columns
    assert strips[0][0] == pytest.approx(origin, abs=0.01)
    assert strips[-1][1] == pytest.approx(origin + 2500, abs=0.01)
    assert [end for _, end in strips[:-1]] == pytest.approx([begin for begin, _ in strips[1:]], abs=1e-6)


def test_a_row_that_is_no_whole_number_of_half_seconds_keeps_its_ends():
    begin, end = strip_edges(ends_at(100.0, 2420.0), 0, 1, None, NO_WHITE, NO_BARS)[0]
    assert (begin, end) == (100.0, pytest.approx(2420.0, abs=0.6))


def test_bars_tell_where_columns_begin():
    bars = np.array([723.0, 1348.0, 1973.0])
    strips = strip_edges(ends_at(100.0, 2470.0), 0, 4, 625.0, NO_WHITE, bars)
    assert [begin for begin, _ in strips] == pytest.approx([98.0, 723.0, 1348.0, 1973.0], abs=1.0)


def test_a_row_that_is_cut_short_ends_where_its_ink_does():
    strips = strip_edges(ends_at(100.0, 2250.0), 0, 4, 625.0, NO_WHITE, NO_BARS)
    assert strips[0] == pytest.approx((100.0, 725.0), abs=0.1)
    assert strips[-1] == pytest.approx((1975.0, 2250.0), abs=0.6)


def test_a_row_that_begins_beyond_the_picture_keeps_its_columns():
    """215 pixels of the first strip are cut off, whose time is known; a row that is cut at its end, too, ends there."""
    before = strip_edges(ends_at(5.0, 2289.5), 0, 4, 625.0, NO_WHITE, NO_BARS, 0.0, 215.0)
    np.testing.assert_allclose(before, [(-210, 415), (415, 1040), (1040, 1665), (1665, 2290)], atol=0.6)
    both = strip_edges(ends_at(5.0, 2000.0), 0, 4, 625.0, NO_WHITE, NO_BARS, 0.0, 215.0)
    np.testing.assert_allclose(both, [(-210, 415), (415, 1040), (1040, 1665), (1665, 2000)], atol=0.6)
    gone = strip_edges(ends_at(5.0, 1874.5), 0, 4, 625.0, NO_WHITE, NO_BARS, 0.0, 630.0)
    assert gone[0] == (5.0, 5.0) and gone[1] == pytest.approx((0.0, 625.0), abs=6.0)


def test_white_between_strips_is_nobodys():
    strips = strip_edges(
        ends_at(100.0, 100 + 2500 + 3 * 40 - 0.5), 0, 4, None, White(40.0, np.full(3, np.nan)), NO_BARS
    )
    assert [end - begin for begin, end in strips] == pytest.approx([625.0] * 4, abs=0.1)
    assert strips[1][0] - strips[0][1] == pytest.approx(40.0, abs=0.2)


@pytest.mark.parametrize("length", [637.25, 1274.5])
def test_strips_of_no_whole_length_lie_between_the_white(length):
    """Names as far apart as the strips tell them from strips of ten seconds with more white."""
    columns = round(2549 / length)
    begins = 100 + (length + 11) * np.arange(columns)
    white = White(11.0, begins[1:])
    strips = strip_edges(ends_at(100.0, begins[-1] + length - 0.5), 0, columns, length + 10, white, NO_BARS, 2500.0)
    np.testing.assert_allclose(strips, np.stack([begins, begins + length], axis=1), atol=0.6)


def test_names_far_apart_tell_that_some_hide_in_the_white():
    """Strips of ten seconds together: of the white that is 40 pixels wide names fill 29, to be seen before them."""
    begins = 100 + (625 + 40) * np.arange(4)
    strips = strip_edges(
        ends_at(100.0, begins[-1] + 625 - 0.5), 0, 4, 665.0, White(11.0, begins[1:] - 29), NO_BARS, 2500.0
    )
    np.testing.assert_allclose(strips, np.stack([begins, begins + 625], axis=1), atol=0.6)


def test_a_foot_that_leads_to_the_trace_leaves_the_beginning_unsure():
    """However far: where the trace was found to begin there is ink all the way from the pulse."""
    coverage = BLANK.copy()
    coverage[198:203, 60:100] = 1.0
    pulse = marks_with(Pulse(0, 20.0, 60.0, 100.0, 200.0))
    found = row_ends(traces_between([95.0, 95.0], [2549, 2549]), pulse, coverage)
    assert found.left.tolist() == [95.0, 95.0]
    assert not found.sure_left.any()


def test_a_foot_of_a_pulse_is_no_part_of_the_row():
    """The row's end and length tell the beginning where a pulse leads into the trace."""
    begin, end = strip_edges(ends_at(88.0, 2599.5, sure_left=False), 0, 1, None, NO_WHITE, NO_BARS)[0]
    assert (begin, end) == pytest.approx((100.0, 2600.0), abs=0.1)


def test_rows_begin_together():
    found = row_ends(traces_between([50, 51, 52, 75], [2549, 2549, 2550, 2551]), marks_with(), BLANK)
    assert found.left.tolist() == [51.5] * 4
    assert found.sure_left.all() and found.sure_right.all()


def test_what_lies_before_a_row_that_begins_late_is_hidden():
    ends = [2549, 2549, 2550, 2551, 2549, 2550]
    taped = row_ends(traces_between([50, 51, 52, 400, 700, 700], ends), marks_with(), BLANK)
    assert taped.left.tolist() == [51.0] * 6 and taped.sure_left.all()
    as_many = row_ends(traces_between([700, 701, 702, 50, 51, 52], ends), marks_with(), BLANK)
    assert as_many.left.tolist() == [51.0] * 6
    early = row_ends(traces_between([20, 100, 101, 102, 101, 100], ends), marks_with(), BLANK)
    assert early.left.tolist() == [20.0, *[101.0] * 5]
    # A page that is cut slantwise has no common beginning.
    slanted = [100, 300, 500, 700, 900, 1100]
    assert row_ends(traces_between(slanted, ends), marks_with(), BLANK).left.tolist() == slanted


def test_a_pulse_that_leads_into_the_trace_leaves_the_beginning_unsure():
    found = row_ends(traces_between([60.3, 60.4], [2549, 2549]), marks_with(Pulse(0, 20.0, 60.0, 100.0, 200.0)), BLANK)
    assert found.left.tolist() == [60.0, 60.0]
    assert not found.sure_left.any()
    assert found.sure_right.all()
    parted = row_ends(traces_between([75.0, 75.0], [2549, 2549]), marks_with(Pulse(0, 20.0, 60.0, 100.0, 200.0)), BLANK)
    assert parted.left.tolist() == [75.0, 75.0]
    assert parted.sure_left.all()


def test_names_before_rows_are_passed():
    traces = traces_between([20, 20], [2549, 2549], [(60, 75)])
    level = np.array([100.0, 300.0])
    names = np.array([[20.0, 90, 60, 112], [20.0, 290, 60, 312]])
    found = past_names(row_ends(traces, marks_with(), BLANK), traces, names, level)
    assert found.left == pytest.approx([75.8, 75.8], abs=0.2)
    # A name that was not found is passed with the others.
    assert past_names(row_ends(traces, marks_with(), BLANK), traces, names[:1], level).left.tolist() == [20, 20]
    above = names - [0, 60, 0, 60]
    assert past_names(row_ends(traces, marks_with(), BLANK), traces, above, level).left.tolist() == [20, 20]


@pytest.mark.parametrize(("wide", "barred", "expected"), [(20, False, 23.0), (3, False, 0.0), (20, True, 23.0)])
def test_white_is_measured_with_the_pens_round_ends(wide, barred, expected):
    borders = [625, 1250, 1875]
    traces = traces_between([0, 0], [2500, 2500], [(border - wide, border) for border in borders])
    pitch = np.full(2, 625.0)
    found = white_between(traces, np.zeros(2), pitch, [4, 4], NO_NAMES, np.zeros(2), barred).width
    assert found == expected


def test_white_as_wide_as_a_name_is_measured_to_its_ends():
    traces = traces_between([0, 0], [2500, 2500], [(border - 140, border - 10) for border in (660, 1320, 1980)])
    found = white_between(traces, np.zeros(2), np.full(2, 660.0), [4, 4], NO_NAMES, np.zeros(2), False).width
    assert found == 133.0


def test_a_row_that_stands_at_its_name_begins_with_the_others():
    """Most rows were found to begin after their names; the name of one more was taken for its beginning."""
    traces = traces_between([75.8, 75.8, 20], [2549] * 3, [(60, 75)])
    names = np.array([[20.0, 490, 60, 512]])
    ends = Ends(traces.left.copy(), traces.right, np.ones(3, bool), np.ones(3, bool))
    found = past_names(ends, traces, names, np.array([100.0, 300.0, 500.0]))
    assert found.left == pytest.approx([75.8] * 3, abs=0.2)
    assert found.sure_left.all()


@given(foot=st.floats(-25.0, 25.0))
def test_a_rhythm_strip_begins_where_the_rows_above_do(foot):
    above = [(100.0, 700.0), (800.0, 1400.0)]
    found = begin_together([above, above, [(100.0 + foot, 1400.0)]], 20.0)
    assert found == [above, above, [(100.0, 1400.0)]]


def test_one_hole_is_no_gap():
    traces = traces_between([0, 0], [2500, 2500], [(600, 620)])
    assert white_between(traces, np.zeros(2), np.full(2, 625.0), [4, 4], NO_NAMES, np.zeros(2), False).width == 0.0

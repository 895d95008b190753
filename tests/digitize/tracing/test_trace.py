from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from digitize.records.traces import Rows, Traces, TraceState
from digitize.tracing.pen_ink import find_pen_ink
from digitize.tracing.rows import find_rows
from digitize.tracing.trace import erase_traces, touch_names, trace_ink
from tests.digitize.traced import trace_rows

WIDTH = 900
X = np.arange(40, 860)


def line(y, x=X):
    return np.column_stack([x, np.broadcast_to(y, x.shape)])


def level_rows(*levels: float) -> Rows:
    count = len(levels)
    level = np.repeat(np.array(levels, np.float32)[:, None], WIDTH, axis=1)
    return Rows(level, np.full(count, X[0]), np.full(count, X[-1] + 1))


def spike(level: float, at: float, height: float, half: float = 10.0) -> np.ndarray:
    """A level line with one triangle, `height` pixels up."""
    return np.array([(X[0], level), (at - half, level), (at, level - height), (at + half, level), (X[-1], level)])


@pytest.mark.parametrize("radius", [1.0, 1.7, 2.5, 4.0])
def test_a_wave_is_followed_by_its_middle(draw, radius):
    wave = 200 + 40 * np.sin(np.maximum(X - 400, 0) / 25)
    traces = trace_rows(draw((400, WIDTH), line(wave), radius), level_rows(200.0))
    off = np.abs(traces.center[0, X[5:-5]] - wave[5:-5])
    assert off.max() < 0.6
    assert off.mean() < 0.15
    assert traces.radius == pytest.approx(radius, abs=0.25)


@pytest.mark.parametrize("radius", [1.0, 1.7, 2.5, 3.5])
@pytest.mark.parametrize("height", [60.0, 120.0, -60.0, -120.0])
@pytest.mark.parametrize("phase", [0.0, 0.5])
def test_tips_are_not_rounded_off(draw, radius, height, phase):
    traces = trace_rows(draw((500, WIDTH), spike(250.0, 400 + phase, height), radius), level_rows(250.0))
    own = traces.center[0, 380:421]
    tip = own.min() if height > 0 else own.max()
    # Between two columns the tip itself is not sampled: half a column down the flank is all there is to see.
    unseen = phase * abs(height) / 10
    assert -0.3 <= (tip - (250 - height)) * np.sign(height) <= 0.9 + unseen


def test_both_flanks_of_a_beat_are_where_they_were_drawn(draw):
    traces = trace_rows(draw((500, WIDTH), spike(250.0, 400, 120, half=12), 1.7), level_rows(250.0))
    columns = np.r_[391:398, 403:410]
    drawn = 130 + np.abs(columns - 400) * 10.0
    error = traces.center[0, columns] - drawn
    # Ten pixels a column: an error of two pixels is a fifth of a column, under a millisecond.
    assert np.abs(error).max() < 2.0
    assert abs(error[:7].mean() - error[7:].mean()) < 1.0


def test_the_pen_may_be_pale(draw):
    page = draw((500, WIDTH), spike(250.0, 400, 60), 1.5)
    full, pale = (trace_rows(share * page, level_rows(250.0)).center[0, 45:855] for share in (1.0, 0.6))
    assert np.abs(full - pale).max() < 0.2


def test_fast_strokes_may_be_paler_than_level_ones(draw):
    page = draw((500, WIDTH), spike(350.0, 450.0, 200.0), 1.6)
    pale = np.where(np.arange(500)[:, None] < 342, 0.35 * page, page).astype(np.float32)
    traces = trace_rows(pale, level_rows(350.0))
    assert np.nanmin(traces.center[0]) < 350 - 190


def test_a_wide_pale_shade_is_no_fast_stroke(draw):
    page = draw((500, WIDTH), line(np.full(len(X), 350.0)), 1.6)
    page[100:350, 430:470] = np.maximum(page[100:350, 430:470], 0.35)
    traces = trace_rows(page, level_rows(350.0))
    assert np.abs(traces.center[0, 420:480] - 350).max() < 2


def test_a_row_whose_level_ran_into_the_next_one_keeps_its_own_ink(draw):
    upper = np.interp(X, [X[0], 500, 700, X[-1]], [200.0, 200.0, 120.0, 120.0])
    page = np.maximum(draw((500, WIDTH), line(upper), 1.6), draw((500, WIDTH), line(np.full(len(X), 350.0)), 1.6))
    rows = level_rows(200.0, 350.0)
    rows.level[0, 600:] = 345.0
    before = rows.level.copy()
    traces = trace_rows(page, rows)
    assert np.abs(traces.center[0, X[5:-5]] - upper[5:-5]).max() < 1
    assert np.abs(traces.center[1, X[5:-5]] - 350).max() < 1
    assert (rows.level == before).all()


def test_noise_on_a_stroke_hardly_moves_it(draw):
    wave = 200 + 40 * np.sin(np.maximum(X - 400, 0) / 25)
    page = draw((400, WIDTH), line(wave), 1.5)
    noise = np.random.default_rng(1).normal(0, 0.25, page.shape)
    near = ndimage.maximum_filter(page, 5) > 0
    noisy = np.where(near, np.clip(page + noise, 0, 1), 0).astype(np.float32)
    error = trace_rows(noisy, level_rows(200.0)).center[0, X[5:-5]] - wave[5:-5]
    assert np.sqrt(np.mean(error**2)) < 0.32


def test_a_deep_s_wave_through_the_row_below_spoils_neither(draw):
    upper, lower = spike(150.0, 400, -170, half=12), line(250 + 3 * np.sin(X / 40))
    page = np.maximum(draw((400, WIDTH), upper), draw((400, WIDTH), lower))
    traces = trace_rows(page, level_rows(150.0, 250.0))
    assert np.nanmax(traces.center[0]) == pytest.approx(320, abs=1.0)
    below = traces.center[1, X]
    known = np.isfinite(below)
    assert np.abs(below[known] - lower[known, 1]).max() < 2.0
    assert known[10:-10].mean() > 0.98
    assert traces.state[1, 395:406].min() < TraceState.SEEN


def test_beats_that_touch_the_next_row_stay_with_their_own(draw):
    upper, lower = spike(150.0, 300, -98, half=10), spike(250.0, 600, 98, half=10)
    page = np.maximum(draw((400, WIDTH), upper), draw((400, WIDTH), lower))
    traces = trace_rows(page, level_rows(150.0, 250.0))
    assert np.nanmax(traces.center[0]) == pytest.approx(248, abs=2.5)
    assert np.nanmin(traces.center[1]) == pytest.approx(152, abs=2.5)
    assert np.nanmin(traces.center[0]) > 147
    assert np.nanmax(traces.center[1]) < 253


def test_a_short_gap_is_bridged(draw):
    wave = 200 + 10 * np.sin(X / 50)
    page = draw((400, WIDTH), line(wave))
    page[:, 400:408] = 0
    traces = trace_rows(page, level_rows(200.0))
    assert np.abs(traces.center[0, 395:415] - wave[355:375]).max() < 0.5
    assert (traces.state[0, 402:406] == TraceState.BRIDGED).all()
    assert traces.state[0, 380] == TraceState.SEEN


def test_a_long_gap_is_unknown(draw):
    page = draw((400, WIDTH), line(200.0))
    page[:, 400:450] = 0
    traces = trace_rows(page, level_rows(200.0))
    assert np.isnan(traces.center[0, 403:447]).all()
    assert (traces.state[0, 403:447] == TraceState.UNKNOWN).all()
    assert np.isfinite(traces.center[0, [390, 460]]).all()
    assert traces.start[0] == pytest.approx(X[0], abs=2)
    assert traces.end[0] == pytest.approx(X[-1] + 1, abs=2)


def test_specks_beyond_the_ends_are_no_trace(draw):
    page = draw((400, WIDTH), line(200.0, np.arange(200, 700)))
    page[198:202, 60:66] = 1
    traces = trace_rows(page, level_rows(200.0))
    assert traces.start[0] == pytest.approx(200, abs=2)
    assert traces.end[0] == pytest.approx(700, abs=2)
    assert np.isnan(traces.center[0, :195]).all()


def test_masked_print_is_not_followed(draw):
    page = draw((400, WIDTH), line(200.0))
    page[150:198, 300:304] = 1  # a bar that stands on the trace
    mask = np.zeros(page.shape, bool)
    mask[149:198, 299:305] = True
    traces = trace_rows(page, level_rows(200.0), mask)
    assert np.abs(traces.center[0, 280:320] - 200).max() < 1.0


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_names_that_no_trace_touches_change_nothing(seed):
    rng = np.random.default_rng(seed)
    page = np.zeros((300, WIDTH), np.float32)
    for level in (100, 200):
        y = np.clip(level + np.cumsum(rng.normal(0, 2.0, len(X))), 20, 280).astype(int)
        for dy in range(-2, 3):
            page[y + dy, X] = 1
    for x in rng.integers(X[0], X[-1], 5):
        page[:, x : x + int(rng.integers(1, 60))] *= rng.random((300, 1)) < 0.5
    corner = rng.integers((0, 0), (WIDTH, 280), (3, 2))
    names = np.hstack([corner, corner + rng.integers(5, 80, (3, 2))]).astype(np.float64)
    rows = level_rows(100.0, 200.0)
    alone = trace_rows(page, rows)
    beside = trace_ink(find_pen_ink(page, rows), names)
    same = all(
        np.array_equal(getattr(alone, field), getattr(beside, field), equal_nan=True)
        for field in ("center", "between", "state", "start", "end", "left", "right", "ink")
    )
    assert same or touch_names(alone, names)


def test_a_trace_that_runs_into_a_name_touches_it(draw):
    traces = trace_rows(draw((400, WIDTH), line(200.0), 1.5), level_rows(200.0))
    assert touch_names(traces, np.array([[300.0, 150.0, 340.0, 260.0]]))
    assert not touch_names(traces, np.array([[300.0, 100.0, 340.0, 190.0], [300.0, 199.0, 340.0, 201.0]]))
    assert not touch_names(traces, np.zeros((0, 4)))


def test_the_page_is_not_modified(draw):
    page = draw((400, WIDTH), spike(200.0, 400, 60))
    before = page.copy()
    traces = trace_rows(page, level_rows(200.0))
    erase_traces(page, traces)
    np.testing.assert_array_equal(page, before)


def test_what_is_left_without_the_traces_is_print(draw):
    page = draw((400, WIDTH), spike(200.0, 400, 60))
    print_ = np.zeros_like(page)
    print_[100:120, 500:560] = 1
    left = erase_traces(np.maximum(page, print_), trace_rows(page, level_rows(200.0)))
    assert left[print_ > 0].min() == 1
    assert left[print_ == 0].max() < 0.1


def test_nothing_is_erased_where_nothing_was_traced():
    page = np.ones((20, 30), np.float32)
    unknown = np.full((1, 30), np.nan, np.float32)
    ends = np.array([0]), np.array([0]), np.zeros(1), np.zeros(1)
    traces = Traces(unknown, unknown, np.zeros((1, 30), np.uint8), *ends, 1.5, np.stack([unknown, unknown]))
    np.testing.assert_array_equal(erase_traces(page, traces), page)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), holes=st.integers(0, 6))
def test_the_state_is_unknown_exactly_where_no_center_is(seed, holes):
    rng = np.random.default_rng(seed)
    page = np.zeros((300, WIDTH), np.float32)
    y = np.clip(150 + np.cumsum(rng.normal(0, 1.5, len(X))), 20, 280).astype(int)
    for dy in range(-2, 3):
        page[y + dy, X] = 1
    for start in rng.integers(X[0], X[-1], holes):
        page[:, start : start + int(rng.integers(1, 90))] = 0
    rows = find_rows(page)
    if rows is None:
        return
    traces = trace_rows(page, rows)
    known = np.isfinite(traces.center)
    assert traces.center.shape == traces.state.shape == (len(rows.level), WIDTH)
    assert ((traces.state > TraceState.UNKNOWN) == known).all()
    assert traces.state.dtype == np.uint8 and set(np.unique(traces.state)) <= set(TraceState)
    for row in range(len(known)):
        assert not known[row, : traces.start[row]].any()
        assert not known[row, traces.end[row] :].any()
    inked = known & (traces.state == TraceState.SEEN)
    row, column = np.nonzero(inked)
    nearest = np.abs(traces.center[row, column] - np.interp(column, X, y))
    assert np.percentile(nearest, 95, method="lower") < 4.0 if len(nearest) else True


@pytest.mark.parametrize("radius", [1.0, 1.6])
@pytest.mark.parametrize("phase", [0.0, 0.3, 0.6])
def test_ends_are_known_to_a_fraction_of_a_pixel(draw, radius, phase):
    ends = np.array([100.0 + phase, 700.0 + phase])
    traces = trace_rows(draw((400, WIDTH), np.column_stack([ends, [200.0, 200.0]]), radius), level_rows(200.0))
    assert traces.left[0] == pytest.approx(ends[0], abs=0.35)
    assert traces.right[0] == pytest.approx(ends[1], abs=0.35)

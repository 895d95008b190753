from __future__ import annotations

import numpy as np
import pytest

import digitize.tracing.view
from digitize.geometry.placement import place_page
from digitize.geometry.rectify import MOST_PIXELS
from digitize.ink.look import look_at
from digitize.pages.page import load_pages
from digitize.records.page import Page, PageError
from digitize.records.placement import PaperScale
from digitize.records.traces import Rows
from digitize.tracing.view import follow_traces, lay, looked_at
from papertrace.synth import render_page


def test_a_row_along_which_nothing_was_followed_is_left_out(recording, monkeypatch):
    page, placement = place_page(load_pages(render_page(recording, 500, layout="3x4+II").image)[0])
    trace, calls = digitize.tracing.view.trace_ink, []

    def lose_one(*arguments):
        traces = trace(*arguments)
        if not calls:
            traces.center[1] = np.nan
        calls.append(len(traces.center))
        return traces

    monkeypatch.setattr(digitize.tracing.view, "trace_ink", lose_one)
    view = follow_traces(lay(page, placement))
    assert calls == [4, 3]
    assert len(view.rows.level) == len(view.baseline) == 3
    assert np.isfinite(view.baseline).all()


@pytest.mark.parametrize(("source", "told"), [("pulse", "pulse"), ("print", "stated resolution")])
def test_a_scale_at_which_the_page_is_larger_than_any_sheet_is_refused(source, told):
    """What was taken for a pulse or a grid is none; all of the memory would go into enlarging the picture."""
    page = Page(np.full((1000, 2000, 3), 255, np.uint8), "cover", None, 0)
    message = f"cover: no electrocardiogram found .by its {told} the page is 2 x 1 m; allowed: up to 1 square meter"
    with pytest.raises(PageError, match=message):
        lay(page, PaperScale(np.eye(3), source))
    assert MOST_PIXELS == 1000 * 10 * 1000 * 10


@pytest.mark.parametrize(
    "wrong",
    [lambda level: level[::2], lambda level: np.sort(np.concatenate([level - 70, level[-1:] + 70]), axis=0)],
    ids=["two of four", "five beside them"],
)
def test_rows_are_looked_for_again_where_it_is_known_that_there_are_others(recording, monkeypatch, wrong):
    page, placement = place_page(load_pages(render_page(recording, 500, layout="3x4+II", dpi=100).image)[0])
    find = digitize.tracing.view.find_rows
    expected = follow_traces(lay(page, placement))

    def misled(coverage, count=None):
        rows = find(coverage, count)
        if count is not None:
            return rows
        level = wrong(rows.level)
        return Rows(level, np.repeat(rows.start[:1], len(level)), np.repeat(rows.end[:1], len(level)))

    monkeypatch.setattr(digitize.tracing.view, "find_rows", misled)
    found = follow_traces(lay(page, placement), 4)
    np.testing.assert_allclose(found.baseline, expected.baseline, atol=3)


@pytest.mark.parametrize(("looked", "more", "expected"), [(False, 4, 2), (True, 4, 4), (True, 3, 2)])
def test_rows_are_looked_for_again_where_more_pulses_stand_above_each_other(
    recording, monkeypatch, looked, more, expected
):
    page, placement = place_page(load_pages(render_page(recording, 500, layout="3x4+II", dpi=100).image)[0])
    laid = lay(page, placement)
    if looked:
        laid = looked_at(page, laid, look_at)
    find = digitize.tracing.view.find_rows

    def misled(coverage, count=None):
        rows, found = find(coverage, count), 2 if count is None else more
        return Rows(rows.level[:found], rows.start[:found], rows.end[:found])

    monkeypatch.setattr(digitize.tracing.view, "find_rows", misled)
    assert len(follow_traces(laid).rows.level) == expected

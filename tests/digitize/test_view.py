from __future__ import annotations

import numpy as np
import pytest

import digitize.view
from digitize.api import _grounded
from digitize.gridless import PaperScale
from digitize.page import Page, PageError, load_pages
from digitize.rectify import MOST_PIXELS
from digitize.view import look
from synth import render_page


def test_a_row_along_which_nothing_was_followed_is_left_out(recording, monkeypatch):
    page, ground = _grounded(load_pages(render_page(recording, 500, layout="3x4+II").image)[0])
    trace, calls = digitize.view.trace_ink, []

    def lose_one(*arguments):
        traces = trace(*arguments)
        if not calls:
            traces.centre[1] = np.nan
        calls.append(len(traces.centre))
        return traces

    monkeypatch.setattr(digitize.view, "trace_ink", lose_one)
    view = look(page, ground)
    assert calls == [4, 3]
    assert len(view.rows.level) == len(view.baseline) == 3
    assert np.isfinite(view.baseline).all()


@pytest.mark.parametrize(("source", "told"), [("pulse", "pulse"), ("print", "stated resolution")])
def test_a_scale_at_which_the_page_is_larger_than_any_sheet_is_refused(source, told):
    """What was taken for a pulse or a grid is none; all of the memory would go into enlarging the picture."""
    page = Page(np.full((1000, 2000, 3), 255, np.uint8), "cover", None, 0)
    message = f"cover: no electrocardiogram found .by its {told} the page is 2 x 1 m; allowed: up to 1 square meter"
    with pytest.raises(PageError, match=message):
        look(page, PaperScale(np.eye(3), source))
    assert MOST_PIXELS == 1000 * 10 * 1000 * 10

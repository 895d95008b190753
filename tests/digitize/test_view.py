from __future__ import annotations

import numpy as np

import digitize.view
from digitize.api import _grounded
from digitize.page import load_pages
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

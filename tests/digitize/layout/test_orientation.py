from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from digitize import trace_leads
from digitize.geometry.rectify import rectify
from digitize.ink.coverage import find_ink
from digitize.layout.orientation import is_upside_down, turns_by_names
from digitize.tracing.direction import runs_downward
from digitize.tracing.rows import find_rows
from papertrace.synth import render_page


def coverage(recording: NDArray[np.float32], **knobs: object) -> NDArray[np.float32]:
    page = render_page(recording, 500, dpi=150, **knobs)
    return find_ink(rectify(page.image, np.diag([25.4 / 150, 25.4 / 150, 1.0])), tiled=True).coverage


@pytest.mark.parametrize("layout", ["3x4+II", "6x2", "12x1"])
def test_traces_run_across_or_down(recording, layout):
    upright = coverage(0.5 * recording, layout=layout)
    assert not runs_downward(upright)
    assert not runs_downward(upright[::-1, ::-1])
    assert runs_downward(np.ascontiguousarray(np.rot90(upright)))


def test_an_empty_page_stays_as_it_is():
    assert not runs_downward(np.zeros((600, 300), np.float32))
    assert not runs_downward(np.zeros((5, 5), np.float32))


@pytest.mark.parametrize("pulse", ["left", "none"])
def test_names_and_pulses_tell_which_end_is_up(recording, pulse):
    upright = coverage(recording, pulse=pulse)
    assert not is_upside_down(upright, find_rows(upright))
    turned = np.ascontiguousarray(upright[::-1, ::-1])
    assert is_upside_down(turned, find_rows(turned))


def test_names_tell_how_a_page_on_its_side_must_be_turned(recording):
    upright = coverage(recording)
    assert [turns_by_names(np.ascontiguousarray(np.rot90(upright, turns))) for turns in range(4)] == [0, 1, 0, 3]


def test_tall_beats_do_not_lay_a_page_on_its_side(recording):
    """Beats that cross the rows beside them hang together down the page, as its traces do across it."""
    page = render_page(4 * recording, 500, dpi=150, layout="6x2")
    for turns in (1, 3):
        assert trace_leads(np.ascontiguousarray(np.rot90(page.image, turns))).layout == "6x2"


@pytest.mark.parametrize("grid", ["red", "none"])
def test_a_page_is_read_whichever_way_it_was_scanned(recording, grid):
    page = render_page(recording, 500, dpi=150, grid=grid)
    upright = trace_leads(page.image)
    assert abs(upright.geometry.rotation) < 1
    for turns, angle in ((1, -90), (2, 180), (3, 90)):
        turned = trace_leads(np.ascontiguousarray(np.rot90(page.image, turns)))
        assert abs((turned.geometry.rotation - angle + 180) % 360 - 180) < 1
        assert turned.layout == upright.layout
        n = min(turned.signal.shape[1], upright.signal.shape[1])
        off = turned.signal[:, :n] - upright.signal[:, :n]
        assert np.nanmedian(np.abs(off)) < 0.03

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitize.geometry.mapping import quarter_turn, scale_at
from digitize.geometry.scale import first_scale
from digitize.records.placement import PaperScale
from digitize.records.symbols import Pulse, Symbols
from digitize.records.traces import Traces, TraceState
from digitize.tracing.rescale import measured_scale

WIDTH, HEIGHT = 2900, 1800


def on_desk() -> NDArray[np.uint8]:
    picture = np.full((700, 1000, 3), 70, np.uint8)
    picture[70:630, 104:896] = 240
    return picture


def blank() -> NDArray[np.uint8]:
    return np.full((1700, 2200, 3), 255, np.uint8)


def traces(slope: float = 0.0, length: int = 2500) -> tuple[Traces, NDArray[np.float32]]:
    """Three rows of a view, and their levels."""
    columns = np.arange(WIDTH)
    level = np.stack([400.0 * (1 + row) + slope * columns for row in range(3)]).astype(np.float32)
    start = np.full(3, 200)
    seen = np.full(level.shape, TraceState.SEEN, np.uint8)
    ends = {"start": start, "end": start + length, "left": start + 0.8, "right": start + length - 1.8}
    ink = np.stack([level - 1.5, level + 1.5])
    return Traces(center=level, between=level, state=seen, **ends, radius=1.5, ink=ink), level


def marks(height: float | None) -> Symbols:
    pulses = () if height is None else tuple(Pulse(row, 50.0, 100.0, 400.0, 400.0 + height) for row in range(3))
    return Symbols(pulses, (), np.zeros((HEIGHT, WIDTH), bool))


def test_the_sheet_comes_first():
    scale = first_scale(on_desk(), 200.0)
    assert scale.source == "paper"
    assert scale_at(scale.matrix, (500.0, 350.0))[0] == pytest.approx(792 / 297, rel=0.01)


@pytest.mark.parametrize(
    ("dpi", "source", "per_mm"),
    [(200.0, "print", 7.874), (None, "assumed", 2200 / 279.4), (72.0, "assumed", 2200 / 279.4)],
)
def test_then_the_stated_resolution_then_a_usual_page(dpi, source, per_mm):
    scale = first_scale(blank(), dpi)
    assert scale.source == source
    assert scale_at(scale.matrix, (0.0, 0.0))[0] == pytest.approx(per_mm, rel=1e-3)


def measured(scale: PaperScale, slope: float = 0.0, length: int = 2500, height: float | None = None) -> PaperScale:
    found, level = traces(slope, length)
    return measured_scale(scale, found, level, marks(height), speed=None, gain=None)


def test_pulses_tell_the_scale():
    scale = measured(PaperScale(np.diag([0.11, 0.11, 1.0]), "assumed"), height=90.0)
    assert scale.source == "pulse"
    assert scale_at(scale.matrix, (0.0, 0.0))[0] == pytest.approx(9.0 / 1.1, rel=1e-6)


def test_a_scale_near_a_usual_resolution_is_that():
    scale = measured(PaperScale(np.diag([0.127, 0.127, 1.0]), "assumed"), height=100.6)
    assert scale_at(scale.matrix, (0.0, 0.0))[0] == pytest.approx(200 / 25.4)


@pytest.mark.parametrize("source", ["assumed", "paper"])
def test_without_pulses_rows_are_ten_seconds(source):
    scale = measured(PaperScale(np.diag([0.11, 0.11, 1.0]), source), length=2300)
    assert scale.source == "rows"
    assert scale_at(scale.matrix, (0.0, 0.0))[0] == pytest.approx(2300 / 250 / 1.1, rel=0.015)


def test_rows_that_cannot_be_ten_seconds_say_nothing():
    scale = measured(PaperScale(np.diag([0.11, 0.11, 1.0]), "assumed"), length=1200)
    assert scale.source == "assumed"


def test_a_stated_resolution_is_not_doubted_for_the_rows_length():
    scale = measured(PaperScale(np.diag([0.127, 0.127, 1.0]), "print"), length=2300)
    assert scale.source == "print"
    assert scale_at(scale.matrix, (0.0, 0.0))[0] == pytest.approx(200 / 25.4)


def test_a_slope_is_square_to_the_line_on_which_rows_begin():
    # The recordings wander by a degree, the page leans by a fifth of one.
    found, level = traces(np.tan(np.radians(1.0)))
    lean = np.radians(0.2)
    found = replace(found, left=199.0 - np.tan(lean) * (level[:, 200] - level[0, 200]))
    scale = measured_scale(
        PaperScale(np.diag([0.127, 0.127, 1.0]), "print"), found, level, marks(None), speed=None, gain=None
    )
    assert scale_at(scale.matrix, (0.0, 0.0))[2] == pytest.approx(0.2, abs=0.01)


def test_rows_that_begin_here_and_there_tell_no_slope():
    found, level = traces(np.tan(np.radians(1.0)))
    found = replace(found, left=np.array([199.0, 197.4, 198.8]))
    scale = measured_scale(
        PaperScale(np.diag([0.127, 0.127, 1.0]), "print"), found, level, marks(None), speed=None, gain=None
    )
    assert scale_at(scale.matrix, (0.0, 0.0))[2] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("turns", range(4))
def test_slopes_are_leveled_and_turns_kept(turns):
    first = quarter_turn(turns) @ np.diag([0.127, 0.127, 1.0])
    scale = measured(PaperScale(first, "print"), slope=np.tan(np.radians(2.0)))
    before, after = (scale_at(matrix, (0.0, 0.0))[2] for matrix in (first, scale.matrix))
    assert (after - before + 180) % 360 - 180 == pytest.approx(2.0, abs=0.01)


def test_the_dots_of_a_fax_come_before_sheet_and_pulses():
    scale = first_scale(on_desk(), 200.0, 240.0)
    assert scale.source == "fax"
    later = measured(scale, slope=0.01, height=90.0)
    assert scale_at(later.matrix, (0.0, 0.0))[0] == pytest.approx(240 / 25.4)
    assert later.source == "fax"


@pytest.mark.parametrize("degrees", [-2.0, 1.5])
def test_a_page_is_laid_level_by_its_own_rows(degrees):
    page = blank()
    for top in range(300, 1500, 200):
        run = np.tan(np.radians(degrees)) * 1900
        cv2.line(page, (150, top), (2050, round(top + run)), (0, 0, 0), 3)
    assert scale_at(first_scale(page, None).matrix, (0.0, 0.0))[2] == pytest.approx(degrees, abs=0.2)


@pytest.mark.parametrize(
    ("height", "length", "pixels"),
    [
        (200.0, 2500, 1.0),
        (50.0, 2500, 1.0),
        (200.0, 2000, 1.0),
        # Neither with rows of 5 s nor on paper of twice the size is custom doubted.
        (200.0, 1250, 2.0),
        (100.0, 1250, 1.0),
    ],
)
def test_where_rows_and_paper_tell_it_a_pulse_is_not_ten_millimeters_high(height, length, pixels):
    scale = measured(PaperScale(np.diag([0.11, 0.11, 1.0]), "assumed"), length=length, height=height)
    assert scale.source == "pulse"
    assert scale_at(scale.matrix, (0.0, 0.0))[0] == pytest.approx(pixels / 0.11, rel=0.015)

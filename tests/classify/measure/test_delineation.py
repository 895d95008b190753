from __future__ import annotations

import numpy as np
import pytest

from classify.measure.delineation import delineate_strips
from classify.records.segments import StripSegment

FS = 500
TIME = np.arange(10 * FS) / FS
BEATS = np.arange(0.5, 9.6, 0.9)
PEAKS = np.round(BEATS * FS).astype(np.int64)
WAVES = ((-0.2, -0.03, 0.01), (1.0, 0.0, 0.01), (-0.2, 0.03, 0.01), (0.3, 0.28, 0.04))


def train(p_at: np.ndarray | None) -> np.ndarray:
    """Beats with a P wave at its own time before each, or none."""
    signal = sum(a * np.exp(-(((TIME - beat - at) / width) ** 2)) for a, at, width in WAVES for beat in BEATS)
    if p_at is not None:
        signal = signal + sum(0.12 * np.exp(-(((TIME - at) / 0.025) ** 2)) for at in BEATS + p_at)
    return (signal + 0.004 * np.random.default_rng(0).normal(size=len(TIME))).astype(np.float32)


@pytest.mark.parametrize("before", [0.12, 0.16, 0.24])
def test_steady_p_waves(before):
    found = delineate_strips([(StripSegment("II", train(np.full(len(BEATS), -before))), PEAKS)], FS)
    assert found.p_peak == pytest.approx(-before, abs=0.01)
    assert found.p_share >= 0.9
    assert found.beats == len(BEATS)
    assert 0.28 < found.t_end < 0.42


def test_where_there_are_no_p_waves_their_places_scatter():
    scattered = np.random.default_rng(1).uniform(-0.3, -0.1, len(BEATS))
    assert delineate_strips([(StripSegment("II", train(scattered)), PEAKS)], FS).p_share < 0.6


def test_avr_is_looked_at_upside_down():
    upright = train(np.full(len(BEATS), -0.16))
    expected = delineate_strips([(StripSegment("II", upright), PEAKS)], FS)
    assert delineate_strips([(StripSegment("aVR", -upright), PEAKS)], FS) == expected


def test_columns_are_put_together():
    """Two beats in each column are too few for one, and enough for all."""
    signal = train(np.full(len(BEATS), -0.16))
    columns = []
    for start in (0, 1250, 2500, 3750):
        inside = PEAKS[(PEAKS >= start) & (PEAKS < start + 1250)] - start
        columns.append((StripSegment("II", signal[start : start + 1250], start / FS), inside[:2]))
    assert delineate_strips(columns[:1], FS) is None
    found = delineate_strips(columns, FS)
    assert found.p_peak == pytest.approx(-0.16, abs=0.01) and found.p_share >= 0.8
    assert 4 <= found.beats <= 8, "a column's first beat may stand too near to its start"


@pytest.mark.parametrize("peaks", [[], [2500], [100, 500]])
def test_too_few_beats(peaks):
    assert delineate_strips([(StripSegment("II", train(None)), np.array(peaks, np.int64))], FS) is None

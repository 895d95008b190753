from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from digitize.records.traces import TraceState
from digitize.refine.bands import CHANNELS, STEPS, Bands
from digitize.refine.distribution import Distribution
from digitize.refine.read import LENGTH, doubted, lead_back, length_for, read_bands, slide
from tests.papertrace.training.band_page import WIDTH, page


class Oracle(torch.nn.Module):
    """Knows the truth of the bands that it sees, in the order in which they are cut; what it says is broad."""

    def __init__(self, read, spread: float = 2.0) -> None:
        super().__init__()
        self.truth = torch.from_numpy(read.seen[..., ::2].copy())
        self.levels = torch.from_numpy(read.layers.rows.level.copy())
        self.spread = spread
        self.seen: list[tuple[int, int]] = []
        width = self.truth.shape[1]
        self.length = length_for(width)
        last = width + width % 2 - self.length
        starts = [*range(0, last, self.length - 96), last]
        self.places = iter([(row, start) for row in range(len(self.truth)) for start in starts])

    def forward(self, pixels: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        y = torch.arange(pixels.shape[2])
        told = []
        for own in level:
            row, start = next(self.places)
            top = self.levels[row, start] - own[0]
            path = self.truth[row, start : start + self.length] - top
            told.append(-(((y - path[..., None]) / self.spread) ** 2) / 2)
        return torch.stack(told)


def test_the_pen_is_where_the_distribution_says():
    read = page(3)
    traces, right = read_bands(read.layers, Oracle(read))
    for k, path in enumerate((traces.center, traces.between)):
        off = np.abs(path - read.seen[..., 2 * k])
        assert np.nanmax(off) < 0.2
    assert np.isfinite(traces.center).all() and np.isnan(traces.between).sum() == 2
    assert (traces.state > TraceState.UNKNOWN).all() and (traces.state[0, 300:310] == TraceState.BRIDGED).all()
    assert (right > 4).all()


def test_it_is_as_sure_as_the_distribution():
    read = page(3)
    _, sure = read_bands(read.layers, Oracle(read, 2.0))
    _, unsure = read_bands(read.layers, Oracle(read, 12.0))
    # 0.1 mV are 10 pixels.
    assert (sure > unsure).all()
    assert np.median(unsure) == pytest.approx(np.log(0.595 / 0.405), abs=0.25)


def test_outside_of_a_trace_nothing_is_read():
    read = page(3)
    shorter = dataclasses.replace(read.layers.traces, start=np.array([50, 0]), end=np.array([WIDTH, 700]))
    layers = dataclasses.replace(read.layers, traces=shorter)
    traces, _ = read_bands(layers, Oracle(read))
    known = np.isfinite(traces.center)
    assert not known[0, :50].any() and known[0, 50:].all() and known[1, :700].all() and not known[1, 700:].any()


@pytest.mark.parametrize("width", (300, 512, 1099))
def test_bands_reach_over_the_whole_page(width):
    full = page(1).layers
    traces = dataclasses.replace(
        full.traces,
        **{name: getattr(full.traces, name)[:, :width] for name in ("center", "between", "state")},
        end=np.full(2, width),
    )
    layers = dataclasses.replace(
        full, coverage=full.coverage[:, :width], gray=full.gray[:, :width], print_mask=full.print_mask[:, :width],
        traces=traces, rows=dataclasses.replace(full.rows, level=full.rows.level[:, :width], end=np.full(2, width)),
    )  # fmt: skip
    torch.manual_seed(0)
    network = Distribution((8, 8, 8)).eval()
    covered = np.zeros(2 * width + LENGTH, int)
    for of in slide(Bands(layers), 0, 320, network):
        covered[of.start + of.inner : of.start + LENGTH] += 1
        assert of.said[0].shape == (LENGTH, STEPS, 320)
    assert (covered[:width] > 0).all()
    before = traces.center.copy()
    read, right = read_bands(layers, network)
    assert read.center.shape == right.shape == (2, width) and np.isfinite(read.center).all()
    np.testing.assert_array_equal(traces.center, before)


class PenReader(torch.nn.Module):
    """Says that the pen is in the middle of a column's ink that is the pen's."""

    def forward(self, pixels: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        pen, y = pixels[:, CHANNELS.index("pen")].float(), torch.arange(pixels.shape[2])
        # Other rows are 220 pixels away.
        pen = pen * ((y[:, None] - level[:, None]).abs() < 105)
        total = pen.sum(dim=1)
        middle = torch.where(total > 0, (pen * y[:, None]).sum(dim=1) / total.clamp_min(1), level)
        return (-(((y - middle[..., None]) / 2) ** 2) / 2)[:, :, None].expand(-1, -1, STEPS, -1)


WHOLE = {0: (0.0, WIDTH - 1.0), 1: (0.0, WIDTH - 1.0)}


def test_a_trace_that_went_astray_is_led_back():
    read = page(3)
    found = read.layers.traces
    traces = lead_back(read.layers, WHOLE, PenReader())
    assert np.nanmax(np.abs(traces.center - read.seen[..., 0])) < 2.5
    # Elsewhere it knows better than the network.
    there = np.zeros(found.center.shape, bool)
    there[:, 5:-5] = True
    there[1, 590:730] = there[0, 290:320] = False
    np.testing.assert_array_equal(traces.center[there], found.center[there])
    np.testing.assert_array_equal(traces.between[there], found.between[there])


def test_a_trace_is_led_on_as_far_as_there_is_ink():
    read = page(3)
    late, white = 60, 25
    center = read.layers.traces.center.copy()
    center[:, :late] = np.nan
    coverage = read.layers.coverage.copy()
    coverage[:, :white] = 0
    start = np.full(2, late)
    traces = dataclasses.replace(read.layers.traces, center=center, start=start)
    layers = dataclasses.replace(read.layers, coverage=coverage, traces=traces)
    longer = lead_back(layers, WHOLE, PenReader())
    assert longer.start.tolist() == [white, white]
    assert np.abs(longer.center[:, white:late] - read.seen[:, white:late, 0]).max() < 1.5
    assert np.isnan(longer.center[:, :white]).all()
    assert (longer.state[:, :white] == TraceState.UNKNOWN).all()
    assert lead_back(layers, {}, PenReader()).start.tolist() == [late, late]


def test_traces_are_doubted_where_they_are_astray_unknown_or_leave_ink():
    read = page(3)
    doubts = doubted(read.layers)
    at = [np.flatnonzero(row) for row in doubts]
    assert 295 < at[0].min() and at[0].max() < 315, "where it is unknown"
    assert 540 < at[1].min() < 605 and 715 < at[1].max() < 780, "where it is off its ink, and leaves it"
    true = dataclasses.replace(read.layers.traces, center=read.seen[..., 0], between=read.seen[..., 2])
    right = dataclasses.replace(read.layers, traces=true)
    assert not doubted(right).any()
    assert lead_back(right, WHOLE, PenReader()).center is not None

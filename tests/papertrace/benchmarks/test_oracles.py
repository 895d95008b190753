"""Each oracle brings back what was taken, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from digitize.api import analyze_page, leads_of
from digitize.pages.page import load_page
from digitize.records.page import Page
from papertrace.benchmarks.oracles import SUMS, ask, best_clock, best_lag, draw_truth, sums_of
from papertrace.datasets.pages import find_pages, read_truth
from papertrace.metrics.digitization import score_page
from papertrace.synth import render_page

FS = 500
LAYOUT = "3x4+II"


@dataclass(frozen=True)
class Sample:
    page: Page
    truth: NDArray[np.float64]
    read: NDArray[np.float64]


@pytest.fixture(scope="module")
def sample() -> Sample:
    """A page of the samples, and its leads as they might be read: with a little noise."""
    file = find_pages(Path("nowhere"), ["samples"])[0]
    page, truth = load_page(file.file), read_truth(file)
    return Sample(page, truth, truth + 0.01 * np.random.default_rng(0).normal(size=truth.shape))


def late(signal: NDArray[np.float64], lag_s: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """The leads later by a lag, by straight lines between samples; half a second longer, so that nothing is lost."""
    time = np.arange(signal.shape[1]) / FS
    signal = np.pad(signal, ((0, 0), (0, FS // 2)), constant_values=np.nan)
    lag_s = np.pad(np.broadcast_to(lag_s, time.shape), (0, FS // 2), mode="edge")
    time = np.arange(signal.shape[1]) / FS
    moved = np.full_like(signal, np.nan)
    for row, lead in zip(moved, signal, strict=True):
        known = np.isfinite(lead)
        row[:] = np.interp(time - lag_s, time[known], lead[known], left=np.nan, right=np.nan)
    return moved


def test_sums_are_those_of_the_chosen():
    assert sums_of(["layout", "clock", "lag", "ink"]) == SUMS
    assert sums_of(["layout", "clock"]) == ("layout", "clock", "layout + clock")
    assert sums_of(["lag", "ink"]) == ("lag", "layout + lag", "layout + ink")
    assert sums_of([]) == ()


@pytest.mark.parametrize("seconds", [0.010, -0.0105, 0.300])
def test_the_clock_brings_a_wrong_clock_back(sample, seconds):
    true = score_page(sample.truth, sample.read, FS)
    wrong = late(sample.read, seconds)
    mended = score_page(sample.truth, best_clock(sample.truth, wrong, FS), FS)
    assert score_page(sample.truth, wrong, FS).strict_mean < true.strict_mean - 10
    assert mended.strict_mean > true.strict_mean - 0.3
    assert mended.clock_ms == 0 and mended.coverage > 0.98 * true.coverage


def test_the_clock_does_not_mend_lags_and_the_lag_does(sample):
    true = score_page(sample.truth, sample.read, FS)
    time = np.arange(sample.read.shape[1]) / FS
    bent = late(sample.read, 0.004 + 0.012 * np.sin(2 * np.pi * time / 3.1))
    clock, lag = (score_page(sample.truth, find(sample.truth, bent, FS), FS) for find in (best_clock, best_lag))
    assert clock.strict_mean < true.strict_mean - 8
    assert lag.strict_mean > true.strict_mean - 2


def test_a_lag_mends_neither_gain_nor_a_lost_lead(sample):
    truth, spoiled = sample.truth.copy(), 1.1 * sample.read
    truth[4:], spoiled[3] = np.nan, np.nan
    mended = best_lag(truth, spoiled, FS)
    assert np.isnan(mended[3]).all()
    assert score_page(truth, mended, FS).gain_percent == pytest.approx(10, abs=1.5)


def test_a_lag_fills_no_gap(sample):
    """The first 60 ms are lost; to stretch the rest over them would spoil it."""
    truth = np.where(np.arange(12)[:, None] < 3, sample.truth, np.nan)
    cut = np.where(np.isfinite(np.pad(sample.read, ((0, 0), (30, 0)))[:, :-30]), sample.read, np.nan)
    mended = best_lag(truth, cut, FS)
    assert np.isnan(mended[np.isnan(cut)]).all()
    assert (score_page(truth, mended, FS).aligned[:3] > score_page(truth, cut, FS).aligned[:3] - 0.5).all()


def test_what_was_not_read_stays_so(sample):
    nothing = np.full((12, 0), np.nan)
    for find in (best_clock, best_lag):
        assert score_page(sample.truth, find(sample.truth, nothing, FS), FS).aligned_mean == 0


def test_ink_brings_back_what_is_hidden_and_what_is_off(sample):
    """A white label lies over the middle of the page: its strips are lost, but what is told stands."""
    image = sample.page.image.copy()
    height, width = image.shape[:2]
    image[height // 3 : 2 * height // 3, int(0.3 * width) : int(0.36 * width)] = 255
    hidden = Page(image, "hidden", sample.page.dpi, 0)
    analysis = analyze_page(hidden, layout=LAYOUT)
    read = np.asarray(leads_of(analysis, fs=FS).signal, np.float64)
    drawn = draw_truth(analysis, sample.truth, FS)
    assert drawn is not None and drawn.coverage.shape == analysis.coverage.shape
    ink = score_page(sample.truth, leads_of(drawn, fs=FS).signal, FS)
    spoiled = score_page(sample.truth, read, FS)
    assert spoiled.coverage < 0.985 < 0.997 < ink.coverage
    assert spoiled.pooled < ink.pooled - 4 and ink.strict_mean > 28
    assert not ink.misnamed


def test_the_layout_names_what_the_page_does_not(sample):
    """Three chest leads without a name on the page look like the limb leads, unless it is told."""
    chest = np.stack([x[np.isfinite(x)][:1250] for x in sample.truth])
    printed = render_page(np.tile(chest, 2), FS, layout="chest-3x1", dpi=100)
    image = printed.image.copy()
    for strip in printed.strips:
        x0, y0, x1, y1 = (round(edge) for edge in strip.label_box)
        image[y0 - 1 : y1 + 2, x0 - 1 : x1 + 2] = 255
    page = Page(image, "unnamed", 100.0, 0)
    truth = np.asarray(printed.signal, np.float64)
    read = np.asarray(leads_of(analyze_page(page), fs=FS).signal, np.float64)
    found = ask(["layout"], page, read, truth, "chest-3x1", FS, refine=False)
    assert score_page(truth, read, FS).misnamed == ("V1", "V2", "V3")
    assert score_page(truth, found["layout"], FS).right


def test_a_page_that_cannot_be_read_is_not_helped_but_by_nothing(sample):
    blank = Page(np.full((300, 400, 3), 255, np.uint8), "blank", 100.0, 0)
    found = ask(SUMS, blank, np.full((12, 0), np.nan), sample.truth, LAYOUT, FS)
    assert tuple(found) == SUMS
    assert all(score_page(sample.truth, read, FS).coverage == 0 for read in found.values())

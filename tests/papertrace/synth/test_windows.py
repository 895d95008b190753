from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitize.records.layouts import LEAD_NAMES
from papertrace.synth import render_page
from papertrace.synth.capture import Capture
from papertrace.synth.windows import stream_pages, stream_windows, strip_windows

FS = 500
CAMERA = Capture(tilt=30.0, tilt_direction=70.0, distance=1.3, lens=(-0.03, 0.01), curl=15.0, curl_waves=1.5)
BARE = {"layout": "6x2", "grid": "none", "header": False, "footer": False, "pulse": "none", "label_position": "left"}


def beats(seconds: float = 5.0, fs: float = FS) -> NDArray[np.float64]:
    time = np.arange(round(seconds * fs)) / fs
    return np.array([0.25 * np.sin(5 * time + lead) + 0.02 * (lead - 6) for lead in range(12)])


@pytest.mark.parametrize(
    ("knobs", "waves"),
    [
        ({}, 0.0),
        ({"rotation": 3.0}, 0.0),
        ({"capture": replace(CAMERA, quarter_turns=1)}, 0.0),
        ({"capture": CAMERA}, 0.6),
        ({"capture": Capture(quarter_turns=2), "dpi": 100}, 0.0),
    ],
)
@pytest.mark.parametrize("scale", [5.0, 8.0])
def test_center_line_lies_on_the_pen_in_upright_windows(
    knobs: dict[str, object], waves: float, scale: float, wavy_paper: Callable[..., None]
) -> None:
    wavy_paper(waves)
    page = render_page(beats(), FS, **{**BARE, "dpi": 200, **knobs})
    offsets = []
    for strip in page.strips:
        images, centers = strip_windows(page, strip, 16.0, 16.0, scale)
        assert images.shape[1:] == (round(16 * scale), round(16 * scale), 3) and images.dtype == np.uint8
        assert centers.shape == (len(images), images.shape[2])
        dark = 255.0 - images[..., 1]
        rows = np.arange(images.shape[1])[None, :, None]
        near = np.abs(rows - np.nan_to_num(centers, nan=-99)[:, None]) < 0.8 * scale
        dark = (dark - dark.min(axis=1, keepdims=True)) * near
        found = (dark * rows).sum(axis=1) / np.maximum(dark.sum(axis=1), 1e-9)
        # At its ends the pen is round, and neighboring strips touch.
        inner = np.isfinite(centers).reshape(-1)
        inner[:8] = False
        inner[np.flatnonzero(inner)[-8:]] = False
        offsets.append((found - centers).reshape(-1)[inner])
    error = np.concatenate(offsets)
    assert abs(error.mean()) < 0.03
    assert np.percentile(np.abs(error), 99) < 0.25


def test_windows_show_time_and_voltage_where_they_say() -> None:
    signal = np.zeros((12, 2500))
    signal[:, 1000:] = 0.5
    page = render_page(signal, FS, capture=CAMERA, **{**BARE, "layout": "II"})
    _, centers = strip_windows(page, page.strips[0], 10.0, 20.0, 10.0)
    line = centers.reshape(-1)
    # 2 s at 25 mm/s and 10 pixels a millimeter; half a millivolt is 5 mm.
    assert line[100] == pytest.approx(99.5, abs=0.01) and line[700] == pytest.approx(49.5, abs=0.01)
    assert np.flatnonzero(line < 75)[0] == pytest.approx(500, abs=2)


def test_what_cannot_be_seen_is_unknown() -> None:
    signal = beats()
    signal[1, 500:700] = np.nan
    cut = replace(CAMERA, framing=(-0.2, 0.0, 0.0, 0.0))
    page = render_page(signal, FS, **{**BARE, "layout": "II"})
    line = strip_windows(page, page.strips[0], 10.0, 20.0, 10.0)[1].reshape(-1)
    assert np.isnan(line[252:348]).all() and np.isfinite(line[:248]).all() and np.isfinite(line[352:1248]).all()
    assert np.isnan(line[1250:]).all()
    hidden = render_page(beats(), FS, capture=cut, **{**BARE, "layout": "II"})
    line = strip_windows(hidden, hidden.strips[0], 10.0, 20.0, 10.0)[1].reshape(-1)
    share = np.isnan(hidden.strips[0].polyline[:, 0]).mean()
    assert 0.05 < share < 0.4
    assert np.isnan(line[:1250]).mean() == pytest.approx(share, abs=0.01)


def test_pages_depend_on_their_number_alone(tmp_path: Path) -> None:
    wfdb.wrsamp(
        "heart",
        fs=FS,
        units=["mV"] * 12,
        sig_name=list(LEAD_NAMES),
        p_signal=beats().T,
        fmt=["16"] * 12,
        adc_gain=[1000.0] * 12,
        baseline=[0] * 12,
        write_dir=str(tmp_path),
    )
    records = [tmp_path / "heart", (beats(4.0), FS), (beats(3.0), FS)]
    alone = list(stream_pages(records, "random", 5, passes=2, dpi=72))
    shared = [list(stream_pages(records, "random", 5, passes=2, worker=(index, 2), dpi=72)) for index in (0, 1)]
    assert len(alone) == 6 and [len(pages) for pages in shared] == [3, 3]
    for number, page in enumerate(alone):
        np.testing.assert_array_equal(page.image, shared[number % 2][number // 2].image)
    np.testing.assert_array_equal(alone[4].image, render_page(beats(4.0), FS, "random", seed=9, dpi=72).image)


def test_stream_goes_on_for_ever() -> None:
    pages = stream_pages([(beats(2.0), FS)], None, passes=None, layout="II", dpi=72)
    assert [next(pages).layout for _ in range(5)] == ["II"] * 5


def test_every_strip_of_every_page_is_cut() -> None:
    pages = stream_pages([(beats(2.0), FS)], None, passes=2, layout="3x4+II", dpi=72)
    cuts = list(stream_windows(pages, 6.0, 10.0, 4.0))
    assert [cut.strip.lead for cut in cuts] == [strip.lead for cut in (cuts[0], cuts[13]) for strip in cut.page.strips]
    assert all(cut.images.shape == (len(cut.centers), 40, 24, 3) for cut in cuts)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), width=st.floats(3, 30), height=st.floats(5, 40), scale=st.floats(2, 10))
def test_windows_fit_together(seed: int, width: float, height: float, scale: float) -> None:
    page = render_page(beats(4.0, 250), 250, "random", seed=seed, dpi=72)
    for strip in page.strips:
        images, centers = strip_windows(page, strip, width, height, scale)
        assert images.shape == (*centers.shape[:1], round(height * scale), round(width * scale), 3)
        length = float(strip.zero[1, 0] - strip.zero[0, 0]) * scale
        assert 0 <= centers.size - length + 1 and centers.size - length < round(width * scale) + 1


@pytest.mark.parametrize(
    ("knobs", "name"), [({"records": []}, "records"), ({"passes": 0}, "passes"), ({"worker": (2, 2)}, "worker")]
)
def test_wrong_streams_are_refused(knobs: dict[str, object], name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}.* allowed"):
        stream_pages(**{"records": [(beats(2.0), FS)], **knobs})


def test_empty_windows_are_refused() -> None:
    page = render_page(beats(2.0), FS, layout="II", dpi=72)
    with pytest.raises(ValueError, match="allowed"):
        strip_windows(page, page.strips[0], 0.01, 10.0, 5.0)

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from digitize.records.layouts import LAYOUTS, LEAD_NAMES, Layout
from papertrace.synth import PageStyle, PrintedPage, PrintedStrip, render_page
from papertrace.synth.capture import Capture
from papertrace.synth.notes import Notes
from papertrace.synth.presets import draw_preset
from papertrace.synth.raster import apply_homography
from papertrace.synth.wear import Wear

FS = 500
BARE = {"header": False, "footer": False, "pulse": "none", "grid": "none", "label_position": "left"}


def slow_leads(seconds: float = 10.0, fs: float = FS) -> NDArray[np.float64]:
    """Twelve slow waves, each at a level and a phase of its own."""
    time = np.arange(round(seconds * fs)) / fs
    return np.array([0.3 * np.sin(4 * time + lead) + 0.05 * (lead - 6) for lead in range(12)])


def read_back(page: PrintedPage, strip: PrintedStrip) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Seconds and millivolts that a strip's polyline stands for, by nothing but the page's own geometry."""
    to_paper = np.linalg.inv(page.homography)
    path = apply_homography(to_paper, strip.polyline.astype(float))
    zero = apply_homography(to_paper, strip.baseline.astype(float))
    seconds = strip.start + (path[:, 0] - zero[0, 0]) / page.speed
    millivolts = (zero[0, 1] - path[:, 1]) / strip.gain
    return seconds, -millivolts if strip.inverted else millivolts


def ink_offsets(page: PrintedPage, darkness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ink's center of mass minus the polyline, across it, in pixels, where the trace is slow."""
    reach = int(page.pixels_per_mm) + 2
    offsets = []
    for strip in page.strips:
        x, y = strip.polyline.astype(float).T
        for column in range(int(x[0]) + reach, int(x[-1]) - reach, 9):
            expected = np.interp(column, x, y)
            rows = np.arange(round(expected) - reach, round(expected) + reach + 1)
            weight = darkness[rows, column]
            offsets.append((weight * rows).sum() / weight.sum() - expected)
    return np.array(offsets)


@pytest.mark.parametrize(("dpi", "rotation"), [(72, 0.0), (100, 2.0), (200, 0.0), (200, -1.5), (300, 4.0), (600, 0.0)])
def test_polyline_lies_at_the_center_of_the_ink(dpi: float, rotation: float) -> None:
    page = render_page(slow_leads(5.0), FS, layout="6x2", dpi=dpi, rotation=rotation, bed_color=(255,) * 3, **BARE)
    darkness = 255.0 - page.image[..., 1]
    for offsets in (ink_offsets(page, darkness), ink_offsets(page, page.ink.astype(float))):
        assert abs(offsets.mean()) < 0.01
        assert np.abs(offsets).max() < 0.1


def test_steep_parts_are_centered_along_time() -> None:
    ramp = np.zeros((12, 1000))
    ramp[:, 500:510] = np.linspace(0, 2, 10)
    ramp[:, 510:] = 2.0
    page = render_page(ramp, FS, layout="II", **BARE)
    x, y = page.strips[0].polyline.astype(float).T
    for row in range(int(y[509]) + 20, int(y[500]) - 20, 5):
        weight = page.ink[row].astype(float)
        expected = np.interp(-row, -y[500:510], x[500:510])
        assert abs((weight * np.arange(len(weight))).sum() / weight.sum() - expected) < 0.1


@pytest.mark.parametrize("width", [0.2, 0.35, 0.6])
def test_pen_is_as_wide_as_asked(width: float) -> None:
    page = render_page(np.zeros((12, 1000)), FS, layout="II", pen_width=width, **BARE)
    middle = page.ink.shape[1] * 3 // 4
    assert page.ink[:, middle].sum() / 255 / page.pixels_per_mm == pytest.approx(width, abs=0.02)


@pytest.mark.parametrize("speed", [25.0, 50.0])
@pytest.mark.parametrize("gain", [5.0, 10.0, 20.0])
def test_polyline_says_what_the_truth_says(speed: float, gain: float) -> None:
    page = render_page(slow_leads(), FS, layout="cabrera-3x4+II", speed=speed, gain=gain, rotation=1.0, dpi=72)
    for strip in page.strips:
        seconds, millivolts = read_back(page, strip)
        first = round(strip.start * FS)
        truth = page.signal[LEAD_NAMES.index(strip.lead), first : first + len(seconds)]
        assert np.abs(seconds - np.arange(first, first + len(seconds)) / FS).max() < 1e-4
        assert np.abs(millivolts - truth).max() < 1e-4


@pytest.mark.parametrize("layout", [*LAYOUTS, "3x4+II", "6x2+II+V1", "3x4+II+V1+V5", "cabrera-6x2+II", "V2", "12x1+II"])
@pytest.mark.parametrize("columns", ["sequential", "simultaneous"])
def test_every_layout_prints_each_lead_in_its_place(layout: str, columns: str) -> None:
    levels = np.repeat(np.arange(12)[:, None] * 0.1 - 0.55, 5000, axis=1)
    page = render_page(levels, FS, layout=layout, columns=columns, dpi=72, label_offset=12.0, row_pitch=40.0)
    arrangement = page.style.resolved_layout()
    printed = arrangement.all_rows
    assert [strip.label for strip in page.strips] == [name for row in printed for name in row]
    for strip in page.strips:
        assert printed[strip.row][strip.column] == strip.label
        lead = LEAD_NAMES.index(strip.label.removeprefix("-"))
        x, y = strip.polyline[len(strip.polyline) // 2]
        height = (strip.baseline[0, 1] - y) / page.pixels_per_mm / page.gain
        assert height == pytest.approx(levels[lead, 0] * (-1 if strip.label.startswith("-") else 1), abs=1e-3)
        rows = page.ink[round(y) - 3 : round(y) + 4, round(x)].astype(float)
        assert round(y) - 3 + (rows * np.arange(7)).sum() / rows.sum() == pytest.approx(y, abs=0.1)
        duration = 10.0 / (arrangement.columns if strip.row < len(arrangement.rows) else 1)
        assert strip.end - strip.start == pytest.approx(duration, abs=0.01)
        expected = strip.column * duration if columns == "sequential" else 0.0
        assert strip.start == pytest.approx(expected, abs=0.01)


def test_columns_of_a_3x4_page_stand_one_after_the_other() -> None:
    signal = slow_leads()
    page = render_page(signal, FS, layout="3x4", dpi=72)
    for lead in range(12):
        finite = np.flatnonzero(np.isfinite(page.signal[lead]))
        assert (finite[0], finite[-1] + 1) == (1250 * (lead // 3), 1250 * (lead // 3 + 1))
        np.testing.assert_array_equal(page.signal[lead, finite], signal[lead, finite].astype(np.float32))


def test_lead_printed_twice_has_its_longer_strip() -> None:
    signal = slow_leads()
    page = render_page(signal, FS, layout="3x4+II", columns="simultaneous", dpi=72)
    np.testing.assert_array_equal(page.signal[1], signal[1].astype(np.float32))
    assert [len(strip.polyline) for strip in page.strips if strip.lead == "II"] == [1250, 5000]
    assert np.isnan(page.signal[0, 1250:]).all()


def test_truth_ends_with_what_fits_on_fixed_paper() -> None:
    page = render_page(slow_leads(), FS, layout="3x4", speed=50.0, paper="A4", dpi=72)
    assert page.image.shape[:2] == (596, 842)
    assert page.signal.shape == (12, 2500)
    last = max(strip.polyline[-1, 0] for strip in page.strips)
    assert last < page.image.shape[1]
    assert np.isfinite(page.signal[11, 1875:]).all()


def test_gaps_print_nothing() -> None:
    signal = slow_leads()
    signal[1, 2000:3000] = np.nan
    signal[6:] = np.nan
    page = render_page(signal, FS, layout="12x1", label_offset=12.0, row_pitch=40.0)
    assert np.isnan(page.signal[6:]).all()
    second = page.strips[1]
    assert np.isnan(second.polyline[2000:3000]).all()
    gap = slice(round(float(second.polyline[1999, 0])) + 4, round(float(second.polyline[3000, 0])) - 3)
    level = round(float(second.baseline[0, 1]))
    assert page.ink[level - 100 : level + 100, gap].max() == 0
    assert page.ink[round(float(page.strips[5].baseline[0, 1])) + 157 :].max() == 0
    assert page.ink[level - 100 : level + 100, gap.start - 8].max() > 0


def test_trace_that_leaves_the_sheet_is_not_in_the_truth() -> None:
    signal = slow_leads(2.0)
    signal[1, 500:520] = 40.0
    page = render_page(signal, FS, layout="II")
    assert np.isnan(page.signal[1, 500:520]).all()
    assert np.isfinite(np.delete(page.signal[1], np.s_[490:530])).all()


def test_large_complexes_leave_their_row() -> None:
    signal = np.zeros((12, 5000))
    signal[1, 2500:2520] = 4.0
    page = render_page(signal, FS, layout="12x1", row_pitch=15.0)
    peak = page.strips[1].polyline[2510]
    assert peak[1] < page.strips[0].baseline[0, 1] - 5 * page.pixels_per_mm
    assert page.ink[round(float(peak[1])), round(float(peak[0]))] == 255


@pytest.mark.parametrize("style", [None, "random"])
def test_one_seed_is_one_page(style: str | None) -> None:
    signal = slow_leads(4.0)
    once, again, other = (render_page(signal, FS, style, seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(once.image, again.image)
    assert once.texts == again.texts
    assert once.image.shape != other.image.shape or (once.image != other.image).any()


def test_input_is_not_modified() -> None:
    signal = slow_leads(2.0)
    signal[2, 5:9] = np.nan
    before = signal.copy()
    render_page(signal, FS, dpi=72)
    np.testing.assert_array_equal(signal, before)


@pytest.mark.parametrize("rotation", [0.0, 3.0])
@pytest.mark.parametrize("font", ["sans", "sans-bold", "serif-bold", "mono", "aileron"])
def test_label_boxes_hold_the_names(rotation: float, font: str) -> None:
    blank = np.full((12, 5000), np.nan)
    page = render_page(
        blank, FS, layout="6x2", grid="none", pulse="none", font=font, rotation=rotation, bed_color=(255,) * 3
    )
    ink = 255 - page.image[..., 0].astype(int)
    for strip in page.strips:
        x0, y0, x1, y1 = strip.label_box
        inside = ink[int(np.ceil(y0)) : int(y1) + 1, int(np.ceil(x0)) : int(x1) + 1]
        height = (y1 - y0) / page.pixels_per_mm
        assert inside.max() > 180
        assert 2.4 < height < 3.2 + 10 * np.sin(np.radians(rotation))
    for box in [strip.label_box for strip in page.strips] + [text.box for text in page.texts]:
        x0, y0, x1, y1 = box
        ink[int(np.floor(y0)) : int(np.ceil(y1)) + 1, int(np.floor(x0)) : int(np.ceil(x1)) + 1] = 0
    assert ink.max() == 0


@pytest.mark.parametrize("rotation", [0.0, 2.5])
@pytest.mark.parametrize("area", ["page", "traces"])
def test_grid_nodes_lie_on_crossings(rotation: float, area: str) -> None:
    page = render_page(
        np.full((12, 2000), np.nan),
        FS,
        layout="3x4",
        rotation=rotation,
        grid_area=area,
        grid_phase=(1.3, 2.2),
        header=False,
        pulse="none",
        minor_strength=0.0,
    )
    ink = 255.0 - page.image[..., 1]
    reach = 6
    shape = np.array(page.image.shape[1::-1])
    inner = page.nodes[((page.nodes > 40) & (page.nodes < shape - 40)).all(axis=1)].astype(float)
    assert len(inner) > 20
    centers = []
    for x, y in inner:
        column, row = round(x), round(y)
        patch = ink[row - reach : row + reach + 1, column - reach : column + reach + 1]
        offsets = np.arange(-reach, reach + 1)
        mass = patch.sum()
        centers.append(((patch * offsets).sum() / mass + column - x, (patch * offsets[:, None]).sum() / mass + row - y))
    assert np.abs(np.median(centers, axis=0)).max() < 0.05
    assert np.percentile(np.abs(centers), 80) < 0.3


def test_calibration_pulse_is_a_millivolt_for_a_fifth_of_a_second() -> None:
    blank = np.full((12, 1000), np.nan)
    for side, gain, speed in (("left", 10.0, 25.0), ("right", 20.0, 50.0)):
        knobs = {**BARE, "pulse": side, "label_position": "above", "label_offset": 13.0}
        page = render_page(blank, FS, layout="II", gain=gain, speed=speed, row_pitch=60.0, **knobs)
        ink = page.image[..., 0] < 128
        x0, y0, x1, y1 = page.strips[0].label_box
        ink[int(y0) : int(y1) + 2, int(x0) : int(x1) + 2] = False
        rows, columns = np.nonzero(ink)
        assert (np.ptp(rows) + 1) / page.pixels_per_mm == pytest.approx(gain + 0.3, abs=0.15)
        assert (np.ptp(columns) + 1) / page.pixels_per_mm == pytest.approx(0.2 * speed + 2.3, abs=0.15)
        start, end = page.strips[0].baseline[:, 0]
        assert columns.max() < start if side == "left" else columns.min() > end


def test_color_modes_and_whole_dots() -> None:
    signal = slow_leads(4.0)
    gray = render_page(signal, FS, color="gray", dpi=100).image
    assert (np.ptp(gray, axis=2) == 0).all() and len(np.unique(gray)) > 10
    assert set(np.unique(render_page(signal, FS, color="1-bit", dpi=100).image)) == {0, 255}
    dots = render_page(signal, FS, antialias=False, dpi=100)
    assert set(np.unique(dots.ink)) == {0, 255}
    assert len(np.unique(dots.image.reshape(-1, 3), axis=0)) == 4
    compressed = render_page(signal, FS, jpeg=60, dpi=100).image
    plain = render_page(signal, FS, dpi=100).image
    assert 0 < np.abs(compressed.astype(int) - plain).mean() < 12


def test_separators_differ() -> None:
    signal = slow_leads(4.0)
    pages = {
        kind: render_page(signal, FS, separator=kind, dpi=72).image for kind in ("none", "join", "bar", "tick", "gap")
    }
    kinds = list(pages)
    for index, kind in enumerate(kinds):
        for other in kinds[index + 1 :]:
            assert pages[kind].shape != pages[other].shape or (pages[kind] != pages[other]).any(), (kind, other)


def test_layout_of_ones_own() -> None:
    shuffled = Layout("2x2", (("V3", "I"), ("aVF", "V6")))
    page = render_page(slow_leads(4.0), FS, layout=shuffled, dpi=72)
    assert [strip.lead for strip in page.strips] == ["V3", "I", "aVF", "V6"]
    assert np.isnan(page.signal[1]).all()


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"layout": "5x5"}, "3x4"),
        ({"layout": "3x4+VX"}, "aVR"),
        ({"layout": Layout("1x1", (("X",),))}, "aVR"),
        ({"speed": 30.0}, "25.0, 50.0"),
        ({"gain": 7.0}, "5.0, 10.0, 20.0"),
        ({"dpi": 50}, "72 to 600"),
        ({"dpi": float("nan")}, "72 to 600"),
        ({"grid": "purple"}, "pink"),
        ({"pulse": "middle"}, "right"),
        ({"separator": "wall"}, "tick"),
        ({"font": "comic"}, "serif-bold"),
        ({"paper": "A3"}, "Letter"),
        ({"columns": "both"}, "simultaneous"),
        ({"pen_color": (0, 0, 300)}, "0 to 255"),
        ({"jpeg": 0}, "1 to 100"),
        ({"row_pitch": 1.0}, "5 to 100"),
        ({"label_position": "left", "layout": "2x6", "paper": "A4", "margin": 50.0, "label_size": 10.0}, "content"),
    ],
)
def test_wrong_knobs_name_what_is_allowed(knobs: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match="allowed.*" + message):
        render_page(slow_leads(4.0), FS, **knobs)


@pytest.mark.parametrize(
    ("signal", "fs"),
    [
        (np.zeros((3, 100)), 500),
        (np.zeros(100), 500),
        (np.zeros((12, 1)), 500),
        (np.zeros((12, 3)), 500),
        (np.full((12, 100), np.inf), 500),
        (np.zeros((12, 100)), 0),
    ],
)
def test_wrong_signals_are_refused(signal: NDArray[np.float64], fs: float) -> None:
    with pytest.raises(ValueError, match="allowed"):
        render_page(signal, fs)


def test_unknown_knob_and_style() -> None:
    with pytest.raises(TypeError, match="hue"):
        render_page(slow_leads(2.0), FS, hue="red")
    with pytest.raises(ValueError, match="random"):
        render_page(slow_leads(2.0), FS, "fancy")


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_random_pages_keep_their_promises(seed: int) -> None:
    signal = slow_leads(10.0, 100)
    flat = {"notes": Notes(), "wear": Wear(), "capture": Capture()}
    page = render_page(signal, 100, "random", seed=seed, dpi=80, **flat)
    height, width = page.image.shape[:2]
    assert page.ink.shape == (height, width)
    for strip in page.strips:
        seconds, millivolts = read_back(page, strip)
        first = round(strip.start * 100)
        printed = np.isfinite(millivolts)
        truth = signal[LEAD_NAMES.index(strip.lead), first : first + len(seconds)]
        assert np.abs(millivolts - truth)[printed].max(initial=0) < 1e-3
        x, y = strip.polyline[printed].T
        assert (x > -1).all() and (x < width).all() and (y > -1).all() and (y < height).all()
        inside = (np.round(x) < width) & (np.round(y) < height) & (np.round(x) >= 0) & (np.round(y) >= 0)
        columns, rows = np.round(x[inside]).astype(int), np.round(y[inside]).astype(int)
        assert (page.ink[rows, columns] > 0).mean() > 0.9


def test_random_styles_vary_every_knob() -> None:
    presets = ("random",) * 4 + ("office_print",)
    styles = [draw_preset(presets[seed % 5], np.random.default_rng(seed)) for seed in range(250)]
    for knob in fields(PageStyle):
        assert len({getattr(style, knob.name) for style in styles}) > 1, knob.name

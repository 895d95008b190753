"""Every preset: its truth lies on ink, its bytes are the seed's, it always draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from papertrace.synth import PRESETS, PageStyle, PrintedPage, render_page
from papertrace.synth.capture import Capture
from papertrace.synth.notes import Notes
from papertrace.synth.presets import draw_preset, preset_style
from papertrace.synth.wear import Wear

FS = 250
# Seed and dpi; the presets are no different at another.
PAGES = ((0, 100.0), (1, 100.0), (2, 200.0))


def slow_leads() -> NDArray[np.float64]:
    """Waves so gentle that a few millimeters of them are nearly straight."""
    time = np.arange(5 * FS) / FS
    return np.array([0.15 * np.sin(3 * time + lead) for lead in range(12)])


def page_of(preset: str, seed: int, dpi: float) -> PrintedPage:
    # Strips that do not touch and a pen in whole strokes: what is measured is the truth, not the print's gaps.
    style = replace(
        preset_style(preset, seed),
        layout="6x2",
        columns="sequential",
        column_seconds=None,
        wrap=None,
        paper="content",
        row_pitch=22.0,
        pulse="none",
        separator="none",
        pen_width=0.35,
        specks=0.0,
        dead_dots=0,
        dpi=dpi,
    )
    return render_page(slow_leads(), FS, style, seed=seed)


def across(page: PrintedPage) -> NDArray[np.float64]:
    """Center of mass of the ink across each polyline minus the polyline, in pixels, where nothing hides the pen."""
    reach = np.arange(-1.6, 1.601, 0.05) * page.pixels_per_mm
    offsets = []
    for strip in page.strips:
        line = strip.polyline.astype(float)
        ends = np.array([np.roll(line, shift, axis=0) for shift in (-12, 12)])
        usable = np.isfinite(np.concatenate((ends, line[None])).sum(axis=(0, 2)))
        usable[:25] = usable[-25:] = False
        chosen = np.flatnonzero(usable)[::5]
        tangent = line[chosen + 2] - line[chosen - 2]
        normal = np.stack((-tangent[:, 1], tangent[:, 0]), axis=-1) / np.linalg.norm(tangent, axis=1, keepdims=True)
        x, y = (line[chosen][:, None] + reach[:, None] * normal[:, None]).transpose(2, 0, 1)
        height, width = page.ink.shape
        inside = ((x > 1) & (y > 1) & (x < width - 2) & (y < height - 2)).all(axis=1)
        profile = map_coordinates(page.ink.astype(np.float32), [y[inside], x[inside]], order=1)
        mass = profile.sum(axis=1) * (reach[1] - reach[0])
        # Where a hole, a sticker or mould takes half of the pen, what is left has another center.
        whole = mass > 0.8 * np.median(mass)
        offsets.append(((profile * reach).sum(axis=1) * (reach[1] - reach[0]) / np.maximum(mass, 1e-9))[whole])
    return np.concatenate(offsets)


@pytest.mark.parametrize("preset", PRESETS)
def test_polylines_lie_on_ink_that_can_be_read(preset: str) -> None:
    read = []
    for seed, dpi in PAGES:
        page = page_of(preset, seed, dpi)
        offsets = across(page)
        assert len(offsets) > 500
        assert abs(offsets.mean()) < 0.05
        assert np.percentile(np.abs(offsets), 99) < 0.5
        read += contrasts(page)
    # A page that nobody can read teaches nothing.
    assert len(read) >= 20
    assert np.median(read) > 35
    assert np.percentile(read, 5) > 10


def contrasts(page: PrintedPage) -> list[float]:
    """How much darker the pen is than the paper beside it, in gray levels, strip by strip."""
    read = []
    gray = cv2.GaussianBlur(cv2.cvtColor(page.image, cv2.COLOR_RGB2GRAY), (0, 0), 0.6).astype(np.float32)
    aside = 1.6 * page.pixels_per_mm
    for strip in page.strips:
        line = strip.polyline[np.isfinite(strip.polyline).all(axis=1)].astype(float)
        if len(line) < 100:
            continue
        pen = map_coordinates(gray, line.T[::-1], order=1, mode="nearest")
        sides = [line + np.array([0.0, side]) for side in (-aside, aside)]
        paper = np.mean([map_coordinates(gray, side.T[::-1], order=1, mode="nearest") for side in sides], axis=0)
        read.append(float(np.median(paper - pen)))
    return read


@pytest.mark.parametrize("preset", PRESETS)
def test_a_seed_is_one_page_bit_for_bit(preset: str) -> None:
    threads = cv2.getNumThreads()
    pages = []
    try:
        for count in (1, 4):
            cv2.setNumThreads(count)
            pages.append(render_page(slow_leads(), FS, preset, seed=5, dpi=72.0))
    finally:
        cv2.setNumThreads(threads)
    first, second = pages
    assert first.style == second.style == replace(preset_style(preset, 5), dpi=72.0)
    for name in ("image", "ink", "signal", "nodes", "homography"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    for one, other in zip(first.strips, second.strips, strict=True):
        np.testing.assert_array_equal(one.polyline, other.polyline)
    assert not np.array_equal(first.image, render_page(slow_leads(), FS, preset, seed=6, dpi=72.0).image)


@settings(max_examples=12, deadline=None)
@given(preset=st.sampled_from(list(PRESETS)), seed=st.integers(0, 2**31))
def test_every_seed_prints(preset: str, seed: int) -> None:
    page = render_page(slow_leads(), FS, preset, seed=seed, dpi=72.0)
    height, width = page.ink.shape
    assert page.image.shape == (height, width, 3) and page.image.std() > 1
    for strip in page.strips:
        x, y = strip.polyline.T
        seen = np.isfinite(x)
        np.testing.assert_array_equal(seen, np.isfinite(y))
        assert ((x[seen] >= -0.5) & (x[seen] <= width - 0.5) & (y[seen] >= -0.5) & (y[seen] <= height - 0.5)).all()
    assert np.isfinite(page.signal).mean() > 0.05


def values(part: str, presets: tuple[str, ...], count: int) -> Iterator[tuple[str, set[object]]]:
    styles = [draw_preset(preset, np.random.default_rng(seed)) for preset in presets for seed in range(count)]
    drawn = styles if part == "page" else [getattr(style, part) for style in styles]
    for knob in fields({"page": PageStyle, "notes": Notes, "wear": Wear, "capture": Capture}[part]):
        yield knob.name, {getattr(one, knob.name) for one in drawn}


@pytest.mark.parametrize("part", ["page", "notes", "wear", "capture"])
def test_random_and_office_print_draw_every_knob(part: str) -> None:
    fixed = {name for name, seen in values(part, ("random", "office_print"), 400) if len(seen) == 1}
    assert fixed == ({"ink"} if part == "notes" else set())


def test_presets_are_what_they_are_called() -> None:
    def all_of(name: str) -> list[PageStyle]:
        return [preset_style(name, seed) for seed in range(40)]

    assert all(s.notes == Notes() and s.wear == Wear() and s.capture == Capture() for s in all_of("clean"))
    assert all(s.color == "1-bit" and s.capture.fax != "none" for s in all_of("faxed"))
    assert all(s.wear.stains > 0 for s in all_of("stained")) and all(s.wear.mould > 0 for s in all_of("mouldy"))
    assert all(s.wear.crumple > 0 for s in all_of("crumpled"))
    assert all(s.capture.moire > 0 for s in all_of("screen_photo"))
    assert all(s.notes.words > 0 and s.wear.yellowing > 0 for s in all_of("archive_1980s"))
    office = all_of("office_print")
    assert all(s.grid_color is not None and s.dot_pitch == 0 and s.yellowing == 0 for s in office)
    devices = {(s.capture.moves, s.color == "1-bit") for s in office}
    assert devices == {(True, False), (False, False), (False, True)}


def test_a_seed_s_pages_of_older_presets_stay_what_they_were() -> None:
    # What came with office prints is no draw of any other preset: it would move all draws after it.
    news = ("sheet_scale", "grid_color", "grid_frame", "screen", "toner", "ruled", "label_band")
    plain = PageStyle()
    for preset in set(PRESETS) - {"office_print"}:
        for style in (preset_style(preset, seed) for seed in range(60)):
            assert all(getattr(style, name) == getattr(plain, name) for name in news)
            assert style.wear.panels == 0 and style.wear.fold not in ("corner", "plane")
            assert (style.capture.table, style.capture.denoising, style.capture.local_threshold) == ("any", 0, 0)
            assert style.separator != "page" and style.header_form != "title" and style.grid_area != "margins"


@pytest.mark.parametrize("preset", ["phone_photo", "crumpled", "random", "office_print"])
def test_folds_are_seen_in_the_camera_s_light(preset: str) -> None:
    taken = [style for style in (preset_style(preset, seed) for seed in range(60)) if style.capture.moves]
    worn = [style for style in taken if style.wear != Wear()]
    assert len(worn) > 5
    assert all(style.wear.light == style.capture.light_direction for style in worn)


def test_unknown_preset_is_named() -> None:
    with pytest.raises(ValueError, match="preset is 'dirty'; allowed: clean, office_scan"):
        preset_style("dirty", 0)

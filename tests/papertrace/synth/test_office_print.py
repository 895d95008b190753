"""What office printers, phones and copiers do to a page: each knob changes what it says, and nothing else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from papertrace.synth import PageStyle, render_page
from papertrace.synth.capture import Capture
from papertrace.synth.desk import lay_on_desk
from papertrace.synth.printer import PrintedPage
from papertrace.synth.wear import Wear

FS = 250


def leads() -> NDArray[np.float64]:
    return np.tile(0.2 * np.sin(3 * np.arange(5 * FS) / FS), (12, 1))


def page(**knobs: object) -> PrintedPage:
    return render_page(leads(), FS, PageStyle(layout="6x2", dpi=150), seed=3, **knobs)


def test_a_screen_breaks_colors_up_but_not_black() -> None:
    smooth, dots = (page(grid_color=(160, 60, 60), screen=screen, minor_strength=0.0) for screen in (0.0, 120.0))
    black = smooth.ink == 255
    np.testing.assert_array_equal(smooth.image[black], dots.image[black])
    x, y = (round(float(v)) for v in smooth.nodes[len(smooth.nodes) // 2])
    lines = [one.image[y + 8 : y + 22, x - 1 : x + 2, 2].min(axis=1).astype(float) for one in (smooth, dots)]
    assert lines[0].std() < 2 < 8 < lines[1].std()
    # As dark on the whole.
    assert abs(smooth.image.mean() - dots.image.mean()) < 1.5


def test_toner_leaves_the_truth_alone() -> None:
    clean, rough = page(), page(toner=1.0)
    np.testing.assert_array_equal(clean.ink, rough.ink)
    assert (clean.image != rough.image).any(axis=2).mean() > 0.001


def test_a_drawing_that_was_shrunk_stands_on_a_larger_sheet() -> None:
    small, large = (page(paper="Letter", sheet_scale=scale) for scale in (1.0, 1.4))
    assert large.sheet == pytest.approx(tuple(1.4 * length for length in small.sheet))
    assert np.ptp(large.strips[0].path[:, 0]) == pytest.approx(np.ptp(small.strips[0].path[:, 0]))


def test_a_framed_grid_leaves_the_margin_white() -> None:
    drawn = page(grid_area="margins", grid_frame=True, margin=10.0, header=False, footer=False, pulse="none")
    edge = round(4 * drawn.pixels_per_mm)
    for border in (drawn.image[:edge], drawn.image[-edge:], drawn.image[:, :edge], drawn.image[:, -edge:]):
        assert border.min() == 255
    x, y = drawn.nodes.min(axis=0)
    frame = round(5 * drawn.pixels_per_mm)
    assert min(x, y) >= frame - 1
    assert drawn.image[drawn.image.shape[0] // 2, frame - 2 : frame + 2].min() < 150


@pytest.mark.parametrize(("ruled", "count"), [("rows", 6), ("seconds", 0), ("both", 6)])
def test_ruled_lines_run_at_zero(ruled: str, count: int) -> None:
    plain, lined = page(pulse="none", grid="none"), page(pulse="none", grid="none", ruled=ruled)
    np.testing.assert_array_equal(plain.ink, lined.ink)
    added = (plain.image != lined.image).any(axis=2)
    middle = [strip for strip in lined.strips if strip.column == 0]
    on_zero = [
        added[round(float(strip.baseline[0, 1])) - 1 : round(float(strip.baseline[0, 1])) + 2] for strip in middle
    ]
    assert sum(bool(rows.any(axis=0).mean() > 0.7) for rows in on_zero) == count
    upright = added.mean(axis=0) > 0.4
    assert bool(upright.any()) == (ruled != "rows")


def test_a_line_through_the_page_is_longer_than_one_through_the_columns() -> None:
    def length(separator: str) -> int:
        drawn = render_page(leads(), FS, PageStyle(layout="3x4+II", dpi=100, grid="none", separator=separator))
        plain = render_page(leads(), FS, PageStyle(layout="3x4+II", dpi=100, grid="none"))
        return int((drawn.image != plain.image).any(axis=2).any(axis=1).sum())

    assert length("page") > 1.2 * length("line")


def test_a_name_stands_on_its_band() -> None:
    banded = page(label_band=(200, 210, 230), grid="none")
    x0, y0, x1, y1 = (round(side) for side in banded.strips[5].label_box)
    part = banded.image[y0 - 2 : y1 + 2, x0 - 2 : x1 + 2].reshape(-1, 3)
    assert (part == (200, 210, 230)).all(axis=1).mean() > 0.3


def test_panels_of_a_folded_sheet_have_a_light_each() -> None:
    blank = {"grid": "none", "header": False, "footer": False, "pulse": "none"}
    steps = []
    for panels in (0.0, 1.0):
        wear = Wear(fold="half", panels=panels, light=0.0, light_height=30.0)
        gray = page(**blank, wear=wear).image.mean(axis=2)
        width = gray.shape[1]
        left, right = np.median(gray[:, : width // 8]), np.median(gray[:, -width // 8 :])
        steps.append(abs(float(left - right)))
    assert steps[0] < 12 < 20 < steps[1]


@pytest.mark.parametrize("fold", ["corner", "plane"])
def test_oblique_folds_bend_the_sheet_and_keep_its_truth(fold: str) -> None:
    folded = page(wear=Wear(fold=fold, panels=0.5))
    assert all(np.isfinite(strip.polyline).mean() > 0.95 for strip in folded.strips)


@pytest.mark.parametrize("table", ["wood", "stone", "cloth"])
def test_each_table_has_a_figure_of_its_own(table: str) -> None:
    def desk(kind: str) -> NDArray[np.uint8]:
        bare = np.zeros((240, 320), np.uint8)
        picture = np.zeros((240, 320, 3), np.uint8)
        return lay_on_desk(picture, bare, (140, 120, 100), kind, 0.5, 0.0, 6.0, np.random.default_rng(1))

    one = desk(table)
    assert 3 < one[..., 1].std() < 50
    assert all(not np.array_equal(one, desk(other)) for other in ("any", "wood", "stone", "cloth") if other != table)


def test_noise_reduction_smooths_paper_and_keeps_edges() -> None:
    noisy, smooth = (page(grid="none", capture=Capture(noise=6.0, denoising=denoising)) for denoising in (0.0, 1.0))
    tones = [np.ptp(one.image[:30, :30].astype(float), axis=2).mean() for one in (noisy, smooth)]
    assert tones[1] < 0.5 * tones[0]
    high = [float(cv2.Laplacian(one.image[:30, :30, 1].astype(np.float32), -1).std()) for one in (noisy, smooth)]
    assert high[1] < 0.7 * high[0]
    pen = smooth.ink == 255
    assert abs(float(noisy.image[pen].mean()) - float(smooth.image[pen].mean())) < 6


def test_a_copier_s_threshold_follows_the_light() -> None:
    dim = Capture(uneven=0.6, local_threshold=12.0)
    copied = page(color="1-bit", capture=dim, minor_strength=0.0, header=False)
    black = (copied.image[..., 0] < 128).mean()
    assert 0.005 < black < 0.2
    assert (copied.image[copied.ink == 255] < 128).mean() > 0.9

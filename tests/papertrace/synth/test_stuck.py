from __future__ import annotations

import numpy as np
import pytest

from papertrace.synth.canvas import Canvas
from papertrace.synth.stamps import box_stamp, round_stamp, stamped
from papertrace.synth.stuck import label, staple, turned
from papertrace.synth.veil import Veil


def test_ink_filters_and_never_lightens() -> None:
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    canvas = Canvas(image, 4.0)
    canvas.ink(np.full((10, 10), 255, np.uint8), (5, 5), (255, 128, 0))
    window = canvas.image[5:15, 5:15]
    np.testing.assert_array_equal(window[..., 0], image[5:15, 5:15, 0])
    np.testing.assert_allclose(window[..., 1], image[5:15, 5:15, 1] * (128 / 255), atol=0.51)
    assert not window[..., 2].any()
    assert (canvas.image <= image).all()
    np.testing.assert_array_equal(canvas.image[20:], image[20:])


@pytest.mark.parametrize("corner", [(-6, -6), (35, 25), (-100, 3), (3, 100)])
def test_patches_are_cut_off_at_the_sheets_edge(corner: tuple[int, int]) -> None:
    image = np.full((30, 40, 3), 200, np.uint8)
    canvas = Canvas(image, 4.0)
    patch = np.full((10, 10), 255, np.uint8)
    canvas.cover((1, 2, 3), patch, corner)
    canvas.ink(patch, corner, (0, 0, 0))
    rows = np.zeros((30, 40), bool)
    rows[max(corner[1], 0) : max(corner[1] + 10, 0), max(corner[0], 0) : max(corner[0] + 10, 0)] = True
    np.testing.assert_array_equal(canvas.hidden == 255, rows)
    np.testing.assert_array_equal((canvas.image != image).any(axis=2), rows)


def test_half_covers_add_up() -> None:
    canvas = Canvas(np.zeros((4, 4, 3), np.uint8), 1.0)
    half = np.full((4, 4), 128, np.uint8)
    canvas.cover((255, 255, 255), half, (0, 0))
    assert set(np.unique(canvas.hidden)) == {128}
    canvas.cover((255, 255, 255), half, (0, 0))
    assert 190 <= canvas.hidden[0, 0] <= 193
    assert 190 <= canvas.image[0, 0, 0] <= 193


def test_a_glaze_hides_nothing() -> None:
    canvas = Canvas(np.zeros((300, 4, 3), np.uint8), 1.0)
    picture = np.full((300, 4, 3), 100, np.uint8)
    canvas.glaze(picture, np.full((300, 4), 255, np.uint8), (0, 0))
    assert not canvas.hidden.any()
    np.testing.assert_array_equal(canvas.image, picture)


def test_layers_of_a_veil_act_one_after_the_other() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    veil = Veil(15.0, 10.0, 2.0)
    veil.dye([np.full(veil.shape, through, np.float32) for through in (1.0, 0.5, 0.25)])
    veil.film(np.full(veil.shape, 51, np.uint8), (250, 200, 100))
    expected = 0.8 * image * np.array([1.0, 0.5, 0.25]) + 0.2 * np.array([250, 200, 100])
    np.testing.assert_allclose(veil.over(image), expected, atol=2.5)


def test_an_empty_veil_is_not_seen() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    np.testing.assert_array_equal(Veil(15.0, 10.0, 2.0).over(image), image)


@pytest.mark.parametrize("per_mm", [4.0, 8.0])
def test_stamps_have_their_size(per_mm: float) -> None:
    print_ = stamped(round_stamp("COUNTY HOSPITAL", "1 MAY 1987", 30.0), per_mm, 20.0, 0.0, np.random.default_rng(0))
    rows, columns = (np.flatnonzero(print_.max(axis=axis) > 60) for axis in (1, 0))
    for span in (rows, columns):
        assert (span[-1] - span[0] + 1) / per_mm == pytest.approx(29.3, abs=1.0)


def test_a_worn_stamp_prints_less_and_unevenly() -> None:
    stamp = box_stamp(["REVIEWED"], 40.0)
    fresh, worn = (stamped(stamp, 8.0, 0.0, wear, np.random.default_rng(0)) for wear in (0.0, 0.9))
    inked = fresh > 200
    assert worn[inked].mean() < 0.95 * fresh[inked].mean()
    assert worn[inked].std() > 3 * fresh[inked].std()
    assert not worn[fresh == 0].any()


def test_label_is_opaque_and_says_something() -> None:
    picture, coverage = label(["DOE, J.", "WARD 3"], "12345", (50.0, 20.0), (252, 240, 140), 8.0)
    assert (coverage == 255).mean() > 0.95
    assert coverage[0, 0] == 0
    np.testing.assert_array_equal(np.median(picture[coverage == 255], axis=0), (252, 240, 140))
    assert (picture[coverage == 255].max(axis=1) < 60).mean() > 0.05


def test_turning_keeps_the_area() -> None:
    picture, coverage = staple(12.0, 0.0, 8.0)
    _, askew = turned(picture, coverage, 33.0)
    assert askew.sum() == pytest.approx(coverage.sum(), rel=0.02)

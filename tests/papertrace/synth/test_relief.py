from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papertrace.synth.crumple import facets
from papertrace.synth.folds import FOLDS, Crease, add_slope, broken_print, fold_lines, random_crease
from papertrace.synth.noise import smooth_noise
from papertrace.synth.relief import displacement, shading, soften


@pytest.mark.parametrize("cell", [1.0, 3.7, 12.0, 90.0, (4.0, 40.0)])
@pytest.mark.parametrize("shape", [(31, 200), (240, 57)])
def test_noise_has_its_spread_and_its_scale(cell: float | tuple[float, float], shape: tuple[int, int]) -> None:
    cells = cell if isinstance(cell, tuple) else (cell, cell)
    for seed in range(4):
        field = smooth_noise(shape, cell, np.random.default_rng(seed))
        assert field.shape == shape
        assert field.dtype == np.float32
        assert np.abs(field).max() < 1.6
        for axis, size in enumerate(cells):
            assert np.abs(np.diff(field, axis=axis)).max() < 3.5 / max(size, 1.5)


def test_octaves_keep_the_spread() -> None:
    spreads = [smooth_noise((400, 400), 40.0, np.random.default_rng(0), octaves).std() for octaves in (1, 4)]
    assert spreads[1] == pytest.approx(spreads[0], rel=0.35)
    assert 0.25 < spreads[0] < 0.6


def test_light_comes_from_where_it_is_said_to() -> None:
    # A round hill: the flank that looks towards the lamp is bright, the one behind it is dark.
    y, x = np.mgrid[-20:21, -20:21].astype(np.float32) / 10
    slope = np.stack([-x, -y], axis=2) * np.exp(-(x**2 + y**2))[..., None] * np.float32(0.4)
    for azimuth, bright, dark in ((0, (20, 30), (20, 10)), (90, (30, 20), (10, 20)), (180, (20, 10), (20, 30))):
        light = shading(slope, 2.0, azimuth, 45.0)
        assert light[bright] > 1.05
        assert light[dark] < 0.95
    low, high = (np.ptp(shading(slope, 2.0, 0.0, height)) for height in (30.0, 70.0))
    assert low > 2 * high


def test_flat_paper_is_neither_lit_nor_moved() -> None:
    flat = np.zeros((64, 96, 2), np.float32)
    np.testing.assert_array_equal(shading(flat, 2.0, 33.0, 45.0), 1)
    np.testing.assert_array_equal(displacement(flat, 2.0, 4), 0)


def test_a_ripple_takes_the_paper_that_its_arc_length_needs() -> None:
    # A band of ripples across an otherwise flat sheet: analytically the strain is the mean of slope^2 / 2.
    slope = np.zeros((256, 512, 2), np.float32)
    x = np.arange(512) / 2.0
    band = (x >= 96) & (x < 160)
    slope[:, band, 0] = 0.3 * np.sin(2 * np.pi * x[band] / 8)
    shift = displacement(slope, 2.0, 4)[32, :, 0]
    strain = 0.3**2 / 4
    at = np.arange(128) * 2.0
    inside = np.polyfit(at[52:77], shift[52:77], 1)[0]
    outside = np.polyfit(at[5:45], shift[5:45], 1)[0]
    # The transform leaves out the sheet's mean shrinkage, here a quarter of the band's.
    assert inside - outside == pytest.approx(strain, rel=0.02)
    assert outside == pytest.approx(-strain / 4, rel=0.05)


def test_displacement_goes_with_the_square_of_the_slope() -> None:
    slope = facets((256, 256), 2.0, 24.0, 1.0, 0.0, np.random.default_rng(0)) * np.float32(0.1)
    one, double = displacement(slope, 2.0, 4), displacement(2 * slope, 2.0, 4)
    np.testing.assert_allclose(double, 4 * one, atol=1e-5)


@given(seed=st.integers(0, 10_000), scale=st.floats(0.0, 30.0), size=st.floats(8.0, 80.0), stretch=st.floats(1.0, 8.0))
@settings(deadline=None, max_examples=25)
def test_any_relief_leaves_a_map_that_can_be_inverted(seed: int, scale: float, size: float, stretch: float) -> None:
    slope = soften(np.float32(scale) * facets((240, 320), 2.0, size, stretch, 30.0, np.random.default_rng(seed)))
    assert np.hypot(slope[..., 0], slope[..., 1]).max() < 0.71
    shift = displacement(slope, 2.0, 4)
    right, down = np.diff(shift, axis=1)[:-1] / 2, np.diff(shift, axis=0)[:, :-1] / 2
    jacobian = (1 + right[..., 0]) * (1 + down[..., 1]) - right[..., 1] * down[..., 0]
    assert jacobian.min() > 0.3


def test_facets_are_flat_between_ridges_and_as_long_as_they_are_stretched() -> None:
    slope = facets((400, 400), 2.0, 30.0, 1.0, 0.0, np.random.default_rng(1))
    steps = np.hypot(*np.moveaxis(np.diff(slope, axis=1), 2, 0))
    # Most of a sheet bends little, and a few ridges bend much.
    assert np.percentile(steps, 99.5) > 8 * np.median(steps)
    long = facets((400, 400), 2.0, 20.0, 6.0, 0.0, np.random.default_rng(1))
    along, across = (np.abs(np.diff(long, axis=axis)).mean() for axis in (1, 0))
    assert across > 1.5 * along


@pytest.mark.parametrize(
    ("pattern", "across", "along"), [("half", 1, 0), ("half-long", 0, 1), ("quarter", 1, 1), ("thirds", 2, 0)]
)
def test_folds_run_across_the_sheet_near_their_places(pattern: str, across: int, along: int) -> None:
    lines = fold_lines(pattern, 297.0, 210.0, np.random.default_rng(0))
    upright = [crease for crease in lines if abs(crease.end[0] - crease.start[0]) < 20]
    assert (len(upright), len(lines) - len(upright)) == (across, along)
    for crease in lines:
        assert min(*crease.start, *crease.end) < 0
    for index, crease in enumerate(upright):
        assert crease.start[0] == pytest.approx(297 * (index + 1) / (across + 1), abs=12)


def test_unknown_fold_is_named() -> None:
    assert fold_lines("none", 297.0, 210.0, np.random.default_rng(0)) == []
    with pytest.raises(ValueError, match=rf"fold is 'swan'; allowed: {', '.join(FOLDS)}"):
        fold_lines("swan", 297.0, 210.0, np.random.default_rng(0))


def test_a_crease_bends_both_its_flanks_and_nothing_far_away() -> None:
    crease = Crease((20.0, 30.0), (60.0, 30.0), -0.3, 3.0, 0.3)
    flat = np.zeros((120, 160, 2), np.float32)
    slope = add_slope(flat, 2.0, (0.0, 0.0), [crease])
    assert not flat.any()
    # A valley: down to the line from above, up again below it.
    assert slope[57, 80, 1] < -0.05
    assert slope[63, 80, 1] > 0.05
    assert np.abs(slope[:28]).max() < 0.01
    assert np.abs(slope[:, 130:]).max() < 0.02


def test_print_breaks_along_the_crease_only() -> None:
    crease = Crease((20.0, 30.0), (60.0, 30.0), 0.3, 3.0, 0.6)
    broken = broken_print((240, 320), 4.0, [crease], np.random.default_rng(0))
    assert broken[117:123, 90:230].max() > 150
    broken[112:128, 72:248] = 0
    assert not broken.any()


def test_accidental_creases_touch_the_sheet() -> None:
    for seed in range(50):
        crease = random_crease(297.0, 210.0, np.random.default_rng(seed))
        middle = (np.array(crease.start) + crease.end) / 2
        assert np.all((middle >= 0) & (middle <= (297, 210)))

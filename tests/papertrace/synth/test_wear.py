from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from papertrace.synth.canvas import Canvas
from papertrace.synth.dust import dust
from papertrace.synth.mould import colonies
from papertrace.synth.stains import ring, soaked, spill
from papertrace.synth.tape import stick
from papertrace.synth.tears import cut_edges, patch, punched, random_tear, without
from papertrace.synth.wear import SPACING, Wear, WornSheet, apply_wear, random_wear

PER_MM = 4.0
SHAPE = (720, 1000, 3)
FULL = Wear(
    crumple=1.0,
    wrinkles=1.0,
    fold="quarter",
    creases=12,
    stains=6,
    soaking=1.0,
    mould=1.0,
    tears=8,
    cropped=15.0,
    punches=2,
    tape=4,
    tape_kind="opaque",
    yellowing=1.0,
    dust=1.0,
)
BENDS = (Wear(crumple=0.6), Wear(wrinkles=0.6), Wear(fold="half"), Wear(creases=4), Wear(soaking=0.6))
STAINS = (Wear(stains=3), Wear(mould=0.5), Wear(yellowing=0.7), Wear(tape=2), Wear(dust=0.7))
LOSSES = (Wear(tears=4), Wear(cropped=15.0), Wear(punches=2), Wear(punches=3))


def sheet(level: int = 235) -> NDArray[np.uint8]:
    return np.full(SHAPE, level, np.uint8)


def worn(image: NDArray[np.uint8], wear: Wear, seed: int = 0) -> WornSheet:
    return apply_wear(image, PER_MM, wear, np.random.default_rng(seed))


def test_no_wear_leaves_the_sheet_as_it_is() -> None:
    image = np.random.default_rng(0).integers(0, 256, SHAPE, np.uint8)
    result = worn(image, Wear())
    np.testing.assert_array_equal(result.image, image)
    assert result.image is not image
    assert result.paper.min() == 255
    assert not result.hidden.any()
    assert result.offset is None


@pytest.mark.parametrize("wear", BENDS, ids=repr)
def test_bent_paper_is_shaded_and_shifted(wear: Wear) -> None:
    result = worn(sheet(), wear)
    assert result.offset is not None
    assert result.offset.shape == (SHAPE[0] / PER_MM / SPACING + 1, SHAPE[1] / PER_MM / SPACING + 1, 2)
    assert result.offset.dtype == np.float32
    assert 0.02 < np.abs(result.offset).max() < 1.6
    assert result.image.std() > 1
    assert result.paper.min() == 255
    assert not result.hidden.any()


@pytest.mark.parametrize("wear", STAINS, ids=repr)
def test_what_lies_on_the_sheet_does_not_bend_it(wear: Wear) -> None:
    result = worn(sheet(), wear)
    assert result.offset is None
    assert result.paper.min() == 255
    assert (result.image != sheet()).any(axis=2).mean() > 0.0005


@pytest.mark.parametrize("wear", LOSSES, ids=repr)
def test_lost_paper_leaves_the_rest_as_it_was(wear: Wear) -> None:
    result = worn(sheet(), wear)
    assert 0.0002 < (result.paper == 0).mean() < 0.35
    whole = (result.paper == 255) & (result.hidden == 0)
    assert (result.image[whole] == 235).all()
    # Only a tear takes the printed face off where the paper stays.
    assert ((result.hidden > 0) & (result.paper == 255)).any() == bool(wear.tears)


@pytest.mark.parametrize("seed", range(3))
def test_nothing_of_the_print_is_seen_where_it_is_hidden(seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, SHAPE, np.uint8)
    for wear in (FULL, Wear(mould=1.0), Wear(tape=4, tape_kind="opaque"), Wear(tears=8)):
        one, other = worn(image, wear, seed), worn(255 - image, wear, seed)
        np.testing.assert_array_equal(one.hidden, other.hidden)
        covered = one.hidden == 255
        assert covered.sum() > 20
        np.testing.assert_array_equal(one.image[covered], other.image[covered])


@pytest.mark.parametrize("wear", [replace(FULL, tears=0, tape_kind="clear", mould=0.0)])
def test_a_dark_trace_is_still_there_where_nothing_hides_it(wear: Wear) -> None:
    image = sheet()
    image[::16] = image[1::16] = 20
    result = worn(image, wear)
    line, ground = result.image[::16].astype(float).mean(axis=2), result.image[8::16].astype(float).mean(axis=2)
    assert np.mean(line < ground - 8) > 0.97


def test_pages_depend_on_the_seed_alone() -> None:
    image = sheet()
    before = image.copy()
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        one = worn(image, FULL, 3)
        cv2.setNumThreads(4)
        same = worn(image, FULL, 3)
    finally:
        cv2.setNumThreads(threads)
    for field in ("image", "paper", "hidden", "offset"):
        np.testing.assert_array_equal(getattr(one, field), getattr(same, field))
    np.testing.assert_array_equal(image, before)
    assert (worn(image, FULL, 4).image != one.image).any()


def test_one_kind_of_wear_does_not_move_another() -> None:
    alone, beside = worn(sheet(), Wear(fold="half", tears=2)), worn(sheet(), Wear(fold="half", tears=2, stains=3))
    np.testing.assert_array_equal(alone.offset, beside.offset)
    np.testing.assert_array_equal(alone.paper, beside.paper)


@given(seed=st.integers(0, 2**32 - 1), full=st.booleans())
@settings(deadline=None, max_examples=30)
def test_any_sheet_can_be_straightened_again(seed: int, full: bool) -> None:
    rng = np.random.default_rng(seed)
    wear = FULL if full else random_wear(rng)
    result = apply_wear(np.full((330, 460, 3), 240, np.uint8), 2.2, wear, rng)
    assert result.image.shape == (330, 460, 3)
    assert (result.offset is None) == (not wear.bends())
    if result.offset is not None:
        right, down = np.diff(result.offset, axis=1)[:-1] / SPACING, np.diff(result.offset, axis=0)[:, :-1] / SPACING
        jacobian = (1 + right[..., 0]) * (1 + down[..., 1]) - right[..., 1] * down[..., 0]
        assert jacobian.min() > 0.3
        assert np.abs(result.offset).max() < 2.0
        # Smooth: a point half-way between two of the lattice is well said by them.
        bend = np.diff(result.offset, 2, axis=0)
        assert np.abs(bend).max() / 8 < 0.05


def test_more_crumpling_bends_more() -> None:
    shifts = []
    for crumple in (0.25, 0.5, 1.0):
        offset = worn(sheet(), Wear(crumple=crumple, facet=40.0)).offset
        assert offset is not None
        shifts.append(np.hypot(*np.moveaxis(offset, 2, 0)).max())
    assert shifts[0] < 0.3 < shifts[2] < 1.6
    assert shifts[0] < shifts[1] < shifts[2]


def test_shading_turns_with_the_light() -> None:
    one = worn(sheet(), Wear(fold="half", light=0.0)).image.astype(float)
    other = worn(sheet(), Wear(fold="half", light=180.0)).image.astype(float)
    ridge = slice(round(110 * PER_MM), round(140 * PER_MM))
    step = np.diff(one[:, ridge].mean(axis=(0, 2))[[0, -1]]) * np.diff(other[:, ridge].mean(axis=(0, 2))[[0, -1]])
    assert step[0] < -25


def test_age_and_coffee_are_brown_and_mould_is_greenish_gray() -> None:
    for wear in (Wear(yellowing=1.0), Wear(soaking=1.0)):
        red, green, blue = worn(sheet(), wear).image.reshape(-1, 3).mean(axis=0)
        assert red > green > blue
    red, green, blue = worn(sheet(), Wear(mould=1.0)).image.reshape(-1, 3).min(axis=0).tolist()
    assert green >= red >= blue
    assert 40 < green < 120


def test_yellow_comes_from_the_edges() -> None:
    blue = worn(sheet(), Wear(yellowing=1.0)).image[..., 2].astype(float)
    assert blue[:20].mean() < blue[340:380, 450:550].mean() - 10


def test_water_blurs_the_print_where_it_stood_only() -> None:
    image = sheet()
    image[:, ::16] = image[:, 1::16] = 20
    result = worn(image, Wear(soaking=0.4)).image.astype(float)
    contrast = np.array([np.ptp(row[100:900, 1]) for row in result])
    assert contrast.max() > 200
    assert contrast.min() < 170


@pytest.mark.parametrize("diameter", [60.0, 85.0])
def test_a_cups_ring_is_a_ring(diameter: float) -> None:
    density = ring(diameter, 4.0, np.random.default_rng(0))
    y, x = np.nonzero(density > 0.3)
    radius = np.hypot(x - density.shape[1] / 2, y - density.shape[0] / 2) / 4.0
    assert np.abs(radius - diameter / 2).max() < 4


def test_a_spill_is_darkest_at_its_edge() -> None:
    for seed in range(6):
        density = spill(40.0, 4.0, np.random.default_rng(seed))
        assert not density[[0, -1]].any() and not density[:, [0, -1]].any()
        within = cv2.erode((density > 0.1).astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
        assert within.any()
        assert np.percentile(density[(density > 0.1) & ~within], 90) > 1.5 * np.median(density[within])


def test_water_leaves_its_mark_at_its_edge() -> None:
    for seed in range(6):
        wet, tide = soaked((420, 594), 2.0, 0.6, np.random.default_rng(seed))
        border = (wet > 0.05) & (wet < 0.95)
        assert tide[border].max() > 0.8
        assert tide[cv2.dilate(wet, np.ones((5, 5))) == 0].max(initial=0) < 0.5
        assert 0.02 < wet.mean() < 0.9


def test_mould_grows_with_its_strength() -> None:
    shares = [
        np.mean([(colonies((420, 594), 2.0, strength, np.random.default_rng(seed)) > 60).mean() for seed in range(6)])
        for strength in (0.1, 0.5, 1.0)
    ]
    assert 0 < shares[0] < shares[1] < shares[2] < 0.5


def test_tears_reach_the_edge_and_fray_outward() -> None:
    for seed in range(30):
        tear = random_tear(297.0, 210.0, np.random.default_rng(seed))
        full = np.full((840, 1188), 255, np.uint8)
        missing, frayed = (without(full, 4.0, [outline]) < 128 for outline in (tear.missing, tear.frayed))
        assert missing[[0, -1]].any() or missing[:, [0, -1]].any()
        assert (missing & ~frayed).sum() < 0.35 * missing.sum() + 10
        assert frayed.sum() > missing.sum()
        assert missing.mean() < 0.06


@pytest.mark.parametrize("size", [(250.0, 30.0), (60.0, 60.0)])
def test_a_strip_is_not_torn_to_nothing(size: tuple[float, float]) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        outlines = [random_tear(*size, rng).missing, *cut_edges(*size, 60.0, rng)]
        paper = without(np.full((round(4 * size[1]), round(4 * size[0])), 255, np.uint8), 4.0, outlines)
        assert (paper > 127).mean() > 0.3


def test_patch_and_hole_are_the_same_shape() -> None:
    outline = np.array([(3.0, 2.0), (9.0, 4.0), (5.0, 8.0)])
    coverage, (x, y) = patch(outline, 5.0)
    paper = without(np.full((60, 60), 255, np.uint8), 5.0, [outline])
    hole = np.zeros_like(paper)
    hole[y : y + coverage.shape[0], x : x + coverage.shape[1]] = coverage
    np.testing.assert_allclose(hole, 255.0 - paper, atol=5)


def test_cuts_take_at_most_what_they_may_and_at_least_half_once() -> None:
    for seed in range(30):
        outlines = cut_edges(297.0, 210.0, 20.0, np.random.default_rng(seed))
        paper = without(np.full((420, 594), 255, np.uint8), 2.0, outlines) > 127
        assert paper[42:-42, 42:-42].all()
        lost = [np.argmax(line) / 2 for line in (paper[210], paper[210, ::-1], paper[:, 297], paper[::-1, 297])]
        assert 9 <= max(lost) <= 20.5


@pytest.mark.parametrize(("count", "pitch", "diameter"), [(2, 80, 6), (3, 108, 8), (4, 80, 6)])
def test_holes_fit_a_binder(count: int, pitch: float, diameter: float) -> None:
    holes = np.array(punched(count, 297.0, 210.0, np.random.default_rng(1)))
    assert holes.shape == (count, 3)
    np.testing.assert_allclose(np.hypot(*np.diff(holes[:, :2], axis=0).T), pitch)
    assert set(holes[:, 2]) == {diameter}


def test_tape_has_straight_sides_and_hides_only_if_it_is_opaque() -> None:
    for kind, hides in (("clear", False), ("yellowed", False), ("opaque", True)):
        canvas = Canvas(sheet(), PER_MM)
        stick(canvas, kind, (125.0, 90.0), 60.0, 0.0, np.random.default_rng(0))
        changed = (canvas.image != 235).any(axis=2)
        assert changed[360, 400:600].mean() > 0.95
        assert not changed[:300].any() and not changed[:, :360].any()
        assert (canvas.hidden == 255)[360, 400:600].all() == hides
        assert canvas.hidden.any() == hides
    with pytest.raises(ValueError, match="tape is 'duct'; allowed: clear, yellowed, opaque"):
        stick(Canvas(sheet(), PER_MM), "duct", (0.0, 0.0), 60.0, 0.0, np.random.default_rng(0))


def test_dust_is_thin_and_grows_with_its_strength() -> None:
    little, much = (dust((840, 1188), 4.0, strength, np.random.default_rng(0)) for strength in (0.1, 1.0))
    for less, more in zip(little, much, strict=True):
        assert 0 < (less > 0).mean() < (more > 0).mean() < 0.03


def test_draws_differ_and_are_often_nothing() -> None:
    drawn = [random_wear(np.random.default_rng(seed)) for seed in range(300)]
    quiet = [replace(wear, facet=26.0, light=215.0, light_height=50.0, tape_kind="clear") for wear in drawn]
    assert 0.25 < np.mean([wear == Wear() for wear in quiet]) < 0.6
    for name in ("crumple", "wrinkles", "creases", "stains", "soaking", "mould", "tears", "cropped", "punches", "tape"):
        assert any(getattr(wear, name) for wear in drawn)
    assert {wear.fold for wear in drawn} == {"none", "half", "half-long", "quarter", "thirds"}


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"crumple": 1.5}, r"crumple is 1.5; allowed: 0 to 1"),
        ({"mould": float("nan")}, r"mould is nan; allowed: 0 to 1"),
        ({"facet": 2.0}, r"facet is 2.0; allowed: 8 to 80"),
        ({"light_height": 5.0}, r"light_height is 5.0; allowed: 15 to 85"),
        ({"fold": "swan"}, r"fold is 'swan'; allowed: none, half, half-long, quarter, thirds"),
        ({"stains": 7}, r"stains is 7; allowed: a whole number from 0 to 6"),
        ({"tears": 0.5}, r"tears is 0.5; allowed: a whole number"),
        ({"punches": 1}, r"punches is 1; allowed: 0, 2, 3, 4"),
        ({"tape_kind": "duct"}, r"tape_kind is 'duct'; allowed: clear, yellowed, opaque"),
    ],
)
def test_wrong_values_are_named(knobs: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Wear(**knobs)  # type: ignore[arg-type]


def test_wrong_pictures_are_named() -> None:
    with pytest.raises(ValueError, match=r"image has shape \(4, 4, 3\) and type float64"):
        apply_wear(np.zeros((4, 4, 3)), 8.0, Wear(), np.random.default_rng(0))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="px_per_mm is nan"):
        apply_wear(np.zeros((4, 4, 3), np.uint8), float("nan"), Wear(), np.random.default_rng(0))

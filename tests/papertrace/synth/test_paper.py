from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from papertrace.synth.fields import patches, spread
from papertrace.synth.paper import gridded_paper
from papertrace.synth.scene import Scene
from papertrace.synth.style import PageStyle

SIDE = 100.0
SHEET = Scene(SIDE, SIDE, (0.0, 0.0, SIDE, SIDE), (2.5, 2.5), (), False, (), ())


def sheet(dpi: float = 254.0, seed: int = 0, **knobs: object) -> NDArray[np.int64]:
    scale = dpi / 25.4
    homography = np.array([[scale, 0, -0.5], [0, scale, -0.5], [0, 0, 1]])
    shape = (round(SIDE * scale),) * 2
    image = gridded_paper(SHEET, PageStyle(dpi=dpi, **knobs), homography, shape, np.random.default_rng(seed))
    return image.astype(np.int64)


def test_forms_of_the_grid() -> None:
    widths = {"minor_width": 0.2, "major_width": 0.4, "minor_strength": 0.5, "major_strength": 1.0}
    lines, dots, dotted = (255 - sheet(grid_form=form, **widths)[..., 1] for form in ("lines", "dots", "dotted"))
    # 5 mm nodes stand at 2.5 mm and every 50 pixels on: look at a row
    # through a millimeter line, and at one beside it.
    on, beside = 35, 40
    between = np.arange(30, 70)
    for picture in (lines, dots, dotted):
        assert picture[beside, 25] > 150
        assert picture[25, between].min() > 150
    assert lines[on, between].min() > 60
    assert dots[beside, between].max() == 0 and dots[on, 35] > 150 and dots[on, 40] == 0
    assert 0.2 < (dotted[on, between] > 60).mean() < 0.8
    alone = 255 - sheet(minor_strength=0.0, major_strength=1.0)[..., 1]
    assert alone[30:70, 30:70].max() == 0 and alone[25].min() > 150


def test_a_faded_grid_fades_in_patches_and_never_grows() -> None:
    full, faded = (255 - sheet(grid_fade=fade)[..., 1] for fade in (0.0, 0.8))
    assert (faded <= full).all()
    on = full > 100
    share = faded[on] / full[on]
    assert share.min() < 0.35 and share.max() > 0.9
    nowhere = sheet(grid_fade=0.0, seed=1)
    np.testing.assert_array_equal(nowhere, sheet(grid_fade=0.0, seed=2))


def test_old_paper_is_brown_and_uneven() -> None:
    new, old = (sheet(yellowing=age, grid="none") for age in (0.0, 0.8))
    lost = (new - old).reshape(-1, 3).mean(axis=0)
    assert 0 < lost[0] < lost[1] < lost[2]
    assert np.ptp(old[..., 2]) > 15


def test_texture_is_fine_low_and_as_deep_as_asked() -> None:
    for depth in (4.0, 12.0):
        image = sheet(texture=depth, grid="none")
        lost = 255 - image[..., 0]
        assert lost.min() >= 0 and depth / 4 < lost.mean() < depth
        assert lost.std() < depth
        blocks = lost.reshape(10, 100, 10, 100).mean(axis=(1, 3))
        assert np.ptp(blocks) < depth / 2


@pytest.mark.parametrize("knobs", [{"texture": 9.0}, {"yellowing": 0.5}, {"grid_fade": 0.7}])
def test_chance_follows_the_seed(knobs: dict[str, float]) -> None:
    np.testing.assert_array_equal(sheet(seed=3, **knobs), sheet(seed=3, **knobs))
    assert (sheet(seed=3, **knobs) != sheet(seed=4, **knobs)).any()


def test_fields_are_the_same_sheet_at_any_resolution() -> None:
    field = patches(np.random.default_rng(5), 200.0, 100.0, 30.0)
    coarse, fine = (spread(field, (height, 2 * height)).astype(float) for height in (120, 480))
    reduced = fine.reshape(120, 4, 240, 4).mean(axis=(1, 3))
    assert np.abs(coarse - reduced).max() < 12

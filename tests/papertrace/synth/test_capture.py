from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from papertrace.synth import render_page
from papertrace.synth.capture import Capture, random_capture
from papertrace.synth.fax import send_by_fax
from papertrace.synth.presets import draw_preset
from papertrace.synth.sensor import add_noise, blur

FS = 250
EVERYTHING = Capture(
    quarter_turns=1,
    tilt=20.0,
    tilt_direction=70.0,
    distance=1.4,
    lens=(-0.03, 0.01),
    framing=(0.1, 0.1, 0.1, 0.1),
    curl=12.0,
    curl_direction=15.0,
    lift=20.0,
    desk=(120, 90, 60),
    texture=0.5,
    uneven=0.3,
    vignette=0.2,
    shadow=0.3,
    glare=0.3,
    lid=0.3,
    white_balance=(0.9, 0.85, 0.8),
    haze=0.05,
    moire=0.3,
    defocus=0.5,
    motion=2.0,
    noise=4.0,
    sharpening=1.0,
    banding=0.3,
)


def leads(seconds: float = 4.0) -> NDArray[np.float64]:
    time = np.arange(round(seconds * FS)) / FS
    return np.array([0.3 * np.sin(6 * time + lead) for lead in range(12)])


@pytest.fixture
def threads() -> Iterator[None]:
    before = cv2.getNumThreads()
    yield
    cv2.setNumThreads(before)


def test_one_seed_is_one_picture_on_any_number_of_threads(threads: None) -> None:
    pages = []
    for count in (1, 2):
        cv2.setNumThreads(count)
        pages.append(render_page(leads(), FS, seed=3, capture=EVERYTHING, jpeg=70, dpi=150))
    np.testing.assert_array_equal(pages[0].image, pages[1].image)
    np.testing.assert_array_equal(pages[0].ink, pages[1].ink)
    for one, two in zip(pages[0].strips, pages[1].strips, strict=True):
        np.testing.assert_array_equal(one.polyline, two.polyline)


# What a knob needs beside itself to be seen.
CONTEXT: dict[str, dict[str, Any]] = {
    "tilt_direction": {"tilt": 20.0},
    "distance": {"tilt": 20.0},
    "aim": {"distance": 1.2, "lens": (0.05, 0.0)},
    "curl_direction": {"curl": 10.0},
    "curl_waves": {"curl": 10.0},
    "curl_phase": {"curl": 10.0},
    "lift_corner": {"lift": 20.0},
    "desk": {"framing": (0.1, 0.1, 0.1, 0.1)},
    "texture": {"framing": (0.1, 0.1, 0.1, 0.1)},
    "light_direction": {"uneven": 0.3},
    "relief": {"curl": 10.0},
    "screen_pitch": {"moire": 0.5},
    "motion_direction": {"motion": 5.0},
    "halftone": {"fax": "fine"},
    "dropouts": {"fax": "fine"},
    "table": {"framing": (0.2, 0.2, 0.2, 0.2), "texture": 1.0},
}
STYLES: dict[str, Any] = {"local_threshold": {"color": "1-bit", "texture": 6.0}}
VALUES: dict[str, Any] = {
    "quarter_turns": 2,
    "distance": 1.2,
    "aim": (0.2, 0.8),
    "lens": (0.05, 0.0),
    "framing": (0.1, 0.0, 0.0, 0.0),
    "lift_corner": 2,
    "desk": (10, 80, 10),
    "white_balance": (1.0, 0.9, 0.8),
    "screen_pitch": 1.3,
    "fax": "standard",
    "halftone": True,
    "light_direction": 10.0,
    "relief": 0.2,
    "tilt_direction": 90.0,
    "curl_direction": 70.0,
    "curl_waves": 2.5,
    "curl_phase": 20.0,
    "motion_direction": 90.0,
    "dropouts": 0.1,
    "table": "wood",
    "local_threshold": 2.0,
}


@pytest.mark.parametrize("knob", [knob.name for knob in fields(Capture)])
def test_every_knob_does_something(knob: str) -> None:
    base = Capture(**CONTEXT.get(knob, {}))
    value = VALUES.get(knob, 0.5 if knob not in ("tilt", "curl", "lift") else 10.0)
    pages = [
        render_page(leads(), FS, layout="II", dpi=72, capture=capture, **STYLES.get(knob, {}))
        for capture in (base, replace(base, **{knob: value}))
    ]
    assert pages[0].image.shape != pages[1].image.shape or (pages[0].image != pages[1].image).any()


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"quarter_turns": 4}, "0, 1, 2, 3"),
        ({"tilt": 60.0}, "0 to 50"),
        ({"tilt": float("nan")}, "0 to 50"),
        ({"distance": 0.1}, "None or 0.7"),
        ({"lens": (1.0, 0.0)}, "-0.15 to 0.15"),
        ({"lens": (0.1,)}, "2 values"),
        ({"framing": (0.0, 0.0, 0.0, 2.0)}, "4 values"),
        ({"white_balance": (0.1, 1.0, 1.0)}, "0.4 to 1.6"),
        ({"desk": (0, 0, 256)}, "0 to 255"),
        ({"fax": "group 4"}, "standard"),
        ({"noise": -1.0}, "0 to 30"),
    ],
)
def test_wrong_knobs_name_what_is_allowed(knobs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(knobs))} is .*allowed.*{message}"):
        Capture(**knobs)


def test_random_captures_can_be_taken_and_vary_every_knob() -> None:
    drawn = [random_capture(np.random.default_rng(seed)) for seed in range(400)]
    office = [draw_preset("office_print", np.random.default_rng(seed)).capture for seed in range(100)]
    for knob in fields(Capture):
        assert len({getattr(capture, knob.name) for capture in (*drawn, *office)}) > 1, knob.name
    assert 0.15 < np.mean([capture == Capture() for capture in drawn]) < 0.45
    for capture in drawn[:40]:
        page = render_page(leads(), FS, layout="3x4", dpi=72, capture=capture)
        assert page.image.std() > 3


def test_quarter_turn_moves_pixels_and_changes_none() -> None:
    page = render_page(leads(), FS, dpi=100)
    turned = render_page(leads(), FS, dpi=100, capture=Capture(quarter_turns=3))
    np.testing.assert_array_equal(np.rot90(page.image, -3), turned.image)
    np.testing.assert_array_equal(np.rot90(page.ink, -3), turned.ink)


def test_light_falls_from_where_it_is_said_to() -> None:
    knobs: dict[str, Any] = {"layout": "II", "dpi": 72, "grid": "none"}
    page = render_page(leads(), FS, capture=Capture(uneven=0.6, light_direction=0.0), **knobs)
    level = np.median(page.image[..., 1], axis=0)
    assert level[-10:].mean() > 1.5 * level[:10].mean()
    dim = render_page(leads(), FS, capture=Capture(white_balance=(0.8, 0.7, 0.6)), **knobs)
    np.testing.assert_allclose(np.median(dim.image, axis=(0, 1)), [204, 178.5, 153], atol=1)
    hazy = render_page(leads(), FS, capture=Capture(haze=0.4), **knobs)
    assert hazy.image.min() > 90 and np.median(hazy.image) == 255


def test_one_bit_pictures_of_dark_scenes_keep_the_trace() -> None:
    dark = Capture(white_balance=(0.5, 0.45, 0.4), uneven=0.3, haze=0.1)
    page = render_page(leads(), FS, layout="3x4", dpi=150, color="1-bit", grid="none", capture=dark)
    assert set(np.unique(page.image)) == {0, 255}
    assert (page.image[page.ink == 0] == 255).mean() > 0.95
    assert (page.image[page.ink == 255] == 0).mean() > 0.99


def test_bent_paper_is_shaded_and_the_desk_is_not() -> None:
    bent = Capture(curl=20.0, curl_waves=2.0, relief=1.0, framing=(0.1, 0.1, 0.1, 0.1), desk=(60, 60, 60))
    page = render_page(np.full((12, 500), np.nan), FS, layout="II", dpi=72, capture=bent, grid="none", header=False)
    paper = page.image[page.image.shape[0] // 2, :, 1]
    lit = paper[paper > 100]
    assert np.ptp(np.percentile(lit, [5, 95])) > 25
    assert np.ptp(page.image[:4]) <= 8 and abs(np.median(page.image[:4]) - 60) <= 2


def test_sensor_noise_has_the_spread_that_was_asked_for() -> None:
    flat = np.full((300, 400, 3), 200, np.uint8)
    noisy = add_noise(flat, 6.0, np.random.default_rng(0)).astype(float) - 200
    assert noisy[..., 1].std() == pytest.approx(6 * np.sqrt(0.09 + 0.91 * 200 / 255), rel=0.05)
    assert np.abs(noisy.mean(axis=(0, 1))).max() < 0.3
    # Colors are interpolated from every other pixel: neighbors share their grain.
    chroma = noisy[..., 0] - 0.5 * noisy[..., 1]
    assert np.corrcoef(chroma[:, :-1].ravel(), chroma[:, 1:].ravel())[0, 1] > 0.4
    dark = add_noise(np.full_like(flat, 20), 6.0, np.random.default_rng(0)).astype(float) - 20
    assert dark[..., 1].std() < 0.7 * noisy[..., 1].std()


@pytest.mark.parametrize(("defocus", "motion", "direction"), [(1.2, 0.0, 0.0), (0.0, 5.0, 0.0), (0.7, 4.0, 65.0)])
def test_blur_is_symmetric(defocus: float, motion: float, direction: float) -> None:
    point = np.zeros((41, 41, 3), np.uint8)
    point[20, 20] = 255
    spread = blur(point, defocus, motion, direction)[..., 0].astype(float)
    assert spread.max() < 200
    rows, columns = np.indices(spread.shape)
    assert (spread * rows).sum() / spread.sum() == pytest.approx(20, abs=0.02)
    assert (spread * columns).sum() / spread.sum() == pytest.approx(20, abs=0.02)


def test_fax_has_its_own_dots() -> None:
    ramp = np.repeat(np.linspace(0, 255, 408).astype(np.uint8)[None, :, None], 392, axis=0).repeat(3, axis=2)
    rng = np.random.default_rng(0)
    cut = send_by_fax(ramp, "standard", 204 / 25.4, False, 0.0, rng)
    assert set(np.unique(cut)) == {0, 255}
    assert (np.diff(cut[..., 0].astype(int), axis=1) != 0).sum(axis=1).tolist() == [1] * 392
    toned = send_by_fax(ramp, "standard", 204 / 25.4, True, 0.0, rng)[..., 0]
    columns = toned.reshape(392, 51, 8).mean(axis=(0, 2))
    assert np.abs(columns - ramp[0, :, 0].reshape(51, 8).mean(axis=1)).max() < 12
    lines = np.repeat((np.arange(392) // 2 % 2 * 255).astype(np.uint8)[:, None, None], 408, axis=1).repeat(3, axis=2)
    whole, broken = (send_by_fax(lines, "fine", 196 / 25.4, False, lost, rng) for lost in (0.0, 0.1))
    assert 0 < (whole != broken).any(axis=(1, 2)).mean() < 0.2

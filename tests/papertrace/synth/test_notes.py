from __future__ import annotations

import re
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from papertrace.synth.notes import Noted, Notes, draw_notes, random_notes

PER_MM = 4.0
SHEET = (250.0, 180.0)
TEXTS = [(10.0, 8.0, 45.0, 11.0), (10.0, 13.0, 60.0, 16.0), (120.0, 8.0, 160.0, 11.0)]
AREAS = [(15.0, 40.0, 235.0, 80.0), (15.0, 85.0, 235.0, 125.0)]
FULL = Notes(
    words=12, marks=20, underlines=10, highlights=10, stamps=4, codes="both", redactions=8, labels=4, staples=4
)
EACH = (
    *(Notes(words=3), Notes(marks=3), Notes(underlines=3), Notes(highlights=3), Notes(stamps=2), Notes(codes="qr")),
    *(Notes(codes="bar"), Notes(codes="both"), Notes(redactions=3), Notes(labels=2), Notes(staples=2)),
)


def sheet(level: int = 245) -> NDArray[np.uint8]:
    return np.full((round(SHEET[1] * PER_MM), round(SHEET[0] * PER_MM), 3), level, np.uint8)


def noted(image: NDArray[np.uint8], notes: Notes, seed: int = 0) -> Noted:
    return draw_notes(image, PER_MM, TEXTS + AREAS, notes, np.random.default_rng(seed))


def test_no_notes_leave_the_sheet_as_it_is() -> None:
    image = np.random.default_rng(0).integers(0, 256, sheet().shape, np.uint8)
    drawn = noted(image, Notes())
    np.testing.assert_array_equal(drawn.image, image)
    assert not drawn.hidden.any()
    assert drawn.image is not image


@pytest.mark.parametrize("notes", EACH, ids=repr)
def test_each_note_is_seen_and_leaves_most_of_the_sheet(notes: Notes) -> None:
    drawn = noted(sheet(), notes)
    changed = (drawn.image != sheet()).any(axis=2)
    assert 0.0003 < changed.mean() < 0.35


@pytest.mark.parametrize("notes", EACH, ids=repr)
def test_only_opaque_things_hide_the_print(notes: Notes) -> None:
    opaque = notes.codes in ("qr", "both") or bool(notes.redactions or notes.labels or notes.staples)
    assert noted(sheet(), notes).hidden.any() == opaque


@pytest.mark.parametrize("seed", range(3))
def test_nothing_of_the_print_is_seen_where_it_is_hidden(seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, sheet().shape, np.uint8)
    one, other = noted(image, FULL, seed), noted(255 - image, FULL, seed)
    np.testing.assert_array_equal(one.hidden, other.hidden)
    covered = one.hidden == 255
    assert covered.mean() > 0.01
    np.testing.assert_array_equal(one.image[covered], other.image[covered])


@pytest.mark.parametrize("notes", [replace(FULL, redactions=0, labels=0, staples=0, codes="bar")])
def test_a_dark_trace_stays_dark_below_ink(notes: Notes) -> None:
    drawn = noted(sheet(20), notes)
    assert drawn.image.max() <= 20
    assert not drawn.hidden.any()


def test_pages_depend_on_the_seed_alone() -> None:
    image = sheet()
    before = image.copy()
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        one = noted(image, FULL, 3)
        cv2.setNumThreads(4)
        same = noted(image, FULL, 3)
    finally:
        cv2.setNumThreads(threads)
    np.testing.assert_array_equal(one.image, same.image)
    np.testing.assert_array_equal(one.hidden, same.hidden)
    np.testing.assert_array_equal(image, before)
    assert (noted(image, FULL, 4).image != one.image).any()


def test_one_kind_of_note_does_not_move_another() -> None:
    alone = noted(sheet(), Notes(staples=2))
    beside = noted(sheet(), Notes(staples=2, marks=4))
    np.testing.assert_array_equal(alone.hidden, beside.hidden)


def test_redaction_has_the_color_that_was_asked_for() -> None:
    drawn = noted(sheet(), Notes(redactions=4, redaction_color=(205, 203, 200)))
    np.testing.assert_array_equal(np.unique(drawn.image[drawn.hidden == 255], axis=0), [(205, 203, 200)])


def test_words_keep_off_the_traces_more_often_than_not() -> None:
    changed = np.zeros(sheet().shape[:2], bool)
    for seed in range(12):
        changed |= (noted(sheet(), Notes(words=1), seed).image != 245).any(axis=2)
    rows = slice(round(40 * PER_MM), round(125 * PER_MM))
    assert changed[rows].sum() < 0.5 * changed.sum()


def test_marks_are_made_on_the_traces() -> None:
    changed = (noted(sheet(), Notes(marks=10, ink=(200, 0, 0))).image != 245).any(axis=2)
    rows = slice(round(25 * PER_MM), round(140 * PER_MM))
    assert changed[rows].sum() > 0.95 * changed.sum()


def test_ink_of_ones_own_choice() -> None:
    image = noted(sheet(255), Notes(words=6, marks=6, underlines=3, ink=(200, 0, 0))).image
    assert image[..., 0].min() >= 199 - 60
    assert image[..., 1].min() < 30
    np.testing.assert_array_equal(image[..., 1], image[..., 2])


def test_qr_code_can_be_read() -> None:
    image = draw_notes(np.full((1400, 2000, 3), 245, np.uint8), 8.0, [], Notes(codes="qr"), np.random.default_rng(2))
    text, _, _ = cv2.QRCodeDetector().detectAndDecode(image.image)
    assert re.fullmatch(r"ECG-\d{7}", text)


@given(seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=30)
def test_any_draw_can_be_drawn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    notes = random_notes(rng)
    drawn = draw_notes(np.full((210, 300, 3), 240, np.uint8), 1.5, [(5, 5, 60, 8), (5, 20, 190, 120)], notes, rng)
    assert drawn.image.shape == (210, 300, 3)
    assert (drawn.image.dtype, drawn.hidden.dtype) == (np.uint8, np.uint8)


def test_draws_differ_and_are_often_nothing() -> None:
    drawn = [random_notes(np.random.default_rng(seed)) for seed in range(200)]
    assert 0.3 < np.mean([notes == Notes() for notes in drawn]) < 0.65
    for name in ("words", "marks", "underlines", "highlights", "stamps", "redactions", "labels", "staples"):
        assert any(getattr(notes, name) for notes in drawn)
    assert len(set(drawn)) > 60


@pytest.mark.parametrize(
    ("knobs", "message"),
    [
        ({"words": 13}, r"words is 13; allowed: a whole number from 0 to 12"),
        ({"stamps": -1}, r"stamps is -1; allowed: a whole number from 0 to 4"),
        ({"marks": 1.5}, r"marks is 1.5; allowed: a whole number"),
        ({"codes": "ean"}, r"codes is 'ean'; allowed: none, qr, bar, both"),
        ({"ink": (0, 0, 300)}, r"ink is \(0, 0, 300\); allowed: None or three levels"),
        ({"redaction_color": (0, 0)}, r"redaction_color is \(0, 0\); allowed: three levels"),
    ],
)
def test_wrong_values_are_named(knobs: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Notes(**knobs)  # type: ignore[arg-type]


def test_wrong_pictures_are_named() -> None:
    with pytest.raises(ValueError, match=r"image has shape \(4, 4\)"):
        draw_notes(np.zeros((4, 4), np.uint8), 8.0, [], Notes(), np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"px_per_mm is 0"):
        draw_notes(np.zeros((4, 4, 3), np.uint8), 0.0, [], Notes(), np.random.default_rng(0))

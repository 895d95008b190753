from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papertrace.synth.brush import PenLine, brush, smooth
from papertrace.synth.handwriting import LETTERS, Hand, random_hand, write
from papertrace.synth.marks import MARKS, draw_mark

STEADY = Hand(unrest=0.0, slant=0.0, joins=0.0)


@given(text=st.text(sorted(LETTERS), min_size=1, max_size=20), seed=st.integers(0, 10_000))
@settings(deadline=None, max_examples=60)
def test_every_text_has_finite_lines_of_a_pens_width(text: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    hand = random_hand(rng)
    if not text.strip():
        with pytest.raises(ValueError, match="at least one letter"):
            write(text, hand, rng)
        return
    for line in write(text, hand, rng):
        assert np.isfinite(line.path).all()
        assert len(line.path) == len(line.width)
        assert np.all((line.width > 0.1 * hand.pen) & (line.width < 2 * hand.pen))


def test_heights_of_letters() -> None:
    def top(text: str) -> float:
        return -min(line.path[:, 1].min() for line in write(text, STEADY, np.random.default_rng(0)))

    assert top("x") == pytest.approx(STEADY.x_height, rel=0.15)
    assert top("l") == pytest.approx(STEADY.x_height * 9 / 5, rel=0.15)
    below = max(line.path[:, 1].max() for line in write("g", STEADY, np.random.default_rng(0)))
    assert below == pytest.approx(STEADY.x_height * 4 / 5, rel=0.15)


def test_joined_letters_are_written_without_lifting_the_pen() -> None:
    apart = write("aunt", replace(STEADY, joins=0.0), np.random.default_rng(0))
    joined = write("aunt", replace(STEADY, joins=1.0), np.random.default_rng(0))
    assert len(apart) == 5
    assert len(joined) == 2


def test_a_hand_repeats_its_letters_but_never_exactly() -> None:
    hand = Hand(unrest=0.06)
    first, again = (write("n", hand, np.random.default_rng(seed))[0].path for seed in (1, 2))
    other = write("n", replace(hand, habit=7), np.random.default_rng(1))[0].path
    assert 0 < np.abs(first - again).mean() < np.abs(first - other).mean()


def test_slant_leans_letters() -> None:
    def lean(slant: float) -> float:
        path = write("l", replace(STEADY, slant=slant), np.random.default_rng(0))[0].path
        return float(path[0, 0] - path[len(path) // 2, 0])

    assert lean(0.5) > lean(0.0) + 0.5


def test_unknown_letters_are_named() -> None:
    with pytest.raises(ValueError, match=r"text has 'ß'; allowed: .*abc"):
        write("Maß", Hand(), np.random.default_rng(0))


@pytest.mark.parametrize("width", [0.3, 0.8, 2.0])
@pytest.mark.parametrize("per_mm", [6.0, 12.0])
def test_brush_covers_what_the_pen_is_wide(width: float, per_mm: float) -> None:
    line = PenLine(np.array([[3.0, 2.0], [23.0, 5.0]]), np.full(2, width))
    coverage, corner = brush([line], per_mm)
    area = coverage.sum() / 255 / per_mm**2
    assert area == pytest.approx(np.hypot(20, 3) * width, rel=0.12)
    rows, columns = np.nonzero(coverage)
    center = np.array([(columns.mean() + corner[0] + 0.5), (rows.mean() + corner[1] + 0.5)]) / per_mm
    np.testing.assert_allclose(center, (13.0, 3.5), atol=0.15)


def test_smooth_goes_through_its_points() -> None:
    points = np.random.default_rng(0).uniform(0, 10, (8, 2))
    np.testing.assert_allclose(smooth(points, 5)[::5], points, atol=1e-6)


@pytest.mark.parametrize("kind", MARKS)
def test_marks_stand_where_they_are_put(kind: str) -> None:
    for seed in range(5):
        lines = draw_mark(kind, 100.0, 80.0, 0.4, np.random.default_rng(seed))
        points = np.concatenate([line.path for line in lines])
        assert np.hypot(*(points - (100.0, 80.0)).T).min() < 15
        assert np.hypot(*(points - (100.0, 80.0)).T).max() < 45


def test_unknown_mark_is_named() -> None:
    with pytest.raises(ValueError, match=r"mark is 'star'; allowed: ring, arrow"):
        draw_mark("star", 0.0, 0.0, 0.4, np.random.default_rng(0))

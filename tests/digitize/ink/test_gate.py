from __future__ import annotations

import numpy as np

from digitize.ink.coverage import Ink
from digitize.ink.gate import gated
from digitize.ink.look import Look
from digitize.records.kinds import KINDS


def look_of(kind: str, where: np.ndarray, probability: float = 1.0) -> Look:
    kinds = np.zeros((len(KINDS), *where.shape), np.uint8)
    kinds[KINDS.index(kind)] = np.round(where * probability * 255)
    return Look(kinds)


def ink_of(coverage: np.ndarray, blind: np.ndarray | None = None) -> Ink:
    nowhere = np.zeros(coverage.shape, bool)
    return Ink(coverage.astype(np.float32), ~nowhere, (0.0, 0.0, 0.0), None, nowhere if blind is None else blind)


def stroke() -> np.ndarray:
    where = np.zeros((40, 60))
    where[20] = 1.0
    return where


def test_edges_of_a_stroke_stay_to_a_tenth_of_a_pixel():
    coverage = np.zeros((40, 60), np.float32)
    coverage[19:22] = [[0.3], [1.0], [0.6]]
    np.testing.assert_allclose(gated(ink_of(coverage), look_of("pen", stroke())), coverage, atol=1e-6)


def test_ink_that_is_no_print_is_taken_away():
    coverage = np.full((40, 60), 0.8, np.float32)
    left = gated(ink_of(coverage), look_of("name", stroke()))
    assert (left[18:23] == np.float32(0.8)).all()
    assert (left[:17] == 0).all()
    assert (left[24:] == 0).all()
    assert (coverage == np.float32(0.8)).all()


def test_grid_lines_are_no_print():
    for kind in ("upright", "level"):
        assert (gated(ink_of(np.ones((40, 60))), look_of(kind, stroke())) == 0).all()


def test_a_quarter_is_enough():
    coverage = np.ones((40, 60), np.float32)
    np.testing.assert_allclose(gated(ink_of(coverage), look_of("pulse", stroke(), 0.25))[20], 1.0, atol=0.02)
    np.testing.assert_allclose(gated(ink_of(coverage), look_of("pulse", stroke(), 0.1))[20], 0.4, atol=0.02)


def test_print_on_a_line_as_dark_as_the_pen_is_put_in():
    blind = np.zeros((40, 60), bool)
    blind[:, 30:33] = True
    coverage = stroke()
    coverage[:, 30:33] = 0.0
    filled = gated(ink_of(coverage, blind), look_of("pen", stroke()))
    np.testing.assert_allclose(filled, stroke(), atol=1e-6)
    assert (gated(ink_of(coverage), look_of("pen", stroke()))[20, 30:33] == 0).all()
    unlikely = gated(ink_of(coverage, blind), look_of("pen", stroke(), 0.45))
    assert (unlikely[20, 30:33] == 0).all()

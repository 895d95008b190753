from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from scipy import ndimage

from digitize.ink.components import find_components

_PICTURES = arrays.arrays(bool, st.tuples(st.integers(1, 20), st.integers(1, 20)))


@given(_PICTURES)
def test_pieces_are_those_of_another_library(ink: NDArray[np.bool_]) -> None:
    pieces = find_components(ink)
    labels, count = ndimage.label(ink, np.ones((3, 3)))
    assert len(pieces.boxes) == len(pieces.area) == count + 1
    # The same pieces, whatever their order.
    assert len(set(zip(pieces.labels[ink].tolist(), labels[ink].tolist(), strict=True))) == count
    assert (pieces.labels[~ink] == 0).all()
    for number in range(1, count + 1):
        y, x = np.nonzero(pieces.labels == number)
        assert pieces.boxes[number].tolist() == [x.min(), y.min(), x.max() + 1, y.max() + 1]
        assert pieces.area[number] == len(x)


@given(_PICTURES)
def test_the_ground_is_the_whole_picture_and_no_ink(ink: NDArray[np.bool_]) -> None:
    pieces = find_components(ink)
    assert pieces.boxes[0].tolist() == [0, 0, ink.shape[1], ink.shape[0]] and pieces.area[0] == 0
    assert (pieces.mask(np.arange(len(pieces.area)) > 0) == ink).all()
    assert not pieces.mask(np.arange(len(pieces.area)) == 0).any()


def test_part_of_an_array_and_a_turned_one_are_read_alike() -> None:
    rng = np.random.default_rng(3)
    whole = rng.random((40, 60)) < 0.3
    assert (find_components(whole[3:30, 5:44]).boxes == find_components(whole[3:30, 5:44].copy()).boxes).all()
    assert (find_components(whole.T).labels == find_components(np.ascontiguousarray(whole.T)).labels).all()

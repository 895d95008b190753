from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from papertrace.synth.codes import bar_code, qr_code


@pytest.mark.parametrize("text", ["ECG-0012345", "00326_hr 1987-03-12 14:30 COUNTY HOSPITAL"])
def test_qr_code_reads_back(text: str) -> None:
    modules = cv2.copyMakeBorder(255 - qr_code(text), 4, 4, 4, 4, cv2.BORDER_CONSTANT, value=255)
    picture = cv2.resize(modules, None, fx=6, fy=6, interpolation=cv2.INTER_NEAREST)
    assert cv2.QRCodeDetector().detectAndDecode(picture)[0] == text


def test_bar_code_is_code_39() -> None:
    runs = [(value, len(list(group))) for value, group in itertools.groupby(bar_code("A1").tolist())]
    # The standard's own patterns: start, A, 1, stop; bars and spaces in turn, one narrow space between characters.
    star, letter, digit = "nwnnwnwnn", "wnnnnwnnw", "wnnwnnnnw"
    widths = "n".join((star, letter, digit, star))
    assert [value for value, _ in runs] == [255, 0] * (len(runs) // 2) + [255]
    assert "".join("w" if length == 3 else "n" for _, length in runs) == widths


def test_every_character_has_three_wide_elements_and_a_pattern_of_its_own() -> None:
    patterns = set()
    for character in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. ":
        modules = bar_code(character)
        assert modules.size == 3 * 15 + 2
        patterns.add(modules.tobytes())
    assert len(patterns) == 39


def test_wrong_texts_are_named() -> None:
    with pytest.raises(ValueError, match=r"text has 'a'; allowed"):
        bar_code("a")
    with pytest.raises(ValueError, match=r"text has '\*'; allowed"):
        bar_code("*")
    with pytest.raises(ValueError, match=r"text has 0 characters; allowed: 1 to 500"):
        qr_code("")
    assert np.asarray(qr_code("x" * 500)).ndim == 2

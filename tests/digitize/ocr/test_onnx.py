from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitize.ocr.onnx import read_notes


def varint(number: int) -> bytes:
    content = b""
    while number > 0x7F:
        content += bytes([number & 0x7F | 0x80])
        number >>= 7
    return content + bytes([number])


def counted(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


@settings(max_examples=40)
@given(
    st.dictionaries(st.text(max_size=9), st.text(max_size=200), max_size=3),
    st.lists(
        st.sampled_from(
            [varint(1 << 3) + varint(2**40), b"\x91\x01" + b"8" * 8, b"\x95\x01" + b"4" * 4, counted(7, b"graph")]
        )
    ),
)
def test_notes_stand_among_other_fields(notes, others):
    """Field 1 is a number, 18 has eight bytes or four, and 7 is the network."""
    model = b"".join(others)
    for key, value in notes.items():
        model += counted(14, counted(1, key.encode()) + counted(2, value.encode()))
    assert read_notes(model + b"".join(others)) == notes


@pytest.mark.parametrize("content", [b"\x72\x05ab", b"\x72", b"\xff\xff", b"<html>", b"\x91\x018"])
def test_no_message_is_told(content):
    with pytest.raises(ValueError, match="not an ONNX file"):
        read_notes(content)

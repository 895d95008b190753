"""Read the notes that an ONNX file keeps beside its network, such as the characters of one that reads text.

An ONNX file is a message of protocol buffers (``ModelProto`` in ``onnx.proto``): a row of fields, each with a number
and a kind. OpenCV runs the network and has no call for the notes; a package that reads them would be one more
dependency.
"""

from __future__ import annotations

from collections.abc import Iterator

_NOTES = 14
"""Number of ``ModelProto.metadata_props``."""

_KEY, _VALUE = 1, 2
"""Numbers of a note's own fields (``StringStringEntryProto``)."""

_VARINT, _EIGHT_BYTES, _COUNTED, _FOUR_BYTES = 0, 1, 2, 5
"""Kinds of field."""


def read_notes(model: bytes) -> dict[str, str]:
    """Read the notes of an ONNX file.

    Parameters
    ----------
    model : bytes
        The whole file.

    Returns
    -------
    dict
        Key to text.

    Raises
    ------
    ValueError
        If the bytes are not a message of protocol buffers.

    Examples
    --------
    >>> read_notes(bytes([0x72, 10, 0x0A, 4, *b"unit", 0x12, 2, *b"mV"]))
    {'unit': 'mV'}
    """
    notes = [dict(_fields(note)) for number, note in _fields(model) if number == _NOTES]
    return {str(note.get(_KEY, b""), "utf-8"): str(note.get(_VALUE, b""), "utf-8") for note in notes}


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Give number and content of each field that has a length of its own; numbers are passed over."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == _VARINT:
            _, at = _varint(message, at)
            continue
        if kind == _COUNTED:
            length, at = _varint(message, at)
        elif kind in (_EIGHT_BYTES, _FOUR_BYTES):
            length = 8 if kind == _EIGHT_BYTES else 4
        else:
            raise ValueError(f"not an ONNX file: a field of kind {kind} at byte {at}; allowed: 0, 1, 2, 5")
        if at + length > len(message):
            raise ValueError(f"not an ONNX file: a field of {length} bytes at byte {at} of {len(message)}")
        if kind == _COUNTED:
            yield tag >> 3, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """Read a number of seven bits a byte, the lowest first; give it and where the next field begins."""
    number = shift = 0
    while at < len(message):
        number |= (message[at] & 0x7F) << shift
        shift += 7
        at += 1
        if message[at - 1] < 0x80:
            return number, at
    raise ValueError(f"not an ONNX file: a number is cut off at byte {at}")

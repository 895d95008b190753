from __future__ import annotations

import numpy as np
import pytest

from digitize.layout.rhythm import lead_of_rhythm

FS = 500
T = np.arange(5000) / FS
BEATS = np.exp(-(((T % 0.83 - 0.4) / 0.02) ** 2)).astype(np.float32)
WAVES = np.sin(2 * np.pi * T / 0.83).astype(np.float32)


def shown(lead: str, start: float, mixture: float) -> tuple[str, float, np.ndarray]:
    return lead, start, (BEATS + mixture * WAVES)[int(start * FS) :][:1250]


@pytest.mark.parametrize(
    ("own", "other", "expected"),
    [
        (0.10, 0.08, "II"),  # nearly as good: the name that was read stands
        (0.10, 0.0, "aVF"),  # the very same: no name stands against it
        (0.9, 0.08, "aVF"),  # nothing like the lead that it is said to be
    ],
)
def test_a_read_name_gives_way_to_a_clearly_better_one(own, other, expected):
    assert lead_of_rhythm(BEATS, [shown("II", 0.0, own), shown("aVF", 2.5, other)], FS, "II") == expected


def test_a_strip_that_repeats_no_lead_has_none():
    assert lead_of_rhythm(WAVES, [shown("II", 0.0, 0.0), shown("aVF", 2.5, 0.0)], FS, "V1") is None


def test_a_strip_without_samples_is_not_repeated():
    assert lead_of_rhythm(BEATS, [("I", 0.0, BEATS[:0]), shown("II", 0.0, 0.0)], FS, "I") == "II"

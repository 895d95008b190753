from __future__ import annotations

import numpy as np
import pytest

from classify.records.segments import StripSegment
from classify.signal.attribution import attribute
from classify.signal.inputs import FS, INTERVALS, cut_to_layout, input_from_segments, locate_segments
from classify.signal.network import predict_logits
from classify.signal.weights import load_weights
from classify.statements import CODES

EVEN = {"median": 0.8, "variation": 0, "change": 0, "shortest": 0, "longest": 0, "alike": 1, "least_alike": 1}


@pytest.fixture(scope="module")
def segments() -> tuple[StripSegment, ...]:
    phase = np.arange(1000) % 80 - 40
    beats = np.exp(-((phase / 2.5) ** 2)) + 0.2 * np.exp(-(((phase - 22) / 6) ** 2))
    return cut_to_layout(np.outer(np.linspace(0.4, 1.4, 12), beats).astype(np.float32), "3x4+II")


def test_parts_add_up_to_the_distance_from_a_flat_page(segments):
    """The completeness of integrated gradients: nothing is invented, and lost only what a strip's end cuts off."""
    network = load_weights().network
    view = input_from_segments(segments, FS)
    even = [EVEN.get(name, value) for name, value in zip(INTERVALS, view.intervals, strict=True)]
    nothing = {"beats": 0 * view.beats, "rhythm": 0 * view.rhythm, "intervals": np.array(even, np.float32)}
    flat = type(view)(**{**vars(view), **nothing})
    for code in ("NORM", "STACH"):
        logits = predict_logits(network, [view, flat])[:, CODES.index(code)]
        spoken = attribute(segments, FS, code)
        parts, gross = (sum(float(part.sum()) for part in of) for of in (spoken, [np.abs(part) for part in spoken]))
        assert parts == pytest.approx(float(logits[0] - logits[1]), abs=0.1 * gross)


def test_parts_lie_on_the_beats(segments):
    spoken = attribute(segments, FS, "NORM")
    assert [len(part) for part in spoken] == [len(segment.signal) for segment in segments]
    strength = np.mean([np.abs(part) for part in spoken[:12]], axis=0)
    near = np.abs((np.arange(250) % 80) - 40) < 30
    assert strength[near].mean() > 1.5 * strength[~near].mean()


def test_a_lead_that_is_printed_twice_speaks_once_by_its_beat(segments):
    _, places = locate_segments(segments, FS)
    assert [place.beats is not None for place in places] == [True] * 12 + [False]
    assert [place.is_rhythm for place in places] == [False] * 12 + [True]


def test_other_rates_give_the_same_parts(segments):
    fast = [segment._replace(signal=np.repeat(segment.signal, 5)) for segment in segments]
    slow = attribute(segments, FS, "NORM")
    for part, own in zip(attribute(fast, 500, "NORM"), slow, strict=True):
        assert len(part) == 5 * len(own)
        assert np.corrcoef(part[::5], own)[0, 1] > 0.7 or np.abs(own).max() < 0.01


def test_uneven_beats_speak_for_fibrillation_where_they_stand(segments):
    """The same beats, even and uneven: what is new lies on the rhythm strip, about its QRS complexes."""
    at = np.cumsum([60, 55, 110, 70, 62, 130, 75, 58, 120, 80, 66])
    clock = np.arange(1000)[:, None]
    uneven = np.exp(-(((clock - at) / 2.5) ** 2)).sum(1) + 0.2 * np.exp(-(((clock - at - 22) / 6) ** 2)).sum(1)
    other = cut_to_layout(np.outer(np.linspace(0.4, 1.4, 12), uneven).astype(np.float32), "3x4+II")
    spoke, before = (attribute(page, FS, "AFIB")[-1] for page in (other, segments))
    assert spoke.sum() > before.sum() + 1
    near = np.abs(clock - at).min(axis=1) < 12
    assert spoke[near].sum() > 0.8 * spoke.sum()


def test_unknown_statement(segments):
    with pytest.raises(ValueError, match="unknown statement 'FLU'; allowed: NORM, MI"):
        attribute(segments, FS, "FLU")

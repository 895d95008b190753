from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import resample_poly

from classify.records.segments import StripSegment, longest_segment
from classify.signal.inputs import (
    ABSENT,
    BEAT_SAMPLES,
    FS,
    INTERVALS,
    RHYTHM_SAMPLES,
    NetworkInput,
    cut_to_layout,
    input_from_leads,
    input_from_segments,
    locate_segments,
)
from digitize.leads import Leads
from digitize.records.layouts import LEAD_NAMES, find_layout
from digitize.records.results import Calibration, Geometry, Quality, Strip


@pytest.fixture
def recording() -> np.ndarray:
    """Twelve leads of ten seconds with beats at 75 a minute, no two alike."""
    phase = (np.arange(5000) / 500) % 0.8 - 0.4
    height = np.linspace(0.5, 1.6, 12)[:, None]
    wave = 0.3 * np.exp(-(((phase - 0.2) / 0.05) ** 2)) * np.linspace(1, -1, 12)[:, None]
    return (height * np.exp(-((phase / 0.02) ** 2)) + wave).astype(np.float32)


def same(view: NetworkInput, other: NetworkInput, tolerance: float) -> bool:
    """Whether two views show the same, the edges of averaged beats apart, where cutting a strip differs."""
    inner = slice(15, 80)
    alike = np.abs(view.beats - other.beats)[:, inner].max() < tolerance
    return bool(alike and np.abs(view.rhythm - other.rhythm)[5:-5].max() < tolerance)


def as_leads(recording: np.ndarray, layout: str, fs: int = 500) -> Leads:
    page = find_layout(layout)
    strips = []
    for place, segment in enumerate(cut_to_layout(recording, page, fs=fs)):
        row, column = divmod(place, page.columns)
        rhythm = place >= len(page.rows) * page.columns
        n = len(segment.signal)
        strips.append(
            Strip(
                segment.lead,
                len(page.rows) + place - len(page.rows) * page.columns if rhythm else row,
                0 if rhythm else column,
                0.0 if rhythm else column * n / fs,
                segment.signal,
                np.ones(n, np.float32),
                np.zeros((n, 2), np.float32),
                "read",
            )
        )
    return Leads(
        recording,
        np.ones_like(recording),
        fs,
        tuple(strips),
        layout,
        Calibration(25, 10, "read", "read", 8, "grid"),
        Geometry((100, 100), 0, 1),
        Quality("good", (), 1.0, 0.2),
    )


@pytest.mark.parametrize("layout", ["3x4+II", "2x6+II", "6x2", "12x1", "cabrera-3x4+II"])
def test_beats_stand_in_the_standard_order_whatever_the_layout(recording, layout):
    view = input_from_leads(as_leads(recording, layout))
    assert view.beats.shape == (12, BEAT_SAMPLES) == view.beats_seen.shape
    # The middle of a QRS complex is found to a sample.
    middle = np.abs(view.beats[:, 38:43]).max(1)
    assert np.allclose(middle, np.linspace(0.5, 1.6, 12), atol=0.12)
    wave = view.beats[:, 60] - view.beats[:, 20]
    assert np.allclose(wave, 0.3 * np.linspace(1, -1, 12), atol=0.05)
    assert view.beats_seen[:, 15:80].all()


def test_rhythm_strip_and_its_lead(recording):
    view = input_from_leads(as_leads(recording, "3x4+V1"))
    assert LEAD_NAMES[view.rhythm_lead] == "V1"
    expected = recording[6] - np.median(recording[6])
    assert np.abs(view.rhythm - expected[::5])[5:-5].max() < 0.1
    assert view.rhythm_seen.all()


def test_page_without_a_long_strip_has_no_rhythm_but_intervals(recording):
    view = input_from_leads(as_leads(recording, "3x4"))
    assert view.rhythm_lead == ABSENT
    assert not view.rhythm.any() and not view.rhythm_seen.any()
    assert view.rhythm.shape == (RHYTHM_SAMPLES,)
    told = dict(zip(INTERVALS, view.intervals, strict=True))
    assert told["known"] == 1 and told["median"] == pytest.approx(0.8, abs=0.02)
    assert told["seconds"] == pytest.approx(0.25)


def test_short_rhythm_strip_is_padded_as_unseen(recording):
    view = input_from_leads(as_leads(recording, "6x2"))
    assert LEAD_NAMES[view.rhythm_lead] == "II"
    assert view.rhythm_seen[:500].all() and not view.rhythm_seen[500:].any()


def test_intervals_tell_what_beats_do(recording):
    told = dict(zip(INTERVALS, input_from_leads(as_leads(recording, "3x4+II")).intervals, strict=True))
    assert told["known"] == told["seen_leads"] == 1 and told["seconds"] == 1
    assert told["median"] == pytest.approx(0.8, abs=0.01)
    assert max(told["variation"], told["change"], told["longest"], -told["shortest"]) < 0.06
    assert told["least_alike"] > 0.95
    time = np.cumsum([0.5, 0.8, 0.8, 0.5, 1.1, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8])
    uneven = np.exp(-(((np.arange(5000)[:, None] / 500 - time) / 0.02) ** 2)).sum(1).astype(np.float32)
    other = dict(zip(INTERVALS, input_from_segments([StripSegment("II", uneven)], 500).intervals, strict=True))
    assert other["shortest"] == pytest.approx(-0.375, abs=0.03) and other["longest"] == pytest.approx(0.375, abs=0.03)
    assert other["seen_leads"] == pytest.approx(1 / 12)


def test_swapped_leads_change_the_view(recording):
    leads = as_leads(recording, "3x4+II")
    swapped = recording.copy()
    swapped[[6, 7]] = swapped[[7, 6]]
    other = input_from_leads(as_leads(swapped, "3x4+II"))
    view = input_from_leads(leads)
    changed = [LEAD_NAMES[row] for row in range(12) if not np.allclose(view.beats[row], other.beats[row], atol=1e-4)]
    assert changed == ["V1", "V2"]


def test_order_of_the_strips_does_not_matter(recording):
    segments = cut_to_layout(recording, "3x4+II", fs=500)
    view, other = input_from_segments(segments, 500), input_from_segments(segments[::-1], 500)
    assert np.allclose(view.beats, other.beats, atol=1e-6) and np.array_equal(view.rhythm, other.rhythm)
    assert np.array_equal(view.intervals, other.intervals)


def test_missing_leads_are_zero_and_unseen(recording):
    segments = [segment for segment in cut_to_layout(recording, "3x4+II", fs=500) if segment.lead not in ("aVL", "V6")]
    view = input_from_segments(segments, 500)
    unseen = [LEAD_NAMES[row] for row in range(12) if not view.beats_seen[row].any()]
    assert unseen == ["aVL", "V6"]
    assert not view.beats[[4, 11]].any()
    assert view.intervals[INTERVALS.index("seen_leads")] == pytest.approx(10 / 12)


def test_gaps_are_unseen_where_no_beat_shows_them(recording):
    gappy = recording.copy()
    gappy[0, 500:600] = np.nan
    before = gappy.copy()
    view = input_from_segments(cut_to_layout(gappy, "3x4+II", fs=500), 500)
    assert np.array_equal(gappy, before, equal_nan=True)
    assert np.isfinite(view.beats).all() and np.isfinite(view.rhythm).all()
    assert view.beats_seen[0].any()
    lone = input_from_segments([StripSegment("V1", gappy[0])], 500)
    assert not lone.rhythm_seen[100:120].any() and not lone.rhythm[100:120].any()
    assert lone.rhythm_seen.sum() == 980


def test_confidence_is_part_of_the_view(recording):
    segments = cut_to_layout(recording, "3x4+II", fs=500)
    unsure = [segment._replace(confidence=np.full(len(segment.signal), 0.4, np.float32)) for segment in segments]
    view = input_from_segments(unsure, 500)
    assert np.allclose(view.beats_seen[view.beats_seen > 0], 0.4) and np.allclose(view.rhythm_seen, 0.4)
    assert np.array_equal(view.beats, input_from_segments(segments, 500).beats)


def test_all_nan_strip_counts_as_missing(recording):
    hidden = recording.copy()
    hidden[3] = np.nan
    assert not input_from_segments(cut_to_layout(hidden, "3x4+II", fs=500), 500).beats_seen[3].any()


def test_baseline_offset_changes_nothing(recording):
    moved = recording + np.linspace(-2, 2, 12, dtype=np.float32)[:, None]
    view = input_from_segments(cut_to_layout(recording, "3x4+II", fs=500), 500)
    assert same(input_from_segments(cut_to_layout(moved, "3x4+II", fs=500), 500), view, 1e-5)


def test_training_and_inference_see_the_same(recording):
    """A 500 Hz page and the same recording at 100 Hz, as training holds it, give nearly the same view."""
    page = input_from_leads(as_leads(recording, "3x4+II"))
    slow = resample_poly(recording, 1, 5, axis=1, padtype="edge").astype(np.float32)
    assert same(page, input_from_segments(cut_to_layout(slow, "3x4+II"), FS), 0.08)


def test_lead_that_is_only_a_rhythm_strip_is_stacked_too(recording):
    segments = [segment for segment in cut_to_layout(recording, "3x4+II", fs=500) if segment.lead != "II"]
    view = input_from_segments([*segments, StripSegment("II", recording[1])], 500)
    assert view.beats_seen[1].all()


def test_a_rhythm_strip_may_be_the_second_of_its_lead_at_that_moment():
    """The beats of a lead are those of the first one; the rhythm is that of the longest one."""
    beats = np.exp(-(((np.arange(1010) % 100 - 50) / 3) ** 2)).astype(np.float32)
    strips = [StripSegment("II", beats[:1000]), StripSegment("V1", beats[:1000]), StripSegment("II", beats)]
    page, locations = locate_segments(strips, 100)
    assert np.isfinite(page.intervals).all() and page.intervals[1] == 1
    assert [location.is_rhythm for location in locations] == [False, False, True]
    assert locations[2].beats is None and len(locations[0].beats) == 10


def test_lead_that_is_printed_twice_is_taken_from_where_more_stand_together(recording):
    other = recording.copy()
    other[1] *= 3
    segments = cut_to_layout(recording, "3x4", fs=500)
    alone = input_from_segments(segments, 500)
    both = input_from_segments([*segments, StripSegment("II", other[1])], 500)
    assert np.array_equal(alone.beats[1], both.beats[1])
    assert np.abs(both.rhythm).max() > 1.5


def test_longest_piece_of_none():
    assert longest_segment([]) is None


def test_nothing_to_read_is_an_error(recording):
    with pytest.raises(ValueError, match="no strip holds 1 s"):
        input_from_segments([StripSegment("II", recording[1, :400])], 500)
    with pytest.raises(ValueError, match="no strip holds 1 s"):
        input_from_segments([], 500)


def test_unknown_lead_is_an_error(recording):
    with pytest.raises(ValueError, match="unknown lead 'V7'; allowed: I, II"):
        input_from_segments([StripSegment("V7", recording[0])], 500)


def test_starts_must_fit(recording):
    with pytest.raises(ValueError, match=r"starts are .*allowed: 4 numbers from 0 to 3750"):
        cut_to_layout(recording, "3x4", [0, 0, 0, 3751])
    with pytest.raises(ValueError, match="shape"):
        cut_to_layout(recording[:6], "3x4")


def test_starts_cut_anywhere(recording):
    segments = cut_to_layout(recording, "3x4", [100, 0, 3750, 7], fs=500)
    assert [segment.start for segment in segments[:4]] == [0, 2.5, 5, 7.5], "as printed"
    assert np.array_equal(segments[0].signal, recording[0, 100:1350])
    assert np.array_equal(segments[3].signal, recording[9, 7:1257])

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import resample_poly

from classify.view import ABSENT, FS, RHYTHM_SAMPLES, Piece, cut_to_layout, longest_piece, view_leads, view_pieces
from digitize.layouts import LEAD_NAMES, find_layout
from digitize.leads import Calibration, Geometry, Leads, Quality, Strip


@pytest.fixture
def recording() -> np.ndarray:
    """Twelve leads of ten seconds, no two alike: slow waves that survive resampling."""
    time = np.arange(5000) / 500
    return np.stack([np.sin(2 * np.pi * (1 + 0.2 * lead) * time + lead) for lead in range(12)]).astype(np.float32)


def as_leads(recording: np.ndarray, layout: str, fs: int = 500) -> Leads:
    page = find_layout(layout)
    strips = []
    for place, piece in enumerate(cut_to_layout(recording, page)):
        row, column = divmod(place, page.columns)
        rhythm = place >= len(page.rows) * page.columns
        n = len(piece.signal)
        strips.append(
            Strip(
                piece.lead,
                len(page.rows) + place - len(page.rows) * page.columns if rhythm else row,
                0 if rhythm else column,
                0.0 if rhythm else column * n / fs,
                piece.signal,
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


@pytest.mark.parametrize(
    ("layout", "seconds"), [("3x4+II", 2.5), ("2x6+II", 1.67), ("6x2", 5.0), ("12x1", 10.0), ("cabrera-3x4+II", 2.5)]
)
def test_strips_are_stacked_in_the_standard_order(recording, layout, seconds):
    view = view_leads(as_leads(recording, layout))
    assert view.strips.shape == (12, round(seconds * FS)) == view.strips_seen.shape
    page = find_layout(layout)
    length = 5000 // page.columns
    for row, lead in enumerate(LEAD_NAMES):
        column = next(c for r in page.rows for c, name in enumerate(r) if name.lstrip("-") == lead)
        expected = recording[row, column * length : (column + 1) * length]
        expected = (expected - np.median(expected))[::5][: view.strips.shape[1]]
        assert np.abs(view.strips[row] - expected)[5:-5].max() < 0.02
    assert view.strips_seen.all()


def test_rhythm_strip_and_its_lead(recording):
    view = view_leads(as_leads(recording, "3x4+V1"))
    assert LEAD_NAMES[view.rhythm_lead] == "V1"
    expected = recording[6] - np.median(recording[6])
    assert np.abs(view.rhythm - expected[::5])[5:-5].max() < 0.02
    assert view.rhythm_seen.all()
    assert view.strips.shape == (12, 250)


def test_page_without_a_long_strip_has_no_rhythm(recording):
    view = view_leads(as_leads(recording, "3x4"))
    assert view.rhythm_lead == ABSENT
    assert not view.rhythm.any() and not view.rhythm_seen.any()
    assert view.rhythm.shape == (RHYTHM_SAMPLES,)


def test_short_rhythm_strip_is_padded_as_unseen(recording):
    view = view_leads(as_leads(recording, "6x2"))
    assert LEAD_NAMES[view.rhythm_lead] == "II"
    assert view.rhythm_seen[:500].all() and not view.rhythm_seen[500:].any()


def test_swapped_leads_change_the_view(recording):
    leads = as_leads(recording, "3x4+II")
    swapped = recording.copy()
    swapped[[6, 7]] = swapped[[7, 6]]
    other = view_leads(as_leads(swapped, "3x4+II"))
    view = view_leads(leads)
    changed = [LEAD_NAMES[row] for row in range(12) if not np.array_equal(view.strips[row], other.strips[row])]
    assert changed == ["V1", "V2"]


def test_order_of_the_strips_does_not_matter(recording):
    pieces = cut_to_layout(recording, "3x4+II")
    view, other = view_pieces(pieces, 500), view_pieces(pieces[::-1], 500)
    assert np.array_equal(view.strips, other.strips) and np.array_equal(view.rhythm, other.rhythm)


def test_missing_leads_are_zero_and_unseen(recording):
    pieces = [piece for piece in cut_to_layout(recording, "3x4+II") if piece.lead not in ("aVL", "V6")]
    view = view_pieces(pieces, 500)
    unseen = [LEAD_NAMES[row] for row in range(12) if not view.strips_seen[row].any()]
    assert unseen == ["aVL", "V6"]
    assert not view.strips[[4, 11]].any()


def test_gaps_are_zero_and_unseen_and_the_rest_is_unchanged(recording):
    whole = view_pieces(cut_to_layout(recording, "3x4+II"), 500)
    gappy = recording.copy()
    gappy[0, 500:600] = np.nan
    before = gappy.copy()
    view = view_pieces(cut_to_layout(gappy, "3x4+II"), 500)
    assert np.array_equal(gappy, before, equal_nan=True)
    assert np.isfinite(view.strips).all()
    assert not view.strips_seen[0, 100:120].any() and not view.strips[0, 100:120].any()
    assert view.strips_seen[0].sum() == 230
    offset = np.median((view.strips - whole.strips)[0, :90])
    assert np.abs((view.strips - whole.strips)[0, :90] - offset).max() < 1e-3
    assert np.array_equal(view.strips[1:], whole.strips[1:])


def test_all_nan_strip_counts_as_missing(recording):
    hidden = recording.copy()
    hidden[3] = np.nan
    assert not view_pieces(cut_to_layout(hidden, "3x4+II"), 500).strips_seen[3].any()


def test_baseline_offset_changes_nothing(recording):
    moved = recording + np.linspace(-2, 2, 12, dtype=np.float32)[:, None]
    view = view_pieces(cut_to_layout(recording, "3x4+II"), 500)
    assert np.allclose(view_pieces(cut_to_layout(moved, "3x4+II"), 500).strips, view.strips, atol=1e-5)


def test_training_and_inference_see_the_same(recording):
    """A 500 Hz page and the same recording at 100 Hz, as training holds it, give nearly the same view."""
    page = view_leads(as_leads(recording, "3x4+II"))
    cut = view_pieces(cut_to_layout(resample_poly(recording, 1, 5, axis=1), "3x4+II"), FS)
    assert page.strips.shape == cut.strips.shape
    assert np.abs(page.strips - cut.strips)[:, 5:-5].max() < 0.02


def test_lead_that_is_only_a_rhythm_strip_is_stacked_too(recording):
    pieces = [piece for piece in cut_to_layout(recording, "3x4+II") if piece.lead != "II"]
    view = view_pieces([*pieces, Piece("II", recording[1])], 500)
    assert view.strips_seen[1].all() and view.strips.shape == (12, 250)


def test_longest_piece_of_none():
    assert longest_piece([]) is None


def test_nothing_to_read_is_an_error(recording):
    with pytest.raises(ValueError, match="no strip holds 1 s"):
        view_pieces([Piece("II", recording[1, :400])], 500)
    with pytest.raises(ValueError, match="no strip holds 1 s"):
        view_pieces([], 500)


def test_unknown_lead_is_an_error(recording):
    with pytest.raises(ValueError, match="unknown lead 'V7'; allowed: I, II"):
        view_pieces([Piece("V7", recording[0])], 500)


def test_starts_must_fit(recording):
    with pytest.raises(ValueError, match=r"starts are .*allowed: 4 numbers from 0 to 3750"):
        cut_to_layout(recording, "3x4", [0, 0, 0, 3751])
    with pytest.raises(ValueError, match="shape"):
        cut_to_layout(recording[:6], "3x4")


def test_starts_cut_anywhere(recording):
    pieces = cut_to_layout(recording, "3x4", [100, 0, 3750, 7])
    assert np.array_equal(pieces[0].signal, recording[0, 100:1350])
    assert np.array_equal(pieces[3].signal, recording[9, 7:1257])

"""Which leads explain what is read, given how words read: no pixels are seen here."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitize.layout.naming import Names, evidence, find_lines, name_rows, place_names, rows_of_names
from digitize.layout.rhythm import lead_of_rhythm
from digitize.records.layouts import ALL_NAMES, LAYOUTS, LEAD_NAMES, find_layout, lead_of

LEFT, WIDTH, ROW = 100.0, 2400.0, 300.0
TALL = 26.0
NOTHING_ASTRAY = {n: np.zeros(n, int) for n in range(1, 16)}


def log_reading(lead: str, probability: float = 0.95) -> np.ndarray:
    """A reading that says one lead, and else nothing."""
    share = np.full(len(ALL_NAMES) + 1, 1e-9)
    share[ALL_NAMES.index(lead)] = probability
    share[-1] = 1.0 - probability
    return np.log(share)


def cells_of(rows, hidden=()) -> np.ndarray:
    """Evidence of rows of names, NaN for (row, column) that are hidden and beyond the names of a row."""
    cells = np.full((len(rows), max(map(len, rows)), len(ALL_NAMES)), np.nan)
    for row, leads in enumerate(rows):
        for column, lead in enumerate(leads):
            if (row, column) not in hidden:
                cells[row, column] = evidence(log_reading(lead_of(lead))[None])[0]
    return cells


def names_at(rows, pitch: float, offset: float = 10.0) -> Names:
    """Names above the beginnings of strips that are `pitch` apart."""
    boxes, logs = [], []
    for row, leads in enumerate(rows):
        for column, lead in enumerate(leads):
            x, y = LEFT + pitch * column + offset, ROW * (row + 1) - 90
            boxes.append([x, y, x + 2 * TALL, y + TALL])
            logs.append(log_reading(lead))
    return Names(np.array(boxes), np.array(logs), np.ones(len(boxes), bool))


def names_before(rows, pitch: float, pulse: float = 0.0) -> Names:
    """Names on the rows, 10 pixels before their strips, or before the pulse that stands before the first of them."""
    boxes, logs = [], []
    for row, leads in enumerate(rows):
        for column, lead in enumerate(leads):
            x, y = LEFT + pitch * column - 10.0 - pulse * (column == 0), ROW * (row + 1)
            boxes.append([x - 0.8 * TALL * len(lead), y - TALL / 2, x, y + TALL / 2])
            logs.append(log_reading(lead))
    return Names(np.array(boxes), np.array(logs), np.ones(len(boxes), bool))


def hypotheses(names: Names, n_rows: int, right: float = LEFT + WIDTH, gap: float = 0.0, bars: tuple[float, ...] = ()):
    baseline = ROW * np.arange(1, n_rows + 1)
    left = np.full(n_rows, LEFT)
    standings = rows_of_names(names.boxes, names.sure, baseline)
    gaps = dict.fromkeys((1, 2, 3, 4, 6), gap)
    return find_lines(names, standings, left, np.full(n_rows, right), np.array(bars), gaps)


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("rhythm", ["", "+II", "+V1+II+V5"])
def test_names_that_are_all_read_give_their_layout(name, rhythm):
    layout = find_layout(name + rhythm)
    rows = layout.all_rows
    naming = name_rows(cells_of(rows), NOTHING_ASTRAY[len(rows)], 0.5)
    assert naming.layout.name == layout.name
    assert [lead_of(lead) for row in naming.rows for lead in row] == [lead_of(lead) for row in rows for lead in row]


@given(hidden=st.sets(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=8))
def test_eight_names_of_twelve_may_be_lost(hidden):
    rows = [*find_layout("3x4").rows, ("II",)]
    assert name_rows(cells_of(rows, hidden), NOTHING_ASTRAY[4], 0.5).layout.name == "3x4+II"


@pytest.mark.parametrize("rows", [2, 3, 6])
@pytest.mark.parametrize("lead", ["II", "V1"])
def test_a_lead_that_every_row_names_goes_on(lead, rows):
    naming = name_rows(cells_of([(lead,)] * rows), NOTHING_ASTRAY[rows], 0.5)
    assert (naming.layout.name, naming.layout.continues, naming.rows) == (f"{lead}*{rows}", True, ((lead,),) * rows)


def test_rows_without_a_name_are_not_one_lead_that_goes_on():
    naming = name_rows(np.full((3, 1, len(ALL_NAMES)), np.nan), NOTHING_ASTRAY[3], 0.5)
    assert not naming.layout.continues


def test_names_that_can_be_read_below_are_none_that_something_hid():
    """Three rows without a name and V4, V5, V6 are the chest leads, not three rows of four leads above three strips."""
    chest = [(f"V{k}",) for k in range(1, 7)]
    one = cells_of(chest, hidden={(0, 0), (1, 0), (2, 0)})
    one[0, 0] = evidence(log_reading("I", 0.9)[None])[0]
    four = np.concatenate([one, np.full((6, 3, len(ALL_NAMES)), np.nan)], axis=1)
    as_one, as_four = (name_rows(cells, NOTHING_ASTRAY[6], 0.5) for cells in (one, four))
    assert as_one.layout.name == "chest-6x1" and as_one.score > as_four.score


def test_leads_of_the_right_side_take_the_place_of_those_that_they_replace():
    rows = [list(row) for row in find_layout("3x4").rows]
    rows[2][2] = "V3R"
    naming = name_rows(cells_of([*rows, ("II",)]), NOTHING_ASTRAY[4], 0.5)
    assert naming.layout.name == "custom-3x4+II"
    assert naming.rows[2] == ("III", "aVF", "V3R", "V6")


def test_leads_of_the_back_are_recorded_together():
    rows = [list(row) for row in find_layout("3x4").rows]
    for row, lead in enumerate(("V7", "V8", "V9")):
        rows[row][3] = lead
    assert name_rows(cells_of(rows), NOTHING_ASTRAY[3], 0.5).rows == tuple(map(tuple, rows))


def test_a_lone_lead_of_the_back_is_a_digit_misread():
    rows = [list(row) for row in find_layout("3x4").rows]
    rows[1][3] = "V9"
    naming = name_rows(cells_of([*rows, ("II",)]), NOTHING_ASTRAY[4], 0.5)
    assert (naming.layout.name, naming.rows[1]) == ("3x4+II", ("II", "aVL", "V2", "V5"))


def test_an_order_of_its_own_is_a_permutation_of_the_leads():
    order = ("V4", "V1", "aVR", "I", "V5", "V2", "aVL", "II", "V6", "V3", "aVF", "III")
    rows = [(lead,) for lead in order]
    # aVR reads as aVF, and another one stands below.
    cells = cells_of([*rows, ("II",)])
    cells[2] = evidence(log_reading("aVF", 0.7)[None])
    naming = name_rows(cells, NOTHING_ASTRAY[13], 0.5)
    assert naming.layout.name == "custom-12x1+II"
    assert naming.rows == (*rows, ("II",))


@pytest.mark.parametrize("share", [0.97, 0.98, 1.025, 1.05, 1.15])
def test_columns_cut_short_or_followed_by_something_keep_their_pitch(share):
    rows = find_layout("3x4").rows
    pitch = share * WIDTH / 4
    best = hypotheses(names_at(rows, pitch), 3)[0]
    assert best.naming.layout.name == "3x4"
    assert best.lines.pitch == pytest.approx(pitch, abs=1.0)


@pytest.mark.parametrize(("missing", "short"), [(100.0, 0.0), (300.0, 0.0), (0.0, 300.0), (150.0, 200.0)])
def test_columns_that_a_pictures_edge_cuts_begin_before_or_end_after_their_rows(missing, short):
    rows, pitch = find_layout("3x4").rows, WIDTH / 4
    all_names = names_at(rows, pitch)
    boxes = all_names.boxes - [missing, 0, missing, 0]
    # Only whole names are read.
    shown = (boxes[:, 0] > LEFT - 5) & (boxes[:, 2] < LEFT + WIDTH - missing - short)
    names = Names(boxes[shown], all_names.logs[shown], all_names.sure[shown])
    best = hypotheses(names, 3, right=LEFT + WIDTH - missing - short)[0]
    assert best.naming.layout.name == "3x4"
    assert best.lines.pitch == pytest.approx(pitch, abs=1.0)
    assert best.begin == pytest.approx(LEFT - missing, abs=0.1 if not missing or not short else 15.0)


@pytest.mark.parametrize("layout", ["6x2", "3x4"])
@pytest.mark.parametrize("pulse", [0.0, 120.0])
def test_names_in_the_white_before_their_strips_tell_the_columns(layout, pulse):
    """A first name before a pulse stands farther from the second than columns do."""
    rows, gap = find_layout(layout).rows, 120.0
    pitch = (WIDTH + gap) / len(rows[0])
    # The white is measured to half a millimeter.
    best = hypotheses(names_before(rows, pitch, pulse), len(rows), gap=gap + 5)[0]
    assert (best.naming.layout.name, best.lines.side) == (layout, 2)
    assert best.lines.pitch == pytest.approx(pitch, abs=3.0)


def test_bars_stand_anywhere_in_the_white():
    """At the ends of the strips, that is far from where the next ones begin."""
    rows, gap = find_layout("3x4").rows, 120.0
    pitch = (WIDTH + gap) / 4
    bars = tuple(LEFT + pitch * column - gap for column in (1, 2, 3)) * 3
    best = hypotheses(names_before(rows, pitch), 3, gap=gap, bars=bars)[0]
    assert best.lines.pitch == pytest.approx(pitch, abs=1.0)
    assert best.worth_of_borders == len(bars)


def test_names_below_their_rows_are_tried_beside_names_above():
    # Each 59 px below its row and 85 above the next: both stand in line.
    order = [(lead,) for lead in "V4 V1 aVR I V5 V2 aVL II V6 V3 aVF III".split()]
    baseline = 400.0 + 144.0 * np.arange(12)
    boxes = np.array([[LEFT, y + 46, LEFT + 2 * TALL, y + 46 + TALL] for y in baseline])
    names = Names(boxes, np.array([log_reading(row[0]) for row in order]), np.ones(12, bool))
    standings = rows_of_names(names.boxes, names.sure, baseline)
    ends = np.full(12, LEFT), np.full(12, LEFT + WIDTH)
    found = find_lines(names, standings, *ends, np.zeros(0), dict.fromkeys((1, 2, 3, 4, 6), 0.0))
    assert found[0].naming.rows == tuple(order)
    assert found[0].standing.distance == pytest.approx(59.0)
    sides = {hypothesis.standing.distance > 0 for hypothesis in found if hypothesis.lines.columns == 1}
    assert sides == {False, True}


def test_names_on_their_rows_are_tried_beside_those_of_the_rows_above_and_below():
    baseline = 400.0 + 120.0 * np.arange(12)
    boxes = np.array([[LEFT - 3 * TALL, y - TALL / 2, LEFT - TALL, y + TALL / 2] for y in baseline - 3.0])
    distances = [standing.distance for standing in rows_of_names(boxes, np.ones(12, bool), baseline)]
    assert distances[0] == pytest.approx(-3.0)
    assert sorted(distances) == pytest.approx([-123.0, -3.0, 117.0])


def test_names_far_from_every_row_stand_somewhere():
    boxes = np.array([[LEFT, 0.0, LEFT + TALL, TALL]])
    assert len(rows_of_names(boxes, np.ones(1, bool), np.array([900.0, 1200.0]))) >= 1


def test_words_are_placed_in_their_columns():
    rows = find_layout("3x4").rows
    names = names_at(rows, WIDTH / 4)
    best = hypotheses(names, 3)[0]
    word = place_names(names, best.lines, best.standing, np.full(3, LEFT))
    assert word.tolist() == np.arange(12).reshape(3, 4).tolist()


@given(probability=st.floats(0.0, 1.0), lead=st.sampled_from(ALL_NAMES))
def test_a_reading_proves_only_so_much(probability, lead):
    worth = evidence(log_reading(lead, np.clip(probability, 1e-6, 1 - 1e-6))[None])[0]
    assert worth.max() <= (1.5 if lead in LEAD_NAMES[:3] else 5.0)


def beats(seed: int, n: int = 5000) -> np.ndarray:
    """A lead with a shape of its own at the beats that all leads share."""
    rng = np.random.default_rng(seed)
    shape = np.convolve(rng.normal(size=40), np.hanning(15), "same").astype(np.float32)
    signal = np.zeros(n, np.float32)
    for start in range(150, n - 60, 400):
        signal[start : start + 40] += shape
    return signal


def test_a_rhythm_strip_keeps_its_name_where_two_leads_lie_on_it():
    lead = beats(1)
    near = [("V4", 2.5, lead[1250:2500] * 1.01), ("V5", 5.0, lead[2500:3750])]
    assert lead_of_rhythm(lead, near, 500, "V4") == "V4"
    assert lead_of_rhythm(lead, near, 500, "V5") == "V5"


def test_a_rhythm_strip_gets_the_name_of_the_lead_that_lies_on_it():
    lead = beats(1)
    strips = [("I", 0.0, beats(2)[:1250]), ("II", 0.0, lead[:1250])]
    assert lead_of_rhythm(lead, strips, 500, "I") == "II"


def test_a_rhythm_strip_that_no_lead_lies_on_has_none():
    strips = [("I", 0.0, beats(2)[:1250]), ("II", 0.0, beats(3)[:1250])]
    assert lead_of_rhythm(beats(1), strips, 500, "II") is None

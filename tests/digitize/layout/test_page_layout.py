"""How strips get their names, given what the reader of print says: no pixels are read here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from digitize.records.layouts import LEAD_NAMES, Layout, find_layout, lead_of
from tests.digitize.layout.prints import LEFT, PITCH, RIGHT, Print, names


def printed(layout: Layout) -> list[str]:
    return [lead_of(label) for label in layout.labels]


EVERY = (
    *("3x4", "3x4+II", "3x4+V1", "3x4+II+V1+V5", "6x2", "6x2+II", "12x1", "12x1+II", "2x6", "2x6+II", "4x3", "4x3+II"),
    *("cabrera-3x4+II", "cabrera-6x2", "cabrera-12x1", "limb-6x1", "chest-6x1", "limb-3x1"),
)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("bars", [False, True])
def test_every_layout_is_read(read, name, bars):
    page = Print(find_layout(name), bars)
    found = read(page)
    assert found.layout.name == name
    assert names(found) == printed(page.layout)
    assert {place.name_source for place in found.places} == {"read"}
    assert found.warnings == ()
    assert [place.lead for place in found.places if place.sign == -1] == (["aVR"] if "cabrera" in name else [])
    for place in found.places:
        columns = len(page.rows[place.row])
        assert place.left == pytest.approx(LEFT + (RIGHT - LEFT) * place.column / columns, abs=1)
        assert place.right == pytest.approx(LEFT + (RIGHT - LEFT) * (place.column + 1) / columns, abs=1)
        assert place.before == pytest.approx((RIGHT - LEFT) * place.column / columns, abs=1)


@pytest.mark.parametrize("hidden", [(0, 0), (1, 3), (2, 1), (3, 0)])
def test_a_name_that_cannot_be_read_follows_from_the_others(read, hidden):
    page = Print(find_layout("3x4+II"), bars=True)
    page.hide(*hidden)
    found = read(page)
    assert names(found) == printed(page.layout)
    (assumed,) = (place for place in found.places if place.name_source == "assumed")
    assert (assumed.row, assumed.column) == hidden
    assert found.warnings == (f"lead names not read, taken from position: {assumed.lead}",)


def test_a_misread_name_is_outvoted(read):
    """V1 reads as V4, which stands elsewhere: no page has one name twice in its rectangle."""
    page = Print(find_layout("3x4+II"), bars=True)
    page.say(0, 2, "V4", 0.9)
    found = read(page)
    assert names(found) == printed(page.layout)
    assert next(place for place in found.places if place.lead == "V1").name_source == "assumed"


def test_a_misread_name_in_an_order_of_its_own_is_outvoted_too(read):
    rows = (("V3", "aVF", "I", "V6"), ("aVL", "V1", "V5", "II"), ("III", "V4", "aVR", "V2"))
    page = Print(Layout("own", rows), bars=True)
    page.say(0, 0, "V6", 0.6)
    assert names(read(page)) == printed(page.layout)


def test_an_order_of_its_own_is_read(read):
    rows = (("V3", "aVF", "I", "V6"), ("aVL", "V1", "V5", "II"), ("III", "V4", "aVR", "V2"))
    found = read(Print(Layout("own", rows, ("V1",)), bars=True))
    assert names(found) == [lead for row in rows for lead in row] + ["V1"]
    assert found.layout.name == "custom-3x4+V1"
    assert found.warnings == ()


def test_two_swapped_leads_are_believed_when_print_says_so(read):
    page = Print(find_layout("3x4+II"), bars=True)
    for place, lead in {(0, 2): "V3", (2, 2): "V1"}.items():
        page.say(*place, lead, 0.99)
    found = read(page)
    assert names(found)[2] == "V3"
    assert names(found)[10] == "V1"


def test_a_page_without_names_is_taken_to_be_the_usual_one(read):
    page = Print(find_layout("3x4+II"), bars=True)
    page.readings.clear()
    found = read(page)
    assert found.layout.name == "3x4+II"
    assert {place.name_source for place in found.places} == {"assumed"}
    assert all(lead in found.warnings[0] for lead in LEAD_NAMES)


def test_names_alone_tell_the_columns(read):
    """No bars, and a third of the names lost."""
    page = Print(find_layout("3x4+II"))
    for hidden in ((0, 3), (1, 0), (2, 2), (1, 3)):
        page.hide(*hidden)
    assert names(read(page)) == printed(page.layout)


def test_chest_names_alone_lost_leave_four_columns(read):
    """Tall beats run through the names of the last two columns."""
    page = Print(find_layout("3x4+II"))
    for hidden in ((0, 3), (1, 3), (2, 3), (2, 2)):
        page.hide(*hidden)
    assert names(read(page)) == printed(page.layout)


def test_words_of_another_size_are_no_names(read):
    page = Print(find_layout("3x4+II"), bars=True)
    page.readings[(700, 60, 720, 72)] = ("V6", 0.99)
    page.readings[(1500, 500, 1560, 560)] = ("I", 0.99)
    assert names(read(page)) == printed(page.layout)


def test_rows_of_a_page_begin_and_end_together(read):
    """One whose ink is worn at an end is not shorter than the others."""
    page = Print(find_layout("3x4+II"), bars=True)
    own = page.traces
    page.traces = lambda: replace(own(), start=own().start + np.array([0, 25, 0, 0]), end=own().end - [0, 0, 30, 0])
    found = read(page)
    for place in found.places:
        if place.column == 0:
            assert place.left == pytest.approx(LEFT, abs=1)
        if place.column == len(page.rows[place.row]) - 1:
            assert place.right == pytest.approx(RIGHT, abs=1)


def test_a_given_layout_is_not_read(read):
    page = Print(find_layout("3x4+II"), bars=True)
    own = find_layout("cabrera-3x4+V1")
    found = read(page, own)
    assert names(found) == printed(own)
    assert {place.name_source for place in found.places} == {"given"}
    assert [place.lead for place in found.places if place.sign == -1] == ["aVR"]
    told = "aVR in row 1, II in row 2, aVL in row 2, III in row 3, aVF in row 3, II in row 4"
    assert found.warnings == (f"layout 'cabrera-3x4+V1' was given, but the page's names read {told}",)


def test_a_rhythm_strip_that_is_named_otherwise_than_given_is_told(read):
    page = Print(find_layout("3x4+II"))
    found = read(page, find_layout("3x4+V1"))
    assert (found.layout.name, names(found)[-1]) == ("3x4+V1", "V1")
    assert found.warnings == ("layout '3x4+V1' was given, but the page's names read II in row 4",)
    assert read(page, find_layout("3x4+II")).warnings == ()


def test_an_order_of_its_own_is_given_by_its_size(read):
    """The name of such a layout says no more; its leads are read."""
    rows = (("V3", "aVF", "I", "V6"), ("aVL", "V1", "V5", "II"), ("III", "V4", "aVR", "V2"))
    page = Print(Layout("own", rows, ("V1",)), bars=True)
    found = read(page, find_layout("custom-3x4+V1"))
    assert found.layout.name == "custom-3x4+V1"
    assert names(found) == [lead for row in rows for lead in row] + ["V1"]
    assert [place.name_source for place in found.places] == ["read"] * 12 + ["given"]
    assert found.warnings == ()


@pytest.mark.parametrize("false_row", [0, 1, 2, 4])
def test_names_tell_which_of_too_many_rows_are_those_of_a_given_layout(read, false_row):
    """A line of print passed for a row."""
    page = Print(find_layout("3x4+II"))
    moved = {
        (x0, y0 + PITCH * (row >= false_row), x1, y1 + PITCH * (row >= false_row)): said
        for (x0, y0, x1, y1), said in page.readings.items()
        for row in [(y0 + 86 - 200) // PITCH]
    }
    page.readings = moved
    page.rows.insert(false_row, ("II",))
    page.baseline = 200.0 + PITCH * np.arange(5)
    found = read(page, find_layout("3x4+II"))
    assert names(found) == printed(page.layout)
    assert {place.row for place in found.places} == set(range(5)) - {false_row}
    assert found.warnings == ("the page shows 5 rows, layout '3x4+II' has 4: the rest were left out",)


@pytest.mark.parametrize("lost", [0, 2, 5])
def test_a_row_of_a_given_layout_that_is_not_found_is_told(read, lost):
    page = Print(find_layout("limb-6x1"))
    page.readings.clear() if lost == 2 else page.hide(lost, 0)
    page.rows.pop(lost)
    page.baseline = np.delete(page.baseline, lost)
    found = read(page, find_layout("limb-6x1"))
    assert names(found) == [lead for row, lead in enumerate(LEAD_NAMES[:6]) if row != lost]
    told = f"layout 'limb-6x1' has 6 rows, but 5 of them were found: no strip of {LEAD_NAMES[lost]}"
    assert found.warnings == (told,)


def test_a_given_layout_with_fewer_rows_leaves_the_rest_out(read):
    found = read(Print(find_layout("3x4+II+V1")), find_layout("3x4+II"))
    assert len(found.places) == 13
    assert found.warnings == ("the page shows 5 rows, layout '3x4+II' has 4: the rest were left out",)


def test_a_given_layout_with_more_rows_is_an_error(read):
    with pytest.raises(ValueError, match="layout '12x1' has 12 rows, but the page shows 4"):
        read(Print(find_layout("3x4+II")), find_layout("12x1"))


def test_a_name_beside_which_no_strip_was_found_is_told(read):
    """The row of V4 was missed: its name stands between two others."""
    page = Print(find_layout("chest-6x1"))
    x0, y0, x1, y1 = page.box(3, 0)
    page.rows.pop(3)
    page.baseline = np.delete(page.baseline, 3)
    found = read(page)
    assert "V4" not in names(found) and found.lost == ("V4",)
    assert read(page, given=find_layout("chest-3x1+V5+V6")).lost == ()
    del page.readings[x0, y0, x1, y1]
    assert read(page).lost == ()

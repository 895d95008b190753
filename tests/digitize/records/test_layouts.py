"""Names of layouts: every one that a report prints can be given back."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.signal.inputs import cut_to_layout
from digitize.layout.naming import evidence, name_rows
from digitize.records.layouts import (
    ALL_NAMES,
    COLUMN_COUNTS,
    LAYOUTS,
    LEAD_NAMES,
    MOST_ROWS,
    UNKNOWN,
    Layout,
    find_layout,
    is_chest,
    lead_of,
    sign_of,
)
from papertrace.synth import PageStyle

LEADS = st.sampled_from(ALL_NAMES)


def in_any_case(name: str, seed: int) -> str:
    upper = np.random.default_rng(seed).random(len(name)) < 0.5
    return "".join(letter.upper() if up else letter.lower() for letter, up in zip(name, upper, strict=True))


@pytest.mark.parametrize("rectangle", LAYOUTS)
@pytest.mark.parametrize("rhythm", [(), ("II",), ("V1", "II", "V5"), ("V4R",)])
def test_every_layout_of_the_table_is_known_in_any_case(rectangle, rhythm):
    name = "+".join([rectangle, *rhythm])
    for spelling in (name, name.upper(), name.lower(), f" {name} "):
        found = find_layout(spelling)
        assert (found.name, found.rows, found.rhythm) == (name, LAYOUTS[rectangle].rows, rhythm)


@given(
    readings=st.lists(st.lists(st.none() | LEADS, min_size=6, max_size=6), min_size=1, max_size=30),
    columns=st.sampled_from(COLUMN_COUNTS),
    seed=st.integers(0, 100),
)
@settings(max_examples=60, deadline=None)
def test_what_the_naming_calls_a_page_can_be_given_back(readings, columns, seed):
    """Whatever is read, or not, in whatever number of rows and columns."""
    cells = np.full((len(readings), columns, len(ALL_NAMES)), np.nan)
    for place in np.ndindex(cells.shape[:2]):
        lead = readings[place[0]][place[1]]
        if lead is not None:
            share = np.full(len(ALL_NAMES) + 1, 1e-9)
            share[ALL_NAMES.index(lead)], share[-1] = 0.95, 0.05
            cells[place] = evidence(np.log(share)[None])[0]
    naming = name_rows(cells, np.zeros(len(readings), int), 0.5)
    layout = naming.layout
    again = find_layout(in_any_case(layout.name, seed))
    assert (again.name, again.times) == (layout.name, layout.times)
    assert (again.n_rows, again.columns) == (len(naming.rows), len(naming.rows[0]))
    assert layout.all_rows == naming.rows
    told = [
        (own, lead)
        for one, other in zip(again.all_rows, naming.rows, strict=True)
        for own, lead in zip(one, other, strict=True)
    ]
    assert all(own in (lead, UNKNOWN) for own, lead in told)
    assert again.tells_leads != layout.name.startswith("custom-")


@pytest.mark.parametrize("rows", [25, 27, 30])
def test_no_lead_is_said_to_go_on_over_more_rows_than_can_be_given(rows):
    cells = np.full((rows, 1, len(ALL_NAMES)), np.nan)
    cells[:, 0] = -1.0
    cells[:, 0, LEAD_NAMES.index("II")] = 5.0
    assert rows > MOST_ROWS
    assert name_rows(cells, np.zeros(rows, int), 0.5).layout.name == f"custom-{rows - 1}x1+II"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("cabrara-3x4", "unknown layout 'cabrara-3x4'; did you mean 'cabrera-3x4'?"),
        ("3*4", "unknown layout '3*4'; did you mean '3x4'?"),
        ("3x4II", "did you mean '3x4+II'?"),
        ("nonsense", "unknown layout 'nonsense'; allowed: 3x4, 6x2"),
        ("3x4+IX", "unknown rhythm lead 'IX' in layout '3x4+IX'; allowed: I, II"),
        ("3x4*2", "goes on; allowed: a layout of one column"),
        ("custom-3x1*2", "goes on; allowed: a layout of one column"),
        ("II*25", "24 rows at most"),
        ("II*9" + "9" * 5000, "24 rows at most"),
        ("custom-3x9", "custom-ROWSxCOLUMNS, up to 99x6"),
        ("custom-0x4", "custom-ROWSxCOLUMNS, up to 99x6"),
    ],
)
def test_a_name_that_is_none_is_refused_with_what_is_allowed(name, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        find_layout(name)


@pytest.mark.parametrize("name", [5, None, ("3x4",), b"3x4"])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(TypeError, match=re.escape("allowed: a name, e.g. '3x4+II'")):
        find_layout(name)


@pytest.mark.parametrize("name", ["custom-3x4", "3x4+V7"])
def test_a_layout_that_the_page_tells_cannot_be_printed_or_cut(name):
    with pytest.raises(ValueError, match="unknown lead"):
        PageStyle(layout=name)
    with pytest.raises(ValueError, match="unknown lead"):
        cut_to_layout(np.zeros((12, 1000), np.float32), name)


ROWS = st.integers(1, 6).flatmap(lambda n: st.lists(st.lists(LEADS, min_size=n, max_size=n), min_size=1, max_size=12))


@given(rows=ROWS, rhythm=st.lists(LEADS, max_size=3))
def test_a_layout_of_ones_own_is_known_again_by_its_name(rows, rhythm):
    layout = Layout.custom(rows, rhythm)
    again = find_layout(layout.name)
    assert (again.name, again.n_rows, again.columns) == (layout.name, layout.n_rows, layout.columns)
    assert again.rhythm == layout.rhythm
    assert layout.tells_leads and not again.tells_leads and not again.continues
    assert layout.labels == (*(lead for row in rows for lead in row), *rhythm)


@given(leads=st.lists(LEADS, min_size=1, max_size=3), times=st.integers(1, 8))
def test_strips_without_a_rectangle_are_known_again_by_their_name(leads, times):
    layout = Layout.of_strips(leads, times)
    assert find_layout(layout.name) == layout
    assert layout.labels == tuple(leads) * times
    assert layout.continues == (times > 1) and (not layout.continues or layout.rhythm == ())


@given(lead=LEADS, minus=st.sampled_from(["", "-"]))
def test_a_label_is_a_sign_and_a_lead(lead, minus):
    label = minus + lead
    assert lead_of(label) == lead and sign_of(label) == (-1 if minus else 1)
    assert is_chest(lead) == (lead not in LEAD_NAMES[:6])

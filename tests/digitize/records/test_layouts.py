"""Names of layouts: every one that a report prints can be given back."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.signal.view import cut_to_layout
from digitize.layout.naming import evidence, name_rows
from digitize.records.layouts import ALL_NAMES, COLUMN_COUNTS, LAYOUTS, LEAD_NAMES, MOST_ROWS, UNKNOWN, find_layout
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
    again = find_layout(in_any_case(naming.name, seed))
    assert again.name == naming.name
    assert (again.n_rows, again.columns, again.goes_on) == (len(naming.rows), len(naming.rows[0]), naming.goes_on)
    told = [
        (own, lead)
        for one, other in zip(again.rows + tuple((lead,) for lead in again.rhythm), naming.rows, strict=True)
        for own, lead in zip(one, other, strict=True)
    ]
    assert all(own in (lead, UNKNOWN) for own, lead in told)
    assert (UNKNOWN in again.rows[0]) == naming.name.startswith("custom-")


@pytest.mark.parametrize("rows", [25, 27, 30])
def test_no_lead_is_said_to_go_on_over_more_rows_than_can_be_given(rows):
    cells = np.full((rows, 1, len(ALL_NAMES)), np.nan)
    cells[:, 0] = -1.0
    cells[:, 0, LEAD_NAMES.index("II")] = 5.0
    assert rows > MOST_ROWS
    assert name_rows(cells, np.zeros(rows, int), 0.5).name == f"custom-{rows - 1}x1+II"


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

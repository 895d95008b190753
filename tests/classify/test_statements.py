from __future__ import annotations

import csv

import pytest

from classify.statements import CHALLENGE, CODES, GROUPS, STATEMENTS, SUBCLASSES, group_indices, positives
from digitize.records.layouts import LEAD_NAMES
from papertrace.datasets.ptbxl import data_folder


def truth_of(*codes: str, stages: tuple[str, ...] = ()) -> set[str]:
    return {code for code, true in zip(CODES, positives(codes, stages), strict=True) if true}


def test_codes_are_unique_and_groups_known():
    assert len(set(CODES)) == len(CODES) == len(STATEMENTS)
    assert {statement.group for statement in STATEMENTS} == set(GROUPS)
    assert set(CHALLENGE.values()) <= set(CODES) and len(CHALLENGE) == 11
    assert {lead for statement in STATEMENTS for leads in statement.needs for lead in leads} == set(LEAD_NAMES) - {
        "aVR"
    }


def test_groups_part_the_statements():
    places = [place for group in GROUPS for place in group_indices(group)]
    assert sorted(places) == list(range(len(STATEMENTS)))


def test_unknown_group():
    with pytest.raises(ValueError, match="unknown group 'beats'; allowed: superclass, subclass, diagnostic, form"):
        group_indices("beats")


def test_classes_come_from_any_of_their_codes():
    assert truth_of("NORM", "SR") == {"NORM", "SR"}
    assert truth_of("ALMI") == {"MI", "AMI (subclass)", "Old MI"}
    assert truth_of("LPFB") == {"CD", "LAFB/LPFB"}
    assert truth_of("AFLT") == {"AFIB/AFL"}
    assert truth_of("PSVT") == {"TACHY"}
    assert truth_of("SARRH", "PVC") == {"SARRH", "PVC"}


def test_an_infarction_is_acute_by_its_stage_or_by_an_injury_current_and_old_otherwise():
    assert "Acute MI" in truth_of("IMI", stages=("Stadium I", "nan"))
    assert "Acute MI" in truth_of("INJAS")
    assert "Old MI" in truth_of("IMI", stages=("Stadium II-III",))
    assert "Old MI" in truth_of("IMI", stages=("unknown",))
    assert not {"Acute MI", "Old MI"} & truth_of("NORM", stages=("Stadium I",))


def test_classes_are_those_of_ptbxl():
    table = data_folder() / "scp_statements.csv"
    if not table.is_file():
        pytest.skip(f"{table} is missing")
    with table.open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["diagnostic_class"]]
    theirs = {row[""]: (row["diagnostic_class"], row["diagnostic_subclass"]) for row in rows}
    ours = {code: (of, sub) for of, subs in SUBCLASSES.items() for sub, codes in subs.items() for code in codes}
    assert ours == theirs

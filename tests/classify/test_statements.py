from __future__ import annotations

import pytest

from classify.statements import CODES, GROUPS, STATEMENTS, group_indices, positives


def test_codes_are_unique_and_groups_known():
    assert len(set(CODES)) == len(CODES) == len(STATEMENTS)
    assert {statement.group for statement in STATEMENTS} == set(GROUPS)


def test_groups_part_the_statements():
    places = [place for group in GROUPS for place in group_indices(group)]
    assert sorted(places) == list(range(len(STATEMENTS)))


def test_unknown_group():
    with pytest.raises(ValueError, match="unknown group 'beats'; allowed: superclass, diagnostic, form, rhythm"):
        group_indices("beats")


def test_superclass_comes_from_the_superclasses_and_not_from_a_code():
    truth = dict(zip(CODES, positives({"NORM", "AFIB"}, set()), strict=True))
    assert truth["AFIB"] and not truth["NORM"]
    assert sum(truth.values()) == 1

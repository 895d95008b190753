from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from classify.exclusive import FINDINGS, RHYTHMS, excluders
from classify.signal.weights import load_weights
from classify.statements import CODES, STATEMENTS

CHANCES = arrays(np.float64, len(CODES), elements=st.floats(0, 1))
LIMITS = arrays(np.float64, len(CODES), elements=st.floats(0.01, 0.9))
ASSESSED = arrays(np.bool_, len(CODES))
EXCLUSIVE = {frozenset((one, other)) for a, b in (*RHYTHMS, *FINDINGS) for one in a for other in b}


@settings(deadline=None, max_examples=50)
@given(CHANCES, LIMITS, ASSESSED)
def test_no_two_that_stand_exclude_each_other(chances, thresholds, assessed):
    by = excluders(chances, thresholds, assessed)
    above = {code for code, is_above in zip(CODES, assessed & (chances >= thresholds), strict=True) if is_above}
    excluded = {code: other for code, other in zip(CODES, by, strict=True) if other is not None}
    standing = above - excluded.keys()
    assert excluded.keys() <= above
    assert not any({one, other} in EXCLUSIVE for one in standing for other in standing)
    assert all({code, other} in EXCLUSIVE and other in above for code, other in excluded.items())


def test_only_codes_that_there_are():
    assert {code for pair in EXCLUSIVE for code in pair} <= set(CODES)
    assert all(len(pair) == 2 for pair in EXCLUSIVE)
    superclasses = {of.code for of in STATEMENTS if of.group == "superclass"} - {"NORM"}
    assert all({"NORM", code} in EXCLUSIVE for code in superclasses)


@pytest.mark.parametrize(
    ("chances", "stand"),
    [
        ({"NORM": 0.6, "MI": 0.7}, ["MI"]),
        ({"NORM": 0.7, "MI": 0.6, "AMI": 0.5}, ["NORM"]),
        ({"SR": 0.7, "SARRH": 0.25}, ["SARRH"]),
        ({"SR": 0.7, "SARRH": 0.15}, ["SR"]),
        ({"CRBBB": 0.9, "IRBBB": 0.4, "CD": 0.95}, ["CD", "CRBBB"]),
        ({"AFIB": 0.9, "AFIB/AFL": 0.9, "1AVB": 0.3, "CD": 0.5}, ["CD", "AFIB", "AFIB/AFL"]),
        ({"SR": 0.5, "SBRAD": 0.3}, ["SBRAD"]),
    ],
)
def test_which_stands(chances, stand):
    """The likelier statement, and the rhythm that exceeds its threshold by more; one below its threshold never."""
    told, limits = np.array([chances.get(code, 0.0) for code in CODES]), load_weights().thresholds
    by = excluders(told, limits, np.ones(len(CODES), bool))
    above = zip(CODES, told >= limits, by, strict=True)
    assert [code for code, is_above, other in above if is_above and other is None] == stand

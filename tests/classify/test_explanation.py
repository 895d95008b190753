from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from classify import interpret
from classify.explanation import explain, likeliest_abnormal
from classify.records.segments import segments_from_leads
from classify.signal.attribution import attribute


@pytest.fixture
def page(leads):
    """A 3x4+II page, of which one strip is of the back."""
    strips = (*leads.strips[:3], replace(leads.strips[3], lead="V8"), *leads.strips[4:])
    return replace(leads, strips=strips)


def test_strength_is_what_speaks_for_it_as_a_share_of_the_most(page):
    told = explain(interpret(page), page, "CLBBB")
    spoken = iter(attribute(segments_from_leads(page), page.fs, "CLBBB"))
    parts = [None if strip.lead == "V8" else np.maximum(next(spoken), 0) for strip in page.strips]
    most = max(part.max() for part in parts if part is not None)
    for strip, strength, part in zip(page.strips, told.strength, parts, strict=True):
        assert strength.dtype == np.float32 and strength.shape == strip.signal.shape
        assert np.allclose(strength, 0 if part is None else part / most, atol=1e-6)
    assert max(strength.max() for strength in told.strength) == 1
    assert sum(told.by_lead.values()) == pytest.approx(1) and told.by_lead["V8"] == 0
    assert list(told.by_lead.values()) == sorted(told.by_lead.values(), reverse=True)
    first = next(iter(told.by_lead))
    assert told.text.startswith("complete left bundle branch block (CLBBB), ") and f" {first} " in told.text
    assert told.shade.strength is told.strength and told.shade.text == told.text


def test_what_is_not_assessable_says_so(page):
    short = replace(page, strips=tuple(strip for strip in page.strips if len(strip.signal) < 2000))
    told = interpret(short).explain(short, "AFIB")
    assert told.text == "atrial fibrillation (AFIB): not assessable: needs a strip of 4 s or more"
    assert told.probability is None and not any(strength.any() for strength in told.strength) and not told.by_lead


def test_unknown_statements_are_refused(page):
    with pytest.raises(ValueError, match="unknown statement 'FLU'; allowed: NORM, MI"):
        interpret(page).explain(page, "FLU")


def test_the_default_is_the_likeliest_abnormal_statement(page):
    reading = interpret(page)

    def present(**chances: float):
        return tuple(
            replace(found, present=found.code in chances, probability=chances.get(found.code, 0.01))
            for found in reading.statements
        )

    for chances, code in (
        ({"SR": 0.99, "NORM": 0.98, "CD": 0.9, "CLBBB": 0.6, "LVH": 0.5}, "CLBBB"),
        ({"SR": 0.99, "CD": 0.9, "MI": 0.95}, "MI"),
    ):
        found = likeliest_abnormal(present(**chances))
        assert found is not None and found.code == code
    assert explain(replace(reading, statements=present(AFIB=0.4)), page).code == "AFIB"
    told = explain(replace(reading, statements=present(SR=0.9, NORM=0.9)), page)
    assert told.code is None and told.text == "nothing to explain: no abnormal statement is above its threshold"

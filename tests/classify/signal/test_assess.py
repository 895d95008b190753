from __future__ import annotations

import numpy as np
import pytest

from classify.records.segments import StripSegment
from classify.signal.assess import reasons_against
from classify.signal.inputs import NetworkInput, cut_to_layout, input_from_segments
from classify.statements import CODES
from digitize.records.layouts import LEAD_NAMES

BEATS = np.exp(-(((np.arange(5000) % 400 - 200) / 12) ** 2)).astype(np.float32)


def page(layout: str, without: tuple[str, ...] = (), signal: np.ndarray = BEATS) -> NetworkInput:
    recording = np.tile(signal, (12, 1))
    return input_from_segments([p for p in cut_to_layout(recording, layout, fs=500) if p.lead not in without], 500)


def reasons(view: NetworkInput) -> dict[str, str]:
    return {code: reason for code, reason in zip(CODES, reasons_against(view), strict=True) if reason}


def test_a_whole_page_allows_everything():
    assert reasons(page("3x4+II")) == reasons(page("12x1")) == {}


@pytest.mark.parametrize(
    ("without", "gone", "stays"),
    [
        (("II", "III"), "IMI", "ASMI"),
        (("V1", "V2", "V3", "V4"), "ASMI", "IMI"),
        (("V5", "V6"), "LVH", "IMI"),
        (LEAD_NAMES[:6], "LAFB", "CRBBB"),
        (LEAD_NAMES[6:], "CRBBB", "LAFB"),
    ],
)
def test_a_statement_needs_its_leads(without, gone, stays):
    told = reasons(page("3x4", without))
    assert told[gone].startswith("needs ") and "the page does not show them" in told[gone]
    assert stays not in told


def test_one_of_three_inferior_leads_may_be_missing():
    for lead in ("II", "III", "aVF"):
        assert "IMI" not in reasons(page("12x1", (lead,)))
    assert reasons(page("12x1", ("III", "aVF")))["IMI"] == "needs III or aVF; the page does not show them"


def test_a_rhythm_needs_a_strip_that_is_long_enough():
    assert reasons(page("3x4")).keys() == {"SARRH", "AFIB", "AFIB/AFL"}
    lone = reasons(input_from_segments([StripSegment("II", BEATS)], 500))
    assert not {"SR", "STACH", "SBRAD", "AFIB", "SARRH", "PACE", "PVC", "1AVB"} & lone.keys()
    assert {"NORM", "MI", "LVH"} <= lone.keys()


def test_a_rate_needs_two_beats():
    one = input_from_segments([StripSegment("II", BEATS[:550])], 500)
    assert reasons(one)["STACH"] == "needs two heartbeats in one strip"


def test_without_a_heartbeat_nothing_can_be_said():
    told = reasons(page("3x4+II", signal=np.zeros(5000, np.float32)))
    assert set(told.values()) == {"no heartbeat was found"} and len(told) == len(CODES)

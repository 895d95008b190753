from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitize.layout.einthoven import LIMB_LEADS, check_limb_leads
from digitize.records.layouts import LEAD_NAMES


@pytest.fixture(scope="module")
def limb(recording) -> dict[str, np.ndarray]:
    noisy = recording + np.random.default_rng(0).normal(0, 0.01, recording.shape)
    return {lead: noisy[LEAD_NAMES.index(lead), :1250] for lead in LIMB_LEADS}


def some(limb, *names):
    return {name: limb[name] for name in names}


@pytest.mark.parametrize("names", [("I", "II", "III"), ("aVR", "aVL", "aVF"), ("aVL", "I", "aVR"), tuple(LIMB_LEADS)])
def test_leads_that_obey_keep_their_names(limb, names):
    check = check_limb_leads(some(limb, *names), names)
    assert check.names == {}
    assert check.inverted is None
    assert check.residual < 0.02


@pytest.mark.parametrize("order", [order for order in permutations(("I", "II", "III")) if order[1] != "II"])
def test_numerals_in_disorder_are_put_in_order(limb, order):
    """I and III are bound alike: the law says which is II, and augmented leads beside them say the rest."""
    wrong = {name: limb[lead] for name, lead in zip(("I", "II", "III"), order, strict=True)}
    alone = check_limb_leads(wrong, ("I", "II", "III"))
    assert alone.residual < 0.02
    assert alone.names.get(("I", "II", "III")[order.index("II")]) == "II"
    beside = check_limb_leads(wrong | some(limb, "aVL", "aVF"), ("I", "II", "III"))
    found = [beside.names.get(name, name) for name in ("I", "II", "III")]
    assert found == list(order)


def test_surely_read_names_are_not_touched(limb):
    wrong = {"I": limb["I"], "II": limb["III"], "III": limb["II"]}
    check = check_limb_leads(wrong, ())
    assert check.names == {}
    assert check.residual > 0.5


def test_arms_exchanged_are_no_error(limb):
    """Reversed electrodes make I upside down and exchange II with III, aVR with aVL: leads that obey the law."""
    reversed_arms = {
        **{"I": -limb["I"], "II": limb["III"], "III": limb["II"]},
        **{"aVR": limb["aVL"], "aVL": limb["aVR"], "aVF": limb["aVF"]},
    }
    check = check_limb_leads(reversed_arms, LIMB_LEADS)
    assert check.names == {}
    assert check.inverted is None
    assert check.residual < 0.02


@pytest.mark.parametrize("names", [("aVL", "I", "aVR"), ("aVR", "aVL", "aVF")])
def test_avr_upside_down_is_found(limb, names):
    check = check_limb_leads(some(limb, *names) | {"aVR": -limb["aVR"]}, ())
    assert check.inverted == "aVR"
    assert check.residual < 0.02


def test_other_leads_are_a_disagreement(limb, recording):
    check = check_limb_leads({**some(limb, "I", "III"), "II": recording[8, :1250]}, ("I", "II", "III"))
    assert check.names == {}
    assert check.residual > 0.15


@pytest.mark.parametrize("names", [(), ("I", "II")])
def test_two_leads_say_nothing(limb, names):
    assert np.isnan(check_limb_leads(some(limb, *names), names).residual)


def test_hidden_and_flat_leads_say_nothing(limb):
    hidden = np.full(1250, np.nan)
    assert np.isnan(check_limb_leads({**some(limb, "I", "II"), "III": hidden}, ()).residual)
    flat = np.zeros(1250)
    assert np.isnan(check_limb_leads({"I": flat, "II": flat, "III": flat}, ()).residual)


def test_a_chest_lead_is_an_error(limb):
    with pytest.raises(ValueError, match="no limb lead: 'V1'; allowed: I, II, III, aVR, aVL, aVF"):
        check_limb_leads({"V1": limb["I"]}, ())


@settings(max_examples=30, deadline=None)
@given(st.floats(0.2, 5.0), st.floats(-2.0, 2.0), st.sets(st.sampled_from(list(LIMB_LEADS)), min_size=3))
def test_size_and_zero_do_not_matter(limb, size, offset, names):
    one = check_limb_leads({name: limb[name] for name in names}, ())
    other = check_limb_leads({name: size * limb[name] + offset for name in names}, ())
    assert other.residual == pytest.approx(one.residual, rel=1e-6, abs=1e-9)

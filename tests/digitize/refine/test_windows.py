from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from digitize.records.traces import TraceState
from digitize.refine.windows import sureness


@pytest.mark.parametrize(
    ("state", "sure"),
    [(TraceState.UNKNOWN, 0.0), (TraceState.BRIDGED, 0.3), (TraceState.SHARED, 0.6), (TraceState.SEEN, 1.0)],
)
def test_the_network_gets_the_numbers_that_it_was_trained_with(state, sure):
    assert sureness(np.array([state], np.uint8)).tobytes() == np.float32(sure).tobytes()


@given(arrays(np.uint8, (3, 20), elements=st.sampled_from(TraceState).map(int)))
def test_more_seen_is_more_sure_and_the_states_stay(state):
    before = state.copy()
    sure = sureness(state)
    assert sure.shape == state.shape and sure.dtype == np.float32
    assert (np.diff(sure.ravel()[np.argsort(state.ravel(), kind="stable")]) >= 0).all()
    assert ((sure > 0) == (state > TraceState.UNKNOWN)).all()
    np.testing.assert_array_equal(state, before)

"""Strips as they are interpreted: runs of one lead, from a page or from a recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitize.leads import Leads
from digitize.records.layouts import LEAD_NAMES

_RHYTHM_PREFERENCE = ("II", "V1", "V5", *(lead for lead in LEAD_NAMES if lead not in ("II", "V1", "V5")))


class StripSegment(NamedTuple):
    """A run of one lead.

    Attributes
    ----------
    lead : str
        One of `digitize.records.layouts.LEAD_NAMES`.
    signal : ndarray, shape (n,)
        Millivolts, NaN where hidden.
    start : float
        When it begins, in seconds after the page's first sample.
    confidence : ndarray, shape (n,), or None
        How sure each sample is, 0 to 1; None is 1 everywhere.
    """

    lead: str
    signal: NDArray[np.float32]
    start: float = 0.0
    confidence: NDArray[np.float32] | None = None


def longest_segment(segments: Sequence[StripSegment]) -> StripSegment | None:
    """Choose the strip to read a rhythm from.

    Parameters
    ----------
    segments : sequence of StripSegment
        The strips in any order.

    Returns
    -------
    StripSegment or None
        The longest one; of those as long within a tenth, lead II before V1 before V5 before the others. None when
        there is no strip.

    Examples
    --------
    >>> longest_segment([StripSegment(lead, np.zeros(1000, np.float32)) for lead in LEAD_NAMES]).lead
    'II'
    """
    longest = max((len(segment.signal) for segment in segments), default=0)
    return min(
        (segment for segment in segments if len(segment.signal) >= 0.9 * longest),
        key=lambda segment: (_RHYTHM_PREFERENCE.index(segment.lead), -len(segment.signal)),
        default=None,
    )


def segments_from_leads(leads: Leads) -> tuple[StripSegment, ...]:
    """Take the strips of a digitized page as segments.

    Parameters
    ----------
    leads : Leads

    Returns
    -------
    tuple of StripSegment
    """
    return tuple(
        StripSegment(strip.lead, strip.signal, strip.start, strip.confidence)
        for strip in leads.strips
        if strip.lead in LEAD_NAMES
    )

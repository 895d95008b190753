"""Read what is printed on an upright page: its scale and, from names and places of its strips, its layout."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from digitize.layout.page_layout import RowsMissing, read_layout
from digitize.ocr.text import PrintedScale, find_words, read_scale
from digitize.records.known import Known
from digitize.records.page_layout import PageLayout
from digitize.records.symbols import Pulse
from digitize.records.traces import Rows
from digitize.tracing.trace import erase_traces
from digitize.tracing.view import UprightAnalysis, follow_rows

_TOO_NEAR = 0.7
"""Part of the distance between the rows of a given layout by which another row is away at least."""


class ReadPage(NamedTuple):
    """An upright page, and what is printed on it.

    Attributes
    ----------
    analysis : UprightAnalysis
    scale : PrintedScale
    layout : PageLayout or None
        None where it cannot be the layout that the caller gave.
    problem : str
        Why not; else empty.
    """

    analysis: UprightAnalysis
    scale: PrintedScale
    layout: PageLayout | None
    problem: str = ""

    @property
    def pulses(self) -> tuple[Pulse, ...]:
        """Calibration pulses of the page."""
        return self.analysis.symbols.pulses


def read_print(analysis: UprightAnalysis, known: Known) -> ReadPage:
    """Read what is left of a page when its traces are taken away.

    That the layout cannot be the given one need not be the last word: the page may lie on its side.

    Parameters
    ----------
    analysis : UprightAnalysis
    known : Known

    Returns
    -------
    ReadPage
    """
    printed = erase_traces(analysis.coverage, analysis.traces)
    printed[analysis.symbols.mask] = 0.0
    words = find_words(printed)[0]
    scale = read_scale(printed, words)
    try:
        layout = read_layout(
            analysis.coverage, printed, analysis.traces, analysis.baseline, analysis.symbols, words, known.given_layout
        )
    except RowsMissing as error:
        return ReadPage(analysis, scale, None, str(error))
    return ReadPage(analysis, scale, layout)


def without_false_rows(read: ReadPage, known: Known) -> ReadPage:
    """Follow the rows of a given layout once more, without those that stand too near them to be rows themselves.

    Parameters
    ----------
    read : ReadPage
    known : Known

    Returns
    -------
    ReadPage
        The same where no row is too near, or the layout was not given.
    """
    analysis, layout = read.analysis, read.layout
    if known.layout is None or layout is None:
        return read
    shown = sorted({place.row for place in layout.places})
    if len(shown) < 2 or len(shown) == len(analysis.baseline):
        return read
    apart = np.abs(analysis.baseline[:, None] - analysis.baseline[shown]).min(axis=1)
    kept = apart > _TOO_NEAR * float(np.median(np.diff(analysis.baseline[shown])))
    kept[shown] = True
    if kept.all():
        return read
    rows = Rows(analysis.rows.level[kept], analysis.rows.start[kept], analysis.rows.end[kept])
    followed = follow_rows(analysis.laid, rows)
    again = None if followed is None else read_print(followed, known)
    if again is None or again.layout is None:
        return read
    counted = replace(again.layout, shown_rows=layout.shown_rows, named_rows=layout.named_rows)
    return again._replace(layout=counted)

"""When each strip was recorded, as the strips themselves tell."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from digitize.layout.rhythm import lead_of_rhythm
from digitize.layout.timing import columns_are_simultaneous, time_passes_in_white
from digitize.records.layouts import Layout
from digitize.records.page_layout import PageLayout
from digitize.records.results import Strip


def set_clock(strips: list[Strip], found: PageLayout, fs: int) -> tuple[list[Strip], str, list[str]]:
    """Starts of the strips and leads of the rhythm strips, as the strips themselves tell; and the layout's name."""
    columns = Counter(place.row for place in found.places)
    alone = [k for k, strip in enumerate(strips) if columns[strip.row] == 1]
    strips, warnings = _in_time(strips, alone, found, fs)
    n_rhythm = len(found.layout.rhythm)
    if not n_rhythm:
        return strips, found.name, warnings
    rhythm = [strips[k] for k in alone[-n_rhythm:]]
    others = [strip for strip in strips if strip not in rhythm]
    named, more = _name_rhythm(rhythm, others, found.layout, fs)
    given = any(strip.name_source == "given" for strip in rhythm)
    layout = found.layout if given else replace(found.layout, rhythm=tuple(strip.lead for strip in named))
    kept = sorted([*others, *named], key=lambda strip: (strip.row, strip.column))
    return kept, layout.name, [*warnings, *more]


def _in_time(strips: list[Strip], alone: list[int], found: PageLayout, fs: int) -> tuple[list[Strip], list[str]]:
    """The strips, at the same time where columns were recorded together; `alone` are those that have a row each."""
    strips = _with_white(strips, [strips[k].signal for k in alone], found, fs)
    later = [(strip.start, strip.signal) for strip in strips if strip.column > 0]
    if not later:
        return strips, []
    inside = [strip for k, strip in enumerate(strips) if k not in alone]
    n_columns = 1 + max(strip.column for strip in strips)
    beside = [[strip.signal for strip in inside if strip.column == k] for k in range(n_columns)]
    together = columns_are_simultaneous(beside, later, [strips[k].signal for k in alone], fs)
    if together is None:
        return strips, ["columns taken to follow each other in time (neither beats nor a rhythm strip tell)"]
    return [replace(strip, start=0.0) for strip in strips] if together else strips, []


def _with_white(strips: list[Strip], rhythm: list[NDArray[np.float32]], found: PageLayout, fs: int) -> list[Strip]:
    """The strips, where they stand on the page if time passes in the white between them."""
    first = {place.row: place for place in found.places if place.column == 0}
    on_page = []
    for strip, place in zip(strips, found.places, strict=True):
        per_second = (place.right - place.left) * fs / len(strip.signal)
        beside = strip.row in first and not found.layout.continues
        on_page.append((place.left - first[strip.row].left) / per_second if beside else strip.start)
    compared = [(strip.start, at, strip.signal) for strip, at in zip(strips, on_page, strict=True) if at > strip.start]
    if not time_passes_in_white(compared, rhythm, fs):
        return strips
    return [replace(strip, start=at) for strip, at in zip(strips, on_page, strict=True)]


def _name_rhythm(rhythm: list[Strip], others: list[Strip], layout: Layout, fs: int) -> tuple[list[Strip], list[str]]:
    """Rhythm strips under the leads that they repeat; without those that neither print nor another strip names."""
    above = [(other.lead, other.start, other.signal) for other in others]
    kept, warnings = [], []
    for strip in rhythm:
        lead = lead_of_rhythm(strip.signal, above, fs, strip.lead)
        if lead is None and strip.name_source == "assumed":
            warnings.append("a row without a readable name that repeats no lead of the page was left out")
        elif lead in (None, strip.lead):
            kept.append(strip)
        elif strip.name_source != "given":
            kept.append(replace(strip, lead=lead, name_source="measured"))
        else:
            kept.append(strip)
            if strip.lead in layout.rhythm:
                warnings.append(f"{strip.lead} was given for row {strip.row + 1}, but the strip there repeats {lead}")
    return kept, warnings

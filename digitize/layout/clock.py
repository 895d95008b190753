"""When each strip was recorded, as the strips themselves tell."""

from __future__ import annotations

from dataclasses import replace

from digitize.layout.page_layout import PageLayout
from digitize.layout.rhythm import lead_of_rhythm
from digitize.layout.timing import columns_are_simultaneous
from digitize.records.results import Strip


def set_clock(strips: list[Strip], found: PageLayout, fs: int) -> tuple[list[Strip], str, list[str]]:
    """Starts of the strips and leads of the rhythm strips, as the strips themselves tell; and the layout's name."""
    columns = {row: sum(place.row == row for place in found.places) for row in {place.row for place in found.places}}
    alone = [k for k, strip in enumerate(strips) if columns[strip.row] == 1]
    warnings = []
    later = [(strip.start, strip.signal) for strip in strips if strip.column > 0]
    if later:
        inside = [strip for strip in strips if columns[strip.row] > 1]
        beside = [[strip.signal for strip in inside if strip.column == k] for k in range(max(columns.values()))]
        together = columns_are_simultaneous(beside, later, [strips[k].signal for k in alone], fs)
        if together is None:
            warnings.append("columns taken to follow each other in time (neither beats nor a rhythm strip tell)")
        elif together:
            strips = [replace(strip, start=0.0) for strip in strips]
    name = found.name
    if "+" not in name or "*" in name:
        return strips, name, warnings
    rhythm = [strips[k] for k in alone[-name.count("+") :]]
    others = [strip for strip in strips if strip not in rhythm]
    kept = list(others)
    known = [strip for strip in rhythm if strip.name_source == "given"]
    for strip in rhythm:
        above = [(other.lead, other.start, other.signal) for other in others]
        lead = lead_of_rhythm(strip.signal, above, fs, strip.lead)
        if strip.name_source == "given":
            if lead not in (None, strip.lead) and strip.lead in name.split("+")[1:]:
                there = f"the strip in row {strip.row + 1} repeats {lead}, not {strip.lead}"
                warnings.append(f"layout {name!r} was given, but {there}")
        elif lead is not None and lead != strip.lead:
            strip = replace(strip, lead=lead, name_source="measured")
        if lead is None and strip.name_source == "assumed":
            warnings.append("a row without a readable name that repeats no lead of the page was left out")
            continue
        kept.append(strip)
    if not known:
        name = "+".join([name.split("+")[0], *(strip.lead for strip in kept[len(others) :])])
    return sorted(kept, key=lambda strip: (strip.row, strip.column)), name, warnings

"""Names of the limb leads held against the law that binds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from digitize.layout.einthoven import LIMB_LEADS, check_limb_leads
from digitize.records.layouts import ALL_NAMES, LAYOUTS, Layout, lead_of
from digitize.records.page_layout import PageLayout, Place
from digitize.records.results import Strip

DISAGREEMENT = 0.25
"""Share of the limb leads' power that may contradict Einthoven's law: 6 dB below it."""

_LAWLESS = 0.6
"""Share that contradicts the law where six leads without a name are no limb leads. Of 120 recordings of PTB-XL, 99 in
100 leave more than 0.78 when V1 to V6 are held to be limb leads; limb leads that are traced badly stay below."""

_HARDLY_READ = 0.6
"""Certainty of a name below which the law may tell another."""


def confirm_names(strips: list[Strip], found: PageLayout) -> tuple[list[Strip], PageLayout, float, list[str]]:
    """Strips whose names the law of the limb leads confirms, column by column: names that were hardly read give way."""
    strips, residuals, warnings = _chest_where_lawless(strips, found)
    of_column: dict[tuple[int, int], dict[str, int]] = {}
    for k, strip in enumerate(strips):
        if strip.lead in LIMB_LEADS:
            # Strips of one column and length were recorded together; a rhythm strip below is longer.
            of_column.setdefault((strip.column, round(len(strip.signal) / 50)), {}).setdefault(strip.lead, k)
    for members in of_column.values():
        doubtful = [
            lead
            for lead, k in members.items()
            if strips[k].name_source != "given" and found.places[k].certainty < _HARDLY_READ
        ]
        given = any(strips[k].name_source == "given" for k in members.values())
        signals = {lead: strips[k].signal for lead, k in members.items()}
        check = check_limb_leads(signals, doubtful, () if given else ("aVR",))
        if check.names:
            exchanged = ", ".join(f"{lead} is {better}" for lead, better in check.names.items())
            warnings.append(f"names corrected by Einthoven's law: {exchanged}")
        if check.inverted is not None:
            warnings.append(f"{check.inverted} is printed upside down, by Einthoven's law; it was turned")
            k = members[check.inverted]
            strips[k] = replace(strips[k], signal=-strips[k].signal)
        for lead, better in check.names.items():
            strips[members[lead]] = replace(strips[members[lead]], lead=better, name_source="measured")
        residuals.append(check.residual)
        if check.residual > DISAGREEMENT:
            warnings.append(
                f"Einthoven disagreement: {100 * min(check.residual, 1.0):.0f} % of the power of {', '.join(members)} "
                "does not fit together"
            )
    worst = float(np.fmax.reduce(residuals))
    return strips, replace(found, layout=layout_again(strips, found)), worst, warnings


def _chest_where_lawless(strips: list[Strip], found: PageLayout) -> tuple[list[Strip], list[float], list[str]]:
    """Six rows without names that were taken for the limb leads, renamed where the law says that they are not."""
    strips, residuals, warnings = list(strips), [float("nan")], list[str]()
    six = strips[: len(LIMB_LEADS)]
    if found.layout.rectangle != "limb-6x1" or any(strip.name_source != "assumed" for strip in six):
        return strips, residuals, warnings
    residual = check_limb_leads({strip.lead: strip.signal for strip in six}, (), ()).residual
    if residual > _LAWLESS:
        chest = LAYOUTS["chest-6x1"].rows
        strips[: len(six)] = [replace(strip, lead=lead) for strip, (lead,) in zip(six, chest, strict=True)]
        warnings.append("rows without names do not obey Einthoven's law as limb leads; taken for V1 to V6")
    return strips, residuals, warnings


def layout_again(strips: Sequence[Strip | Place], found: PageLayout) -> Layout:
    """Name the layout of a page after some of its strips, which are all that it has, got other leads."""
    leads, layout = [strip.lead for strip in strips], found.layout
    if leads == [place.lead for place in found.places]:
        return layout
    if layout.continues:
        block = leads[: layout.n_rows // layout.times]
        return Layout.of_strips(block, layout.times) if leads == block * layout.times else Layout.custom(zip(leads))
    if layout.rectangle in ALL_NAMES:
        return Layout.of_strips(leads)
    inside = strips[: len(strips) - len(layout.rhythm)]
    rows = [[strip.lead for strip in inside if strip.row == row] for row in dict.fromkeys(s.row for s in inside)]
    for known in LAYOUTS.values():
        if rows == [[lead_of(label) for label in labels] for labels in known.rows]:
            return replace(known, rhythm=layout.rhythm)
    return Layout.custom(rows, layout.rhythm)

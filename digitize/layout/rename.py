"""Give strips the names that a caller knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from digitize.layout.confirm import layout_again
from digitize.records.page_layout import PageLayout, Place

_SURELY = 0.9
"""Certainty from which on a printed name contradicts a caller."""


def renamed(found: PageLayout, rename: Mapping[str, str]) -> PageLayout:
    """Rename strips.

    Parameters
    ----------
    found : PageLayout
    rename : mapping
        As `digitize.records.known.Known.rename`.

    Returns
    -------
    PageLayout
        What contradicts the page, or renames nothing, is among its contradictions.
    """
    if not rename:
        return found
    keys = [_key(place, rename) for place in found.places]
    places = tuple(
        place if key is None else _named(place, rename[key]) for place, key in zip(found.places, keys, strict=True)
    )
    told = [f"rename: the page shows no strip {key}, to be named {rename[key]}" for key in rename if key not in keys]
    told += [
        f"rename: the strip in row {place.row + 1} is now {place.lead}, but its printed name reads {place.contradicted}"
        for place, key in zip(places, keys, strict=True)
        if key is not None and place.contradicted
    ]
    n_rhythm = len(found.layout.rhythm)
    inside = len(places) - n_rhythm
    counted = Counter(place.lead for place in places[:inside]) if not found.layout.continues else Counter[str]()
    told += [
        f"rename: {count} strips are now named {lead}; the longer one is the lead's"
        for lead, count in counted.items()
        if count > 1 and lead in rename.values()
    ]
    layout = layout_again(places, found)
    if n_rhythm:
        layout = replace(layout, rhythm=tuple(place.lead for place in places[inside:]))
    lost = tuple(lead for lead in found.lost if lead not in {place.lead for place in places})
    return replace(found, places=places, layout=layout, lost=lost, contradictions=(*found.contradictions, *told))


def _key(place: Place, rename: Mapping[str, str]) -> str | None:
    """What of the mapping names this strip: its place before its lead."""
    keys = (f"{place.row + 1}.{place.column + 1}", place.lead)
    return next((key for key in keys if key in rename), None)


def _named(place: Place, lead: str) -> Place:
    against = place.contradicted or (place.lead if place.certainty >= _SURELY else "")
    return replace(place, lead=lead, name_source="given", contradicted="" if against == lead else against)

"""What a caller knows of a page, better than the page tells it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from numbers import Integral
from typing import Any

from digitize.records.arguments import number
from digitize.records.layouts import ALL_NAMES, Layout, find_layout
from digitize.records.standards import GAINS_MM_MV, SPEEDS_MM_S

TURNS = (0, 90, 180, 270)
"""Degrees by which a picture may be turned."""

_PLACE = re.compile(r"[1-9]\d{0,2}\.[1-9]\d{0,2}", re.ASCII)
_LEADS = {lead.lower(): lead for lead in ALL_NAMES}


@dataclass(frozen=True)
class Known:
    """Say what is on a page (`digitize.trace_leads`); what is left out, the page is to tell.

    What contradicts the page is obeyed, and a warning tells.

    Attributes
    ----------
    layout : str or None
        Name of a layout (`digitize.records.layouts.find_layout`), in upper or lower case.
    speed, gain : float or None
        Paper speed, 5 to 200 mm/s, and gain, 1 to 100 mm/mV.
    rename : mapping of str to str
        New leads of strips. A key is a lead as it was read, ``"V3"``, for every strip of that name; or a place,
        ``"4.1"``, for the first strip of the fourth row, counted from the top left. All are renamed at once, so that
        two leads can change places.
    crop : tuple of int or None
        Left, top, right and bottom of the part of the picture that holds the page, in pixels of the picture as the file
        shows it; right and bottom are the first column and row outside.
    turn : int or None
        Degrees, clockwise, by which the picture must be turned to stand upright, after it was cropped: 0, 90, 180 or
        270. It is not turned any further then, but for a slant.
    invert : bool
        Whether the picture's bright parts are dark on the page, as on a negative.

    Raises
    ------
    TypeError
        If one is of another type.
    ValueError
        If one is unknown or out of range.

    Examples
    --------
    >>> Known(layout="3x4+ii", rename={"v3": "v4", "v4": "v3"})
    Known(layout='3x4+II', rename={'V3': 'V4', 'V4': 'V3'})
    """

    layout: str | None = None
    speed: float | None = None
    gain: float | None = None
    rename: Mapping[str, str] = field(default_factory=dict)
    crop: tuple[int, int, int, int] | None = None
    turn: int | None = None
    invert: bool = False

    def __post_init__(self) -> None:
        checked = {
            "layout": None if self.layout is None else find_layout(self.layout).name,
            "speed": None if self.speed is None else number("speed", self.speed, SPEEDS_MM_S, "mm/s"),
            "gain": None if self.gain is None else number("gain", self.gain, GAINS_MM_MV, "mm/mV"),
            "rename": _checked_names(self.rename),
            "crop": _checked_box(self.crop),
            "turn": _checked_turn(self.turn),
        }
        if not isinstance(self.invert, bool):
            raise TypeError(f"invert is {self.invert!r}; allowed: True or False")
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"Known({', '.join(f'{name}={value!r}' for name, value in self.given.items())})"

    @property
    def given(self) -> dict[str, Any]:
        """What is known, by its name, as plain values; nothing that is left out."""
        values = {part.name: getattr(self, part.name) for part in fields(self)}
        return {
            name: value for name, value in values.items() if value is not None and value is not False and value != {}
        }

    @property
    def given_layout(self) -> Layout | None:
        """The layout, with its rows."""
        return None if self.layout is None else find_layout(self.layout)

    @property
    def n_rows(self) -> int | None:
        """Rows that the page has; None where the layout is not known."""
        layout = self.given_layout
        return None if layout is None else layout.n_rows

    def but(self, other: Known) -> Known:
        """Put what another one knows in the place of the same here.

        Examples
        --------
        >>> Known(speed=25, gain=10).but(Known(gain=5))
        Known(speed=25.0, gain=5.0)
        """
        return replace(self, **other.given)


def _checked_names(rename: Mapping[str, str]) -> dict[str, str]:
    allowed = "allowed: a mapping from leads as read, or places such as '4.1' (row 4, strip 1), to leads"
    if not isinstance(rename, Mapping) or not all(isinstance(name, str) for pair in rename.items() for name in pair):
        raise TypeError(f"rename is {rename!r}; {allowed}")
    checked: dict[str, str] = {}
    for old, new in rename.items():
        key = old if _PLACE.fullmatch(old) else _LEADS.get(old.lower())
        lead = _LEADS.get(new.lower())
        if key is None or lead is None:
            wrong = old if key is None else new
            raise ValueError(f"rename: {wrong!r} is no lead{' or place' if key is None else ''}; {allowed}")
        if key in checked:
            raise ValueError(f"rename: {old!r} is there twice; {allowed}")
        checked[key] = lead
    return checked


def _checked_box(crop: tuple[int, int, int, int] | None) -> tuple[int, int, int, int] | None:
    if crop is None:
        return None
    allowed = "allowed: left, top, right and bottom in whole pixels from 0, left before right and top before bottom"
    if isinstance(crop, str) or not _are_whole(crop):
        raise TypeError(f"crop is {crop!r}; {allowed}")
    left, top, right, bottom = (int(side) for side in crop)
    if not (0 <= left < right and 0 <= top < bottom):
        raise ValueError(f"crop is {crop!r}; {allowed}")
    return left, top, right, bottom


def _are_whole(sides: Any) -> bool:
    try:
        return len(sides) == 4 and all(isinstance(side, Integral) and not isinstance(side, bool) for side in sides)
    except TypeError:
        return False


def _checked_turn(turn: int | None) -> int | None:
    if turn is None:
        return None
    allowed = "allowed: 0, 90, 180 or 270 (degrees, clockwise)"
    if isinstance(turn, bool) or not isinstance(turn, Integral):
        raise TypeError(f"turn is {turn!r}; {allowed}")
    if turn not in TURNS:
        raise ValueError(f"turn is {turn!r}; {allowed}")
    return int(turn)

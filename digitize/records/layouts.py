"""The table of page layouts: which lead stands where on the paper.

The table is shared: `digitize.layout.page_layout` matches what it reads against it, `papertrace.synth` prints from it.
A layout is a rectangle of lead names, read like the page: rows from top to bottom, columns from left to right. Below it
there may be rhythm strips, each as wide as the page. A name says all of it: ``"3x4+II"`` is three rows of four columns
with lead II as a rhythm strip below. Only of an order of leads that is in no table the name says no more than the size:
``"custom-3x4+II"``.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

LEAD_NAMES = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""The standard twelve leads in their standard order; every 12-row array in this project is in this order."""

OTHER_NAMES = ("V7", "V8", "V9", "V1R", "V2R", "V3R", "V4R", "V5R", "V6R")
"""Leads of the back and of the right side of the chest: pages show them, 12-row arrays have no place for them."""

ALL_NAMES = LEAD_NAMES + OTHER_NAMES
"""Every lead that a strip may show."""

MOST_ROWS = 24
"""Most rows over which one lead goes on."""

UNKNOWN = "?"
"""Stands in a layout for a lead that its name does not tell: the page's own names do."""

CUSTOM = "custom-"
"""What the name of a layout begins with whose leads stand in an order of their own."""

_MOST_OWN_ROWS, _MOST_OWN_COLUMNS = 99, 6
"""Largest size of such a layout."""


@dataclass(frozen=True)
class Layout:
    """One arrangement of leads on a page.

    Attributes
    ----------
    name : str
        ``"3x4"``, ``"3x4+II"``, ``"6x2+II+V1"``, ...: rows x columns, then one ``+LEAD`` a rhythm strip.
    rows : tuple of tuple of str
        Lead names of the rectangle, row by row, left to right; `UNKNOWN` where only the page tells them.
    rhythm : tuple of str
        Leads of the full-width strips below the rectangle, top to bottom.
    goes_on : bool
        Whether leads go on in time, each in the next row that shows it: a few leads over many rows.
    """

    name: str
    rows: tuple[tuple[str, ...], ...]
    rhythm: tuple[str, ...] = ()
    goes_on: bool = False

    @property
    def columns(self) -> int:
        """Number of columns of the rectangle."""
        return len(self.rows[0])

    @property
    def n_rows(self) -> int:
        """Number of rows, rhythm strips included."""
        return len(self.rows) + len(self.rhythm)


def _by_columns(n_rows: int, order: tuple[str, ...] = LEAD_NAMES) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(order[row::n_rows]) for row in range(n_rows))


_CABRERA = ("aVL", "I", "-aVR", "II", "aVF", "III", "V1", "V2", "V3", "V4", "V5", "V6")

LAYOUTS: dict[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout("3x4", _by_columns(3)),
        Layout("6x2", _by_columns(6)),
        Layout("12x1", _by_columns(12)),
        Layout("2x6", _by_columns(2)),
        Layout("4x3", _by_columns(4)),
        Layout("cabrera-3x4", _by_columns(3, _CABRERA)),
        Layout("cabrera-6x2", _by_columns(6, _CABRERA)),
        Layout("cabrera-12x1", _by_columns(12, _CABRERA)),
        Layout("limb-6x1", tuple((lead,) for lead in LEAD_NAMES[:6])),
        Layout("chest-6x1", tuple((lead,) for lead in LEAD_NAMES[6:])),
        Layout("limb-3x1", tuple((lead,) for lead in LEAD_NAMES[:3])),
        Layout("chest-3x1", tuple((lead,) for lead in LEAD_NAMES[6:9])),
    )
}
"""Rectangles by name, without rhythm strips; `find_layout` adds those."""

COLUMN_COUNTS = tuple(sorted({layout.columns for layout in LAYOUTS.values()}))
"""How many columns a page may have, from one."""


_SPELLINGS = {lead.lower(): lead for lead in ALL_NAMES}
_USUAL = tuple(f"{rectangle}+{lead}" for rectangle in ("3x4", "6x2", "12x1") for lead in ("II", "V1", "V5"))
"""Names of whole layouts that may be meant by a misspelled one."""


def find_layout(name: str) -> Layout:
    """Look a layout up by its full name, rhythm strips included; every name that a report prints is known.

    Parameters
    ----------
    name : str
        A name of `LAYOUTS`, followed by one ``+LEAD`` a rhythm strip; a lone lead name is a single strip. ``*TIMES``
        behind a layout of one column: its rows go on below, so many times in all. ``custom-`` and a size or a name of
        `LAYOUTS`: a rectangle of that size whose leads the page tells. Upper and lower case are one.

    Returns
    -------
    Layout

    Raises
    ------
    TypeError
        If the name is no string.
    ValueError
        If the rectangle or a rhythm lead is unknown; the message lists what is allowed.

    Examples
    --------
    >>> find_layout("3x4+II").rows[0]
    ('I', 'aVR', 'V1', 'V4')
    >>> find_layout("Cabrera-3X4+ii+v1").name
    'cabrera-3x4+II+V1'
    >>> find_layout("V1*3").rows
    (('V1',), ('V1',), ('V1',))
    >>> find_layout("II+V5*2").rows
    (('II',), ('V5',), ('II',), ('V5',))
    >>> find_layout("custom-2x3+V1").rows
    (('?', '?', '?'), ('?', '?', '?'))
    """
    if not isinstance(name, str):
        raise TypeError(f"layout is {name!r}; allowed: a name, e.g. '3x4+II'")
    block, star, times = "".join(name.split()).partition("*")
    rectangle, *rhythm = block.split("+")
    rows, spelled = _rectangle(rectangle.lower(), name)
    unknown = [lead for lead in rhythm if lead.lower() not in _SPELLINGS]
    if unknown:
        raise ValueError(f"unknown rhythm lead {unknown[0]!r} in layout {name!r}; allowed: {', '.join(ALL_NAMES)}")
    strips = tuple(_SPELLINGS[lead.lower()] for lead in rhythm)
    whole = "+".join([spelled, *strips])
    if not star:
        return Layout(whole, rows, strips)
    rows = (*rows, *((lead,) for lead in strips))
    goes_on = len(rows[0]) == 1 and spelled[: len(CUSTOM)] != CUSTOM and re.fullmatch("[0-9]{1,3}", times)
    if not goes_on or not 1 < int(times) <= MOST_ROWS // len(rows):
        raise ValueError(
            f"layout {name!r} goes on; allowed: a layout of one column and a number of times from 2, "
            f"{MOST_ROWS} rows at most"
        )
    return Layout(f"{whole}*{int(times)}", rows * int(times), goes_on=True)


def _rectangle(rectangle: str, name: str) -> tuple[tuple[tuple[str, ...], ...], str]:
    """Rows and usual spelling of the part of a layout's name, in lower case, that says its rectangle."""
    if rectangle in _SPELLINGS:
        return ((_SPELLINGS[rectangle],),), _SPELLINGS[rectangle]
    if rectangle in LAYOUTS:
        return LAYOUTS[rectangle].rows, rectangle
    inside = rectangle.removeprefix(CUSTOM)
    size = re.fullmatch("([0-9]{1,2})x([0-9])", inside)
    if inside != rectangle and inside in LAYOUTS:
        known = LAYOUTS[inside]
        return ((UNKNOWN,) * known.columns,) * len(known.rows), rectangle
    if inside != rectangle and size:
        n_rows, n_columns = int(size[1]), int(size[2])
        if 1 <= n_rows <= _MOST_OWN_ROWS and 1 <= n_columns <= _MOST_OWN_COLUMNS:
            return ((UNKNOWN,) * n_columns,) * n_rows, f"{CUSTOM}{n_rows}x{n_columns}"
    near = {known.lower(): known for known in (*LAYOUTS, *_USUAL, *ALL_NAMES)}
    alike = difflib.get_close_matches(name.lower(), near, n=1)
    meant = f"did you mean {near[alike[0]]!r}? " if alike else ""
    raise ValueError(
        f"unknown layout {name!r}; {meant}allowed: {', '.join(LAYOUTS)}, a lead, each with +LEAD a rhythm strip; of "
        f"one column, with *TIMES where it goes on below, {MOST_ROWS} rows at most; {CUSTOM}ROWSxCOLUMNS, up to "
        f"{_MOST_OWN_ROWS}x{_MOST_OWN_COLUMNS}, where the page's own names tell the leads"
    )

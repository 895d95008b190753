"""The table of page layouts: which lead stands where on the paper.

The table is shared: `digitize.layout` matches what it reads against it, `synth` prints from it. A layout is a
rectangle of lead names, read like the page: rows from top to bottom, columns from left to right. Below it there may be
rhythm strips, each as wide as the page. A name says all of it: ``"3x4+II"`` is three rows of four columns with lead
II as a rhythm strip below.
"""

from __future__ import annotations

from dataclasses import dataclass

LEAD_NAMES = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""The standard twelve leads in their standard order; every 12-row array in this project is in this order."""

OTHER_NAMES = ("V7", "V8", "V9", "V1R", "V2R", "V3R", "V4R", "V5R", "V6R")
"""Leads of the back and of the right side of the chest: pages show them, 12-row arrays have no place for them."""

ALL_NAMES = LEAD_NAMES + OTHER_NAMES
"""Every lead that a strip may show."""

MOST_ROWS = 24
"""Most rows over which one lead goes on."""


@dataclass(frozen=True)
class Layout:
    """One arrangement of leads on a page.

    Attributes
    ----------
    name : str
        ``"3x4"``, ``"3x4+II"``, ``"6x2+II+V1"``, ...: rows x columns, then one ``+LEAD`` a rhythm strip.
    rows : tuple of tuple of str
        Lead names of the rectangle, row by row, left to right.
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


def find_layout(name: str) -> Layout:
    """Look a layout up by its full name, rhythm strips included.

    Parameters
    ----------
    name : str
        A name of `LAYOUTS`, followed by one ``+LEAD`` a rhythm strip; a lone lead name is a single strip. ``*TIMES``
        behind a layout of one column: its rows go on below, so many times in all.

    Returns
    -------
    Layout

    Raises
    ------
    ValueError
        If the rectangle or a rhythm lead is unknown; the message lists what is allowed.

    Examples
    --------
    >>> find_layout("3x4+II").rows[0]
    ('I', 'aVR', 'V1', 'V4')
    >>> find_layout("3x4+II+V1").rhythm
    ('II', 'V1')
    >>> find_layout("V1*3").rows
    (('V1',), ('V1',), ('V1',))
    >>> find_layout("II+V5*2").rows
    (('II',), ('V5',), ('II',), ('V5',))
    """
    block, _, times = name.partition("*")
    if block != name:
        once = find_layout(block)
        rows = (*once.rows, *((lead,) for lead in once.rhythm))
        most = MOST_ROWS // len(rows)
        if once.columns > 1 or not times.isdecimal() or not 1 < int(times) <= most:
            raise ValueError(
                f"layout {name!r} goes on; allowed: a layout of one column and a number of times from 2, "
                f"{MOST_ROWS} rows at most"
            )
        return Layout(name, rows * int(times), goes_on=True)
    rectangle, *rhythm = name.split("+")
    unknown = [lead for lead in rhythm if lead not in LEAD_NAMES]
    if unknown:
        raise ValueError(f"unknown rhythm lead {unknown[0]!r} in layout {name!r}; allowed: {', '.join(LEAD_NAMES)}")
    if rectangle in LEAD_NAMES:
        return Layout(name, ((rectangle,),), tuple(rhythm))
    if rectangle not in LAYOUTS:
        raise ValueError(
            f"unknown layout {name!r}; allowed: {', '.join(LAYOUTS)}, a lead, each with +LEAD a rhythm strip; "
            f"of one column, with *TIMES where it goes on below, {MOST_ROWS} rows at most"
        )
    return Layout(name, LAYOUTS[rectangle].rows, tuple(rhythm))

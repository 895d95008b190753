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
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from digitize.records.arguments import of_type

LEAD_NAMES = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
"""The standard twelve leads in their standard order; every 12-row array in this project is in this order."""

OTHER_NAMES = ("V7", "V8", "V9", "V1R", "V2R", "V3R", "V4R", "V5R", "V6R")
"""Leads of the back and of the right side of the chest: pages show them, 12-row arrays have no place for them."""

ALL_NAMES = LEAD_NAMES + OTHER_NAMES
"""Every lead that a strip may show."""

MOST_ROWS = 24
"""Most rows over which one lead continues."""

UNKNOWN = "?"
"""Stands in a layout for a lead that its name does not tell: the page's own names do."""

CUSTOM = "custom-"
"""What the name of a layout begins with whose leads stand in an order of their own."""

_MOST_OWN_ROWS, _MOST_OWN_COLUMNS = 99, 6
"""Largest size of such a layout."""


def lead_of(label: str) -> str:
    """Name the lead that a label stands for.

    Parameters
    ----------
    label : str
        A lead, behind a minus where the page shows it upside down.

    Returns
    -------
    str

    Examples
    --------
    >>> lead_of("-aVR"), lead_of("V1")
    ('aVR', 'V1')
    """
    return label.removeprefix("-")


def sign_of(label: str) -> int:
    """Tell which way up a label says that its lead is shown.

    Parameters
    ----------
    label : str
        A lead, behind a minus where the page shows it upside down.

    Returns
    -------
    int
        1, or -1 for upside down.

    Examples
    --------
    >>> sign_of("-aVR"), sign_of("V1")
    (-1, 1)
    """
    return -1 if label.startswith("-") else 1


def is_chest(lead: str) -> bool:
    """Tell whether a lead is recorded on the chest or the back: many pages print these at a gain of their own.

    Parameters
    ----------
    lead : str

    Returns
    -------
    bool

    Examples
    --------
    >>> [lead for lead in ("aVF", "V1", "V4R") if is_chest(lead)]
    ['V1', 'V4R']
    """
    return lead.startswith("V")


@dataclass(frozen=True)
class Layout:
    """One arrangement of leads on a page.

    Attributes
    ----------
    rectangle : str
        Name without rhythm strips: ``"3x4"``, ``"cabrera-6x2"``, ``"II"``, ...
    rows : tuple of tuple of str
        Lead labels of the rectangle, row by row, left to right (`lead_of`); `UNKNOWN` where only the page tells them.
    rhythm : tuple of str
        Leads of the full-width strips below the rectangle, top to bottom.
    times : int
        How often the page shows the same leads, one block of rows below the other: in each they continue in time.

    Examples
    --------
    >>> layout = Layout("3x1", (("I",), ("II",), ("III",)), ("V1",))
    >>> layout.name, layout.n_rows, layout.labels
    ('3x1+V1', 4, ('I', 'II', 'III', 'V1'))
    """

    rectangle: str
    rows: tuple[tuple[str, ...], ...]
    rhythm: tuple[str, ...] = ()
    times: int = 1

    @classmethod
    def custom(cls, rows: Iterable[Iterable[str]], rhythm: Iterable[str] = ()) -> Layout:
        """Name a rectangle of leads in an order of its own by its size.

        Examples
        --------
        >>> Layout.custom([["V1", "V2"], ["I", "II"], ["V5", "V6"]], ["II"]).name
        'custom-3x2+II'
        """
        labels = tuple(tuple(row) for row in rows)
        return cls(f"{CUSTOM}{len(labels)}x{len(labels[0])}", labels, tuple(rhythm))

    @classmethod
    def of_strips(cls, leads: Sequence[str], times: int = 1) -> Layout:
        """Lay out one strip a row, without a rectangle; or the same few leads again and again, each continued below.

        Examples
        --------
        >>> Layout.of_strips(["II", "V5"]).name, Layout.of_strips(["II", "V5"], 3).name
        ('II+V5', 'II+V5*3')
        """
        if times == 1:
            return cls(leads[0], ((leads[0],),), tuple(leads[1:]))
        return cls("+".join(leads), tuple((lead,) for lead in leads) * times, times=times)

    @property
    def name(self) -> str:
        """All of it in a word, as `find_layout` knows it: ``"3x4+II"``, ``"II+V5*2"``."""
        whole = "+".join([self.rectangle, *self.rhythm])
        return f"{whole}*{self.times}" if self.continues else whole

    @property
    def columns(self) -> int:
        """Number of columns of the rectangle."""
        return len(self.rows[0])

    @property
    def n_rows(self) -> int:
        """Number of rows, rhythm strips included."""
        return len(self.rows) + len(self.rhythm)

    @property
    def all_rows(self) -> tuple[tuple[str, ...], ...]:
        """Labels of all rows, rhythm strips last."""
        return (*self.rows, *((lead,) for lead in self.rhythm))

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of all strips, row by row."""
        return tuple(label for row in self.all_rows for label in row)

    @property
    def continues(self) -> bool:
        """Whether leads continue in time from block of rows to block."""
        return self.times > 1

    @property
    def tells_leads(self) -> bool:
        """Whether it says which leads the rectangle shows; of one of custom size only the page does."""
        return UNKNOWN not in self.rows[0]


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
    of_type("layout", name, str, "a name, e.g. '3x4+II'")
    block, star, times = "".join(name.split()).partition("*")
    first, *rhythm = block.split("+")
    rectangle = _rectangle(first.lower(), name)
    unknown = [lead for lead in rhythm if lead.lower() not in _SPELLINGS]
    if unknown:
        raise ValueError(f"unknown rhythm lead {unknown[0]!r} in layout {name!r}; allowed: {', '.join(ALL_NAMES)}")
    layout = replace(rectangle, rhythm=tuple(_SPELLINGS[lead.lower()] for lead in rhythm))
    return _repeated(layout, times, name) if star else layout


def _repeated(layout: Layout, times: str, name: str) -> Layout:
    """The block that a layout's name says before its star, so many times."""
    may = layout.columns == 1 and layout.tells_leads and re.fullmatch("[0-9]{1,3}", times)
    if not may or not 1 < int(times) <= MOST_ROWS // layout.n_rows:
        raise ValueError(
            f"layout {name!r} goes on; allowed: a layout of one column and a number of times from 2, "
            f"{MOST_ROWS} rows at most"
        )
    return Layout(layout.name, layout.all_rows * int(times), times=int(times))


def _rectangle(rectangle: str, name: str) -> Layout:
    """The rectangle that the first part of a layout's name, in lower case, says."""
    if rectangle in _SPELLINGS:
        return Layout.of_strips([_SPELLINGS[rectangle]])
    if rectangle in LAYOUTS:
        return LAYOUTS[rectangle]
    inside = rectangle.removeprefix(CUSTOM)
    size = re.fullmatch("([0-9]{1,2})x([0-9])", inside)
    if inside != rectangle and inside in LAYOUTS:
        known = LAYOUTS[inside]
        return Layout(rectangle, ((UNKNOWN,) * known.columns,) * known.n_rows)
    if inside != rectangle and size:
        n_rows, n_columns = int(size[1]), int(size[2])
        if 1 <= n_rows <= _MOST_OWN_ROWS and 1 <= n_columns <= _MOST_OWN_COLUMNS:
            return Layout.custom([[UNKNOWN] * n_columns] * n_rows)
    near = {known.lower(): known for known in (*LAYOUTS, *_USUAL, *ALL_NAMES)}
    alike = difflib.get_close_matches(name.lower(), near, n=1)
    meant = f"did you mean {near[alike[0]]!r}? " if alike else ""
    raise ValueError(
        f"unknown layout {name!r}; {meant}allowed: {', '.join(LAYOUTS)}, a lead, each with +LEAD a rhythm strip; of "
        f"one column, with *TIMES where it goes on below, {MOST_ROWS} rows at most; {CUSTOM}ROWSxCOLUMNS, up to "
        f"{_MOST_OWN_ROWS}x{_MOST_OWN_COLUMNS}, where the page's own names tell the leads"
    )

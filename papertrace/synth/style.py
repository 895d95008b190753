"""What a printed page looks like: every knob of the printer, and a draw of all of them at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from digitize.records.layouts import LEAD_NAMES, Layout, find_layout
from papertrace.synth.capture import Capture
from papertrace.synth.notes import Notes
from papertrace.synth.wear import Wear

RGB = tuple[int, int, int]

GRID_COLORS: dict[str, RGB] = {
    "red": (222, 45, 45),
    "pink": (240, 140, 165),
    "orange": (236, 132, 62),
    "green": (52, 150, 84),
    "blue": (72, 116, 200),
    "grey": (128, 128, 128),
    "black": (36, 36, 36),
    "none": (255, 255, 255),
}
"""Grid inks by name; ``"none"`` prints no grid."""

FONTS = (
    *("sans", "sans-bold", "serif-bold", "mono", "aileron"),
    *("sans-oblique", "condensed-bold", "roman", "roman-bold"),
)
"""Aileron, which comes with Pillow, STIX General, a Times, as ``"roman"``, and DejaVu's."""

PAPERS = ("content", "A4", "Letter", "roll")
"""``"content"`` is as large as what is printed on it; ``"roll"`` is as long as that and `roll_height` high."""

SHEETS: dict[str, tuple[float, float]] = {"A4": (297.0, 210.0), "Letter": (279.4, 215.9)}
"""Width and height of cut paper in mm, landscape."""

SPEEDS = (10.0, 12.5, 25.0, 50.0, 100.0)
GAINS = (5.0, 10.0, 20.0)
CHEST_GAINS = (None, 2.5, 5.0, 10.0, 20.0)
COLUMNS = ("sequential", "simultaneous")
ORIENTATIONS = ("landscape", "portrait")
GRID_FORMS = ("lines", "dots", "dotted")
GRID_AREAS = ("page", "traces")
LABEL_POSITIONS = ("above", "below", "left", "over")
LEAD_SPELLINGS = ("aVR", "AVR", "avR", "aVr")
CHEST_SPELLINGS = ("V", "C")
HEADER_FORMS = ("plain", "table", "fields", "compact")
PULSES = ("left", "right", "none")
PULSE_ROWS = ("all", "first", "last")
SEPARATORS = ("none", "join", "bar", "tick", "gap", "dashed", "line", "dotted")
FEEDS = ("along", "across")
COLOR_MODES = ("rgb", "grey", "1-bit")
DPI_RANGE = (72.0, 600.0)


@dataclass(frozen=True)
class PageStyle:
    """Every knob of the printer. Lengths are millimetres of paper, colours RGB from 0 to 255.

    Attributes
    ----------
    layout : str or Layout
        A name for `digitize.records.layouts.find_layout`, or a layout of one's own, e.g. with the leads in another
        order.
    columns : str
        ``"sequential"``: each column goes on in time where the one before it ended; ``"simultaneous"``: every column
        starts at 0 s.
    column_seconds : float or None
        Time that a column shows; None divides the recording by the columns. What is then left of the recording is not
        printed, and columns for which it is too short stay empty.
    wrap : float or None
        Seconds after which the rows of a layout of one column go on below, as on a rhythm sheet; layouts of several
        columns never do.
    speed, gain : float
        Paper speed, 10, 12.5, 25, 50 or 100 mm/s, and gain, 5, 10 or 20 mm/mV.
    chest_gain : float or None
        Gain of V1 to V6 where it is another, often half: 2.5, 5, 10 or 20 mm/mV.
    dpi : float
        Pixels an inch, 72 to 600.
    rotation : float
        Skew of the paper in degrees, positive clockwise as seen; the picture grows to hold all of the paper.
    paper : str
        ``"content"``, as large as what is printed, ``"A4"``, ``"Letter"`` or ``"roll"``.
        On A4 and Letter, time that does not fit is not printed.
    orientation : str
        ``"landscape"`` or ``"portrait"``, for A4 and Letter.
    roll_height : float
        Height of the roll, for ``paper="roll"``.
    paper_color, bed_color : RGB
        Paper, and what shows beside it when it is skewed.
    yellowing : float
        How far age has browned the paper, unevenly, 0 to 1.
    texture : float
        Depth of the paper's fibres and grain, in levels of 255.
    margin : float
        Unprinted edge.
    row_pitch : float or None
        Distance between rows; None takes what suits the number of rows. Fixed paper may need less.
    placement : float
        Where the traces stand in the height that is left over on fixed paper: 0 top, 1 bottom.
    grid : str
        A name of `GRID_COLORS`: red, pink, orange, green, blue, grey, black or none.
    grid_form : str
        ``"lines"``, or ``"dots"``: lines every 5 mm and, as strong as those, dots at every millimetre node, twice as
        wide as the lines that they stand for; ``"dotted"``: the 1 mm lines are rows of dots, two a millimetre.
    grid_area : str
        ``"page"``, or ``"traces"``: a box around the traces only.
    grid_phase : tuple of float
        Place of the first 5 mm node, for ``grid_area="page"``.
    minor_width, major_width : float
        Widths of the 1 mm and 5 mm lines.
    minor_strength, major_strength : float
        How much of the grid's colour they carry, 0 to 1; a `minor_strength` of 0 leaves the 5 mm lines alone.
    grid_fade : float
        How much of the grid is gone where it has faded most, 0 to 1.
    pen_width : float
        Width of the pen that draws the traces.
    pen_color, text_color : RGB
        Ink of traces, pulses and separators; ink of all text.
    pen_strength : float
        How black all ink is, 0.1 to 1.
    pen_thinning : float
        How much lighter the fastest strokes are, as a heated stylus or a jet leaves them, 0 to 1.
    ink_fade : float
        How much of the ink is gone where it has faded most: slowly along the page, and in patches, 0 to 1.
    dead_dots : int
        Number of dots of the print head that are dead: each leaves a thin white line through all ink.
    feed : str
        How the paper runs past the head: ``"along"`` time (dead dots leave lines along the traces) or ``"across"`` it.
    specks : float
        Ink missing in specks, number a square centimetre.
    dot_pitch : float
        Distance of the print head's dots, 0.125 on most thermal heads: ink is printed in whole dots of this size. 0
        draws smooth lines.
    antialias : bool
        False prints whole pixels only, as a screen or an old scanner does; with a `dot_pitch` it is the grid's alone.
    font : str
        One of `FONTS`: sans, sans-bold, serif-bold, mono, aileron, sans-oblique, condensed-bold, roman, roman-bold.
    label_size, text_size : float
        Height of a capital letter in the lead names, and in header and footer.
    label_position : str
        ``"above"``, ``"below"`` or ``"left"`` of the trace's start, or ``"over"`` it.
    label_offset : float
        Distance of the name from the zero line, for above and below.
    label_indent : float
        How far right of the trace's start it begins, except on the left.
    label_underline : bool
        Whether names are underlined.
    lead_spelling : str
        ``"aVR"``, ``"AVR"``, ``"avR"`` or ``"aVr"``.
    chest_spelling : str
        ``"V"`` or ``"C"``: V1 or C1.
    header, footer : bool
        Whether made-up patient data and measurements are printed above the traces, and speed and gain below.
    header_form : str
        ``"plain"``; ``"table"``: measurements in columns, doctors below; ``"fields"``: age, height, weight, no
        measurements; ``"compact"``: all on two lines.
    pulse : str
        Side of the calibration pulse (1 mV): ``"left"``, ``"right"`` or ``"none"``. Where limb and chest gain differ in
        a row it has a step for each.
    pulse_rows : str
        Rows that have it: ``"all"``, the ``"first"`` or the ``"last"``.
    pulse_seconds : float
        How long it lasts.
    separator : str
        Between columns: ``"none"``, ``"join"`` (the pen goes on without lifting), ``"bar"``, ``"tick"``, ``"gap"``,
        ``"dashed"`` (a tall dashed bar), or a ``"line"`` or ``"dotted"`` line through all rows.
    color : str
        ``"rgb"``, ``"grey"`` or ``"1-bit"``.
    jpeg : int or None
        Quality of a JPEG that the picture went through, 1 to 100.
    notes : Notes
        What is written, stamped or stuck over the print.
    wear : Wear
        What happened to the paper.
    capture : Capture
        How the picture was taken.

    Raises
    ------
    ValueError
        If a value is not one of those allowed; the message lists them.

    Examples
    --------
    >>> PageStyle(speed=50.0).gain
    10.0
    """

    layout: str | Layout = "3x4+II"
    columns: str = "sequential"
    column_seconds: float | None = None
    wrap: float | None = None
    speed: float = 25.0
    gain: float = 10.0
    chest_gain: float | None = None
    dpi: float = 200.0
    rotation: float = 0.0
    paper: str = "content"
    orientation: str = "landscape"
    roll_height: float = 90.0
    paper_color: RGB = (255, 255, 255)
    bed_color: RGB = (250, 250, 250)
    yellowing: float = 0.0
    texture: float = 0.0
    margin: float = 8.0
    row_pitch: float | None = None
    placement: float = 0.5
    grid: str = "red"
    grid_form: str = "lines"
    grid_area: str = "page"
    grid_phase: tuple[float, float] = (0.0, 0.0)
    minor_width: float = 0.12
    major_width: float = 0.25
    minor_strength: float = 0.4
    major_strength: float = 0.65
    grid_fade: float = 0.0
    pen_width: float = 0.3
    pen_color: RGB = (20, 20, 24)
    text_color: RGB = (20, 20, 24)
    pen_strength: float = 1.0
    pen_thinning: float = 0.0
    ink_fade: float = 0.0
    dead_dots: int = 0
    feed: str = "along"
    specks: float = 0.0
    dot_pitch: float = 0.0
    antialias: bool = True
    font: str = "sans"
    label_size: float = 2.6
    text_size: float = 2.0
    label_position: str = "above"
    label_offset: float = 6.0
    label_indent: float = 0.8
    label_underline: bool = False
    lead_spelling: str = "aVR"
    chest_spelling: str = "V"
    header: bool = True
    footer: bool = True
    header_form: str = "plain"
    pulse: str = "left"
    pulse_rows: str = "all"
    pulse_seconds: float = 0.2
    separator: str = "none"
    color: str = "rgb"
    jpeg: int | None = None
    notes: Notes = field(default_factory=Notes)
    wear: Wear = field(default_factory=Wear)
    capture: Capture = field(default_factory=Capture)

    def __post_init__(self) -> None:
        choices: tuple[tuple[str, Any], ...] = (
            ("columns", COLUMNS),
            ("speed", SPEEDS),
            ("gain", GAINS),
            ("chest_gain", CHEST_GAINS),
            ("paper", PAPERS),
            ("orientation", ORIENTATIONS),
            ("grid", tuple(GRID_COLORS)),
            ("grid_form", GRID_FORMS),
            ("grid_area", GRID_AREAS),
            ("feed", FEEDS),
            ("font", FONTS),
            ("label_position", LABEL_POSITIONS),
            ("lead_spelling", LEAD_SPELLINGS),
            ("chest_spelling", CHEST_SPELLINGS),
            ("header_form", HEADER_FORMS),
            ("pulse", PULSES),
            ("pulse_rows", PULSE_ROWS),
            ("separator", SEPARATORS),
            ("color", COLOR_MODES),
        )
        for name, allowed in choices:
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is {getattr(self, name)!r}; allowed: {', '.join(map(str, allowed))}")
        ranges: tuple[tuple[str, float, float], ...] = (
            ("dpi", *DPI_RANGE),
            ("rotation", -180.0, 180.0),
            ("margin", 0.0, 50.0),
            ("placement", 0.0, 1.0),
            ("roll_height", 20.0, 300.0),
            ("yellowing", 0.0, 1.0),
            ("texture", 0.0, 40.0),
            ("minor_width", 0.01, 1.0),
            ("major_width", 0.01, 2.0),
            ("minor_strength", 0.0, 1.0),
            ("major_strength", 0.0, 1.0),
            ("grid_fade", 0.0, 1.0),
            ("pen_width", 0.05, 3.0),
            ("pen_strength", 0.1, 1.0),
            ("pen_thinning", 0.0, 1.0),
            ("ink_fade", 0.0, 1.0),
            ("dead_dots", 0, 200),
            ("specks", 0.0, 50.0),
            ("label_size", 0.5, 10.0),
            ("text_size", 0.5, 10.0),
            ("label_offset", 0.0, 30.0),
            ("label_indent", -20.0, 20.0),
            ("pulse_seconds", 0.02, 1.0),
        )
        for name, low, high in ranges:
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} is {getattr(self, name)}; allowed: {low:g} to {high:g}")
        for name in ("paper_color", "bed_color", "pen_color", "text_color"):
            color = getattr(self, name)
            if len(color) != 3 or not all(0 <= level <= 255 for level in color):
                raise ValueError(f"{name} is {color}; allowed: three levels of 0 to 255")
        optional: tuple[tuple[str, float, float], ...] = (
            ("row_pitch", 5.0, 100.0),
            ("column_seconds", 0.25, 3600.0),
            ("wrap", 0.25, 3600.0),
            ("jpeg", 1, 100),
        )
        for name, low, high in optional:
            if getattr(self, name) is not None and not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} is {getattr(self, name)}; allowed: None or {low:g} to {high:g}")
        if self.dot_pitch and not 0.05 <= self.dot_pitch <= 1.0:
            raise ValueError(f"dot_pitch is {self.dot_pitch}; allowed: 0 or 0.05 to 1")
        if not all(math.isfinite(phase) for phase in self.grid_phase):
            raise ValueError(f"grid_phase is {self.grid_phase}; allowed: two finite lengths in mm")
        self.resolved_layout()

    def resolved_layout(self) -> Layout:
        """Look the layout up, if it is given by name, and check it."""
        layout = find_layout(self.layout) if isinstance(self.layout, str) else self.layout
        printed = [lead for row in layout.rows for lead in row] + list(layout.rhythm)
        unknown = [lead for lead in printed if lead.removeprefix("-") not in LEAD_NAMES]
        if unknown:
            raise ValueError(f"unknown lead {unknown[0]!r} in layout {layout.name!r}; allowed: {', '.join(LEAD_NAMES)}")
        if len({len(row) for row in layout.rows}) != 1:
            raise ValueError(f"rows of layout {layout.name!r} differ in length; allowed: a rectangle of lead names")
        return layout


_COMMON_LAYOUTS = ("3x4", "3x4+II", "3x4+V1", "3x4+II+V1+V5", "3x4+II+V5", "6x2", "6x2+II", "6x2+V1", "12x1")
_RARE_LAYOUTS = (
    *("4x3", "4x3+II", "2x6", "2x6+II", "cabrera-3x4", "cabrera-3x4+II", "cabrera-6x2", "cabrera-12x1"),
    *("limb-6x1", "chest-6x1", "limb-3x1", "chest-3x1", "II", "V1", "II+V5"),
)
_FEW_ROWS = 4
"""Most rows on a roll."""
_PAPER_TINTS: tuple[RGB, ...] = (
    *((255, 255, 255), (252, 252, 250), (255, 246, 246), (255, 238, 242), (255, 240, 228)),
    *((250, 246, 232), (242, 242, 240), (232, 234, 236), (236, 246, 238), (238, 242, 250), (255, 232, 236)),
)


def _shuffled(layout: Layout, rng: np.random.Generator) -> Layout:
    """The same rectangle with its leads in any order, as the reader of a page calls it."""
    leads = rng.permutation([lead for row in layout.rows for lead in row]).tolist()
    rows = tuple(tuple(leads[start : start + layout.columns]) for start in range(0, len(leads), layout.columns))
    rhythm = "".join(f"+{lead}" for lead in layout.rhythm)
    return Layout(f"custom-{len(rows)}x{layout.columns}{rhythm}", rows, layout.rhythm)


def random_style(rng: np.random.Generator) -> PageStyle:
    """Draw a page style: the common ones often, the rare ones sometimes, none that no printer makes.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of every choice; one state gives one style.

    Returns
    -------
    PageStyle

    Examples
    --------
    >>> random_style(np.random.default_rng(3)) == random_style(np.random.default_rng(3))
    True
    """

    def pick(values: Any, weights: Any = None) -> Any:
        share = None if weights is None else np.asarray(weights) / np.sum(weights)
        return values[int(rng.choice(len(values), p=share))]

    def between(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    def sometimes(chance: float, low: float, high: float) -> float:
        return between(low, high) if rng.random() < chance else 0.0

    layout = find_layout(pick(_COMMON_LAYOUTS if rng.random() < 0.7 else _RARE_LAYOUTS))
    shuffled = rng.random() < 0.04
    n_rows = len(layout.rows) + len(layout.rhythm)
    wrap = pick((None, 5.0, 3.5), [0.5, 0.4, 0.1]) if layout.columns == 1 and n_rows <= 3 else None
    if wrap is not None:
        paper = pick(("content", "A4", "Letter"), [0.4, 0.35, 0.25])
    elif n_rows <= _FEW_ROWS:
        paper = pick(PAPERS, [0.4, 0.28, 0.18, 0.14])
    else:
        paper = pick(("content", "A4", "Letter"), [0.5, 0.3, 0.2])
    upright = layout.columns <= 2 and rng.random() < 0.35
    darkness = int(rng.integers(0, 70))
    pen: RGB = pick(
        [(darkness, darkness, darkness), (darkness, darkness, min(darkness + 60, 255)), (40, 30, 90), (90, 30, 30)],
        [0.8, 0.13, 0.05, 0.02],
    )
    grid = pick(tuple(GRID_COLORS), [0.27, 0.24, 0.12, 0.08, 0.06, 0.11, 0.06, 0.06])
    gain = pick(GAINS, [0.1, 0.8, 0.1])
    # A grid in the pen's own colour is printed paler than one in colour, or the trace would drown in it.
    ceiling = 0.6 if grid in ("grey", "black") else 1.0
    minor_strength = 0.0 if rng.random() < 0.08 else between(0.15, 0.6) * ceiling
    # A thermal head prints in dots and loses some; a stylus or a jet draws lines and tires; a laser does neither.
    head = pick(("laser", "thermal", "stylus"), [0.5, 0.32, 0.18])
    thermal, stylus = head == "thermal", head == "stylus"
    roll = paper == "roll"
    return PageStyle(
        layout=_shuffled(layout, rng) if shuffled else layout.name,
        columns=pick(COLUMNS, [0.85, 0.15]),
        column_seconds=2.5 if layout.columns == 4 and rng.random() < 0.2 else None,
        wrap=wrap,
        speed=pick(SPEEDS, [0.01, 0.02, 0.85, 0.11, 0.01]),
        gain=gain,
        chest_gain=gain / 2 if rng.random() < 0.07 else None,
        dpi=pick([100.0, 150.0, 200.0, 240.0, 300.0, round(between(90, 320), 1)], [0.1, 0.15, 0.3, 0.1, 0.15, 0.2]),
        rotation=0.0 if rng.random() < 0.5 else float(np.clip(rng.normal(0, 1.5), -6, 6)),
        paper=paper,
        orientation="portrait" if upright else "landscape",
        roll_height=between(22 + 18 * min(n_rows, _FEW_ROWS), 45 + 22 * min(n_rows, _FEW_ROWS)),
        paper_color=pick(_PAPER_TINTS),
        bed_color=pick([(255, 255, 255), (245, 245, 245), (120, 118, 115), (30, 30, 30)], [0.5, 0.3, 0.1, 0.1]),
        yellowing=sometimes(0.25, 0.05, 0.7),
        texture=sometimes(0.3, 2, 14),
        margin=between(2, 5) if roll else between(2, 14),
        row_pitch=None if rng.random() < 0.5 else between(10 + 0.6 * gain, 38),
        placement=between(0, 1),
        grid=grid,
        grid_form=pick(GRID_FORMS, [0.8, 0.12, 0.08]),
        grid_area=pick(GRID_AREAS, [0.75, 0.25]),
        grid_phase=(between(0, 5), between(0, 5)),
        minor_width=between(0.06, 0.2),
        major_width=between(0.12, 0.4),
        minor_strength=minor_strength,
        major_strength=min(1.0, minor_strength + between(0.1 if minor_strength else 0.3, 0.45) * ceiling),
        grid_fade=sometimes(0.15, 0.1, 0.6),
        pen_width=between(0.15, 0.55),
        pen_color=pen,
        text_color=pen if rng.random() < 0.8 else (10, 10, 10),
        pen_strength=1.0 if rng.random() < 0.7 else between(0.6, 1.0),
        pen_thinning=between(0.1, 0.7) if stylus and rng.random() < 0.7 else 0.0,
        ink_fade=sometimes(0.08 if head == "laser" else 0.3, 0.1, 0.7),
        dead_dots=int(rng.integers(1, 12)) if thermal and rng.random() < 0.3 else 0,
        feed=pick(FEEDS, [0.6, 0.4]),
        specks=sometimes(0.1 if head == "laser" else 0.25, 0.2, 4),
        dot_pitch=pick((0.0, 0.125, 0.167, 0.1, 0.2), [0.3, 0.45, 0.1, 0.1, 0.05]) if thermal else 0.0,
        antialias=bool(rng.random() < 0.88),
        font=pick(FONTS, [1.2, 0.8, 0.8, 0.8, 1, 0.4, 0.7, 1.4, 1]),
        label_size=between(1.8, 4.0),
        text_size=between(1.5, 2.6),
        label_position=pick(LABEL_POSITIONS, [0.42, 0.38, 0.14, 0.06]),
        label_offset=between(2.5, 9.0),
        label_indent=0.8 if rng.random() < 0.5 else between(-1.5, 4.0),
        label_underline=bool(rng.random() < 0.04),
        lead_spelling=pick(LEAD_SPELLINGS, [0.85, 0.09, 0.03, 0.03]),
        chest_spelling=pick(CHEST_SPELLINGS, [0.95, 0.05]),
        header=bool(rng.random() < 0.7),
        footer=bool(rng.random() < 0.8),
        header_form="compact" if roll else pick(HEADER_FORMS, [0.3, 0.35, 0.2, 0.15]),
        pulse=pick(PULSES, [0.65, 0.15, 0.2]),
        pulse_rows=pick(PULSE_ROWS, [0.85, 0.06, 0.09]),
        pulse_seconds=pick((0.2, 0.1, round(between(0.05, 0.3), 3)), [0.75, 0.15, 0.1]),
        separator=pick(SEPARATORS, [0.25, 0.1, 0.24, 0.13, 0.08, 0.08, 0.06, 0.06]),
        color=pick(COLOR_MODES, [0.8, 0.15, 0.05]),
        jpeg=None if rng.random() < 0.6 else int(rng.integers(40, 96)),
    )

"""Choose the looks of a printed page: every knob of the printer, and a draw of all of them at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from digitize.records.layouts import LEAD_NAMES, Layout, find_layout, lead_of
from papertrace.synth.canvas import RGB
from papertrace.synth.capture import Capture
from papertrace.synth.chance import Dice
from papertrace.synth.knobs import FLAG, NAME, check, described, draw, knob, one_of, rgb, several, whole, within
from papertrace.synth.notes import Notes
from papertrace.synth.wear import Wear

GRID_COLORS: dict[str, RGB] = {
    "red": (222, 45, 45),
    "pink": (240, 140, 165),
    "orange": (236, 132, 62),
    "green": (52, 150, 84),
    "blue": (72, 116, 200),
    "gray": (128, 128, 128),
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
GRID_FORMS = ("lines", "dots", "dotted")
LABEL_POSITIONS = ("above", "below", "left", "over")
LEAD_SPELLINGS = ("aVR", "AVR", "avR", "aVr")
HEADER_FORMS = ("plain", "table", "fields", "compact", "title")
PULSES = ("left", "right", "none")
PULSE_ROWS = ("all", "first", "last")
SEPARATORS = ("none", "join", "bar", "tick", "gap", "dashed", "line", "dotted", "page")
RULED = ("none", "rows", "seconds", "both")
COLOR_MODES = ("rgb", "gray", "1-bit")
DPI_RANGE = (72.0, 600.0)


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


@dataclass(frozen=True)
class _Machine(Dice):
    """The choices on which others hang: an electrocardiograph, its paper and what it is set to.

    Attributes
    ----------
    layout : Layout
    shuffled : bool
        Whether its leads stand in another order.
    wrap : float or None
    paper : str
    upright : bool
        Whether cut paper stands on its short side.
    pen : RGB
    grid : str
    gain : float
    ceiling : float
        The most of its color that the grid carries.
    minor_strength : float
    head : str
        ``"laser"``, ``"thermal"`` or ``"stylus"``.
    """

    layout: Layout
    shuffled: bool
    wrap: float | None
    paper: str
    upright: bool
    pen: RGB
    grid: str
    gain: float
    ceiling: float
    minor_strength: float
    head: str

    @property
    def rows(self) -> int:
        """Number of rows of the layout, at most as many as a roll has."""
        return min(len(self.layout.rows) + len(self.layout.rhythm), _FEW_ROWS)


def _draw_machine(rng: np.random.Generator) -> _Machine:
    dice = Dice(rng)
    layout = find_layout(dice.pick(_COMMON_LAYOUTS if dice.chance(0.7) else _RARE_LAYOUTS))
    shuffled = dice.chance(0.04)
    n_rows = len(layout.rows) + len(layout.rhythm)
    wrap = dice.pick((None, 5.0, 3.5), [0.5, 0.4, 0.1]) if layout.columns == 1 and n_rows <= 3 else None
    if wrap is not None:
        paper = dice.pick(("content", "A4", "Letter"), [0.4, 0.35, 0.25])
    elif n_rows <= _FEW_ROWS:
        paper = dice.pick(PAPERS, [0.4, 0.28, 0.18, 0.14])
    else:
        paper = dice.pick(("content", "A4", "Letter"), [0.5, 0.3, 0.2])
    upright = layout.columns <= 2 and dice.chance(0.35)
    darkness = int(rng.integers(0, 70))
    pen: RGB = dice.pick(
        [(darkness, darkness, darkness), (darkness, darkness, min(darkness + 60, 255)), (40, 30, 90), (90, 30, 30)],
        [0.8, 0.13, 0.05, 0.02],
    )
    grid = dice.pick(tuple(GRID_COLORS), [0.27, 0.24, 0.12, 0.08, 0.06, 0.11, 0.06, 0.06])
    gain = dice.pick(GAINS, [0.1, 0.8, 0.1])
    # A grid in the pen's own color is printed paler than a colored one, or the trace would drown in it.
    ceiling = 0.6 if grid in ("gray", "black") else 1.0
    minor_strength = 0.0 if dice.chance(0.08) else dice.between(0.15, 0.6) * ceiling
    # A thermal head prints in dots and loses some; a stylus or a jet draws lines and tires; a laser does neither.
    head = dice.pick(("laser", "thermal", "stylus"), [0.5, 0.32, 0.18])
    return _Machine(rng, layout, shuffled, wrap, paper, upright, pen, grid, gain, ceiling, minor_strength, head)


def _layout(machine: _Machine) -> Any:
    """The layout's name, or the same rectangle with its leads in any order, as the reader of a page calls it."""
    layout = machine.layout
    if not machine.shuffled:
        return layout.name
    leads = machine.rng.permutation([lead for row in layout.rows for lead in row]).tolist()
    rows = tuple(tuple(leads[start : start + layout.columns]) for start in range(0, len(leads), layout.columns))
    return Layout.custom(rows, layout.rhythm)


@described
@dataclass(frozen=True)
class PageStyle:
    """Every knob of the printer. Lengths are millimeters of paper, colors RGB from 0 to 255.

    The fields stand in the order in which `random_style` draws them: a new one goes last, or all that follow change.

    Raises
    ------
    ValueError
        If a value is not one of those allowed; the message lists them.

    Examples
    --------
    >>> PageStyle(speed=50.0).gain
    10.0
    """

    layout: str | Layout = knob(
        "3x4+II",
        NAME,
        "A name for `digitize.records.layouts.find_layout`, or a layout of one's own, e.g. with the leads in another "
        "order.",
        _layout,
    )
    columns: str = knob(
        "sequential",
        one_of("sequential", "simultaneous"),
        '"sequential": each column goes on in time where the one before it ended; "simultaneous": every column starts '
        "at 0 s.",
        lambda m: m.pick(("sequential", "simultaneous"), [0.85, 0.15]),
    )
    column_seconds: float | None = knob(
        None,
        within(0.25, 3600, none=True),
        "Time that a column shows; None divides the recording by the columns. What is then left of the recording is "
        "not printed, and columns for which it is too short stay empty.",
        lambda m: 2.5 if m.layout.columns == 4 and m.chance(0.2) else None,
    )
    wrap: float | None = knob(
        None,
        within(0.25, 3600, none=True),
        "Seconds after which the rows of a layout of one column go on below, as on a rhythm sheet; layouts of several "
        "columns never do.",
        lambda m: m.wrap,
    )
    speed: float = knob(
        25.0, one_of(*SPEEDS), "Paper speed in mm/s.", lambda m: m.pick(SPEEDS, [0.01, 0.02, 0.85, 0.11, 0.01])
    )
    gain: float = knob(10.0, one_of(*GAINS), "Gain in mm/mV.", lambda m: m.gain)
    chest_gain: float | None = knob(
        None,
        one_of(None, 2.5, 5.0, 10.0, 20.0),
        "Gain of V1 to V6 where it is another, often half.",
        lambda m: m.gain / 2 if m.chance(0.07) else None,
    )
    dpi: float = knob(
        200.0,
        within(*DPI_RANGE),
        "Pixels an inch.",
        lambda m: m.pick(
            [100.0, 150.0, 200.0, 240.0, 300.0, round(m.between(90, 320), 1)], [0.1, 0.15, 0.3, 0.1, 0.15, 0.2]
        ),
    )
    rotation: float = knob(
        0.0,
        within(-180, 180),
        "Skew of the paper in degrees, positive clockwise as seen; the picture grows to hold all of the paper.",
        lambda m: 0.0 if m.chance(0.5) else float(np.clip(m.rng.normal(0, 1.5), -6, 6)),
    )
    paper: str = knob(
        "content",
        one_of(*PAPERS),
        '"content" is as large as what is printed. On A4 and Letter, time that does not fit is not printed.',
        lambda m: m.paper,
    )
    orientation: str = knob(
        "landscape",
        one_of("landscape", "portrait"),
        "Way up of A4 and Letter.",
        lambda m: "portrait" if m.upright else "landscape",
    )
    roll_height: float = knob(
        90.0,
        within(20, 300),
        'Height of the roll, for paper="roll".',
        lambda m: m.between(22 + 18 * m.rows, 45 + 22 * m.rows),
    )
    paper_color: RGB = knob((255, 255, 255), rgb(), "Color of the paper.", lambda m: m.pick(_PAPER_TINTS))
    bed_color: RGB = knob(
        (250, 250, 250),
        rgb(),
        "Color of what shows beside the paper where it is skewed.",
        lambda m: m.pick([(255, 255, 255), (245, 245, 245), (120, 118, 115), (30, 30, 30)], [0.5, 0.3, 0.1, 0.1]),
    )
    yellowing: float = knob(
        0.0, within(0, 1), "How far age has browned the paper, unevenly.", lambda m: m.maybe(0.25, 0.05, 0.7)
    )
    texture: float = knob(
        0.0,
        within(0, 40),
        "Depth of the paper's fibers and grain, in levels of 255.",
        lambda m: m.maybe(0.3, 2, 14),
    )
    margin: float = knob(8.0, within(0, 50), "Unprinted edge.", lambda m: m.between(2, 5 if m.paper == "roll" else 14))
    row_pitch: float | None = knob(
        None,
        within(5, 100, none=True),
        "Distance between rows; None takes what suits the number of rows. Fixed paper may need less.",
        lambda m: None if m.chance(0.5) else m.between(10 + 0.6 * m.gain, 38),
    )
    placement: float = knob(
        0.5,
        within(0, 1),
        "Where the traces stand in the height that is left over on fixed paper: 0 top, 1 bottom.",
        lambda m: m.between(0, 1),
    )
    grid: str = knob(
        "red",
        one_of(*GRID_COLORS),
        'Ink of the grid, a name of `GRID_COLORS`; "none" prints no grid.',
        lambda m: m.grid,
    )
    grid_form: str = knob(
        "lines",
        one_of(*GRID_FORMS),
        '"dots": lines every 5 mm and, as strong as those, dots at every millimeter node, twice as wide as the lines '
        'that they stand for; "dotted": the 1 mm lines are rows of dots, two a millimeter.',
        lambda m: m.pick(GRID_FORMS, [0.8, 0.12, 0.08]),
    )
    grid_area: str = knob(
        "page",
        one_of("page", "traces", "margins"),
        'Where the grid lies; "traces" is a box around the traces only, "margins" all of the sheet but half of its '
        "margin.",
        lambda m: m.pick(("page", "traces"), [0.75, 0.25]),
    )
    grid_phase: tuple[float, float] = knob(
        (0.0, 0.0),
        several(2),
        'Place of the first 5 mm node on the sheet; not for grid_area="traces".',
        lambda m: (m.between(0, 5), m.between(0, 5)),
    )
    minor_width: float = knob(0.12, within(0.01, 1), "Width of the 1 mm lines.", lambda m: m.between(0.06, 0.2))
    major_width: float = knob(0.25, within(0.01, 2), "Width of the 5 mm lines.", lambda m: m.between(0.12, 0.4))
    minor_strength: float = knob(
        0.4,
        within(0, 1),
        "How much of the grid's color the 1 mm lines carry; 0 leaves the 5 mm lines alone.",
        lambda m: m.minor_strength,
    )
    major_strength: float = knob(
        0.65,
        within(0, 1),
        "How much of the grid's color the 5 mm lines carry.",
        lambda m: min(1.0, m.minor_strength + m.between(0.1 if m.minor_strength else 0.3, 0.45) * m.ceiling),
    )
    grid_fade: float = knob(
        0.0,
        within(0, 1),
        "How much of the grid is gone where it has faded most.",
        lambda m: m.maybe(0.15, 0.1, 0.6),
    )
    pen_width: float = knob(
        0.3, within(0.05, 3), "Width of the pen that draws the traces.", lambda m: m.between(0.15, 0.55)
    )
    pen_color: RGB = knob((20, 20, 24), rgb(), "Ink of traces, pulses and separators.", lambda m: m.pen)
    text_color: RGB = knob((20, 20, 24), rgb(), "Ink of all text.", lambda m: m.pen if m.chance(0.8) else (10, 10, 10))
    pen_strength: float = knob(
        1.0, within(0.1, 1), "How black all ink is.", lambda m: 1.0 if m.chance(0.7) else m.between(0.6, 1.0)
    )
    pen_thinning: float = knob(
        0.0,
        within(0, 1),
        "How much lighter the fastest strokes are, as a heated stylus or a jet leaves them.",
        lambda m: m.maybe(0.7, 0.1, 0.7) if m.head == "stylus" else 0.0,
    )
    ink_fade: float = knob(
        0.0,
        within(0, 1),
        "How much of the ink is gone where it has faded most: slowly along the page, and in patches.",
        lambda m: m.maybe(0.08 if m.head == "laser" else 0.3, 0.1, 0.7),
    )
    dead_dots: int = knob(
        0,
        whole(0, 200),
        "Number of dots of the print head that are dead: each leaves a thin white line through all ink.",
        lambda m: int(m.rng.integers(1, 12)) if m.head == "thermal" and m.chance(0.3) else 0,
    )
    feed: str = knob(
        "along",
        one_of("along", "across"),
        'How the paper runs past the head: "along" time (dead dots leave lines along the traces) or "across" it.',
        lambda m: m.pick(("along", "across"), [0.6, 0.4]),
    )
    specks: float = knob(
        0.0,
        within(0, 50),
        "Ink missing in specks, number a square centimeter.",
        lambda m: m.maybe(0.1 if m.head == "laser" else 0.25, 0.2, 4),
    )
    dot_pitch: float = knob(
        0.0,
        within(0.05, 1, zero=True),
        "Distance of the print head's dots, 0.125 on most thermal heads: ink is printed in whole dots of this size. 0 "
        "draws smooth lines.",
        lambda m: m.pick((0.0, 0.125, 0.167, 0.1, 0.2), [0.3, 0.45, 0.1, 0.1, 0.05]) if m.head == "thermal" else 0.0,
    )
    antialias: bool = knob(
        True,
        FLAG,
        "False prints whole pixels only, as a screen or an old scanner does; with a dot_pitch it is the grid's alone.",
        lambda m: m.chance(0.88),
    )
    font: str = knob(
        "sans",
        one_of(*FONTS),
        "Font of all text.",
        lambda m: m.pick(FONTS, [1.2, 0.8, 0.8, 0.8, 1, 0.4, 0.7, 1.4, 1]),
    )
    label_size: float = knob(
        2.6, within(0.5, 10), "Height of a capital letter in the lead names.", lambda m: m.between(1.8, 4.0)
    )
    text_size: float = knob(
        2.0, within(0.5, 10), "Height of a capital letter in header and footer.", lambda m: m.between(1.5, 2.6)
    )
    label_position: str = knob(
        "above",
        one_of(*LABEL_POSITIONS),
        'Place of the lead name at the trace\'s start; "over" it hides what is below.',
        lambda m: m.pick(LABEL_POSITIONS, [0.42, 0.38, 0.14, 0.06]),
    )
    label_offset: float = knob(
        6.0,
        within(0, 30),
        "Distance of the name from the zero line, for above and below.",
        lambda m: m.between(2.5, 9.0),
    )
    label_indent: float = knob(
        0.8,
        within(-20, 20),
        "How far right of the trace's start the name begins, except on the left.",
        lambda m: 0.8 if m.chance(0.5) else m.between(-1.5, 4.0),
    )
    label_underline: bool = knob(False, FLAG, "Whether names are underlined.", lambda m: m.chance(0.04))
    lead_spelling: str = knob(
        "aVR",
        one_of(*LEAD_SPELLINGS),
        "How the augmented leads are spelled.",
        lambda m: m.pick(LEAD_SPELLINGS, [0.85, 0.09, 0.03, 0.03]),
    )
    chest_spelling: str = knob(
        "V", one_of("V", "C"), "How the chest leads are spelled: V1 or C1.", lambda m: m.pick(("V", "C"), [0.95, 0.05])
    )
    header: bool = knob(
        True,
        FLAG,
        "Whether made-up patient data and measurements are printed above the traces.",
        lambda m: m.chance(0.7),
    )
    footer: bool = knob(True, FLAG, "Whether speed and gain are printed below the traces.", lambda m: m.chance(0.8))
    header_form: str = knob(
        "plain",
        one_of(*HEADER_FORMS),
        '"table": measurements in columns, doctors below; "fields": age, height, weight, no measurements; "compact": '
        'all on two lines; "title": a title, as a drawing program writes it.',
        lambda m: "compact" if m.paper == "roll" else m.pick(HEADER_FORMS, [0.3, 0.35, 0.2, 0.15, 0.0]),
    )
    pulse: str = knob(
        "left",
        one_of(*PULSES),
        "Side of the calibration pulse (1 mV). Where limb and chest gain differ in a row it has a step for each.",
        lambda m: m.pick(PULSES, [0.65, 0.15, 0.2]),
    )
    pulse_rows: str = knob(
        "all", one_of(*PULSE_ROWS), "Rows that have the pulse.", lambda m: m.pick(PULSE_ROWS, [0.85, 0.06, 0.09])
    )
    pulse_seconds: float = knob(
        0.2,
        within(0.02, 1),
        "How long the pulse lasts.",
        lambda m: m.pick((0.2, 0.1, round(m.between(0.05, 0.3), 3)), [0.75, 0.15, 0.1]),
    )
    pulse_foot: float = knob(
        1.0, within(0, 5), "Length in mm of the level line that the pulse stands on, on either side of it."
    )
    pulse_gap: float = knob(
        0.5, within(0, 5), "White in mm between the pulse and the traces; without it they are joined."
    )
    separator: str = knob(
        "none",
        one_of(*SEPARATORS),
        'Between columns: "join" (the pen goes on without lifting), "dashed" (a tall dashed bar), or a "line" or '
        '"dotted" line through all rows of the columns, or a line through the "page".',
        lambda m: m.pick(SEPARATORS, [0.25, 0.1, 0.24, 0.13, 0.08, 0.08, 0.06, 0.06, 0.0]),
    )
    color: str = knob(
        "rgb", one_of(*COLOR_MODES), "Colors of the picture.", lambda m: m.pick(COLOR_MODES, [0.8, 0.15, 0.05])
    )
    jpeg: int | None = knob(
        None,
        whole(1, 100, none=True),
        "Quality of a JPEG that the picture went through.",
        lambda m: None if m.chance(0.6) else int(m.rng.integers(40, 96)),
    )
    notes: Notes = knob(Notes(), None, "What is written, stamped or stuck over the print.")
    wear: Wear = knob(Wear(), None, "What happened to the paper.")
    capture: Capture = knob(Capture(), None, "How the picture was taken.")
    # `random_style` leaves what follows alone, so that the pages of a seed stay what they were.
    sheet_scale: float = knob(
        1.0,
        within(0.7, 2.5),
        "Size of A4 and Letter in shares of their own: a drawing that was shrunk to fit stands on a sheet that is "
        "larger, in the drawing's millimeters.",
    )
    grid_color: RGB | None = knob(
        None, rgb(none=True), "Ink of the grid where it is none of `GRID_COLORS`; None takes that of `grid`."
    )
    grid_frame: bool = knob(False, FLAG, "Whether a thin line of the pen frames the grid.")
    screen: float = knob(
        0.0,
        within(60, 250, zero=True),
        "Dots an inch of a color laser printer's screen: colors and grays are printed in dots, black is not. 0 prints "
        "even colors.",
    )
    toner: float = knob(
        0.0, within(0, 1), "How ragged toner leaves the edges of ink, and how many of its grains lie beside."
    )
    ruled: str = knob(
        "none",
        one_of(*RULED),
        'Thin lines of the pen: through each row at 0 mV ("rows"), upright at every second ("seconds"), or both.',
    )
    label_band: RGB | None = knob(None, rgb(none=True), "Color of a band on which each lead name stands.")

    def __post_init__(self) -> None:
        check(self)
        self.resolved_layout()

    def resolved_layout(self) -> Layout:
        """Look the layout up, if it is given by name, and check it."""
        layout = find_layout(self.layout) if isinstance(self.layout, str) else self.layout
        unknown = [label for label in layout.labels if lead_of(label) not in LEAD_NAMES]
        if unknown:
            raise ValueError(f"unknown lead {unknown[0]!r} in layout {layout.name!r}; allowed: {', '.join(LEAD_NAMES)}")
        if len({len(row) for row in layout.rows}) != 1:
            raise ValueError(f"rows of layout {layout.name!r} differ in length; allowed: a rectangle of lead names")
        return layout


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
    return draw(PageStyle, _draw_machine(rng))

"""What a printed page looks like: every knob of the printer, and a draw of all of them at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from digitize.layouts import LEAD_NAMES, Layout, find_layout
from synth.capture import Capture, random_capture
from synth.notes import Notes, random_notes
from synth.wear import Wear, random_wear

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

FONTS = ("sans", "sans-bold", "serif-bold", "mono", "aileron")
"""DejaVu Sans, Sans Bold, Serif Bold and Sans Mono, and Aileron, which comes with Pillow."""

PAPERS: dict[str, tuple[float, float] | None] = {"content": None, "A4": (297.0, 210.0), "Letter": (279.4, 215.9)}
"""Paper width and height in mm, landscape; ``"content"`` is as large as what is printed on it."""

SPEEDS = (25.0, 50.0)
GAINS = (5.0, 10.0, 20.0)
COLUMNS = ("sequential", "simultaneous")
GRID_FORMS = ("lines", "dots")
GRID_AREAS = ("page", "traces")
LABEL_POSITIONS = ("above", "below", "left")
LEAD_SPELLINGS = ("aVR", "AVR")
PULSES = ("left", "right", "none")
SEPARATORS = ("none", "join", "bar", "tick", "gap")
COLOR_MODES = ("rgb", "grey", "1-bit")
DPI_RANGE = (72.0, 600.0)


@dataclass(frozen=True)
class PageStyle:
    """Every knob of the printer. Lengths are millimetres of paper, colours RGB from 0 to 255.

    Attributes
    ----------
    layout : str or Layout
        A name for `digitize.layouts.find_layout`, or a layout of one's own, e.g. with the leads in another order.
    columns : str
        ``"sequential"``: each column goes on in time where the one before it ended; ``"simultaneous"``: every column
        starts at 0 s.
    speed, gain : float
        Paper speed, 25 or 50 mm/s, and gain, 5, 10 or 20 mm/mV.
    dpi : float
        Pixels an inch, 72 to 600.
    rotation : float
        Skew of the paper in degrees, positive clockwise as seen; the picture grows to hold all of the paper.
    paper : str
        A name of `PAPERS`. On A4 and Letter, time that does not fit is not printed.
    paper_color, bed_color : RGB
        Paper, and what shows beside it when it is skewed.
    margin : float
        Unprinted edge.
    row_pitch : float or None
        Distance between rows; None takes what suits the number of rows. Fixed paper may need less.
    placement : float
        Where the traces stand in the height that is left over on fixed paper: 0 top, 1 bottom.
    grid : str
        A name of `GRID_COLORS`.
    grid_form : str
        ``"lines"``, or ``"dots"``: lines every 5 mm and, as strong as those, dots at every millimetre node, twice as
        wide as the lines that they stand for.
    grid_area : str
        ``"page"``, or ``"traces"``: a box around the traces only.
    grid_phase : tuple of float
        Place of the first 5 mm node, for ``grid_area="page"``.
    minor_width, major_width : float
        Widths of the 1 mm and 5 mm lines.
    minor_strength, major_strength : float
        How much of the grid's colour they carry, 0 to 1.
    pen_width : float
        Width of the pen that draws the traces.
    pen_color, text_color : RGB
        Ink of traces, pulses and separators; ink of all text.
    antialias : bool
        False prints whole dots only, as a thermal head does.
    font : str
        One of `FONTS`.
    label_size, text_size : float
        Height of a capital letter in the lead names, and in header and footer.
    label_position : str
        ``"above"``, ``"below"`` or ``"left"`` of the trace's start.
    label_offset : float
        Distance of the name from the zero line, for above and below.
    lead_spelling : str
        ``"aVR"`` or ``"AVR"``.
    header, footer : bool
        Whether made-up patient data and measurements are printed above the traces, and speed and gain below.
    pulse : str
        Side of the calibration pulse (1 mV for 0.2 s): ``"left"``, ``"right"`` or ``"none"``.
    separator : str
        Between columns: ``"none"``, ``"join"`` (the pen goes on without lifting), ``"bar"``, ``"tick"`` or ``"gap"``.
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
    speed: float = 25.0
    gain: float = 10.0
    dpi: float = 200.0
    rotation: float = 0.0
    paper: str = "content"
    paper_color: RGB = (255, 255, 255)
    bed_color: RGB = (250, 250, 250)
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
    pen_width: float = 0.3
    pen_color: RGB = (20, 20, 24)
    text_color: RGB = (20, 20, 24)
    antialias: bool = True
    font: str = "sans"
    label_size: float = 2.6
    text_size: float = 2.0
    label_position: str = "above"
    label_offset: float = 6.0
    lead_spelling: str = "aVR"
    header: bool = True
    footer: bool = True
    pulse: str = "left"
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
            ("paper", tuple(PAPERS)),
            ("grid", tuple(GRID_COLORS)),
            ("grid_form", GRID_FORMS),
            ("grid_area", GRID_AREAS),
            ("font", FONTS),
            ("label_position", LABEL_POSITIONS),
            ("lead_spelling", LEAD_SPELLINGS),
            ("pulse", PULSES),
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
            ("minor_width", 0.01, 1.0),
            ("major_width", 0.01, 2.0),
            ("minor_strength", 0.0, 1.0),
            ("major_strength", 0.0, 1.0),
            ("pen_width", 0.05, 3.0),
            ("label_size", 0.5, 10.0),
            ("text_size", 0.5, 10.0),
            ("label_offset", 0.0, 30.0),
        )
        for name, low, high in ranges:
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} is {getattr(self, name)}; allowed: {low:g} to {high:g}")
        for name in ("paper_color", "bed_color", "pen_color", "text_color"):
            color = getattr(self, name)
            if len(color) != 3 or not all(0 <= level <= 255 for level in color):
                raise ValueError(f"{name} is {color}; allowed: three levels of 0 to 255")
        if self.row_pitch is not None and not 5.0 <= self.row_pitch <= 100.0:
            raise ValueError(f"row_pitch is {self.row_pitch}; allowed: None or 5 to 100")
        if self.jpeg is not None and not 1 <= self.jpeg <= 100:
            raise ValueError(f"jpeg is {self.jpeg}; allowed: None or 1 to 100")
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
    *("limb-6x1", "chest-6x1", "limb-3x1", "II"),
)
_PAPER_TINTS: tuple[RGB, ...] = (
    *((255, 255, 255), (252, 252, 250), (255, 246, 246), (255, 238, 242), (255, 240, 228)),
    *((250, 246, 232), (242, 242, 240), (232, 234, 236), (236, 246, 238), (238, 242, 250)),
)


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

    layout = pick(_COMMON_LAYOUTS if rng.random() < 0.75 else _RARE_LAYOUTS)
    after = rng.spawn(3)
    darkness = int(rng.integers(0, 70))
    pen: RGB = pick(
        [(darkness, darkness, darkness), (darkness, darkness, min(darkness + 60, 255)), (40, 30, 90)], [0.8, 0.15, 0.05]
    )
    grid = pick(tuple(GRID_COLORS), [0.27, 0.24, 0.12, 0.08, 0.06, 0.11, 0.06, 0.06])
    gain = pick(GAINS, [0.1, 0.8, 0.1])
    # A grid in the pen's own colour is printed paler than one in colour, or the trace would drown in it.
    ceiling = 0.6 if grid in ("grey", "black") else 1.0
    minor_strength = between(0.15, 0.6) * ceiling
    return PageStyle(
        layout=layout,
        columns=pick(COLUMNS, [0.85, 0.15]),
        speed=pick(SPEEDS, [0.88, 0.12]),
        gain=gain,
        dpi=pick([100.0, 150.0, 200.0, 240.0, 300.0, round(between(90, 320), 1)], [0.1, 0.15, 0.3, 0.1, 0.15, 0.2]),
        rotation=0.0 if rng.random() < 0.5 else float(np.clip(rng.normal(0, 1.5), -6, 6)),
        paper=pick(tuple(PAPERS), [0.5, 0.3, 0.2]),
        paper_color=pick(_PAPER_TINTS),
        bed_color=pick([(255, 255, 255), (245, 245, 245), (120, 118, 115), (30, 30, 30)], [0.5, 0.3, 0.1, 0.1]),
        margin=between(2, 14),
        row_pitch=None if rng.random() < 0.5 else between(10 + 0.6 * gain, 38),
        placement=between(0, 1),
        grid=grid,
        grid_form=pick(GRID_FORMS, [0.88, 0.12]),
        grid_area=pick(GRID_AREAS, [0.75, 0.25]),
        grid_phase=(between(0, 5), between(0, 5)),
        minor_width=between(0.06, 0.2),
        major_width=between(0.12, 0.4),
        minor_strength=minor_strength,
        major_strength=min(1.0, minor_strength + between(0.1, 0.45) * ceiling),
        pen_width=between(0.15, 0.55),
        pen_color=pen,
        text_color=pen if rng.random() < 0.8 else (10, 10, 10),
        antialias=bool(rng.random() < 0.85),
        font=pick(FONTS),
        label_size=between(1.8, 4.0),
        text_size=between(1.5, 2.6),
        label_position=pick(LABEL_POSITIONS, [0.45, 0.4, 0.15]),
        label_offset=between(2.5, 9.0),
        lead_spelling=pick(LEAD_SPELLINGS, [0.9, 0.1]),
        header=bool(rng.random() < 0.7),
        footer=bool(rng.random() < 0.8),
        pulse=pick(PULSES, [0.65, 0.15, 0.2]),
        separator=pick(SEPARATORS, [0.25, 0.1, 0.3, 0.2, 0.15]),
        color=pick(COLOR_MODES, [0.8, 0.15, 0.05]),
        jpeg=None if rng.random() < 0.6 else int(rng.integers(40, 96)),
        notes=random_notes(after[0]),
        wear=random_wear(after[1]),
        capture=random_capture(after[2]),
    )

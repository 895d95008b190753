"""Pages by the name of what people meet: each preset draws a fresh page of its kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from papertrace.synth.canvas import RGB
from papertrace.synth.capture import Capture, draw_capture, random_capture
from papertrace.synth.chance import Dice
from papertrace.synth.notes import Notes, random_notes
from papertrace.synth.style import PageStyle, random_style
from papertrace.synth.wear import Wear, random_wear

_STREAM = 0
"""Of the style; the printer's own streams have other numbers."""


def draw_preset(name: str, rng: np.random.Generator) -> PageStyle:
    """Draw a page style of a kind.

    Parameters
    ----------
    name : str
        A name of `PRESETS`.
    rng : numpy.random.Generator
        Source of every choice; one state gives one style.

    Returns
    -------
    PageStyle

    Raises
    ------
    ValueError
        If there is no such preset.

    Examples
    --------
    >>> draw_preset("faxed", np.random.default_rng(1)).capture.fax in ("standard", "fine")
    True
    """
    if name not in PRESETS:
        raise ValueError(f"preset is {name!r}; allowed: {', '.join(PRESETS)}")
    return PRESETS[name](rng)


def preset_style(name: str, seed: int) -> PageStyle:
    """Draw the page style that `papertrace.synth.render_page` prints for a preset and a seed.

    Parameters
    ----------
    name : str
        A name of `PRESETS`.
    seed : int

    Returns
    -------
    PageStyle

    Raises
    ------
    ValueError
        If there is no such preset.

    Examples
    --------
    >>> preset_style("clean", 1).texture
    0.0
    """
    return draw_preset(name, np.random.default_rng([seed, _STREAM]))


def _print(rng: np.random.Generator) -> PageStyle:
    """A print of any make that left the machine in order and has the size of a usual scan."""
    return replace(
        random_style(rng),
        dpi=float(rng.choice([150.0, 200.0, 200.0, 240.0, 300.0])),
        rotation=0.0,
        color="rgb",
        jpeg=None,
        texture=0.0,
    )


def _skew(rng: np.random.Generator) -> float:
    return float(np.clip(rng.normal(0, 0.8), -4, 4))


def _scanned(style: PageStyle, rng: np.random.Generator) -> PageStyle:
    return replace(
        style,
        rotation=_skew(rng),
        texture=float(rng.uniform(0, 6)),
        color="gray" if rng.random() < 0.2 else "rgb",
        jpeg=int(rng.integers(60, 95)),
        capture=draw_capture("scanner", rng),
    )


def _photographed(wear: Wear, capture: Capture) -> dict[str, Any]:
    """A camera sees folds in the light that it takes its picture in; other devices bring a light of their own."""
    lit = wear != Wear() and capture.moves
    return {"wear": replace(wear, light=capture.light_direction) if lit else wear, "capture": capture}


def _clean(rng: np.random.Generator) -> PageStyle:
    """As the electrocardiograph's own file shows it."""
    style = _print(rng)
    return replace(
        style,
        paper_color=(255, 255, 255),
        yellowing=0.0,
        grid_fade=0.0,
        ink_fade=0.0,
        specks=0.0,
        dead_dots=0,
        pen_strength=1.0,
        pen_thinning=0.0,
        dot_pitch=0.0,
        antialias=True,
    )


def _office_scan(rng: np.random.Generator) -> PageStyle:
    """From the ward's folder through the copier: a little askew, holes and a remark here and there."""
    notes = replace(random_notes(rng), redactions=0) if rng.random() < 0.5 else Notes()
    wear = Wear(
        punches=int(rng.choice([0, 2, 4], p=[0.6, 0.3, 0.1])),
        fold="half" if rng.random() < 0.15 else "none",
        light=float(rng.uniform(0, 360)),
        dust=float(rng.uniform(0, 0.3)),
    )
    return replace(_scanned(_print(rng), rng), notes=notes, wear=wear)


def _faxed(rng: np.random.Generator) -> PageStyle:
    """Sent by telephone: black or white, coarse, lines lost."""
    style = _print(rng)
    return replace(
        style,
        rotation=_skew(rng),
        color="1-bit",
        notes=random_notes(rng) if rng.random() < 0.3 else Notes(),
        capture=draw_capture("fax", rng),
    )


def _phone_photo(rng: np.random.Generator) -> PageStyle:
    """On a desk, by hand, in whatever light there was."""
    wear = Wear(
        fold=str(rng.choice(["none", "half", "thirds", "quarter"], p=[0.6, 0.2, 0.1, 0.1])),
        wrinkles=float(rng.uniform(0, 0.4)) if rng.random() < 0.5 else 0.0,
        creases=int(rng.poisson(0.7)),
        facet=float(rng.uniform(15, 50)),
    )
    return replace(
        _print(rng),
        texture=float(rng.uniform(0, 8)),
        jpeg=int(rng.integers(60, 95)),
        notes=random_notes(rng) if rng.random() < 0.3 else Notes(),
        **_photographed(wear, draw_capture("phone", rng)),
    )


def _stained(rng: np.random.Generator) -> PageStyle:
    """Coffee, water and whatever else stood on it, then scanned."""
    wear = Wear(
        stains=int(rng.integers(1, 6)),
        soaking=float(rng.uniform(0.3, 1.0)) if rng.random() < 0.6 else 0.0,
        wrinkles=float(rng.uniform(0, 0.4)),
        yellowing=float(rng.uniform(0, 0.7)),
        dust=float(rng.uniform(0, 0.5)),
        light=float(rng.uniform(0, 360)),
    )
    return replace(_scanned(_print(rng), rng), wear=wear)


def _mouldy(rng: np.random.Generator) -> PageStyle:
    """From a damp cellar: specks, tide-marks, brown edges."""
    wear = Wear(
        mould=float(rng.uniform(0.3, 1.0)),
        soaking=float(rng.uniform(0.2, 0.8)) if rng.random() < 0.6 else 0.0,
        wrinkles=float(rng.uniform(0, 0.5)),
        tears=int(rng.integers(0, 3)),
        yellowing=float(rng.uniform(0.3, 1.0)),
        dust=float(rng.uniform(0.1, 0.8)),
        light=float(rng.uniform(0, 360)),
    )
    return replace(_scanned(_print(rng), rng), yellowing=float(rng.uniform(0.1, 0.7)), wear=wear)


def _crumpled(rng: np.random.Generator) -> PageStyle:
    """Out of the bin or a pocket: every facet with its own light, by scanner or by phone."""
    wear = Wear(
        crumple=float(rng.uniform(0.3, 1.0)),
        wrinkles=float(rng.uniform(0, 0.6)),
        facet=float(np.exp(rng.uniform(np.log(12), np.log(50)))),
        fold=str(rng.choice(["none", "half", "quarter"], p=[0.5, 0.25, 0.25])),
        creases=int(rng.integers(0, 7)),
        tears=int(rng.integers(0, 3)),
        light=float(rng.uniform(0, 360)),
        light_height=float(rng.uniform(30, 70)),
    )
    if rng.random() < 0.6:
        return replace(_scanned(_print(rng), rng), wear=wear)
    jpeg = int(rng.integers(60, 95))
    return replace(_print(rng), jpeg=jpeg, **_photographed(wear, draw_capture("phone", rng)))


def _screen_photo(rng: np.random.Generator) -> PageStyle:
    """The viewer's window photographed off the screen."""
    capture = draw_capture("screen", rng)
    return replace(_clean(rng), jpeg=int(rng.integers(60, 95)), capture=capture)


def _archive_1980s(rng: np.random.Generator) -> PageStyle:
    """A hot stylus on heat-sensitive paper, named by hand or stamp, yellowed in a folder for forty years."""
    style = replace(
        _print(rng),
        layout=str(rng.choice(["6x2", "3x4", "12x1", "3x4+II", "limb-3x1", "chest-3x1", "6x2+II"])),
        paper="content",
        orientation="landscape",
        wrap=None,
        chest_gain=None,
        speed=25.0,
        grid=str(rng.choice(["red", "orange", "pink", "green"])),
        grid_form="lines",
        minor_strength=float(rng.uniform(0.15, 0.5)),
        major_strength=float(rng.uniform(0.5, 0.9)),
        grid_fade=float(rng.uniform(0, 0.6)),
        pen_color=(40, 38, 52),
        pen_strength=float(rng.uniform(0.65, 1.0)),
        pen_thinning=float(rng.uniform(0.1, 0.6)),
        pen_width=float(rng.uniform(0.3, 0.6)),
        ink_fade=float(rng.uniform(0, 0.7)),
        dot_pitch=0.0,
        dead_dots=0,
        antialias=True,
        header=False,
        footer=bool(rng.random() < 0.3),
        font=str(rng.choice(["mono", "serif-bold", "sans"])),
        yellowing=float(rng.uniform(0.2, 0.8)),
    )
    notes = Notes(
        words=int(rng.integers(1, 6)),
        marks=int(rng.integers(0, 4)),
        stamps=int(rng.integers(0, 3)),
        underlines=int(rng.integers(0, 3)),
        staples=int(rng.integers(0, 2)),
    )
    wear = Wear(
        fold=str(rng.choice(["none", "half", "thirds"], p=[0.5, 0.3, 0.2])),
        punches=int(rng.choice([0, 2, 3], p=[0.4, 0.5, 0.1])),
        tape=int(rng.integers(0, 3)),
        tape_kind="yellowed",
        yellowing=float(rng.uniform(0.3, 1.0)),
        stains=int(rng.poisson(0.3)),
        dust=float(rng.uniform(0.1, 0.7)),
        light=float(rng.uniform(0, 360)),
    )
    return replace(_scanned(style, rng), notes=notes, wear=wear)


def _random(rng: np.random.Generator) -> PageStyle:
    """Anything, from any machine, after anything, by any device."""
    style = replace(random_style(rng), notes=random_notes(rng))
    wear, capture = random_wear(rng), random_capture(rng)
    return replace(style, **_photographed(wear, capture))


def _office_print(rng: np.random.Generator) -> PageStyle:
    """A drawing program's page, printed by an office printer: photographed on a table, scanned, or copied to 1 bit."""
    dice = Dice(rng)
    style = _drawn_by_program(dice)
    taken = dice.pick(("phone", "scanner", "copier"), [0.62, 0.19, 0.19])
    if taken == "phone":
        notes = random_notes(rng) if dice.chance(0.25) else Notes()
        return replace(
            style,
            texture=dice.between(0, 6),
            jpeg=int(rng.integers(70, 97)),
            notes=notes,
            **_photographed(_folded_or_wrinkled(dice), _by_phone(dice)),
        )
    scanned = replace(
        style,
        dpi=dice.pick((150.0, 200.0, 300.0), [0.3, 0.5, 0.2]),
        rotation=_skew(rng),
        texture=dice.between(0, 6),
        jpeg=int(rng.integers(70, 95)) if dice.chance(0.6) else None,
        color=dice.pick(("rgb", "gray"), [0.7, 0.3]),
        capture=draw_capture("scanner", rng),
    )
    if taken == "scanner":
        return scanned
    # What a copier sees is cut close to the paper's own level, where faint lines and grain break up in dots.
    capture = replace(
        scanned.capture,
        noise=dice.between(1.5, 6),
        local_threshold=float(np.exp(rng.uniform(np.log(3), np.log(25)))),
        banding=0.0,
    )
    return replace(scanned, color="1-bit", jpeg=None, capture=capture)


def _drawn_by_program(dice: Dice) -> PageStyle:
    """What a drawing program puts on a sheet: thin even lines, sans names, colors that a printer breaks up in dots."""
    rng = dice.rng
    layout = dice.pick(
        ("3x4+II", "3x4", "3x4+V1", "3x4+II+V1+V5", "6x2", "6x2+II", "12x1", "limb-6x1", "chest-6x1", "II"),
        [0.62, 0.06, 0.05, 0.04, 0.06, 0.04, 0.05, 0.03, 0.03, 0.02],
    )
    upright = layout in ("12x1", "limb-6x1", "chest-6x1") and dice.chance(0.5)
    pen = _pen(dice)
    grid = _grid_ink(dice)
    label = dice.pick(("below", "above", "left", "over"), [0.55, 0.27, 0.1, 0.08])
    separator = dice.pick(
        ("bar", "none", "join", "gap", "line", "page", "dashed", "tick"), [0.4, 0.2, 0.1, 0.08, 0.08, 0.08, 0.03, 0.03]
    )
    return PageStyle(
        layout=layout,
        columns=dice.pick(("sequential", "simultaneous"), [0.85, 0.15]),
        gain=dice.pick((10.0, 5.0, 20.0), [0.9, 0.05, 0.05]),
        dpi=dice.pick((dice.between(150, 260), 200.0), [0.7, 0.3]),
        paper=dice.pick(("Letter", "A4", "content"), [0.5, 0.35, 0.15]),
        orientation="portrait" if upright else "landscape",
        sheet_scale=1.0 if dice.chance(0.6) else dice.between(1.0, 1.5),
        paper_color=dice.pick(((255, 255, 255), (250, 250, 250), (252, 251, 246)), [0.7, 0.2, 0.1]),
        margin=dice.between(4, 16),
        row_pitch=None if dice.chance(0.4) else dice.between(18, 36),
        placement=dice.pick((dice.between(0, 1), dice.between(0.85, 1.0)), [0.5, 0.5]),
        grid_area=dice.pick(("margins", "page", "traces"), [0.55, 0.2, 0.25]),
        grid_phase=(0.0, 0.0) if dice.chance(0.3) else (dice.between(0, 5), dice.between(0, 5)),
        grid_frame=dice.chance(0.5),
        **grid,
        pen_width=dice.pick((dice.between(0.1, 0.22), dice.between(0.2, 0.4)), [0.55, 0.45]),
        pen_color=pen,
        text_color=pen if dice.chance(0.7) else (10, 10, 10),
        antialias=dice.chance(0.85),
        font=dice.pick(("sans", "aileron", "sans-bold", "roman", "sans-oblique"), [0.6, 0.2, 0.08, 0.08, 0.04]),
        label_size=dice.between(1.6, 3.2),
        text_size=dice.between(1.5, 2.4),
        label_position=label,
        label_offset=dice.between(1.5, 6.0),
        label_indent=dice.between(-0.6, 1.6),
        label_band=dice.pick(((225, 225, 225), (205, 215, 235), (245, 235, 200))) if dice.chance(0.06) else None,
        header=dice.chance(0.8),
        footer=dice.chance(0.75),
        header_form=dice.pick(("fields", "title", "plain", "compact", "table"), [0.4, 0.3, 0.12, 0.1, 0.08]),
        pulse=dice.pick(("left", "none", "right"), [0.7, 0.27, 0.03]),
        pulse_rows=dice.pick(("all", "last", "first"), [0.88, 0.06, 0.06]),
        pulse_seconds=dice.pick((0.2, 0.1, dice.between(0.1, 0.3)), [0.75, 0.1, 0.15]),
        pulse_foot=dice.pick((0.0, dice.between(0.3, 3.0)), [0.5, 0.5]),
        pulse_gap=dice.pick((0.0, dice.between(0.2, 2.0)), [0.6, 0.4]),
        separator=separator,
        screen=0.0 if dice.chance(0.25) else dice.between(100, 170),
        toner=0.0 if dice.chance(0.25) else float(rng.beta(1.5, 3)),
        ruled=dice.pick(("none", "rows", "both", "seconds"), [0.84, 0.09, 0.05, 0.02]),
    )


def _pen(dice: Dice) -> RGB:
    gray = int(dice.between(70, 140))
    blue = int(dice.between(150, 240))
    dark = int(dice.between(0, 45))
    pen: RGB = dice.pick(
        ((dark, dark, dark), (gray, gray, gray), (dark, dark, dark + 80), (dark, dark + 20, blue), (blue, dark, dark)),
        [0.62, 0.14, 0.1, 0.1, 0.04],
    )
    return pen


def _grid_ink(dice: Dice) -> dict[str, Any]:
    """Colors and widths of a grid that is as dark as the pen, or nearly; often without its fine lines."""
    gray = int(dice.between(60, 170))
    inks: tuple[RGB, ...] = (
        (int(dice.between(130, 190)), int(dice.between(25, 80)), int(dice.between(30, 85))),
        (int(dice.between(110, 160)), int(dice.between(60, 95)), int(dice.between(45, 80))),
        (int(dice.between(215, 250)), int(dice.between(110, 170)), int(dice.between(130, 180))),
        (gray, gray, gray),
        (int(dice.between(60, 130)), int(dice.between(100, 160)), int(dice.between(170, 230))),
    )
    major = dice.between(0.65, 1.0)
    return {
        "grid_color": dice.pick(inks, [0.46, 0.14, 0.16, 0.18, 0.06]),
        "grid_form": dice.pick(("lines", "dotted", "dots"), [0.9, 0.06, 0.04]),
        "minor_width": dice.between(0.05, 0.14),
        "major_width": dice.between(0.1, 0.3),
        "minor_strength": 0.0 if dice.chance(0.5) else major * dice.between(0.15, 0.7),
        "major_strength": major,
    }


def _folded_or_wrinkled(dice: Dice) -> Wear:
    """What happens to a sheet between printer and phone: folded, pocketed, or nothing."""
    rng = dice.rng
    light, height = dice.between(0, 360), dice.between(22, 60)
    kind = dice.pick(("flat", "folded", "wrinkled", "both"), [0.22, 0.26, 0.36, 0.16])
    fold = (
        dice.pick(("half", "half-long", "quarter", "thirds", "corner", "plane"), [0.2, 0.15, 0.25, 0.1, 0.17, 0.13])
        if kind in ("folded", "both")
        else "none"
    )
    bent = kind in ("wrinkled", "both")
    return Wear(
        crumple=dice.between(0.05, 0.5) if bent and dice.chance(0.5) else 0.0,
        wrinkles=dice.between(0.15, 0.8) if bent else 0.0,
        facet=float(np.exp(rng.uniform(np.log(25), np.log(75)))),
        fold=fold,
        creases=int(rng.poisson(1.0)) if bent else 0,
        panels=dice.between(0.1, 1.0) if fold != "none" and dice.chance(0.85) else 0.0,
        dust=dice.between(0, 0.15),
        light=light,
        light_height=height,
    )


def _by_phone(dice: Dice) -> Capture:
    """A phone held over a table: of wood, stone or cloth, and with its own noise reduction and sharpening."""
    capture = draw_capture("phone", dice.rng)
    left, top, right, bottom = (dice.between(-0.02, 0.35) for _ in range(4))
    dark: tuple[RGB, ...] = (
        (44, 40, 38),
        (150, 108, 70),
        (120, 82, 52),
        (74, 58, 130),
        (196, 190, 180),
        (110, 112, 118),
    )
    return replace(
        capture,
        framing=(left, top, right, bottom) if dice.chance(0.5) else capture.framing,
        curl=capture.curl if dice.chance(0.5) else 0.0,
        desk=dice.pick(dark) if dice.chance(0.7) else capture.desk,
        table=dice.pick(("wood", "stone", "cloth", "any"), [0.5, 0.2, 0.15, 0.15]),
        texture=dice.between(0.1, 0.8),
        noise=dice.between(1.0, 9.0),
        denoising=0.0 if dice.chance(0.15) else dice.between(0.3, 1.0),
        sharpening=dice.between(0.3, 2.2) if dice.chance(0.85) else 0.0,
        glare=0.0,
    )


PRESETS: dict[str, Callable[[np.random.Generator], PageStyle]] = {
    "clean": _clean,
    "office_scan": _office_scan,
    "faxed": _faxed,
    "phone_photo": _phone_photo,
    "stained": _stained,
    "mouldy": _mouldy,
    "crumpled": _crumpled,
    "screen_photo": _screen_photo,
    "archive_1980s": _archive_1980s,
    "random": _random,
    "office_print": _office_print,
}
"""Kinds of page, from the neatest to the worst; ``"random"`` draws across all that electrocardiographs print, and
``"office_print"`` what drawing programs and office printers make of it."""

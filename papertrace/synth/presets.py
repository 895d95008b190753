"""Pages by the name of what people meet: each preset draws a fresh page of its kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from papertrace.synth.capture import Capture, draw_capture, random_capture
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
}
"""Kinds of page, from the neatest to the worst; ``"random"`` draws across all of what the printer can do."""

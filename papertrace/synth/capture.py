"""How a picture of the sheet is taken: every knob of scanner, camera, screen and fax, and a draw of all at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from papertrace.synth.canvas import RGB
from papertrace.synth.chance import sometimes
from papertrace.synth.knobs import FLAG, check, described, knob, one_of, rgb, several, within

TABLES = ("any", "wood", "stone", "cloth")
"""What a sheet lies on; ``"any"`` is a desk of faint grain."""

FAX_MODES = ("none", "standard", "fine")
"""No fax; 204 x 98 dots an inch; 204 x 196."""


@described
@dataclass(frozen=True)
class Capture:
    """How the picture is taken; what is not said does not happen. Skew, color mode and JPEG are the page style's.

    Angles are degrees, lengths millimeters of paper, pixels are the picture's. Every effect stands for itself: any may
    be combined.

    Its values hang together by the device: `draw_capture` draws them.

    Raises
    ------
    ValueError
        If a value is not one of those allowed; the message lists them.

    Examples
    --------
    >>> Capture().moves, Capture(tilt=20.0, distance=1.5).moves
    (False, True)
    """

    quarter_turns: int = knob(0, one_of(0, 1, 2, 3), "Times that the picture was turned by 90 degrees clockwise.")
    tilt: float = knob(0.0, within(0, 50), "Angle between the camera's view and the sheet's normal.")
    tilt_direction: float = knob(
        0.0, within(-360, 360), "Side towards which the camera stands: 0 right, 90 at the foot of the page."
    )
    distance: float | None = knob(
        None,
        within(0.7, 10, none=True),
        "From the camera to the sheet, in diagonals of the sheet; None is a scanner's parallel view.",
    )
    aim: tuple[float, float] = knob(
        (0.5, 0.5),
        several(2, -0.5, 1.5),
        "Where on the sheet the camera points, in shares of its width and height: the lens's center.",
    )
    lens: tuple[float, float] = knob(
        (0.0, 0.0),
        several(2, -0.15, 0.15),
        "Radial distortion: a point at r half diagonals from the lens's center is seen at r (1 + k1 r^2 + k2 r^4).",
    )
    framing: tuple[float, float, float, float] = knob(
        (0.0, 0.0, 0.0, 0.0),
        several(4, -0.4, 0.6),
        "Left, top, right, bottom: what is seen beside the sheet, in shares of the sheet's size; negative cuts it off.",
    )
    curl: float = knob(0.0, within(0, 40), "Steepest slope of paper that does not lie flat.")
    curl_direction: float = knob(0.0, within(-360, 360), "Way along which curled paper rises and falls.")
    curl_waves: float = knob(1.0, within(0, 4), "Number of half waves along curled paper.")
    curl_phase: float = knob(90.0, within(-360, 360), "Phase of the slope in the middle of curled paper.")
    lift: float = knob(0.0, within(0, 50), "Slope at the tip of a corner that bends up.")
    lift_corner: int = knob(0, one_of(0, 1, 2, 3), "Which corner bends up: 0 upper left, clockwise.")
    desk: RGB | None = knob(None, rgb(none=True), "What the sheet lies on; None is the style's bed_color.")
    texture: float = knob(0.0, within(0, 1), "Grain of the desk.")
    light_direction: float = knob(225.0, within(-360, 360), "Where the light comes from, as tilt_direction.")
    relief: float = knob(0.7, within(0, 1), "How strongly slopes of the paper are shaded.")
    uneven: float = knob(0.0, within(0, 0.8), "Light lost at the side away from the light.")
    vignette: float = knob(0.0, within(0, 0.8), "Light lost in the picture's corners.")
    shadow: float = knob(0.0, within(0, 0.8), "Depth of the shadow that a hand or phone throws.")
    glare: float = knob(0.0, within(0, 1), "Strength of the gloss on shiny paper.")
    lid: float = knob(0.0, within(0, 1), "Shadow along an edge of a scanner's glass.")
    white_balance: tuple[float, float, float] = knob(
        (1.0, 1.0, 1.0), several(3, 0.4, 1.6), "Gains of red, green and blue; their mean is the exposure."
    )
    haze: float = knob(0.0, within(0, 0.6), "How much of the contrast is lost to stray light.")
    screen_pitch: float = knob(
        2.0,
        within(0.7, 6),
        "Pitch of the raster of a screen that shows the page, in mean pixels of the picture; it beats most near 1 and "
        "2.",
    )
    moire: float = knob(0.0, within(0, 1), "Contrast of a screen's raster.")
    defocus: float = knob(0.0, within(0, 4), "Standard deviation of the blur in pixels.")
    motion: float = knob(0.0, within(0, 15), "Length of the smear in pixels.")
    motion_direction: float = knob(0.0, within(-360, 360), "Way of the smear.")
    noise: float = knob(0.0, within(0, 30), "Standard deviation of the sensor's noise in gray levels on white.")
    sharpening: float = knob(0.0, within(0, 3), "Amount of unsharp masking that the device adds.")
    banding: float = knob(0.0, within(0, 1), "Strength of a scanner's streaks.")
    fax: str = knob("none", one_of(*FAX_MODES), "Resolution of a fax: 204 x 98 dots an inch, or 204 x 196.")
    halftone: bool = knob(False, FLAG, "Whether the fax dithers; otherwise it cuts at a threshold.")
    dropouts: float = knob(0.0, within(0, 0.2), "Share of the fax's lines that are lost.")
    table: str = knob("any", one_of(*TABLES), 'What the desk is made of; "any" leaves it to chance.')
    denoising: float = knob(
        0.0,
        within(0, 1),
        "Strength of a phone's noise reduction: colors are blurred, and the brightness where it has no edge.",
    )
    local_threshold: float = knob(
        0.0,
        within(1, 60, zero=True),
        'Levels below the mean of its surroundings from which a pixel of a "1-bit" picture is black; 0 compares with '
        "half of the paper's light.",
    )

    def __post_init__(self) -> None:
        check(self)

    @property
    def moves(self) -> bool:
        """Whether it bends, projects or cuts the sheet, beyond turning it."""
        return bool(
            self.tilt or self.distance is not None or any(self.lens) or any(self.framing) or self.curl or self.lift
        )


_DESKS: tuple[RGB, ...] = (
    *((150, 118, 88), (104, 78, 56), (190, 162, 128), (222, 214, 202), (238, 238, 236), (178, 182, 186)),
    *((96, 100, 106), (38, 38, 42), (70, 86, 108), (96, 116, 104), (120, 116, 112), (205, 190, 165)),
)


DEVICES = ("direct", "scanner", "phone", "screen", "fax")
"""Devices that take a picture; ``"direct"`` is the machine's own file."""


def random_capture(rng: np.random.Generator) -> Capture:
    """Draw how a picture is taken: mostly a clean screen capture or a scanner, often a phone, a fax or a screen.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of every choice; one state gives one draw.

    Returns
    -------
    Capture

    Examples
    --------
    >>> random_capture(np.random.default_rng(3)) == random_capture(np.random.default_rng(3))
    True
    """
    device = str(rng.choice(DEVICES, p=[0.3, 0.25, 0.3, 0.08, 0.07]))
    turns = int(rng.integers(1, 4)) if rng.random() < 0.08 else 0
    return replace(draw_capture(device, rng), quarter_turns=turns)


def draw_capture(device: str, rng: np.random.Generator) -> Capture:
    """Draw how a device takes a picture of a page that lies the right way up.

    Parameters
    ----------
    device : str
        One of `DEVICES`.
    rng : numpy.random.Generator
        Source of every choice; one state gives one draw.

    Returns
    -------
    Capture

    Raises
    ------
    ValueError
        If there is no such device.

    Examples
    --------
    >>> draw_capture("phone", np.random.default_rng(0)).moves
    True
    """
    if device not in DEVICES:
        raise ValueError(f"device is {device!r}; allowed: {', '.join(DEVICES)}")
    if device == "scanner":
        return _random_scanner(rng)
    if device == "phone":
        return _random_phone(rng)
    if device == "screen":
        return _random_screen(rng)
    if device == "fax":
        return Capture(
            banding=sometimes(rng, 0.3, 0.1, 0.6),
            fax="standard" if rng.random() < 0.3 else "fine",
            halftone=bool(rng.random() < 0.15),
            dropouts=sometimes(rng, 0.4, 0.002, 0.03),
        )
    return Capture()


def _random_scanner(rng: np.random.Generator) -> Capture:
    exposure = rng.uniform(0.9, 1.08)
    tint = exposure * (1 + rng.normal(0, 0.015, 3))
    return Capture(
        lid=sometimes(rng, 0.25, 0.1, 0.6),
        white_balance=_gains(tint),
        haze=sometimes(rng, 0.3, 0.02, 0.2),
        defocus=sometimes(rng, 0.5, 0.3, 0.9),
        noise=float(rng.uniform(0.5, 4.0)),
        sharpening=sometimes(rng, 0.4, 0.3, 1.5),
        banding=sometimes(rng, 0.3, 0.1, 0.8),
    )


def _gains(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in np.clip(values, 0.4, 1.6))
    return red, green, blue


def _random_pose(rng: np.random.Generator, steepest: float) -> dict[str, Any]:
    # People fill the frame with the traces, or cut the picture to them; few show the desk around.
    close = rng.uniform(-0.09, 0.03, 4)
    framing = close if rng.random() < 0.7 else rng.uniform(0.0, 0.12, 4)
    return {
        "tilt": float(min(abs(rng.normal(0, 0.45)) * steepest, steepest)),
        "tilt_direction": float(rng.choice([90.0, 0.0, 180.0, 270.0], p=[0.55, 0.15, 0.15, 0.15]) + rng.normal(0, 25)),
        "distance": float(rng.uniform(1.0, 2.5)),
        "aim": (float(rng.normal(0.5, 0.08)), float(rng.normal(0.5, 0.08))),
        "lens": (float(rng.normal(0, 0.015)), float(rng.normal(0, 0.005))),
        "framing": tuple(float(share) for share in framing),
    }


def _random_phone(rng: np.random.Generator) -> Capture:
    # Phones expose for the paper's mean: it comes out gray rather than white, and indoors it is tinted.
    exposure = rng.triangular(0.6, 0.88, 1.02)
    warmth = rng.normal(0.02, 0.04)
    tint = exposure * np.array([1 + warmth, 1.0 + rng.normal(0, 0.012), 1 - warmth])
    # Most sheets lie nearly flat; a roll's end stays curled.
    curl = sometimes(rng, 0.75, 1.0, 8.0) if rng.random() < 0.8 else float(rng.uniform(8.0, 25.0))
    return Capture(
        **_random_pose(rng, 45.0),
        curl=curl,
        curl_direction=float(rng.choice([0.0, 90.0]) + rng.normal(0, 12)),
        curl_waves=float(rng.uniform(0.4, 2.5)),
        curl_phase=float(rng.uniform(0, 360)),
        lift=sometimes(rng, 0.2, 5.0, 35.0),
        lift_corner=int(rng.integers(4)),
        desk=_DESKS[int(rng.integers(len(_DESKS)))],
        texture=float(rng.uniform(0.05, 0.5)),
        light_direction=float(rng.uniform(0, 360)),
        relief=float(rng.uniform(0.3, 1.0)),
        uneven=float(rng.uniform(0.03, 0.32)),
        vignette=float(rng.uniform(0.0, 0.2)),
        shadow=sometimes(rng, 0.5, 0.08, 0.36),
        glare=sometimes(rng, 0.12, 0.1, 0.5),
        white_balance=_gains(tint),
        haze=sometimes(rng, 0.4, 0.02, 0.15),
        defocus=float(abs(rng.normal(0.1, 0.45))),
        motion=sometimes(rng, 0.15, 1.0, 4.0),
        motion_direction=float(rng.uniform(0, 180)),
        noise=float(rng.uniform(0.5, 6.0)),
        sharpening=sometimes(rng, 0.7, 0.3, 1.8),
    )


def _random_screen(rng: np.random.Generator) -> Capture:
    exposure = rng.uniform(0.8, 1.05)
    return Capture(
        **_random_pose(rng, 20.0),
        desk=(24, 24, 28),
        uneven=float(rng.uniform(0.0, 0.25)),
        vignette=float(rng.uniform(0.0, 0.25)),
        glare=sometimes(rng, 0.3, 0.1, 0.4),
        white_balance=_gains(exposure * np.array([rng.normal(0.95, 0.03), 1.0, rng.normal(1.06, 0.04)])),
        haze=float(rng.uniform(0.02, 0.15)),
        screen_pitch=float(rng.choice([1.0, 2.0, 2.5], p=[0.3, 0.5, 0.2]) * rng.normal(1.0, 0.04)),
        moire=float(rng.uniform(0.05, 0.35)),
        defocus=float(abs(rng.normal(0.4, 0.3))),
        noise=float(rng.uniform(0.5, 5.0)),
        sharpening=sometimes(rng, 0.5, 0.3, 1.5),
    )

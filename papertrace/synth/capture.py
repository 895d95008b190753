"""How a picture of the sheet is taken: every knob of scanner, camera, screen and fax, and a draw of all at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from papertrace.synth.chance import sometimes

RGB = tuple[int, int, int]

FAX_MODES = ("none", "standard", "fine")
"""No fax; 204 x 98 dots an inch; 204 x 196."""


@dataclass(frozen=True)
class Capture:
    """How the picture is taken; what is not said does not happen. Skew, colour mode and JPEG are the page style's.

    Angles are degrees, lengths millimetres of paper, pixels are the picture's. Every effect stands for itself: any may
    be combined.

    Attributes
    ----------
    quarter_turns : int
        Times that the picture was turned by 90 degrees clockwise, 0 to 3.
    tilt, tilt_direction : float
        Angle between the camera's view and the sheet's normal, 0 to 50, and the side towards which the camera stands:
        0 right, 90 at the foot of the page.
    distance : float or None
        From the camera to the sheet, in diagonals of the sheet, 0.7 to 10; None is a scanner's parallel view.
    aim : tuple of float
        Where on the sheet the camera points, in shares of its width and height: the lens's centre.
    lens : tuple of float
        Radial distortion: a point at r half diagonals from the lens's centre is seen at r (1 + k1 r^2 + k2 r^4).
    framing : tuple of float
        Left, top, right, bottom: what is seen beside the sheet, in shares of the sheet's size; negative cuts it off.
    curl, curl_direction, curl_waves, curl_phase : float
        Paper that does not lie flat: its steepest slope, 0 to 40; the way along which it rises and falls; the number of
        half waves along the sheet; and the slope's phase in its middle.
    lift, lift_corner : float, int
        Slope at the tip of a corner that bends up, 0 to 50, and which one: 0 upper left, clockwise.
    desk : RGB or None
        What the sheet lies on; None is the style's `bed_color`.
    texture : float
        Grain of the desk, 0 to 1.
    light_direction : float
        Where the light comes from, as `tilt_direction`.
    relief : float
        How strongly slopes of the paper are shaded, 0 to 1.
    uneven : float
        Light lost at the side away from the light, 0 to 0.8.
    vignette : float
        Light lost in the picture's corners, 0 to 0.8.
    shadow : float
        Depth of the shadow that a hand or phone throws, 0 to 0.8.
    glare : float
        Strength of the gloss on shiny paper, 0 to 1.
    lid : float
        Shadow along an edge of a scanner's glass, 0 to 1.
    white_balance : tuple of float
        Gains of red, green and blue, 0.4 to 1.6; their mean is the exposure.
    haze : float
        How much of the contrast is lost to stray light, 0 to 0.6.
    screen_pitch, moire : float
        Pitch of the raster of a screen that shows the page, 0.7 to 6 mean pixels of the picture, and its contrast, 0 to
        1; it beats most where it is near 1 or 2.
    defocus : float
        Standard deviation of the blur in pixels, 0 to 4.
    motion, motion_direction : float
        Length of the smear in pixels, 0 to 15, and its way.
    noise : float
        Standard deviation of the sensor's noise in grey levels on white, 0 to 30.
    sharpening : float
        Amount of unsharp masking that the device adds, 0 to 3.
    banding : float
        Strength of a scanner's streaks, 0 to 1.
    fax : str
        ``"none"``, ``"standard"`` (204 x 98 dots an inch) or ``"fine"`` (204 x 196).
    halftone : bool
        Whether the fax dithers; otherwise it cuts at a threshold.
    dropouts : float
        Share of the fax's lines that are lost, 0 to 0.2.

    Raises
    ------
    ValueError
        If a value is not one of those allowed; the message lists them.

    Examples
    --------
    >>> Capture().moves, Capture(tilt=20.0, distance=1.5).moves
    (False, True)
    """

    quarter_turns: int = 0
    tilt: float = 0.0
    tilt_direction: float = 0.0
    distance: float | None = None
    aim: tuple[float, float] = (0.5, 0.5)
    lens: tuple[float, float] = (0.0, 0.0)
    framing: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    curl: float = 0.0
    curl_direction: float = 0.0
    curl_waves: float = 1.0
    curl_phase: float = 90.0
    lift: float = 0.0
    lift_corner: int = 0
    desk: RGB | None = None
    texture: float = 0.0
    light_direction: float = 225.0
    relief: float = 0.7
    uneven: float = 0.0
    vignette: float = 0.0
    shadow: float = 0.0
    glare: float = 0.0
    lid: float = 0.0
    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    haze: float = 0.0
    screen_pitch: float = 2.0
    moire: float = 0.0
    defocus: float = 0.0
    motion: float = 0.0
    motion_direction: float = 0.0
    noise: float = 0.0
    sharpening: float = 0.0
    banding: float = 0.0
    fax: str = "none"
    halftone: bool = False
    dropouts: float = 0.0

    def __post_init__(self) -> None:
        for name, choices in (("quarter_turns", range(4)), ("lift_corner", range(4)), ("fax", FAX_MODES)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is {getattr(self, name)!r}; allowed: {', '.join(map(str, choices))}")
        ranges: tuple[tuple[str, float, float], ...] = (
            ("tilt", 0.0, 50.0),
            ("tilt_direction", -360.0, 360.0),
            ("curl", 0.0, 40.0),
            ("curl_direction", -360.0, 360.0),
            ("curl_waves", 0.0, 4.0),
            ("curl_phase", -360.0, 360.0),
            ("lift", 0.0, 50.0),
            ("texture", 0.0, 1.0),
            ("light_direction", -360.0, 360.0),
            ("relief", 0.0, 1.0),
            ("uneven", 0.0, 0.8),
            ("vignette", 0.0, 0.8),
            ("shadow", 0.0, 0.8),
            ("glare", 0.0, 1.0),
            ("lid", 0.0, 1.0),
            ("haze", 0.0, 0.6),
            ("screen_pitch", 0.7, 6.0),
            ("moire", 0.0, 1.0),
            ("defocus", 0.0, 4.0),
            ("motion", 0.0, 15.0),
            ("motion_direction", -360.0, 360.0),
            ("noise", 0.0, 30.0),
            ("sharpening", 0.0, 3.0),
            ("banding", 0.0, 1.0),
            ("dropouts", 0.0, 0.2),
        )
        for name, low, high in ranges:
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name} is {getattr(self, name)}; allowed: {low:g} to {high:g}")
        several: tuple[tuple[str, int, float, float], ...] = (
            ("aim", 2, -0.5, 1.5),
            ("lens", 2, -0.15, 0.15),
            ("framing", 4, -0.4, 0.6),
            ("white_balance", 3, 0.4, 1.6),
        )
        for name, count, low, high in several:
            values = getattr(self, name)
            if len(values) != count or not all(low <= value <= high for value in values):
                raise ValueError(f"{name} is {values}; allowed: {count} values of {low:g} to {high:g}")
        if self.distance is not None and not 0.7 <= self.distance <= 10.0:
            raise ValueError(f"distance is {self.distance}; allowed: None or 0.7 to 10")
        if self.desk is not None and (len(self.desk) != 3 or not all(0 <= level <= 255 for level in self.desk)):
            raise ValueError(f"desk is {self.desk}; allowed: None or three levels of 0 to 255")

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
"""What a picture may be taken with; ``"direct"`` is the machine's own file."""


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
    # Phones expose for the paper's mean: it comes out grey rather than white, and indoors it is tinted.
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

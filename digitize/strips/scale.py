"""Speed and gain of a page: as printed, as its calibration pulses measure, or as is usual."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from digitize.geometry.rectify import PIXELS_PER_MM
from digitize.ocr.text import PrintedScale
from digitize.records.standards import GAINS, PULSE_SECONDS, SPEEDS, USUAL_GAIN, USUAL_SPEED
from digitize.tracing.symbols import Pulse


@dataclass(frozen=True)
class Scale:
    """What a millimetre is worth, and how that came to be known (`digitize.records.results.Calibration`).

    `chest_gain` is that of V1 to V6: on many pages half of the limb leads'.
    """

    speed: float
    gain: float
    chest_gain: float
    speed_source: str
    gain_source: str
    warnings: tuple[str, ...]


def find_scale(
    printed: PrintedScale,
    pulses: Sequence[Pulse],
    chest_rows: Collection[int] = (),
    *,
    speed: float | None = None,
    gain: float | None = None,
) -> Scale:
    """Decide on speed and gain.

    Parameters
    ----------
    printed : PrintedScale
        What the page says.
    pulses : sequence of Pulse
        1 mV pulses of the upright page.
    chest_rows : collection of int
        Rows that show chest leads only: where their pulses are of another height, chest leads have a gain of their own.
        So they have where a pulse has a second, lower roof.
    speed, gain : float, optional
        mm/s and mm/mV as the caller knows them; they win.

    Returns
    -------
    Scale

    Examples
    --------
    >>> pulses = [Pulse(0, 100.0, 150.0, 300.0, 351.0)]
    >>> scale = find_scale(PrintedScale(25.0, None, None, "25 mm/s"), pulses)
    >>> scale.speed, scale.speed_source, scale.gain, scale.gain_source
    (25.0, 'read', 5.0, 'measured')
    """
    warnings = []
    chest_heights = [_height(pulse) for pulse in pulses if pulse.row in chest_rows]
    chest_heights += [(pulse.foot - pulse.step) / PIXELS_PER_MM for pulse in pulses if not math.isnan(pulse.step)]
    # Where all rows are chest leads', theirs is the page's gain.
    heights = [_height(pulse) for pulse in pulses if pulse.row not in chest_rows] or chest_heights
    widths = [(pulse.right - pulse.left) / PIXELS_PER_MM for pulse in pulses]
    measured_gain = _nearest(float(np.median(heights)), GAINS, 0.08) if heights else None
    measured_speed = _nearest(float(np.median(widths)) / PULSE_SECONDS, SPEEDS, 0.08) if widths else None

    measured_chest = _nearest(float(np.median(chest_heights)), GAINS, 0.08) if chest_heights else None

    chest_gain, printed_chest = None, gain is None and printed.gain is not None and printed.chest_gain is not None
    if gain is not None:
        gain_source = "given"
    elif printed.gain is not None:
        gain, gain_source = printed.gain, "read"
    elif measured_gain is not None:
        gain, gain_source = measured_gain, "measured"
    else:
        gain, gain_source = USUAL_GAIN, "assumed"
        warnings.append(f"gain assumed: {gain:g} mm/mV (neither print nor calibration pulse tells)")
    if printed_chest:
        chest_gain = printed.chest_gain
    elif gain_source != "given" and measured_gain == gain:
        chest_gain = measured_chest
    if chest_gain is not None and chest_gain != gain:
        warnings.append(f"chest leads are printed at {chest_gain:g} mm/mV, limb leads at {gain:g}")
    if speed is not None:
        speed_source = "given"
    elif printed.speed is not None:
        speed, speed_source = printed.speed, "read"
    elif measured_speed is not None and measured_speed >= USUAL_SPEED:
        # Pulses shorter than the custom are more common than slower paper.
        speed, speed_source = measured_speed, "measured"
    else:
        speed, speed_source = USUAL_SPEED, "assumed"
        warnings.append(f"speed assumed: {speed:g} mm/s (neither print nor calibration pulse tells)")

    if measured_gain is not None and measured_gain != gain:
        warnings.append(
            f"the calibration pulse is {np.median(heights):.1f} mm high, but the gain is {gain:g} mm/mV ({gain_source})"
        )
    if measured_chest is not None and printed_chest and measured_chest != chest_gain:
        warnings.append(
            f"the chest leads' calibration pulse is {np.median(chest_heights):.1f} mm high, but their gain is "
            f"{chest_gain:g} mm/mV (read)"
        )
    if measured_speed is not None and measured_speed > speed:
        # The other way round it would be a pulse shorter than the custom.
        warnings.append(
            f"the calibration pulse is {np.median(widths):.1f} mm wide, {PULSE_SECONDS:g} s at {measured_speed:g} "
            f"mm/s, but the speed is {speed:g} mm/s ({speed_source})"
        )
    return Scale(speed, gain, chest_gain or gain, speed_source, gain_source, tuple(warnings))


def _height(pulse: Pulse) -> float:
    return (pulse.foot - pulse.top) / PIXELS_PER_MM


def _nearest(value: float, allowed: tuple[float, ...], tolerance: float) -> float | None:
    best = min(allowed, key=lambda candidate: abs(np.log(candidate / max(value, 1e-6))))
    return best if abs(value / best - 1) < tolerance else None

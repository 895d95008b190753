"""Speed and gain of a page: as printed, as its calibration pulses measure, or as is usual."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from digitize.ocr.text import PrintedScale
from digitize.records.standards import GAINS, PULSE_SECONDS, SPEEDS, USUAL_GAIN, USUAL_SPEED
from digitize.records.symbols import Pulse
from digitize.records.upright import PIXELS_PER_MM
from digitize.records.values import Scale, Value

_OFF = 0.08
"""Part by which a pulse may be off what it means."""


@dataclass(frozen=True)
class _PulseSizes:
    """Calibration pulses in millimeters, the median of each kind; None where there are none."""

    height: float | None
    chest_height: float | None
    width: float | None

    @property
    def gain(self) -> float | None:
        """Gain of the limb leads, of `GAINS`; of a page of chest leads only, theirs."""
        return _nearest(self.height, GAINS)

    @property
    def chest_gain(self) -> float | None:
        """Gain of the chest leads, of `GAINS`, where they have pulses of their own."""
        return _nearest(self.chest_height, GAINS)

    @property
    def speed(self) -> float | None:
        """Paper speed, of `SPEEDS`, if the pulses keep to the custom."""
        return None if self.width is None else _nearest(self.width / PULSE_SECONDS, SPEEDS)


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
    >>> scale.speed, scale.gain
    (Value(value=25.0, source='read'), Value(value=5.0, source='measured'))
    """
    sizes = _measure_pulses(pulses, chest_rows)
    # Pulses shorter than the custom are more common than slower paper.
    fast = sizes.speed if sizes.speed is not None and sizes.speed >= USUAL_SPEED else None
    found_speed = resolve(speed, printed.speed, fast, USUAL_SPEED)
    found_gain = resolve(gain, printed.gain, sizes.gain, USUAL_GAIN)
    # What tells of the chest leads holds beside what it tells of the others.
    printed_chest = None if printed.gain is None else printed.chest_gain
    measured_chest = sizes.chest_gain if sizes.gain == found_gain.value else None
    chest_gain = resolve(gain, printed_chest, measured_chest, found_gain.value)
    warnings = [
        *_warn_of_assumed(found_speed, found_gain, chest_gain),
        *_warn_of_print(printed, found_speed, found_gain),
        *_warn_of_pulses(sizes, found_speed, found_gain, chest_gain),
    ]
    return Scale(found_speed, found_gain, chest_gain, tuple(warnings))


def resolve(given: float | None, printed: float | None, measured: float | None, usual: float) -> Value:
    """Decide on one quantity: what the caller knows comes before print, print before measures, these before custom.

    Parameters
    ----------
    given, printed, measured : float or None
        What each of them says; None where it says nothing.
    usual : float
        What is assumed where none does.

    Returns
    -------
    Value

    Examples
    --------
    >>> resolve(None, 10.0, 5.0, 10.0)
    Value(value=10.0, source='read')
    >>> resolve(None, None, None, 25.0)
    Value(value=25.0, source='assumed')
    """
    if given is not None:
        return Value(given, "given")
    if printed is not None:
        return Value(printed, "read")
    if measured is not None:
        return Value(measured, "measured")
    return Value(usual, "assumed")


def _measure_pulses(pulses: Sequence[Pulse], chest_rows: Collection[int]) -> _PulseSizes:
    chest_heights = [_height(pulse) for pulse in pulses if pulse.row in chest_rows]
    chest_heights += [(pulse.foot - pulse.step) / PIXELS_PER_MM for pulse in pulses if not math.isnan(pulse.step)]
    # Where all rows are chest leads', theirs is the page's gain.
    heights = [_height(pulse) for pulse in pulses if pulse.row not in chest_rows] or chest_heights
    widths = [(pulse.right - pulse.left) / PIXELS_PER_MM for pulse in pulses]
    return _PulseSizes(*(float(np.median(sizes)) if sizes else None for sizes in (heights, chest_heights, widths)))


def _warn_of_assumed(speed: Value, gain: Value, chest_gain: Value) -> list[str]:
    """Tell what nothing on the page says, and that leads are printed at different gains."""
    warnings = []
    if gain.source == "assumed":
        warnings.append(f"gain assumed: {gain.value:g} mm/mV (neither print nor calibration pulse tells)")
    if chest_gain.value != gain.value:
        warnings.append(f"chest leads are printed at {chest_gain.value:g} mm/mV, limb leads at {gain.value:g}")
    if speed.source == "assumed":
        warnings.append(f"speed assumed: {speed.value:g} mm/s (neither print nor calibration pulse tells)")
    return warnings


def _warn_of_print(printed: PrintedScale, speed: Value, gain: Value) -> list[str]:
    """Tell where what the caller gave contradicts what the page says."""
    told = (("speed", speed, printed.speed, "mm/s"), ("gain", gain, printed.gain, "mm/mV"))
    return [
        f"the page says {said:g} {unit}, but the {what} is {found.value:g} {unit} (given)"
        for what, found, said, unit in told
        if found.source == "given" and said is not None and said != found.value
    ]


def _warn_of_pulses(sizes: _PulseSizes, speed: Value, gain: Value, chest_gain: Value) -> list[str]:
    """Tell where calibration pulses contradict what was decided."""
    warnings = []
    if sizes.gain is not None and sizes.gain != gain.value:
        warnings.append(
            f"the calibration pulse is {sizes.height:.1f} mm high, but the gain is {gain.value:g} mm/mV ({gain.source})"
        )
    if sizes.chest_gain is not None and chest_gain.source == "read" and sizes.chest_gain != chest_gain.value:
        warnings.append(
            f"the chest leads' calibration pulse is {sizes.chest_height:.1f} mm high, but their gain is "
            f"{chest_gain.value:g} mm/mV (read)"
        )
    # The other way round it would be a pulse shorter than the custom.
    if sizes.speed is not None and sizes.speed > speed.value:
        warnings.append(
            f"the calibration pulse is {sizes.width:.1f} mm wide, {PULSE_SECONDS:g} s at {sizes.speed:g} "
            f"mm/s, but the speed is {speed.value:g} mm/s ({speed.source})"
        )
    return warnings


def _height(pulse: Pulse) -> float:
    return (pulse.foot - pulse.top) / PIXELS_PER_MM


def _nearest(value: float | None, allowed: tuple[float, ...]) -> float | None:
    """The allowed value that a measured one means; None where it is too far from all, or there is none."""
    if value is None:
        return None
    best = min(allowed, key=lambda candidate: abs(np.log(candidate / max(value, 1e-6))))
    return best if abs(value / best - 1) < _OFF else None

"""Made-up words for the top and the bottom of a page: nobody's identity, plausible measurements, any statement.

The words are drawn without looking at the signal, so nothing can be learnt from them about it, except from the footer,
which states the page's true speed and gain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_RHYTHMS = ("Normal sinus rhythm", "Sinus bradycardia", "Sinus tachycardia", "Atrial fibrillation")
_FINDINGS = (
    "Left axis deviation",
    "Left bundle branch block",
    "Incomplete right bundle branch block",
    "Premature ventricular complexes",
    "Nonspecific T wave abnormality",
    "Inferior infarct, age undetermined",
    "Minimal voltage criteria for LVH",
)
_FOOTERS = (
    "{speed} mm/s   {gain} mm/mV   0.05-150 Hz",
    "{speed}mm/s  {gain}mm/mV",
    "{speed} mm/sec    {gain} mm/mV    ~ 0.15-100 Hz",
    "Speed: {speed} mm/sec   Limb: {gain} mm/mV   Chest: {gain} mm/mV",
    "{gain} mm/mV  {speed} mm/s  Filter: H50 d 35 Hz",
    "Device: 0001  Speed: {speed} mm/s  Gain: {gain} mm/mV  F 50~ 0.5-40 Hz",
    "{speed}.0 mm/s  {gain}.0 mm/mV  100Hz",
)


@dataclass(frozen=True)
class HeaderColumn:
    """Lines of text that start at a fraction `place` of the page's printable width."""

    place: float
    lines: tuple[str, ...]


def header_columns(rng: np.random.Generator) -> list[HeaderColumn]:
    """Make up a header: who, what was measured, what it is said to mean.

    Parameters
    ----------
    rng : numpy.random.Generator

    Returns
    -------
    list of HeaderColumn

    Examples
    --------
    >>> header_columns(np.random.default_rng(0))[0].lines[0].startswith("ID: ")
    True
    """
    number = int(rng.integers(1, 100000))
    age = int(rng.integers(18, 96))
    sex = str(rng.choice(["Male", "Female", "M", "F"]))
    year, month, day = int(rng.integers(1985, 2025)), int(rng.integers(1, 13)), int(rng.integers(1, 29))
    clock = f"{rng.integers(0, 24):02d}:{rng.integers(0, 60):02d}"
    date = str(rng.choice([f"{year}-{month:02d}-{day:02d} {clock}", f"{day:02d}.{month:02d}.{year} {clock}"]))
    who: tuple[str, ...]
    if rng.random() < 0.5:
        who = (f"ID: {number:05d}", f"Age: {age} yrs   Sex: {sex}", f"Date: {date}")
    else:
        who = (f"ID: {number:05d}  {date}", f"{age} years  {sex}")
    columns = [HeaderColumn(0.0, who)]
    rate, interval = int(rng.integers(45, 130)), int(rng.integers(110, 230))
    duration, qt = int(rng.integers(70, 160)), int(rng.integers(320, 480))
    axes = rng.integers(-60, 110, 3)
    if rng.random() < 0.7:
        measurements = (
            f"Vent. rate {rate:8d} BPM",
            f"PR interval {interval:7d} ms",
            f"QRS duration {duration:6d} ms",
            f"QT/QTc {qt:7d}/{qt + 20} ms",
            f"P-R-T axes {axes[0]:5d} {axes[1]:3d} {axes[2]:3d}",
        )
        columns.append(HeaderColumn(0.36, measurements[: int(rng.integers(2, 6))]))
    if rng.random() < 0.7:
        rhythm = str(rng.choice(_RHYTHMS))
        chosen = rng.choice(len(_FINDINGS), int(rng.integers(0, 3)), replace=False)
        normal = rhythm == _RHYTHMS[0] and not len(chosen)
        verdict = "Normal ECG" if normal else str(rng.choice(["Abnormal ECG", "Borderline ECG"]))
        columns.append(HeaderColumn(0.66, (rhythm, *(_FINDINGS[index] for index in chosen), verdict, "Unconfirmed")))
    return columns


def footer_text(rng: np.random.Generator, speed: float, gain: float) -> tuple[str, float]:
    """Spell speed and gain in one of the ways printers do.

    Parameters
    ----------
    rng : numpy.random.Generator
    speed, gain : float
        mm/s and mm/mV.

    Returns
    -------
    string : str
    place : float
        Where it starts, as a fraction of the printable width.

    Examples
    --------
    >>> "25" in footer_text(np.random.default_rng(0), 25.0, 10.0)[0]
    True
    """
    template = str(rng.choice(_FOOTERS))
    return template.format(speed=f"{speed:g}", gain=f"{gain:g}"), float(rng.choice([0.0, 0.2, 0.55]))

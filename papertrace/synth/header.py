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
_MORE_FINDINGS = (
    *_FINDINGS,
    "*** Poor data quality, interpretation may be adversely affected",
    "Nonspecific ST and T wave abnormality",
    "Possible left atrial enlargement",
    "ST elevation, consider early repolarization",
    "Prolonged QT",
    "Low voltage QRS",
    "First degree AV block",
    "Right axis deviation",
    "No previous ECGs available",
)
_TITLES = ("ECG", "12-lead ECG", "Resting ECG", "Electrocardiogram", "ECG Report", "ECG of record {number:05d}")
_FOOTERS = (
    "{speed:g} mm/s   {gain:g} mm/mV   0.05-150 Hz",
    "{speed:g}mm/s  {gain:g}mm/mV",
    "{speed:g} mm/sec    {gain:g} mm/mV    ~ 0.15-100 Hz",
    "Speed: {speed:g} mm/sec   Limb: {gain:g} mm/mV   Chest: {gain:g} mm/mV",
    "{gain:g} mm/mV  {speed:g} mm/s  Filter: H50 d 35 Hz",
    "Device: 0001  Speed: {speed:g} mm/s  Gain: {gain:g} mm/mV  F 50~ 0.5-40 Hz",
    "{speed:.1f} mm/s  {gain:.1f} mm/mV  100Hz",
)
_CHEST_FOOTERS = (
    "Speed: {speed:g} mm/sec   Limb: {gain:g} mm/mV   Chest: {chest:g} mm/mV",
    "{speed:g} mm/s   {gain:g}/{chest:g} mm/mV   0.05-150 Hz",
    "{speed:g}mm/s  {gain:g}mm/mV  V: {chest:g}mm/mV  100Hz",
    "{speed:g} mm/s  limb {gain:g} mm/mV  precordial {chest:g} mm/mV",
)


@dataclass(frozen=True)
class HeaderColumn:
    """Lines of text that start at a fraction `place` of the page's printable width.

    Tabs part a line into cells, which stand in columns: the first and the last flush left, any other flush right. An
    empty line leaves its place empty.
    """

    place: float
    lines: tuple[str, ...]


def header_columns(rng: np.random.Generator, form: str = "plain") -> list[HeaderColumn]:
    """Make up a header: who, what was measured, what it is said to mean.

    Parameters
    ----------
    rng : numpy.random.Generator
    form : str
        One of `papertrace.synth.style.HEADER_FORMS`.

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
    rate, interval = int(rng.integers(45, 130)), int(rng.integers(110, 230))
    duration, qt = int(rng.integers(70, 160)), int(rng.integers(320, 480))
    axes = rng.integers(-60, 110, 3)
    if form == "title":
        title = str(rng.choice(_TITLES)).format(number=number)
        place = float(rng.choice([0.0, 0.4]))
        return [HeaderColumn(place, (title, f"{date}   {rate} bpm") if rng.random() < 0.4 else (title,))]
    if form == "fields":
        height, weight = int(rng.integers(150, 195)), int(rng.integers(48, 120))
        return [
            HeaderColumn(0.0, (f"ID: {number:05d}", f"Age: {age} yrs", f"Sex: {sex}")),
            HeaderColumn(0.3, ("Name:", f"Height: {height} cm", f"Weight: {weight} kg")),
            HeaderColumn(0.6, (f"Date: {date}", "Dept:", f"Room: {rng.integers(1, 40)}")),
        ]
    if form == "compact":
        first = f"{number:05d}   {date}   {age} y   {sex}"
        second = f"HR {rate}/min   PR {interval}   QRS {duration}   QT/QTc {qt}/{qt + 20} ms   Axis {axes[1]}\u00b0"
        return [HeaderColumn(0.0, (first, second) if rng.random() < 0.6 else (f"{first}   HR {rate}/min",))]
    if form == "table":
        left = (f"ID: {number:05d}", date, f"{age} yr", sex, "", f"Room: {rng.integers(1, 40)}", "Loc:")
        measured = (
            f"Vent. rate\t{rate}\tBPM",
            f"PR interval\t{interval}\tms",
            f"QRS duration\t{duration}\tms",
            f"QT/QTc\t{qt}/{qt + 20}\tms",
            f"P-R-T axes\t{axes[0]}   {axes[1]}   {axes[2]}\t",
        )
        doctors = ("", "Technician:", "Referred by:")[: int(rng.integers(1, 4))]
        return [
            HeaderColumn(0.0, left[: int(rng.integers(3, 8))]),
            HeaderColumn(0.22, measured + doctors),
            HeaderColumn(0.55, (*_statements(rng, _MORE_FINDINGS), "", "Confirmed by:")),
        ]
    columns = [HeaderColumn(0.0, who)]
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
        columns.append(HeaderColumn(0.66, (*_statements(rng, _FINDINGS), "Unconfirmed")))
    return columns


def _statements(rng: np.random.Generator, findings: tuple[str, ...]) -> tuple[str, ...]:
    rhythm = str(rng.choice(_RHYTHMS))
    chosen = rng.choice(len(findings), int(rng.integers(0, 3)), replace=False)
    normal = rhythm == _RHYTHMS[0] and not len(chosen)
    verdict = "Normal ECG" if normal else str(rng.choice(["Abnormal ECG", "Borderline ECG"]))
    return (rhythm, *(findings[index] for index in chosen), verdict)


def footer_text(
    rng: np.random.Generator, speed: float, gain: float, chest_gain: float | None = None
) -> tuple[str, float]:
    """Spell speed and gain in one of the ways printers do.

    Parameters
    ----------
    rng : numpy.random.Generator
    speed, gain : float
        mm/s and mm/mV.
    chest_gain : float, optional
        mm/mV of V1 to V6 where it is another.

    Returns
    -------
    string : str
    place : float
        Where it starts, as a fraction of the printable width.

    Examples
    --------
    >>> "25" in footer_text(np.random.default_rng(0), 25.0, 10.0)[0]
    True
    >>> "5" in footer_text(np.random.default_rng(0), 25.0, 10.0, 5.0)[0]
    True
    """
    template = str(rng.choice(_FOOTERS if chest_gain is None else _CHEST_FOOTERS))
    chest = gain if chest_gain is None else chest_gain
    return template.format(speed=speed, gain=gain, chest=chest), float(rng.choice([0.0, 0.2, 0.55]))

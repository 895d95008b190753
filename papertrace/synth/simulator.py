"""Twelve leads of a healthy heart when no recording is at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digitize.records.layouts import LEAD_NAMES

_HEIGHT = np.sqrt(3) / 2
_LEADS: dict[str, tuple[float, float, float]] = {
    "I": (1.0, 0.0, 0.0),
    "II": (0.5, _HEIGHT, 0.0),
    "V1": (-0.515, 0.157, -0.917),
    "V2": (0.044, 0.164, -1.387),
    "V3": (0.882, 0.098, -1.277),
    "V4": (1.213, 0.127, -0.601),
    "V5": (1.125, 0.127, -0.086),
    "V6": (0.831, 0.076, 0.230),
}
"""Weights of a dipole to the left, to the feet and to the back in each lead: Einthoven's triangle and, for the
chest, Dower's vectors (1980). The other limb leads follow from I and II."""

_QRS_AXIS = (32.0, 56.0)
_PR_MS, _PR_PER_BEAT = 160.0, 0.45  # at 60/min, and how much shorter it is for each beat a minute more
_SHORTEST_PR_MS, _LONGEST_PR_MS = 122.0, 196.0
_SPREAD_PR_MS = 12.0
_QRS_MS = (82.0, 98.0)
_QTC_MS = (380.0, 410.0)
_P_MS = (92.0, 104.0)

_BREATHING_HZ, _BREATHING, _UNEVEN = 0.25, 0.02, 0.008
_NOISE_MV = 0.006
_TANGENT = 0.5 + 1 / np.pi
"""Share of a squared cosine's descent after which the steepest tangent to it meets the level."""


class Wave(NamedTuple):
    """A squared cosine that rises from `start` to `top` and falls to `end`, so that it begins and ends at sharp times.

    Attributes
    ----------
    start, top, end : float
        Milliseconds from the onset of the QRS complex.
    dipole : ndarray, shape (3,)
        Millivolts to the left, to the feet and to the back at the top.
    """

    start: float
    top: float
    end: float
    dipole: NDArray[np.float64]


@dataclass(frozen=True)
class Heart:
    """A healthy heart at one rate.

    Attributes
    ----------
    heart_rate : float
        Beats a minute.
    pr, qrs, qt : float
        Intervals in milliseconds, by construction: from the first sample that is not level to the last; the T wave
        ends where the steepest tangent to its descent meets the level (Lepeschkin and Surawicz 1952).
    axis : float
        Degrees of the frontal axis, by the net areas of the QRS complex.
    waves : tuple of Wave
        Of the atria, the ventricles and the T wave.
    """

    heart_rate: float
    pr: float
    qrs: float
    qt: float
    axis: float
    waves: tuple[Wave, ...]


def draw_heart(heart_rate: float = 70.0, seed: int = 0) -> Heart:
    """Draw a healthy heart: PR interval, QRS duration, QT interval and axis lie in the normal ranges at any rate.

    A dipole stands for the atria and for the ventricles (McSharry et al. 2003 lay bells along one lead; here they are
    laid along the path of a dipole, so that the twelve leads belong together). QT follows the rate by the cube root of
    the RR interval (Fridericia 1920); PR becomes shorter at faster rates.

    Parameters
    ----------
    heart_rate : float
        Beats a minute.
    seed : int

    Returns
    -------
    Heart

    Examples
    --------
    >>> heart = draw_heart(110, seed=3)
    >>> 80 <= heart.qrs <= 100, 120 <= heart.pr <= 200, 30 <= heart.axis <= 60
    (True, True, True)
    """
    rng = np.random.default_rng([seed, 1])
    usual_pr = _PR_MS - _PR_PER_BEAT * (heart_rate - 60) + rng.uniform(-_SPREAD_PR_MS, _SPREAD_PR_MS)
    pr = float(np.clip(usual_pr, _SHORTEST_PR_MS, _LONGEST_PR_MS))
    qrs, p, qtc = (float(rng.uniform(*limits)) for limits in (_QRS_MS, _P_MS, _QTC_MS))
    qt = qtc * (60 / heart_rate) ** (1 / 3)
    axis = float(rng.uniform(*_QRS_AXIS))
    gain = rng.uniform(0.8, 1.2)

    def wave(start: float, top: float, end: float, *dipole: float) -> Wave:
        return Wave(start, top, end, gain * rng.uniform(0.85, 1.15) * np.array(dipole))

    atria = (
        wave(-pr, 0.42 * p - pr, 0.84 * p - pr, 0.05, 0.09, -0.05),
        wave(0.2 * p - pr, 0.6 * p - pr, p - pr, 0.07, 0.05, 0.04),
    )
    ventricles = (
        wave(0.0, 0.18 * qrs, 0.4 * qrs, -0.2, 0.06, -0.22),  # septum
        wave(0.12 * qrs, 0.42 * qrs, 0.74 * qrs, 0.95, 0.8, 0.25),  # apex and free walls
        wave(0.3 * qrs, 0.58 * qrs, 0.9 * qrs, 0.1, 0.05, 0.75),
        wave(0.62 * qrs, 0.8 * qrs, qrs, 0.02, -0.26, 0.2),  # base
    )
    turned = _turned(ventricles, axis)
    recovery = qt - qrs
    t_top = qt - 0.3 * recovery
    t = wave(qrs + 0.22 * recovery, t_top, t_top + (qt - t_top) / _TANGENT, 0.27, 0.2, -0.2)
    return Heart(heart_rate, pr, qrs, qt, axis, (*atria, *turned, t))


def simulate(seconds: float = 10.0, fs: float = 500.0, heart_rate: float = 70.0, seed: int = 0) -> NDArray[np.float64]:
    """Simulate a normal 12-lead ECG.

    Parameters
    ----------
    seconds : float
    fs : float
        Hz; a whole number.
    heart_rate : float
        Beats a minute.
    seed : int
        Rhythm, heart (that of `draw_heart`) and noise.

    Returns
    -------
    ndarray, shape (12, round(seconds * fs)), float64
        Millivolts in the order of `digitize.records.layouts.LEAD_NAMES`.

    Raises
    ------
    ValueError
        If a value is not one of those allowed.

    References
    ----------
    McSharry PE, Clifford GD, Tarassenko L, Smith LA. A dynamical model for generating synthetic electrocardiogram
    signals. IEEE Trans Biomed Eng 2003;50:289-94.

    Dower GE, Machado HB, Osborne JA. On deriving the electrocardiogram from vectorcardiographic leads. Clin Cardiol
    1980;3:87-95.

    Examples
    --------
    >>> leads = simulate(2.5, 250, seed=1)
    >>> leads.shape, float(abs(leads[0] + leads[2] - leads[1]).max()) < 1e-12
    ((12, 625), True)
    """
    if not 1.0 <= seconds <= 600.0:
        raise ValueError(f"seconds is {seconds}; allowed: 1 to 600")
    if fs != round(fs) or not 100 <= fs <= 2000:
        raise ValueError(f"fs is {fs}; allowed: whole numbers of 100 to 2000")
    if not 30.0 <= heart_rate <= 200.0:
        raise ValueError(f"heart_rate is {heart_rate}; allowed: 30 to 200")
    rng = np.random.default_rng([seed, 2])
    dipole = _beating(draw_heart(heart_rate, seed), round(seconds * fs), fs, rng)
    simulated = {name: vector @ dipole for name, vector in _LEADS.items()}
    simulated = {name: lead + _NOISE_MV * rng.standard_normal(len(lead)) for name, lead in simulated.items()}
    first, second = simulated["I"], simulated["II"]
    leads = {
        **simulated,
        "III": second - first,
        "aVR": -(first + second) / 2,
        "aVL": first - second / 2,
        "aVF": second - first / 2,
    }
    return np.array([leads[name] for name in LEAD_NAMES])


def _turned(waves: tuple[Wave, ...], axis: float) -> tuple[Wave, ...]:
    """Turn waves in the frontal plane until the axis of their net areas is as asked, degrees."""
    left, down, _ = np.sum([(wave.end - wave.start) * wave.dipole for wave in waves], axis=0)
    angle = np.radians(axis) - np.arctan2(down, left)
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    return tuple(wave._replace(dipole=turn @ wave.dipole) for wave in waves)


def _beating(heart: Heart, count: int, fs: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Dipole of a heart that breathing makes a little faster and slower, millivolts, shape (3, count)."""
    rr = 60 / heart.heart_rate
    beats = np.arange(-2, count / fs / rr + 3)
    swing = _BREATHING / (2 * np.pi * _BREATHING_HZ) * np.sin(2 * np.pi * (_BREATHING_HZ * rr * beats + rng.uniform()))
    onsets = rr * (beats + rng.uniform()) + swing + _UNEVEN * rr * rng.standard_normal(len(beats))
    time = np.arange(count) / fs
    dipole = np.zeros((3, count))
    for onset in onsets:
        for wave in heart.waves:
            first, last = np.searchsorted(time, (onset + wave.start / 1000, onset + wave.end / 1000))
            since = 1000 * (time[first:last] - onset) - wave.top
            side = np.where(since < 0, wave.top - wave.start, wave.end - wave.top)
            dipole[:, first:last] += wave.dipole[:, None] * np.cos(np.pi / 2 * since / side) ** 2
    return dipole

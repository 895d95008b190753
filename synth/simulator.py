"""Twelve leads when no recording is at hand."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from digitize.layouts import LEAD_NAMES

# Strengths of the P, Q, R, S and T waves in ECGSYN's units, and the height of the whole in mV: a normal heart. The
# other limb leads follow from I and II.
_WAVES: dict[str, tuple[tuple[float, float, float, float, float], float]] = {
    "I": ((1.2, -4.0, 24.0, -4.0, 0.7), 0.9),
    "II": ((1.5, -4.0, 30.0, -6.0, 0.8), 1.3),
    "V1": ((0.6, 0.0, 8.0, -28.0, -0.25), 1.4),
    "V2": ((0.7, 0.0, 14.0, -34.0, 0.9), 2.2),
    "V3": ((0.8, -1.0, 22.0, -26.0, 1.0), 2.0),
    "V4": ((0.9, -4.0, 34.0, -16.0, 1.0), 2.1),
    "V5": ((1.0, -5.0, 32.0, -8.0, 0.9), 1.7),
    "V6": ((1.0, -5.0, 28.0, -4.0, 0.7), 1.3),
}
_SETTLING = 3.0
_SPARE = 4.0
_NOISE_MV = 0.006


def simulate(seconds: float = 10.0, fs: float = 500.0, heart_rate: float = 70.0, seed: int = 0) -> NDArray[np.float64]:
    """Simulate a normal 12-lead ECG with NeuroKit2's ECGSYN.

    NeuroKit2's own table of twelve leads scales each lead to one range, which breaks Einthoven's law and turns V1 up;
    here I, II and V1 to V6 are simulated with strengths of their own on one rhythm, and III, aVR, aVL and aVF follow.

    Parameters
    ----------
    seconds : float
    fs : float
        Hz; a whole number.
    heart_rate : float
        Beats a minute.
    seed : int
        Rhythm, strengths of the waves and noise.

    Returns
    -------
    ndarray, shape (12, round(seconds * fs)), float64
        Millivolts in the order of `digitize.layouts.LEAD_NAMES`.

    Raises
    ------
    ValueError
        If a value is not one of those allowed.

    References
    ----------
    McSharry PE, Clifford GD, Tarassenko L, Smith LA. A dynamical model for generating synthetic electrocardiogram
    signals. IEEE Trans Biomed Eng 2003;50:289-94.

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
    import neurokit2

    rng = np.random.default_rng(seed)
    count, settling = round(seconds * fs), round(_SETTLING * fs)
    simulated = {}
    for name, (strengths, height) in _WAVES.items():
        waves = np.array(strengths) * rng.uniform(0.85, 1.15, len(strengths))
        wave = neurokit2.ecg_simulate(
            duration=seconds + _SETTLING + _SPARE,
            sampling_rate=int(fs),
            heart_rate=heart_rate,
            noise=0.0,
            method="ecgsyn",
            random_state=seed,
            ai=tuple(waves),
        )
        kept = np.asarray(wave, np.float64)[settling : settling + count]
        kept = (kept - np.median(kept)) * height * rng.uniform(0.8, 1.2) / np.ptp(kept)
        simulated[name] = kept + _NOISE_MV * rng.standard_normal(count)
    first, second = simulated["I"], simulated["II"]
    leads = {
        **simulated,
        "III": second - first,
        "aVR": -(first + second) / 2,
        "aVL": first - second / 2,
        "aVF": second - first / 2,
    }
    return np.array([leads[name] for name in LEAD_NAMES])

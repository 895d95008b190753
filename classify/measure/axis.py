"""The heart's electrical axis in the frontal plane."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from classify.measure.average import AveragedBeat
from classify.measure.waves import Waves

_GOLDBERGER = np.sqrt(3) / 2
_DIRECTIONS: dict[str, tuple[float, float]] = {
    "I": (0.0, 1.0),
    "II": (60.0, 1.0),
    "III": (120.0, 1.0),
    "aVR": (-150.0, _GOLDBERGER),
    "aVL": (-30.0, _GOLDBERGER),
    "aVF": (90.0, _GOLDBERGER),
}
"""Degrees and strength of the limb leads: Einthoven's triangle, Goldberger's leads as high as they are recorded."""

_FEWEST_LEADS = 2
_SHORTEST_MV_MS = 4.0  # one in a hundred of PTB-XL's folds 1 to 8 is shorter
_MOST_LEFT = 0.4
_LEVEL_S = 0.016
_NEAR_S, _CLEAR = 0.08, 0.5  # of the R peak; of a lead's height


class Axis(NamedTuple):
    """An axis, or why there is none.

    Attributes
    ----------
    degrees : float or None
        -180 to 180: 0 points along lead I, 90 along aVF.
    reason : str or None
    """

    degrees: float | None
    reason: str | None = None


def frontal_axis(beat: AveragedBeat, waves: Waves) -> Axis:
    """Fit the vector whose projections the limb leads' net QRS areas are.

    Two leads would do (I and aVF, as at the bedside); all that a page shows are taken, by least squares, because
    strips that were printed one after another have beats of their own, and one bad lead shall not decide.

    Parameters
    ----------
    beat : AveragedBeat
    waves : Waves
        The beat's QRS complex.

    Returns
    -------
    Axis
        None with fewer than two limb leads, where the net areas are nearly nothing (no direction then), where the
        leads contradict each other (swapped electrodes or names, or a misread page), or where most leads that are
        plainly upright or inverted say the opposite of their areas: then the bounds of the QRS complex are wrong.

    Examples
    --------
    >>> time = np.arange(-250, 325) / 500
    >>> qrs = np.clip(1 - np.abs(time) / 0.04, 0, None)
    >>> beat = AveragedBeat(("I", "aVF"), np.stack([qrs, -0.866 * qrs]), np.array([9, 9]), 500)
    >>> round(frontal_axis(beat, Waves(-0.04, 0.04, None, 2)).degrees)
    -45
    """
    first, last = (beat.peak + round(at * beat.fs) for at in (waves.qrs_onset, waves.qrs_end))
    before = max(first - round(_LEVEL_S * beat.fs), 0)
    rows = [
        row
        for row, lead in enumerate(beat.leads)
        if lead in _DIRECTIONS and np.isfinite(beat.signal[row, before : last + 1]).all()
    ]
    names = [beat.leads[row] for row in rows]
    if len(rows) < _FEWEST_LEADS:
        return Axis(None, f"limb leads with a whole QRS complex: {', '.join(names) or 'none'}; an axis needs two")
    level = np.median(beat.signal[rows, before : first + 1], axis=1, keepdims=True)
    areas = (beat.signal[rows, first : last + 1] - level).sum(axis=1) * 1000 / beat.fs
    directions = np.array([_DIRECTIONS[name] for name in names])
    angles = np.radians(directions[:, 0])
    projections = directions[:, 1:] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    vector: NDArray[np.float64] = np.linalg.lstsq(projections, areas, rcond=None)[0]
    length = float(np.hypot(*vector))
    if length < _SHORTEST_MV_MS:
        return Axis(None, "the net QRS areas of the limb leads are nearly zero")
    if np.linalg.norm(areas - projections @ vector) > _MOST_LEFT * np.linalg.norm(areas):
        return Axis(None, f"the QRS complexes of {', '.join(names)} contradict each other")
    if _opposes(beat, rows, projections @ vector):
        return Axis(None, f"the net QRS areas of {', '.join(names)} point away from their R and S waves")
    return Axis(float(np.degrees(np.arctan2(vector[1], vector[0]))))


def _opposes(beat: AveragedBeat, rows: list[int], projected: NDArray[np.float64]) -> bool:
    """Tell whether an axis is upside down, by the bedside rule: a lead is upright where R is higher than S is deep.

    The waves are those near the R peak, about the beat's median, and so do not depend on where the QRS complex was
    found to begin. Leads whose R and S waves are alike (a sum of less than half the height) have no say. Of 1,147
    records of PTB-XL's folds 1 to 8, none is refused.
    """
    near = round(_NEAR_S * beat.fs)
    qrs = np.nan_to_num(beat.signal[rows, beat.peak - near : beat.peak + near + 1])
    r, s = qrs.max(axis=1).clip(min=0), qrs.min(axis=1).clip(max=0)
    clear = np.abs(r + s) >= _CLEAR * (r - s)
    opposite = (r + s) * projected < 0
    return bool((clear & opposite).sum() >= max(_FEWEST_LEADS, (clear & ~opposite).sum() + 1))

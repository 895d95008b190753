"""Hearts that lie a little otherwise in the chest: leads as they would be had the heart's vector turned.

How a heart lies, and where electrodes are put, differs from one person to the next, and no statement hangs on a few
degrees of it. The twelve leads are nearly a projection of one vector in space; turning it makes examples that no
patient gave (Gopal et al. 2021, "3KG: Contrastive learning of 12-lead electrocardiograms using physiologically-inspired
augmentations"). Here only what turns is added, so that what the leads show beyond one vector stays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from digitize.layouts import LEAD_NAMES

_INDEPENDENT = ("V1", "V2", "V3", "V4", "V5", "V6", "I", "II")
"""Leads of which the others are made."""

_TO_VECTOR = np.array(
    [
        [-0.172, -0.074, 0.122, 0.231, 0.239, 0.194, 0.156, -0.010],
        [0.057, -0.019, -0.106, -0.022, 0.041, 0.048, -0.227, 0.887],
        [-0.229, -0.310, -0.246, -0.063, 0.055, 0.108, 0.022, 0.102],
    ]
)
"""X, Y and Z of the vector from `_INDEPENDENT` (Edenbrandt and Pahlm 1988, "Vectorcardiogram synthesized from a 12-lead
ECG: superiority of the inverse Dower matrix")."""


def _made_of_independent() -> NDArray[np.float64]:
    """All leads from `_INDEPENDENT`, shape (12, 8): the limb leads by Einthoven's and Goldberger's laws."""
    chest = {lead: {lead: 1.0} for lead in _INDEPENDENT}
    limbs = {
        "III": {"I": -1.0, "II": 1.0},
        "aVR": {"I": -0.5, "II": -0.5},
        "aVL": {"I": 1.0, "II": -0.5},
        "aVF": {"I": -0.5, "II": 1.0},
    }
    return np.array([[(chest | limbs)[lead].get(own, 0.0) for own in _INDEPENDENT] for lead in LEAD_NAMES])


_FROM_VECTOR = _made_of_independent() @ np.linalg.pinv(_TO_VECTOR)
"""The twelve leads from the vector, shape (12, 3)."""

_OF_ALL = _TO_VECTOR @ np.eye(len(LEAD_NAMES))[[LEAD_NAMES.index(lead) for lead in _INDEPENDENT]]
"""The vector from the twelve leads, shape (3, 12)."""


def turns(count: int, spread: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw small turns of the heart's vector about any axis.

    Parameters
    ----------
    count : int
        How many.
    spread : float
        Standard deviation of the turn about each of the three axes, radians.
    rng : numpy.random.Generator
        Advanced.

    Returns
    -------
    ndarray, shape (count, 12, 12), float32
        What takes the twelve leads, in the order of `digitize.layouts.LEAD_NAMES`, to those of the turned heart.
        Einthoven's and Goldberger's laws hold of what is added.

    Examples
    --------
    >>> turned = turns(2, 0.0, np.random.default_rng(0))
    >>> bool(np.array_equal(turned, np.stack([np.eye(12)] * 2)))
    True
    """
    turned = Rotation.from_rotvec(rng.normal(0.0, spread, (count, 3))).as_matrix() - np.eye(3)
    return np.asarray(np.eye(len(LEAD_NAMES)) + _FROM_VECTOR @ turned @ _OF_ALL, np.float32)

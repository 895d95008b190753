"""Follow a curved paper's grid from block to block, over any number of lines.

Phases of the grid tell where its lines are, but only up to whole lines: paper that bends by more than half a line
between two places looks as if it did not. Going from neighbor to neighbor, the surest first, resolves that: phase
unwrapping (Herraez, Burton, Lalor and Gdeisat, Applied Optics 41, 2002).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_SEEN = 0.15
"""Share of the usual strength that makes a block part of the grid."""

_LEAST_SEEN = 0.3
"""Share of the blocks with ink that must hang together as one piece of grid."""

_STEP = 0.35
"""Cycles from block to block beyond which one line may have been taken for the next."""

_NEAR, _FAR = 1.5, 12.0
"""Standard deviations, in blocks, of the smoothing where the grid is seen and where it is hidden."""


def follow_bend(waves: NDArray[np.complex128], usual: float) -> NDArray[np.float64] | None:
    """Turn phases into a bend.

    Parameters
    ----------
    waves : ndarray, shape (r, c), complex128
        Phase and strength of the grid in every block of the picture, 0 where there is nothing.
    usual : float
        Strength of a block that shows the grid.

    Returns
    -------
    ndarray, shape (r, c), float64, or None
        Cycles, smooth, around 0; where the grid is hidden the paper goes on as it does around. None where too little
        of the grid is seen, or neighboring blocks differ by too much to be followed.

    Examples
    --------
    >>> cycles = np.linspace(-2, 2, 60) * np.ones((40, 1))
    >>> bend = follow_bend(np.exp(2j * np.pi * cycles), usual=1.0)
    >>> bool(np.abs(bend - cycles)[:, 5:-5].max() < 0.02)
    True
    """
    # SciPy has no unwrapping in two dimensions; scikit-image is imported here because few pages are that curved.
    from skimage.restoration import unwrap_phase

    strength = np.abs(waves)
    pieces, count = ndimage.label(strength > _SEEN * usual)
    if count == 0:
        return None
    # By how many whole cycles one piece of grid is off from another cannot be known.
    seen = pieces == 1 + np.argmax(np.bincount(pieces.ravel())[1:])
    if seen.sum() < _LEAST_SEEN * (strength > 1e-3 * strength.max()).sum():
        return None
    cycles = unwrap_phase(np.ma.masked_array(np.angle(waves), ~seen), rng=0) / (2 * np.pi)
    steps = np.concatenate([np.ma.abs(np.ma.diff(cycles, axis=axis)).compressed() for axis in (0, 1)])
    if len(steps) == 0 or np.percentile(steps, 98) > _STEP:
        return None
    weight = np.where(seen, strength, 0.0)
    moment = weight * (cycles.filled(0.0) - np.round(np.ma.median(cycles)))
    near, far = (cv2.GaussianBlur(weight, (0, 0), blocks) for blocks in (_NEAR, _FAR))
    bend_near, bend_far = (
        cv2.GaussianBlur(moment, (0, 0), blocks) / np.maximum(below, 1e-9)
        for blocks, below in ((_NEAR, near), (_FAR, far))
    )
    share = np.minimum(near / (0.2 * usual), 1.0)
    return np.asarray(share * bend_near + (1.0 - share) * bend_far, np.float64)

"""Put together what the matting and the look know of the ink: where it ends, and whether it is any."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from digitize.ink.coverage import Ink
from digitize.ink.look import Look
from digitize.records.kinds import KINDS, PRINT

_OPEN = np.minimum(np.arange(256, dtype=np.float32) / 64, 1.0)
"""How far a probability of print, 0 to 255, opens the gate: a quarter is enough."""
_LIKELY = np.where(np.arange(256) > 127, np.arange(256, dtype=np.float32) / 255, np.float32(0.0))
"""Ink that a probability of print, 0 to 255, stands for where nothing else tells: none below a half."""
_REACH = np.ones((5, 5), np.uint8)
"""Two pixels around a place that is print: the blurred edge of a stroke."""


def gated(ink: Ink, look: Look) -> NDArray[np.float32]:
    """Take away the ink that is no print, and put in the print that the matting cannot see.

    Parameters
    ----------
    ink : Ink
    look : Look

    Returns
    -------
    ndarray, shape (h, w), float32
        Share of each pixel that is ink. Where a grid's line is as dark as the pen, the network's word stands for it.

    Examples
    --------
    >>> from digitize.records.kinds import KINDS
    >>> kinds = np.zeros((len(KINDS), 5, 9), np.uint8)
    >>> kinds[0, :, 4] = 255
    >>> all_ink, nowhere = np.ones((5, 9), np.float32), np.zeros((5, 9), bool)
    >>> gated(Ink(all_ink, ~nowhere, (0.0, 0.0, 0.0), None, nowhere), Look(kinds))[2].tolist()
    [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]
    """
    seen = look.of(*KINDS[:PRINT])
    coverage = ink.coverage * cv2.LUT(cv2.dilate(seen, _REACH), _OPEN)
    np.maximum(coverage, cv2.LUT(seen, _LIKELY), out=coverage, where=ink.blind)
    return np.asarray(coverage, np.float32)

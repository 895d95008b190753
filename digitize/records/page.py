"""A page as a picture, and as its file draws it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from digitize.records.drawing import Drawing


@dataclass(frozen=True, eq=False)
class Page:
    """One page as a picture.

    Attributes
    ----------
    image : ndarray, shape (height, width, 3), uint8
        RGB, upright as the file's orientation tag says, transparent parts white.
    name : str
        Stem of the file, with ``-1``, ``-2``, ... appended where the file has several pages; ``"page"`` when there
        is no file.
    dpi : float or None
        Resolution that the file states, or at which a PDF page was rendered. Cameras and editors often write a
        meaningless 72. Where the file states another one down than across, as a fax does, the picture is enlarged to
        the finer of the two.
    index : int
        Place in the file, from 0.
    drawing : Drawing or None
        Lines and text of a page that its file draws; None of a picture.
    """

    image: NDArray[np.uint8]
    name: str
    dpi: float | None
    index: int
    drawing: Drawing | None = None


class PageError(ValueError):
    """A page that cannot be read; the message is one line that names the file and says why."""

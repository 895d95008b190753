"""The median of what is seen."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Float = TypeVar("Float", np.float32, np.float64)


def nan_median(values: NDArray[Float], axis: int = 0) -> NDArray[Float]:
    """Take the median along an axis of what is not NaN.

    Unlike `numpy.nanmedian` it gives NaN without a warning where nothing is seen, and does not walk along the axis.

    Parameters
    ----------
    values : ndarray
    axis : int

    Returns
    -------
    ndarray
        Without that axis; NaN where nothing is seen.

    Examples
    --------
    >>> nan_median(np.array([[1.0, np.nan], [4.0, np.nan], [3.0, np.nan], [np.nan, np.nan]])).tolist()
    [3.0, nan]
    """
    # NaN are sorted last.
    ordered = np.sort(values, axis=axis)
    count = np.isfinite(ordered).sum(axis=axis, keepdims=True)
    low, high = (np.take_along_axis(ordered, np.maximum(place, 0), axis) for place in ((count - 1) // 2, count // 2))
    return np.asarray(np.where(count > 0, (low + high) / 2, np.nan).squeeze(axis), values.dtype)

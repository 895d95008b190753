"""Tables: comma-separated values, and pandas."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitize.export.channels import channels_of
from digitize.files import written_together

if TYPE_CHECKING:
    import pandas as pd

    from digitize.records.results import LeadData


def to_frame(leads: LeadData) -> pd.DataFrame:
    """Arrange the leads as a table.

    Parameters
    ----------
    leads : LeadData

    Returns
    -------
    DataFrame, shape (n, leads)
        Millivolts, one column a lead: the standard twelve, then the others that the page shows (V7, V4R, ...); the
        index ``time_s`` is the time in seconds.
    """
    import pandas as pd

    channels = channels_of(leads)
    time = pd.Index(np.arange(channels.signal.shape[1]) / channels.fs, name="time_s")
    return pd.DataFrame(channels.signal.T.copy(), index=time, columns=list(channels.names))


def write_csv(leads: LeadData, path: str | os.PathLike[str]) -> Path:
    """Write the table of `to_frame`: ``time_s`` and one column a lead, millivolts, empty where the page shows nothing.

    The table does not say its unit, and has no column for confidence.

    Parameters
    ----------
    leads : LeadData
    path : path
        The file; it is replaced when it exists.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    file = Path(path)
    with written_together(file.parent) as temporary:
        to_frame(leads).reset_index().to_csv(
            temporary / file.name, index=False, float_format="%.6g", lineterminator="\n"
        )
    return file

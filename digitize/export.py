"""Leads as files: WFDB records and tables, each whole or not at all."""

from __future__ import annotations

import os
import re
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from digitize.version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from digitize.leads import Leads

ADC_GAIN = 1000
"""Digital units per millivolt in WFDB records: one unit is a microvolt."""

INVALID = -32768
"""WFDB's invalid sample in format 16; `wfdb.rdrecord` gives NaN for it."""


def record_name(name: str) -> str:
    """Make a page's name fit for a WFDB record: letters, digits, hyphens and underscores.

    Parameters
    ----------
    name : str
        Any name, e.g. a file's stem.

    Returns
    -------
    str
        Accents are dropped; every run of other characters becomes one underscore.

    Examples
    --------
    >>> record_name("Müller 3. scan")
    'Muller_3_scan'
    """
    plain = unicodedata.normalize("NFKD", name)
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    return re.sub(r"[^-\w]+", "_", plain, flags=re.ASCII) or "_"


@contextmanager
def written_together(folder: Path) -> Iterator[Path]:
    """Collect files in a temporary folder and move them into `folder` when the block ends, all or none.

    Parameters
    ----------
    folder : Path
        Where the files go; it is made when missing. Files of the same name are replaced.

    Yields
    ------
    Path
        The temporary folder, on the same file system, to write into.

    Raises
    ------
    OSError
        If a file cannot be written or moved; then nothing new is left in `folder`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as out:
    ...     with written_together(Path(out)) as temporary:
    ...         _ = (temporary / "a.txt").write_text("whole")
    ...     (Path(out) / "a.txt").read_text()
    'whole'
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".papertrace-", dir=folder) as temporary:
        yield Path(temporary)
        new: list[Path] = []
        try:
            # Data first: a record's header appears when its samples are there.
            for file in sorted(Path(temporary).iterdir(), key=lambda file: (file.suffix == ".hea", file.name)):
                target = folder / file.name
                if not target.exists():
                    new.append(target)
                os.replace(file, target)
        except BaseException:
            for target in new:
                target.unlink(missing_ok=True)
            raise


def to_digital(signal: NDArray[np.float32]) -> NDArray[np.int16]:
    """Convert millivolts to the 16-bit samples of a WFDB record.

    Parameters
    ----------
    signal : ndarray, any shape, float
        Millivolts; what is beyond +-32.767 mV is clipped there.

    Returns
    -------
    ndarray, same shape, int16
        Microvolts; `INVALID` for NaN.

    Examples
    --------
    >>> to_digital(np.array([0.0015, -99, np.nan])).tolist()
    [2, -32767, -32768]
    """
    microvolts = np.clip(np.rint(np.asarray(signal, np.float64) * ADC_GAIN), -32767, 32767)
    return np.where(np.isnan(signal), INVALID, np.nan_to_num(microvolts)).astype(np.int16)


def write_wfdb(leads: Leads, path: str | os.PathLike[str]) -> Path:
    """Write a WFDB record: format 16, 1000 units per mV, NaN as the invalid sample.

    Parameters
    ----------
    leads : Leads
    path : path
        The record without suffix, or its ``.hea`` file. Both files are replaced when they exist.

    Returns
    -------
    Path
        The header file.

    Raises
    ------
    ValueError
        If the record's name has other characters than letters, digits, hyphens and underscores.
    OSError
        If the files cannot be written.

    References
    ----------
    Moody et al., "PhysioNet: a web-based resource for the study of physiologic signals", IEEE Eng Med Biol 20, 2001;
    header(5) and signal(5) of the WFDB Applications Guide.
    """
    import wfdb

    header = Path(path) if Path(path).suffix == ".hea" else Path(f"{os.fspath(path)}.hea")
    name = header.stem
    if record_name(name) != name:
        raise ValueError(f"record name {name!r}; allowed: letters, digits, hyphens and underscores")
    with written_together(header.parent) as temporary:
        wfdb.wrsamp(
            name,
            fs=leads.fs,
            units=["mV"] * len(leads.names),
            sig_name=list(leads.names),
            d_signal=np.ascontiguousarray(to_digital(leads.signal).T),
            fmt=["16"] * len(leads.names),
            adc_gain=[ADC_GAIN] * len(leads.names),
            baseline=[0] * len(leads.names),
            comments=[f"digitised by Papertrace {__version__}"],
            write_dir=str(temporary),
        )
    return header


def to_frame(leads: Leads) -> pd.DataFrame:
    """Arrange the leads as a table.

    Parameters
    ----------
    leads : Leads

    Returns
    -------
    DataFrame, shape (n, 12)
        Millivolts, one column a lead; the index ``time_s`` is the time in seconds.
    """
    import pandas as pd

    time = pd.Index(np.arange(leads.signal.shape[1]) / leads.fs, name="time_s")
    return pd.DataFrame(leads.signal.T.copy(), index=time, columns=list(leads.names))


def write_csv(leads: Leads, path: str | os.PathLike[str]) -> Path:
    """Write the table of `to_frame`: ``time_s`` and one column a lead, millivolts, empty where the page shows nothing.

    Parameters
    ----------
    leads : Leads
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

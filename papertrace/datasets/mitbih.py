"""MIT-BIH recordings and their beats, whole or in part.

The folder is laid out as PhysioNet ships it, ``101.hea``, ``101.dat`` and ``101.atr`` side by side. Every record of the
asked set whose files exist is taken.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_FILES = ("hea", "dat", "atr")

DS1 = (
    "101", "106", "108", "109", "112", "114", "115", "116", "118", "119", "122",
    "124", "201", "203", "205", "207", "208", "209", "215", "220", "223", "230",
)  # fmt: skip
"""The training records of de Chazal et al. (2004)."""

DS2 = (
    "100", "103", "105", "111", "113", "117", "121", "123", "200", "202", "210",
    "212", "213", "214", "219", "221", "222", "228", "231", "232", "233", "234",
)  # fmt: skip
"""Their test records: nothing here reads them. The four records with paced beats, 102, 104, 107 and 217, are in neither
set, as ANSI/AAMI EC57 recommends. Within DS1 every record has a patient of its own (201 and 202 are one man's)."""

AAMI = {
    **dict.fromkeys("NLRej", "N"),
    **dict.fromkeys("AaJS", "S"),
    **dict.fromkeys("VE", "V"),
    "F": "F",
    **dict.fromkeys("/fQ", "Q"),
}
"""Class of each beat code of the annotations, by ANSI/AAMI EC57:1998 (R2008), as tabled by de Chazal et al. (2004);
what is not here, flutter waves (``!``) among it, is no beat."""


@dataclass(frozen=True)
class Recording:
    """One record.

    Attributes
    ----------
    name : str
    leads : tuple of str
        As the record names them, e.g. ``MLII``.
    fs : int
        Sampling frequency in Hz.
    signal : ndarray, shape (leads, n), float32
        Millivolts.
    samples : ndarray, shape (beats,), int64
        Where the annotators put the beats.
    classes : ndarray, shape (beats,), str
        One of ``N S V F Q`` each.
    flutter : ndarray, shape (stretches, 2), int64
        First and last sample of ventricular flutter: there are no single beats, and EC57 does not score it.
    """

    name: str
    leads: tuple[str, ...]
    fs: int
    signal: NDArray[np.float32]
    samples: NDArray[np.int64]
    classes: NDArray[np.str_]
    flutter: NDArray[np.int64]


def data_folder() -> Path:
    """Find MIT-BIH: ``$PAPERTRACE_DATA/mit-bih``, else ``../shared/data/mit-bih`` beside the repository.

    Returns
    -------
    Path
        It need not exist.
    """
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("PAPERTRACE_DATA", beside)) / "mit-bih"


def load_mitbih(folder: Path, names: Sequence[str] = DS1) -> tuple[Recording, ...]:
    """Read the records of a set that are there.

    Parameters
    ----------
    folder : Path
    names : sequence of str

    Returns
    -------
    tuple of Recording
        In the order of `names`.

    Raises
    ------
    FileNotFoundError
        If none of them is there.
    """
    import wfdb

    found = [folder / name for name in names if all((folder / f"{name}.{kind}").is_file() for kind in _FILES)]
    if not found:
        raise FileNotFoundError(f"{folder}: none of the records {', '.join(names)} ({', '.join(_FILES)}) is there")
    recordings = []
    for path in found:
        record = wfdb.rdrecord(str(path))
        notes = wfdb.rdann(str(path), "atr")
        beats = [place for place, symbol in enumerate(notes.symbol) if symbol in AAMI]
        recordings.append(
            Recording(
                path.name,
                tuple(record.sig_name),
                int(record.fs),
                np.asarray(record.p_signal.T, np.float32),
                np.asarray(notes.sample)[beats].astype(np.int64),
                np.array([AAMI[notes.symbol[place]] for place in beats]),
                _flutter(notes.symbol, notes.sample, record.sig_len),
            )
        )
    return tuple(recordings)


def _flutter(symbols: Sequence[str], samples: Sequence[int], end: int) -> NDArray[np.int64]:
    stretches: list[list[int]] = []
    for symbol, sample in zip(symbols, samples, strict=True):
        if symbol == "[":
            stretches.append([int(sample), end])
        elif symbol == "]" and stretches:
            stretches[-1][1] = int(sample)
    return np.array(stretches, np.int64).reshape(-1, 2)

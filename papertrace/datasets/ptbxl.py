"""PTB-XL recordings and their statements, whole or in part.

The folder is laid out as PhysioNet ships it: ``ptbxl_database.csv``, ``scp_statements.csv``, ``records100`` and
``records500``; beside them there may be ``records100-normalized`` (``00000/00001_nr``), records that a third party
scaled to unit variance lead by lead. Every record whose files exist is taken.
"""

from __future__ import annotations

import ast
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from classify.statements import positives
from digitize.records.layouts import LEAD_NAMES

FS = 100
"""Sampling frequency of the packed signals in Hz."""

N_SAMPLES = 10 * FS

_OLDEST = 89.0
_WOMAN = 1


@dataclass(frozen=True)
class Records:
    """Recordings in arrays.

    Attributes
    ----------
    ids : ndarray, shape (n,), int64
        ``ecg_id`` of PTB-XL.
    folds : ndarray, shape (n,), int64
        ``strat_fold``, 1 to 10.
    signals : ndarray, shape (n, 12, 1000), float32
        Ten seconds at 100 Hz in the standard lead order, millivolts where `millivolts` says so.
    millivolts : ndarray, shape (n,), bool
        False for records whose leads were scaled to unit variance. Their limb leads fit each other again (see
        `restore_limb_ratios`), up to one factor a record; their chest leads have a free factor each.
    codes : tuple of dict
        SCP-ECG codes with their likelihoods, record by record.
    labels : ndarray, shape (n, statements), float32
        Truth of `classify.statements.STATEMENTS`.
    ages : ndarray, shape (n,), float32
        Years; NaN where it is not known or hidden (PTB-XL writes 300 for above 89).
    women : ndarray, shape (n,), bool
    axes : tuple of (str or None)
        Frontal axis as PTB-XL has it: ``"MID"``, ``"LAD"``, ``"RAD"``, ...
    paths_500 : tuple of (Path or None)
        The record at 500 Hz where it exists, without suffix; `read_500` reads it.
    """

    ids: NDArray[np.int64]
    folds: NDArray[np.int64]
    signals: NDArray[np.float32]
    millivolts: NDArray[np.bool_]
    codes: tuple[dict[str, float], ...]
    labels: NDArray[np.float32]
    ages: NDArray[np.float32]
    women: NDArray[np.bool_]
    axes: tuple[str | None, ...]
    paths_500: tuple[Path | None, ...]

    def __len__(self) -> int:
        """Count the records."""
        return len(self.ids)

    def take(self, chosen: NDArray[np.bool_]) -> Records:
        """Return the records where `chosen`, shape (n,), is true."""
        places = np.flatnonzero(chosen)
        return Records(
            self.ids[places],
            self.folds[places],
            self.signals[places],
            self.millivolts[places],
            tuple(self.codes[i] for i in places),
            self.labels[places],
            self.ages[places],
            self.women[places],
            tuple(self.axes[i] for i in places),
            tuple(self.paths_500[i] for i in places),
        )


def data_folder() -> Path:
    """Find PTB-XL: ``$PAPERTRACE_DATA/ptb-xl``, else ``../shared/data/ptb-xl`` beside the repository.

    Returns
    -------
    Path
        It need not exist.
    """
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("PAPERTRACE_DATA", beside)) / "ptb-xl"


def restore_limb_ratios(signal: NDArray[np.float32]) -> NDArray[np.float32]:
    """Undo the lead-by-lead scaling among the six limb leads.

    Einthoven's and Goldberger's laws (I - II + III = 0, I + II + 2 aVR = 0, ...) hold in millivolts for any linear
    filter; in scaled leads they hold with one unknown factor a lead. The factors are the null vector of the leads'
    covariance, known up to one common factor, which is chosen to leave lead II as it is.

    Parameters
    ----------
    signal : ndarray, shape (12, n)
        Leads in the standard order, each with a factor of its own.

    Returns
    -------
    ndarray, shape (12, n), float32
        The limb leads in proportion to each other; the chest leads untouched.

    Examples
    --------
    >>> i, iii = np.random.default_rng(0).normal(size=(2, 500))
    >>> limb = np.stack([i, i + iii, iii, -i - iii / 2, (i - iii) / 2, i / 2 + iii])
    >>> scaled = np.concatenate([limb / limb.std(1, keepdims=True), np.ones((6, 500))])
    >>> restored = restore_limb_ratios(scaled)
    >>> bool(np.allclose(restored[:6] * limb[1].std(), limb, atol=1e-4))
    True
    """
    restored = signal.astype(np.float32)
    covariance = np.asarray(signal, np.float64) @ np.asarray(signal, np.float64).T
    # The lead's own law: the coefficients of lead, II and a third lead that add up to zero.
    laws = {
        0: ((0, 1, 2), (1, -1, 1)),
        2: ((2, 1, 0), (1, -1, 1)),
        3: ((3, 1, 0), (2, 1, 1)),
        4: ((4, 1, 0), (2, 1, -2)),
        5: ((5, 1, 0), (2, -2, 1)),
    }
    for lead, (leads, law) in laws.items():
        null = np.linalg.eigh(covariance[np.ix_(leads, leads)])[1][:, 0]
        factors = null / np.asarray(law)
        if abs(factors[1]) > 1e-6:
            restored[lead] *= np.float32(abs(factors[0] / factors[1]))
    return restored


def _read(path: Path) -> tuple[NDArray[np.float32], int, bool]:
    """Signal (12, n) in the standard order, its sampling frequency, and whether it is in millivolts."""
    import wfdb

    record = wfdb.rdrecord(str(path))
    by_name = {name.upper(): column for column, name in enumerate(record.sig_name)}
    missing = [lead for lead in LEAD_NAMES if lead.upper() not in by_name]
    if missing:
        raise ValueError(f"{path}: lead {missing[0]} is missing; it has {', '.join(record.sig_name)}")
    signal = record.p_signal.T[[by_name[lead.upper()] for lead in LEAD_NAMES]].astype(np.float32)
    return np.nan_to_num(signal), int(record.fs), record.units[0] == "mV"


def read_500(path: Path) -> NDArray[np.float32]:
    """Read one 500 Hz record.

    Parameters
    ----------
    path : Path
        A path of `Records.paths_500`.

    Returns
    -------
    ndarray, shape (12, n), float32
        Millivolts in the standard lead order.

    Raises
    ------
    ValueError
        If it is not sampled at 500 Hz, or a lead is missing.
    """
    signal, fs, _ = _read(path)
    if fs != 500:
        raise ValueError(f"{path}: sampled at {fs} Hz; allowed: 500")
    return signal


def find_500(folder: Path, folds: tuple[int, ...]) -> list[Path]:
    """List the records of some folds that exist at 500 Hz, in the database's order.

    Parameters
    ----------
    folder : Path
        PTB-XL's folder.
    folds : tuple of int
        Values of ``strat_fold`` to take.

    Returns
    -------
    list of Path
        Without suffix; `read_500` reads them.

    Raises
    ------
    FileNotFoundError
        If the database's table, or every record, is missing from the folder.
    """
    database = folder / "ptbxl_database.csv"
    if not database.is_file():
        raise FileNotFoundError(f"{database}: no such file; allowed: a folder that holds PTB-XL")
    table = pd.read_csv(database, usecols=["strat_fold", "filename_hr"])
    paths = [folder / name for name in table.filename_hr[table.strat_fold.isin(folds)]]
    found = [path for path in paths if Path(f"{path}.hea").is_file()]
    if not found:
        raise FileNotFoundError(f"{folder / 'records500'}: no record of folds {', '.join(map(str, folds))}")
    return found


def _to_100(signal: NDArray[np.float32], fs: int) -> NDArray[np.float32]:
    """Ten seconds at 100 Hz; a shorter record is padded with its last sample."""
    if fs != FS:
        from scipy.signal import resample_poly

        signal = resample_poly(signal, FS, fs, axis=1, padtype="edge").astype(np.float32)
    signal = signal[:, :N_SAMPLES]
    return np.pad(signal, ((0, 0), (0, N_SAMPLES - signal.shape[1])), mode="edge")


def load_ptbxl(folder: Path, folds: tuple[int, ...]) -> Records:
    """Read every record of some folds whose files exist.

    A record that is there at both frequencies is read at 100 Hz, which is quicker.

    Parameters
    ----------
    folder : Path
        PTB-XL's folder.
    folds : tuple of int
        Values of ``strat_fold`` to take.

    Returns
    -------
    Records

    Raises
    ------
    FileNotFoundError
        If the database's table is missing from the folder.
    ValueError
        If there is not a single record of these folds, or a record lacks a lead.
    """
    database = folder / "ptbxl_database.csv"
    if not database.is_file():
        raise FileNotFoundError(f"{database}: no such file; allowed: a folder that holds PTB-XL")
    table = pd.read_csv(database)
    table = table[table.strat_fold.isin(folds)]
    rows, signals, millivolts, codes, labels, people, axes, paths_500 = [], [], [], [], [], [], [], []
    for row in tqdm(table.itertuples(), total=len(table), desc="PTB-XL", leave=False, disable=None):
        high, low = folder / row.filename_hr, folder / row.filename_lr
        normalized = folder / row.filename_lr.replace("records100", "records100-normalized").replace("_lr", "_nr")
        path = next((p for p in (low, high, normalized) if Path(f"{p}.hea").is_file()), None)
        if path is None:
            continue
        signal, fs, known = _read(path)
        rows.append((row.ecg_id, row.strat_fold))
        signals.append(_to_100(signal if known else restore_limb_ratios(signal), fs))
        millivolts.append(known)
        codes.append({code: float(likelihood) for code, likelihood in ast.literal_eval(row.scp_codes).items()})
        labels.append(positives(codes[-1], (row.infarction_stadium1, row.infarction_stadium2)))
        people.append((row.age if row.age <= _OLDEST else np.nan, row.sex == _WOMAN))
        axes.append(row.heart_axis if isinstance(row.heart_axis, str) else None)
        paths_500.append(high if Path(f"{high}.hea").is_file() else None)
    if not rows:
        raise ValueError(f"{folder}: no record of folds {', '.join(map(str, folds))} has its files there")
    ids, of_fold = np.array(rows, np.int64).T
    ages, women = np.array(people, np.float32).T
    return Records(
        ids,
        of_fold,
        np.stack(signals),
        np.array(millivolts),
        tuple(codes),
        np.array(labels, np.float32),
        ages,
        women.astype(bool),
        tuple(axes),
        tuple(paths_500),
    )

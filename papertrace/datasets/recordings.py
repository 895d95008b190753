"""Find the recordings of a folder, whichever data set it holds.

A data set is a module beside this one that knows the layout of its folder, and an entry in `DATASETS`: training and
benchmarks then take its folder by ``--data``.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from papertrace.datasets.ptbxl import Records, find_500, load_ptbxl


@dataclass(frozen=True)
class Dataset:
    """Recordings of 12 leads with their statements, in a folder of one layout.

    Attributes
    ----------
    name : str
    about : str
        Source and license.
    table : str
        File by which such a folder is known.
    load : callable
        Reads the records of some folds, see `load_records`.
    find : callable
        Lists their files at 500 Hz, see `find_recordings`.
    """

    name: str
    about: str
    table: str
    load: Callable[[Path, tuple[int, ...]], Records]
    find: Callable[[Path, tuple[int, ...]], list[Path]]


DATASETS = (
    Dataset("PTB-XL", "Wagner et al. 2020, CC BY 4.0", "ptbxl_database.csv", load_ptbxl, find_500),
)  # fmt: skip
"""Data sets that training and benchmarks can read."""


def dataset_of(folder: Path) -> Dataset:
    """Tell which data set a folder holds.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Dataset

    Raises
    ------
    FileNotFoundError
        If it holds none of `DATASETS`.

    Examples
    --------
    >>> dataset_of(Path("samples"))
    Traceback (most recent call last):
    FileNotFoundError: samples: no data set there; allowed: a folder with ptbxl_database.csv (PTB-XL)
    """
    for dataset in DATASETS:
        if (folder / dataset.table).is_file():
            return dataset
    allowed = " or ".join(f"{dataset.table} ({dataset.name})" for dataset in DATASETS)
    raise FileNotFoundError(f"{folder}: no data set there; allowed: a folder with {allowed}")


def load_records(folder: Path, folds: tuple[int, ...]) -> Records:
    """Read the records of some folds whose files exist, with their statements.

    Parameters
    ----------
    folder : Path
        Of one of `DATASETS`.
    folds : tuple of int
        Of 1 to 10; one patient's records lie in one fold.

    Returns
    -------
    Records

    Raises
    ------
    FileNotFoundError
        If the folder holds no data set.
    ValueError
        If there is not a single record of these folds, or a record lacks a lead.
    """
    return dataset_of(folder).load(folder, folds)


def find_recordings(folder: Path, folds: tuple[int, ...]) -> list[Path]:
    """List the records of some folds that exist at 500 Hz, as pages are printed from them.

    Parameters
    ----------
    folder : Path
        Of one of `DATASETS`.
    folds : tuple of int

    Returns
    -------
    list of Path
        Without suffix; `papertrace.datasets.ptbxl.read_500` reads them.

    Raises
    ------
    FileNotFoundError
        If the folder holds no data set, or no such record.
    """
    return dataset_of(folder).find(folder, folds)


def find_unreserved(folder: Path, folds: tuple[int, ...]) -> list[Path]:
    """List the records of some folds at 500 Hz that no real print shows: pages that judge must stay unseen.

    Parameters
    ----------
    folder : Path
        Of one of `DATASETS`; beside it may lie ``reserved.csv``, whose column ``ptbxl_id`` lists records of which there
        are prints or photographs.
    folds : tuple of int

    Returns
    -------
    list of Path
        As from `find_recordings`.

    Raises
    ------
    FileNotFoundError
        See `find_recordings`.
    """
    table = folder.parent / "reserved.csv"
    if not table.is_file():
        return find_recordings(folder, folds)
    with table.open(encoding="utf-8", newline="") as stream:
        reserved = {f"{int(row['ptbxl_id']):05d}_hr" for row in csv.DictReader(stream)}
    return [path for path in find_recordings(folder, folds) if path.name not in reserved]

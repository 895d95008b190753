"""Give a network more to learn of a record by the way: age, sex, axis, statements too rare to be made.

A network that must also tell these keeps features that its own few statements would not have asked for (Caruana 1997,
"Multitask learning"). They are dropped after training.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classify.statements import CODES
from papertrace.datasets.ptbxl import Records

_FEWEST = 12
_MIDDLE_AGE, _SPREAD = 60.0, 80.0


@dataclass(frozen=True)
class Aside:
    """Targets beside the statements.

    Attributes
    ----------
    truth : ndarray, shape (n, targets), float32
        0 to 1.
    known : ndarray, shape (n, targets), float32
        1 where `truth` is known, else 0.
    """

    truth: NDArray[np.float32]
    known: NDArray[np.float32]


def auxiliary_targets(records: Records) -> Aside:
    """Collect what is known of records beside the statements.

    Parameters
    ----------
    records : Records

    Returns
    -------
    Aside
        Age, sex, each axis, and each SCP-ECG code with at least 12 positives that is no statement.
    """
    n = len(records)
    aged = np.isfinite(records.ages)
    ages = np.clip(0.5 + (np.where(aged, records.ages, _MIDDLE_AGE) - _MIDDLE_AGE) / _SPREAD, 0, 1)
    axes = sorted({axis for axis in records.axes if axis is not None})
    rare = sorted({code for codes in records.codes for code in codes} - set(CODES))
    held = np.array([[code in codes for code in rare] for codes in records.codes], np.float32).reshape(n, len(rare))
    often = held.sum(axis=0) >= _FEWEST
    truth = [ages[:, None], records.women[:, None], _is(records.axes, axes), held[:, often]]
    measured = np.array([axis is not None for axis in records.axes], np.float32)
    known = [aged[:, None], np.ones((n, 1)), np.repeat(measured[:, None], len(axes), 1), np.ones((n, often.sum()))]
    return Aside(*(np.concatenate(parts, axis=1).astype(np.float32) for parts in (truth, known)))


def _is(values: tuple[str | None, ...], names: list[str]) -> NDArray[np.float32]:
    return np.array([[value == name for name in names] for value in values], np.float32).reshape(
        len(values), len(names)
    )

"""The statements that the network makes about an electrocardiogram.

Five diagnostic superclasses of PTB-XL (Wagner et al. 2020), and the SCP-ECG statements with at least 75 positives among
the records of folds 1 to 7 that the network was trained on. ``PACE`` has fewer and is there all the same, because a
paced rhythm that goes unnamed makes every other statement misleading.

Positives are counted as the PTB-XL benchmark counts them (Strodthoff et al. 2021, "Deep Learning for ECG Analysis"): a
statement is positive when a record carries its code at any likelihood, 0 ("unknown") included, and a superclass when
any of the record's codes belongs to it by ``diagnostic_class`` of ``scp_statements.csv``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

GROUPS = ("superclass", "diagnostic", "form", "rhythm")
"""PTB-XL's groups; a code that is both diagnostic and form counts as diagnostic."""


@dataclass(frozen=True)
class Statement:
    """One thing that can be said about an electrocardiogram.

    Attributes
    ----------
    code : str
        SCP-ECG code as PTB-XL writes it, or the name of a superclass.
    name : str
        The same in words.
    group : str
        One of `GROUPS`.
    """

    code: str
    name: str
    group: str


STATEMENTS: tuple[Statement, ...] = (
    Statement("NORM", "normal ECG", "superclass"),
    Statement("MI", "myocardial infarction", "superclass"),
    Statement("STTC", "ST/T change", "superclass"),
    Statement("CD", "conduction disturbance", "superclass"),
    Statement("HYP", "hypertrophy", "superclass"),
    Statement("NDT", "non-diagnostic T abnormalities", "diagnostic"),
    Statement("NST_", "non-specific ST changes", "diagnostic"),
    Statement("ISC_", "non-specific ischaemia", "diagnostic"),
    Statement("ISCAL", "ischaemia in anterolateral leads", "diagnostic"),
    Statement("IMI", "inferior myocardial infarction", "diagnostic"),
    Statement("ASMI", "anteroseptal myocardial infarction", "diagnostic"),
    Statement("LVH", "left ventricular hypertrophy", "diagnostic"),
    Statement("LAO/LAE", "left atrial overload or enlargement", "diagnostic"),
    Statement("LAFB", "left anterior fascicular block", "diagnostic"),
    Statement("IRBBB", "incomplete right bundle branch block", "diagnostic"),
    Statement("CRBBB", "complete right bundle branch block", "diagnostic"),
    Statement("CLBBB", "complete left bundle branch block", "diagnostic"),
    Statement("IVCD", "non-specific intraventricular conduction disturbance", "diagnostic"),
    Statement("1AVB", "first degree AV block", "diagnostic"),
    Statement("ABQRS", "abnormal QRS", "form"),
    Statement("QWAVE", "Q waves present", "form"),
    Statement("VCLVH", "voltage criteria for left ventricular hypertrophy", "form"),
    Statement("STD_", "non-specific ST depression", "form"),
    Statement("NT_", "non-specific T-wave changes", "form"),
    Statement("LOWT", "low amplitude T waves", "form"),
    Statement("PVC", "ventricular premature complex", "form"),
    Statement("PAC", "atrial premature complex", "form"),
    Statement("SR", "sinus rhythm", "rhythm"),
    Statement("STACH", "sinus tachycardia", "rhythm"),
    Statement("SBRAD", "sinus bradycardia", "rhythm"),
    Statement("SARRH", "sinus arrhythmia", "rhythm"),
    Statement("AFIB", "atrial fibrillation", "rhythm"),
    Statement("PACE", "artificial pacemaker", "rhythm"),
)
"""Every statement, in the order of the network's outputs."""

CODES: tuple[str, ...] = tuple(statement.code for statement in STATEMENTS)
"""Codes of `STATEMENTS`, in the same order."""


def group_indices(group: str) -> tuple[int, ...]:
    """Places of one group's statements among `STATEMENTS`.

    Parameters
    ----------
    group : str
        One of `GROUPS`.

    Returns
    -------
    tuple of int

    Raises
    ------
    ValueError
        If there is no such group.

    Examples
    --------
    >>> [CODES[i] for i in group_indices("superclass")]
    ['NORM', 'MI', 'STTC', 'CD', 'HYP']
    """
    if group not in GROUPS:
        raise ValueError(f"unknown group {group!r}; allowed: {', '.join(GROUPS)}")
    return tuple(i for i, statement in enumerate(STATEMENTS) if statement.group == group)


def positives(codes: Collection[str], superclasses: Collection[str]) -> tuple[bool, ...]:
    """Truth of every statement for one record.

    Parameters
    ----------
    codes : collection of str
        The record's SCP-ECG codes, whatever their likelihood.
    superclasses : collection of str
        The diagnostic superclasses that those codes belong to.

    Returns
    -------
    tuple of bool
        In the order of `STATEMENTS`.

    Examples
    --------
    >>> truth = positives({"IMI", "SR"}, {"MI"})
    >>> [code for code, true in zip(CODES, truth) if true]
    ['MI', 'IMI', 'SR']
    """
    return tuple(
        statement.code in (superclasses if statement.group == "superclass" else codes) for statement in STATEMENTS
    )

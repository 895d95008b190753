"""The statements that the network makes about an electrocardiogram.

They are SCP-ECG statements as PTB-XL has them (Wagner et al. 2020): every diagnostic, form and rhythm statement with at
least 40 positives among the 3,988 records of folds 1 to 7 that the network was trained on, and at least four in each of
the folds that choose and report. ``PACE`` has fewer and is there all the same, because a paced rhythm that goes unnamed
makes every other statement misleading. Above them stand PTB-XL's diagnostic superclasses and those of its subclasses
that are more than one statement, beside them the classes of the PhysioNet Challenge 2024 that none of these is.

Positives are counted as the PTB-XL benchmark counts them (Strodthoff et al. 2021, "Deep Learning for ECG Analysis"): a
statement is positive when a record carries its code at any likelihood, 0 ("unknown") included, and a class when any of
the record's codes belongs to it.

The Challenge took acute and old infarctions from statements of a proprietary program that PTB-XL does not hold. Here an
infarction is acute when a physician called its stage I or II or wrote down an injury current, and old otherwise.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

GROUPS = ("superclass", "subclass", "diagnostic", "form", "rhythm", "challenge")
"""PTB-XL's groups, and what only the PhysioNet Challenge 2024 names; a code that is both diagnostic and form counts as
diagnostic."""

SUBCLASSES: dict[str, dict[str, tuple[str, ...]]] = {
    "MI": {
        "AMI": ("ASMI", "AMI", "ALMI", "INJAS", "INJAL", "INJLA"),
        "IMI": ("IMI", "ILMI", "IPLMI", "IPMI", "INJIN", "INJIL"),
        "LMI": ("LMI",),
        "PMI": ("PMI",),
    },
    "STTC": {
        "STTC": ("NDT", "DIG", "LNGQT", "ANEUR", "EL"),
        "NST_": ("NST_",),
        "ISC_": ("ISC_",),
        "ISCA": ("ISCAL", "ISCAS", "ISCLA", "ISCAN"),
        "ISCI": ("ISCIN", "ISCIL"),
    },
    "CD": {
        "LAFB/LPFB": ("LAFB", "LPFB"),
        "_AVB": ("1AVB", "2AVB", "3AVB"),
        **{code: (code,) for code in ("IRBBB", "CRBBB", "CLBBB", "ILBBB", "IVCD", "WPW")},
    },
    "HYP": {code: (code,) for code in ("LVH", "RVH", "LAO/LAE", "RAO/RAE", "SEHYP")},
    "NORM": {"NORM": ("NORM",)},
}
"""Codes by diagnostic superclass and subclass, after PTB-XL's ``scp_statements.csv``."""

_ACUTE_STAGES = frozenset({"Stadium I", "Stadium I-II", "Stadium II"})
_INFERIOR = (("II", "III"), ("III", "aVF"), ("II", "aVF"))
_ANTERIOR = (("V1", "V2", "V3", "V4"),)
_LATERAL = (("I", "aVL", "V5", "V6"),)
_CHEST = (("V1", "V2"), ("V5", "V6"))
_AXIS = (("I", "aVL"), ("II", "III", "aVF"))
_ALL = (*_INFERIOR, *_ANTERIOR, *_LATERAL)


@dataclass(frozen=True)
class Statement:
    """One thing that can be said about an electrocardiogram.

    Attributes
    ----------
    code : str
        SCP-ECG code as PTB-XL writes it, or the name of a class.
    name : str
        The same in words.
    group : str
        One of `GROUPS`.
    superclass : str or None
        The diagnostic superclass that it belongs to.
    needs : tuple of tuple of str
        Of each group of leads one must be seen, or nothing can be said; two of three leads are three groups of two.
    needs_rhythm : bool
        Whether a strip must be long enough to tell how beats follow each other.
    """

    code: str
    name: str
    group: str
    superclass: str | None = None
    needs: tuple[tuple[str, ...], ...] = ()
    needs_rhythm: bool = False


STATEMENTS: tuple[Statement, ...] = (
    Statement("NORM", "normal ECG", "superclass", "NORM", _ALL),
    Statement("MI", "myocardial infarction", "superclass", "MI", _ALL),
    Statement("STTC", "ST/T change", "superclass", "STTC", _ALL),
    Statement("CD", "conduction disturbance", "superclass", "CD", _CHEST),
    Statement("HYP", "hypertrophy", "superclass", "HYP", _CHEST),
    Statement("AMI (subclass)", "anterior myocardial infarction of any extent", "subclass", "MI", _ANTERIOR),
    Statement("IMI (subclass)", "inferior myocardial infarction of any extent", "subclass", "MI", _INFERIOR),
    Statement("STTC (subclass)", "ST/T change other than ischaemia", "subclass", "STTC", _ALL),
    Statement("ISCA", "ischaemia in anterior or lateral leads", "subclass", "STTC", (*_ANTERIOR, *_LATERAL)),
    Statement("ISCI", "ischaemia in inferior leads", "subclass", "STTC", _INFERIOR),
    Statement("LAFB/LPFB", "left fascicular block", "subclass", "CD", _AXIS),
    Statement("NDT", "non-diagnostic T abnormalities", "diagnostic", "STTC", _ALL),
    Statement("NST_", "non-specific ST changes", "diagnostic", "STTC", _ALL),
    Statement("DIG", "digitalis effect", "diagnostic", "STTC", _ALL),
    Statement("ISC_", "non-specific ischaemia", "diagnostic", "STTC", _ALL),
    Statement("ISCAL", "ischaemia in anterolateral leads", "diagnostic", "STTC", (*_ANTERIOR, *_LATERAL)),
    Statement("IMI", "inferior myocardial infarction", "diagnostic", "MI", _INFERIOR),
    Statement("ILMI", "inferolateral myocardial infarction", "diagnostic", "MI", (*_INFERIOR, *_LATERAL)),
    Statement("ASMI", "anteroseptal myocardial infarction", "diagnostic", "MI", _ANTERIOR),
    Statement("AMI", "anterior myocardial infarction", "diagnostic", "MI", _ANTERIOR),
    Statement("LVH", "left ventricular hypertrophy", "diagnostic", "HYP", _CHEST),
    Statement("LAO/LAE", "left atrial overload or enlargement", "diagnostic", "HYP", (("II", "V1"),)),
    Statement("LAFB", "left anterior fascicular block", "diagnostic", "CD", _AXIS),
    Statement("IRBBB", "incomplete right bundle branch block", "diagnostic", "CD", (("V1", "V2"),)),
    Statement("CRBBB", "complete right bundle branch block", "diagnostic", "CD", (("V1", "V2"),)),
    Statement("CLBBB", "complete left bundle branch block", "diagnostic", "CD", _CHEST),
    Statement("IVCD", "non-specific intraventricular conduction disturbance", "diagnostic", "CD", _CHEST),
    Statement("1AVB", "first degree AV block", "diagnostic", "CD"),
    Statement("ABQRS", "abnormal QRS", "form", None, _ALL),
    Statement("QWAVE", "Q waves present", "form", None, _ALL),
    Statement("VCLVH", "voltage criteria for left ventricular hypertrophy", "form", None, _CHEST),
    Statement("STD_", "non-specific ST depression", "form", None, _ALL),
    Statement("NT_", "non-specific T-wave changes", "form", None, _ALL),
    Statement("INVT", "inverted T waves", "form", None, _ALL),
    Statement("LOWT", "low amplitude T waves", "form", None, _ALL),
    Statement("LPR", "prolonged PR interval", "form"),
    Statement("PVC", "ventricular premature complex", "form"),
    Statement("PAC", "atrial premature complex", "form"),
    Statement("SR", "sinus rhythm", "rhythm"),
    Statement("STACH", "sinus tachycardia", "rhythm"),
    Statement("SBRAD", "sinus bradycardia", "rhythm"),
    Statement("SARRH", "sinus arrhythmia", "rhythm", needs_rhythm=True),
    Statement("AFIB", "atrial fibrillation", "rhythm", needs_rhythm=True),
    Statement("PACE", "artificial pacemaker", "rhythm"),
    Statement("Acute MI", "acute myocardial infarction", "challenge", "MI", _ALL),
    Statement("Old MI", "old myocardial infarction", "challenge", "MI", _ALL),
    Statement("AFIB/AFL", "atrial fibrillation or flutter", "challenge", needs_rhythm=True),
    Statement("TACHY", "tachycardia", "challenge"),
)
"""Every statement, in the order of the network's outputs."""

CODES: tuple[str, ...] = tuple(statement.code for statement in STATEMENTS)
"""Codes of `STATEMENTS`, in the same order."""

CHALLENGE = {
    **{name: name for name in ("NORM", "Acute MI", "Old MI", "STTC", "CD", "HYP", "PAC", "PVC", "AFIB/AFL", "TACHY")},
    "BRADY": "SBRAD",
}
"""Classes of the PhysioNet Challenge 2024, and the codes of the statements that they are."""

_ANY_OF = {
    **{
        superclass: tuple(c for codes in subclasses.values() for c in codes)
        for superclass, subclasses in SUBCLASSES.items()
    },
    "AMI (subclass)": SUBCLASSES["MI"]["AMI"],
    "IMI (subclass)": SUBCLASSES["MI"]["IMI"],
    "STTC (subclass)": SUBCLASSES["STTC"]["STTC"],
    "ISCA": SUBCLASSES["STTC"]["ISCA"],
    "ISCI": SUBCLASSES["STTC"]["ISCI"],
    "LAFB/LPFB": SUBCLASSES["CD"]["LAFB/LPFB"],
    "AFIB/AFL": ("AFIB", "AFLT"),
    "TACHY": ("STACH", "SVTAC", "PSVT"),
}
"""Codes of which one makes a class true."""


def group_indices(group: str) -> tuple[int, ...]:
    """Find the places of one group's statements among `STATEMENTS`.

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


def positives(codes: Collection[str], stages: Collection[str] = ()) -> tuple[bool, ...]:
    """Tell the truth of every statement for one record.

    Parameters
    ----------
    codes : collection of str
        The record's SCP-ECG codes, whatever their likelihood.
    stages : collection of str
        Stages of its infarctions as PTB-XL has them (``"Stadium I"`` to ``"Stadium III"``, ``"unknown"``).

    Returns
    -------
    tuple of bool
        In the order of `STATEMENTS`.

    Examples
    --------
    >>> truth = positives({"IMI", "SR"})
    >>> [code for code, true in zip(CODES, truth) if true]
    ['MI', 'IMI (subclass)', 'IMI', 'SR', 'Old MI']
    """
    held = set(codes)
    infarcted = not held.isdisjoint(_ANY_OF["MI"])
    acute = infarcted and (not _ACUTE_STAGES.isdisjoint(stages) or any(code.startswith("INJ") for code in held))
    known = {"Acute MI": acute, "Old MI": infarcted and not acute}
    return tuple(known[code] if code in known else not held.isdisjoint(_ANY_OF.get(code, (code,))) for code in CODES)

"""Corrections of a file's pages as data: ``scan.edits.json``, read by ``--edits``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from digitize.records.known import Known

EDITS_FORMAT = "papertrace-edits/1"
"""Name and version of the format; the number grows when a key changes its meaning or goes."""

LARGEST = 10_000_000
"""Bytes of such a file; a line for each of the pages that a file may have takes less."""

_KNOWN = ("layout", "speed", "gain", "rename", "crop", "turn", "invert")
_TOLD = ("by", "when", "remark")


@dataclass(frozen=True)
class Edit:
    """What a person says of one page.

    Attributes
    ----------
    known : Known
    by, when, remark : str or None
        Who said so, when, and what else: they stand in the report.
    """

    known: Known = field(default_factory=Known)
    by: str | None = None
    when: str | None = None
    remark: str | None = None


def read_edits(path: Path) -> dict[int, Edit]:
    """Read the corrections of a file's pages.

    Parameters
    ----------
    path : Path
        See docs/results.md, "Edits".

    Returns
    -------
    dict
        By the page's number in its file, from 1.

    Raises
    ------
    ValueError
        If it is no such file, or says what is not allowed; the message names the file and the page.
    OSError
        If it cannot be read.
    """
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path}: too large for a file of edits: the limit is {LARGEST // 10**6} MB")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: no JSON: {error}") from None
    form = found.get("format") if isinstance(found, dict) else None
    if form != EDITS_FORMAT:
        raise ValueError(f"{path}: format {form!r}; allowed: {EDITS_FORMAT!r}")
    pages = found.get("pages")
    if not isinstance(pages, dict) or set(found) - {"format", "pages"}:
        raise ValueError(f"{path}: has {', '.join(found)}; allowed: format and pages")
    return {_number(page, path): _edit(edit, f"{path}, page {page}") for page, edit in pages.items()}


def as_plain(edit: Edit, *, anonymous: bool = False) -> dict[str, Any] | None:
    """Lay an edit out as a page's entry in such a file.

    Parameters
    ----------
    edit : Edit
    anonymous : bool
        Whether who said it, when, and the remark are left out.

    Returns
    -------
    dict or None
        None where nothing is said.

    Examples
    --------
    >>> as_plain(Edit(Known(turn=90), by="A. Reader"))
    {'turn': 90, 'by': 'A. Reader'}
    """
    told = {} if anonymous else {name: getattr(edit, name) for name in _TOLD if getattr(edit, name) is not None}
    plain = {**edit.known.given, **told}
    return plain or None


def _number(page: str, path: Path) -> int:
    if not (page.isascii() and page.isdecimal() and int(page) > 0):
        raise ValueError(f"{path}: page {page!r}; allowed: numbers from 1")
    return int(page)


def _edit(said: Any, where: str) -> Edit:
    if not isinstance(said, Mapping) or set(said) - {*_KNOWN, *_TOLD}:
        wrong = sorted(set(said) - {*_KNOWN, *_TOLD}) if isinstance(said, Mapping) else said
        raise ValueError(f"{where}: {wrong!r}; allowed: {', '.join((*_KNOWN, *_TOLD))}")
    told = {name: said[name] for name in _TOLD if name in said}
    for name, text in told.items():
        if not isinstance(text, str):
            raise ValueError(f"{where}: {name} is {text!r}; allowed: a text")
    known = {name: said[name] for name in _KNOWN if name in said}
    try:
        return Edit(Known(**known), **told)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {error}") from None

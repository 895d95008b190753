"""The command line: what may be asked for, and what is refused before any work is done."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from classify.picture.image import DESIGNS, FOLDER, is_trained
from classify.readers import READERS
from classify.statements import CODES
from digitize.export import FORMATS, find_formats
from digitize.records.known import Known
from digitize.records.layouts import find_layout
from digitize.records.standards import DPI, GAINS_MM_MV, SPEEDS_MM_S
from digitize.version import __version__
from papertrace.cli.edits import Edit, read_edits

LEAST_SECONDS, MOST_SECONDS = 10, 86_400
"""Processor time that a page may be given: to load the networks alone takes some seconds; a day is for ever."""

PAGE_SECONDS = 300.0
"""Time that it is given where nothing else is asked for; a hundred times what it usually takes."""

LIKELIEST = "likeliest"
"""May be asked to be explained beside the statements: the likeliest abnormal one that is present."""

_EXAMPLES = """\
examples:
  papertrace ward.pdf 'photos/*.jpg' archive/ --out R --jobs 4 --resume
  papertrace compare R_OLD R_NEW
exit codes: 0 all read, 1 some not, 2 wrong option or --out, 130 interrupted
"""


@dataclass(frozen=True)
class Options:
    """Hold what the caller asks for.

    Attributes
    ----------
    sources : tuple of str
        Files, folders and globs, as the caller named them.
    out : Path
        Where the results go.
    formats : tuple of str
        Names in `digitize.export.FORMATS`.
    html : bool
        Whether a page to read and print is written, too.
    explain : str or None
        Of which statement the evidence is drawn: its code or `LIKELIEST`.
    deidentify : bool
        Whether nothing that is written may tell whose page it is.
    jobs : int
        Pages that are read at a time.
    timeout : float
        Seconds of processor time that a page may take.
    join : Path or None
        A list whose columns are to stand in the table of results (`papertrace.cli.table`).
    sample : int or None
        Pages to choose for an audit.
    resume, overwrite : bool
        Whether pages that are done are passed over, and whether existing files may be replaced.
    known : Known
        What is known of every page: layout, scale, names, which part of the picture it is, how it is to be turned.
    edits : dict of int to Edit, or None
        What is said of single pages of the only file; `known` stands in the place of the same there.
    pages : frozenset of int or None
        Pages of every file that are read, from 1; None for all.
    dpi : float or None
        Resolution of the pages, dots an inch.
    refine : bool
        Whether a network corrects the traces.
    reader : str
        Who makes the statements, one of `classify.readers.READERS`.
    quiet, json : bool
        Say nothing but what went wrong; one JSON line a page.

    Examples
    --------
    >>> options = parse(["scan.png", "--format", "csv", "--gain", "5"])
    >>> options.sources, options.formats, options.known
    (('scan.png',), ('csv',), Known(gain=5.0))
    """

    sources: tuple[str, ...]
    out: Path
    formats: tuple[str, ...]
    html: bool
    explain: str | None
    deidentify: bool
    jobs: int
    timeout: float
    join: Path | None
    sample: int | None
    resume: bool
    overwrite: bool
    known: Known
    edits: dict[int, Edit] | None
    pages: frozenset[int] | None
    dpi: float | None
    refine: bool
    reader: str
    quiet: bool
    json: bool

    def edit_of(self, page: int) -> Edit:
        """Give all that is said of a page, by its number from 1."""
        edit = (self.edits or {}).get(page, Edit())
        return replace(edit, known=edit.known.but(self.known))


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        The command line without the program's name; `sys.argv` by default.

    Returns
    -------
    Options

    Raises
    ------
    SystemExit
        With code 2 and a message on standard error for a wrong option; with 0 for ``--help`` and ``--version``.
    """
    parser = argparse.ArgumentParser(
        prog="papertrace",
        usage="papertrace PAGE... [--out DIR] [options]",
        description="Read paper ECGs: millivolts, statements and a report. Not a medical device.",
        epilog=_EXAMPLES,
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(prog, max_help_position=22, width=80),
    )
    add = parser.add_argument
    add("sources", nargs="+", metavar="PAGE", help="file (picture, TIFF, PDF), folder or glob")
    add("--out", type=_folder, default=Path("."), metavar="DIR", help="folder of results (default: .)")
    add("--format", type=_formats, default=("wfdb", "csv"), dest="formats", metavar="F,F",
        help=f"of {', '.join(FORMATS)} (default: wfdb,csv)")  # fmt: skip
    add("--html", action="store_true", help="write a page to read and print, too")
    add("--explain", type=_statement, metavar="CODE",
        help="draw what spoke for a statement, e.g. AFIB, or likeliest")  # fmt: skip
    add("--deidentify", action="store_true", help="draw pages anew, without print; name no source")
    add("--jobs", type=_count, default=1, metavar="N", help="pages read at a time (default: 1)")
    add("--timeout", type=_seconds, default=PAGE_SECONDS, metavar="T",
        help=f"processor seconds a page may take (default: {PAGE_SECONDS:g})")  # fmt: skip
    add("--join", type=_list, metavar="LIST", help="CSV with a column file: its other columns join the table")
    add("--sample", type=_count, metavar="N", help="mark N pages of the table, chosen at random, to be audited")
    add("--resume", action="store_true", help="pass over finished pages, complete the others")
    add("--overwrite", action="store_true", help="replace files of an earlier run")
    add("--layout", type=_layout, metavar="L", help="e.g. 3x4+II; default: read from the page")
    add("--speed", type=_speed, metavar="S", help="paper speed, mm/s; default: read from the page")
    add("--gain", type=_gain, metavar="G", help="gain, mm/mV; default: read from the page")
    add("--rename", type=_names, metavar="A=B,..", default={},
        help="leads by new names, e.g. V3=V4,V4=V3; 4.1=V1: row 4, strip 1")  # fmt: skip
    add("--crop", type=_crop, metavar="L,T,R,B", help="part of the picture that is the page, pixels")
    add("--turn", type=_turn, metavar="D", help="turn the picture clockwise: 0, 90, 180 or 270")
    add("--invert", action="store_true", help="the picture is a negative")
    add("--pages", type=_pages, metavar="P,P-P", help="pages to read of each file, e.g. 1,3-5")
    add("--edits", type=_edits, metavar="FILE", help="corrections of the only file's pages (JSON)")
    add("--dpi", type=_resolution, metavar="D", help="resolution of the scan; default: what the file states")
    add("--no-refine", dest="refine", action="store_false", help="digitize without networks")
    add("--reader", type=_reader, default="signal", metavar="R",
        help=f"statements from {', '.join(READERS)} (default: signal)")  # fmt: skip
    told = parser.add_mutually_exclusive_group()
    told.add_argument("--quiet", action="store_true", help="say only what went wrong")
    told.add_argument("--json", action="store_true", help="one JSON line a page on standard output")
    add("--version", action="version", version=f"papertrace {__version__}")
    given = vars(parser.parse_args(arguments))
    if given["join"] is not None and given["deidentify"]:
        parser.error("--join names pages, --deidentify takes names away; allowed: one of the two")
    given["known"] = Known(**{part.name: given.pop(part.name) for part in fields(Known)})
    return Options(**{**given, "sources": tuple(given["sources"])})


def _folder(text: str) -> Path:
    folder = Path(text)
    try:
        if folder.exists() and not folder.is_dir():
            raise argparse.ArgumentTypeError(f"{text}: is a file, not a folder")
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{text!r}: not a folder's name: {error}") from None
    return folder


def _list(text: str) -> Path:
    from papertrace.cli.table import read_list

    try:
        read_list(Path(text))
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return Path(text)


def _formats(text: str) -> tuple[str, ...]:
    try:
        return tuple(form.name for form in find_formats(name.strip().lower() for name in text.split(",")))
    except (ValueError, ImportError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _statement(text: str) -> str:
    allowed = (LIKELIEST, *CODES)
    for name in allowed:
        if name.lower() == text.strip().lower():
            return name
    raise argparse.ArgumentTypeError(f"unknown statement {text!r}; allowed: {', '.join(allowed)}")


def _layout(text: str) -> str:
    try:
        return find_layout(text).name
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _names(text: str) -> dict[str, str]:
    pairs = [part.strip().partition("=") for part in text.split(",")]
    if not all(equals for _, equals, _ in pairs):
        raise argparse.ArgumentTypeError(f"{text!r}: allowed: OLD=NEW, with commas between several")
    names = [old.strip() for old, _, _ in pairs]
    if len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"{text!r}: names a lead twice; allowed: each once")
    return dict(_allowed(rename={old.strip(): new.strip() for old, _, new in pairs}).rename)


def _crop(text: str) -> tuple[int, int, int, int] | None:
    try:
        return _allowed(crop=tuple(map(int, text.split(",")))).crop
    except ValueError:
        return _allowed(crop=text).crop


def _turn(text: str) -> int | None:
    return _allowed(turn=int(text) if text.isdecimal() else text).turn


def _allowed(**value: Any) -> Known:
    try:
        return Known(**value)
    except (TypeError, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _pages(text: str) -> frozenset[int]:
    pages: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"([1-9]\d{0,3})(?:-([1-9]\d{0,3}))?", part.strip(), re.ASCII)
        last = 0 if match is None else int(match[2] or match[1])
        if match is None or last < int(match[1]):
            raise argparse.ArgumentTypeError(f"{text!r}: allowed: page numbers from 1 and ranges, e.g. 1,3-5")
        pages.update(range(int(match[1]), last + 1))
    return frozenset(pages)


def _edits(text: str) -> dict[int, Edit]:
    try:
        return read_edits(Path(text))
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error.strerror}") from None
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _reader(text: str) -> str:
    if text not in READERS:
        raise argparse.ArgumentTypeError(f"{text!r}: allowed: {', '.join(READERS)}")
    if text in DESIGNS and not is_trained(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} has no weights in {FOLDER}, `python -m papertrace.training.image --design {text}` writes them; "
            "allowed: signal, auto"
        )
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: allowed: whole numbers from 1")
    return int(text)


def _speed(text: str) -> float:
    return _between(text, *SPEEDS_MM_S, " mm/s")


def _gain(text: str) -> float:
    return _between(text, *GAINS_MM_MV, " mm/mV")


def _resolution(text: str) -> float:
    return _between(text, *DPI, "")


def _seconds(text: str) -> float:
    return _between(text, LEAST_SECONDS, MOST_SECONDS, " s")


def _between(text: str, least: float, most: float, unit: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text!r}: allowed: {least:g} to {most:g}{unit}")
    return value

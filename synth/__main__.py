"""Print pages from WFDB records: ``python -m synth RECORD... --out DIR``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from tqdm import tqdm

from synth.files import read_record, write_page
from synth.printer import render_page
from synth.style import PageStyle

# Notes, wear and capture have knobs of their own.
_KNOBS = tuple(knob for knob in fields(PageStyle) if knob.name not in ("notes", "wear", "capture"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m synth",
        description="Print ECG pages with their truth: NAME.png (or .jpg), NAME_truth.hea/.dat and NAME.json.",
    )
    parser.add_argument("records", nargs="+", metavar="RECORD", help="WFDB record, without extension")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the pages")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first page; each further one adds 1")
    parser.add_argument("--style", choices=["plain", "random"], default="plain", help="what the other options change")
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist")
    knobs = parser.add_argument_group("knobs of the page", "see synth.PageStyle for what they mean and allow")
    for knob in _KNOBS:
        _add_knob(knobs, knob)
    return parser


def _add_knob(group: argparse._ArgumentGroup, knob: Field[Any]) -> None:
    option = "--" + knob.name.replace("_", "-")
    kind = str(knob.type)
    shown = f"default {knob.default}"
    if kind == "bool":
        group.add_argument(option, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=shown)
        return
    if kind == "RGB":
        group.add_argument(option, type=int, nargs=3, metavar=("R", "G", "B"), default=argparse.SUPPRESS, help=shown)
    elif kind.startswith("tuple"):
        group.add_argument(option, type=float, nargs=2, metavar=("X", "Y"), default=argparse.SUPPRESS, help=shown)
    else:
        number = float if kind.startswith("float") else int if kind.startswith("int") else str
        group.add_argument(option, type=number, metavar=number.__name__, default=argparse.SUPPRESS, help=shown)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        0, or 1 if a page could not be printed; the others still are.
    """
    given = vars(_parser().parse_args(arguments))
    knobs = {
        knob.name: tuple(given[knob.name]) if isinstance(given[knob.name], list) else given[knob.name]
        for knob in _KNOBS
        if knob.name in given
    }
    style = "random" if given["style"] == "random" else None
    failed = False
    for index, record in enumerate(tqdm(given["records"], unit="page", disable=len(given["records"]) == 1)):
        try:
            signal, fs = read_record(record)
            page = render_page(signal, fs, style, seed=given["seed"] + index, **knobs)
            write_page(page, given["out"], Path(record).stem, overwrite=given["overwrite"])
        except (OSError, ValueError) as error:
            tqdm.write(f"{record}: {error}", file=sys.stderr)
            failed = True
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

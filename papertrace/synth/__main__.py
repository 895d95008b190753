"""Print pages of records, or of simulated hearts.

``python -m papertrace.synth RECORD_OR_FOLDER... --out DIR``, or
``python -m papertrace.synth --simulate 5 --out DIR``.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from papertrace.synth.files import find_records, read_record, write_page
from papertrace.synth.knobs import knobs_of
from papertrace.synth.presets import PRESETS, preset_style
from papertrace.synth.printer import render_page
from papertrace.synth.simulator import simulate
from papertrace.synth.style import PageStyle

_NESTED = {knob.name: type(knob.default) for knob in knobs_of(PageStyle) if knob.allowed is None}
_PLAIN = {knob.name for knob in knobs_of(PageStyle)} - _NESTED.keys()
_FS = 500.0
_SLOWEST, _FASTEST = 50.0, 110.0


@dataclass(frozen=True)
class _Order:
    """One page to print: from a record, or from a simulation of that number."""

    source: Path | int
    name: str
    seed: int


@dataclass(frozen=True)
class _Press:
    """Hold what all pages of a run have in common."""

    preset: str | None
    knobs: dict[str, Any]
    out: Path
    overwrite: bool


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m papertrace.synth",
        usage="%(prog)s [SOURCE ...] [--simulate N] --out DIR [--preset NAME] [options] [knobs]",
        description="Print ECG pages with their truth: NAME.png (or .jpg), NAME_ink.png (the traces' pen), "
        "NAME_truth.hea/.dat (millivolts) and NAME.json (geometry).",
        epilog="Knobs that a preset draws are replaced by those given, e.g. "
        "--preset stained --wear-stains 3 --dpi 150 --jpeg none.",
        allow_abbrev=False,
    )
    parser.add_argument("sources", nargs="*", metavar="SOURCE", help="WFDB record, or folder that holds some")
    parser.add_argument("--simulate", type=_count, default=0, metavar="N", help="also print N simulated recordings")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the pages")
    parser.add_argument("--preset", choices=list(PRESETS), help="kind of page; without it a plain one is printed")
    parser.add_argument(
        "--pages", type=_count, metavar="N", help="pages in all, taking the recordings in turn (default: one of each)"
    )
    parser.add_argument("--seed", type=_whole, default=0, help="seed of the first page; each further one adds 1")
    parser.add_argument("--jobs", type=_count, default=1, metavar="N", help="processes (default: %(default)s)")
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist")
    _add_knobs(parser.add_argument_group("knobs of the print"), PageStyle, "")
    for prefix, kind in _NESTED.items():
        _add_knobs(parser.add_argument_group(f"knobs of the {prefix}"), kind, f"{prefix}_")
    return parser


def _whole(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number}; allowed: whole numbers from 0")
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number}; allowed: whole numbers from 1")
    return number


def _add_knobs(group: Any, kind: type, prefix: str) -> None:
    for knob in knobs_of(kind):
        if knob.allowed is None:
            continue
        help_ = f"{knob.explanation} (default: {knob.default})".replace("`", "").replace("%", "%%")
        option: dict[str, Any] = {"default": argparse.SUPPRESS, "help": help_, "dest": prefix + knob.name}
        value, count = knob.allowed.kind, knob.allowed.count
        if value is bool:
            option["action"] = argparse.BooleanOptionalAction
        elif count:
            option |= {"type": value, "nargs": count, "metavar": ("R", "G", "B") if value is int else "X"}
        else:
            option |= {"type": _or_none(value) if knob.allowed.none else value, "metavar": value.__name__}
        group.add_argument("--" + option["dest"].replace("_", "-"), **option)


def _or_none(number: Callable[[str], Any]) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        return None if text.lower() == "none" else number(text)

    convert.__name__ = getattr(number, "__name__", "value")
    return convert


def _orders(sources: Sequence[Path | int], pages: int | None, seed: int) -> list[_Order]:
    """Take the sources in turn; pages of one name are numbered."""
    taken = list(itertools.islice(itertools.cycle(sources), len(sources) if pages is None else pages))
    names = [f"simulated-{source}" if isinstance(source, int) else source.stem for source in taken]
    totals, seen = Counter(names), Counter[str]()
    orders = []
    for index, (source, name) in enumerate(zip(taken, names, strict=True)):
        seen[name] += 1
        orders.append(_Order(source, name if totals[name] == 1 else f"{name}-{seen[name]}", seed + index))
    return orders


def _styled(preset: str | None, seed: int, knobs: dict[str, Any]) -> PageStyle:
    style = PageStyle() if preset is None else preset_style(preset, seed)
    plain = {name: value for name, value in knobs.items() if name in _PLAIN}
    for part in _NESTED:
        inside = {name.removeprefix(f"{part}_"): knobs[name] for name in knobs.keys() - plain if name.startswith(part)}
        plain[part] = replace(getattr(style, part), **inside)
    return replace(style, **plain)


def _print(press: _Press, order: _Order) -> str | None:
    """Print a page; what went wrong, if it did."""
    try:
        if isinstance(order.source, int):
            rate = float(np.random.default_rng(order.source).uniform(_SLOWEST, _FASTEST))
            signal, fs = simulate(10.0, _FS, heart_rate=rate, seed=order.source), _FS
        else:
            signal, fs = read_record(order.source)
        page = render_page(signal, fs, _styled(press.preset, order.seed, press.knobs), seed=order.seed)
        write_page(page, press.out, order.name, overwrite=press.overwrite)
    except (OSError, ValueError) as error:
        return f"{order.source if isinstance(order.source, Path) else order.name}: {error}"
    return None


def _printed(press: _Press, orders: Sequence[_Order], jobs: int) -> Iterator[str | None]:
    if jobs == 1:
        yield from map(partial(_print, press), orders)
        return
    # A forked process may inherit a lock of a library's threads and wait for ever.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        yield from pool.map(partial(_print, press), orders, chunksize=1)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        0, or 1 if a page could not be printed; the others still are. 130 after Ctrl-C.
    """
    parser = _parser()
    given = vars(parser.parse_args(arguments))
    knob_names = given.keys() - vars(parser.parse_args(["--out", "."])).keys()
    knobs = {name: tuple(given[name]) if isinstance(given[name], list) else given[name] for name in knob_names}
    if not given["sources"] and not given["simulate"]:
        parser.error("nothing to print; allowed: records, folders of records, or --simulate N")
    try:
        _styled(None, 0, knobs)
    except ValueError as error:
        parser.error(str(error))
    failed = False
    sources: list[Path | int] = []
    for place in given["sources"]:
        try:
            sources += find_records(place)
        except OSError as error:
            print(error, file=sys.stderr)
            failed = True
    sources += range(given["seed"] + 1, given["seed"] + given["simulate"] + 1)
    orders = _orders(sources, given["pages"] if sources else None, given["seed"])
    press = _Press(given["preset"], knobs, given["out"], given["overwrite"])
    jobs = min(given["jobs"], max(1, len(orders)))
    try:
        outcomes = _printed(press, orders, jobs)
        for problem in tqdm(outcomes, total=len(orders), unit="page", disable=len(orders) <= 1):
            if problem is not None:
                tqdm.write(problem, file=sys.stderr)
                failed = True
    except KeyboardInterrupt:
        return 130
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

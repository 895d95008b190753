"""Hash what each stage makes of a page: ``python -m papertrace.benchmarks.stages ORDERS.json OUT``.

The half of `papertrace.benchmarks.compare` that runs inside either of the two trees. It leaves one file a page in OUT,
passes over pages whose file is there, and imports nothing but the product: a stage keeps its name and its order of
values when the code behind it moves, so that two trees can be held against each other.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

FS = 500
"""Sampling frequency of what is kept of a page, Hz."""

STAGES = ("picture", "upright", "ink", "rows", "symbols", "traces", "layout", "refined", "strips", "report")
"""Stages in the order of a page's way."""


@dataclass(frozen=True)
class Order:
    """One page to read.

    Attributes
    ----------
    name : str
        The page in tables.
    group : str
        Kind of page.
    file : str
        The picture; of a page that is printed, the WFDB record without suffix.
    index : int
        Page of the file, from 0.
    preset : str
        Of `papertrace.synth.PRESETS` for a page that is printed first; empty for a picture.
    seed : int
        Of the printer.
    truth : str
        Where the millivolts are that the page shows (`papertrace.datasets.pages.read_truth`); empty where nobody
        knows or the printer tells.
    """

    name: str
    group: str
    file: str
    index: int = 0
    preset: str = ""
    seed: int = 0
    truth: str = ""


def digest(values: Any) -> str:
    """Hash values, bit for bit: numbers, texts, arrays, and what holds such in some order.

    Parameters
    ----------
    values : object
        Dataclasses count by the values of their fields, not by their names, so that a name may change.

    Returns
    -------
    str
        Beginning of a SHA-256.

    Raises
    ------
    TypeError
        If something is neither of these.

    Examples
    --------
    >>> digest([1.0, "II", np.zeros(3)]) == digest((1.0, "II", np.zeros(3)))
    True
    >>> digest(np.zeros(3)) == digest(np.zeros(3, np.float32))
    False
    """
    parts = hashlib.sha256()
    for piece in _pieces(values):
        parts.update(len(piece).to_bytes(8, "little"))
        parts.update(piece)
    return parts.hexdigest()[:16]


def _pieces(values: Any) -> Iterable[bytes]:
    if isinstance(values, np.ndarray):
        yield f"{values.dtype.str}{values.shape}".encode()
        yield np.ascontiguousarray(values).tobytes()
    elif values is None or isinstance(values, (bool, int, float, str, np.generic)):
        yield repr(values.item() if isinstance(values, np.generic) else values).encode()
    elif is_dataclass(values) and not isinstance(values, type):
        yield from _pieces([getattr(values, field.name) for field in fields(values)])
    elif isinstance(values, Mapping):
        yield from _pieces([item for pair in sorted(values.items()) for item in pair])
    elif isinstance(values, Iterable):
        items = list(values)
        yield f"{len(items)} items".encode()
        for item in items:
            yield from _pieces(item)
    else:
        raise TypeError(f"{type(values).__name__} has no digest; allowed: numbers, texts, arrays, sequences of these")


def look_at(order: Order) -> tuple[dict[str, str], dict[str, Any], NDArray[np.float32], NDArray[np.float32]]:
    """Read a page and hash what each stage made of it.

    Parameters
    ----------
    order : Order

    Returns
    -------
    digests : dict
        Stage to digest, as far as the page came.
    facts : dict
        ``layout``, ``verdict``, ``speed``, ``gain``, ``warnings`` of a page that was read, else ``error``.
    signal, truth : ndarray, shapes (12, n) and (12, m)
        Millivolts that were read, and those that a printed page shows; empty where there are none.
    """
    from digitize import PageError

    page, truth = _page(order)
    digests = {"picture": digest(page.image)}
    nothing = np.zeros((12, 0), np.float32)
    try:
        leads = _stages(page, digests)
    except PageError as error:
        return digests, {"error": str(error)}, nothing, truth
    except Exception as error:  # a crash is what a comparison is there to tell
        return digests, {"error": f"internal error: {type(error).__name__}: {error}"}, nothing, truth
    facts = {
        "layout": leads.layout,
        "verdict": leads.quality.verdict,
        "speed": leads.calibration.speed,
        "gain": leads.calibration.gain,
        "warnings": list(leads.warnings),
    }
    return digests, facts, leads.signal, truth


def _page(order: Order) -> tuple[Any, NDArray[np.float32]]:
    """Load a page, or print it; what it shows where the printer tells."""
    from digitize.pages.page import load_page
    from digitize.records.page import Page

    if not order.preset:
        return replace(load_page(order.file, order.index), name="page"), np.zeros((12, 0), np.float32)
    from papertrace.synth.files import read_record
    from papertrace.synth.printer import render_page

    printed = render_page(*read_record(order.file), order.preset, seed=order.seed)
    truth = np.asarray(printed.signal, np.float32)
    return Page(printed.image, "page", None, 0), truth if printed.fs == FS else np.zeros((12, 0), np.float32)


def _stages(page: Any, digests: dict[str, str]) -> Any:
    """Take a page all the way; this function alone knows the insides of the tree that it runs in."""
    from classify import interpret
    from digitize import api
    from papertrace.cli.plan import Job
    from papertrace.cli.report import build_report

    analysis = api.analyze_page(page)
    digests["upright"] = digest(
        [analysis.placement.matrix, analysis.upright.image, analysis.upright.inside, analysis.upright.nodes]
    )
    digests["ink"] = digest(analysis.coverage)
    digests["rows"] = digest([analysis.rows.level, analysis.rows.start, analysis.rows.end, analysis.baseline])
    digests["symbols"] = digest([analysis.symbols.pulses, analysis.symbols.bars, analysis.symbols.mask])
    digests["traces"] = digest([_path(analysis.traces), analysis.traces.ink, analysis.traces.radius])
    digests["layout"] = digest([_layout(analysis.layout), _scale(analysis.scale)])
    analysis = api.refined(analysis)
    digests["refined"] = digest([_path(analysis.traces), analysis.right])
    leads = api.leads_of(analysis, fs=FS)
    digests["strips"] = digest([leads.strips, leads.signal, leads.confidence])
    job = Job("page", 0, "page", "page", ("page", ""), ())
    report = build_report(job, page, leads, interpret(leads), 0.0, refined=True)
    digests["report"] = digest({key: value for key, value in report.items() if key != "software"})
    return leads


def _path(traces: Any) -> list[NDArray[Any]]:
    from digitize.refine.windows import sureness

    # The state of a trace was once kept as these numbers.
    sure = sureness(traces.state)
    return [traces.center, traces.between, sure, traces.start, traces.end, traces.left, traces.right]


def _layout(found: Any) -> list[Any]:
    return [found.places, found.names, found.layout.name, found.warnings, found.lost]


def _scale(worth: Any) -> list[Any]:
    speed, gain, chest_gain = worth.speed, worth.gain, worth.chest_gain
    return [speed.value, gain.value, chest_gain.value, speed.source, gain.source, worth.warnings]


def look_at_all(orders: Path, folder: Path) -> None:
    """Read the pages of a list whose files are not there yet, and leave a file of each.

    Parameters
    ----------
    orders : Path
        JSON, see `Order`.
    folder : Path
        It is made when missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, order in enumerate(tqdm(json.loads(orders.read_text(encoding="utf-8")), disable=None)):
        file = folder / f"{number:05d}.npz"
        if file.exists():
            continue
        digests, facts, signal, truth = look_at(Order(**order))
        unfinished = file.with_suffix(".tmp")
        with unfinished.open("wb") as stream:
            np.savez_compressed(
                stream, signal=signal, truth=truth, digests=json.dumps(digests), facts=json.dumps(facts)
            )
        os.replace(unfinished, file)


if __name__ == "__main__":
    look_at_all(Path(sys.argv[1]), Path(sys.argv[2]))

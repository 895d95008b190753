"""Compare designs of the network that says what is ink.

``python -m papertrace.benchmarks look [--data DIR] [--out DIR] [RUNS]``.

Takes the networks that ``python -m papertrace.training.look`` left, reads the photographs of real prints whose look a
printer may learn with each of them, and writes ``look.md`` and ``look.json``. Which network is kept is chosen by fold 8
alone; the photographs only tell what it is worth.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from digitize import PageError
from digitize.api import analyze_page, leads_of, refined
from digitize.ink.look import WEIGHTS, load_network, look_at
from digitize.records.kinds import KINDS
from papertrace.benchmarks.options import parser_for
from papertrace.benchmarks.processes import run_all
from papertrace.benchmarks.report import Report, Section, Table, provenance
from papertrace.datasets.pages import FS, PageFile, find_pages, read_truth
from papertrace.datasets.ptbxl import data_folder
from papertrace.metrics.digitization import score_page
from papertrace.metrics.scores import bootstrap

RUNS = Path("runs/look")
PART = "look"
"""Half of the photographs."""

_SIDE = 2048
"""Pixels of the side of the page on which a network is timed."""


@dataclass(frozen=True)
class Network:
    """A network, what the record of its training says, and how fast it is.

    Attributes
    ----------
    name : str
    parameters : int
    minutes : float
        Of training.
    device : str
        That trained it.
    dice : dict
        How much of each kind of print is found on windows of fold 8, 0 to 1.
    float32, bfloat16 : float
        CPU seconds a megapixel in either precision.
    """

    name: str
    parameters: int
    minutes: float
    device: str
    dice: dict[str, float]
    float32: float
    bfloat16: float


@dataclass(frozen=True)
class Reading:
    """What became of a photograph with one of the networks, or with none.

    Attributes
    ----------
    network, page : str
    aligned, within : float
        Ratios of the page, dB: each lead aligned, and all pooled within 0.2 s.
    named, right : bool
        Whether every lead is under its name, and whether the page is right.
    """

    network: str
    page: str
    aligned: float
    within: float
    named: bool
    right: bool


NONE = "none"
"""Name of reading without a network."""


def find_networks(runs: Path) -> dict[str, Path]:
    """Find what a folder of trainings holds: weights by name.

    Raises
    ------
    FileNotFoundError
        If there is no network.
    """
    found = {path.parent.name: path for path in sorted(runs.glob(f"*/{WEIGHTS.name}"))}
    if not found:
        raise FileNotFoundError(f"{runs}: has no */{WEIGHTS.name}; `python -m papertrace.training.look` leaves them")
    return found


def describe(name: str, path: Path) -> Network:
    """Read the record of a network, and time it on one core."""
    record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return Network(
        name=name,
        parameters=record["parameters"],
        minutes=record["seconds"] / 60,
        device=record["device"],
        dice={kind: record["figures"][kind] for kind in KINDS},
        float32=_seconds(path, torch.float32),
        bfloat16=_seconds(path, torch.bfloat16),
    )


def _seconds(path: Path, precision: torch.dtype) -> float:
    """CPU seconds a megapixel, the best of three."""
    network = load_network(path)
    page = np.random.default_rng(0).integers(0, 256, (_SIDE, _SIDE, 3), dtype=np.uint8)
    paper = np.ones((_SIDE, _SIDE), bool)
    took = []
    with torch.autocast("cpu", precision, enabled=precision != torch.float32):
        for _ in range(4):
            began = time.process_time()
            look_at(page, paper, network)
            took.append(time.process_time() - began)
    return min(took[1:]) / (page[..., 0].size / 1e6)


def read(page: PageFile, networks: dict[str, Path]) -> list[Reading]:
    """Read a photograph without a network and with each, and score what comes out."""
    truth = read_truth(page)
    assert truth is not None
    found = []
    for name, path in ((NONE, None), *networks.items()):
        looker = None if path is None else partial(look_at, network=load_network(path))
        try:
            signal = leads_of(refined(analyze_page(page.file, look=looker)), fs=FS).signal
        except PageError:
            signal = np.zeros((12, 0), np.float32)
        score = score_page(truth, signal, FS)
        named = signal.shape[1] > 0 and not score.misnamed
        found.append(Reading(name, page.name, score.aligned_mean, float(score.pooled), named, score.right))
    return found


def report(networks: Sequence[Network], readings: Sequence[Reading], made_with: Mapping[str, Any]) -> Report:
    """Describe what each network finds, what it costs, and what photographs gain by it.

    Parameters
    ----------
    networks : sequence of Network
    readings : sequence of Reading
    made_with : mapping
        See `papertrace.benchmarks.report.provenance`.

    Returns
    -------
    Report
    """
    costs = ["design", "parameters", "minutes", *KINDS, "s a megapixel, float32", "bfloat16"]
    table = [
        (
            *(network.name, f"{network.parameters:,}", f"{network.minutes:.0f}"),
            *(f"{network.dice[kind]:.3f}" for kind in KINDS),
            *(f"{network.float32:.2f}", f"{network.bfloat16:.2f}"),
        )
        for network in networks
    ]
    gains = ["network", "photographs", "aligned, dB (95 %)", "within 0.2 s, dB (95 %)", "layout right", "right"]
    names = dict.fromkeys(reading.network for reading in readings)
    devices = ", ".join(sorted({network.device for network in networks}))
    sections = [
        Section("", [_ABOUT, Table(costs, table), f"Trained on: {devices}."]),
        Section("Photographs", [Table(gains, [_gain(name, readings) for name in names])]),
    ]
    data = {
        "made_with": made_with,
        "networks": [asdict(network) for network in networks],
        "readings": [asdict(reading) for reading in readings],
    }
    return Report("look", "Networks that say what is ink", sections, made_with, data)


_ABOUT = (
    "Trained on the same windows of printed pages of PTB-XL's folds 1 to 7; fold 8 chose the epoch. By kind of print: "
    "Dice's ratio on windows of fold 8, disturbed as in training, of the pixels that are called more likely than not. "
    "CPU seconds a megapixel of the upright page on one core, all that a page needs. **Which network comes with the "
    "package is chosen by fold 8 alone.** Beside it, only to report: the photographs of real prints whose look a "
    "printer may learn, read with each network and with none."
)


def _gain(name: str, readings: Sequence[Reading]) -> tuple[object, ...]:
    own = [reading for reading in readings if reading.network == name]
    values = np.array([(reading.aligned, reading.within) for reading in own])
    aligned, within = bootstrap(lambda chosen: values[chosen].mean(axis=0), len(own))
    return (
        *(name, len(own)),
        *(f"{mean.value:.1f} ({mean.low:.1f} to {mean.high:.1f})" for mean in (aligned, within)),
        *(sum(reading.named for reading in own), sum(reading.right for reading in own)),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.
    """
    parser = parser_for("look", __doc__, data=data_folder().parent)
    parser.add_argument("runs", nargs="?", type=Path, default=RUNS, help="trainings (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    try:
        networks = find_networks(chosen.runs)
    except FileNotFoundError as error:
        parser.error(str(error))
    pages = [page for page in find_pages(chosen.data, ["photographs"]) if page.remarks.get("split") == PART]
    readings = [reading for found in run_all(partial(read, networks=networks), pages, 1) for reading in found]
    described = [describe(name, path) for name, path in networks.items()]
    report(described, readings, provenance()).write(chosen.out)

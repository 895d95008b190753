"""Compare designs, losses and steps of the network that corrects traces, and readers of row bands.

``python -m papertrace.benchmarks refiners [--data DIR] [--out DIR] [RUNS ...]``.

Takes the networks that ``python -m papertrace.training.refiner`` and ``python -m papertrace.training.bands`` left,
reads every page of ``kit-pages``, every scan of a real print and every photograph of one once, lets each network
correct that analysis, and writes ``refiners.md`` and ``refiners.json``. Which network is kept is chosen by fold 8
alone; these pages only tell what it is worth.
"""

from __future__ import annotations

import json
import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digitize import PageError
from digitize.api import analyze_page, leads_of, refined
from digitize.refine.correct import WEIGHTS, TraceRefiner, refine
from papertrace.benchmarks.digitization import condition_of, find_targets
from papertrace.benchmarks.options import parser_for
from papertrace.benchmarks.processes import run_all
from papertrace.benchmarks.report import Report, Section, Table, provenance
from papertrace.datasets.pages import FS, PageFile, find_pages, read_truth
from papertrace.datasets.ptbxl import data_folder
from papertrace.metrics.digitization import score_page
from papertrace.metrics.scores import bootstrap
from papertrace.synth.presets import PRESETS
from papertrace.training import bands
from papertrace.training.band_readers import READERS, load_reader
from papertrace.training.designs import DESIGNS, load_refiner
from papertrace.training.refiner import LOSSES, Config

ALONE = "deterministic"
"""Name of the stage without a network."""

RUNS = (Path("runs/refiner"), Path("runs/bands"))


@dataclass(frozen=True)
class Trained:
    """A network and what the record of its training says.

    Attributes
    ----------
    name : str
    design, loss : str
    steps, parameters, epochs : int
    minutes : float
        Of training.
    device : str
        That trained it.
    before, after : float
        Aligned ratio of fold 8's segments, dB: as they were traced, and of the epoch that was kept.
    """

    name: str
    design: str
    loss: str
    steps: int
    parameters: int
    epochs: int
    minutes: float
    device: str
    before: float
    after: float


@dataclass(frozen=True)
class BandReader:
    """A reader of row bands, and what the record of its training says.

    Attributes
    ----------
    name : str
    reader : str
        One of `papertrace.training.band_readers.READERS`.
    simple : int
        Passes over clean pages before the others came.
    parameters, epochs : int
    minutes : float
        Of training.
    device : str
        That trained it.
    ratios : dict of str to dict of str to float
        By ``"deterministic"``, ``"refiner"`` (the package's) and ``"read"`` (the epoch that was kept): dB of fold 8's
        pages, by preset and of all as ``"fold 8"`` (`papertrace.training.bands.by_kind`).
    """

    name: str
    reader: str
    simple: int
    parameters: int
    epochs: int
    minutes: float
    device: str
    ratios: dict[str, dict[str, float]]


@dataclass(frozen=True)
class Page:
    """Result of a page.

    Attributes
    ----------
    condition, name : str
    aligned : dict
        Mean aligned ratio, dB, by network and of the deterministic stage alone.
    seconds : dict
        What each network took; empty where the page could not be read.
    """

    condition: str
    name: str
    aligned: dict[str, float]
    seconds: dict[str, float]


def find_networks(runs: Sequence[Path], needed: bool = True) -> dict[Path, Trained]:
    """Find the networks that correct traces which folders of trainings hold.

    Parameters
    ----------
    runs : sequence of Path
        With a folder a network, see `papertrace.training.refiner`.
    needed : bool
        Whether there must be one.

    Returns
    -------
    dict
        Weights and what is known of them; by design, loss and steps.

    Raises
    ------
    FileNotFoundError
        If there must be one and is none.
    """
    found = {path: _trained(path) for folder in runs for path in folder.glob(f"*/{WEIGHTS.name}")}
    if needed and not found:
        folders = ", ".join(map(str, runs))
        raise FileNotFoundError(
            f"{folders}: has no */{WEIGHTS.name}; `python -m papertrace.training.refiner` leaves them"
        )

    def place(path: Path) -> tuple[int, int, int]:
        network = found[path]
        return DESIGNS.index(network.design), LOSSES.index(network.loss), network.steps

    return {path: found[path] for path in sorted(found, key=place)}


def _trained(path: Path) -> Trained:
    record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    kept = max(record["history"], key=lambda figures: figures["fold 8"])
    return Trained(
        name=path.parent.name,
        design=record["design"],
        loss=record["configuration"]["loss"],
        steps=record["steps"],
        parameters=record["parameters"],
        epochs=len(record["history"]),
        minutes=record["seconds"] / 60,
        device=record["device"],
        before=kept["fold 8 before"],
        after=kept["fold 8"],
    )


def find_readers(runs: Path) -> dict[Path, BandReader]:
    """Find the readers of row bands that a folder of trainings holds.

    Parameters
    ----------
    runs : Path
        With a folder a reader, see `papertrace.training.bands`.

    Returns
    -------
    dict
        Weights and what is known of them, by reader; those without a curriculum first. Empty where there are none.
    """
    found = {}
    for path in runs.glob(f"*/{bands.WEIGHTS}.safetensors"):
        record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        found[path] = BandReader(
            name=path.parent.name,
            reader=record["reader"],
            simple=record["configuration"]["simple"],
            parameters=record["parameters"],
            epochs=len(record["history"]),
            minutes=record["seconds"] / 60,
            device=record["device"],
            ratios=record["figures"],
        )
    order = list(READERS)
    return dict(sorted(found.items(), key=lambda pair: (order.index(pair[1].reader), pair[1].simple, pair[1].name)))


def load_any(path: Path) -> TraceRefiner:
    """Load weights of either training, as what corrects the traces of a page.

    Parameters
    ----------
    path : Path
        The ``.safetensors`` file.

    Returns
    -------
    callable
    """
    if path.stem == bands.WEIGHTS:
        return load_reader(path)
    return partial(refine, network=load_refiner(path))


def measure(targets: Sequence[PageFile], networks: Mapping[str, Path]) -> list[Page]:
    """Read pages and let every network correct them, in a process that is held to one core.

    Parameters
    ----------
    targets : sequence of PageFile
    networks : mapping
        Names and weights.

    Returns
    -------
    list of Page
        In the order of the targets.
    """
    work = partial(correct, networks=networks)
    # A page that is not counted: the first use of a network sets it up.
    return list(run_all(work, targets, 1, on_one_core=True, first=partial(work, targets[0])))


def correct(page: PageFile, networks: Mapping[str, Path]) -> Page:
    """Read a page once, let every network correct the analysis, and score what comes out.

    Parameters
    ----------
    page : PageFile
    networks : mapping
        Names and weights.

    Returns
    -------
    Page
        Of 0 dB everywhere where it could not be read.
    """
    truth = read_truth(page)
    assert truth is not None
    condition, name = condition_of(page), page.file.name
    try:
        analysis = analyze_page(page.file)
    except PageError:
        return Page(condition, name, dict.fromkeys((ALONE, *networks), 0.0), {})
    aligned = {ALONE: score_page(truth, leads_of(analysis, fs=FS).signal, FS).aligned_mean}
    seconds = {}
    for network, path in networks.items():
        loaded = load_any(path)
        began = time.perf_counter()
        corrected = refined(analysis, loaded)
        seconds[network] = time.perf_counter() - began
        aligned[network] = score_page(truth, leads_of(corrected, fs=FS).signal, FS).aligned_mean
    return Page(condition, name, aligned, seconds)


def report(
    networks: Sequence[Trained], readers: Sequence[BandReader], pages: Sequence[Page], made_with: Mapping[str, Any]
) -> Report:
    """Describe what the networks add: designs, losses, steps; readers of row bands; then conditions.

    Parameters
    ----------
    networks : sequence of Trained
    readers : sequence of BandReader
    pages : sequence of Page
    made_with : mapping
        See `papertrace.benchmarks.report.provenance`.

    Returns
    -------
    Report
    """
    every: list[Trained | BandReader] = [*networks, *readers]
    names = [ALONE, *(network.name for network in every)]
    devices = ", ".join(sorted({network.device for network in every}))
    sections = [
        Section("", [_ABOUT]),
        *(_compared(varied, networks, pages) for varied in (_VARIED if networks else ())),
        *([_of_readers(readers, pages)] if readers else []),
        Section(
            "Conditions",
            [Table(["condition", "pages", *names], _conditions(names, pages)), f"Trained on: {devices}."],
        ),
    ]
    data = {
        "made_with": made_with,
        "networks": [asdict(network) for network in every],
        "pages": [asdict(page) for page in pages],
    }
    return Report("refiners", "Networks that correct traces", sections, made_with, data)


_ABOUT = (
    "Trained on the same printed pages of PTB-XL's folds 1 to 7; fold 8 chose the epoch, and its segments' ratio "
    "(dB, without their mean error, mean over segments, then pages) stands before and after. **Which network comes "
    "with the package is chosen by fold 8 alone.** Beside it, only to report: the aligned ratio on the kit's pages, "
    "the scans and the photographs of real prints (mean over leads, then pages), what the network adds to the "
    "deterministic stage there, paired, with a 95 % bootstrap interval over pages, and the median seconds that it "
    "takes for a page on one core. There a network of one sample a column is carried half-way to the next by a cubic, "
    "and of four the two are used that a trace has."
)

_VARIED = ("design", "loss", "steps")


def _compared(varied: str, networks: Sequence[Trained], pages: Sequence[Page]) -> Section:
    """Hold the networks against each other that differ in one thing only from the usual configuration."""
    usual = Config()
    title, fixed = {
        "design": ("Designs", f"loss {usual.loss}, {usual.steps} samples a column"),
        "loss": ("Losses", f"design {usual.design}, {usual.steps} samples a column"),
        "steps": ("Samples a column", f"design {usual.design}, loss {usual.loss}"),
    }[varied]
    others = [name for name in _VARIED if name != varied]
    chosen = [network for network in networks if all(getattr(network, name) == getattr(usual, name) for name in others)]
    header = [
        *("samples a column" if varied == "steps" else varied, "parameters", "epochs", "minutes"),
        *("fold 8 before, dB", "fold 8, dB", "these pages, dB", "adds, dB (95 %)", "seconds a page"),
    ]
    rows = [(getattr(network, varied), *_figures(network, pages)) for network in chosen]
    return Section(title, [f"All with {fixed}.", Table(header, rows)])


def _of_readers(readers: Sequence[BandReader], pages: Sequence[Page]) -> Section:
    """Set readers of row bands beside the deterministic stage and the package's refiner."""
    kinds = [kind for kind in PRESETS if kind in readers[0].ratios["read"]]
    header = [
        *("reader", "clean pages first", "parameters", "epochs", "minutes", "these pages, dB", "adds, dB (95 %)"),
        *("seconds a page", "fold 8, dB", *kinds),
    ]
    of_fold_8 = ["fold 8", *kinds]

    def ratios(own: Mapping[str, float]) -> list[str]:
        return [f"{own.get(kind, math.nan):.2f}" for kind in of_fold_8]

    rows: list[tuple[object, ...]] = [
        (name, *["-"] * 7, *ratios(readers[0].ratios[name])) for name in ("deterministic", "refiner")
    ]
    for reader in readers:
        first = "yes" if reader.simple else "no"
        spent = f"{reader.parameters:,}", reader.epochs, f"{reader.minutes:.0f}"
        rows.append((reader.reader, first, *spent, *_worth(reader.name, pages), *ratios(reader.ratios["read"])))
    return Section("Readers of row bands", [_ABOUT_READERS, Table(header, rows)])


_ABOUT_READERS = (
    "A reader finds the pen in the band of each row by itself; what is known of the traces is one of its channels. "
    "Fold 8 here are whole pages: the mean over stretches of 2 s, then pages, where a trace that is hidden counts as "
    "its row's level; by preset too. *deterministic* and *refiner* (the network that comes with the package) are "
    "measured on the same pages."
)


def _figures(network: Trained, pages: Sequence[Page]) -> tuple[object, ...]:
    return (
        f"{network.parameters:,}",
        network.epochs,
        f"{network.minutes:.0f}",
        f"{network.before:.2f}",
        f"{network.after:.2f}",
        *_worth(network.name, pages),
    )


def _worth(name: str, pages: Sequence[Page]) -> tuple[str, str, str]:
    """Mean of the pages with a network, what it adds, and the seconds that it takes."""
    aligned = np.array([page.aligned[name] for page in pages])
    added = aligned - [page.aligned[ALONE] for page in pages]

    def mean(chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.array([added[chosen].mean()])

    adds = bootstrap(mean, len(added))[0]
    took = [page.seconds[name] for page in pages if page.seconds]
    return (
        f"{aligned.mean():.2f}",
        f"{adds.value:.2f} ({adds.low:.2f} to {adds.high:.2f})",
        f"{statistics.median(took):.2f}" if took else "-",
    )


def _conditions(names: Sequence[str], pages: Sequence[Page]) -> list[tuple[object, ...]]:
    found = dict.fromkeys(page.condition for page in pages)
    conditions = [(name, [page for page in pages if page.condition == name]) for name in found]
    return [
        (condition, len(of), *(f"{np.mean([page.aligned[name] for page in of]):.2f}" for name in names))
        for condition, of in [*conditions, ("all", list(pages))]
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.
    """
    parser = parser_for("refiners", __doc__, data=data_folder().parent)
    parser.add_argument(
        "runs", nargs="*", type=Path, default=RUNS, help=f"trainings (default: {' '.join(map(str, RUNS))})"
    )
    chosen = parser.parse_args(arguments)
    readers = {path: reader for runs in chosen.runs for path, reader in find_readers(runs).items()}
    try:
        networks = find_networks(chosen.runs, needed=not readers)
        targets = find_targets(chosen.data)
    except FileNotFoundError as error:
        parser.error(str(error))
    targets += [page for page in find_pages(chosen.data, ("photographs",)) if page.truth is not None]
    paths = {network.name: path for path, network in networks.items()}
    paths |= {reader.name: path for path, reader in readers.items()}
    pages = measure(targets, paths)
    report(list(networks.values()), list(readers.values()), pages, provenance()).write(chosen.out)

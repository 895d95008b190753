"""Designs, losses and steps of the network that corrects traces: ``python -m papertrace.benchmarks.refiners [RUNS]``.

Takes the networks that ``python -m papertrace.training.refiner`` left, reads every page of ``kit-pages`` and every scan
of a real print once, lets each network correct that reading, and writes ``refiners.md`` and ``refiners.json``. Which
network is kept is chosen by fold 8 alone; these pages only tell what it is worth.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from digitize import PageError
from digitize.api import analyze_page, leads_of, refined
from digitize.export import written_together
from digitize.refine.correct import WEIGHTS, load_network
from digitize.refine.network import DESIGNS
from papertrace.benchmarks.digitization import condition_of, find_targets, one_core, one_thread_each
from papertrace.benchmarks.report import provenance, table
from papertrace.datasets.pages import FS, PageFile, read_truth
from papertrace.datasets.ptbxl import data_folder
from papertrace.metrics.digitization import score_page
from papertrace.metrics.scores import bootstrap
from papertrace.training.refiner import LOSSES, Config

ALONE = "deterministic"
"""Name of the stage without a network."""

RUNS = Path("runs/refiner")


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
class Page:
    """What became of a page.

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


def find_networks(runs: Path) -> dict[Path, Trained]:
    """Find what a folder of trainings holds.

    Parameters
    ----------
    runs : Path
        With a folder a network, see `papertrace.training.refiner`.

    Returns
    -------
    dict
        Weights and what is known of them; by design, loss and steps.

    Raises
    ------
    FileNotFoundError
        If there is no network.
    """
    found = {path: _trained(path) for path in runs.glob(f"*/{WEIGHTS.name}")}
    if not found:
        raise FileNotFoundError(f"{runs}: has no */{WEIGHTS.name}; `python -m papertrace.training.refiner` leaves them")

    def place(path: Path) -> tuple[int, int, int]:
        own = found[path]
        return DESIGNS.index(own.design), LOSSES.index(own.loss), own.steps

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
    fresh = multiprocessing.get_context("spawn")
    with one_thread_each(), ProcessPoolExecutor(1, mp_context=fresh, initializer=one_core) as process:
        # The first use of a network sets it up.
        process.submit(correct, targets[0], networks).result()
        pages = process.map(partial(correct, networks=networks), targets)
        return list(tqdm(pages, total=len(targets), unit="page", disable=None))


def correct(page: PageFile, networks: Mapping[str, Path]) -> Page:
    """Read a page once, let every network correct the reading, and score what comes out.

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
        reading = analyze_page(page.file)
    except PageError:
        return Page(condition, name, dict.fromkeys((ALONE, *networks), 0.0), {})
    aligned = {ALONE: score_page(truth, leads_of(reading, fs=FS).signal, FS).aligned_mean}
    seconds = {}
    for network, path in networks.items():
        loaded = load_network(path)
        began = time.perf_counter()
        corrected = refined(reading, loaded)
        seconds[network] = time.perf_counter() - began
        aligned[network] = score_page(truth, leads_of(corrected, fs=FS).signal, FS).aligned_mean
    return Page(condition, name, aligned, seconds)


def markdown(networks: Sequence[Trained], pages: Sequence[Page], made_with: Mapping[str, Any]) -> str:
    """Write the report.

    Parameters
    ----------
    networks : sequence of Trained
    pages : sequence of Page
    made_with : mapping
        See `papertrace.benchmarks.report.provenance`.

    Returns
    -------
    str
        Markdown: designs, losses, steps; then conditions.
    """
    usual = Config()
    compared = {
        "design": ("Designs", f"loss {usual.loss}, {usual.steps} samples a column"),
        "loss": ("Losses", f"design {usual.design}, {usual.steps} samples a column"),
        "steps": ("Samples a column", f"design {usual.design}, loss {usual.loss}"),
    }
    lines = [
        "# Networks that correct traces",
        "",
        "Trained on the same printed pages of PTB-XL's folds 1 to 7; fold 8 chose the epoch, and its segments' ratio "
        "(dB, without their mean error, mean over segments, then pages) stands before and after. **Which network comes "
        "with the package is chosen by fold 8 alone.** Beside it, only to report: the aligned ratio on the kit's pages "
        "and the scans of real prints (mean over leads, then pages), what the network adds to the deterministic stage "
        "there, paired, with a 95 % bootstrap interval over pages, and the median seconds that it takes for a page on "
        "one core. There a network of one sample a column is carried half-way to the next by a cubic, and of four the "
        "two are used that a trace has.",
    ]
    for varied, (title, fixed) in compared.items():
        others = [name for name in compared if name != varied]
        of = [own for own in networks if all(getattr(own, name) == getattr(usual, name) for name in others)]
        lines += ["", f"## {title}", "", f"All with {fixed}.", ""]
        header = (
            *("samples a column" if varied == "steps" else varied, "parameters", "epochs", "minutes"),
            *("fold 8 before, dB", "fold 8, dB", "these pages, dB", "adds, dB (95 %)", "seconds a page"),
        )
        lines += table(header, [(getattr(own, varied), *_figures(own, pages)) for own in of])
    names = [ALONE, *(own.name for own in networks)]
    lines += ["", "## Conditions", "", *table(("condition", "pages", *names), _conditions(names, pages))]
    devices = ", ".join(sorted({own.device for own in networks}))
    lines += [
        "",
        f"Trained on: {devices}. Made {made_with['date']}, commit {made_with['commit'] or 'unknown'}.",
    ]
    return "\n".join(lines) + "\n"


def _figures(own: Trained, pages: Sequence[Page]) -> tuple[object, ...]:
    aligned = np.array([page.aligned[own.name] for page in pages])
    added = aligned - [page.aligned[ALONE] for page in pages]

    def mean(chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.array([added[chosen].mean()])

    adds = bootstrap(mean, len(added))[0]
    took = [page.seconds[own.name] for page in pages if page.seconds]
    return (
        f"{own.parameters:,}",
        own.epochs,
        f"{own.minutes:.0f}",
        f"{own.before:.2f}",
        f"{own.after:.2f}",
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
    parser = argparse.ArgumentParser(
        prog="python -m papertrace.benchmarks.refiners", description=__doc__.splitlines()[0]
    )
    parser.add_argument("runs", nargs="?", type=Path, default=RUNS, help="trainings (default: %(default)s)")
    parser.add_argument("--data", type=Path, default=data_folder().parent, help="folder with kit-pages and real-pages")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(__file__).parent / "results",
        help="folder for the two files (default: %(default)s)",
    )
    chosen = parser.parse_args(arguments)
    try:
        networks = find_networks(chosen.runs)
        targets = find_targets(chosen.data)
    except FileNotFoundError as error:
        parser.error(str(error))
    pages = measure(targets, {own.name: path for path, own in networks.items()})
    made_with = provenance()
    text = markdown(list(networks.values()), pages, made_with)
    described = {
        "made_with": made_with,
        "networks": [asdict(own) for own in networks.values()],
        "pages": [asdict(page) for page in pages],
    }
    with written_together(chosen.out) as temporary:
        (temporary / "refiners.md").write_text(text, encoding="utf-8")
        (temporary / "refiners.json").write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(text)


if __name__ == "__main__":
    main()

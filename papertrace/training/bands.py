"""Train readers of row bands, and set them beside the network behind `digitize.refine.correct`.

``python -m papertrace.training.bands [--reader R] [--data DIR] [--out DIR]``.

Pages of every preset are printed from PTB-XL records at 500 Hz and read once for all readers
(`papertrace.training.band_pages`); a reader learns where the pen ran in the band of each row
(`papertrace.training.band_readers`), with and without a curriculum: clean pages first. Records of folds 1 to 7 train
it, fold 8 chooses the epoch; fold 9 is never printed. The same command takes up an interrupted run, pages and epochs
alike, and ends with a table of all readers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from digitize.records.traces import Traces
from digitize.refine.bands import STEPS
from digitize.refine.correct import refine_traces
from digitize.refine.layers import Layers
from papertrace.synth.presets import PRESETS
from papertrace.training.band_pages import QUARTERS, ReadPage, collect, load, version_of_band_pages
from papertrace.training.band_readers import READERS
from papertrace.training.band_segments import Batch, batches
from papertrace.training.experiment import (
    Experiment,
    configured,
    count_parameters,
    options,
    run_of,
    write_experiment,
)
from papertrace.training.loop import Configuration, Forward, Run, Trained, fit
from papertrace.training.pages import CHOICE_FOLD, TRAIN_FOLDS, Job, plan_folds

WEIGHTS = "reader"
"""Name of the weights and of their record, in a folder of the reader's name."""

SIMPLE = ("clean",)
"""Presets that a curriculum begins with."""

LENGTH = 512
"""Columns of a stretch that has a ratio of its own: 2 s at 25 mm/s."""

_FLAT = 2.0
"""Standard deviation of the truth, in pixels, below which a stretch has no ratio."""
_LEAST_KNOWN = 0.4
"""Share of its samples whose truth is known."""


@dataclass(frozen=True)
class Config(Configuration):
    """Everything that a run depends on, its data aside.

    Attributes
    ----------
    reader : str
        One of `papertrace.training.band_readers.READERS`.
    simple : int
        Passes over the clean pages before the others come; 0 for no curriculum.
    train_pages, choose_pages, segments : int
        Pages to print, and bands of a page in an epoch at most.
    """

    epochs: int = 6
    batch: int = 6
    seed: int = 3
    rate: float = 2e-3
    decay: float = 0.02
    rise: float = 0.1
    reader: str = "distribution"
    simple: int = 0
    train_pages: int = 300
    choose_pages: int = 42
    segments: int = 6


@dataclass(frozen=True)
class Pages:
    """Files of read pages.

    Attributes
    ----------
    train, choose : tuple of Job
        Of folds 1 to 7, and of fold 8.
    """

    train: tuple[Job, ...]
    choose: tuple[Job, ...]


def ratios(page: ReadPage, traces: Traces) -> NDArray[np.float64]:
    """Signal-to-noise ratio of every stretch of a page's rows, without its mean error.

    Parameters
    ----------
    page : ReadPage
    traces : Traces
        As read; where a trace is hidden, its row's level is taken for it.

    Returns
    -------
    ndarray, shape (n,), float64
        dB; of the stretches that are neither flat nor mostly unknown.
    """
    level = page.layers.rows.level[..., None]
    path = np.stack([traces.center, traces.between], axis=2)
    path = np.where(np.isfinite(path), path, level)
    truth = page.seen[..., :: QUARTERS // STEPS]
    found = []
    for row, start in np.ndindex(len(truth), truth.shape[1] // LENGTH):
        here = row, slice(start * LENGTH, (start + 1) * LENGTH)
        known = np.isfinite(truth[here])
        if known.mean() < _LEAST_KNOWN or truth[here][known].std() < _FLAT:
            continue
        error = (path[here] - truth[here])[known]
        found.append(10 * np.log10(truth[here][known].var() / max(float(error.var()), 1e-4)))
    return np.array(found)


def by_kind(jobs: Sequence[Job], read: Callable[[Layers], Traces]) -> dict[str, float]:
    """Read pages, and average their ratios: over the stretches of a page, then over pages.

    Parameters
    ----------
    jobs : sequence of Job
        Whose files are there.
    read : callable
        Gives the traces of a page.

    Returns
    -------
    dict
        dB by preset, and of all pages by ``"fold 8"``; pages without a stretch that has a ratio are left out.
    """
    told: dict[str, list[float]] = {}
    for job in jobs:
        page = load(job.file)
        ratio = np.zeros(0) if page is None else ratios(page, read(page.layers))
        if len(ratio):
            told.setdefault(job.preset, []).append(float(ratio.mean()))
    every = [ratio for own in told.values() for ratio in own]
    return {"fold 8": float(np.mean(every)), **{kind: float(np.mean(own)) for kind, own in sorted(told.items())}}


def train(pages: Pages, config: Config, run: Run) -> list[Trained[nn.Module]]:
    """Fit a reader; the epoch with the highest mean ratio on fold 8 wins.

    Parameters
    ----------
    pages : Pages
    config : Config
    run : Run

    Returns
    -------
    list of Trained
        What was fitted first to clean pages, if so, and then to all.

    Raises
    ------
    ValueError
        If there is no such reader, no page to train on, or a checkpoint of another configuration.
    """
    if config.reader not in READERS:
        raise ValueError(f"reader is {config.reader!r}; allowed: {', '.join(READERS)}")
    if not pages.train or not pages.choose:
        raise ValueError(f"{len(pages.train)} pages to train on, {len(pages.choose)} to choose; allowed: one at least")
    reader = READERS[config.reader]

    def judge(network: nn.Module) -> tuple[float, dict[str, float]]:
        network.eval()
        figures = by_kind(pages.choose, lambda layers: reader.read(layers, network)[0])
        return figures["fold 8"], figures

    def fitted(make: Callable[[], nn.Module], jobs: Sequence[Job], epochs: int, name: str) -> Trained[nn.Module]:
        files = [job.file for job in jobs]
        drawn = batches(files, config.batch, config.segments, reader.heights)
        of_stage = Run(name, run.folder, run.resume, run.device, run.on_epoch)
        return fit(make, replace(config, epochs=epochs), drawn, loss, judge, run=of_stage)

    def loss(network: Forward, batch: Batch) -> Any:
        return reader.loss(network, batch)

    fits: list[Trained[nn.Module]] = []
    if config.simple:
        simple = [job for job in pages.train if job.preset in SIMPLE]
        fits.append(fitted(reader.make, simple, config.simple, f"{run.name}-simple"))
    begun = fits[0].network if fits else None
    fits.append(fitted(lambda: _continued(reader.make(), begun), pages.train, config.epochs, run.name))
    return fits


def _continued(network: nn.Module, begun: nn.Module | None) -> nn.Module:
    """A network with the weights of another one, if there is one."""
    if begun is not None:
        network.load_state_dict(begun.state_dict())
    return network


def references(jobs: Sequence[Job]) -> dict[str, dict[str, float]]:
    """Average the ratios, as `by_kind` does, of the deterministic traces and of the package's refiner.

    Parameters
    ----------
    jobs : sequence of Job

    Returns
    -------
    dict
        By ``"deterministic"`` and ``"refiner"``.
    """
    return {
        "deterministic": by_kind(jobs, lambda layers: layers.traces),
        "refiner": by_kind(jobs, lambda layers: refine_traces(layers)[0]),
    }


def write_weights(
    out: Path, fits: Sequence[Trained[nn.Module]], config: Config, pages: Pages, before: dict[str, Any], device: str
) -> dict[str, Any]:
    """Write ``reader.safetensors`` and its record ``reader.json``.

    Parameters
    ----------
    out : Path
        Folder to write into.
    fits : sequence of Trained
        See `train`.
    config : Config
    pages : Pages
    before : dict
        See `references`.
    device : str
        What it was trained on: ``"cpu"`` or ``"cuda"``.

    Returns
    -------
    dict
        What the ``.json`` holds.
    """
    network = fits[-1].network
    experiment = Experiment(
        configuration=config,
        data={
            "source": "PTB-XL records at 500 Hz, CC BY 4.0 (Wagner et al. 2020), on pages of every preset",
            "pages": {"train": len(pages.train), "fold 8": len(pages.choose)},
        },
        folds={"train": TRAIN_FOLDS, "choose": (CHOICE_FOLD,)},
        figures={**before, "read": max(fits[-1].history, key=lambda figures: figures["fold 8"])},
        fits=dict(zip(("simple", config.reader)[-len(fits) :], fits, strict=True)),
        parameters=count_parameters(network),
        device=device,
        use={"reader": config.reader},
    )
    return write_experiment(out, WEIGHTS, network.state_dict(), experiment)


def main(arguments: list[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the command line.
    """
    choices = {
        "train_pages": "pages of folds 1 to 7",
        "choose_pages": "pages of fold 8",
        "segments": "bands of a page in an epoch",
    }
    parser = options("bands", str(__doc__), Config, choices)
    parser.add_argument("--reader", choices=READERS, action="append", help="default: all, one after the other")
    parser.add_argument(
        "--simple",
        type=int,
        action="append",
        help="passes over the clean pages before the others come (default: 0, and as many as there are epochs)",
    )
    chosen = parser.parse_args(arguments)
    folder = chosen.out / "pages" / version_of_band_pages()
    train_jobs, choose_jobs = plan_folds(chosen.data, folder, chosen.train_pages, chosen.choose_pages)
    collect([*choose_jobs, *train_jobs], chosen.jobs)
    pages = Pages(tuple(train_jobs), tuple(choose_jobs))
    before = references(pages.choose)
    told = [{"reader": name, **figures} for name, figures in before.items()]
    simple = chosen.simple or [0, chosen.epochs]
    for reader in chosen.reader or READERS:
        for passes in simple:
            config = configured(Config, chosen, reader=reader, simple=passes)
            name = reader if passes == 0 else f"{reader}-after-clean"
            fits = train(pages, config, run_of(name, chosen))
            record = write_weights(chosen.out / name, fits, config, pages, before, chosen.device)
            told.append({"reader": name, **record["figures"]["read"]})
    print(table_of(told))


def table_of(rows: Sequence[dict[str, Any]]) -> str:
    """Set readers beside each other.

    Parameters
    ----------
    rows : sequence of dict
        With ``"reader"`` and what `by_kind` gives.

    Returns
    -------
    str

    Examples
    --------
    >>> print(table_of([{"reader": "deterministic", "fold 8": 19.28, "clean": 26.0}]))
    reader         fold 8   clean
    deterministic   19.28   26.00
    """
    kinds = ["fold 8", *(kind for kind in PRESETS if any(kind in row for row in rows))]
    widest = max(len(str(row["reader"])) for row in rows)
    lines = ["  ".join([f"{'reader':<{widest}}", *(f"{kind:>6}" for kind in kinds)])]
    for row in rows:
        values = (f"{row.get(kind, np.nan):>{max(6, len(kind))}.2f}" for kind in kinds)
        lines.append("  ".join([f"{row['reader']:<{widest}}", *values]))
    return "\n".join(lines)


if __name__ == "__main__":
    main()

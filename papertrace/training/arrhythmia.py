"""Train the arrhythmia network.

``python -m papertrace.training.arrhythmia [--data DIR] [--out DIR] [--epochs N] [--pages N]``.

Folds 1 to 7 train, fold 8 chooses the epoch, the calibration and the thresholds, fold 9 is scored once at the end. Each
record is seen as pages would show it (`papertrace.training.views`), some of them really printed and digitised
(`papertrace.training.digitised`). A few networks are trained that differ in their seeds, and ship as one. An
interrupted run is taken up again by the same command. The two files that it leaves belong in ``classify/weights``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load, save
from tqdm import tqdm

from classify.signal.network import BRANCHES, INPUTS, ArrhythmiaNetwork, Ensemble, read_inputs, read_views, stack_views
from classify.signal.view import FS, View, cut_to_layout, view_pieces
from classify.statements import CODES, STATEMENTS, group_indices
from digitize.export import written_together
from digitize.records.weights import hash_of, read_weights
from papertrace.datasets.ptbxl import Records, data_folder, load_ptbxl
from papertrace.metrics.calibration import Calibration, fit_calibration
from papertrace.metrics.scores import auroc, best_f1_thresholds
from papertrace.training import digitised
from papertrace.training.aside import what_else
from papertrace.training.fitting import Fit, commit_of_code, load_checkpoint, save_checkpoint, short_numbers
from papertrace.training.pages import CHOICE_FOLD, TRAIN_FOLDS, plan
from papertrace.training.sources import version_of_code
from papertrace.training.views import LAYOUTS, Pool, load_noise, make_pool

REPORT_FOLD = 9

PAGE = "3x4+II"
"""The layout that chooses and reports: the commonest one."""

_VOLTAGE = [CODES.index(code) for code in ("HYP", "LVH", "VCLVH", "LOWT")]
"""Statements about voltages, which records whose millivolts are lost do not teach."""


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on, its data aside.

    Attributes
    ----------
    members : int
        Networks that ship as one.
    epochs, batch, seed : int
    views : int
        Of every record, cut from the recording.
    pages : int
        Printed and digitised.
    rate, decay, dropout : float
        Highest rate of the one-cycle schedule, weight decay, share of features dropped.
    average : float
        Decay of the running average of the weights, a step; the average is what is chosen and kept.
    mixed : float
        Both parameters of the beta distribution by which examples are mixed (Zhang et al. 2018, "mixup").
    aside : float
        Weight of what is learned by the way (`papertrace.training.aside`).
    pretrained : str or None
        Version of the weights that the branches begin with (`papertrace.training.pretraining`); None: random ones.
    """

    members: int = 3
    epochs: int = 36
    batch: int = 32
    seed: int = 7
    views: int = 8
    pages: int = 400
    rate: float = 3e-3
    decay: float = 0.02
    dropout: float = 0.3
    average: float = 0.998
    mixed: float = 0.3
    aside: float = 0.3
    pretrained: str | None = None


@dataclass(frozen=True)
class Design:
    """A network that is to be fitted, and what it is shown.

    Attributes
    ----------
    make : callable
        Gives the network, with random weights, from the count of its outputs; only its last layer may depend on it.
    draw : callable
        Gives the network's inputs of some records, from their places, shape (n,), and a random number generator.
    blended : tuple of int
        Places of the inputs of which mixtures are meaningful.
    choice : tuple of tensor
        Its inputs of the records that choose the epoch.
    """

    make: Callable[[int], torch.nn.Module]
    draw: Callable[[NDArray[np.intp], np.random.Generator], Sequence[torch.Tensor]]
    blended: tuple[int, ...]
    choice: tuple[torch.Tensor, ...]


@dataclass(frozen=True)
class Trained:
    """A finished fit.

    Attributes
    ----------
    network : Module
        With the averaged weights of the best epoch, and one output a statement.
    history : tuple of dict
        Loss and fold-8 figures, epoch by epoch.
    """

    network: torch.nn.Module
    history: tuple[dict[str, float], ...]


@dataclass(frozen=True)
class Lesson:
    """What is learned from records.

    Attributes
    ----------
    truth, weight : tensor, shape (records, outputs), float32
        The statements first, then what is learned by the way.
    """

    truth: torch.Tensor
    weight: torch.Tensor


def lesson_of(records: Records, aside: float) -> Lesson:
    """Collect what is learned from records.

    Parameters
    ----------
    records : Records
    aside : float
        Weight of what is learned by the way.

    Returns
    -------
    Lesson
    """
    weight = np.ones_like(records.labels)
    weight[:, _VOLTAGE] *= records.millivolts[:, None]
    more = what_else(records)
    truth = np.concatenate([records.labels, more.truth], axis=1)
    return Lesson(torch.from_numpy(truth), torch.from_numpy(np.concatenate([weight, aside * more.known], axis=1)))


def page_views(records: Records, layout: str = PAGE) -> list[View]:
    """Show each record's true signal as one layout does.

    Parameters
    ----------
    records : Records
    layout : str

    Returns
    -------
    list of View
    """
    return [view_pieces(cut_to_layout(signal, layout), FS) for signal in records.signals]


def macro_auroc(truth: NDArray[np.float32], score: NDArray[np.float32]) -> dict[str, float]:
    """Mean AUROC of the superclasses, of the rhythm statements and of all statements of PTB-XL.

    Parameters
    ----------
    truth, score : ndarray, shape (n, statements)

    Returns
    -------
    dict of str to float
        ``superclass``, ``rhythm`` and ``all`` (subclasses and the Challenge's classes, which hold the same statements
        again, do not count in it); NaN where no statement can be judged.
    """
    each = auroc(truth, score)
    own = [place for group in ("superclass", "diagnostic", "form", "rhythm") for place in group_indices(group)]
    groups = {"superclass": group_indices("superclass"), "rhythm": group_indices("rhythm"), "all": own}
    means = {}
    for name, places in groups.items():
        values = each[list(places)]
        means[name] = float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")
    return means


def design_of(
    pools: Sequence[Pool], choice: Records, dropout: float, start: Mapping[str, torch.Tensor] | None = None
) -> Design:
    """Design the fit of the shipped network.

    Parameters
    ----------
    pools : sequence of Pool
        Views of the records that train.
    choice : Records
        Those that choose the epoch, all in millivolts.
    dropout : float
    start : mapping of str to tensor, optional
        Weights of the branches to begin with.

    Returns
    -------
    Design
    """

    def make(outputs: int) -> ArrhythmiaNetwork:
        network = ArrhythmiaNetwork(outputs, dropout)
        network.load_state_dict({**network.state_dict(), **(start or {})})
        return network

    return Design(
        make,
        lambda records, rng: batch_of(pools, records, rng),
        tuple(INPUTS.index(name) for name in ("beats", "intervals", "rhythm")),
        stack_views(page_views(choice)),
    )


def batch_of(pools: Sequence[Pool], records: NDArray[np.intp], rng: np.random.Generator) -> list[torch.Tensor]:
    """Take one view of each of some records, and move it a little: gain, place of the beat, leads.

    Parameters
    ----------
    pools : sequence of Pool
    records : ndarray, shape (n,), int
    rng : numpy.random.Generator

    Returns
    -------
    list of tensor
        The inputs of the network.
    """
    parts: dict[str, list[NDArray[Any]]] = {name: [] for name in INPUTS}
    for record in records:
        pool, place = _draw(pools, int(record), rng)
        for name in INPUTS:
            parts[name].append(getattr(pool, name)[place])
    stacked = {name: np.stack(values).astype(np.float32) for name, values in parts.items()}
    n = len(records)
    stacked["beats"] *= np.exp(rng.normal(0, 0.05, (n, 1, 1)) + rng.normal(0, 0.03, (n, 12, 1))).astype(np.float32)
    lost = (rng.random((n, 12, 1)) < 0.08) & (rng.random((n, 1, 1)) < 0.3)
    shift = int(rng.integers(-2, 3))
    for name in ("beats", "beats_seen"):
        stacked[name] = np.roll(np.where(lost, np.float32(0.0), stacked[name]), shift, axis=2)
    tensors = [torch.from_numpy(np.ascontiguousarray(stacked[name])) for name in INPUTS]
    tensors[-1] = tensors[-1].long()
    return tensors


def train(
    design: Design,
    lesson: Lesson,
    choice: NDArray[np.float32],
    config: Config,
    seed: int,
    checkpoint: Path,
    on_epoch: Callable[[dict[str, float]], None],
    device: str = "cpu",
) -> Trained:
    """Fit one network, taking up `checkpoint` where it exists.

    Every epoch draws from its own seed, so an interrupted run ends with the same weights as an uninterrupted one on
    the same machine.

    Parameters
    ----------
    design : Design
    lesson : Lesson
        Of the records that train.
    choice : ndarray, shape (n, statements), float32
        Truth of those that choose the epoch.
    config : Config
    seed : int
        Of this network.
    checkpoint : Path
        Written after every epoch.
    on_epoch : callable
        Called with the figures of every epoch, after its checkpoint is written.
    device : str
        ``"cpu"`` or ``"cuda"``.

    Returns
    -------
    Trained

    Raises
    ------
    ValueError
        If `checkpoint` is of another configuration.
    """
    # How many others there are changes nothing of one member.
    identity = {name: value for name, value in asdict(config).items() if name != "members"} | {"seed": seed}
    records, outputs = lesson.truth.shape
    torch.manual_seed(seed)
    network, averaged = (design.make(outputs).to(device) for _ in range(2))
    averaged.load_state_dict(network.state_dict())
    optimiser = torch.optim.AdamW(network.parameters(), config.rate, weight_decay=config.decay)
    steps_an_epoch = max(1, records // config.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config.rate, total_steps=config.epochs * steps_an_epoch + 1, pct_start=0.15
    )
    history: list[dict[str, float]] = []
    best: dict[str, Any] = {"score": -1.0, "state": None}
    saved = load_checkpoint(checkpoint, identity, device)
    fit = Fit(network, averaged, optimiser, schedule, config.average)
    if saved is not None:
        fit.take_up(saved)
        history, best = saved["history"], saved["best"]
    for epoch in range(len(history), config.epochs):
        rng = np.random.default_rng((seed, epoch))
        torch.manual_seed(seed * 1000 + epoch)
        network.train()
        order = rng.permutation(records)
        losses = []
        for step in tqdm(range(steps_an_epoch), desc=f"epoch {epoch + 1}", leave=False, disable=None):
            chosen = order[step * config.batch : (step + 1) * config.batch]
            inputs = [tensor.to(device) for tensor in design.draw(chosen, rng)]
            loss = _loss(network, inputs, design.blended, chosen, lesson, config.mixed, rng)
            fit.step(loss, epoch * steps_an_epoch + step)
            losses.append(float(loss.detach()))
        figures = macro_auroc(choice, read_inputs(averaged, design.choice)[:, : len(STATEMENTS)])
        history.append({"epoch": epoch + 1, "loss": float(np.mean(losses)), **figures})
        score = (figures["superclass"] + figures["all"]) / 2
        # Written so that a score that is NaN, for want of positives, keeps the last epoch.
        if not score <= best["score"]:
            state = {name: tensor.clone() for name, tensor in averaged.state_dict().items()}
            best = {"score": score, "state": state}
        save_checkpoint(checkpoint, identity, {"history": history, "best": best, **fit.states()})
        on_epoch(history[-1])
    averaged.load_state_dict(best["state"])
    return Trained(_statements_only(averaged.cpu(), design), tuple(history))


def write_weights(
    out: Path,
    network: Ensemble,
    histories: Sequence[Sequence[dict[str, float]]],
    config: Config,
    train_records: Records,
    choice: Records,
    report: Records,
    read: int,
) -> dict[str, Any]:
    """Calibrate on fold 8, score fold 9, and write ``arrhythmia.safetensors`` and its record ``arrhythmia.json``.

    Parameters
    ----------
    out : Path
        Folder to write into.
    network : Ensemble
    histories : sequence of sequence of dict
        Of its members.
    config : Config
    train_records, choice, report : Records
        Folds 1 to 7, 8 and 9.
    read : int
        Pages that were printed and digitised for it.

    Returns
    -------
    dict
        What the ``.json`` holds.
    """
    choice_logits = read_views(network, page_views(choice))
    calibration = fit_calibration(choice.labels, choice_logits)
    thresholds = best_f1_thresholds(choice.labels, calibrated(choice_logits, calibration))
    # Half precision changes no probability by more than a thousandth and halves the file.
    weights = save({name: tensor.half() for name, tensor in network.state_dict().items()})
    record = {
        **hash_of(weights),
        "members": len(network.members),
        "statements": [
            {
                **asdict(statement),
                "slope": float(calibration.slope[i]),
                "offset": float(calibration.offset[i]),
                "threshold": float(thresholds[i]),
                "positives": {
                    "train": int(train_records.labels[:, i].sum()),
                    "fold 8": int(choice.labels[:, i].sum()),
                    "fold 9": int(report.labels[:, i].sum()),
                },
            }
            for i, statement in enumerate(STATEMENTS)
        ],
        "figures": {
            "measure": f"macro AUROC on the true signal cut to {PAGE}",
            "fold 8": macro_auroc(choice.labels, choice_logits),
            "fold 9": macro_auroc(report.labels, read_views(network, page_views(report))),
        },
        "data": {
            "source": "PTB-XL, CC BY 4.0 (Wagner et al. 2020)",
            "train": {
                "folds": list(TRAIN_FOLDS),
                "records": len(train_records),
                "of these without millivolts": int((~train_records.millivolts).sum()),
                "printed and digitised pages of them": read,
            },
            "fold 8": {"records": len(choice)},
            "fold 9": {"records": len(report)},
        },
        "config": asdict(config),
        "layouts": [
            {"rectangle": rectangle, "rhythm strip": rhythm, "share": share} for rectangle, rhythm, share in LAYOUTS
        ],
        "histories": [list(history) for history in histories],
        "commit": commit_of_code(),
        "software": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
    }
    with written_together(out) as scratch:
        (scratch / "arrhythmia.safetensors").write_bytes(weights)
        (scratch / "arrhythmia.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return record


def main(arguments: list[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the command line.
    """
    parser = argparse.ArgumentParser(
        prog="python -m papertrace.training.arrhythmia", description="Train the arrhythmia network."
    )
    parser.add_argument("--data", type=Path, default=data_folder(), help="PTB-XL's folder (default: %(default)s)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs/arrhythmia"),
        help="folder for pages, checkpoints, weights and record; what classify reads is in classify/weights "
        "(default: %(default)s)",
    )
    for name, what in (
        ("members", "networks that ship as one"),
        ("epochs", "passes over the records"),
        ("pages", "pages to print and digitise"),
    ):
        parser.add_argument(f"--{name}", type=int, default=getattr(Config, name), help=f"{what} (default: %(default)s)")
    parser.add_argument(
        "--pretrained",
        type=Path,
        metavar="FILE",
        help="weights of papertrace.training.pretraining to begin with (default: none)",
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="pages at a time (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    version, start = (None, None) if chosen.pretrained is None else load_branches(chosen.pretrained)
    config = Config(members=chosen.members, epochs=chosen.epochs, pages=chosen.pages, pretrained=version)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    records = load_ptbxl(chosen.data, (*TRAIN_FOLDS, CHOICE_FOLD, REPORT_FOLD))
    train_records = records.take(np.isin(records.folds, TRAIN_FOLDS))
    choice = records.take((records.folds == CHOICE_FOLD) & records.millivolts)
    report = records.take((records.folds == REPORT_FOLD) & records.millivolts)
    for part, fold in ((choice, CHOICE_FOLD), (report, REPORT_FOLD)):
        if not len(part):
            parser.error(f"{chosen.data}: no record of fold {fold} in millivolts has its files there; some are needed")
    printable = [path for path in train_records.paths_500 if path is not None]
    pages = None
    if config.pages and printable:
        folder = chosen.out / "pages" / version_of_code("papertrace.training.digitised")
        pages = digitised.collect(plan(printable, config.pages, 5, folder), train_records, chosen.jobs)
    pools = [make_pool(train_records, config.views, config.seed, load_noise(chosen.data.parent / "noise"))]
    pools += [] if pages is None else [pages]
    print(
        f"{len(train_records)} records to train on, in {len(pools[0])} views and {0 if pages is None else len(pages)} "
        f"pages, {len(choice)} to choose, {len(report)} to report; on {device}"
    )
    design, lesson = design_of(pools, choice, config.dropout, start), lesson_of(train_records, config.aside)
    started = time.monotonic()
    chosen.out.mkdir(parents=True, exist_ok=True)
    members, histories = [], []
    for seed in range(config.seed, config.seed + config.members):

        def show(figures: dict[str, float], seed: int = seed) -> None:
            told = ", ".join(f"{name} {value:.4f}" for name, value in figures.items() if name != "epoch")
            tqdm.write(f"{seed}, epoch {figures['epoch']:.0f}: {told}; {(time.monotonic() - started) / 60:.1f} min")

        checkpoint = chosen.out / f"arrhythmia-{seed}.checkpoint"
        trained = train(design, lesson, choice.labels, config, seed, checkpoint, show, device)
        members.append(trained.network)
        histories.append(trained.history)
    read = 0 if pages is None else len(pages)
    record = write_weights(chosen.out, Ensemble(members), histories, config, train_records, choice, report, read)
    print(json.dumps(record["figures"], indent=1))


def load_branches(path: Path) -> tuple[str, dict[str, torch.Tensor]]:
    """Load the weights that `papertrace.training.pretraining` left.

    Parameters
    ----------
    path : Path
        The ``.safetensors`` file.

    Returns
    -------
    version : str
    start : dict of str to tensor
        For `design_of`.

    Raises
    ------
    FileNotFoundError, ValueError
        See `digitize.records.weights.read_weights`; if they are not those of this code's branches, too.
    """
    content, record = read_weights(path)
    start = load(content)
    own = {name: t.shape for name, t in ArrhythmiaNetwork().state_dict().items() if name.startswith(BRANCHES)}
    for name in sorted(own.keys() | start.keys()):
        found = start[name].shape if name in start else None
        if found != own.get(name):
            raise ValueError(f"{path}: {name} has shape {found}; this network's branches have {own.get(name)}")
    return str(record["version"]), start


def calibrated(logits: NDArray[np.floating], calibration: Calibration) -> NDArray[np.float64]:
    """Make probabilities of logits (n, statements)."""
    return np.asarray(1 / (1 + np.exp(-(logits * calibration.slope + calibration.offset))), np.float64)


def _loss(
    network: torch.nn.Module,
    inputs: list[torch.Tensor],
    blended: Sequence[int],
    chosen: NDArray[np.intp],
    lesson: Lesson,
    mixed: float,
    rng: np.random.Generator,
) -> torch.Tensor:
    """Cross-entropy on examples that are mixed in pairs; of each pair, the first gives what cannot be `blended`."""
    device = inputs[0].device
    truth, weight = lesson.truth[chosen].to(device), lesson.weight[chosen].to(device)
    share = float(rng.beta(mixed, mixed))
    share = max(share, 1 - share)
    other = torch.from_numpy(rng.permutation(len(chosen))).to(device)
    mixture = [
        share * tensor + (1 - share) * tensor[other] if place in blended else tensor
        for place, tensor in enumerate(inputs)
    ]
    truth = share * truth + (1 - share) * truth[other]
    weight = torch.minimum(weight, weight[other])
    with short_numbers(device.type):
        logits = network(*mixture)
    loss: torch.Tensor = torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), truth, weight)
    return loss


def _draw(pools: Sequence[Pool], record: int, rng: np.random.Generator) -> tuple[Pool, int]:
    """Draw one of a record's views, from any pool that has one."""
    places = [(pool, place) for pool in pools for place in pool.by_record.get(record, ())]
    pool, place = places[rng.integers(len(places))]
    return pool, int(place)


def _statements_only(network: torch.nn.Module, design: Design) -> torch.nn.Module:
    """The network without the outputs that were learned by the way."""
    own = design.make(len(STATEMENTS))
    state = network.state_dict()
    for name, tensor in own.state_dict().items():
        tensor.copy_(state[name][: len(tensor)] if tensor.ndim else state[name])
    return own.eval()


if __name__ == "__main__":
    main()

"""Train the networks that look at pictures of pages.

``python -m papertrace.training.image --design D [--data DIR] [--out DIR]``.

First, whatever the design, a network learns from pictures alone, without a label, to say which lead lies where and to
give its signal back; of that, ``image`` goes on to statements alone, ``hybrid`` to statements and signal; ``dual``
joins ``image`` and the network that reads signals (`classify.picture.network`). Folds 1 to 7 train, fold 8 chooses the
epoch, the calibration and the thresholds; fold 9 is left alone. The same command takes up an interrupted run, pictures,
pages and epochs alike. The two files of a design belong in ``classify/weights``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from classify.picture.image import DESIGNS, load_picture_weights, make_network
from classify.picture.network import CELL, NOWHERE, DualNetwork, PictureNetwork, Seen
from classify.signal.weights import load_weights
from classify.statements import STATEMENTS
from digitize.export import written_together
from digitize.records.weights import hash_of
from papertrace.datasets.ptbxl import Records, data_folder, load_ptbxl
from papertrace.metrics.calibration import fit_calibration
from papertrace.metrics.scores import best_f1_thresholds
from papertrace.training.arrhythmia import Lesson, calibrated, lesson_of, macro_auroc
from papertrace.training.fitting import (
    Fit,
    commit_of_code,
    keep_memory,
    load_checkpoint,
    save_checkpoint,
    short_numbers,
)
from papertrace.training.imagenet import RESNET18, load_resnet18
from papertrace.training.look import Batch, batch_of, blank, draw_places
from papertrace.training.pages import CHOICE_FOLD, TRAIN_FOLDS, plan
from papertrace.training.pictures import Album, draw_all, joined, read_all
from papertrace.training.sources import version_of_code
from papertrace.training.views import in_millivolts

_FLOOR = 0.05
"""Squared pixels below which an error is no longer worth a loss."""
_FLAT = 0.25
"""Squared pixels that are added to a strip's power: of a flat one there is nothing to give back."""
_LEAST_COLUMNS = 40
"""Columns that a strip must show to have a ratio."""
_BACKGROUND = 0.2
"""Weight of a cell that no zero line runs through: most cells are such."""
_LEADS = 0.1
"""Least weight of where each lead lies."""
_SAFE_WIDTH = 16
_SLOW = 0.1
"""Rate of the streams of the dual network, which are trained already, relative to that of what joins them."""
_JOINED = 2
"""How many times fewer epochs these take."""


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on, its data aside.

    Attributes
    ----------
    design : str
        One of `classify.picture.image.DESIGNS`.
    signal : float
        Weight of the signal's loss beside that of the statements, of the hybrid design alone.
    width, blocks : int
        Of the trunk.
    imagenet : str
        Name of the file that the trunk begins with; empty for none.
    sketches : int
        Pictures to draw of each recording.
    train_pages, choose_pages : int
        Pages to print and read, of folds 1 to 7 and of fold 8.
    before, epochs : int
        Passes without labels, and with them.
    batch, seed : int
    rate, decay, dropout : float
        Highest rate of the one-cycle schedule, weight decay, share of features dropped.
    printed : float
        Chance that a recording of which a page was read is shown by it and not by a sketch.
    blank : float
        Chance of each stream of the dual network to see nothing.
    average : float
        Decay of the running average of the weights, a step; the average is what is chosen and kept.
    aside : float
        Weight of what is learned by the way (`papertrace.training.aside`).
    """

    design: str = "image"
    signal: float = 0.3
    width: int = 24
    blocks: int = 1
    imagenet: str = ""
    sketches: int = 6
    train_pages: int = 450
    choose_pages: int = 150
    before: int = 5
    epochs: int = 12
    batch: int = 16
    seed: int = 5
    rate: float = 2e-3
    decay: float = 0.05
    dropout: float = 0.3
    printed: float = 0.4
    blank: float = 0.15
    average: float = 0.998
    aside: float = 0.3


@dataclass(frozen=True)
class Goal:
    """What a fit is to learn.

    Attributes
    ----------
    name : str
        What it is called.
    statements, leads, signal : float
        Weights of the losses: of the statements, of where each lead lies, of its signal.
    epochs : int
    """

    name: str
    statements: float
    leads: float
    signal: float
    epochs: int


@dataclass(frozen=True)
class Pages:
    """Pictures, and what is to be learned of the records that they are of.

    Attributes
    ----------
    album : Album
    lesson : Lesson
    """

    album: Album
    lesson: Lesson


@dataclass(frozen=True)
class Trained:
    """A finished fit.

    Attributes
    ----------
    network : Module
        With the averaged weights of the best epoch.
    history : tuple of dict
        Figures of every epoch.
    seconds : float
        What the epochs took, those of interrupted runs included.
    """

    network: nn.Module
    history: tuple[dict[str, float], ...]
    seconds: float


def goals_of(config: Config) -> tuple[Goal, Goal]:
    """Give what is learned first, without labels, and then."""
    signal = config.signal if config.design == "hybrid" else 0.0
    # Where leads lie is not forgotten: it is where the statements are looked for, and tells whether there are any.
    leads = max(signal, _LEADS)
    epochs = -(-config.epochs // _JOINED) if config.design == "dual" else config.epochs
    return Goal("signal", 0.0, 1.0, 1.0, config.before), Goal(config.design, 1.0, leads, signal, epochs)


def signal_loss(seen: Seen, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Judge what is said of leads and pen.

    Parameters
    ----------
    seen : Seen
    batch : Batch

    Returns
    -------
    leads : Tensor, shape ()
        Cross-entropy of the cells' leads.
    signal : Tensor, shape ()
        Logarithm of error over power, which is the ratio in dB, mean over strips.
    ratio : Tensor, shape (strips,)
        Signal-to-noise ratio of every strip in dB, its level included; of those that show enough.
    right : Tensor, shape (cells,), bool
        Whether the likeliest lead is the right one, of the cells of strips.
    """
    weight = torch.ones(NOWHERE + 1, device=batch.leads.device)
    weight[NOWHERE] = _BACKGROUND
    leads = functional.cross_entropy(seen.leads.float(), batch.leads, weight)
    picture, row, column = batch.at
    told = seen.leads[picture, :, row, column].argmax(1)
    right = told == batch.leads[picture, row, column]
    known = torch.isfinite(batch.pen)
    pen = torch.where(known, batch.pen, 0.0)
    error = (seen.pen[picture, :, row, column].float() - pen) * known
    height = (pen + CELL * row[:, None].float()) * known
    strips = int(batch.strip.max()) + 1 if len(batch.strip) else 0

    def total(values: Tensor) -> Tensor:
        return torch.zeros(strips, device=values.device).index_add(0, batch.strip, values.sum(1))

    count = total(known.float())
    shown = count >= _LEAST_COLUMNS
    safe = count.clamp_min(1.0)
    square = total(error**2) / safe
    power = total((height - (total(height) / safe)[batch.strip][:, None]) ** 2 * known) / safe
    worse = torch.log10((square + _FLOOR) / (power + _FLAT))[shown]
    signal = worse.mean() if len(worse) else worse.sum()
    return leads, signal, -10 * worse.detach(), right


def train(
    network: nn.Module,
    pages: Pages,
    choice: Pages,
    config: Config,
    goal: Goal,
    checkpoint: Path,
    on_epoch: Callable[[dict[str, float]], None],
    device: str = "cpu",
) -> Trained:
    """Fit a network, taking up `checkpoint` where it exists; the best epoch on `choice` wins.

    Every epoch draws from its own seed, so an interrupted run ends with the same weights as an uninterrupted one on
    the same machine.

    Parameters
    ----------
    network : Module
        Of `classify.picture.image.make_network`, with as many outputs as the lessons; it is modified.
    pages, choice : Pages
    config : Config
    goal : Goal
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
        If `checkpoint` is of another configuration, or there is nothing to train on or to choose by.
    """
    if not len(pages.album) or not len(choice.album):
        raise ValueError(
            f"{len(pages.album)} pictures to train on, {len(choice.album)} to choose; at least one each is needed"
        )
    identity = {**asdict(config), "goal": asdict(goal)}
    _move(network, device, config.width)
    averaged = make_network(config.design if goal.statements else "image", config.width, config.blocks,
                            pages.lesson.truth.shape[1], config.dropout)  # fmt: skip
    _move(averaged, device, config.width)
    averaged.load_state_dict(network.state_dict())
    optimizer = torch.optim.AdamW(_groups(network, config.rate), weight_decay=config.decay)
    records = sorted(pages.album.by_record)
    steps_an_epoch = -(-len(records) // config.batch)
    steps = goal.epochs * steps_an_epoch + 1
    highest = [group["lr"] for group in optimizer.param_groups]
    # The rate needs a step to rise, however short the run.
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, highest, steps, pct_start=max(0.15, 2 / steps))
    history: list[dict[str, float]] = []
    best: dict[str, Any] = {"score": -np.inf, "state": None}
    fit = Fit(network, averaged, optimizer, schedule, config.average)
    began = time.monotonic()
    saved = load_checkpoint(checkpoint, identity, device)
    if saved is not None:
        began -= saved["seconds"]
        fit.take_up(saved)
        history, best = saved["history"], saved["best"]
    for epoch in range(len(history), goal.epochs):
        rng = np.random.default_rng((config.seed, epoch))
        torch.manual_seed(config.seed * 1000 + epoch)
        network.train()
        order = rng.permutation(records)
        losses = []
        for step in tqdm(range(steps_an_epoch), desc=f"{goal.name} {epoch + 1}", leave=False, disable=None):
            chosen = [int(record) for record in order[step * config.batch : (step + 1) * config.batch]]
            if len(chosen) == 1 and steps_an_epoch > 1:
                continue
            batch = batch_of(pages.album, draw_places(pages.album, chosen, config.printed, rng), rng)
            if isinstance(network, DualNetwork):
                batch = blank(batch, config.blank, rng)
            batch = batch.to(device)
            loss = _loss(_see(network, batch, device), batch, chosen, pages.lesson, goal)
            fit.step(loss, epoch * steps_an_epoch + step)
            losses.append(float(loss.detach()))
        figures, _ = judge(averaged, choice, device)
        history.append({"epoch": epoch + 1, "loss": float(np.mean(losses)), **figures})
        score = (figures["superclass"] + figures["all"]) / 2 if goal.statements else -figures["signal loss"]
        # Written so that a score that is NaN, for want of positives, keeps the last epoch.
        if not score <= best["score"]:
            best = {"score": score, "state": {name: part.clone() for name, part in averaged.state_dict().items()}}
        seconds = time.monotonic() - began
        save_checkpoint(checkpoint, identity, {"history": history, "best": best, "seconds": seconds, **fit.states()})
        on_epoch(history[-1])
    averaged.load_state_dict(best["state"])
    return Trained(averaged.cpu().eval(), tuple(history), time.monotonic() - began)


def judge(
    network: nn.Module, pages: Pages, device: str, batch_size: int = 16
) -> tuple[dict[str, float], NDArray[np.float32]]:
    """Look at pictures as they are.

    Parameters
    ----------
    network : Module
        It is set to evaluation, and left so.
    pages : Pages
    device : str
        Where it is.
    batch_size : int

    Returns
    -------
    figures : dict of str to float
        `papertrace.training.arrhythmia.macro_auroc`, ``signal loss``, ``signal dB`` and ``leads right`` (share of the
        strips' cells).
    logits : ndarray, shape (pictures, statements), float32
    """
    network.eval()
    logits, losses, ratios, rights = [], [], [], []
    with torch.inference_mode():
        for first in range(0, len(pages.album), batch_size):
            places = range(first, min(first + batch_size, len(pages.album)))
            batch = batch_of(pages.album, places, None).to(device)
            seen = _see(network, batch, device)
            leads, signal, ratio, right = signal_loss(seen, batch)
            losses.append(float(leads + signal))
            ratios.append(ratio.cpu())
            rights.append(right.cpu())
            logits.append(seen.logits.float().cpu().numpy()[:, : len(STATEMENTS)])
    every = np.concatenate(logits)
    figures = {
        **macro_auroc(truth_of(pages), every),
        "signal loss": float(np.mean(losses)),
        "signal dB": float(torch.cat(ratios).mean()),
        "leads right": float(torch.cat(rights).float().mean()),
    }
    return figures, every


def truth_of(pages: Pages) -> NDArray[np.float32]:
    """Truth of the statements of every picture, shape (pictures, statements)."""
    return np.asarray(pages.lesson.truth.numpy()[pages.album.views.record, : len(STATEMENTS)])


def begin(config: Config, outputs: int, imagenet: Path | None) -> nn.Module:
    """Make the network that learns the signal first, on ImageNet's trunk where there is one."""
    torch.manual_seed(config.seed)
    network = make_network("image", config.width, config.blocks, outputs, config.dropout)
    assert isinstance(network, PictureNetwork)
    if imagenet is not None:
        network.trunk.load_state_dict(load_resnet18(imagenet))
    return network


def go_on(config: Config, outputs: int, before: nn.Module) -> nn.Module:
    """Make the network of a design from the one that learned the signal, and `dual` from the two that make statements.

    Beside a stream that makes statements already, one that does not falls silent: the features of its pictures are cut
    off before they are of any use.

    Parameters
    ----------
    config : Config
    outputs : int
    before : Module
        The one that learned the signal; for `dual`, the ``image`` design's that was trained.

    Returns
    -------
    Module
    """
    torch.manual_seed(config.seed + 1)
    network = make_network(config.design, config.width, config.blocks, outputs, config.dropout)
    learned = {name: part for name, part in before.state_dict().items() if not name.startswith("head.")}
    if isinstance(network, DualNetwork):
        network.picture.load_state_dict(learned)
        trained = load_weights().network.members[0].state_dict()
        own = {name: part for name, part in trained.items() if not name.startswith("head.")}
        network.signal.load_state_dict(own)
    else:
        network.load_state_dict({**network.state_dict(), **learned})
    return network


def _move(network: nn.Module, device: str, width: int) -> None:
    """Move a network to a device, its filters laid out as they are quickest."""
    network.to(device)
    for weight in network.parameters():
        # With fewer channels PyTorch 2.13 crashes over gradients in this layout.
        if weight.ndim == 4 and width >= _SAFE_WIDTH:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)


def _see(network: nn.Module, batch: Batch, device: str) -> Seen:
    views = batch.views if isinstance(network, DualNetwork) else ()
    with short_numbers(device):
        seen: Seen = network(batch.pictures, *views)
    return seen


def _loss(seen: Seen, batch: Batch, records: list[int], lesson: Lesson, goal: Goal) -> Tensor:
    loss = torch.zeros((), device=batch.pictures.device)
    if goal.statements:
        truth, weight = (part[records].to(loss.device) for part in (lesson.truth, lesson.weight))
        told = functional.binary_cross_entropy_with_logits(seen.logits.float(), truth, weight)
        loss = loss + goal.statements * told
    leads, signal, _, _ = signal_loss(seen, batch)
    return loss + goal.leads * leads + goal.signal * signal


def _groups(network: nn.Module, rate: float) -> list[dict[str, Any]]:
    if not isinstance(network, DualNetwork):
        return [{"params": list(network.parameters()), "lr": rate}]
    return [
        {"params": list(network.head.parameters()), "lr": rate},
        {"params": [*network.picture.parameters(), *network.signal.parameters()], "lr": _SLOW * rate},
    ]


def write_weights(
    out: Path,
    network: nn.Module,
    histories: tuple[tuple[dict[str, float], ...], ...],
    seconds: tuple[float, ...],
    config: Config,
    pages: Pages,
    choice: Pages,
    device: str,
) -> dict[str, Any]:
    """Calibrate on fold 8 and write a design's ``.safetensors`` and its record.

    Parameters
    ----------
    out : Path
        Folder to write into.
    network : Module
        Trained, on the CPU.
    histories, seconds : tuple
        Of what was learned first and then.
    config : Config
    pages, choice : Pages
        Of folds 1 to 7, and of fold 8.
    device : str
        What it was trained on: ``"cpu"`` or ``"cuda"``.

    Returns
    -------
    dict
        What the ``.json`` holds.
    """
    own = make_network(config.design, config.width, config.blocks, dropout=config.dropout)
    state = network.state_dict()
    for name, tensor in own.state_dict().items():
        # What was learned by the way comes after the statements.
        tensor.copy_(state[name][: len(tensor)] if tensor.ndim else state[name])
    # Judged as it ships: in half precision, which halves the file.
    content = save({name: tensor.half().contiguous() for name, tensor in own.state_dict().items()})
    own.half().float()
    figures, logits = judge(own, choice, "cpu")
    truth = truth_of(choice)
    calibration = fit_calibration(truth, logits)
    thresholds = best_f1_thresholds(truth, calibrated(logits, calibration))
    trained_on = pages.lesson.truth.numpy()[sorted(pages.album.by_record), : len(STATEMENTS)]
    record = {
        **hash_of(content),
        "parameters": sum(weight.numel() for weight in own.parameters()),
        "statements": [
            {
                **asdict(statement),
                "slope": float(calibration.slope[i]),
                "offset": float(calibration.offset[i]),
                "threshold": float(thresholds[i]),
                "positives": {"train": int(trained_on[:, i].sum()), "fold 8, pictures": int(truth[:, i].sum())},
            }
            for i, statement in enumerate(STATEMENTS)
        ],
        "figures": {
            "measure": "macro AUROC, and the signal head's figures, on drawn, read and coarse pictures of fold 8",
            "fold 8": figures,
        },
        "data": {
            "source": "PTB-XL, CC BY 4.0 (Wagner et al. 2020)",
            "records": {"folds 1 to 7": len(pages.album.by_record), "fold 8": len(choice.album.by_record)},
            "pictures": {
                name: {"drawn": int((~of.album.printed).sum()), "of printed pages": int(of.album.printed.sum())}
                for name, of in (("folds 1 to 7", pages), ("fold 8", choice))
            },
        },
        "configuration": asdict(config),
        "histories": [list(history) for history in histories],
        "seconds": [round(took) for took in seconds],
        "device": torch.cuda.get_device_name() if device == "cuda" else f"{torch.get_num_threads()} threads of the CPU",
        "commit": commit_of_code(),
        "software": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
    }
    with written_together(out) as scratch:
        (scratch / f"{config.design}.safetensors").write_bytes(content)
        (scratch / f"{config.design}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return record


def make_pages(records: Records, config: Config, sketches: int, pages: int, folder: Path, jobs: int) -> Album:
    """Draw pictures of all records, and print and read pages of those that are there at 500 Hz."""
    signals = in_millivolts(records, config.seed)
    albums = [draw_all(signals, range(len(records)), sketches, config.seed, folder / "drawn", jobs)]
    printable = [path for path in records.paths_500 if path is not None]
    if pages and printable:
        albums.append(read_all(plan(printable, pages, config.seed, folder / "read"), records, jobs))
    return joined(albums)


def main(arguments: list[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the command line.
    """
    parser = argparse.ArgumentParser(prog="python -m papertrace.training.image", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder(), help="PTB-XL's folder (default: %(default)s)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs/image"),
        help="folder for pictures, checkpoints and results (default: %(default)s)",
    )
    parser.add_argument("--design", choices=DESIGNS, action="append", help="default: all, one after the other")
    parser.add_argument(
        "--signal", type=float, default=Config.signal, help="weight of the hybrid's signal (default: %(default)s)"
    )
    parser.add_argument("--imagenet", type=Path, help="torchvision's ResNet-18 to begin with; it sets width and depth")
    for name, what in (
        ("sketches", "pictures to draw of each recording"),
        ("train_pages", "pages of folds 1 to 7 to print and read"),
        ("choose_pages", "pages of fold 8"),
        ("before", "passes without labels"),
        ("epochs", "passes with them"),
    ):
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=int, default=getattr(Config, name), help=f"{what} (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="pages at a time (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    keep_memory()
    cv2.setNumThreads(1)
    common = Config(
        sketches=chosen.sketches,
        train_pages=chosen.train_pages,
        choose_pages=chosen.choose_pages,
        before=chosen.before,
        epochs=chosen.epochs,
        **({} if chosen.imagenet is None else {**RESNET18, "imagenet": chosen.imagenet.name}),
    )
    records = load_ptbxl(chosen.data, (*TRAIN_FOLDS, CHOICE_FOLD))
    train_records = records.take(np.isin(records.folds, TRAIN_FOLDS))
    choice_records = records.take((records.folds == CHOICE_FOLD) & records.millivolts)
    if not len(choice_records):
        parser.error(f"{chosen.data}: no record of fold {CHOICE_FOLD} in millivolts has its files there")
    folder = chosen.out / "pictures" / version_of_code("papertrace.training.pictures")
    pages = Pages(
        make_pages(train_records, common, common.sketches, common.train_pages, folder / "train", chosen.jobs),
        lesson_of(train_records, common.aside),
    )
    choice = Pages(
        make_pages(choice_records, common, 1, common.choose_pages, folder / "fold8", chosen.jobs),
        lesson_of(choice_records, common.aside),
    )
    print(f"{len(pages.album)} pictures to train on, {len(choice.album)} to choose; on {device}")
    outputs = pages.lesson.truth.shape[1]
    for design in chosen.design or DESIGNS:
        config = replace(common, design=design, **({"signal": chosen.signal} if design == "hybrid" else {}))
        first, then = goals_of(config)
        histories: tuple[tuple[dict[str, float], ...], ...]
        seconds: tuple[float, ...]
        start: nn.Module
        if design == "dual":
            try:
                start = load_picture_weights("image", chosen.out / "image").network
            except FileNotFoundError as error:
                parser.error(f"`dual` begins with `image`: {error}")
            image = json.loads((chosen.out / "image" / "image.json").read_text(encoding="utf-8"))
            histories, seconds = tuple(map(tuple, image["histories"])), tuple(image["seconds"])
        else:
            # What is learned without labels is the same for every design.
            shared = replace(config, design="image", signal=Config.signal, epochs=0)
            before = train(begin(shared, outputs, chosen.imagenet), pages, choice, shared, first,
                           chosen.out / "signal.checkpoint", _shown(first), device)  # fmt: skip
            start, histories, seconds = before.network, (before.history,), (before.seconds,)
        name = f"{design}-{config.signal:g}" if design == "hybrid" else design
        trained = train(go_on(config, outputs, start), pages, choice, config, then,
                        chosen.out / f"{name}.checkpoint", _shown(then), device)  # fmt: skip
        record = write_weights(
            chosen.out / name, trained.network, (*histories, trained.history), (*seconds, trained.seconds),
            config, pages, choice, device,
        )  # fmt: skip
        print(f"{name}: {record['parameters']} parameters, {json.dumps(record['figures']['fold 8'])}")


def _shown(goal: Goal) -> Callable[[dict[str, float]], None]:
    started = time.monotonic()

    def show(figures: dict[str, float]) -> None:
        told = ", ".join(f"{name} {value:.3f}" for name, value in figures.items() if name != "epoch")
        minutes = (time.monotonic() - started) / 60
        tqdm.write(f"{goal.name}, epoch {figures['epoch']:.0f}: {told}; {minutes:.1f} min")

    return show


if __name__ == "__main__":
    main()

"""Train the network behind `digitize.ink.look`.

``python -m papertrace.training.look [--design D] [--data DIR] [--out DIR]``.

Pages of every preset are printed from PTB-XL records at 500 Hz and laid flat (`papertrace.training.look_windows`); the
network learns of every pixel whether it is pen, pulse, name, separator, other print or a grid's line. Records of folds
1 to 7 train it, fold 8 chooses the epoch; fold 9 is never printed, nor a record of which there is a real print. The
same command takes up an interrupted run, pages and epochs alike. The two files that it leaves belong in
``digitize/weights``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from digitize.files import written_together
from digitize.ink.look import WEIGHTS
from digitize.ink.network import LookNetwork
from digitize.records.kinds import KINDS
from papertrace.training.disturbances import bend, disturb
from papertrace.training.experiment import (
    Experiment,
    configured,
    count_parameters,
    options,
    run_of,
    write_experiment,
)
from papertrace.training.look_windows import HIDDEN, LookWindows, collect
from papertrace.training.loop import Configuration, Forward, Run, Trained, fit, shuffled, tune_malloc
from papertrace.training.pages import CHOICE_FOLD, TRAIN_FOLDS, plan_folds
from papertrace.training.sources import version_of_code

DESIGNS: dict[str, tuple[int, tuple[int, ...]]] = {
    "fold4-wide": (4, (32, 48, 64, 96)),
    "fold4": (4, (24, 48, 64, 96)),
    "fold2": (2, (8, 24, 48, 64)),
    "fold2-wide": (2, (16, 32, 48, 64)),
}
"""Side of the squares of pixels that are folded, and channels of every level, by the design's name."""

WINDOW = 256
"""Side in pixels of what the network sees at a time in training."""

_POSITIVE = (4.0, 20.0, 10.0, 20.0, 10.0, 3.0, 3.0)
"""How much more a pixel of each kind counts than one that is not: there are few of them."""
_GRID = 0.3
"""Weight of the grid's lines against that of print."""
_SMOOTH = 50.0
"""Pixels that Dice's ratio is smoothed by, so that a window with a few of a kind does not rule a step."""
_DISTURBANCES = 11
"""Seed of the disturbances of the windows that choose: every epoch is judged on the same pixels."""


@dataclass(frozen=True)
class Config(Configuration):
    """Everything that a run depends on, its data aside.

    Attributes
    ----------
    design : str
        One of `DESIGNS`.
    train_pages, choose_pages, windows : int
        Pages to print, and windows of a page.
    """

    epochs: int = 5
    batch: int = 16
    seed: int = 5
    rate: float = 3e-3
    decay: float = 0.01
    rise: float = 0.1
    average: float = 0.995
    design: str = "fold4-wide"
    train_pages: int = 420
    choose_pages: int = 42
    windows: int = 18


class Batch(NamedTuple):
    """Windows as tensors.

    Attributes
    ----------
    image : tensor, shape (n, 3, WINDOW, WINDOW), uint8
    target : tensor, shape (n, len(KINDS), WINDOW, WINDOW), uint8
        Coverage, 255 where it is full.
    seen : tensor, shape (n, 1, WINDOW, WINDOW), bool
        Where the truth is known.
    """

    image: torch.Tensor
    target: torch.Tensor
    seen: torch.Tensor


def make_look(design: str) -> LookNetwork:
    """Make an untrained network.

    Parameters
    ----------
    design : str
        One of `DESIGNS`.

    Returns
    -------
    LookNetwork

    Raises
    ------
    ValueError
        If there is no such design.

    Examples
    --------
    >>> make_look("fold4").fold
    4
    """
    if design not in DESIGNS:
        raise ValueError(f"design is {design!r}; allowed: {', '.join(DESIGNS)}")
    return LookNetwork(*DESIGNS[design])


def batch_of(windows: LookWindows, chosen: NDArray[np.intp], rng: np.random.Generator) -> Batch:
    """Put windows together, each disturbed anew.

    Parameters
    ----------
    windows : LookWindows
    chosen : ndarray, shape (n,), int
    rng : numpy.random.Generator

    Returns
    -------
    Batch
    """
    images, targets = [], []
    for place in chosen:
        others = np.unpackbits(windows.others[place][..., None], axis=-1, count=HIDDEN, bitorder="little") * np.uint8(
            255
        )
        maps = np.concatenate([windows.pen[place][..., None], others], axis=-1)
        image, maps = bend(windows.image[place], maps, WINDOW, rng)
        images.append(disturb(image, rng))
        targets.append(maps)
    target, seen = (torch.from_numpy(np.stack(parts)).permute(0, 3, 1, 2) for parts in (targets, images))
    return Batch(seen.contiguous(), target[:, :HIDDEN].contiguous(), target[:, HIDDEN:] < 128)


def loss_of(logits: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Cross-entropy and Dice's ratio of a network's output, over the kinds.

    Parameters
    ----------
    logits : tensor, shape (n, len(KINDS), h, w)
    batch : Batch

    Returns
    -------
    tensor, shape ()
    """
    target, seen = batch.target.float() / 255, batch.seen
    positive = torch.tensor(_POSITIVE, device=logits.device)[:, None, None]
    entropy = functional.binary_cross_entropy_with_logits(
        logits, target, seen.float(), pos_weight=positive, reduction="none"
    ).mean(dim=(0, 2, 3))
    total = entropy + 0.5 * (1 - _dice(torch.sigmoid(logits), target, seen))
    weight = torch.tensor([_GRID if kind in ("upright", "level") else 1.0 for kind in KINDS], device=logits.device)
    return (weight * total).sum() / weight.sum()


def _dice(found: torch.Tensor, target: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    """Dice's ratio of every kind over a batch, shape (len(KINDS),)."""
    both, either = ((part * seen).sum(dim=(0, 2, 3)) for part in (found * target, found + target))
    return (2 * both + _SMOOTH) / (either + _SMOOTH)


def dice_by_kind(network: LookNetwork, batches: list[Batch]) -> dict[str, float]:
    """Measure how much of each kind a network finds.

    Parameters
    ----------
    network : LookNetwork
        On any device; it is set to evaluation, and left so.
    batches : list of Batch

    Returns
    -------
    dict
        Dice's ratio by kind, 0 to 1: that of the pixels that the network calls more likely than not.
    """
    network.eval()
    device = next(network.parameters()).device
    both, either = torch.zeros(2, len(KINDS))
    with torch.inference_mode():
        for batch in batches:
            found = (network(batch.image.to(device)) > 0).cpu() & batch.seen
            target = (batch.target > 127) & batch.seen
            both += (found & target).sum(dim=(0, 2, 3))
            either += found.sum(dim=(0, 2, 3)) + target.sum(dim=(0, 2, 3))
    return {kind: float(2 * one / max(float(two), 1.0)) for kind, one, two in zip(KINDS, both, either, strict=True)}


def train(windows: LookWindows, choice: LookWindows, config: Config, run: Run) -> Trained[LookNetwork]:
    """Fit a network; the epoch wins that finds most of pens and other print on `choice`.

    Parameters
    ----------
    windows, choice : LookWindows
    config : Config
    run : Run

    Returns
    -------
    Trained

    Raises
    ------
    ValueError
        If there is a checkpoint of another configuration, no such design, or nothing to train on.
    """
    if not len(windows) or not len(choice):
        raise ValueError(f"{len(windows)} windows to train on, {len(choice)} to choose; at least one each is needed")
    rng = np.random.default_rng(_DISTURBANCES)
    judged = [
        batch_of(choice, np.arange(first, min(first + config.batch, len(choice))), rng)
        for first in range(0, len(choice), config.batch)
    ]

    def loss(network: Forward, batch: Batch) -> torch.Tensor:
        return loss_of(network(batch.image), batch)

    def judge(network: LookNetwork) -> tuple[float, dict[str, float]]:
        found = dice_by_kind(network, judged)
        return found["pen"] + float(np.mean([found[kind] for kind in KINDS])), found

    batches = shuffled(len(windows), config.batch, lambda chosen, rng: batch_of(windows, chosen, rng))
    return fit(lambda: make_look(config.design), config, batches, loss, judge, run=run)


def write_weights(
    out: Path, trained: Trained[LookNetwork], config: Config, data: Mapping[str, Any], device: str
) -> dict[str, Any]:
    """Write ``look.safetensors`` and its record ``look.json``.

    Parameters
    ----------
    out : Path
        Folder to write into.
    trained : Trained
    config : Config
    data : mapping
        How many pages and windows of each fold.
    device : str
        What it was trained on: ``"cpu"`` or ``"cuda"``.

    Returns
    -------
    dict
        What the ``.json`` holds.
    """
    fold, channels = DESIGNS[config.design]
    experiment = Experiment(
        configuration=config,
        data={
            "source": "PTB-XL records at 500 Hz, CC BY 4.0 (Wagner et al. 2020), on pages of every preset",
            **data,
        },
        folds={"train": TRAIN_FOLDS, "choose": (CHOICE_FOLD,)},
        figures=max(trained.history, key=lambda figures: figures["pen"]),
        fits={config.design: trained},
        parameters=count_parameters(trained.network),
        device=device,
        use={"kinds": KINDS, "fold": fold, "channels": channels},
    )
    with written_together(out) as scratch:
        return write_experiment(scratch, WEIGHTS.stem, trained.network.state_dict(), experiment)


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
        "windows": "windows of a page",
    }
    parser = options("look", str(__doc__), Config, choices)
    parser.add_argument("--design", choices=DESIGNS, default=Config.design, help="(default: %(default)s)")
    chosen = parser.parse_args(arguments)
    config = configured(Config, chosen)
    tune_malloc()
    pages = chosen.out / "pages" / version_of_code("papertrace.training.look_windows")
    planned = plan_folds(chosen.data, pages, config.train_pages, config.choose_pages)
    windows, choice = (collect(jobs, config.windows, chosen.jobs) for jobs in planned)
    print(f"{len(windows)} windows to train on, {len(choice)} to choose; on {chosen.device}")
    trained = train(windows, choice, config, run_of(config.design, chosen))
    data = {name: {"pages": len(np.unique(part.page)), "windows": len(part)}
            for name, part in (("train", windows), ("fold 8", choice))}  # fmt: skip
    record = write_weights(chosen.out / config.design, trained, config, data, chosen.device)
    print(f"{config.design}: {record['parameters']} parameters, {record['figures']}")


if __name__ == "__main__":
    main()

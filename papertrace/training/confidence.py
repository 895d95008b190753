"""Train the network behind `digitize.strips.confidence`.

``python -m papertrace.training.confidence [--data DIR] [--out DIR]``.

Pages of every preset are printed from PTB-XL records at 500 Hz, digitized, and compared with their truth sample by
sample, once as they were traced and once as `digitize.refine.correct` corrected them: the network learns which marks of
trouble (`digitize.strips.confidence.measure`) go with errors above 0.1 mV. Records of folds 1 to 7 train it, fold 8
chooses the epoch; fold 9 is never printed. It comes after ``python -m papertrace.training.refiner``, whose weights
correct. The same command takes up an interrupted run; the two files that it leaves belong in ``digitize/weights``.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file
from torch import nn
from tqdm import tqdm

from digitize.export import written_together
from digitize.records.weights import hash_of
from digitize.refine.correct import weights_version
from digitize.strips.confidence import FEATURES, TOLERANCE_MV, WEIGHTS, layers_of, probability
from papertrace.datasets.ptbxl import data_folder, find_500
from papertrace.training.pages import CHOICE_FOLD, TRAIN_FOLDS, plan
from papertrace.training.samples import Samples, collect, joined, version_of_samples


@dataclass(frozen=True)
class Config:
    """How the network is made.

    Attributes
    ----------
    train_pages, choose_pages : int
    hidden, epochs, batch : int
    rate, decay : float
        Highest rate of the one-cycle schedule, and weight decay.
    shaken : float
        Standard deviations by which a page's marks are moved together, anew in every batch: a few hundred pages could
        be told apart by their marks, and their errors learned by heart.
    seed : int
    """

    train_pages: int = 300
    choose_pages: int = 110
    hidden: int = 16
    epochs: int = 12
    batch: int = 4096
    rate: float = 2e-3
    decay: float = 0.05
    shaken: float = 0.7
    seed: int = 0


def train(
    train_set: list[Samples], choose_set: list[Samples], config: Config
) -> tuple[dict[str, NDArray[np.float32]], list[dict[str, float]]]:
    """Fit the network; the epoch with the least cross-entropy on `choose_set` wins.

    Parameters
    ----------
    train_set, choose_set : list of Samples
    config : Config

    Returns
    -------
    tensors : dict
        ``"0.weight"``, ``"0.bias"``, ...
    history : list of dict
        Cross-entropy, epoch by epoch.
    """
    torch.manual_seed(config.seed)
    x, y = _tensors(train_set)
    x_choose, y_choose = _tensors(choose_set)
    page = torch.repeat_interleave(torch.tensor([len(own.right) for own in train_set]))
    mean, spread = x.mean(dim=0), x.std(dim=0).clamp_min(1e-3)
    network = nn.Sequential(
        nn.Linear(len(FEATURES), config.hidden),
        nn.ReLU(),
        nn.Linear(config.hidden, config.hidden),
        nn.ReLU(),
        nn.Linear(config.hidden, 1),
    )
    optimizer = torch.optim.AdamW(network.parameters(), config.rate, weight_decay=config.decay)
    steps = config.epochs * -(-len(x) // config.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.rate, steps)
    loss_of = nn.BCEWithLogitsLoss()
    generator = torch.Generator().manual_seed(config.seed)
    x, x_choose = (x - mean) / spread, (x_choose - mean) / spread
    best, kept, history = float("inf"), dict[str, torch.Tensor](), []
    for epoch in tqdm(range(config.epochs), unit="epoch"):
        total = 0.0
        for chosen in torch.randperm(len(x), generator=generator).split(config.batch):
            moved = config.shaken * torch.randn(len(train_set), x.shape[1], generator=generator)
            loss = loss_of(network(x[chosen] + moved[page[chosen]])[:, 0], y[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(chosen)
        with torch.no_grad():
            choose = float(loss_of(network(x_choose)[:, 0], y_choose))
        history.append({"epoch": epoch, "train": total / len(x), "fold 8": choose})
        if choose < best:
            best, kept = choose, {name: tensor.clone() for name, tensor in network.state_dict().items()}
    # The network takes marks as they are: standardizing them is folded into its first layer.
    tensors = {}
    for layer, place in enumerate(("0", "2", "4")):
        weight, bias = kept[f"{place}.weight"], kept[f"{place}.bias"]
        if layer == 0:
            bias = bias - weight @ (mean / spread)
            weight = weight / spread
        tensors[f"{layer}.weight"] = weight.numpy().astype(np.float32)
        tensors[f"{layer}.bias"] = bias.numpy().astype(np.float32)
    return tensors, history


def reliability(said: NDArray[np.float32], right: NDArray[np.bool_]) -> list[dict[str, float]]:
    """Hold probabilities against what happened, in ten bins.

    Parameters
    ----------
    said : ndarray, shape (n,)
        Probabilities.
    right : ndarray, shape (n,), bool

    Returns
    -------
    list of dict
        ``from``, ``to``, ``said`` (mean probability), ``right`` (share) and ``samples`` of each bin that has any.

    Examples
    --------
    >>> reliability(np.full(4, 0.75, np.float32), np.array([True, True, True, False]))
    [{'from': 0.7, 'to': 0.8, 'said': 0.75, 'right': 0.75, 'samples': 4}]
    """
    table = []
    place = np.clip((said * 10).astype(int), 0, 9)
    for k in range(10):
        inside = place == k
        if inside.any():
            table.append(
                {
                    "from": k / 10,
                    "to": (k + 1) / 10,
                    "said": float(said[inside].mean()),
                    "right": float(right[inside].mean()),
                    "samples": int(inside.sum()),
                }
            )
    return table


def _tensors(pages: list[Samples]) -> tuple[torch.Tensor, torch.Tensor]:
    every = joined(pages)
    return torch.from_numpy(every.marks), torch.from_numpy(every.right.astype(np.float32))


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m papertrace.training.confidence", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--data", type=Path, default=data_folder(), help="PTB-XL's folder (default: %(default)s)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs/confidence"),
        help="folder for pages and results (default: %(default)s)",
    )
    parser.add_argument("--train-pages", type=int, default=Config.train_pages, help="(default: %(default)s)")
    parser.add_argument("--choose-pages", type=int, default=Config.choose_pages, help="(default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="pages at a time (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    config = Config(train_pages=chosen.train_pages, choose_pages=chosen.choose_pages)
    pages = chosen.out / "pages" / version_of_samples()
    # Seeds that `papertrace.training.refiner` does not use: it is surer of pages that it was trained on.
    train_set, choose_set = (
        collect(plan(find_500(chosen.data, folds), count, seed, pages / name), chosen.jobs)
        for name, folds, count, seed in (
            ("train", TRAIN_FOLDS, config.train_pages, 3),
            ("fold8", (CHOICE_FOLD,), config.choose_pages, 4),
        )
    )
    tensors, history = train(train_set, choose_set, config)
    write(chosen.out, tensors, history, train_set, choose_set, config)


def write(
    folder: Path,
    tensors: dict[str, NDArray[np.float32]],
    history: list[dict[str, float]],
    train_set: list[Samples],
    choose_set: list[Samples],
    config: Config,
) -> None:
    """Write ``confidence.safetensors`` and its training record ``confidence.json``."""
    trained, chosen = joined(train_set), joined(choose_set)
    said = probability(chosen.marks, layers_of(tensors))
    was = chosen.marks[:, FEATURES.index("corrected")] > 0
    kinds = {"traced": ~was, "corrected": was}
    with written_together(folder) as scratch:
        file = scratch / WEIGHTS.name
        save_file(tensors, file)
        record: dict[str, Any] = {
            **hash_of(file.read_bytes()),
            "data": "PTB-XL records at 500 Hz on pages of every preset; training folds 1-7, epoch chosen on fold 8",
            "features": FEATURES,
            "tolerance_mv": TOLERANCE_MV,
            "configuration": asdict(config),
            "pages": {"train": len(train_set), "fold 8": len(choose_set)},
            "refiner": weights_version(),
            "right": {
                "train": float(trained.right.mean()),
                **{f"fold 8, {kind}": float(chosen.right[of].mean()) for kind, of in kinds.items()},
            },
            "reliability on fold 8": {kind: reliability(said[of], chosen.right[of]) for kind, of in kinds.items()},
            "history": history,
        }
        (scratch / WEIGHTS.with_suffix(".json").name).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

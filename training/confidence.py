"""Train the network behind `digitize.confidence`: ``python -m training.confidence [--data DIR] [--out DIR]``.

Pages of every preset are printed from PTB-XL records at 500 Hz, digitised, and compared with their truth sample by
sample: the network learns which marks of trouble (`digitize.confidence.measure`) go with errors above 0.1 mV. Records
of folds 1 to 7 train it, fold 8 chooses the epoch; fold 9 is never printed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file
from torch import nn
from tqdm import tqdm

from digitize.api import marks_of, read_page, strips_of
from digitize.confidence import FEATURES, TOLERANCE_MV, WEIGHTS, layers_of, probability
from digitize.export import written_together
from digitize.layouts import LEAD_NAMES
from digitize.page import PageError
from digitize.weights import hash_of
from synth import render_page
from synth.presets import PRESETS
from training.ptbxl import data_folder, find_500, read_500

_EVERY = 10
"""Samples (20 ms) between those that are taken: neighbours tell the same."""


@dataclass(frozen=True)
class Config:
    """How the network is made."""

    train_pages: int = 300
    choose_pages: int = 110
    hidden: int = 16
    epochs: int = 20
    batch: int = 4096
    rate: float = 2e-3
    decay: float = 0.05
    seed: int = 0


@dataclass(frozen=True)
class Sample:
    """Marks and errors of one page's samples.

    Attributes
    ----------
    marks : ndarray, shape (n, len(FEATURES)), float32
    right : ndarray, shape (n,), bool
        Within 0.1 mV of the truth, the strip's median error apart.
    """

    marks: NDArray[np.float32]
    right: NDArray[np.bool_]


def collect(job: tuple[Path, str, int]) -> Sample | None:
    """Print a page, digitise it, and compare.

    Parameters
    ----------
    job : tuple
        Record, preset and seed.

    Returns
    -------
    Sample or None
        None where the page could not be read.
    """
    record, preset, seed = job
    signal, fs = read_500(record), 500
    page = render_page(signal, fs, preset, seed=seed)
    try:
        reading = read_page(page.image)
    except PageError:
        return None
    strips, _, residual, _ = strips_of(reading, fs)
    marks, right = [], []
    for strip, seen in zip(strips, marks_of(reading, strips, residual, fs), strict=True):
        if strip.lead not in LEAD_NAMES:
            continue
        truth = page.signal[LEAD_NAMES.index(strip.lead)]
        at = round(strip.start * fs) + np.arange(len(strip.signal))
        shown = np.where(at < len(truth), truth[np.minimum(at, len(truth) - 1)], np.nan)
        known = np.flatnonzero(np.isfinite(strip.signal))[seed % _EVERY :: _EVERY]
        marks.append(seen[known])
        error = strip.signal[known] - shown[known]
        # Paper does not tell where 0 mV lies. What is traced where the page shows nothing is an error: NaN is not less.
        offset = np.nanmedian(error) if np.isfinite(error).any() else 0.0
        right.append(np.abs(error - offset) < TOLERANCE_MV)
    return Sample(np.concatenate(marks).astype(np.float32), np.concatenate(right))


def train(
    train_set: list[Sample], choose_set: list[Sample], config: Config
) -> tuple[dict[str, NDArray[np.float32]], list[dict[str, float]]]:
    """Fit the network; the epoch with the least cross-entropy on `choose_set` wins.

    Parameters
    ----------
    train_set, choose_set : list of Sample
    config : Config

    Returns
    -------
    tensors : dict
        ``"0.weight"``, ``"0.bias"``, ...
    history : list of dict
        Cross-entropy, epoch by epoch.
    """
    torch.manual_seed(config.seed)
    x, y = _stack(train_set)
    x_choose, y_choose = _stack(choose_set)
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
            loss = loss_of(network(x[chosen])[:, 0], y[chosen])
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
    # The network takes marks as they are: standardising them is folded into its first layer.
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


def _stack(samples: list[Sample]) -> tuple[torch.Tensor, torch.Tensor]:
    return (
        torch.from_numpy(np.concatenate([sample.marks for sample in samples])),
        torch.from_numpy(np.concatenate([sample.right for sample in samples]).astype(np.float32)),
    )


def _jobs(records: list[Path], pages: int, seed: int) -> list[tuple[Path, str, int]]:
    """Every preset as often, every record about as often."""
    order = np.random.default_rng(seed).permutation(len(records))
    names = list(PRESETS)
    return [(records[order[k % len(records)]], names[k % len(names)], seed * 1_000_000 + k) for k in range(pages)]


def _quiet() -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m training.confidence", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder(), help="PTB-XL's folder (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=WEIGHTS.parent, help="(default: %(default)s)")
    parser.add_argument("--train-pages", type=int, default=Config.train_pages, help="(default: %(default)s)")
    parser.add_argument("--choose-pages", type=int, default=Config.choose_pages, help="(default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes that print and digitise")
    options = parser.parse_args(arguments)
    config = Config(train_pages=options.train_pages, choose_pages=options.choose_pages)
    sets = []
    # A fresh interpreter: a fork of one whose libraries run threads may hang.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.jobs, mp_context=fresh, initializer=_quiet) as pool:
        for folds, pages, seed in (((1, 2, 3, 4, 5, 6, 7), config.train_pages, 1), ((8,), config.choose_pages, 2)):
            jobs = _jobs(find_500(options.data, folds), pages, seed)
            results = list(tqdm(pool.map(collect, jobs), total=len(jobs), unit="page"))
            sets.append([result for result in results if result is not None])
    tensors, history = train(sets[0], sets[1], config)
    write(options.out, tensors, history, sets, config)


def write(
    folder: Path,
    tensors: dict[str, NDArray[np.float32]],
    history: list[dict[str, float]],
    sets: list[list[Sample]],
    config: Config,
) -> None:
    """Write ``confidence.safetensors`` and its training record ``confidence.json``."""
    said = probability(np.concatenate([sample.marks for sample in sets[1]]), layers_of(tensors))
    right = np.concatenate([sample.right for sample in sets[1]])
    with written_together(folder) as scratch:
        file = scratch / WEIGHTS.name
        save_file(tensors, file)
        record: dict[str, Any] = {
            **hash_of(file.read_bytes()),
            "data": "PTB-XL records at 500 Hz on pages of every preset; training folds 1-7, epoch chosen on fold 8",
            "features": FEATURES,
            "tolerance_mv": TOLERANCE_MV,
            "configuration": asdict(config),
            "pages": {"train": len(sets[0]), "fold 8": len(sets[1])},
            "right": {
                "train": float(np.mean(np.concatenate([s.right for s in sets[0]]))),
                "fold 8": float(right.mean()),
            },
            "reliability on fold 8": reliability(said, right),
            "history": history,
        }
        (scratch / WEIGHTS.with_suffix(".json").name).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

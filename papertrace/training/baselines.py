"""Train networks of the literature as ours is.

``python -m papertrace.training.baselines [--data DIR] [--out DIR] [--epochs N]``.

A plain LSTM, an xresnet1d and a transformer (`papertrace.training.rivals`) read sheets (`papertrace.training.sheets`)
of the same records, cut into the same kinds of pages with the same faults, and learn the same lesson in the same loop
as the shipped network (`papertrace.training.arrhythmia`), in one configuration each: nothing is tuned, neither for them
nor against them. Where ours has eight views of a record, they get a new one each time. Each ends as a line of
``baselines.json``, which `papertrace.benchmarks.classification` shows beside ours. An interrupted run is taken up again
by the same command.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from classify.records.segments import StripSegment
from classify.signal.network import read_inputs
from classify.signal.view import cut_to_layout
from digitize.export import written_together
from papertrace.datasets.ptbxl import Records, data_folder, load_ptbxl
from papertrace.training.arrhythmia import PAGE, REPORT_FOLD, Config, Design, lesson_of, train
from papertrace.training.comparison import compare
from papertrace.training.fitting import commit_of_code, keep_memory
from papertrace.training.pages import CHOICE_FOLD, TRAIN_FOLDS
from papertrace.training.rivals.lstm import PlainLstm
from papertrace.training.rivals.transformer import Transformer
from papertrace.training.rivals.xresnet import XResNet1d
from papertrace.training.sheets import draw_sheets, stack_sheets
from papertrace.training.views import Scale, load_noise

NETWORKS: dict[str, type[nn.Module]] = {"LSTM": PlainLstm, "xresnet1d": XResNet1d, "transformer": Transformer}
"""By the names that the tables have."""


def design_of(
    network: type[nn.Module], records: Records, choice: Records, noise: NDArray[np.float32] | None, dropout: float
) -> Design:
    """Design the fit of a network that reads sheets.

    Parameters
    ----------
    network : type
        One of `NETWORKS`.
    records, choice : Records
        Those that train, and those that choose the epoch, all of the latter in millivolts.
    noise : ndarray, shape (kinds, n), float32, or None
        See `papertrace.training.views.load_noise`.
    dropout : float

    Returns
    -------
    Design
    """
    return Design(
        lambda outputs: network(outputs, dropout),
        partial(draw_sheets, Scale(records), noise),
        (0,),
        stack_sheets([cut_to_layout(signal, PAGE) for signal in choice.signals]),
    )


def main(arguments: list[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the command line.
    """
    parser = argparse.ArgumentParser(
        prog="python -m papertrace.training.baselines", description="Train networks to compare with."
    )
    parser.add_argument("--data", type=Path, default=data_folder(), help="PTB-XL's folder (default: %(default)s)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs/baselines"),
        help="folder for checkpoints and baselines.json; what is published is in papertrace/benchmarks/results "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--epochs", type=int, default=Config.epochs, help="passes over the records (default: %(default)s)"
    )
    parser.add_argument(
        "--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS), help="default: %(default)s", metavar="NAME"
    )
    chosen = parser.parse_args(arguments)
    keep_memory()
    config = Config(members=1, epochs=chosen.epochs, views=0, pages=0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    records = load_ptbxl(chosen.data, (*TRAIN_FOLDS, CHOICE_FOLD, REPORT_FOLD))
    train_records = records.take(np.isin(records.folds, TRAIN_FOLDS))
    choice, report = (records.take((records.folds == fold) & records.millivolts) for fold in (CHOICE_FOLD, REPORT_FOLD))
    for part, fold in ((choice, CHOICE_FOLD), (report, REPORT_FOLD)):
        if not len(part):
            parser.error(f"{chosen.data}: no record of fold {fold} in millivolts has its files there; some are needed")
    noise, lesson = load_noise(chosen.data.parent / "noise"), lesson_of(train_records, config.aside)
    chosen.out.mkdir(parents=True, exist_ok=True)
    file = chosen.out / "baselines.json"
    told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    started = time.monotonic()
    for name in chosen.networks:

        def show(figures: dict[str, float], name: str = name) -> None:
            values = ", ".join(f"{of} {value:.4f}" for of, value in figures.items() if of != "epoch")
            tqdm.write(f"{name}, epoch {figures['epoch']:.0f}: {values}; {(time.monotonic() - started) / 60:.1f} min")

        design = design_of(NETWORKS[name], train_records, choice, noise, config.dropout)
        checkpoint = chosen.out / f"{name}.checkpoint"
        trained = train(design, lesson, choice.labels, config, config.seed, checkpoint, show, device)

        def read(pages: Sequence[Sequence[StripSegment]], network: nn.Module = trained.network) -> NDArray[np.float32]:
            return read_inputs(network, stack_sheets(pages))

        told[name] = {
            **compare(read, sum(part.numel() for part in trained.network.parameters()), choice, report),
            "config": asdict(config),
            "history": list(trained.history),
            "commit": commit_of_code(),
        }
        with written_together(chosen.out) as scratch:
            (scratch / file.name).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        print(json.dumps({name: told[name]["cut to 3x4+II"]}, indent=1))


if __name__ == "__main__":
    main()

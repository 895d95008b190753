"""Train networks of the literature as ours is.

``python -m papertrace.training.baselines [--data DIR] [--out DIR] [--epochs N]``.

A plain LSTM, an xresnet1d and a transformer (`papertrace.training.rivals`) read sheets (`papertrace.training.sheets`)
of the same records, cut into the same kinds of pages with the same faults, and learn the same targets in the same loop
as the shipped network (`papertrace.training.arrhythmia`), in one configuration each: nothing is tuned, neither for them
nor against them. Where ours has eight views of a record, they get a new one each time. Each ends as a line of
``baselines.json``, which `papertrace.benchmarks.classification` shows beside ours. An interrupted run is taken up again
by the same command.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from classify.records.segments import StripSegment
from classify.signal.inputs import cut_to_layout
from classify.signal.network import run_network
from digitize.files import written_together
from papertrace.datasets.ptbxl import Records
from papertrace.training.arrhythmia import PAGE, REPORT_FOLD, Config, Design, split, targets_of, train
from papertrace.training.comparison import compare
from papertrace.training.experiment import commit_of_code, configured, count_parameters, options, run_of
from papertrace.training.loop import tune_malloc
from papertrace.training.pages import CHOICE_FOLD
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
    parser = options("baselines", str(__doc__), Config)
    parser.add_argument(
        "--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS), help="default: %(default)s", metavar="NAME"
    )
    chosen = parser.parse_args(arguments)
    tune_malloc()
    config = configured(Config, chosen, members=1, views=0, pages=0)
    try:
        train_records, choice, report = split(chosen.data, (CHOICE_FOLD, REPORT_FOLD))
    except ValueError as error:
        parser.error(str(error))
    noise, targets = load_noise(chosen.data.parent / "noise"), targets_of(train_records, config.aside)
    file = chosen.out / "baselines.json"
    told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    for name in chosen.networks:
        design = design_of(NETWORKS[name], train_records, choice, noise, config.dropout)
        trained = train(design, targets, choice.labels, config, run_of(name, chosen))

        def read(pages: Sequence[Sequence[StripSegment]], network: nn.Module = trained.network) -> NDArray[np.float32]:
            return run_network(network, stack_sheets(pages))

        told[name] = {
            **compare(read, count_parameters(trained.network), choice, report),
            "configuration": asdict(config),
            "history": list(trained.history),
            "commit": commit_of_code(),
        }
        with written_together(chosen.out) as scratch:
            (scratch / file.name).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        print(json.dumps({name: told[name]["cut to 3x4+II"]}, indent=1))


if __name__ == "__main__":
    main()

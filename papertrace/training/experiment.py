"""Give every training what it has besides its loop: the options of its command, and the record beside its weights.

A record has the same keys whatever was trained: ``version`` and ``sha256`` of the weights, what a user of them needs
(statements, classes, designs, ...), ``parameters``, ``configuration``, ``data``, ``folds``, ``figures``, ``history``,
``seconds``, ``device``, ``commit`` and ``software``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from digitize.files import written_together
from digitize.records.weights import hash_of
from papertrace.datasets.ptbxl import data_folder
from papertrace.training.loop import Configuration, Run, Trained

Config = TypeVar("Config", bound=Configuration)


@dataclass(frozen=True)
class Experiment:
    """Record of a training.

    Attributes
    ----------
    configuration : Configuration
    data : mapping
        Sources with their licenses and authors, and how much was taken of them.
    folds : mapping of str to sequence
        Which folds, or records, had which part.
    figures : mapping
        How good it is.
    fits : mapping of str to Trained
        By name, in the order in which they were made.
    parameters : int
        Of what ships.
    device : str
        What it was trained on: ``"cpu"`` or ``"cuda"``.
    use : mapping
        What a user of the weights needs, at the top of the record.
    """

    configuration: Configuration
    data: Mapping[str, Any]
    folds: Mapping[str, Sequence[Any]]
    figures: Mapping[str, Any]
    fits: Mapping[str, Trained[Any]]
    parameters: int
    device: str
    use: Mapping[str, Any] = field(default_factory=dict)


def write_experiment(folder: Path, name: str, weights: Mapping[str, Tensor], experiment: Experiment) -> dict[str, Any]:
    """Write ``NAME.safetensors`` and its record ``NAME.json``, both or none.

    Parameters
    ----------
    folder : Path
    name : str
    weights : mapping of str to tensor
    experiment : Experiment

    Returns
    -------
    dict
        What the record holds.
    """
    # Weights of convolutions may lie channels last in memory, for speed; in a file they lie in their own order.
    content = save({name: weight.contiguous() for name, weight in weights.items()})
    record = {
        **hash_of(content),
        **experiment.use,
        "parameters": experiment.parameters,
        "configuration": asdict(experiment.configuration),
        "data": experiment.data,
        "folds": experiment.folds,
        "figures": experiment.figures,
        "history": history_of(experiment.fits),
        "seconds": round(sum(trained.seconds for trained in experiment.fits.values())),
        "device": describe_device(experiment.device),
        "commit": commit_of_code(),
        "software": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
    }
    with written_together(folder) as scratch:
        (scratch / f"{name}.safetensors").write_bytes(content)
        (scratch / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return record


def history_of(fits: Mapping[str, Trained[Any]]) -> list[dict[str, Any]]:
    """List the epochs of fits, each with the name of its fit.

    Examples
    --------
    >>> history_of({"first": Trained(nn.Identity(), ({"epoch": 1, "loss": 0.5},), 1.0)})
    [{'fit': 'first', 'epoch': 1, 'loss': 0.5}]
    """
    return [{"fit": name, **epoch} for name, trained in fits.items() for epoch in trained.history]


def count_parameters(network: nn.Module) -> int:
    """Count the numbers that are learned.

    Examples
    --------
    >>> count_parameters(nn.Linear(3, 2))
    8
    """
    return sum(weight.numel() for weight in network.parameters())


def describe_device(device: str) -> str:
    """Name what ``"cpu"`` or ``"cuda"`` is here."""
    if device == "cuda":
        return str(torch.cuda.get_device_name())
    return f"{torch.get_num_threads()} threads of the CPU"


def commit_of_code() -> str | None:
    """Tell the commit of the repository that the code lies in; None outside of one."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def options(
    name: str,
    about: str,
    config: type[Configuration],
    choices: Mapping[str, str] | None = None,
    data: Path | None = None,
) -> argparse.ArgumentParser:
    """Make the options that every training's command has.

    Parameters
    ----------
    name : str
        Of the module in `papertrace.training`.
    about : str
        Its docstring; the first line is shown.
    config : type
        Its configuration: the defaults.
    choices : mapping of str to str, optional
        Further fields of the configuration that have an option, and what each is.
    data : Path, optional
        By default `papertrace.datasets.ptbxl.data_folder`.

    Returns
    -------
    ArgumentParser
        With ``--data``, ``--out``, ``--jobs``, ``--device``, ``--resume``, ``--epochs``, ``--seed`` and `choices`.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Small(Configuration):
    ...     epochs: int = 3
    ...     batch: int = 8
    ...     seed: int = 1
    ...     rate: float = 1e-3
    ...     decay: float = 0.0
    ...     width: int = 4
    >>> parser = options("small", "Train a small network.", Small, {"width": "channels"})
    >>> chosen = parser.parse_args(["--width", "8", "--no-resume", "--device", "cpu"])
    >>> configured(Small, chosen).width, run_of("small", chosen).checkpoint, run_of("small", chosen).resume
    (8, PosixPath('runs/small/small.checkpoint'), False)
    """
    parser = argparse.ArgumentParser(prog=f"python -m papertrace.training.{name}", description=about.splitlines()[0])
    for option, default, what in (
        ("data", data or data_folder(), "folder of the recordings"),
        ("out", Path("runs") / name.replace("_", "-"), "folder for pages, checkpoints, weights and record"),
    ):
        parser.add_argument(f"--{option}", type=Path, default=default, help=f"{what} (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="pages at a time (default: %(default)s)")
    parser.add_argument(
        "--device",
        choices=("cpu", "cuda"),
        default="cuda" if torch.cuda.is_available() else "cpu",
        help="what trains (default: %(default)s)",
    )
    parser.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether an interrupted run is taken up again",
    )
    every = {"epochs": "passes over the examples", "seed": "of all that is drawn", **(choices or {})}
    for own, what in every.items():
        default = getattr(config, own)
        parser.add_argument(
            f"--{own.replace('_', '-')}", type=type(default), default=default, help=f"{what} (default: %(default)s)"
        )
    return parser


def configured(config: type[Config], chosen: argparse.Namespace, **others: Any) -> Config:
    """Make a configuration of the options that were chosen.

    Parameters
    ----------
    config : type
    chosen : Namespace
        From the parser of `options`.
    **others
        Fields that are no options.

    Returns
    -------
    Configuration
    """
    given = {own.name: getattr(chosen, own.name) for own in fields(config) if hasattr(chosen, own.name)}
    return config(**{**given, **others})


def remove_checkpoints(run: Run) -> None:
    """Remove the checkpoints of a fit whose weights are written, and of its members, named after it with a hyphen."""
    if run.folder is not None:
        for pattern in (f"{run.name}.checkpoint", f"{run.name}-*.checkpoint"):
            for checkpoint in run.folder.glob(pattern):
                checkpoint.unlink()


def run_of(name: str, chosen: argparse.Namespace) -> Run:
    """Say where a fit of this name runs, from the options that were chosen."""
    return Run(name, chosen.out, chosen.resume, chosen.device)

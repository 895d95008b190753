"""What every fit does beside its own loss: average the weights, leave checkpoints to take up again, name its code."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch


def commit_of_code() -> str | None:
    """Tell the commit of the repository that the code lies in; None outside of one."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def move_average(averaged: torch.nn.Module, network: torch.nn.Module, decay: float) -> None:
    """Move the running average of the weights towards the network's, in place.

    Parameters
    ----------
    averaged, network : Module
        Of one shape; the first is changed.
    decay : float
        Share of the average that stays.

    Examples
    --------
    >>> averaged, network = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    >>> move_average(averaged, network, 0.0)
    >>> bool(averaged.weight == network.weight)
    True
    """
    with torch.no_grad():
        for kept, new in zip(averaged.state_dict().values(), network.state_dict().values(), strict=True):
            if kept.is_floating_point():
                kept.lerp_(new, 1 - decay)
            else:
                kept.copy_(new)


def load_checkpoint(checkpoint: Path, config: Mapping[str, Any], device: str) -> dict[str, Any] | None:
    """Load what an interrupted run left; None where there is nothing.

    Raises
    ------
    ValueError
        If it is of another configuration.
    """
    if not checkpoint.is_file():
        return None
    saved: dict[str, Any] = torch.load(checkpoint, map_location=device, weights_only=True)
    if saved["config"] != config:
        raise ValueError(f"{checkpoint}: of another configuration ({saved['config']}); remove it or use its own")
    return saved


def save_checkpoint(checkpoint: Path, config: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    """Write a checkpoint, whole or not at all."""
    unfinished = checkpoint.with_suffix(".tmp")
    torch.save({"config": dict(config), **content}, unfinished)
    os.replace(unfinished, checkpoint)

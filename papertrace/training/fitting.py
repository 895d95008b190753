"""What every fit does beside its own loss: short numbers, averaged weights, checkpoints to take up, its code's name."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
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


def short_numbers(device: str) -> AbstractContextManager[object]:
    """Let a network run in bfloat16 where the device multiplies such numbers itself, which halves the time of a fit.

    The weights, the loss and what ships stay in single precision (Micikevicius et al. 2018, "Mixed precision
    training").

    Parameters
    ----------
    device : str
        ``"cpu"`` or ``"cuda"``.

    Returns
    -------
    context manager

    Examples
    --------
    >>> with short_numbers("cpu"):
    ...     told = torch.nn.Linear(2, 1)(torch.zeros(1, 2)).float()
    >>> told.dtype
    torch.float32
    """
    if device == "cuda":
        able = torch.cuda.is_bf16_supported()
    else:
        able = torch.cpu.get_capabilities().get("avx512_bf16") is True
    return torch.autocast(device, torch.bfloat16, enabled=able)


def keep_memory() -> None:
    """Let this process keep the memory that it frees, where the C library can be told to.

    Given back to the system after every layer and cleared anew for the next one, large arrays take a third of the time
    of a fit on a CPU.
    """
    try:
        tell = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    for option, value in _KEEP.items():
        tell(option, value)


_KEEP = {-1: 2**31 - 1, -2: 2**26, -4: 0}
"""glibc's ``M_TRIM_THRESHOLD``, ``M_TOP_PAD`` and ``M_MMAP_MAX``."""


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


@dataclass(frozen=True, eq=False)
class Fit:
    """All that a step of a fit changes, and that a checkpoint must hold to go on from.

    Attributes
    ----------
    network, averaged : Module
        What is fitted, and the running average of its weights.
    optimizer : Optimizer
    schedule : LRScheduler
    average : float
        Decay of the running average, a step; the first steps' average is shorter.
    """

    network: torch.nn.Module
    averaged: torch.nn.Module
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler
    average: float

    def step(self, loss: torch.Tensor, taken: int) -> None:
        """Go a step down a loss, shape (), after so many steps; gradients are clipped to a norm of 1."""
        self.optimizer.zero_grad()
        loss.backward()
        # Of what is fitted: a part that is left alone may have gradients, too.
        fitted = [weight for group in self.optimizer.param_groups for weight in group["params"]]
        torch.nn.utils.clip_grad_norm_(fitted, 1.0)
        self.optimizer.step()
        self.schedule.step()
        move_average(self.averaged, self.network, min(self.average, (taken + 1) / (taken + 10)))

    def states(self) -> dict[str, Any]:
        """Give the states of all parts, by their names."""
        return {name: part.state_dict() for name, part in self._parts().items()}

    def take_up(self, saved: Mapping[str, Any]) -> None:
        """Take up the states that a checkpoint holds."""
        for name, part in self._parts().items():
            part.load_state_dict(saved[name])

    def _parts(self) -> dict[str, Any]:
        names = ("network", "averaged", "optimizer", "schedule")
        return {name: getattr(self, name) for name in names}

"""Fit a network: the one loop that trains every learned part.

A network brings its configuration, its batches, its loss and, where its best epoch is chosen, how it is judged; `fit`
does the rest: AdamW under a one-cycle schedule, a running average of the weights, bfloat16 where the machine has it, a
line for every epoch, and a checkpoint to resume from, on CPU and CUDA alike.
"""

from __future__ import annotations

import copy
import ctypes
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from digitize.files import written_together

Batch = TypeVar("Batch")
Nest = TypeVar("Nest")
Network = TypeVar("Network", bound=nn.Module)

Forward = Callable[..., Any]
"""A network as a loss sees it: it may run in bfloat16, its outputs are single precision."""

Losses = Mapping[str, Tensor]

_EARLY = 10
"""Steps in which the running average is still short, so that it forgets the random weights."""


@dataclass(frozen=True)
class Configuration:
    """Everything that a fit depends on, its data aside; every network adds its own fields and gives the values.

    Attributes
    ----------
    epochs, batch, seed : int
        Passes over the examples, examples of a step, and the seed of all that is drawn.
    rate, decay : float
        Highest learning rate, and weight decay, of AdamW (Loshchilov and Hutter 2019).
    rise : float
        Share of the steps in which the rate rises, before it falls (Smith and Topin 2019, "Super-convergence").
    clip : float or None
        Largest norm of the gradients; None leaves them as they are.
    average : float
        Decay of the running average of the weights, a step; the average is what is judged and kept. 0 keeps the last
        weights.
    bfloat16 : bool
        Whether the network runs in bfloat16 where the machine has it, see `mixed_precision`.
    """

    epochs: int
    batch: int
    seed: int
    rate: float
    decay: float
    rise: float = 0.15
    clip: float | None = 1.0
    average: float = 0.998
    bfloat16: bool = True


@dataclass(frozen=True)
class Run:
    """Where a fit runs, and what it leaves by the way.

    Attributes
    ----------
    name : str
        Of its checkpoint, and on the terminal.
    folder : Path or None
        Gets ``NAME.checkpoint`` after every epoch; None for no checkpoint.
    resume : bool
        Whether a checkpoint that is there is resumed; else it is replaced.
    device : str
        ``"cpu"`` or ``"cuda"``.
    on_epoch : callable or None
        Called with the figures of every epoch, after its checkpoint is written; None prints them.
    """

    name: str
    folder: Path | None = None
    resume: bool = True
    device: str = "cpu"
    on_epoch: Callable[[dict[str, float]], None] | None = None

    @property
    def checkpoint(self) -> Path | None:
        """The file to resume from."""
        return None if self.folder is None else self.folder / f"{self.name}.checkpoint"


@dataclass(frozen=True)
class Trained(Generic[Network]):
    """A finished fit.

    Attributes
    ----------
    network : Module
        With the averaged weights of the best epoch, or of the last one where none is chosen; on the CPU, set to
        evaluation.
    history : tuple of dict
        ``epoch`` (from 1), ``loss`` (mean over the steps) and the figures of every epoch.
    seconds : float
        What the epochs took, those of interrupted runs included.
    """

    network: Network
    history: tuple[dict[str, float], ...]
    seconds: float


@dataclass(frozen=True)
class Batches(Generic[Batch]):
    """The batches of an epoch.

    Attributes
    ----------
    steps : int
        How many there are.
    draw : callable
        Gives an epoch's batches, from a random number generator: tensors, or tuples, lists and dictionaries of them.
    """

    steps: int
    draw: Callable[[np.random.Generator], Iterator[Batch]]


def shuffled(
    examples: int | Sequence[int] | NDArray[np.integer],
    size: int,
    make: Callable[[NDArray[np.intp], np.random.Generator], Batch],
    least: int = 1,
) -> Batches[Batch]:
    """Go through all examples in a new order every epoch.

    Parameters
    ----------
    examples : int, or sequence of int
        How many there are, or which.
    size : int
        Examples of a batch.
    make : callable
        Gives a batch from its examples, shape (n,), and a random number generator.
    least : int
        The last batch is left out where it has fewer examples and is not the only one.

    Returns
    -------
    Batches

    Examples
    --------
    >>> batches = shuffled(7, 3, lambda chosen, rng: sorted(chosen.tolist()), least=2)
    >>> batches.steps, [len(batch) for batch in batches.draw(np.random.default_rng(0))]
    (2, [3, 3])
    """
    every = np.arange(examples) if isinstance(examples, int) else np.asarray(examples, np.intp)
    steps = max(1, len(every) // size + (len(every) % size >= least))

    def draw(rng: np.random.Generator) -> Iterator[Batch]:
        order = rng.permutation(every)
        for step in range(steps):
            yield make(order[step * size : (step + 1) * size], rng)

    return Batches(steps, draw)


def fit(
    make: Callable[[], Network],
    config: Configuration,
    batches: Batches[Batch],
    loss: Callable[[Forward, Batch], Tensor | Losses],
    judge: Callable[[Network], tuple[float, Mapping[str, float]]] | None = None,
    *,
    run: Run,
    rates: Mapping[str, float] | None = None,
) -> Trained[Network]:
    """Fit a network.

    Every epoch draws from a seed of its own, so a run that was interrupted ends with the same weights as one that was
    not, on the same machine.

    Parameters
    ----------
    make : callable
        Gives the network; torch is seeded before.
    config : Configuration
    batches : Batches
        Moved to the device by the loop.
    loss : callable
        Gives the loss of the network, called like the module, on a batch; a mapping of losses is summed, and each is
        in the history.
    judge : callable, optional
        Gives a score and the epoch's other figures; the epoch of the highest score is kept, and of equal ones the
        first. A score that is NaN, for want of anything to judge by, keeps the last epoch. By default the last epoch
        is kept.
    run : Run
    rates : mapping of str to float, optional
        Learning rate, relative to the configuration's, of the parameters whose names begin so.

    Returns
    -------
    Trained

    Raises
    ------
    ValueError
        If the checkpoint is of another configuration.

    Examples
    --------
    >>> x = torch.linspace(-1, 1, 64)[:, None]
    >>> trained = fit(
    ...     lambda: nn.Linear(1, 1),
    ...     Configuration(epochs=20, batch=8, seed=0, rate=0.1, decay=0.0, average=0.9),
    ...     shuffled(64, 8, lambda chosen, rng: (x[chosen], 3 * x[chosen] + 1)),
    ...     lambda network, batch: (network(batch[0]) - batch[1]).square().mean(),
    ...     run=Run("line", on_epoch=lambda figures: None),
    ... )
    >>> round(trained.network.weight.item(), 2), round(trained.network.bias.item(), 2)
    (3.0, 1.0)
    """
    began = time.monotonic()
    state = _State.of(make, config, batches.steps, run.device, rates or {})
    history: list[dict[str, float]] = []
    best: dict[str, Any] = {"score": -np.inf, "state": None}
    identity = {"name": run.name, **asdict(config)}
    saved = _load(run, identity)
    if saved is not None:
        state.load(saved)
        history, best = saved["history"], saved["best"]
        began -= saved["seconds"]
    for epoch in range(len(history), config.epochs):
        losses = _train(state, config, batches, loss, run, epoch)
        score, figures = (0.0, {}) if judge is None else judge(state.averaged)
        history.append({"epoch": epoch + 1, **losses, **figures})
        if judge is not None and not score <= best["score"]:
            best = {"score": score, "state": copy.deepcopy(state.averaged.state_dict())}
        seconds = time.monotonic() - began
        _save(run, identity, {"history": history, "best": best, "seconds": seconds, **state.content()})
        (run.on_epoch or _tell(run.name, seconds))(history[-1])
    if best["state"] is not None:
        state.averaged.load_state_dict(best["state"])
    return Trained(state.averaged.cpu().eval(), tuple(history), time.monotonic() - began)


def _train(
    state: _State[Network],
    config: Configuration,
    batches: Batches[Batch],
    loss: Callable[[Forward, Batch], Tensor | Losses],
    run: Run,
    epoch: int,
) -> dict[str, float]:
    """Go through the batches of an epoch; gives the mean losses."""
    rng = np.random.default_rng((config.seed, epoch))
    torch.manual_seed(config.seed * 1000 + epoch)
    state.network.train()

    def forward(*inputs: Any) -> Any:
        with mixed_precision(run.device, config.bfloat16):
            outputs = state.network(*inputs)
        return _each(lambda tensor: tensor.float() if tensor.is_floating_point() else tensor, outputs)

    losses: dict[str, list[Tensor]] = {}
    shown = tqdm(batches.draw(rng), f"{run.name}, epoch {epoch + 1}", total=batches.steps, leave=False, disable=None)
    for step, batch in enumerate(shown, epoch * batches.steps):
        found = loss(forward, to_device(batch, run.device))
        parts = {} if isinstance(found, Tensor) else dict(found)
        total = found if isinstance(found, Tensor) else torch.stack(list(parts.values())).sum()
        state.step(total, step, config)
        for name, value in {"loss": total, **parts}.items():
            losses.setdefault(name, []).append(value.detach())
    return {name: float(np.mean([float(value) for value in values])) for name, values in losses.items()}


@dataclass(frozen=True, eq=False)
class _State(Generic[Network]):
    """All that a step changes, and that a checkpoint must hold to go on from."""

    network: Network
    averaged: Network
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler

    @classmethod
    def of(
        cls,
        make: Callable[[], Network],
        config: Configuration,
        steps: int,
        device: str,
        rates: Mapping[str, float],
    ) -> _State[Network]:
        torch.manual_seed(config.seed)
        network = make().to(device)
        groups: list[dict[str, Any]] = [
            {"params": of, "lr": share * config.rate} for share, of in _by_rate(network, rates).items()
        ]
        optimizer = torch.optim.AdamW(groups, weight_decay=config.decay)
        total = config.epochs * steps + 1
        # The rate needs a step to rise, however short the run.
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, [group["lr"] for group in groups], total, pct_start=max(config.rise, 2 / total)
        )
        return cls(network, copy.deepcopy(network).to(device), optimizer, schedule)

    def step(self, loss: Tensor, taken: int, config: Configuration) -> None:
        """Go a step down a loss, shape (), after so many steps."""
        self.optimizer.zero_grad()
        loss.backward()
        if config.clip is not None:
            fitted = [weight for group in self.optimizer.param_groups for weight in group["params"]]
            nn.utils.clip_grad_norm_(fitted, config.clip)
        self.optimizer.step()
        self.schedule.step()
        move_average(self.averaged, self.network, min(config.average, (taken + 1) / (taken + _EARLY)))

    def content(self) -> dict[str, Any]:
        return {name: part.state_dict() for name, part in vars(self).items()}

    def load(self, saved: Mapping[str, Any]) -> None:
        for name, part in vars(self).items():
            part.load_state_dict(saved[name])


def _by_rate(network: nn.Module, rates: Mapping[str, float]) -> dict[float, list[nn.Parameter]]:
    """Parameters by their relative learning rate, the highest first."""
    found: dict[float, list[nn.Parameter]] = {}
    for name, weight in network.named_parameters():
        share = next((share for prefix, share in rates.items() if name.startswith(prefix)), 1.0)
        found.setdefault(share, []).append(weight)
    return dict(sorted(found.items(), reverse=True))


def move_average(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the running average of the weights towards the network's, in place.

    Parameters
    ----------
    averaged, network : Module
        Of one shape; the first is changed.
    decay : float
        Share of the average that stays.

    Examples
    --------
    >>> averaged, network = nn.Linear(1, 1), nn.Linear(1, 1)
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


def mixed_precision(device: str, wanted: bool = True) -> AbstractContextManager[object]:
    """Let a network run in bfloat16 where the device multiplies such numbers itself, which halves the time of a fit.

    The weights, the loss and what ships stay in single precision (Micikevicius et al. 2018, "Mixed precision
    training").

    Parameters
    ----------
    device : str
        ``"cpu"`` or ``"cuda"``.
    wanted : bool
        False leaves everything in single precision.

    Returns
    -------
    context manager

    Examples
    --------
    >>> with mixed_precision("cpu"):
    ...     told = nn.Linear(2, 1)(torch.zeros(1, 2)).float()
    >>> told.dtype
    torch.float32
    """
    if device == "cuda":
        able = torch.cuda.is_bf16_supported()
    else:
        able = torch.cpu.get_capabilities().get("avx512_bf16") is True
    return torch.autocast(device, torch.bfloat16, enabled=wanted and able)


def to_device(nest: Nest, device: str) -> Nest:
    """Move all tensors of a nest of tuples, lists and dictionaries to a device.

    Parameters
    ----------
    nest : tensor, tuple, list or dict
        Named tuples too; what is no tensor stays.
    device : str

    Returns
    -------
    The same nest.

    Examples
    --------
    >>> to_device({"pixels": (torch.zeros(1), 3)}, "cpu")
    {'pixels': (tensor([0.]), 3)}
    """
    moved: Nest = _each(lambda tensor: tensor.to(device), nest)
    return moved


def _each(change: Callable[[Tensor], Tensor], nest: Any) -> Any:
    """Change every tensor of a nest."""
    if isinstance(nest, Tensor):
        return change(nest)
    if isinstance(nest, dict):
        return {name: _each(change, part) for name, part in nest.items()}
    if isinstance(nest, (tuple, list)):
        parts = [_each(change, part) for part in nest]
        return type(nest)(*parts) if hasattr(nest, "_fields") else type(nest)(parts)
    return nest


def tune_malloc() -> None:
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


def _load(run: Run, identity: Mapping[str, Any]) -> dict[str, Any] | None:
    """Load what an interrupted run left; None where there is nothing to resume."""
    file = run.checkpoint
    if file is None or not run.resume or not file.is_file():
        return None
    saved: dict[str, Any] = torch.load(file, map_location=run.device, weights_only=True)
    if saved["config"] != identity:
        raise ValueError(f"{file}: of another configuration ({saved['config']}); remove it or use its own")
    return saved


def _save(run: Run, identity: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    if run.checkpoint is not None:
        with written_together(run.checkpoint.parent) as scratch:
            torch.save({"config": dict(identity), **content}, scratch / run.checkpoint.name)


def _tell(name: str, seconds: float) -> Callable[[dict[str, float]], None]:
    def tell(figures: dict[str, float]) -> None:
        values = ", ".join(f"{of} {value:.4f}" for of, value in figures.items() if of != "epoch")
        tqdm.write(f"{name}, epoch {figures['epoch']:.0f}: {values}; {seconds / 60:.1f} min")

    return tell

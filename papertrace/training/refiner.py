"""Train the network behind `digitize.refine.correct`.

``python -m papertrace.training.refiner [--design D] [--data DIR] [--out DIR]``.

Pages of every preset are printed from PTB-XL records at 500 Hz and read (`papertrace.training.segments`); the network
learns how far the pen ran from where the deterministic stage found it. Records of folds 1 to 7 train it, fold 8 chooses
the epoch; fold 9 is never printed. The same command takes up an interrupted run, pages and epochs alike. The two files
that it leaves belong in ``digitize/weights``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from scipy.interpolate import CubicSpline
from tqdm import tqdm

from digitize.export import written_together
from digitize.records.weights import hash_of
from digitize.refine.correct import WEIGHTS, look_both_ways
from digitize.refine.network import DESIGNS, OFFSETS, Refiner, mean_offsets
from digitize.refine.windows import MARKS, upside_down
from papertrace.datasets.ptbxl import data_folder, find_500
from papertrace.training.fitting import Fit, load_checkpoint, save_checkpoint, short_numbers
from papertrace.training.pages import CHOICE_FOLD, TRAIN_FOLDS, plan
from papertrace.training.segments import QUARTERS, Segments, collect, version_of_segments

LOSSES = ("entropy", "snr", "both")
"""Cross-entropy over the offsets; the logarithm of the squared error, which is the ratio in dB; their sum."""

_FLOOR = 0.02
"""Squared pixels below which an error is no longer worth a loss."""
_FLAT = 2.0
"""Standard deviation of the truth, in pixels, below which a segment has no ratio."""
_LEAST_SAMPLES = 400
"""Fewest samples of a segment that has one."""


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on, its data aside.

    Attributes
    ----------
    design : str
        One of `DESIGNS`.
    steps : int
        Samples a column: 1, 2 or 4.
    loss : str
        One of `LOSSES`.
    train_pages, choose_pages, segments : int
        Pages to print, and segments of a page at most.
    epochs, batch, seed : int
    rate, decay : float
        Highest rate of the one-cycle schedule, and weight decay.
    average : float
        Decay of the running average of the weights, a step; the average is what is chosen and kept.
    """

    design: str = "cnn"
    steps: int = 2
    loss: str = "both"
    train_pages: int = 900
    choose_pages: int = 150
    segments: int = 8
    epochs: int = 30
    batch: int = 16
    seed: int = 3
    rate: float = 2e-3
    decay: float = 0.02
    average: float = 0.998


@dataclass(frozen=True)
class Trained:
    """A finished fit.

    Attributes
    ----------
    network : Refiner
        With the averaged weights of the best epoch.
    history : tuple of dict
        Figures of every epoch.
    seconds : float
        What the epochs took, those of interrupted runs included.
    """

    network: Refiner
    history: tuple[dict[str, float], ...]
    seconds: float


@dataclass(frozen=True)
class Batch:
    """Segments as tensors.

    Attributes
    ----------
    pixels, marks, scale : tensor
        As in `Segments`.
    target : tensor, shape (n, w, steps)
        Offset of the pen from the path, in units across the stroke; 0 where it is not known.
    known : tensor, shape (n, w, steps), bool
    """

    pixels: torch.Tensor
    marks: torch.Tensor
    scale: torch.Tensor
    target: torch.Tensor
    known: torch.Tensor


def batch_of(segments: Segments, chosen: NDArray[np.intp], steps: int, flip: NDArray[np.bool_], device: str) -> Batch:
    """Put segments together.

    Parameters
    ----------
    segments : Segments
    chosen : ndarray, shape (n,), int
    steps : int
        Samples a column.
    flip : ndarray, shape (n,), bool
        Which to turn upside down.
    device : str

    Returns
    -------
    Batch
    """
    pixels, marks, scale = segments.pixels[chosen], segments.marks[chosen], segments.scale[chosen]
    offset = segments.truth[chosen][:, :, :: QUARTERS // steps] - _path_at(segments.path[chosen], steps)
    known = np.isfinite(offset)
    target = np.where(known, offset, 0.0) / scale[..., None]
    if flip.any():
        pixels[flip], marks[flip] = upside_down(pixels[flip], marks[flip])
        target[flip] *= -1
    far = float(OFFSETS[-1])
    return Batch(
        torch.from_numpy(pixels).to(device),
        torch.from_numpy(marks).to(device).float(),
        torch.from_numpy(scale).to(device),
        torch.from_numpy(np.clip(target, -far, far).astype(np.float32)).to(device),
        torch.from_numpy(known).to(device),
    )


def loss_of(logits: torch.Tensor, sure: torch.Tensor, batch: Batch, loss: str) -> torch.Tensor:
    """Loss of a network's output, see `LOSSES`, and that of what it says about itself.

    Parameters
    ----------
    logits, sure : tensor
        See `Refiner.forward`.
    batch : Batch
    loss : str

    Returns
    -------
    tensor, shape ()
    """
    known = batch.known
    read = mean_offsets(logits)
    error = (read - batch.target) * batch.scale[..., None]
    # A tenth of a millivolt is as many pixels as there are millimetres to the millivolt.
    tolerance = 10 * torch.exp(batch.marks[..., MARKS.index("tolerance")])[..., None]
    right = (error.detach().abs() < tolerance).float()
    total = 0.1 * torch.nn.functional.binary_cross_entropy_with_logits(sure[known], right[known])
    if loss in ("entropy", "both"):
        total = total + _entropy(logits[known], batch.target[known])
    if loss in ("snr", "both"):
        count = known.sum(dim=(1, 2))
        square = (error**2 * known).sum(dim=(1, 2)) / count.clamp_min(1)
        total = total + torch.log10(square + _FLOOR)[count > 0].mean()
    return total


def ratios(segments: Segments, offsets: NDArray[np.float32]) -> NDArray[np.float64]:
    """Signal-to-noise ratio of every segment, without its mean error, where its path is moved by offsets.

    Parameters
    ----------
    segments : Segments
    offsets : ndarray, shape (n, LENGTH, steps), float32
        Pixels.

    Returns
    -------
    ndarray, shape (n,), float64
        dB, at every quarter of a column, by a cubic through the steps; NaN where a segment is flat or hidden.
    """
    steps = offsets.shape[2]
    moved = _path_at(segments.path, steps) + offsets
    found = np.full(len(segments), np.nan)
    fine = np.arange(segments.truth.shape[1] * QUARTERS) / QUARTERS
    coarse = np.arange(segments.truth.shape[1] * steps) / steps
    for k, (path, truth) in enumerate(zip(moved, segments.truth, strict=True)):
        own = path.ravel()
        known = np.isfinite(own)
        if known.sum() < 4:
            continue
        y = CubicSpline(coarse[known], own[known])(fine)
        # Beside a hidden stretch the cubic is free.
        shown = np.interp(fine, coarse, known.astype(float)) == 1.0
        both = shown & np.isfinite(truth.ravel())
        if both.sum() < _LEAST_SAMPLES or truth.ravel()[both].std() < _FLAT:
            continue
        error = y[both] - truth.ravel()[both]
        found[k] = 10 * np.log10(truth.ravel()[both].var() / max(error.var(), 1e-4))
    return found


def by_page(segments: Segments, ratio: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean ratio of every page that has one, shape (pages,)."""
    told = np.isfinite(ratio)
    pages, place = np.unique(segments.page[told], return_inverse=True)
    return np.bincount(place, ratio[told], len(pages)) / np.maximum(np.bincount(place, minlength=len(pages)), 1)


def predict(network: Refiner, segments: Segments) -> NDArray[np.float32]:
    """Offsets (pixels) as `digitize.refine.correct.look_both_ways` has them.

    Parameters
    ----------
    network : Refiner
        On any device; set to evaluation.
    segments : Segments

    Returns
    -------
    ndarray, shape (n, LENGTH, steps), float32
    """
    network.eval()
    parts = [
        look_both_ways(network, segments.pixels[first : first + 32], segments.marks[first : first + 32])[0]
        for first in range(0, len(segments), 32)
    ]
    return np.asarray(np.concatenate(parts) * segments.scale[..., None], np.float32)


def train(
    segments: Segments,
    choice: Segments,
    config: Config,
    checkpoint: Path,
    on_epoch: Callable[[dict[str, float]], None],
    device: str = "cpu",
) -> Trained:
    """Fit a network, taking up `checkpoint` where it exists; the epoch with the highest mean ratio on `choice` wins.

    Every epoch draws from its own seed, so an interrupted run ends with the same weights as an uninterrupted one on
    the same machine.

    Parameters
    ----------
    segments, choice : Segments
    config : Config
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
        If `checkpoint` is of another configuration, the loss does not exist, or there is nothing to train on.
    """
    if config.loss not in LOSSES:
        raise ValueError(f"loss is {config.loss!r}; allowed: {', '.join(LOSSES)}")
    if not len(segments) or not len(choice):
        raise ValueError(f"{len(segments)} segments to train on, {len(choice)} to choose; at least one each is needed")
    torch.manual_seed(config.seed)
    network = Refiner(config.design, config.steps).to(device)
    averaged = Refiner(config.design, config.steps).to(device)
    averaged.load_state_dict(network.state_dict())
    optimiser = torch.optim.AdamW(network.parameters(), config.rate, weight_decay=config.decay)
    steps_an_epoch = -(-len(segments) // config.batch)
    total = config.epochs * steps_an_epoch + 1
    # The rate needs a step to rise, however short the run.
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.rate, total, pct_start=max(0.1, 2 / total))
    fit = Fit(network, averaged, optimiser, schedule, config.average)
    history: list[dict[str, float]] = []
    best: dict[str, Any] = {"score": -np.inf, "state": None}
    began = time.monotonic()
    saved = load_checkpoint(checkpoint, asdict(config), device)
    if saved is not None:
        began -= saved["seconds"]
        fit.take_up(saved)
        history, best = saved["history"], saved["best"]
    before = by_page(choice, ratios(choice, np.zeros((*choice.scale.shape, 2), np.float32)))
    for epoch in range(len(history), config.epochs):
        rng = np.random.default_rng((config.seed, epoch))
        network.train()
        losses = []
        order = rng.permutation(len(segments))
        for step in tqdm(range(steps_an_epoch), desc=f"epoch {epoch + 1}", leave=False, disable=None):
            chosen = order[step * config.batch : (step + 1) * config.batch]
            batch = batch_of(segments, chosen, config.steps, rng.random(len(chosen)) < 0.5, device)
            with short_numbers(device):
                logits, sure = network(batch.pixels, batch.marks)
            loss = loss_of(logits.float(), sure.float(), batch, config.loss)
            fit.step(loss, epoch * steps_an_epoch + step)
            losses.append(float(loss.detach()))
        after = by_page(choice, ratios(choice, predict(averaged, choice)))
        history.append(
            {
                "epoch": epoch + 1,
                "loss": float(np.mean(losses)),
                "fold 8 before": float(before.mean()),
                "fold 8": float(after.mean()),
                "worst change": float((after - before).min()),
                "worse by 0.5 dB": float((after - before < -0.5).mean()),
            }
        )
        if after.mean() > best["score"]:
            state = {name: tensor.clone() for name, tensor in averaged.state_dict().items()}
            best = {"score": float(after.mean()), "state": state}
        seconds = time.monotonic() - began
        save_checkpoint(
            checkpoint, asdict(config), {"history": history, "best": best, "seconds": seconds, **fit.states()}
        )
        on_epoch(history[-1])
    averaged.load_state_dict(best["state"])
    return Trained(averaged.cpu().eval(), tuple(history), time.monotonic() - began)


def _entropy(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Cross-entropy with targets that lie between two offsets, shared out among them."""
    offsets = OFFSETS.to(target.device)
    upper = torch.bucketize(target, offsets).clamp(1, len(offsets) - 1)
    share = ((target - offsets[upper - 1]) / (offsets[upper] - offsets[upper - 1])).clamp(0, 1)
    log = torch.log_softmax(logits, dim=-1)
    low, high = (log.gather(-1, (upper - down)[:, None])[:, 0] for down in (1, 0))
    return -((1 - share) * low + share * high).mean()


def _path_at(path: NDArray[np.float32], steps: int) -> NDArray[np.float32]:
    """Path at every step of a column, shape (n, w, steps), from that at its middle and half-way to the next."""
    if steps <= 2:
        return path[:, :, :: 2 // steps]
    nodes = path.reshape(len(path), -1)
    half_way = (nodes + np.roll(nodes, -1, axis=1)) / 2
    half_way[:, -1] = np.nan
    return np.stack([nodes, half_way], axis=2).reshape(len(path), -1, 4)


def write_weights(
    out: Path, trained: Trained, config: Config, segments: Segments, choice: Segments, device: str
) -> dict[str, Any]:
    """Write ``refiner.safetensors``, its record ``refiner.json`` and the learning curve ``refiner.png``.

    Parameters
    ----------
    out : Path
        Folder to write into.
    trained : Trained
    config : Config
    segments, choice : Segments
        Of folds 1 to 7, and of fold 8.
    device : str
        What it was trained on: ``"cpu"`` or ``"cuda"``.

    Returns
    -------
    dict
        What the ``.json`` holds.
    """
    weights = save(trained.network.state_dict())
    record = {
        **hash_of(weights),
        "design": config.design,
        "steps": config.steps,
        "parameters": sum(weight.numel() for weight in trained.network.parameters()),
        "data": "PTB-XL records at 500 Hz on pages of every preset; training folds 1-7, epoch chosen on fold 8",
        "configuration": asdict(config),
        "pages": {"train": len(np.unique(segments.page)), "fold 8": len(np.unique(choice.page))},
        "segments": {"train": len(segments), "fold 8": len(choice)},
        "history": list(trained.history),
        "seconds": round(trained.seconds),
        "device": torch.cuda.get_device_name() if device == "cuda" else f"{torch.get_num_threads()} threads of the CPU",
        "software": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
    }
    with written_together(out) as scratch:
        (scratch / WEIGHTS.name).write_bytes(weights)
        text = json.dumps(record, indent=1) + "\n"
        (scratch / WEIGHTS.with_suffix(".json").name).write_text(text, encoding="utf-8")
        draw_curve(trained.history, scratch / WEIGHTS.with_suffix(".png").name)
    return record


def draw_curve(history: Sequence[Mapping[str, float]], file: Path) -> None:
    """Draw loss and fold-8 ratio against the epoch, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    left.plot(epochs, [row["loss"] for row in history])
    left.set(xlabel="epoch", ylabel="training loss")
    right.plot(epochs, [row["fold 8"] for row in history], label="refined")
    right.plot(epochs, [row["fold 8 before"] for row in history], "--", label="deterministic")
    kept = max(history, key=lambda row: row["fold 8"])
    right.plot(kept["epoch"], kept["fold 8"], "o", label="kept")
    right.set(xlabel="epoch", ylabel="fold 8, dB")
    right.legend()
    figure.savefig(file, format="png")


def main(arguments: list[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the command line.
    """
    parser = argparse.ArgumentParser(prog="python -m papertrace.training.refiner", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=data_folder(), help="PTB-XL's folder (default: %(default)s)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs/refiner"),
        help="folder for pages, checkpoints and results (default: %(default)s)",
    )
    parser.add_argument("--design", choices=DESIGNS, action="append", help="default: all, one after the other")
    parser.add_argument("--loss", choices=LOSSES, default=Config.loss, help="(default: %(default)s)")
    parser.add_argument("--steps", type=int, choices=(1, 2, 4), default=Config.steps, help="samples a column")
    for name, what in (
        ("train_pages", "pages of folds 1 to 7"),
        ("choose_pages", "pages of fold 8"),
        ("epochs", "passes over them"),
    ):
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=int, default=getattr(Config, name), help=f"{what} (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="pages at a time (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    pages = chosen.out / "pages" / version_of_segments()
    segments, choice = (
        collect(plan(find_500(chosen.data, folds), count, seed, pages / name), Config.segments, chosen.jobs)
        for name, folds, count, seed in (
            ("train", TRAIN_FOLDS, chosen.train_pages, 1),
            ("fold8", (CHOICE_FOLD,), chosen.choose_pages, 2),
        )
    )
    print(f"{len(segments)} segments to train on, {len(choice)} to choose; on {device}")
    for design in chosen.design or DESIGNS:
        config = Config(
            design=design,
            steps=chosen.steps,
            loss=chosen.loss,
            train_pages=chosen.train_pages,
            choose_pages=chosen.choose_pages,
            epochs=chosen.epochs,
        )
        started = time.monotonic()

        def show(figures: dict[str, float], name: str = design, started: float = started) -> None:
            told = ", ".join(f"{key} {value:.3f}" for key, value in figures.items() if key != "epoch")
            tqdm.write(f"{name}, epoch {figures['epoch']:.0f}: {told}; {(time.monotonic() - started) / 60:.1f} min")

        name = f"{design}-{config.loss}-{config.steps}"
        chosen.out.mkdir(parents=True, exist_ok=True)
        trained = train(segments, choice, config, chosen.out / f"{name}.checkpoint", show, device)
        record = write_weights(chosen.out / name, trained, config, segments, choice, device)
        best = max(record["history"], key=lambda figures: figures["fold 8"])
        print(f"{name}: {record['parameters']} parameters, {best['fold 8 before']:.2f} dB to {best['fold 8']:.2f} dB")


if __name__ == "__main__":
    main()

"""Train the network behind `digitize.refine.correct`.

``python -m papertrace.training.refiner [--design D] [--data DIR] [--out DIR]``.

Pages of every preset are printed from PTB-XL records at 500 Hz and read, the same as for `papertrace.training.bands`;
the network learns how far the pen ran from the traces that were led back (`papertrace.training.segments`). Records of
folds 1 to 7 train it, fold 8 chooses the epoch; fold 9 is never printed. The same command takes up an interrupted run,
pages and epochs alike. The two files that it leaves belong in ``digitize/weights``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from digitize.files import written_together
from digitize.refine import read
from digitize.refine.correct import WEIGHTS, look_both_ways
from digitize.refine.network import OFFSETS, Refiner, mean_offsets
from digitize.refine.windows import FEATURES, upside_down
from papertrace.training import band_pages
from papertrace.training.band_pages import QUARTERS
from papertrace.training.designs import DESIGNS, make_refiner
from papertrace.training.experiment import (
    Experiment,
    configured,
    count_parameters,
    options,
    run_of,
    write_experiment,
)
from papertrace.training.loop import Configuration, Forward, Run, Trained, fit, shuffled
from papertrace.training.pages import CHOICE_FOLD, TRAIN_FOLDS, plan_folds
from papertrace.training.segments import Segments, collect, version_of_segments

LOSSES = ("entropy", "snr", "both")
"""Cross-entropy over the offsets; the logarithm of the squared error, which is the ratio in dB; their sum."""

_FLOOR = 0.02
"""Squared pixels below which an error is no longer worth a loss."""
_FLAT = 2.0
"""Standard deviation of the truth, in pixels, below which a segment has no ratio."""
_LEAST_SAMPLES = 400
"""Fewest samples of a segment that has one."""


@dataclass(frozen=True)
class Config(Configuration):
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
    """

    epochs: int = 24
    batch: int = 16
    seed: int = 3
    rate: float = 2e-3
    decay: float = 0.02
    rise: float = 0.1
    design: str = "cnn"
    steps: int = 2
    loss: str = "both"
    train_pages: int = 300
    choose_pages: int = 42
    segments: int = 12


class Batch(NamedTuple):
    """Segments as tensors.

    Attributes
    ----------
    pixels, features, scale : tensor
        As in `Segments`.
    target : tensor, shape (n, w, steps)
        Offset of the pen from the path, in units across the stroke; 0 where it is not known.
    known : tensor, shape (n, w, steps), bool
    seen : tensor, shape (n, w, steps), bool
        Whether it is known, and near enough for the window to show it.
    """

    pixels: torch.Tensor
    features: torch.Tensor
    scale: torch.Tensor
    target: torch.Tensor
    known: torch.Tensor
    seen: torch.Tensor


def batch_of(segments: Segments, chosen: NDArray[np.intp], steps: int, flip: NDArray[np.bool_]) -> Batch:
    """Put segments together.

    Parameters
    ----------
    segments : Segments
    chosen : ndarray, shape (n,), int
    steps : int
        Samples a column.
    flip : ndarray, shape (n,), bool
        Which to turn upside down.

    Returns
    -------
    Batch
    """
    pixels, features, scale = segments.pixels[chosen], segments.features[chosen], segments.scale[chosen]
    offset = segments.truth[chosen][:, :, :: QUARTERS // steps] - _path_at(segments.path[chosen], steps)
    known = np.isfinite(offset)
    target = np.where(known, offset, 0.0) / scale[..., None]
    if flip.any():
        pixels[flip], features[flip] = upside_down(pixels[flip], features[flip])
        target[flip] *= -1
    far = float(OFFSETS[-1])
    return Batch(
        torch.from_numpy(pixels),
        torch.from_numpy(features).float(),
        torch.from_numpy(scale),
        torch.from_numpy(np.clip(target, -far, far).astype(np.float32)),
        torch.from_numpy(known),
        torch.from_numpy(known & (np.abs(target) < far)),
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
    known, seen = batch.known, batch.seen
    offset = mean_offsets(logits)
    error = (offset - batch.target) * batch.scale[..., None]
    # A tenth of a millivolt is as many pixels as there are millimeters to the millivolt.
    tolerance = 10 * torch.exp(batch.features[..., FEATURES.index("tolerance")])[..., None]
    right = (seen & (error.detach().abs() < tolerance)).float()
    total = 0.1 * torch.nn.functional.binary_cross_entropy_with_logits(sure[known], right[known])
    if loss in ("entropy", "both"):
        total = total + _entropy(logits[seen], batch.target[seen]) if seen.any() else total
    if loss in ("snr", "both"):
        count = seen.sum(dim=(1, 2))
        square = (error**2 * seen).sum(dim=(1, 2)) / count.clamp_min(1)
        total = total + torch.log10(square + _FLOOR)[count > 0].sum() / (count > 0).sum().clamp_min(1)
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
        On any device; it is set to evaluation, and left so.
    segments : Segments

    Returns
    -------
    ndarray, shape (n, LENGTH, steps), float32
    """
    network.eval()
    parts = [
        look_both_ways(network, segments.pixels[first : first + 32], segments.features[first : first + 32])[0]
        for first in range(0, len(segments), 32)
    ]
    return np.asarray(np.concatenate(parts) * segments.scale[..., None], np.float32)


def train(segments: Segments, choice: Segments, config: Config, run: Run) -> Trained[Refiner]:
    """Fit a network; the epoch with the highest mean ratio on `choice` wins.

    Parameters
    ----------
    segments, choice : Segments
    config : Config
    run : Run

    Returns
    -------
    Trained

    Raises
    ------
    ValueError
        If there is a checkpoint of another configuration, the loss does not exist, or there is nothing to train on.
    """
    if config.loss not in LOSSES:
        raise ValueError(f"loss is {config.loss!r}; allowed: {', '.join(LOSSES)}")
    if not len(segments) or not len(choice):
        raise ValueError(f"{len(segments)} segments to train on, {len(choice)} to choose; at least one each is needed")
    before = by_page(choice, ratios(choice, np.zeros((*choice.scale.shape, 2), np.float32)))

    def draw(chosen: NDArray[np.intp], rng: np.random.Generator) -> Batch:
        return batch_of(segments, chosen, config.steps, rng.random(len(chosen)) < 0.5)

    def loss(network: Forward, batch: Batch) -> torch.Tensor:
        logits, sure = network(batch.pixels, batch.features)
        return loss_of(logits, sure, batch, config.loss)

    def judge(network: Refiner) -> tuple[float, dict[str, float]]:
        after = by_page(choice, ratios(choice, predict(network, choice)))
        return float(after.mean()), {
            "fold 8 before": float(before.mean()),
            "fold 8": float(after.mean()),
            "worst change": float((after - before).min()),
            "worse by 0.5 dB": float((after - before < -0.5).mean()),
        }

    batches = shuffled(len(segments), config.batch, draw)
    return fit(lambda: make_refiner(config.design, config.steps), config, batches, loss, judge, run=run)


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
    out: Path, trained: Trained[Refiner], config: Config, segments: Segments, choice: Segments, device: str
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
    experiment = Experiment(
        configuration=config,
        data={
            "source": "PTB-XL records at 500 Hz, CC BY 4.0 (Wagner et al. 2020), on pages of every preset",
            "pages": {"train": len(np.unique(segments.page)), "fold 8": len(np.unique(choice.page))},
            "led back by": read.weights_version(),
            "segments": {"train": len(segments), "fold 8": len(choice)},
        },
        folds={"train": TRAIN_FOLDS, "choose": (CHOICE_FOLD,)},
        figures=max(trained.history, key=lambda figures: figures["fold 8"]),
        fits={config.design: trained},
        parameters=count_parameters(trained.network),
        device=device,
        use={"design": config.design, "steps": config.steps},
    )
    with written_together(out) as scratch:
        record = write_experiment(scratch, WEIGHTS.stem, trained.network.state_dict(), experiment)
        draw_curve(trained.history, scratch / f"{WEIGHTS.stem}.png")
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
    choices = {
        "train_pages": "pages of folds 1 to 7",
        "choose_pages": "pages of fold 8",
        "segments": "segments of a page at most",
    }
    parser = options("refiner", str(__doc__), Config, choices)
    parser.add_argument("--design", choices=DESIGNS, action="append", help="default: all, one after the other")
    parser.add_argument("--loss", choices=LOSSES, default=Config.loss, help="(default: %(default)s)")
    parser.add_argument("--steps", type=int, choices=(1, 2, 4), default=Config.steps, help="samples a column")
    chosen = parser.parse_args(arguments)
    pages = chosen.out / "pages" / band_pages.version_of_band_pages()
    planned = plan_folds(chosen.data, pages, chosen.train_pages, chosen.choose_pages)
    band_pages.collect([job for jobs in planned for job in jobs], chosen.jobs)
    folder = chosen.out / "segments" / version_of_segments()
    segments, choice = (
        collect(jobs, folder / jobs[0].file.parent.name, chosen.segments, chosen.jobs) for jobs in planned
    )
    print(f"{len(segments)} segments to train on, {len(choice)} to choose; on {chosen.device}")
    for design in chosen.design or DESIGNS:
        config = configured(Config, chosen, design=design)
        name = f"{design}-{config.loss}-{config.steps}"
        trained = train(segments, choice, config, run_of(name, chosen))
        record = write_weights(chosen.out / name, trained, config, segments, choice, chosen.device)
        best = record["figures"]
        print(f"{name}: {record['parameters']} parameters, {best['fold 8 before']:.2f} dB to {best['fold 8']:.2f} dB")


if __name__ == "__main__":
    main()

"""Train the network behind `digitize.strips.confidence`.

``python -m papertrace.training.confidence [--data DIR] [--out DIR]``.

Pages of every preset are printed from PTB-XL records at 500 Hz, digitized, and compared with their truth sample by
sample, once as they were traced and once as `digitize.refine.correct` corrected them: the network learns which features
of trouble (`digitize.strips.confidence.measure`) go with errors above 0.1 mV. What it says of a page's samples, and
what the page shows as a whole, then tells whether the page is right, by a logistic regression. Records of folds 1 to 7
train it, fold 8 chooses the epoch; fold 9 is never printed. It comes after ``python -m papertrace.training.refiner``
and ``.bands``, whose weights correct. The same command takes up an interrupted run; the two files that it leaves belong
in ``digitize/weights``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import optimize
from torch import nn

from digitize.refine import correct, read
from digitize.strips.confidence import (
    FEATURES,
    PAGE_FEATURES,
    TOLERANCE_MV,
    WEIGHTS,
    layers_of,
    measure_page,
    probability,
)
from papertrace.training.experiment import (
    Experiment,
    configured,
    count_parameters,
    options,
    run_of,
    write_experiment,
)
from papertrace.training.loop import Batches, Configuration, Forward, Run, Trained, fit
from papertrace.training.pages import CHOICE_FOLD, TRAIN_FOLDS, plan_folds
from papertrace.training.samples import Samples, collect, joined, version_of_samples


@dataclass(frozen=True)
class Config(Configuration):
    """Everything that a run depends on, its data aside.

    Attributes
    ----------
    train_pages, choose_pages : int
    hidden : int
        Units of each of the two hidden layers.
    shaken : float
        Standard deviations by which a page's features are moved together, anew in every batch: a few hundred pages
        could be told apart by their features, and their errors learned by heart.
    page_decay : float
        Weight of the squares of what decides whether pages are right: there are as few as pages.
    """

    epochs: int = 12
    batch: int = 4096
    seed: int = 0
    rate: float = 2e-3
    decay: float = 0.05
    rise: float = 0.3
    clip: float | None = None
    average: float = 0.0
    bfloat16: bool = False
    train_pages: int = 100
    choose_pages: int = 40
    hidden: int = 16
    shaken: float = 0.7
    page_decay: float = 0.02


Pair = tuple[torch.Tensor, torch.Tensor]
"""Marks, and whether the samples are right."""


def train(train_set: list[Samples], choose_set: list[Samples], config: Config, run: Run) -> Trained[nn.Sequential]:
    """Fit the network; the epoch with the least cross-entropy on `choose_set` wins.

    Parameters
    ----------
    train_set, choose_set : list of Samples
    config : Config
    run : Run
        Without a folder: the fit takes less time than its pages, and draws all of its epochs from one generator.

    Returns
    -------
    Trained
        Its network takes features as they are.
    """
    x, y = _tensors(train_set)
    mean, spread = x.mean(dim=0), x.std(dim=0).clamp_min(1e-3)
    x = (x - mean) / spread
    page = torch.repeat_interleave(torch.tensor([len(own.right) for own in train_set]))
    x_choose, y_choose = (part.to(run.device) for part in _tensors(choose_set))
    x_choose = (x_choose - mean.to(run.device)) / spread.to(run.device)
    cross_entropy = nn.BCEWithLogitsLoss()
    generator = torch.Generator().manual_seed(config.seed)

    def draw(_: np.random.Generator) -> Iterator[Pair]:
        for chosen in torch.randperm(len(x), generator=generator).split(config.batch):
            moved = config.shaken * torch.randn(len(train_set), x.shape[1], generator=generator)
            yield x[chosen] + moved[page[chosen]], y[chosen]

    def loss(network: Forward, batch: Pair) -> torch.Tensor:
        found: torch.Tensor = cross_entropy(network(batch[0])[:, 0], batch[1])
        return found

    def judge(network: nn.Sequential) -> tuple[float, dict[str, float]]:
        with torch.no_grad():
            found = float(loss(network, (x_choose, y_choose)))
        return -found, {"fold 8": found}

    batches = Batches(-(-len(x) // config.batch), draw)
    trained = fit(lambda: make_network(config.hidden), config, batches, loss, judge, run=run)
    return replace(trained, network=_unscaled(trained.network, mean, spread))


def measure_pages(
    pages: Sequence[Samples], tensors: Mapping[str, NDArray[np.float32]]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Measure what tells whether pages are right, as they were corrected, and whether they are.

    Parameters
    ----------
    pages : sequence of Samples
    tensors : mapping of str to ndarray
        Weights of the network for samples (`tensors_of`).

    Returns
    -------
    measured : ndarray, shape (pages, len(PAGE_FEATURES)), float32
    right : ndarray, shape (pages,), bool
    """
    measured = []
    for page in pages:
        corrected = page.features[:, FEATURES.index("corrected")] > 0
        features, number = page.features[corrected], page.strip[corrected]
        strips = [features[number == strip] for strip in np.unique(number)]
        measured.append(measure_page(strips, [probability(own, layers_of(tensors)) for own in strips]))
    return np.stack(measured), np.concatenate([page.page_right for page in pages])


def fit_pages(measured: NDArray[np.float32], right: NDArray[np.bool_], decay: float) -> dict[str, torch.Tensor]:
    """Fit the logistic regression that tells whether pages are right.

    Parameters
    ----------
    measured, right : ndarray
        See `measure_pages`.
    decay : float
        Weight of the squares of its coefficients, of standardized features.

    Returns
    -------
    dict
        ``"page.weight"``, shape (1, len(PAGE_FEATURES)), and ``"page.bias"``, shape (1,).
    """
    mean, spread = measured.mean(axis=0), np.maximum(measured.std(axis=0), 1e-2)
    x, sign = (measured - mean) / spread, np.where(right, 1.0, -1.0)

    def cost(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (x @ weights[:-1] + weights[-1])
        slope = -sign / (1 + np.exp(margin)) / len(sign)
        squares = float(weights[:-1] @ weights[:-1])
        gradient = np.append(slope @ x + 2 * decay * weights[:-1], slope.sum())
        return float(np.logaddexp(0, -margin).mean()) + decay * squares, gradient

    best = optimize.minimize(cost, np.zeros(x.shape[1] + 1), jac=True).x
    weight = best[:-1] / spread
    bias = best[-1] - weight @ mean
    return {
        "page.weight": torch.from_numpy(weight[None].astype(np.float32)),
        "page.bias": torch.from_numpy(np.array([bias], np.float32)),
    }


def make_network(hidden: int) -> nn.Sequential:
    """Make the untrained network: two hidden layers of so many units."""
    return nn.Sequential(
        nn.Linear(len(FEATURES), hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1)
    )


def _unscaled(network: nn.Sequential, mean: torch.Tensor, spread: torch.Tensor) -> nn.Sequential:
    """Fold the standardizing of features into the first layer."""
    first = network[0]
    assert isinstance(first, nn.Linear)
    with torch.no_grad():
        first.bias.sub_(first.weight @ (mean / spread))
        first.weight.div_(spread)
    return network


def tensors_of(network: nn.Sequential) -> dict[str, torch.Tensor]:
    """Name the weights as `digitize.strips.confidence` has them: ``"0.weight"``, ``"0.bias"``, ``"1.weight"``, ..."""
    layers = [layer for layer in network if isinstance(layer, nn.Linear)]
    return {f"{k}.{name}": part for k, layer in enumerate(layers) for name, part in layer.state_dict().items()}


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
    return torch.from_numpy(every.features), torch.from_numpy(every.right.astype(np.float32))


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    choices = {"train_pages": "pages of folds 1 to 7", "choose_pages": "pages of fold 8"}
    chosen = options("confidence", str(__doc__), Config, choices).parse_args(arguments)
    config = configured(Config, chosen)
    pages = chosen.out / "pages" / version_of_samples()
    planned = plan_folds(chosen.data, pages, config.train_pages, config.choose_pages, seeds=(3, 4))
    train_set, choose_set = (collect(jobs, chosen.jobs) for jobs in planned)
    trained = train(train_set, choose_set, config, replace(run_of(WEIGHTS.stem, chosen), folder=None))
    write(chosen.out, trained, train_set, choose_set, config, chosen.device)


def write(
    folder: Path,
    trained: Trained[nn.Sequential],
    train_set: list[Samples],
    choose_set: list[Samples],
    config: Config,
    device: str,
) -> dict[str, Any]:
    """Write ``confidence.safetensors`` and its training record ``confidence.json``; gives what that holds."""
    learned, chosen = joined(train_set), joined(choose_set)
    weights = tensors_of(trained.network)
    arrays = {name: part.numpy() for name, part in weights.items()}
    said = probability(chosen.features, layers_of(arrays))
    weights |= fit_pages(*measure_pages(train_set, arrays), config.page_decay)
    measured, page_right = measure_pages(choose_set, arrays)
    said_of_pages = probability(measured, [(weights["page.weight"].numpy(), weights["page.bias"].numpy())])
    was = chosen.features[:, FEATURES.index("corrected")] > 0
    kinds = {"traced": ~was, "corrected": was}
    experiment = Experiment(
        configuration=config,
        data={
            "source": "PTB-XL records at 500 Hz, CC BY 4.0 (Wagner et al. 2020), on pages of every preset",
            "pages": {"train": len(train_set), "fold 8": len(choose_set)},
        },
        folds={"train": TRAIN_FOLDS, "choose": (CHOICE_FOLD,)},
        figures={
            "right": {
                "train": float(learned.right.mean()),
                **{f"fold 8, {kind}": float(chosen.right[of].mean()) for kind, of in kinds.items()},
            },
            "reliability on fold 8": {
                **{kind: reliability(said[of], chosen.right[of]) for kind, of in kinds.items()},
                "pages": reliability(said_of_pages, page_right),
            },
        },
        fits={WEIGHTS.stem: trained},
        parameters=count_parameters(trained.network),
        device=device,
        use={
            "features": FEATURES,
            "page_features": PAGE_FEATURES,
            "tolerance_mv": TOLERANCE_MV,
            "refiner": correct.weights_version(),
            "reader": read.weights_version(),
        },
    )
    return write_experiment(folder, WEIGHTS.stem, weights, experiment)


if __name__ == "__main__":
    main()

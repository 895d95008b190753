"""Train the networks that look at pictures of pages.

``python -m papertrace.training.image --design D [--data DIR] [--out DIR]``.

First, whatever the design, a network learns from pictures alone, without a label, to say which lead lies where and to
give its signal back; of that, ``image`` goes on to statements alone, ``hybrid`` to statements and signal; ``dual``
joins ``image`` and the network that reads signals (`classify.picture.network`). Folds 1 to 7 train, fold 8 chooses the
epoch, the calibration and the thresholds; fold 9 is left alone. The same command takes up an interrupted run, pictures,
pages and epochs alike. The two files of a design belong in ``classify/weights``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from classify.picture.image import DESIGNS, load_picture_weights, make_network
from classify.picture.network import CELL, NOWHERE, DualNetwork, PictureNetwork, Seen
from classify.signal.weights import load_weights
from classify.statements import STATEMENTS
from papertrace.datasets.ptbxl import Records
from papertrace.training.arrhythmia import Targets, calibrate, macro_auroc, split, targets_of
from papertrace.training.batches import Batch, batch_of, blank, draw_places
from papertrace.training.experiment import (
    Experiment,
    configured,
    count_parameters,
    options,
    run_of,
    write_experiment,
)
from papertrace.training.imagenet import RESNET18, load_resnet18
from papertrace.training.loop import (
    Configuration,
    Forward,
    Run,
    Trained,
    fit,
    mixed_precision,
    shuffled,
    to_device,
    tune_malloc,
)
from papertrace.training.pages import CHOICE_FOLD, TRAIN_FOLDS, plan
from papertrace.training.pictures import PictureDataset, draw_all, joined, read_all
from papertrace.training.sources import version_of_code
from papertrace.training.views import in_millivolts

_FLOOR = 0.05
"""Squared pixels below which an error is no longer worth a loss."""
_FLAT = 0.25
"""Squared pixels that are added to a strip's power: of a flat one there is nothing to give back."""
_LEAST_COLUMNS = 40
"""Columns that a strip must show to have a ratio."""
_BACKGROUND = 0.2
"""Weight of a cell that no zero line runs through: most cells are such."""
_LEADS = 0.1
"""Least weight of where each lead lies."""
_SAFE_WIDTH = 16
_SLOW = 0.1
"""Rate of the streams of the dual network, which are trained already, relative to that of what joins them."""
_JOINED = 2
"""How many times fewer epochs these take."""


@dataclass(frozen=True)
class Config(Configuration):
    """Everything that a run depends on, its data aside; `epochs` are those with labels.

    Attributes
    ----------
    design : str
        One of `classify.picture.image.DESIGNS`.
    signal : float
        Weight of the signal's loss beside that of the statements, of the hybrid design alone.
    width, blocks : int
        Of the trunk.
    imagenet : str
        Name of the file that the trunk begins with; empty for none.
    sketches : int
        Pictures to draw of each recording.
    train_pages, choose_pages : int
        Pages to print and read, of folds 1 to 7 and of fold 8.
    before : int
        Passes without labels, which come first.
    dropout : float
        Share of features dropped.
    printed : float
        Chance that a recording of which a page was read is shown by it and not by a sketch.
    blank : float
        Chance of each stream of the dual network to see nothing.
    aside : float
        Weight of what is learned by the way (`papertrace.training.auxiliary`).
    """

    epochs: int = 12
    batch: int = 16
    seed: int = 5
    rate: float = 2e-3
    decay: float = 0.05
    design: str = "image"
    signal: float = 0.3
    width: int = 24
    blocks: int = 1
    imagenet: str = ""
    sketches: int = 6
    train_pages: int = 450
    choose_pages: int = 150
    before: int = 5
    dropout: float = 0.3
    printed: float = 0.4
    blank: float = 0.15
    aside: float = 0.3


@dataclass(frozen=True)
class Goal:
    """Goal of a fit.

    Attributes
    ----------
    name : str
        What it is called.
    statements, leads, signal : float
        Weights of the losses: of the statements, of where each lead lies, of its signal.
    epochs : int
    """

    name: str
    statements: float
    leads: float
    signal: float
    epochs: int


@dataclass(frozen=True)
class Pages:
    """Pictures, and what is to be learned of the records that they are of.

    Attributes
    ----------
    dataset : PictureDataset
    targets : Targets
    """

    dataset: PictureDataset
    targets: Targets


def goals_of(config: Config) -> tuple[Goal, Goal]:
    """Give what is learned first, without labels, and then."""
    signal = config.signal if config.design == "hybrid" else 0.0
    # Where leads lie is not forgotten: it is where the statements are looked for, and tells whether there are any.
    leads = max(signal, _LEADS)
    epochs = -(-config.epochs // _JOINED) if config.design == "dual" else config.epochs
    return Goal("signal", 0.0, 1.0, 1.0, config.before), Goal(config.design, 1.0, leads, signal, epochs)


def signal_loss(seen: Seen, batch: Batch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Judge what is said of leads and pen.

    Parameters
    ----------
    seen : Seen
    batch : Batch

    Returns
    -------
    leads : Tensor, shape ()
        Cross-entropy of the cells' leads.
    signal : Tensor, shape ()
        Logarithm of error over power, which is the ratio in dB, mean over strips.
    ratio : Tensor, shape (strips,)
        Signal-to-noise ratio of every strip in dB, its level included; of those that show enough.
    right : Tensor, shape (cells,), bool
        Whether the likeliest lead is the right one, of the cells of strips.
    """
    weight = torch.ones(NOWHERE + 1, device=batch.leads.device)
    weight[NOWHERE] = _BACKGROUND
    leads = functional.cross_entropy(seen.leads.float(), batch.leads, weight)
    picture, row, column = batch.at
    told = seen.leads[picture, :, row, column].argmax(1)
    right = told == batch.leads[picture, row, column]
    known = torch.isfinite(batch.pen)
    pen = torch.where(known, batch.pen, 0.0)
    error = (seen.pen[picture, :, row, column].float() - pen) * known
    height = (pen + CELL * row[:, None].float()) * known
    strips = int(batch.strip.max()) + 1 if len(batch.strip) else 0

    def total(values: Tensor) -> Tensor:
        return torch.zeros(strips, device=values.device).index_add(0, batch.strip, values.sum(1))

    count = total(known.float())
    shown = count >= _LEAST_COLUMNS
    safe = count.clamp_min(1.0)
    square = total(error**2) / safe
    power = total((height - (total(height) / safe)[batch.strip][:, None]) ** 2 * known) / safe
    worse = torch.log10((square + _FLOOR) / (power + _FLAT))[shown]
    signal = worse.mean() if len(worse) else worse.sum()
    return leads, signal, -10 * worse.detach(), right


def train(network: nn.Module, pages: Pages, choice: Pages, config: Config, goal: Goal, run: Run) -> Trained[nn.Module]:
    """Fit a network; the best epoch on `choice` wins.

    Parameters
    ----------
    network : Module
        Of `classify.picture.image.make_network`, with as many outputs as the targets; it is modified.
    pages, choice : Pages
    config : Config
    goal : Goal
    run : Run

    Returns
    -------
    Trained

    Raises
    ------
    ValueError
        If there is a checkpoint of another configuration, or there is nothing to train on or to choose by.
    """
    if not len(pages.dataset) or not len(choice.dataset):
        raise ValueError(
            f"{len(pages.dataset)} pictures to train on, {len(choice.dataset)} to choose; at least one each is needed"
        )
    dual = isinstance(network, DualNetwork)

    def draw(chosen: NDArray[np.intp], rng: np.random.Generator) -> tuple[Batch, Targets]:
        places = draw_places(pages.dataset, chosen.tolist(), config.printed, rng)
        batch = batch_of(pages.dataset, places, rng)
        return blank(batch, config.blank, rng) if dual else batch, pages.targets.take(chosen)

    def loss(network: Forward, batch: tuple[Batch, Targets]) -> Tensor:
        views = batch[0].views if dual else ()
        return _loss(network(batch[0].pictures, *views), *batch, goal)

    def score(network: nn.Module) -> tuple[float, dict[str, float]]:
        figures, _ = judge(network, choice, run.device)
        return (figures["superclass"] + figures["all"]) / 2 if goal.statements else -figures["signal loss"], figures

    _lay_out(network, config.width)
    # One picture alone has no spread to normalize by.
    batches = shuffled(sorted(pages.dataset.by_record), config.batch, draw, least=2)
    rates = {"picture.": _SLOW, "signal.": _SLOW} if dual else None
    return fit(lambda: network, replace(config, epochs=goal.epochs), batches, loss, score, run=run, rates=rates)


def judge(
    network: nn.Module, pages: Pages, device: str, batch_size: int = 16
) -> tuple[dict[str, float], NDArray[np.float32]]:
    """Look at pictures as they are.

    Parameters
    ----------
    network : Module
        It is set to evaluation, and left so.
    pages : Pages
    device : str
        Where it is.
    batch_size : int

    Returns
    -------
    figures : dict of str to float
        `papertrace.training.arrhythmia.macro_auroc`, ``signal loss``, ``signal dB`` and ``leads right`` (share of the
        strips' cells).
    logits : ndarray, shape (pictures, statements), float32
    """
    network.eval()
    logits, losses, ratios, rights = [], [], [], []
    with torch.inference_mode():
        for first in range(0, len(pages.dataset), batch_size):
            places = range(first, min(first + batch_size, len(pages.dataset)))
            batch = to_device(batch_of(pages.dataset, places, None), device)
            with mixed_precision(device):
                seen = network(batch.pictures, *(batch.views if isinstance(network, DualNetwork) else ()))
            leads, signal, ratio, right = signal_loss(seen, batch)
            losses.append(float(leads + signal))
            ratios.append(ratio.cpu())
            rights.append(right.cpu())
            logits.append(seen.logits.float().cpu().numpy()[:, : len(STATEMENTS)])
    every = np.concatenate(logits)
    figures = {
        **macro_auroc(truth_of(pages), every),
        "signal loss": float(np.mean(losses)),
        "signal dB": float(torch.cat(ratios).mean()),
        "leads right": float(torch.cat(rights).float().mean()),
    }
    return figures, every


def truth_of(pages: Pages) -> NDArray[np.float32]:
    """Truth of the statements of every picture, shape (pictures, statements)."""
    return np.asarray(pages.targets.truth.numpy()[pages.dataset.views.record, : len(STATEMENTS)])


def begin(config: Config, outputs: int, imagenet: Path | None) -> nn.Module:
    """Make the network that learns the signal first, on ImageNet's trunk where there is one."""
    torch.manual_seed(config.seed)
    network = make_network("image", config.width, config.blocks, outputs, config.dropout)
    assert isinstance(network, PictureNetwork)
    if imagenet is not None:
        network.trunk.load_state_dict(load_resnet18(imagenet))
    return network


def go_on(config: Config, outputs: int, before: nn.Module) -> nn.Module:
    """Make the network of a design from the one that learned the signal, and `dual` from the two that make statements.

    Beside a stream that makes statements already, one that does not falls silent: the features of its pictures are cut
    off before they are of any use.

    Parameters
    ----------
    config : Config
    outputs : int
    before : Module
        The one that learned the signal; for `dual`, the ``image`` design's that was trained.

    Returns
    -------
    Module
    """
    torch.manual_seed(config.seed + 1)
    network = make_network(config.design, config.width, config.blocks, outputs, config.dropout)
    learned = {name: part for name, part in before.state_dict().items() if not name.startswith("head.")}
    if isinstance(network, DualNetwork):
        network.picture.load_state_dict(learned)
        trained = load_weights().network.members[0].state_dict()
        own = {name: part for name, part in trained.items() if not name.startswith("head.")}
        network.signal.load_state_dict(own)
    else:
        network.load_state_dict({**network.state_dict(), **learned})
    return network


def _lay_out(network: nn.Module, width: int) -> None:
    """Lay the filters of a network out as they are quickest."""
    for weight in network.parameters():
        # With fewer channels PyTorch 2.13 crashes over gradients in this layout.
        if weight.ndim == 4 and width >= _SAFE_WIDTH:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)


def _loss(seen: Seen, batch: Batch, targets: Targets, goal: Goal) -> Tensor:
    loss = torch.zeros((), device=batch.pictures.device)
    if goal.statements:
        told = functional.binary_cross_entropy_with_logits(seen.logits, targets.truth, targets.weight)
        loss = loss + goal.statements * told
    leads, signal, _, _ = signal_loss(seen, batch)
    return loss + goal.leads * leads + goal.signal * signal


def write_weights(
    out: Path,
    fits: Mapping[str, Trained[nn.Module]],
    config: Config,
    pages: Pages,
    choice: Pages,
    device: str,
) -> dict[str, Any]:
    """Calibrate on fold 8 and write a design's ``.safetensors`` and its record.

    Parameters
    ----------
    out : Path
        Folder to write into.
    fits : mapping of str to Trained
        What was learned first, and then; the network of the last one ships.
    config : Config
    pages, choice : Pages
        Of folds 1 to 7, and of fold 8.
    device : str
        What it was trained on: ``"cpu"`` or ``"cuda"``.

    Returns
    -------
    dict
        What the ``.json`` holds.
    """
    own = make_network(config.design, config.width, config.blocks, dropout=config.dropout)
    state = list(fits.values())[-1].network.state_dict()
    for name, tensor in own.state_dict().items():
        # What was learned by the way comes after the statements.
        tensor.copy_(state[name][: len(tensor)] if tensor.ndim else state[name])
    # Judged as it ships: in half precision, which halves the file.
    weights = {name: tensor.half().contiguous() for name, tensor in own.state_dict().items()}
    own.half().float()
    figures, logits = judge(own, choice, "cpu")
    truth = truth_of(choice)
    trained_on = pages.targets.truth.numpy()[sorted(pages.dataset.by_record), : len(STATEMENTS)]
    experiment = Experiment(
        configuration=config,
        data={
            "source": "PTB-XL, CC BY 4.0 (Wagner et al. 2020)",
            "records": {"folds 1 to 7": len(pages.dataset.by_record), "fold 8": len(choice.dataset.by_record)},
            "pictures": {
                name: {"drawn": int((~of.dataset.printed).sum()), "of printed pages": int(of.dataset.printed.sum())}
                for name, of in (("folds 1 to 7", pages), ("fold 8", choice))
            },
        },
        folds={"train": TRAIN_FOLDS, "choose": (CHOICE_FOLD,)},
        figures={
            "measure": "macro AUROC, and the signal head's figures, on drawn, read and coarse pictures of fold 8",
            "fold 8": figures,
        },
        fits=fits,
        parameters=count_parameters(own),
        device=device,
        use={"statements": calibrate(truth, logits, {"train": trained_on, "fold 8, pictures": truth})},
    )
    return write_experiment(out, config.design, weights, experiment)


def make_pages(records: Records, config: Config, sketches: int, pages: int, folder: Path, jobs: int) -> PictureDataset:
    """Draw pictures of all records, and print and read pages of those that are there at 500 Hz."""
    signals = in_millivolts(records, config.seed)
    datasets = [draw_all(signals, range(len(records)), sketches, config.seed, folder / "drawn", jobs)]
    printable = [path for path in records.paths_500 if path is not None]
    if pages and printable:
        datasets.append(read_all(plan(printable, pages, config.seed, folder / "read"), records, jobs))
    return joined(datasets)


def main(arguments: list[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the command line.
    """
    choices = {
        "sketches": "pictures to draw of each recording",
        "train_pages": "pages of folds 1 to 7 to print and read",
        "choose_pages": "pages of fold 8",
        "before": "passes without labels",
        "signal": "weight of the hybrid's signal",
    }
    parser = options("image", str(__doc__), Config, choices)
    parser.add_argument("--design", choices=DESIGNS, action="append", help="default: all, one after the other")
    parser.add_argument("--imagenet", type=Path, help="torchvision's ResNet-18 to begin with; it sets width and depth")
    chosen = parser.parse_args(arguments)
    tune_malloc()
    cv2.setNumThreads(1)
    trunk = {"imagenet": ""} if chosen.imagenet is None else {**RESNET18, "imagenet": chosen.imagenet.name}
    common = configured(Config, chosen, design="image", signal=Config.signal, **trunk)
    try:
        train_records, choice_records = split(chosen.data, (CHOICE_FOLD,))
    except ValueError as error:
        parser.error(str(error))
    folder = chosen.out / "pictures" / version_of_code("papertrace.training.pictures")
    pages = Pages(
        make_pages(train_records, common, common.sketches, common.train_pages, folder / "train", chosen.jobs),
        targets_of(train_records, common.aside),
    )
    choice = Pages(
        make_pages(choice_records, common, 1, common.choose_pages, folder / "fold8", chosen.jobs),
        targets_of(choice_records, common.aside),
    )
    print(f"{len(pages.dataset)} pictures to train on, {len(choice.dataset)} to choose; on {chosen.device}")
    outputs = pages.targets.truth.shape[1]
    for design in chosen.design or DESIGNS:
        config = replace(common, design=design, **({"signal": chosen.signal} if design == "hybrid" else {}))
        first, then = goals_of(config)
        if design == "dual":
            try:
                before = _trained_before(chosen.out / "image")
            except FileNotFoundError as error:
                parser.error(f"`dual` begins with `image`: {error}")
        else:
            # What is learned without labels is the same for every design.
            network = begin(common, outputs, chosen.imagenet)
            before = {first.name: train(network, pages, choice, common, first, run_of(first.name, chosen))}
        name = f"{design}-{config.signal:g}" if design == "hybrid" else design
        network = go_on(config, outputs, list(before.values())[-1].network)
        trained = train(network, pages, choice, config, then, run_of(name, chosen))
        record = write_weights(chosen.out / name, {**before, design: trained}, config, pages, choice, chosen.device)
        print(f"{name}: {record['parameters']} parameters, {json.dumps(record['figures']['fold 8'])}")


def _trained_before(folder: Path) -> dict[str, Trained[nn.Module]]:
    """Load the network of the image design, with what its record tells of its fits, each epoch under its own."""
    network = load_picture_weights("image", folder).network
    record = json.loads((folder / "image.json").read_text(encoding="utf-8"))
    return {"image": Trained(network, tuple(record["history"]), record["seconds"])}


if __name__ == "__main__":
    main()

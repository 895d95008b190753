"""Classify pictures of single beats: ``python -m papertrace.training.beat_images draw|train|read FOLDER``.

The folder has one folder a class, each with pictures of beats, as the Kaggle set "ECG arrhythmia image" has them. The
same trunk as for pages is trained on them (`classify.beats.images`), after it was told by cross-validation how well it
does on pictures that it has not seen: where names begin with a record's (``201_00042.png``), on whole records. ``draw``
makes such a folder from MIT-BIH's DS1, classes N S V F Q of ANSI/AAMI EC57; ``read`` names the pictures of any folder.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from classify.beats.images import (
    NAME,
    SIDE,
    SUFFIXES,
    BeatImageNetwork,
    load_beat_images,
    predict_beat_images,
    read_beat_image,
)
from digitize.records.weights import hash_of
from papertrace.datasets.mitbih import Recording, data_folder, load_mitbih
from papertrace.metrics.scores import f1
from papertrace.training.experiment import (
    Experiment,
    configured,
    count_parameters,
    options,
    remove_checkpoints,
    run_of,
    write_experiment,
)
from papertrace.training.loop import Batches, Configuration, Forward, Run, Trained, fit

FOLDS = 5
"""Parts that pictures are divided into, to be judged by networks that have not seen them."""

BEFORE_S, AFTER_S = 0.3, 0.45
"""What is drawn of a beat."""

_SPAN_MV = 3.0
"""Height of a picture, at least."""

_MOVED = 5.0
"""Pixels by which a picture is moved at most."""


@dataclass(frozen=True)
class Config(Configuration):
    """Everything that a run depends on, its data aside.

    Attributes
    ----------
    width, blocks : int
        Of the trunk.
    most : int
        Pictures of a class in an epoch: of a commoner one others each time.
    pictures : str
        Version of what it learns from, see `BeatImages.version`.
    """

    epochs: int = 12
    batch: int = 32
    seed: int = 1
    rate: float = 3e-3
    decay: float = 0.05
    rise: float = 0.3
    clip: float | None = None
    average: float = 0.0
    width: int = 16
    blocks: int = 1
    most: int = 2000
    pictures: str = ""


@dataclass(frozen=True)
class BeatImages:
    """Pictures of beats.

    Attributes
    ----------
    ink : ndarray, shape (n, SIDE, SIDE), uint8
        255 where the stroke is.
    label : ndarray, shape (n,), int64
        Place in `classes`.
    fold : ndarray, shape (n,), int64
        Of `FOLDS`; pictures of one record are in the same.
    groups : int
        Records, or pictures where their names do not tell records.
    classes : tuple of str
        Names of the folders, in order.
    """

    ink: NDArray[np.uint8]
    label: NDArray[np.int64]
    fold: NDArray[np.int64]
    groups: int
    classes: tuple[str, ...]

    @property
    def version(self) -> str:
        """Name the pictures and their labels by their content."""
        return hash_of(self.ink.tobytes() + self.label.tobytes())["version"]


def draw_beat(signal: NDArray[np.floating], fs: float) -> NDArray[np.uint8]:
    """Draw a beat as a dark stroke on white.

    Parameters
    ----------
    signal : ndarray, shape (n,)
        Millivolts.
    fs : float
        Hz.

    Returns
    -------
    ndarray, shape (SIDE, SIDE), uint8
        Its median in the middle; as much as 1.5 mV to either side, or all that there is.

    Examples
    --------
    >>> draw_beat(np.zeros(270), 360)[SIDE // 2 - 2 : SIDE // 2 + 2].min()
    np.uint8(0)
    """
    centered = signal - np.median(signal)
    span = max(_SPAN_MV, 2.1 * float(np.abs(centered).max()))
    x = np.linspace(0, SIDE - 1, len(signal))
    y = (SIDE - 1) / 2 - centered / span * SIDE
    canvas = np.full((4 * SIDE, 4 * SIDE), 255, np.uint8)
    points = np.rint(np.stack([4 * x + 1.5, 4 * y + 1.5], axis=1) * 16).astype(np.int32)
    cv2.polylines(canvas, [points], False, 0, 6, cv2.LINE_AA, 4)
    return np.asarray(cv2.resize(canvas, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def draw_folder(recordings: Sequence[Recording], folder: Path, most: int) -> dict[str, int]:
    """Draw beats of the first lead of recordings into one folder a class.

    Parameters
    ----------
    recordings : sequence of Recording
    folder : Path
    most : int
        Beats of a class from one record, evenly spaced over it.

    Returns
    -------
    dict of str to int
        Pictures of each class.
    """
    counts: dict[str, int] = {}
    for recording in recordings:
        before, after = round(BEFORE_S * recording.fs), round(AFTER_S * recording.fs)
        whole = (recording.samples >= before) & (recording.samples < recording.signal.shape[1] - after)
        for name in np.unique(recording.classes):
            beats = np.flatnonzero(whole & (recording.classes == name))
            chosen = beats[np.unique(np.linspace(0, len(beats) - 1, min(most, len(beats))).astype(int))]
            (folder / str(name)).mkdir(parents=True, exist_ok=True)
            for beat in chosen:
                at = recording.samples[beat]
                picture = draw_beat(recording.signal[0, at - before : at + after], recording.fs)
                cv2.imwrite(str(folder / str(name) / f"{recording.name}_{beat:05d}.png"), picture)
            counts[str(name)] = counts.get(str(name), 0) + len(chosen)
    return counts


def read_folder(folder: Path, seed: int) -> BeatImages:
    """Read a folder with one folder a class.

    Parameters
    ----------
    folder : Path
    seed : int
        Says which are in which fold.

    Returns
    -------
    BeatImages

    Raises
    ------
    ValueError
        If there are not two classes with pictures, or a picture cannot be read.
    """
    files = list_pictures(folder, "*/*")
    classes = tuple(sorted({file.parent.name for file in files}))
    if len(classes) < 2:
        raise ValueError(f"{folder}: pictures of {len(classes)} classes; allowed: at least two folders with pictures")
    ink = np.stack([read_beat_image(file) for file in files])
    stems = [file.stem.split("_")[0] if "_" in file.stem else "" for file in files]
    groups = stems if len(set(stems)) > 1 and all(stems) else [str(file) for file in files]
    names, group = np.unique(groups, return_inverse=True)
    fold = np.random.default_rng(seed).permutation(len(names)) % FOLDS
    label = np.array([classes.index(file.parent.name) for file in files], np.int64)
    return BeatImages(ink, label, fold[group], len(names), classes)


def list_pictures(folder: Path, pattern: str) -> list[Path]:
    """List the pictures of a folder, in order."""
    return [file for file in sorted(folder.glob(pattern)) if file.suffix.lower() in SUFFIXES]


def train(images: BeatImages, learned: NDArray[np.bool_], config: Config, run: Run) -> Trained[BeatImageNetwork]:
    """Fit a network; a class that is rare is seen as often as is a common one, but for the most frequent.

    Parameters
    ----------
    images : BeatImages
    learned : ndarray, shape (n,), bool
        Those to learn from.
    config : Config
    run : Run

    Returns
    -------
    Trained
        Its network is that of the last epoch.

    Raises
    ------
    ValueError
        If there is a checkpoint of another configuration.
    """
    kinds = len(images.classes)
    own = [np.flatnonzero(learned & (images.label == kind)) for kind in range(kinds)]
    sizes = [min(config.most, len(places)) for places in own]
    weight = torch.tensor([sum(sizes) / max(size, 1) for size in sizes]).sqrt().float()
    weight = (weight / weight.mean()).to(run.device)
    steps = -(-sum(sizes) // config.batch)

    def draw(rng: np.random.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        places = rng.permutation(np.concatenate([rng.permutation(of)[: config.most] for of in own]))
        for step in range(steps):
            chosen = places[step * config.batch : (step + 1) * config.batch]
            ink = np.stack([moved(images.ink[place], rng) for place in chosen])
            yield torch.from_numpy(ink)[:, None], torch.from_numpy(images.label[chosen])

    def loss(network: Forward, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        return functional.cross_entropy(network(batch[0]), batch[1], weight)

    return fit(
        lambda: BeatImageNetwork(kinds, config.width, config.blocks), config, Batches(steps, draw), loss, run=run
    )


def moved(ink: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a beat taller or lower, wider or narrower, and off its place, as another heart's would be.

    Parameters
    ----------
    ink : ndarray, shape (SIDE, SIDE), uint8
        Not modified.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (SIDE, SIDE), uint8
    """
    wide, tall = np.exp(rng.normal(0.0, (0.06, 0.2)))
    right, down = rng.uniform(-_MOVED, _MOVED, 2)
    middle = (SIDE - 1) / 2
    matrix = np.array([[wide, 0.0, middle * (1 - wide) + right], [0.0, tall, middle * (1 - tall) + down]])
    return np.asarray(cv2.warpAffine(ink, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR), np.uint8)


def cross_validate(images: BeatImages, config: Config, run: Run) -> dict[str, Any]:
    """Score every picture by a network that was trained on the other folds: accuracy, and F1 of every class."""
    told = np.empty(len(images.label), np.int64)
    for fold in np.unique(images.fold):
        out = images.fold == fold
        trained = train(images, ~out, config, replace(run, name=f"{run.name}-{fold}"))
        told[out] = predict_beat_images(trained.network, images.ink[out]).argmax(1)
    kinds = np.arange(len(images.classes))
    each = f1((images.label[:, None] == kinds).astype(float), told[:, None] == kinds)
    return {
        "pictures": {name: int((images.label == kind).sum()) for kind, name in enumerate(images.classes)},
        "groups": images.groups,
        "folds": len(np.unique(images.fold)),
        "accuracy": float((told == images.label).mean()),
        "F1": {name: float(value) for name, value in zip(images.classes, each, strict=True)},
    }


def main(arguments: list[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the command line.
    """
    parser = options("beat_images", str(__doc__), Config, data=data_folder())
    parser.add_argument("what", choices=("draw", "train", "read"))
    parser.add_argument("folder", type=Path, help="one folder a class; to read, any with pictures")
    parser.add_argument("--most", type=int, default=200, help="beats of a class from a record (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.what == "draw":
            print(json.dumps(draw_folder(load_mitbih(chosen.data), chosen.folder, chosen.most)))
        elif chosen.what == "read":
            _read(chosen.folder, chosen.out)
        else:
            _train(chosen)
    except (OSError, ValueError) as error:
        parser.error(str(error))


def _read(folder: Path, weights: Path) -> None:
    own, files = load_beat_images(weights), list_pictures(folder, "**/*")
    if not files:
        raise ValueError(f"{folder}: no picture; allowed: {', '.join(SUFFIXES)}")
    told = predict_beat_images(own.network, np.stack([read_beat_image(file) for file in files]))
    lines = csv.writer(sys.stdout, lineterminator="\n")
    lines.writerow(("file", "class", "probability"))
    lines.writerows(
        (file, own.classes[said.argmax()], f"{said.max():.3f}") for file, said in zip(files, told, strict=True)
    )


def _train(chosen: argparse.Namespace) -> None:
    images, run = read_folder(chosen.folder, chosen.seed), run_of(Path(NAME).stem, chosen)
    # With other pictures an interrupted run is another one.
    config = configured(Config, chosen, most=Config.most, pictures=images.version)
    judged = cross_validate(images, config, run)
    trained = train(images, np.ones(len(images.label), bool), config, run)
    experiment = Experiment(
        configuration=config,
        data={"folder": chosen.folder.name, "pictures": judged["pictures"]},
        folds={"groups": [images.groups]},
        figures={"cross-validated": judged},
        fits={run.name: trained},
        parameters=count_parameters(trained.network),
        device=chosen.device,
        use={"classes": images.classes},
    )
    write_experiment(chosen.out, run.name, trained.network.state_dict(), experiment)
    remove_checkpoints(run)
    print(json.dumps(judged, indent=1))


if __name__ == "__main__":
    main()

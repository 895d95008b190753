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
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch.nn import functional
from tqdm import tqdm

from classify.beats.images import (
    NAME,
    SIDE,
    SUFFIXES,
    BeatImageNetwork,
    load_beat_images,
    predict_beat_images,
    read_beat_image,
)
from digitize.export import written_together
from digitize.records.weights import hash_of
from papertrace.datasets.mitbih import Recording, data_folder, load_mitbih
from papertrace.metrics.scores import f1
from papertrace.training.fitting import commit_of_code, short_numbers

FOLDS = 5
"""Parts that pictures are divided into, to be judged by networks that have not seen them."""

BEFORE_S, AFTER_S = 0.3, 0.45
"""What is drawn of a beat."""

_SPAN_MV = 3.0
"""Height of a picture, at least."""

_MOVED = 5.0
"""Pixels by which a picture is moved at most."""


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on, its data aside.

    Attributes
    ----------
    width, blocks : int
        Of the trunk.
    epochs, batch, seed : int
    rate, decay : float
        Highest rate of the one-cycle schedule, and weight decay.
    most : int
        Pictures of a class in an epoch: of a commoner one others each time.
    """

    width: int = 16
    blocks: int = 1
    epochs: int = 12
    batch: int = 32
    seed: int = 1
    rate: float = 3e-3
    decay: float = 0.05
    most: int = 2000


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


def train(
    images: BeatImages, learned: NDArray[np.bool_], config: Config
) -> tuple[BeatImageNetwork, list[dict[str, float]]]:
    """Fit a network; a class that is rare is seen as often as is a common one, but for the most frequent.

    Parameters
    ----------
    images : BeatImages
    learned : ndarray, shape (n,), bool
        Those to learn from.
    config : Config

    Returns
    -------
    network : BeatImageNetwork
        Of the last epoch.
    history : list of dict
        Loss of every epoch.
    """
    torch.manual_seed(config.seed)
    network = BeatImageNetwork(len(images.classes), config.width, config.blocks)
    own = [np.flatnonzero(learned & (images.label == k)) for k in range(len(images.classes))]
    sizes = [min(config.most, len(places)) for places in own]
    weight = torch.tensor([sum(sizes) / max(size, 1) for size in sizes]).sqrt().float()
    weight /= weight.mean()
    steps = -(-sum(sizes) // config.batch)
    optimizer = torch.optim.AdamW(network.parameters(), config.rate, weight_decay=config.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.rate, config.epochs * steps + 1)
    history = []
    for epoch in range(config.epochs):
        rng = np.random.default_rng((config.seed, epoch))
        network.train()
        places = rng.permutation(np.concatenate([rng.permutation(of)[: config.most] for of in own]))
        losses = []
        for step in tqdm(range(steps), desc=f"epoch {epoch + 1}", leave=False, disable=None):
            chosen = places[step * config.batch : (step + 1) * config.batch]
            ink = np.stack([moved(images.ink[place], rng) for place in chosen])
            with short_numbers("cpu"):
                logits = network(torch.from_numpy(ink)[:, None])
            loss = functional.cross_entropy(logits.float(), torch.from_numpy(images.label[chosen]), weight)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
        history.append({"epoch": epoch + 1, "loss": float(np.mean(losses))})
    return network, history


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


def cross_validate(images: BeatImages, config: Config) -> dict[str, Any]:
    """Score every picture by a network that was trained on the other folds: accuracy, and F1 of every class."""
    told = np.empty(len(images.label), np.int64)
    for fold in np.unique(images.fold):
        out = images.fold == fold
        network, _ = train(images, ~out, config)
        told[out] = predict_beat_images(network, images.ink[out]).argmax(1)
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
    parser = argparse.ArgumentParser(
        prog="python -m papertrace.training.beat_images", description=__doc__.splitlines()[0]
    )
    parser.add_argument("what", choices=("draw", "train", "read"))
    parser.add_argument("folder", type=Path, help="one folder a class; to read, any with pictures")
    parser.add_argument("--data", type=Path, default=data_folder(), help="MIT-BIH's folder (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("runs/beat-images"), help="of the network (%(default)s)")
    parser.add_argument("--most", type=int, default=200, help="beats of a class from a record (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=Config.epochs, help="(default: %(default)s)")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.what == "draw":
            print(json.dumps(draw_folder(load_mitbih(chosen.data), chosen.folder, chosen.most)))
        elif chosen.what == "read":
            _read(chosen.folder, chosen.out)
        else:
            _train(chosen.folder, chosen.out, Config(epochs=chosen.epochs))
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


def _train(folder: Path, out: Path, config: Config) -> None:
    images = read_folder(folder, config.seed)
    judged = cross_validate(images, config)
    network, history = train(images, np.ones(len(images.label), bool), config)
    content = save(network.state_dict())
    record = {
        **hash_of(content),
        "classes": images.classes,
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "cross-validated": judged,
        "configuration": asdict(config),
        "history": history,
        "commit": commit_of_code(),
        "software": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
    }
    with written_together(out) as scratch:
        (scratch / NAME).write_bytes(content)
        (scratch / NAME).with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(judged, indent=1))


if __name__ == "__main__":
    main()

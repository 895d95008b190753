"""Classify pictures of single beats: ``python -m training.beat_images draw|train FOLDER``.

The folder has one folder a class, each with pictures of beats, as the Kaggle set "ECG arrhythmia image" has them. The
same trunk as for pages is trained on them, and told how well it does on pictures that it has not seen: where names
begin with a record's (``201_00042.png``), those of whole records. ``draw`` makes such a folder from MIT-BIH's DS1,
classes N S V F Q of ANSI/AAMI EC57.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from classify.picture_network import Trunk
from digitize.export import written_together
from digitize.weights import hash_of
from training.fitting import commit_of_code, short_numbers
from training.mitbih import Recording, data_folder, load_mitbih
from training.scores import f1

SIDE = 96
"""Pixels of a picture's side."""

BEFORE_S, AFTER_S = 0.3, 0.45
"""What is drawn of a beat."""

_SPAN_MV = 3.0
"""Height of a picture, at least."""
_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
_TENTHS = 10


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
    held : ndarray, shape (n,), bool
        Whether they are kept for judging.
    classes : tuple of str
        Names of the folders, in order.
    """

    ink: NDArray[np.uint8]
    label: NDArray[np.int64]
    held: NDArray[np.bool_]
    classes: tuple[str, ...]


class BeatImageNetwork(nn.Module):
    """Logits of classes from pictures (B, 1, SIDE, SIDE) of uint8.

    Parameters
    ----------
    classes, width, blocks : int

    Examples
    --------
    >>> BeatImageNetwork(5, 16, 1).eval()(torch.zeros(2, 1, SIDE, SIDE, dtype=torch.uint8)).shape
    torch.Size([2, 5])
    """

    def __init__(self, classes: int, width: int, blocks: int) -> None:
        super().__init__()
        self.trunk = Trunk(width, blocks)
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(8 * width * 9, classes))

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits (B, classes)."""
        last = self.trunk(pictures.float() / 255 - 0.1)[2]
        logits: Tensor = self.head(functional.adaptive_avg_pool2d(last, 3).flatten(1))
        return logits


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
    centred = signal - np.median(signal)
    span = max(_SPAN_MV, 2.1 * float(np.abs(centred).max()))
    x = np.linspace(0, SIDE - 1, len(signal))
    y = (SIDE - 1) / 2 - centred / span * SIDE
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
        Says which are held back: a tenth of the records, or of the pictures where their names do not tell records.

    Returns
    -------
    BeatImages

    Raises
    ------
    ValueError
        If there are not two classes with pictures, or a picture cannot be read.
    """
    files = [file for file in sorted(folder.glob("*/*")) if file.suffix.lower() in _SUFFIXES]
    classes = tuple(sorted({file.parent.name for file in files}))
    if len(classes) < 2:
        raise ValueError(f"{folder}: pictures of {len(classes)} classes; allowed: at least two folders with pictures")
    ink = np.empty((len(files), SIDE, SIDE), np.uint8)
    for place, file in enumerate(files):
        picture = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE)
        if picture is None:
            raise ValueError(f"{file}: cannot be read; allowed: {', '.join(_SUFFIXES)}")
        small = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        # Strokes are what there is less of, on white and on black.
        ink[place] = 255 - small if np.median(small) > 127 else small
    stems = [file.stem.split("_")[0] if "_" in file.stem else "" for file in files]
    groups = stems if len(set(stems)) > 1 and all(stems) else [file.stem for file in files]
    names, group = np.unique(groups, return_inverse=True)
    held = np.random.default_rng(seed).permutation(len(names)) < max(1, len(names) // _TENTHS)
    label = np.array([classes.index(file.parent.name) for file in files], np.int64)
    return BeatImages(ink, label, held[group], classes)


def train(images: BeatImages, config: Config) -> tuple[BeatImageNetwork, list[dict[str, float]]]:
    """Fit a network; a class that is rare is seen as often as is a common one, but for the most frequent.

    Parameters
    ----------
    images : BeatImages
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
    own = [np.flatnonzero(~images.held & (images.label == k)) for k in range(len(images.classes))]
    sizes = [min(config.most, len(places)) for places in own]
    weight = torch.tensor([sum(sizes) / max(size, 1) for size in sizes]).sqrt().float()
    weight /= weight.mean()
    steps = -(-sum(sizes) // config.batch)
    optimiser = torch.optim.AdamW(network.parameters(), config.rate, weight_decay=config.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.rate, config.epochs * steps + 1)
    history = []
    for epoch in range(config.epochs):
        rng = np.random.default_rng((config.seed, epoch))
        network.train()
        places = rng.permutation(np.concatenate([rng.permutation(of)[: config.most] for of in own]))
        losses = []
        for step in tqdm(range(steps), desc=f"epoch {epoch + 1}", leave=False, disable=None):
            chosen = places[step * config.batch : (step + 1) * config.batch]
            with short_numbers("cpu"):
                logits = network(torch.from_numpy(images.ink[chosen])[:, None])
            loss = functional.cross_entropy(logits.float(), torch.from_numpy(images.label[chosen]), weight)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
        history.append({"epoch": epoch + 1, "loss": float(np.mean(losses))})
    return network, history


def classify_beats(network: BeatImageNetwork, ink: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Name the likeliest class of pictures.

    Parameters
    ----------
    network : BeatImageNetwork
        It is set to evaluation, and left so.
    ink : ndarray, shape (n, SIDE, SIDE), uint8

    Returns
    -------
    ndarray, shape (n,), int64
    """
    network.eval()
    with torch.inference_mode():
        parts = [network(part[:, None]).argmax(1).numpy() for part in torch.from_numpy(ink).split(256)]
    return np.concatenate(parts)


def judge(images: BeatImages, network: BeatImageNetwork) -> dict[str, Any]:
    """Score pictures that were held back: accuracy, and F1 of every class that is among them."""
    told, label = classify_beats(network, images.ink[images.held]), images.label[images.held]
    kinds = np.arange(len(images.classes))
    each = f1((label[:, None] == kinds).astype(float), told[:, None] == kinds)
    return {
        "pictures": len(label),
        "accuracy": float((told == label).mean()),
        "F1": {name: None if np.isnan(value) else float(value)
               for name, value in zip(images.classes, each, strict=True)},
    }  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the command line.
    """
    parser = argparse.ArgumentParser(prog="python -m training.beat_images", description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("draw", "train"))
    parser.add_argument("folder", type=Path, help="one folder a class")
    parser.add_argument("--data", type=Path, default=data_folder(), help="MIT-BIH's folder (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("runs/beat-images"), help="(default: %(default)s)")
    parser.add_argument("--most", type=int, default=200, help="beats of a class from a record (default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=Config.epochs, help="(default: %(default)s)")
    chosen = parser.parse_args(arguments)
    if chosen.what == "draw":
        try:
            print(json.dumps(draw_folder(load_mitbih(chosen.data), chosen.folder, chosen.most)))
        except FileNotFoundError as error:
            parser.error(str(error))
        return
    config = Config(epochs=chosen.epochs)
    try:
        images = read_folder(chosen.folder, config.seed)
    except ValueError as error:
        parser.error(str(error))
    network, history = train(images, config)
    content = save(network.state_dict())
    record = {
        **hash_of(content),
        "classes": images.classes,
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "held back": judge(images, network),
        "configuration": asdict(config),
        "history": history,
        "commit": commit_of_code(),
        "software": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
    }
    with written_together(chosen.out) as scratch:
        (scratch / "beat_images.safetensors").write_bytes(content)
        (scratch / "beat_images.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(record["held back"], indent=1))


if __name__ == "__main__":
    main()

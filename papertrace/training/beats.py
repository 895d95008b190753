"""Train the network that names beats: ``python -m papertrace.training.beats [--data DIR] [--noise DIR] [--out DIR]``.

MIT-BIH's DS1 and what is known of PTB-XL's folds 1 to 7 train it (`papertrace.training.beat_strips`); DS2 is never
read. Networks of a patient-wise cross-validation come first: each names the beats of the records that it has not seen,
and those names are the published figures. No epoch is chosen by them: all folds, and the last network, which sees all
of DS1, run for the same number of epochs. Each strip is ten seconds or less, cut anywhere from any lead, and disturbed
as bodies, paper and scanners do; its beats are found by the detector that will find them in use. An interrupted run is
taken up again by the same command. ``beats.safetensors`` and ``beats.json`` belong in ``classify/weights``; the folds'
networks, which only `papertrace.benchmarks.beats` needs, stay in ``folds``. A few networks that differ in their seeds,
and in the strips that were drawn for them, name beats as one.
"""

from __future__ import annotations

import argparse
import json
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
from torch import nn
from tqdm import tqdm

from classify.beats.beats import WEIGHTS, load_network
from classify.beats.network import BeatNetwork, name_beats, stack_strips
from classify.beats.view import view_strip
from classify.measure.peaks import find_r_peaks
from classify.records.beats import CLASSES
from classify.signal.network import Ensemble
from digitize.export import written_together
from digitize.records.weights import hash_of, read_weights
from papertrace.datasets import ptbxl
from papertrace.datasets.mitbih import DS1, Recording, data_folder, load_mitbih
from papertrace.metrics.beats import confusion, figures, found_or_not, match, outside
from papertrace.training.beat_strips import STRIP_S, Strip, draw_annotated, draw_stated, load_noise, store
from papertrace.training.fitting import Fit, commit_of_code, load_checkpoint, save_checkpoint

TRAIN_FOLDS = (1, 2, 3, 4, 5, 6, 7)


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on, its data aside.

    Attributes
    ----------
    members : int
        Networks that ship as one.
    folds, epochs, seed : int
    batch : int
        Strips in a batch.
    strips, stated : int
        Strips to draw from each record of MIT-BIH, and records without ectopic beats of PTB-XL.
    early : float
        Share of these, as far as they are regular, in which beats are made to come early.
    ectopic : float
        Share of them that are cut about a beat that is not N.
    rate, decay, dropout : float
        Highest rate of the one-cycle schedule, weight decay, dropout.
    average : float
        Decay of the running average of the weights, a step; the average is what is kept.
    balance : float
        Classes weigh as their frequency to the power of minus this.
    flip : float
        Share of the strips that are turned upside down.
    """

    members: int = 3
    folds: int = 6
    epochs: int = 6
    batch: int = 32
    seed: int = 5
    strips: int = 150
    stated: int = 1800
    early: float = 0.5
    ectopic: float = 0.3
    rate: float = 3e-3
    decay: float = 0.05
    dropout: float = 0.3
    average: float = 0.998
    balance: float = 0.25
    flip: float = 0.1


def plan_folds(recordings: Sequence[Recording], count: int) -> NDArray[np.int64]:
    """Share the records out among folds, so that each has its part of the rare beats.

    Parameters
    ----------
    recordings : sequence of Recording
        One a patient.
    count : int

    Returns
    -------
    ndarray, shape (recordings,), int64
        Fold of each. The records with most beats of class S, then V, are dealt out first, each to the fold that has
        least of them among those with fewest records.
    """
    rare = np.array([[(one.classes == name).sum() for name in "SV"] for one in recordings])
    share = (rare / np.maximum(rare.sum(axis=0), 1)).sum(axis=1)
    load, size = np.zeros(count), np.zeros(count, int)
    fold = np.zeros(len(recordings), np.int64)
    for record in np.argsort(-share, kind="stable"):
        fold[record] = min(range(count), key=lambda k: (size[k], load[k]))
        load[fold[record]] += share[record]
        size[fold[record]] += 1
    return fold


def fit(
    strips: Sequence[Strip],
    config: Config,
    seed: int,
    checkpoint: Path,
    on_epoch: Callable[[int, float], None],
    device: str = "cpu",
) -> BeatNetwork:
    """Fit one network, taking up `checkpoint` where it exists.

    Every epoch draws from its own seed, so an interrupted run ends with the same weights as an uninterrupted one on
    the same machine.

    Parameters
    ----------
    strips : sequence of Strip
    config : Config
    seed : int
        Of this network.
    checkpoint : Path
        Written after every epoch.
    on_epoch : callable
        Called with the epoch and its mean loss.
    device : str
        ``"cpu"`` or ``"cuda"``.

    Returns
    -------
    BeatNetwork
        With the averaged weights, set to evaluation, on the CPU.

    Raises
    ------
    ValueError
        If `checkpoint` is of another configuration.
    """
    # How many others there are changes nothing of one member.
    identity = {name: value for name, value in asdict(config).items() if name != "members"} | {"seed": seed}
    torch.manual_seed(seed)
    network = BeatNetwork(dropout=config.dropout).to(device)
    averaged = BeatNetwork(dropout=config.dropout).to(device)
    averaged.load_state_dict(network.state_dict())
    optimizer = torch.optim.AdamW(network.parameters(), config.rate, weight_decay=config.decay)
    steps = -(-len(strips) // config.batch)
    total = config.epochs * steps + 1
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, config.rate, total, pct_start=max(0.15, 2 / total))
    running = Fit(network, averaged, optimizer, schedule, config.average)
    done = 0
    saved = load_checkpoint(checkpoint, identity, device)
    if saved is not None:
        running.take_up(saved)
        done = saved["epochs"]
    weights = class_weights(strips, config.balance).to(device)
    for epoch in range(done, config.epochs):
        rng = np.random.default_rng((seed, epoch))
        torch.manual_seed(seed * 1000 + epoch)
        network.train()
        order = rng.permutation(len(strips))
        losses = []
        for step in tqdm(range(steps), desc=f"epoch {epoch + 1}", leave=False, disable=None):
            batch = [strips[place] for place in order[step * config.batch : (step + 1) * config.batch]]
            windows, features, counts = stack_strips([strip.view for strip in batch])
            allowed = torch.from_numpy(np.concatenate([strip.allowed for strip in batch])).to(device)
            shows = torch.from_numpy(np.stack([strip.shows for strip in batch])).to(device)
            logits = network(windows.to(device), features.to(device), counts)
            loss = loss_of(logits, allowed, shows, counts, weights)
            running.step(loss, epoch * steps + step)
            losses.append(float(loss.detach()))
        save_checkpoint(checkpoint, identity, {"epochs": epoch + 1, **running.states()})
        on_epoch(epoch + 1, float(np.mean(losses)))
    return averaged.cpu().eval()


def class_weights(strips: Sequence[Strip], balance: float) -> torch.Tensor:
    """Weights of the classes in the loss, shape (classes,): frequency to the power of minus `balance`."""
    every = np.concatenate([strip.allowed for strip in strips])
    counts = every[every.sum(axis=1) == 1].sum(axis=0)
    share = np.maximum(counts, 100) / counts.sum()
    return torch.from_numpy((share**-balance).astype(np.float32))


def loss_of(
    logits: torch.Tensor, allowed: torch.Tensor, shows: torch.Tensor, counts: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """Loss of what is said against what is known.

    Parameters
    ----------
    logits : tensor, shape (beats, classes)
        Of all strips, one after the other.
    allowed : tensor, shape (beats, classes), bool
        The probability of the allowed classes together is what should be 1 (Cour, Sapp and Taskar 2011).
    shows : tensor, shape (strips, classes), bool
        That one of the strip's beats is of such a class is what should be certain: a noisy or (Viola, Platt and Zhang
        2005).
    counts : tensor, shape (strips,), int64
        Beats of each strip.
    weights : tensor, shape (classes,)
        Those of beats whose class is known; others weigh as the class of least weight.

    Returns
    -------
    tensor, shape ()
    """
    log = torch.log_softmax(logits, dim=1)
    known = torch.logsumexp(log.masked_fill(~allowed, -torch.inf), dim=1)
    single = allowed.sum(dim=1) == 1
    weight = torch.where(single, (allowed * weights).sum(dim=1), weights.min())
    # Where every class is allowed nothing is known.
    weight = weight * ~allowed.all(dim=1)
    loss = -(weight * known).sum() / weight.sum().clamp_min(1e-6)
    if shows.any():
        none = torch.stack([torch.log1p(-own.exp().clamp(max=1 - 1e-6)).sum(0) for own in log.split(counts.tolist())])
        loss = loss - torch.log1p(-none[shows].exp().clamp(max=1 - 1e-6)).sum() / len(counts)
    return loss


def fit_members(
    drawn: Sequence[Sequence[Strip]],
    config: Config,
    name: str,
    out: Path,
    device: str = "cpu",
) -> Ensemble:
    """Fit the networks that name beats as one, each on strips of its own.

    Parameters
    ----------
    drawn : sequence of sequence of Strip
        One a member.
    config : Config
    name : str
        Of the checkpoints, and on the terminal.
    out : Path
        Folder for the checkpoints.
    device : str

    Returns
    -------
    Ensemble
        Set to evaluation.
    """
    members = []
    for seed, strips in enumerate(drawn, config.seed):
        show = _show(f"{name}, member {seed - config.seed + 1} of {len(drawn)}")
        members.append(fit(strips, config, seed, out / f"{name}-{seed}.checkpoint", show, device))
    return Ensemble(members).eval()


def count_beats(recording: Recording, lead: int, network: nn.Module, annotated: bool = False) -> NDArray[np.int64]:
    """Name the beats of a record as in use, strip by strip of ten seconds, and count what was called what.

    Parameters
    ----------
    recording : Recording
    lead : int
    network : Module
        `BeatNetwork` or several as one, set to evaluation.
    annotated : bool
        Whether the beats are taken from the annotations instead of being looked for.

    Returns
    -------
    ndarray, shape (classes + 1, classes + 1), int64
        See `papertrace.metrics.beats.confusion`; ventricular flutter is left out.
    """
    fs, signal = recording.fs, recording.signal[lead]
    length = round(STRIP_S * fs)
    views, found = [], []
    for start in range(0, len(signal), length):
        strip = signal[start : start + length]
        if annotated:
            inside = (recording.samples >= start) & (recording.samples < start + len(strip))
            peaks = np.unique(recording.samples[inside]) - start
        else:
            peaks = find_r_peaks(strip, fs)
        if len(peaks):
            views.append(view_strip(strip, fs, peaks))
            found.append(peaks + start)
    called = name_beats(network, views).argmax(axis=1)
    places = np.concatenate(found) if found else np.empty(0, np.int64)
    scored = outside(places, recording.flutter, round(0.15 * fs))
    kept = outside(recording.samples, recording.flutter, round(0.15 * fs))
    classes = np.array([CLASSES.index(name) for name in recording.classes], np.int64)[kept]
    return confusion(classes, called[scored], match(recording.samples[kept], places[scored], fs))


def cross_validate(
    recordings: Sequence[Recording],
    drawn: Sequence[Sequence[Strip]],
    config: Config,
    out: Path,
    device: str = "cpu",
) -> dict[str, Ensemble]:
    """Fit networks a fold, each without the fold's records, passing over those that an earlier run has left.

    Parameters
    ----------
    recordings : sequence of Recording
    drawn : sequence of sequence of Strip
        One a member.
    config : Config
    out : Path
        Folder for ``fold-0.safetensors``, ``fold-0.json``, ...
    device : str

    Returns
    -------
    dict
        By record, the networks that have not seen it.
    """
    out.mkdir(parents=True, exist_ok=True)
    fold = plan_folds(recordings, config.folds)
    networks = {}
    for number in range(config.folds):
        held_out = [one.name for one, own in zip(recordings, fold, strict=True) if own == number]
        path = out / f"fold-{number}.safetensors"
        said = {"classes": list(CLASSES), "held out": held_out, "configuration": asdict(config)}
        if not (path.is_file() and said.items() <= read_weights(path)[1].items()):
            seen = [[strip for strip in strips if strip.record < 0 or fold[strip.record] != number] for strips in drawn]
            _write(path, fit_members(seen, config, path.stem, out, device), said)
            _clear(out, path.stem)
        networks.update(dict.fromkeys(held_out, load_network(path)[0]))
    return networks


def main_lead(recording: Recording) -> int:
    """Place of the lead that is scored: the limb lead, as in the literature; 114 has it second."""
    return recording.leads.index("MLII") if "MLII" in recording.leads else 0


def write_weights(
    out: Path,
    network: Ensemble,
    config: Config,
    recordings: Sequence[Recording],
    drawn: Sequence[Sequence[Strip]],
    networks: Mapping[str, Ensemble],
    seconds: float,
) -> dict[str, Any]:
    """Write ``beats.safetensors`` and its record ``beats.json``, with the out-of-fold figures of the cross-validation.

    Parameters
    ----------
    out : Path
        Folder to write into.
    network : Ensemble
        The one that saw every record.
    config : Config
    recordings : sequence of Recording
    drawn : sequence of sequence of Strip
        One a member.
    networks : mapping
        See `cross_validate`.
    seconds : float
        What the run took.

    Returns
    -------
    dict
        What the ``.json`` holds.
    """
    counts = {one.name: count_beats(one, main_lead(one), networks[one.name]) for one in recordings}
    total = np.sum(list(counts.values()), axis=0)
    fold = plan_folds(recordings, config.folds)
    beats = {name: int(sum((one.classes == name).sum() for one in recordings)) for name in CLASSES}
    record = {
        "classes": list(CLASSES),
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "data": {
            "source": "MIT-BIH Arrhythmia Database, DS1 of de Chazal et al. (2004), ODC-By 1.0 (Moody and Mark 2001); "
            "PTB-XL, folds 1 to 7, by statements only, CC BY 4.0 (Wagner et al. 2020); MIT-BIH Noise Stress Test, "
            "ODC-By 1.0 (Moody, Muldrow and Mark 1984)",
            "records": [one.name for one in recordings],
            "beats": beats,
            "strips": {
                "MIT-BIH": sum(strip.record >= 0 for strips in drawn for strip in strips),
                "PTB-XL": sum(strip.record < 0 for strips in drawn for strip in strips),
            },
            "rare": "hardly any beat of class Q is there, and nearly all of class F are record 208's",
        },
        "folds": [
            [one.name for one, own in zip(recordings, fold, strict=True) if own == number]
            for number in range(config.folds)
        ],
        "figures": {
            "measure": "out of fold, found beats on strips of 10 s of the limb lead; sensitivity, positive predictive "
            "value and F1; rows annotated, columns called, last row no beat, last column missed",
            "beats": dict(zip(("sensitivity", "ppv", "f1"), _finite(found_or_not(total)), strict=True)),
            "classes": {
                name: dict(zip(("sensitivity", "ppv", "f1"), _finite(row), strict=True))
                for name, row in zip(CLASSES, figures(total), strict=True)
            },
            "confusion": total.tolist(),
        },
        "configuration": asdict(config),
        "commit": commit_of_code(),
        "seconds": round(seconds),
        "software": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
    }
    return _write(out / WEIGHTS.name, network, record)


def _finite(values: NDArray[np.float64]) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


def _write(path: Path, network: Ensemble, record: Mapping[str, Any]) -> dict[str, Any]:
    """Write weights and their record, both or none."""
    weights = save(network.state_dict())
    whole = {**hash_of(weights), "members": len(network.members), **record}
    with written_together(path.parent) as scratch:
        (scratch / path.name).write_bytes(weights)
        text = json.dumps(whole, indent=1) + "\n"
        (scratch / path.with_suffix(".json").name).write_text(text, encoding="utf-8")
    return whole


def _clear(folder: Path, name: str) -> None:
    """Remove the checkpoints of a fit whose weights are written."""
    for checkpoint in folder.glob(f"{name}-*.checkpoint"):
        checkpoint.unlink()


def _show(what: str) -> Callable[[int, float], None]:
    started = time.monotonic()

    def show(epoch: int, loss: float) -> None:
        tqdm.write(f"{what}, epoch {epoch}: loss {loss:.4f}; {(time.monotonic() - started) / 60:.1f} min")

    return show


def main(arguments: list[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the command line.
    """
    parser = argparse.ArgumentParser(
        prog="python -m papertrace.training.beats", description="Train the network that names beats."
    )
    parser.add_argument("--data", type=Path, default=data_folder(), help="MIT-BIH's folder (default: %(default)s)")
    parser.add_argument("--ptbxl", type=Path, default=ptbxl.data_folder(), help="PTB-XL's (default: %(default)s)")
    noise = data_folder().with_name("noise")
    parser.add_argument("--noise", type=Path, default=noise, help="the noise's (default: %(default)s)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs/beats"),
        help="folder for weights, record, folds and checkpoints; what classify reads is in classify/weights "
        "(default: %(default)s)",
    )
    parser.add_argument("--members", type=int, default=Config.members, help="(default: %(default)s)")
    parser.add_argument("--folds", type=int, default=Config.folds, help="(default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=Config.epochs, help="(default: %(default)s)")
    chosen = parser.parse_args(arguments)
    config = Config(members=chosen.members, folds=chosen.folds, epochs=chosen.epochs)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    began = time.monotonic()
    recordings = load_mitbih(chosen.data, DS1)
    if len(recordings) < config.folds:
        parser.error(f"{chosen.data}: {len(recordings)} records of DS1; {config.folds} folds need as many")
    sounds = load_noise(chosen.noise)
    stored, stated = [store(one) for one in recordings], ptbxl.load_ptbxl(chosen.ptbxl, TRAIN_FOLDS)
    drawn = []
    for seed in range(config.seed, config.seed + config.members):
        own = draw_annotated(stored, sounds, config.strips, config.ectopic, config.flip, seed)
        drawn.append(own + draw_stated(stated, sounds, config.stated, config.early, config.flip, seed))
    print(f"{len(drawn)} times {len(drawn[0])} strips of {len(recordings)} records and of PTB-XL; on {device}")
    networks = cross_validate(recordings, drawn, config, chosen.out / "folds", device)
    network = fit_members(drawn, config, WEIGHTS.stem, chosen.out, device)
    took = time.monotonic() - began
    record = write_weights(chosen.out, network, config, recordings, drawn, networks, took)
    _clear(chosen.out, WEIGHTS.stem)
    print(json.dumps(record["figures"], indent=1))


if __name__ == "__main__":
    main()

"""Train the network that names beats.

``python -m papertrace.training.beats [--data DIR] [--noise DIR] [--out DIR]``.

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

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from classify.beats.beats import WEIGHTS, load_network
from classify.beats.inputs import inputs_from_strip
from classify.beats.network import BeatNetwork, batch_strips, name_beats
from classify.measure.peaks import find_r_peaks
from classify.records.beats import CLASSES
from classify.signal.network import Ensemble
from digitize.records.weights import read_weights
from papertrace.datasets import ptbxl
from papertrace.datasets.mitbih import DS1, Recording, data_folder, load_mitbih
from papertrace.datasets.recordings import load_records
from papertrace.metrics.beats import confusion, figures, found_or_not, match, outside
from papertrace.training.beat_strips import STRIP_S, Strip, draw_annotated, draw_stated, load_noise, store
from papertrace.training.experiment import (
    Experiment,
    configured,
    count_parameters,
    options,
    remove_checkpoints,
    run_of,
    write_experiment,
)
from papertrace.training.loop import Configuration, Forward, Run, Trained, fit, shuffled
from papertrace.training.pages import TRAIN_FOLDS


@dataclass(frozen=True)
class Config(Configuration):
    """Everything that a run depends on, its data aside; strips are its examples.

    Attributes
    ----------
    members : int
        Networks that ship as one, of seeds that follow each other.
    folds : int
        Of the cross-validation.
    strips, stated : int
        Strips to draw from each record of MIT-BIH, and records without ectopic beats of PTB-XL.
    early : float
        Share of these, as far as they are regular, in which beats are made to come early.
    ectopic : float
        Share of them that are cut about a beat that is not N.
    dropout : float
    balance : float
        Classes weigh as their frequency to the power of minus this.
    flip : float
        Share of the strips that are turned upside down.
    """

    epochs: int = 6
    batch: int = 32
    seed: int = 5
    rate: float = 3e-3
    decay: float = 0.05
    bfloat16: bool = False
    members: int = 3
    folds: int = 6
    strips: int = 150
    stated: int = 1800
    early: float = 0.5
    ectopic: float = 0.3
    dropout: float = 0.3
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


Known = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
"""Windows, features and counts of strips (`classify.beats.network.batch_strips`), and what they allow and show."""


def train(strips: Sequence[Strip], config: Config, run: Run) -> Trained[BeatNetwork]:
    """Fit one network.

    Parameters
    ----------
    strips : sequence of Strip
    config : Config
        Of one member.
    run : Run

    Returns
    -------
    Trained

    Raises
    ------
    ValueError
        If there is a checkpoint of another configuration.
    """
    weights = class_weights(strips, config.balance).to(run.device)

    def draw(chosen: NDArray[np.intp], rng: np.random.Generator) -> Known:
        batch = [strips[place] for place in chosen]
        windows, features, counts = batch_strips([strip.view for strip in batch])
        allowed = torch.from_numpy(np.concatenate([strip.allowed for strip in batch]))
        return windows, features, counts, allowed, torch.from_numpy(np.stack([strip.shows for strip in batch]))

    def loss(network: Forward, batch: Known) -> torch.Tensor:
        windows, features, counts, allowed, shows = batch
        return loss_of(network(windows, features, counts), allowed, shows, counts, weights)

    batches = shuffled(len(strips), config.batch, draw)
    return fit(lambda: BeatNetwork(dropout=config.dropout), config, batches, loss, run=run)


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


def train_members(drawn: Sequence[Sequence[Strip]], config: Config, run: Run) -> dict[str, Trained[BeatNetwork]]:
    """Fit the networks that name beats as one, each on strips of its own.

    Parameters
    ----------
    drawn : sequence of sequence of Strip
        One a member.
    config : Config
    run : Run

    Returns
    -------
    dict of str to Trained
        By name: that of the run, and the seed.
    """
    fits = {}
    for seed, strips in enumerate(drawn, config.seed):
        name = f"{run.name}-{seed}"
        # How many others there are changes nothing of one member.
        fits[name] = train(strips, replace(config, members=1, seed=seed), replace(run, name=name))
    return fits


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
            views.append(inputs_from_strip(strip, fs, peaks))
            found.append(peaks + start)
    called = name_beats(network, views).argmax(axis=1)
    places = np.concatenate(found) if found else np.empty(0, np.int64)
    scored = outside(places, recording.flutter, round(0.15 * fs))
    kept = outside(recording.samples, recording.flutter, round(0.15 * fs))
    classes = np.array([CLASSES.index(name) for name in recording.classes], np.int64)[kept]
    return confusion(classes, called[scored], match(recording.samples[kept], places[scored], fs))


def cross_validate(
    recordings: Sequence[Recording], drawn: Sequence[Sequence[Strip]], config: Config, run: Run
) -> dict[str, Ensemble]:
    """Fit networks a fold, each without the fold's records, passing over those that an earlier run has left.

    Parameters
    ----------
    recordings : sequence of Recording
    drawn : sequence of sequence of Strip
        One a member.
    config : Config
    run : Run
        Its folder, which it must have, gets ``fold-0.safetensors``, ``fold-0.json``, ...

    Returns
    -------
    dict
        By record, the networks that have not seen it.
    """
    assert run.folder is not None
    fold = plan_folds(recordings, config.folds)
    networks = {}
    for number in range(config.folds):
        held_out = [one.name for one, own in zip(recordings, fold, strict=True) if own == number]
        path = run.folder / f"fold-{number}.safetensors"
        known = {"classes": list(CLASSES), "held out": held_out, "configuration": asdict(config)}
        if not (run.resume and path.is_file() and known.items() <= read_weights(path)[1].items()):
            seen = [[strip for strip in strips if strip.record < 0 or fold[strip.record] != number] for strips in drawn]
            fits = train_members(seen, config, replace(run, name=path.stem))
            experiment = _experiment(fits, config, recordings, seen, run.device, {"held out": held_out})
            write_experiment(run.folder, path.stem, _ensemble(fits).state_dict(), experiment)
            remove_checkpoints(replace(run, name=path.stem))
        networks.update(dict.fromkeys(held_out, load_network(path)[0]))
    return networks


def main_lead(recording: Recording) -> int:
    """Place of the lead that is scored: the limb lead, as in the literature; 114 has it second."""
    return recording.leads.index("MLII") if "MLII" in recording.leads else 0


def write_weights(
    out: Path,
    fits: Mapping[str, Trained[BeatNetwork]],
    config: Config,
    recordings: Sequence[Recording],
    drawn: Sequence[Sequence[Strip]],
    networks: Mapping[str, Ensemble],
    device: str,
) -> dict[str, Any]:
    """Write ``beats.safetensors`` and its record ``beats.json``, with the out-of-fold figures of the cross-validation.

    Parameters
    ----------
    out : Path
        Folder to write into.
    fits : mapping of str to Trained
        The members, which saw every record.
    config : Config
    recordings : sequence of Recording
    drawn : sequence of sequence of Strip
        One a member.
    networks : mapping
        See `cross_validate`.
    device : str
        What it was trained on: ``"cpu"`` or ``"cuda"``.

    Returns
    -------
    dict
        What the ``.json`` holds.
    """
    counts = {one.name: count_beats(one, main_lead(one), networks[one.name]) for one in recordings}
    total = np.sum(list(counts.values()), axis=0)
    fold = plan_folds(recordings, config.folds)
    parted = [
        [one.name for one, own in zip(recordings, fold, strict=True) if own == number] for number in range(config.folds)
    ]
    experiment = replace(
        _experiment(fits, config, recordings, drawn, device),
        folds={"cross-validation": parted, "PTB-XL": TRAIN_FOLDS},
        figures={
            "measure": "out of fold, found beats on strips of 10 s of the limb lead; sensitivity, positive predictive "
            "value and F1; rows annotated, columns called, last row no beat, last column missed",
            "beats": dict(zip(("sensitivity", "ppv", "f1"), _finite(found_or_not(total)), strict=True)),
            "classes": {
                name: dict(zip(("sensitivity", "ppv", "f1"), _finite(row), strict=True))
                for name, row in zip(CLASSES, figures(total), strict=True)
            },
            "confusion": total.tolist(),
        },
    )
    return write_experiment(out, WEIGHTS.stem, _ensemble(fits).state_dict(), experiment)


def _ensemble(fits: Mapping[str, Trained[BeatNetwork]]) -> Ensemble:
    return Ensemble([trained.network for trained in fits.values()])


def _experiment(
    fits: Mapping[str, Trained[BeatNetwork]],
    config: Config,
    recordings: Sequence[Recording],
    drawn: Sequence[Sequence[Strip]],
    device: str,
    use: Mapping[str, Any] | None = None,
) -> Experiment:
    """Tell of networks that name beats as one, before they are judged."""
    return Experiment(
        configuration=config,
        data={
            "source": "MIT-BIH Arrhythmia Database, DS1 of de Chazal et al. (2004), ODC-By 1.0 (Moody and Mark 2001); "
            "PTB-XL, folds 1 to 7, by statements only, CC BY 4.0 (Wagner et al. 2020); MIT-BIH Noise Stress Test, "
            "ODC-By 1.0 (Moody, Muldrow and Mark 1984)",
            "records": [one.name for one in recordings],
            "beats": {name: int(sum((one.classes == name).sum() for one in recordings)) for name in CLASSES},
            "strips": {
                "MIT-BIH": sum(strip.record >= 0 for strips in drawn for strip in strips),
                "PTB-XL": sum(strip.record < 0 for strips in drawn for strip in strips),
            },
            "rare": "hardly any beat of class Q is there, and nearly all of class F are record 208's",
        },
        folds={"PTB-XL": TRAIN_FOLDS},
        figures={},
        fits=fits,
        parameters=count_parameters(_ensemble(fits)),
        device=device,
        use={"members": len(fits), "classes": list(CLASSES), **(use or {})},
    )


def _finite(values: NDArray[np.float64]) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


def main(arguments: list[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the command line.
    """
    choices = {"members": "networks that ship as one", "folds": "of the cross-validation"}
    parser = options("beats", str(__doc__), Config, choices, data_folder())
    parser.add_argument("--ptbxl", type=Path, default=ptbxl.data_folder(), help="PTB-XL's (default: %(default)s)")
    noise = data_folder().with_name("noise")
    parser.add_argument("--noise", type=Path, default=noise, help="the noise's (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    config, run = configured(Config, chosen), run_of(WEIGHTS.stem, chosen)
    recordings = load_mitbih(chosen.data, DS1)
    if len(recordings) < config.folds:
        parser.error(f"{chosen.data}: {len(recordings)} records of DS1; {config.folds} folds need as many")
    sounds = load_noise(chosen.noise)
    stored, stated = [store(one) for one in recordings], load_records(chosen.ptbxl, TRAIN_FOLDS)
    drawn = []
    for seed in range(config.seed, config.seed + config.members):
        own = draw_annotated(stored, sounds, config.strips, config.ectopic, config.flip, seed)
        drawn.append(own + draw_stated(stated, sounds, config.stated, config.early, config.flip, seed))
    print(f"{len(drawn)} times {len(drawn[0])} strips of {len(recordings)} records and of PTB-XL; on {run.device}")
    networks = cross_validate(recordings, drawn, config, replace(run, folder=chosen.out / "folds"))
    fits = train_members(drawn, config, run)
    record = write_weights(chosen.out, fits, config, recordings, drawn, networks, run.device)
    remove_checkpoints(run)
    print(json.dumps(record["figures"], indent=1))


if __name__ == "__main__":
    main()

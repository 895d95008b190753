"""Compare the ways to read a page.

``python -m papertrace.benchmarks readers [--data DIR] [--weights DIR] [--out DIR] [--pages N]``.

Pages are printed from PTB-XL's fold 9 by presets of `papertrace.synth` and digitized once; the reader of the signal
reads what was digitized, the others look at the picture (`classify.picture.picture`): ``image``, ``hybrid``, ``dual``
with the signal beside it, and ``auto``, which is the signal's reading, the mean of both where the digitization calls
itself unreliable, and the picture's where there is none. The pages of ``kit-pages`` are read beside them. Networks are
those of `--weights` (`python -m papertrace.training.image`; for single beats `python -m
papertrace.training.beat_images`); what is not there is left out. Every page is read once
(`papertrace.benchmarks.reading`), so an interrupted run is taken up again. Writes ``readers.md`` and ``readers.json``.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify.beats.images import NAME as BEATS
from classify.picture.image import DESIGNS, FOLDER, PictureWeights, load_picture_weights, predict_pictures
from classify.readers import SIGNAL_SHARE, UNRELIABLE
from classify.signal.weights import load_weights
from classify.statements import CHALLENGE, CODES, group_indices
from digitize.records.results import VERDICTS
from papertrace.benchmarks.options import parser_for
from papertrace.benchmarks.reading import (
    FOLD,
    KIT,
    NOT_READ,
    PAPERS,
    Read,
    choose_pages,
    folder_of_pages,
    kit_tasks,
    predict_pages,
    printed_tasks,
    read_pages,
)
from papertrace.benchmarks.report import Report, Section, Table, provenance
from papertrace.datasets.ptbxl import data_folder
from papertrace.datasets.recordings import load_records
from papertrace.metrics.scores import Interval, auroc, bootstrap, f1

SEED = 0
TWO_STAGE, AUTO = "signal", "auto"

_STATEMENTS = tuple(place for group in ("superclass", "diagnostic", "form", "rhythm") for place in group_indices(group))
_CHALLENGE = tuple(CODES.index(code) for code in CHALLENGE.values())
MEASURES = ("macro AUROC, all statements", "macro AUROC, Challenge 2024", "macro F, Challenge 2024")


@dataclass(frozen=True)
class Reader:
    """Probabilities of one way to read pages.

    Attributes
    ----------
    name : str
    parameters : int
    seconds : float
        Of the network alone, a page.
    probability : ndarray, shape (pages, statements), float64
    thresholds : ndarray, shape (pages, statements), float64
        Of the network that spoke.
    """

    name: str
    parameters: int
    seconds: float
    probability: NDArray[np.float64]
    thresholds: NDArray[np.float64]


def find_networks(folder: Path) -> dict[str, PictureWeights]:
    """Find the networks that were trained.

    Parameters
    ----------
    folder : Path
        With ``image.safetensors`` and the like, or with a folder for each as `papertrace.training.image` leaves them.

    Returns
    -------
    dict of str to PictureWeights
        By name: the design, or the run's folder.
    """
    found = {}
    for design in DESIGNS:
        if (folder / f"{design}.safetensors").is_file():
            found[design] = load_picture_weights(design, folder)
        for path in sorted(folder.glob(f"*/{design}.safetensors")):
            found[path.parent.name] = load_picture_weights(design, path.parent)
    return found


def read_by_all(pages: Sequence[Read], networks: Mapping[str, PictureWeights]) -> list[Reader]:
    """Let every network say its statements.

    Parameters
    ----------
    pages : sequence of Read
    networks : mapping of str to PictureWeights

    Returns
    -------
    list of Reader
        That of the signal first, ``auto`` last, if there is an ``image``.
    """
    n = len(pages)
    shipped = load_weights()
    began = time.process_time()
    probability = predict_pages(pages)
    seconds = (time.process_time() - began) / n
    thresholds = np.tile(shipped.thresholds, (n, 1))
    readers = [Reader(TWO_STAGE, _size(shipped.network), seconds, probability, thresholds)]
    for name, weights in networks.items():
        views = [page.view for page in pages] if weights.design == "dual" else None
        began = time.process_time()
        probability, _ = predict_pictures(weights, [page.ink for page in pages], views)
        seconds = (time.process_time() - began) / n
        thresholds = np.tile(weights.thresholds, (n, 1))
        readers.append(Reader(name, _size(weights.network), seconds, probability, thresholds))
    image = next((reader for reader in readers if reader.name == "image"), None)
    return readers if image is None else [*readers, _auto(pages, readers[0], image)]


def _auto(pages: Sequence[Read], signal: Reader, image: Reader) -> Reader:
    """Mix the readers of the signal and of the picture as ``--reader auto`` does."""
    # How much the signal counts.
    share = np.array([{UNRELIABLE: SIGNAL_SHARE, NOT_READ: 0.0}.get(page.verdict, 1.0) for page in pages])[:, None]
    return Reader(
        AUTO,
        signal.parameters + image.parameters,
        signal.seconds + image.seconds * float((share < 1).mean()),
        share * signal.probability + (1 - share) * image.probability,
        share * signal.thresholds + (1 - share) * image.thresholds,
    )


def figures(
    truth: NDArray[np.floating], probability: NDArray[np.floating], thresholds: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Score a reader.

    Parameters
    ----------
    truth, probability, thresholds : ndarray, shape (pages, statements)

    Returns
    -------
    ndarray, shape (len(MEASURES),), float64
        Each the mean over the statements that can be judged.
    """
    area, hits = auroc(truth, probability), f1(truth, probability >= thresholds)
    parts = (area[list(_STATEMENTS)], area[list(_CHALLENGE)], hits[list(_CHALLENGE)])
    return np.array([part[np.isfinite(part)].mean() if np.isfinite(part).any() else np.nan for part in parts])


def score(
    truth: NDArray[np.floating], reader: Reader, by_record: Sequence[NDArray[np.intp]], resamples: int
) -> list[Interval]:
    """Compute `figures` over some pages, with intervals.

    Parameters
    ----------
    truth : ndarray, shape (pages, statements)
    reader : Reader
    by_record : sequence of ndarray
        Places of the pages of each record: several pages of one are drawn together, for they are not independent.
    resamples : int

    Returns
    -------
    list of Interval
        In the order of `MEASURES`.
    """

    def measure(drawn: NDArray[np.int64]) -> NDArray[np.float64]:
        places = np.concatenate([by_record[record] for record in drawn])
        return figures(truth[places], reader.probability[places], reader.thresholds[places])

    return bootstrap(measure, len(by_record), resamples, SEED)


def difference(
    truth: NDArray[np.floating], one: Reader, other: Reader, by_record: Sequence[NDArray[np.intp]], resamples: int
) -> list[Interval]:
    """Compute what one reader has more than another over the same pages, with paired intervals; see `score`."""

    def measure(drawn: NDArray[np.int64]) -> NDArray[np.float64]:
        places = np.concatenate([by_record[record] for record in drawn])
        first, second = (
            figures(truth[places], reader.probability[places], reader.thresholds[places]) for reader in (one, other)
        )
        return first - second

    return bootstrap(measure, len(by_record), resamples, SEED)


@dataclass(frozen=True)
class Scores:
    """Figures of readers over groups of pages.

    Attributes
    ----------
    places : dict of str to list of ndarray
        By group, the places of the pages of each record.
    of : dict of str to dict
        By group and reader, see `score`.
    differences : list of (str, str, list of Interval)
        Group, names of two readers, and what one has more than the other, see `difference`.
    """

    places: dict[str, list[NDArray[np.intp]]]
    of: dict[str, dict[str, list[Interval]]]
    differences: list[tuple[str, str, list[Interval]]]


def score_groups(
    pages: Sequence[Read], truth: NDArray[np.floating], readers: Sequence[Reader], resamples: int = 1000
) -> Scores:
    """Score readers over the pages of each preset, of the kit, of all presets and of each verdict.

    Parameters
    ----------
    pages : sequence of Read
    truth : ndarray, shape (pages, statements)
    readers : sequence of Reader
    resamples : int
        Of the bootstrap.

    Returns
    -------
    Scores
        Groups of less than two pages are left out.
    """
    records = np.array([page.task.record for page in pages])
    places = {
        name: [np.flatnonzero(chosen & (records == record)) for record in np.unique(records[chosen])]
        for name, chosen in _groups(pages).items()
        if chosen.sum() > 1
    }
    return Scores(
        places,
        {
            name: {reader.name: score(truth, reader, by_record, resamples) for reader in readers}
            for name, by_record in places.items()
        },
        [
            (name, f"{one.name} minus {other.name}", difference(truth, one, other, places[name], resamples))
            for name in ("clean", "all presets")
            if name in places
            for one, other in _pairs(readers)
        ],
    )


def _groups(pages: Sequence[Read]) -> dict[str, NDArray[np.bool_]]:
    papers = np.array([page.task.paper for page in pages])
    verdicts = np.array([page.verdict for page in pages])
    printed = papers != KIT
    return {
        **{paper: papers == paper for paper in (*PAPERS, KIT)},
        "all presets": printed,
        **{f"verdict {verdict}": printed & (verdicts == verdict) for verdict in (*VERDICTS, NOT_READ)},
    }


def _pairs(readers: Sequence[Reader]) -> list[tuple[Reader, Reader]]:
    """Pair those that the command has with every other one."""
    return [
        (one, other)
        for one in readers
        for other in readers
        if one.name in (AUTO, TWO_STAGE) and other.name not in (AUTO, one.name)
    ]


def report(
    pages: Sequence[Read],
    truth: NDArray[np.floating],
    readers: Sequence[Reader],
    networks: Mapping[str, Mapping[str, Any]],
    made_with: Mapping[str, Any],
    beats: Mapping[str, Any] | None = None,
    resamples: int = 1000,
) -> Report:
    """Score readers over groups of pages, and describe the scores.

    Parameters
    ----------
    pages : sequence of Read
    truth : ndarray, shape (pages, statements)
    readers : sequence of Reader
    networks : mapping of str to mapping
        Training records.
    made_with : mapping
        See `papertrace.benchmarks.report.provenance`.
    beats : mapping, optional
        Training record of `papertrace.training.beat_images`.
    resamples : int
        Of the bootstrap.

    Returns
    -------
    Report
    """
    scores = score_groups(pages, truth, readers, resamples)
    stages = {name: float(np.mean([getattr(page, name) for page in pages])) for name in _STAGES}
    seconds = {reader.name: seconds_of(reader, networks, stages) for reader in readers}
    sections = [Section("", [_ABOUT, _scores_table(scores, readers, seconds)])]
    if scores.differences:
        table = Table(["pages", "readers", *MEASURES], [[*names, *more] for *names, more in scores.differences])
        sections.append(Section("Against each other", ["Paired, on the same pages.", table]))
    losses = _losses(scores.of, readers)
    if losses:
        table = Table(["reader", "pages", *MEASURES], losses)
        about = "Against clean pages of the same records."
        sections.append(Section("How each falls as pages get worse", [about, table]))
    if networks:
        about = "On drawn, read and coarse pictures together."
        sections.append(Section("The networks, on fold 8", [about, _networks_table(networks)]))
    if beats is not None:
        sections.append(_beats_section(beats))
    data = {
        "made with": made_with,
        "seconds": stages,
        "networks": {reader.name: {"parameters": reader.parameters, "seconds": reader.seconds} for reader in readers},
        "scores": {
            name: {reader: dict(zip(MEASURES, values, strict=True)) for reader, values in by_reader.items()}
            for name, by_reader in scores.of.items()
        },
        "pages": [{"paper": page.task.paper, "record": page.task.record, "verdict": page.verdict} for page in pages],
    }
    return Report("readers", "Ways to read a page", sections, made_with, data)


_STAGES = ("finding", "tracing", "looking")
"""Seconds that `Read` has of each page."""

_ABOUT = (
    f"PTB-XL fold {FOLD}; 95 % bootstrap intervals over records in brackets; thresholds and calibration were fixed "
    "on fold 8. `signal` is the two-stage road; `image` and `hybrid` look at the picture of the upright page, "
    "`dual` at picture and signal; `auto` is `signal`, the mean of `signal` and `image` where the digitization is "
    "*unreliable*, and `image` where it failed. A page that could not be digitized counts with every statement "
    "denied for `signal`. Seconds of one core, from the picture in memory to statements."
)


def seconds_of(reader: Reader, networks: Mapping[str, Mapping[str, Any]], stages: Mapping[str, float]) -> float:
    """Sum the seconds of a page from the picture in memory to statements.

    Parameters
    ----------
    reader : Reader
    networks : mapping of str to mapping
        Training records.
    stages : mapping of str to float
        Mean seconds of ``finding``, ``tracing`` and ``looking``, see `papertrace.benchmarks.reading.Read`.

    Returns
    -------
    float
    """
    finding, tracing, looking = (stages[name] for name in _STAGES)
    if reader.name in (TWO_STAGE, AUTO):
        return finding + tracing + reader.seconds
    dual = reader.name in networks and networks[reader.name]["configuration"]["design"] == "dual"
    return finding + looking + (tracing if dual else 0.0) + reader.seconds


def _scores_table(scores: Scores, readers: Sequence[Reader], seconds: Mapping[str, float]) -> Table:
    rows = [
        [
            name,
            sum(map(len, scores.places[name])),
            reader.name,
            f"{reader.parameters:,}",
            f"{seconds[reader.name]:.2f}",
            *by_reader[reader.name],
        ]
        for name, by_reader in scores.of.items()
        for reader in readers
    ]
    return Table(["pages", "count", "reader", "parameters", "seconds a page", *MEASURES], rows)


def _losses(scores: Mapping[str, Mapping[str, list[Interval]]], readers: Sequence[Reader]) -> list[list[object]]:
    """Tell what each reader loses on worn pages against clean ones."""
    if "clean" not in scores:
        return []
    return [
        [
            reader.name,
            paper,
            *(
                f"{worn.value - clean.value:+.3f}"
                for clean, worn in zip(scores["clean"][reader.name], scores[paper][reader.name], strict=True)
            ),
        ]
        for reader in readers
        for paper in PAPERS[1:]
        if paper in scores
    ]


def _networks_table(networks: Mapping[str, Mapping[str, Any]]) -> Table:
    columns = ("superclass", "all", "signal dB", "leads right")
    rows = [
        [
            name,
            record["configuration"]["signal"] if record["configuration"]["design"] == "hybrid" else 0,
            f"{record['parameters']:,}",
            f"{np.sum(record['seconds']) / 60:.0f}",
            record["device"],
            *(f"{record['figures']['fold 8'][column]:.3f}" for column in columns),
        ]
        for name, record in networks.items()
    ]
    return Table(["network", "weight of the signal", "parameters", "minutes", "device", *columns], rows)


def _beats_section(beats: Mapping[str, Any]) -> Section:
    judged = beats["figures"]["cross-validated"]
    about = (
        f"{sum(judged['pictures'].values()):,} pictures of {judged['groups']} records, {judged['folds']}-fold "
        f"cross-validation, every record in one fold; {beats['parameters']:,} parameters; accuracy "
        f"{judged['accuracy']:.3f}. Classes are balanced in part (`papertrace.training.beat_images`), so F1 is "
        "not that of a recording's own mixture."
    )
    rows = [[name, count, f"{judged['F1'][name]:.3f}"] for name, count in judged["pictures"].items()]
    return Section("Pictures of single beats", [about, Table(["class", "pictures", "F1"], rows)])


def _size(network: Any) -> int:
    return sum(weight.numel() for weight in network.parameters())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.
    """
    parser = parser_for("readers", __doc__, data=data_folder().parent, pages=150, jobs=os.cpu_count())
    parser.add_argument("--weights", type=Path, default=FOLDER, help="networks, or runs (default: %(default)s)")
    parser.add_argument("--read", type=Path, default=Path("runs/pages"), help="for what was read of each page")
    chosen = parser.parse_args(arguments)
    records = load_records(chosen.data / "ptb-xl", (FOLD,))
    labels = dict(zip(records.ids.tolist(), records.labels, strict=True))
    printed = choose_pages(records.take(records.millivolts), chosen.pages)
    folder = folder_of_pages(chosen.read)
    tasks = printed_tasks(printed, PAPERS, folder) + kit_tasks(chosen.data, folder)
    tasks = [task for task in tasks if task.record in labels]
    if not tasks:
        parser.error(f"{chosen.data}: no record of fold {FOLD} at 500 Hz, and no page of {KIT}")
    pages = read_pages(tasks, chosen.jobs)
    truth = np.stack([labels[page.task.record] for page in pages])
    networks = find_networks(chosen.weights)
    trained = {name: _record_of(chosen.weights, name, weights.design) for name, weights in networks.items()}
    found = next(iter(sorted(chosen.weights.glob(f"**/{Path(BEATS).with_suffix('.json')}"))), None)
    beats = None if found is None else json.loads(found.read_text(encoding="utf-8"))
    report(pages, truth, read_by_all(pages, networks), trained, provenance(), beats).write(chosen.out)


def _record_of(folder: Path, name: str, design: str) -> dict[str, Any]:
    beside = folder / f"{design}.json"
    path = beside if name == design and beside.is_file() else folder / name / f"{design}.json"
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record

"""Which way to read a page.

``python -m papertrace.benchmarks.readers [--data DIR] [--weights DIR] [--out DIR] [--pages N]``.

Pages are printed from PTB-XL's fold 9 by presets of `papertrace.synth` and digitized once; the two-stage road reads
what was digitized, the others look at the picture (`classify.picture.picture`): ``image``, ``hybrid``, ``dual`` with
the signal beside it, and ``auto``, which is the signal's reading, the mean of both where the digitization calls itself
unreliable, and the picture's where there is none. The pages of ``kit-pages`` are read beside them. Networks are those
of `--weights` (`python -m papertrace.training.image`; for single beats `python -m papertrace.training.beat_images`);
what is not there is left out. Every page is read once (`papertrace.benchmarks.reading`), so an interrupted run is taken
up again. Writes ``readers.md`` and ``readers.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classify.beats.images import NAME as BEATS
from classify.picture.image import DESIGNS, FOLDER, PictureWeights, load_picture_weights, predict_pictures
from classify.readers import SIGNAL_SHARE, UNRELIABLE
from classify.signal.weights import load_weights
from classify.statements import CHALLENGE, CODES, group_indices
from digitize.export import written_together
from digitize.records.results import VERDICTS
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
from papertrace.benchmarks.report import made_line, provenance, table
from papertrace.datasets.ptbxl import data_folder, load_ptbxl
from papertrace.metrics.scores import Interval, auroc, bootstrap, f1

SEED = 0
TWO_STAGE, AUTO = "signal", "auto"

_OWN = tuple(place for group in ("superclass", "diagnostic", "form", "rhythm") for place in group_indices(group))
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
        The two-stage road first, ``auto`` last, if there is an ``image``.
    """
    n = len(pages)
    own = load_weights()
    began = time.process_time()
    told = predict_pages(pages)
    seconds = (time.process_time() - began) / n
    readers = [Reader(TWO_STAGE, _size(own.network), seconds, told, np.tile(own.thresholds, (n, 1)))]
    for name, weights in networks.items():
        views = [page.view for page in pages] if weights.design == "dual" else None
        began = time.process_time()
        probability, _ = predict_pictures(weights, [page.ink for page in pages], views)
        seconds = (time.process_time() - began) / n
        thresholds = np.tile(weights.thresholds, (n, 1))
        readers.append(Reader(name, _size(weights.network), seconds, probability, thresholds))
    image = next((reader for reader in readers if reader.name == "image"), None)
    if image is not None:
        signal = readers[0]
        # How much the signal counts.
        share = np.array([{UNRELIABLE: SIGNAL_SHARE, NOT_READ: 0.0}.get(page.verdict, 1.0) for page in pages])[:, None]
        readers.append(
            Reader(
                AUTO,
                signal.parameters + image.parameters,
                signal.seconds + image.seconds * float((share < 1).mean()),
                share * signal.probability + (1 - share) * image.probability,
                share * signal.thresholds + (1 - share) * image.thresholds,
            )
        )
    return readers


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
    parts = (area[list(_OWN)], area[list(_CHALLENGE)], hits[list(_CHALLENGE)])
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
        mine, theirs = (figures(truth[places], own.probability[places], own.thresholds[places]) for own in (one, other))
        return mine - theirs

    return bootstrap(measure, len(by_record), resamples, SEED)


def describe(
    pages: Sequence[Read],
    truth: NDArray[np.floating],
    readers: Sequence[Reader],
    networks: Mapping[str, Mapping[str, Any]],
    made_with: Mapping[str, Any],
    beats: Mapping[str, Any] | None = None,
    resamples: int = 1000,
) -> tuple[str, dict[str, Any]]:
    """Write the report.

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
    str
        Markdown.
    dict
        The same as plain values.
    """
    papers = np.array([page.task.paper for page in pages])
    verdicts = np.array([page.verdict for page in pages])
    drawn = papers != KIT
    groups = {paper: papers == paper for paper in (*PAPERS, KIT)}
    groups["all presets"] = drawn
    groups |= {f"verdict {verdict}": drawn & (verdicts == verdict) for verdict in (*VERDICTS, NOT_READ)}
    records = np.array([page.task.record for page in pages])
    of = {
        name: [np.flatnonzero(chosen & (records == record)) for record in np.unique(records[chosen])]
        for name, chosen in groups.items()
        if chosen.sum() > 1
    }
    scores = {name: {own.name: score(truth, own, places, resamples) for own in readers} for name, places in of.items()}
    finding, tracing, looking = (
        float(np.mean([getattr(page, part) for page in pages])) for part in ("finding", "tracing", "looking")
    )
    roads = {TWO_STAGE: finding + tracing, AUTO: finding + tracing}
    header = ("pages", "count", "reader", "parameters", "seconds a page", *MEASURES)
    seconds = {own.name: _road(own, roads, networks, finding, tracing, looking) for own in readers}
    rows = [
        (name, sum(map(len, of[name])), own.name, f"{own.parameters:,}", f"{seconds[own.name]:.2f}", *told[own.name])
        for name, told in scores.items()
        for own in readers
    ]
    lines = [
        "# Ways to read a page",
        "",
        f"PTB-XL fold {FOLD}; 95 % bootstrap intervals over records in brackets; thresholds and calibration were fixed "
        "on fold 8. `signal` is the two-stage road; `image` and `hybrid` look at the picture of the upright page, "
        "`dual` at picture and signal; `auto` is `signal`, the mean of `signal` and `image` where the digitization is "
        "*unreliable*, and `image` where it failed. A page that could not be digitized counts with every statement "
        "denied for `signal`. Seconds of one core, from the picture in memory to statements.",
        "",
        *table(header, rows),
    ]
    pairs = [
        (name, f"{one.name} minus {other.name}", *difference(truth, one, other, of[name], resamples))
        for name in ("clean", "all presets")
        if name in of
        for one in readers
        for other in readers
        if one.name in (AUTO, TWO_STAGE) and other.name not in (AUTO, one.name)
    ]
    if pairs:
        lines += ["", "## Against each other", "", "Paired, on the same pages.", ""]
        lines += table(("pages", "readers", *MEASURES), pairs)
    falls = [
        (own.name, paper, *(f"{b.value - a.value:+.3f}" for a, b in zip(clean[own.name], told[own.name], strict=True)))
        for clean in (scores.get("clean"),)
        for own in readers
        for paper, told in scores.items()
        if clean is not None and paper in PAPERS[1:]
    ]
    if falls:
        lines += ["", "## How each falls as pages get worse", "", "Against clean pages of the same records.", ""]
        lines += table(("reader", "pages", *MEASURES), falls)
    if networks:
        lines += ["", "## The networks, on fold 8", "", "On drawn, read and coarse pictures together.", ""]
        columns = ("superclass", "all", "signal dB", "leads right")
        lines += table(
            ("network", "weight of the signal", "parameters", "minutes", "device", *columns),
            (
                (
                    name,
                    own["configuration"]["signal"] if own["configuration"]["design"] == "hybrid" else 0,
                    f"{own['parameters']:,}",
                    f"{sum(own['seconds']) / 60:.0f}",
                    own["device"],
                    *(f"{own['figures']['fold 8'][column]:.3f}" for column in columns),
                )
                for name, own in networks.items()
            ),
        )
    if beats is not None:
        judged = beats["cross-validated"]
        lines += ["", "## Pictures of single beats", ""]
        lines += [
            f"{sum(judged['pictures'].values()):,} pictures of {judged['groups']} records, {judged['folds']}-fold "
            f"cross-validation, every record in one fold; {beats['parameters']:,} parameters; accuracy "
            f"{judged['accuracy']:.3f}. Classes are balanced in part (`papertrace.training.beat_images`), so F1 is "
            "not that of a recording's own mixture.",
            "",
            *table(
                ("class", "pictures", "F1"),
                ((of, n, f"{judged['F1'][of]:.3f}") for of, n in judged["pictures"].items()),
            ),
        ]
    lines += ["", made_line(made_with)]
    plain = {
        "made with": dict(made_with),
        "seconds": {"finding": finding, "tracing": tracing, "looking": looking},
        "networks": {own.name: {"parameters": own.parameters, "seconds": own.seconds} for own in readers},
        "scores": {
            name: {who: {m: asdict(v) for m, v in zip(MEASURES, values, strict=True)} for who, values in told.items()}
            for name, told in scores.items()
        },
        "pages": [
            {"paper": page.task.paper, "record": page.task.record, "verdict": page.verdict} for page in pages
        ],
    }  # fmt: skip
    return "\n".join(lines) + "\n", plain


def _road(
    own: Reader,
    roads: Mapping[str, float],
    networks: Mapping[str, Mapping[str, Any]],
    finding: float,
    tracing: float,
    looking: float,
) -> float:
    """Seconds from a picture in memory to statements."""
    if own.name in roads:
        return roads[own.name] + own.seconds
    dual = own.name in networks and networks[own.name]["configuration"]["design"] == "dual"
    return finding + looking + (tracing if dual else 0.0) + own.seconds


def _size(network: Any) -> int:
    return sum(weight.numel() for weight in network.parameters())


def main(arguments: list[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the command line.
    """
    parser = argparse.ArgumentParser(
        prog="python -m papertrace.benchmarks.readers", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--data", type=Path, default=data_folder().parent, help="with ptb-xl (default: %(default)s)")
    parser.add_argument("--weights", type=Path, default=FOLDER, help="networks, or runs (default: %(default)s)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(__file__).parent / "results",
        help="folder for the two files (default: %(default)s)",
    )
    parser.add_argument("--read", type=Path, default=Path("runs/pages"), help="for what was read of each page")
    parser.add_argument("--pages", type=int, default=150, help="pages of each preset (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="pages at a time (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    records = load_ptbxl(chosen.data / "ptb-xl", (FOLD,))
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
    known = {name: _record_of(chosen.weights, name, own.design) for name, own in networks.items()}
    found = next(iter(sorted(chosen.weights.glob(f"**/{Path(BEATS).with_suffix('.json')}"))), None)
    beats = None if found is None else json.loads(found.read_text(encoding="utf-8"))
    text, plain = describe(pages, truth, read_by_all(pages, networks), known, provenance(), beats)
    with written_together(chosen.out) as unfinished:
        (unfinished / "readers.json").write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
        (unfinished / "readers.md").write_text(text, encoding="utf-8")
    print(text)


def _record_of(folder: Path, name: str, design: str) -> dict[str, Any]:
    beside = folder / f"{design}.json"
    path = beside if name == design and beside.is_file() else folder / name / f"{design}.json"
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record


if __name__ == "__main__":
    main()

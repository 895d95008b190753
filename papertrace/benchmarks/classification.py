"""Score the reading of signals and pages.

``python -m papertrace.benchmarks classification [--data DIR] [--out DIR] [--pages N]``.

Scores the arrhythmia network on PTB-XL's fold 9: on the true signal with every lead for ten seconds, on the true signal
cut to the printed layout, and on pages that `papertrace.synth` printed from the records and the digitizer read. Each
page is compared with the true signal of its own strips: the difference is what paper costs. Pages are read once
(`papertrace.benchmarks.reading`), so an interrupted run is taken up again. Beside what the signal's reader loses stands
what ``--reader auto`` loses. Where the folder of results has the ``baselines.json`` of `papertrace.training.baselines`,
those networks stand beside ours. Writes ``classification.md`` and ``classification.json``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classify.picture.image import load_picture_weights
from classify.records.segments import StripSegment
from classify.signal.inputs import FS, cut_to_layout, input_from_segments
from classify.signal.network import predict_logits
from classify.signal.weights import Weights, load_weights, predict
from classify.statements import CHALLENGE, CODES, STATEMENTS, group_indices
from papertrace.benchmarks.options import parser_for
from papertrace.benchmarks.readers import read_by_all
from papertrace.benchmarks.reading import (
    FOLD,
    NOT_READ,
    PAPERS,
    choose_pages,
    folder_of_pages,
    printed_tasks,
    read_pages,
)
from papertrace.benchmarks.report import Report, Section, Table, provenance
from papertrace.datasets.ptbxl import Records, data_folder
from papertrace.datasets.recordings import load_records
from papertrace.metrics.scores import Interval, auroc, average_precision, bootstrap, calibration_error, f1
from papertrace.training.comparison import LAYOUTS, MEASURES, compare
from papertrace.training.pages import CHOICE_FOLD

if TYPE_CHECKING:
    from torch import nn


LAYOUT = "3x4+II"
SEED = 0

_GROUPS = {
    "superclasses": group_indices("superclass"),
    "rhythm statements": group_indices("rhythm"),
    "all statements": tuple(
        place for group in ("superclass", "diagnostic", "form", "rhythm") for place in group_indices(group)
    ),
    "Challenge 2024": tuple(CODES.index(code) for code in CHALLENGE.values()),
}
"""All statements are PTB-XL's own; its subclasses and the Challenge's classes are the same statements again."""

_MEASURES = ("macro AUROC", "average precision", "F1", "calibration error")
NAMES = tuple(f"{measure}, {group}" for measure in _MEASURES for group in _GROUPS)
"""Names of the figures of `figures`, in their order."""

_AGES = (0, 50, 65, 80, 90)
_BINS = 10
_DRAWS = 1000


def figures(
    truth: NDArray[np.floating], probability: NDArray[np.floating], thresholds: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Score predictions.

    Parameters
    ----------
    truth, probability : ndarray, shape (n, statements)
    thresholds : ndarray, shape (statements,) or (n, statements)

    Returns
    -------
    ndarray, shape (figures,), float64
        In the order of `NAMES`; each the mean over the group's statements that can be judged.
    """
    each = (
        auroc(truth, probability),
        average_precision(truth, probability),
        f1(truth, probability >= thresholds),
        calibration_error(truth, probability),
    )
    means = []
    for values in each:
        for places in _GROUPS.values():
            judged = values[list(places)]
            judged = judged[np.isfinite(judged)]
            means.append(judged.mean() if len(judged) else np.nan)
    return np.array(means)


def score(
    truth: NDArray[np.floating], probability: NDArray[np.floating], thresholds: NDArray[np.floating]
) -> dict[str, Interval]:
    """Compute `figures` by name, with intervals.

    Parameters
    ----------
    truth, probability : ndarray, shape (n, statements)
    thresholds : ndarray, shape (statements,) or (n, statements)

    Returns
    -------
    dict of str to Interval
    """
    by_record = np.broadcast_to(thresholds, probability.shape)
    intervals = bootstrap(lambda i: figures(truth[i], probability[i], by_record[i]), len(truth), seed=SEED)
    return dict(zip(NAMES, intervals, strict=True))


def lost_on_paper(
    truth: NDArray[np.floating],
    cut: NDArray[np.floating],
    paper: NDArray[np.floating],
    thresholds: NDArray[np.floating],
    paper_thresholds: NDArray[np.floating],
) -> dict[str, Interval]:
    """Measure what is lost between the true signal and the page of the same records, with paired intervals.

    Parameters
    ----------
    truth, cut, paper : ndarray, shape (n, statements)
        Truth, and the probabilities from the true signal cut to the layout and from the digitized page.
    thresholds, paper_thresholds : ndarray, shape (statements,) or (n, statements)
        Of each.

    Returns
    -------
    dict of str to Interval
        Page minus true signal.
    """
    of_cut, of_paper = np.broadcast_to(thresholds, cut.shape), np.broadcast_to(paper_thresholds, paper.shape)
    intervals = bootstrap(
        lambda i: figures(truth[i], paper[i], of_paper[i]) - figures(truth[i], cut[i], of_cut[i]),
        len(truth),
        seed=SEED,
    )
    return dict(zip(NAMES, intervals, strict=True))


def by_people(records: Records, probability: NDArray[np.floating]) -> dict[str, tuple[int, Interval]]:
    """Score the superclasses by sex and age.

    Parameters
    ----------
    records : Records
    probability : ndarray, shape (n, statements)

    Returns
    -------
    dict of str to (int, Interval)
        Records, and their macro AUROC; groups without a record are left out.
    """
    groups = {"women": records.women, "men": ~records.women}
    for first, last in pairwise(_AGES):
        groups[f"{first} to {last - 1} years"] = (records.ages >= first) & (records.ages < last)
    scores = {}
    for name, chosen in groups.items():
        if not chosen.any():
            continue
        truth, said = records.labels[chosen], probability[chosen]
        interval = bootstrap(_superclasses(truth, said), len(truth), seed=SEED)[0]
        scores[name] = (int(chosen.sum()), interval)
    return scores


def reliability(truth: NDArray[np.floating], probability: NDArray[np.floating]) -> list[tuple[float, float, int]]:
    """Compare what was said with what was true, all statements of PTB-XL together.

    Parameters
    ----------
    truth, probability : ndarray, shape (n, statements)

    Returns
    -------
    list of (float, float, int)
        Of each tenth of the probabilities that holds any: their mean, the share that was true, their count.
    """
    places = list(_GROUPS["all statements"])
    said, true = probability[:, places].ravel(), truth[:, places].ravel()
    tenth = np.minimum((said * _BINS).astype(int), _BINS - 1)
    return [
        (float(said[tenth == k].mean()), float(true[tenth == k].mean()), int((tenth == k).sum()))
        for k in range(_BINS)
        if (tenth == k).any()
    ]


def by_chance(probability: NDArray[np.floating]) -> dict[str, Interval]:
    """Tell the calibration error that a perfectly calibrated network would show on as few records.

    Parameters
    ----------
    probability : ndarray, shape (n, statements)
        What it would say.

    Returns
    -------
    dict of str to Interval
        By group: mean, and what 95 % of the draws of a truth from `probability` lie between.
    """
    rng = np.random.default_rng(SEED)
    draws = (np.asarray(rng.random(probability.shape) < probability, float) for _ in range(_DRAWS))
    errors = np.array([calibration_error(truth, probability) for truth in draws])
    intervals = {}
    for name, places in _GROUPS.items():
        means = errors[:, list(places)].mean(axis=1)
        low, high = np.percentile(means, (2.5, 97.5))
        intervals[name] = Interval(float(means.mean()), float(low), float(high))
    return intervals


def beside_others(weights: Weights, choice: Records, report: Records, baselines: Path) -> dict[str, dict[str, Any]]:
    """Compare the shipped network with those of the literature.

    Parameters
    ----------
    weights : Weights
        The shipped ones.
    choice, report : Records
        Folds 8 and 9, in millivolts.
    baselines : Path
        What `papertrace.training.baselines` wrote; where it is missing, ours stands alone.

    Returns
    -------
    dict of str to dict
        By network, what `papertrace.training.comparison.compare` gives. Where several networks ship as one, the first
        of them stands there by itself, too.
    """
    members = weights.network.members
    ours: dict[str, nn.Module] = {"this one": weights.network}
    if len(members) > 1:
        ours = {f"this one, {len(members)} averaged": weights.network, "this one, one of them": members[0]}
    compared = {}
    for name, network in ours.items():

        def read(pages: Sequence[Sequence[StripSegment]], network: nn.Module = network) -> NDArray[np.float32]:
            return predict_logits(network, [input_from_segments(pieces, FS) for pieces in pages])

        compared[name] = compare(read, sum(part.numel() for part in network.parameters()), choice, report)
    return {**compared, **(json.loads(baselines.read_text(encoding="utf-8")) if baselines.is_file() else {})}


def _networks_table(networks: Mapping[str, Mapping[str, Any]]) -> Table:
    names = {"superclass": "superclasses", "rhythm": "rhythm", "all": "all"}
    header = ["network", "shown", "parameters", "ms a page"]
    header += [f"{names[measure]}, fold {fold}" for fold in (CHOICE_FOLD, FOLD) for measure in MEASURES]
    rows = []
    for name, compared in networks.items():
        for shown in LAYOUTS:
            chosen, reported = compared[shown][f"fold {CHOICE_FOLD}"], compared[shown][f"fold {FOLD}"]
            rows.append(
                [
                    name,
                    shown,
                    f"{compared['parameters'] / 1e6:.2f} M",
                    f"{1000 * compared['seconds']:.0f}",
                    *(f"{_interval(chosen[measure]).value:.3f}" for measure in MEASURES),
                    *(_interval(reported[measure]) for measure in MEASURES),
                ]
            )
    return Table(header, rows)


def _interval(values: Mapping[str, float | None]) -> Interval:
    """Take an interval from a file, where null is a figure that no record could tell."""
    return Interval(**{name: np.nan if value is None else value for name, value in values.items()})


def _superclasses(
    truth: NDArray[np.floating], probability: NDArray[np.floating]
) -> Callable[[NDArray[np.intp]], NDArray[np.float64]]:
    places = list(_GROUPS["superclasses"])

    def mean(chosen: NDArray[np.intp]) -> NDArray[np.float64]:
        each = auroc(truth[chosen][:, places], probability[chosen][:, places])
        return np.array([np.nanmean(each) if np.isfinite(each).any() else np.nan])

    return mean


def judge_signals(weights: Weights, choice: Records, records: Records, baselines: Path) -> dict[str, Any]:
    """Score the reading of true signals, whole and cut to the layout.

    Parameters
    ----------
    weights : Weights
    choice, records : Records
        Folds 8 and 9, in millivolts.
    baselines : Path
        See `beside_others`.

    Returns
    -------
    dict
        ``signals``, by what was shown what `score` gives; ``people``, ``reliability``, ``by chance`` and
        ``networks``, see `by_people`, `reliability`, `by_chance` and `beside_others`; every one of the ``statements``
        by itself.
    """
    whole = predict([input_from_segments(cut_to_layout(signal, "12x1"), FS) for signal in records.signals])
    cut = predict([input_from_segments(cut_to_layout(signal, LAYOUT), FS) for signal in records.signals])
    shown = {"12 leads, 10 s": whole, f"cut to {LAYOUT}": cut}
    return {
        "signals": {name: score(records.labels, said, weights.thresholds) for name, said in shown.items()},
        "people": by_people(records, cut),
        "reliability": reliability(records.labels, cut),
        "by chance": {name: by_chance(said) for name, said in shown.items()},
        "statements": _each(records.labels, cut, weights.thresholds),
        "networks": beside_others(weights, choice, records, baselines),
    }


def judge_pages(weights: Weights, printed: Records, folder: Path, jobs: int) -> dict[str, Any]:
    """Score the reading of printed pages beside that of their own true signals.

    Parameters
    ----------
    weights : Weights
    printed : Records
    folder : Path
        For what was read of each page.
    jobs : int
        Pages at a time.

    Returns
    -------
    dict
        ``papers``, by preset and by what was read what `score` or `lost_on_paper` gives; ``failures``, by preset the
        pages that could not be digitized.
    """
    pictures = {"image": load_picture_weights("image")}
    papers: dict[str, dict[str, dict[str, Interval]]] = {}
    failures = {}
    for preset in PAPERS:
        pages = read_pages(printed_tasks(printed, (preset,), folder), jobs)
        known, readers = predict([page.truth for page in pages]), read_by_all(pages, pictures)
        signal, auto = readers[0], readers[-1]
        papers[preset] = {
            "true signal": score(printed.labels, known, weights.thresholds),
            "digitized page": score(printed.labels, signal.probability, signal.thresholds),
        }
        for name, reader in (("price (page minus signal)", signal), ("price with --reader auto", auto)):
            papers[preset][name] = lost_on_paper(
                printed.labels, known, reader.probability, weights.thresholds, reader.thresholds
            )
        failures[preset] = [f"record {page.task.record}: {page.error}" for page in pages if page.verdict == NOT_READ]
    return {"papers": papers, "failures": failures}


def report(result: Mapping[str, Any]) -> Report:
    """Describe how well signals and pages are read.

    Parameters
    ----------
    result : mapping
        What `judge_signals` and `judge_pages` gave (without pages, ``papers`` and ``failures`` are empty), how many
        ``records`` and ``pages`` they are from, the ``weights_version``, and what they were ``made with``.

    Returns
    -------
    Report
    """
    signals = result["signals"]
    sections = [
        Section("", [_about(result)]),
        Section(f"True signal, {result['records']} records", [_signals_table(signals)]),
        *([_papers_section(result)] if result["papers"] else []),
        Section(f"By sex and age, true signal cut to {LAYOUT}", [_people_table(result["people"])]),
        Section(
            f"What probabilities were worth, true signal cut to {LAYOUT}", [_reliability_table(result["reliability"])]
        ),
        Section(
            "Calibration error, and what chance alone makes of it",
            [_CHANCE, _chance_table(signals, result["by chance"])],
        ),
        Section(f"Statement by statement, true signal cut to {LAYOUT}", [_statements_table(result["statements"])]),
        Section("Beside other networks", [_NETWORKS, _networks_table(result["networks"])]),
    ]
    return Report("classification", "Classification", sections, result["made with"], _data(result))


_CHANCE = (
    "Over as few records a perfectly calibrated network would show an error, too: the mean, and between what 95 % "
    "of truths lie that are drawn from its probabilities."
)
_NETWORKS = (
    "Macro AUROC. The others read the strips in their places in an array of 12 leads and ten seconds; they were "
    "trained on the same records by the same loop, each in one configuration (`papertrace.training.baselines`)."
)


def _about(result: Mapping[str, Any]) -> str:
    return (
        f"PTB-XL fold {FOLD}, weights {result['weights_version']}; 95 % bootstrap intervals in brackets. Thresholds "
        "and calibration were fixed on fold 8. Of the PhysioNet Challenge 2024's classes, F1 is their macro F."
    )


def _data(result: Mapping[str, Any]) -> dict[str, Any]:
    """Arrange what the report says for machines."""
    first = ("made with", "weights_version", "records", "pages", "failures", "reliability", "by chance")
    return {
        **{name: result[name] for name in first},
        "people": {name: {"records": count, **asdict(auc)} for name, (count, auc) in result["people"].items()},
        "statements": result["statements"],
        "networks": result["networks"],
        "figures": {"all records": result["signals"], **result["papers"]},
    }


def _signals_table(signals: Mapping[str, Mapping[str, Interval]]) -> Table:
    return Table(["figure", *signals], [[name, *(scores[name] for scores in signals.values())] for name in NAMES])


def _papers_section(result: Mapping[str, Any]) -> Section:
    papers = result["papers"]
    about = (
        f"Pages of {result['pages']} of these records, as `papertrace.synth`'s presets print them, in many "
        "layouts; beside the true signal of their strips. A page that could not be digitized counts with every "
        "statement denied; `--reader auto` reads its picture."
    )
    rows = [
        [paper, len(result["failures"][paper]), name, *(scores[name] for scores in columns.values())]
        for paper, columns in papers.items()
        for name in NAMES
        if name.startswith(("macro AUROC", "F1"))
    ]
    header = ["pages", "not read", "figure", *next(iter(papers.values()))]
    return Section("The price of paper", [about, Table(header, rows)])


def _people_table(people: Mapping[str, tuple[int, Interval]]) -> Table:
    rows = [[name, count, interval] for name, (count, interval) in people.items()]
    return Table(["who", "records", "macro AUROC, superclasses"], rows)


def _reliability_table(bins: Sequence[tuple[float, float, int]]) -> Table:
    return Table(["said, mean", "true", "statements"], [[f"{said:.3f}", f"{true:.3f}", n] for said, true, n in bins])


def _chance_table(
    signals: Mapping[str, Mapping[str, Interval]], by_chance: Mapping[str, Mapping[str, Interval]]
) -> Table:
    rows = [
        [group, shown, scores[f"calibration error, {group}"], by_chance[shown][group]]
        for shown, scores in signals.items()
        for group in _GROUPS
    ]
    return Table(["statements", "shown", "error", "by chance alone"], rows)


_EACH = ("auroc", "average precision", "f1")


def _statements_table(statements: Sequence[Mapping[str, Any]]) -> Table:
    rows = [
        [
            statement["code"],
            statement["group"],
            statement["positives"],
            *("-" if statement[name] is None else f"{statement[name]:.3f}" for name in _EACH),
        ]
        for statement in statements
    ]
    return Table(["statement", "group", "positives", "AUROC", "average precision", "F1"], rows)


def _each(
    truth: NDArray[np.floating], probability: NDArray[np.floating], thresholds: NDArray[np.floating]
) -> list[dict[str, Any]]:
    """Score every statement by itself."""
    scores = (auroc(truth, probability), average_precision(truth, probability), f1(truth, probability >= thresholds))
    return [
        {
            "code": statement.code,
            "group": statement.group,
            "positives": int(truth[:, i].sum()),
            **{
                name: float(values[i]) if np.isfinite(values[i]) else None
                for name, values in zip(_EACH, scores, strict=True)
            },
        }
        for i, statement in enumerate(STATEMENTS)
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.
    """
    parser = parser_for(
        "classification",
        __doc__,
        data=data_folder(),
        data_help="PTB-XL's folder",
        pages=150,
        fewest=0,
        jobs=os.cpu_count(),
    )
    parser.add_argument("--read", type=Path, default=Path("runs/pages"), help="for what was read of each page")
    chosen = parser.parse_args(arguments)
    weights = load_weights()
    both = load_records(chosen.data, (CHOICE_FOLD, FOLD))
    choice, records = (both.take((both.folds == fold) & both.millivolts) for fold in (CHOICE_FOLD, FOLD))
    result = {
        "made with": provenance(),
        "weights_version": weights.version,
        "records": len(records),
        "pages": 0,
        "papers": {},
        "failures": {},
        **judge_signals(weights, choice, records, chosen.out / "baselines.json"),
    }
    if chosen.pages:
        printed = choose_pages(records, chosen.pages)
        result["pages"] = len(printed)
        result |= judge_pages(weights, printed, folder_of_pages(chosen.read), chosen.jobs)
    report(result).write(chosen.out)

"""How well pages are read: ``python -m papertrace.benchmarks.classification [--data DIR] [--out DIR] [--pages N]``.

Scores the arrhythmia network on PTB-XL's fold 9: on the true signal with every lead for ten seconds, on the true signal
cut to the printed layout, and on pages that `papertrace.synth` printed from the records and the digitizer read. Each
page is compared with the true signal of its own strips: the difference is the price of paper. Pages are read once
(`papertrace.benchmarks.reading`), so an interrupted run is taken up again. Beside what the signal's reader loses stands
what ``--reader auto`` loses. Where the folder of results has the ``baselines.json`` of `papertrace.training.baselines`,
those networks stand beside ours. Writes ``classification.md`` and ``classification.json``.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classify.picture.image import load_picture_weights
from classify.records.segments import StripSegment
from classify.signal.network import read_views
from classify.signal.view import FS, cut_to_layout, view_pieces
from classify.signal.weights import Weights, load_weights, predict
from classify.statements import CHALLENGE, CODES, STATEMENTS, group_indices
from digitize.export import written_together
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
from papertrace.benchmarks.report import made_line, provenance, table
from papertrace.datasets.ptbxl import Records, data_folder, load_ptbxl
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
    own = np.broadcast_to(thresholds, probability.shape)
    intervals = bootstrap(lambda i: figures(truth[i], probability[i], own[i]), len(truth), seed=SEED)
    return dict(zip(NAMES, intervals, strict=True))


def price_of_paper(
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
    own, papers = np.broadcast_to(thresholds, cut.shape), np.broadcast_to(paper_thresholds, paper.shape)
    intervals = bootstrap(
        lambda i: figures(truth[i], paper[i], papers[i]) - figures(truth[i], cut[i], own[i]),
        len(truth),
        seed=SEED,
    )
    return dict(zip(NAMES, intervals, strict=True))


def _table(columns: dict[str, dict[str, Interval]]) -> list[str]:
    return table(["figure", *columns], ([name, *(of[name] for of in columns.values())] for name in NAMES))


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
    told = {}
    for name, chosen in groups.items():
        if not chosen.any():
            continue
        truth, own = records.labels[chosen], probability[chosen]
        interval = bootstrap(_superclasses(truth, own), len(truth), seed=SEED)[0]
        told[name] = (int(chosen.sum()), interval)
    return told


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
    own = list(_GROUPS["all statements"])
    said, true = probability[:, own].ravel(), truth[:, own].ravel()
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
    told = {}
    for name, places in _GROUPS.items():
        means = errors[:, list(places)].mean(axis=1)
        low, high = np.percentile(means, (2.5, 97.5))
        told[name] = Interval(float(means.mean()), float(low), float(high))
    return told


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
    told = {}
    for name, network in ours.items():

        def read(pages: Sequence[Sequence[StripSegment]], network: nn.Module = network) -> NDArray[np.float32]:
            return read_views(network, [view_pieces(pieces, FS) for pieces in pages])

        told[name] = compare(read, sum(part.numel() for part in network.parameters()), choice, report)
    return {**told, **(json.loads(baselines.read_text(encoding="utf-8")) if baselines.is_file() else {})}


def _networks(told: dict[str, dict[str, Any]]) -> list[str]:
    names = {"superclass": "superclasses", "rhythm": "rhythm", "all": "all"}
    header = ["network", "shown", "parameters", "ms a page"]
    header += [f"{names[measure]}, fold {fold}" for fold in (CHOICE_FOLD, FOLD) for measure in MEASURES]
    rows = []
    for name, of in told.items():
        for shown in LAYOUTS:
            chosen, reported = of[shown][f"fold {CHOICE_FOLD}"], of[shown][f"fold {FOLD}"]
            rows.append(
                [
                    name,
                    shown,
                    f"{of['parameters'] / 1e6:.2f} M",
                    f"{1000 * of['seconds']:.0f}",
                    *(f"{chosen[measure]['value']:.3f}" for measure in MEASURES),
                    *(Interval(**reported[measure]) for measure in MEASURES),
                ]
            )
    return table(header, rows)


def _superclasses(
    truth: NDArray[np.floating], probability: NDArray[np.floating]
) -> Callable[[NDArray[np.intp]], NDArray[np.float64]]:
    places = list(_GROUPS["superclasses"])

    def mean(chosen: NDArray[np.intp]) -> NDArray[np.float64]:
        each = auroc(truth[chosen][:, places], probability[chosen][:, places])
        return np.array([np.nanmean(each) if np.isfinite(each).any() else np.nan])

    return mean


def _markdown(
    result: dict[str, Any],
    all_records: dict[str, dict[str, Interval]],
    papers: dict[str, dict[str, dict[str, Interval]]],
    people: dict[str, tuple[int, Interval]],
) -> str:
    lines = [
        "# Classification",
        "",
        f"PTB-XL fold {FOLD}, weights {result['weights_version']}; 95 % bootstrap intervals in brackets. Thresholds "
        "and calibration were fixed on fold 8. Of the PhysioNet Challenge 2024's classes, F1 is their macro F.",
        "",
        f"## True signal, {result['records']} records",
        "",
        *_table(all_records),
    ]
    if papers:
        lines += [
            "",
            "## The price of paper",
            "",
            f"Pages of {result['pages']} of these records, as `papertrace.synth`'s presets print them, in many "
            "layouts; beside the true signal of their strips. A page that could not be digitized counts with every "
            "statement denied; `--reader auto` reads its picture.",
            "",
            *table(
                ["pages", "not read", "figure", *next(iter(papers.values()))],
                (
                    [paper, len(result["failures"][paper]), name, *(of[name] for of in columns.values())]
                    for paper, columns in papers.items()
                    for name in NAMES
                    if name.startswith(("macro AUROC", "F1"))
                ),
            ),
        ]
    lines += ["", f"## By sex and age, true signal cut to {LAYOUT}", ""]
    rows = ([name, count, interval] for name, (count, interval) in people.items())
    lines += table(["who", "records", "macro AUROC, superclasses"], rows)
    lines += ["", f"## What probabilities were worth, true signal cut to {LAYOUT}", ""]
    bins = ([f"{said:.3f}", f"{true:.3f}", count] for said, true, count in result["reliability"])
    lines += table(["said, mean", "true", "statements"], bins)
    lines += [
        "",
        "## Calibration error, and what chance alone makes of it",
        "",
        "Over as few records a perfectly calibrated network would show an error, too: the mean, and between what 95 % "
        "of truths lie that are drawn from its probabilities.",
        "",
    ]
    lines += table(
        ["statements", "shown", "error", "by chance alone"],
        (
            [group, shown, told[f"calibration error, {group}"], Interval(**result["by chance"][shown][group])]
            for shown, told in all_records.items()
            for group in _GROUPS
        ),
    )
    each = (
        [
            row["code"],
            row["group"],
            row["positives"],
            *("-" if row[name] is None else f"{row[name]:.3f}" for name in _EACH),
        ]
        for row in result["statements"]
    )
    lines += ["", f"## Statement by statement, true signal cut to {LAYOUT}", ""]
    lines += table(["statement", "group", "positives", "AUROC", "average precision", "F1"], each)
    lines += [
        "",
        "## Beside other networks",
        "",
        "Macro AUROC. The others read the strips in their places in an array of 12 leads and ten seconds; they were "
        "trained on the same records by the same loop, each in one configuration (`papertrace.training.baselines`).",
        "",
        *_networks(result["networks"]),
        "",
        made_line(result["made with"]),
    ]
    return "\n".join(lines) + "\n"


_EACH = ("auroc", "average precision", "f1")


def main(arguments: list[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the command line.
    """
    parser = argparse.ArgumentParser(
        prog="python -m papertrace.benchmarks.classification", description="Score the reading."
    )
    parser.add_argument("--data", type=Path, default=data_folder(), help="PTB-XL's folder (default: %(default)s)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(__file__).parent / "results",
        help="folder for the two files (default: %(default)s)",
    )
    parser.add_argument("--pages", type=int, default=150, help="pages of each kind (default: %(default)s)")
    parser.add_argument("--read", type=Path, default=Path("runs/pages"), help="for what was read of each page")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="pages at a time (default: %(default)s)")
    chosen = parser.parse_args(arguments)

    weights = load_weights()
    both = load_ptbxl(chosen.data, (CHOICE_FOLD, FOLD))
    choice, records = (both.take((both.folds == fold) & both.millivolts) for fold in (CHOICE_FOLD, FOLD))
    whole = predict([view_pieces(cut_to_layout(signal, "12x1"), FS) for signal in records.signals])
    cut = predict([view_pieces(cut_to_layout(signal, LAYOUT), FS) for signal in records.signals])
    all_records = {
        "12 leads, 10 s": score(records.labels, whole, weights.thresholds),
        f"cut to {LAYOUT}": score(records.labels, cut, weights.thresholds),
    }
    people = by_people(records, cut)
    result: dict[str, Any] = {
        "made with": provenance(),
        "weights_version": weights.version,
        "records": len(records),
        "pages": 0,
        "failures": {},
        "reliability": reliability(records.labels, cut),
        "by chance": {
            shown: {group: asdict(interval) for group, interval in by_chance(said).items()}
            for shown, said in zip(all_records, (whole, cut), strict=True)
        },
        "people": {name: {"records": count, **asdict(interval)} for name, (count, interval) in people.items()},
        "statements": _each(records.labels, cut, weights.thresholds),
        "networks": beside_others(weights, choice, records, chosen.out / "baselines.json"),
    }
    papers: dict[str, dict[str, dict[str, Interval]]] = {}
    if chosen.pages > 0:
        printed = choose_pages(records, chosen.pages)
        result["pages"] = len(printed)
        folder, pictures = folder_of_pages(chosen.read), {"image": load_picture_weights("image")}
        for preset in PAPERS:
            pages = read_pages(printed_tasks(printed, (preset,), folder), chosen.jobs)
            known, told = predict([page.truth for page in pages]), read_by_all(pages, pictures)
            signal, auto = told[0], told[-1]
            papers[preset] = {
                "true signal": score(printed.labels, known, weights.thresholds),
                "digitized page": score(printed.labels, signal.probability, signal.thresholds),
                **{
                    name: price_of_paper(
                        printed.labels, known, reader.probability, weights.thresholds, reader.thresholds
                    )
                    for name, reader in (("price (page minus signal)", signal), ("price with --reader auto", auto))
                },
            }
            result["failures"][preset] = [
                f"record {page.task.record}: {page.error}" for page in pages if page.verdict == NOT_READ
            ]
    result["figures"] = {
        part: {column: {name: asdict(value) for name, value in of.items()} for column, of in columns.items()}
        for part, columns in (("all records", all_records), *papers.items())
    }
    text = _markdown(result, all_records, papers, people)
    with written_together(chosen.out) as unfinished:
        (unfinished / "classification.json").write_text(json.dumps(result, indent=1) + "\n")
        (unfinished / "classification.md").write_text(text)
    print(text)


def _each(
    truth: NDArray[np.floating], probability: NDArray[np.floating], thresholds: NDArray[np.floating]
) -> list[dict[str, Any]]:
    """Every statement by itself."""
    told = (auroc(truth, probability), average_precision(truth, probability), f1(truth, probability >= thresholds))
    return [
        {
            "code": statement.code,
            "group": statement.group,
            "positives": int(truth[:, i].sum()),
            **{name: float(of[i]) if np.isfinite(of[i]) else None for name, of in zip(_EACH, told, strict=True)},
        }
        for i, statement in enumerate(STATEMENTS)
    ]


if __name__ == "__main__":
    main()

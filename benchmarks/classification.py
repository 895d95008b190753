"""How well pages are read: ``python -m benchmarks.classification [--data DIR] [--out DIR] [--pages N]``.

Scores the arrhythmia network on PTB-XL's fold 9: on the true signal with every lead for ten seconds, on the true signal
cut to the printed layout, and on pages that were printed from the records and digitised. The last two are compared on
the same records: the difference is the price of paper. Writes ``classification.md`` and ``classification.json``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.report import provenance, table
from classify.diagnose import load_weights, predict
from classify.statements import CODES, STATEMENTS, group_indices
from classify.view import FS, View, cut_to_layout, view_leads, view_pieces
from digitize.export import written_together
from training.ptbxl import Records, data_folder, load_ptbxl, read_500
from training.scores import Interval, auroc, average_precision, bootstrap, calibration_error, f1

FOLD = 9
LAYOUT = "3x4+II"
SEED = 0

_GROUPS = {
    "superclasses": group_indices("superclass"),
    "rhythm statements": group_indices("rhythm"),
    "all statements": tuple(range(len(STATEMENTS))),
}
_MEASURES = ("macro AUROC", "average precision", "F1", "calibration error")
NAMES = tuple(f"{measure}, {group}" for measure in _MEASURES for group in _GROUPS)
"""Names of the figures of `figures`, in their order."""


def figures(
    truth: NDArray[np.floating], probability: NDArray[np.floating], thresholds: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Score predictions.

    Parameters
    ----------
    truth, probability : ndarray, shape (n, statements)
    thresholds : ndarray, shape (statements,)

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
    thresholds : ndarray, shape (statements,)

    Returns
    -------
    dict of str to Interval
    """
    intervals = bootstrap(lambda i: figures(truth[i], probability[i], thresholds), len(truth), seed=SEED)
    return dict(zip(NAMES, intervals, strict=True))


def price_of_paper(
    truth: NDArray[np.floating],
    cut: NDArray[np.floating],
    paper: NDArray[np.floating],
    thresholds: NDArray[np.floating],
) -> dict[str, Interval]:
    """Measure what is lost between the true signal and the page of the same records, with paired intervals.

    Parameters
    ----------
    truth, cut, paper : ndarray, shape (n, statements)
        Truth, and the probabilities from the true signal cut to the layout and from the digitised page.
    thresholds : ndarray, shape (statements,)

    Returns
    -------
    dict of str to Interval
        Page minus true signal.
    """
    intervals = bootstrap(
        lambda i: figures(truth[i], paper[i], thresholds) - figures(truth[i], cut[i], thresholds),
        len(truth),
        seed=SEED,
    )
    return dict(zip(NAMES, intervals, strict=True))


def choose_pages(records: Records, pages: int) -> Records:
    """Choose the records to print: a fixed shuffle's first ones that are there at 500 Hz and in millivolts.

    Parameters
    ----------
    records : Records
    pages : int

    Returns
    -------
    Records
        At most `pages` of them.
    """
    printable = np.flatnonzero([path is not None for path in records.paths_500])
    chosen = np.zeros(len(records), bool)
    chosen[np.random.default_rng(SEED).permutation(printable)[:pages]] = True
    return records.take(chosen)


def digitised_views(records: Records) -> list[View | str]:
    """Print each record, digitise the page and take the network's view of it.

    Parameters
    ----------
    records : Records
        All of them at 500 Hz.

    Returns
    -------
    list of (View or str)
        The error's text for a page that could not be digitised.
    """
    from digitize import trace_leads
    from synth import render_page

    views: list[View | str] = []
    for ecg_id, path in zip(records.ids, tqdm(records.paths_500, desc="pages", disable=None), strict=True):
        assert path is not None
        page = render_page(read_500(path), 500, layout=LAYOUT, dpi=200, seed=int(ecg_id))
        try:
            views.append(view_leads(trace_leads(page.image, fs=500)))
        except ValueError as error:
            views.append(f"record {ecg_id}: {error}")
    return views


def predict_pages(views: Sequence[View | str]) -> NDArray[np.float64]:
    """Probabilities for pages; a page that could not be digitised says nothing, so every statement gets 0.

    Parameters
    ----------
    views : sequence of (View or str)

    Returns
    -------
    ndarray, shape (views, statements), float64
    """
    probabilities = np.zeros((len(views), len(STATEMENTS)))
    read = [place for place, view in enumerate(views) if isinstance(view, View)]
    if read:
        probabilities[read] = predict([view for view in views if isinstance(view, View)])
    return probabilities


def _table(columns: dict[str, dict[str, Interval]]) -> list[str]:
    return table(["figure", *columns], ([name, *(of[name] for of in columns.values())] for name in NAMES))


def _markdown(result: dict[str, Any], all_records: dict[str, dict[str, Interval]], paired: Any) -> str:
    lines = [
        "# Classification",
        "",
        f"PTB-XL fold {FOLD}, weights {result['weights_version']}; 95 % bootstrap intervals in brackets. Thresholds "
        "and temperature were fixed on fold 8.",
        "",
        f"## True signal, {result['records']} records",
        "",
        *_table(all_records),
    ]
    if paired:
        lines += [
            "",
            f"## Digitised page, {result['pages']} of these records, printed as {LAYOUT} at 200 dpi",
            "",
            *_table(paired),
            "",
            f"Pages that could not be digitised: {len(result['failures'])}; they count, with every statement denied.",
        ]
    rows = (
        [row["code"], row["group"], row["positives"], "-" if row["auroc"] is None else f"{row['auroc']:.3f}"]
        for row in result["statements"]
    )
    lines += ["", "## Statement by statement", ""]
    lines += table(["statement", "group", "positives", f"AUROC, true signal cut to {LAYOUT}"], rows)
    made = result["made with"]
    lines += ["", f"Made on {made['date']} with papertrace {made['papertrace']}, commit {made['commit'] or 'unknown'}."]
    return "\n".join(lines) + "\n"


def main(arguments: list[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the command line.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.classification", description="Score the reading.")
    parser.add_argument("--data", type=Path, default=data_folder(), help="PTB-XL's folder (default: %(default)s)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(__file__).parent / "results",
        help="folder for the two files (default: %(default)s)",
    )
    parser.add_argument("--pages", type=int, default=150, help="pages to print and digitise (default: %(default)s)")
    chosen = parser.parse_args(arguments)

    weights = load_weights()
    records = load_ptbxl(chosen.data, (FOLD,))
    records = records.take(records.millivolts)
    whole = predict([view_pieces(cut_to_layout(signal, "12x1"), FS) for signal in records.signals])
    cut = predict([view_pieces(cut_to_layout(signal, LAYOUT), FS) for signal in records.signals])
    all_records = {
        "12 leads, 10 s": score(records.labels, whole, weights.thresholds),
        f"cut to {LAYOUT}": score(records.labels, cut, weights.thresholds),
    }
    each = auroc(records.labels, cut)
    result: dict[str, Any] = {
        "made with": provenance(),
        "weights_version": weights.version,
        "records": len(records),
        "pages": 0,
        "failures": [],
        "statements": [
            {
                "code": code,
                "group": statement.group,
                "positives": int(records.labels[:, i].sum()),
                "auroc": float(each[i]) if np.isfinite(each[i]) else None,
            }
            for i, (code, statement) in enumerate(zip(CODES, STATEMENTS, strict=True))
        ],
    }
    paired: dict[str, dict[str, Interval]] = {}
    if chosen.pages > 0:
        printed = choose_pages(records, chosen.pages)
        views = digitised_views(printed)
        on_paper = predict_pages(views)
        on_signal = cut[np.isin(records.ids, printed.ids)]
        paired = {
            f"true signal cut to {LAYOUT}": score(printed.labels, on_signal, weights.thresholds),
            "digitised page": score(printed.labels, on_paper, weights.thresholds),
            "price of paper (page minus signal)": price_of_paper(
                printed.labels, on_signal, on_paper, weights.thresholds
            ),
        }
        result["pages"] = len(printed)
        result["failures"] = [view for view in views if isinstance(view, str)]
    result["figures"] = {
        part: {column: {name: asdict(value) for name, value in of.items()} for column, of in columns.items()}
        for part, columns in (("all records", all_records), ("printed records", paired))
    }
    text = _markdown(result, all_records, paired)
    with written_together(chosen.out) as unfinished:
        (unfinished / "classification.json").write_text(json.dumps(result, indent=1) + "\n")
        (unfinished / "classification.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()

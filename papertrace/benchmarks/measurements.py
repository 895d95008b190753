"""Judge how well intervals are measured.

``python -m papertrace.benchmarks measurements [--data DIR] [--out DIR] [--pages N]``.

PTB-XL has no intervals, but physicians' statements that are defined by them. On fold 9, at 500 Hz: how well each
measurement tells the records that have its statement from those that do not, what is measured at all, and where normal
ECGs lie beside the reference ranges of healthy people; on the true signal, all of it and cut to a printed layout. Then
pages are printed from the same records and digitized: the difference of every measurement, page minus true signal, is
what paper costs. Writes ``measurements.md`` and ``measurements.json``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from classify.measure.measurements import measure, measure_leads
from classify.records.measurements import Measurements, as_values
from classify.records.segments import StripSegment
from classify.signal.inputs import cut_to_layout
from papertrace.benchmarks.classification import LAYOUT, SEED
from papertrace.benchmarks.options import parser_for
from papertrace.benchmarks.reading import FOLD, choose_pages
from papertrace.benchmarks.report import Report, Section, Table, provenance
from papertrace.datasets.ptbxl import Records, data_folder, read_500
from papertrace.datasets.recordings import load_records
from papertrace.metrics.scores import Interval, auroc, bootstrap

FS = 500

NAMES = ("heart_rate", "rr_variation", "p_share", "pr", "qrs", "qt", "qtc", "axis")
"""The measurements, in the order of the tables."""


@dataclass(frozen=True)
class Question:
    """A statement that a measurement should tell.

    Attributes
    ----------
    title : str
    measured : str
        One of `NAMES`.
    positive : tuple of str
        Codes of which a record has one.
    left_out : tuple of str
        Codes whose records are not asked about.
    sign : int
        1 where the statement means a higher value, -1 where it means a lower one.
    """

    title: str
    measured: str
    positive: tuple[str, ...]
    left_out: tuple[str, ...] = ("PACE",)
    sign: int = 1


QUESTIONS = (
    Question("heart rate, sinus tachycardia", "heart_rate", ("STACH",)),
    Question("heart rate, sinus bradycardia", "heart_rate", ("SBRAD",), sign=-1),
    Question("RR variation, atrial fibrillation", "rr_variation", ("AFIB",)),
    Question("steady P waves, no atrial fibrillation or flutter", "p_share", ("AFIB", "AFLT"), sign=-1),
    Question("PR, first degree AV block or long PR", "pr", ("1AVB", "LPR"), ("AFIB", "AFLT", "PACE")),
    Question("QRS, complete bundle branch block", "qrs", ("CLBBB", "CRBBB")),
    Question("axis, left axis deviation", "axis", ("LAD", "ALAD", "AXL"), sign=-1),
)
"""What is asked. Left axis deviation is PTB-XL's ``heart_axis``, among records whose axis is left or normal (MID)."""

REFERENCE = {"heart_rate": (48, 98), "pr": (113, 212), "qrs": (69, 109), "qt": (325, 452), "qtc": (359, 445)}
"""2nd and 98th percentiles of 46,129 healthy people (Mason et al. 2007)."""

_GROUPS: dict[str, Callable[[frozenset[str]], bool]] = {
    "all": lambda of: True,
    "sinus rhythm": lambda of: bool(of & {"SR", "STACH", "SBRAD", "SARRH"}) and "AFIB" not in of,
    "AFIB": lambda of: "AFIB" in of,
}
_UNITS = {"heart_rate": "/min", "pr": " ms", "qrs": " ms", "qt": " ms", "qtc": " ms", "axis": " degrees"}


def strips_of(signal: NDArray[np.float32], layout: str) -> list[StripSegment]:
    """Cut a recording into strips at their times, as a page shows them.

    Parameters
    ----------
    signal : ndarray, shape (12, n)
        At 500 Hz.
    layout : str

    Returns
    -------
    list of StripSegment
    """
    return list(cut_to_layout(signal, layout, fs=FS))


def values_of(measured: Sequence[Measurements | None]) -> NDArray[np.float64]:
    """Lay measurements out as an array.

    Parameters
    ----------
    measured : sequence of (Measurements or None)
        None for a page that could not be digitized.

    Returns
    -------
    ndarray, shape (records, measurements), float64
        In the order of `NAMES`, NaN where absent.
    """
    rows = np.full((len(measured), len(NAMES)), np.nan)
    for row, one in zip(rows, measured, strict=True):
        if one is not None:
            values = as_values(one)
            row[:] = [np.nan if values[name] is None else values[name] for name in NAMES]
    return rows


def tell(question: Question, values: NDArray[np.float64], codes: Sequence[frozenset[str]]) -> Interval | None:
    """AUROC of one measurement for its statement, among the records on which it was measured.

    Parameters
    ----------
    question : Question
    values : ndarray, shape (records, measurements)
        What `values_of` gave.
    codes : sequence of frozenset
        Statements of each record, its ``heart_axis`` among them.

    Returns
    -------
    Interval or None
        None where the statement is always or never made.
    """
    score = question.sign * values[:, NAMES.index(question.measured)]
    if question.measured == "axis":  # degrees to the left of 135, which lies opposite to where left deviation ends
        score = (score + 135) % 360
    positive = np.array([bool(of & set(question.positive)) for of in codes])
    asked = np.isfinite(score) & np.array([not of & set(question.left_out) for of in codes])
    if question.measured == "axis":
        asked &= positive | np.array(["MID" in of for of in codes])
    truth, score = positive[asked], score[asked]
    if truth.all() or not truth.any():
        return None
    return bootstrap(lambda i: auroc(truth[i, None].astype(float), score[i, None]), len(truth), seed=SEED)[0]


def measured_share(values: NDArray[np.float64]) -> dict[str, float]:
    """Share of the records on which each value was measured."""
    return dict(zip(NAMES, np.isfinite(values).mean(axis=0).tolist(), strict=True))


def differences(page: NDArray[np.float64], signal: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Compare the measurements of pages with those of the true signal, record by record.

    Parameters
    ----------
    page, signal : ndarray, shape (records, measurements)

    Returns
    -------
    dict of str to dict
        By measurement: ``both``, the records on which both measured; ``median`` of page minus signal; ``typical``, the
        median of its absolute value, and ``worst``, the 95th percentile; ``page`` and ``signal``, the shares measured.
        Axes differ by at most 180 degrees.
    """
    found = {}
    for place, name in enumerate(NAMES):
        apart = page[:, place] - signal[:, place]
        if name == "axis":
            apart = (apart + 180) % 360 - 180
        apart = apart[np.isfinite(apart)]
        found[name] = {
            "both": len(apart),
            "median": float(np.median(apart)) if len(apart) else np.nan,
            "typical": float(np.median(np.abs(apart))) if len(apart) else np.nan,
            "worst": float(np.percentile(np.abs(apart), 95)) if len(apart) else np.nan,
            "page": float(np.isfinite(page[:, place]).mean()),
            "signal": float(np.isfinite(signal[:, place]).mean()),
        }
    return found


def measure_pages(records: Records) -> list[Measurements | None]:
    """Print each record, digitize the page and measure it.

    Parameters
    ----------
    records : Records
        All of them at 500 Hz.

    Returns
    -------
    list of (Measurements or None)
        None for a page that could not be digitized.
    """
    from digitize import trace_leads
    from papertrace.synth import render_page

    measured: list[Measurements | None] = []
    for ecg_id, path in zip(records.ids, tqdm(records.paths_500, desc="pages", disable=None), strict=True):
        assert path is not None
        page = render_page(read_500(path), FS, layout=LAYOUT, dpi=200, seed=int(ecg_id))
        try:
            measured.append(measure_leads(trace_leads(page.image, fs=FS)))
        except ValueError:
            measured.append(None)
    return measured


def statements_of(records: Records, folder: Path) -> list[frozenset[str]]:
    """Codes of each record, whatever their likelihood, and its ``heart_axis``.

    Parameters
    ----------
    records : Records
    folder : Path
        PTB-XL's folder.

    Returns
    -------
    list of frozenset
    """
    axis = pd.read_csv(folder / "ptbxl_database.csv", index_col="ecg_id").heart_axis
    return [
        frozenset(codes) | ({axis[ecg_id]} if isinstance(axis[ecg_id], str) else set())
        for ecg_id, codes in zip(records.ids, records.codes, strict=True)
    ]


def judge_signals(
    columns: Mapping[str, NDArray[np.float64]], codes: Sequence[frozenset[str]]
) -> dict[str, dict[str, Any]]:
    """Compare the measurements on true signals with the statements.

    Parameters
    ----------
    columns : mapping of str to ndarray, shape (records, measurements)
        By what was measured, what `values_of` gave.
    codes : sequence of frozenset
        Statements of each record, see `statements_of`.

    Returns
    -------
    dict of str to dict
        ``positives`` by question, and by column ``auroc`` (see `tell`), ``measured`` (the share by group of records)
        and ``normal`` (2nd percentile, median and 98th percentile of normal ECGs).
    """
    normal = np.array(["NORM" in of_record for of_record in codes])
    groups = {name: [belongs(of_record) for of_record in codes] for name, belongs in _GROUPS.items()}
    return {
        "positives": {question.title: _positives(question, codes) for question in QUESTIONS},
        "auroc": {
            column: {question.title: tell(question, values, codes) for question in QUESTIONS}
            for column, values in columns.items()
        },
        "measured": {
            column: {name: measured_share(values[group]) for name, group in groups.items()}
            for column, values in columns.items()
        },
        "normal": {
            column: {
                name: np.nanpercentile(values[normal, NAMES.index(name)], [2, 50, 98]).tolist() for name in REFERENCE
            }
            for column, values in columns.items()
        },
    }


def _positives(question: Question, codes: Sequence[frozenset[str]]) -> int:
    asked = [of_record for of_record in codes if not of_record & set(question.left_out)]
    return sum(bool(of_record & set(question.positive)) for of_record in asked)


def judge_pages(records: Records, pages: int, on_signal: NDArray[np.float64]) -> dict[str, Any]:
    """Compare the measurements on printed pages with those on the true signal.

    Parameters
    ----------
    records : Records
    pages : int
        How many to print.
    on_signal : ndarray, shape (records, measurements)
        What `values_of` gave for the true signals, cut to the layout.

    Returns
    -------
    dict
        ``pages`` that were printed, ``failures`` to digitize one, and ``paper``, see `differences`.
    """
    printed = choose_pages(records, pages)
    measured = measure_pages(printed)
    return {
        "pages": len(printed),
        "failures": sum(page is None for page in measured),
        "paper": differences(values_of(measured), on_signal[np.isin(records.ids, printed.ids)]),
    }


def report(result: Mapping[str, Any]) -> Report:
    """Describe how well intervals are measured.

    Parameters
    ----------
    result : mapping
        What `judge_signals` and `judge_pages` gave, how many ``records`` they are from, and what they were
        ``made with``.

    Returns
    -------
    Report
    """
    sections = [
        Section("", [_about(result), _auroc_table(result)]),
        Section("What is measured", [_MEASURED, _share_table(result["measured"])]),
        Section("Normal ECGs", [_NORMAL, _normal_table(result["normal"])]),
    ]
    if result["pages"]:
        title = f"The price of paper: {result['pages']} of these records, printed as {LAYOUT} at 200 dpi and digitized"
        about = "Page minus the true signal cut to the same layout."
        unread = f"Pages that could not be digitized: {result['failures']}."
        sections.append(Section(title, [about, _paper_table(result["paper"]), unread]))
    return Report("measurements", "Measurements", sections, result["made with"], result)


_MEASURED = (
    "Share of all records, and of those in sinus rhythm (SR, STACH, SBRAD or SARRH, not AFIB) and in atrial "
    "fibrillation; an RR variation needs four beats, a PR interval steady P waves, a QTc a regular rhythm."
)
_NORMAL = (
    "2nd percentile, median and 98th percentile of the records that physicians call normal (NORM), beside the 2nd "
    "and 98th percentiles of 46,129 healthy people (Mason et al. 2007)."
)


def _about(result: Mapping[str, Any]) -> str:
    return (
        f"PTB-XL fold {FOLD} at 500 Hz, {result['records']} records; every choice was made on folds 1 to 8. AUROC of "
        "each measurement for the statement that it defines, among the records on which it was measured, with 95 % "
        "bootstrap intervals."
    )


def _auroc_table(result: Mapping[str, Any]) -> Table:
    columns = result["auroc"]
    titles = [question.title for question in QUESTIONS]
    rows = [
        [title, result["positives"][title], *(columns[column][title] or "-" for column in columns)] for title in titles
    ]
    return Table(["measurement, statement", "records with it", *columns], rows)


def _share_table(measured: Mapping[str, Any]) -> Table:
    header = ["measured", *(f"{column}, {group}" for column in measured for group in _GROUPS)]
    rows = [[name, *(f"{measured[c][group][name]:.0%}" for c in measured for group in _GROUPS)] for name in NAMES]
    return Table(header, rows)


def _normal_table(normal: Mapping[str, Any]) -> Table:
    rows = [
        [
            name,
            *("{:.0f}, {:.0f}, {:.0f}".format(*normal[column][name]) for column in normal),
            "{} to {}".format(*REFERENCE[name]),
        ]
        for name in REFERENCE
    ]
    return Table(["measured", *normal, "healthy people"], rows)


def _paper_table(paper: Mapping[str, Mapping[str, float]]) -> Table:
    header = ["measured", "pages", "signals", "both", "median difference", "median absolute", "95 % within"]
    rows = [
        [
            name,
            f"{paper[name]['page']:.0%}",
            f"{paper[name]['signal']:.0%}",
            paper[name]["both"],
            *(f"{paper[name][key]:.1f}{unit}" for key in ("median", "typical", "worst")),
        ]
        for name, unit in _UNITS.items()
    ]
    return Table(header, rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.
    """
    parser = parser_for("measurements", __doc__, data=data_folder(), data_help="PTB-XL's folder", pages=60, fewest=0)
    chosen = parser.parse_args(arguments)
    records = load_records(chosen.data, (FOLD,))
    records = records.take(np.array([path is not None for path in records.paths_500]))
    on_cut_signal = f"cut to {LAYOUT}"
    columns: dict[str, NDArray[np.float64]] = {}
    for title, layout in (("12 leads, 10 s", "12x1"), (on_cut_signal, LAYOUT)):
        measured = [
            measure(strips_of(read_500(path), layout), FS)
            for path in tqdm(records.paths_500, desc=layout, disable=None)
            if path is not None
        ]
        columns[title] = values_of(measured)
    result = {
        "made with": provenance(),
        "records": len(records),
        "pages": 0,
        **judge_signals(columns, statements_of(records, chosen.data)),
        **(judge_pages(records, chosen.pages, columns[on_cut_signal]) if chosen.pages else {}),
    }
    report(result).write(chosen.out)

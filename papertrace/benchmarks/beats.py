"""Score how beats are found and named.

``python -m papertrace.benchmarks beats [--folds DIR] [--data DIR] [--out DIR]``.

Scores the beats of MIT-BIH's DS1 as they are read in use: on strips of ten seconds, at beats that were looked for. The
beats of each record are named by the networks of the cross-validation of ``python -m papertrace.training.beats`` that
have not seen the patient; their folder is asked for, for only the networks that saw everybody are kept with the code. A
beat is found where it lies within 150 ms of an annotated one (`wfdb.processing.compare_annotations`). Intervals are of
resampled patients. Writes ``beats.md`` and ``beats.json``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from classify.beats.beats import load_network
from classify.measure.peaks import find_r_peaks
from classify.records.beats import CLASSES
from classify.signal.network import Ensemble
from papertrace.benchmarks.options import parser_for
from papertrace.benchmarks.report import Report, Section, Table, provenance
from papertrace.datasets.mitbih import DS1, Recording, data_folder, load_mitbih
from papertrace.metrics.beats import NONE, confusion, figures, found_or_not, match, outside
from papertrace.metrics.scores import Interval, bootstrap
from papertrace.training.beat_strips import STRIP_S
from papertrace.training.beats import count_beats, main_lead

SEED = 0

MEASURES = ("sensitivity", "PPV", "F1")

Detector = Callable[[NDArray[np.float32], int], NDArray[np.int64]]


def neurokit(signal: NDArray[np.float32], fs: int) -> NDArray[np.int64]:
    """NeuroKit2's own detector (Makowski et al. 2021), for comparison."""
    import neurokit2

    return np.asarray(neurokit2.ecg_peaks(neurokit2.ecg_clean(signal, fs), fs)[1]["ECG_R_Peaks"], np.int64)


def count_found(recording: Recording, lead: int, seconds: float | None, detect: Detector) -> NDArray[np.int64]:
    """Count beats that were found, missed and invented.

    Parameters
    ----------
    recording : Recording
    lead : int
    seconds : float or None
        Length of the strips to cut the record into; None to search all of it at once.
    detect : callable
        Takes a signal and its sampling frequency, gives samples.

    Returns
    -------
    ndarray, shape (classes + 1, classes + 1), int64
        See `papertrace.metrics.beats.confusion`, every beat as if of the first class.
    """
    fs, signal = recording.fs, recording.signal[lead]
    length = len(signal) if seconds is None else round(seconds * fs)
    starts = range(0, len(signal), length)
    found = np.unique(np.concatenate([detect(signal[start : start + length], fs) + start for start in starts]))
    margin = round(0.15 * fs)
    found = found[outside(found, recording.flutter, margin)]
    annotated = recording.samples[outside(recording.samples, recording.flutter, margin)]
    zeros = np.zeros(len(annotated), np.int64)
    return confusion(zeros, np.zeros(len(found), np.int64), match(annotated, found, fs))


def score_found(counts: NDArray[np.int64]) -> dict[str, Interval]:
    """Sensitivity, positive predictive value and F1 of finding beats, with intervals.

    Parameters
    ----------
    counts : ndarray, shape (records, classes + 1, classes + 1)

    Returns
    -------
    dict of str to Interval
    """
    intervals = bootstrap(lambda i: found_or_not(counts[i].sum(axis=0)), len(counts), seed=SEED)
    return dict(zip(MEASURES, intervals, strict=True))


def score_classes(counts: NDArray[np.int64]) -> dict[str, dict[str, Interval]]:
    """Sensitivity, positive predictive value and F1 of each class, with intervals.

    Parameters
    ----------
    counts : ndarray, shape (records, classes + 1, classes + 1)

    Returns
    -------
    dict
        By class and measure; NaN where a class is never called.
    """
    with np.errstate(invalid="ignore"):
        intervals = bootstrap(lambda i: np.nan_to_num(figures(counts[i].sum(axis=0))).ravel(), len(counts), seed=SEED)
    rows = np.array(intervals, dtype=object).reshape(len(CLASSES), len(MEASURES))
    return {name: dict(zip(MEASURES, row, strict=True)) for name, row in zip(CLASSES, rows, strict=True)}


def ventricular_ec57(counts: NDArray[np.int64]) -> float:
    """F1 of class V as ANSI/AAMI EC57 counts it: fusion and unclassifiable beats that were called V are no errors."""
    counts = counts.copy()
    ventricular = CLASSES.index("V")
    counts[[CLASSES.index("F"), CLASSES.index("Q")], ventricular] = 0
    return float(figures(counts)[ventricular, 2])


def load_folds(folder: Path, recordings: Sequence[Recording]) -> dict[str, Ensemble]:
    """Load the networks of a cross-validation.

    Parameters
    ----------
    folder : Path
        With ``fold-0.safetensors``, ``fold-0.json``, ...
    recordings : sequence of Recording

    Returns
    -------
    dict
        By record, the networks that have not seen it.

    Raises
    ------
    ValueError
        If a record was held out by none.
    """
    networks = {}
    for path in sorted(folder.glob("fold-*.safetensors")):
        record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        networks.update(dict.fromkeys(record["held out"], load_network(path)[0]))
    missing = [recording.name for recording in recordings if recording.name not in networks]
    if missing:
        raise ValueError(
            f"{folder}: no network held out {', '.join(missing)}; `python -m papertrace.training.beats` writes them"
        )
    return networks


def find_beats(recordings: Sequence[Recording]) -> dict[str, dict[str, Interval]]:
    """Score the detectors, on strips and on whole records.

    Parameters
    ----------
    recordings : sequence of Recording

    Returns
    -------
    dict of str to dict
        By detector, what `score_found` gives.
    """
    searches: tuple[tuple[str, bool, float | None, Detector], ...] = (
        ("limb lead, strips of 10 s", True, STRIP_S, find_r_peaks),
        ("limb lead, whole record", True, None, find_r_peaks),
        ("chest lead, strips of 10 s", False, STRIP_S, find_r_peaks),
        ("NeuroKit2's, limb lead, whole record", True, None, neurokit),
    )
    found = {}
    for name, limb, seconds, detect in searches:
        counts = [
            count_found(recording, main_lead(recording) if limb else 1 - main_lead(recording), seconds, detect)
            for recording in tqdm(recordings, desc=name, disable=None)
        ]
        found[name] = score_found(np.stack(counts))
    return found


def name_beats(recordings: Sequence[Recording], networks: Mapping[str, Ensemble]) -> dict[str, Any]:
    """Score the classes of the beats, each record by a network that has not seen it.

    Parameters
    ----------
    recordings : sequence of Recording
    networks : mapping of str to Ensemble
        See `load_folds`.

    Returns
    -------
    dict
        ``classes`` of the beats that were looked for and ``classes, annotated beats`` (see `score_classes`),
        ``V, EC57`` (see `ventricular_ec57`), and the ``confusion`` of all ``records`` and of each.
    """
    counts, known = (
        np.stack(
            [
                count_beats(recording, main_lead(recording), networks[recording.name], annotated)
                for recording in recordings
            ]
        )
        for annotated in (False, True)
    )
    return {
        "classes": score_classes(counts),
        "classes, annotated beats": score_classes(known),
        "V, EC57": ventricular_ec57(counts.sum(axis=0)),
        "confusion": counts.sum(axis=0).tolist(),
        "records": {
            recording.name: of_record.tolist() for recording, of_record in zip(recordings, counts, strict=True)
        },
    }


def report(result: Mapping[str, Any]) -> Report:
    """Describe how beats are found and named.

    Parameters
    ----------
    result : mapping
        ``found`` as `find_beats` gave it, what `name_beats` gave, and what they were ``made with``.

    Returns
    -------
    Report
    """
    confusion = np.array(result["confusion"])
    about = (
        f"MIT-BIH's DS1, {len(result['records'])} patients, {int(confusion[:NONE].sum())} beats; 95 % intervals over "
        "resampled patients in brackets. Ventricular flutter is left out, as ANSI/AAMI EC57 has it."
    )
    on_strips = (
        f"On strips of {STRIP_S:g} s of the limb lead, beats looked for; a missed beat counts against sensitivity, an "
        "invented one against PPV."
    )
    ventricular = (
        f"V as EC57 counts it, where a fusion beat called V is no error: F1 {result['V, EC57']:.3f}. Nearly all beats "
        "of class F are one patient's and hardly any is of class Q: what is out of fold has seen none of them."
    )
    sections = [
        Section("", [about]),
        Section("Beats found, within 150 ms", [_found_table(result["found"])]),
        Section("Beats named, out of fold", [on_strips, _class_table(result, confusion), ventricular]),
        Section("What was called what", [_confusion_table(confusion)]),
        Section("Record by record", [_record_table(result["records"])]),
    ]
    return Report("beats", "Beats", sections, result["made with"], result)


def _found_table(found: Mapping[str, Mapping[str, Interval]]) -> Table:
    rows = [[name, *(scores[measure] for measure in MEASURES)] for name, scores in found.items()]
    return Table(["detector", *MEASURES], rows)


def _class_table(result: Mapping[str, Any], confusion: NDArray[np.int64]) -> Table:
    rows = [
        [
            name,
            int(confusion[row].sum()),
            *(result["classes"][name][measure] for measure in MEASURES),
            result["classes, annotated beats"][name]["F1"],
        ]
        for row, name in enumerate(CLASSES)
    ]
    return Table(["class", "beats", *MEASURES, "F1, annotated beats"], rows)


def _confusion_table(confusion: NDArray[np.int64]) -> Table:
    names = [*CLASSES, "no beat"]
    rows = [[name, *counts] for name, counts in zip(names, confusion[:, : NONE + 1].tolist(), strict=True)]
    return Table(["annotated", *CLASSES, "missed"], rows)


def _record_table(records: Mapping[str, Any]) -> Table:
    header = ["record", "beats", "S", "V", "S: sensitivity", "S: PPV", "V: sensitivity", "V: PPV"]
    return Table(header, [_record_row(name, np.array(counts)) for name, counts in records.items()])


def _record_row(name: str, counts: NDArray[np.int64]) -> list[object]:
    scores = figures(counts)
    places = [CLASSES.index("S"), CLASSES.index("V")]
    shares = [scores[place, column] for place in places for column in (0, 1)]
    return [
        name,
        int(counts[:NONE].sum()),
        *(int(counts[place].sum()) for place in places),
        *("-" if np.isnan(value) else f"{value:.3f}" for value in shares),
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.
    """
    parser = parser_for("beats", __doc__, data=data_folder(), data_help="MIT-BIH's folder")
    parser.add_argument(
        "--folds",
        type=Path,
        default=Path("runs/beats/folds"),
        help="the networks that papertrace.training.beats left there (default: %(default)s)",
    )
    chosen = parser.parse_args(arguments)
    recordings = load_mitbih(chosen.data, DS1)
    try:
        networks = load_folds(chosen.folds, recordings)
    except ValueError as error:
        parser.error(str(error))
    found = find_beats(recordings)
    report({"made with": provenance(), "found": found, **name_beats(recordings, networks)}).write(chosen.out)

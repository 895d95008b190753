"""How well beats are found and named: ``python -m papertrace.benchmarks.beats --folds DIR [--data DIR] [--out DIR]``.

Scores the beats of MIT-BIH's DS1 as they are read in use: on strips of ten seconds, at beats that were looked for. The
beats of each record are named by the networks of the cross-validation of ``python -m papertrace.training.beats`` that
have not seen the patient; their folder is asked for, for only the networks that saw everybody are kept with the code. A
beat is found where it lies within 150 ms of an annotated one (`wfdb.processing.compare_annotations`). Intervals are of
resampled patients. Writes ``beats.md`` and ``beats.json``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from classify.beats.beats import load_network
from classify.measure.peaks import find_r_peaks
from classify.records.beats import CLASSES
from classify.signal.network import Ensemble
from digitize.export import written_together
from papertrace.benchmarks.report import made_line, provenance, table
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
        told = bootstrap(lambda i: np.nan_to_num(figures(counts[i].sum(axis=0))).ravel(), len(counts), seed=SEED)
    rows = np.array(told, dtype=object).reshape(len(CLASSES), len(MEASURES))
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
    missing = [one.name for one in recordings if one.name not in networks]
    if missing:
        raise ValueError(
            f"{folder}: no network held out {', '.join(missing)}; `python -m papertrace.training.beats` writes them"
        )
    return networks


def _markdown(result: dict[str, Any], found: dict[str, dict[str, Interval]], classes: Any, annotated: Any) -> str:
    total = np.array(result["confusion"])
    names = [*CLASSES, "missed"]
    rows = [[name, *counts] for name, counts in zip([*CLASSES, "no beat"], total[:, : NONE + 1].tolist(), strict=True)]
    lines = [
        "# Beats",
        "",
        f"MIT-BIH's DS1, {len(result['records'])} patients, {int(total[:NONE].sum())} beats; 95 % intervals over "
        "resampled patients in brackets. Ventricular flutter is left out, as ANSI/AAMI EC57 has it.",
        "",
        "## Beats found, within 150 ms",
        "",
        *table(["detector", *MEASURES], [[name, *(of[measure] for measure in MEASURES)] for name, of in found.items()]),
        "",
        "## Beats named, out of fold",
        "",
        f"On strips of {STRIP_S:g} s of the limb lead, beats looked for; a missed beat counts against sensitivity, an "
        "invented one against PPV.",
        "",
        *table(
            ["class", "beats", *MEASURES, "F1, annotated beats"],
            [
                [name, int(total[row].sum()), *(classes[name][measure] for measure in MEASURES), annotated[name]["F1"]]
                for row, name in enumerate(CLASSES)
            ],
        ),
        "",
        f"V as EC57 counts it, where a fusion beat called V is no error: F1 {result['V, EC57']:.3f}. Nearly all beats "
        "of class F are one patient's and hardly any is of class Q: what is out of fold has seen none of them.",
        "",
        "## What was called what",
        "",
        *table(["annotated", *names], rows),
        "",
        "## Record by record",
        "",
        *table(
            ["record", "beats", "S", "V", "S: sensitivity", "S: PPV", "V: sensitivity", "V: PPV"],
            [_record_row(name, np.array(counts)) for name, counts in result["records"].items()],
        ),
    ]
    lines += ["", made_line(result["made with"])]
    return "\n".join(lines) + "\n"


def _record_row(name: str, counts: NDArray[np.int64]) -> list[object]:
    told = figures(counts)
    places = [CLASSES.index("S"), CLASSES.index("V")]
    shares = [told[place, column] for place in places for column in (0, 1)]
    return [
        name,
        int(counts[:NONE].sum()),
        *(int(counts[place].sum()) for place in places),
        *("-" if np.isnan(value) else f"{value:.3f}" for value in shares),
    ]


def main(arguments: list[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the command line.
    """
    parser = argparse.ArgumentParser(prog="python -m papertrace.benchmarks.beats", description="Score the beats.")
    parser.add_argument("--data", type=Path, default=data_folder(), help="MIT-BIH's folder (default: %(default)s)")
    parser.add_argument(
        "--folds",
        type=Path,
        default=Path("runs/beats/folds"),
        help="the networks that papertrace.training.beats left there (default: %(default)s)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(__file__).parent / "results",
        help="folder for the two files (default: %(default)s)",
    )
    chosen = parser.parse_args(arguments)
    recordings = load_mitbih(chosen.data, DS1)
    try:
        networks = load_folds(chosen.folds, recordings)
    except ValueError as error:
        parser.error(str(error))

    ways: tuple[tuple[str, bool, float | None, Detector], ...] = (
        ("limb lead, strips of 10 s", True, STRIP_S, find_r_peaks),
        ("limb lead, whole record", True, None, find_r_peaks),
        ("chest lead, strips of 10 s", False, STRIP_S, find_r_peaks),
        ("NeuroKit2's, limb lead, whole record", True, None, neurokit),
    )
    found = {
        name: score_found(
            np.stack(
                [
                    count_found(one, main_lead(one) if limb else 1 - main_lead(one), seconds, detect)
                    for one in tqdm(recordings, desc=name, disable=None)
                ]
            )
        )
        for name, limb, seconds, detect in ways
    }
    counts, known = (
        np.stack([count_beats(one, main_lead(one), networks[one.name], annotated) for one in recordings])
        for annotated in (False, True)
    )
    classes, annotated = score_classes(counts), score_classes(known)
    result: dict[str, Any] = {
        "made with": provenance(),
        "found": {name: {key: asdict(value) for key, value in of.items()} for name, of in found.items()},
        "classes": {name: {key: asdict(value) for key, value in of.items()} for name, of in classes.items()},
        "classes, annotated beats": {
            name: {key: asdict(value) for key, value in of.items()} for name, of in annotated.items()
        },
        "V, EC57": ventricular_ec57(counts.sum(axis=0)),
        "confusion": counts.sum(axis=0).tolist(),
        "records": {one.name: own.tolist() for one, own in zip(recordings, counts, strict=True)},
    }
    text = _markdown(result, found, classes, annotated)
    with written_together(chosen.out) as unfinished:
        (unfinished / "beats.json").write_text(json.dumps(result, indent=1) + "\n")
        (unfinished / "beats.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()

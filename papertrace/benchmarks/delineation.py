"""Judge intervals and axis: ``python -m papertrace.benchmarks delineation [--data DIR] [--out DIR]``.

In the Lobachevsky University Database (Kalyakulina et al. 2020), cardiologists marked where the waves of every beat
begin and end, lead by lead. `classify.measure.measurements.measure` is compared with the median over the leads of what
they marked: as recorded; with noise of the MIT-BIH Noise Stress Test Database (Moody et al. 1984); and with all but 10
ms of every PR segment cut out, so that the P wave stands right beside the QRS complex as it does in fast hearts. Then
hearts of `papertrace.synth.simulator` are measured, whose intervals and axis are known by construction, at rates of 50
to 180. Nothing was fitted on either. Writes ``delineation.md`` and ``delineation.json``.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from classify.measure.measurements import measure
from classify.records.measurements import Measurements
from classify.records.segments import StripSegment
from digitize.records.layouts import LEAD_NAMES
from papertrace.benchmarks.options import parser_for
from papertrace.benchmarks.report import Report, Section, Table, provenance
from papertrace.datasets.ptbxl import data_folder, restore_limb_ratios
from papertrace.metrics.scores import Interval, bootstrap
from papertrace.synth.simulator import draw_heart, simulate

FS = 500
NAMES = ("pr", "qrs", "qt", "axis")
RATES = (50, 70, 90, 110, 130, 150, 180)
SEEDS = 20
NOISES = ("bw", "em", "ma")
SNRS_DB = (12, 6)

_LEVEL = 8  # samples before the onset
_SAME_BEAT = 50
_LEFT_MS = 10.0


@dataclass(frozen=True, eq=False)
class Marked:
    """A record and what cardiologists marked on it.

    Attributes
    ----------
    signal : ndarray, shape (12, n), float32
        The limb leads in their proportions to each other (LUDB has every lead scaled to a range of 1).
    beats : ndarray, shape (beats, 5), float64
        Samples of the onset and end of the P wave, onset and end of the QRS complex and end of the T wave: medians
        over the leads, NaN where none is marked.
    """

    signal: NDArray[np.float32]
    beats: NDArray[np.float64]


def read_marked(path: Path) -> Marked:
    """Read a record of LUDB.

    Parameters
    ----------
    path : Path
        Without suffix.

    Returns
    -------
    Marked
    """
    import wfdb

    record = wfdb.rdrecord(str(path))
    found = {}
    for lead in LEAD_NAMES:
        annotation = wfdb.rdann(str(path), lead.lower())
        found[lead] = beats_of(annotation.sample, annotation.symbol)
    signal = np.asarray(record.p_signal.T, np.float32)
    return Marked(restore_limb_ratios(signal), median_beats(found))


def beats_of(samples: Sequence[int], symbols: Sequence[str]) -> NDArray[np.float64]:
    """Collect the beats of one lead's annotation.

    Parameters
    ----------
    samples : sequence of int
    symbols : sequence of str
        ``(`` before and ``)`` after the peak of each wave, ``p``, ``N`` or ``t``.

    Returns
    -------
    ndarray, shape (beats, 6), float64
        Peak of the QRS complex, then the columns of `Marked.beats`; NaN where a wave is not marked.

    Examples
    --------
    >>> beats_of([5, 9, 14, 40, 45, 52], ["(", "p", ")", "(", "N", ")"]).tolist()
    [[45.0, 5.0, 14.0, 40.0, 52.0, nan]]
    """
    kinds = [(kind, place) for place, kind in enumerate(symbols) if kind in ("p", "N", "t")]

    def bounds(number: int, kind: str) -> tuple[float, float]:
        if not 0 <= number < len(kinds) or kinds[number][0] != kind:
            return np.nan, np.nan
        place = kinds[number][1]
        opened, closed = place > 0 and symbols[place - 1] == "(", symbols[place + 1 : place + 2] == [")"]
        return float(samples[place - 1]) if opened else np.nan, float(samples[place + 1]) if closed else np.nan

    rows = [
        (float(samples[place]), *bounds(number - 1, "p"), *bounds(number, "N"), bounds(number + 1, "t")[1])
        for number, (kind, place) in enumerate(kinds)
        if kind == "N"
    ]
    return np.array(rows, np.float64).reshape(-1, 6)


def median_beats(found: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Take the median over the leads of the beats that stand at one time.

    Parameters
    ----------
    found : dict of str to ndarray
        By lead, what `beats_of` gave.

    Returns
    -------
    ndarray, shape (beats, 5), float64
        One row for each beat of lead II.
    """
    rows = []
    for peak in found["II"][:, 0]:
        same = [row for beats in found.values() for row in beats if abs(row[0] - peak) < _SAME_BEAT]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a wave that no lead has
            rows.append(np.nanmedian(np.array(same)[:, 1:], axis=0))
    return np.array(rows).reshape(-1, 5)


def truth_of(marked: Marked) -> dict[str, float]:
    """Intervals and axis by what cardiologists marked.

    Parameters
    ----------
    marked : Marked

    Returns
    -------
    dict
        By the names of `NAMES`: medians over the beats, milliseconds and degrees. The axis is that of the net areas of
        I and aVF between the marked bounds, about the level before the onset. NaN where nothing is marked.
    """
    p_on, _, on, end, t_end = marked.beats.T
    areas = []
    for first, last in zip(on, end, strict=True):
        if np.isfinite((first, last)).all() and first >= _LEVEL:
            limb = marked.signal[[0, 5], int(first) - _LEVEL : int(last) + 1]
            areas.append((limb[:, _LEVEL:] - np.median(limb[:, : _LEVEL + 1], axis=1, keepdims=True)).sum(axis=1))
    left, down = np.median(areas, axis=0) if areas else (np.nan, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        pr, qrs, qt = (1000 / FS * float(np.nanmedian(each)) for each in (on - p_on, end - on, t_end - on))
    return {"pr": pr, "qrs": qrs, "qt": qt, "axis": float(np.degrees(np.arctan2(down * 2 / np.sqrt(3), left)))}


def without_pr_segments(marked: Marked) -> Marked:
    """Cut all but 10 ms out of every PR segment.

    Parameters
    ----------
    marked : Marked

    Returns
    -------
    Marked
        Shorter, and so faster.

    Examples
    --------
    >>> cut = without_pr_segments(Marked(np.arange(200.0)[None], np.array([[10.0, 60.0, 91.0, 131.0, 180.0]])))
    >>> cut.signal.shape, cut.beats.tolist()
    ((1, 174), [[10.0, 60.0, 65.0, 105.0, 154.0]])
    """
    kept = np.ones(marked.signal.shape[1], bool)
    for _, p_end, onset, *_ in marked.beats:
        if np.isfinite((p_end, onset)).all():
            # From its middle: what is marked as the end of the P wave and the onset may be some milliseconds off.
            middle, half = (p_end + onset) / 2, (onset - p_end - _LEFT_MS * FS / 1000) / 2
            kept[round(middle - half) : max(round(middle + half), round(middle - half))] = False
    before = np.concatenate([[0], np.cumsum(kept)]).astype(np.float64)
    beats = np.interp(marked.beats, np.arange(len(before)), before)
    return Marked(marked.signal[:, kept], np.where(np.isfinite(marked.beats), beats, np.nan))


def with_noise(
    signal: NDArray[np.float32], noises: Sequence[NDArray[np.float32]], snr_db: float, seed: int
) -> NDArray[np.float32]:
    """Add recorded noise to each lead.

    Parameters
    ----------
    signal : ndarray, shape (leads, n)
    noises : sequence of ndarray, shape (channels, m)
        Of each lead, a stretch of one channel of one of them is added.
    snr_db : float
        Of a lead's squared range over eight, as in the Noise Stress Test Database, to the noise's mean square.
    seed : int

    Returns
    -------
    ndarray, shape (leads, n), float32
    """
    rng = np.random.default_rng(seed)
    noisy = signal.astype(np.float64)
    for lead in noisy:
        noise = noises[int(rng.integers(len(noises)))]
        start = rng.integers(noise.shape[1] - len(lead))
        stretch = noise[rng.integers(len(noise)), start : start + len(lead)]
        stretch = stretch - stretch.mean()
        lead += stretch * np.sqrt(np.ptp(lead) ** 2 / 8 / 10 ** (snr_db / 10) / np.mean(stretch**2))
    return noisy.astype(np.float32)


def read_noises(folder: Path) -> list[NDArray[np.float32]]:
    """Read baseline wander, electrode motion and muscle noise at 500 Hz, each of shape (channels, n)."""
    import wfdb
    from scipy.signal import resample_poly

    noises = []
    for name in NOISES:
        record = wfdb.rdrecord(str(folder / name))
        noises.append(resample_poly(record.p_signal.T, FS, record.fs, axis=1).astype(np.float32))
    return noises


def errors(measured: Sequence[Measurements], truths: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Compare measurements with the truth.

    Parameters
    ----------
    measured : sequence of Measurements
    truths : sequence of dict

    Returns
    -------
    dict
        By the names of `NAMES`: ``n`` records with both, of ``asked`` with a truth; ``mean`` of measured minus true
        with its 95 % bootstrap interval, ``sd``; of the axis ``within_30`` and ``beyond_90``, counts of records.
    """
    compared: dict[str, Any] = {}
    for name in NAMES:
        values = [getattr(measurements, name).value for measurements in measured]
        pairs = [(np.nan if value is None else value, truth[name]) for value, truth in zip(values, truths, strict=True)]
        value, truth = np.array(pairs).T
        apart = value - truth
        if name == "axis":
            apart = (apart + 180) % 360 - 180
        apart = apart[np.isfinite(apart)]
        compared[name] = {"n": len(apart), "asked": int(np.isfinite(truth).sum()), "mean": None, "sd": None}
        if len(apart) > 1:
            compared[name] |= {"mean": asdict(_mean(apart)), "sd": float(apart.std(ddof=1))}
        if name == "axis":
            compared[name] |= {"within_30": int((abs(apart) <= 30).sum()), "beyond_90": int((abs(apart) > 90).sum())}
    return compared


def _mean(values: NDArray[np.float64]) -> Interval:
    return bootstrap(lambda drawn: np.array([values[drawn].mean()]), len(values))[0]


def measure_all(signal: NDArray[np.float32]) -> Measurements:
    """Measure twelve leads of any length.

    Parameters
    ----------
    signal : ndarray, shape (12, n)
        At 500 Hz.

    Returns
    -------
    Measurements
    """
    return measure([StripSegment(lead, row) for lead, row in zip(LEAD_NAMES, signal, strict=True)], FS)


def judge_marked(records: Sequence[Marked], noises: Sequence[NDArray[np.float32]]) -> dict[str, Any]:
    """Measure the records under every condition.

    Parameters
    ----------
    records : sequence of Marked
    noises : sequence of ndarray
        What `read_noises` gave.

    Returns
    -------
    dict
        By condition, what `errors` gave.
    """
    truths = [truth_of(record) for record in records]
    cut = [without_pr_segments(record) for record in records]
    judged = {
        "as recorded": errors([measure_all(record.signal) for record in tqdm(records, disable=None)], truths),
        "PR segment of 10 ms": errors(
            [measure_all(record.signal) for record in tqdm(cut, disable=None)], [truth_of(record) for record in cut]
        ),
    }
    for snr in SNRS_DB:
        noisy = [with_noise(record.signal, noises, snr, seed) for seed, record in enumerate(records)]
        judged[f"noise, {snr} dB"] = errors([measure_all(signal) for signal in tqdm(noisy, disable=None)], truths)
    return judged


def judge_simulated(rates: Sequence[int] = RATES, seeds: int = SEEDS) -> dict[str, Any]:
    """Measure simulated hearts.

    Parameters
    ----------
    rates : sequence of int
        Beats a minute.
    seeds : int
        Hearts at each.

    Returns
    -------
    dict
        By rate, what `errors` gave.
    """
    judged = {}
    for rate in tqdm(rates, desc="simulated", disable=None):
        truths = [asdict(draw_heart(rate, seed)) for seed in range(seeds)]
        signals = [simulate(10.0, FS, rate, seed).astype(np.float32) for seed in range(seeds)]
        judged[f"{rate}/min"] = errors([measure_all(signal) for signal in signals], truths)
    return judged


def report(result: Mapping[str, Any]) -> Report:
    """Describe how far measurements are from the truth.

    Parameters
    ----------
    result : mapping
        What `judge_marked` (``ludb``) and `judge_simulated` (``simulated``) gave, how many ``records`` and ``seeds``
        they are from, and what they were ``made with``.

    Returns
    -------
    Report
    """
    cardiologists = (
        "Truth is the median over the leads of what cardiologists marked; the axis is that of the net areas of I and "
        "aVF between their bounds."
    )
    sections = [
        Section("", [_ABOUT]),
        Section(
            f"Cardiologists: {result['records']} records of LUDB", [cardiologists, _table("signal", result["ludb"])]
        ),
        Section(f"Simulated hearts: {result['seeds']} at each rate", [_table("rate", result["simulated"])]),
    ]
    return Report("delineation", "Delineation", sections, result["made with"], result)


_ABOUT = (
    "Measured minus true: mean with its 95 % bootstrap interval ± standard deviation, and in brackets on how many "
    "records both are known. Axes: on how many records, and how many differ by at most 30 and by more than 90 "
    "degrees. Nothing was fitted on these signals."
)


def _table(what: str, judged: Mapping[str, Any]) -> Table:
    header = [what, "PR", "QRS", "QT", "axes measured", "within 30 degrees", "wrong by more than 90"]
    rows = [
        [
            condition,
            *(_cell(errors_of[name], " ms") for name in NAMES[:-1]),
            f"{errors_of['axis']['n']} of {errors_of['axis']['asked']}",
            errors_of["axis"]["within_30"],
            errors_of["axis"]["beyond_90"],
        ]
        for condition, errors_of in judged.items()
    ]
    return Table(header, rows)


def _cell(error: Mapping[str, Any], unit: str) -> str:
    mean = error["mean"]
    if mean is None:
        return f"- ({error['n']})"
    interval = f"({mean['low']:+.1f} to {mean['high']:+.1f})"
    return f"{mean['value']:+.1f} {interval} ± {error['sd']:.1f}{unit} ({error['n']})"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.
    """
    parser = parser_for("delineation", __doc__, data=data_folder().parent, data_help="folder of ludb and noise")
    chosen = parser.parse_args(arguments)
    paths = sorted((chosen.data / "ludb").glob("*.hea"), key=lambda path: int(path.stem))
    if not paths:
        parser.error(f"{chosen.data / 'ludb'} holds no records; allowed: a folder of LUDB's .hea files")
    records = [read_marked(path.with_suffix("")) for path in tqdm(paths, desc="LUDB", disable=None)]
    result = {
        "made with": provenance(),
        "records": len(records),
        "seeds": SEEDS,
        "ludb": judge_marked(records, read_noises(chosen.data / "noise")),
        "simulated": judge_simulated(),
    }
    report(result).write(chosen.out)

"""How sure each sample is: the probability that it lies within 0.1 mV of the truth.

What goes wrong with a trace leaves features that can be measured without knowing the truth: pale or thick ink under the
path, a jump, unexplained ink beside it, another row close by, a hidden stretch that was bridged. Where a network
corrected the traces (`digitize.refine.correct`), what it says of them is one more feature. A small network weighs these
features; it was trained on pages that `papertrace.synth` prints, against the errors that this package really makes on
them, corrected and not (``python -m papertrace.training.confidence``), so its output is a probability and can be held
to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from digitize.records.results import Strip
from digitize.records.traces import Traces, TraceState
from digitize.records.upright import PIXELS_PER_MM
from digitize.records.weights import check_names, check_shapes, read_weights
from digitize.strips.agreement import compare_strips
from digitize.tracing.trace import erase_traces

TOLERANCE_MV = 0.1
"""Error within which a sample counts as right, the strip's median error apart: paper does not tell where 0 mV lies."""

PATH_FEATURES = (
    *("ink", "thickness", "slope", "steepest", "bend", "stray", "stray_near", "apart", "away", "radius", "noise"),
    *("bridged", "shared", "broken", "from_end", "grid", "tolerance", "named", "corrected", "sure"),
)
"""What is seen of a sample where it was traced, in this order (`measure`)."""

STRIP_FEATURES = (
    *("own", "beside", "together", "least_together", "repeated", "unrepeated", "law", "no_law", "guessed"),
    *("columns", "strips", "no_pulse", "page_stray", "page_broken"),
)
"""What is seen of it among the page's strips (`measure_strips`): a page can be traced well and still be misread."""

FEATURES = PATH_FEATURES + STRIP_FEATURES
"""What the network sees of a sample, in this order."""

PAGE_FEATURES = (
    *("expected", "least_expected", "tenth_expected", "most_unrepeated", "least_together", "law", "no_law", "guessed"),
    *("strips", "no_pulse", "page_stray", "page_broken", "grid", "noise", "tolerance"),
)
"""What is seen of a page as a whole, in this order (`measure_page`)."""

WEIGHTS = Path(__file__).parents[1] / "weights" / "confidence.safetensors"

_Layer = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Weight and bias of a fully connected layer."""

_NEAR = 31
"""Columns (0.12 s at 25 mm/s) around a sample in which features of trouble count."""
_SECOND = 251
"""Columns in which a row is called broken."""
_FAR = 40.0 * PIXELS_PER_MM
_SUREST = 10.0
"""Logit (odds of 20,000 to 1) beyond which the network that corrects is not believed any more."""


def measure(
    coverage: NDArray[np.float32],
    traces: Traces,
    level: NDArray[np.float32],
    *,
    gain: float,
    grid: float,
    named: NDArray[np.float32],
    sure: NDArray[np.float32] | None,
) -> NDArray[np.float32]:
    """Measure the features of trouble along every trace.

    Parameters
    ----------
    coverage : ndarray, shape (h, w), float32
        Share of each pixel of the upright page that is ink.
    traces : Traces
    level : ndarray, shape (rows, w), float32
        Where each row is between beats (`Rows.level`).
    gain : float
        mm/mV: how many pixels are 0.1 mV.
    grid : float
        Certainty of the grid, 0 without one.
    named : ndarray, shape (rows,), float32
        Share of each row's strips whose name was read.
    sure : ndarray, shape (rows, w), float32, or None
        Logit that the traces are right, of the network that corrected them (`digitize.refine.correct`); None if none
        did.

    Returns
    -------
    ndarray, shape (rows, w, len(PATH_FEATURES)), float32
        About 0 to 1 each; meaningless where `traces.center` is NaN.
    """
    height, width = coverage.shape
    rows = len(traces.center)
    known = np.isfinite(traces.center)
    columns = np.arange(width)
    y = np.where(known, traces.center, level).astype(np.float32)
    at = np.clip(np.rint(y).astype(np.intp), 1, height - 2)
    ink = np.maximum.reduce([coverage[at + step, columns] for step in (-1, 0, 1)])

    total = np.zeros((height + 1, width), np.float32)
    # Many times faster than NumPy's sum down the columns, which takes one column after the other.
    for above, left, below in zip(total[:-1], erase_traces(coverage, traces), total[1:], strict=True):
        np.add(above, left, out=below)
    half = _half_pitch(level)
    low = np.clip(np.rint(level - half).astype(np.intp), 0, height)
    high = np.clip(np.rint(level + half).astype(np.intp), 0, height)
    unexplained = (total[high, columns] - total[low, columns]) / PIXELS_PER_MM
    thick = _thickness(coverage, at, columns) / (2 * traces.radius + 1)

    slope = np.abs(np.gradient(y, axis=1))
    bend = np.abs(np.diff(y, n=2, axis=1, prepend=y[:, :1], append=y[:, -1:]))
    apart = np.full((rows, width), _FAR, np.float32)
    for row in range(rows):
        others = np.delete(np.where(known, y, np.inf), row, axis=0)
        if len(others):
            apart[row] = np.minimum(np.abs(others - y[row]).min(axis=0), _FAR)
    pale = float(((coverage > 0.15) & (coverage < 0.5)).sum() / max(1, int((coverage > 0.15).sum())))
    position = columns[None, :]
    ends = np.minimum(position - traces.start[:, None], traces.end[:, None] - 1 - position)

    def near(features: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(ndimage.maximum_filter1d(features, _NEAR, axis=1), np.float32)

    def usual(features: NDArray[np.float32], size: int) -> NDArray[np.float32]:
        return np.asarray(ndimage.uniform_filter1d(features, size, axis=1), np.float32)

    found = {
        "ink": ink,
        "thickness": np.log1p(thick) / 3,
        "slope": np.log1p(slope) / 3,
        "steepest": np.log1p(near(slope)) / 3,
        "bend": np.log1p(near(bend)) / 3,
        "stray": np.log1p(unexplained) / 2,
        "stray_near": np.log1p(usual(unexplained, _NEAR)) / 2,
        "apart": np.log1p(apart) / 6,
        "away": np.abs(y - level) / (20 * PIXELS_PER_MM),
        "radius": np.full_like(y, traces.radius / 5),
        "noise": np.full_like(y, pale),
        "bridged": (traces.state <= TraceState.BRIDGED).astype(np.float32),
        "shared": usual((traces.state < TraceState.SEEN).astype(np.float32), _NEAR),
        "broken": 1.0 - usual(known.astype(np.float32), _SECOND),
        "from_end": np.log1p(np.clip(ends, 0, 500)) / 6,
        "grid": np.full_like(y, grid),
        "tolerance": np.full_like(y, np.log(gain / 10)),
        "named": np.repeat(np.asarray(named, np.float32)[:, None], width, axis=1),
        "corrected": np.full_like(y, sure is not None),
        "sure": np.zeros_like(y) if sure is None else np.clip(sure, -_SUREST, _SUREST) / _SUREST,
    }
    return np.stack([np.asarray(found[name], np.float32) for name in PATH_FEATURES], axis=2)


def measure_strips(
    strips: Sequence[Strip],
    paths: Sequence[NDArray[np.float32]],
    *,
    fs: int,
    residual: float,
    pulse: bool,
) -> list[NDArray[np.float32]]:
    """Add to the features along strips those of the strips among each other.

    Parameters
    ----------
    strips : sequence of Strip
        At their times, under their names.
    paths : sequence of ndarray, shape (samples, len(PATH_FEATURES)), float32
        Features of every strip's samples (`measure`).
    fs : int
        Sampling frequency of the strips, Hz.
    residual : float
        Share of the limb leads' power that breaks Einthoven's law; NaN where it says nothing.
    pulse : bool
        Whether a calibration pulse was measured.

    Returns
    -------
    list of ndarray, shape (samples, len(FEATURES)), float32
        About 0 to 1 each.
    """
    found = compare_strips(strips, fs)
    seen = np.concatenate([path[np.isfinite(strip.signal)] for path, strip in zip(paths, strips, strict=True)])
    compared = found.together[found.together != 0]
    # Where all is hidden, no sample tells.
    stray, broken = (
        float(seen[:, PATH_FEATURES.index(name)].mean()) if len(seen) else hidden
        for name, hidden in (("stray_near", 0.0), ("broken", 1.0))
    )
    of_page = {
        "least_together": float(compared.min()) if len(compared) else 0.0,
        "law": _decades(residual),
        "no_law": float(np.isnan(residual)),
        "guessed": float(np.mean([strip.name_source == "assumed" for strip in strips])),
        "columns": (1 + max(strip.column for strip in strips)) / 6,
        "strips": len(strips) / 13,
        "no_pulse": float(not pulse),
        "page_stray": stray,
        "page_broken": broken,
    }
    every = []
    for k, (strip, path) in enumerate(zip(strips, paths, strict=True)):
        of_strip = {
            "own": np.log1p(found.own[k]) / 2,
            "beside": np.log1p(found.beside[k]) / 2,
            "together": found.together[k],
            "repeated": _decades(float(found.repeated[k])),
            "unrepeated": np.isnan(found.repeated[k]),
            **of_page,
        }
        features = [
            np.broadcast_to(np.asarray(of_strip[name], np.float32), len(strip.signal)) for name in STRIP_FEATURES
        ]
        every.append(np.concatenate([path, np.stack(features, axis=1)], axis=1))
    return every


def measure_page(features: Sequence[NDArray[np.float32]], rated: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Measure what tells whether a page as a whole is right.

    Parameters
    ----------
    features : sequence of ndarray, shape (samples, len(FEATURES)), float32
        Of the samples of every strip that are known (`measure_strips`).
    rated : sequence of ndarray, shape (samples,), float32
        Probability that each of them is right (`rate`).

    Returns
    -------
    ndarray, shape (len(PAGE_FEATURES),), float32
        Probabilities as logits; those features of strips that are the page's.

    Examples
    --------
    >>> strips = [np.zeros((5, len(FEATURES)), np.float32)] * 2
    >>> measured = measure_page(strips, [np.full(5, 0.5, np.float32), np.full(5, 0.9, np.float32)])
    >>> dict(zip(PAGE_FEATURES, measured.round(2).tolist(), strict=True))["least_expected"]
    0.0
    """
    seen = [(own, sure) for own, sure in zip(features, rated, strict=True) if len(sure)]
    if not seen:
        return np.zeros(len(PAGE_FEATURES), np.float32)
    every = np.concatenate([sure for _, sure in seen])
    means = np.mean([own.mean(axis=0) for own, _ in seen], axis=0)
    of_all = dict(zip(FEATURES, means, strict=True))
    found = {
        "expected": _logit(float(every.mean())),
        "least_expected": _logit(min(float(sure.mean()) for _, sure in seen)),
        "tenth_expected": _logit(float(np.quantile(every, 0.1))),
        "most_unrepeated": max(float(own[:, FEATURES.index("repeated")].mean()) for own, _ in seen),
    }
    return np.array([found.get(name, of_all.get(name)) for name in PAGE_FEATURES], np.float32)


def _logit(share: float) -> float:
    share = float(np.clip(share, 1e-3, 1 - 1e-3))
    return float(np.log(share / (1 - share)))


def rate_page(measured: NDArray[np.float32]) -> float:
    """Probability that a page is right: every lead under its name, close to the truth, and at its time.

    Parameters
    ----------
    measured : ndarray, shape (len(PAGE_FEATURES),), float32
        From `measure_page`.

    Returns
    -------
    float

    Examples
    --------
    >>> 0 < rate_page(np.zeros(len(PAGE_FEATURES), np.float32)) < 1
    True
    """
    return float(probability(measured, [_network()[1]]))


def _decades(share: float) -> float:
    """A share of power on a scale from 0 (a thousandth) to 1 (all of it); 0.5 where it is not known."""
    return 0.5 if np.isnan(share) else float(np.clip(1 + np.log10(max(share, 1e-3)) / 3, 0.0, 1.2))


def rate(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probability that a sample with these features is within `TOLERANCE_MV` of the truth.

    Parameters
    ----------
    features : ndarray, shape (..., len(FEATURES)), float32
        From `measure`.

    Returns
    -------
    ndarray, shape (...), float32
        Above 0 to below 1.

    Examples
    --------
    >>> probability = rate(np.zeros((2, 5, len(FEATURES)), np.float32))
    >>> probability.shape, bool(((probability > 0) & (probability < 1)).all())
    ((2, 5), True)
    """
    return probability(features, _network()[0])


def probability(features: NDArray[np.float32], layers: Sequence[_Layer]) -> NDArray[np.float32]:
    """Run a network of fully connected layers, each a weight and a bias, on features; see `rate`."""
    hidden = features.reshape(-1, features.shape[-1])
    for weight, bias in layers[:-1]:
        hidden = np.maximum(hidden @ weight.T + bias, 0.0)
    weight, bias = layers[-1]
    logit = np.clip((hidden @ weight.T + bias)[:, 0], -15.0, 15.0)
    rated: NDArray[np.float32] = (1.0 / (1.0 + np.exp(-logit))).reshape(features.shape[:-1]).astype(np.float32)
    return rated


def weights_version() -> str:
    """Tell the version of the weights, as their training record has it."""
    return _network()[2]


@cache
def _network() -> tuple[list[_Layer], _Layer, str]:
    """The layers for samples, the one for pages, and their version."""
    from safetensors.numpy import load

    content, record = read_weights(WEIGHTS)
    check_names(WEIGHTS, "features", record["features"], FEATURES)
    check_names(WEIGHTS, "features of pages", record["page_features"], PAGE_FEATURES)
    sizes = (len(FEATURES), *[record["configuration"]["hidden"]] * 2, 1)
    shapes: dict[str, tuple[int, ...]] = {f"{k}.weight": (out, into) for k, (into, out) in enumerate(pairwise(sizes))}
    shapes |= {f"{k}.bias": (out,) for k, out in enumerate(sizes[1:])}
    tensors = load(content)
    check_shapes(WEIGHTS, tensors, {**shapes, "page.weight": (1, len(PAGE_FEATURES)), "page.bias": (1,)})
    return layers_of(tensors), (tensors["page.weight"], tensors["page.bias"]), str(record["version"])


def layers_of(tensors: Mapping[str, NDArray[np.float32]]) -> list[_Layer]:
    """Put the tensors of a weights file in the order of the layers for samples."""
    count = sum(name.endswith(".weight") and not name.startswith("page") for name in tensors)
    return [(tensors[f"{k}.weight"], tensors[f"{k}.bias"]) for k in range(count)]


def _half_pitch(level: NDArray[np.float32]) -> float:
    """Half the usual distance between neighboring rows, in pixels; 15 mm for a lone row."""
    if len(level) < 2:
        return 15.0 * PIXELS_PER_MM
    return float(np.median(np.diff(np.median(level, axis=1)))) / 2


def _thickness(coverage: NDArray[np.float32], at: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.float32]:
    """Ink above and below the path that hangs together with it, up to 5 mm either way, in pixels."""
    reach = 5 * PIXELS_PER_MM
    total = np.zeros(at.shape, np.float32)
    for direction in (-1, 1):
        joined = np.ones(at.shape, bool)
        for step in range(reach):
            row = np.clip(at + direction * step, 0, len(coverage) - 1)
            joined &= coverage[row, columns] > 0.3
            total += joined
    return total

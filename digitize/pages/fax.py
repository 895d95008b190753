"""Tell the scale of a received fax from its dots.

A fax machine scans at fixed resolutions (ITU-T Recommendation T.4, 1980), whatever it sends. Where the received dots
are shown at more pixels, some rows and columns of pixels merely repeat the one before, at a beat that tells the ratio
of the two resolutions to a few parts in 100,000, and so the millimeters of a page whose grid did not come through.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_ACROSS, _DOWN = 204.0, (196.0, 98.0)
"""Dots an inch along a line of a fax, and lines an inch in fine and in standard mode."""

_BILEVEL = 0.995
"""Share of the pixels of a picture of dots that are black or white."""

_LEAST_BEATS = 10
"""Times that rows must repeat at a beat."""

_LEAST_INKED = 200
"""Rows with ink that tell anything about a beat."""

_USUAL = (100, 120, 150, 200, 240, 250, 300, 400, 600)
"""Pixels an inch at which faxes are shown as a rule."""

_BEATS = 12
"""Spectral lines that are tried, beside the beats of usual resolutions."""

_REPEATED = 0.93
"""Share of the places that a beat predicts at which pixels repeat: all, but for rounding at its edges."""

_SURE = 16.0
"""Evidence, the logarithm of a ratio of likelihoods, by which a beat stands out from what repeats by chance: there are
some 10,000 beats and phases to choose from."""

_AGREE = 0.005
"""Part by which the resolutions of rows and columns may differ."""

_DITHERED_EDGES, _DITHERED_RATIO = 0.04, 1.0
"""Changes of black and white along a row of pixels, by pixel, and by black pixel: lines change
once in three or more."""

_EXACT = 0.0005
"""Part by which a resolution may be missed, for machines send whole dots."""


def is_bilevel(image: NDArray[np.uint8]) -> bool:
    """Whether a page is black and white and nothing between.

    Parameters
    ----------
    image : ndarray, shape (h, w, 3), uint8

    Examples
    --------
    >>> is_bilevel(np.full((9, 9, 3), 255, np.uint8)), is_bilevel(np.full((9, 9, 3), 128, np.uint8))
    (True, False)
    """
    sample = image[::3, ::3]
    return bool(((sample < 8) | (sample > 247)).mean() >= _BILEVEL)


def fax_resolution(image: NDArray[np.uint8]) -> float | None:
    """Pixels an inch of a received fax, as its repeated rows and columns of pixels tell it.

    Parameters
    ----------
    image : ndarray, shape (h, w, 3), uint8

    Returns
    -------
    float or None
        None where the picture is not black and white, or does not repeat dots as a fax shown at more pixels does.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> dots = (rng.random((784, 816)) < 0.9).astype(np.uint8) * 255
    >>> y, x = (((np.arange(1200) + 0.5) * per_inch / 300).astype(int) for per_inch in (196, 204))
    >>> round(fax_resolution(np.repeat(dots[y][:, x, None], 3, axis=2)), 2)
    300.0
    """
    if not is_bilevel(image):
        return None
    black: NDArray[np.bool_] = image[..., 1] < 128
    along, down = _beat(black.T), _beat(black)
    found = []
    for dots in [(_ACROSS, lines) for lines in _DOWN] + [(lines, _ACROSS) for lines in _DOWN]:
        told = [count / beat for count, beat in zip(dots, (along, down), strict=True) if beat is not None]
        if not told or max(told) > (1 + _AGREE) * min(told):
            continue
        # Where no pixel repeats there are at least as many dots as pixels.
        silent = [count for count, beat in zip(dots, (along, down), strict=True) if beat is None]
        if all(max(told) < (1 + 2 * _AGREE) * count for count in silent):
            found.append(float(np.mean(told)))
    if not found:
        return None
    # Received faxes are shown at their own resolution or more.
    best = max(found)
    usual = min(_USUAL, key=lambda per_inch: abs(per_inch - best))
    return float(usual) if abs(usual / best - 1.0) < _EXACT else best


def without_halftone(image: NDArray[np.uint8], per_inch: float | None) -> NDArray[np.uint8]:
    """A page whose grays are made of black dots in gray again; any other page as it is.

    Parameters
    ----------
    image : ndarray, shape (h, w, 3), uint8
    per_inch : float or None
        What `fax_resolution` says of it.

    Returns
    -------
    ndarray, shape (h, w, 3), uint8

    Examples
    --------
    >>> page = np.where(np.indices((90, 90)).sum(axis=0)[..., None] % 2, 0, 255).astype(np.uint8).repeat(3, axis=2)
    >>> without_halftone(page, None)[45, 45].tolist()
    [128, 128, 128]
    """
    if not is_bilevel(image):
        return image
    black = np.asarray(image[..., 1] < 128)
    edges = float((black[:, 1:] != black[:, :-1]).mean())
    if edges < max(_DITHERED_EDGES, _DITHERED_RATIO * float(black.mean())):
        return image
    # A dot is the finest that can be told; what it leaves of the dither's coarser beats is fainter than the pen.
    sigma = 1.0 if per_inch is None else per_inch / _ACROSS
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def _beat(black: NDArray[np.bool_]) -> float | None:
    """Dots a pixel down the rows of a picture of dots, below 1; None where its rows do not repeat at a beat."""
    inked: NDArray[np.bool_] = np.any(black, axis=1)
    known = np.logical_or(inked[1:], inked[:-1])
    if known.sum() < _LEAST_INKED:
        return None
    same = np.logical_and(np.all(black[1:] == black[:-1], axis=1), known)
    usual = float(same.sum() / known.sum())
    signal = np.where(known, same - usual, 0.0)
    length = 4 * len(signal)
    spectrum = np.abs(np.fft.rfft(signal, length))
    top = np.flatnonzero((spectrum[1:-1] >= spectrum[:-2]) & (spectrum[1:-1] >= spectrum[2:])) + 1
    seen = [_refined(signal, bin_ / length) for bin_ in top[np.argsort(-spectrum[top])][:_BEATS]]
    # Few rows repeat where there are nearly as many dots as pixels: their beat has no line of its own.
    ratios = [dots / per_inch for dots in (_ACROSS, *_DOWN) for per_inch in _USUAL if dots < per_inch]
    whole = [round(len(black) * ratio) / len(black) for ratio in ratios]
    beats = {
        beat: _proof(beat, same, known, usual) for beat in (*seen, *(1.0 - beat for beat in seen), *ratios, *whole)
    }
    best = max(beats, key=lambda beat: beats[beat])
    return best if beats[best] > _SURE else None


def _proof(beat: float, same: NDArray[np.bool_], known: NDArray[np.bool_], usual: float) -> float:
    """Evidence that rows repeat at a beat, at the phase where they do most; negative where some do not.

    Rows repeat while less than a dot's width is left: over an arc of every cycle as long as dots are short of pixels.
    """
    arc = 1.0 - beat
    if not 0.003 < arc < 0.95:
        return -1.0
    bins = max(8, round(4.0 / arc))
    place = (np.arange(len(same)) * beat % 1.0 * bins).astype(np.intp)
    width = max(1, int(0.8 * arc * bins))
    both, every = (np.bincount(place[which], minlength=bins) for which in (same & known, known))
    hits, count = (
        np.convolve(np.concatenate([part, part[: width - 1]]), np.ones(width), "valid") for part in (both, every)
    )
    share = hits / np.maximum(count, 1)
    proof = hits * np.log(np.maximum(share, 1e-9) / usual) if 0 < usual < 1 else np.zeros(bins)
    return float(np.where((share >= _REPEATED) & (count >= _LEAST_BEATS), proof, -1.0).max())


def _refined(signal: NDArray[np.float64], frequency: float) -> float:
    """The frequency near one, in cycles a place, at which a signal's spectrum is highest."""
    at = np.arange(len(signal))
    step = 0.25 / len(signal)
    while step > 0.001 / len(signal):
        nearby = frequency + step * np.arange(-2, 3)
        frequency = float(nearby[np.abs(np.exp(-2j * np.pi * nearby[:, None] * at) @ signal).argmax()])
        step /= 2
    return frequency

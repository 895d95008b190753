"""Choose who makes the statements about a page: the network that reads its signal, or one that looks at its picture.

``auto`` trusts the signal unless the digitization calls itself unreliable, or there is none; then it looks at the
picture, too, and says so. Where there is a signal, however doubtful, both count half: over fold 8's pages of all
presets their mean is better than either, while on its drawn pages the signal alone is. Measurements and beats are the
signal's, whoever makes the statements.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from classify.beats.beats import read_beats
from classify.contradictions import find_contradictions
from classify.interpretation import Interpretation, interpret, statement_results
from classify.measure.measurements import measure_leads
from classify.picture.image import FEWEST_CELLS, is_trained, load_picture_weights, predict_pictures
from classify.records.beats import NOT_READ, Beats
from classify.records.measurements import Measurements, not_measured
from classify.records.segments import segments_from_leads
from classify.signal.assess import reasons_against
from classify.signal.inputs import NetworkInput, input_from_leads
from classify.signal.weights import load_weights, predict
from classify.statements import STATEMENTS
from digitize.leads import Leads

READERS = ("signal", "image", "hybrid", "auto")
"""Ways to read a page."""

UNRELIABLE = "unreliable"
"""The verdict with which ``auto`` looks at the picture as well."""

SIGNAL_SHARE = 0.5
"""Weight of the signal's probabilities then; the picture has the rest."""

_LOOKS = {"image": "image", "hybrid": "hybrid", "auto": "image"}
"""The network with which a reader looks at pictures."""


def can_look(reader: str) -> bool:
    """Tell whether a reader can say something of a page that could not be digitized.

    Parameters
    ----------
    reader : str
        One of `READERS`.

    Returns
    -------
    bool
        False where it only reads signals, or its network for pictures is not installed.

    Examples
    --------
    >>> can_look("signal")
    False
    """
    return reader in _LOOKS and is_trained(_LOOKS[reader])


def interpret_page(reader: str, leads: Leads, look: Callable[[], NDArray[np.uint8]]) -> Interpretation:
    """Interpret a page as asked.

    Parameters
    ----------
    reader : str
        One of `READERS`.
    leads : Leads
        The digitized page; without a strip where nothing could be (`digitize.leads.no_leads`).
    look : callable
        Makes the page's picture (`classify.picture.picture.Picture.ink`); called only where it is needed.

    Returns
    -------
    Interpretation
        Without statements where the signal is asked for and no strip holds a second of it.

    Raises
    ------
    ValueError
        If there is no such reader, or there is no strip and the picture shows no electrocardiogram either.
    FileNotFoundError
        If the weights of what was asked for are missing; ``auto`` without a network for pictures reads the signal.
    """
    if reader not in READERS:
        raise ValueError(f"reader is {reader!r}; allowed: {', '.join(READERS)}")
    if reader == "signal":
        return interpret(leads)
    if reader != "auto":
        return _interpret_picture(_LOOKS[reader], leads, look(), None)
    doubt = _doubt(leads)
    if doubt is None:
        return interpret(leads)
    if can_look(reader):
        return _interpret_picture(_LOOKS[reader], leads, look(), doubt)
    fallback = f"{doubt}; the picture was not looked at, for no network for pictures is installed"
    by_signal = interpret(leads)
    return by_signal if by_signal.reader is None else replace(by_signal, fallback=fallback)


def _doubt(leads: Leads) -> str | None:
    """Tell why the signal is not to be trusted; None where it is."""
    if not leads.strips:
        return "the page could not be digitized"
    if leads.quality.verdict == UNRELIABLE:
        return f"the digitization is unreliable ({'; '.join(leads.quality.reasons)})"
    return None


def _interpret_picture(design: str, leads: Leads, ink: NDArray[np.uint8], fallback: str | None) -> Interpretation:
    weights = load_picture_weights(design)
    probabilities, cells = predict_pictures(weights, [ink])
    if not leads.strips and cells[0] < FEWEST_CELLS:
        raise ValueError(f"{leads.quality.reasons[0]}; nor does its picture show one")
    network_input, reasons, measured, beats = _of_signal(leads)
    probability, thresholds, version, used = probabilities[0], weights.thresholds, weights.version, design
    if fallback is not None and network_input is not None:
        signal = load_weights()
        probability = SIGNAL_SHARE * predict([network_input])[0] + (1 - SIGNAL_SHARE) * probability
        thresholds = SIGNAL_SHARE * signal.thresholds + (1 - SIGNAL_SHARE) * thresholds
        version, used = f"{signal.version} and {version}", f"signal and {design}"
    statements = statement_results(probability, thresholds, reasons)
    warnings = find_contradictions(statements, measured, beats)
    if fallback is not None:
        source = "the picture alone" if network_input is None else "the picture as well, and both count half"
        warnings = (f"statements were read from {source}: {fallback}", *warnings)
    return Interpretation(statements, measured, version, warnings, beats, used, fallback)


def _of_signal(leads: Leads) -> tuple[NetworkInput | None, tuple[str | None, ...], Measurements, Beats]:
    """Read from the signal: the network's input, reasons against statements, measurements and beats."""
    nothing: tuple[str | None, ...] = (None,) * len(STATEMENTS)
    try:
        network_input = input_from_leads(leads)
    except ValueError as error:
        return None, nothing, not_measured(str(error)), NOT_READ
    # Leads that a reader missed may well be in the picture.
    reasons = nothing if leads.quality.verdict == UNRELIABLE else reasons_against(network_input)
    return network_input, reasons, measure_leads(leads), read_beats(segments_from_leads(leads), leads.fs)

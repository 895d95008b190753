"""The beats of a strip, each with its time and its class."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

CLASSES = ("N", "S", "V", "F", "Q")
"""Classes of ANSI/AAMI EC57: normal and bundle branch block, supraventricular ectopic, ventricular ectopic, fusion of a
ventricular and a normal beat, unclassifiable or paced."""

NAMES = {
    "N": "normal or bundle branch block",
    "S": "supraventricular ectopic",
    "V": "ventricular ectopic",
    "F": "fusion of a ventricular and a normal beat",
    "Q": "unclassifiable",
}
"""Meanings of `CLASSES`."""


@dataclass(frozen=True)
class Beat:
    """One beat.

    Attributes
    ----------
    time_s : float
        Time of the R peak within the strip, seconds.
    sample : int
        The same as a sample of the strip.
    kind : str
        The likeliest of `CLASSES`.
    probability : float
        That of `kind`.
    probabilities : dict
        Of each class.
    """

    time_s: float
    sample: int
    kind: str
    probability: float
    probabilities: dict[str, float]


@dataclass(frozen=True)
class Beats:
    """The beats of one strip.

    Attributes
    ----------
    beats : tuple of Beat
        In order.
    lead : str or None
        The strip that was read.
    segment : int or None
        Its place among the segments that were given.
    weights_version : str
        Which weights named them.
    reason : str or None
        Why there are none.
    """

    beats: tuple[Beat, ...]
    lead: str | None
    segment: int | None
    weights_version: str
    reason: str | None = None

    def summary(self) -> str:
        """Put the beats into words.

        Examples
        --------
        >>> beat = Beat(0.5, 250, "V", 0.9, {})
        >>> Beats((beat,), "II", 0, "").summary()
        '1 of 1 beat ventricular ectopic in lead II'
        """
        if self.reason is not None:
            return f"No beats: {self.reason}"
        counted = Counter(beat.kind for beat in self.beats)
        total = f"{len(self.beats)} beat{'s' if len(self.beats) > 1 else ''}"
        strange = [f"{counted[kind]} of {total} {NAMES[kind]}" for kind in CLASSES[1:] if counted[kind]]
        return f"{', '.join(strange) or f'{total}, none of them ectopic'} in lead {self.lead}"


NOT_READ = Beats((), None, None, "", "the beats were not read")
"""Of a reading that was made without them."""

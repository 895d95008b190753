"""Say once, beside a style's field, what it means, which values it may have and how one is drawn at random.

The check of a value, the documentation of its class, the option of the command and the random style follow from that.
"""

from __future__ import annotations

import inspect
import math
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from numbers import Integral
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Allowed:
    """Which values a knob may have.

    Attributes
    ----------
    kind : type
        Of a value, or of each of several.
    accepts : function
        Tells whether a value is allowed.
    words : str
        The same for a reader; empty where the knob's meaning says it.
    none : bool
        Whether None is allowed too.
    count : int
        How many values there are; 0 for a value by itself.
    """

    kind: type
    accepts: Callable[[Any], bool]
    words: str
    none: bool = False
    count: int = 0

    def __contains__(self, value: Any) -> bool:
        return self.none if value is None else self.accepts(value)


def one_of(*values: Any) -> Allowed:
    """Allow some values of one type, and None where it is among them.

    Examples
    --------
    >>> 2.5 in one_of(None, 2.5), 3.0 in one_of(None, 2.5), one_of(None, 2.5).words
    (True, False, 'None, 2.5')
    """
    return Allowed(type(values[-1]), values.__contains__, ", ".join(map(str, values)), None in values)


def within(low: float, high: float, *, none: bool = False, zero: bool = False) -> Allowed:
    """Allow the numbers of a range, both ends included, and None or 0 where that is said.

    Examples
    --------
    >>> 0.03 in within(0.05, 1, zero=True), 0 in within(0.05, 1, zero=True), float("nan") in within(0, 1)
    (False, True, False)
    >>> within(0.05, 1, zero=True).words
    '0 or 0.05 to 1'
    """
    words = f"{'None or ' if none else ''}{'0 or ' if zero else ''}{low:g} to {high:g}"
    return Allowed(float, lambda value: low <= value <= high or (zero and value == 0), words, none)


def whole(low: int, high: int, *, none: bool = False) -> Allowed:
    """Allow the whole numbers of a range, both ends included, and None where that is said.

    Examples
    --------
    >>> 3 in whole(0, 4), 1.5 in whole(0, 4), whole(0, 4).words
    (True, False, 'a whole number from 0 to 4')
    """
    words = f"{'None or ' if none else ''}a whole number from {low} to {high}"
    return Allowed(int, lambda value: isinstance(value, Integral) and low <= int(value) <= high, words, none)


def several(count: int, low: float = -math.inf, high: float = math.inf) -> Allowed:
    """Allow so many finite numbers, each of a range.

    Examples
    --------
    >>> (0.5, 0.5) in several(2, 0, 1), (0.5, 2) in several(2, 0, 1), (0.5,) in several(2, 0, 1)
    (True, False, False)
    """
    words = f"{count} values" if math.isinf(low) else f"{count} values of {low:g} to {high:g}"

    def accepts(values: Any) -> bool:
        return len(values) == count and all(math.isfinite(value) and low <= value <= high for value in values)

    return Allowed(float, accepts, words, count=count)


def rgb(*, none: bool = False) -> Allowed:
    """Allow red, green and blue, and None where that is said.

    Examples
    --------
    >>> (0, 0, 255) in rgb(), (0, 0, 256) in rgb(), None in rgb(none=True)
    (True, False, True)
    """
    words = f"{'None or ' if none else ''}three levels of 0 to 255"
    return Allowed(int, lambda levels: len(levels) == 3 and all(0 <= level <= 255 for level in levels), words, none, 3)


FLAG = Allowed(bool, (True, False).__contains__, "")
"""True or False."""
NAME = Allowed(str, lambda value: True, "")
"""A name that the class itself looks up."""


@dataclass(frozen=True)
class Knob:
    """One knob of a style.

    Attributes
    ----------
    name : str
    default : object
    allowed : Allowed or None
        None for a style within the style.
    meaning : str
        For the reader of the documentation and of the command's help.
    draw : function or None
        Draws a value from what its class draws first; None leaves the default.
    """

    name: str
    default: Any
    allowed: Allowed | None
    meaning: str
    draw: Callable[[Any], Any] | None

    @property
    def explanation(self) -> str:
        """The meaning and what is allowed."""
        words = self.allowed.words if self.allowed else ""
        return f"{self.meaning} Allowed: {words}." if words else self.meaning

    @property
    def type_name(self) -> str:
        """The type, as the documentation names it."""
        if self.allowed is None:
            return type(self.default).__name__
        single = self.allowed.kind.__name__
        name = single if not self.allowed.count else "RGB" if self.allowed.kind is int else f"tuple of {single}"
        return f"{name} or None" if self.allowed.none else name


def knob(default: T, allowed: Allowed | None, meaning: str, draw: Callable[[Any], T] | None = None) -> T:
    """Describe a field of a dataclass; see `Knob`.

    Examples
    --------
    >>> @described
    ... @dataclass(frozen=True)
    ... class Style:
    ...     '''How it looks.'''
    ...
    ...     width: float = knob(0.3, within(0, 1), "Of the pen, in mm.", draw=lambda rng: rng.uniform(0.1, 0.5))
    >>> Style.__doc__.splitlines()[-2:]
    ['width : float', '    Of the pen, in mm. Allowed: 0 to 1.']
    """
    return field(default=default, metadata={"knob": (allowed, meaning, draw)})


def knobs_of(kind: type) -> list[Knob]:
    """List the knobs of a class in their order, which is also that of the draws.

    Examples
    --------
    >>> from papertrace.synth.wear import Wear
    >>> [knob.name for knob in knobs_of(Wear)][:3]
    ['crumple', 'wrinkles', 'facet']
    """
    return [Knob(one.name, one.default, *one.metadata["knob"]) for one in fields(kind)]


def check(style: object) -> None:
    """Check every knob of a style.

    Raises
    ------
    ValueError
        If a value is not allowed; the message says what is.
    """
    for one in knobs_of(type(style)):
        value = getattr(style, one.name)
        if one.allowed is not None and value not in one.allowed:
            raise ValueError(f"{one.name} is {value!r}; allowed: {one.allowed.words or 'True or False'}")


def draw(kind: type[T], source: Any) -> T:
    """Draw each knob of a class that can be drawn, one after the other.

    Parameters
    ----------
    kind : type
    source : object
        What its knobs draw from.
    """
    return kind(**{one.name: one.draw(source) for one in knobs_of(kind) if one.draw is not None})


def described(kind: type[T]) -> type[T]:
    """Add the knobs' meanings to the documentation of their class."""
    lines = ["", "Attributes", "----------"]
    for one in knobs_of(kind):
        lines += [f"{one.name} : {one.type_name}", textwrap.indent(textwrap.fill(one.explanation, 112), " " * 4)]
    kind.__doc__ = "\n".join([inspect.getdoc(kind) or "", *lines])
    return kind

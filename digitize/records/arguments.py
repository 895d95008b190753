"""Check what callers give: every error names the argument, its value and what is allowed.

A wrong type is a `TypeError`, a value out of range a `ValueError`. Python takes True for 1 and every text that is not
empty for true; here True is no number, and nothing but True and False is either.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

_LONGEST = 60


def number(name: str, value: Any, bounds: tuple[float, float], unit: str, *, whole: bool = False) -> float:
    """Check a number.

    Parameters
    ----------
    name : str
        The argument, as the caller knows it.
    value : object
        What was given; numbers of NumPy are numbers.
    bounds : tuple of float
        Least and greatest that are allowed.
    unit : str
        Of value and bounds.
    whole : bool
        Whether it must be of a type of whole numbers.

    Returns
    -------
    float
        An int where it must be whole.

    Raises
    ------
    TypeError
        If it is no number, or a bool.
    ValueError
        If it is out of bounds or NaN.

    Examples
    --------
    >>> number("speed", 50, (5.0, 200.0), "mm/s")
    50.0
    >>> number("fs", True, (1, 10_000), "Hz", whole=True)
    Traceback (most recent call last):
    TypeError: fs is True; allowed: a whole number from 1 to 10000 (Hz)
    """
    allowed = f"a {'whole ' if whole else ''}number from {bounds[0]:g} to {bounds[1]:g} ({unit})"
    if isinstance(value, bool) or not isinstance(value, Integral if whole else Real):
        raise TypeError(_told(name, value, allowed))
    exact: Any = value  # Real has no order among its types
    if not bounds[0] <= exact <= bounds[1]:
        raise ValueError(_told(name, value, allowed))
    return int(exact) if whole else float(exact)


def of_type(name: str, value: Any, kinds: type | tuple[type, ...], allowed: str) -> None:
    """Check the type of an argument.

    Parameters
    ----------
    name : str
        The argument, as the caller knows it.
    value : object
    kinds : type or tuple of type
    allowed : str
        These in words.

    Raises
    ------
    TypeError
        If it is of none of these types.

    Examples
    --------
    >>> of_type("refine", "no", bool, "True or False")
    Traceback (most recent call last):
    TypeError: refine is 'no'; allowed: True or False
    """
    if not isinstance(value, kinds):
        raise TypeError(_told(name, value, allowed))


def _told(name: str, value: Any, allowed: str) -> str:
    shown = " ".join(repr(value).split())
    if len(shown) > _LONGEST:
        shown = f"of type {type(value).__name__}"
    return f"{name} is {shown}; allowed: {allowed}"

"""Libraries that only some formats need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

HOW = "pip install '.[formats]' in papertrace's folder"
"""What brings them."""


@contextmanager
def needs_extra(what: str) -> Iterator[None]:
    """Import a library that may not be installed.

    Parameters
    ----------
    what : str
        What it is needed for, e.g. ``"EDF+"``.

    Raises
    ------
    ImportError
        If an import within the block fails: it names the library and how to install it.

    Examples
    --------
    >>> with needs_extra("the example"):
    ...     import no_such_library
    Traceback (most recent call last):
    ...
    ImportError: the example needs no_such_library: pip install '.[formats]' in papertrace's folder
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ImportError(f"{what} needs {error.name}: {HOW}", name=error.name) from error

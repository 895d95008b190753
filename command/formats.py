"""Which files a page leaves."""

from __future__ import annotations

from digitize.export import FORMATS

ALWAYS = (".json", ".overlay.png")
"""Suffixes of what is written whatever the format: the report, and the traces drawn over the page."""


def suffixes_of(formats: tuple[str, ...]) -> tuple[str, ...]:
    """Suffixes of all files that a page leaves.

    Parameters
    ----------
    formats : tuple of str
        Names in `digitize.export.FORMATS`.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> suffixes_of(("wfdb",))
    ('.hea', '.dat', '.json', '.overlay.png')
    """
    return (*(suffix for name in formats for suffix in FORMATS[name].suffixes), *ALWAYS)

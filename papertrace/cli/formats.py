"""Which files a page leaves."""

from __future__ import annotations

from digitize.export import FORMATS

ALWAYS = (".json", ".overlay.png")
"""Suffixes of what is written whatever the format: the report, and the traces drawn over the page."""

BEATS = ".atr"
"""Suffix of the beats, as annotations of a WFDB record (`papertrace.cli.annotations.write_beats`)."""

HTML = ".html"
"""Suffix of the report as a page."""


def suffixes_of(formats: tuple[str, ...], html: bool = False) -> tuple[str, ...]:
    """Suffixes of all files that a page leaves.

    Parameters
    ----------
    formats : tuple of str
        Names in `digitize.export.FORMATS`.
    html : bool
        Whether the report is written as a page, too.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> suffixes_of(("wfdb",))
    ('.hea', '.dat', '.atr', '.json', '.overlay.png')
    """
    signals = (suffix for name in formats for suffix in FORMATS[name].suffixes)
    return (*signals, *([BEATS] if "wfdb" in formats else []), *([HTML] if html else []), *ALWAYS)

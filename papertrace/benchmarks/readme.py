"""Copy the benchmarks' tables into the pages that people read: ``python -m papertrace.benchmarks readme``.

A table of such a page (`PAGES`) stands between two comments, of which the first says where it comes from, which columns
are kept and, if not all, how its rows begin::

    <!-- table 1 of classification.md: figure | 12 leads, 10 s; rows: macro AUROC -->
    <!-- end -->

``<!-- table of formats -->`` asks for those of `digitize.export`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from digitize.export import tabulate_formats
from digitize.files import written_together
from papertrace.benchmarks.options import RESULTS, parser_for
from papertrace.benchmarks.report import table

PAGES = tuple(
    Path(__file__).parents[2] / name
    for name in ("README.md", "docs/figures.md", "docs/model-card.md", "docs/results.md")
)
"""Pages whose tables are copied."""

_PLACE = re.compile(
    r"(?P<head><!-- table (?P<number>\d+) of (?P<file>\S+): (?P<columns>[^;\n]+?)(?:; rows: (?P<rows>[^\n]+?))? -->\n)"
    r".*?(?P<foot><!-- end -->)",
    re.DOTALL,
)
_FORMATS = re.compile(r"(?P<head><!-- table of formats -->\n).*?(?P<foot><!-- end -->)", re.DOTALL)


def fill(text: str, results: Path) -> str:
    r"""Put the tables of results where a text asks for them.

    Parameters
    ----------
    text : str
        Markdown.
    results : Path
        Folder of the files that it names.

    Returns
    -------
    str
        The text with all of its tables as the results have them.

    Raises
    ------
    ValueError
        If a file has no such table, or a table no such column or row.
    OSError
        If a file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "a.md").write_text("| lead | dB | s |\n| --- | --- | --- |\n| I | 9 | 1 |\n")
    ...     print(fill("<!-- table 1 of a.md: lead | dB -->\n<!-- end -->", Path(folder)))
    <!-- table 1 of a.md: lead | dB -->
    | lead | dB |
    | --- | --- |
    | I | 9 |
    <!-- end -->
    """
    head, *rows = tabulate_formats()
    formats = "\n".join(table(head, rows))
    text = _FORMATS.sub(lambda place: f"{place['head']}{formats}\n{place['foot']}", text)
    return _PLACE.sub(lambda place: place["head"] + _table(place, results) + "\n" + place["foot"], text)


def _table(place: re.Match[str], results: Path) -> str:
    """Take the columns and rows that a place asks for out of its table."""
    where = f"table {place['number']} of {place['file']}"
    tables = _tables_of((results / place["file"]).read_text(encoding="utf-8"))
    number = int(place["number"])
    if not 1 <= number <= len(tables):
        raise ValueError(f"{where}: the file has {len(tables)} tables")
    header, _, *rows = tables[number - 1]
    columns = [name.strip() for name in place["columns"].split("|")]
    for name in columns:
        if name not in header:
            raise ValueError(f"{where}: no column {name!r}; it has: {', '.join(header)}")
    kept = [row for row in rows if row[0].startswith(place["rows"] or "")]
    if not kept:
        raise ValueError(f"{where}: no row begins with {place['rows']!r}")
    return "\n".join(table(columns, [[row[header.index(name)] for name in columns] for row in kept]))


def _tables_of(text: str) -> list[list[list[str]]]:
    """Find the tables of a Markdown text: of each its lines, of each line its cells."""
    blocks = groupby(text.splitlines(), key=lambda line: line.startswith("|"))
    return [
        [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        for is_table, lines in blocks
        if is_table
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the command line.
    """
    parser = parser_for("readme", __doc__, out=False)
    parser.parse_args(arguments)
    try:
        filled = {page: fill(page.read_text(encoding="utf-8"), RESULTS) for page in PAGES}
    except (OSError, ValueError) as error:
        parser.error(str(error))
    for page, text in filled.items():
        with written_together(page.parent) as temporary:
            (temporary / page.name).write_text(text, encoding="utf-8")

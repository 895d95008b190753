"""The results of a folder at a glance: ``index.html``, one file that sorts and filters itself and needs no other.

The pages stand in it as data, and only the rows that are in sight are drawn, so that ten thousand of them open at once.
Thumbnails come behind everything else, in blocks that are looked into when one of their rows is drawn.
"""

from __future__ import annotations

import base64
import io
import json
import re
from hashlib import sha256
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from classify.statements import STATEMENTS
from digitize.export import written_together
from digitize.records.results import VERDICTS
from papertrace.cli.lock import FolderError
from papertrace.cli.manifest import FAILED, printable
from papertrace.cli.table import COLUMNS, worst_first

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

INDEX = "index.html"

THUMBNAIL = (160, 112)
"""Most pixels of a thumbnail, across and down: twice what it is shown at, for screens of fine pixels."""

BLOCK = 250
"""Thumbnails of one block."""

_GENERATOR = '<meta name="generator" content="papertrace results"/>'
"""By this a file is known that may be replaced."""

_NUMBERS = ("probability", "right", "speed", "gain", "heart_rate", "pr", "qrs", "qt", "qtc", "axis", "seconds")
_WORDS = ("name", "file", "page", "verdict", "layout", "rhythm", "present", "reasons", "warnings", "error")
_LINKS = ("report", "html")

_PAGE = Template(
    """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
$generator
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-$hash'"/>
<title>Papertrace: $count</title>
<style>
$style</style>
</head>
<body class="index">
<header>
<h1>$count</h1>
<p class="faint">Not a medical device: for research and teaching only.</p>
<noscript><p>Without scripts this page shows nothing; results.csv has the same table.</p></noscript>
<div class="tools">
<label class="find">Find <input id="find" type="search" autocomplete="off" spellcheck="false"
 aria-describedby="how" placeholder="AFIB qtc&gt;480"/></label>
<span id="verdicts" role="group" aria-label="Shown verdicts"></span>
<label class="order">Sort <select id="order"></select></label>
</div>
<p class="faint" id="how">Every word must stand in a row; also <code>heart_rate&gt;100</code>,
<code>probability&lt;0.5</code>. <span id="shown" role="status"></span></p>
</header>
<main>
<table id="table"><caption class="hidden">One row a page</caption><thead></thead><tbody></tbody></table>
</main>
<script type="application/json" id="data">$data</script>
<script>$script</script>
$thumbnails
</body>
</html>
"""  # noqa: E501
)


def thumbnail(picture: NDArray[np.uint8]) -> str:
    """Make a picture small enough for a table of ten thousand.

    Parameters
    ----------
    picture : ndarray, shape (height, width, 3), uint8
        RGB. It is not modified.

    Returns
    -------
    str
        A WebP of at most `THUMBNAIL` pixels, some 2 kB, in base 64.
    """
    from PIL import Image

    image = Image.fromarray(picture)
    image.thumbnail(THUMBNAIL, Image.Resampling.BOX)
    written = io.BytesIO()
    image.save(written, "WEBP", quality=35, method=4)
    return base64.b64encode(written.getvalue()).decode("ascii")


def build_index(table: pd.DataFrame, thumbnails: Sequence[str | None]) -> str:
    """Write a table of results as a page of HTML.

    Parameters
    ----------
    table : DataFrame
        What `papertrace.cli.table.read_results` gave; further columns are shown, too.
    thumbnails : sequence of str or None
        Of each page of the table (`thumbnail`).

    Returns
    -------
    str
        One HTML document that opens offline, worst pages first. Its one script sorts and filters, and can load nothing.
    """
    ordered = worst_first(table.reset_index(drop=True))
    pictures = [_base64(thumbnails[number]) for number in ordered.index]
    own = [name for name in table.columns if name not in COLUMNS]
    columns = (*_WORDS, *_NUMBERS, *_LINKS, *own)
    data = {
        "columns": columns,
        "own": own,
        "numbers": _NUMBERS,
        "verdicts": [FAILED, *reversed(VERDICTS)],
        "statements": {statement.code: statement.name for statement in STATEMENTS},
        "block": BLOCK,
        "rows": [[_cell(value) for value in row] for row in zip(*(ordered[name] for name in columns), strict=True)],
    }
    blocks = (_json(pictures[first : first + BLOCK]) for first in range(0, len(pictures), BLOCK))
    folder = Path(__file__).parent
    script = (folder / "index.js").read_text(encoding="utf-8")
    return _PAGE.substitute(
        generator=_GENERATOR,
        count=f"{len(table)} page{'' if len(table) == 1 else 's'}",
        style="".join((folder / name).read_text(encoding="utf-8") for name in ("html.css", "index.css")),
        hash=base64.b64encode(sha256(script.encode("utf-8")).digest()).decode("ascii"),
        data=_json(data),
        script=script,
        thumbnails="\n".join(f'<script type="application/json" class="block">{block}</script>' for block in blocks),
    )


def write_index(table: pd.DataFrame, thumbnails: Sequence[str | None], folder: Path) -> Path:
    """Write ``index.html`` beside the table.

    Parameters
    ----------
    table : DataFrame
        What `papertrace.cli.table.read_results` gave of this folder.
    thumbnails : sequence of str or None
        Of each page of the table (`thumbnail`).
    folder : Path

    Returns
    -------
    Path

    Raises
    ------
    papertrace.cli.lock.FolderError
        If there is an ``index.html`` of another make.
    OSError
        If it cannot be written.
    """
    path = folder / INDEX
    if path.is_symlink() or path.exists():
        head = "" if path.is_symlink() or not path.is_file() else path.read_text("utf-8", "replace")[:2000]
        if _GENERATOR not in head:
            raise FolderError(f"{path}: not a page of this program; it stays, and no overview is written")
    text = build_index(table, thumbnails)
    with written_together(folder) as temporary:
        (temporary / INDEX).write_text(text, encoding="utf-8")
    return path


def _base64(text: object) -> str:
    """A thumbnail from a report, which another hand may have changed."""
    return text if isinstance(text, str) and re.fullmatch(r"[A-Za-z0-9+/=]*", text) else ""


def _cell(value: Any) -> Any:
    import pandas as pd

    if isinstance(value, str):
        return printable(value)
    if isinstance(value, bool):
        return value
    return None if pd.isna(value) else float(f"{float(value):.4g}")


def _json(value: Iterable[Any]) -> str:
    """JSON that cannot end the element it stands in."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")

"""Read what is to be drawn: a folder with ``orders.json``, and the signals that it names, as arrays of numpy."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

FS = 500
"""Sampling frequency of every signal, Hz."""

LEAD_NAMES = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
"""Its rows."""


def orders() -> Iterator[tuple[np.ndarray, Path, dict[str, Any]]]:
    """Give, page by page, the signal (12, n) in millivolts, the file to write and the options of the program."""
    folder = Path(sys.argv[1])
    for order in json.loads((folder / "orders.json").read_text(encoding="utf-8")):
        yield np.load(folder / order["signal"]), folder / order["page"], order["options"]

"""Recordings from WFDB, and printed pages to files."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from digitize.records.layouts import LEAD_NAMES
from papertrace.synth.printer import PrintedPage

_MV_PER_UNIT = {"mV": 1.0, "uV": 1e-3, "V": 1e3}
_COUNTS_PER_MV = 1000.0
_JSON_VERSION = 2
_WARP_SPACING = 5.0


def read_record(record: str | Path) -> tuple[NDArray[np.float64], float]:
    """Read the standard leads of a WFDB record.

    Parameters
    ----------
    record : str or Path
        Path without extension (or of the header).

    Returns
    -------
    signal : ndarray, shape (12, n), float64
        Millivolts in the order of `LEAD_NAMES`; a lead that the record lacks is NaN.
    fs : float
        Hz.

    Raises
    ------
    FileNotFoundError
        If there is no such record.
    ValueError
        If no standard lead is in it, or its unit is not one of volts.
    """
    import wfdb

    path = Path(record)
    stem = path.with_suffix("") if path.suffix == ".hea" else path
    content = wfdb.rdrecord(str(stem))
    by_name = {name.upper(): name for name in LEAD_NAMES}
    signal = np.full((len(LEAD_NAMES), content.sig_len), np.nan)
    found = False
    for name, unit, values in zip(content.sig_name, content.units, content.p_signal.T, strict=True):
        lead = by_name.get(name.upper())
        if lead is None:
            continue
        if unit not in _MV_PER_UNIT:
            raise ValueError(f"{stem}: lead {name} is in {unit!r}; allowed: {', '.join(_MV_PER_UNIT)}")
        signal[LEAD_NAMES.index(lead)] = values * _MV_PER_UNIT[unit]
        found = True
    if not found:
        raise ValueError(f"{stem}: no standard lead among {content.sig_name}; allowed: {', '.join(LEAD_NAMES)}")
    return signal, float(content.fs)


def find_records(place: str | Path) -> list[Path]:
    """Find WFDB records.

    Parameters
    ----------
    place : str or Path
        A record, with or without ``.hea``, or a folder, which is searched with all its subfolders.

    Returns
    -------
    list of Path
        Records without extension, in the order of their paths.

    Raises
    ------
    FileNotFoundError
        If there is none.

    Examples
    --------
    >>> find_records("nowhere")
    Traceback (most recent call last):
    FileNotFoundError: nowhere: no WFDB record; allowed: a record, or a folder that holds some
    """
    path = Path(place)
    if path.is_dir():
        found = sorted(header.with_suffix("") for header in path.rglob("*.hea"))
    else:
        stem = path.with_suffix("") if path.suffix == ".hea" else path
        found = [stem] if stem.parent.joinpath(stem.name + ".hea").is_file() else []
    if not found:
        raise FileNotFoundError(f"{place}: no WFDB record; allowed: a record, or a folder that holds some")
    return found


def write_page(page: PrintedPage, directory: str | Path, name: str, *, overwrite: bool = False) -> list[Path]:
    """Write a page and its truth: picture, pen mask ``NAME_ink.png``, WFDB record ``NAME_truth`` and ``NAME.json``.

    The picture is PNG, or JPEG at the style's quality when it has one. The record is format 16 at 1000/mV, NaN as
    WFDB's invalid sample. The JSON holds the geometry: strips, texts, the grid's nodes, the homography, and the warp
    as a lattice of sheet points every 5 mm. Each file appears whole or not at all.

    Parameters
    ----------
    page : PrintedPage
    directory : str or Path
        Made if it does not exist.
    name : str
        Stem of the files: letters, digits, ``-`` and ``_``.
    overwrite : bool

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    FileExistsError
        If a file is there already and `overwrite` is false.
    ValueError
        If a millivolt value does not fit format 16.
    """
    import wfdb

    if np.nanmax(np.abs(page.signal), initial=0.0) * _COUNTS_PER_MV > 32767:
        raise ValueError(f"{name}: signal beyond {32767 / _COUNTS_PER_MV} mV; allowed: what fits WFDB format 16")
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    picture = f"{name}.png" if page.style.jpeg is None else f"{name}.jpg"
    finals = [
        folder / file for file in (picture, f"{name}_ink.png", f"{name}_truth.dat", f"{name}_truth.hea", f"{name}.json")
    ]
    present = [path for path in finals if path.exists()]
    if present and not overwrite:
        raise FileExistsError(f"{present[0]} exists; allowed: another folder, or overwriting")
    with tempfile.TemporaryDirectory(dir=folder, prefix=".printing-") as scratch:
        image = Image.fromarray(page.image)
        if page.style.color != "rgb":
            image = image.convert("1" if page.style.color == "1-bit" and page.style.jpeg is None else "L")
        dots = (page.style.dpi, page.style.dpi)
        if page.style.jpeg is None:
            # Grain does not get smaller by looking longer.
            grainy = page.style.texture or page.style.capture.noise
            effort: dict[str, Any] = {"compress_level": 3} if grainy else {"optimize": True}
            image.save(Path(scratch, picture), dpi=dots, **effort)
        else:
            image.save(Path(scratch, picture), dpi=dots, quality=page.style.jpeg)
        Image.fromarray(page.ink).save(Path(scratch, f"{name}_ink.png"), dpi=dots)
        wfdb.wrsamp(
            f"{name}_truth",
            fs=page.fs,
            units=["mV"] * len(LEAD_NAMES),
            sig_name=list(LEAD_NAMES),
            p_signal=page.signal.T.astype(np.float64),
            fmt=["16"] * len(LEAD_NAMES),
            adc_gain=[_COUNTS_PER_MV] * len(LEAD_NAMES),
            baseline=[0] * len(LEAD_NAMES),
            write_dir=scratch,
        )
        Path(scratch, f"{name}.json").write_text(json.dumps(_description(page, name, picture)), encoding="utf-8")
        for path in finals:
            os.replace(Path(scratch, path.name), path)
    return finals


def _description(page: PrintedPage, name: str, picture: str) -> dict[str, Any]:
    def points(array: NDArray[np.float32]) -> list[list[float] | None]:
        return [[round(float(x), 2), round(float(y), 2)] if np.isfinite(x + y) else None for x, y in array]

    def box(edges: tuple[float, float, float, float]) -> list[float]:
        return [round(edge, 2) for edge in edges]

    counts = [int(np.ceil(extent / _WARP_SPACING)) + 1 for extent in page.sheet]
    lattice = np.stack(np.meshgrid(*(np.arange(count) * _WARP_SPACING for count in counts)), axis=-1)
    return {
        "version": _JSON_VERSION,
        "image": picture,
        "ink": f"{name}_ink.png",
        "conventions": "pixels (x, y), y down, centers at whole numbers; boxes x0, y0, x1, y1; homography: mm to px; "
        "warp: rows of pixels of the sheet's points at 0, 5, 10... mm; null where unknown",
        "fs": page.fs,
        "layout": page.layout,
        "columns": page.style.columns,
        "speed": page.speed,
        "gain": page.gain,
        "pixels_per_mm": page.pixels_per_mm,
        "rotation": page.style.rotation,
        "sheet": list(page.sheet),
        "homography": page.homography.tolist(),
        "warp": [points(row.astype(np.float32)) for row in page.warp.to_pixels(lattice)],
        "nodes": points(page.nodes),
        "strips": [
            {
                "lead": strip.lead,
                "inverted": strip.inverted,
                "row": strip.row,
                "column": strip.column,
                "start": strip.start,
                "end": strip.end,
                "gain": strip.gain,
                "label": strip.label,
                "label_box": box(strip.label_box),
                "baseline": points(strip.baseline),
                "polyline": points(strip.polyline),
            }
            for strip in page.strips
        ],
        "texts": [{"string": text.string, "box": box(text.box)} for text in page.texts],
    }

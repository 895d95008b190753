"""A page of every preset on one picture.

``python -m papertrace.synth.contact_sheet OUT.jpg [SOURCE ...] [--seed N]``.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from papertrace.synth.files import find_records, read_record
from papertrace.synth.presets import PRESETS
from papertrace.synth.printer import render_page
from papertrace.synth.simulator import simulate

_COLUMNS = 2
_TILE = (640, 470)
_CAPTION = 30
_GAP = 10
_GROUND = 255
_QUALITIES = range(88, 40, -4)


def contact_sheet(
    signals: Sequence[tuple[NDArray[np.floating], float]],
    presets: Sequence[str] = tuple(PRESETS),
    *,
    seed: int = 0,
    tile: tuple[int, int] = _TILE,
) -> NDArray[np.uint8]:
    """Lay one page of each preset beside the others, each with its name below.

    Parameters
    ----------
    signals : sequence of (ndarray, float)
        Millivolts, shape (12, n), and sampling frequency in Hz; the presets take them in turn.
    presets : sequence of str
        Names of `papertrace.synth.PRESETS`.
    seed : int
        Of the first page; each further one adds 1.
    tile : tuple of int
        Width and height in pixels that a page may fill.

    Returns
    -------
    ndarray, shape (H, W, 3), uint8
        RGB.

    Raises
    ------
    ValueError
        If there is no signal, no preset, or no such preset.

    Examples
    --------
    >>> contact_sheet([(np.zeros((12, 1000)), 500.0)], ["clean"], tile=(300, 200)).shape
    (250, 640, 3)
    """
    if not len(signals) or not len(presets):
        raise ValueError(f"{len(signals)} signals and {len(presets)} presets; allowed: at least one of each")
    width, height = tile
    rows = -(-len(presets) // _COLUMNS)
    pitch = (width + _GAP, height + _CAPTION + _GAP)
    sheet = np.full((rows * pitch[1] + _GAP, _COLUMNS * pitch[0] + 2 * _GAP, 3), _GROUND, np.uint8)
    for index, name in enumerate(presets):
        signal, fs = signals[index % len(signals)]
        page = render_page(signal, fs, name, seed=seed + index).image
        scale = min(width / page.shape[1], height / page.shape[0])
        size = (max(1, int(page.shape[1] * scale)), max(1, int(page.shape[0] * scale)))
        # Area averaging holds no ringing, and each thin line keeps its share of every pixel.
        small = cv2.resize(page, size, interpolation=cv2.INTER_AREA)
        row, column = divmod(index, _COLUMNS)
        left = _GAP + column * pitch[0] + (width - size[0]) // 2
        top = _GAP + row * pitch[1] + (height - size[1]) // 2
        sheet[top : top + size[1], left : left + size[0]] = small
    return _captioned(sheet, presets, pitch, height)


def _captioned(
    sheet: NDArray[np.uint8], presets: Sequence[str], pitch: tuple[int, int], height: int
) -> NDArray[np.uint8]:
    picture = Image.fromarray(sheet)
    pen = ImageDraw.Draw(picture)
    font = ImageFont.load_default(18)
    for index, name in enumerate(presets):
        row, column = divmod(index, _COLUMNS)
        place = (_GAP + (column + 0.5) * pitch[0] - _GAP / 2, _GAP + row * pitch[1] + height + _CAPTION / 2)
        pen.text(place, name, fill=(40, 40, 40), font=font, anchor="mm")
    return np.array(picture)


def write_jpeg(image: NDArray[np.uint8], path: Path, most: int) -> int:
    """Write a picture as the best JPEG of at most so many bytes; the file appears whole or not at all.

    Parameters
    ----------
    image : ndarray, shape (H, W, 3), uint8
    path : Path
    most : int
        Bytes.

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    ValueError
        If no quality is low enough.
    """
    for quality in _QUALITIES:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=quality, optimize=True)
        if buffer.tell() <= most:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent, prefix=".printing-") as scratch:
                Path(scratch, path.name).write_bytes(buffer.getvalue())
                os.replace(Path(scratch, path.name), path)
            return buffer.tell()
    raise ValueError(f"{path}: no quality down to {_QUALITIES[-1]} is below {most} bytes; allowed: a smaller picture")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        0, or 1 if the sheet could not be made.
    """
    parser = argparse.ArgumentParser(
        prog="python -m papertrace.synth.contact_sheet", description="Print a page of every preset."
    )
    parser.add_argument("out", type=Path, metavar="OUT.jpg")
    parser.add_argument("sources", nargs="*", metavar="SOURCE", help="WFDB records or folders (default: a simulation)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first page (default: %(default)s)")
    parser.add_argument("--kilobytes", type=int, default=600, help="most that the file may take (default: %(default)s)")
    given = parser.parse_args(arguments)
    try:
        records = [record for place in given.sources for record in find_records(place)][: len(PRESETS)]
        signals = [read_record(record) for record in records] or [(simulate(seed=given.seed), 500.0)]
        write_jpeg(contact_sheet(signals, seed=given.seed), given.out, given.kilobytes * 1000)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

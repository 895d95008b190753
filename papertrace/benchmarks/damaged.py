"""Damage files by the thousand: seeds of every kind, and what becomes of them in the decoders."""

from __future__ import annotations

import io
import os
import struct
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from digitize.pages.page import load_page, page_names
from digitize.records.page import PageError

ROOT = Path(__file__).parents[2]
EXTREMES = [struct.pack(order + "I", value) for order in "<>" for value in (0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x10000)]
EXTREMES += [b"\xff", b"\x00", b"\xff\xff", b"999999999", b"-1", b"<<", b"endobj", b"%%EOF", b"\xff\xd9", b"IEND"]
"""What is written over a place: numbers at the ends of what fits, and words of the formats."""

_PAGES, _SECONDS, _LONGEST = 5, 5.0, 400
"""Pages of a file that are read, seconds of the processor that they may take, and characters of a message."""

_TILE = 64
"""Pixels of a side."""

_LARGE = 2
"""Seeds at the end that are whole pages: they are damaged less often than the others."""


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _tiled(picture: NDArray[np.uint8]) -> bytes:
    """Write a color picture as a TIFF of deflated tiles, which Pillow reads and does not write."""
    rows, columns = (-(-side // _TILE) for side in picture.shape[:2])
    padded = np.zeros((rows * _TILE, columns * _TILE, 3), np.uint8)
    padded[: picture.shape[0], : picture.shape[1]] = picture
    grid = padded.reshape(rows, _TILE, columns, _TILE, 3).swapaxes(1, 2).reshape(-1, _TILE, _TILE, 3)
    tiles = [zlib.compress(tile.tobytes()) for tile in grid]
    short, long = (3, "H"), (4, "I")
    sizes = [len(tile) for tile in tiles]
    tags = {
        256: (short, [picture.shape[1]]), 257: (short, [picture.shape[0]]), 258: (short, [8, 8, 8]), 259: (short, [8]),
        262: (short, [2]), 277: (short, [3]), 322: (short, [_TILE]), 323: (short, [_TILE]),
        324: (long, [0] * len(tiles)), 325: (long, sizes),
    }  # fmt: skip
    after = 8 + 2 + 12 * len(tags) + 4
    start = after + sum(struct.calcsize(kind[1]) * len(values) for kind, values in tags.values() if len(values) > 1)
    tags[324] = (long, [start + sum(sizes[:number]) for number in range(len(tiles))])
    directory, arrays = struct.pack("<H", len(tags)), b""
    for tag, ((code, letter), values) in tags.items():
        packed = struct.pack(f"<{len(values)}{letter}", *values)
        if len(packed) > 4:
            place, arrays = struct.pack("<I", after + len(arrays)), arrays + packed
        else:
            place = packed.ljust(4, b"\0")
        directory += struct.pack("<HHI", tag, code, len(values)) + place
    return b"II*\0" + struct.pack("<I", 8) + directory + bytes(4) + arrays + b"".join(tiles)


@cache
def seeds() -> tuple[bytes, ...]:
    """Small files of every format and compression, and real pages."""
    import pillow_heif
    from matplotlib.figure import Figure

    rng = np.random.default_rng(0)
    picture = np.full((130, 170, 3), 255, np.uint8)
    picture[::10] = picture[:, ::10] = (255, 180, 180)
    picture[60:64, rng.integers(0, 170, 300)] = 0
    color = Image.fromarray(picture)
    gray, bits, palette = color.convert("L"), color.convert("1"), color.quantize(16)
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    deep = Image.fromarray(picture[..., 0].astype(np.uint16) * 257)
    two: dict[str, Any] = {"save_all": True, "append_images": [color.rotate(90, expand=True)]}
    exif = Image.Exif()
    exif[0x0112] = 6
    figure = Figure(figsize=(3, 2))
    figure.add_subplot().plot([0, 1], [0, 1])
    drawn, heic = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="pdf")
    pillow_heif.from_pillow(color).save(heic)
    return (
        _saved(color, "PNG", dpi=(200, 200), exif=exif),
        _saved(palette, "PNG", transparency=3),
        _saved(bits, "PNG"),
        _saved(deep, "PNG"),
        _saved(color.convert("RGBA"), "PNG", icc_profile=icc),
        _saved(color, "JPEG", exif=exif),
        _saved(color, "JPEG", progressive=True),
        _saved(color.convert("CMYK"), "JPEG"),
        _saved(color, "TIFF", **two),
        _saved(color, "TIFF", compression="tiff_lzw", **two),
        _saved(bits, "TIFF", compression="group4"),
        _saved(color, "TIFF", compression="jpeg"),
        _saved(gray, "TIFF", compression="tiff_adobe_deflate"),
        _saved(color, "TIFF", compression="packbits", big_tiff=True, icc_profile=icc),
        _saved(color.convert("RGBA"), "TIFF", compression="lzma"),
        _saved(color.convert("CMYK"), "TIFF", compression="zstd"),
        _saved(bits, "TIFF", compression="group3"),
        _saved(deep, "TIFF", compression="tiff_lzw"),
        _tiled(picture),
        _saved(Image.fromarray(picture[..., 0].astype(np.float32)), "TIFF"),
        _saved(color, "WEBP", lossless=True),
        _saved(color, "WEBP", quality=50, save_all=True, append_images=[color.rotate(180)]),
        _saved(palette, "GIF", save_all=True, append_images=[palette]),
        _saved(color, "BMP"),
        _saved(palette, "BMP"),
        _saved(color, "PDF", resolution=100, **two),
        _saved(bits, "PDF"),
        drawn.getvalue(),
        heic.getvalue(),
        (ROOT / "samples" / "00139_hr.jpg").read_bytes(),
        (ROOT / "samples" / "00024_hr.png").read_bytes(),
    )


def damaged(rng: np.random.Generator) -> bytes:
    """Give one of the seeds after one to eight accidents, most near its beginning or end, where the structure is."""
    known = seeds()
    data = bytearray(known[rng.integers(len(known) - _LARGE * int(rng.random() < 0.9))])
    for _ in range(rng.integers(1, 9)):
        if len(data) < 8:
            break
        near = int(min(rng.exponential(150), len(data) - 1))
        place = int(rng.choice([near, len(data) - 1 - near, int(rng.integers(len(data)))]))
        kind = rng.integers(8)
        if kind <= 2:
            data[place] = rng.integers(256)
        elif kind == 3:
            extreme = EXTREMES[rng.integers(len(EXTREMES))]
            data[place : place + len(extreme)] = extreme
        elif kind == 4:
            del data[place : place + int(rng.integers(1, 40))]
        elif kind == 5:
            data[place:place] = data[place : place + int(rng.integers(1, 60))]
        elif kind == 6:
            other = known[rng.integers(len(known) - _LARGE)]
            start = int(rng.integers(len(other)))
            data[place : place + 64] = other[start : start + 64]
        elif rng.random() < 0.3:
            del data[place:]
        else:
            data[place] ^= 1 << rng.integers(8)
    return bytes(data)


def read(data: bytes) -> tuple[str, str | None]:
    """Read the pages that a file holds, the first five.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    outcome : str
        ``"read"``, ``"refused"`` or ``"trouble"``.
    trouble : str or None
        What went otherwise than it should, or took too long; None where all is well.
    """
    began = sum(os.times()[:4])
    outcome = "read"
    try:
        for index in range(min(len(page_names(data)), _PAGES)):
            page = load_page(data, index)
            if page.image.dtype != np.uint8 or page.image.ndim != 3:
                return "trouble", f"a picture of {page.image.dtype} in {page.image.ndim} dimensions"
            if page.dpi is not None and not np.isfinite(page.dpi):
                return "trouble", f"{page.dpi} dpi"
    except PageError as error:
        outcome = "refused"
        if "\n" in str(error) or not str(error).isprintable() or len(str(error)) > _LONGEST:
            return "trouble", f"message {str(error)!r}"
    except Exception as error:
        return "trouble", f"{type(error).__name__}: {error}"
    seconds = sum(os.times()[:4]) - began  # of the processor, and of processes that have drawn for this one
    return (outcome, None) if seconds <= _SECONDS else ("trouble", f"{seconds:.1f} s")

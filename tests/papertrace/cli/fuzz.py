"""Damaged files by the thousand: seeds of every kind, and what happens to them on the way."""

from __future__ import annotations

import io
import struct
import time
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from digitize.pages.page import load_page, page_names
from digitize.records.page import PageError

ROOT = Path(__file__).parents[3]
EXTREMES = [struct.pack(order + "I", value) for order in "<>" for value in (0, 1, 0x7FFFFFFF, 0xFFFFFFFF, 0x10000)]
EXTREMES += [b"\xff", b"\x00", b"\xff\xff", b"999999999", b"-1", b"<<", b"endobj", b"%%EOF", b"\xff\xd9", b"IEND"]


def saved(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


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
    two = {"save_all": True, "append_images": [color.rotate(90, expand=True)]}
    exif = Image.Exif()
    exif[0x0112] = 6
    figure = Figure(figsize=(3, 2))
    figure.add_subplot().plot([0, 1], [0, 1])
    drawn, heic = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="pdf")
    pillow_heif.from_pillow(color).save(heic)
    return (
        saved(color, "PNG", dpi=(200, 200), exif=exif),
        saved(palette, "PNG", transparency=3),
        saved(bits, "PNG"),
        saved(Image.fromarray(picture[..., 0].astype(np.uint16) * 257), "PNG"),
        saved(color, "JPEG", exif=exif),
        saved(color, "JPEG", progressive=True),
        saved(color.convert("CMYK"), "JPEG"),
        saved(color, "TIFF", **two),
        saved(color, "TIFF", compression="tiff_lzw", **two),
        saved(bits, "TIFF", compression="group4"),
        saved(color, "TIFF", compression="jpeg"),
        saved(gray, "TIFF", compression="tiff_adobe_deflate"),
        saved(Image.fromarray(picture[..., 0].astype(np.float32)), "TIFF"),
        saved(color, "WEBP", lossless=True),
        saved(color, "WEBP", quality=50, save_all=True, append_images=[color.rotate(180)]),
        saved(palette, "GIF", save_all=True, append_images=[palette]),
        saved(color, "BMP"),
        saved(palette, "BMP"),
        saved(color, "PDF", resolution=100, **two),
        saved(bits, "PDF"),
        drawn.getvalue(),
        heic.getvalue(),
        (ROOT / "samples" / "00139_hr.jpg").read_bytes(),
        (ROOT / "samples" / "00024_hr.png").read_bytes(),
    )


def damaged(rng: np.random.Generator) -> bytes:
    """One of the seeds after one to eight accidents, most of them near its beginning or end, where the structure is."""
    known = seeds()
    data = bytearray(known[rng.integers(len(known) - 2 * (rng.random() < 0.9))])
    for _ in range(rng.integers(1, 9)):
        if len(data) < 8:
            break
        near = int(min(rng.exponential(150), len(data) - 1))
        place = int(rng.choice([near, len(data) - 1 - near, rng.integers(len(data))]))
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
            other = known[rng.integers(len(known) - 2)]
            start = int(rng.integers(len(other)))
            data[place : place + 64] = other[start : start + 64]
        elif rng.random() < 0.3:
            del data[place:]
        else:
            data[place] ^= 1 << rng.integers(8)
    return bytes(data)


def read(data: bytes) -> str | None:
    """Read all that a file holds; gives what went wrong otherwise than as it should, or took too long."""
    began = time.perf_counter()
    try:
        for index in range(min(len(page_names(data)), 5)):
            page = load_page(data, index)
            assert page.image.dtype == np.uint8 and page.image.ndim == 3
            assert page.dpi is None or np.isfinite(page.dpi)
    except PageError as error:
        if "\n" in str(error) or not str(error).isprintable() or len(str(error)) > 400:
            return f"message {str(error)!r}"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - began
    return f"{seconds:.1f} s" if seconds > 5 else None


def first_page(data: bytes) -> np.ndarray | None:
    """Give the picture, or None."""
    try:
        return load_page(data).image
    except PageError:
        return None


def try_batch(task: tuple[int, int]) -> list[tuple[int, str]]:
    """Read `count` damaged files; gives the number and the trouble of those that were not handled."""
    first, count = task
    troubles = []
    for number in range(first, first + count):
        trouble = read(damaged(np.random.default_rng(number)))
        if trouble is not None:
            troubles.append((number, trouble))
    return troubles

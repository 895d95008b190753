"""Pages out of files, bytes, arrays and pictures: every source becomes upright 8-bit RGB, or one clear line.

Everything that can be wrong with a file is found here, so that the steps that follow only ever see sound pixels. Sizes
are checked in the file's header, before anything is decoded: a page that is too large costs no memory.
"""

from __future__ import annotations

import io
import itertools
import math
import os
import stat
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias, overload

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

from digitize.records.arguments import number, of_type
from digitize.records.drawing import Drawing
from digitize.records.page import Page, PageError
from digitize.records.standards import DPI

if TYPE_CHECKING:
    import pypdfium2

MAX_PIXELS = 100_000_000
"""Largest page, pixels in all: an A3 sheet at 600 dpi has 70 million."""

MAX_SIDE = 20_000
"""Longest side of a page, pixels."""

MIN_SIDE = 100
"""Shortest side of a page, pixels: below that a millimeter of a single strip is less than a pixel."""

MAX_PAGES = 5000
"""Most pages of one file; a small damaged or malicious one can claim any number."""

PDF_DPI = 253.8
"""Resolution at which drawn PDF pages are rendered: ten pixels per millimeter, and a hair less. PDFium makes the cells
of a pattern whole pixels, rounded up: at 254 dots an inch a grid of such cells of 5 mm is a fiftieth wider than the
traces on it. Scanned pages keep their own resolution."""

_MOST_UNEVEN_DPI = 2.5
"""Ratio of the resolutions across and down a picture beyond which they are none: a fax's are 204 and 98."""

_ORIENTATION = 274
"""Exif tag that says how a picture is turned; more than 4 where its sides change places."""

_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF")
_ALLOWED = "PNG, JPEG, BMP, TIFF, WebP, GIF, HEIC or PDF"


PageSource: TypeAlias = "str | os.PathLike[str] | bytes | NDArray[Any] | Image.Image | Page"
"""What a page can be made of."""

_SOURCES = (str, os.PathLike, bytes, np.ndarray, Image.Image, Page)


class _Pages(Sequence[Page]):
    """Pages of a file that has several, each read when it is asked for: as many as a hundred of them hold no memory.

    Parameters
    ----------
    source : path or bytes
    places : range
        Which pages, from 0.
    """

    def __init__(self, source: PageSource, places: range) -> None:
        self._source = source
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Page: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Page]: ...

    def __getitem__(self, index: int | slice) -> Page | Sequence[Page]:
        if isinstance(index, slice):
            return _Pages(self._source, self._places[index])
        return load_page(self._source, self._places[index])

    def __repr__(self) -> str:
        return f"<{len(self)} pages of {_label(self._source)}>"


def load_pages(source: PageSource) -> Sequence[Page]:
    """Read the pages of a source.

    Parameters
    ----------
    source : path, bytes, ndarray, PIL image or Page
        A file (PNG, JPEG, BMP, TIFF, WebP, GIF, HEIC, PDF) or its contents; all pages of a TIFF or PDF, the first
        picture of others. An array is gray ``(height, width)`` or RGB or RGBA ``(height, width, 3 or 4)``: uint8,
        uint16 (the full range; where no value is above 255, that of uint8), bool or floats from 0 to 1. It is copied,
        never modified.

    Returns
    -------
    sequence of Page
        Of a source with several pages, each is read when it is asked for, and anew each time: a loop over a file of
        thousands holds one page in memory. What is wrong with such a page is told then. ``list(...)`` reads them all.

    Raises
    ------
    PageError
        If there is no such file, it cannot be read, is no picture, is damaged, or its size is outside the limits
        `MAX_PIXELS`, `MAX_SIDE` and `MIN_SIDE`.
    TypeError
        If the source is of another type.

    Examples
    --------
    >>> import numpy as np
    >>> page, = load_pages(np.ones((120, 200)))
    >>> page.image.shape, page.image[0, 0, 0], page.name
    ((120, 200, 3), np.uint8(255), 'page')
    """
    count = len(page_names(source))
    return [load_page(source)] if count == 1 else _Pages(source, range(count))


def page_names(source: PageSource) -> list[str]:
    """Names of a source's pages, without decoding them.

    Parameters
    ----------
    source : path, bytes, ndarray, PIL image or Page
        As for `load_pages`.

    Returns
    -------
    list of str
        One name a page: what `Page.name` will be.

    Raises
    ------
    PageError
        If the file is missing, cannot be read or is no picture.

    Examples
    --------
    >>> import numpy as np
    >>> page_names(np.ones((120, 200)))
    ['page']
    """
    label = _label(source)
    if isinstance(source, Page):
        return [source.name]
    if isinstance(source, (np.ndarray, Image.Image)):
        return [_stem(source)]
    with _opened(source) as file, _decoding(label):
        count = _count_pages(file, label, MAX_PAGES + 1)
    if count > MAX_PAGES:
        raise PageError(f"{label}: more than {MAX_PAGES} pages in one file; split it")
    return [_page_name(source, index, count) for index in range(count)]


def load_only_page(source: PageSource) -> Page:
    """Read the only page of a source.

    Parameters
    ----------
    source : path, bytes, ndarray, PIL image or Page
        As for `load_pages`.

    Returns
    -------
    Page

    Raises
    ------
    PageError
        As for `load_pages`, and if there are several.
    """
    names = page_names(source)
    if len(names) > 1:
        raise PageError(f"{names[0]}: {len(names)} pages in one file; pass one of load_pages(...)")
    return load_page(source)


def load_page(source: PageSource, index: int = 0, *, dpi: float | None = None) -> Page:
    """Read one page of a source.

    Parameters
    ----------
    source : path, bytes, ndarray, PIL image or Page
        As for `load_pages`.
    index : int
        Which page, from 0.
    dpi : float, optional
        Resolution of the page, 100 to 700 dots an inch, in place of what the file states; a drawn PDF page is rendered
        at it.

    Returns
    -------
    Page

    Raises
    ------
    PageError
        As for `load_pages`, and if there is no page with this index.
    TypeError, ValueError
        If an argument is of another type, or the resolution out of range.

    Examples
    --------
    >>> import numpy as np
    >>> load_page(np.zeros((120, 200), bool)).image[0, 0].tolist()
    [0, 0, 0]
    """
    label = _label(source)
    index = int(number("index", index, (0, MAX_PAGES - 1), "0 is the first page", whole=True))
    if dpi is not None:
        dpi = number("dpi", dpi, DPI, "dots an inch")
    if isinstance(source, (np.ndarray, Image.Image, Page)):
        _check_index(index, 1, label)
        if isinstance(source, Page):
            return source if dpi is None else replace(source, dpi=dpi)
        if isinstance(source, np.ndarray):
            return Page(_from_array(source, label), _stem(source), dpi, index)
        with _decoding(label):
            image, stated = _from_picture(source, label)
        return Page(image, _stem(source), dpi or stated, index)
    with _opened(source) as file:
        with _decoding(label):
            # Only whether there are several matters: in a large TIFF every page is a step on the way to the next.
            count = _count_pages(file, label, max(index + 1, 2))
        _check_index(index, count, label)
        where = label if count == 1 else f"{label}, page {index + 1}"
        drawing = None
        with _decoding(where):
            if _is_pdf(file):
                image, stated, drawing = _render_pdf(file, index, where, dpi)
            else:
                image, stated = _decode(file, index, where)
                stated = dpi or stated
    return Page(image, _page_name(source, index, count), stated, index, drawing)


def load_drawing(source: PageSource) -> Drawing | None:
    """Take the lines and the text of the only page of a source, without rendering it.

    Parameters
    ----------
    source : path, bytes, ndarray, PIL image or Page
        As for `load_pages`.

    Returns
    -------
    Drawing or None
        None of a picture, and where there are several pages.

    Raises
    ------
    PageError
        As for `load_pages`.

    Examples
    --------
    >>> import numpy as np
    >>> load_drawing(np.ones((120, 200))) is None
    True
    """
    if isinstance(source, Page):
        return source.drawing
    if isinstance(source, (np.ndarray, Image.Image)):
        return None
    label = _label(source)
    with _opened(source) as file, _decoding(label):
        if not _is_pdf(file):
            return None
        with _open_pdf(file, label) as document:
            if len(document) != 1:
                return None
            page = document[0]
            return None if _scan_dpi(page, label) else _draw_pdf(page, _drawn_dpi(page, None, label))


def _check_index(index: int, count: int, label: str) -> None:
    if not 0 <= index < count:
        raise PageError(f"{label}: no page with index {index}; allowed: 0 to {count - 1}")


def _page_name(source: PageSource, index: int, count: int) -> str:
    return _stem(source) if count == 1 else f"{_stem(source)}-{index + 1}"


def _label(source: PageSource) -> str:
    """Name a source in an error message; whatever is no source at all is told here."""
    of_type("source", source, _SOURCES, "a path, bytes, an array, a PIL image or a Page")
    if isinstance(source, bytes):
        return "bytes"
    if isinstance(source, np.ndarray):
        return "array"
    if isinstance(source, Page):
        return source.name
    if isinstance(source, Image.Image):
        return str(getattr(source, "filename", "")) or "picture"
    return os.fspath(source)


def _stem(source: PageSource) -> str:
    if isinstance(source, Image.Image):
        return Path(str(getattr(source, "filename", ""))).stem or "page"
    return Path(source).stem if isinstance(source, (str, os.PathLike)) else "page"


@contextmanager
def _opened(source: str | os.PathLike[str] | bytes) -> Iterator[IO[bytes]]:
    if isinstance(source, bytes):
        if not source:
            raise PageError("bytes: empty")
        yield io.BytesIO(source)
        return
    label = os.fspath(source)
    try:
        status = os.stat(label)
        # A pipe or a device may never end, and must not even be opened.
        file = open(label, "rb") if stat.S_ISREG(status.st_mode) else None
    except FileNotFoundError:
        raise PageError(f"{label}: no such file") from None
    except PermissionError:
        raise PageError(f"{label}: no permission to read it") from None
    except OSError as error:
        raise PageError(f"{label}: cannot be opened: {error.strerror}") from None
    except ValueError as error:  # a zero byte in the name
        raise PageError(f"{label!r}: not a file name: {error}") from None
    if file is None:
        raise PageError(f"{label}: is {'a folder' if stat.S_ISDIR(status.st_mode) else 'a device'}, not a file")
    with file:
        if status.st_size == 0:
            raise PageError(f"{label}: the file is empty")
        yield file


@contextmanager
def _decoding(label: str) -> Iterator[None]:
    """Turn whatever a decoder throws into a `PageError`, and keep its warnings to itself."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except PageError:
        raise
    except Image.DecompressionBombError:
        raise PageError(f"{label}: too large: the limit is {MAX_PIXELS // 10**6} megapixels") from None
    except MemoryError:
        raise PageError(f"{label}: not enough memory to decode it") from None
    except Exception as error:  # decoders of broken files raise anything: OSError, struct.error, KeyError, ...
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PageError(f"{label}: damaged or cut short: {reason}") from error


def _check_size(width: int, height: int, label: str) -> None:
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise PageError(
            f"{label}: {width} x {height} pixels is too large: "
            f"the limit is {MAX_PIXELS // 10**6} megapixels and {MAX_SIDE} pixels a side"
        )
    if min(width, height) < MIN_SIDE:
        raise PageError(f"{label}: {width} x {height} pixels is too small: the limit is {MIN_SIDE} pixels a side")


def _open_picture(file: IO[bytes], label: str) -> Image.Image:
    formats: tuple[str, ...] = _FORMATS
    file.seek(0)
    if file.read(12)[4:8] == b"ftyp":
        import pillow_heif

        pillow_heif.register_heif_opener()
        formats = ("HEIF",)
    file.seek(0)
    try:
        return Image.open(file, formats=formats)
    except UnidentifiedImageError:
        raise PageError(f"{label}: not a page picture, or damaged; allowed: {_ALLOWED}") from None


def _count_pages(file: IO[bytes], label: str, enough: int) -> int:
    """Count the pages, of a picture no further than `enough`."""
    if _is_pdf(file):
        with _open_pdf(file, label) as document:
            count = len(document)
    else:
        count = sum(1 for _ in itertools.islice(_frames(_open_picture(file, label)), enough))
    if count == 0:
        raise PageError(f"{label}: has no pages")
    return count


def _frames(picture: Image.Image) -> Iterator[int]:
    """Frames that are pages: those of a TIFF that are no thumbnails; the first of an animation or a burst.

    The picture stands at the frame that was given last.
    """
    if not isinstance(picture, TiffImagePlugin.TiffImageFile):
        yield 0
        return
    for frame in itertools.count():
        try:
            picture.seek(frame)
        except EOFError:
            return
        if not int(picture.tag_v2.get(254, 0)) & 1:  # NewSubfileType, bit 0: a reduced copy of another page
            yield frame


def _decode(file: IO[bytes], index: int, label: str) -> tuple[NDArray[np.uint8], float | None]:
    picture = _open_picture(file, label)
    next(itertools.islice(_frames(picture), index, None))
    return _from_picture(picture, label)


def _from_picture(picture: Image.Image, label: str) -> tuple[NDArray[np.uint8], float | None]:
    _check_size(*picture.size, label)
    across, down = _stated_dpi(picture)
    upright = ImageOps.exif_transpose(picture)
    dpi = max(across, down) if across and down else None
    if dpi and across != down:
        # Lines are repeated, as programs for faxes show them: that tells how they were sent (`digitize.pages.fax`).
        size = round(upright.width * dpi / across), round(upright.height * dpi / down)
        _check_size(*size, label)
        upright = upright.resize(size, Image.Resampling.NEAREST)
    if upright.has_transparency_data:
        upright = upright.convert("RGBA")
        if any(upright.getchannel("A").histogram()[:255]):
            upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright)
    if upright.mode.startswith("I;16"):
        return _from_array(np.asarray(upright), label), dpi
    if upright.mode in ("I", "F"):
        return _from_array(_unit_range(np.asarray(upright), label), label), dpi
    return np.array(upright.convert("RGB")), dpi


def _unit_range(values: NDArray[Any], label: str) -> NDArray[np.float32]:
    """Scale wide pixels to 0..1 by the smallest full scale that holds them: the mode alone does not tell the depth."""
    ceilings = (1, 255, 65535) if values.dtype.kind == "f" else (255, 65535)
    low, high = float(values.min()), float(values.max())
    ceiling = next((ceiling for ceiling in ceilings if high <= ceiling), None)
    if ceiling is None or not low >= 0:
        raise PageError(f"{label}: pixel values from {low:g} to {high:g}; allowed: 0 to 65535")
    return (values / ceiling).astype(np.float32)


def _stated_dpi(picture: Image.Image) -> tuple[float, float]:
    """Dots an inch across and down the picture once it is turned as its file says; 0 where it states nothing sound.

    They are alike, unless it is a fax.
    """
    x, y = (float(value) for value in picture.info.get("dpi") or (0, 0))
    if not (math.isfinite(x) and math.isfinite(y) and min(x, y) > 1 and max(x, y) <= _MOST_UNEVEN_DPI * min(x, y)):
        return 0.0, 0.0
    if abs(x - y) <= 0.01 * x:
        return x, x
    return (y, x) if picture.getexif().get(_ORIENTATION, 1) > 4 else (x, y)


def _from_array(array: NDArray[Any], label: str) -> NDArray[np.uint8]:
    if isinstance(array, np.ma.MaskedArray):
        raise PageError(f"{label}: is masked; allowed: a plain array, e.g. array.filled(255)")
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        raise PageError(f"{label}: shape {array.shape}; allowed: (height, width) or (height, width, 1, 3 or 4)")
    _check_size(array.shape[1], array.shape[0], label)
    levels = _SCALES.get(array.dtype.name)
    if levels is None:
        if array.dtype.kind != "f":
            raise PageError(f"{label}: pixels of type {array.dtype}; allowed: uint8, uint16, bool, floats from 0 to 1")
        low, high = float(array.min()), float(array.max())
        if not (low >= 0 and high <= 1):
            raise PageError(f"{label}: pixel values from {low:g} to {high:g}; allowed for floats: 0 to 1")
        levels = _float_levels
    pixels = levels(array)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.shape[2] == 4:
        alpha = pixels[..., 3:].astype(np.uint32)
        pixels = ((pixels[..., :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return np.array(np.broadcast_to(pixels, (*pixels.shape[:2], 3)), order="C")


def _float_levels(array: NDArray[Any]) -> NDArray[np.uint8]:
    return np.rint(array * np.float32(255)).astype(np.uint8)


def _wide_levels(array: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Levels of 16-bit pixels; where none is above 255 they are 8-bit ones in wide cells, for no page is that dark."""
    if array.max() <= 255:
        return array.astype(np.uint8)
    return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)


_SCALES: dict[str, Callable[[NDArray[Any]], NDArray[np.uint8]]] = {
    "uint8": lambda array: array,
    "uint16": _wide_levels,
    "bool": lambda array: array.astype(np.uint8) * np.uint8(255),
}


def _is_pdf(file: IO[bytes]) -> bool:
    # Readers accept the marker anywhere in the first kilobyte (PDF 1.7, implementation note 13).
    file.seek(0)
    return b"%PDF-" in file.read(1024)


def _open_pdf(file: IO[bytes], label: str) -> pypdfium2.PdfDocument:
    import pypdfium2

    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - 2048))
    # PDFium would mend a file that is cut short, and leave out what is missing.
    if b"%%EOF" not in file.read():
        raise PageError(f"{label}: damaged or cut short: the PDF has no end")
    file.seek(0)
    try:
        return pypdfium2.PdfDocument(file)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD:
            raise PageError(f"{label}: the PDF is locked with a password") from None
        raise PageError(f"{label}: damaged: {error}") from None


def _render_pdf(
    file: IO[bytes], index: int, label: str, given: float | None
) -> tuple[NDArray[np.uint8], float, Drawing | None]:
    with _open_pdf(file, label) as document:
        page = document[index]
        scanned = _scan_dpi(page, label)
        dpi = _drawn_dpi(page, scanned or given, label)
        width, height = _drawn_size(page, dpi)
        # At another resolution a grid would be wider than the traces on it.
        fine = PDF_DPI * math.ceil(dpi / PDF_DPI)
        if scanned or math.prod(page.get_size()) * (fine / 72) ** 2 > MAX_PIXELS:
            fine = dpi
        image = page.render(scale=fine / 72, rev_byteorder=True).to_numpy()[..., :3]
        if fine != dpi:
            image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        drawing = None if scanned else _draw_pdf(page, dpi)
        return np.array(image, order="C"), given if scanned and given else dpi, drawing


def _drawn_dpi(page: pypdfium2.PdfPage, known: float | None, label: str) -> float:
    """Resolution at which a page is rendered."""
    width, height = (float(side) for side in page.get_size())
    # A drawn page has no pixels of its own: a poster is rendered as finely as the limits allow.
    most = min(72 * MAX_SIDE / (max(width, height) + 1), 72 * math.sqrt(MAX_PIXELS / (width * height)) * 0.999)
    dpi = min(known or PDF_DPI, most)
    _check_size(*_drawn_size(page, dpi), label)
    return dpi


def _drawn_size(page: pypdfium2.PdfPage, dpi: float) -> tuple[int, int]:
    width, height = page.get_size()
    return math.ceil(width * dpi / 72), math.ceil(height * dpi / 72)


def _draw_pdf(page: pypdfium2.PdfPage, dpi: float) -> Drawing | None:
    from digitize.pages.drawing import read_drawing

    return read_drawing(page, _drawn_size(page, dpi), dpi)


def _scan_dpi(page: pypdfium2.PdfPage, label: str) -> float | None:
    """Resolution of the pictures that a scanned page consists of; None when the page is drawn."""
    from pypdfium2 import raw

    covered, dpi = 0.0, 0.0
    for item in page.get_objects(max_depth=1):
        if item.type == raw.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = item.get_bounds()
            area = abs((right - left) * (top - bottom))
            columns, rows = item.get_px_size()
            if columns * rows > MAX_PIXELS or max(columns, rows) > MAX_SIDE:
                _check_size(columns, rows, label)
            if area > 0:
                covered += area
                # A hair less, or rounding would add a row that the scan does not have.
                dpi = max(dpi, 72 * math.sqrt(columns * rows / area) * (1 - 1e-6))
        elif item.type != raw.FPDF_PAGEOBJ_TEXT:  # text is what scanners add to make a page searchable
            return None
    width, height = page.get_size()
    return dpi if covered >= 0.5 * width * height else None

from __future__ import annotations

import errno
import io
import os
import struct
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from digitize.pages import page as page_module
from digitize.pages.page import MAX_SIDE, PDF_DPI, load_page, load_pages, page_names
from digitize.records.page import Page, PageError
from tests.papertrace.cli.bombs import CATALOG, pdf, stream

ROOT = Path(__file__).parents[3]

RAMP = np.zeros((150, 220, 3), np.uint8)
RAMP[..., 0] = np.linspace(0, 255, 220)[None]
RAMP[..., 1] = np.linspace(0, 255, 150)[:, None]
GRAY = RAMP[..., 0]


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def huge_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def difference(page: Page, expected: np.ndarray) -> float:
    return float(np.abs(page.image.astype(int) - expected.astype(int)).mean())


@pytest.mark.parametrize(
    ("kind", "options", "tolerance"),
    [
        ("PNG", {}, 0),
        ("BMP", {}, 0),
        ("TIFF", {}, 0),
        ("TIFF", {"compression": "tiff_lzw"}, 0),
        ("WEBP", {"lossless": True}, 0),
        ("JPEG", {"quality": 95}, 2),
        ("JPEG", {"quality": 95, "progressive": True}, 2),
        ("GIF", {}, 8),
        ("PDF", {"quality": 95, "resolution": 200}, 2),
    ],
)
def test_formats_give_the_same_pixels(tmp_path, kind, options, tolerance):
    path = tmp_path / f"scan.{kind.lower()}"
    path.write_bytes(encoded(Image.fromarray(RAMP), kind, **options))
    for source in (path, str(path), path.read_bytes()):
        (page,) = load_pages(source)
        assert page.name == ("page" if isinstance(source, bytes) else "scan")
        assert difference(page, RAMP) <= tolerance


def test_heic():
    buffer = io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(RAMP)).save(buffer, quality=95)
    (page,) = load_pages(buffer.getvalue())
    assert difference(page, RAMP) < 3


def test_suffix_does_not_matter(tmp_path):
    path = tmp_path / "scan.jpg"
    path.write_bytes(encoded(Image.fromarray(RAMP), "PNG"))
    assert difference(load_page(path), RAMP) == 0


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(kind, orientation):
    upright = Image.fromarray(RAMP)
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Pillow's transpositions, the inverse of each orientation
    stored = upright.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    (page,) = load_pages(encoded(stored, kind, exif=exif, **options))
    assert page.image.shape == RAMP.shape
    assert difference(page, RAMP) < 2


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_are_white(mode):
    layer = np.dstack([np.zeros_like(RAMP), np.repeat([[0, 255]], 150, axis=0).repeat(110, axis=1).astype(np.uint8)])
    image = Image.fromarray(layer)
    image = image.quantize(4) if mode == "P" else image.convert(mode)
    (page,) = load_pages(encoded(image, "PNG"))
    assert (page.image[:, :110] == 255).all()
    assert (page.image[:, 110:] == 0).all()
    (page,) = load_pages(image)
    assert (page.image[:, :110] == 255).all()


def test_half_transparent_arrays_are_half_white():
    layer = np.zeros((120, 120, 4), np.uint8)
    layer[..., 3] = 128
    assert (load_page(layer).image == 127).all()


def test_one_bit():
    stripes = np.zeros((120, 200), bool)
    stripes[::2] = True
    expected = np.repeat(stripes[..., None], 3, axis=2) * np.uint8(255)
    assert difference(load_page(stripes), expected) == 0
    assert difference(load_page(encoded(Image.fromarray(stripes), "PNG")), expected) == 0
    assert difference(load_page(encoded(Image.fromarray(stripes), "TIFF", compression="group4")), expected) == 0


@pytest.mark.parametrize("kind", [".png", ".tiff"])
def test_sixteen_bits(kind):
    gray = np.repeat(GRAY[..., None], 3, axis=2)
    deep = GRAY.astype(np.uint16) * 257
    for narrow in (GRAY.astype(np.uint16), cv2.imencode(kind, GRAY.astype(np.uint16))[1].tobytes()):
        assert difference(load_page(narrow), gray) == 0
    assert difference(load_page(deep), gray) == 0
    for image in (deep, np.dstack([deep] * 3)):
        assert difference(load_page(cv2.imencode(kind, image)[1].tobytes()), gray) == 0


def test_float_and_wide_tiffs():
    gray = np.repeat(GRAY[..., None], 3, axis=2)
    for image in (GRAY.astype(np.float32) / 255, GRAY.astype(np.float32), GRAY.astype(np.int32) * 257):
        assert difference(load_page(encoded(Image.fromarray(image), "TIFF")), gray) < 0.01
    with pytest.raises(PageError, match="pixel values from -1 to"):
        load_page(encoded(Image.fromarray(GRAY.astype(np.float32) - 1), "TIFF"))


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk(kind):
    assert difference(load_page(encoded(Image.fromarray(RAMP).convert("CMYK"), kind)), RAMP) < 2


def test_palette():
    image = Image.fromarray(GRAY).convert("P")
    assert difference(load_page(encoded(image, "PNG")), np.asarray(image.convert("RGB"))) == 0


@pytest.mark.parametrize("kind", ["TIFF", "PDF"])
def test_many_pages(tmp_path, kind):
    path = tmp_path / f"ward round.{kind.lower()}"
    pages = [Image.fromarray(RAMP), Image.fromarray(255 - RAMP), Image.fromarray(RAMP[::-1, :200])]
    path.write_bytes(encoded(pages[0], kind, save_all=True, append_images=pages[1:], resolution=150))
    loaded = load_pages(path)
    assert page_names(path) == ["ward round-1", "ward round-2", "ward round-3"] == [page.name for page in loaded]
    assert [page.index for page in loaded] == [0, 1, 2]
    for page, expected in zip(loaded, pages, strict=True):
        assert difference(page, np.asarray(expected)) < 3
        assert page.dpi == pytest.approx(150, rel=1e-4)
    with pytest.raises(PageError, match="no page with index 3; allowed: 0 to 2"):
        load_page(path, 3)
    assert [page.index for page in loaded[1:]] == [1, 2]
    assert [page.index for page in loaded[::-1][:2]] == [2, 1]
    assert loaded[-1].index == 2
    with pytest.raises(IndexError):
        loaded[3]
    assert repr(loaded) == f"<3 pages of {path}>"


MEMORY_OF_ALL = """
import sys
from digitize import load_pages

pages = load_pages(sys.argv[1])
assert sum(page.image.nbytes > 3_000_000 for page in pages) == len(pages)
with open("/proc/self/status") as status:
    print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is told by /proc")
@pytest.mark.parametrize("kind", ["drawn", "scanned"])
def test_many_pages_need_no_more_memory_than_two(tmp_path, kind):
    peaks = []
    for count in (2, 150):
        path = tmp_path / f"{count}.pdf"
        path.write_bytes(pdf_of(count, kind))
        done = subprocess.run(
            [sys.executable, "-c", MEMORY_OF_ALL, path], capture_output=True, text=True, check=True, cwd=ROOT
        )
        peaks.append(int(done.stdout) / 1024)
    assert peaks[1] - peaks[0] < 25, "MiB; the pictures of 150 pages have 470"


def pdf_of(count: int, kind: str) -> bytes:
    """Pages of a million pixels, each drawn anew from the same strokes or the same picture."""
    gray = stream(
        b"/Type/XObject/Subtype/Image/Width 1200/Height 900/ColorSpace/DeviceGray/BitsPerComponent 8"
        b"/Filter/FlateDecode",
        zlib.compress(bytes(1200 * 900)),
    )
    drawn = stream(b"", b"0 0 m 340 255 l S" if kind == "drawn" else b"340 0 0 255 0 0 cm /I Do")
    kids = b" ".join(b"%d 0 R" % (5 + place) for place in range(count))
    one = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 340 255]/Resources<</XObject<</I 3 0 R>>>>/Contents 4 0 R>>"
    return pdf(CATALOG, b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count), gray, drawn, *[one] * count)


def test_thumbnails_in_a_tiff_are_no_pages():
    thumbnail = Image.fromarray(RAMP[::2, ::2])
    thumbnail.encoderinfo = {"tiffinfo": {254: 1}}
    data = encoded(Image.fromarray(RAMP), "TIFF", save_all=True, append_images=[thumbnail])
    assert Image.open(io.BytesIO(data)).n_frames == 2
    (page,) = load_pages(data)
    assert page.image.shape == RAMP.shape


def test_an_animation_is_its_first_picture():
    frames = [Image.fromarray(RAMP), Image.fromarray(255 - RAMP)]
    (page,) = load_pages(encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True))
    assert difference(page, RAMP) == 0


def test_drawn_pdf_has_ten_pixels_per_millimeter():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(200 / 25.4, 100 / 25.4))
    figure.add_axes((0, 0, 1, 1)).plot([0, 1], [0, 1], color="black")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="pdf")
    (page,) = load_pages(buffer.getvalue())
    assert page.dpi == PDF_DPI
    assert page.image.shape == pytest.approx((1000, 2000, 3), abs=1)
    assert page.image.min() < 50


@pytest.mark.parametrize("dpi", [None, 100, 200, 300])
def test_grid_that_is_a_pattern_is_as_wide_as_it_should_be(dpi):
    cell = 5 * 72 / 25.4
    tile = stream(
        b"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 %f %f]/XStep %f/YStep %f/Resources<<>>"
        % ((cell,) * 4),
        b"0 0 1 100 re f",
    )
    resources = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 400]/Resources<</Pattern<</P 5 0 R>>>>/Contents 4 0 R>>"
    fill = stream(b"", b"/Pattern cs /P scn 0 0 600 400 re f")
    page = load_page(pdf(CATALOG, b"<</Type/Pages/Kids[3 0 R]/Count 1>>", resources, fill, tile), dpi=dpi)
    dark = 255.0 - page.image.mean(axis=(0, 2))
    frequency = np.abs(np.fft.rfft(dark - dark.mean(), 1 << 20))
    around = slice(round((1 << 20) * 22.0 / page.dpi / 5), round((1 << 20) * 29.0 / page.dpi / 5))
    pitch = (1 << 20) / (around.start + int(frequency[around].argmax()))
    assert pitch == pytest.approx(page.dpi * 5 / 25.4, rel=2e-3)


def test_scanned_pdf_keeps_its_pixels():
    noise = np.random.default_rng(1).integers(0, 256, (301, 402), np.uint8)
    jpeg = encoded(Image.fromarray(noise), "JPEG", quality=75)
    (page,) = load_pages(encoded(Image.fromarray(noise), "PDF", quality=75, resolution=167))
    assert page.image.shape == (301, 402, 3)
    assert difference(page, np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB"))) < 1


@pytest.mark.parametrize(
    ("stated", "dpi"), [((300, 300), 300), ((204, 98), 204), ((300, 72), None), ((0, 0), None), (None, None)]
)
def test_dpi(stated, dpi):
    options = {"dpi": stated} if stated else {}
    assert load_page(encoded(Image.fromarray(RAMP), "TIFF", **options)).dpi == dpi


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_fax_gets_square_pixels(orientation):
    exif = Image.Exif()
    exif[274] = orientation
    raw = Image.fromarray(RAMP)
    page = load_page(encoded(raw, "TIFF", dpi=(204, 98), exif=exif))
    square = np.asarray(raw.resize((raw.width, round(raw.height * 204 / 98)), Image.Resampling.NEAREST).convert("RGB"))
    assert page.dpi == 204
    assert np.array_equal(page.image, np.rot90(square, -1) if orientation == 6 else square)


@pytest.mark.parametrize("kind", ["TIFF", "PDF"])
def test_a_given_resolution_replaces_the_stated_one(kind):
    page = load_page(encoded(Image.fromarray(RAMP), kind, resolution=150, dpi=(150, 150)), dpi=300)
    assert page.dpi == 300
    assert page.image.shape == RAMP.shape
    for source in (RAMP, page, Image.fromarray(RAMP)):
        assert load_page(source, dpi=200).dpi == 200
    assert page.dpi == 300


def test_a_drawn_page_is_rendered_at_a_given_resolution():
    from matplotlib.figure import Figure

    buffer = io.BytesIO()
    Figure(figsize=(4, 3)).savefig(buffer, format="pdf")
    page = load_page(buffer.getvalue(), dpi=100)
    assert (page.dpi, page.image.shape) == (100, (300, 400, 3))


def test_picture_objects(tmp_path):
    path = tmp_path / "opened.png"
    path.write_bytes(encoded(Image.fromarray(RAMP), "PNG"))
    with Image.open(path) as image:
        assert load_page(image).name == "opened"
    image = Image.fromarray(RAMP)
    assert load_page(image).name == "page"
    assert (np.asarray(image) == RAMP).all()


def test_a_page_is_a_source():
    page = load_page(RAMP)
    assert load_pages(page) == [page]
    assert page_names(page) == ["page"]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_arrays(data):
    dtype = data.draw(st.sampled_from([np.uint8, np.uint16, np.bool_, np.float32, np.float64, np.float16]))
    sides = st.integers(100, 130)
    shape = data.draw(st.tuples(sides, sides) | st.tuples(sides, sides, st.sampled_from([1, 3, 4])))
    elements = st.floats(0, 1, width=16) if np.dtype(dtype).kind == "f" else None
    array = data.draw(hnp.arrays(dtype, shape, elements=elements))
    array = data.draw(st.sampled_from([array, array[::-1], array.swapaxes(0, 1), np.asfortranarray(array)]))
    before = array.copy()
    array.flags.writeable = False
    (page,) = load_pages(array)
    assert page.image.dtype == np.uint8
    assert page.image.shape == (*array.shape[:2], 3)
    assert page.image.flags.c_contiguous and page.image.flags.writeable
    assert not np.shares_memory(page.image, array)
    assert (array == before).all()
    if array.ndim == 2:
        # 16-bit pixels of which none is above 255 are 8-bit ones.
        full_scale = {"u": 255 if array.max(initial=0) <= 255 else 65535}.get(np.dtype(dtype).kind, 1)
        assert np.abs(page.image[..., 0] - array.astype(float) / full_scale * 255).max() <= 0.51


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((200, 200), np.int64), "pixels of type int64; allowed: uint8"),
        (np.zeros((200, 200), complex), "pixels of type complex128"),
        (np.full((200, 200), np.nan), "pixel values from nan"),
        (np.full((200, 200), 2.0), "pixel values from 2 to 2; allowed for floats: 0 to 1"),
        (np.zeros((200, 200, 2), np.uint8), r"shape \(200, 200, 2\)"),
        (np.zeros(200, np.uint8), r"shape \(200,\)"),
        (np.zeros((0, 200), np.uint8), "200 x 0 pixels is too small"),
        (np.zeros((99, 200), np.uint8), "200 x 99 pixels is too small: the limit is 100"),
        (np.broadcast_to(np.uint8(0), (200, MAX_SIDE + 1)), "20001 x 200 pixels is too large"),
        (np.broadcast_to(np.uint8(0), (10001, 10001)), "the limit is 100 megapixels"),
    ],
)
def test_wrong_arrays(array, message):
    with pytest.raises(PageError, match=message):
        load_pages(array)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PDF", "HEIC"])
@pytest.mark.parametrize("share", [0.005, 0.3, 0.7, 0.97])
def test_cut_files_are_errors(tmp_path, kind, share):
    noise = Image.fromarray(np.random.default_rng(2).integers(0, 256, (150, 220, 3), np.uint8))
    if kind == "HEIC":
        buffer = io.BytesIO()
        pillow_heif.from_pillow(noise).save(buffer)
        data = buffer.getvalue()
    else:
        data = encoded(noise, kind)
    path = tmp_path / "cut.img"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(PageError) as caught:
        load_pages(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_files_raise_nothing_but_page_errors(data):
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PDF"]))
    broken = bytearray(encoded(Image.fromarray(RAMP), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        broken[data.draw(st.integers(0, min(400, len(broken) - 1)))] = data.draw(st.integers(0, 255))
    try:
        pages = list(load_pages(bytes(broken)))
    except PageError as error:
        assert "\n" not in str(error)
    else:
        assert all(page.image.dtype == np.uint8 and page.image.ndim == 3 for page in pages)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"I am text, no picture", "not a page picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 300 300\n", "not a page picture"),
        (b"%PDF-1.7\nnothing here\n%%EOF\n", "damaged"),
        (b"\xff\xd8\xff\xe0", "not a page picture"),
    ],
)
def test_files_that_are_no_pictures(tmp_path, content, message):
    path = tmp_path / "scan.png"
    path.write_bytes(content)
    with pytest.raises(PageError, match=message) as caught:
        load_pages(path)
    assert str(path) in str(caught.value)


def test_places_that_are_no_files(tmp_path):
    with pytest.raises(PageError, match=r"missing\.png: no such file"):
        load_pages(tmp_path / "missing.png")
    with pytest.raises(PageError, match="is a folder, not a file"):
        load_pages(tmp_path)
    with pytest.raises(PageError, match="not a file name"):
        load_pages("scan\0.png")
    with pytest.raises(PageError, match="bytes: empty"):
        load_pages(b"")
    with pytest.raises(PageError, match="cannot be opened"):
        load_pages("x" * 5000)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(PageError, match="is a device, not a file"):
        load_pages(tmp_path / "pipe")


def test_no_permission(tmp_path, monkeypatch):
    path = tmp_path / "secret.png"
    path.write_bytes(encoded(Image.fromarray(RAMP), "PNG"))
    if os.geteuid() == 0:  # whom no permission stops: the system's answer to others is put in its place

        def refuse(*_):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

        monkeypatch.setattr(page_module, "open", refuse, raising=False)
    else:
        path.chmod(0)
    with pytest.raises(PageError, match=r"secret\.png: no permission to read it"):
        load_pages(path)


def test_locked_pdf(tmp_path):
    locked = (
        b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n"
        b"3 0 obj\n<</Filter/Standard/V 1/R 2/O<" + b"00" * 32 + b">/U<" + b"11" * 32 + b">/P -4>>\nendobj\n"
        b"xref\n0 4\n0000000000 65535 f \n0000000009 00000 n \n0000000054 00000 n \n0000000101 00000 n \n"
        b"trailer\n<</Size 4/Root 1 0 R/Encrypt 3 0 R/ID[<00><00>]>>\nstartxref\n262\n%%EOF\n"
    )
    with pytest.raises(PageError, match="locked with a password"):
        load_pages(locked)


@pytest.mark.parametrize(("width", "height"), [(MAX_SIDE + 1, 2000), (10001, 10001), (60000, 60000)])
def test_large_pictures_are_refused_before_they_are_decoded(width, height):
    data = huge_png(width, height)
    tracemalloc.start()
    with pytest.raises(PageError, match="the limit is 100 megapixels"):
        load_pages(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6


def test_small_pictures_are_refused():
    with pytest.raises(PageError, match="80 x 150 pixels is too small: the limit is 100 pixels a side"):
        load_pages(encoded(Image.fromarray(RAMP[:, :80]), "PNG"))


def test_page_number_is_named():
    pages = [Image.fromarray(RAMP), Image.fromarray(RAMP[:50])]
    loaded = load_pages(encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    with pytest.raises(PageError, match="bytes, page 2: 220 x 50 pixels is too small"):
        list(loaded)

"""Files that are made to hurt: small, well formed, and far too much when they are believed."""

from __future__ import annotations

import struct
import zlib


def pdf(*objects: bytes, root: int = 1) -> bytes:
    """A PDF of these objects, numbered from 1."""
    data, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = (len(places) + 1, len(places) + 1, root, len(data))
    return (
        data
        + b"xref\n0 %d\n0000000000 65535 f \n" % end[0]
        + table
        + (b"trailer\n<</Size %d/Root %d 0 R>>\nstartxref\n%d\n%%%%EOF\n" % end[1:])
    )


def stream(entries: bytes, content: bytes) -> bytes:
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (entries, len(content), content)


CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
PAGES = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"


def page(resources: bytes, box: bytes = b"0 0 600 400") -> bytes:
    return b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Resources<<%s>>/Contents 4 0 R>>" % (box, resources)


def pdf_image(side: int) -> bytes:
    """One white picture of `side` times `side` pixels, packed a thousand to one."""
    packer = zlib.compressobj(9)
    row = bytes(side * 3)
    packed = b"".join(packer.compress(row) for _ in range(min(side, 2000))) + packer.flush()
    return stream(
        b"/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/FlateDecode"
        % (side, side),
        packed,
    )


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(bytes(min((width + 1) * height, 10**7))))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + pixels + png_chunk(b"IEND", b"")


def tiff(*directories: dict[int, tuple[int, int, int]], follow: int | None = None) -> bytes:
    """A TIFF of these directories (tag: type, count, value); the last one points at directory `follow`."""
    size = [2 + 12 * len(entries) + 4 for entries in directories]
    places = [8 + sum(size[:number]) for number in range(len(directories))]
    data = b"II*\0" + struct.pack("<I", places[0])
    for number, entries in enumerate(directories):
        data += struct.pack("<H", len(entries))
        for tag, (kind, count, value) in sorted(entries.items()):
            data += struct.pack("<HHII", tag, kind, count, value)
        last = number == len(directories) - 1
        following = (0 if follow is None else places[follow]) if last else places[number + 1]
        data += struct.pack("<I", following)
    return data + bytes(200)


def gray(width: int, height: int, **more: tuple[int, int, int]) -> dict[int, tuple[int, int, int]]:
    entries = {256: (4, 1, width), 257: (4, 1, height), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 277: (3, 1, 1)}
    entries |= {273: (4, 1, 8), 278: (4, 1, height), 279: (4, 1, width * height)}
    return entries | {int(tag[1:]): value for tag, value in more.items()}


BOMBS = {
    "count.pdf": lambda: pdf(CATALOG, b"<</Type/Pages/Kids[3 0 R]/Count 1000000000>>", page(b""), stream(b"", b"")),
    "circle.pdf": lambda: pdf(CATALOG, b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 4>>"),
    "image.pdf": lambda: pdf(
        CATALOG, PAGES, page(b"/XObject<</I 5 0 R>>"), stream(b"", b"600 0 0 400 0 0 cm /I Do"), pdf_image(60000)
    ),
    "nested.pdf": lambda: pdf(
        CATALOG,
        PAGES,
        page(b"/XObject<</F 5 0 R>>"),
        stream(b"", b"/F Do"),
        stream(
            b"/Type/XObject/Subtype/Form/BBox[0 0 600 400]/Resources<</XObject<</I 6 0 R>>>>",
            b"600 0 0 400 0 0 cm /I Do",
        ),
        pdf_image(60000),
    ),
    "form.pdf": lambda: pdf(
        CATALOG,
        PAGES,
        page(b"/XObject<</F 5 0 R>>"),
        stream(b"", b"/F Do"),
        stream(b"/Type/XObject/Subtype/Form/BBox[0 0 600 400]/Resources<</XObject<</F 5 0 R>>>>", b"/F Do " * 50),
    ),
    "wide.pdf": lambda: pdf(CATALOG, PAGES, page(b"", b"0 0 1000000 14400"), stream(b"", b"0 0 m 9 9 l S")),
    "endless.pdf": lambda: pdf(CATALOG, PAGES, page(b"", b"0 0 1e38 1e38"), stream(b"", b"0 0 m 9 9 l S")),
    "flat.pdf": lambda: pdf(CATALOG, PAGES, page(b"", b"0 0 0 0"), stream(b"", b"")),
    "large.png": lambda: png(2**31 - 1, 2**31 - 1),
    "text.png": lambda: png(200, 200, *[png_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(60_000_000)))] * 20),
    "colors.png": lambda: png(200, 200, png_chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(200_000_000)))),
    "circle.tiff": lambda: tiff(gray(200, 200), gray(200, 200), follow=0),
    "pages.tiff": lambda: tiff(*[gray(200, 200)] * 6_000),
    "tiles.tiff": lambda: tiff(gray(200, 200, t322=(4, 1, 2**31 - 16), t323=(4, 1, 2**31 - 16), t324=(4, 1, 8))),
    "strips.tiff": lambda: tiff(gray(200, 200, t273=(4, 2**30, 8), t279=(4, 2**30, 8))),
    "samples.tiff": lambda: tiff(gray(200, 200, t277=(3, 1, 65535))),
    "screen.gif": lambda: b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b"," + bytes(9) + b"\2\1\0\0;",
    "large.jpg": lambda: bytes.fromhex("ffd8ffc0000b08ffffffff0101110000ffda0008010100003f00") + bytes(99),
    "tall.bmp": lambda: b"BM" + struct.pack("<IIIIiiHHIIiiII", 200, 0, 54, 40, 2**31 - 1, -(2**31), 1, 24, *[0] * 6),
}
"""What a file is called and how it is made."""

from __future__ import annotations

import base64
import io
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from classify import Interpretation, StatementResult
from classify.records.beats import NOT_READ
from classify.records.measurements import not_measured
from digitize.records.page import Page
from digitize.records.results import VERDICTS, Highlight
from digitize.render.overlay import ROW_COLORS
from digitize.version import __version__
from papertrace.cli import html
from papertrace.cli.html import LARGEST_PICTURE, LONGEST_SIDE, build_html, embed_picture
from papertrace.cli.plan import Job
from papertrace.cli.report import build_report
from tests.measured import MEASURED

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

XHTML = "{http://www.w3.org/1999/xhtml}"
HOSTILE = "<script>alert('1')</script>&\"\x1b]0;\u202e"
FINDINGS = (
    StatementResult("NORM", "normal ECG", "superclass", 0.75, 0.5, True),
    StatementResult("MI", "myocardial infarction", "superclass", 0.05, 0.3, False),
    StatementResult("SR", "sinus rhythm", "rhythm", 0.97, 0.6, True),
)
INTERPRETATION = Interpretation(FINDINGS, MEASURED, "0123456789ab", ("V1 was not seen",))


def page_of(image, leads, interpretation=INTERPRETATION, title="scan.png", shade=None) -> str:
    report = build_report(
        Job(title, 0, title, "scan", (title, "1"), ()),
        Page(image, title, None, 0),
        leads,
        interpretation,
        1.25,
        refined=True,
    )
    return build_html(title, image, leads, report, shade)


@pytest.fixture
def page(paper, leads) -> str:
    return page_of(paper, leads)


def text_of(page: str) -> str:
    body = ET.fromstring(page).find(f"{XHTML}body")
    return " ".join(" ".join(body.itertext()).split())


class Checker(HTMLParser):
    """Elements as an HTML parser, which knows nothing of XML, sees them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in ("meta", "img", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_everything_is_told(page):
    text = text_of(page)
    for told in (
        "scan.png Not a medical device: for research and teaching only.",
        "Digitization: usable · 94% of the samples are expected within 0.1 mV of the truth the gain is assumed",
        "Rhythm sinus rhythm Heart rate 75/min PR 162 ms QRS 92 ms QT/QTc 380/411 ms (Fridericia) a note on <QTc> "
        "Axis - limb leads with a whole QRS complex: I; an axis needs two RR intervals vary by 2% "
        "Beats 12 in II 11 were averaged for the intervals Layout 3x4+II, 13 strips",
        "Before you trust it gain not found on the page: 10 mm/mV assumed V1 was not seen Statements",
        "sinus rhythm SR 97% 60% normal ECG NORM 75% 50% 1 statement below the threshold",
        "myocardial infarction MI 5% 30%",
        "Paper speed 25 mm/s printed on the page Gain 10 mm/mV assumed: the page does not tell",
        "Pitch 4.00 pixels/mm from the grid Picture 1100 x 600 pixels no resolution is stated Turned by 0.5°",
        "V6 from its place 7.50 s 2.40 s 1, together 0.10 s 84%",
        f"papertrace {__version__}; weights: classify 0123456789ab, ",
        "Not a medical device. Nothing on this page replaces a physician's reading.",
    ):
        assert told in text, told


def test_it_is_well_formed_and_accessible(page):
    seen = Checker(page)
    assert not seen.open
    tags = [tag for tag, _ in seen.seen]
    levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1 and set(levels[1:]) == {2}
    assert {"header", "main", "footer"} <= set(tags)
    identifiers = [attributes["id"] for _, attributes in seen.seen if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    for tag, attributes in seen.seen:
        if tag == "html":
            assert attributes["lang"] == "en"
        if tag == "img":
            assert attributes["alt"] and attributes["width"] and attributes["height"]
        if tag == "svg":
            assert attributes["role"] == "img" and attributes["aria-label"]
        if tag == "th":
            assert attributes["scope"] in ("row", "col")
        if tag == "label":
            assert attributes["for"] in identifiers
        if attributes.get("role") == "region":
            assert attributes["tabindex"] == "0" and attributes["aria-label"]
    assert tags.count("input") == tags.count("label") == 3


def test_nothing_comes_from_elsewhere(page):
    for tag, attributes in Checker(page).seen:
        assert tag not in ("script", "link", "iframe", "object", "embed", "a", "base", "form")
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href", "data", "action", "srcset", "poster"):
                assert value.startswith("data:image/jpeg;base64,")
    assert not re.search(r"url\(|@import|expression\(", page)
    assert set(re.findall(r"https?://[^\"' ]+", page)) == {"http://www.w3.org/1999/xhtml", "http://www.w3.org/2000/svg"}
    assert "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\"" in page


def test_hostile_text_stays_text(paper, leads):
    odd = replace(
        leads,
        layout=HOSTILE,
        warnings=(HOSTILE, HOSTILE, "x" * 100_000),
        quality=replace(leads.quality, reasons=(HOSTILE,) * 1000),
        strips=tuple(replace(strip, lead="<script>") for strip in leads.strips),
    )
    statements = tuple(replace(found, code=HOSTILE, name=HOSTILE) for found in FINDINGS)
    interpretation = Interpretation(statements, not_measured(HOSTILE), HOSTILE, ())
    page = page_of(paper, odd, interpretation, title=HOSTILE + "\udcff.png")
    page.encode("utf-8")
    assert "\x1b" not in page and "\u202e" not in page
    assert {tag for tag, _ in Checker(page).seen}.isdisjoint({"script"})
    text = text_of(page)
    assert "<script>alert('1')</script>&\"\\x1b]0;\\u202e\\udcff.png" in text
    assert text.count("x" * 1001) == 0 and "and 950 more" in text


def test_a_band_has_its_legend(paper, leads):
    strength = tuple(np.ones(len(strip.signal), np.float32) for strip in leads.strips)
    page = page_of(paper, leads, shade=Highlight(strength, HOSTILE))
    assert "&lt;script&gt;alert" in page and "<script" not in page
    assert page.count('class="shade"') == 1 and 'class="shade"' not in page_of(paper, leads)
    ET.fromstring(page)


@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_verdict_has_a_color(paper, leads, verdict):
    page = page_of(paper, replace(leads, quality=replace(leads.quality, verdict=verdict)))
    assert f'class="verdict {verdict}"' in page
    assert f".{verdict} {{ background: var(--{verdict}); }}" in page


def contrast(first: str, second: str) -> float:
    """Ratio of luminances, WCAG 2.2."""

    def luminance(color: str) -> float:
        parts = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_in_light_and_dark(page):
    light, dark = (
        dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in re.findall(r":root \{(.*?)\}", page, re.S)
    )
    for colors in (light, {**light, **dark}):
        for on in ("ground", "field"):
            assert contrast(colors["text"], colors[on]) > 7
            assert contrast(colors["faint"], colors[on]) > 4.5
        for bar in ("bar", "absent"):
            assert contrast(colors[bar], colors["track"]) > 2.9
        for verdict in VERDICTS:
            assert contrast("#ffffff", colors[verdict]) > 4.5


def test_gaps_are_gaps_in_both_drawings(paper, leads):
    whole = replace(
        leads,
        strips=tuple(
            replace(
                strip,
                signal=np.nan_to_num(strip.signal),
                confidence=np.full_like(strip.confidence, 0.9),
                path=np.stack([np.linspace(0, 500, len(strip.path)), np.full(len(strip.path), 50)], 1).astype("f4"),
            )
            for strip in leads.strips
        ),
    )

    def lines(leads):
        """Subpaths of each trace: on the paper first, then over the page."""
        svgs = list(ET.fromstring(page_of(paper, leads)).iter("{http://www.w3.org/2000/svg}svg"))
        return [sum(path.get("d").count("M") for path in svg.iter() if path.get("class") == "trace") for svg in svgs]

    assert lines(whole) == [13, 13]
    assert lines(leads) == [26, 13 * 4], "each is broken by its gap, and changes its color twice"
    assert "none" in text_of(page_of(paper, whole)) and "together" not in text_of(page_of(paper, whole))


def test_a_page_without_statements(paper, leads):
    page = page_of(paper, leads, Interpretation((), MEASURED, "", ("no statements: odd",), NOT_READ, None, "odd"))
    text = text_of(page)
    assert "Statements None could be made: odd." in text and "Rhythm - Heart rate 75/min" in text
    assert "no statements: odd" in text and "classify" not in text and "Leads, redrawn" in text


def test_what_another_excludes_says_so_and_only_the_likely_is_bold(paper, leads):
    norm, mi, *rest = FINDINGS
    excluded = replace(mi, probability=0.4, excluded_by="NORM")
    rare = replace(mi, code="AMI", name="anterior myocardial infarction", probability=0.05, present=True)
    page = page_of(paper, leads, replace(INTERPRETATION, statements=(norm, excluded, rare, *rest)))
    assert "myocardial infarction MI, excluded by NORM 40%" in text_of(page)
    assert "1 statement below the threshold or excluded by another" in text_of(page)
    assert page.count('<tr class="present likely">') == 2 and page.count('<tr class="present">') == 1


def test_pages_on_which_little_is_known(paper, leads):
    quality = replace(leads.quality, right=float("nan"), reasons=())
    unknown, *rest = (replace(found, present=False) for found in FINDINGS)
    absent = (replace(unknown, probability=None, reason="needs V1 or V2"), *rest)
    interpretation = Interpretation(absent, not_measured("too short"), "0123456789ab", ())
    text = text_of(page_of(paper, replace(leads, strips=(), warnings=(), quality=quality), interpretation))
    for told in (
        "Digitization: usable Rhythm none above its threshold Heart rate - too short PR - too short QRS - too short",
        "RR intervals vary by - too short Layout 3x4+II, 0 strips Statements",
        "None is above its threshold. 2 statements below the threshold",
        f"1 statement not assessable on this page {FINDINGS[0].name} {FINDINGS[0].code} : needs V1 or V2",
    ):
        assert told in text, told
    assert "Before you trust it" not in text


@pytest.mark.parametrize(
    ("height", "width", "told"),
    [(3000, 4000, (2000, 1500)), (600, 1100, (1100, 600)), (100, 20_000, (2000, 10)), (1500, 100, (100, 1500))],
)
def test_the_picture_is_small_whatever_the_page(height, width, told):
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    before = image.copy()
    address, *size = embed_picture(image)
    assert (image == before).all()
    content = base64.b64decode(address.removeprefix("data:image/jpeg;base64,"), validate=True)
    assert len(content) <= LARGEST_PICTURE
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.size == tuple(size) == told and max(told) <= LONGEST_SIDE
        assert picture.format == "JPEG" and not picture.getexif()


def test_drawings_are_small_whatever_the_page(paper, leads, monkeypatch):
    rng = np.random.default_rng(4)
    wild = []
    for strip in leads.strips:
        signal = np.where(np.arange(len(strip.signal)) % 2, np.nan, 0).astype(np.float32)
        confidence = rng.uniform(0, 1, len(signal)).astype(np.float32)
        path = rng.uniform(0, 1000, (len(signal), 2)).astype(np.float32)
        wild.append(replace(strip, signal=signal, confidence=confidence, path=path))
    assert len(page_of(paper, replace(leads, strips=tuple(wild)))) < 2 * html.LARGEST_DRAWING + 2 * LARGEST_PICTURE
    monkeypatch.setattr(html, "LARGEST_DRAWING", 50_000)
    text = text_of(page_of(paper, replace(leads, strips=tuple(wild))))
    assert text.count("The traces are too broken to be drawn here.") == 2


def chromium(folder: Path, page: str, *options: str) -> str:
    """Open a page in a browser without a window; what it prints. Complaints on its console are errors."""
    (folder / "page.html").write_text(page, encoding="utf-8")
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--enable-logging=stderr")
    command = [CHROMIUM, *flags, f"--user-data-dir={folder / 'profile'}", *options, (folder / "page.html").as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in done.stderr, done.stderr
    return done.stdout


def screenshot(folder: Path, page: str, *options: str, width: int = 1200, height: int = 3000) -> np.ndarray:
    chromium(folder, page, f"--window-size={width},{height}", f"--screenshot={folder / 'shot.png'}", *options)
    with Image.open(folder / "shot.png") as shot:
        return np.asarray(shot.convert("RGB"))


def share(shot: np.ndarray, color: tuple[int, int, int], within: int = 12) -> float:
    return float((np.abs(shot.astype(int) - color).max(axis=2) <= within).mean())


STAMP = (0, 200, 120)


@pytest.fixture
def stamped(paper, leads) -> str:
    """The page with something on its picture that is nowhere else."""
    paper[500:580, 800:1080] = STAMP
    return page_of(paper, leads)


ON_WHITE = tuple(round(0.75 * part + 0.25 * 255) for part in ROW_COLORS[0])
"""The first row's traces as they look over white paper."""


@needs_chromium
def test_a_browser_shows_it(stamped, tmp_path):
    shot = screenshot(tmp_path, stamped)
    assert shot.shape == (3000, 1200, 3)
    assert share(shot, (255, 255, 255)) > 0.3
    assert share(shot, (9, 105, 218)) > 0.001, "bars"
    assert share(shot, (138, 92, 0)) > 0.0003, "the verdict"
    assert share(shot, STAMP) > 0.004, "the picture"
    assert share(shot, ON_WHITE) > 0.00015, "the traces over it"


@needs_chromium
def test_traces_and_picture_are_switched_without_a_script(stamped, tmp_path):
    def switched_off(name: str) -> str:
        on = f'id="{name}" type="checkbox" checked="checked"'
        assert on in stamped
        return stamped.replace(on, f'id="{name}" type="checkbox"')

    bare = screenshot(tmp_path, switched_off("traces"))
    assert share(bare, ON_WHITE) < 0.00002 and share(bare, STAMP) > 0.004
    alone = screenshot(tmp_path, switched_off("picture"))
    assert share(alone, ON_WHITE) > 0.00015 and share(alone, STAMP) < 0.0001


@needs_chromium
def test_a_tall_page_fits_the_window_and_is_shown_in_full_size_when_asked(leads, tmp_path):
    tall = np.full((1600, 400, 3), 255, np.uint8)
    tall[:800] = STAMP
    page = page_of(tall, leads)

    def shown(page: str) -> int:
        """Height of the colored half in a window 600 pixels high, scrolled to by hiding what stands above."""
        css = "header, section, .switch, label, .layers svg { display: none } section:has(.scan) { display: block }"
        shot = screenshot(tmp_path, page.replace("</style>", css + "</style>"), height=600)
        return int((np.abs(shot.astype(int) - STAMP).max(axis=2) <= 12).any(axis=1).sum())

    assert abs(shown(page) - 0.95 * 300) < 45
    assert shown(page.replace('id="large" type="checkbox"', 'id="large" type="checkbox" checked="checked"')) > 450


@needs_chromium
def test_dark_and_narrow(page, tmp_path):
    shot = screenshot(tmp_path, page, "--blink-settings=preferredColorScheme=0", width=500)
    assert share(shot, (15, 20, 25)) > 0.3
    edge = shot[:, -12:]
    assert share(edge, (15, 20, 25)) > 0.99, "nothing is wider than the screen"


@needs_chromium
def test_a_browser_reads_what_was_written_and_adds_nothing(paper, leads, tmp_path):
    odd = replace(leads, warnings=(HOSTILE,))
    page = page_of(paper, odd, title=HOSTILE)
    written, read = Checker(page).seen, Checker(chromium(tmp_path, page, "--dump-dom")).seen
    assert [tag for tag, _ in read] == [tag for tag, _ in written]


@needs_chromium
def test_tall_paper_prints_on_several_sheets_and_every_millimeter_as_one(paper, leads, tmp_path):
    """Twelve rows of 10 s need 240 mm, and a sheet has 186."""
    import pypdfium2

    beat = np.exp(-(((np.arange(5000) % 500 - 250) / 8.0) ** 2)).astype(np.float32)
    whole = replace(leads.strips[-1], signal=beat, confidence=np.ones(5000, np.float32))
    strips = tuple(replace(whole, lead=lead, row=row) for row, lead in enumerate(leads.names))
    page = page_of(paper, replace(leads, strips=strips))
    chromium(tmp_path, page, "--no-pdf-header-footer", f"--print-to-pdf={tmp_path / 'page.pdf'}")
    shown = []
    with pypdfium2.PdfDocument(tmp_path / "page.pdf") as document:
        for sheet in document:
            pixels = sheet.render(scale=254 / 72).to_numpy()[..., :3]  # ten pixels a millimeter
            ground = (pixels == (250, 250, 255)).all(axis=2)  # of the paper, BGR
            if ground.sum() > 10_000:
                columns, rows = (np.flatnonzero(ground.any(axis=axis)) for axis in (0, 1))
                shown.append((float(np.ptp(columns)) / 10, float(np.ptp(rows)) / 10))
    written = [box for box in re.findall(r'viewBox="0 0 (\d+) (\d+)" role="img"', page) if int(box[0]) > 200]
    assert len(written) == len(shown) > 1
    for (wide, tall), millimeters in zip(written, shown, strict=True):
        assert int(tall) <= html.TALLEST_MM
        assert millimeters == pytest.approx((int(wide), int(tall)), abs=0.6)


@needs_chromium
def test_it_prints_in_four_sheets(page, tmp_path):
    import pypdfium2

    chromium(tmp_path, page, "--no-pdf-header-footer", f"--print-to-pdf={tmp_path / 'page.pdf'}")
    with pypdfium2.PdfDocument(tmp_path / "page.pdf") as document:
        sheets = [sheet.get_textpage().get_text_bounded() for sheet in document]
        assert document[0].get_width() > document[0].get_height()
    starts = ("scan.png", "Leads, redrawn", "The page,", "How the scale")
    assert len(sheets) == 4
    assert all(sheet.startswith(start) for sheet, start in zip(sheets, starts, strict=True))
    assert "Not a medical device" in sheets[0] and "Not a medical device" in sheets[-1]

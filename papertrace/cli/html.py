"""The report as a page that people read and print: one file that needs nothing from elsewhere, scripts included.

It is well-formed XML as well as HTML, and forbids itself by its own content security policy to load anything.
"""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from classify.wording import beats_in_a_line, in_words
from papertrace.cli.annotations import beat_annotations
from papertrace.cli.manifest import printable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from digitize import Leads
    from digitize.records.results import Highlight, Strip
    from digitize.render.overlay import Annotation

LONGEST_SIDE = 2000
"""Pixels of the embedded picture; traces and paper are drawn as lines and stay sharp beyond."""

LARGEST_PICTURE = 1_500_000
"""Bytes of the embedded picture: what would be larger is compressed more."""

LARGEST_DRAWING = 700_000
"""Characters of the traces over the page, and of the leads on paper: what would be longer is drawn more coarsely."""

TALLEST_MM = 150.0
"""Millimeters of ECG paper on a printed sheet (A4, landscape, with a title and a caption): taller paper is cut between
rows, so that every millimeter prints as one."""

LIKELY = 0.5
"""Probability from which on a present statement is set in bold: a rare one may be present with a few per cent."""

MOST_TOLD = 50
"""Reasons or warnings that are listed; the report as JSON has all."""

_QUALITIES = (85, 70, 50, 30)
_LONGEST_TEXT = 1000

_PAGE = Template(
    """<!DOCTYPE html>
<html lang="en" xmlns="http://www.w3.org/1999/xhtml">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"/>
<title>$title</title>
<style>
$style</style>
</head>
<body>
<header>
<h1>$title</h1>
<p class="faint">$notice</p>
<p>Digitization: <strong class="verdict $verdict">$verdict</strong>$right</p>
$reasons
$facts
</header>
<main>
$warnings
<section>
<h2>Statements</h2>
$statements
</section>
<section class="own">
<h2>Leads, redrawn from the digitized signal</h2>
$paper
</section>
<section class="own">
<h2>The page, with what was traced on it</h2>
$scan
</section>
<section class="own">
<h2>How the scale was determined</h2>
$scale
</section>
<section>
<h2>Strips</h2>
$strips
</section>
</main>
<footer>
<p>$about</p>
<p><strong>Not a medical device.</strong> Nothing on this page replaces a physician's reading.</p>
</footer>
</body>
</html>
"""
)

_SOURCES = {
    "read": "printed on the page",
    "measured": "measured on the page",
    "given": "given by the user",
    "assumed": "assumed: the page does not tell",
}
_PITCHES = {
    "grid": "from the grid",
    "fax": "from the repeated dots of a fax",
    "pulse": "from the height of the calibration pulses",
    "rows": "from the length of the rows, taken to be 10 s",
    "paper": "from the outline of a sheet of usual format",
    "print": "from the resolution that the file states",
    "assumed": "assumed: the usual width of a page",
}
_NAMES = {
    "read": "read",
    "measured": "from the signal",
    "given": "given by the user",
    "assumed": "from its place",
}

_MARKS = "Ticks are beats; those with a letter are not normal: S supraventricular, V ventricular, F fusion, Q unclear."
_REDRAWN = (
    "The page is drawn anew, without its print: place and size are the page's own, the pen's width is everywhere the "
    "same, and a trace without ink below it was led over a gap. "
)


def build_html(
    title: str, image: NDArray[np.uint8], leads: Leads, report: dict[str, Any], shade: Highlight | None = None
) -> str:
    """Write all that is known about a page as a page of HTML.

    Parameters
    ----------
    title : str
        What the page is called, e.g. its file's name.
    image : ndarray, shape (height, width, 3), uint8
        The page that was digitized, RGB. It is not modified.
    leads : Leads
    report : dict
        What `papertrace.cli.report.build_report` gave.
    shade : Highlight, optional
        A band to draw along the traces.

    Returns
    -------
    str
        One HTML document that opens offline: no script, no address, and nothing of the picture's file but its pixels.
    """
    quality = report["quality"]
    return _PAGE.substitute(
        title=_text(title),
        style=Path(__file__).with_suffix(".css").read_text(encoding="utf-8"),
        notice=_text(report["notice"]),
        verdict=_text(quality["verdict"]),
        right=""
        if quality["right"] is None
        else f" &#183; {quality['right']:.0%} of the samples are expected within 0.1 mV of the truth",
        reasons=_list(quality["reasons"]),
        facts=_facts(report),
        warnings=_warnings(report["warnings"]),
        statements=_statements(report["statements"], report["reader"]["reason"]),
        paper=_paper(leads),
        scan=_scan(image, leads, beat_annotations(report), shade, redrawn=report["source"]["file"] is None),
        scale=_scale(report),
        strips=_strips(leads, quality["strips"]),
        about=_about(report),
    )


def embed_picture(image: NDArray[np.uint8]) -> tuple[str, int, int]:
    """Make a picture small enough to be part of a page.

    Parameters
    ----------
    image : ndarray, shape (height, width, 3), uint8
        RGB.

    Returns
    -------
    address : str
        A JPEG of at most `LARGEST_PICTURE` bytes as ``data:`` address.
    width, height : int
        Pixels; the longer side has at most `LONGEST_SIDE`.
    """
    from PIL import Image

    picture = Image.fromarray(image)
    picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    for quality in _QUALITIES:
        written = io.BytesIO()
        picture.save(written, "JPEG", quality=quality, optimize=True)
        if written.tell() <= LARGEST_PICTURE:
            break
    return "data:image/jpeg;base64," + base64.b64encode(written.getvalue()).decode("ascii"), *picture.size


def _text(value: object) -> str:
    """Text for an element or an attribute, without what XML forbids."""
    text = printable(str(value))
    return escape(text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + " ...")


def _list(items: Sequence[str]) -> str:
    told = [*items[:MOST_TOLD], *([f"and {len(items) - MOST_TOLD} more"] if len(items) > MOST_TOLD else [])]
    return f"<ul>{''.join(f'<li>{_text(item)}</li>' for item in told)}</ul>" if told else ""


def _warnings(warnings: Sequence[str]) -> str:
    if not warnings:
        return ""
    return f"<section>\n<h2>Before you trust it</h2>\n{_list(list(dict.fromkeys(warnings)))}\n</section>"


def _facts(report: dict[str, Any]) -> str:
    measured = report["measurements"]
    rhythm = [found["name"] for found in report["statements"] if found["code"] == report["rhythm"]]
    none = "none above its threshold" if report["statements"] else "-"
    facts: list[tuple[str, str, str]] = [("Rhythm", rhythm[0] if rhythm else none, "")]
    facts += in_words(measured)
    if measured["beats"]:
        facts.append(
            (
                "Beats",
                f"{measured['beats']} in {', '.join(measured['leads'])}",
                f"{measured['averaged']} were averaged for the intervals",
            )
        )
    if report["beats"]["beats"]:
        line = beats_in_a_line(report["beats"])
        facts.append((f"Beats by class, lead {report['beats']['lead']}", _classes(report["beats"]["beats"]), line))
    facts.append(("Layout", f"{report['layout']}, {_count(len(report['quality']['strips']), 'strip')}", ""))
    cells = "".join(
        f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd>{_remark(remark)}</div>" for name, value, remark in facts
    )
    return f'<dl class="facts">{cells}</dl>'


def _remark(text: str) -> str:
    return f'<dd class="remark">{_text(text)}</dd>' if text else ""


def _classes(beats: Iterable[dict[str, Any]]) -> str:
    counted = Counter(beat["class"] for beat in beats)
    return ", ".join(f"{counted[name]} {name}" for name in sorted(counted, key="NSVFQ".index))


def _statements(statements: Sequence[dict[str, Any]], reason: str | None) -> str:
    if not statements:
        return f"<p>None could be made: {_text(reason)}.</p>"
    assessed = [found for found in statements if found["probability"] is not None]
    likely = sorted(assessed, key=lambda found: -found["probability"])
    present, rest = ([found for found in likely if found["present"] is kind] for kind in (True, False))
    body = (
        _table_of(present, "Above their thresholds, the likeliest first")
        if present
        else "<p>None is above its threshold.</p>"
    )
    if rest:
        below = _table_of(rest, "The likeliest first")
        other = " or excluded by another" if any(found["excluded_by"] for found in rest) else ""
        told = f"{_count(len(rest), 'statement')} below the threshold{other}"
        body += f"<details><summary>{told}</summary>{below}</details>"
    unknown = [found for found in statements if found["probability"] is None]
    if unknown:
        why = "".join(
            f'<li>{_text(found["name"])} <span class="faint">{_text(found["code"])}</span>: '
            f"{_text(found['reason'])}</li>"
            for found in unknown
        )
        told = f"{_count(len(unknown), 'statement')} not assessable on this page"
        body += f"<details><summary>{told}</summary><ul>{why}</ul></details>"
    return body + (
        '<p class="faint">The line across a bar is the threshold: the probability from which on the statement counts '
        "as present. Rare findings have low ones. Of statements that exclude each other one stands.</p>"
    )


def _table_of(statements: Sequence[dict[str, Any]], caption: str) -> str:
    rows = "".join(
        f'<tr class="{_kind(found)}">'
        f'<th scope="row">{_text(found["name"])} <span class="faint">{_text(found["code"])}'
        f"{_excluded(found)}</span></th>"
        f'<td class="chance"><span class="track" aria-hidden="true">'
        f'<span class="fill" style="width:{100 * found["probability"]:.1f}%"></span>'
        f'<span class="mark" style="left:{100 * found["threshold"]:.1f}%"></span></span></td>'
        f'<td class="number">{found["probability"]:.0%}</td><td class="number">{found["threshold"]:.0%}</td></tr>'
        for found in statements
    )
    return (
        f'<table class="statements"><caption>{caption}</caption><thead><tr><th scope="col">Statement</th>'
        '<th scope="col" class="chance">0 to 100%</th><th scope="col" class="number">Probability</th>'
        f'<th scope="col" class="number">Threshold</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def _kind(found: dict[str, Any]) -> str:
    if not found["present"]:
        return "absent"
    return "present likely" if found["probability"] >= LIKELY else "present"


def _excluded(found: dict[str, Any]) -> str:
    return f", excluded by {_text(found['excluded_by'])}" if found["excluded_by"] else ""


def _paper(leads: Leads) -> str:
    from digitize.render.paper import SHADES, draw_within, sheets_svg

    if not leads.strips:
        return "<p>Nothing could be digitized.</p>"
    drawn = draw_within(LARGEST_DRAWING, lambda tolerance: "".join(sheets_svg(leads, TALLEST_MM, tolerance=tolerance)))
    if drawn is None:
        return "<p>The traces are too broken to be drawn here.</p>"
    keys = "".join(
        f'<span class="key" style="background:{shade.color}"></span>confidence below {shade.below:.0%}'
        for shade in SHADES
    )
    return (
        f'<figure class="paper"><div class="frame" tabindex="0" role="region" aria-label="Leads on ECG paper">{drawn}'
        "</div><figcaption>Small squares are 0.04 s and 0.1 mV, large ones 0.2 s and 0.5 mV, whatever the page had; on "
        "A4 at 100 % they print as 1 mm and 5 mm, unless a row is longer than 10 s. A "
        f"trace is broken where the page shows nothing; behind it:{keys}.</figcaption></figure>"
    )


def _scan(
    image: NDArray[np.uint8], leads: Leads, marks: Sequence[Annotation], shade: Highlight | None, *, redrawn: bool
) -> str:
    from digitize.render.overlay import SHADE_COLOR, UNSURE, UNSURE_COLOR, overlay_svg
    from digitize.render.paper import draw_within

    address, width, height = embed_picture(image)
    layer = None
    if leads.strips:
        layer = draw_within(
            LARGEST_DRAWING, lambda tolerance: overlay_svg(leads, marks=marks, shade=shade, tolerance=tolerance)
        )
    shown = "" if layer is not None or not leads.strips else "The traces are too broken to be drawn here. "
    shown += _REDRAWN if redrawn else ""
    described = "The page, drawn anew" if redrawn else "The page that was read"
    orange = f"rgb{UNSURE_COLOR}"
    beats = f" {_MARKS}" if marks else ""
    band = "" if shade is None else f"<p>{_key(SHADE_COLOR)}{_text(shade.text)}</p>"
    switches = "".join(
        f'<input class="switch {name}" id="{name}" type="checkbox"{state}/><label for="{name}">{label}</label>'
        for name, label, state in (
            ("traces", "Traces", ' checked="checked"'),
            ("picture", "Picture", ' checked="checked"'),
            ("large", "Full size", ""),
        )
    )
    return (
        f'<figure class="scan">{switches}<div class="frame" tabindex="0" role="region" aria-label="The page">'
        f'<div class="layers"><img src="{address}" width="{width}" height="{height}" alt="{described}"/>'
        f"{layer or ''}</div></div>"
        f"<figcaption>{band}{shown}One color a row;"
        f'<span class="key" style="background:{orange}"></span>confidence below {UNSURE:.0%}: look twice.{beats}'
        "</figcaption></figure>"
    )


def _key(color: tuple[int, int, int]) -> str:
    """A patch from nothing to a color."""
    return f'<span class="key" style="background:linear-gradient(90deg,transparent,rgb{color})"></span>'


def _scale(report: dict[str, Any]) -> str:
    paper, place, source = report["calibration"], report["geometry"], report["source"]
    pitch = paper["pixels_per_mm"]
    size = f"{source['width']} x {source['height']} pixels"
    rows = (
        ("Paper speed", f"{paper['speed']:g} mm/s", _SOURCES[paper["speed_source"]]),
        ("Gain", f"{paper['gain']:g} mm/mV", _SOURCES[paper["gain_source"]]),
        ("Pitch", "unknown" if pitch is None else f"{pitch:.2f} pixels/mm", _PITCHES[paper["pitch_source"]]),
        ("Picture", size, "no resolution is stated" if source["dpi"] is None else f"{source['dpi']:.0f} dpi"),
        ("Turned by", f"{round(place['rotation'], 1) + 0.0:.1f}\N{DEGREE SIGN}", "the paper in the picture, clockwise"),
        ("Grid", f"{place['grid_certainty']:.0%} certain", "whether there is one"),
    )
    body = "".join(
        f'<tr><th scope="row">{_text(what)}</th><td>{_text(value)}</td><td>{_text(how)}</td></tr>'
        for what, value, how in rows
    )
    head = '<tr><th scope="col">What</th><th scope="col">Value</th><th scope="col">How it is known</th></tr>'
    return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"


def _strips(leads: Leads, told: Sequence[dict[str, Any]]) -> str:
    columns = ("Lead", "Name", "From", "Shown", "Gaps", "Confidence")
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    body = ""
    for strip, facts in zip(leads.strips, told, strict=True):
        sure = facts["confidence"]
        cells = (
            _NAMES[strip.name_source],
            f"{strip.start:.2f} s",
            f"{facts['seconds']:.2f} s",
            _gaps(strip, leads.fs),
            "-" if sure is None else f"{sure:.0%}",
        )
        body += (
            f'<tr><th scope="row">{_text(strip.lead)}</th>{"".join(f"<td>{_text(cell)}</td>" for cell in cells)}</tr>'
        )
    return (
        '<div class="wide" tabindex="0" role="region" aria-label="Table of strips"><table><caption>As on the page, '
        "from the top; the confidence is the mean probability that a sample lies within 0.1 mV of the truth</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _gaps(strip: Strip, fs: int) -> str:
    from digitize.export import find_gaps

    gaps = find_gaps(strip.signal)
    return f"{len(gaps)}, together {(gaps[:, 1] - gaps[:, 0]).sum() / fs:.2f} s" if len(gaps) else "none"


def _about(report: dict[str, Any]) -> str:
    software = report["software"]
    weights = ", ".join(f"{part} {version}" for part, version in software["weights"].items() if version)
    return _text(
        f"{software['name']} {software['version']}; weights: {weights}; read in {report['seconds']:.1f} s; "
        f"report format {report['format']}"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"

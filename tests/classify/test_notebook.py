from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import asdict, replace

import pytest

from classify import STATEMENTS, Interpretation, StatementResult
from classify.records.beats import Beat, Beats
from classify.records.measurements import not_measured
from tests.measured import MEASURED


@pytest.fixture
def reading() -> Interpretation:
    """A reading in which the likelihoods rise along the statements, and the last four are present."""
    count = len(STATEMENTS)
    findings = tuple(
        StatementResult(s.code, s.name, s.group, (n + 0.5) / count, 1 - 4 / count, n >= count - 4)
        for n, s in enumerate(STATEMENTS)
    )
    return Interpretation(findings, MEASURED, "0123456789ab", ("not seen: V2 <&>",))


def test_it_shows_itself(reading):
    html = reading._repr_html_()
    root = ET.fromstring(html)
    text = "".join(root.itertext())
    for told in (
        "Heart rate 75/min",
        "PR 162 ms",
        "QT/QTc 380/411 ms (Fridericia) (a note on <QTc>)",
        "Axis - (limb leads with a whole QRS complex: I; an axis needs two)",
    ):
        assert told in text, told
    assert "0123456789ab" in text and "Not a medical device" in text
    assert [item.text for item in root.iter("li")] == ["not seen: V2 <&>"]
    names = [row[0].text for row in root.iter("tr")]
    assert names == [statement.name for statement in STATEMENTS[::-1]], "the likeliest first"
    folded = root.find("details")
    assert folded[0].text == f"{len(STATEMENTS) - 4} below their thresholds"
    assert [row[0].text for row in folded.iter("tr")] == names[4:]
    assert not re.search(r"<script|href=|src=|url\(|\bid=", html)


def test_beats_are_told(reading):
    beats = Beats(tuple(Beat(0.8 * n, 400 * n, "NV"[n % 6 == 5], 0.9, {}) for n in range(11)), "II", 0, "")
    assert "1 of 11 beats ventricular ectopic in lead II" in replace(reading, beats=beats)._repr_html_()


def test_bars_are_as_long_as_their_probability(reading):
    (first, *_), root = reading.statements[::-1], ET.fromstring(reading._repr_html_())
    bar = next(iter(root.iter("tr")))[1][0]
    assert f"width:{100 * first.probability:.1f}%" in bar[0].get("style")
    assert f"left:{100 * first.threshold:.1f}%" in bar[1].get("style")
    assert bar.get("title") == f"{first.code}: threshold {first.threshold:.0%}"


def test_nothing_present_and_everything_present(reading):
    none = replace(reading, statements=tuple(replace(s, present=False) for s in reading.statements), warnings=())
    assert "No statement reaches its threshold" in none._repr_html_() and "<ul" not in none._repr_html_()
    every = replace(reading, statements=tuple(replace(s, present=True) for s in reading.statements))
    assert "<details>" not in every._repr_html_()
    ET.fromstring(every._repr_html_())


def test_what_cannot_be_assessed_stands_apart_with_its_reason(reading):
    first, *rest = reading.statements
    unknown = replace(first, probability=None, present=False, reason="needs <V1>")
    other = replace(reading, statements=(unknown, *rest))
    root = ET.fromstring(other._repr_html_())
    folded = root.findall("details")[-1]
    assert folded[0].text == "1 not assessable on this page"
    assert [cell.text for cell in folded.iter("td")] == [first.name, "needs <V1>"]
    assert len([row for row in root.iter("tr") if row[0].text == first.name]) == 1
    (axes,) = other.plot().axes
    assert len(axes.patches) == len(rest)


def test_what_another_excludes_says_so(reading):
    first, *rest = reading.statements
    other = replace(reading, statements=(replace(first, excluded_by="SR"), *rest))
    assert f"{len(STATEMENTS) - 4} below their thresholds or excluded by another" in other._repr_html_()
    assert f"threshold {first.threshold:.0%}, excluded by SR" in other._repr_html_()


def test_no_heart_rate_is_said_with_its_reason(reading):
    silent = replace(reading, measurements=not_measured("no <strip>"))
    assert '<b>Heart rate</b> - <span style="opacity:.7">(no &lt;strip&gt;)' in silent._repr_html_()


def test_plot(reading, tmp_path):
    figure = reading.plot()
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [s.name for s in STATEMENTS[::-1]]
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == [found.probability for found in reading.statements[::-1]]
    assert axes.get_ylim()[0] > axes.get_ylim()[1], "the likeliest at the top"
    assert len({bar.get_facecolor() for bar in axes.patches[:4]} | {axes.patches[4].get_facecolor()}) == 2
    assert figure._repr_png_().startswith(b"\x89PNG"), "a notebook shows it"
    figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000


def test_a_statement_is_taken_by_its_code(reading):
    assert reading["AFIB"] is reading["afib"] and reading["AFIB"].code == "AFIB"
    with pytest.raises(KeyError, match=r"no statement 'AFBI'; allowed: NORM, "):
        reading["AFBI"]
    with pytest.raises(KeyError, match=r"no statement 'AFIB'; too short"):
        replace(reading, statements=(), fallback="too short")["AFIB"]


def test_it_tells_itself_in_a_line(reading):
    last = STATEMENTS[-1].code
    assert repr(reading).startswith("<Interpretation 75/min, PR 162 ms") and repr(reading).endswith(f", {last}>")
    assert "\n" not in repr(reading) and len(repr(reading)) < 200


def test_it_gives_plain_values(reading):
    told = json.loads(json.dumps(reading.to_dict(), allow_nan=False))
    assert told["measurements"]["pr"] == 162 and told["warnings"] == ["not seen: V2 <&>"]
    assert told["statements"][0] == {**asdict(reading.statements[0])}
    table = reading.to_frame()
    assert list(table.index) == [statement.code for statement in STATEMENTS]
    assert table["present"].sum() == 4 and table.loc["AFIB", "name"] == reading["AFIB"].name
    assert replace(reading, statements=()).to_frame().empty

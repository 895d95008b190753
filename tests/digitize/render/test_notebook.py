from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest

from digitize.records.layouts import LEAD_NAMES
from digitize.records.results import VERDICTS
from digitize.render import notebook
from digitize.render.notebook import LARGEST, VERDICT_COLORS
from digitize.render.paper import leads_svg


def test_leads_show_themselves(leads):
    html = leads._repr_html_()
    root = ET.fromstring(html)
    text = "".join(root.itertext())
    assert "usable" in text and "3x4+II" in text and "10 s at 500 Hz" in text
    assert "25 mm/s (read), 10 mm/mV (assumed)" in text
    assert "94% of the samples" in text
    assert [item.text for item in root.iter("li")] == [*leads.quality.reasons, *leads.warnings]
    assert text.count("V6") == 1
    assert not re.search(r"<script|href=|src=|url\(|\bid=", html)


@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_verdict_has_a_color(leads, verdict):
    judged = replace(leads, quality=replace(leads.quality, verdict=verdict, reasons=()), warnings=())
    html = judged._repr_html_()
    assert f"background:{VERDICT_COLORS[verdict]}" in html and "<ul" not in html


def test_what_comes_from_a_page_is_escaped(leads):
    html = replace(leads, warnings=("<script>alert(1)</script> & 'x'",), layout="<b>")._repr_html_()
    assert "<script>" not in html and "<b>3" not in html
    assert "<script>alert(1)</script> & 'x'" in [item.text for item in ET.fromstring(html).iter("li")]


def test_a_warning_that_is_a_reason_too_is_told_once(leads):
    html = replace(leads, warnings=(*leads.quality.reasons, "another"))._repr_html_()
    assert html.count(leads.quality.reasons[0]) == 1 and "another" in html


@pytest.mark.parametrize(("noise", "broken"), [(0.03, False), (0.1, False), (0.1, True)])
def test_it_stays_small_whatever_the_page_holds(leads_of, back_strip, monkeypatch, noise, broken):
    """Noise of twelve leads for 3 s, the confidence coming and going, and a thousand warnings."""
    rng = np.random.default_rng(5)
    strips = tuple(
        replace(
            back_strip(name, 0, 1500),
            row=row,
            signal=np.where(np.arange(1500) % 2 * broken, np.nan, rng.normal(0, noise, 1500)).astype(np.float32),
            confidence=rng.uniform(0, 1, 1500).astype(np.float32),
        )
        for row, name in enumerate(LEAD_NAMES)
    )
    signal = np.stack([strip.signal for strip in strips])
    page = replace(leads_of(signal, strips=strips), warnings=tuple("x" * 5000 + str(n) for n in range(1000)))
    assert LARGEST == 200_000
    monkeypatch.setattr(notebook, "LARGEST", 60_000)
    assert len(leads_svg(page)) > 60_000
    html = page._repr_html_()
    assert len(html) < 60_000
    assert ("<svg" in html) != broken == ("too broken to be drawn" in html)
    assert "and 981 more" in html
    ET.fromstring(html)


def test_leads_without_a_strip(leads):
    ET.fromstring(replace(leads, strips=())._repr_html_())

"""From printed page to millivolts, end to end: every mistake that matters moves one of these figures."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.interpolate import CubicSpline

import digitize.layout.page_layout
from digitize import LEAD_NAMES, Leads, PageError, load_pages, trace_leads
from digitize.records.layouts import Layout
from digitize.records.results import VERDICTS, Strip
from papertrace.synth import PrintedPage, PrintedStrip, render_page
from tests.digitize.dotted import on_dotted_grid

FS = 500
SHUFFLED = Layout(
    "shuffled", (("V3", "aVF", "I", "V6"), ("aVL", "V1", "V5", "II"), ("III", "V4", "aVR", "V2")), ("V1",)
)
PAGES: dict[str, dict[str, Any]] = {
    "plain": {"layout": "3x4+II", "dpi": 200},
    "tilted": {"layout": "3x4+II+V1+V5", "rotation": 6.0, "gain": 5, "grid": "green", "separator": "bar", "dpi": 150},
    "large": {"layout": "6x2", "rotation": -2.5, "gain": 20, "grid": "blue", "separator": "tick", "dpi": 150},
    "long": {"layout": "12x1", "grid": "gray", "label_position": "left", "dpi": 150},
    "fast": {"layout": "cabrera-3x4", "speed": 50, "separator": "gap", "dpi": 150},
    "shuffled": {"layout": SHUFFLED, "grid": "pink", "pulse": "right", "dpi": 200},
    "gridless": {"layout": "3x4+II", "grid": "none", "dpi": 200},
    "together": {"layout": "3x4+II", "columns": "simultaneous", "grid": "orange", "pulse": "none", "dpi": 150},
    "inline": {
        **{"layout": "3x4", "label_position": "left", "label_size": 3.3, "font": "sans-bold", "lead_spelling": "AVR"},
        **{"separator": "tick", "pulse": "right", "dpi": 200},
    },
}
SCALE = {"large": 0.4, "long": 0.6}
"""Smaller beats where the rows stand closer: crossing rows are another test."""
SECONDS = {"fast": 5.0}
LATE = {"fast": 0.008, "inline": 0.008}
"""The white between columns is known to a tenth of a millimeter, and there are three of them."""


@dataclass(frozen=True)
class Case:
    """A page, what was read from it, and what was printed on it (12, n)."""

    page: PrintedPage
    leads: Leads
    signal: NDArray[np.float32]

    def strips(self) -> list[tuple[Strip, PrintedStrip, NDArray[np.float64]]]:
        """What was found and what was printed at the same place, with the printed millivolts."""
        printed = {(strip.row, strip.column): strip for strip in self.page.strips}
        found = {(strip.row, strip.column): strip for strip in self.leads.strips}
        assert found.keys() == printed.keys()
        return [(found[place], printed[place], self.truth(printed[place])) for place in printed]

    def truth(self, strip: PrintedStrip) -> NDArray[np.float64]:
        own = self.signal[LEAD_NAMES.index(strip.lead), round(strip.start * FS) : round(strip.end * FS)]
        return own.astype(np.float64)


@pytest.fixture(scope="session")
def case(recording) -> Callable[[str], Case]:
    cases: dict[str, Case] = {}

    def make(name: str) -> Case:
        if name not in cases:
            signal = SCALE.get(name, 1.0) * recording[:, : int(SECONDS.get(name, 10.0) * FS)]
            page = render_page(signal, FS, **PAGES[name])
            cases[name] = Case(page, trace_leads(page.image), signal)
        return cases[name]

    return make


def fit(found: NDArray[np.float32], truth: NDArray[np.float64]) -> tuple[float, float, float]:
    """Seconds by which a strip comes late, its gain, and its offset in mV, from the best fit to the truth."""
    n = min(len(found), len(truth))
    own, at = found[:n].astype(np.float64), np.arange(n)
    known = np.isfinite(own)
    spline = CubicSpline(np.arange(len(truth)), truth)
    best = (np.inf, 0.0, 0.0, 0.0)
    for late in np.arange(-30, 30.5, 0.5):
        moved = spline(np.clip(at - late, 0, len(truth) - 1))[known]
        slope, offset = np.polyfit(moved, own[known], 1)
        error = float(((own[known] - slope * moved - offset) ** 2).mean())
        best = min(best, (error, late / FS, float(slope), float(offset)))
    return best[1:]


@pytest.mark.parametrize("name", PAGES)
def test_every_row_and_strip_is_found(case, name):
    page, leads = case(name).page, case(name).leads
    assert sorted((s.row, s.column) for s in leads.strips) == sorted((s.row, s.column) for s in page.strips)
    assert leads.layout == ("custom-3x4+V1" if name == "shuffled" else page.layout)
    assert np.isfinite(leads.signal).any(axis=1).all()


@pytest.mark.parametrize("name", PAGES)
def test_names_are_read_off_the_page(case, name):
    unread = []
    for found, printed, _ in case(name).strips():
        assert found.lead == printed.lead
        if found.name_source != "read":
            unread.append(found.lead)
    # Beats may strike two names through; the others still tell what they are.
    assert len(unread) <= 2


@pytest.mark.parametrize("name", PAGES)
def test_every_lead_is_most_like_its_own_truth(case, name):
    """A swapped pair or a flipped sign is seen whatever the names say."""
    one = case(name)
    for found, printed, _ in one.strips():
        a = round(printed.start * FS)
        n = min(len(found.signal), round(printed.end * FS) - a)
        known = np.isfinite(found.signal[:n])
        own = found.signal[:n][known]
        spans = one.signal[:, a : a + n][:, known]
        distance = ((own - own.mean()) - (spans - spans.mean(axis=1, keepdims=True))).std(axis=1)
        assert LEAD_NAMES[int(distance.argmin())] == found.lead
        assert np.corrcoef(own, spans[LEAD_NAMES.index(found.lead)])[0, 1] > 0.93


@pytest.mark.parametrize("name", PAGES)
def test_strips_start_when_they_were_recorded(case, name):
    for found, printed, _ in case(name).strips():
        assert found.start == pytest.approx(printed.start, abs=0.004)
        assert len(found.signal) / FS == pytest.approx(printed.end - printed.start, abs=0.008)


@pytest.mark.parametrize("name", PAGES)
def test_beats_stand_at_their_instant(case, name):
    for found, printed, truth in case(name).strips():
        late = found.start - printed.start + fit(found.signal, truth)[0]
        assert late == pytest.approx(0, abs=LATE.get(name, 0.004)), found.lead


@pytest.mark.parametrize("name", PAGES)
def test_amplitude_and_zero_line(case, name):
    for found, _, truth in case(name).strips():
        _, gain, offset = fit(found.signal, truth)
        assert gain == pytest.approx(1, abs=0.03), found.lead
        assert offset == pytest.approx(0, abs=0.05), found.lead


@pytest.mark.parametrize("name", PAGES)
def test_little_is_hidden_and_that_is_said(case, name):
    for found, _, _ in case(name).strips():
        known = np.isfinite(found.signal)
        assert known.mean() > 0.97, found.lead
        assert (found.confidence[~known] == 0).all()
        assert (found.confidence[known] > 0).all()
        assert found.confidence.max() <= 1


@pytest.mark.parametrize("name", PAGES)
def test_speed_and_gain_are_those_of_the_print(case, name):
    page, calibration = case(name).page, case(name).leads.calibration
    assert (calibration.speed, calibration.gain) == (page.speed, page.gain)
    assert calibration.speed_source in ("read", "measured")
    assert calibration.gain_source in ("read", "measured")
    assert calibration.pixels_per_mm == pytest.approx(page.pixels_per_mm, rel=0.002)
    assert (calibration.pitch_source == "grid") == (page.style.grid != "none")


@pytest.mark.parametrize("name", PAGES)
def test_geometry(case, name):
    page, geometry = case(name).page, case(name).leads.geometry
    assert geometry.page_size == page.image.shape[1::-1]
    assert geometry.rotation == pytest.approx(page.style.rotation, abs=0.05)
    assert (geometry.grid_certainty > 0) == (page.style.grid != "none")


@pytest.mark.parametrize("name", PAGES)
def test_paths_lie_on_the_drawn_line(case, name):
    for found, printed, _ in case(name).strips():
        drawn = printed.polyline[np.isfinite(printed.polyline).all(axis=1)]
        known = np.isfinite(found.path).all(axis=1)
        assert (known == np.isfinite(found.signal)).all()
        far = np.array([_distance(point, drawn) for point in found.path[known][::7]])
        assert np.percentile(far, 99) < 1.0, found.lead


def _distance(point: NDArray[np.float32], line: NDArray[np.float32]) -> float:
    start, along = line[:-1], np.diff(line, axis=0)
    share = ((point - start) * along).sum(axis=1) / np.maximum((along**2).sum(axis=1), 1e-12)
    foot = start + np.clip(share, 0, 1)[:, None] * along
    return float(np.hypot(*(point - foot).T).min())


@pytest.mark.parametrize("name", PAGES)
def test_the_twelve_leads_are_the_strips_in_standard_order(case, name):
    leads = case(name).leads
    assert leads.names == LEAD_NAMES
    assert leads.fs == FS
    for row, lead in enumerate(LEAD_NAMES):
        strip = max((s for s in leads.strips if s.lead == lead), key=lambda s: len(s.signal))
        first = round(strip.start * FS)
        np.testing.assert_array_equal(leads.signal[row, first : first + len(strip.signal)], strip.signal)
        rest = np.r_[leads.signal[row, :first], leads.signal[row, first + len(strip.signal) :]]
        assert np.isnan(rest).all()
    assert (leads.confidence[np.isnan(leads.signal)] == 0).all()


def test_limb_leads_obey_einthoven(case):
    one, two, three = case("together").leads.signal[:3, :1200]
    residual = two - one - three
    assert np.nanstd(residual) < 0.1 * np.nanstd(two)


def test_columns_recorded_together_all_start_at_zero(case):
    assert {strip.start for strip in case("together").leads.strips} == {0.0}
    assert np.isfinite(case("together").leads.signal[:, :1200]).mean() > 0.97


def test_inverted_avr_is_turned_back(case):
    found = next(strip for strip in case("fast").leads.strips if strip.lead == "aVR")
    assert np.nanmedian(np.sort(found.signal)[:20]) < -0.5  # R waves point down in aVR itself


def test_a_page_without_a_grid_says_so(case):
    assert any("no grid" in warning for warning in case("gridless").leads.warnings)
    assert not any("no grid" in warning for warning in case("plain").leads.warnings)


@pytest.fixture(scope="session")
def small(recording) -> PrintedPage:
    """Three limb leads of four seconds at 100 dpi: quick to digitize again and again."""
    return render_page(recording[:, :2000], FS, layout="limb-3x1", dpi=100, header=False)


@pytest.fixture(scope="session")
def small_leads(small) -> Leads:
    return trace_leads(small.image)


def test_print_and_pulses_tell_that_a_grid_was_miscounted(recording):
    """Dots half a millimeter apart pass for millimeters: the pulses are 20 mm high at 10 mm/mV, ten seconds are 500."""
    page = render_page(recording, 500, grid="none", paper="A4", dpi=240).image
    leads = trace_leads(on_dotted_grid(page, 240 / 25.4, faint=0.0, quality=90), refine=False)
    assert leads.calibration.pixels_per_mm == pytest.approx(240 / 25.4, rel=1e-3)
    assert leads.warnings == ()
    assert [len(strip.signal) / leads.fs for strip in leads.strips] == pytest.approx([2.5] * 12 + [10.0], abs=0.05)


def test_a_page_of_few_leads(small, small_leads):
    assert small_leads.layout == "limb-3x1"
    assert [strip.lead for strip in small_leads.strips] == ["I", "II", "III"]
    assert np.isnan(small_leads.signal[3:]).all()
    assert any("aVR" in warning and "V6" in warning for warning in small_leads.warnings)


@pytest.mark.parametrize("kind", ["path", "bytes", "PIL", "Page", "gray"])
def test_sources_agree(small, small_leads, tmp_path, kind):
    path = tmp_path / "page.png"
    Image.fromarray(small.image).save(path)
    if kind == "gray":
        gray = cv2.cvtColor(small.image, cv2.COLOR_RGB2GRAY)
        np.testing.assert_array_equal(
            trace_leads(gray).signal, trace_leads(np.repeat(gray[..., None], 3, axis=2)).signal
        )
        return
    sources = {
        "path": lambda: path,
        "bytes": path.read_bytes,
        "PIL": lambda: Image.open(io.BytesIO(path.read_bytes())),
        "Page": lambda: load_pages(path)[0],
    }
    again = trace_leads(sources[kind]())
    np.testing.assert_array_equal(again.signal, small_leads.signal)
    assert again.layout == small_leads.layout


def test_the_picture_is_not_modified(small):
    image = small.image.copy()
    image.flags.writeable = False
    trace_leads(image)
    np.testing.assert_array_equal(image, small.image)


def test_what_the_caller_knows_wins(small, small_leads):
    given = trace_leads(small.image, layout="limb-3x1", speed=50, gain=20)
    assert (given.calibration.speed, given.calibration.speed_source) == (50, "given")
    assert (given.calibration.gain, given.calibration.gain_source) == (20, "given")
    assert {strip.name_source for strip in given.strips} == {"given"}
    assert given.signal.shape[1] == pytest.approx(small_leads.signal.shape[1] / 2, abs=1)
    usual = np.nanmax(small_leads.signal[1]) - np.nanmin(small_leads.signal[1])
    assert np.nanmax(given.signal[1]) - np.nanmin(given.signal[1]) == pytest.approx(usual / 2, rel=0.02)


def test_a_given_layout_names_the_strips(small):
    given = trace_leads(small.image, layout="V1+V2+V3")
    assert given.layout == "V1+V2+V3"
    assert [strip.lead for strip in given.strips] == ["V1", "V2", "V3"]


def test_a_given_layout_that_the_names_contradict_is_obeyed_and_told(small, small_leads):
    given = trace_leads(small.image, layout="Chest-3X1")
    assert given.layout == "chest-3x1"
    assert [strip.lead for strip in given.strips] == ["V1", "V2", "V3"]
    told = "layout 'chest-3x1' was given, but the page's names read II in row 2, III in row 3"
    assert told in given.warnings
    assert "the page's names contradict the given layout" in given.quality.reasons
    assert VERDICTS.index(given.quality.verdict) >= VERDICTS.index(small_leads.quality.verdict)


def test_a_given_rhythm_strip_is_obeyed_and_raises_no_verdict(case):
    """The page prints II, and its strip repeats II."""
    plain = case("plain")
    given = trace_leads(plain.page.image, layout="3X4+v1", refine=False)
    assert given.layout == "3x4+V1"
    assert (given.strips[-1].lead, given.strips[-1].name_source) == ("V1", "given")
    assert "layout '3x4+V1' was given, but the page's names read II in row 4" in given.warnings
    assert "V1 was given for row 4, but the strip there repeats II" in given.warnings
    assert VERDICTS.index(given.quality.verdict) >= max(1, VERDICTS.index(plain.leads.quality.verdict))


def test_of_more_rows_than_the_given_layout_has_those_are_taken_whose_names_fit(small):
    given = trace_leads(small.image, layout="II+III", refine=False)
    assert given.layout == "II+III"
    whole = trace_leads(small.image, layout="Limb-3X1", refine=False)
    assert whole.layout == "limb-3x1" and not any("layout" in warning for warning in whole.warnings)
    for strip, same in zip(given.strips, whole.strips[1:], strict=True):
        n = min(len(strip.signal), len(same.signal))
        assert np.nanmax(np.abs(strip.signal[:n] - same.signal[:n])) < 0.02
    assert "the page shows 3 rows, layout 'II+III' has 2: the rest were left out" in given.warnings


def test_rows_are_looked_for_as_a_given_layout_says(recording):
    """Of one row the ink is worn away but for its ends: alone it passes for none."""
    page = render_page(recording[:, :3000], FS, layout="limb-6x1", dpi=100, header=False)
    image = page.image.copy()
    x, y = page.strips[3].polyline.T
    height = round(float(np.ptp(page.strips[1].baseline[:, 1] - page.strips[0].baseline[:, 1]))) + 25
    part = slice(round(np.nanmin(x) + 0.15 * np.ptp(x)), round(np.nanmin(x) + 0.75 * np.ptp(x)))
    middle = round(float(np.nanmedian(y)))
    image[middle - height : middle + height, part] = image[:3, :3].max(axis=(0, 1))
    alone, given = (trace_leads(image, layout=layout, refine=False) for layout in (None, "limb-6x1"))
    assert len({strip.row for strip in alone.strips}) == 5
    assert [strip.lead for strip in given.strips] == ["I", "II", "III", "aVR", "aVL", "aVF"]
    assert not any("layout" in warning for warning in given.warnings)


def test_a_given_layout_with_far_more_rows_is_an_error(small):
    with pytest.raises(PageError, match=r"^page: layout '12x1' has 12 rows, but the page shows 3$"):
        trace_leads(small.image, layout="12x1")


@pytest.mark.parametrize("fs", [250, 1000])
def test_sampling_frequency(small, small_leads, fs):
    other = trace_leads(small.image, fs=fs)
    assert other.fs == fs
    step = max(1, FS // fs)
    n = min(other.signal.shape[1] * FS // fs, small_leads.signal.shape[1]) - 2 * step
    ours = small_leads.signal[:3, :n:step]
    theirs = other.signal[:3, :: max(1, fs // FS)][:, : ours.shape[1]]
    assert np.nanmax(np.abs(ours - theirs)) < 0.01


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"speed": 0}, "speed is 0; allowed: a number from 5 to 200 (mm/s)"),
        ({"speed": 1e300}, "speed is 1e+300; allowed: a number from 5 to 200 (mm/s)"),
        ({"gain": 1e12}, "gain is 1000000000000.0; allowed: a number from 1 to 100 (mm/mV)"),
        ({"speed": float("nan")}, "speed is nan"),
        ({"gain": -10.0}, "gain is -10.0; allowed"),
        ({"gain": float("inf")}, "gain is inf"),
        ({"fs": 0}, "fs is 0"),
        ({"layout": "5x5"}, "unknown layout '5x5'; allowed: 3x4"),
        ({"layout": "3x4+X"}, "unknown rhythm lead 'X'"),
    ],
)
def test_bad_options(small, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        trace_leads(small.image, **options)


@pytest.mark.parametrize("options", [{"speed": "25"}, {"gain": True}, {"gain": [10]}, {"layout": 5}])
def test_options_of_another_type(small, options):
    ((name, value),) = options.items()
    with pytest.raises(TypeError, match=re.escape(f"{name} is {value!r}; allowed: a n")):
        trace_leads(small.image, **options)


def photograph(seed: int) -> NDArray[np.uint8]:
    """A picture with the soft shapes and the noise of a photograph, and nothing on it."""
    rng = np.random.default_rng(seed)
    shapes = cv2.resize(rng.uniform(0, 255, (9, 12, 3)).astype(np.float32), (1200, 900), interpolation=cv2.INTER_CUBIC)
    return np.clip(shapes + rng.normal(0, 6, shapes.shape), 0, 255).astype(np.uint8)


def grid_only() -> NDArray[np.uint8]:
    page = render_page(np.full((12, 5000), np.nan), FS, header=False, footer=False, pulse="none", dpi=100)
    image = page.image.copy()
    for strip in page.strips:
        x0, y0, x1, y1 = (int(v) for v in strip.label_box)
        image[y0 - 2 : y1 + 3, x0 - 2 : x1 + 3] = image[0, 1]
    return image


@pytest.mark.parametrize(
    "picture",
    [
        photograph(1),
        photograph(2),
        np.full((900, 1200, 3), 255, np.uint8),
        np.zeros((900, 1200), np.uint8),
        grid_only(),
    ],
    ids=["photograph", "another photograph", "white", "black", "empty grid"],
)
def test_pictures_without_an_electrocardiogram(picture):
    with pytest.raises(PageError, match=r"page: no electrocardiogram found"):
        trace_leads(picture)


def test_several_pages_in_one_file(small, tmp_path):
    page = Image.fromarray(small.image)
    page.save(tmp_path / "two.tiff", save_all=True, append_images=[page])
    with pytest.raises(PageError, match=r"two.*2 pages in one file; pass one of load_pages"):
        trace_leads(tmp_path / "two.tiff")


def test_a_strip_of_which_nothing_is_left_is_none(recording, monkeypatch):
    page = render_page(recording, 500, layout="3x4+II")
    edges = digitize.layout.page_layout.strip_edges

    def cut_short(*arguments: Any) -> list[tuple[float, float]]:
        *whole, (first, end) = edges(*arguments)
        return [*whole, (first, first - 1.0 if whole else end)]

    monkeypatch.setattr(digitize.layout.page_layout, "strip_edges", cut_short)
    leads = trace_leads(page.image, refine=False)
    assert {strip.lead for strip in leads.strips}.isdisjoint({"V4", "V5", "V6"})
    assert len(leads.strips) == 10


def test_a_page_without_a_strip_is_refused(recording, monkeypatch):
    monkeypatch.setattr(
        digitize.layout.page_layout, "strip_edges", lambda ends, row, columns, *_: [(50.0, 50.0)] * columns
    )
    with pytest.raises(PageError, match="no row is long enough"):
        trace_leads(render_page(recording, 500, layout="3x4+II").image, refine=False)


def test_a_photograph_that_lacks_the_beginning_keeps_its_columns(recording):
    """Where the picture's left edge cuts the first strips short, the others still are the same signals."""
    image = render_page(recording, 500, layout="3x4+II").image
    part = np.ascontiguousarray(image[:, round(0.12 * image.shape[1]) :])
    whole, cut = (trace_leads(page, refine=False) for page in (image, part))
    assert cut.layout == whole.layout == "3x4+II"
    of = {(strip.lead, strip.row): strip for strip in cut.strips}
    first = of["I", 0].signal
    assert first.size == pytest.approx(whole.strips[0].signal.size, abs=5)
    assert np.isnan(first[:200]).all() and np.isfinite(first[-200:]).mean() > 0.9
    for strip in whole.strips:
        if strip.column in (1, 2):
            own = of[strip.lead, strip.row]
            assert own.start == pytest.approx(strip.start, abs=0.01)
            n = min(len(own.signal), len(strip.signal))
            both = np.isfinite(own.signal[:n]) & np.isfinite(strip.signal[:n])
            assert np.corrcoef(own.signal[:n][both], strip.signal[:n][both])[0, 1] > 0.98

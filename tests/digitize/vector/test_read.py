from __future__ import annotations

import io
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
import wfdb

from digitize.api import leads_of_drawing, trace_leads
from digitize.ocr import text as ocr
from digitize.pages.page import PDF_DPI, load_drawing, load_page, load_pages
from digitize.records.known import Known
from digitize.records.layouts import LEAD_NAMES
from digitize.records.upright import PIXELS_PER_MM
from digitize.vector.curves import find_curves
from digitize.vector.upright import put_upright
from papertrace.metrics.digitization import strict_snr
from tests.digitize.vector import drawn

VECTOR_PAGES = Path(__file__).parents[4] / "shared" / "data" / "vector-pages"
FS = 500


def by_cairo(sheet):
    try:
        import cairocffi  # noqa: F401
    except (ImportError, OSError) as error:
        pytest.skip(f"cairo cannot be loaded: {error}")
    return drawn.by_cairo(sheet)


def read_exactly(page, sheet, **options):
    leads = trace_leads(page, **options)
    assert leads.source == "vector"
    shown = np.isfinite(sheet.truth)
    assert leads.signal.shape == sheet.truth.shape and (np.isfinite(leads.signal) == shown).all()
    assert strict_snr(sheet.truth, leads.signal)[shown.any(axis=1)].min() > 45
    return leads


@pytest.mark.parametrize("by", [drawn.by_reportlab, by_cairo, drawn.by_matplotlib], ids=lambda by: by.__name__)
def test_what_other_programs_draw_is_read_exactly(recording, by):
    sheet = drawn.sheet_of(recording)
    leads = read_exactly(by(sheet), sheet)
    assert (leads.layout, leads.quality.verdict, leads.warnings) == ("3x4+II", "good", ())
    assert {strip.name_source for strip in leads.strips} == {"read"}
    assert (leads.calibration.speed_source, leads.calibration.gain_source) == ("read", "read")
    # Cairo's coordinates are multiples of 1/256 point.
    assert np.nanmax(np.abs(leads.signal - sheet.truth)) < 0.004


def test_nothing_is_rendered_and_nothing_recognized(recording, monkeypatch):
    def never(*_, **__):
        raise AssertionError("was called")

    monkeypatch.setattr(pypdfium2.PdfPage, "render", never)
    monkeypatch.setattr(ocr, "_recognize", never)
    sheet = drawn.sheet_of(recording)
    read_exactly(drawn.by_reportlab(sheet), sheet)


@contextmanager
def on_its_side(page):
    page.translate(drawn.HEIGHT * drawn.POINT, 0)
    page.rotate(90)
    yield


@contextmanager
def aslant(page):
    page.translate(40, -20)
    page.rotate(7)
    yield


@pytest.mark.parametrize(
    ("options", "rotation"),
    [
        ({"pieces": True}, 0),
        ({"subpaths": 40}, 0),
        ({"factor": 0.8}, 0),
        ({"factor": 1.3}, 0),
        ({"turned": 90}, 90),
        ({"turned": 180}, 180),
        ({"around": on_its_side, "size": (drawn.HEIGHT, drawn.WIDTH)}, -90),
        ({"around": on_its_side, "size": (drawn.HEIGHT, drawn.WIDTH), "turned": 90}, 0),
        ({"around": aslant}, -7),
    ],
    ids=["pieces", "subpaths", "smaller", "larger", "90", "180", "on its side", "on its side and turned", "aslant"],
)
def test_pieces_and_forms_are_read_exactly(recording, options, rotation):
    sheet = drawn.sheet_of(recording)
    leads = read_exactly(drawn.by_reportlab(sheet, **options), sheet)
    assert leads.geometry.rotation == pytest.approx(rotation, abs=0.01)
    per_mm = PDF_DPI / 25.4 * options.get("factor", 1.0)
    assert leads.calibration.pixels_per_mm == pytest.approx(per_mm, rel=1e-4)


@pytest.mark.parametrize(
    ("options", "layout"),
    [
        ({"layout": "6x2", "gain": 5.0}, "6x2"),
        ({"layout": "3x4+II+V1", "speed": 25.0, "pulse": "joined", "scale": ""}, "3x4+II+V1"),
        ({"layout": "cabrera-6x2"}, "cabrera-6x2"),
        ({"layout": "limb-6x1", "grid": False}, "limb-6x1"),
        ({"layout": "II", "speed": 12.5, "gain": 20.0}, "II"),
    ],
    ids=str,
)
def test_layouts_and_scales_are_read(recording, options, layout, monkeypatch):
    monkeypatch.setattr(drawn, "ROW", 24.0)
    sheet = drawn.sheet_of(recording, **options)
    leads = read_exactly(drawn.by_reportlab(sheet), sheet)
    assert leads.layout == layout
    assert (leads.calibration.speed, leads.calibration.gain) == (options.get("speed", 25.0), options.get("gain", 10.0))
    assert leads.calibration.pitch_source == ("grid" if options.get("grid", True) else "print")


def test_what_a_clipping_path_hides_is_missing(recording):
    edge = drawn.FIRST_ROW - 8.0  # 0.8 mV

    @contextmanager
    def cut(page):
        path = page.beginPath()
        path.rect(0, 0, drawn.WIDTH * drawn.POINT, (drawn.HEIGHT - edge) * drawn.POINT)
        page.clipPath(path, stroke=0)
        yield

    sheet = drawn.sheet_of(recording)
    leads = trace_leads(drawn.by_reportlab(sheet, around=cut))
    lead = LEAD_NAMES.index("I")
    shown, truth = leads.signal[lead], sheet.truth[lead]
    hidden = truth > 0.8
    assert leads.source == "vector" and hidden.any()
    assert np.isnan(shown[hidden]).all() and (leads.confidence[lead][hidden] == 0).all()
    # The calibration pulse is cut as well: then nothing tells where 0 mV is.
    error = shown - truth
    assert (
        np.nanmax(np.abs(error - np.nanmedian(error))) < 0.001
        and np.isfinite(shown[np.isfinite(truth) & (truth < 0.7)]).all()
    )


def test_the_path_lies_on_the_ink_of_the_rendered_page(recording):
    sheet = drawn.sheet_of(recording)
    for options in ({}, {"turned": 270}, {"around": aslant}):
        page = load_page(drawn.by_reportlab(sheet, **options))
        leads = leads_of_drawing(page.drawing, fs=FS)
        assert leads.geometry.page_size == page.image.shape[1::-1]
        x, y = np.rint(np.concatenate([strip.path for strip in leads.strips])).astype(int).T
        assert np.quantile(page.image[y, x].max(axis=1), 0.99) < 100


def test_what_the_drawing_does_not_tell_is_left_to_the_picture(recording):
    sheet = drawn.sheet_of(recording)
    no_traces = sheet._replace(strokes=[stroke for stroke in sheet.strokes if stroke.trace < 0])
    assert leads_of_drawing(load_drawing(drawn.by_reportlab(no_traces)), fs=FS) is None
    no_names = load_drawing(drawn.by_reportlab(drawn.sheet_of(recording, names=False)))
    assert leads_of_drawing(no_names, fs=FS) is None
    given = leads_of_drawing(no_names, known=Known(layout="3x4+II"), fs=FS)
    assert strict_snr(sheet.truth, given.signal).min() > 45
    assert {strip.name_source for strip in given.strips} == {"given"} and given.quality.verdict != "good"
    for layout in ("6x2", "12x1", "custom-4x3", "3x4"):
        assert leads_of_drawing(no_names, known=Known(layout=layout), fs=FS) is None
    # One path for all leads of a row does not tell where one ends.
    whole = [stroke for stroke in sheet.strokes if stroke.trace >= 0]
    rows = [np.concatenate([stroke.points for stroke in whole[first : first + 4]]) for first in (0, 4, 8)]
    joined = [stroke for stroke in sheet.strokes if stroke.trace < 0]
    joined += [whole[0]._replace(points=row) for row in rows]
    assert leads_of_drawing(load_drawing(drawn.by_reportlab(sheet._replace(strokes=joined))), fs=FS) is None


def test_of_a_mixed_file_each_page_goes_its_own_way(recording):
    from PIL import Image

    sheet = drawn.sheet_of(recording)
    one = pypdfium2.PdfDocument(drawn.by_reportlab(sheet))
    scan = io.BytesIO()
    Image.fromarray(load_page(drawn.by_reportlab(sheet), dpi=100).image).save(scan, format="pdf", resolution=100)
    both = pypdfium2.PdfDocument.new()
    both.import_pages(one)
    both.import_pages(pypdfium2.PdfDocument(scan.getvalue()))
    file = io.BytesIO()
    both.save(file)
    pages = load_pages(file.getvalue())
    assert [leads_of_drawing(page.drawing, fs=FS) is None for page in pages] == [False, True]


def test_names_that_contradict_the_given_layout_are_told(recording):
    page = load_drawing(drawn.by_reportlab(drawn.sheet_of(recording, "limb-6x1")))
    leads = leads_of_drawing(page, known=Known(layout="chest-6x1"), fs=FS)
    assert leads.quality.verdict != "good" and "names read I in row 1" in " ".join(leads.warnings)


@pytest.mark.skipif(not VECTOR_PAGES.exists(), reason="needs ../shared/data/vector-pages")
def test_drawn_pages_of_another_program_are_read_point_by_point():
    files = sorted(VECTOR_PAGES.glob("*.pdf"))
    assert len(files) == 6
    allowed, reached = [], []
    for file in files:
        leads = trace_leads(file)
        assert (leads.source, leads.layout) == ("vector", "3x4+II")
        upright = put_upright(load_drawing(file))
        traces, pulses = find_curves(upright.lines)
        by_place = {(round(trace[0, 0]), round(float(np.median(trace[:, 1])))): trace for trace in traces}
        assert len(by_place) == len(leads.strips) == 13
        truth = wfdb.rdrecord(str(file.with_name(f"{file.stem}_hr"))).p_signal.T
        for strip in leads.strips:
            on_page = strip.path.astype(float) @ upright.matrix[:, :2].T + upright.matrix[:, 2]
            trace = min(traces, key=lambda trace: np.abs(trace[0] - on_page[0]).sum())
            # 125 points a second: each is a sample, but for the last few that rounding moves.
            at = (trace[:, 0] - trace[0, 0]) / PIXELS_PER_MM / 25.0
            sample = np.rint(at * FS).astype(int)
            assert np.abs(at - sample / FS).max() < 1e-4
            foot = min((pulse.foot for pulse in pulses), key=lambda foot: abs(foot - np.median(trace[:, 1])))
            millivolts = (foot - trace[:, 1]) / PIXELS_PER_MM / 10.0
            assert np.abs(strip.signal[sample] - millivolts).max() < 0.001
        # What its points themselves are off the recording is all that the path allows: the rest is ours.
        for strip in leads.strips:
            # The page begins with the recording's fifth sample.
            first = 4 + round(strip.start * FS)
            own = truth[LEAD_NAMES.index(strip.lead), first : first + len(strip.signal)]
            signal = strip.signal[: len(own)]
            allowed.append(_ratio(own[::4], signal[::4]))
            reached.append(_ratio(own, signal))
    assert np.mean(allowed) > 24 and np.mean(reached) > np.mean(allowed) - 1.0


def _ratio(truth, signal):
    """Signal-to-noise ratio, dB, at one clock, both about their means."""
    error = signal - truth
    return 10 * np.log10(truth.var() / error.var())

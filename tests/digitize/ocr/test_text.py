from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.machinery import ModuleSpec

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from digitize.geometry.rectify import rectify
from digitize.ink.coverage import find_ink
from digitize.ocr import text
from digitize.ocr.text import find_words, parse_scale, read_lead_names, read_scale, read_text
from digitize.records.layouts import ALL_NAMES, LEAD_NAMES
from papertrace.synth import PrintedPage, render_page
from papertrace.synth.style import FONTS
from papertrace.synth.text import text_mask

# At this resolution a printed page has the scale of an upright one.
DPI = 254.0


def write(coverage: NDArray[np.float32], string: str, x: int, y: int, font: str = "sans", cap: float = 28.0):
    """Print a string with its mask's corner at (x, y); gives the box around its ink."""
    mask = text_mask(string, font, cap).coverage.astype(np.float32) / 255.0
    height, width = mask.shape
    np.maximum(coverage[y : y + height, x : x + width], mask, out=coverage[y : y + height, x : x + width])
    row, column = np.nonzero(mask >= 0.4)
    return x + column.min(), y + row.min(), x + column.max() + 1, y + row.max() + 1


def overlap(a, b) -> float:
    """Intersection over union of two boxes."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


@dataclass(frozen=True)
class Sheet:
    page: PrintedPage
    coverage: NDArray[np.float32]


@pytest.fixture(scope="module")
def sheet() -> Sheet:
    seconds = np.arange(5000) / 500
    beat = np.exp(-(((seconds % 0.8 - 0.4) / 0.015) ** 2)).astype(np.float32)
    page = render_page(np.tile(beat, (12, 1)), 500, dpi=DPI, layout="3x4+II", pulse="none", speed=50.0, gain=5.0)
    upright = rectify(page.image, np.diag([0.1, 0.1, 1.0]))
    return Sheet(page, find_ink(upright, tiled=True).coverage)


def test_page_of_labels_is_found_and_read(sheet):
    words, glyphs = find_words(sheet.coverage)
    boxes = []
    for strip in sheet.page.strips:
        best = max(words, key=lambda word: overlap(word.box, strip.label_box))
        assert overlap(best.box, strip.label_box) > 0.6, strip.label
        boxes.append(best.box)
        x0, y0, x1, y1 = best.box
        ink = sheet.coverage[y0:y1, x0:x1] >= 0.4
        assert glyphs[y0:y1, x0:x1][ink].all()
    readings = read_lead_names(sheet.coverage, boxes)
    assert [LEAD_NAMES[k] for k in readings.log_probability.argmax(axis=1)] == [s.lead for s in sheet.page.strips]
    assert not readings.negated.any()


def test_traces_are_not_words(sheet):
    _, glyphs = find_words(sheet.coverage)
    for strip in sheet.page.strips:
        x, y = np.round(strip.polyline[np.isfinite(strip.polyline[:, 1])]).astype(int).T
        assert glyphs[y, x].mean() < 0.01


def test_scale_of_a_page_is_read(sheet):
    scale = read_scale(sheet.coverage, find_words(sheet.coverage)[0])
    assert (scale.speed, scale.gain) == (50.0, 5.0)
    assert "mm" in scale.text


def test_header_is_read_as_text(sheet):
    printed = [item for item in sheet.page.texts if item.string.startswith("Vent. rate") or "mm/" in item.string]
    for item, read in zip(printed, read_text(sheet.coverage, [item.box for item in printed]), strict=True):
        assert read.replace(" ", "") == item.string.replace(" ", "")


@pytest.mark.parametrize("font", FONTS)
@pytest.mark.parametrize("cap", [18.0, 36.0])
def test_every_lead_in_every_font(font, cap):
    coverage = np.zeros((200, 4200), np.float32)
    boxes = [write(coverage, name, 20 + 195 * k, 40, font, cap) for k, name in enumerate(ALL_NAMES)]
    log_probability = read_lead_names(coverage, boxes).log_probability
    assert log_probability.argmax(axis=1).tolist() == list(range(len(ALL_NAMES)))
    assert np.allclose(np.exp(log_probability).sum(axis=1), 1.0)


@pytest.mark.parametrize(
    ("spelling", "lead"), [("AVR", "aVR"), ("DII", "II"), ("D1", "I"), ("C4", "V4"), ("V3-", "V3"), ("V6:", "V6")]
)
def test_other_spellings(spelling, lead):
    coverage = np.zeros((150, 300), np.float32)
    readings = read_lead_names(coverage, [write(coverage, spelling, 40, 40)])
    assert LEAD_NAMES[int(readings.log_probability[0].argmax())] == lead
    assert not readings.negated[0]


def test_minus_of_cabrera_is_found_and_read():
    coverage = np.zeros((150, 400), np.float32)
    write(coverage, "-aVR", 60, 40)
    words, glyphs = find_words(coverage)
    assert len(words) == 1
    assert glyphs[coverage >= 0.4].all()
    readings = read_lead_names(coverage, [words[0].box])
    assert LEAD_NAMES[int(readings.log_probability[0].argmax())] == "aVR"
    assert readings.negated[0]


@pytest.mark.parametrize("string", ["BPM", "Sex", "168 ms", "25 mm/s", "Normal ECG", "Age", "QRS"])
def test_other_words_are_no_leads(string):
    coverage = np.zeros((150, 500), np.float32)
    assert read_lead_names(coverage, [write(coverage, string, 40, 40)]).log_probability[0].argmax() == len(ALL_NAMES)


def test_trace_through_a_name_leaves_it_readable():
    coverage = np.zeros((150, 1200), np.float32)
    boxes = [write(coverage, name, 60 + 360 * k, 40) for k, name in enumerate(("aVF", "V2", "V5"))]
    coverage[boxes[0][3] - 6 : boxes[0][3] - 3] = 1.0
    best = read_lead_names(coverage, boxes).log_probability.argmax(axis=1)
    assert [LEAD_NAMES[k] for k in best] == ["aVF", "V2", "V5"]


def test_nothing_to_read():
    coverage = np.zeros((300, 400), np.float32)
    words, glyphs = find_words(coverage)
    assert words == [] and not glyphs.any()
    assert read_lead_names(coverage, []).log_probability.shape == (0, len(ALL_NAMES) + 1)
    assert read_text(coverage, []) == []
    assert read_text(coverage, [(10, 10, 60, 40)]) == [""]
    assert read_scale(coverage, words) == parse_scale("")
    outside = read_lead_names(coverage, [(-50, -50, -10, -20), (390, 290, 450, 350)])
    assert np.isfinite(outside.log_probability).all()


def test_inputs_are_not_modified():
    coverage = np.zeros((150, 300), np.float32)
    box = write(coverage, "V1", 40, 40)
    before = coverage.copy()
    words, _ = find_words(coverage)
    read_lead_names(coverage, [box])
    read_scale(coverage, words)
    assert np.array_equal(coverage, before)


def test_grid_residue_and_specks_are_no_words():
    coverage = np.zeros((1000, 1500), np.float32)
    coverage[:, ::50] = 0.5
    coverage[::7] = 0.0
    coverage[np.random.default_rng(0).random(coverage.shape) < 0.002] = 1.0
    assert find_words(coverage)[0] == []


def test_page_of_noise_takes_bounded_time():
    noise = cv2.GaussianBlur(np.random.default_rng(0).random((2100, 2970), np.float32), (0, 0), 4.0)
    coverage = np.clip((noise - noise.mean()) / noise.std(), 0.0, 1.0).astype(np.float32)
    start = time.process_time()
    words, _ = find_words(coverage)
    read_scale(coverage, words)
    assert len(words) <= text._MOST_GLYPHS
    assert time.process_time() - start < 10.0


@pytest.mark.parametrize(
    ("string", "speed", "gain"),
    [
        ("25 mm/s   10 mm/mV   0.05-150 Hz", 25.0, 10.0),
        ("25mm/s10mm/mV", 25.0, 10.0),
        ("Speed: 50 mm/sec   Limb: 20 mm/mV   Chest: 20 mm/mV", 50.0, 20.0),
        ("25,0 mm/s 10,0 mm/mV", 25.0, 10.0),
        ("12.5 mm/s 2.5 mm/mV", 12.5, 2.5),
        ("25mrn/5 lOmm/mv", 25.0, 10.0),
        ("50.0 ml √/s 20.0 mm/mV 100Hz", 50.0, 20.0),
        ("10 mm/s   10 mm/mV   0.05-150 Hz", 10.0, 10.0),
        ("25 rnm/s\n5 mm/mV", 25.0, 5.0),
        ("25 mm/s 1 cm/mV", 25.0, 10.0),
        ("250 mm/s 100 mm/mV", 25.0, 10.0),
        ("37 mm/s 11 mm/mV", None, None),
        ("PR 100 ms  QT 400 ms  QRS 25 ms  120 mmHg", None, None),
        ("", None, None),
    ],
)
def test_scale_of_a_text(string, speed, gain):
    scale = parse_scale(string)
    assert (scale.speed, scale.gain) == (speed, gain)


@pytest.mark.parametrize(
    ("string", "gain"),
    [
        ("x.5 .05-40Hz 25mm/sec", 5.0),
        ("x5 .05-40Hz 25mm/sec", 5.0),
        ("x1.0 .05-150Hz 25mm/sec\nHR 60", 10.0),
        ("X2 25 mm/s", 20.0),
        ("3 x 5 s 50 mm/s", None),
        ("x.5\n25mm/sec", None),
        ("x.5 25mm/sec 10 mm/mV", 10.0),
    ],
)
def test_gain_as_a_multiple_beside_the_speed(string, gain):
    assert parse_scale(string).gain == gain


def test_chest_gain_of_its_own():
    scale = parse_scale("Limb: 10 mm/mV  Chest: 5 mm/mV")
    assert (scale.gain, scale.chest_gain) == (10.0, 5.0)


@pytest.mark.parametrize("installed", [False, True])
def test_missing_model_names_the_package(monkeypatch, tmp_path, installed):
    package = ModuleSpec("rapidocr", None, is_package=True)
    package.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(text, "find_spec", lambda name: package if installed else None)
    with pytest.raises(RuntimeError, match=r"rapidocr.*rec.*allowed: rapidocr>=3") as caught:
        text._recognizer.__wrapped__()
    assert ("not installed" in str(caught.value)) != installed
    assert (str(tmp_path) in str(caught.value)) == installed


def test_the_same_crop_is_read_the_same_alone_among_others_and_from_threads():
    rng = np.random.default_rng(7)
    crops = [rng.integers(0, 256, (48, width), np.uint8) for width in (40, 90, 96, 150, 300, 400)] * 4
    alone = [text._recognize([crop], text._NAME_WIDTHS)[0] for crop in crops[:6]] * 4
    shares = [crops[start::8] for start in range(8)]
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda share: text._recognize(share, text._NAME_WIDTHS), shares))
    for start in range(8):
        for one, other in zip(alone[start::8], read[start], strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "text",
    [
        "Speed: 25 mm/sec   Limb: 10 mm/mV   Chest: 5 mm/mV",
        "25 mm/s   10/5 mm/mV   0.05-150 Hz",
        "25mm/s  10mm/mV  V: 5mm/mV  100Hz",
        "25 mm/s  limb 10 mm/mV  precordial 5 mm/mV",
    ],
)
def test_chest_leads_may_be_said_to_have_a_gain_of_their_own(text):
    scale = parse_scale(text)
    assert (scale.speed, scale.gain, scale.chest_gain) == (25.0, 10.0, 5.0)

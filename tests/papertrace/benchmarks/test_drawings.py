"""Pages of other programs: what each shows is known, and a program that is not there is named."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from digitize.records.layouts import LEAD_NAMES, lead_of, sign_of
from papertrace.benchmarks import drawings, programs
from papertrace.benchmarks.drawings import DRAWINGS, PROGRAMS, Drawing, Program, draw, find_programs, truth_of
from papertrace.benchmarks.real_prints import find_jobs
from papertrace.datasets.pages import FS, find_pages, read_truth
from papertrace.synth import simulate
from tests.papertrace.benchmarks.vector_page import VectorPage, read_vector_page

INTERPRETERS = [path for path in os.environ.get("PAPERTRACE_PROGRAMS", "").split(os.pathsep) if path]
needs_programs = pytest.mark.skipif(
    not INTERPRETERS, reason="needs the interpreters of the other programs in $PAPERTRACE_PROGRAMS (CONTRIBUTING.md)"
)

STAND_IN = """
import json, pathlib, sys
from PIL import Image
for order in json.loads((pathlib.Path(sys.argv[1]) / "orders.json").read_text()):
    assert (pathlib.Path(sys.argv[1]) / order["signal"]).is_file()
    if order["options"].get("speed") == 50:
        raise ZeroDivisionError("no paper")
    Image.new("RGB", (200, 100), "white").save(order["page"])
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch) -> Program:
    """Takes the place of pmecg."""
    script = tmp_path / "stand_in.py"
    script.write_text(STAND_IN)
    monkeypatch.setitem(drawings.PROGRAMS, "pmecg", replace(PROGRAMS["pmecg"], script=script))


def times_of(row: np.ndarray) -> list[float]:
    """First and last second that is shown."""
    shown = np.flatnonzero(np.isfinite(row))
    return [float(shown[0]) / FS, float(shown[-1]) / FS]


def test_every_program_draws_pages_whose_names_can_be_those_of_records():
    assert {drawing.program for drawing in DRAWINGS.values()} == set(PROGRAMS)
    for name, drawing in DRAWINGS.items():
        assert re.fullmatch(r"[-\w]+", name) and drawing.name == name
    for program in PROGRAMS.values():
        assert program.script.is_file()


@pytest.mark.parametrize(
    ("name", "lead", "seconds"),
    [
        ("ecg-plot-3x4-II", "V1", [5.0, 7.498]),
        ("ecg-plot-3x4-II", "II", [0.0, 9.998]),
        ("ecg-plot-3x4-simultaneous", "V1", [0.0, 2.498]),
        ("ecg-plot-2-columns", "V1", [0.0, 9.998]),
        ("ecg-plot-row-major", "aVR", [5.0, 9.998]),
        ("ecg-plot-rhythm", "II", [0.0, 9.998]),
        ("ecg-plot-0-2-4-columns", "V6", [0.0, 2.498]),
        ("pmecg-cabrera-3x4-II", "aVF", [2.5, 4.996]),
        ("pmecg-3x4-plain", "aVF", [2.5, 4.998]),
        ("dicom-ecg-plot-3x4-II-50mm-s", "V6", [3.752, 4.998]),
    ],
)
def test_leads_stand_at_their_times(name, lead, seconds):
    drawing = DRAWINGS[name]
    signal = np.random.default_rng(0).normal(0, 0.1, (12, round(drawing.seconds * FS)))
    assert times_of(truth_of(drawing, signal)[LEAD_NAMES.index(lead)]) == seconds


def test_leads_that_a_page_lacks_have_no_truth():
    truth = truth_of(DRAWINGS["pmecg-4x2-II"], np.ones((12, 5000)))
    shown = [lead for lead, row in zip(LEAD_NAMES, truth, strict=True) if np.isfinite(row).any()]
    assert shown == ["I", "II", "III", "aVR", "V3", "V4", "V5", "V6"]


def test_what_is_beyond_the_edge_of_the_page_is_not_shown():
    signal = np.tile(4 * np.sin(np.arange(5000) / 50), (12, 1))
    truth = truth_of(DRAWINGS["pmecg-12x1"], signal)
    assert np.nanmax(truth[0]) == pytest.approx(2, abs=0.1) and np.nanmin(truth[0]) < -3.9
    assert np.nanmin(truth[11]) == pytest.approx(-2, abs=0.1) and np.nanmax(truth[11]) > 3.9
    assert np.isfinite(truth[1:11, :4999]).all()
    cut = truth_of(DRAWINGS["ecg-plot-0-2-4-columns"], signal[:, :1250])
    assert (np.nanmax(cut[0]), np.nanmin(cut[2])) == pytest.approx((1.5, -1.5), abs=0.1)


def test_a_signal_is_filtered_where_the_program_filters_it():
    signal = np.zeros((12, 5000))
    signal[:, 600] = 1
    filtered = truth_of(DRAWINGS["dicom-ecg-plot-12x1"], signal)[0]
    assert 600 < np.argmax(filtered) < 606 and 0.1 < filtered.max() < 0.3
    assert filtered.sum() == pytest.approx(1, abs=0.01)


def test_a_program_draws_pages_that_are_found_with_their_truth(tmp_path, stand_in):
    signal = simulate(10, FS, seed=0)
    wanted = [DRAWINGS["pmecg-3x4-II"], DRAWINGS["pmecg-limb-6x1"]]
    draw(wanted, [signal, signal], sys.executable, tmp_path / "program-pages")
    pages = find_pages(tmp_path, ["programs"])
    assert [page.file.stem for page in pages] == ["pmecg-3x4-II", "pmecg-limb-6x1"]
    for page, drawing in zip(pages, wanted, strict=True):
        np.testing.assert_allclose(read_truth(page), truth_of(drawing, signal), atol=0.0006)
    jobs = find_jobs(tmp_path, programs.PAGES)
    assert [(job.layout, job.parts, job.dpi) for job in jobs] == [
        ("3x4+II", ("pmecg",), None),
        ("limb-6x1", ("pmecg",), None),
    ]


def test_a_program_that_fails_is_told_and_leaves_no_page(tmp_path, stand_in):
    wanted = [DRAWINGS["pmecg-3x4-II"], DRAWINGS["pmecg-3x4-II-50mm-s"]]
    with pytest.raises(RuntimeError, match=r"pmecg, run by .*, failed:\n(.*\n)*ZeroDivisionError: no paper"):
        draw(wanted, [simulate(10, FS, seed=0)] * 2, sys.executable, tmp_path / "pages")
    assert not any((tmp_path / "pages").iterdir())


def test_interpreters_are_found_by_what_their_environments_have(monkeypatch):
    from importlib.metadata import version

    known = Program("drawer", "Pillow", version("pillow"), Path("drawer.py"))
    monkeypatch.setitem(drawings.PROGRAMS, "drawer", known)
    assert find_programs([sys.executable]) == {"drawer": sys.executable}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--draw", "nowhere/python"], "nowhere/python: is no Python interpreter that runs"),
        (["--draw", sys.executable], "has none of dicom-ecg-plot=="),
        ([], "has no pages with truth"),
    ],
)
def test_what_is_missing_is_named(arguments, told, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(programs, "find_recordings", lambda folder, folds: [Path("00008_hr")])
    # One that certainly is not there.
    monkeypatch.setattr(
        drawings, "PROGRAMS", {name: replace(program, version="0") for name, program in PROGRAMS.items()}
    )
    with pytest.raises(SystemExit):
        programs.main([*arguments, "--data", str(tmp_path), "--out", str(tmp_path)])
    assert told in capsys.readouterr().err


def test_a_page_that_no_program_draws_is_named(tmp_path):
    (tmp_path / "program-pages").mkdir()
    (tmp_path / "program-pages" / "other.png").touch()
    (page,) = find_pages(tmp_path, ["programs"])
    with pytest.raises(ValueError, match=r"other\.png: no program draws it; allowed: dicom-ecg-plot-3x4-II,"):
        programs.jobs_of(page)


@dataclass(frozen=True, eq=False)
class DrawnStrip:
    """Millivolts of a strip as it is printed, with its sign, at its seconds; and the seconds of the curve's ends."""

    millivolts: np.ndarray
    seconds: np.ndarray
    ends: tuple[float, float]


def strips_of(drawing: Drawing, truth: np.ndarray) -> list[list[DrawnStrip]]:
    """Cut what a page shows into the strips that it is drawn of, row by row."""
    n = truth.shape[1]
    rows = []
    for number, row in enumerate(drawing.layout.all_rows):
        width = n if drawing.simultaneous else n // max(len(row), drawing.layout.times)
        leads = [sign_of(name) * truth[LEAD_NAMES.index(lead_of(name))] for name in row]
        places = [number if drawing.layout.continues else 0 if drawing.simultaneous else k for k in range(len(row))]
        if not drawing.options.get("disconnect_segments", True):
            leads = [np.concatenate([lead[k * width : (k + 1) * width] for k, lead in enumerate(leads)])]
            places, width = [0], n
        lost = 0 if "rhythm" in drawing.options and number >= len(drawing.layout.rows) else 1
        rows.append([drawn(drawing, lead, k * width, width, lost, n) for lead, k in zip(leads, places, strict=True)])
    return rows


def drawn(drawing: Drawing, lead: np.ndarray, begin: int, width: int, lost: int, n: int) -> DrawnStrip:
    """Find out where the curve of a strip begins and ends."""
    samples = begin + np.flatnonzero(np.isfinite(lead[begin : begin + width]))
    ends = np.array([begin, begin + width - 1])
    if drawing.program == "pmecg" and drawing.options.get("disconnect_segments", True):
        ends[1] -= lost
    if drawing.program == "ecg-plot":
        # The curve goes on beyond the panel that shows it.
        ends = np.array([max(begin - 1, 0), min(begin + width + 1, n - 1)])
    if drawing.program == "dicom-ecg-plot":
        ends = ends * n / (n - 1)
    return DrawnStrip(lead[samples], samples / FS, tuple(ends / FS))


def in_rows(items: Sequence, counts: Sequence[int], x: Sequence[float], y: Sequence[float]) -> list[list]:
    """Arrange what lies on a page: row by row from the top, each from left to right."""
    assert len(items) == sum(counts)
    down = np.argsort(-np.asarray(y), kind="stable")
    rows = np.split(down, np.cumsum(counts)[:-1])
    return [[items[k] for k in sorted(row, key=lambda k: x[k])] for row in rows]


def check_curve(drawing: Drawing, curve: np.ndarray, strip: DrawnStrip) -> tuple[float, float, float]:
    """Compare a curve with the millivolts that it should show.

    Returns
    -------
    float, float, float
        Where 0 mV is, points; points a millivolt; points a second.
    """
    seconds = np.interp(curve[:, 0], curve[[0, -1], 0], strip.ends)
    height = np.interp(strip.seconds, seconds, curve[:, 1])
    gain, zero = np.polyfit(strip.millivolts, height, 1)
    left = (height - zero) / gain - strip.millivolts
    assert np.std(left) < 0.002, f"{drawing.name}: {np.std(left):.4f} mV"
    return float(zero), float(gain), float(np.ptp(curve[:, 0]) / np.ptp(strip.ends))


@needs_programs
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_truth_is_what_the_programs_draw(program, tmp_path, monkeypatch):
    found = find_programs(INTERPRETERS)
    if program not in found:
        pytest.skip(f"no interpreter of $PAPERTRACE_PROGRAMS has {PROGRAMS[program].requirement}")
    wanted = [replace(drawing, suffix=".pdf") for drawing in DRAWINGS.values() if drawing.program == program]
    noise = np.random.default_rng(0).normal(0, 0.01, (12, 5000))
    signal = simulate(10, FS, seed=0) + noise
    signal *= 0.9 / np.abs(signal).max()
    # Else matplotlib leaves out corners of a curve.
    (tmp_path / "matplotlibrc").write_text("path.simplify: False\n")
    monkeypatch.setenv("MATPLOTLIBRC", str(tmp_path / "matplotlibrc"))
    draw(wanted, [signal] * len(wanted), found[program], tmp_path / "pages")
    for drawing in wanted:
        check_page(drawing, read_vector_page(tmp_path / "pages" / f"{drawing.name}.pdf"), signal)


def check_page(drawing: Drawing, page: VectorPage, signal: np.ndarray) -> None:
    truth = truth_of(drawing, signal[:, : round(drawing.seconds * FS)])
    rows = strips_of(drawing, truth)
    counts = [len(row) for row in rows]
    curves = in_rows(
        page.curves, counts, [curve[0, 0] for curve in page.curves], [np.median(curve[:, 1]) for curve in page.curves]
    )
    options = drawing.options
    speed = options.get("speed", 10 / drawing.seconds * 25 if drawing.program == "dicom-ecg-plot" else 25)
    stated = options.get("mm_mv", options.get("gain", options.get("voltage", 10)))
    zeros = []
    for number, (row, strips) in enumerate(zip(curves, rows, strict=True)):
        is_rhythm = number >= len(drawing.layout.rows)
        own = options.get("rhythm_speed", speed) if is_rhythm else speed
        for curve, strip in zip(row, strips, strict=True):
            zero, gain, per_second = check_curve(drawing, curve, strip)
            # Points a millimeter, by the time and by the millivolts.
            assert gain / stated == pytest.approx(per_second / own, rel=0.003), drawing.name
            zeros.append(zero)
        millimeter = per_second / own
        if len(page.upright) > 50:
            # Over ten squares, for places are rounded.
            pitch = np.median(page.upright[10:] - page.upright[:-10]) / 10 / millimeter
            assert min(abs(pitch - 1), abs(pitch - 5) / 5) < 1e-4, f"{drawing.name}: {pitch}"
    check_names(drawing, page, curves, millimeter)
    check_edges(drawing, page, zeros[0], zeros[-1], gain)


def check_names(drawing: Drawing, page: VectorPage, curves: list[list[np.ndarray]], millimeter: float) -> None:
    """Compare where names stand with where curves begin."""
    labels = [list(row) for row in drawing.layout.all_rows]
    names = in_rows(
        page.names, [len(row) for row in labels], [name[1] for name in page.names], [name[2] for name in page.names]
    )
    assert [[name for name, _, _ in row] for row in names] == labels, drawing.name
    if drawing.options.get("disconnect_segments", True):
        for row, own in zip(names, curves, strict=True):
            for (name, x, _), curve in zip(row, own, strict=True):
                assert -5 < (x - curve[0, 0]) / millimeter < 10, f"{drawing.name}: {name}"


def check_edges(drawing: Drawing, page: VectorPage, first: float, last: float, gain: float) -> None:
    """Compare the edges with the page's, or with those of the box that a program draws in."""
    above, below = drawing.edges
    boxes = sorted(page.boxes, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
    whole = (0.0, 0.0, 0.0, page.height)
    # matplotlib fills the page first, and then the box of its axes.
    _, bottom, _, top = whole if drawing.program == "dicom-ecg-plot" or len(boxes) < 2 else boxes[-2]
    if np.isfinite(above):
        assert (top - first) / gain == pytest.approx(above, rel=0.01), drawing.name
    if np.isfinite(below):
        assert (last - bottom) / gain == pytest.approx(below, rel=0.01), drawing.name

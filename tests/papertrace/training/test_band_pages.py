from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from digitize.api import analyze_page
from papertrace.synth import render_page
from papertrace.training.band_pages import collect, load, save
from papertrace.training.pages import plan, write_arrays
from papertrace.training.upright import true_rows
from tests.papertrace.training.band_page import page


class TestPages:
    """Files of read pages."""

    def test_survive_a_file(self, tmp_path):
        made = page(1, number=7, kind="faxed")
        save(tmp_path / "page.npz", made)
        loaded = load(tmp_path / "page.npz")
        assert loaded is not None and (loaded.kind, loaded.page) == ("faxed", 7)
        for name in ("seen", "drawn"):
            np.testing.assert_array_equal(getattr(loaded, name), getattr(made, name))
        for part in ("traces", "rows"):
            ours, theirs = getattr(loaded.layers, part), getattr(made.layers, part)
            for field in dataclasses.fields(theirs):
                np.testing.assert_array_equal(getattr(ours, field.name), getattr(theirs, field.name))
        for name in ("coverage", "gray", "print_mask", "gain", "resolution"):
            np.testing.assert_array_equal(getattr(loaded.layers, name), getattr(made.layers, name))

    def test_of_pages_that_cannot_be_read_are_empty(self, tmp_path):
        write_arrays(tmp_path / "page.npz", {"kind": "faxed", "page": 3})
        assert load(tmp_path / "page.npz") is None

    def test_are_made_once(self, folder, tmp_path):
        jobs = plan([folder / "records500/00000/00001_hr"], 1, 5, tmp_path)
        collect(jobs, 1)
        made = load(jobs[0].file)
        assert made is not None and made.kind == "clean"
        assert np.nanmedian(np.abs(made.layers.traces.center - made.seen[..., 0])) < 3
        before = jobs[0].file.stat().st_mtime_ns
        collect(jobs, 1)
        assert jobs[0].file.stat().st_mtime_ns == before


@pytest.fixture(scope="module")
def astray():
    """A page with a row whose trace is astray, and a stretch that tape hides."""
    beats = np.exp(-(((np.arange(5000) % 400 - 200) / 12) ** 2))
    printed = render_page(beats * np.linspace(0.4, 1.2, 12)[:, None], 500, layout="3x4+II", rotation=3.0, dpi=150)
    cut = dataclasses.replace(printed.strips[0], polyline=printed.strips[0].polyline.copy())
    cut.polyline[300:500] = np.nan
    hidden = dataclasses.replace(printed, strips=(cut, *printed.strips[1:]))
    analysis = analyze_page(printed.image)
    traces = dataclasses.replace(analysis.traces, center=analysis.traces.center + 25.0)
    return hidden, dataclasses.replace(analysis, traces=traces)


def test_the_truth_of_a_row_is_found_by_its_level(astray):
    printed, analysis = astray
    seen, whole = true_rows(printed, analysis, 2)
    assert seen.shape == (*analysis.traces.center.shape, 2)
    off = analysis.traces.center - 25.0 - seen[..., 0]
    assert np.isfinite(off).mean() > 0.8 * np.isfinite(analysis.traces.center).mean()
    assert np.nanmedian(np.abs(off)) < 0.3
    lost = np.isnan(seen[0, :, 0]) & np.isfinite(whole[0, :, 0])
    assert 80 < lost.sum() < 140
    assert np.nanmedian(np.abs(analysis.traces.center[0] - 25.0 - whole[0, :, 0])[lost]) < 0.5


def test_rows_that_are_none_of_the_page_have_no_truth(astray):
    printed, analysis = astray
    rows = dataclasses.replace(analysis.rows, level=analysis.rows.level + 90)
    assert np.isnan(true_rows(printed, dataclasses.replace(analysis, rows=rows), 1)[0]).all()

"""Pages of every kind are found with their truths, and a truth is what the page shows."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import wfdb

from digitize.records.layouts import LEAD_NAMES
from papertrace.datasets.pages import FS, KINDS, PageFile, find_pages, read_truth
from papertrace.datasets.ptbxl import data_folder

DATA = data_folder().parent
needs_pages = pytest.mark.skipif(not (DATA / "kit-pages").is_dir(), reason=f"no pages in {DATA}")


def write_record(path: Path, signal: np.ndarray, fs: int, names: tuple[str, ...] = LEAD_NAMES, unit: str = "mV"):
    wfdb.wrsamp(
        path.name, fs, [unit] * len(names), list(names), p_signal=signal.T, fmt=["16"] * len(names),
        adc_gain=[1000.0] * len(names), baseline=[0] * len(names), write_dir=str(path.parent),
    )  # fmt: skip


def page(kind: str, truth: Path) -> PageFile:
    return PageFile(kind, "page.png", truth.with_name("page.png"), truth=truth)


def columns_of_3x4() -> list[int]:
    return [k // 3 for k in range(12)]


def test_pages_of_a_kind_are_listed_with_and_without_truth(tmp_path):
    folder = tmp_path / "real-photos"
    folder.mkdir()
    for name in ("b.jpg", "a.jpg", "notes.txt"):
        (folder / name).touch()
    write_record(folder / "a", np.ones((12, 100)), FS)
    (folder / "pages.csv").write_text("image,split\na.jpg,look\n")
    first, second = find_pages(tmp_path, ("photographs", "kit"))
    assert (first.name, first.truth, first.remarks) == ("a.jpg", folder / "a.hea", {"image": "a.jpg", "split": "look"})
    assert (second.name, second.truth, dict(second.remarks)) == ("b.jpg", None, {})
    assert read_truth(first).shape == (12, 100) and read_truth(second) is None


def test_an_unknown_kind_is_named(tmp_path):
    with pytest.raises(ValueError, match="kind of pages 'photos'; allowed: samples, kit, prints"):
        find_pages(tmp_path, ("photos",))


def test_leads_stand_in_their_order_whatever_the_record_s(tmp_path):
    signal = np.arange(12)[:, None] + np.random.default_rng(0).random((12, 500))
    signal[:, :100] = np.nan
    write_record(tmp_path / "same", signal, FS)
    write_record(tmp_path / "reversed", signal[::-1], FS, tuple(name.upper() for name in LEAD_NAMES[::-1]))
    for stem in ("same", "reversed"):
        truth = read_truth(page("kit", tmp_path / f"{stem}.hea"))
        assert np.isnan(truth[:, :100]).all()
        np.testing.assert_allclose(truth[:, 100:], signal[:, 100:], atol=0.0006)


@pytest.mark.parametrize(
    ("fs", "names", "unit", "message"),
    [
        (100, LEAD_NAMES, "mV", "sampled at 100 Hz; allowed: 500"),
        (500, LEAD_NAMES[:11], "mV", "lead V6 is missing"),
        (500, LEAD_NAMES, "SD", "units SD; allowed: mV"),
    ],
)
def test_truth_that_cannot_be_used_is_named(tmp_path, fs, names, unit, message):
    write_record(tmp_path / "page", np.ones((len(names), 100)), fs, names, unit)
    with pytest.raises(ValueError, match=message):
        read_truth(page("kit", tmp_path / "page.hea"))


def test_a_case_may_show_one_lead_only(tmp_path):
    write_record(tmp_path / "page", np.ones((1, 100)), FS, ("I",))
    truth = read_truth(page("cases", tmp_path / "page.hea"))
    assert truth.shape == (12, 100) and np.isfinite(truth).all(axis=1).tolist() == [True] + [False] * 11


def test_a_print_is_cut_to_its_layout_and_joined_by_straight_lines(tmp_path):
    slopes = np.arange(1, 13)[:, None] / 10
    write_record(tmp_path / "line", slopes * np.arange(1000) / 100, 100)
    truth = read_truth(page("prints", tmp_path / "line.hea"))
    assert truth.shape == (12, 5000)
    time_s = np.arange(5000) / FS
    for k, (lead, column) in enumerate(zip(LEAD_NAMES, columns_of_3x4(), strict=True)):
        shown = np.flatnonzero(np.isfinite(truth[k]))
        column = 0 if lead == "II" else column
        # The last sample is at 9.99 s: there the pen stops.
        end = 4996 if lead == "II" or column == 3 else 1250 * (column + 1)
        assert shown.tolist() == list(range(1250 * column, end)), lead
        np.testing.assert_allclose(truth[k, shown], slopes[k] * time_s[shown], atol=0.002)


def test_a_drawn_page_starts_8_ms_into_its_record_and_its_columns_end_early(tmp_path):
    signal = np.tile(np.arange(5000) / 1000, (12, 1))
    write_record(tmp_path / "page_hr", signal, FS)
    truth = read_truth(page("vector-pages", tmp_path / "page_hr.hea"))
    for k, (lead, column) in enumerate(zip(LEAD_NAMES, columns_of_3x4(), strict=True)):
        shown = np.flatnonzero(np.isfinite(truth[k]))
        first, last = (0, 4995) if lead == "II" else (1250 * column, 1250 * column + 1244)
        assert (shown[0], shown[-1], len(shown)) == (first, last, last - first + 1), lead
        np.testing.assert_allclose(truth[k, shown], signal[k, shown + 4], atol=0.0006)


def strip(lead: str, start_pt: float, seconds: float, slope: float) -> str:
    """Lines of a table of paths: a straight line downward, 70 points of the page a second."""
    times = np.arange(0, seconds + 1e-9, 0.1)
    return "".join(f"{lead},{t:.5f},{slope * t:.4f},{100 + slope * t},{start_pt - 70 * t}\n" for t in times)


@pytest.mark.parametrize(
    ("name", "start"), [("page.p1.csv.gz", 2.5), ("qrs-diagnostic.p1.csv.gz", 0.0)], ids=["in turn", "together"]
)
def test_paths_of_a_device_stand_at_their_times(tmp_path, name, start):
    lines = "lead,t_s,mV,x_pt,y_pt\n" + strip("II", 700, 2.5, 9.0) + strip("II#2", 700, 5.0, 1.0)
    lines += strip("V1", 700 - 175, 2.5, -1.0) + strip("avg V6", 500, 1.0, 1.0)
    (tmp_path / name).write_bytes(gzip.compress(lines.encode()))
    truth = read_truth(page("device-pdf", tmp_path / name))
    rows = {lead: np.flatnonzero(np.isfinite(row)) / FS for lead, row in zip(LEAD_NAMES, truth, strict=True)}
    assert truth.shape == (12, 2501) and {lead for lead, times in rows.items() if len(times)} == {"II", "V1"}
    np.testing.assert_allclose(truth[1], np.arange(2501) / FS, atol=1e-4)
    assert (rows["V1"][0], rows["V1"][-1]) == pytest.approx((start, start + 2.5), abs=0.003)
    assert np.nanmin(truth[6]) == pytest.approx(-2.5, abs=0.01)


@needs_pages
def test_every_page_of_the_data_folder_whose_truth_is_known_has_one():
    pages = find_pages(DATA, tuple(KINDS))
    known = {kind: sum(page.truth is not None for page in pages if page.kind == kind) for kind in KINDS}
    assert known["pages"] == known["devices"] == 0
    assert {"kit": 48, "prints": 4, "scans-bw": 4, "photographs": 25, "cases": 10}.items() <= known.items()
    assert (known["device-pdf"], known["vector-pages"], known["samples"]) == (13, 6, 5)
    for each in pages[::7] + [page for page in pages if page.kind in ("device-pdf", "cases")]:
        truth = read_truth(each)
        assert (truth is None) == (each.truth is None)
        if truth is not None:
            assert len(truth) == 12 and np.isfinite(truth).any()
    assert {page.remarks["split"] for page in pages if page.kind == "photographs"} == {"look", "judge"}

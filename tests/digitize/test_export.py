from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb

from digitize.export import files, record_name, to_digital, write_csv, written_together
from digitize.layouts import LEAD_NAMES
from digitize.overlay import ROW_COLOURS, UNSURE_COLOUR
from digitize.version import __version__


def names_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_wfdb_round_trip(leads, tmp_path):
    assert leads.to_wfdb(tmp_path / "scan") == tmp_path / "scan.hea"
    assert names_in(tmp_path) == ["scan.dat", "scan.hea"]
    record = wfdb.rdrecord(str(tmp_path / "scan"))
    assert record.sig_name == list(LEAD_NAMES)
    assert record.units == ["mV"] * 12
    assert record.fmt == ["16"] * 12
    assert record.adc_gain == [1000] * 12
    assert record.baseline == [0] * 12
    assert record.fs == leads.fs
    assert record.comments == [f"digitised by Papertrace {__version__}"]
    assert (np.isnan(record.p_signal.T) == np.isnan(leads.signal)).all()
    seen = np.isfinite(leads.signal)
    assert np.abs(record.p_signal.T[seen] - leads.signal[seen]).max() <= 0.000501


def test_wfdb_takes_the_header_path_and_replaces(leads, tmp_path):
    leads.to_wfdb(tmp_path / "scan")
    replace(leads, signal=leads.signal * 2).to_wfdb(tmp_path / "scan.hea")
    record = wfdb.rdrecord(str(tmp_path / "scan"))
    assert np.nanmax(record.p_signal) == pytest.approx(2 * np.nanmax(leads.signal), abs=0.001)


def test_a_lead_that_was_not_printed(leads, tmp_path):
    signal = leads.signal.copy()
    signal[3] = np.nan
    replace(leads, signal=signal).to_wfdb(tmp_path / "scan")
    assert np.isnan(wfdb.rdrecord(str(tmp_path / "scan")).p_signal[:, 3]).all()


def test_digital_samples_are_clipped_and_never_taken_for_invalid():
    samples = to_digital(np.array([0, 0.0004, 0.0006, 32.7674, 40, -40, -32.768, np.inf, -np.inf, np.nan]))
    assert samples.tolist() == [0, 0, 1, 32767, 32767, -32767, -32767, 32767, -32767, -32768]


def test_record_names_that_wfdb_cannot_hold(leads, tmp_path):
    with pytest.raises(ValueError, match=r"record name 'my scan'; allowed: letters"):
        leads.to_wfdb(tmp_path / "my scan")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [("scan", "scan"), ("my scan (2)", "my_scan_2_"), ("ÉKG-1", "EKG-1"), ("scan.v2", "scan_v2"), ("心電図", "_")],
)
def test_record_name(name, expected):
    assert record_name(name) == expected == record_name(expected)


def test_csv_round_trip(leads, tmp_path):
    assert write_csv(leads, tmp_path / "scan.csv") == tmp_path / "scan.csv"
    assert names_in(tmp_path) == ["scan.csv"]
    lines = (tmp_path / "scan.csv").read_text().splitlines()
    assert lines[0] == "time_s,I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6"
    assert lines[101].startswith("0.2,,")
    table = pd.read_csv(tmp_path / "scan.csv", index_col="time_s")
    np.testing.assert_allclose(table.to_numpy().T, leads.signal, atol=1e-6)
    np.testing.assert_allclose(table.index, np.arange(5000) / 500, atol=1e-9)


def test_frame(leads):
    frame = leads.to_frame()
    assert list(frame.columns) == list(LEAD_NAMES)
    assert frame.index.name == "time_s"
    np.testing.assert_array_equal(frame["V6"], leads.signal[11])
    frame.loc[:, "I"] = 0
    assert leads.signal[0].any(), "the frame is a copy"


def test_a_failure_while_writing_leaves_nothing(tmp_path):
    with pytest.raises(OSError, match="disk full"), written_together(tmp_path / "out") as folder:
        (folder / "a.txt").write_text("half")
        raise OSError("disk full")
    assert names_in(tmp_path / "out") == []


def test_a_failure_while_moving_leaves_nothing_new(tmp_path, monkeypatch):
    def fail_on_second(source, target, done=[]):  # noqa: B006
        if done:
            raise OSError("gone")
        done.append(target)
        move(source, target)

    move = os.replace
    monkeypatch.setattr(files.os, "replace", fail_on_second)
    with pytest.raises(OSError, match="gone"), written_together(tmp_path) as folder:
        (folder / "a.txt").write_text("one")
        (folder / "b.txt").write_text("two")
    assert names_in(tmp_path) == []


def test_an_older_file_survives_a_failure(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(KeyboardInterrupt), written_together(tmp_path) as folder:
        (folder / "a.txt").write_text("new")
        raise KeyboardInterrupt
    assert (tmp_path / "a.txt").read_text() == "old"


def test_headers_move_last(tmp_path, monkeypatch):
    moved = []
    monkeypatch.setattr(files.os, "replace", lambda source, target: moved.append(Path(target).name))
    with written_together(tmp_path) as folder:
        for name in ("scan.hea", "scan.dat", "scan.json"):
            (folder / name).write_text("")
    assert moved == ["scan.dat", "scan.json", "scan.hea"]


def test_overlay(leads, paper):
    before = paper.copy()
    drawn = leads.overlay(paper)
    assert (paper == before).all()
    assert drawn.shape == paper.shape and drawn.dtype == np.uint8

    def mixed(colour):
        """Opaque shares of a colour over white, as the overlay mixes them."""
        return np.rint(0.65 * np.array(colour) + 0.35 * 255)

    rhythm = leads.strips[-1]
    for sample, colour in ((2000, ROW_COLOURS[3]), (250, UNSURE_COLOUR)):
        x, y = np.rint(rhythm.path[sample]).astype(int)
        near = drawn[y - 1 : y + 2, x].astype(float)
        assert np.abs(near - mixed(colour)).max(axis=1).min() < 30, (sample, near)
    x, y = 55, 480  # sample 125, in the hidden stretch: nothing is drawn
    assert (drawn[y - 3 : y + 4, x] == paper[y - 3 : y + 4, x]).all()
    assert (drawn != paper).any(axis=2).mean() < 0.2


def test_overlay_of_strips_without_a_trace(leads, paper):
    hidden = [
        replace(strip, path=np.full_like(strip.path, np.nan), signal=np.full_like(strip.signal, np.nan))
        for strip in leads.strips
    ]
    assert (replace(leads, strips=tuple(hidden)).overlay(paper) == paper).all()
    assert (replace(leads, strips=()).overlay(paper) == paper).all()


def test_plot(leads, tmp_path):
    figure = leads.plot()
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == [strip.lead for strip in leads.strips]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), leads.strips[0].signal)
    figure.savefig(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000

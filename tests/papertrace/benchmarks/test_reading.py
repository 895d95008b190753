from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np

from digitize.records.layouts import LEAD_NAMES
from digitize.records.results import VERDICTS
from papertrace.benchmarks.reading import (
    KIT,
    NOT_READ,
    PAPERS,
    Task,
    choose_pages,
    folder_of_pages,
    kit_tasks,
    load,
    make,
    predict_pages,
    printed_tasks,
    read_pages,
    true_pieces,
)
from tests.papertrace.benchmarks.blank_records import records


def test_pages_are_chosen_from_what_can_be_printed():
    few, more = choose_pages(records(40, 30), 10), choose_pages(records(40, 30), 20)
    assert len(few) == 10 and set(few.ids) < set(more.ids) and max(more.ids) < 30
    assert len(choose_pages(records(40, 5), 10)) == 5


def test_every_record_by_every_preset_and_the_kit(tmp_path):
    kit = tmp_path / KIT
    for name in ("00007_hr.png", "00007_hr.hea", "00009_hr.png"):
        (kit / "worst").mkdir(parents=True, exist_ok=True)
        (kit / "worst" / name).touch()
    tasks = printed_tasks(records(3, 2), PAPERS, tmp_path) + kit_tasks(tmp_path, tmp_path)
    assert [task.paper for task in tasks] == [*np.repeat(PAPERS, 2), KIT]
    assert tasks[-1].record == 7 and tasks[-1].file.name == "worst-00007_hr.npz"
    assert len({task.file for task in tasks}) == len(tasks)
    assert folder_of_pages(tmp_path).parent == tmp_path


def test_strips_are_cut_where_the_page_has_them():
    signal = np.arange(12 * 1000.0).reshape(12, 1000)
    strip = SimpleNamespace(lead="V1", start=2.5, end=5.0)
    (piece,) = true_pieces(signal, [strip], 100)
    np.testing.assert_array_equal(piece.signal, signal[LEAD_NAMES.index("V1"), 250:500])
    assert (piece.lead, piece.start) == ("V1", 2.5)


def test_a_page_is_printed_read_and_kept_beside_what_is_true(tmp_path, monkeypatch):
    """The recording is one whose beats are known: as many as there are, wherever they are looked for."""
    t = np.arange(5000) / 500
    beats = np.exp(-0.5 * (((t % 0.8) - 0.4) / 0.012) ** 2) + 0.2 * np.exp(-0.5 * (((t % 0.8) - 0.65) / 0.04) ** 2)
    monkeypatch.setattr(
        "papertrace.benchmarks.reading.read_500", lambda path: np.outer(np.linspace(0.5, 1.5, 12), beats)
    )
    page = Task("clean", Path("recording"), 0, 3, tmp_path / "a.npz")
    (read,) = read_one_process([page])
    assert read.verdict in VERDICTS and not read.error and read.ink.any()
    assert read.finding > read.looking > 0 and read.tracing > 0
    np.testing.assert_array_equal(read.view.beats_seen.any(axis=1), read.truth.beats_seen.any(axis=1))
    both = (read.view.beats_seen > 0) & (read.truth.beats_seen > 0)
    assert both.mean() > 0.5 * (read.truth.beats_seen > 0).mean()
    assert np.corrcoef(read.view.beats[both], read.truth.beats[both])[0, 1] > 0.9


def test_a_page_of_the_kit_has_no_true_signal_and_a_page_of_nothing_no_signal_at_all(tmp_path):
    page = Task(KIT, Path("samples/00024_hr.png"), 0, 24, tmp_path / "a.npz")
    nothing = Task(KIT, tmp_path / "blank.png", 0, 24, tmp_path / "b.npz")
    cv2.imwrite(str(tmp_path / "blank.png"), np.full((300, 300, 3), 250, np.uint8))
    read, unread = read_one_process([page, nothing])
    assert read.view.beats_seen.any() and not read.truth.beats_seen.any()
    assert unread.verdict == NOT_READ and not unread.view.beats_seen.any() and "blank" not in unread.error
    assert len(unread.error) > 10
    probability = predict_pages([read, unread])
    assert (probability[0] > 0).all() and (probability[1] == 0).all()


def read_one_process(tasks):
    for task in tasks:
        make(task)
    before = [task.file.stat().st_mtime_ns for task in tasks]
    read = read_pages(tasks, 1)
    assert [task.file.stat().st_mtime_ns for task in tasks] == before
    assert [own.verdict for own in read] == [load(task).verdict for task in tasks]
    return read

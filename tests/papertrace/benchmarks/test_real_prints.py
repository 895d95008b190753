"""Pages that nobody here drew: what is counted, averaged and told of them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import wfdb
from PIL import Image

from digitize.leads import Leads
from papertrace.benchmarks import devices, photographs, prints, real_prints, scans
from papertrace.benchmarks.real_prints import (
    Job,
    Outcome,
    find_jobs,
    groups_of,
    linear_mean,
    measure,
    prices,
    report,
    summary,
    write_gallery,
)
from papertrace.datasets.pages import PageFile, find_pages, read_truth
from papertrace.datasets.ptbxl import data_folder
from papertrace.metrics.digitization import score_page
from papertrace.synth import render_page

DATA = data_folder().parent
MADE_WITH = {"date": "today", "papertrace": "0", "commit": "abc"}
TRUTH = np.cumsum(np.random.default_rng(0).normal(size=(12, 1000)), axis=1) / 10


def outcome_of(name: str, estimate: np.ndarray, leads: Leads | None, *parts: str, **more: np.ndarray) -> Outcome:
    job = Job(PageFile("photographs", name, Path(name)), "3x4+II", parts)
    helped = {given: score_page(TRUTH, signal, 500) for given, signal in more.items()}
    error = "" if leads else f"{name}: no electrocardiogram found"
    return Outcome(job, leads, error, score_page(TRUTH, estimate, 500), helped, 2.0)


@pytest.fixture
def outcomes(leads) -> list[Outcome]:
    """A right page, one that is late by 100 ms and is trusted all the same, and one that is not read."""
    noise = 0.05 * np.random.default_rng(1).normal(size=TRUTH.shape)
    late = np.roll(TRUTH, 50, axis=1) + noise
    nothing = np.full((12, 0), np.nan)
    return [
        outcome_of("right.jpg", TRUTH + noise, leads, "look", clock=TRUTH + noise),
        outcome_of("late.jpg", late, leads, "judge", clock=TRUTH + noise),
        outcome_of("lost.jpg", nothing, None, "judge", clock=nothing),
    ]


def test_a_page_that_was_not_read_counts_nothing_and_as_wrong(outcomes):
    *_, lost = outcomes
    assert (lost.score.aligned_mean, lost.score.strict_mean, lost.score.pooled) == (0, 0, 0)
    assert lost.verdict == "not read" and not lost.layout_right and not lost.wrong_and_trusted


def test_pages_are_counted_and_averaged(outcomes):
    found = summary(outcomes)
    counts = {name: found[name].value for name in ("layout right", "right", "trusted", "wrong and trusted", "not read")}
    assert counts == {"layout right": 2, "right": 1, "trusted": 2, "wrong and trusted": 1, "not read": 1}
    aligned = [outcome.score.aligned_mean for outcome in outcomes]
    assert found["aligned"]["mean"].value == pytest.approx(np.mean(aligned))
    assert found["aligned"]["median"].value == pytest.approx(np.median(aligned))
    assert found["aligned"]["linear"].value == pytest.approx(linear_mean(np.array(aligned)))
    assert found["aligned"]["linear"].value > found["aligned"]["mean"].value
    assert found["right"].low < 1 < found["right"].high < 3
    assert found["clock_ms"] == 50 and found["cpu_seconds"] == 2


def test_prices_are_decibels_more_than_as_read(outcomes):
    price = prices(outcomes)["clock"]
    gain = outcomes[0].score.strict_mean - outcomes[1].score.strict_mean
    assert price["strict"].value == pytest.approx(gain / 3, abs=0.2)
    assert 0 <= price["aligned"].value < 1
    assert price["right"].value == 2


def test_parts_are_told_apart_where_there_are_several(outcomes):
    assert {name: len(own) for name, own in groups_of(outcomes).items()} == {"all": 3, "look": 1, "judge": 2}
    assert list(groups_of(outcomes[1:])) == ["all"]


def test_large_parts_come_before_the_small_ones_within_them(outcomes):
    parts = [("100 dpi", "carts, 100 dpi"), ("200 dpi", "carts, 200 dpi"), ("200 dpi", "hand-held, 200 dpi")]
    moved = [
        replace(outcome, job=replace(outcome.job, parts=own)) for outcome, own in zip(outcomes, parts, strict=True)
    ]
    assert list(groups_of(moved)) == ["all", "100 dpi", "200 dpi", *(own for _, own in parts)]
    assert [len(own) for own in groups_of(moved).values()] == [3, 1, 2, 1, 1, 1]
    assert "| hand-held, 200 dpi | lost.jpg |" in report(moved, photographs.PAGES, MADE_WITH).markdown()


def test_the_report_names_the_worst_page_first(outcomes, tmp_path, capsys):
    report(outcomes, photographs.PAGES, MADE_WITH).write(tmp_path)
    text = capsys.readouterr().out
    rows = [line for line in text.splitlines() if ".jpg" in line]
    assert [row.split(" | ")[1] for row in rows] == ["lost.jpg", "late.jpg", "right.jpg"]
    assert rows[0].endswith("lost.jpg: no electrocardiogram found |")
    assert "| usable | **yes** |" in rows[1] and "| usable | no |" in rows[2]
    assert "| all | 3 | 2 (" in text and "| judge | clock | " in text
    found = json.loads((tmp_path / "photographs.json").read_text(encoding="utf-8"))
    assert found["groups"]["all"]["wrong and trusted"]["value"] == 1
    assert found["groups"]["judge"]["oracles"]["clock"]["strict"]["value"] > 5
    assert [page["right"] for page in found["pages"]] == [False, False, True]


def test_without_oracles_there_is_no_table_of_prices(outcomes):
    plain = [replace(outcome, helped={}) for outcome in outcomes]
    text = report(plain, photographs.PAGES, MADE_WITH).markdown()
    assert "What each part costs" not in text


def test_where_no_baseline_is_known_none_is_told(outcomes):
    told = report(outcomes, devices.PAGES, MADE_WITH, refine=False)
    text = told.markdown()
    assert "No baseline is known" in text and "no network" in text
    assert "| all | 3 | within 0.2 s | " in text and "| all | 3 | strict | " not in text
    cells = next(line for line in text.splitlines() if "right.jpg" in line).split(" | ")
    assert cells[4] == cells[6] == "-"
    assert told.name == "devices-unrefined"


def test_a_gallery_is_drawn_of_the_worst_that_were_read(outcomes, tmp_path):
    picture = tmp_path / "page.png"
    Image.new("RGB", (1100, 600), "white").save(picture)
    moved = [
        replace(outcome, job=replace(outcome.job, page=replace(outcome.job.page, file=picture))) for outcome in outcomes
    ]
    write_gallery(moved, tmp_path / "gallery", most=1)
    (file,) = (tmp_path / "gallery").iterdir()
    assert file.name.startswith("001_late.jpg_judge_")
    assert (np.asarray(Image.open(file)) != 255).any()


def test_a_page_is_read_scored_and_helped(tmp_path):
    sample = find_pages(Path("nowhere"), ["samples"])[0]
    limb = [np.tile(lead[np.isfinite(lead)][:1250], 2) for lead in read_truth(sample)[:3]]
    printed = render_page(np.array([*limb, *[np.zeros(2500)] * 9]), 500, layout="limb-3x1", dpi=100)
    Image.fromarray(printed.image).save(tmp_path / "limb.png")
    wfdb.wrsamp(
        "limb", 500, ["mV"] * 3, ["I", "II", "III"], np.array(limb).T, fmt=["16"] * 3, write_dir=str(tmp_path)
    )  # fmt: skip
    page = PageFile("cases", "limb.png", tmp_path / "limb.png", truth=tmp_path / "limb.hea")
    outcome = measure(Job(page, "limb-3x1"), ["clock"], refine=False)
    assert outcome.score.right and outcome.layout_right and not outcome.wrong_and_trusted
    assert outcome.helped["clock"].strict_mean > outcome.score.strict_mean
    assert 0.2 < outcome.seconds < 60


def test_a_page_that_breaks_the_digitizer_is_told(monkeypatch):
    page = find_pages(Path("nowhere"), ["samples"])[0]

    def break_down(*_: object, **__: object) -> None:
        raise ZeroDivisionError("no ink")

    monkeypatch.setattr("papertrace.benchmarks.real_prints.analyze_page", break_down)
    outcome = measure(Job(page, "3x4+II"))
    assert outcome.leads is None and outcome.error == "ZeroDivisionError: no ink"
    assert math.isfinite(outcome.seconds)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--oracle", "names"], "invalid choice: 'names'"),
        (["--data", "nowhere"], "has no pages with truth"),
        (["99999_hr"], "unknown page '99999_hr'; allowed: 00001_hr"),
    ],
)
def test_wrong_options_are_named(arguments, told, tmp_path, monkeypatch, capsys):
    page = PageFile("photographs", "00001_hr.jpg", Path("00001_hr.jpg"), truth=Path("00001_hr.hea"))
    monkeypatch.setattr(real_prints, "find_pages", lambda data, kinds: [] if str(data) == "nowhere" else [page])
    with pytest.raises(SystemExit):
        photographs.main([*arguments, "--out", str(tmp_path)])
    assert told in capsys.readouterr().err


def test_a_page_of_an_unknown_layout_is_named():
    with pytest.raises(ValueError, match=r"new\.pdf p2: layout of new\.p2 is not known"):
        devices.jobs_of(PageFile("device-pdf", "new.pdf p2", Path("new.pdf"), 1))


@pytest.mark.parametrize(
    ("pages", "count", "parts"),
    [
        (photographs.PAGES, 25, {"look": 13, "judge": 12}),
        (prints.PAGES, 4, {}),
        (scans.PAGES, 4, {}),
        (devices.PAGES, 39, {"100 dpi": 13, "200 dpi": 13, "300 dpi": 13, "hand-held, 200 dpi": 4}),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_the_collected_pages_are_found(pages, count, parts):
    if not (DATA / real_prints.KINDS[pages.kind].folder).is_dir():
        pytest.skip(f"the pages are not at {DATA}; set PAPERTRACE_DATA")
    jobs = find_jobs(DATA, pages)
    assert len(jobs) == count
    assert {part: sum(part in job.parts for job in jobs) for part in parts} == parts

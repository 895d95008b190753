from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import wfdb
from PIL import Image

from digitize.records.layouts import LEAD_NAMES
from papertrace.benchmarks.digitization import (
    REAL,
    condition_of,
    digitize,
    digitize_unrefined,
    find_targets,
    main,
)
from papertrace.datasets.pages import read_truth
from papertrace.datasets.ptbxl import data_folder

DATA = data_folder().parent


def write_record(path: Path, signal: np.ndarray, fs: int, names: tuple[str, ...] = LEAD_NAMES, unit: str = "mV"):
    path.parent.mkdir(parents=True, exist_ok=True)
    wfdb.wrsamp(
        path.name, fs, [unit] * len(names), list(names), p_signal=signal.T, fmt=["16"] * len(names),
        adc_gain=[1000.0] * len(names), baseline=[0] * len(names), write_dir=str(path.parent),
    )  # fmt: skip


def write_page(folder: Path, stem: str, suffix: str = ".png") -> np.ndarray:
    noise = np.random.default_rng(len(stem)).normal(size=(12, 1019))
    signal = np.stack([np.convolve(row, np.hanning(20) / 3, "valid") for row in noise])
    signal[:, :100] = np.nan
    write_record(folder / stem, signal, 500)
    Image.new("RGB", (200, 120), "white").save(folder / f"{stem}{suffix}")
    return signal


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    data = tmp_path_factory.mktemp("data")
    write_page(data / "kit-pages" / "easy", "exact")
    write_page(data / "kit-pages" / "easy", "late", ".jpg")
    write_page(data / "kit-pages" / "hard", "no_v1")
    write_page(data / "kit-pages" / "hard", "unreadable")
    Image.new("RGB", (200, 120)).save(data / "kit-pages" / "hard" / "no_truth.png")
    return data


@dataclass(frozen=True)
class Run:
    out: Path
    report: dict
    text: str
    printed: str


@pytest.fixture(scope="module")
def stand_in() -> Iterator:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parent)
        yield importlib.import_module("stand_in").trace
        sys.modules.pop("stand_in", None)


@pytest.fixture(scope="module")
def run(data, stand_in, tmp_path_factory) -> Run:
    out = tmp_path_factory.mktemp("out")
    with redirect_stdout(StringIO()) as printed:
        main(["--data", str(data), "--out", str(out / "results"), "--overlays", str(out / "overlays")], stand_in)
    text = (out / "results" / "digitization.md").read_text(encoding="utf-8")
    return Run(
        out, json.loads((out / "results" / "digitization.json").read_text(encoding="utf-8")), text, printed.getvalue()
    )


def test_each_page_is_measured_in_order(run):
    pages = {page["page"]: page for page in run.report["pages"]}
    assert list(pages) == ["exact.png", "late.jpg", "no_v1.png", "unreadable.png"]
    assert pages["exact.png"]["aligned"] == pages["exact.png"]["strict"] > 50
    assert pages["exact.png"]["coverage"] == 1 and pages["exact.png"]["layout"] == "12x1"
    assert pages["late.jpg"]["aligned"] > 40 > 0 > pages["late.jpg"]["strict"]
    assert pages["no_v1.png"]["worst_lead"] == "V1" and pages["no_v1.png"]["worst"] == 0
    assert pages["no_v1.png"]["coverage"] == pytest.approx(11 / 12)
    assert all(page["seconds"] > 0 for page in pages.values())


def test_a_page_that_raises_counts_nothing_and_is_listed(run):
    page = run.report["pages"][3]
    assert page["error"] == "ValueError: unreadable.png: no grid | no trace"
    assert (page["aligned"], page["strict"], page["worst"], page["coverage"]) == (0, 0, 0, 0)
    assert page["layout"] is None and page["residual"] is None
    hard = run.report["conditions"]["hard"]
    assert hard["failed"] == 1 and hard["pages"] == 2
    assert hard["aligned"]["value"] == pytest.approx(run.report["pages"][2]["aligned"] / 2)
    assert "| hard | unreadable | 0.00 | 0.00 |" in run.text
    assert "| ValueError: unreadable.png: no grid / no trace |" in run.text


def test_conditions_and_all_are_averaged(run):
    conditions, pages = run.report["conditions"], run.report["pages"]
    assert list(conditions) == ["easy", "hard", "all"]
    everything = conditions["all"]
    assert everything["pages"] == 4 and everything["failed"] == 1
    assert everything["aligned"]["value"] == pytest.approx(np.mean([page["aligned"] for page in pages]))
    assert everything["aligned"]["low"] <= everything["aligned"]["value"] <= everything["aligned"]["high"]
    assert everything["strict"] == pytest.approx(np.mean([page["strict"] for page in pages]))
    assert conditions["easy"]["worst"] == min(page["worst"] for page in pages[:2])
    assert conditions["easy"]["seconds"] == pytest.approx(np.mean([page["seconds"] for page in pages[:2]]))


def test_the_report_says_how_it_was_made(run):
    assert run.printed == run.text
    assert run.report["seconds_comparable"] and run.report["jobs"] == 1
    assert "one core" in run.text and "not comparable" not in run.text
    assert run.report["made_with"]["libraries"]["numpy"] == np.__version__
    assert run.report["made_with"]["date"] in run.text
    if sys.platform != "win32":
        assert 10 < run.report["peak_mib"] < 10_000


def test_only_whole_files_are_left(run):
    assert sorted(file.name for file in (run.out / "results").iterdir()) == ["digitization.json", "digitization.md"]


def test_overlays_come_worst_first_and_skip_what_was_not_read(run):
    names = sorted(file.name for file in (run.out / "overlays").iterdir())
    # The page that could not be read is the very worst: 001.
    assert len(names) == 3 and names[0] == "002_hard_no_v1_V1_0.0dB.png"
    assert names[1].startswith("003_easy_late") and names[2].startswith("004_easy_exact")
    picture = np.asarray(Image.open(run.out / "overlays" / names[0]))
    assert picture.shape == (120, 200, 3) and (picture != 255).any()


def test_a_choice_of_conditions_on_several_processes(data, stand_in, tmp_path, capsys):
    main(["hard", "--data", str(data), "--out", str(tmp_path), "--jobs", "2"], stand_in)
    report = json.loads((tmp_path / "digitization.json").read_text(encoding="utf-8"))
    assert list(report["conditions"]) == ["hard"] and report["pages"][0]["page"] == "no_v1.png"
    assert not report["seconds_comparable"] and report["jobs"] == 2
    assert "**seconds are not comparable**" in capsys.readouterr().out


def test_the_deterministic_stage_alone_has_files_of_its_own(data, stand_in, tmp_path):
    main(["hard", "--no-refine", "--data", str(data), "--out", str(tmp_path)], stand_in)
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "digitization-unrefined.json",
        "digitization-unrefined.md",
    ]


def test_traces_are_refined_or_not(monkeypatch):
    asked = []
    monkeypatch.setattr("digitize.trace_leads", lambda _, **options: asked.append(options.get("refine", True)))
    digitize(Path("a.png"))
    digitize_unrefined(Path("a.png"))
    assert asked == [True, False]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["foggy"], "unknown condition 'foggy'; allowed: easy, hard"),
        (["--jobs", "0"], "--jobs: 0; allowed: whole numbers from 1"),
    ],
)
def test_wrong_options_are_named(data, stand_in, tmp_path, capsys, arguments, message):
    with pytest.raises(SystemExit):
        main([*arguments, "--data", str(data), "--out", str(tmp_path)], stand_in)
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_folder_without_pages_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["--data", str(tmp_path)])
    assert f"{tmp_path}: has no pages with truth" in capsys.readouterr().err


def test_the_collected_pages_are_found():
    if not (DATA / "kit-pages").is_dir():
        pytest.skip(f"the pages are not at {DATA}; set PAPERTRACE_DATA")
    targets = find_targets(DATA)
    conditions = [condition_of(page) for page in targets]
    assert len(set(conditions)) == 13 and conditions[-2:] == [REAL, REAL]
    for page in targets[::12] + targets[-1:]:
        assert np.isfinite(read_truth(page)).any(axis=1).all()

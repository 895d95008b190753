from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import wfdb
from safetensors.torch import save

from digitize import PageError
from digitize.records.layouts import LEAD_NAMES
from digitize.records.weights import hash_of
from digitize.refine.network import Refiner
from papertrace.benchmarks import refiners
from papertrace.benchmarks.digitization import find_targets
from papertrace.benchmarks.readme import fill
from papertrace.benchmarks.refiners import ALONE, Page, Trained, correct, find_networks, find_readers, main, report
from papertrace.synth import render_page, simulate
from papertrace.training.band_readers import READERS
from papertrace.training.designs import make_refiner


def leave(runs: Path, design: str, network: Refiner, loss: str, kept: float) -> None:
    """Leave a network as `papertrace.training.refiner` does."""
    folder = runs / f"{design}-{loss}-{network.steps}"
    folder.mkdir(parents=True)
    content = save(network.state_dict())
    (folder / "refiner.safetensors").write_bytes(content)
    record = {
        **hash_of(content),
        "design": design,
        "steps": network.steps,
        "parameters": 12345,
        "configuration": {"loss": loss},
        "history": [{"fold 8 before": 20.0, "fold 8": kept}, {"fold 8 before": 20.0, "fold 8": kept - 1}],
        "seconds": 600,
        "device": "an abacus",
    }
    (folder / "refiner.json").write_text(json.dumps(record))


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """Networks that do nothing, of two designs, and one that does harm."""
    runs = tmp_path_factory.mktemp("runs")
    leave(runs, "lstm", make_refiner("lstm", 2), "both", 23.0)
    leave(runs, "cnn", make_refiner("cnn", 2), "both", 24.0)
    torch.manual_seed(0)
    wild = make_refiner("cnn", 4)
    torch.nn.init.normal_(wild.head.weight, std=5.0)
    leave(runs, "cnn", wild, "both", 19.0)
    return runs


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "kit-pages" / "easy"
    folder.mkdir(parents=True)
    page = render_page(simulate(4, 500), 500, layout="limb-3x1", dpi=100, header=False)
    from PIL import Image

    Image.fromarray(page.image).save(folder / "page.png")
    wfdb.wrsamp(
        "page", 500, ["mV"] * 12, list(LEAD_NAMES), p_signal=page.signal.T.astype(np.float64), fmt=["16"] * 12,
        adc_gain=[1000.0] * 12, baseline=[0] * 12, write_dir=str(folder),
    )  # fmt: skip
    return folder.parent.parent


def test_networks_are_found_with_what_their_records_say(runs, tmp_path):
    found = list(find_networks([runs]).values())
    assert [own.name for own in found] == ["cnn-both-2", "cnn-both-4", "lstm-both-2"]
    assert (found[0].before, found[0].after, found[0].epochs, found[0].minutes) == (20.0, 24.0, 2, 10.0)
    with pytest.raises(
        FileNotFoundError, match=r"refiner.safetensors; `python -m papertrace.training.refiner` leaves them"
    ):
        find_networks([tmp_path])
    assert find_networks([tmp_path], needed=False) == {}


def test_command_reads_a_page_once_for_all_networks(runs, data, tmp_path, monkeypatch, capsys):
    readings, read = [], refiners.analyze_page

    def counted(image):
        readings.append(image)
        return read(image)

    monkeypatch.setattr(refiners, "analyze_page", counted)
    monkeypatch.setattr(refiners, "measure", lambda targets, networks: [correct(own, networks) for own in targets])
    main([str(runs), "--data", str(data), "--out", str(tmp_path)])
    assert len(readings) == 1
    (page,) = json.loads((tmp_path / "refiners.json").read_text())["pages"]
    aligned = page["aligned"]
    assert aligned[ALONE] > 10
    assert aligned["cnn-both-2"] == pytest.approx(aligned[ALONE], abs=0.01)
    assert aligned["lstm-both-2"] == pytest.approx(aligned[ALONE], abs=0.01)
    assert aligned["cnn-both-4"] < aligned[ALONE] - 1
    assert page["seconds"].keys() == {"cnn-both-2", "cnn-both-4", "lstm-both-2"}
    text = (tmp_path / "refiners.md").read_text()
    assert text == capsys.readouterr().out and "Trained on: an abacus" in text
    table = fill("<!-- table 1 of refiners.md: design | fold 8, dB -->\n<!-- end -->", tmp_path)
    assert table.splitlines()[3:5] == ["| cnn | 24.00 |", "| lstm | 23.00 |"]
    assert "| 4 | 12,345 |" in text.split("## Samples a column")[1]
    assert f"| easy | 1 | {aligned[ALONE]:.2f} |" in text


def test_pages_that_cannot_be_read_count_as_nothing(runs, data, monkeypatch):
    def fail(image):
        raise PageError("nothing here")

    monkeypatch.setattr(refiners, "analyze_page", fail)
    page = correct(find_targets(data)[0], {"cnn-both-2": runs})
    assert page.aligned == {ALONE: 0.0, "cnn-both-2": 0.0} and not page.seconds


def test_each_table_varies_one_thing():
    def network(design: str, loss: str, steps: int) -> Trained:
        return Trained(f"{design}-{loss}-{steps}", design, loss, steps, 1000, 3, 5.0, "cpu", 20.0, 25.0)

    every = [
        network("cnn", "entropy", 2),
        *(network("cnn", "both", steps) for steps in (1, 2, 4)),
        network("transformer", "both", 2),
    ]
    pages = [Page("easy", f"{k}.png", {ALONE: 20.0 + k, **{own.name: 21.0 + k for own in every}}, {}) for k in (0, 1)]
    pages.append(Page("hard", "2.png", {ALONE: 5.0, **{own.name: 9.0 for own in every}}, {}))
    made_with = {"date": "today", "papertrace": "1", "commit": None}
    text = report(every, [], pages, made_with).markdown()
    titles = ("## Designs", "## Losses", "## Samples a column", "## Conditions")
    parts = [text.split(title)[1].split("##")[0] for title in titles]
    rows = [[line.split(" | ")[0][2:] for line in part.splitlines() if line.startswith("| ")][2:] for part in parts]
    assert rows == [["cnn", "transformer"], ["entropy", "both"], ["1", "2", "4"], ["easy", "hard", "all"]]
    assert "| 2.00 (0.96 to " in parts[0]
    assert "| hard | 1 | 5.00 | 9.00 |" in parts[3] and "| all | 3 | 15.33 | 17.33 |" in parts[3]


def leave_reader(runs: Path, name: str, simple: int) -> None:
    """Leave an untrained reader as `papertrace.training.bands` does."""
    folder = runs / name
    folder.mkdir()
    network = READERS["cnn"].make()
    content = save({name: weight.contiguous() for name, weight in network.state_dict().items()})
    (folder / "reader.safetensors").write_bytes(content)
    figures = {
        "deterministic": {"fold 8": 18.0, "clean": 26.0, "faxed": 10.0},
        "refiner": {"fold 8": 21.5, "clean": 28.0, "faxed": 15.0},
        "read": {"epoch": 2, "loss": 1.0, "fold 8": 12.25, "clean": 13.0 + simple, "faxed": 11.5},
    }
    record = {
        **hash_of(content),
        "reader": "cnn",
        "parameters": 186_888,
        "configuration": {"simple": simple},
        "figures": figures,
        "history": [{"fold 8": 11.0}, {"fold 8": 12.25}],
        "seconds": 1200,
        "device": "an abacus",
    }
    (folder / "reader.json").write_text(json.dumps(record))


def test_readers_of_bands_stand_beside_the_refiner(data, tmp_path, monkeypatch, capsys):
    runs, out = tmp_path / "runs", tmp_path / "out"
    runs.mkdir()
    leave_reader(runs, "cnn-after-clean", 5)
    leave_reader(runs, "cnn", 0)
    assert [reader.name for reader in find_readers(runs).values()] == ["cnn", "cnn-after-clean"]
    pages = tmp_path / "data"
    shutil.copytree(data, pages)
    shutil.copytree(pages / "kit-pages" / "easy", pages / "real-photos")
    monkeypatch.setattr(refiners, "measure", lambda targets, networks: [correct(own, networks) for own in targets])
    main([str(runs), "--data", str(pages), "--out", str(out)])
    text = capsys.readouterr().out.split("## Readers of row bands")[1]
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    assert rows[0][-3:] == ["fold 8, dB", "clean", "faxed |"]
    table = {(row[0][2:], row[1]): row for row in rows[2:6]}
    assert list(table) == [("deterministic", "-"), ("refiner", "-"), ("cnn", "no"), ("cnn", "yes")]
    assert table["refiner", "-"][-3:] == ["21.50", "28.00", "15.00 |"]
    assert table["cnn", "no"][2:5] == ["186,888", "2", "20"] and table["cnn", "yes"][-2] == "18.00"
    measured = json.loads((out / "refiners.json").read_text())["pages"]
    assert [page["condition"] for page in measured] == ["easy", "real-photos"]
    for page in measured:
        assert page["aligned"]["cnn"] < page["aligned"][ALONE], "untrained, it says that the pen rests"
        assert page["seconds"].keys() == {"cnn", "cnn-after-clean"}

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from classify import readers
from classify.picture import image
from classify.picture.image import PictureWeights
from classify.statements import CODES
from papertrace.cli import app
from papertrace.cli.options import parse
from tests.papertrace.cli import stubs


@pytest.fixture
def network(monkeypatch):
    """A network that says 0.8 of everything, as if its weights had come along."""
    half = np.full(len(CODES), 0.5)
    monkeypatch.setattr(app, "Pool", stubs.Inline)
    for module in (image, readers):
        monkeypatch.setattr(module, "is_trained", lambda design: True)
    monkeypatch.setattr("papertrace.cli.options.is_trained", lambda design: True)
    monkeypatch.setattr(readers, "load_picture_weights", lambda d: PictureWeights(d, None, half, half, half, f"{d}-1"))
    monkeypatch.setattr(readers, "predict_pictures", lambda *_: (np.full((1, len(CODES)), 0.8), [300]))


@pytest.fixture
def blank(tmp_path):
    """A picture of nothing, which cannot be digitized."""
    file = tmp_path / "blank.png"
    Image.fromarray(np.full((300, 400, 3), 250, np.uint8)).save(file)
    return str(file)


def test_a_page_that_cannot_be_digitized_is_looked_at(network, blank, tmp_path, capsys):
    out = tmp_path / "out"
    given = [blank, "--out", str(out), "--reader", "auto", "--html", "--format", "wfdb,csv,fhir"]
    assert app.main(given) == 0
    left = sorted(file.name for file in out.iterdir())
    assert left == ["blank.html", "blank.json", "blank.overlay.png", "manifest.csv"], "there is no signal to write"
    report = json.loads((out / "blank.json").read_text(), parse_constant=pytest.fail)
    assert report["reader"] == {"asked": "auto", "used": "image", "reason": "the page could not be digitized"}
    assert report["quality"]["verdict"] == "unreliable" and report["software"]["weights"]["classify"] == "image-1"
    assert {found["probability"] for found in report["statements"]} == {0.8}
    told = capsys.readouterr()
    assert "read from the picture" in told.out and "could not be digitized" in told.out and not told.err
    assert app.main([*given, "--resume"]) == 0
    assert "reading" not in capsys.readouterr().out


def test_a_page_that_nobody_looks_at_fails_as_ever(blank, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(app, "Pool", stubs.Inline)
    monkeypatch.setattr(readers, "is_trained", lambda design: False)
    for reader in ("signal", "auto"):
        assert app.main([blank, "--out", str(tmp_path / reader), "--reader", reader]) == 1
        assert "no electrocardiogram found" in capsys.readouterr().err


def test_pictures_of_pages_that_cannot_be_digitized_stay_empty(network, blank, tmp_path):
    out = tmp_path / "out"
    assert app.main([blank, "--out", str(out), "--reader", "auto", "--deidentify"]) == 0
    with Image.open(out / "page-0001.overlay.png") as overlay:
        assert (np.asarray(overlay) == 255).all()
    assert "blank" not in (out / "page-0001.json").read_text()


def test_a_network_that_is_not_there_is_refused_at_once(monkeypatch, capsys):
    monkeypatch.setattr("papertrace.cli.options.is_trained", lambda design: False)
    for reader in ("image", "hybrid"):
        with pytest.raises(SystemExit) as caught:
            parse(["scan.png", "--reader", reader])
        assert caught.value.code == 2
        assert f"`python -m papertrace.training.image --design {reader}` writes them" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        parse(["scan.png", "--reader", "eye"])
    assert "allowed: signal, image, hybrid, auto" in capsys.readouterr().err
    assert parse(["scan.png"]).reader == "signal" and parse(["scan.png", "--reader", "auto"]).reader == "auto"


def test_a_page_is_digitized_once_for_signal_and_picture(network, tmp_path, leads, monkeypatch):
    from digitize import api

    readings = []
    reading = SimpleNamespace(view=None)
    monkeypatch.setattr(api, "analyze_page", lambda page, **known: readings.append(page) or reading)
    monkeypatch.setattr(api, "refined", lambda reading: reading)
    monkeypatch.setattr(api, "leads_of", lambda reading, fs: leads)
    seen = []
    monkeypatch.setattr(
        "classify.picture.picture.picture_of", lambda own: seen.append(own) or SimpleNamespace(ink=None)
    )
    Image.fromarray(np.full((600, 1100, 3), 250, np.uint8)).save(tmp_path / "a.png")
    out = tmp_path / "out"
    assert app.main([str(tmp_path / "a.png"), "--out", str(out), "--reader", "image"]) == 0
    assert len(readings) == 1 and seen == [reading] and (out / "a.hea").is_file()
    assert json.loads((out / "a.json").read_text())["reader"] == {"asked": "image", "used": "image", "reason": None}

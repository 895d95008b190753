from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import wfdb
from safetensors.torch import save

from classify.beats.network import BeatNetwork
from classify.records.beats import CLASSES
from classify.signal.network import Ensemble
from digitize.records.weights import hash_of
from papertrace.benchmarks.beats import load_folds, main, score_classes, score_found, ventricular_ec57
from papertrace.datasets.mitbih import load_mitbih
from papertrace.metrics.beats import NONE


def write(folder, name, seed):
    """A minute of beats every 0.8 s."""
    rng = np.random.default_rng(seed)
    clock = np.arange(60 * 360) / 360
    times = np.arange(0.5, 59.6, 0.8)
    lead = sum(np.exp(-(((clock - at) / 0.012) ** 2)) for at in times) + rng.normal(0, 0.01, len(clock))
    signal = np.stack([lead, lead], axis=1)
    wfdb.wrsamp(name, 360, ["mV", "mV"], ["MLII", "V1"], p_signal=signal, fmt=["16"] * 2, write_dir=str(folder))
    samples = np.round(times * 360).astype(int)
    wfdb.wrann(name, "atr", samples, symbol=["N"] * (len(times) - 3) + ["V", "A", "F"], write_dir=str(folder))


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "mit-bih"
    folder.mkdir()
    for seed, name in enumerate(("101", "106", "108")):
        write(folder, name, seed)
    return folder


@pytest.fixture
def folds(tmp_path):
    for number, held_out in enumerate((["101", "108"], ["106"])):
        torch.manual_seed(number)
        (tmp_path / "folds").mkdir(exist_ok=True)
        content = save(Ensemble([BeatNetwork()]).state_dict())
        record = {**hash_of(content), "members": 1, "classes": list(CLASSES), "held out": held_out}
        (tmp_path / "folds" / f"fold-{number}.safetensors").write_bytes(content)
        (tmp_path / "folds" / f"fold-{number}.json").write_text(json.dumps(record))
    return tmp_path / "folds"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_command(data, folds, tmp_path, capsys):
    main(["--data", str(data), "--folds", str(folds), "--out", str(tmp_path / "out")])
    result = json.loads((tmp_path / "out" / "beats.json").read_text())
    assert result["found"]["limb lead, strips of 10 s"]["F1"]["value"] > 0.99
    assert np.sum(result["confusion"]) == pytest.approx(3 * 74, abs=3)
    text = (tmp_path / "out" / "beats.md").read_text()
    assert text in capsys.readouterr().out
    for heading in ("## Beats found", "## Beats named, out of fold", "## What was called what", "## Record by record"):
        assert heading in text
    assert "| V | 3 |" in text and "| 106 | 74 | 1 | 1 |" in text


def test_a_record_without_a_network_is_an_error(data, folds, capsys):
    (folds / "fold-1.safetensors").unlink()
    with pytest.raises(ValueError, match="no network held out 106"):
        load_folds(folds, load_mitbih(data))
    with pytest.raises(SystemExit):
        main(["--data", str(data), "--folds", str(folds)])
    assert "no network held out 106" in capsys.readouterr().err


def test_each_record_has_the_network_that_held_it_out(data, folds):
    networks = load_folds(folds, load_mitbih(data))
    assert networks["101"] is networks["108"] is not networks["106"]


def test_scores():
    counts = np.zeros((4, NONE + 1, NONE + 1), int)
    counts[:, 0, 0], counts[:, 2, 2], counts[:, 3, 2], counts[:, 2, NONE], counts[:, NONE, 0] = 90, 8, 2, 2, 1
    found = score_found(counts)
    assert found["sensitivity"].value == pytest.approx(100 / 102)
    assert found["sensitivity"].low == pytest.approx(100 / 102)
    ventricular = score_classes(counts)["V"]
    assert ventricular["sensitivity"].value == ventricular["PPV"].value == pytest.approx(0.8)
    assert ventricular_ec57(counts.sum(axis=0)) == pytest.approx(2 * 8 / (10 + 8))

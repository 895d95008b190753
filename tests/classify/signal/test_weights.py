from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from classify.signal.inputs import cut_to_layout, input_from_segments
from classify.signal.weights import WEIGHTS, load_weights, predict
from classify.statements import CODES, STATEMENTS
from digitize.records.weights import hash_of


def test_weights_are_loaded_once_and_small():
    assert load_weights() is load_weights()
    assert WEIGHTS.stat().st_size <= 10e6


def test_record_agrees_with_the_code():
    record = json.loads(WEIGHTS.with_suffix(".json").read_text())
    assert tuple(statement["code"] for statement in record["statements"]) == CODES
    assert [(s["name"], s["group"]) for s in record["statements"]] == [(s.name, s.group) for s in STATEMENTS]
    assert all(0 < statement["threshold"] < 1 for statement in record["statements"])
    assert all(0.2 < statement["slope"] < 3 for statement in record["statements"])
    assert all(abs(statement["offset"]) < 2 for statement in record["statements"])
    assert record["data"]["train"]["folds"] == [1, 2, 3, 4, 5, 6, 7]
    assert record["figures"]["fold 9"]["superclass"] > 0.8


def test_tachycardia_is_told_from_bradycardia(ecg):
    """The trained weights hear the rate of a made-up recording."""
    fast, slow = (np.outer(np.linspace(0.5, 1.5, 12), ecg(rate)).astype(np.float32) for rate in (130, 45))
    probability = predict([input_from_segments(cut_to_layout(x, "3x4+II", fs=500), 500) for x in (fast, slow)])
    assert probability[0, CODES.index("STACH")] > probability[1, CODES.index("STACH")]
    assert probability[1, CODES.index("SBRAD")] > probability[0, CODES.index("SBRAD")]


@pytest.fixture
def copy(tmp_path):
    for suffix in (".safetensors", ".json"):
        shutil.copy(WEIGHTS.with_suffix(suffix), tmp_path)
    return tmp_path / WEIGHTS.name


def rewrite(copy, **changes):
    record = json.loads(copy.with_suffix(".json").read_text())
    copy.with_suffix(".json").write_text(json.dumps({**record, **changes}))


def test_missing_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors: no such file; .*training\.arrhythmia"):
        load_weights(tmp_path / "none.safetensors")


def test_record_of_other_weights(copy):
    rewrite(copy, sha256="0" * 64)
    with pytest.raises(ValueError, match=r"damaged or exchanged: its SHA-256 is .*, arrhythmia\.json has 0{64}"):
        load_weights(copy)


def test_other_statements(copy):
    statements = json.loads(copy.with_suffix(".json").read_text())["statements"]
    rewrite(copy, statements=statements[::-1])
    with pytest.raises(ValueError, match="this code's are NORM, MI"):
        load_weights(copy)


@pytest.mark.parametrize("change", ["shape", "missing", "more"])
def test_weights_of_another_network(copy, change):
    import torch
    from safetensors.torch import load, save

    state = load(copy.read_bytes())
    if change == "shape":
        state["members.0.rhythm_lead.weight"] = torch.zeros(7)
    elif change == "missing":
        del state["members.0.rhythm_lead.weight"]
    else:
        state["zeta"] = torch.zeros(7)
    content = save(state)
    copy.write_bytes(content)
    rewrite(copy, **hash_of(content))
    with pytest.raises(
        ValueError, match=r"arrhythmia\.safetensors: of another network: (members.0.rhythm_lead.weight|zeta) has shape"
    ):
        load_weights(copy)

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import save
from torch import nn

from digitize.records.weights import hash_of, load_trained, read_weights
from digitize.strips import confidence

ROOT = Path(__file__).parents[3]
EVERY = sorted(file for part in ("classify", "digitize") for file in (ROOT / part).rglob("*.safetensors"))


def test_all_learned_parts_are_safetensors():
    assert EVERY
    folders = {file.parent for file in EVERY}
    assert {file.suffix for folder in folders for file in folder.iterdir()} == {".safetensors", ".json"}


@pytest.mark.parametrize("file", EVERY, ids=lambda file: file.stem)
@pytest.mark.parametrize("damage", ["none", "bit", "cut", "no hash"])
def test_every_file_is_checked_by_its_hash(file, damage, tmp_path):
    copy = tmp_path / file.name
    shutil.copy(file, copy)
    shutil.copy(file.with_suffix(".json"), tmp_path)
    content = bytearray(file.read_bytes())
    if damage == "none":
        assert read_weights(copy)[0] == content
        return
    if damage == "bit":
        content[-1] ^= 1
    elif damage == "cut":
        del content[-1]
    else:
        record = json.loads(copy.with_suffix(".json").read_text())
        del record["sha256"]
        copy.with_suffix(".json").write_text(json.dumps(record))
    copy.write_bytes(content)
    with pytest.raises(ValueError, match=f"{file.stem}.safetensors: damaged or exchanged: its SHA-256 is"):
        read_weights(copy)


def test_damaged_weights_are_not_used(tmp_path, monkeypatch):
    copy = tmp_path / confidence.WEIGHTS.name
    copy.write_bytes(confidence.WEIGHTS.read_bytes()[:-1] + b"x")
    shutil.copy(confidence.WEIGHTS.with_suffix(".json"), tmp_path)
    monkeypatch.setattr(confidence, "WEIGHTS", copy)
    confidence._network.cache_clear()
    with pytest.raises(ValueError, match="damaged or exchanged"):
        confidence.weights_version()
    confidence._network.cache_clear()


def leave(path: Path, network: nn.Module, **record) -> None:
    content = save(network.state_dict())
    path.write_bytes(content)
    path.with_suffix(".json").write_text(json.dumps({**hash_of(content), **record}))


def build(record) -> nn.Module:
    return nn.Linear(2, record["outputs"])


def test_a_network_is_loaded_with_its_record(tmp_path):
    path, network = tmp_path / "a.safetensors", nn.Linear(2, 3)
    leave(path, network, outputs=3)
    loaded, record = load_trained(path, build)
    assert loaded.weight.equal(network.weight) and not loaded.training and record["outputs"] == 3


@pytest.mark.parametrize(
    ("network", "record", "message"),
    [
        (nn.Linear(2, 4), {"outputs": 3}, r"of another network: bias has shape \(4,\); this code's has \(3,\)"),
        (nn.Linear(2, 3, bias=False), {"outputs": 3}, r"bias has shape None; this code's has \(3,\)"),
        (nn.BatchNorm1d(3), {"outputs": 3}, r"num_batches_tracked has shape \(\); this code's has None"),
        (nn.Linear(2, 3), {}, r"a\.json: has no 'outputs', which this code needs"),
    ],
)
def test_weights_of_something_else_are_refused(network, record, message, tmp_path):
    leave(tmp_path / "a.safetensors", network, **record)
    with pytest.raises(ValueError, match=message):
        load_trained(tmp_path / "a.safetensors", build)


def test_what_is_missing_or_damaged_is_named(tmp_path):
    path = tmp_path / "a.safetensors"
    with pytest.raises(FileNotFoundError, match=r"a\.safetensors: no such file; `python -m papertrace\.training\.a` "):
        load_trained(path, build)
    with pytest.raises(FileNotFoundError, match=r"training\.image --design dual` writes it"):
        load_trained(path, build, "image --design dual")
    leave(path, nn.Linear(2, 3), outputs=3)
    path.with_suffix(".json").write_text("{")
    with pytest.raises(ValueError, match=r"a\.json: damaged"):
        load_trained(path, build)

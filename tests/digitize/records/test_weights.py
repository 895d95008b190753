from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from digitize.records.weights import read_weights
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

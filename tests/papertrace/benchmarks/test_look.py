from __future__ import annotations

import json

import pytest

from digitize.ink.look import WEIGHTS
from digitize.records.kinds import KINDS
from papertrace.benchmarks.look import NONE, Network, Reading, describe, find_networks, main, report
from papertrace.benchmarks.report import provenance


def test_no_networks_are_named(tmp_path, capsys):
    with pytest.raises(FileNotFoundError, match=r"papertrace\.training\.look"):
        find_networks(tmp_path)
    with pytest.raises(SystemExit):
        main([str(tmp_path)])
    assert "has no */look.safetensors" in capsys.readouterr().err


def test_a_network_is_described_by_its_record(tmp_path, monkeypatch):
    monkeypatch.setattr("papertrace.benchmarks.look._SIDE", 256)
    folder = tmp_path / "own"
    folder.mkdir()
    for file in (WEIGHTS, WEIGHTS.with_suffix(".json")):
        (folder / file.name).write_bytes(file.read_bytes())
    assert find_networks(tmp_path) == {"own": folder / WEIGHTS.name}
    network = describe("own", folder / WEIGHTS.name)
    record = json.loads(WEIGHTS.with_suffix(".json").read_text())
    assert network.parameters == record["parameters"]
    assert set(network.dice) == set(KINDS)
    assert network.dice["pen"] > 0.7
    assert network.float32 > 0
    assert network.bfloat16 > 0


def test_report_compares_networks_with_none(tmp_path):
    dice = dict.fromkeys(KINDS, 0.5) | {"pen": 0.875}
    network = Network("small", 1234, 61.0, "cpu", dice, 0.2, 0.1)
    readings = [Reading(NONE, f"{k}", 10.0, 5.0, k > 1, False) for k in range(4)]
    readings += [Reading("small", f"{k}", 16.0 + k, 15.0, True, k > 0) for k in range(4)]
    report([network], readings, provenance()).write(tmp_path)
    text = (tmp_path / "look.md").read_text()
    assert "| small | 1,234 | 61 | 0.875 |" in text
    assert "| none | 4 | 10.0 (10.0 to 10.0) | 5.0 (5.0 to 5.0) | 2 | 0 |" in text
    assert "| small | 4 | 17.5" in text
    assert len(json.loads((tmp_path / "look.json").read_text())["readings"]) == 8

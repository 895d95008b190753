from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
import torch
from safetensors.torch import load
from torch import nn

from digitize.records.weights import read_weights
from papertrace.training.experiment import Experiment, configured, options, run_of, write_experiment
from papertrace.training.loop import Configuration, Trained


@dataclass(frozen=True)
class Small(Configuration):
    epochs: int = 4
    batch: int = 8
    seed: int = 3
    rate: float = 0.05
    decay: float = 0.01
    train_pages: int = 10
    design: str = "plain"


def experiment(network: nn.Module) -> Experiment:
    fits = {
        "first": Trained(network, ({"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}), 60.4),
        "then": Trained(network, ({"epoch": 1, "loss": 0.125},), 9.9),
    }
    return Experiment(Small(), {"source": "none"}, {"train": (1, 2)}, {"AUROC": 1.0}, fits, 8, "cpu", {"classes": "NV"})


def test_weights_and_record_belong_together(tmp_path):
    network = nn.Linear(3, 2)
    told = write_experiment(tmp_path / "new", "small", network.state_dict(), experiment(network))
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == ["small.json", "small.safetensors"]
    content, record = read_weights(tmp_path / "new" / "small.safetensors")
    assert torch.equal(load(content)["weight"], network.weight)
    assert record == json.loads(json.dumps(told))
    assert list(record) == [
        *("version", "sha256", "classes", "parameters", "configuration", "data", "folds", "figures", "history"),
        *("seconds", "device", "commit", "software"),
    ]
    assert record["configuration"]["train_pages"] == 10 and record["configuration"]["rise"] == 0.15
    assert record["seconds"] == 70 and record["folds"] == {"train": [1, 2]}
    assert [(row["fit"], row["epoch"]) for row in record["history"]] == [("first", 1), ("first", 2), ("then", 1)]


def test_a_record_that_cannot_be_written_leaves_no_weights(tmp_path):
    network = nn.Linear(3, 2)
    bad = experiment(network)
    with pytest.raises(TypeError):
        write_experiment(tmp_path, "small", network.state_dict(), Experiment(**{**vars(bad), "data": {"x": object()}}))
    assert not list(tmp_path.iterdir())


def test_options_are_a_configuration_and_a_run(tmp_path, capsys):
    parser = options("small", "Train.\n\nMore.", Small, {"train_pages": "pages to print", "rate": "highest"}, tmp_path)
    chosen = parser.parse_args(["--train-pages", "5", "--rate", "0.1", "--seed", "8", "--out", "x", "--device", "cpu"])
    assert configured(Small, chosen, design="other") == Small(seed=8, rate=0.1, train_pages=5, design="other")
    assert chosen.data == tmp_path and chosen.resume
    run = run_of("fold-1", chosen)
    assert (str(run.checkpoint), run.device) == ("x/fold-1.checkpoint", "cpu")
    assert options("beat_images", "Train.", Small).get_default("out").name == "beat-images"
    with pytest.raises(SystemExit):
        parser.parse_args(["--help"])
    told = capsys.readouterr().out
    assert told.startswith("usage: python -m papertrace.training.small") and "More." not in told

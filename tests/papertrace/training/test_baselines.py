from __future__ import annotations

import json

import numpy as np
import pytest

from classify.statements import CODES
from papertrace.training.baselines import NETWORKS, design_of, main
from papertrace.training.comparison import compare
from tests.papertrace.training.pulse_trains import records


def test_networks_are_shown_other_pages_of_the_same_records_each_time():
    data = records(8, 0, normalized=True)
    design = design_of(NETWORKS["xresnet1d"], data, records(4, 1), None, 0.0)
    rng = np.random.default_rng(0)
    first, second = (design.draw(np.array([0, 1, 5]), rng) for _ in range(2))
    assert [tuple(tensor.shape) for tensor in first] == [(3, 12, 1000)] * 2
    assert not first[0].equal(second[0])
    assert tuple(design.choice[0].shape) == (4, 12, 1000)


def test_figures_of_a_network_that_knows_and_of_one_that_guesses():
    choice, report = records(24, 0), records(32, 1)
    truth = {24: choice.labels, 32: report.labels}

    def knows(pages):
        return truth[len(pages)] * 4 - 2 if len(pages) > 1 else np.zeros((1, len(CODES)), np.float32)

    def guesses(pages):
        return np.random.default_rng(0).normal(size=(len(pages), len(CODES))).astype(np.float32)

    for read, good in ((knows, True), (guesses, False)):
        told = compare(read, 1000, choice, report)
        assert told["parameters"] == 1000 and told["seconds"] > 0
        for shown in ("12 leads, 10 s", "cut to 3x4+II"):
            for fold in ("fold 8", "fold 9"):
                interval = told[shown][fold]["all"]
                assert (interval["value"] == 1) == good and interval["low"] <= interval["value"] <= interval["high"]


def test_command(folder, tmp_path, capsys):
    out = tmp_path / "run"
    given = ["--data", str(folder), "--out", str(out), "--epochs", "1"]
    main([*given, "--networks", "xresnet1d"])
    first = (out / "baselines.json").read_text()
    assert list(json.loads(first)) == ["xresnet1d"]
    assert "xresnet1d, epoch 1: loss " in capsys.readouterr().out + capsys.readouterr().err
    main([*given, "--networks", "LSTM", "xresnet1d"])
    told = json.loads((out / "baselines.json").read_text())
    assert list(told) == ["xresnet1d", "LSTM"]
    assert told["xresnet1d"]["history"] == json.loads(first)["xresnet1d"]["history"], "it was not trained again"
    assert sorted(path.name for path in out.iterdir()) == ["LSTM.checkpoint", "baselines.json", "xresnet1d.checkpoint"]
    for file in folder.rglob("00003_*"):
        file.unlink()
    with pytest.raises(SystemExit):
        main(given)

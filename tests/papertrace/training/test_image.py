from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from classify.picture.image import DESIGNS, load_picture_weights, make_network, predict_pictures
from classify.picture.network import CELL, NOWHERE, Seen
from classify.statements import CODES, STATEMENTS
from papertrace.training.arrhythmia import targets_of
from papertrace.training.batches import batch_of
from papertrace.training.image import (
    Config,
    Pages,
    begin,
    go_on,
    goals_of,
    judge,
    main,
    signal_loss,
    train,
    write_weights,
)
from papertrace.training.loop import Run
from papertrace.training.pictures import Sketches, blank_view, load, make_sketches
from tests.papertrace.training.pulse_trains import records

CONFIG = Config(width=4, before=2, epochs=2, batch=4, rate=3e-3, dropout=0.0, average=0.9, sketches=2)


def pages(n: int, seed: int, folder) -> Pages:
    own = records(n, seed)
    files = [folder / f"{place}.npz" for place in range(n)]
    for place, file in enumerate(files):
        make_sketches(Sketches(own.signals[place], seed * 1000 + place, CONFIG.sketches, file))
    dataset = load([(file, place) for place, file in enumerate(files)], printed=False)
    return Pages(dataset, targets_of(own, CONFIG.aside))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return pages(12, 0, tmp_path_factory.mktemp("a")), pages(4, 1, tmp_path_factory.mktemp("b"))


@pytest.fixture(scope="module", params=DESIGNS)
def design(request):
    return request.param


def network_of(design: str, data) -> torch.nn.Module:
    outputs = data[0].targets.truth.shape[1]
    config = dataclasses.replace(CONFIG, design=design)
    return go_on(config, outputs, begin(CONFIG, outputs, None))


def fit(design: str, data, run: Run, epochs: int = 3, **changes):
    config = dataclasses.replace(CONFIG, design=design, epochs=epochs, **changes)
    goal = dataclasses.replace(goals_of(config)[1], epochs=epochs)
    return train(network_of(design, data), *data, config, goal, run)


@pytest.fixture(scope="module")
def uninterrupted(design, data):
    return fit(design, data, Run("whole"))


class TestDesigns:
    """What training must do for every network."""

    def test_loss_falls(self, uninterrupted):
        losses = [figures["loss"] for figures in uninterrupted.history]
        assert len(losses) == 3 and losses[-1] < 0.95 * losses[0]

    def test_resumed_run_gives_the_same_weights(self, design, data, uninterrupted, tmp_path):
        class Interrupted(Exception):
            pass

        def interrupt(figures):
            if figures["epoch"] == 2:
                raise Interrupted

        with pytest.raises(Interrupted):
            fit(design, data, Run("part", tmp_path, on_epoch=interrupt))
        seen = []
        resumed = fit(design, data, Run("part", tmp_path, on_epoch=seen.append))
        assert [figures["epoch"] for figures in seen] == [3]
        np.testing.assert_equal(resumed.history, uninterrupted.history)
        for name, tensor in uninterrupted.network.state_dict().items():
            assert torch.equal(tensor, resumed.network.state_dict()[name]), name
        with pytest.raises(ValueError, match="of another configuration"):
            fit(design, data, Run("part", tmp_path), seed=1)

    def test_what_is_written_is_read_again(self, design, data, uninterrupted, tmp_path):
        config = dataclasses.replace(CONFIG, design=design, epochs=3)
        record = write_weights(tmp_path, {design: uninterrupted}, config, *data, "cpu")
        weights = load_picture_weights(design, tmp_path)
        dataset = data[1].dataset
        views = [blank_view()] * 2 if design == "dual" else None
        told, _ = predict_pictures(weights, [dataset.ink(0), dataset.ink(1)], views)
        assert told.shape == (2, len(STATEMENTS)) and ((told > 0) & (told < 1)).all()
        assert weights.version == record["version"] and record["configuration"]["design"] == design
        assert record["data"]["pictures"]["folds 1 to 7"] == {"drawn": 24, "of printed pages": 0}
        assert [row["code"] for row in record["statements"]] == list(CODES)


def test_the_signal_is_learned_without_labels(data):
    goal = dataclasses.replace(goals_of(CONFIG)[0], epochs=4)
    network = begin(CONFIG, data[0].targets.truth.shape[1], None)
    head = network.head[1].weight.clone()
    trained = train(network, *data, CONFIG, goal, Run("signal"))
    losses = [figures["loss"] for figures in trained.history]
    assert losses[-1] < 0.9 * losses[0]
    assert torch.allclose(trained.network.head[1].weight, head, atol=0.01), "no label was shown"


def test_the_signal_loss_is_least_where_the_truth_is(data):
    batch = batch_of(data[0].dataset, range(4), None)

    def at(error: float, lead_right: bool = True) -> tuple[float, float, float]:
        leads = torch.nn.functional.one_hot(batch.leads, NOWHERE + 1).movedim(3, 1) * (9.0 if lead_right else -9.0)
        pen = torch.zeros(4, CELL, *batch.leads.shape[1:])
        picture, row, column = batch.at
        noise = error * torch.randn(batch.pen.shape, generator=torch.Generator().manual_seed(0))
        pen[picture, :, row, column] = torch.nan_to_num(batch.pen) + noise
        *losses, ratio, right = signal_loss(Seen(torch.zeros(4, 1), leads, pen), batch)
        return float(sum(losses)), float(ratio.mean()), float(right.float().mean())

    exact, rough, wild = at(0.0), at(1.0), at(10.0)
    assert exact[0] < rough[0] < wild[0] and exact[1] > rough[1] > wild[1] and exact[2] == 1.0
    assert rough[1] - wild[1] == pytest.approx(20, abs=1.5), "ten times the error is 20 dB"
    assert at(0.0, False)[0] > exact[0] + 3 and at(0.0, False)[2] == 0.0


def test_the_hybrid_alone_has_both_losses():
    goals = [goals_of(dataclasses.replace(CONFIG, design=design))[1] for design in DESIGNS]
    assert [(goal.leads, goal.signal) for goal in goals] == [(0.1, 0.0), (0.3, 0.3), (0.1, 0.0)]


def test_judging_changes_nothing(data):
    network = make_network("image", 4, 1)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    figures, logits = judge(network, data[1], "cpu", batch_size=3)
    assert logits.shape == (8, len(STATEMENTS)) and {"signal dB", "leads right", "all"} <= figures.keys()
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


def test_command(folder, tmp_path, capsys):
    out = tmp_path / "run"
    small = ["--sketches", "1", "--train-pages", "0", "--choose-pages", "0", "--before", "1", "--epochs", "1"]
    main(["--data", str(folder), "--out", str(out), "--design", "hybrid", "--signal", "1", "--jobs", "1", *small])
    assert "2 pictures to train on, 1 to choose" in capsys.readouterr().out
    record = json.loads((out / "hybrid-1" / "hybrid.json").read_text())
    assert record["configuration"]["signal"] == 1.0 and [row["fit"] for row in record["history"]] == [
        "signal",
        "hybrid",
    ]
    assert load_picture_weights("hybrid", out / "hybrid-1").version == record["version"]
    assert (out / "hybrid-1" / "hybrid.safetensors").stat().st_size < 4_000_000
    given = ["--data", str(folder), "--out", str(out), "--jobs", "1", *small]
    with pytest.raises(SystemExit):
        main([*given, "--design", "dual"])
    assert "`dual` begins with `image`" in capsys.readouterr().err
    main([*given, "--design", "image", "--design", "dual"])
    image, dual = (load_file(out / name / f"{name}.safetensors") for name in ("image", "dual"))
    for name, weight in image.items():
        if name.endswith("conv1.weight"):
            change = (dual[f"picture.{name}"].float() - weight.float()).norm() / weight.float().norm()
            assert 0 < change < 0.1, "it begins with what was learned"
    history = json.loads((out / "dual" / "dual.json").read_text())["history"]
    assert [row["fit"] for row in history] == ["signal", "image", "dual"]

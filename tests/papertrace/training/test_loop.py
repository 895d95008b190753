from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from papertrace.training import loop
from papertrace.training.loop import Batches, Configuration, Run, fit, mixed_precision, shuffled, to_device


@dataclass(frozen=True)
class Small(Configuration):
    epochs: int = 4
    batch: int = 8
    seed: int = 3
    rate: float = 0.05
    decay: float = 0.01
    average: float = 0.9
    dropout: float = 0.3


CONFIG = Small()
X = torch.linspace(-1, 1, 37)[:, None]


class Interrupted(Exception):
    pass


def make() -> nn.Module:
    return nn.Sequential(nn.Linear(1, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Dropout(CONFIG.dropout), nn.Linear(6, 1))


def batches(config: Configuration) -> Batches:
    def draw(chosen, rng):
        noise = torch.from_numpy(rng.normal(0, 0.01, (len(chosen), 1)).astype(np.float32))
        return X[chosen], (2 * X + 1)[chosen] + noise

    return shuffled(len(X), config.batch, draw, least=2)


def loss(network, batch):
    return (network(batch[0]) - batch[1]).square().mean()


def judge(network):
    network.eval()
    with torch.no_grad():
        error = float((network(X) - 2 * X - 1).square().mean())
    return -error, {"error": error}


def train(folder=None, config=CONFIG, on_epoch=lambda figures: None, judge=judge, **changes):
    run = Run("small", folder, on_epoch=on_epoch, **changes)
    return fit(make, config, batches(config), loss, judge, run=run)


def same(one: nn.Module, other: nn.Module) -> bool:
    states = one.state_dict(), other.state_dict()
    return all(torch.equal(*both) for both in zip(*(state.values() for state in states), strict=True))


def stop_after(epoch: int):
    def stop(figures):
        if figures["epoch"] == epoch:
            raise Interrupted

    return stop


@pytest.mark.parametrize("epoch", (1, 2, 3))
@pytest.mark.parametrize("average", (0.0, 0.9))
def test_a_run_that_was_stopped_and_resumed_ends_like_one_that_was_not(epoch, average, tmp_path):
    config = replace(CONFIG, average=average)
    whole = train(config=config)
    with pytest.raises(Interrupted):
        train(tmp_path, config, stop_after(epoch))
    assert [file.name for file in tmp_path.iterdir()] == ["small.checkpoint"]
    seen = []
    resumed = train(tmp_path, config, seen.append)
    assert [figures["epoch"] for figures in seen] == list(range(epoch + 1, 5))
    assert resumed.history == whole.history and same(resumed.network, whole.network)
    assert not resumed.network.training and resumed.seconds > 0
    assert same(train(tmp_path, config, seen.append).network, whole.network), "there is nothing left to do"
    assert len(seen) == 4 - epoch


def test_a_run_may_begin_anew(tmp_path):
    with pytest.raises(Interrupted):
        train(tmp_path, on_epoch=stop_after(3))
    seen = []
    train(tmp_path, on_epoch=seen.append, resume=False)
    assert [figures["epoch"] for figures in seen] == [1, 2, 3, 4]


@pytest.mark.parametrize("changes", ({"seed": 4}, {"epochs": 9}, {"dropout": 0.1}))
def test_a_checkpoint_of_another_configuration_is_refused(changes, tmp_path):
    train(tmp_path)
    with pytest.raises(ValueError, match=r"small\.checkpoint: of another configuration"):
        train(tmp_path, replace(CONFIG, **changes))


def test_a_checkpoint_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    with pytest.raises(Interrupted):
        train(tmp_path, on_epoch=stop_after(2))
    before = (tmp_path / "small.checkpoint").read_bytes()

    def break_off(content, file):
        file.write_bytes(b"half of it")
        raise OSError("the disk is full")

    monkeypatch.setattr(loop.torch, "save", break_off)
    with pytest.raises(OSError, match="the disk is full"):
        train(tmp_path)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("small.checkpoint", before)]


@pytest.mark.parametrize(
    ("scores", "kept"), [((1, 3, 2, 3), 2), ((5, 1, 1, 1), 1), ((np.nan,) * 4, 4), ((1, np.nan, 2, 3), 4)]
)
def test_the_epoch_of_the_highest_score_is_kept(scores, kept, tmp_path):
    given, states = iter(scores), []

    def told(network):
        states.append({name: part.clone() for name, part in network.state_dict().items()})
        return next(given), {}

    trained = train(judge=told)
    assert all(torch.equal(part, states[kept - 1][name]) for name, part in trained.network.state_dict().items())


def test_without_a_judge_the_last_epoch_is_kept():
    trained = train(judge=None)
    assert same(trained.network, train(judge=lambda network: (np.nan, {})).network)
    assert [set(epoch) for epoch in trained.history] == [{"epoch", "loss"}] * 4


def test_an_average_of_zero_keeps_the_last_weights():
    kept = []

    def watched(network, batch):
        return loss(network, batch)

    class Watched(nn.Linear):
        def forward(self, x):
            kept.append(self.weight)
            return super().forward(x)

    config = replace(CONFIG, average=0.0, clip=None)
    trained = fit(lambda: Watched(1, 1), config, batches(config), watched, run=Run("w", on_epoch=lambda of: None))
    assert torch.equal(trained.network.weight, kept[-1])


def test_gradients_are_clipped():
    def first_step(clip):
        config = replace(CONFIG, epochs=1, clip=clip, average=0.0)
        grads = []

        def steep(network, batch):
            total = 1e3 * loss(network, batch)
            total.register_hook(lambda grad: grads.append(grad))
            return total

        return fit(make, config, batches(config), steep, run=Run("c", on_epoch=lambda of: None)).network

    assert not same(first_step(1.0), first_step(None))
    assert same(first_step(1e9), first_step(None))


def test_several_losses_are_summed_and_each_is_told():
    def both(network, batch):
        found = loss(network, batch)
        return {"half": 0.5 * found, "other half": 0.5 * found}

    run = Run("sum", on_epoch=lambda figures: None)
    trained = fit(make, CONFIG, batches(CONFIG), both, run=run)
    for epoch in trained.history:
        assert epoch["half"] == epoch["other half"] == pytest.approx(epoch["loss"] / 2)


def test_rates_slow_down_what_is_trained_already():
    def moved(rates):
        torch.manual_seed(CONFIG.seed)
        before = make().state_dict()
        after = fit(
            make, CONFIG, batches(CONFIG), loss, rates=rates, run=Run("r", on_epoch=lambda figures: None)
        ).network.state_dict()
        return {name: float((after[name] - before[name]).norm()) for name in ("0.weight", "4.weight")}

    usual, slow = moved(None), moved({"0.": 0.01})
    assert slow["0.weight"] < 0.1 * usual["0.weight"] and slow["4.weight"] > 0.3 * usual["4.weight"]


def test_every_epoch_is_told_on_a_line(capsys):
    fit(make, CONFIG, batches(CONFIG), loss, judge, run=Run("small"))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"small, epoch {epoch}" for epoch in range(1, 5)]
    assert all(", error " in line and line.endswith(" min") for line in lines)


def test_batches_hold_every_example_once_and_leave_a_small_rest_out():
    def sizes(examples, size, least):
        made = shuffled(examples, size, lambda chosen, rng: chosen, least)
        found = list(made.draw(np.random.default_rng(0)))
        assert made.steps == len(found)
        assert len(set(np.concatenate(found).tolist())) == sum(map(len, found))
        return [len(batch) for batch in found]

    assert sizes(10, 4, 1) == [4, 4, 2]
    assert sizes(10, 4, 4) == sizes(9, 4, 2) == sizes([7, 5, 3, 1, 8, 9, 0, 2], 4, 1) == [4, 4]
    assert sizes(3, 4, 4) == [3], "it is the only one"


def test_nests_of_tensors_are_moved():
    class Pair(NamedTuple):
        first: torch.Tensor
        second: tuple[torch.Tensor, int]

    moved = to_device({"pair": Pair(torch.zeros(2), (torch.ones(1), 5)), "list": [torch.zeros(1)]}, "meta")
    pair = moved["pair"]
    assert isinstance(pair, Pair) and pair.first.is_meta and pair.second[0].is_meta and pair.second[1] == 5
    assert moved["list"][0].is_meta


def test_a_loss_sees_single_precision(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    seen = []

    class Told(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(1, 1)

        def forward(self, x):
            y = self.layer(x)
            seen.append(y.dtype)
            return {"y": y, "places": torch.arange(3)}

    def of(network, batch):
        told = network(batch[0])
        assert told["y"].dtype == torch.float32 and told["places"].dtype == torch.int64
        return (told["y"] - batch[1]).square().mean()

    for bfloat16, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        config = replace(CONFIG, epochs=1, bfloat16=bfloat16)
        fit(Told, config, batches(config), of, run=Run("b", on_epoch=lambda figures: None))
        assert set(seen) == {dtype}
        seen.clear()
    with mixed_precision("cpu", wanted=False):
        assert nn.Linear(1, 1)(X).dtype == torch.float32

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from classify.beats.beats import load_network
from classify.beats.inputs import FS
from classify.beats.network import BeatNetwork
from classify.measure.peaks import find_r_peaks
from classify.records.beats import CLASSES
from papertrace.datasets.mitbih import Recording
from papertrace.datasets.ptbxl import Records
from papertrace.metrics.beats import NONE
from papertrace.training.beat_strips import STORED_FS, Strip, draw_annotated, draw_stated, hasten, store
from papertrace.training.beats import (
    Config,
    class_weights,
    count_beats,
    cross_validate,
    loss_of,
    plan_folds,
    train,
    train_members,
    write_weights,
)
from papertrace.training.loop import Run, Trained

CONFIG = Config(members=2, folds=2, epochs=3, batch=8, strips=10, rate=5e-3, dropout=0.0)
NOISE = np.random.default_rng(0).normal(0, 0.05, (2, 6000)).astype(np.float32)


def recording(name: str, seed: int, seconds: float = 60.0) -> Recording:
    """Narrow beats every 0.8 s; every sixth is early, broad and points down: V."""
    rng = np.random.default_rng(seed)
    fs = 360
    clock = np.arange(round(seconds * fs)) / fs
    times = np.arange(0.5, seconds - 0.6, 0.8) + rng.normal(0, 0.01, len(np.arange(0.5, seconds - 0.6, 0.8)))
    ventricular = np.arange(len(times)) % 6 == 3
    times[ventricular] -= 0.25
    signal = np.zeros((2, len(clock)))
    for at, broad in zip(times, ventricular, strict=True):
        height, width = (-1.6, 0.05) if broad else (1.0, 0.012)
        signal += np.array([[1.0], [0.7]]) * height * np.exp(-(((clock - at) / width) ** 2))
    signal += rng.normal(0, 0.01, signal.shape)
    return Recording(
        name,
        ("MLII", "V1"),
        fs,
        signal.astype(np.float32),
        np.round(times * fs).astype(np.int64),
        np.where(ventricular, "V", "N"),
        np.empty((0, 2), np.int64),
    )


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    return [recording(str(200 + k), k) for k in range(4)]


@pytest.fixture(scope="module")
def strips(recordings) -> list[Strip]:
    return draw_annotated([store(one) for one in recordings], NOISE, CONFIG.strips, 0.3, 0.0, CONFIG.seed)


def test_strips_have_the_classes_of_their_beats(strips):
    assert {strip.record for strip in strips} == {0, 1, 2, 3}
    known = np.concatenate([strip.allowed for strip in strips])
    single = known.sum(axis=1) == 1
    assert single.all()
    share = known.mean(axis=0)
    assert share[CLASSES.index("N")] + share[CLASSES.index("V")] == 1 and 0.1 < share[CLASSES.index("V")] < 0.3
    broad = np.concatenate([strip.view.features[:, 8] for strip in strips]) < 0.5
    ventricular = known[:, CLASSES.index("V")]
    assert (broad == ventricular).mean() > 0.95


def stated(signals: np.ndarray, codes: tuple[dict[str, float], ...]) -> Records:
    n = len(codes)
    return Records(
        ids=np.arange(n),
        folds=np.ones(n, np.int64),
        signals=signals,
        millivolts=np.ones(n, bool),
        codes=codes,
        labels=np.zeros((n, 1), np.float32),
        ages=np.full(n, 60, np.float32),
        women=np.zeros(n, bool),
        axes=(None,) * n,
        paths_500=(None,) * n,
    )


def test_statements_say_which_classes_a_strip_may_have():
    signal = np.stack([store(recording("x", 0, 10.1)).signal[0, ::2][:1000]] * 12)[None].repeat(5, axis=0)
    # At 100 Hz instead of 125 the beats come later, and are beats nevertheless.
    codes = ({"NORM": 100.0}, {"PVC": 0.0}, {"PAC": 0.0, "PVC": 0.0}, {"PACE": 0.0}, {"SVTAC": 0.0})
    records = stated(signal, codes)
    drawn = draw_stated(records, NOISE, 5, 0.0, 0.0, 0)
    told = ["".join(np.array(CLASSES)[strip.shows]) for strip in drawn]
    assert told == [""] * 6 + ["V"] * 3 + ["SV"] * 3 + [""]
    assert all(strip.record == -1 for strip in drawn)
    for strip, allowed in zip(drawn, ["S"] * 6 + ["NV"] * 3 + ["NSV"] * 3 + ["N"], strict=True):
        assert (strip.allowed == [name in allowed for name in CLASSES]).all()
    assert len(draw_stated(records, NOISE, 0, 0.0, 0.0, 0)) == 12


@pytest.mark.parametrize("code", ["AFIB", "CLBBB", "STACH"])
def test_ordinary_beats_that_look_otherwise_are_taken_first(code):
    """Nothing but the record with the code has beats, so a strip that is drawn is its."""
    signals = np.zeros((8, 12, 1000), np.float32)
    signals[5] = store(recording("x", 0, 10.1)).signal[0, ::2][:1000]
    codes = tuple({code: 0.0} if place == 5 else {"NORM": 100.0} for place in range(8))
    for seed in range(3):
        assert len(draw_stated(stated(signals, codes), 0 * NOISE, 1, 0.0, 0.0, seed)) == 1


@pytest.mark.parametrize("seed", range(8))
def test_beats_that_are_made_to_come_early(seed):
    clock = np.arange(10 * STORED_FS) / STORED_FS
    signal = sum(np.exp(-(((clock - at) / 0.012) ** 2)) for at in np.arange(0.5, 9.9, 0.8)).astype(np.float32)
    given = np.arange(0, len(signal) - 1, STORED_FS / FS)
    places, made = hasten(signal, given, np.random.default_rng(seed))
    assert len(made) and (np.diff(places) > 0).all() and places[-1] <= len(signal) - 1
    strip = np.interp(places, np.arange(len(signal)), signal)
    peaks = find_r_peaks(strip.astype(np.float32), FS)
    away = np.abs(made[:, None] - peaks)
    inside = made < len(strip) - 20
    assert (away.min(axis=1)[inside] <= 2).all(), "each is a beat of the new strip"
    intervals = np.diff(peaks) / FS
    early = away.argmin(axis=1)[inside] - 1
    assert (intervals[early] < 0.9 * 0.8).all() and intervals.min() > 0.28
    assert (np.delete(intervals, early) > 0.87 * 0.8).all()


def test_irregular_recordings_are_left_as_they_are():
    signal = store(recording("200", 0, 10)).signal[0]
    given = np.arange(0, len(signal) - 1, 2.0)
    places, made = hasten(signal, given, np.random.default_rng(0))
    assert places is given and not len(made)


def test_loss_of_what_is_known_in_part():
    weights = torch.ones(5)
    sure = torch.tensor([[9.0, 0, 0, 0, 0], [0, 0, 9.0, 0, 0]])
    counts, nothing = torch.tensor([2]), torch.zeros(1, 5, dtype=torch.bool)
    single = torch.eye(5, dtype=torch.bool)[[0, 2]]
    assert loss_of(sure, single, nothing, counts, weights) < 0.01
    assert loss_of(sure, single.flip(0), nothing, counts, weights) > 8
    either = torch.tensor([[True, False, True, False, False]] * 2)
    assert loss_of(sure, either, nothing, counts, weights) < 0.01
    assert loss_of(sure, torch.ones(2, 5, dtype=torch.bool), nothing, counts, weights) == 0
    shows = torch.tensor([[False, False, True, False, False]])
    assert loss_of(sure, either, shows, counts, weights) < 0.01, "one of them is V"
    assert loss_of(sure[:1].repeat(2, 1), either, shows, counts, weights) > 5, "none is"
    assert torch.isfinite(loss_of(torch.tensor([[99.0, -99, -99, -99, -99]]), either[:1], shows, counts - 1, weights))


def test_rare_classes_weigh_more(strips):
    weights = class_weights(strips, 0.5)
    assert weights[CLASSES.index("V")] > weights[CLASSES.index("N")] > 0
    assert (class_weights(strips, 0.0) == 1).all()


def test_folds_part_the_records_and_share_the_rare_beats(recordings):
    rare = [replace(one, classes=np.full_like(one.classes, "S")) for one in recordings[:2]]
    fold = plan_folds([*rare, *recordings[2:]], 2)
    assert sorted(np.bincount(fold).tolist()) == [2, 2]
    assert fold[0] != fold[1]


def test_it_learns_and_an_interrupted_run_ends_alike(strips, recordings, tmp_path):
    fitted = train(strips, replace(CONFIG, epochs=6), Run("a"))
    whole, losses = fitted.network, [epoch["loss"] for epoch in fitted.history]
    assert losses[-1] < 0.5 * losses[0]
    counts = count_beats(recording("new", 99), 0, whole)
    assert counts[CLASSES.index("V"), CLASSES.index("V")] >= 0.9 * counts[CLASSES.index("V")].sum()
    known = count_beats(recording("new", 99), 0, whole, annotated=True)
    assert known[:, NONE].sum() == known[NONE].sum() == 0

    class Stop(Exception):
        pass

    def stop(figures):
        if figures["epoch"] == 2:
            raise Stop

    with pytest.raises(Stop):
        train(strips, CONFIG, Run("b", tmp_path, on_epoch=stop))
    resumed, straight = (train(strips, CONFIG, Run("b", folder)).network for folder in (tmp_path, None))
    for one, other in zip(resumed.parameters(), straight.parameters(), strict=True):
        assert torch.equal(one, other)
    with pytest.raises(ValueError, match="of another configuration"):
        train(strips, replace(CONFIG, seed=6), Run("b", tmp_path))


def test_how_many_members_there_are_changes_nothing_of_one(strips, tmp_path):
    config = replace(CONFIG, epochs=1)
    both = train_members([strips, strips], config, Run("m", tmp_path))
    assert list(both) == ["m-5", "m-6"] == sorted(path.stem for path in tmp_path.iterdir())
    (alone,) = train_members([strips], replace(config, members=1), Run("m", tmp_path)).values()
    for one, other in zip(both["m-5"].network.parameters(), alone.network.parameters(), strict=True):
        assert torch.equal(one, other)


def test_flutter_is_not_scored():
    one = recording("200", 0)
    flutter = replace(one, flutter=np.array([[0, len(one.signal[0])]]))
    torch.manual_seed(0)
    assert count_beats(one, 0, BeatNetwork().eval()).sum() > 60
    assert count_beats(flutter, 0, BeatNetwork().eval()).sum() == 0


def test_cross_validation_names_each_record_by_a_network_that_has_not_seen_it(strips, recordings, tmp_path):
    # Members see strips of their own.
    drawn = [strips, strips[::-1]]
    networks = cross_validate(recordings, drawn, CONFIG, Run("beats", tmp_path / "folds"))
    assert sorted(networks) == [one.name for one in recordings]
    assert len({id(network) for network in networks.values()}) == 2
    held_out = [json.loads((tmp_path / "folds" / f"fold-{k}.json").read_text())["held out"] for k in range(2)]
    assert sorted(name for names in held_out for name in names) == sorted(networks)
    assert sorted(path.name for path in (tmp_path / "folds").iterdir()) == [
        "fold-0.json", "fold-0.safetensors", "fold-1.json", "fold-1.safetensors",
    ]  # fmt: skip
    written = (tmp_path / "folds" / "fold-0.safetensors").stat().st_mtime_ns
    cross_validate(recordings, drawn, CONFIG, Run("beats", tmp_path / "folds"))
    assert (tmp_path / "folds" / "fold-0.safetensors").stat().st_mtime_ns == written, "taken up again"

    # Any two networks will do here.
    members = [Trained(member, (), 0.5) for member in networks["200"].members]
    fits = dict(zip(("beats-5", "beats-6"), members, strict=True))
    record = write_weights(tmp_path, fits, CONFIG, recordings, drawn, networks, "cpu")
    network, version = load_network(tmp_path / "beats.safetensors")
    assert version == record["version"] and len(network.members) == record["members"] == 2
    one, other = (torch.cat([part.flatten() for part in member.parameters()]) for member in network.members)
    assert not torch.equal(one, other)
    assert json.loads(json.dumps(record)) == json.loads((tmp_path / "beats.json").read_text())
    assert record["data"]["beats"]["V"] == sum((one.classes == "V").sum() for one in recordings)
    assert np.sum(record["figures"]["confusion"]) >= sum(len(one.samples) for one in recordings)
    assert record["figures"]["beats"]["f1"] > 0.95
    for one, other in zip(network.parameters(), networks["200"].parameters(), strict=True):
        assert torch.equal(one, other)


def test_pace_and_rates():
    stored = store(recording("200", 0))
    assert stored.signal.shape == (2, 60 * STORED_FS) and STORED_FS == 2 * FS
    assert stored.at[1] - stored.at[0] == pytest.approx(0.8, abs=0.05)

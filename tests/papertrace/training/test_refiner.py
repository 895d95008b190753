from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from digitize.api import analyze_page
from digitize.records.traces import Rows, Traces, TraceState
from digitize.records.weights import read_weights
from digitize.refine.correct import LENGTH, refine
from digitize.refine.layers import Layers
from digitize.refine.network import OFFSETS
from digitize.refine.windows import cut_windows
from papertrace.synth import render_page
from papertrace.training import band_pages
from papertrace.training.band_pages import QUARTERS, ReadPage
from papertrace.training.designs import DESIGNS, load_refiner, make_refiner
from papertrace.training.loop import Run
from papertrace.training.pages import Job, write_arrays
from papertrace.training.refiner import (
    LOSSES,
    Config,
    batch_of,
    by_page,
    loss_of,
    main,
    predict,
    ratios,
    train,
)
from papertrace.training.segments import (
    Segments,
    collect,
    cut_segments,
    empty,
    save,
    version_of_segments,
)
from papertrace.training.upright import to_upright, true_paths

CONFIG = Config(epochs=4, batch=4, rate=1e-3)


def read_page(coverage: np.ndarray, path: np.ndarray, truth: np.ndarray, page: int = 0) -> ReadPage:
    """A page on which traces run along `path`, where the pen ran along `truth`."""
    count, width = path.shape[:2]
    state = np.where(np.isfinite(path[..., 0]), np.uint8(TraceState.SEEN), np.uint8(TraceState.UNKNOWN))
    ends = np.zeros(count, np.int64), np.full(count, width), np.zeros(count), np.full(count, width - 1.0)
    traces = Traces(path[..., 0], path[..., 1], state, *ends, 1.5, np.stack([path[..., 0]] * 2))
    rows = Rows(np.repeat(np.nanmean(path[..., 0], axis=1, keepdims=True), width, axis=1), *ends[:2])
    ink = np.uint8(np.rint(255 * coverage))
    layers = Layers(ink, 255 - ink, ink, np.zeros(ink.shape, bool), traces, rows, 10.0, 8.0)
    return ReadPage(layers, truth.astype(np.float32), truth.astype(np.float32), "clean", page)


class FromTheStart:
    """Chooses the first of all that there is to choose from."""

    def integers(self, high: int) -> int:
        return 0

    def permutation(self, n: int) -> np.ndarray:
        return np.arange(n)


def strokes(seed: int, page: int = 0, width: int = LENGTH) -> ReadPage:
    """Three strokes that were traced some pixels off, now more, now less."""
    rng = np.random.default_rng(seed)
    x = np.arange(width * QUARTERS) / QUARTERS
    truth = np.stack([
        150.0 * row + 20 * np.sin(x / rng.uniform(9, 30) + rng.uniform(0, 6)) for row in range(1, 4)
    ]).reshape(3, width, QUARTERS)  # fmt: skip
    off = np.stack([rng.uniform(2, 3) * np.sin(x / rng.uniform(20, 60) + rng.uniform(0, 6)) for row in range(3)])
    off = off.reshape(3, width, QUARTERS)
    y = np.arange(600)[:, None]
    coverage = np.zeros((600, width), np.float32)
    for row in truth[..., 0]:
        coverage = np.maximum(coverage, np.clip(2.0 - np.abs(y - row), 0, 1))
    path = (truth + off)[..., ::2].astype(np.float32)
    path[:, 200:210] = np.nan
    return read_page(coverage, path, truth, page)


def segments(seed: int, page: int = 0) -> Segments:
    return cut_segments(strokes(seed, page), FromTheStart(), 8)


def joined(*parts: Segments) -> Segments:
    return Segments(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in dataclasses.fields(Segments)
        }
    )


@pytest.fixture(scope="module")
def data():
    return joined(*(segments(seed, page=seed) for seed in range(4))), segments(9)


@pytest.fixture(scope="module", params=DESIGNS)
def design(request):
    return request.param


@pytest.fixture(scope="module")
def uninterrupted(design, data, tmp_path_factory):
    return train(*data, dataclasses.replace(CONFIG, design=design), Run("whole"))


class TestDesigns:
    """What training must do for every network."""

    def test_loss_falls(self, uninterrupted):
        losses = [figures["loss"] for figures in uninterrupted.history]
        assert len(losses) == 4 and losses[-1] < 0.95 * losses[0]

    def test_resumed_run_gives_the_same_weights(self, design, data, uninterrupted, tmp_path):
        class Interrupted(Exception):
            pass

        def interrupt(figures):
            if figures["epoch"] == 2:
                raise Interrupted

        config = dataclasses.replace(CONFIG, design=design)
        with pytest.raises(Interrupted):
            train(*data, config, Run("part", tmp_path, on_epoch=interrupt))
        seen = []
        resumed = train(*data, config, Run("part", tmp_path, on_epoch=seen.append))
        assert [figures["epoch"] for figures in seen] == [3, 4]
        assert resumed.history == uninterrupted.history
        for name, tensor in uninterrupted.network.state_dict().items():
            assert torch.equal(tensor, resumed.network.state_dict()[name]), name
        assert [path.name for path in tmp_path.iterdir()] == ["part.checkpoint"]
        with pytest.raises(ValueError, match="of another configuration"):
            train(*data, dataclasses.replace(config, seed=1), Run("part", tmp_path))


def test_it_learns_to_find_the_stroke(data):
    config = dataclasses.replace(CONFIG, epochs=15, rate=3e-3)
    trained = train(*data, config, Run("fit"))
    gain = max(figures["fold 8"] - figures["fold 8 before"] for figures in trained.history)
    assert gain > 4.0
    offsets = predict(trained.network, data[1])
    assert ratios(data[1], offsets).mean() == pytest.approx(gain + trained.history[0]["fold 8 before"], abs=1e-3)


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_are_least_where_the_truth_is(data, loss):
    batch = batch_of(data[0], np.arange(4), 2, np.zeros(4, bool))
    sure = torch.zeros(batch.target.shape)

    def at(shift: float) -> float:
        logits = -8.0 * (OFFSETS - (batch.target[..., None] + shift)).abs()
        return float(loss_of(logits, sure, batch, loss))

    assert at(0.0) < at(0.3) < at(3.0) and at(0.0) < at(-0.3) < at(-3.0)


def test_upside_down_is_what_windows_show_of_a_page_upside_down(data):
    one = data[0]
    y = np.arange(300)[:, None]
    path = (150 + 20 * np.sin(np.arange(LENGTH + 1) / 15))[None].astype(np.float32)
    coverage = np.clip(2.0 - np.abs(y - path[:, :-1]), 0, 1).astype(np.float32)

    def windows(page, center):
        path = np.stack([center[:, :-1], (center[:, :-1] + center[:, 1:]) / 2], axis=2)
        return cut_windows(read_page(page, path, np.zeros((1, LENGTH, QUARTERS))).layers)

    upright, turned = windows(coverage, path), windows(np.ascontiguousarray(coverage[::-1]), 299 - path)
    pair = dataclasses.replace(
        one, pixels=upright.pixels, features=upright.features, scale=upright.scale, path=one.path[:1],
        truth=one.truth[:1], page=one.page[:1],
    )  # fmt: skip
    flipped = batch_of(pair, np.array([0]), 2, np.array([True]))
    np.testing.assert_allclose(flipped.features[0].numpy(), turned.features[0].astype(np.float32), atol=0.02)
    near = np.abs(flipped.pixels[0].numpy().astype(int) - turned.pixels[0]) <= 2
    assert near.mean() > 0.999
    straight = batch_of(pair, np.array([0]), 2, np.array([False]))
    torch.testing.assert_close(flipped.target, -straight.target)
    assert np.array_equal(pair.features, upright.features), "segments are left as they are"


def test_ratios_see_the_offsets(data):
    choice = data[1]
    for steps in (1, 2, 4):
        exact = batch_of(choice, np.arange(3), steps, np.zeros(3, bool))
        right = (exact.target * exact.scale[..., None]).numpy()
        assert (ratios(choice, right) > 40).all()
        rough = right + np.random.default_rng(0).normal(0, 2, right.shape).astype(np.float32)
        assert (ratios(choice, rough) < 22).all()
    told = by_page(dataclasses.replace(choice, page=np.array([4, 4, 7])), np.array([10.0, 20.0, np.nan]))
    assert told.tolist() == [15.0]


def test_training_needs_segments_and_a_loss(data):
    with pytest.raises(ValueError, match="0 segments to train on"):
        train(empty(), data[1], CONFIG, Run("fit"))
    with pytest.raises(ValueError, match="loss is 'l2'; allowed: entropy, snr, both"):
        train(*data, dataclasses.replace(CONFIG, loss="l2"), Run("fit"))


@pytest.fixture(scope="module")
def skewed():
    rng = np.random.default_rng(4)
    beats = np.exp(-(((np.arange(5000) % 400 - 200) / 12) ** 2))
    signal = beats * rng.uniform(0.4, 1.2, (12, 1)) + 0.05 * np.sin(np.arange(5000) / 300)
    page = render_page(signal, 500, layout="3x4+II", rotation=3.0, dpi=150)
    return page, analyze_page(page.image)


def test_the_truth_lies_under_the_traces(skewed):
    page, analysis = skewed
    truth = true_paths(page, analysis, 2)
    traces = analysis.traces
    assert truth.shape == (*traces.center.shape, 2)
    for k, path in enumerate((traces.center, traces.between)):
        off = np.abs(path - truth[..., k])
        assert np.nanmedian(off) < 0.3
        assert np.isfinite(off).mean() > 0.8 * np.isfinite(path).mean()


def test_upright_is_the_way_back(skewed):
    page, analysis = skewed
    points = np.array([[300.0, 200.0], [900.0, 500.0], [np.nan, np.nan]])
    original = analysis.upright.to_original(points)
    np.testing.assert_allclose(to_upright(original, analysis, page.image.shape), points, atol=0.05)


def test_the_weights_that_come_along_correct_a_page(skewed):
    page, analysis = skewed
    traces = analysis.traces
    refined, sure = refine(analysis)
    truth = true_paths(page, analysis, 2)
    before, after = (
        np.nanmean((np.stack([own.center, own.between], axis=2) - truth) ** 2) for own in (traces, refined)
    )
    assert after < 0.8 * before
    np.testing.assert_array_equal(np.isnan(refined.center), np.isnan(traces.center))
    assert sure.shape == traces.center.shape and np.isfinite(sure).all()


def test_a_row_that_follows_nothing_printed_has_no_truth(skewed):
    page, analysis = skewed
    astray = dataclasses.replace(
        analysis.traces, center=analysis.traces.center + 60, between=analysis.traces.between + 60
    )
    assert np.isnan(true_paths(page, dataclasses.replace(analysis, traces=astray), 1)).all()


def test_what_no_window_shows_is_not_learned_but_is_not_right(data):
    far = dataclasses.replace(data[0], truth=data[0].truth + 500)
    batch = batch_of(far, np.arange(2), 2, np.zeros(2, bool))
    assert batch.known.any() and not batch.seen.any()
    logits, doubting = torch.zeros(*batch.target.shape, len(OFFSETS)), torch.full(batch.target.shape, -9.0)
    assert float(loss_of(logits, doubting, batch, "snr")) < 0.01 < float(loss_of(logits, -doubting, batch, "snr"))


def test_segments_are_cut_once_along_traces_that_are_led_back(tmp_path):
    job = Job(Path("none"), "clean", 5, 7, tmp_path / "pages" / "00007.npz")
    page = strokes(1, page=7, width=2 * LENGTH)
    band_pages.save(job.file, page)
    made = collect([job], tmp_path / "segments", 2, 1)
    assert made.page.tolist() == [7, 7]
    hidden = np.isnan(page.layers.traces.center[0])
    assert hidden.any() and np.isfinite(made.path[..., 0]).all(), "what is not known is read"
    kept = dataclasses.replace(made, scale=np.zeros_like(made.scale))
    save(tmp_path / "segments" / "00007.npz", kept)
    assert not collect([job], tmp_path / "segments", 2, 1).scale.any()
    unread = Job(Path("none"), "clean", 5, 8, tmp_path / "pages" / "00008.npz")
    write_arrays(unread.file, {"kind": "clean", "page": 8})
    assert len(collect([unread], tmp_path / "segments", 2, 1)) == 0


def test_command(folder, tmp_path, capsys):
    out = tmp_path / "run"
    for name, seed in (("train", 1), ("fold8", 2)):
        band_pages.save(out / "pages" / band_pages.version_of_band_pages() / name / "00000.npz", strokes(seed))
        save(out / "segments" / version_of_segments() / name / "00000.npz", segments(seed))
    small = ["--train-pages", "1", "--choose-pages", "1", "--epochs", "1"]
    main(["--data", str(folder), "--out", str(out), "--design", "cnn", "--design", "lstm", *small])
    told = capsys.readouterr().out
    assert "3 segments to train on, 3 to choose" in told
    for design in ("cnn", "lstm"):
        results = out / f"{design}-both-2"
        assert sorted(path.name for path in results.iterdir()) == ["refiner.json", "refiner.png", "refiner.safetensors"]
        record = json.loads((results / "refiner.json").read_text())
        with Image.open(results / "refiner.png") as curve:
            assert curve.size == (800, 320)
        assert record["version"] == read_weights(results / "refiner.safetensors")[1]["version"]
        loaded = load_refiner(results / "refiner.safetensors").state_dict()
        assert loaded.keys() == make_refiner(design, 2).state_dict().keys()
        assert record["data"]["pages"] == {"train": 1, "fold 8": 1} and record["configuration"]["design"] == design
        assert f"{design}-both-2: {record['parameters']} parameters" in told

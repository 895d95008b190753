from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from digitize.refine.bands import CHANNELS, HEIGHTS, STEPS
from digitize.refine.distribution import Distribution
from papertrace.training import bands
from papertrace.training.band_pages import save, version_of_band_pages
from papertrace.training.band_readers import (
    HEIGHT,
    HOP,
    READERS,
    UNIT,
    AttentiveDecoder,
    DirectReader,
    RecurrentDecoder,
)
from papertrace.training.band_segments import Batch, batch_of, batches, cut_segments, truth_at_steps
from papertrace.training.bands import Config, Pages, by_kind, main, ratios, table_of, train
from papertrace.training.loop import Run
from papertrace.training.pages import Job, write_arrays
from tests.papertrace.training.band_page import WIDTH, page


@pytest.fixture(scope="module")
def batch() -> Batch:
    rng = np.random.default_rng(0)
    segments = [segment for seed in range(2) for segment in cut_segments(page(seed), 1, (HEIGHT,), rng)]
    return batch_of(segments, rng)


class TestSegments:
    """Bands that train."""

    def test_astray_traces_come_first(self):
        first = [cut_segments(page(0), 1, HEIGHTS, np.random.default_rng(seed))[0] for seed in range(20)]
        rows = []
        for segment in first:
            own = segment.pixels[CHANNELS.index("own")] > 128
            follows = [own[:, x].nonzero()[0].mean() if own[:, x].any() else np.nan for x in range(512)]
            rows.append(np.nanmax(np.abs(follows - segment.truth[:, 0])) > 40)
        assert np.mean(rows) > 0.5, "one of four bands is astray"

    def test_truth_lies_on_ink(self):
        for segment in cut_segments(page(2), 4, HEIGHTS, np.random.default_rng(1)):
            y = np.rint(segment.truth[:, 0]).astype(int)
            assert (segment.pixels[0, y, np.arange(512)] > 200).all()

    def test_upside_down_is_what_a_band_shows_of_a_page_upside_down(self):
        segment = cut_segments(page(2), 1, HEIGHTS, np.random.default_rng(1))[0]

        class Always:
            def random(self, shape):
                return np.array([[0.0], [1.0]])

        turned = batch_of([segment], Always())
        last = segment.pixels.shape[1] - 1
        np.testing.assert_array_equal(turned.pixels[0].numpy(), segment.pixels[:, ::-1])
        np.testing.assert_allclose(turned.truth[0].numpy(), last - segment.truth, atol=1e-4)
        np.testing.assert_allclose(turned.level[0].numpy(), last - segment.level, atol=1e-4)

    def test_an_epoch_has_its_number_of_batches(self, tmp_path):
        files = [tmp_path / f"{k}.npz" for k in range(3)]
        for k, file in enumerate(files):
            save(file, page(k))
        write_arrays(tmp_path / "3.npz", {"kind": "faxed", "page": 3})
        made = batches([*files, tmp_path / "3.npz"], 2, 3)
        drawn_batches = list(made.draw(np.random.default_rng(0)))
        assert made.steps == len(drawn_batches) == 6
        assert all(one.pixels.shape[1] == len(CHANNELS) and one.truth.shape[1:] == (512, 4) for one in drawn_batches)
        again = list(made.draw(np.random.default_rng(0)))
        assert all(torch.equal(a.pixels, b.pixels) for a, b in zip(drawn_batches, again, strict=True))


@pytest.mark.parametrize("name", READERS)
class TestReaders:
    """What every reader must do."""

    def test_all_of_it_learns(self, name, batch):
        torch.manual_seed(0)
        network = READERS[name].make()
        for weight in network.head.parameters():
            torch.nn.init.normal_(weight, std=0.1)
        READERS[name].loss(network, batch).backward()
        idle = [own for own, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
        # A bias before a normalization, or of a softmax's keys, has no effect on anything.
        assert not [own for own in idle if not own.endswith("bias")]

    def test_loss_falls(self, name, batch):
        torch.manual_seed(0)
        network = READERS[name].make()
        optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
        losses = []
        for _ in range(8):
            loss = READERS[name].loss(network, batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        assert losses[-1] < 0.97 * losses[0]

    def test_few_weights(self, name):
        assert sum(weight.numel() for weight in READERS[name].make().parameters()) <= 600_000

    def test_it_reads_a_page(self, name):
        read = page(0)
        traces, right = READERS[name].read(read.layers, READERS[name].make().eval())
        assert traces.center.shape == right.shape == (2, WIDTH)
        assert np.isfinite(traces.center).all() and np.isfinite(right).all()


@pytest.mark.parametrize("name", READERS)
def test_losses_are_least_where_the_truth_is(name, batch):
    y = torch.arange(HEIGHT)

    def at(shift: float) -> float:
        truth = truth_at_steps(batch.truth) + shift

        def network(*_):
            if name == "distribution":
                return -(y - truth[..., None]).abs()
            return (truth - batch.level[..., None]) / UNIT, torch.zeros(truth.shape)

        return float(READERS[name].loss(network, batch))

    assert at(0.0) < at(2.0) < at(8.0) and at(0.0) < at(-2.0) < at(-8.0)


@pytest.mark.parametrize("decoder", (RecurrentDecoder, AttentiveDecoder))
def test_a_decoder_goes_on_from_what_it_said(decoder, batch):
    torch.manual_seed(0)
    network = DirectReader(decoder()).eval()
    for weight in network.head.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    pixels, level = batch.pixels[:1, ..., : 8 * HOP], batch.level[:1, : 8 * HOP]
    with torch.inference_mode():
        away, sure = network(pixels, level)
        again, also = network(pixels, level, away)
        other, _ = network(pixels, level, away + 1.0)
    assert away.shape == sure.shape == (1, 8 * HOP, STEPS)
    torch.testing.assert_close(again, away, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(also, sure, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(other[:, :HOP], away[:, :HOP], atol=1e-5, rtol=1e-4)
    assert not torch.allclose(other[:, HOP:], away[:, HOP:], atol=1e-2)


def test_ratios_see_what_is_wrong():
    read = page(0)
    exact = dataclasses.replace(read.layers.traces, center=read.seen[..., 0], between=read.seen[..., 2])
    assert (ratios(read, exact) > 40).all() and len(ratios(read, exact)) == 4
    traced = ratios(read, read.layers.traces)
    assert traced[3] < 5, "the second row is astray in its second half"
    gone = dataclasses.replace(exact, center=np.full_like(exact.center, np.nan), between=exact.between)
    assert (ratios(read, gone) < 10).all(), "what is not read is an error"


@pytest.fixture
def jobs(tmp_path) -> list[Job]:
    made = []
    for k, preset in enumerate(("clean", "faxed", "clean")):
        file = tmp_path / "pages" / f"{k}.npz"
        save(file, page(k, k, preset))
        made.append(Job(Path("00001_hr"), preset, k, k, file))
    write_arrays(tmp_path / "pages" / "3.npz", {"kind": "clean", "page": 3})
    return [*made, Job(Path("00001_hr"), "clean", 3, 3, tmp_path / "pages" / "3.npz")]


def test_pages_are_averaged_by_kind(jobs):
    told = by_kind(jobs, lambda layers: layers.traces)
    own = [ratios(page(k), page(k).layers.traces).mean() for k in range(3)]
    assert told == pytest.approx({"fold 8": np.mean(own), "clean": (own[0] + own[2]) / 2, "faxed": own[1]})


def test_a_curriculum_begins_with_clean_pages(jobs, monkeypatch):
    seen = []
    monkeypatch.setattr(bands, "batches", lambda files, *others: seen.append(files) or batches(files, *others))
    pages = Pages(tuple(jobs), tuple(jobs[:1]))
    config = Config(reader="cnn", epochs=1, simple=1, batch=2, segments=2)
    fits = train(pages, config, Run("cnn", on_epoch=lambda figures: None))
    assert [len(files) for files in seen] == [3, 4] and len(fits) == 2
    assert fits[1].history[0].keys() >= {"loss", "fold 8", "clean"}
    with pytest.raises(ValueError, match="reader is 'gru'; allowed: distribution, cnn, lstm, transformer"):
        train(pages, dataclasses.replace(config, reader="gru"), Run("cnn"))
    with pytest.raises(ValueError, match="0 pages to train on, 1 to choose"):
        train(Pages((), tuple(jobs[:1])), config, Run("cnn"))


def test_it_learns_to_leave_a_wrong_trace(tmp_path):
    files = [tmp_path / f"{k}.npz" for k in range(4)]
    for k, file in enumerate(files):
        save(file, page(k, k))
    torch.manual_seed(0)
    network = Distribution((8, 12, 16, 24, 32))
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3)
    rng = np.random.default_rng(0)
    for _ in range(12):
        for batch in batches(files, 4, 2, HEIGHTS).draw(rng):
            optimizer.zero_grad()
            READERS["distribution"].loss(network, batch).backward()
            optimizer.step()
    other = page(50)
    traces, _ = READERS["distribution"].read(other.layers, network.eval())
    assert ratios(other, traces).min() > ratios(other, other.layers.traces).min() + 5


def test_command(folder, tmp_path, capsys, monkeypatch):
    out = tmp_path / "run"
    pages = out / "pages" / version_of_band_pages()
    for name in ("train", "fold8"):
        save(pages / name / "00000.npz", page(1))
    small = ["--train-pages", "1", "--choose-pages", "1", "--epochs", "1", "--segments", "2"]
    main(["--data", str(folder), "--out", str(out), "--reader", "cnn", *small])
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in told[-5:]] == ["reader", "deterministic", "refiner", "cnn", "cnn-after-clean"]
    for name, fits in (("cnn", {"cnn"}), ("cnn-after-clean", {"simple", "cnn"})):
        assert sorted(path.name for path in (out / name).iterdir()) == ["reader.json", "reader.safetensors"]
        record = json.loads((out / name / "reader.json").read_text())
        assert record["reader"] == "cnn" and {row["fit"] for row in record["history"]} == fits
        assert record["figures"].keys() == {"deterministic", "refiner", "read"}


def test_table():
    told = table_of([{"reader": "refiner", "fold 8": 20.0, "faxed": -1.5}, {"reader": "cnn", "fold 8": 9.25}])
    assert told.splitlines()[1:] == ["refiner   20.00   -1.50", "cnn        9.25     nan"]

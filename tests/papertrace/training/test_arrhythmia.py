from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

from classify.signal.network import Ensemble
from classify.signal.weights import load_weights
from classify.statements import CODES, STATEMENTS
from digitize.records.layouts import LEAD_NAMES
from papertrace.datasets.ptbxl import Records
from papertrace.training.arrhythmia import (
    Design,
    Targets,
    batch_of,
    design_of,
    macro_auroc,
    main,
    page_views,
    targets_of,
    train,
    write_weights,
)
from papertrace.training.loop import Run
from papertrace.training.views import disturb, load_noise, make_pool, show, with_donor_scale
from tests.papertrace.training.pulse_trains import CONFIG, records


def given(data: Records) -> tuple[Design, Targets, np.ndarray]:
    choice = records(16, 1)
    design = design_of([make_pool(data, CONFIG.views, 0, None)], choice, CONFIG.dropout)
    return design, targets_of(data, CONFIG.aside), choice.labels


@pytest.fixture(scope="module")
def uninterrupted():
    return train(*given(records(32, 0, normalized=True)), CONFIG, Run("whole"))


def test_loss_falls(uninterrupted):
    losses = [figures["loss"] for figures in uninterrupted.history]
    assert len(losses) == 3 and losses[-1] < 0.9 * losses[0]


def test_resumed_run_gives_the_same_weights(uninterrupted, tmp_path):
    class Interrupted(Exception):
        pass

    def interrupt(figures):
        if figures["epoch"] == 2:
            raise Interrupted

    what = given(records(32, 0, normalized=True))
    with pytest.raises(Interrupted):
        train(*what, CONFIG, Run("part", tmp_path, on_epoch=interrupt))
    seen = []
    resumed = train(*what, CONFIG, Run("part", tmp_path, on_epoch=seen.append))
    assert [figures["epoch"] for figures in seen] == [3]
    assert resumed.history == uninterrupted.history
    for name, tensor in uninterrupted.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name]), name
    assert [path.name for path in tmp_path.iterdir()] == ["part.checkpoint"]

    with pytest.raises(ValueError, match="of another configuration"):
        train(*what, dataclasses.replace(CONFIG, seed=8), Run("part", tmp_path))


def test_views_need_a_record_in_millivolts():
    lost = dataclasses.replace(records(8, 0), millivolts=np.zeros(8, bool))
    with pytest.raises(ValueError, match="no training record is in millivolts"):
        make_pool(lost, 1, 0, None)


def test_what_else_is_known_is_learned_by_the_way():
    data = records(32, 0, normalized=True)
    targets = targets_of(data, 0.5)
    statements = len(STATEMENTS)
    # Age, sex, two axes and one rare code stand behind the statements.
    assert targets.truth.shape == targets.weight.shape == (32, statements + 5)
    assert torch.equal(targets.truth[:, :statements], torch.from_numpy(data.labels))
    voltage = [CODES.index(code) for code in ("HYP", "LVH", "VCLVH", "LOWT")]
    assert not targets.weight[1::2, voltage].any() and targets.weight[::2, voltage].all()
    behind, weight = targets.truth[:, statements:], targets.weight[:, statements:]
    assert weight[3, 0] == 0 and weight[4, 0] == 0.5, "an unknown age"
    assert weight[2, 2] == weight[2, 3] == 0, "an unknown axis"
    assert behind[1, 2] == 1 and behind[1, 3] == 0, "LAD before MID"
    assert behind[:, 4].tolist() == [1.0] * 12 + [0.0] * 20


def test_weights_are_written_and_loaded(uninterrupted, tmp_path):
    choice = records(16, 1)
    network = Ensemble([uninterrupted.network, uninterrupted.network])
    fits = {"a": uninterrupted, "b": uninterrupted}
    record = write_weights(tmp_path, fits, CONFIG, records(32, 0), choice, records(16, 2), 0, "cpu")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["arrhythmia.json", "arrhythmia.safetensors"]
    assert json.loads((tmp_path / "arrhythmia.json").read_text())["version"] == record["version"]
    weights = load_weights(tmp_path / "arrhythmia.safetensors")
    assert weights.version == record["version"] and len(weights.network.members) == 2
    for name, tensor in network.state_dict().items():
        assert torch.allclose(tensor.float(), weights.network.state_dict()[name].float(), atol=1e-3, rtol=1e-3)


def test_pool_shows_every_record_in_every_pass_and_leaves_the_signals_alone():
    data = records(12, 0)
    before = data.signals.copy()
    pool = make_pool(data, 3, 1, None)
    assert len(pool) == 36 and all(len(pool.by_record[record]) == 3 for record in range(12))
    assert np.array_equal(data.signals, before)
    assert np.isfinite(pool.beats).all() and np.isfinite(pool.rhythm).all()
    again = make_pool(data, 3, 1, None)
    assert np.array_equal(pool.beats, again.beats) and not np.array_equal(pool.beats, make_pool(data, 3, 2, None).beats)


def test_layouts_leads_and_confidence_vary():
    rng = np.random.default_rng(0)
    views = [show(records(4, 0).signals[0], rng, None) for _ in range(150)]
    shown = [int(view.beats_seen.any(axis=1).sum()) for view in views]
    assert max(shown) == 12 and 1 in shown and len({view.rhythm_lead for view in views}) > 4
    assert min(float(view.rhythm_seen[view.rhythm_seen > 0].min(initial=1.0)) for view in views) < 0.9


def test_batches_are_drawn_from_every_pool():
    data = records(8, 0)
    first, second = make_pool(data, 1, 1, None), make_pool(data.take(np.arange(8) < 2), 1, 2, None)
    rng = np.random.default_rng(0)
    batch = batch_of([first, second], np.array([0, 5]), rng)
    assert [tuple(tensor.shape[:1]) for tensor in batch] == [(2,)] * 6 and batch[-1].dtype == torch.int64
    drawn = {batch_of([first, second], np.array([0]), rng)[3].sum().item() for _ in range(20)}
    assert len(drawn) == 2


def test_recorded_noise(tmp_path):
    assert load_noise(tmp_path) is None
    signal = np.zeros((12, 1000), np.float32)
    noise = np.ones((1, 2000), np.float32)
    added = [np.ptp(disturb(signal, np.random.default_rng(seed), noise), axis=0).max() for seed in range(30)]
    plain = [np.ptp(disturb(signal, np.random.default_rng(seed), None), axis=0).max() for seed in range(30)]
    assert sum(added) > sum(plain)


def test_pages_are_cut_as_printed():
    views = page_views(records(2 * 2, 0))
    assert views[1].rhythm_lead == LEAD_NAMES.index("II")
    assert views[1].beats_seen.any(axis=1).all()


def test_donor_scale():
    rng = np.random.default_rng(0)
    signal, donor = rng.normal(size=(2, 12, 1000)).astype(np.float32) * np.arange(1, 13, dtype=np.float32)[:, None]
    donor = donor[::-1].copy()
    scaled = with_donor_scale(signal, donor)
    assert np.allclose(scaled[6:].std(1), donor[6:].std(1), rtol=1e-4)
    assert scaled[1].std() == pytest.approx(donor[1].std(), rel=1e-4)
    assert np.allclose(scaled[:6] / signal[:6], scaled[1, 0] / signal[1, 0], rtol=1e-4)


def test_macro_auroc_leaves_out_what_cannot_be_judged():
    data = records(20, 0)
    figures = macro_auroc(data.labels, data.labels)
    assert figures == {"superclass": 1.0, "rhythm": 1.0, "all": 1.0}
    assert np.isnan(macro_auroc(np.zeros_like(data.labels), data.labels)["all"])


def test_command(folder, tmp_path, capsys):
    out = tmp_path / "run"
    main(["--data", str(folder), "--out", str(out), "--epochs", "1", "--members", "2", "--pages", "0"])
    files = sorted(path.name for path in out.iterdir())
    assert files == ["arrhythmia-7.checkpoint", "arrhythmia-8.checkpoint", "arrhythmia.json", "arrhythmia.safetensors"]
    record = json.loads((out / "arrhythmia.json").read_text())
    assert record["data"]["train"]["records"] == 2 and record["data"]["fold 9"]["records"] == 1
    assert record["version"] == load_weights(out / "arrhythmia.safetensors").version
    assert "2 records to train on, in 16 views and 0 pages, 1 to choose, 1 to report" in capsys.readouterr().out


def test_command_without_a_fold_to_choose_on(folder, tmp_path, capsys):
    for file in folder.rglob("00003_*"):
        file.unlink()
    with pytest.raises(SystemExit):
        main(["--data", str(folder), "--out", str(tmp_path / "run")])
    assert "no record of fold 8 in millivolts" in capsys.readouterr().err

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import wfdb

from classify.signal.inputs import ABSENT
from classify.signal.network import BRANCHES, ArrhythmiaNetwork
from papertrace.datasets.mitbih import Recording
from papertrace.training import arrhythmia
from papertrace.training.arrhythmia import design_of, load_branches
from papertrace.training.loop import Run
from papertrace.training.pretraining import Config, hide, loss_of, main, train, views_of
from papertrace.training.views import make_pool, pool_views
from tests.papertrace.training.pulse_trains import CONFIG as FIT
from tests.papertrace.training.pulse_trains import records

CONFIG = Config(epochs=3, batch=8, views=2, strips=4, rate=3e-3, dropout=0.0, average=0.9)


def recording(name: str, leads: tuple[str, ...]) -> Recording:
    clock = np.arange(30 * 360) / 360
    signal = np.exp(-((((clock % 0.8) - 0.4) / 0.02) ** 2)) * np.array([[1.0], [-0.5]])
    nothing = np.empty(0, np.int64)
    return Recording(name, leads, 360, signal.astype(np.float32), nothing, np.empty(0, str), np.empty((0, 2), np.int64))


def test_strips_of_two_leads_are_pages_of_two_leads():
    views, of = views_of([recording("a", ("MLII", "V1")), recording("b", ("V5", "MLII"))], 3, 0, None)
    assert of == [0, 0, 0, 1, 1, 1]
    shown = [np.flatnonzero(view.beats_seen.any(axis=1)).tolist() for view in views]
    assert shown == [[1, 6]] * 3 + [[1, 10]] * 3
    assert all(view.rhythm_lead == 1 and view.rhythm_seen.all() for view in views)
    assert views[0].beats[1].max() > 0.7 and views[0].beats[6].min() < -0.3


def test_as_much_is_hidden_as_was_asked_for():
    beats, rhythm = hide(CONFIG, 400, np.random.default_rng(0))
    assert set(beats.unique().tolist()) == set(rhythm.unique().tolist()) == {0, 1}
    whole = (beats.amax(2) == 0).float().mean()
    assert float(whole) == pytest.approx(CONFIG.leads, abs=0.03)
    assert float(rhythm.mean()) == pytest.approx(1 - CONFIG.rhythm, abs=0.03)
    span = beats[beats.amax(2) > 0].sum(1)
    assert set(span.tolist()) == {80, 100} and float((span == 80).float().mean()) == pytest.approx(
        CONFIG.spans, abs=0.03
    )
    none, _ = hide(replace(CONFIG, leads=0.0, spans=0.0), 10, np.random.default_rng(0))
    assert none.all()


def test_what_is_not_known_costs_nothing_and_what_was_shown_little():
    true, sure = torch.ones(1, 12, 100), torch.zeros(1, 12, 100)
    sure[:, :2] = 1
    hidden = torch.zeros_like(true)
    assert loss_of(true, true, sure, hidden, 0.1) == 0
    wrong = true.clone()
    wrong[:, 2:] = 9
    assert loss_of(wrong, true, sure, hidden, 0.1) == 0
    kept = hidden.clone()
    kept[:, 0] = 1
    of_shown, of_hidden = true.clone(), true.clone()
    of_shown[:, 0], of_hidden[:, 1] = 0, 0
    costs = [float(loss_of(told, true, sure, kept, 0.1)) for told in (of_shown, of_hidden)]
    assert costs[0] == pytest.approx(0.1 * costs[1])


@pytest.fixture(scope="module")
def pools():
    data = records(24, 0, normalized=True)
    views, of = views_of([recording("a", ("MLII", "V1"))], 8, 0, None)
    return [make_pool(data, 2, 0, None), pool_views(views, 24 + np.arange(len(of)))]


def test_losses_fall_and_a_resumed_run_gives_the_same_weights(pools, tmp_path):
    fitted = train(pools, CONFIG, Run("part"))
    assert [epoch["epoch"] for epoch in fitted.history] == [1, 2, 3]
    first, *_, last = fitted.history
    assert last["beats"] < first["beats"] and last["rhythm"] < first["rhythm"]

    class Interrupted(Exception):
        pass

    def interrupt(figures):
        if figures["epoch"] == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(pools, CONFIG, Run("part", tmp_path, on_epoch=interrupt))
    whole, resumed = fitted.network, train(pools, CONFIG, Run("part", tmp_path)).network
    for name, part in whole.branches().items():
        assert torch.equal(part, resumed.branches()[name]), name
    assert {name.split(".")[0] + "." for name in whole.branches()} == set(BRANCHES)
    random = ArrhythmiaNetwork().state_dict()
    assert not torch.equal(whole.branches()["lstm.weight_hh_l0"], random["lstm.weight_hh_l0"])


def test_a_page_without_a_rhythm_strip_teaches_the_beats_alone(pools):
    first = pools[0]
    lead = np.full_like(first.rhythm_lead, ABSENT)
    silent = replace(first, rhythm=0 * first.rhythm, rhythm_seen=0 * first.rhythm_seen, rhythm_lead=lead)
    batch = arrhythmia.batch_of([silent], np.arange(4), np.random.default_rng(0))
    assert float(loss_of(torch.ones(4, 1000), batch[3], batch[4], torch.zeros(4, 1000), 0.1)) == 0


def test_the_command_leaves_what_the_fit_begins_with(folder, tmp_path, capsys):
    out = tmp_path / "run"
    (tmp_path / "mit").mkdir()
    clock = np.arange(30 * 360) / 360
    signal = np.exp(-((((clock % 0.8) - 0.4) / 0.02) ** 2))[:, None] * np.array([1.0, -0.5])
    wfdb.wrsamp(
        "101", 360, ["mV"] * 2, ["MLII", "V1"], p_signal=signal, fmt=["16"] * 2, write_dir=str(tmp_path / "mit")
    )
    wfdb.wrann("101", "atr", np.array([144, 432]), ["N", "N"], write_dir=str(tmp_path / "mit"))
    given = [
        "--data",
        str(folder),
        "--mitbih",
        str(tmp_path / "mit"),
        "--out",
        str(out),
        "--epochs",
        "1",
        "--views",
        "1",
    ]
    main(given)
    assert "2 records of PTB-XL, 1 of MIT-BIH" in capsys.readouterr().out
    record = json.loads((out / "pretraining.json").read_text())
    version, start = load_branches(out / "pretraining.safetensors")
    assert version == record["version"]

    design = design_of([make_pool(records(8, 0), 1, 0, None)], records(4, 1), FIT.dropout, start)
    begun = design.make(3).state_dict()
    assert all(torch.equal(begun[name], part) for name, part in start.items())
    fit = tmp_path / "fit"
    arguments = ["--data", str(folder), "--out", str(fit), "--epochs", "1", "--members", "1", "--pages", "0"]
    arrhythmia.main([*arguments, "--pretrained", str(out / "pretraining.safetensors")])
    assert json.loads((fit / "arrhythmia.json").read_text())["configuration"]["pretrained"] == version
    with pytest.raises(ValueError, match="of another configuration"):
        arrhythmia.main(arguments)


def test_weights_of_something_else_are_refused():
    from digitize.strips.confidence import WEIGHTS

    with pytest.raises(ValueError, match=r"confidence\.safetensors: of another network: .* has shape"):
        load_branches(WEIGHTS)

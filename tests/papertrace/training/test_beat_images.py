from __future__ import annotations

import csv
import dataclasses
import json

import cv2
import numpy as np
import pytest

from classify.beats.images import SIDE
from papertrace.datasets.mitbih import Recording
from papertrace.training import beat_images
from papertrace.training.beat_images import (
    FOLDS,
    Config,
    cross_validate,
    draw_beat,
    draw_folder,
    main,
    moved,
    read_folder,
    train,
)
from papertrace.training.loop import Run


def recording(name: str, seed: int) -> Recording:
    """Narrow upright beats, and broad ones that point down."""
    rng = np.random.default_rng(seed)
    at = np.arange(400, 40_000, 400)
    classes = np.where(rng.random(len(at)) < 0.4, "V", "N")
    time = np.arange(41_000)
    signal = 0.02 * rng.standard_normal((2, len(time)))
    for beat, kind in zip(at, classes, strict=True):
        width, height = (30, -1.2) if kind == "V" else (6, 1.0)
        signal[:, beat - 150 : beat + 150] += height * np.exp(-((np.arange(-150, 150) / width) ** 2))
    return Recording(name, ("MLII", "V1"), 360, signal.astype(np.float32), at, classes, np.zeros((0, 2), np.int64))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("beats")
    counts = draw_folder([recording(str(name), name) for name in range(101, 113)], folder, 6)
    assert counts == {"N": 72, "V": 72}
    return folder


def test_a_folder_a_class(folder):
    assert sorted(path.name for path in folder.iterdir()) == ["N", "V"]
    picture = cv2.imread(str(sorted((folder / "N").iterdir())[0]), cv2.IMREAD_GRAYSCALE)
    assert picture.shape == (SIDE, SIDE) and np.median(picture) == 255 and picture.min() < 60


def test_records_stay_together(folder):
    images = read_folder(folder, 1)
    assert images.classes == ("N", "V") and images.groups == 12
    assert np.unique(images.fold).tolist() == list(range(FOLDS))
    assert set(np.bincount(images.fold)) == {24, 36}, "two or three records of twelve pictures each"
    assert np.median(images.ink) == 0 and images.ink.max() > 200
    with pytest.raises(ValueError, match="pictures of 0 classes; allowed: at least two"):
        read_folder(folder / "N", 1)


def test_without_names_of_records_every_picture_is_by_itself(folder, tmp_path):
    for number, file in enumerate(sorted(folder.glob("*/*"))):
        (tmp_path / file.parent.name).mkdir(exist_ok=True)
        (tmp_path / file.parent.name / f"{number}.png").write_bytes(file.read_bytes())
    assert read_folder(tmp_path, 1).groups == 144


def test_white_on_black_is_the_same(folder, tmp_path):
    for file in folder.glob("*/*"):
        (tmp_path / file.parent.name).mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / file.parent.name / file.name), 255 - cv2.imread(str(file)))
    assert (read_folder(folder, 1).ink == read_folder(tmp_path, 1).ink).all()


def test_it_learns_to_tell_beats(folder):
    images = read_folder(folder, 1)
    config = Config(width=4, epochs=6, batch=8)
    history = train(images, images.fold > 0, config, Run("fit")).history
    assert history[-1]["loss"] < 0.7 * history[0]["loss"]
    judged = cross_validate(images, config, Run("fold"))
    assert judged["accuracy"] > 0.9 and judged["F1"]["V"] > 0.9
    assert judged["pictures"] == {"N": 72, "V": 72} and judged["folds"] == FOLDS
    # What was learned from other labels does not tell these: every picture is judged by a network that never saw it.
    wrong = dataclasses.replace(images, label=np.random.default_rng(0).permutation(images.label))
    assert cross_validate(wrong, config, Run("fold"))["accuracy"] < 0.75


def test_a_beat_moves_but_stays_a_beat():
    ink, rng = 255 - draw_beat(np.where(np.arange(270) == 100, 1.0, 0.0), 360), np.random.default_rng(0)
    others = [moved(ink, rng) for _ in range(20)]
    assert all(other.shape == ink.shape and 0.6 < other.sum() / ink.sum() < 1.5 for other in others)
    tops = {int(np.flatnonzero(other.max(axis=1) > 128)[0]) for other in others}
    assert len(tops) > 5


def test_a_tall_beat_is_drawn_whole():
    tall = draw_beat(np.where(np.arange(270) == 100, 4.0, 0.0), 360)
    assert (tall[0] == 255).all() and (tall < 128).any(axis=1).sum() > 40


def test_command(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(beat_images, "load_mitbih", lambda data: (recording("201", 3),))
    main(["draw", str(tmp_path / "drawn"), "--most", "5"])
    assert json.loads(capsys.readouterr().out) == {"N": 5, "V": 5}
    run = tmp_path / "run"
    main(["train", str(folder), "--out", str(run), "--epochs", "8"])
    record = json.loads((run / "beat_images.json").read_text())
    assert record["classes"] == ["N", "V"] and sum(record["figures"]["cross-validated"]["pictures"].values()) == 144
    assert sorted(file.name for file in run.iterdir()) == ["beat_images.json", "beat_images.safetensors"]
    capsys.readouterr()
    main(["read", str(tmp_path / "drawn"), "--out", str(run)])
    told = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert len(told) == 10 and all(0.5 <= float(row["probability"]) <= 1 for row in told)
    assert sum(f"/{row['class']}/" in row["file"] for row in told) >= 9
    for given, said in (
        (["train", str(tmp_path / "nothing")], "at least two folders"),
        (["read", str(tmp_path / "nothing"), "--out", str(run)], "no picture; allowed: .png"),
        (["read", str(folder), "--out", str(tmp_path)], "beat_images.safetensors"),
    ):
        with pytest.raises(SystemExit):
            main(given)
        assert said in capsys.readouterr().err


def test_a_run_with_other_pictures_is_another_run(folder, tmp_path):
    images = read_folder(folder, 1)
    other = dataclasses.replace(images, ink=images.ink[::-1])
    config = Config(width=4, epochs=1, batch=8)
    learned = np.ones(len(images.label), bool)
    train(images, learned, dataclasses.replace(config, pictures=images.version), Run("fit", tmp_path))
    with pytest.raises(ValueError, match="of another configuration"):
        train(other, learned, dataclasses.replace(config, pictures=other.version), Run("fit", tmp_path))

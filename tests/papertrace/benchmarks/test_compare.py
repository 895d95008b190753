"""Two states of the code are held against each other: equal is told as equal, else the first stage is named."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from papertrace.benchmarks import compare
from papertrace.benchmarks.compare import Seen, find_orders, first_difference, read_seen, report
from papertrace.benchmarks.stages import STAGES, Order, digest, look_at, look_at_all

SAMPLES = Path(__file__).parents[3] / "samples"


@pytest.fixture(scope="module")
def sample() -> tuple[dict, dict, np.ndarray]:
    return look_at(Order("00024_hr.png", "samples", str(SAMPLES / "00024_hr.png")))[:3]


def test_every_stage_of_a_page_has_a_digest(sample):
    digests, facts, signal = sample
    assert tuple(digests) == STAGES
    assert facts["layout"] == "3x4+II" and signal.shape == (12, 5000)


def test_a_page_without_an_ecg_has_its_picture_and_an_error(as_png):
    order = Order("gray", "samples", as_png(np.full((300, 400, 3), 128, np.uint8), "gray.png"))
    digests, facts, signal, _ = look_at(order)
    assert tuple(digests) == ("picture",) and "no electrocardiogram" in facts["error"] and signal.shape == (12, 0)


@pytest.mark.parametrize("other", [[1.0, 3], [1.0, 2.0], [1.0], [[1.0, 2]], (np.float32(1.0), "2"), None])
def test_values_that_differ_have_other_digests(other):
    assert digest([1.0, 2]) != digest(other)


def test_one_bit_of_an_array_is_seen():
    page = np.zeros((40, 30), np.float32)
    other = page.copy()
    other[20, 10] = np.nextafter(np.float32(0), np.float32(1))
    assert digest({"ink": page}) != digest({"ink": other})


def test_what_has_no_order_of_its_own_is_refused():
    with pytest.raises(TypeError, match="object has no digest"):
        digest([object()])


def test_files_are_left_whole_and_not_made_again(tmp_path, as_png):
    orders = [Order("gray", "samples", as_png(np.full((300, 400, 3), 128, np.uint8), "gray.png")).__dict__]
    (tmp_path / "orders.json").write_text(json.dumps(orders))
    look_at_all(tmp_path / "orders.json", tmp_path / "out")
    (kept,) = (tmp_path / "out").iterdir()
    before = kept.stat().st_mtime_ns
    look_at_all(tmp_path / "orders.json", tmp_path / "out")
    assert kept.stat().st_mtime_ns == before
    assert "no electrocardiogram" in read_seen(kept, Order(**orders[0])).facts["error"]


def test_samples_are_scored_against_their_truth(sample, tmp_path):
    digests, facts, signal = sample
    (order,) = find_orders(Path("nowhere"), ["samples"], 0, 99)
    file = tmp_path / "page.npz"
    np.savez(file, signal=signal, truth=np.zeros((12, 0)), digests=json.dumps(digests), facts=json.dumps(facts))
    seen = read_seen(file, order)
    assert seen.aligned > 25 and seen.right
    assert "3x4+II, good" in seen.brief() or "3x4+II, usable" in seen.brief()


def test_a_table_names_the_stage_and_the_pages_that_changed():
    orders = [Order(name, "kit", name) for name in ("same", "moved", "lost")]
    fact = {"layout": "3x4", "verdict": "good"}
    base = [Seen({"picture": "p", "ink": "i"}, fact, 20.0, True) for _ in orders]
    head = [
        base[0],
        Seen({"picture": "p", "ink": "j"}, fact, 9.0, False),
        Seen({"picture": "p"}, {"error": "page: no trace"}, 0.0, False),
    ]
    lines = report(orders, base, head).markdown().splitlines()
    assert lines[2] == (
        "| kit | 3 | 1 | ink 2 | 3 read, 20.00 dB, right 3, wrong and trusted 0 "
        "| 2 read, 9.67 dB, right 1, wrong and trusted 1 |"
    )
    assert lines[-2:] == [
        "| kit | moved | ink | 3x4, good, 20.0 dB | 3x4, good, 9.0 dB, not right |",
        "| kit | lost | ink | 3x4, good, 20.0 dB | no trace |",
    ]
    assert first_difference(base[0], Seen(base[0].digests, {**fact, "verdict": "usable"}, 20.0, True)) == "error"


def test_an_unknown_kind_of_pages_is_refused(capsys):
    with pytest.raises(SystemExit):
        compare.main(["HEAD", "--pages", "nothing"])
    assert "allowed: samples, kit" in capsys.readouterr().err


@pytest.mark.skipif(
    subprocess.run(["git", "-C", str(SAMPLES), "rev-parse", "HEAD"], capture_output=True).returncode != 0,
    reason="needs the git repository, which an unpacked archive lacks",
)
def test_a_commit_is_equal_to_itself(tmp_path, capsys):
    chosen = ["--pages", "samples", "--every", "9", "--cache", str(tmp_path / "cache")]
    try:
        assert compare.main(["HEAD", "HEAD", *chosen]) == 0
    finally:
        for tree in (tmp_path / "cache").glob("tree-*"):
            subprocess.run(["git", "-C", str(SAMPLES), "worktree", "remove", "--force", str(tree)], check=True)
    assert "| samples | 1 | 1 | - |" in capsys.readouterr().out

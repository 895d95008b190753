from __future__ import annotations

import os
import sys
import time

import pytest

from papertrace.cli.pool import Lost, Pool
from tests.papertrace.cli import stubs


def answers(items, work=stubs.misbehave, workers=1, limit=60.0, memory=None, clock=10.0):
    with Pool(workers, limit, memory, clock) as pool:
        return list(pool.map(work, items))


def test_one_worker_keeps_the_order_and_lives_on():
    found = answers(["a", "b", "raise", "c"])
    assert [item for item, _ in found] == ["a", "b", "raise", "c"]
    assert found[2][1] == Lost("internal error: RuntimeError: two\nlines; please report it")
    assert len({answer[1] for _, answer in found if not isinstance(answer, Lost)}) == 1
    assert found[0][1][1] != os.getpid()


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("kill", "its worker was killed (SIGKILL): most likely out of memory"),
        ("crash", "its worker was killed (SIGSEGV): a crash"),
        ("exit", "its worker ended with exit code 3"),
        ("stack", "internal error: RecursionError"),
    ],
)
def test_a_death_costs_one_piece_of_work(how, told):
    found = dict(answers(["a", how, "b", "c"], workers=2))
    assert found[how].reason.startswith(told)
    assert {item for item, answer in found.items() if not isinstance(answer, Lost)} == {"a", "b", "c"}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process's data")
def test_memory_is_bounded():
    found = dict(answers(["memory", "memory of OpenCV", "abort", "a"], memory=2 * 2**30))
    for how in ("memory", "memory of OpenCV"):
        assert found[how] == Lost("needs more than 2 GiB of memory")
    told = "its worker was killed (SIGABRT): a crash, or more than 2 GiB of memory needed"
    assert found["abort"] == Lost(told)
    assert found["a"][0] == "a"


@pytest.mark.skipif(sys.platform == "win32", reason="there, processor time is not bounded")
def test_what_computes_for_ever_is_ended():
    found = dict(answers(["a", "burn", "b"], limit=2.0, clock=300.0))
    assert found["burn"] == Lost("took more than 2 s of processor time")
    assert (found["a"][0], found["b"][0]) == ("a", "b")


@pytest.mark.skipif(sys.platform == "win32", reason="there, processor time is not bounded")
def test_pieces_of_work_have_a_limit_each_and_waiting_is_no_work():
    """As on a machine that is busy with something else: twice the limit by the clock, in all and in one piece."""
    work = [("burn for", 0.7)] * 4 + [("wait for", 3.0)]
    assert [answer for _, answer in answers(work, limit=1.5, clock=300.0)] == ["done"] * 5


def test_what_waits_for_ever_is_ended():
    began = time.monotonic()
    found = dict(answers(["hang", "a"], limit=60.0, clock=0.1))
    assert found["hang"] == Lost("took longer than 6 s")
    assert found["a"][0] == "a"
    assert time.monotonic() - began < 60


def test_nothing_is_taken_before_a_worker_is_free():
    taken = []

    def items():
        for number in range(30):
            taken.append(number)
            yield number

    with Pool(2, 60.0) as pool:
        for done, (number, answer) in enumerate(pool.map(stubs.double, items()), start=1):
            assert answer == 2 * number
            assert len(taken) <= done + 2
    assert taken == list(range(30))


def test_a_pool_can_be_left_at_any_moment():
    before = os.environ.copy()
    with Pool(2, 60.0) as pool:
        for _ in pool.map(stubs.misbehave, ["a", "hang", "hang"]):
            break
        workers = [worker.process for worker in (*pool._idle, *pool._busy.values())]
    assert workers and not any(worker.is_alive() for worker in workers)
    assert os.environ.copy() == before


def test_workers_have_one_thread_each():
    ((_, (threads, opencv, _)),) = answers([None], stubs.environment)
    assert (threads, opencv) == ("1", 1)


def test_a_worker_that_died_idle_is_replaced():
    with Pool(1, 60.0) as pool:
        list(pool.map(stubs.double, [1]))
        pool._idle[0].process.kill()
        pool._idle[0].process.join()
        assert [answer for _, answer in pool.map(stubs.double, [2, 3])] == [4, 6]

"""Benchmarks are run by their names."""

from __future__ import annotations

from importlib import import_module

import pytest

from papertrace.benchmarks.__main__ import main, names

VERBS = ("Compare", "Copy", "Count", "Examine", "Judge", "Look", "Score", "Tell", "Time")


def test_every_benchmark_has_a_name_and_a_helper_has_none():
    assert {"compare", "digitization", "classification", "beats", "presets", "readme", "speed"} <= set(names())
    assert not {"stages", "report", "options", "processes", "reading"} & set(names())


@pytest.mark.parametrize("name", names())
def test_every_benchmark_says_what_it_does_and_shows_its_options(name, capsys):
    told = (import_module(f"papertrace.benchmarks.{name}").__doc__ or "").splitlines()
    assert told[0].split()[0] in VERBS
    assert any(f"``python -m papertrace.benchmarks {name}" in line for line in told[:3])
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert shown.startswith(f"usage: python -m papertrace.benchmarks {name} ")
    assert told[0].partition(":")[0].rstrip(".").split()[-1] in shown


@pytest.mark.parametrize(("given", "told"), [([], "NAME is one of: beats, "), (["bets"], "did you mean beats?")])
def test_a_name_that_is_none_is_told(given, told, capsys):
    assert main(given) == 2
    assert told in capsys.readouterr().err

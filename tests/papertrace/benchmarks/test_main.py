"""Benchmarks are run by their names."""

from __future__ import annotations

import pytest

from papertrace.benchmarks.__main__ import main, names


def test_every_benchmark_has_a_name():
    assert {"compare", "digitization", "classification", "beats", "presets", "readme", "speed"} <= set(names())


def test_options_are_the_benchmark_s(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["compare", "--help"])
    assert ended.value.code == 0 and "--printed" in capsys.readouterr().out


@pytest.mark.parametrize(("given", "told"), [([], "NAME is one of: beats, "), (["bets"], "did you mean beats?")])
def test_a_name_that_is_none_is_told(given, told, capsys):
    assert main(given) == 2
    assert told in capsys.readouterr().err

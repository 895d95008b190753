from __future__ import annotations

import subprocess
import sys

import pytest

import classify
import digitize
import papertrace
from digitize.records.results import Strip
from papertrace.cli.table import read_results


def test_every_name_is_that_of_the_package_below():
    below = {
        **vars(classify),
        "Strip": Strip,
        "__version__": digitize.version.__version__,
        "read_results": read_results,
    }
    below |= {name: getattr(digitize, name) for name in digitize.__all__}
    assert {name: getattr(papertrace, name) for name in papertrace.__all__} == {
        name: below[name] for name in papertrace.__all__
    }
    assert set(papertrace.__all__) <= set(dir(papertrace))


def test_there_are_no_other_names():
    with pytest.raises(AttributeError, match="module 'papertrace' has no attribute 'digitize'"):
        papertrace.digitize  # noqa: B018


def test_the_package_runs_as_a_command():
    done = subprocess.run([sys.executable, "-m", "papertrace", "--version"], capture_output=True, text=True, check=True)
    assert papertrace.__version__ in done.stdout

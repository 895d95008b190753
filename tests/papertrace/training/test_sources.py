"""The version of the code changes with what the code does, wherever it lies, and with nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from papertrace.training import sources
from papertrace.training.sources import modules_of, version_of_code


@pytest.fixture
def house(tmp_path, monkeypatch) -> Path:
    """A project of its own: ``house.make`` imports ``house.inner.step``, which imports ``house.inner.deep``."""
    for name, text in {
        "house/__init__.py": "",
        "house/make.py": "from house.inner import step\n\n\ndef make():\n    return step.go()\n",
        "house/inner/__init__.py": "",
        "house/inner/step.py": "def go():\n    import house.inner.deep\n\n    return house.inner.deep.DEPTH\n",
        "house/inner/deep.py": '"""Deep."""\nDEPTH = 1  # meters\n',
        "house/apart.py": "APART = 1\n",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sources, "_OURS", ("house",))
    sources._imports_of.cache_clear()
    yield tmp_path / "house"
    sources._imports_of.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] == "house"]:
        del sys.modules[name]


def test_what_is_imported_anywhere_counts(house):
    assert modules_of("house.make") == {"house.make", "house.inner.step", "house.inner.deep"}


@pytest.mark.parametrize("file", ["make.py", "inner/step.py", "inner/deep.py"])
def test_a_change_in_any_folder_is_another_version(house, file):
    before = version_of_code("house.make")
    (house / file).write_text((house / file).read_text() + "\nMORE = 2\n")
    assert version_of_code("house.make") != before


def test_words_are_no_change(house):
    before = version_of_code("house.make")
    (house / "inner" / "deep.py").write_text('"""Deeper\n\nthan before."""\n\n# one\nDEPTH = (1)\n')
    assert version_of_code("house.make") == before


def test_what_is_not_imported_is_no_change(house):
    before = version_of_code("house.make")
    (house / "apart.py").write_text("APART = 2\n")
    assert version_of_code("house.make") == before


def test_what_cannot_change_the_files_may_change(house):
    before = version_of_code("house.make", without=["house.inner.step"])
    (house / "inner" / "deep.py").write_text("DEPTH = 3\n")
    assert version_of_code("house.make", without=["house.inner.step"]) == before


def test_files_beside_the_code_count(tmp_path):
    file = tmp_path / "weights"
    file.write_text("a")
    before = version_of_code("papertrace.synth.folds", file)
    assert before == version_of_code("papertrace.synth.folds", file) != version_of_code("papertrace.synth.folds")
    file.write_text("b")
    assert version_of_code("papertrace.synth.folds", file) != before


def test_a_module_that_is_not_there_is_told():
    with pytest.raises(ModuleNotFoundError, match=r"synth\.nothing: no such module"):
        version_of_code("papertrace.synth.nothing")


@pytest.mark.parametrize(
    "module",
    [
        "papertrace.training.segments",
        "papertrace.training.samples",
        "papertrace.training.pictures",
        "papertrace.training.digitized",
    ],
)
def test_pages_depend_on_the_printer_and_the_reader(module):
    reached = modules_of(module)
    assert {"papertrace.synth.printer", "papertrace.synth.wear", "digitize.api", "digitize.geometry.lattice"} <= reached

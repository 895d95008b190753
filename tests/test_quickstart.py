"""The notebook that people start with, cell by cell, as Jupyter would run it."""

from __future__ import annotations

import ast
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from digitize.export import FORMATS
from tests.watch import PATIENCE, Watched, watch

SAMPLES = Path(__file__).parent.parent / "samples"
NOTEBOOK = json.loads((SAMPLES / "quickstart.ipynb").read_text(encoding="utf-8"))


def run_cell(source: str, names: dict[str, Any]) -> Any:
    """Run a cell; the value of its last expression is what the notebook shows."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)


def shown(value: Any) -> str:
    """What a notebook displays of a value: HTML or a picture where it has one."""
    for way in ("_repr_html_", "_repr_png_"):
        content = getattr(value, way, lambda: None)()
        if content is not None:
            return str(content)
    return repr(value)


def test_it_is_a_notebook_without_results():
    assert (NOTEBOOK["nbformat"], NOTEBOOK["nbformat_minor"]) == (4, 5)
    identifiers = [cell["id"] for cell in NOTEBOOK["cells"]]
    assert len(set(identifiers)) == len(identifiers)
    for cell in NOTEBOOK["cells"]:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == [] and cell["execution_count"] is None
            assert "".join(cell["source"]).lstrip()[0] not in "%!", "magic is not Python"


def run_notebook(told: Path) -> None:
    """Run all cells in this folder, and tell in a file what they showed and what tests want to know of them."""
    names: dict[str, Any] = {"__name__": "__main__"}
    results = {
        cell["id"]: run_cell("".join(cell["source"]), names)
        for cell in NOTEBOOK["cells"]
        if cell["cell_type"] == "code"
    }
    facts = {
        "displays": {name: shown(value) for name, value in results.items() if value is not None},
        "table": results["table"].shape,
        "gaps": int(results["table"].isna().sum().sum()),
        "arrays": results["arrays"],
        "present": [name for name, _ in results["present"]],
        "within": float(names["within"]),
        "right": names["leads"].quality.right,
    }
    told.write_text(json.dumps(facts), encoding="utf-8")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> tuple[Watched, dict[str, Any]]:
    """The notebook in a process of its own, which is watched; what it printed and showed."""
    told = tmp_path_factory.mktemp("notebook") / "told.json"
    before = sorted(SAMPLES.iterdir())
    path = os.pathsep.join(filter(None, [str(SAMPLES.parent), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-W", "error", "-m", "tests.test_quickstart", str(told)]
    watched = watch(command, SAMPLES, {"PYTHONPATH": path})
    assert watched.done.returncode == 0, watched.done.stderr
    assert sorted(SAMPLES.iterdir()) == before, "it leaves nothing behind"
    return watched, json.loads(told.read_text(encoding="utf-8"))


def test_it_runs_top_to_bottom(run):
    watched, facts = run
    displays = facts["displays"]
    assert "<svg" in displays["trace"] and len(displays["trace"]) < 200_000
    assert "Heart rate" in displays["statements"]
    assert facts["table"] == [11, 3] and facts["gaps"] == 0
    assert 0.5 < facts["arrays"] < 3
    assert "atrial fibrillation" in facts["present"]
    assert facts["within"] > 0.8
    assert facts["within"] == pytest.approx(facts["right"], abs=0.25)
    for form in FORMATS.values():
        assert f"00024{form.suffixes[0]}" in watched.done.stdout


def test_nothing_leaves_the_machine(run, can_watch):
    assert run[0].leaks == ()


if __name__ == "__main__":
    run_notebook(Path(sys.argv[1]))
    # All libraries are loaded by now, and what collects before it sends has its time.
    time.sleep(PATIENCE)

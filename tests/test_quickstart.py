"""The notebook that people start with, cell by cell, as Jupyter would run it."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

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


def test_it_runs_top_to_bottom(monkeypatch, capsys):
    monkeypatch.chdir(SAMPLES)
    before = sorted(SAMPLES.iterdir())
    names: dict[str, Any] = {"__name__": "__main__"}
    results = {
        cell["id"]: run_cell("".join(cell["source"]), names)
        for cell in NOTEBOOK["cells"]
        if cell["cell_type"] == "code"
    }
    displays = {name: shown(value) for name, value in results.items() if value is not None}
    assert "<svg" in displays["trace"] and len(displays["trace"]) < 200_000
    assert "Heart rate" in displays["diagnose"]
    assert results["table"].shape == (11, 3) and results["table"].notna().all(axis=None)
    assert 0.5 < results["arrays"] < 3
    assert "atrial fibrillation" in [name for name, _ in results["present"]]
    assert names["within"] > 0.8
    assert names["within"] == pytest.approx(names["leads"].quality.right, abs=0.25)
    printed = capsys.readouterr().out
    for file in ("00024.hea", "00024.csv", "00024.edf", "00024.dcm", "00024.fhir.json", "00024.parquet"):
        assert file in printed
    assert sorted(SAMPLES.iterdir()) == before, "it leaves nothing behind"

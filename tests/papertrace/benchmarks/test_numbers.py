"""The counter counts what it says, on a small house made up for it; the real one is not too branched."""

from __future__ import annotations

import ast

import pytest

from papertrace.benchmarks.__main__ import main
from papertrace.benchmarks.numbers import (
    FACTS,
    Count,
    arrows,
    circles,
    complexity,
    describe,
    functions,
    numbers,
    read_trees,
    weigh,
)

SOURCES = {
    "digitize/api.py": """from digitize.ink import trace

MARGIN_MM = 5


def read(page):
    return trace(page) * 0.25
""",
    "digitize/ink/__init__.py": "",
    "digitize/ink/trace.py": """import digitize.api

_PRICES = (0.5, -3.0, 1.0, 0)
_LIMITS: dict[str, int] = {'a': 7}
""",
    FACTS: "SPEEDS_MM_S = (25.0, 50.0)\n",
    "classify/beats.py": """class Beats:
    def rate(self, n):
        if n > 3 and n < 40 or not n:
            return -1
""",
}
HOUSE = {path: ast.parse(text) for path, text in SOURCES.items()}

WAITING = {
    # Rooms that wait for their rewriting.
    "digitize/layout/columns.py": {"strip_edges"},
    "digitize/layout/page_layout.py": {"read_layout"},
}
"""Functions of a complexity above 20, by file; what is split must be deleted here."""

TREES = read_trees()


def test_no_function_is_branched_more_than_twenty_fold():
    found = {}
    for path, tree in TREES.items():
        names = {name for name, function in functions(tree) if complexity(function) > 20}
        if names:
            found[path] = names
    assert found == WAITING


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("A = 3", (1, 0)),
        ("a = 3", (0, 1)),
        ("A = (3, 4.5, 1, 2, 0, -1, True)", (2, 0)),
        ("A, B = 3, 4", (2, 0)),
        ("A: float = 2 * 3.5", (1, 0)),
        ("def f(x=5):\n    LIMIT = 6\n    return x[7:] + 1e-9 + '8'", (1, 3)),
        ("A = {3: lambda x: 4}", (2, 0)),
        ("x = f'{y:.3f}'", (0, 0)),
    ],
)
def test_numbers_are_constants_or_inline(source, found):
    assert numbers(ast.parse(source)) == found


@pytest.mark.parametrize(
    ("body", "ways"),
    [
        ("return x", 1),
        ("if x:\n  pass\n elif y:\n  pass\n else:\n  pass", 3),
        ("for y in x:\n  pass\n else:\n  pass", 3),
        ("while x and y or z:\n  pass", 4),
        ("try:\n  pass\n except A:\n  pass\n except B:\n  pass", 3),
        ("return [y for y in x if y for z in y]", 4),
        ("assert x if y else z", 3),
        ("def g():\n  if x:\n   pass\n return g", 2),
        ("match x:\n  case 1:\n   pass\n  case _:\n   pass", 3),
    ],
)
def test_complexity_counts_ways(body, ways):
    ((_, function),) = functions(ast.parse(f"def f(x):\n {body}"))
    assert complexity(function) == ways


def test_a_house_is_weighed():
    assert weigh(FACTS, HOUSE[FACTS]) == Count(1, 1, constants=0, inline=0, functions=0, over_10=0, over_20=0)
    assert weigh("a.py", HOUSE[FACTS]).constants == 2
    inner = {("digitize/api.py", "digitize/ink/trace.py"), ("digitize/ink/trace.py", "digitize/api.py")}
    assert arrows(HOUSE) == inner
    assert circles(inner) == [["digitize/api.py", "digitize/ink/trace.py"]]
    assert circles(set()) == []


def test_the_tables_name_parts_rooms_and_circles():
    told = describe(HOUSE).splitlines()
    assert "| **digitize** | 4 | 12 | 4 | 1 | 1 | 0 | 0 |" in told
    assert "| digitize/ink | 2 | 4 | 3 | 0 | 0 | 0 | 0 |" in told
    assert "| **all** | 5 | 16 | 4 | 3 | 2 | 0 | 0 |" in told
    assert "| digitize | 2 | 1 | 2 | 1 |" in told


def test_the_command_prints_them(capsys, monkeypatch):
    monkeypatch.setattr("papertrace.benchmarks.numbers.read_trees", lambda: HOUSE)
    assert main(["numbers"]) == 0
    assert "| **papertrace** |" in capsys.readouterr().out

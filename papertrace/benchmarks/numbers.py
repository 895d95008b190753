"""Count what the code weighs: ``python -m papertrace.benchmarks numbers``.

Every number in the code that no source and no sweep stands for is a guess that somebody has to understand, and every
branch is a case that somebody has to test. The table counts both, for each package and each of its rooms.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from papertrace.benchmarks.options import parser_for
from papertrace.benchmarks.report import table

ROOT = Path(__file__).parents[2]
PARTS = ("digitize", "classify", "papertrace")
FACTS = "digitize/records/standards.py"
"""Numbers with a source: they are not counted."""

_PLAIN = (0, 1, 2)
"""Numbers that tune nothing; minus one is a minus before one of them."""
_BRANCHED, _MUCH_BRANCHED = 10, 20


@dataclass(frozen=True)
class Count:
    """Counts of some files.

    Attributes
    ----------
    files, lines : int
    constants, inline : int
        Numbers other than 0, 1, 2 and -1 that are assigned to a name in capitals, and all others; each number of a
        tuple counts.
    functions, over_10, over_20 : int
        Functions and methods, and those above a cyclomatic complexity.
    """

    files: int
    lines: int
    constants: int
    inline: int
    functions: int
    over_10: int
    over_20: int


def numbers(tree: ast.AST) -> tuple[int, int]:
    """Count the numbers of a module.

    Parameters
    ----------
    tree : ast.AST

    Returns
    -------
    tuple of int
        Those assigned to names in capitals, and all others.

    Examples
    --------
    >>> numbers(ast.parse("_REACH = (3, 4.5)" + chr(10) + "x = y[0] * 0.7 if z else -1"))
    (2, 1)
    """
    constants = sum(
        _tuned(node) for assigned in ast.walk(tree) if _is_constant(assigned) for node in ast.walk(assigned)
    )
    return constants, sum(map(_tuned, ast.walk(tree))) - constants


def complexity(function: ast.AST) -> int:
    """Count the independent ways through a function (McCabe 1976), its inner functions included.

    Parameters
    ----------
    function : ast.AST

    Returns
    -------
    int
        One, and one more for each branch, loop, handler, condition of a comprehension, and ``and`` or ``or``.

    Examples
    --------
    >>> complexity(ast.parse("def f(x): return [y for y in x if y > 0 and y < 9]").body[0])
    4
    """
    return 1 + sum(map(_branches, ast.walk(function)))


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """List the functions of a module and the methods of its classes.

    Examples
    --------
    >>> [name for name, _ in functions(ast.parse("class A:" + chr(10) + " def b(self): pass"))]
    ['A.b']
    """
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    yield f"{node.name}.{inner.name}", inner


def weigh(path: str, tree: ast.Module) -> Count:
    """Weigh a file.

    Parameters
    ----------
    path : str
        From the root, parted by ``/``.
    tree : ast.Module

    Returns
    -------
    Count
        Its lines are those up to the end of its last statement.

    Examples
    --------
    >>> weigh("digitize/a.py", ast.parse("X = 7"))
    Count(files=1, lines=1, constants=1, inline=0, functions=0, over_10=0, over_20=0)
    """
    constants, inline = (0, 0) if path == FACTS else numbers(tree)
    ways = [complexity(function) for _, function in functions(tree)]
    over = (sum(one > most for one in ways) for most in (_BRANCHED, _MUCH_BRANCHED))
    lines = (tree.body[-1].end_lineno or 0) if tree.body else 0
    return Count(1, lines, constants, inline, len(ways), *over)


def arrows(trees: Mapping[str, ast.Module]) -> set[tuple[str, str]]:
    """List which module imports which, wherever in the module.

    Parameters
    ----------
    trees : mapping
        Path from the root, parted by ``/``, to module.

    Returns
    -------
    set of (str, str)
        Paths: the first imports the second.

    Examples
    --------
    >>> sources = {"p/a.py": "from p import b", "p/b.py": "import os, p.a", "p/__init__.py": ""}
    >>> sorted(arrows({path: ast.parse(text) for path, text in sources.items()}))
    [('p/a.py', 'p/b.py'), ('p/b.py', 'p/a.py')]
    """
    modules = {path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in trees}
    found = set()
    for path, tree in trees.items():
        for name in _imported(tree):
            # From a package: the module of that name, or the package itself.
            module = name if name in modules else name.rpartition(".")[0]
            if module in modules and modules[module] != path:
                found.add((path, modules[module]))
    return found


def circles(pairs: set[tuple[str, str]]) -> list[list[str]]:
    """Find what imports itself by way of others.

    Parameters
    ----------
    pairs : set of (str, str)
        See `arrows`.

    Returns
    -------
    list of list of str
        The members of each circle.

    Examples
    --------
    >>> circles({("a", "b"), ("b", "a"), ("b", "c")})
    [['a', 'b']]
    """
    names = sorted({name for pair in pairs for name in pair})
    if not names:
        return []
    starts, ends = ([names.index(pair[side]) for pair in pairs] for side in (0, 1))
    graph = coo_array((np.ones(len(pairs)), (starts, ends)), shape=(len(names), len(names)))
    _, groups = connected_components(graph, connection="strong")
    members = [[names[index] for index in np.flatnonzero(groups == group)] for group in np.unique(groups)]
    return sorted(group for group in members if len(group) > 1)


def room(path: str) -> str:
    """Name the room that a file is in: the part's first folder or module.

    Examples
    --------
    >>> room("digitize/layout/clock.py"), room("digitize/api.py")
    ('digitize/layout', 'digitize/api')
    """
    return "/".join(path.removesuffix(".py").split("/")[:2])


def describe(trees: Mapping[str, ast.Module]) -> str:
    """Write the tables.

    Parameters
    ----------
    trees : mapping
        Path from the root, parted by ``/``, to module.

    Returns
    -------
    str
        Markdown.
    """
    weights = {path: weigh(path, tree) for path, tree in trees.items()}
    rows: list[list[object]] = []
    for part in PARTS:
        inside = [path for path in weights if path.startswith(f"{part}/")]
        rows.append([f"**{part}**", *_sum(weights[path] for path in inside)])
        for name in sorted(set(map(room, inside))):
            rows.append([name, *_sum(weights[path] for path in inside if room(path) == name)])
    rows.append(["**all**", *_sum(weights.values())])
    pairs = arrows(trees)
    by_room = {(room(first), room(second)) for first, second in pairs if room(first) != room(second)}
    imports: list[list[object]] = []
    for part in PARTS:
        kinds = [
            {pair for pair in kind if all(name.startswith(f"{part}/") for name in pair)} for kind in (by_room, pairs)
        ]
        imports.append([part, *(figure for kind in kinds for figure in (len(kind), len(circles(kind))))])
    head = ["", *(field.name.replace("_", " ") for field in fields(Count))]
    imported = ["part", "arrows between rooms", "circles", "arrows between modules", "circles"]
    return "\n".join([*table(head, rows), "", *table(imported, imports)])


def _sum(counts: Iterable[Count]) -> list[int]:
    return [sum(column) for column in zip(*map(astuple, counts), strict=True)]


def read_trees(root: Path = ROOT) -> dict[str, ast.Module]:
    """Read the code of all parts.

    Parameters
    ----------
    root : Path
        Folder in which the packages lie.

    Returns
    -------
    dict
        Path from the root, parted by ``/``, to module.
    """
    files = sorted(file for part in PARTS for file in (root / part).rglob("*.py"))
    return {file.relative_to(root).as_posix(): ast.parse(file.read_text(encoding="utf-8")) for file in files}


def _is_constant(node: ast.AST) -> bool:
    if not isinstance(node, (ast.Assign, ast.AnnAssign)):
        return False
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
    return bool(names) and all(name.isupper() for name in names)


def _tuned(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value not in _PLAIN


def _branches(node: ast.AST) -> int:
    if isinstance(node, (ast.If, ast.IfExp, ast.ExceptHandler, ast.Assert, ast.match_case)):
        return 1
    if isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
        return 1 + bool(node.orelse)
    if isinstance(node, ast.BoolOp):
        return len(node.values) - 1
    if isinstance(node, ast.comprehension):
        return 1 + len(node.ifs)
    return 0


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    parser_for("numbers", __doc__, out=False).parse_args(arguments)
    print(describe(read_trees()))


if __name__ == "__main__":
    main()

"""Which version of the code made a file: a hash over all modules that the making of it can reach."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Collection, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_OURS = ("classify", "digitize", "papertrace")


def version_of_code(module: str, *files: Path, without: Collection[str] = ()) -> str:
    """Hash what a module does: its code and that of every module of this project that it imports, at any depth.

    Comments, docstrings and the layout of lines do not count, so that a file in a cache outlives a change of words.

    Parameters
    ----------
    module : str
        Name of the module that makes the files.
    *files : Path
        What else they depend on, e.g. weights.
    without : collection of str
        Modules that cannot change the files, though the module imports them; what only they import is left out, too.

    Returns
    -------
    str
        Beginning of the SHA-256 of all of it.

    Raises
    ------
    ModuleNotFoundError
        If there is no such module.

    Examples
    --------
    >>> whole = version_of_code("papertrace.synth.printer")
    >>> whole == version_of_code("papertrace.synth.printer", without=["digitize.geometry.grid"])
    True
    >>> whole == version_of_code("papertrace.synth.printer", without=["papertrace.synth.pen"])
    False
    """
    parts = [_tree_of(name) for name in sorted(modules_of(module, without))]
    parts += [file.read_bytes() for file in files]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:12]


def modules_of(module: str, without: Collection[str] = ()) -> set[str]:
    """Name the modules of this project that a module imports, at any depth and anywhere in its code.

    Parameters
    ----------
    module : str
    without : collection of str
        Modules that are passed over.

    Returns
    -------
    set of str
        The module itself among them.

    Raises
    ------
    ModuleNotFoundError
        If there is no such module.

    Examples
    --------
    >>> sorted(modules_of("papertrace.synth.folds"))
    ['papertrace.synth.brush', 'papertrace.synth.folds', 'papertrace.synth.noise']
    """
    found, coming = set[str](), [module]
    while coming:
        name = coming.pop()
        if name not in found:
            found.add(name)
            coming += [other for other in _imports_of(name) if other not in without]
    return found


@cache
def _imports_of(module: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_named(ast.parse(_file_of(module).read_text(encoding="utf-8")))))


def _named(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] in _OURS)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in _OURS:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if _is_module(inner) else node.module


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _file_of(module: str) -> Path:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{module}: no such module")
    return Path(spec.origin)


def _tree_of(module: str) -> bytes:
    """Write down what a module does: its syntax tree without docstrings and places."""
    tree = ast.parse(_file_of(module).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [statement for statement in body if not _is_text(statement)]  # type: ignore[attr-defined]
    return ast.dump(tree).encode()


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )

"""Weights of the learned parts: safetensors (no code can hide in them), checked against their training record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import torch

Network = TypeVar("Network", bound="torch.nn.Module")


def load_trained(
    path: Path, build: Callable[[dict[str, Any]], Network], made_by: str | None = None
) -> tuple[Network, dict[str, Any]]:
    """Load a network and the record of its training.

    Parameters
    ----------
    path : Path
        The ``.safetensors`` file.
    build : callable
        Makes the untrained network from the record.
    made_by : str, optional
        Module of `papertrace.training`, and its options, that writes the file; by default that of the file's name.

    Returns
    -------
    network : Module
        Set to evaluation.
    record : dict
        See `read_weights`.

    Raises
    ------
    FileNotFoundError
        If the weights or their record are missing.
    ValueError
        If the weights are not those of the record, the record lacks what `build` needs, or they are of another
        network.

    Examples
    --------
    >>> from digitize.refine.correct import WEIGHTS
    >>> from digitize.refine.network import Refiner
    >>> network, record = load_trained(WEIGHTS, lambda record: Refiner(record["steps"]))
    >>> network.training, record["version"] == record["sha256"][:12]
    (False, True)
    """
    from safetensors.torch import load

    content, record = read_weights(path, made_by)
    try:
        network = build(record)
    except KeyError as error:
        raise ValueError(f"{path.with_suffix('.json')}: has no {error}, which this code needs") from error
    state = load(content)
    check_shapes(path, state, {name: tensor.shape for name, tensor in network.state_dict().items()})
    network.load_state_dict(state)
    return network.eval(), record


def check_shapes(path: Path, found: Mapping[str, Any], needed: Mapping[str, Iterable[int]]) -> None:
    """See that tensors are those of this code's network.

    Parameters
    ----------
    path : Path
        What they were read from.
    found : mapping of str to tensor or ndarray
    needed : mapping of str to shape

    Raises
    ------
    ValueError
        If one is missing, of another shape, or not needed; it names the first.

    Examples
    --------
    >>> import numpy as np
    >>> check_shapes(Path("a.safetensors"), {"bias": np.zeros(3)}, {"bias": (2,)})
    Traceback (most recent call last):
    ...
    ValueError: a.safetensors: of another network: bias has shape (3,); this code's has (2,)
    """
    has = {name: tuple(tensor.shape) for name, tensor in found.items()}
    wants = {name: tuple(shape) for name, shape in needed.items()}
    for name in sorted(has.keys() | wants.keys()):
        if has.get(name) != wants.get(name):
            raise ValueError(
                f"{path}: of another network: {name} has shape {has.get(name)}; this code's has {wants.get(name)}"
            )


def check_names(path: Path, what: str, found: Iterable[str], needed: Iterable[str]) -> None:
    """See that what a network gives or takes has this code's names, in its order.

    Parameters
    ----------
    path : Path
        The weights.
    what : str
        What has these names, e.g. ``"classes"``.
    found, needed : iterable of str

    Raises
    ------
    ValueError
        If they differ.

    Examples
    --------
    >>> check_names(Path("a.safetensors"), "classes", "NS", "NV")
    Traceback (most recent call last):
    ...
    ValueError: a.safetensors: classes N, S; this code's are N, V
    """
    has, wants = tuple(found), tuple(needed)
    if has != wants:
        raise ValueError(f"{path}: {what} {', '.join(has)}; this code's are {', '.join(wants)}")


def read_weights(path: Path, made_by: str | None = None) -> tuple[bytes, dict[str, Any]]:
    """Read a weights file and the record of its training, and see that they belong together.

    Parameters
    ----------
    path : Path
        The ``.safetensors`` file; the record lies beside it, with the suffix ``.json``.
    made_by : str, optional
        See `load_trained`.

    Returns
    -------
    content : bytes
        For `safetensors.numpy.load` or `safetensors.torch.load`.
    record : dict
        With ``sha256``, the file's hash, and ``version``, the beginning of it.

    Raises
    ------
    FileNotFoundError
        If the weights or their record are missing.
    ValueError
        If the record is damaged, or the weights are not its.

    Examples
    --------
    >>> from digitize.strips.confidence import WEIGHTS
    >>> content, record = read_weights(WEIGHTS)
    >>> record["sha256"].startswith(record["version"])
    True
    """
    record_path = path.with_suffix(".json")
    for needed in (path, record_path):
        if not needed.is_file():
            maker = made_by or path.stem
            raise FileNotFoundError(f"{needed}: no such file; `python -m papertrace.training.{maker}` writes it")
    content = path.read_bytes()
    try:
        record = json.loads(record_path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{record_path}: damaged: {error}") from error
    stated, found = record.get("sha256"), hash_of(content)
    if stated != found["sha256"]:
        raise ValueError(
            f"{path}: damaged or exchanged: its SHA-256 is {found['sha256']}, {record_path.name} has {stated}"
        )
    return content, record


def version_of(path: Path) -> str:
    """Tell the version of weights, as their training record has it.

    Parameters
    ----------
    path : Path
        The ``.safetensors`` file, which is not read.

    Returns
    -------
    str

    Raises
    ------
    FileNotFoundError
        If the record is missing.

    Examples
    --------
    >>> from digitize.refine.correct import WEIGHTS
    >>> version_of(WEIGHTS) == read_weights(WEIGHTS)[1]["version"]
    True
    """
    record = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return str(record["version"])


def hash_of(content: bytes) -> dict[str, str]:
    """Give what a training record says of its weights: ``version`` and ``sha256``.

    Examples
    --------
    >>> hash_of(b"")["version"]
    'e3b0c44298fc'
    """
    digest = hashlib.sha256(content).hexdigest()
    return {"version": digest[:12], "sha256": digest}

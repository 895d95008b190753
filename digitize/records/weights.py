"""Weights of the learned parts: safetensors (no code can hide in them), checked against their training record."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def read_weights(path: Path) -> tuple[bytes, dict[str, Any]]:
    """Read a weights file and the record of its training, and see that they belong together.

    Parameters
    ----------
    path : Path
        The ``.safetensors`` file; the record lies beside it, with the suffix ``.json``.

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
        If the weights are not those of the record.

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
            raise FileNotFoundError(f"{needed}: no such file; `python -m papertrace.training.{path.stem}` writes it")
    content = path.read_bytes()
    record = json.loads(record_path.read_text(encoding="utf-8"))
    stated, found = record.get("sha256"), hash_of(content)
    if stated != found["sha256"]:
        raise ValueError(
            f"{path}: damaged or exchanged: its SHA-256 is {found['sha256']}, {record_path.name} has {stated}"
        )
    return content, record


def fill_network(network: torch.nn.Module, content: bytes, path: Path) -> None:
    """Put weights into a network, in place.

    Parameters
    ----------
    network : Module
    content : bytes
        From `read_weights`.
    path : Path
        What they were read from.

    Raises
    ------
    ValueError
        If they are another network's.
    """
    from safetensors.torch import load

    try:
        network.load_state_dict(load(content))
    except RuntimeError as error:
        raise ValueError(f"{path}: not of this code's network: {' '.join(str(error).split())}") from error


def hash_of(content: bytes) -> dict[str, str]:
    """Give what a training record says of its weights: ``version`` and ``sha256``.

    Examples
    --------
    >>> hash_of(b"")["version"]
    'e3b0c44298fc'
    """
    digest = hashlib.sha256(content).hexdigest()
    return {"version": digest[:12], "sha256": digest}

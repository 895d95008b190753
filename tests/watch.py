"""Watch a command, every thread and child of it, for calls that could take something off this machine.

``strace`` sees what a library's own threads ask of the system, whatever language they are written in. Each such call is
noted and refused, so that nothing leaves even where a test fails for it.
"""

from __future__ import annotations

import ipaddress
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pytest

_SENDING = "connect,sendto,sendmsg,sendmmsg"
"""Calls that open a way to somewhere or send without one."""

_STRACE = (
    "strace", "-f", "--seccomp-bpf", "-qq", "-v", "-s", "0", "-e", "signal=none",
    # A ring takes calls that no filter sees: who sets one up cannot be watched.
    "-e", f"trace={_SENDING},?io_uring_setup",
    "-e", f"inject={_SENDING}:error=ENETUNREACH",
)  # fmt: skip

_WITHIN = {"AF_UNIX", "AF_NETLINK", "AF_UNSPEC"}
"""Families of addresses that are this machine's own."""

_FAMILY = re.compile(r"sa_family=(\w+)")
_ADDRESS = re.compile(r'sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]+)"')
_HUSH = re.compile(
    "CI|GITHUB_.*|GITLAB_.*|JENKINS_.*|TF_BUILD|TRAVIS|CIRCLECI|DO_NOT_TRACK|.*TELEMETRY.*", re.IGNORECASE
)
"""Variables at which libraries keep silent: a user has none of them."""

PATIENCE = 15.0
"""Seconds after which something that collects before it sends has sent (onnxruntime 1.32 begins after 9)."""

_LOOK_UP = 53
"""Port at which names are looked up: a resolver on this machine asks others."""


@dataclass(frozen=True)
class Watched:
    """What a command did.

    Attributes
    ----------
    done : CompletedProcess
        With `stdout` and `stderr` as text.
    leaks : tuple of str
        Calls for somewhere else, as strace writes them; also empty where `why_not` says why nothing can be watched.
    """

    done: subprocess.CompletedProcess[str]
    leaks: tuple[str, ...]


@lru_cache(maxsize=1)
def why_not() -> str:
    """Say why commands cannot be watched here; empty where they can."""
    if shutil.which("strace") is None:
        return "nothing can be watched without strace (Linux; Debian's package strace)"
    tried = subprocess.run([*_STRACE, "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return f"strace cannot watch here: {tried.stderr.strip()}" if tried.returncode or tried.stderr else ""


def skip_unwatched() -> None:
    """Skip a test where nothing can be watched; fail it in continuous integration, which must see."""
    if reason := why_not():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


def watch(command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None) -> Watched:
    """Run a command as a user would and note every call for somewhere else; where nothing can be watched, just run it.

    `env` is what the command finds set besides this process's variables.
    """
    users = {name: value for name, value in os.environ.items() if not _HUSH.fullmatch(name)}
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "calls"
        log.touch()
        watcher = () if why_not() else (*_STRACE, "-o", str(log))
        done = subprocess.run(
            [*watcher, *command],
            cwd=cwd,
            env={**users, **(env or {})},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return Watched(done, tuple(line for line in lines if leaves(line)))


def leaves(call: str) -> bool:
    """Tell whether a line of strace's is a call for somewhere else, or for a name."""
    if "io_uring_setup(" in call or "/resolve/" in call:
        return True
    families = set(_FAMILY.findall(call)) - _WITHIN
    addresses = _ADDRESS.findall(call)
    if families and not addresses:
        return True
    return any(int(port) == _LOOK_UP or not ipaddress.ip_address(host).is_loopback for port, host in addresses)

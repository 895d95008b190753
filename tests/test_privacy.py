"""Nothing leaves the machine: the watch that other tests rely on sees whatever would, and imports are quiet.

The command and the notebook are watched where they are run anyway: `tests/papertrace/cli/test_pipeline.py` and
`tests/test_quickstart.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import watch as watching
from tests.watch import leaves, watch

ROOT = Path(__file__).parent.parent

# A child's child, in a thread, past Python's own sockets: 192.0.2.1 and 2001:db8::1 are nobody's (RFC 5737, RFC 3849).
PROBE = """
import ctypes, socket, struct, subprocess, sys, threading

def call():
    libc = ctypes.CDLL(None)
    v4 = struct.pack("=HHBBBB8x", socket.AF_INET, socket.htons(9), 192, 0, 2, 1)
    nobody = socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    v6 = struct.pack("=HHI16sI", socket.AF_INET6, socket.htons(9), 0, nobody, 0)
    home = struct.pack("=HHBBBB8x", socket.AF_INET, socket.htons(9), 127, 0, 0, 1)
    name = struct.pack("=HHBBBB8x", socket.AF_INET, socket.htons(53), 127, 0, 0, 1)
    for address in (v4, v6, home, name):
        stream = libc.socket(struct.unpack("=H", address[:2])[0], socket.SOCK_STREAM, 0)
        libc.connect(stream, address, len(address))
    datagram = libc.socket(socket.AF_INET, socket.SOCK_DGRAM, 0)
    libc.sendto(datagram, b"x", 1, 0, v4, len(v4))
    libc.sendto(datagram, b"x", 1, 0, home, len(home))
    parcel = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        parcel.sendmsg([b"x"], [], 0, ("192.0.2.1", 9))
    except OSError:
        pass

if sys.argv[1:]:
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
else:
    subprocess.run([sys.executable, "-c", sys.orig_argv[2], "again"], check=True)
"""


def test_the_watch_sees_children_and_threads_of_any_language(can_watch, tmp_path):
    seen = watch([sys.executable, "-c", PROBE], tmp_path)
    assert seen.done.returncode == 0, seen.done.stderr
    calls = [leak.split("(")[0].split()[-1] for leak in seen.leaks]
    assert calls == ["connect", "connect", "connect", "sendto", "sendmsg"]
    addresses = ("192.0.2.1", "2001:db8::1", "htons(53)", "192.0.2.1", "192.0.2.1")
    assert all(address in leak for address, leak in zip(addresses, seen.leaks, strict=True))
    assert all("INJECTED" in leak for leak in seen.leaks), "and nothing of it left this machine"


def test_the_watch_sees_names_looked_up(can_watch, tmp_path):
    code = "import socket\ntry: socket.getaddrinfo('example.invalid', 80)\nexcept OSError: pass"
    assert watch([sys.executable, "-c", code], tmp_path).leaks


@pytest.mark.parametrize(
    ("call", "outside"),
    [
        ('7 connect(3, {sa_family=AF_UNIX, sun_path="/run/nscd/socket"}, 110) = -1 ENOENT', False),
        ('7 connect(3, {sa_family=AF_UNIX, sun_path="/run/systemd/resolve/io.systemd.Resolve"}, 42) = 0', True),
        ('7 connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = 0', False),
        ('7 connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.53")}, 16) = 0', True),
        ('7 connect(3, {sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("10.0.0.1")}, 16 <unfinished', True),
        (
            "7 connect(3, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), "
            'inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}, 28) = 0',
            False,
        ),
        ('7 sendto(4, [{nlmsg_len=20}], 20, 0, {sa_family=AF_NETLINK, nl_pid=0, nl_groups=00000000}, 12) = 20', False),
        ("7 sendto(4, \"\"..., 5, 0, NULL, 0) = 5", False),
        (
            "7 sendmmsg(3, [{msg_hdr={msg_name={sa_family=AF_INET, sin_port=htons(443), "
            'sin_addr=inet_addr("192.0.2.1")}, msg_namelen=16, msg_iovlen=1}, msg_len=1}], 1, 0) = 1',
            True,
        ),
        ("7 connect(3, {sa_family=AF_VSOCK, svm_cid=VMADDR_CID_HOST, svm_port=9}, 16) = 0", True),
        ('7 connect(3, {sa_family=AF_INET, sa_data=""...}, 16) = 0', True),
        ("7 io_uring_setup(8, {flags=0}) = 3", True),
    ],
)  # fmt: skip
def test_what_counts_as_leaving(call, outside):
    assert leaves(call) == outside


def test_a_machine_that_cannot_watch_is_told_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "without strace" in watching.why_not.__wrapped__()
    (tmp_path / "strace").write_text("#!/bin/sh\necho 'ptrace: Operation not permitted' >&2\nexit 1\n")
    (tmp_path / "strace").chmod(0o755)
    assert "Operation not permitted" in watching.why_not.__wrapped__()
    monkeypatch.setattr(watching, "why_not", lambda: "no strace")
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no strace"):
        watching.skip_unwatched()
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no strace"):
        watching.skip_unwatched()


def test_a_watched_command_finds_what_a_user_has(monkeypatch, tmp_path):
    for name in ("CI", "GITHUB_ACTIONS", "DO_NOT_TRACK", "ORT_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("MINE", "1")
    seen = watch([sys.executable, "-c", "import os; print(*os.environ)"], tmp_path, {"YOURS": "1"})
    names = set(seen.done.stdout.split())
    assert not {"CI", "GITHUB_ACTIONS", "DO_NOT_TRACK", "ORT_DISABLE_TELEMETRY"} & names
    assert {"MINE", "YOURS", "PATH"} <= names


def test_imports_are_quiet(can_watch, tmp_path):
    modules = (
        "digitize, classify, papertrace.cli.app, cv2, matplotlib.figure, neurokit2, pandas, skimage, scipy, torch, wfdb"
    )
    seen = watch([sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {modules}"], tmp_path)
    assert seen.done.returncode == 0, seen.done.stderr
    assert seen.leaks == ()

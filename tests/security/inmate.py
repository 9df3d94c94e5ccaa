"""A process in the jail that tries what it may not. What it tries is written in its file."""

import contextlib
import ctypes
import json
import os
import socket
import sys
import threading
import time
from pathlib import Path

from engine import jail

OUTSIDE = [Path("/etc/passwd"), Path("/proc/self/environ"), Path(__file__)]


def main(arguments: list[str]) -> int:
    told = json.loads(sys.stdin.buffer.read().partition(b"\n")[2])
    out = sys.stdout
    for wall in told.get("without", ()):  # as on a system that cannot enforce it
        setattr(jail, wall, lambda *_: False)
    libc = ctypes.CDLL(None, use_errno=True)
    variables = sorted(os.environ)
    opened = Path("/proc/self/fd")
    descriptors = [int(one.name) for one in opened.iterdir()] if opened.exists() else []
    limits = jail.Limits(memory=1 << 30, seconds=told.get("seconds", 20))
    enforced = jail.seal() if told.get("seal") else jail.enter(limits, lambda: json.dumps({}))
    if told["try"] == "sleep":
        out.write(json.dumps({"enforced": enforced}) + "\n")
        out.flush()
        time.sleep(600)
    elif told["try"] == "spin":
        while True:
            pass
    elif told["try"] == "die":
        os.abort()
    elif told["try"] == "talk":
        while True:
            out.write(json.dumps({"done": 1, "more": "x" * 100_000}) + "\n")
    only = told.get("only", list(deeds(libc)))
    tried = {name: attempt(deed) for name, deed in deeds(libc).items() if name in only}
    extra = {"variables": variables, "descriptors": descriptors}
    out.write(json.dumps({"enforced": enforced, "tried": tried, **extra}) + "\n")
    out.flush()
    return 0


def deeds(libc):
    """What is tried, by name; each answers True where it was possible."""
    return {
        "socket": lambda: bool(socket.socket(socket.AF_INET, socket.SOCK_STREAM)),
        "socket in C": lambda: libc.socket(2, 1, 0) >= 0,
        "pipe of the system": lambda: libc.socket(1, 1, 0) >= 0,
        "process": lambda: _forked(libc),
        "program": lambda: libc.execv(b"/bin/true", None) == 0,
        "trace": lambda: libc.ptrace(0, 0, 0, 0) == 0,
        "signal": lambda: libc.kill(os.getppid(), 0) == 0,
        "read outside": lambda: any(path.read_bytes() for path in OUTSIDE if _exists(path)),
        "write": lambda: bool(Path("left").write_text("x")),
        "write in C": lambda: _written(libc),
        "memory": lambda: bool(bytearray(2 << 30)),
        "files": lambda: bool([libc.dup(0) for _ in range(100)][-1] >= 0),
        "thread": _thread,
    }


def attempt(deed):
    try:
        return bool(deed())
    except (OSError, MemoryError, RuntimeError):
        return False


def _exists(path):
    with contextlib.suppress(OSError):
        return path.exists()
    return False


def _forked(libc):
    child = libc.fork()
    if child == 0:
        os._exit(0)
    return child > 0


def _written(libc):
    """A file may be made where rights allow it, but nothing can be put into it."""
    handle = libc.open(b"left-in-C", os.O_WRONLY | os.O_CREAT, 0o600)
    return handle >= 0 and libc.write(handle, b"x", 1) == 1


def _thread():
    seen = []
    thread = threading.Thread(target=lambda: seen.append(1))
    thread.start()
    thread.join()
    return bool(seen)

"""A process that reads a stranger's file: what it may still do is decided here, before it does.

The parent starts it with :func:`start`: no environment, no descriptors but the file and a pipe, a
private folder. The child calls :func:`enter` before it touches the file. What can be enforced
differs between systems; :func:`enter` says what is:

    network     a network of its own that leads nowhere (Linux, where user namespaces are allowed)
    files       the private folder is all it can reach (the same)
    calls       the kernel refuses sockets, programs and processes (Linux on x86-64 and arm64)
    limits      memory, processor time, size of files, number of files (all but Windows)
    interpreter Python itself refuses the same calls and writing outside (everywhere)
"""

import contextlib
import ctypes
import json
import os
import platform
import struct
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

PROJECT = Path(__file__).resolve().parents[1]
START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from importlib import import_module; sys.exit(import_module(sys.argv[2]).main(sys.argv[3:]))"
)
ONE_THREAD = {  # each thread would reserve memory of its own
    f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB")
}
NEW_USER, NEW_NETWORK, NEW_SYSTEM_V = 0x10000000, 0x40000000, 0x08000000
NO_NEW_PRIVILEGES, SET_SECCOMP, FILTER = 38, 22, 2
ALLOW, KILL, NOT_PERMITTED, NOT_THERE = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER_AT, MACHINE_AT, FIRST_ARGUMENT_AT = 0, 4, 16
THREAD, CLONE_3, OTHER_TABLE = 0x00010000, 435, 0x40000000
RINGS = (425, 426, 427)  # io_uring can open sockets past the calls below


@dataclass(frozen=True)
class _Calls:
    """``machine`` is how the kernel names a processor; the others are numbers of system calls."""

    machine: int
    clone: int
    refused: tuple[int, ...]


# fmt: off
CALLS = {
    "x86_64": _Calls(0xC000003E, 56, (
        41, 42, 43, 44, 46, 49, 50, 53, 288, 307,  # socket to sendmmsg: everything of the network
        57, 58, 59, 62, 101, 322,  # fork vfork execve kill ptrace execveat
        161, 165, 250, 298, 321, 323,  # chroot mount keyctl perf_event_open bpf userfaultfd
        272, 308, 310, 311, 434, *RINGS,  # unshare setns process_vm_readv _writev pidfd_open
    )),
    "aarch64": _Calls(0xC00000B7, 220, (
        198, 199, 200, 201, 202, 203, 206, 211, 242, 269,
        221, 129, 117, 281,
        51, 40, 219, 241, 280, 282,
        97, 268, 270, 271, 434, *RINGS,
    )),
}
# fmt: on
REFUSED_EVENTS = (
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.spawn",
    "os.posix_spawn",
    "os.fork",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.link",
    "os.symlink",
    "os.chmod",
    "os.truncate",
    "os.startfile",
    "os.kill",
    "shutil.",
    "ctypes.dlopen",
    "webbrowser.",
    "urllib.",
    "ftplib.",
    "winreg.",
    "smtplib.",
)  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True)
class Limits:
    """``memory`` in bytes on top of what the process has when it enters; ``written`` is the
    largest file it may write, in bytes; ``seconds`` of processor time."""

    memory: int
    seconds: int
    written: int = 0
    files: int = 64


# The parent's side


def start(module: str, arguments: list[str], file: IO[bytes], folder: Path) -> subprocess.Popen:
    """Start ``module.main(arguments)`` with ``file`` as stdin, a pipe as stdout, in ``folder``.

    It hears of nothing else: neither variables nor descriptors nor, through isolated mode, what
    lies in the folder or the user's site-packages.
    """
    path = json.dumps([str(PROJECT), *(place for place in sys.path if place)])
    keep = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}  # Windows
    return subprocess.Popen(
        [sys.executable, "-I", "-B", "-c", START, path, module, *arguments],
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # libraries quote what they read
        cwd=folder,
        env={**keep, **ONE_THREAD, "LC_ALL": "C.UTF-8", "HOME": str(folder)},
        close_fds=True,
        start_new_session=os.name != "nt",
    )


# The child's side


def enter(limits: Limits, prepare: Callable[[], object]) -> tuple[str, ...]:
    """Give up what the file's reader does not need; what could be enforced, by name.

    The process must have one thread. ``prepare`` loads every module that reading needs, because
    afterwards there may be no files to load from.
    """
    prepare()  # as who it was started: in a namespace it may own fewer files
    apart = _leave_network()
    enforced = ["network"] if apart else []
    if _limit(limits):  # its module, too, has to be loaded while there are files
        enforced.append("limits")
    if apart and _leave_files():
        enforced.append("files")
    return (*enforced, *seal())


def seal() -> tuple[str, ...]:
    """Refuse sockets, programs, processes and writing; files may still be read.

    For readers that load their modules while they read."""
    enforced = ["calls"] if _refuse_calls() else []
    sys.addaudithook(_refuse_events)
    return (*enforced, "interpreter")


def _leave_network() -> bool:
    """Into a user and a network namespace of our own; False where the system does not allow it."""
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    return libc.unshare(NEW_USER | NEW_NETWORK | NEW_SYSTEM_V) == 0


def _leave_files() -> bool:
    """The working folder becomes the root of all that can be named."""
    try:
        os.chroot(".")
        os.chdir("/")
    except (OSError, AttributeError):
        return False
    return True


def _limit(limits: Limits) -> bool:
    try:
        import resource
    except ImportError:  # Windows: the parent's clock is the only limit
        return False
    most = _memory_now() + limits.memory
    for name, value in (
        ("RLIMIT_AS", most),
        ("RLIMIT_CPU", limits.seconds),
        ("RLIMIT_FSIZE", limits.written),
        ("RLIMIT_NOFILE", limits.files),
        ("RLIMIT_CORE", 0),
    ):
        kind = getattr(resource, name)
        _, hard = resource.getrlimit(kind)
        bounded = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(ValueError, OSError):  # macOS knows no limit of addresses
            resource.setrlimit(kind, (bounded, bounded))
    return True


def _memory_now() -> int:
    """Bytes of addresses in use; an estimate where the system does not say."""
    try:
        with Path("/proc/self/statm").open() as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 8 << 30


def _refuse_calls() -> bool:
    """A filter in the kernel, which a process cannot take off again."""
    calls = CALLS.get(platform.machine()) if sys.platform == "linux" else None
    if calls is None or sys.byteorder != "little":
        return False
    code = _filter(calls)
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = ctypes.create_string_buffer(
        struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    )
    if libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0):
        return False
    return libc.prctl(SET_SECCOMP, FILTER, program, 0, 0) == 0


def _filter(calls: _Calls) -> bytes:
    """Instructions of the kernel's packet filter: what is refused says EPERM, the rest passes."""
    steps = [
        (LOAD, 0, 0, MACHINE_AT),
        (EQUAL, 1, 0, calls.machine),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER_AT),
        (AT_LEAST, 0, 1, OTHER_TABLE),  # the same calls under other numbers
        (RETURN, 0, 0, KILL),
        (EQUAL, 0, 1, CLONE_3),
        (RETURN, 0, 0, NOT_THERE),  # the library then asks for the older one, which is looked into
    ]
    for number in calls.refused:
        steps += [(EQUAL, 0, 1, number), (RETURN, 0, 0, NOT_PERMITTED)]
    steps += [
        (EQUAL, 1, 0, calls.clone),
        (RETURN, 0, 0, ALLOW),
        (LOAD, 0, 0, FIRST_ARGUMENT_AT),
        (ANY_BIT, 0, 1, THREAD),  # threads may be started, processes not
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, NOT_PERMITTED),
    ]
    return b"".join(struct.pack("<HBBI", *step) for step in steps)


def _refuse_events(event: str, arguments: tuple[Any, ...]) -> None:
    """Python's own watch over what runs in it; the second wall, and the only one elsewhere."""
    if event.startswith(REFUSED_EVENTS):
        raise PermissionError("not allowed while a file is read")
    if event == "open":
        _, mode, flags = arguments
        writes = isinstance(flags, int) and flags & WRITING
        if writes or (isinstance(mode, str) and set(mode) & set("wax+")):
            raise PermissionError("not allowed while a file is read")

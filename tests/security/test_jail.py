"""A process that reads a stranger's file can reach nothing else, and its end harms nobody."""

import json
import os
import platform
import sys

import pytest

from engine import jail
from engine.checkpoints import jailed
from engine.checkpoints.reading import read_weights
from engine.errors import Cancelled, CheckpointRefused

INMATE = "tests.security.inmate"
POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has none of these limits")
SECCOMP = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in jail.CALLS,
    reason="the kernel's filter of calls is used on Linux, x86-64 and arm64",
)
pytestmark = [pytest.mark.own_process, POSIX]


def inmate(folder, **told):
    """What a process in the jail found possible."""
    file = folder / "file"
    file.write_bytes(b"PK\3\4\n" + json.dumps({"try": "everything", **told}).encode())
    with file.open("rb") as opened:
        process = jail.start(INMATE, [], opened, folder)
    out, _ = process.communicate(timeout=300)
    return json.loads(out), process.returncode


@SECCOMP
@pytest.mark.case(16)
@pytest.mark.parametrize("without", [[], ["_leave_network"]], ids=["all walls", "no namespaces"])
def test_from_the_jail_nothing_can_be_reached(tmp_path, monkeypatch, without):
    monkeypatch.setenv("XREAL_SECRET", "no")

    told, _ = inmate(tmp_path, without=without)

    possible = {name for name, done in told["tried"].items() if done}
    assert {"limits", "calls", "interpreter"} <= set(told["enforced"])
    allowed = {"thread"} if "files" in told["enforced"] else {"thread", "read outside"}
    assert possible == allowed
    assert not any(name.startswith(("XREAL", "PYTHON", "PATH")) for name in told["variables"])
    assert set(told["descriptors"]) <= {0, 1, 2, 3}  # 3 is the list of them itself


@SECCOMP
@pytest.mark.case(44)
def test_a_decoder_of_films_reaches_no_network_and_starts_nothing(tmp_path):
    """It loads its modules while it reads, so files stay readable; nothing can be written."""
    sealed = ["socket", "socket in C", "process", "program", "trace", "signal", "write"]

    told, _ = inmate(tmp_path, seal=True, only=sealed)

    assert set(told["enforced"]) == {"calls", "interpreter"}
    assert not any(told["tried"].values())


@pytest.mark.case(16)
def test_where_the_kernel_helps_with_nothing_the_interpreter_still_refuses(tmp_path):
    python = ["socket", "write", "write in C", "memory", "files"]  # C calls but for limits pass

    told, _ = inmate(tmp_path, without=["_leave_network", "_refuse_calls"], only=python)

    assert "interpreter" in told["enforced"] and "calls" not in told["enforced"]
    assert not any(told["tried"].values())


@pytest.mark.case(16)
def test_where_the_system_allows_it_the_jail_has_no_files_and_no_network(tmp_path):
    told, _ = inmate(tmp_path)
    if "network" not in told["enforced"]:
        pytest.skip("this system allows no namespaces")

    assert "files" in told["enforced"]
    assert not told["tried"]["read outside"]


@pytest.mark.case(23)
def test_processor_time_ends(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"PK\3\4\n" + json.dumps({"try": "spin", "seconds": 1}).encode())
    with file.open("rb") as opened:
        process = jail.start(INMATE, [], opened, tmp_path)

    assert process.wait(timeout=300) < 0  # ended by a signal
    process.stdout.close()


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    """A file of weights whose reader does what is asked here."""
    monkeypatch.setattr(jailed, "MODULE", INMATE)

    def made(deed):
        file = tmp_path / "weights.pt"
        file.write_bytes(b"PK\3\4\n" + json.dumps({"try": deed, "pad": "x" * 999}).encode())
        return file

    return made


def test_a_reader_that_dies_is_said_to_have(hostile):
    with pytest.raises(CheckpointRefused, match="the reading process ended over it"):
        read_weights(hostile("die"))


def test_a_reader_that_never_ends_is_ended(hostile, monkeypatch):
    monkeypatch.setattr(jailed, "seconds_for", lambda _size: 1)

    with pytest.raises(CheckpointRefused, match="took far longer to read"):
        read_weights(hostile("sleep"))


def test_a_reader_that_talks_without_end_is_ended(hostile):
    with pytest.raises(CheckpointRefused, match="could not be read"):
        read_weights(hostile("talk"))


def test_stop_ends_a_reader_that_says_nothing(hostile, monkeypatch):
    started = []
    start = jail.start
    monkeypatch.setattr(jail, "start", lambda *a: started.append(start(*a)) or started[-1])
    asked = []

    def on_bytes(done, size):
        asked.append((done, size))
        if len(asked) > 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        read_weights(hostile("sleep"), on_bytes)

    assert started[0].poll() is not None


def test_the_private_folder_is_gone_afterwards(hostile, monkeypatch, tmp_path):
    monkeypatch.setattr(jailed.tempfile, "tempdir", str(tmp_path))

    with pytest.raises(CheckpointRefused):
        read_weights(hostile("die"))

    assert [path.name for path in tmp_path.iterdir()] == ["weights.pt"]

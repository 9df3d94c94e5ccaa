"""The ledger of exports: lines are added whole, in order, by many at once, and outlive kills."""

import hashlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine import ledger as book
from engine.api import GenerateRequest
from engine.errors import EngineError
from engine.ledger import FIRST, enter, entries
from engine.provenance import recipe_of

ROOT = Path(__file__).resolve().parents[2]
RECIPE = recipe_of(GenerateRequest(report="Mr DOE^JOHN, effusion"), "embedded", {})


@pytest.fixture
def ledger(tmp_path):
    return tmp_path / "data" / "ledger.jsonl"


def test_a_line_holds_time_kind_and_hashes_and_no_word_of_the_request(ledger):
    enter(ledger, b"a file", "png", RECIPE)

    (line,) = ledger.read_text().splitlines()
    entry = json.loads(line)
    assert set(entry) == {"time", "kind", "file", "recipe", "before"}
    assert entry["file"] == hashlib.sha256(b"a file").hexdigest()
    assert (
        entry["recipe"] == hashlib.sha256(json.dumps(RECIPE, sort_keys=True).encode()).hexdigest()
    )
    assert entry["before"] == FIRST
    assert "DOE" not in line
    assert ledger.stat().st_mode & 0o777 == 0o600


def test_lines_are_only_added(ledger):
    kept = b""
    for number in range(5):
        enter(ledger, bytes([number]), "organs", None)
        assert ledger.read_bytes().startswith(kept)
        kept = ledger.read_bytes()

    assert [e["file"] for e in entries(ledger)] == [
        hashlib.sha256(bytes([n])).hexdigest() for n in range(5)
    ]


def test_a_piece_of_a_line_is_cut_off_by_whoever_adds_next(ledger):
    first = enter(ledger, b"1", "png", None)
    whole = ledger.read_bytes()
    enter(ledger, b"2", "png", None)
    line = ledger.read_bytes()[len(whole) :]

    for cut in range(len(line)):  # killed after any number of its bytes
        ledger.write_bytes(whole + line[:cut])
        assert entries(ledger) == [first]
        third = enter(ledger, b"3", "png", None)
        assert entries(ledger) == [first, third]


def test_a_first_line_that_was_never_finished_is_cut_off_too(ledger):
    ledger.parent.mkdir()
    ledger.write_bytes(b'{"time": "20')

    entry = enter(ledger, b"1", "png", None)

    assert entries(ledger) == [entry]


@pytest.mark.parametrize("change", ["altered", "taken out", "no JSON"])
def test_a_line_that_was_tampered_with_is_noticed(ledger, change):
    for number in range(4):
        enter(ledger, bytes([number]), "png", None)
    lines = ledger.read_bytes().splitlines(keepends=True)
    if change == "altered":
        lines[1] = lines[1].replace(b'"png"', b'"gif"')
    elif change == "taken out":
        del lines[1]
    else:
        lines[1] = b"rubbish\n"
    ledger.write_bytes(b"".join(lines))

    with pytest.raises(EngineError, match="was changed after"):
        entries(ledger)


def test_a_full_disk_leaves_no_piece_and_says_so(ledger, monkeypatch):
    enter(ledger, b"1", "png", None)
    before = ledger.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(book.os, "fsync", full)
    with pytest.raises(EngineError, match="The disk is full"):
        enter(ledger, b"2", "png", None)

    assert ledger.read_bytes() == before


def test_a_file_that_is_no_ledger_is_left_alone(ledger):
    ledger.parent.mkdir()
    ledger.write_bytes(b"x" * 20_000)

    with pytest.raises(EngineError, match="cannot be written"):
        enter(ledger, b"1", "png", None)

    assert ledger.read_bytes() == b"x" * 20_000


ADDS = """
import sys
from engine.ledger import enter
for number in range(int(sys.argv[2])):
    enter(sys.argv[1], f"{sys.argv[3]} {number}".encode(), "png", None)
    print(number, flush=True)
"""


def adding(ledger: Path, count: int, name: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", ADDS, str(ledger), str(count), name],
        cwd=ROOT, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_two_programs_add_at_once_and_no_line_is_lost(ledger):
    programs = [adding(ledger, 40, name) for name in "ab"]
    assert [program.wait() for program in programs] == [0, 0]
    for program in programs:
        program.stdout.close()

    found = {entry["file"] for entry in entries(ledger)}

    assert found == {
        hashlib.sha256(f"{name} {number}".encode()).hexdigest()
        for name in "ab"
        for number in range(40)
    }


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_whatever_was_acknowledged_before_a_kill_is_there(ledger):
    for turn in range(3):
        program = adding(ledger, 10_000, str(turn))
        said = [program.stdout.readline().strip() for _ in range(5 + turn)]
        program.send_signal(signal.SIGKILL)
        said += program.stdout.read().split()
        program.stdout.close()
        program.wait()

        found = {entry["file"] for entry in entries(ledger)}
        told = {hashlib.sha256(f"{turn} {number}".encode()).hexdigest() for number in said}
        assert told <= found
        assert len(told) >= 5

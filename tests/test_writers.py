"""Whichever operation of the disk fails, a file that the program keeps is the old one or the new
one, nothing temporary stays, and what is said is true."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.access.users import Users
from app.document.archive import project_bytes, read_project
from app.document.autosave import Documents
from app.document.project import snapshot
from app.document.session import Session, Sessions
from app.runs.journal import Journal
from engine import files, ledger
from engine.errors import DiskFull, EngineError
from engine.files import Disk, check_room, remove_leftovers, write_whole
from engine.images import read_image, write_png
from tests.app.test_project import ME, assert_same, worked_in
from tests.app.test_session import opened
from tests.failing_disk import BROKEN, FULL, FailingDisk


@dataclass
class Writer:
    """``write(folder, version)`` keeps version 1 or 2; ``read(folder)`` says which is there."""

    write: Callable[[Path, int], None]
    read: Callable[[Path], int]


def picture(version: int) -> np.ndarray:
    return np.full((32, 32), version / 4, np.float32)


def read_picture(folder: Path) -> int:
    return round(float(read_image(folder / "picture.png").pixels.mean()) * 4)


def enter(folder: Path, version: int) -> None:
    for number in range(1, version + 1):
        if len(ledger.entries(folder / "ledger.jsonl")) < number:
            ledger.enter(folder / "ledger.jsonl", bytes([number]), "png", None)


def read_ledger(folder: Path) -> int:
    return len(ledger.entries(folder / "ledger.jsonl"))


def keep_model(folder: Path, version: int) -> None:
    import torch

    from engine.checkpoints.writing import write_json, write_safetensors

    digest = write_safetensors(
        folder / "model.safetensors", {"weight": torch.full((64,), float(version))}, {}
    )
    write_json(folder / "model.json", {"version": version, "sha256": digest})


def read_model(folder: Path) -> int:
    """Weights and description are two files: a model of two versions is told by its checksum."""
    from engine.checkpoints.writing import sha256_of

    described = json.loads((folder / "model.json").read_text())
    if sha256_of(folder / "model.safetensors") == described["sha256"]:
        return described["version"]
    return 1  # refused when it is loaded, and imported again


def document(version: int) -> Session:
    session = worked_in()
    session.doc, session.created = "doc0", 1.0
    if version == 2:
        opened(session)
        session.report = "Newer."
    return session


def keep_document(folder: Path, version: int) -> None:
    sessions = Sessions(Documents(folder))
    session = document(version)
    sessions.save(session)
    if session.fault is not None:
        raise DiskFull(session.fault) if "full" in session.fault else EngineError(session.fault)


def read_document(folder: Path) -> int:
    session = Sessions(Documents(folder)).of(ME)
    version = 2 if session.report == "Newer." else 1
    assert_same(snapshot(document(version)), snapshot(session))
    return version


def keep_project(folder: Path, version: int) -> None:
    write_whole(folder / "project.zip", project_bytes(snapshot(document(version))))


def read_kept_project(folder: Path) -> int:
    found = read_project(folder / "project.zip")
    version = 2 if found.report == "Newer." else 1
    assert_same(snapshot(document(version)), found)
    return version


def keep_users(folder: Path, version: int) -> None:
    users = Users(folder / "users.json")
    for name in ("ada", "bob")[:version]:
        if users.named(name) is None:
            users.add(name, "a-long-password-1")


def keep_run(folder: Path, version: int) -> None:
    for number in range(1, version + 1):
        Journal(folder / "runs").begin(ME, f"job-{number:05d}", "generate")


def read_runs(folder: Path) -> int:
    known = Journal(folder / "runs")
    return sum(known.lost(ME, f"job-{number:05d}") == "generate" for number in (1, 2))


WRITERS: dict[str, Writer] = {
    "picture": Writer(
        lambda folder, version: write_png(folder / "picture.png", picture(version)), read_picture
    ),
    "ledger": Writer(enter, read_ledger),
    "model": Writer(keep_model, read_model),
    "document": Writer(keep_document, read_document),
    "project": Writer(keep_project, read_kept_project),
    "users": Writer(keep_users, lambda folder: len(Users(folder / "users.json").all())),
    "runs": Writer(keep_run, read_runs),
}


@pytest.mark.case(52, 54)
@pytest.mark.parametrize("code", [FULL, BROKEN])
@pytest.mark.parametrize("name", WRITERS)
def test_whichever_operation_fails_the_file_is_the_old_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    writer, failed = WRITERS[name], []
    for nth in range(1, 200):
        folder = tmp_path / str(nth)
        folder.mkdir()
        writer.write(folder, 1)
        disk = FailingDisk(nth, code)
        set_disk(monkeypatch, disk)
        try:
            writer.write(folder, 2)
        except EngineError as error:
            assert isinstance(error, DiskFull) == (code == FULL), error
            assert ("full" in str(error)) == (code == FULL), error
        set_disk(monkeypatch, Disk())

        assert writer.read(folder) in (1, 2)
        assert leftovers(folder) == []
        writer.write(folder, 2)
        assert writer.read(folder) == 2
        if not disk.failed:
            break
        failed.append(disk.failed)
    assert set(failed) >= {"write", "sync"}, failed
    if name != "ledger":
        assert set(failed) == {"create", "write", "sync", "rename", "sync of the folder"}


def set_disk(monkeypatch: pytest.MonkeyPatch, disk: Disk) -> None:
    for module in (files, ledger):
        monkeypatch.setattr(module, "disk", disk)


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob(".*")]


def test_every_file_that_is_kept_goes_through_the_one_writer() -> None:
    """Who opens a file for writing beside it is named here, with the reason."""
    allowed = {
        "engine/files.py",  # the writer
        "engine/ledger.py",  # adds lines to a file, with the same disk
        "engine/parity.py",  # a document of the project, for developers
        "engine/qualities.py",  # asks the kernel something
        "engine/cli/faults.py",  # the trace of a fault, which nobody needs whole
        "app/canvas/demo.py",  # a demonstration
        "app/routes/documents.py",  # uploads on their way, in the temporary folder
        "app/routes/study_pictures.py",  # as above
        "app/access/users.py",  # a lock; the users themselves are written whole
        "app/runs/child.py",  # pipes
        "engine/checkpoints/child.py",  # a pipe
        "app/studies/log.py",  # lines beside the store, which holds the truth
        "app/studies/replay.py",
        "app/studies/exporting.py",
    }
    root = Path(__file__).parent.parent
    found = {
        name
        for room in ("app", "engine")
        for path in (root / room).rglob("*.py")
        if not (name := path.relative_to(root).as_posix()).startswith(DEVELOPERS)
        and any(writes(node) for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    }
    assert found <= allowed, found - allowed


DEVELOPERS = ("engine/training/", "engine/evaluation/")  # rooms of commands for developers


def writes(node: ast.AST) -> bool:
    """Whether this is a call that opens or fills a file for writing."""
    if not isinstance(node, ast.Call):
        return False
    called = getattr(node.func, "attr", getattr(node.func, "id", ""))
    modes = [n.value for n in node.args if isinstance(n, ast.Constant) and type(n.value) is str]
    opened = called in ("open", "fdopen") and any(set(mode) & set("wxa+") for mode in modes)
    return opened or called in ("write_text", "write_bytes", "NamedTemporaryFile", "mkstemp")


def test_a_file_that_a_killed_program_left_is_removed_and_no_other(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    running, name = os.getppid(), "0f" * 16
    kept = [".hidden", f"{ended.pid}-{name}.part", f".{ended.pid}-{'g' * 32}.part", "a.part"]
    kept.append(f".{running}-{name}.part")
    (tmp_path / "deep").mkdir()
    for left in (*kept, f"deep/.{ended.pid}-{name}.part", f".{os.getpid()}-{name}.part"):
        (tmp_path / left).write_bytes(b"x")

    assert remove_leftovers(tmp_path) == 2
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == sorted(kept)
    os.utime(tmp_path / f".{running}-{name}.part", (1, 1))  # a number that was given anew
    assert remove_leftovers(tmp_path) == 1


def test_room_is_looked_for_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match="Free some space"):
        check_room(tmp_path / "film.png", 1 << 60)


def test_a_file_size_limit_of_the_system_is_a_full_disk(tmp_path: Path) -> None:
    """As a full disk, by the system's own means, in a process of its own."""
    path: Any = tmp_path / "kept"
    write_whole(path, b"old")
    code = (
        "import resource, signal, sys; from engine.files import write_whole\n"
        "from engine.errors import DiskFull\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: write_whole(sys.argv[1], bytes(5000))\n"
        "except DiskFull as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert "disk is full" in done.stdout and "untouched" in done.stdout
    assert path.read_bytes() == b"old"
    assert leftovers(tmp_path) == []

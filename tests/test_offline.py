"""After installation the network is not touched: not by the page, not by the models."""

import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.closed_network import sitecustomize as guard

ROOT = Path(__file__).parent.parent
SHUT = ["unshare", "--map-root-user", "--net"]  # a process in it sees no network card at all


def can_shut() -> bool:
    return (
        bool(shutil.which(SHUT[0]))
        and subprocess.call([*SHUT, "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        == 0
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture(scope="module")
def visited(tmp_path_factory):
    """What a visit reported, and what was asked of the network meanwhile."""
    folder = tmp_path_factory.mktemp("visit")
    log = folder / "refused.txt"
    shut = can_shut()
    command = [sys.executable, str(ROOT / "tests" / "offline_visit.py")]
    arguments = [str(free_port()), str(folder), "shut" if shut else "guarded"]

    done = subprocess.run(
        [*(SHUT if shut else []), *command, *arguments],
        cwd=ROOT,
        env={**os.environ, guard.LOG: str(log)},
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    return {**report, "asked": log.read_text() if log.exists() else "", "folder": folder}


@pytest.mark.case(14)
def test_the_page_and_its_files_come_from_this_computer(visited):
    assert visited["page"] == 200
    assert visited["files"] > 2
    assert visited["failed"] == []
    assert visited["elsewhere"] == []


@pytest.mark.case(14)
def test_the_embedded_models_draw_without_a_network(visited):
    assert visited["picture"] == 0
    assert (visited["folder"] / "film.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.case(14)
def test_nothing_even_asked_for_the_network(visited):
    assert visited["asked"] == ""

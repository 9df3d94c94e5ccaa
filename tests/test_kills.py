"""Forty kills, in the middle of saves and of runs: what was acknowledged is there afterwards.

Real processes, real HTTP; the models are the fake engine in its own process.
"""

import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from app.document.saves import owner
from engine import png
from tests.app.test_worker import running
from tests.lives import Lives
from tests.visitor import Visitor, children_of

if not hasattr(os, "fork"):
    pytest.skip("forks its programs", allow_module_level=True)

SAVES = 20  # kills during saves
RUNS = 20  # kills during runs: of the models' process, and each fourth of the whole program
SIDE = 256


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lives]:
    found = Lives(tmp_path_factory.mktemp("data"), "tests.app.fallible:opened")
    found.start()
    yield found
    found.close()


def drawn(number: int) -> np.ndarray:
    """A drawing that says its number."""
    bits = np.zeros((SIDE, SIDE), np.uint32)
    bits[number % SIDE, : number // SIDE + 1] = 1
    return bits


@pytest.mark.case(52)
def test_twenty_kills_during_saves_lose_nothing_that_was_acknowledged(lives: Lives) -> None:
    visitor = Visitor(lives.url)
    doc, acknowledged, rng = f"doc-{uuid.uuid4().hex[:8]}", 0, np.random.default_rng(5)
    for _ in range(SAVES):
        killed = threading.Event()

        def power_cut(seconds: float, killed: threading.Event = killed) -> None:
            time.sleep(seconds)
            lives.kill()
            killed.set()

        cut = threading.Thread(target=power_cut, args=(float(rng.uniform(0.05, 0.5)),))
        cut.start()
        sent = acknowledged
        try:
            while not killed.is_set():
                sent += 1
                answer = visitor.save(doc, sent, drawn(sent), f"Version {sent}.")
                assert answer["fault"] is None and answer["saved"]
                acknowledged = sent
        except Exception as gone:
            assert type(gone).__module__.startswith("httpx"), gone
        cut.join()
        lives.start()
        rev = visitor.desk()["rev"]
        assert rev in (acknowledged, sent), f"save {acknowledged} was acknowledged, {rev} is there"
        acknowledged = rev
        assert leftovers(lives.data) == []
    assert acknowledged > SAVES / 2, "hardly a save was made"
    assert report_of(lives, visitor) == f"Version {acknowledged}."


def report_of(lives: Lives, visitor: Visitor) -> str:
    """What is in the newest save on the disk."""
    from app.document.saves import read_save, saves_of

    cookie = next(iter(visitor.http.cookies.values()))
    mine = lives.data / "documents" / owner(cookie)
    home = mine / (mine / "current").read_text()
    return read_save(home, saves_of(home)[-1])[0].report


def leftovers(data: Path) -> list[str]:
    return [path.name for path in data.rglob(".*.part")]


@pytest.mark.case(50)
def test_twenty_kills_during_runs_lose_no_picture_that_was_there(lives: Lives) -> None:
    visitor = Visitor(lives.url)
    film = png.encode(np.full((64, 64), 90, np.uint8))
    assert visitor.open(film)
    visitor.ready()
    made: dict[str, list[int]] = {}
    for number in range(RUNS):
        whole_program = number % 4 == 3
        done = visitor.run({"report": "quick"})
        view = visitor.wait(done)
        assert view["state"] == "done", view
        made[done] = view["results"]
        lost = visitor.run({"report": "long"})
        waiting = visitor.run({"report": "quick"})
        visitor.until(lost, lambda view: view["done"] >= 1)
        visitor.until(waiting, lambda view: view["state"] != "unknown")
        (worker,) = children_of(lives.pid)
        if whole_program:
            lives.kill()
            lives.start()
        else:
            os.kill(worker, signal.SIGKILL)

        assert visitor.wait(lost)["state"] == "lost"
        after = visitor.wait(waiting)
        if whole_program:
            assert after["state"] == "lost", "a run of a former life went on by itself"
            ends_soon(worker)
        else:
            assert after["state"] == "done"
            made[waiting] = after["results"]
        for results in made.values():
            for state in results:
                picture = visitor.http.get(f"/api/states/{state}.png")
                assert picture.status_code == 200, f"the picture of state {state} is gone"
        visitor.ready()
    assert len({state for results in made.values() for state in results}) == len(made)


def ends_soon(pid: int) -> None:
    end = time.monotonic() + 60
    while running(pid):
        assert time.monotonic() < end, "the models outlive the program"
        time.sleep(0.02)


def test_the_program_that_is_ended_leaves_no_process_and_no_temporary_file(lives: Lives) -> None:
    """Also while the models are loaded: it was started a moment ago."""
    lives.kill()
    lives.start()
    lives.end()
    assert not (lives.data / "temp" / str(lives.port)).exists()
    assert leftovers(lives.data) == []
    lives.start()


def test_the_page_never_loads_torch(lives: Lives) -> None:
    Visitor(lives.url).ready()
    maps = Path(f"/proc/{lives.pid}/maps")
    if not maps.exists():
        pytest.skip("the libraries of a process are read from /proc")
    assert "libtorch" not in maps.read_text()

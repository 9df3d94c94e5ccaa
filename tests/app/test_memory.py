"""What the page's process keeps: as much after many runs as after a few."""

import ctypes
import gc
import subprocess
import sys
from pathlib import Path

import pytest
from gradio.blocks import Block
from gradio.state_holder import SessionState

from app.canvas.drawing import Drawing
from app.document.session import State
from app.pages import remembered
from tests.app.fake_engine import FakeEngine
from tests.app.served import serving
from tests.soak import fresh
from tests.visitor import Visitor

ROOT = Path(__file__).parents[2]


@pytest.fixture
def served(tmp_path):
    with serving(FakeEngine(), tmp_path) as found:
        yield found


def living(kind: type) -> int:
    """Objects of a kind that something still holds."""
    gc.collect()
    return sum(isinstance(found, kind) for found in gc.get_objects())


def runs(visitor: Visitor, count: int) -> None:
    for seed in range(count):
        id = visitor.run({"seed": seed, "keep-seed": True})
        assert visitor.wait(id)["state"] == "done"
        visitor.tell({"kind": "ended", "job": id})


def test_no_component_stays_for_a_run_that_is_over(served) -> None:
    visitor = Visitor(served.url)
    visitor.ready()
    runs(visitor, 2)
    before = living(Block)

    runs(visitor, 6)

    assert living(Block) <= before


def test_a_component_that_changed_is_asked_for_as_the_one_it_was(served) -> None:
    visitor = Visitor(served.url)
    visitor.ready()

    runs(visitor, 2)

    for state in [found for found in gc.get_objects() if isinstance(found, SessionState)]:
        blocks = state.blocks_config.blocks
        assert all(block._id == number for number, block in blocks.items())
        assert set(blocks) == set(state.blocks_config.root_block.default_config.blocks)


def test_a_document_that_was_left_is_not_kept_in_memory(served) -> None:
    visitor = Visitor(served.url)
    visitor.ready()
    counts = []

    for _ in range(4):
        fresh(visitor)
        runs(visitor, 2)
        counts.append((living(State), living(Drawing)))

    assert counts[3] <= counts[1]


def test_pages_that_were_closed_are_forgotten_beyond_a_number(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(remembered, "PAGES", 3)
    before = living(SessionState)
    with serving(FakeEngine(), tmp_path) as served:
        visitors = [Visitor(served.url) for _ in range(5)]
        visitors[0].ready()
        for visitor in visitors:
            runs(visitor, 1)

        assert living(SessionState) <= before + 3
        runs(visitors[0], 1)  # a page that was left open for long still does its work


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallinfo2"),
    reason="another allocator than that of Linux",
)
def test_a_picture_that_is_freed_goes_back_to_the_system() -> None:
    script = """
import ctypes, numpy as np
from app.allocation import return_what_is_freed
NAMES = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in NAMES.split()]
told = ctypes.CDLL(None).mallinfo2
told.restype = Info
assert return_what_is_freed()
np.ones(8 << 20, np.uint8)  # comes and goes: from now on Linux would keep such
before = told()
kept = np.ones(1 << 20, np.uint8)
during = told()
del kept
print(during.hblkhd - before.hblkhd, told().hblkhd - before.hblkhd)
"""
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    during, after = map(int, said.split())
    assert during >= 1 << 20
    assert after == 0

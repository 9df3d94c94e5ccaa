"""A short soak on the fake engine: memory and disk stay flat, no run goes astray."""

import os

import pytest

from tests.lives import Lives
from tests.soak import SETTLED, soak

if not os.path.isdir("/proc/self"):  # noqa: PTH112
    pytest.skip("the memory of a process is read from /proc", allow_module_level=True)


def test_forty_mixed_runs_leave_nothing_behind(tmp_path) -> None:
    lives = Lives(tmp_path, "tests.app.fake_engine:opened")
    try:
        lives.start()
        found = soak(lives, 40, seed=3)
    finally:
        lives.close()

    assert found.wrong == []
    assert sum(found.ended.values()) == 40
    assert found.ended["done"] > 20
    assert found.noted[-1].temporary < 1  # drawings that were sent, which age
    assert found.growth("models") < SETTLED and found.growth("web") < SETTLED
    assert found.growth("disk") < 2

"""How the threads of torch wait for each other is settled before torch is there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.threads import cores, settle

ROOT = Path(__file__).parents[2]
ON_ONE_CORE = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "


def turns(command: str, **told: str) -> str:
    """What the library of the threads says of itself, as it is loaded, on one core."""
    kept = {k: v for k, v in os.environ.items() if k != "GOMP_SPINCOUNT"}
    environment = {**kept, "OMP_DISPLAY_ENV": "VERBOSE", "PYTHONPATH": str(ROOT), **told}
    done = subprocess.run(
        [sys.executable, "-c", ON_ONE_CORE + command],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    said = [line for line in done.stderr.splitlines() if "GOMP_SPINCOUNT" in line]
    if not said:
        pytest.skip("torch has other threads than those of GNU here")
    return said[0]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be chosen here")
@pytest.mark.parametrize("told", ["engine", "app.runs.child", "engine.cli.main"])
def test_on_few_cores_a_waiting_thread_gives_up_its_core_soon(told):
    assert "'1000'" in turns(f"import {told}, torch")


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be chosen here")
def test_without_us_it_is_otherwise_and_whoever_has_set_it_is_heard():
    assert "'1000'" not in turns("import torch")
    assert "'77'" in turns("import engine, torch", GOMP_SPINCOUNT="77")


def test_on_many_cores_threads_wait_as_they_do():
    few, many = {}, {}

    settle(few, 4)
    settle(many, 5)

    assert few == {"GOMP_SPINCOUNT": "1000"} and many == {}
    assert 1 <= cores() <= (os.cpu_count() or 1)

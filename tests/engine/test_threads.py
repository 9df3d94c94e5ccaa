"""How the threads of torch wait for each other is settled before torch is there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def spins(command: str, **told: str) -> str:
    """What the library of the threads says, as it is loaded, of how long they turn on the spot."""
    kept = {k: v for k, v in os.environ.items() if k != "GOMP_SPINCOUNT"}
    environment = {**kept, "OMP_DISPLAY_ENV": "VERBOSE", "PYTHONPATH": str(ROOT), **told}
    done = subprocess.run(
        [sys.executable, "-c", command], env=environment, capture_output=True, text=True, check=True
    )
    said = [line for line in done.stderr.splitlines() if "GOMP_SPINCOUNT" in line]
    if not said:
        pytest.skip("torch has other threads than those of GNU here")
    return said[0]


def test_threads_do_not_turn_on_the_spot_while_others_need_the_cores():
    assert "'1000'" in spins("import engine, torch")
    assert "'1000'" not in spins("import torch")


def test_the_process_of_the_models_has_it():
    assert "'1000'" in spins("import app.runs.child, torch")


def test_whoever_says_otherwise_is_heard():
    assert "'77'" in spins("import engine, torch", GOMP_SPINCOUNT="77")

"""How the threads of torch wait for each other, settled before torch is there."""

import os
from collections.abc import MutableMapping

FEW = 4  # cores, which a browser and the models share
TURNS = "1000"


def settle(environ: MutableMapping[str, str], cores: int) -> None:
    """Have a thread that waits for another one give up its core soon, where there are few.

    GNU's OpenMP lets it turn on the spot 300,000 times. That is quickest while nothing else runs;
    beside one busy program on two cores a film took 2 s and sometimes 9 that takes 1.3 s so (and
    0.6 for 0.5 beside none). Whoever has set it already is heard.
    """
    if cores <= FEW:
        environ.setdefault("GOMP_SPINCOUNT", TURNS)


def cores() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

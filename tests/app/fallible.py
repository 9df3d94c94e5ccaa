"""An engine that fails on purpose, for the process of the models; see ``app.runs.worker``.

What happens at the second step is named by the report of the request: "die", "segfault", "hang",
"freeze", "deaf" (does not obey Stop), "slow", "long", "memory", "fault".
"""

import ctypes
import gc
import os
import signal
import time
import weakref

import numpy as np

from engine.api import Progress, Result
from engine.errors import OutOfMemory
from tests.app.fake_engine import FakeEngine, on_grid, paint

STEPS = 4
KEPT: list[weakref.ref] = []  # the working memory of runs, if it is still there


class Tensor(np.ndarray):
    """Something large that can be watched."""


class FallibleEngine(FakeEngine):
    name = "Fallible models"

    def run(self, request, on_event=None):
        how = getattr(request, "report", "")
        working = np.zeros((256, 256), np.float32).view(Tensor)
        KEPT.append(weakref.ref(working))
        picture = np.array(on_grid(list(paint(request).values())[-1] + working))
        for step in range(1, STEPS + 1):
            if step == 2:
                fail(how)
            self.tell(on_event, Progress("generated", step, STEPS, picture), deaf=how == "deaf")
        if how == "what is left":
            gc.collect()
            left = sum(one() is not None for one in KEPT[:-1])
            return result(request, picture, (f"{left} left",))
        return result(request, picture, (f"process {os.getpid()}",))

    def tell(self, on_event, progress, *, deaf):
        while on_event is not None:
            try:
                on_event(progress)
                if not deaf:
                    return
            except Exception:
                if not deaf:
                    raise
            time.sleep(0.01)


def fail(how):
    match how:
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "segfault":
            ctypes.string_at(0)
        case "hang":
            time.sleep(3600)
        case "freeze":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "memory":
            raise OutOfMemory("graphics card", 11.2, 7.9)
        case "fault":
            raise ZeroDivisionError("secret of '/films/Doe.png'")
        case "slow":
            time.sleep(0.3)
        case "long":
            time.sleep(7)


def result(request, picture, notes):
    return Result(
        image=picture, states={"generated": picture}, organs=None, request=request,
        recipe={}, seconds={}, notes=notes,
    )  # fmt: skip


def opened(settings, name):
    return FallibleEngine()


def dying(settings, name):
    """Ends the process each time it is opened; counts how often that was tried."""
    with (settings.data / "tried").open("a") as file:
        file.write("x")
    os._exit(3)


def dying_twice(settings, name):
    with (settings.data / "tried").open("a+") as file:
        file.write("x")
        count = file.tell()
    if count < 3:
        os._exit(3)
    return FallibleEngine()

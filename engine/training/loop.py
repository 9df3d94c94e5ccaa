"""A training loop that ends on time: the learning rate follows the clock and is always annealed.

Everything a run needs to continue is in one file, so that a run can be stopped at any moment and
resumed on the same schedule.
"""

import json
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

log = logging.getLogger(__name__)

WARM_UP = 100  # steps
FLOOR = 0.02  # share of the peak learning rate that is left at the end
SAVE_SECONDS = 150.0
LOG_SECONDS = 30.0


class Stateful(Protocol):
    """A network, an optimiser or an average: whatever has a state to keep."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: Any) -> Any: ...


@dataclass(frozen=True)
class Plan:
    """How long to train and where to keep the state.

    ``steps`` replaces the clock where a run must be short and repeatable, as in tests.
    """

    folder: Path
    minutes: float
    resume: bool = False
    steps: int | None = None


class Average:
    """Exponential moving average of a network's weights."""

    def __init__(self, network: nn.Module, decay: float = 0.9985):
        self.decay = decay
        self.weights = {k: v.detach().clone() for k, v in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move towards ``network``; the first steps move faster, so that noise is forgotten."""
        decay = min(self.decay, (1 + step) / (10 + step))
        mine, theirs = [], []
        for key, value in network.state_dict().items():
            if value.is_floating_point():
                mine.append(self.weights[key])
                theirs.append(value.to(self.weights[key].dtype))
            else:
                self.weights[key].copy_(value)
        torch._foreach_lerp_(mine, theirs, 1 - decay)

    def state_dict(self) -> dict[str, Any]:
        return dict(self.weights)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for key, value in state_dict.items():
            self.weights[key].copy_(value)


def annealed(fraction: float, step: int) -> float:
    """Share of the peak learning rate after ``fraction`` of the time, at ``step``."""
    cosine = FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * min(fraction, 1.0)))
    return cosine * min(1.0, (step + 1) / WARM_UP)


def train(
    step: Callable[[int, float], Mapping[str, float]],
    parts: Mapping[str, Stateful],
    plan: Plan,
) -> int:
    """Call ``step(index, fraction)`` until the budget is spent; returns the number of steps made.

    Optimisers among ``parts`` get their learning rate from the clock; ``peak`` of each parameter
    group is its highest value.
    """
    plan.folder.mkdir(parents=True, exist_ok=True)
    path = plan.folder / "state.pt"
    done, spent = _restore(path, parts) if plan.resume and path.exists() else (0, 0.0)
    optimisers = [part for part in parts.values() if isinstance(part, torch.optim.Optimizer)]
    started = time.monotonic() - spent
    saved = logged = time.monotonic()
    sums: dict[str, float] = {}
    count = 0
    while True:
        spent = time.monotonic() - started
        fraction = done / plan.steps if plan.steps else spent / (60 * plan.minutes)
        if fraction >= 1:
            break
        for optimiser in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * annealed(fraction, done)
        for key, value in step(done, fraction).items():
            sums[key] = sums.get(key, 0.0) + value
        done, count = done + 1, count + 1
        now = time.monotonic()
        if now - logged > LOG_SECONDS:
            _note(plan.folder, done, spent, {k: v / count for k, v in sums.items()})
            sums, count, logged = {}, 0, now
        if now - saved > SAVE_SECONDS:
            _save(path, parts, done, spent)
            saved = now
    if count:
        _note(plan.folder, done, spent, {k: v / count for k, v in sums.items()})
    _save(path, parts, done, spent)
    return done


def _note(folder: Path, step: int, seconds: float, means: dict[str, float]) -> None:
    line = {"step": step, "seconds": round(seconds), **{k: round(v, 5) for k, v in means.items()}}
    log.info("%s", line)
    with (folder / "log.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def _save(path: Path, parts: Mapping[str, Stateful], step: int, seconds: float) -> None:
    state = {name: part.state_dict() for name, part in parts.items()}
    partial = path.with_suffix(".partial")
    torch.save({"step": step, "seconds": seconds, "parts": state}, partial)
    partial.replace(path)


def _restore(path: Path, parts: Mapping[str, Stateful]) -> tuple[int, float]:
    state = torch.load(path, weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(state["parts"][name])
    return state["step"], state["seconds"]

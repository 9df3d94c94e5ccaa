"""Checkpoints as training programs leave them, the 15 published layouts among them, made here.

The classes in them have the names of other projects and nothing else of them.
"""

import argparse
import datetime
import io
import pathlib
import sys
import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

WEIGHTS: dict[str, Tensor] = {
    "encoder.weight": torch.arange(600.0).reshape(20, 30),
    "encoder.bias": torch.arange(20, dtype=torch.float16),
    "decoder.turned": torch.arange(12.0).reshape(3, 4).t(),
    "steps": torch.tensor([7]),
}
LIGHTNING = {"epoch": 3, "global_step": 99, "pytorch-lightning_version": "1.4.2", "loops": {}}
OMEGACONF = (
    "omegaconf.listconfig.ListConfig", "omegaconf.dictconfig.DictConfig",
    "omegaconf.base.ContainerMetadata", "omegaconf.base.Metadata",
    "omegaconf.nodes.AnyNode",
)  # fmt: skip


@contextmanager
def foreign(*names: str) -> Iterator[list[type]]:
    """Classes of these full names, which exist only inside."""
    before = dict(sys.modules)
    made = []
    for name in names:
        room, _, last = name.rpartition(".")
        parts = room.split(".")
        for n in range(len(parts)):
            module = ".".join(parts[: n + 1])
            if module not in before:
                sys.modules.setdefault(module, types.ModuleType(module))
        base = dict if "Dict" in last and "omegaconf" not in name else object
        kind = type(last, (base,), {"__module__": room, "__qualname__": last})
        setattr(sys.modules[room], last, kind)
        made.append(kind)
    try:
        yield made
    finally:
        for name in set(sys.modules) - set(before):
            del sys.modules[name]


def saved(content: Any, *, zipped: bool = True) -> bytes:
    out = io.BytesIO()
    torch.save(content, out, _use_new_zipfile_serialization=zipped)
    return out.getvalue()


def layouts(*, zipped: bool = True) -> dict[str, bytes]:
    """Name -> file. All hold :data:`WEIGHTS` but the last."""
    state = {"state_dict": WEIGHTS}
    plain = {
        "plain": WEIGHTS,
        "ema only": {"ema": OrderedDict(WEIGHTS)},
        "kinds and devices": {
            **state, "dtype": torch.float16, "device": torch.device("cpu"), "size": torch.Size([2]),
        },
        "lightning": {**state, **LIGHTNING, "optimizer_states": [{"state": {}, "groups": []}]},
        "lightning, callbacks by text": {
            **state, **LIGHTNING, "callbacks": {"ModelCheckpoint{'monitor': None}": {"best": 1}},
        },
        "arguments": {**state, "args": argparse.Namespace(lr=0.1, out=pathlib.PurePosixPath("/a"))},
        "paths": {**state, "path": pathlib.PurePosixPath("/data/runs")},
        "dates": {
            **state, "at": datetime.datetime(2023, 5, 1, 3), "took": datetime.timedelta(hours=2),
        },
        "default dictionary": {**state, "log": filled(defaultdict(list), {"loss": [0.3, 0.2]})},
        "numpy number": {**state, "best": np.float64(0.25), "count": np.int64(3)},
        "numpy random state": {**state, "rng": np.random.RandomState(0).get_state()},
        "queue": {**state, "last": deque([0.1, 0.2], maxlen=9)},
    }  # fmt: skip
    found = {name: saved(content, zipped=zipped) for name, content in plain.items()}
    with foreign("pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint") as (callback,):
        content = {**state, **LIGHTNING, "callbacks": {callback: {"best": 1}}}
        found["lightning, callbacks by class"] = saved(content, zipped=zipped)
    with foreign(*OMEGACONF) as (kinds, config, *rest):
        hyper = filled_object(config, _content={"dims": filled_object(kinds, _content=[1, 2])})
        hyper.more = [kind() for kind in rest]
        content = {**state, "hyper_parameters": {"first_stage_config": hyper}}
        found["omegaconf"] = saved(content, zipped=zipped)
    with foreign("pytorch_lightning.utilities.parsing.AttributeDict") as (kind,):
        content = {**state, "hyper_parameters": filled(kind(), {"lr": 0.1, "steps": 3})}
        found["attribute dictionary"] = saved(content, zipped=zipped)
    with foreign("somebodys.training.TrainConfig") as (kind,):
        content = {**state, "config": filled_object(kind, lr=0.1)}
        found["somebody's settings"] = saved(content, zipped=zipped)
    return found


def whole_module(*, zipped: bool = True) -> bytes:
    return saved(nn.Sequential(nn.Linear(30, 20), nn.ReLU()), zipped=zipped)


def filled(mapping: Any, values: dict[str, Any]) -> Any:
    mapping.update(values)
    return mapping


def filled_object(kind: type, **values: Any) -> Any:
    made = kind()
    made.__dict__.update(values)
    return made

"""The engine: values in, radiographs out. Importing it loads no torch."""

import os
from typing import TYPE_CHECKING, Any

from engine import threads
from engine.api import (
    Batch,
    EraseRequest,
    Finding,
    GenerateRequest,
    InsertRequest,
    Knows,
    ModelCard,
    OutpaintRequest,
    Progress,
    Request,
    Result,
    Sampling,
    SegmentRequest,
    UpscaleRequest,
)
from engine.errors import Cancelled, EngineError, InvalidRequest
from engine.version import VERSION as __version__

threads.settle(os.environ, threads.cores())

if TYPE_CHECKING:
    from engine.engine import Engine, open_engine

__all__ = [
    "Batch",
    "Cancelled",
    "Engine",
    "EngineError",
    "EraseRequest",
    "Finding",
    "GenerateRequest",
    "InsertRequest",
    "InvalidRequest",
    "Knows",
    "ModelCard",
    "OutpaintRequest",
    "Progress",
    "Request",
    "Result",
    "Sampling",
    "SegmentRequest",
    "UpscaleRequest",
    "__version__",
    "open_engine",
]


def __getattr__(name: str) -> Any:
    if name in ("Engine", "open_engine"):
        from engine import engine

        return getattr(engine, name)
    raise AttributeError(name)

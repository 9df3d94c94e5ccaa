"""An engine without networks: results that a test can predict."""

from typing import Any

import numpy as np

from engine.api import (
    GenerateRequest,
    Knows,
    OnEvent,
    Progress,
    Request,
    Result,
    SegmentRequest,
    UpscaleRequest,
)
from engine.provenance import recipe_of, request_of

KNOWS = Knows(
    verbs=("generate",),
    findings=("effusion", "consolidation", "no finding"),
    sides=("left", "right", "both"),
    zones=("upper", "middle", "lower"),
    views=("pa", "ap"),
)
HASHES = {"fake": "00" * 32}


class FakeEngine:
    """The picture is the seed, drawn as a grey of seed / 65535; edits draw it in the zone."""

    name = "stand-in"

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.requests: list[Request] = []
        self.fails: BaseException | None = None

    def run(self, request: Request, on_event: OnEvent | None = None) -> Result:
        self.requests.append(request)
        if self.fails is not None:
            raise self.fails
        if on_event is not None:
            on_event(Progress("anatomy", 1, 2))
            on_event(Progress("anatomy", 2, 2))
        image, organs = self._drawn(request)
        return Result(
            image=image,
            states={"done": image},
            organs=organs,
            request=request,
            recipe=recipe_of(request, "fake", HASHES),
            seconds={"total": 0.25},
            notes=("A note.",),
        )

    def knows(self, verb: str) -> Knows:
        return KNOWS if verb in KNOWS.verbs else Knows()

    def replay(self, recipe: Any, inputs: Any, on_event: OnEvent | None = None) -> Result:
        return self.run(request_of(recipe, inputs), on_event)

    def _drawn(self, request: Request) -> tuple[np.ndarray, np.ndarray | None]:
        if isinstance(request, SegmentRequest):
            return request.image, (request.image > 0.5).astype(np.uint8)
        grey = np.float32(request.sampling.seed) / np.float32(65535)
        if isinstance(request, GenerateRequest):
            shape = (64, 64) if request.organs is None else request.organs.shape
            return np.full(shape, grey, np.float32), request.organs
        if isinstance(request, UpscaleRequest):
            return np.full((1024, 1024), grey, np.float32), None
        zone = getattr(request, "mask", None)
        if zone is None:
            keep = getattr(request, "keep", None)
            zone = 1 - keep if keep is not None else request.findings[0].mask
        return np.where(zone > 0, grey, request.image), None

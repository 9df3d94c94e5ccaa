"""Stands in for the engine: the real requests, progress and results, pixels one can predict.

Generate paints grey by organ, findings white; edits paint 0.75 into their zone. Each step waits
for ``gate`` to be open, and ``stop_at`` closes it after a step, so that a test decides how far a
run gets.
"""

import threading
from dataclasses import replace

import numpy as np

from engine.api import (
    EraseRequest,
    GenerateRequest,
    InsertRequest,
    Knows,
    ModelCard,
    OutpaintRequest,
    Progress,
    Result,
    Sampling,
    SegmentRequest,
    UpscaleRequest,
)
from engine.provenance import recipe_of

STEPS = 4
HASHES = {"fake": "0" * 64}
KNOWS = Knows(
    verbs=("generate", "insert", "erase", "outpaint"),
    findings=("effusion", "cardiomegaly", "pneumothorax"),
    organs=(1, 2, 3),
    sides=("left", "right", "both"),
    zones=("upper", "middle", "lower"),
    densities={"effusion": 0.3},
)
TONES = np.array([0.1, 0.3, 0.35, 0.8, 0.7], np.float32)


class FakeEngine:
    name = "Embedded models, 256 px"
    device = "cpu"
    precision = "float32"
    models = (
        ModelCard(
            name="fake", role="diffusion", knows=KNOWS, licence="Apache-2.0",
            sha256="0" * 64, source="tests",
        ),
    )  # fmt: skip

    ways = ("map",)
    exact = False
    report_guidance = 1.5

    def __init__(self, fails_with=None, without=()):
        self.gate = threading.Event()
        self.gate.set()
        self.fails_with = fails_with
        self.without = without
        self.requests = []
        self.stop_at = None  # (stage, step)

    def knows(self, verb):
        return KNOWS if verb in KNOWS.verbs else Knows()

    def can(self, verb):
        return f"The models cannot {verb}." if verb in self.without else None

    def warm_up(self):
        pass

    def in_memory(self):
        return {}

    def memory(self):
        return 2 * 10**9, 8 * 10**9

    def defaults(self, verb, quality=None):
        steps = {"draft": 10, "fine": 40}.get(quality, 20)
        return Sampling(
            quality=quality, steps=steps, guidance=2.0, sampler="ddim", eta=0.0, detail_steps=6
        )

    def release(self):
        self.stop_at = None
        self.gate.set()

    def run(self, request, on_event=None):
        if isinstance(request, SegmentRequest):
            return self.read(request)
        self.requests.append(request)
        if self.fails_with is not None:
            raise self.fails_with
        request = grown(request)
        states = paint(request)
        image = list(states.values())[-1]
        for stage, picture in states.items():
            if stage == "opened":
                continue
            for done in range(1, STEPS + 1):
                self.gate.wait(timeout=120)
                if on_event is not None:
                    on_event(Progress(stage, done, STEPS, picture))
                if (stage, done) == self.stop_at:
                    self.gate.clear()
        return Result(
            image=image,
            states=states,
            organs=None,
            request=request,
            recipe=recipe_of(request, self.name, HASHES),
            seconds={"total": 0.1},
            notes=(),
        )

    def read(self, request):
        """Organs, at once: reading is not a run that a test waits for."""
        return Result(
            image=request.image, states={}, organs=read_organs(request.image), request=request,
            recipe={}, seconds={},
        )  # fmt: skip


def opened(settings, name):
    """Opens it in the process of the models; see app.runs.worker."""
    return FakeEngine()


def grown(request):
    """The request with its masks grown, as the engine gives it back."""
    grow = getattr(request, "grow", 0)
    if not grow:
        return request
    if isinstance(request, EraseRequest):
        return replace(request, mask=near(request.mask, grow), grow=0)
    wide = tuple(replace(f, mask=near(f.mask, grow)) for f in request.findings)
    return replace(request, findings=wide, grow=0)


def near(mask, grow):
    """1 within ``grow`` px of a masked pixel: by the distance to each of them."""
    y, x = np.mgrid[0 : mask.shape[0], 0 : mask.shape[1]]
    found = np.zeros(mask.shape, bool)
    for row, column in np.argwhere(mask > 0):
        found |= (y - row) ** 2 + (x - column) ** 2 <= grow**2
    return found.astype(np.float32)


def paint(request):
    """The stages of a request, oldest first, the result last."""
    if isinstance(request, GenerateRequest):
        organs = request.organs
        if organs is None:
            organs = np.zeros((256, 256), np.uint8)
        image = on_grid(TONES[organs] + np.float32(request.sampling.seed % 7) / 100)
        states = {"anatomy" if request.findings else "generated": image}
        for finding in request.findings:
            image = np.where(finding.mask > 0, np.float32(1), image)
            states[finding.text] = image
        return states
    image = request.image
    match request:
        case InsertRequest():
            zone = np.max([finding.mask for finding in request.findings], axis=0)
        case EraseRequest():
            zone = request.mask
        case OutpaintRequest():
            zone = 1 - request.keep
        case UpscaleRequest():
            tall, wide = image.shape
            scale = 1024 // max(tall, wide)
            return {"opened": image, "upscaled": np.kron(image, np.ones((scale, scale), "f4"))}
        case _:
            return {"opened": image}
    done = np.where(zone > 0, np.float32(49151 / 65535), image).astype(np.float32)
    return {"opened": image, "done": done}


def read_organs(image):
    """Two lungs and a heart at fixed places, whatever the picture shows."""
    tall, wide = image.shape
    organs = np.zeros((tall, wide), np.uint8)
    organs[tall // 4 : 3 * tall // 4, wide // 8 : 3 * wide // 8] = 2
    organs[tall // 4 : 3 * tall // 4, 5 * wide // 8 : 7 * wide // 8] = 1
    organs[tall // 2 : 3 * tall // 4, 3 * wide // 8 : 5 * wide // 8] = 3
    return organs


def on_grid(image):
    return (np.round(image * 65535) / np.float32(65535)).astype(np.float32)

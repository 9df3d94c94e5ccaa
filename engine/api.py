"""Everything that crosses the border of the engine: requests in, events and one result out.

These are plain frozen values of NumPy arrays and numbers: no torch, no page, no file paths.
The page, the command line and Python callers all build the same ones. A request that exists
is valid; a constructor refuses with :class:`InvalidRequest` and never repairs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from engine.checks import LARGEST_SIDE as LARGEST_SIDE
from engine.checks import MOST_PIXELS as MOST_PIXELS
from engine.checks import SMALLEST_SIDE as SMALLEST_SIDE
from engine.checks import check_image, check_mask, check_organs, check_outlines, check_zone
from engine.errors import InvalidRequest

Pixels = NDArray[np.float32]  # (H, W), 0 is black and 1 is white as on MONOCHROME2
Mask = NDArray[np.float32]  # (H, W), 1 where something may change, 0 where nothing may
Organs = NDArray[np.uint8]  # (H, W) label map, see ORGAN_NAMES; sides are the patient's

LEFT_LUNG, RIGHT_LUNG, HEART, AORTA = 1, 2, 3, 4  # XReal's numbering
ORGAN_NAMES = {LEFT_LUNG: "left lung", RIGHT_LUNG: "right lung", HEART: "heart", AORTA: "aorta"}

Sampler = Literal["ddim", "dpmpp"]
Verb = Literal["generate", "insert", "erase", "outpaint", "upscale", "segment"]
AnatomyWay = Literal["auto", "map", "controller"]
Quality = Literal["draft", "standard", "fine"]
STRONGEST = 2  # of a finding, in times its usual density
QUALITIES: tuple[Quality, ...] = get_args(Quality)


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How to sample. What is ``None`` is filled in by the model that runs (its own defaults).

    ``quality`` chooses which of the model's defaults: "draft", "standard" or "fine". It is a name
    for them and nothing else: where all the rest is set, as in a recipe, it changes no pixel.
    ``steps`` are per stage, ``detail_steps`` those of the upscaler for films that are larger than
    the model's; ``eta`` 0 is deterministic, ``guidance`` 1 is none. What guidance adds to a finding
    is worked out anew when the ratio of noise to signal has fallen ``guidance_lasts`` times; 1 is
    at every step. ``exact`` asks for the reference's arithmetic to the letter: float32, its
    schedule, its noise order, and no compositing.
    """

    seed: int = 0
    quality: Quality | None = None
    steps: int | None = None
    sampler: Sampler | None = None
    eta: float | None = None
    guidance: float | None = None
    guidance_lasts: float | None = None
    detail_steps: int | None = None
    exact: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.seed, bool) or not isinstance(self.seed, int | np.integer):
            raise InvalidRequest(f"The seed must be a whole number; '{self.seed}' is not one.")
        if not 0 <= self.seed < 2**63:
            raise InvalidRequest("The seed must be a whole number from 0 to 9223372036854775807.")
        if self.quality not in (None, *QUALITIES):
            raise InvalidRequest(
                f"The qualities are draft, standard and fine; '{self.quality}' is none of them."
            )
        for steps in (self.steps, self.detail_steps):
            if steps is not None and not 1 <= steps <= 2000:
                raise InvalidRequest(f"Choose between 1 and 2000 steps; {steps} were asked for.")
        if self.sampler not in (None, "ddim", "dpmpp"):
            raise InvalidRequest(f"The samplers are ddim and dpmpp; '{self.sampler}' is neither.")
        if self.eta is not None and not 0 <= self.eta <= 1:
            raise InvalidRequest(f"Eta goes from 0 to 1; {self.eta:g} was asked for.")
        if self.guidance is not None and not 1 <= self.guidance <= 30:
            raise InvalidRequest(f"Guidance goes from 1 to 30; {self.guidance:g} was asked for.")
        if self.guidance_lasts is not None and not 1 <= self.guidance_lasts <= 100:
            raise InvalidRequest(
                f"Guidance lasts from 1 (every step) to 100; {self.guidance_lasts:g} was asked for."
            )
        if self.exact and self.guidance_lasts not in (None, 1):
            raise InvalidRequest("Exact reference arithmetic works guidance out at every step.")
        if self.exact and self.sampler == "dpmpp":
            raise InvalidRequest("Exact reference arithmetic uses the ddim sampler.")
        if self.exact and self.quality is not None:
            raise InvalidRequest(
                "Exact reference arithmetic has the authors' own settings. Leave the quality out."
            )

    def filled(self, defaults: "Sampling") -> "Sampling":
        """This sampling with every ``None`` taken from ``defaults``; the seed is its own."""
        missing = {n: getattr(defaults, n) for n in LEFT_TO_MODELS if getattr(self, n) is None}
        return replace(self, **missing)


LEFT_TO_MODELS = (
    "quality", "steps", "sampler", "eta", "guidance", "guidance_lasts", "detail_steps",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Words for what should appear and where. Empty words remove what is there.

    ``guidance`` is how strictly these words are obeyed; None takes that of the sampling.
    ``strength`` is how much the finding stands out where the model has a usual density for it (see
    ``densities`` of :class:`Knows`): 1 is the usual, 0 leaves it to the network.
    """

    text: str
    mask: Mask
    guidance: float | None = None
    strength: float = 1.0

    def __post_init__(self) -> None:
        if len(self.text) > 1000:
            raise InvalidRequest("The words of a finding may have at most 1000 characters.")
        if self.guidance is not None and not 1 <= self.guidance <= 30:
            raise InvalidRequest(f"Guidance goes from 1 to 30; {self.guidance:g} was asked for.")
        if not 0 <= self.strength <= STRONGEST:
            raise InvalidRequest(
                f"The strength of a finding goes from 0 to {STRONGEST}; {self.strength:g} was "
                "asked for."
            )


@dataclass(frozen=True, kw_only=True)
class GenerateRequest:
    """Draw a new radiograph: organs where the map says, findings where their masks say.

    Without organs: from the report alone, or from nothing at all. ``anatomy_way`` chooses how
    the map is obeyed: given to the network ("map"), or through the anatomy controller whose
    rough radiograph guides the first ``held_steps`` steps ("controller", XReal's way).
    """

    report: str = ""
    organs: Organs | None = None
    findings: tuple[Finding, ...] = ()
    sampling: Sampling = field(default_factory=Sampling)
    anatomy_way: AnatomyWay = "auto"
    held_steps: int | None = None

    def __post_init__(self) -> None:
        if len(self.report) > 10_000:
            raise InvalidRequest("A report may have at most 10000 characters.")
        if self.organs is not None:
            check_organs(self.organs)
        if self.held_steps is not None and self.held_steps < 0:
            raise InvalidRequest("The number of held steps starts at 0.")
        if self.anatomy_way not in ("auto", "map", "controller"):
            raise InvalidRequest("The anatomy is obeyed by 'map' or 'controller' ('auto': either).")
        shape = None if self.organs is None else self.organs.shape
        for finding in self.findings:
            shape = shape or finding.mask.shape
            if not finding.text.strip():
                raise InvalidRequest("Every finding of a new picture needs words.")
            check_mask(finding.mask, shape, f"The region of '{finding.text}'")


@dataclass(frozen=True, kw_only=True)
class InsertRequest:
    """Put findings into a radiograph, one after another; empty words remove what is there.

    ``organs`` are outlines the caller knows; without them a model that needs a map reads one.
    ``grow``, ``feather`` and ``context`` are px of the picture; see
    :func:`engine.checks.check_zone`.
    """

    image: Pixels
    findings: tuple[Finding, ...]
    sampling: Sampling = field(default_factory=Sampling)
    organs: Organs | None = None
    grow: int = 0
    feather: int | None = None
    context: int | None = None

    def __post_init__(self) -> None:
        check_image(self.image)
        if not self.findings:
            raise InvalidRequest("There is no finding to insert. Paint its region and name it.")
        for finding in self.findings:
            what = f"The region of '{finding.text}'" if finding.text else "The region to clear"
            check_mask(finding.mask, self.image.shape, what)
        check_outlines(self.organs, self.image)
        check_zone(self.grow, self.feather, self.context, exact=self.sampling.exact)


@dataclass(frozen=True, kw_only=True)
class EraseRequest:
    """Remove what lies under ``mask`` (a pacemaker, a line) and leave plausible background.

    ``organs`` as in :class:`InsertRequest`. ``words`` condition a model that reads them.
    ``unscaled_reference`` repeats, for parity only, the reference's omission of the latent
    scale in report-conditioned in-painting. ``grow``, ``feather`` and ``context``: see
    :func:`engine.checks.check_zone`.
    """

    image: Pixels
    mask: Mask
    sampling: Sampling = field(default_factory=Sampling)
    organs: Organs | None = None
    words: str = ""
    unscaled_reference: bool = False
    grow: int = 0
    feather: int | None = None
    context: int | None = None

    def __post_init__(self) -> None:
        check_image(self.image)
        check_mask(self.mask, self.image.shape, "The region to erase")
        check_outlines(self.organs, self.image)
        check_zone(self.grow, self.feather, self.context, exact=self.sampling.exact)


@dataclass(frozen=True, kw_only=True)
class OutpaintRequest:
    """Complete the field of view: ``keep`` is 1 where the picture is given, 0 where invented."""

    image: Pixels
    keep: Mask
    sampling: Sampling = field(default_factory=Sampling)

    def __post_init__(self) -> None:
        check_image(self.image)
        check_mask(1 - self.keep, self.image.shape, "The area to complete")
        if not (self.keep > 0).any():
            raise InvalidRequest("Nothing of the picture is kept. Keep a part to complete from.")


@dataclass(frozen=True, kw_only=True)
class UpscaleRequest:
    """The radiograph at 1024 px, with invented fine detail."""

    image: Pixels
    method: Literal["ddim", "ddpm"] = "ddim"
    sampling: Sampling = field(default_factory=Sampling)

    def __post_init__(self) -> None:
        check_image(self.image)
        if self.method not in ("ddim", "ddpm"):
            raise InvalidRequest(f"The methods are ddim and ddpm; '{self.method}' is neither.")
        if max(self.image.shape) >= 1024:
            raise InvalidRequest("The picture is already 1024 px or larger.")


@dataclass(frozen=True, kw_only=True)
class SegmentRequest:
    """Read the organs from a radiograph."""

    image: Pixels

    def __post_init__(self) -> None:
        check_image(self.image)


Request = (
    GenerateRequest
    | InsertRequest
    | EraseRequest
    | OutpaintRequest
    | UpscaleRequest
    | SegmentRequest
)
VERBS: dict[type, Verb] = {
    GenerateRequest: "generate",
    InsertRequest: "insert",
    EraseRequest: "erase",
    OutpaintRequest: "outpaint",
    UpscaleRequest: "upscale",
    SegmentRequest: "segment",
}


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The same request with N seeds; the results come in the order of the seeds."""

    request: Request
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        if not self.seeds:
            raise InvalidRequest("A batch needs at least one seed.")
        if isinstance(self.request, SegmentRequest):
            raise InvalidRequest("Reading organs has no seed, so it has no variations.")

    def requests(self) -> tuple[Request, ...]:
        return tuple(with_seed(self.request, seed) for seed in self.seeds)


@dataclass(frozen=True)
class Progress:
    """``done`` of ``total`` steps of ``stage`` are behind us; ``preview`` shows the aim."""

    stage: str
    done: int
    total: int
    preview: Pixels | None = None


OnEvent = Callable[[Progress], None]  # may raise Cancelled to stop at this step


@dataclass(frozen=True, kw_only=True)
class Result:
    """``image`` lies on the 16-bit grid (multiples of 1/65535), so files hold it exactly.

    ``states`` are the finished stages, oldest first, each (H, W). ``request`` is what was run,
    with everything the models filled in; ``recipe`` is its JSON. ``notes`` are sentences about
    what was asked for and not obeyed. ``seconds`` by stage; ``raw`` is (C, H, W) as decoded
    and kept only when exact.
    """

    image: Pixels
    states: dict[str, Pixels]
    organs: Organs | None
    request: Request
    recipe: dict[str, Any]
    seconds: dict[str, float]
    notes: tuple[str, ...] = ()
    raw: NDArray[np.float32] | None = None


@dataclass(frozen=True, kw_only=True)
class Knows:
    """What a model can obey. ``findings`` are its words; free text makes the list a hint.

    ``densities`` say by finding how much denser than its surroundings (in shares of full scale;
    clearer below 0) its region is guessed to be before it is drawn. These findings obey a
    strength; what is not named there is left to the network.
    """

    verbs: tuple[Verb, ...] = ()
    findings: tuple[str, ...] = ()
    organs: tuple[int, ...] = ()
    sides: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    free_text: bool = False
    densities: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """One loaded network as others see it. ``role``: codec, diffusion, controller, ..."""

    name: str
    role: str
    knows: Knows
    licence: str
    sha256: str
    source: str
    figures: dict[str, Any] = field(default_factory=dict)


def with_seed(request: Request, seed: int) -> Request:
    if isinstance(request, SegmentRequest):
        return request
    return replace(request, sampling=replace(request.sampling, seed=seed))

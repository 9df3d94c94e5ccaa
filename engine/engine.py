"""One engine: it opens models, runs requests, and makes pictures again from their recipes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, overload

import torch

from engine import invisible, provenance
from engine.api import (
    VERBS,
    AnatomyWay,
    Batch,
    GenerateRequest,
    Knows,
    ModelCard,
    OnEvent,
    Organs,
    Progress,
    Quality,
    Request,
    Result,
    Sampling,
    SegmentRequest,
    UpscaleRequest,
    Verb,
    with_seed,
)
from engine.bundle import ModelSet, ShapeModel
from engine.clock import StageClock
from engine.devices import (
    PRECISIONS,
    choose_device,
    choose_precision,
    computes_in,
    give_back,
    memory_of,
    out_of_memory,
    ran_out,
)
from engine.embedded import open_embedded
from engine.errors import InvalidRequest, ModelMissing, OutOfMemory
from engine.painting import Painted
from engine.recipes.erase import erase
from engine.recipes.generate import generate
from engine.recipes.insert import insert
from engine.recipes.outpaint import outpaint
from engine.recipes.segment import segment
from engine.recipes.upscale import upscale
from engine.remembered import Remembered
from engine.shapes import ChestShape
from engine.streaming import stream

EMBEDDED = Path(__file__).parent.parent / "assets" / "models"
SMALLER = "Memory ran short, so this was computed in smaller parts: the same picture, only slower."
RECIPES: dict[Verb, Callable[..., list[Painted]]] = {
    "generate": generate,
    "insert": insert,
    "erase": erase,
    "outpaint": outpaint,
    "upscale": upscale,
}


def open_engine(
    models: str | Path | None = None, device: str = "auto", precision: str = "auto"
) -> "Engine":
    """An engine on the embedded models, or on the model files that lie in a folder.

    ``device``: "auto" (a usable graphics card, else the processor), "cpu", "cuda", "cuda:1".
    ``precision``: "auto", "float32", "bfloat16", "float16". With "auto" a replay computes in the
    precision of its recipe.
    """
    where = choose_device(device)
    dtype = choose_precision(precision, where)
    free = precision == "auto"
    if models is None:

        def embedded_in(dtype: torch.dtype) -> ModelSet:
            return open_embedded(EMBEDDED, where, dtype)

        return Engine(embedded_in(dtype), in_precision=embedded_in if free else None)
    from engine.published import open_published

    return open_models(open_published(Path(models), where, dtype), where, free)


def open_models(published: Any, device: torch.device, free: bool = True) -> "Engine":
    """An engine on published models that were opened already (``PublishedModels``).

    ``free`` lets a replay compute in the precision of its recipe.
    """

    from engine.published import published_with

    def published_in(dtype: torch.dtype) -> ModelSet:
        return published_with(
            replace(published, dtype=dtype), open_embedded(EMBEDDED, device, dtype)
        )

    return Engine(published_in(published.dtype), published, published_in if free else None)


class Engine:
    """Loaded models behind ``run``. One run at a time: callers queue (see app.runs.jobs).

    ``in_precision`` opens the same models in another precision, for the recipes that ask for it.
    """

    def __init__(
        self,
        models: ModelSet,
        published: Any = None,
        in_precision: Callable[[torch.dtype], ModelSet] | None = None,
    ) -> None:
        self._models = models
        self._published = published  # PublishedModels for exact runs, or None
        self._in_precision = in_precision
        self._others: dict[str, ModelSet] = {}

    @property
    def name(self) -> str:
        return self._models.name

    @property
    def loaded(self) -> ModelSet:
        """The networks themselves, for those who measure them (engine.evaluation)."""
        return self._models

    @property
    def device(self) -> str:
        return str(self._models.device)

    @property
    def precision(self) -> str:
        """What the networks compute in: "float32", "bfloat16" or "float16"."""
        return self._models.precision

    @property
    def models(self) -> tuple[ModelCard, ...]:
        return self._models.cards

    def in_memory(self) -> dict[str, int]:
        """Bytes of the networks that are loaded now, by the sha256 of their model."""
        return self._models.held()

    def memory(self) -> tuple[int, int]:
        """Bytes in use and in all, of the memory that the networks lie in; (0, 0) if not told."""
        return memory_of(self.device)

    def can(self, verb: Verb) -> str | None:
        """None where the verb can be done, else the reason in a sentence."""
        if verb == "upscale":
            missing = self._models.upscaler is None
            return f"No super-resolution model in '{self.name}'." if missing else None
        if verb == "segment":
            return None if self._models.segmenter else f"No segmenter in '{self.name}'."
        if any(verb in p.knows.verbs for p in self._models.painters):
            return None
        return f"The models of '{self.name}' cannot {verb}."

    def knows(self, verb: Verb) -> Knows:
        """What the painter that would do the verb can obey."""
        painters = [p for p in self._models.painters if verb in p.knows.verbs]
        return painters[0].knows if painters else Knows()

    def defaults(self, verb: Verb, quality: Quality | None = None) -> Sampling:
        """What a sampling that leaves everything else open becomes for this verb."""
        if verb == "upscale" and self._models.upscaler is not None:
            return self._models.upscaling(quality)
        painters = [p for p in self._models.painters if verb in p.knows.verbs]
        return self._models.settings(painters[0], quality) if painters else Sampling()

    @property
    def ways(self) -> tuple[AnatomyWay, ...]:
        """How a drawn organ map can be obeyed: "map", "controller", both or neither."""
        painters = [p for p in self._models.painters if "generate" in p.knows.verbs]
        found: dict[AnatomyWay, bool] = {
            "map": any(p.diffusion.takes_map for p in painters),
            "controller": any(p.controller is not None for p in painters),
        }
        return tuple(way for way, there in found.items() if there)

    @property
    def report_guidance(self) -> float | None:
        """The guidance of a whole film in which no finding is painted, where none is asked for."""
        painters = (p for p in self._models.painters if "generate" in p.knows.verbs)
        return next((p.report_guidance for p in painters), None)

    @property
    def exact(self) -> bool:
        """Whether exact reference arithmetic is defined for the models that are loaded."""
        return self._published is not None

    def warm_up(self) -> None:
        """Load what a first picture needs, by making a throwaway one in a single step.

        For the small embedded models; published ones load when they are first used.
        """
        if self._published is None and self.can("generate") is None:
            self.run(GenerateRequest(sampling=Sampling(steps=1)))

    def organs_for(self, seed: int, size: int) -> Organs:
        """A plausible organ map (size, size) drawn from the shape model."""
        return self._shapes().sample(seed, size)

    def templates(self) -> tuple[str, ...]:
        """Names of the anatomies to start from."""
        return tuple(self._models.shapes.templates) if self._models.shapes else ()

    def template(self, name: str, size: int) -> Organs:
        """The anatomy of that name as an organ map (size, size)."""
        if name not in self.templates():
            known = ", ".join(self.templates())
            raise InvalidRequest(f"There is no template '{name}'; there are: {known}.")
        return self._shapes().template(name, size)

    def chest(self, settings: ChestShape, size: int) -> Organs:
        """A named anatomy with its sliders set, as an organ map (size, size)."""
        return self._shapes().chest(settings, size)

    def _shapes(self) -> ShapeModel:
        if self._models.shapes is None:
            raise ModelMissing("The shape model is missing, so an organ map must be drawn.")
        return self._models.shapes

    @overload
    def run(self, request: Request, on_event: OnEvent | None = None) -> Result: ...
    @overload
    def run(self, request: Batch, on_event: OnEvent | None = None) -> list[Result]: ...
    def run(
        self, request: Request | Batch, on_event: OnEvent | None = None
    ) -> Result | list[Result]:
        """Do what the request says. ``on_event`` may raise Cancelled at any step.

        Raises an EngineError for what a person can act on; a batch gives a list.
        """
        if isinstance(request, Batch):
            return self._run(request.request, request.seeds, on_event)
        return self._run(request, (_seed(request),), on_event)[0]

    def stream(self, request: Request) -> Iterator[Progress | Result]:
        """Progress, then the result. Closing the iterator stops the run at its next step."""
        return stream(self.run, request)

    def replay(
        self, recipe: dict[str, Any], inputs: dict[str, Any], on_event: OnEvent | None = None
    ) -> Result:
        """Make the picture of a recipe again: the same pixels on the same kind of device.

        In the precision of the recipe, unless the engine was opened with one that was named.
        A recipe with a ``state`` is that of a stage on the way: the whole run is made again.
        Raises ModelMissing where a model of the recipe is not loaded in that very version.
        """
        for name, digest in recipe.get("models", {}).items():
            if self._models.hashes.get(name) != digest:
                raise ModelMissing(
                    f"This picture was made with another version of the model '{name}', so it "
                    "cannot be made again with the models that are loaded. Open the model set "
                    "that made it (--models)."
                )
        request = provenance.request_of(recipe, inputs)
        batch = recipe.get("batch")
        if batch:
            seeds, item = tuple(batch["seeds"]), int(batch["item"])
        else:
            seeds, item = (_seed(request),), 0
        mark, models = invisible.asked_by(recipe), self.models_for(recipe)
        if recipe.get("sparing"):
            models = models.sparing()
        models = replace(models, remembered=Remembered(0))  # made again, not found again
        result = self._run(request, seeds, on_event, models, mark)[item]
        return result if "state" not in recipe else provenance.at_state(result, recipe["state"])

    def models_for(self, recipe: dict[str, Any]) -> ModelSet:
        """The loaded models in the precision of ``recipe``.

        Version 0.1.0 named none: on a processor it was float32.
        """
        on_card = self._models.device.type == "cuda"
        named = recipe.get("precision", self.precision if on_card else "float32")
        if named not in PRECISIONS:
            raise InvalidRequest(
                f"The recipe asks for the precision '{named}', which this version does not know."
            )
        dtype = PRECISIONS[named]
        if named == self.precision or self._in_precision is None:
            return self._models
        if not computes_in(dtype, self._models.device):
            return self._models  # another kind of device: the picture differs slightly
        if named not in self._others:
            self._others[named] = self._in_precision(dtype)
        return self._others[named]

    def _run(
        self,
        request: Request,
        seeds: Sequence[int],
        on_event: OnEvent | None,
        models: ModelSet | None = None,
        mark: int = invisible.MARK,
    ) -> list[Result]:
        models = models or self._models
        clock = StageClock(on_event)
        lacking: OutOfMemory | None = None
        try:
            with torch.inference_mode():
                if not isinstance(request, SegmentRequest) and request.sampling.exact:
                    return [
                        self._run_exact(with_seed(request, s), clock, models.remembered)
                        for s in seeds
                    ]
                if isinstance(request, SegmentRequest):
                    painted = segment(request, models, clock)
                else:
                    painted = RECIPES[VERBS[type(request)]](request, models, seeds, clock)
        except Exception as error:
            if not ran_out(error):
                raise
            lacking, painted = out_of_memory(self._models.device, error), []
        if lacking is not None:
            return self._run_smaller(request, seeds, on_event, models, mark, lacking)
        seconds = clock.seconds()
        if mark:  # of what was run, because that knows its zones
            painted = [
                replace(p, states=invisible.embed_states(p.request, p.states)) for p in painted
            ]
        results = [self._result(p, models, seeds, n, seconds) for n, p in enumerate(painted)]
        return results if mark else [invisible.without(result) for result in results]

    def _run_smaller(
        self,
        request: Request,
        seeds: Sequence[int],
        on_event: OnEvent | None,
        models: ModelSet,
        mark: int,
        lacking: OutOfMemory,
    ) -> list[Result]:
        """Once more where memory ran out: picture by picture, and less at once for each of them.

        Raises ``lacking`` where that was tried already or would need as much.
        """
        give_back(self._models.device)
        guided = not isinstance(request, SegmentRequest | UpscaleRequest)
        exact = guided and request.sampling.exact
        if not guided or exact or all(p.sparing for p in models.painters):
            raise lacking
        small = models.sparing()
        found = [self._run(request, (seed,), on_event, small, mark)[0] for seed in seeds]
        return [replace(result, notes=(*result.notes, SMALLER)) for result in found]

    def _result(
        self,
        p: Painted,
        models: ModelSet,
        seeds: Sequence[int],
        item: int,
        seconds: dict[str, float],
    ) -> Result:
        request = with_seed(p.request, int(seeds[item]))
        recipe = provenance.recipe_of(request, models.name, models.hashes, models.precision)
        if any(painter.sparing for painter in models.painters):
            recipe["sparing"] = True  # rounding differs, and a replay should not
        if len(seeds) > 1:  # a batch is computed together, so it is made again together
            recipe["batch"] = {"seeds": [int(s) for s in seeds], "item": item}
        return Result(
            image=list(p.states.values())[-1],
            states=p.states,
            organs=p.organs,
            request=request,
            recipe=recipe,
            seconds=seconds,
            notes=p.notes,
        )

    def _run_exact(self, request: Request, clock: StageClock, remembered: Remembered) -> Result:
        if self._published is None:
            raise InvalidRequest(
                "Exact reference arithmetic is defined for the published XReal and Cheff files. "
                "Open a model folder that holds them, or switch it off."
            )
        from engine.recipes.reference import run_exact

        image, states, raw = run_exact(request, self._published, clock, remembered)
        return Result(
            image=image,
            states=states,
            organs=request.organs if isinstance(request, GenerateRequest) else None,
            request=request,
            recipe=provenance.recipe_of(request, self._models.name, self._models.hashes),
            seconds=clock.seconds(),
            raw=raw,
        )


def _seed(request: Request) -> int:
    return 0 if isinstance(request, SegmentRequest) else int(request.sampling.seed)

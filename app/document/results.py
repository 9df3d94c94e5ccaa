"""What a run made, as states of the history."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.canvas.drawing import Drawing
from app.document import films
from app.document.holding import Held, held_of
from app.document.session import Origin, Session, State, scaled
from engine.api import GenerateRequest, Pixels, Request, Result, UpscaleRequest
from engine.provenance import inputs_of, with_history


def keep_result(
    session: Session,
    result: Result,
    *,
    parent: int | None,
    drawing: Drawing | None,
    name: str,
    proposal: bool,
    holds: tuple[Held, ...] = (),
    badge: str = "",
) -> int:
    """Add the stages of a run and its picture to the history; the number of the picture."""
    made_from = session.state(parent) or session.binned(parent)
    generated = isinstance(result.request, GenerateRequest)
    origin: Origin = "synthetic"
    if not generated:  # of a picture that is gone nothing is known: it may be a film
        whole = made_from is not None and made_from.origin == "synthetic"
        origin = "synthetic" if whole else "partly"
    if isinstance(result.request, UpscaleRequest) and drawing is not None:
        drawing = scaled(drawing, result.image.shape)
    before = None if generated else parent
    if isinstance(result.request, GenerateRequest):
        stages = list(result.states.items())[:-1]
        before = keep_stages(session, stages, result.request, drawing, result.recipe)
    edited = None if generated or made_from is None else made_from.recipe
    image, recipe, inputs, descent = films.kept(
        films.before(result, origin, made_from and (made_from.descent, made_from.image.shape)),
        result,
        with_history(result.recipe, edited),
        inputs_of(result.request),
    )
    made = session.add(
        lambda n: State(
            number=n,
            name=name,
            kind="made",
            image=image,
            bits=16,
            origin=origin,
            parent=before,
            recipe=recipe,
            inputs=inputs,
            descent=descent,
            drawing=drawing,
            seed=seed_of(result.request),
            report=getattr(result.request, "report", ""),
            notes=result.notes,
            proposal=proposal,
            holds=holds,
            badge=badge,
            spacing_mm=None
            if generated or made_from is None
            else films.spacing_after(made_from.spacing_mm, made_from.image.shape, result),
        )
    )
    session.keep()
    return made.number


def keep_stages(
    session: Session,
    stages: Sequence[tuple[str, Pixels]],
    request: GenerateRequest,
    drawing: Drawing | None,
    recipe: dict[str, Any],
    *,
    choose: bool = False,
) -> int | None:
    """Add finished stages of a run, oldest first, but for those that the history has; the number
    of the last.

    Anatomy comes first, then each finding. The recipe of a stage is that of the whole run,
    ``recipe``, and says which of its states it is: what comes later has a say in what was before.
    """
    parent = None
    inputs = inputs_of(request)
    for count, (name, image) in enumerate(stages):
        holds = tuple(held_of(finding) for finding in request.findings[:count])
        known = same_stage(session, image, request, holds)
        if known is not None:
            parent = known.number
            continue
        state = session.add(
            lambda n, name=name, image=image, parent=parent, holds=holds: State(
                number=n,
                name=name.capitalize(),
                kind="stage",
                image=image,
                bits=16,
                origin="synthetic",
                parent=parent,
                recipe={**recipe, "state": name},
                inputs=inputs,
                drawing=drawing,
                seed=request.sampling.seed,
                report=request.report,
                holds=holds,
            ),
            choose=choose,
        )
        parent = state.number
    if choose and parent is not None:
        session.select(parent)
        session.keep()
    return parent


def same_stage(
    session: Session, image: Pixels, request: GenerateRequest, holds: tuple[Held, ...]
) -> State | None:
    """The newest state with the picture of this stage: where only a finding changed, the anatomy
    below it is in the history already."""
    for state in reversed(list(session.states.values())):
        told = (state.origin, state.seed, state.report, state.holds, state.proposal)
        wanted = ("synthetic", request.sampling.seed, request.report, holds, False)
        if told == wanted and np.array_equal(state.image, image):
            return state
    return None


def seed_of(request: Request) -> int | None:
    sampling = getattr(request, "sampling", None)
    return None if sampling is None else sampling.seed

"""Whose film the next Generate gives: the patient's on screen, or another's.

Chance makes a patient from the seed. Who moves a finding or says it otherwise wants the same
patient with that finding; who asks for the same once more wants another one. What is compared is
what the pictures were made from, as their recipes have it, so a document or a picture of ours that
was opened again answers like a run of a minute ago.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from app.document.session import State
from engine.api import GenerateRequest, Organs, Sampling
from engine.errors import EngineError
from engine.provenance import request_of

Whose = Literal["nobody", "same", "similar", "again", "other"]
SETTINGS = ("quality", "steps", "sampler", "eta", "detail_steps")


@dataclass(frozen=True)
class Usual:
    """What the models with these SHA-256 do where a request leaves it open; ``unpainted`` is their
    guidance of a film without painted findings."""

    sampling: Sampling
    unpainted: float | None
    models: frozenset[str]


@dataclass(frozen=True)
class Before:
    """A picture that was generated. ``seeds`` are those of the run that made it, the picture's own
    is ``seed``; ``shown`` says that it is what is on screen, or that what is was made from it."""

    number: int
    request: GenerateRequest
    models: frozenset[str]  # SHA-256
    shape: tuple[int, ...]
    seed: int
    seeds: range
    shown: bool


@dataclass(frozen=True)
class Patient:
    """``seed`` is the first of the next run; None where chance draws it. ``changed`` names what
    makes another patient of it, ``before`` is the picture it was compared with."""

    whose: Whose
    seed: int | None = None
    changed: str = ""
    before: Before | None = None


def patient_of(
    request: GenerateRequest, count: int, before: Before | None, usual: Usual | None = None
) -> Patient:
    """Whose film ``count`` pictures of ``request`` begin with; its seed is not looked at.

    As many pictures as before or more begin where that run began, so that all of its patients are
    there; fewer begin with the picture ``before``. ``usual`` is None while no models are there:
    then what a request leaves open counts as the same.
    """
    if before is None:
        return Patient("nobody")
    changed = changed_of(before, request, usual)
    if changed:
        return Patient("other", changed=changed, before=before)
    if same_findings(before.request, request):
        return Patient("again", before=before)
    seed = before.seeds.start if count >= len(before.seeds) else before.seed
    same = keeps_anatomy(before.request, request, usual)
    return Patient("same" if same else "similar", seed, before=before)


def changed_of(before: Before, request: GenerateRequest, usual: Usual | None) -> str:
    """What of ``request`` is not as it was, findings aside; empty where all is."""
    then = before.request
    if usual is not None and not before.models <= usual.models:
        return "the models"
    shape = shape_of(request)
    if not same_organs(then.organs, request.organs):
        return "the anatomy"
    if shape is not None and shape != before.shape:
        return "the size"
    if then.report.strip() != request.report.strip():
        return "the report"
    ways = (then.anatomy_way, then.held_steps, then.sampling.exact)
    if ways != (request.anatomy_way, request.held_steps, request.sampling.exact):
        return "the settings under Details"
    old, new = settings_of(then, usual), settings_of(request, usual)
    guidance = unlike(guidance_of(then, usual), guidance_of(request, usual))
    if guidance or any(unlike(getattr(old, name), getattr(new, name)) for name in SETTINGS):
        return "the settings under Details"
    return ""


def unlike(one: Any, other: Any) -> bool:
    """Whether two values differ; what is left open is whatever the other says."""
    return one is not None and other is not None and one != other


def same_organs(one: Organs | None, other: Organs | None) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other)


def same_findings(one: GenerateRequest, other: GenerateRequest) -> bool:
    """In the order in which they are drawn: later ones are drawn over earlier ones."""
    return len(one.findings) == len(other.findings) and all(
        (a.text, a.guidance, a.strength) == (b.text, b.guidance, b.strength)
        and np.array_equal(a.mask, b.mask)
        for a, b in zip(one.findings, other.findings, strict=True)
    )


def keeps_anatomy(then: GenerateRequest, now: GenerateRequest, usual: Usual | None) -> bool:
    """Whether the film below the findings is the same to the pixel. The first finding, or the last
    one that goes, changes how a report and a guidance of one's own are obeyed in all of it."""
    if bool(then.findings) == bool(now.findings):
        return True
    exact = now.sampling.exact
    return not (exact or now.report.strip() or guidance_of(now, usual))


def settings_of(request: GenerateRequest, usual: Usual | None) -> Sampling:
    """With all that the models fill in, as far as that is known."""
    asked = request.sampling
    return asked if usual is None or asked.exact else asked.filled(own_of(request, usual))


def guidance_of(request: GenerateRequest, usual: Usual | None) -> float | None:
    """The guidance that was asked for; 0 where it is the models' own, which without painted
    findings is another number, and None where that is not known."""
    asked = settings_of(request, usual).guidance
    if usual is None or request.sampling.exact:
        return asked
    return 0 if asked == own_of(request, usual).guidance else asked


def own_of(request: GenerateRequest, usual: Usual) -> Sampling:
    """What the models do by themselves."""
    own = usual.sampling
    return own if request.findings else replace(own, guidance=usual.unpainted)


def shape_of(request: GenerateRequest) -> tuple[int, ...] | None:
    """(H, W) of the picture; None where the models choose."""
    if request.organs is not None:
        return request.organs.shape
    return request.findings[0].mask.shape if request.findings else None


def before_of(states: dict[int, State], shown: int | None) -> Before | None:
    """The generated picture that the one on screen is, or was made from; where it is none, the
    newest of the document."""
    state = states.get(shown) if shown is not None else None
    while state is not None and not generated(state):
        state = None if state.parent is None else states.get(state.parent)
    found = state or next((s for s in reversed(states.values()) if generated(s)), None)
    if found is None or found.recipe is None:
        return None
    try:
        request = request_of(found.recipe, found.inputs or {})
    except EngineError:
        return None  # of an opened recipe that lacks its inputs: nothing to compare with
    assert isinstance(request, GenerateRequest)
    seed = request.sampling.seed
    models = found.recipe.get("models")
    hashes = models.values() if isinstance(models, dict) else ()
    return Before(
        number=found.number,
        request=request,
        models=frozenset(str(sha256) for sha256 in hashes),
        shape=found.image.shape,
        seed=seed,
        seeds=seeds_of(states, found, seed),
        shown=state is not None,
    )


def generated(state: State) -> bool:
    return state.recipe is not None and state.recipe.get("verb") == "generate"


def seeds_of(states: dict[int, State], state: State, seed: int) -> range:
    """The seeds of the run that made a generated picture: its pictures follow each other, and their
    seeds count up from that of the first which is still there."""
    made = [s for s in states.values() if s.kind == "made" and generated(s)]
    own = state
    if state.kind == "stage":  # its run's picture comes after it
        after = (s for s in made if s.number > state.number and s.seed == seed)
        own = next((s for s in after if without_seed(s) == without_seed(state)), state)
    count, first = count_of(own), int(seed)
    for other in reversed([s for s in made if s.number < own.number]):
        earlier = other.seed
        if earlier is None or not seed - count < earlier < first or not of_one_run(other, own):
            break
        first = earlier
    return range(first, first + count)


def count_of(state: State) -> int:
    """How many pictures its run made; the history says "x4" of one of four."""
    number = state.badge.removeprefix("x")
    return int(number) if number.isdecimal() and 0 < int(number) < 100 else 1


def of_one_run(one: State, other: State) -> bool:
    """Whether two pictures differ in nothing but the seed."""
    return one.badge == other.badge != "" and without_seed(one) == without_seed(other)


def without_seed(state: State) -> dict[str, Any]:
    """The recipe of the whole run, of which a stage is a part, for any seed."""
    recipe = {name: told for name, told in (state.recipe or {}).items() if name != "state"}
    parameters = dict(recipe.get("parameters", {}))
    parameters["sampling"] = {**parameters.get("sampling", {}), "seed": 0}
    return {**recipe, "parameters": parameters}


def said(patient: Patient, count: int) -> str:
    """The line beside the run button."""
    before = patient.before
    match patient.whose:
        case "nobody":
            return ""
        case "again":
            return f"New patient{'s' if count > 1 else ''}: nothing changed."
        case "other":
            return f"New patient{'s' if count > 1 else ''}: {patient.changed} changed."
        case "similar":
            return "Similar patient: same seed, but the anatomy is drawn anew."
    assert before is not None
    where = "" if before.shown else f" as state {before.number}"
    known = len(before.seeds)
    if count == 1:
        return f"Same patient{where}: only the findings changed."
    if count == known:
        return f"Same patients{where}: only the findings changed."
    if count > known > 1:
        return f"The first {known} of {count} are the same patients{where}."
    return f"The first of {count} is the same patient{where}."

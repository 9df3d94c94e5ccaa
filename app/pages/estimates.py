"""How long a run will take here, and what a setting that is left open becomes."""

from typing import Any, get_args

from app.panels.details import NAMES
from app.runs.jobs import Jobs
from app.runs.loading import Engine
from engine.api import Verb

VERBS: tuple[Verb, ...] = get_args(Verb)


def kind_of(verb: str, quality: str) -> str:
    """Runs of one kind take equally long."""
    return f"{verb} {NAMES.get(quality, 'standard')}"


def seconds(jobs: Jobs, engine: Engine | None) -> dict[str, dict[str, float | None]]:
    """Seconds of one picture by verb and quality. Where a quality has not run yet, its time is
    estimated from another one's by their steps; None before the first run of a verb."""
    return {verb: _of_verb(verb, jobs, engine) for verb in VERBS}


def usual_quality(engine: Engine | None) -> str | None:
    """The quality that the models have where nobody chose one, as the page says it; None while
    there are no models."""
    if engine is None:
        return None
    return (engine.defaults("generate").quality or "standard").capitalize()


def defaults(engine: Engine | None) -> dict[str, dict[str, dict[str, Any]]]:
    """Steps and guidance by verb and quality, as the models have them."""
    if engine is None:
        return {}
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for verb in VERBS:
        found[verb] = {}
        for name, quality in NAMES.items():
            usual = engine.defaults(verb, quality)
            found[verb][name] = {"steps": usual.steps, "guidance": usual.guidance}
    for usual in found["generate"].values():
        usual["unpainted"] = engine.report_guidance  # of a film without painted findings
    return found


def _of_verb(verb: Verb, jobs: Jobs, engine: Engine | None) -> dict[str, float | None]:
    measured = {name: jobs.expected_seconds(kind_of(verb, name)) for name in NAMES}
    if engine is None:
        return measured
    steps = {name: engine.defaults(verb, quality).steps for name, quality in NAMES.items()}
    known = next((n for n in ("Standard", "Draft", "Fine") if measured.get(n)), None)
    found = dict(measured)
    for name in NAMES:
        of_known, of_this = steps.get(known or ""), steps[name]
        if found[name] is None and known and of_known and of_this:
            found[name] = (measured[known] or 0) * of_this / of_known
    return found

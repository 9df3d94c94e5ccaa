"""A run from the press of its button to the states it adds to the history."""

import json
from dataclasses import replace

import gradio as gr

from app import messages
from app.canvas.drawing import Drawing
from app.jobs import Jobs, Stages
from app.loading import Loading
from app.pages.form import Form, after, read, state_name
from app.pages.shown import Shown
from app.panels import details, run
from app.session import Session, keep_result, keep_stages, seed_of
from engine.api import GenerateRequest, Request, Result, Sampling, Verb, with_seed
from engine.provenance import recipe_of

PROPOSED = ("erase", "outpaint")  # verbs whose result is a proposal first


class Running:
    def __init__(self, loading: Loading, jobs: Jobs):
        self.loading = loading
        self.jobs = jobs

    def start(self, session: Session, drawing: Drawing | None, call: str, form: Form) -> Shown:
        """Queue what the form asks. A refusal is read by the page from the job's id."""
        told = json.loads(call or "{}")
        id, selected = str(told.get("job", "")), told.get("selected")
        verb = form.what
        session.form, session.report = form, form.report
        try:
            if drawing is not None:
                session.drew(drawing)
            sampling = details.read(
                form.quality, form.seed, form.keep_seed, form.steps, form.guidance
            )
            request = read(form, drawing, session.picture(), selected, sampling)
            self.submit(session, id, verb, request, form, drawing)
        except Exception as error:
            self.jobs.refuse(id, session.id, verb, messages.sentence(error))
            return Shown()
        session.form = replace(form, seed=sampling.seed)
        return Shown(
            seed=gr.skip() if form.keep_seed else sampling.seed,
            fold=gr.update(label=details.summary(form.quality, self.filled(verb, sampling))),
        )

    def filled(self, verb: Verb, sampling: Sampling) -> Sampling:
        """What the engine will make of it, as far as the page can tell."""
        engine = self.loading.engine
        usual = Sampling() if engine is None else engine.defaults(verb, sampling.quality)
        return sampling.filled(usual)

    def submit(
        self,
        session: Session,
        id: str,
        verb: Verb,
        request: Request,
        form: Form,
        drawing: Drawing | None,
    ) -> None:
        count = run.VARIATIONS.get(form.variations, 1)
        seed = seed_of(request) or 0
        requests = tuple(with_seed(request, seed + n) for n in range(count))
        parent = session.current
        name = state_name(verb, request, form.change)
        kept = after(verb, drawing, form)

        def keep(result: Result, made_by: Request) -> int:
            return keep_result(
                session,
                result,
                parent=parent,
                drawing=kept,
                name=name if count == 1 else f"{name}, seed {seed_of(made_by)}",
                proposal=verb in PROPOSED and count == 1,
            )

        def keep_finished(stages: Stages, stopped: Request) -> None:
            engine = self.loading.engine
            if isinstance(stopped, GenerateRequest) and engine is not None:
                hashes = {card.name: card.sha256 for card in engine.models}
                recipe = recipe_of(stopped, engine.name, hashes, engine.precision)
                keep_stages(session, stages, stopped, kept, recipe, choose=True)

        self.jobs.submit(id, session.id, verb, requests, keep, keep_finished)

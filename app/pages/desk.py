"""What the Edit page does when it is asked to: the one place that knows document, jobs, models.

No layout here and nothing of how it looks: values of the page in, what to show out.
"""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_args

import gradio as gr
import numpy as np

from app import messages, opening
from app.canvas.component import Ask, asked, shown
from app.canvas.drawing import ERASE, ORGAN_BITS, Drawing, labels_file, organ_bits
from app.jobs import Jobs, Stages
from app.loading import Loading
from app.pages.form import Form, after, read, state_name
from app.panels import details, run, shape
from app.session import (
    Session,
    Sessions,
    fitted,
    keep_result,
    keep_stages,
    seed_of,
)
from app.settings import Settings
from app.templates import Template
from app.viewing import NEW_SIDE, named, view_of
from engine.api import (
    GenerateRequest,
    Organs,
    Request,
    Result,
    Sampling,
    SegmentRequest,
    Verb,
    with_seed,
)
from engine.errors import InvalidRequest
from engine.provenance import recipe_of
from engine.shapes import ChestShape

VERB_NAMES: tuple[Verb, ...] = get_args(Verb)
PROPOSED = ("erase", "outpaint")  # verbs whose result is a proposal first


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What changes on the page after an event; what is left out stays as it is."""

    canvas: Any = field(default_factory=gr.skip)
    verb: Any = field(default_factory=gr.skip)
    report: Any = field(default_factory=gr.skip)
    seed: Any = field(default_factory=gr.skip)
    keep: Any = field(default_factory=gr.skip)
    fold: Any = field(default_factory=gr.skip)
    finding: Any = field(default_factory=gr.skip)
    anatomy: Any = field(default_factory=gr.skip)
    ratio: Any = field(default_factory=gr.skip)
    volume: Any = field(default_factory=gr.skip)
    rotation: Any = field(default_factory=gr.skip)
    habitus: Any = field(default_factory=gr.skip)
    view: Any = field(default_factory=gr.skip)
    lines: Any = field(default_factory=gr.skip)  # of the run bar; they carry notes

    def updates(self) -> list[Any]:
        """One for each field; the page's script is told that something changed."""
        beat = {**gr.update(beat=time.monotonic_ns()), **self.lines}
        return [getattr(replace(self, lines=beat), f.name) for f in fields(self)]


class Desk:
    def __init__(
        self,
        settings: Settings,
        loading: Loading,
        jobs: Jobs,
        sessions: Sessions,
        templates: Callable[[], Sequence[Template]],
    ):
        self.settings = settings
        self.templates = templates
        self.loading = loading
        self.jobs = jobs
        self.sessions = sessions
        # Cookies know no ports; with the port in the name, two programs stay apart.
        self.cookie = f"xreal_session_{settings.port}"

    def session(self, request: Any) -> Session:
        """The document of a Gradio request."""
        found = session_id(request, self.cookie)
        if found is None:
            raise InvalidRequest("This page has lost its document. Reload it.")
        return self.sessions.of(found)

    # A run

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

    # Events

    def asked(self, session: Session, event: gr.EventData) -> Shown:
        """What the canvas asks for; a refusal is a note in the viewport."""
        try:
            return self.answer(session, asked(event))
        except Exception as error:
            return self.note(session, error)

    def told(self, session: Session, told: Mapping[str, Any]) -> Shown:
        """What the page's own script says."""
        rev = told.get("rev")
        try:
            match told.get("kind"):
                case "loaded":
                    return self.loaded(session)
                case "template":
                    return self.template(session, told.get("name"), rev)
                case "shape":
                    return self.chest(session, shape.read(told, session.chest.template), rev)
                case "ended":
                    return self.ended(session, rev)
                case "accept" | "discard" as choice:
                    proposal = session.proposal()
                    if proposal is not None:
                        return self.decide(session, choice, proposal.number, rev)
            return self.view(session)
        except Exception as error:
            return self.note(session, error)

    def answer(self, session: Session, ask: Ask) -> Shown:
        number = number_of(ask.data.get("id"))
        match ask.kind:
            case "open" if ask.file is not None:
                return self.open(session, ask.file, str(ask.data.get("name", "")))
            case "drawing" if ask.drawing is not None:
                session.drew(ask.drawing)
                return Shown()
            case "select" if number is not None:
                session.select(number)
                return Shown()
            case "restore" if number is not None:
                return self.restore(session, number, ask.rev)
            case "delete" if number is not None:
                session.delete(number)
            case "accept" | "discard" as choice if number is not None:
                return self.decide(session, choice, number, ask.rev)
            case "from_picture":
                return self.organs_of_picture(session, number_of(ask.state), ask.rev)
            case _:
                return Shown()
        return self.view(session)

    def typed(self, session: Session, report: str) -> None:
        """Remember what was typed, for a page that is reloaded before the next run."""
        session.report = str(report)[:10_000]

    def view(self, session: Session, labels: bytes | None = None, base: int | None = None) -> Shown:
        return Shown(canvas=shown(view_of(session, self.loading.engine, labels=labels, base=base)))

    def note(self, session: Session, error: BaseException) -> Shown:
        """Nothing changes but a sentence in the viewport."""
        said = {"nonce": session.next_nonce(), "text": messages.sentence(error), "tone": "bad"}
        return Shown(lines=gr.update(note=said))

    def all(self, session: Session) -> Shown:
        """Everything, for a page that was just loaded."""
        drawing = session.drawing
        labels = None if drawing is None else labels_file(drawing.bits, drawing.findings)
        base = None if drawing is None else drawing.rev
        found = Shown(
            canvas=shown(view_of(session, self.loading.engine, labels=labels, base=base)),
            finding=gr.update(choices=self.findings()),
        )
        asked = session.form
        if not isinstance(asked, Form):
            return replace(found, report=session.report)
        return replace(
            found,
            verb=asked.verb,
            report=session.report,
            seed=asked.seed,
            keep=asked.keep_seed,
        )

    def loaded(self, session: Session) -> Shown:
        """The models have arrived: what they know, and nothing else."""
        return Shown(
            canvas=shown(view_of(session, self.loading.engine)),
            finding=gr.update(choices=self.findings()),
        )

    def findings(self) -> list[str]:
        engine = self.loading.engine
        return [] if engine is None else named(engine.knows("insert"))

    def decide(self, session: Session, choice: str, number: int, rev: int | None) -> Shown:
        """Keep a proposal or drop it; the paint that asked for a kept one goes."""
        if choice == "discard":
            session.delete(number)
            return self.view(session)
        session.settle(number)
        state = session.state(number)
        if state is None or state.drawing is None or not state.drawing.has(ERASE):
            return self.view(session)
        nothing = np.zeros(state.image.shape, np.uint32)
        return self.view(session, labels_file(nothing, replaces=1 << ERASE), rev)

    def ended(self, session: Session, rev: int | None) -> Shown:
        """The new states; where the picture changed its size, the drawing follows."""
        picture, drawn = session.picture(), session.drawing
        kept = None if picture is None else picture.drawing
        found = self.view(session)
        if kept is not None and drawn is not None and kept.bits.shape != drawn.bits.shape:
            found = self.view(session, labels_file(kept.bits, kept.findings), rev)
        if picture is not None and picture.notes:
            said = {"nonce": session.next_nonce(), "text": " ".join(picture.notes), "tone": "warn"}
            return replace(found, lines=gr.update(note=said))
        return found

    def open(self, session: Session, file: Path, name: str) -> Shown:
        state, restored = opening.open_picture(session, file, name)
        session.new_document(state.drawing)
        drawing = state.drawing
        labels = None if drawing is None else labels_file(drawing.bits, drawing.findings)
        canvas = shown(view_of(session, self.loading.engine, labels=labels))
        if restored is None:
            return Shown(canvas=canvas)
        return Shown(
            canvas=canvas,
            report=restored.report,
            seed=gr.skip() if restored.seed is None else restored.seed,
            keep=restored.seed is not None,
        )

    def restore(self, session: Session, number: int, rev: int) -> Shown:
        """The drawing, words and seed that made a state."""
        state = session.state(number)
        if state is None or state.drawing is None:
            raise InvalidRequest("Nothing was drawn for this picture.")
        session.select(number)
        drawing = fitted(state.drawing, state.image.shape)
        labels = labels_file(drawing.bits, drawing.findings)
        return Shown(
            canvas=shown(view_of(session, self.loading.engine, labels=labels, base=rev)),
            seed=gr.skip() if state.seed is None else state.seed,
            report=state.report,
        )

    def template(self, session: Session, name: Any, rev: int | None) -> Shown:
        found = next((t for t in self.templates() if t.title == name), None)
        if found is None:
            raise InvalidRequest("Choose a template first.")
        return self.chest(session, ChestShape(found.name), rev)

    def chest(self, session: Session, settings: ChestShape, rev: int | None) -> Shown:
        """Draw a template with its sliders set, and show what they are set to."""
        found = next(t for t in self.templates() if t.name == settings.template)
        organs = found.organs(*self.canvas_shape(session), settings)
        session.chest = settings
        drawn = self.draw_organs(session, organs, rev)
        return replace(drawn, **shape.shown(settings, found.ratio))

    def organs_of_picture(self, session: Session, number: int | None, rev: int) -> Shown:
        picture = session.state(number) or session.picture()
        if picture is None:
            raise InvalidRequest("There is no picture. Open or generate one first.")
        found: list[Organs] = []

        def keep(result: Result, request: Request) -> int:
            if result.organs is not None:
                found.append(result.organs)
            return picture.number

        id = f"segment-{session.next_nonce()}-{picture.number}"
        self.jobs.submit(id, session.id, "segment", (SegmentRequest(image=picture.image),), keep)
        ended = self.jobs.wait(id, session.id)
        if ended.state != "done":
            raise InvalidRequest(ended.sentence)
        if not found or not found[0].any():
            raise InvalidRequest(
                "No organs were found in this picture. Paint them, or start from a template."
            )
        return self.draw_organs(session, found[0], rev)

    def draw_organs(self, session: Session, organs: Organs, rev: int | None) -> Shown:
        """Offer an anatomy; findings and areas of the drawing stay."""
        return self.view(session, labels_file(organ_bits(organs), replaces=ORGAN_BITS), rev)

    def canvas_shape(self, session: Session) -> tuple[int, int]:
        drawn, picture = session.drawing, session.picture()
        if picture is not None:
            return picture.image.shape  # type: ignore[return-value]
        return (NEW_SIDE, NEW_SIDE) if drawn is None else drawn.bits.shape  # type: ignore[return-value]

    # What the page's script asks for by HTTP

    def status(self, session: Session) -> dict[str, Any]:
        engine = self.loading.engine
        states = list(session.states.values())
        count = len(states)
        found: dict[str, Any] = {
            "state": "ready" if engine else "failed" if self.loading.failure else "loading",
            "name": "Loading the models",
            "sentence": self.loading.failure or "",
            "title": session.title,
            "document": "Empty" if not count else f"{count} state{'s' if count > 1 else ''}",
            "rev": None if session.drawing is None else session.drawing.rev,
            "job": self.jobs.active(session.id),
            "exportable": [str(s.number) for s in states if s.recipe is not None],
            "proposals": [str(s.number) for s in states if s.proposal],
            "seconds": {v: self.jobs.expected_seconds(v) for v in VERB_NAMES},
        }
        if self.loading.failure:
            found["name"] = "No models"
        if engine is not None:
            found["name"] = engine.name
            found["device"] = "Graphics card" if "cuda" in str(engine.device) else "Processor"
            found["can"] = {verb: engine.can(verb) for verb in VERB_NAMES}
            found["reads"] = named(engine.knows("generate"))
            found["free_text"] = engine.knows("generate").free_text
        return found


def number_of(id: Any) -> int | None:
    """The number of a state from its name on the page."""
    return int(id) if isinstance(id, str | int) and str(id).isdecimal() else None


def session_id(request: Any, cookie: str) -> str | None:
    """The session of a FastAPI or Gradio request, None where it carries no valid one."""
    value = request.cookies.get(cookie, "")
    return value if re.fullmatch(r"[\w-]{20,64}", value) else None

"""What the Edit page does when it is asked to: events in, what to show out.

No layout here and nothing of how it looks. Each kind of event has its own room: runs in
``running``, organs in ``anatomy``, states in ``history``, files and documents in ``files``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any, get_args

import gradio as gr

from app.canvas.component import Ask, asked
from app.canvas.drawing import Drawing, labels_file
from app.document import looking
from app.document.autosave import Documents
from app.document.holding import held
from app.document.patient import generated, said
from app.document.session import Session, Sessions, State, fitted
from app.document.uploads import Uploads
from app.document.viewing import named
from app.models.sets import Models
from app.models.templates import Template
from app.pages import estimates, history
from app.pages.anatomy import Anatomy
from app.pages.files import Files
from app.pages.form import Form, kept_panel, panel_of
from app.pages.running import Running
from app.pages.shown import Shown, document, note, refusal
from app.panels import details, generate, run, shape
from app.runs.jobs import Jobs
from app.runs.loading import Loading
from app.settings import Settings
from engine.api import Verb
from engine.errors import InvalidRequest
from engine.files import check_room

ANOTHER = "Another document has been opened since. Nothing was run; press again."
VERB_NAMES: tuple[Verb, ...] = get_args(Verb)


class Desk:
    def __init__(
        self,
        settings: Settings,
        loading: Loading,
        jobs: Jobs,
        sessions: Sessions,
        templates: Callable[[], Sequence[Template]],
        models: Models,
    ):
        self.settings = settings
        self.templates = templates
        self.loading = loading
        self.models = models
        self.jobs = jobs
        self.sessions = sessions
        self.running = Running(
            loading, jobs, lambda size: check_room(settings.data / "documents", size)
        )
        self.anatomy = Anatomy(loading, jobs, templates)
        self.uploads = Uploads(settings.temp / "opening")
        self.files = Files(loading, jobs, sessions, self.uploads, self.all)

    def session(self, request: Any) -> Session:
        """The document of a Gradio request."""
        found = owner_of(request)
        if found is None:
            raise InvalidRequest("This page has lost its document. Reload it.")
        return self.sessions.of(found)

    def start(
        self, session: Session, drawing: Drawing | InvalidRequest | None, call: str, form: Form
    ) -> Shown:
        if isinstance(drawing, InvalidRequest):
            return self.running.refused(session, drawing, call, form)
        if drawing is not None and not self.goes_on(session, drawing.doc):
            return self.running.refused(session, InvalidRequest(ANOTHER), call, form)
        if drawing is not None:
            session.drew(drawing)
        session.form, session.report = form, form.report
        self.sessions.save(session)  # whatever the run does to the program, this is kept
        return self.running.start(session, drawing, call, form)

    def goes_on(self, session: Session, doc: str) -> bool:
        """Whether a page that shows the document ``doc`` works on what the session has.

        A page that outlives the program brings its document along, but not one that was left for
        an empty one meanwhile: that is on the disk, with its states.
        """
        keeper = self.sessions.keeper
        kept = isinstance(keeper, Documents) and keeper.has(session.id, doc)
        return doc == session.doc or (session.empty and not kept)

    def asked(self, session: Session, event: gr.EventData) -> Shown:
        """What the canvas asks for; a refusal is a note in the viewport."""
        try:
            return self.answer(session, asked(event))
        except Exception as error:
            return refusal(session, error)
        finally:
            self.sessions.save(session)

    def told(self, session: Session, told: Mapping[str, Any]) -> Shown:
        """What the page's own script says."""
        rev, engine = told.get("rev"), self.loading.engine
        try:
            match told.get("kind"):
                case "open":
                    return self.files.open(session, told)
                case "new":
                    return self.files.new(session)
                case "example":
                    return self.files.example(session, told.get("name"))
                case "reopen":
                    return self.files.reopen(session, told.get("file"))
                case "again":
                    return self.all(session, restart=True)
                case "loaded":
                    return self.loaded(session)
                case "template":
                    return self.anatomy.template(session, told, rev)
                case "shape":
                    settings = shape.read(told, session.chest.template)
                    return self.anatomy.chest(session, settings, rev)
                case "ended":
                    return history.ended(session, engine, rev)
                case "seed" if isinstance(told.get("seed"), int):
                    return self.seeded(session, seed=told["seed"], keep_seed=True)
                case "unkept":
                    return self.seeded(session, keep_seed=False)
                case "accept" | "discard" as choice:
                    proposal = session.proposal()  # and not what has come on screen since
                    if proposal is not None and proposal.number == told.get("state"):
                        return history.decide(session, engine, choice, proposal.number, rev)
            return document(session, engine)
        except Exception as error:
            return refusal(session, error)
        finally:
            self.sessions.save(session)

    def seeded(self, session: Session, **values: Any) -> Shown:
        """The seed of the panel, and whether it is kept, as somebody wants them."""
        session.form = replace(panel_of(session), **values)
        return Shown(seed=session.form.seed, keep=session.form.keep_seed)

    def patient(
        self, session: Session, drawing: Drawing | None, told: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Whose film Generate gives next, as a line beside its button, and what to ``offer`` there:
        "new", another patient; "keep", the ``seed`` of the one before."""
        typed, shown = told.get("report"), number_of(told.get("state"))
        report = typed if isinstance(typed, str) else session.report
        form = replace(panel_of(session), report=report)
        if form.keep_seed:
            return {"text": f"Seed {details.whole(form.seed)} is kept.", "offer": "new"}
        found = self.running.patient(session, generate.so_far(drawing), form, shown)
        text = said(found, run.VARIATIONS.get(form.variations, 1))
        offer = {"same": "new", "similar": "new", "other": "keep"}.get(found.whose, "")
        return {"text": text, "offer": offer, "seed": found.before and found.before.seed}

    def answer(self, session: Session, ask: Ask) -> Shown:
        number, engine = number_of(ask.data.get("id")), self.loading.engine
        match ask.kind:
            case "select" if number is not None:
                session.select(number)
                return Shown()
            case "restore" if number is not None:
                return history.restore(session, engine, number, ask.rev)
            case "delete" if number is not None:
                return history.delete(session, engine, number)
            case "accept" | "discard" as choice if number is not None:
                return history.decide(session, engine, choice, number, ask.rev)
            case "from_picture":
                return self.anatomy.of_picture(session, number_of(ask.state), ask.rev)
        return Shown()

    def filled(self, session: Session, form: Form) -> None:
        """Remember what the panel says, for a page that is reloaded before the next run."""
        session.form = form
        self.sessions.save(session)

    def typed(self, session: Session, report: str) -> None:
        """Remember what was typed, for a page that is reloaded before the next run."""
        session.report = str(report)[:10_000]

    def all(self, session: Session, *, restart: bool = False) -> Shown:
        """Everything, for a page that was just loaded, or that must forget what it has."""
        session.forget()  # a page that was just loaded has nothing to undo
        drawing = session.drawing
        labels = None if drawing is None else labels_file(drawing.bits, drawing.findings)
        base = None if drawing is None else drawing.rev
        found = replace(
            document(session, self.loading.engine, labels, base, look=True, restart=restart),
            finding=gr.update(choices=self.findings()),
            **self.anatomy.sliders(session),
        )
        if session.notice is not None:
            found = replace(found, lines=note(session, session.notice, "warn"))
            session.notice = None
        asked = kept_panel(session)
        # An empty report is left alone: something may have been typed since the page came up.
        report = session.report or gr.skip()
        found = replace(found, report=report, quality=self.quality(session, asked))
        if asked is None:
            return found
        return replace(
            found, verb=asked.verb, seed=asked.seed, keep=asked.keep_seed, form=asdict(asked)
        )

    def loaded(self, session: Session) -> Shown:
        """The models have arrived: what they know, and nothing else."""
        return replace(
            document(session, self.loading.engine),
            finding=gr.update(choices=self.findings()),
            quality=self.quality(session, kept_panel(session)),
        )

    def quality(self, session: Session, asked: Form | None) -> str:
        """That of the panel: it follows the models until a person chooses another one."""
        chosen = session.offered if asked is None else asked.quality
        usual = estimates.usual_quality(self.loading.engine)
        if usual is None or chosen != session.offered:
            return chosen
        session.offered = usual
        if isinstance(session.form, Form):
            session.form = replace(session.form, quality=usual)
        return usual

    def findings(self) -> list[str]:
        engine = self.loading.engine
        return [] if engine is None else named(engine.knows("insert"))

    def status(self, session: Session) -> dict[str, Any]:
        """What the page's script asks for by HTTP: the bar, and reasons for what cannot be done."""
        ready, engine = self.loading.state, self.loading.engine  # "ready" only with its engine
        states = list(session.states.values())
        count = len(states)
        found: dict[str, Any] = {
            "state": ready,
            "name": "Starting the models again"
            if self.loading.starts_again
            else "Loading the models",
            "sentence": self.loading.failure or "",
            "again": self.loading.given_up,  # pressing Run starts it once more
            "title": session.title,
            "document": "Empty" if not count else f"{count} state{'s' if count > 1 else ''}",
            "doc": session.doc,
            "rev": None if session.drawing is None else session.drawing.rev,
            "empty": session.empty,
            "saved": session.saved,
            "fault": session.fault,
            "job": self.jobs.active(session.id),
            "exportable": [str(s.number) for s in states if s.recipe is not None],
            "look": looking.open_films(states),
            "peer": None if self.settings.peer is None else self.settings.peer.name,
            "proposals": [str(s.number) for s in states if s.proposal],
            "seconds": estimates.seconds(self.jobs, engine),
            "defaults": estimates.defaults(engine),
            "seed": session.form.seed if isinstance(session.form, Form) else None,
            "kept": panel_of(session).keep_seed,
            "generated": any(generated(s) for s in states),
            "quality": panel_of(session).quality,
            "next": session.next_number,
            "last": states[-1].number if states else None,
            "holds": {str(s.number): held_on(s) for s in states if s.holds},
        }
        if self.loading.failure:
            found["name"] = "No models"
        if engine is not None:
            found["name"] = engine.name
            found["device"] = "Graphics card" if "cuda" in str(engine.device) else "Processor"
            found["can"] = {verb: engine.can(verb) for verb in VERB_NAMES}
            found["reads"] = named(engine.knows("generate"))
            found["free_text"] = engine.knows("generate").free_text
            found["inserts"] = named(engine.knows("insert"))
            found["sides"] = list(engine.knows("insert").sides)
            found["strengths"] = sorted(engine.knows("insert").densities)
            found["zones"] = list(engine.knows("insert").zones)
            found["ways"] = engine.ways
            found["exact"] = engine.exact
        return found


def held_on(state: State) -> list[list[Any]]:
    """Words and pixels of the findings that a state holds, for the page to compare."""
    if state.drawing is None:
        return []
    drawing = fitted(state.drawing, state.image.shape)
    return [
        [region.words.strip(), int(drawing.finding_mask(region.bit).sum())]
        for region in drawing.findings
        if held(drawing, region) in state.holds
    ]


def number_of(id: Any) -> int | None:
    """The number of a state from its name on the page."""
    return int(id) if isinstance(id, str | int) and str(id).isdecimal() else None


def owner_of(request: Any) -> str | None:
    """Whose a FastAPI or Gradio request is, as the guard settled it; None where nobody's."""
    return getattr(request.state, "owner", None)

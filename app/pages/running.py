"""A run from the press of its button to the states it adds to the history."""

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from app import messages
from app.canvas.drawing import Drawing
from app.document.holding import Held, carried_over, held, held_of, with_findings
from app.document.patient import Patient, Usual, before_of, patient_of
from app.document.results import keep_result, keep_stages, seed_of
from app.document.session import Session, State, fitted
from app.pages.changes import Changes
from app.pages.estimates import kind_of
from app.pages.form import Form, after, read, state_name, zone_of
from app.pages.shown import Shown
from app.panels import details, generate, insert, run
from app.runs.job import Stages, Step
from app.runs.jobs import Jobs
from app.runs.loading import Loading
from engine.api import (
    GenerateRequest,
    InsertRequest,
    Pixels,
    Request,
    Result,
    Sampling,
    UpscaleRequest,
    Verb,
    with_seed,
)
from engine.errors import InvalidRequest
from engine.files import SPARE
from engine.provenance import recipe_of

PROPOSED = ("erase", "outpaint")  # verbs whose result is a proposal first
PROPOSALS = 64  # that can be tried again
MODEL_PIXELS, ENLARGED_PIXELS = 256 * 256, 1024 * 1024
BYTES_A_PIXEL = 8  # of a state: the picture, the picture it was made from, masks


@dataclass(frozen=True)
class Order:
    """What one press of the run button asks for, whole: enough to ask for it again."""

    verb: Verb
    request: Request
    form: Form
    drawing: Drawing | None
    parent: int | None
    replaces: int | None = None  # a proposal that goes when the new one is there


class Running:
    """``room`` refuses a run of which so many bytes could not be kept on the disk."""

    def __init__(
        self, loading: Loading, jobs: Jobs, room: Callable[[int], None] = lambda size: None
    ):
        self.loading = loading
        self.jobs = jobs
        self._room = room
        # By session, document and number: another document has numbers of its own.
        self._proposed: OrderedDict[tuple[str, str, int], Order] = OrderedDict()

    def refused(self, session: Session, why: Exception, call: str, form: Form) -> Shown:
        """Nothing is run; the page reads why from the job's id."""
        told = json.loads(call or "{}")
        self.jobs.refuse(str(told.get("job", "")), session.id, form.what, messages.sentence(why))
        return Shown()

    def start(self, session: Session, drawing: Drawing | None, call: str, form: Form) -> Shown:
        """Queue what the form asks. A refusal is read by the page from the job's id."""
        told = json.loads(call or "{}")
        id = str(told.get("job", ""))
        session.form, session.report = form, form.report
        try:
            if drawing is not None:
                session.drew(drawing)
            order = self.order(session, told, drawing, form)
            self.submit(session, id, order)
        except Exception as error:
            return self.refused(session, error, call, form)
        sampling = getattr(order.request, "sampling", Sampling())
        if told.get("again") or told.get("retry"):
            return Shown()
        session.form = replace(form, seed=sampling.seed)
        return Shown(
            seed=gr.skip() if sampling.seed == form.seed else sampling.seed,
            fold=gr.update(label=details.summary(form.quality, self.filled(order.verb, sampling))),
        )

    def order(
        self, session: Session, told: Mapping[str, Any], drawing: Drawing | None, form: Form
    ) -> Order:
        """``told`` by the page: ``selected``, the bit of the finding that is chosen; ``only``, the
        one to insert; ``again``, one to make anew; ``retry``, a proposal to replace; ``patient``,
        "new" where another one is wanted whatever changed."""
        if told.get("retry") is not None:
            return self.retried(session, told["retry"])
        if told.get("patient") == "new":
            form = replace(form, keep_seed=False)
        asked_for, form = form, sparing(form, told)
        sampling = details.read(
            form.quality, form.seed, form.keep_seed, form.steps, form.guidance, form.sampler,
            form.exact,
        )  # fmt: skip
        if isinstance(told.get("again"), int):
            return remade(session, told["again"], drawing, form, sampling)
        only = told.get("only") if isinstance(told.get("only"), int) else None
        if only is not None:
            form = replace(form, verb="Insert", change="Insert")
        asked = insert.Asked(form.change, told.get("selected"), only)
        request = read(form, drawing, session.picture(), asked, sampling)
        if form.verb == "Generate" and not form.keep_seed and told.get("patient") != "new":
            known = self.patient(session, drawing, asked_for, session.current)
            request = request if known.seed is None else with_seed(request, known.seed)
        return Order(form.what, request, form, drawing, session.current)

    def patient(
        self, session: Session, drawing: Drawing | None, form: Form, shown: int | None
    ) -> Patient:
        """Whose film Generate gives next; see :mod:`app.document.patient`. ``shown`` is the state
        on screen. Raises InvalidRequest where the form cannot be read."""
        sampling = details.read(
            form.quality, 0, True, form.steps, form.guidance, form.sampler, form.exact
        )
        request = generate.read(drawing, form.report, sampling, details.ways(form.method))
        with session.lock:
            before = before_of(dict(session.states), shown)
        count = run.VARIATIONS.get(form.variations, 1)
        return patient_of(request, count, before, self.usual(request.sampling))

    def usual(self, sampling: Sampling) -> Usual | None:
        engine = self.loading.engine
        if engine is None:
            return None
        own = engine.defaults("generate", sampling.quality)
        models = frozenset(card.sha256 for card in engine.models)
        return Usual(own, engine.report_guidance, models)

    def retried(self, session: Session, number: Any) -> Order:
        known = (session.id, session.doc, number)
        order = self._proposed.get(known) if isinstance(number, int) else None
        if order is None or session.state(number) is None:
            raise InvalidRequest("This proposal is gone. Discard it and run again.")
        request = with_seed(order.request, details.fresh_seed())
        return replace(order, request=request, replaces=number)

    def filled(self, verb: Verb, sampling: Sampling) -> Sampling:
        """What the engine will make of it, as far as the page can tell."""
        engine = self.loading.engine
        usual = Sampling() if engine is None else engine.defaults(verb, sampling.quality)
        return sampling.filled(usual)

    def submit(self, session: Session, id: str, order: Order) -> None:
        verb, form = order.verb, order.form
        count = run.VARIATIONS.get(form.variations, 1) if order.replaces is None else 1
        seed = seed_of(order.request) or 0
        parts = parts_of(order.request)
        steps = tuple(
            built_on(part, seed + n, first=not k)
            for n in range(count)
            for k, part in enumerate(parts)
        )
        self._room(bytes_of(order.request, len(steps)))
        drawn = after(verb, order.drawing, form)
        remarks: list[str] = []
        chain = Chain(len(parts), order.parent)

        def keep(result: Result, made_by: Request) -> int:
            parent = chain.parent
            name = state_name(verb, made_by, form.change)
            proposal = verb in PROPOSED and count == 1
            number = keep_result(
                session,
                result,
                parent=parent,
                drawing=drawn,
                name=name if count == 1 else f"{name}, seed {seed_of(made_by)}",
                proposal=proposal,
                holds=holds_of(session.state(parent), made_by, order.drawing, drawn),
                badge=f"x{count}" if count > 1 else "",
            )
            remarks[:] = chain.made(number, result, made_by)
            if proposal:
                self.remember(session, number, order)
            if order.replaces is not None:
                session.delete(order.replaces)
                session.select(number)
            return number

        def keep_finished(stages: Stages, stopped: Request) -> None:
            engine = self.loading.engine
            if isinstance(stopped, GenerateRequest) and engine is not None:
                hashes = {card.name: card.sha256 for card in engine.models}
                recipe = recipe_of(stopped, engine.name, hashes, engine.precision)
                keep_stages(session, stages, stopped, drawn, recipe, choose=True)

        self.jobs.submit(
            id, session.id, verb, steps, keep, keep_finished,
            parts=len(parts), kind=kind_of(verb, form.quality), remarks=remarks,
        )  # fmt: skip

    def remember(self, session: Session, number: int, order: Order) -> None:
        for known in [one for one in self._proposed if one[0] == session.id]:
            state = session.state(known[2]) if known[1] == session.doc else None
            if state is None or not state.proposal:  # decided, or left behind with its pictures
                del self._proposed[known]
        self._proposed[(session.id, session.doc, number)] = replace(order, replaces=None)
        while len(self._proposed) > PROPOSALS:
            self._proposed.popitem(last=False)


def sparing(form: Form, told: Mapping[str, Any]) -> Form:
    """The form with the one change that was offered where memory ran out."""
    if told.get("guidance") == 1:
        form = replace(form, guidance=1)
    context = told.get("context")
    if isinstance(context, int):
        form = replace(form, insert_context=context, erase_context=context)
    return form


class Chain:
    """Which state the next result was made from: steps of one picture build on each other."""

    def __init__(self, parts: int, parent: int | None):
        self.parts, self.first, self.parent, self.count = parts, parent, parent, 0
        self._changes = Changes()

    def made(self, number: int, result: Result, asked: Request) -> list[str]:
        """Note a result; what is said of the picture so far."""
        if self.count % self.parts == 0:
            self._changes = Changes()
        self._changes.add(result, asked)
        self.count += 1
        self.parent = self.first if self.count % self.parts == 0 else number
        return self._changes.said()


def bytes_of(request: Request, steps: int) -> int:
    """What keeping the pictures of a run takes on the disk, at most: pictures of 16 bits with their
    inputs, and room for what is written beside."""
    image, stages = getattr(request, "image", None), 1
    pixels = MODEL_PIXELS if image is None else image.size
    if isinstance(request, UpscaleRequest):
        pixels = ENLARGED_PIXELS
    if isinstance(request, GenerateRequest):
        pixels = pixels if request.organs is None else request.organs.size
        stages += len(request.findings)
    return SPARE + steps * stages * pixels * BYTES_A_PIXEL


def parts_of(request: Request) -> list[Request]:
    """Several findings are inserted one by one, so that each is a state of its own."""
    return list(insert.one_by_one(request)) if isinstance(request, InsertRequest) else [request]


def built_on(part: Request, seed: int, *, first: bool) -> Step:
    """A step with its seed; all but the first work on the picture of the one before."""
    seeded = with_seed(part, seed)
    if first:
        return seeded

    def on(image: Pixels) -> Request:
        assert isinstance(seeded, InsertRequest)
        return replace(seeded, image=image)

    return on


def holds_of(
    parent: State | None, made_by: Request, before: Drawing | None, drawn: Drawing | None
) -> tuple[Held, ...]:
    """Which findings the picture of a request holds."""
    if isinstance(made_by, GenerateRequest):
        return tuple(held_of(one) for one in made_by.findings)
    holds = () if parent is None else parent.holds
    if isinstance(made_by, InsertRequest):
        return with_findings(holds, made_by.findings)
    return carried_over(holds, before, drawn)


def remade(
    session: Session, bit: int, drawing: Drawing | None, form: Form, sampling: Sampling
) -> Order:
    """One finding anew, with another seed, into the state that did not hold it yet."""
    listed = () if drawing is None else drawing.findings
    region = next((r for r in listed if r.bit == bit), None)
    state = session.picture()
    if region is None or drawing is None or state is None:
        raise InvalidRequest("Choose a finding that is in the picture.")
    drawing = fitted(drawing, state.image.shape)
    mark = held(drawing, region)
    if mark not in state.holds:
        raise InvalidRequest(f"Finding {region.letter} is not in this picture yet. Insert it.")
    before = session.state(state.parent)
    while before is not None and mark in before.holds:
        before = session.state(before.parent)
    if before is None or before.image.shape != drawing.bits.shape:
        raise InvalidRequest(
            f"The picture before finding {region.letter} is not in the history any more."
        )
    request = InsertRequest(
        image=before.image,
        findings=(generate.finding(drawing, region),),
        sampling=replace(sampling, seed=details.fresh_seed()),
        organs=drawing.organs(),
        **zone_of(form, "insert"),
    )
    form = replace(form, verb="Insert", change="Insert", variations="x 1")
    return Order("insert", request, form, drawing, before.number)

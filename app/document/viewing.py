"""What the canvas shows of a document: addresses and numbers, never pixels."""

from typing import Any, get_args

from app.canvas.view import Known, Proposal, StateThumb, View
from app.document.session import MARKS, Session, State
from app.runs.loading import Engine
from engine.api import Knows, Verb
from engine.vocabulary import NOTHING

NEW_SIDE = 256  # px, of an empty drawing: what the embedded models work at
THUMB_SIDE = 116  # px, twice what the history shows, for sharp screens


def view_of(
    session: Session,
    engine: Engine | None,
    *,
    labels: bytes | None = None,
    base: int | None = None,
    step: dict[str, Any] | None = None,
    look: bool = False,
    restart: bool = False,
) -> View:
    """The document as it is now; with ``labels``, a drawing made from the revision ``base``."""
    with session.lock:
        picture = session.picture()
        proposal = session.proposal()
        return View(
            doc=session.doc,
            nonce=session.next_nonce(),
            base=base,
            name=session.title,
            size=(NEW_SIDE, NEW_SIDE),
            current=None if picture is None else str(picture.number),
            image_url=None if picture is None else image_url(session, picture),
            labels_url=None if labels is None else session.offer_labels(labels),
            title=None if picture is None else picture.title,
            states=tuple(thumb(session, state) for state in session.states.values()),
            proposal=None if proposal is None else proposed(session, proposal),
            know=known(engine),
            mark=MARKS[None if picture is None else picture.origin],
            autosave=True,
            step=step,
            look=dict(session.look) if look else None,
            restart=restart,
        )


def thumb(session: Session, state: State) -> StateThumb:
    return StateThumb(
        id=str(state.number),
        label=state.title,
        url=image_url(session, state),
        thumb_url=f"{image_url(session, state)}&side={THUMB_SIDE}",
        title=f"State {state.number}: {state.name}",
        detail=f"{state.bits} bit",
        parent=None if state.parent is None else str(state.parent),
        seed=state.seed,
        badge=state.badge or None,
        spacing_mm=state.spacing_mm,
        mark=MARKS[state.origin],
        restorable=state.drawing is not None,
    )


def image_url(session: Session, state: State) -> str:
    """Its address; document and blackening are in it, for browsers keep pictures by it."""
    black = 0 if state.descent is None else len(state.descent.boxes())
    return f"/api/states/{state.number}.png?doc={session.doc}" + (
        f"&black={black}" if black else ""
    )


def proposed(session: Session, state: State) -> Proposal:
    return Proposal(
        id=str(state.number),
        image_url=image_url(session, state),
        text="A proposal: keep it or drop it.",
    )


def known(engine: Engine | None) -> Known | None:
    if engine is None:
        return None
    drawn = engine.knows("generate")
    return Known(
        organs=tuple(drawn.organs),
        findings=tuple(named(drawn)),
        verbs=tuple(verb for verb in get_args(Verb) if engine.can(verb) is None),
        free_text=drawn.free_text,
    )


def named(known: Knows) -> list[str]:
    """The findings a person can ask for; clearing a region is a verb of its own."""
    return [finding for finding in known.findings if finding != NOTHING]

"""What happens to the states of a document: chosen, kept, dropped, brought back, drawn again."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import gradio as gr
import numpy as np

from app.canvas.drawing import ERASE, labels_file
from app.document.session import Session, fitted
from app.pages.form import panel_of
from app.pages.shown import Shown, document, note, step
from app.runs.loading import Engine
from engine.errors import InvalidRequest


def delete(session: Session, engine: Engine | None, number: int) -> Shown:
    """Into the bin, where undo finds it as long as the browser remembers the step."""
    if session.state(number) is None:
        return document(session, engine)
    session.delete(number)
    return document(session, engine, step=deletion(f"delete state {number}", number))


def deletion(title: str, number: int) -> dict[str, Any]:
    """The step of a deletion; when it is forgotten, the state is gone for good."""
    undo, redo = {"kind": "undelete", "id": number}, {"kind": "delete", "id": number}
    return {**step(title, undo, redo), "forget": {"kind": "forget", "id": number}}


def change(session: Session, told: Mapping[str, Any]) -> None:
    """A step of the undo stack taken back or done again: what it asked for, to the letter."""
    number, show = told.get("id"), told.get("show")
    if type(number) is not int:
        raise InvalidRequest("This step cannot be taken back any more.")
    match told.get("kind"):
        case "delete":
            session.delete(number)
        case "undelete":
            session.undelete(number)
        case "settle":
            session.settle(number)
        case "propose":
            session.settle(number, proposal=True)
        case "select":
            pass
        case "forget":
            session.forget(number)
        case _:
            raise InvalidRequest("This step cannot be taken back any more.")
    if type(show) is int:
        session.select(show)


def restore(session: Session, engine: Engine | None, number: int, rev: int) -> Shown:
    """The drawing, words and seed that made a state."""
    state = session.state(number)
    if state is None or state.drawing is None:
        raise InvalidRequest("Nothing was drawn for this picture.")
    before, report = session.current, session.report
    session.select(number)
    session.report = state.report
    drawing = fitted(state.drawing, state.image.shape)
    back = {"kind": "select", "id": number, "show": before}
    again = {"kind": "select", "id": number, "show": number}
    done = step(f"restore drawing {number}", back, again)
    done = {**done, "report": [report, state.report]}
    data = labels_file(drawing.bits, drawing.findings)
    found = document(session, engine, data, rev, step=done)
    seed = gr.skip() if state.seed is None else state.seed
    if state.seed is not None:
        session.form = replace(panel_of(session), seed=state.seed)
    return replace(found, seed=seed, report=state.report)


def decide(
    session: Session, engine: Engine | None, choice: str, number: int, rev: int | None
) -> Shown:
    """Keep a proposal or drop it; the paint that asked for a kept one goes."""
    if choice == "discard":
        session.delete(number)
        return document(session, engine, step=deletion(f"discard state {number}", number))
    session.settle(number)
    back, again = {"kind": "propose", "id": number}, {"kind": "settle", "id": number}
    done = step(f"accept state {number}", back, again)
    state = session.state(number)
    if state is None or state.drawing is None or not state.drawing.has(ERASE):
        return document(session, engine, step=done)
    nothing = labels_file(np.zeros(state.image.shape, np.uint32), replaces=1 << ERASE)
    return document(session, engine, nothing, rev, step=done)


def ended(session: Session, engine: Engine | None, rev: int | None) -> Shown:
    """The new states; where the picture changed its size, the drawing follows."""
    picture, drawn = session.picture(), session.drawing
    kept = None if picture is None else picture.drawing
    found = document(session, engine)
    if kept is not None and drawn is not None and kept.bits.shape != drawn.bits.shape:
        found = document(session, engine, labels_file(kept.bits, kept.findings), rev)
    if picture is not None and picture.notes:
        return replace(found, lines=note(session, " ".join(picture.notes), "warn"))
    return found

"""What happens to the states of a document: opened, chosen, kept, dropped, drawn again."""

from dataclasses import replace
from pathlib import Path

import gradio as gr
import numpy as np

from app import opening
from app.canvas.drawing import ERASE, labels_file
from app.loading import Engine
from app.pages.shown import Shown, document, note
from app.session import Session, fitted
from engine.errors import InvalidRequest


def open_file(session: Session, engine: Engine | None, file: Path, name: str) -> Shown:
    state, restored = opening.open_picture(session, file, name)
    session.new_document(state.drawing)
    drawing = state.drawing
    labels = None if drawing is None else labels_file(drawing.bits, drawing.findings)
    found = document(session, engine, labels)
    if restored is None:
        return found
    return replace(
        found,
        report=restored.report,
        seed=gr.skip() if restored.seed is None else restored.seed,
        keep=restored.seed is not None,
    )


def restore(session: Session, engine: Engine | None, number: int, rev: int) -> Shown:
    """The drawing, words and seed that made a state."""
    state = session.state(number)
    if state is None or state.drawing is None:
        raise InvalidRequest("Nothing was drawn for this picture.")
    session.select(number)
    drawing = fitted(state.drawing, state.image.shape)
    found = document(session, engine, labels_file(drawing.bits, drawing.findings), rev)
    seed = gr.skip() if state.seed is None else state.seed
    return replace(found, seed=seed, report=state.report)


def decide(
    session: Session, engine: Engine | None, choice: str, number: int, rev: int | None
) -> Shown:
    """Keep a proposal or drop it; the paint that asked for a kept one goes."""
    if choice == "discard":
        session.delete(number)
        return document(session, engine)
    session.settle(number)
    state = session.state(number)
    if state is None or state.drawing is None or not state.drawing.has(ERASE):
        return document(session, engine)
    nothing = np.zeros(state.image.shape, np.uint32)
    return document(session, engine, labels_file(nothing, replaces=1 << ERASE), rev)


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

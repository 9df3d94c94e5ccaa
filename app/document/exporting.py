"""A state of the history as a file to keep: marked, with its recipe and inputs inside."""

import json
from typing import Literal, cast, get_args

from app.document.masks import masks_bytes
from app.document.session import Session, State
from engine.errors import InvalidRequest
from engine.marks import Mark
from engine.provenance import picture_bytes

Bits = Literal[8, 16]


def png(state: State, mark: str, bits: int) -> bytes:
    if state.recipe is None:
        raise InvalidRequest("This is the picture that was opened: there is nothing to export yet.")
    if mark not in get_args(Mark):
        raise InvalidRequest("The visible mark is a strip, a corner or none.")
    if bits not in get_args(Bits):
        raise InvalidRequest("A picture is written with 8 or 16 bits.")
    return picture_bytes(state.image, state.recipe, state.inputs or {}, cast(Mark, mark), bits)


def recipe(state: State) -> bytes:
    """The recipe alone, as text; the pictures and masks it needs are not in it."""
    if state.recipe is None:
        raise InvalidRequest("This is the picture that was opened: it has no recipe.")
    return (json.dumps(state.recipe, indent=1) + "\n").encode()


def masks(session: Session) -> bytes:
    """What is drawn now, as a ZIP of masks."""
    if session.drawing is None:
        raise InvalidRequest("Nothing is drawn yet, so there are no masks to export.")
    return masks_bytes(session.drawing)

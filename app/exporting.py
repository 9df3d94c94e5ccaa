"""A state of the history as a file to keep: marked, with its recipe and inputs inside."""

from typing import Literal, cast, get_args

from app.session import State
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

"""A document as files, and files as a document: for project files and for the autosave alike.

A **document** is everything a person would miss: the pictures of the history bit for bit, the
recipe and inputs of each, every drawing with its words, the report, the request panel, the
sliders of the chest, what is on screen. It becomes **parts**, each a name and bytes, and
``document.json`` says how they belong together. ``project_reading`` is the way back.
"""

import gzip
import json
import re
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.canvas.drawing import Drawing, listed
from app.document import pictures
from app.document.films import Descent
from app.document.session import Session, State
from engine import carried
from engine.dicom.keeping import packed
from engine.errors import EngineError
from engine.images import from_codes, to_codes
from engine.png import encode
from engine.provenance import picture_bytes
from engine.shapes import ChestShape

FORMAT, SCHEMA = "xreal-studio-project", 2
DOCUMENT, THUMBNAIL = "document.json", "thumbnail.png"
THUMB_SIDE = 116  # px
NAMED = re.compile(r"[0-9A-Za-z_-]{1,64}")  # names of documents, which name folders


class ProjectUnreadable(EngineError):
    """A project cannot be opened; nothing was changed."""


class MadeByNewer(ProjectUnreadable):
    """It is whole, but a later version of the program made it."""


@dataclass(frozen=True, kw_only=True)
class Document:
    """One moment of a session, complete. ``number`` is the highest that a state ever had."""

    doc: str
    title: str
    created: float  # seconds since 1970
    states: tuple[State, ...]
    number: int
    current: int | None
    drawing: Drawing | None
    report: str
    form: dict[str, Any] | None
    chest: ChestShape
    look: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """``source`` is what the bytes are made from: the same object gives the same bytes."""

    name: str
    source: Any
    make: Callable[[], bytes]


def empty() -> Document:
    """A new document, with a name of its own on the disk."""
    return Document(
        doc=secrets.token_hex(8),
        title="Untitled",
        created=time.time(),
        states=(),
        number=0,
        current=None,
        drawing=None,
        report="",
        form=None,
        chest=ChestShape(),
    )


def snapshot(session: Session) -> Document:
    """The session as it is now. The arrays are shared: nothing here is ever changed in place."""
    with session.lock:
        form: Any = session.form
        return Document(
            doc=session.doc,
            title=session.title,
            created=session.created,
            states=tuple(session.states.values()),
            number=session.number,
            current=session.current,
            drawing=session.drawing,
            report=session.report,
            form=asdict(form) if is_dataclass(form) else form,  # pyright: ignore[reportArgumentType]
            chest=session.chest,
            look=dict(session.look),
        )


def become(session: Session, document: Document) -> None:
    """The session holds ``document`` instead of what it held."""
    with session.lock:
        session.doc = document.doc
        session.title = document.title
        session.created = document.created
        session.states = {state.number: state for state in document.states}
        session.number = document.number
        session.current = document.current
        session.drawing = document.drawing
        session.report = document.report
        session.form = document.form
        session.chest = document.chest
        session.look = dict(document.look)
        session.saved = session.fault = None
        session.bin.clear()


# Writing


def parts_of(document: Document) -> list[Part]:
    """All parts, ``document.json`` last. Arrays that several states share are written once."""
    writer = _Writer()
    states = [writer.state(state) for state in document.states]
    told = {
        "doc": document.doc,
        "number": document.number,
        "current": document.current,
        "drawing": writer.drawing(document.drawing),
        "report": document.report,
        "form": document.form,
        "chest": asdict(document.chest),
        "look": document.look,
        "states": states,
        "films": list(writer.films.values()),
    }
    parts = [*writer.parts.values(), Part(THUMBNAIL, None, lambda: thumbnail(document))]
    return [*parts, Part(DOCUMENT, None, lambda: _json(told))]


class _Writer:
    """Names parts, each source once."""

    def __init__(self) -> None:
        self.parts: dict[tuple[str, int], Part] = {}
        self.films: dict[str, dict[str, Any]] = {}

    def part(self, folder: str, ending: str, source: Any, make: Callable[[], bytes]) -> str:
        key = (folder, id(source))
        if key not in self.parts:
            number = sum(1 for known, _ in self.parts if known == folder) + 1
            self.parts[key] = Part(f"{folder}/{number}.{ending}", source, make)
        return self.parts[key].name

    def state(self, state: State) -> dict[str, Any]:
        recipe, inputs = state.recipe, state.inputs
        return {
            "number": state.number,
            "name": state.name,
            "kind": state.kind,
            "picture": self.part("pictures", "png", state.image, lambda: picture_of(state)),
            "bits": state.bits,
            "origin": state.origin,
            "parent": state.parent,
            "recipe": None
            if recipe is None
            else self.part("recipes", "json", recipe, lambda: _json(recipe)),
            "inputs": None
            if inputs is None
            else {name: self.array(name, array) for name, array in inputs.items()},
            "drawing": self.drawing(state.drawing),
            "seed": state.seed,
            "report": state.report,
            "notes": list(state.notes),
            "proposal": state.proposal,
            "holds": [list(mark) for mark in state.holds],
            "badge": state.badge,
            "spacing_mm": state.spacing_mm,
            "descent": None if state.descent is None else self.descent(state.descent),
        }

    def descent(self, descent: Descent) -> dict[str, Any]:
        source, changed = descent.source, descent.changed
        film, decision = source.film, source.decision
        if source.key not in self.films:
            self.films[source.key] = {
                "key": source.key,
                "shape": list(source.shape),
                "film": None
                if film is None
                else self.part("films", "bin", film, lambda: packed(film)),
                "stated": source.stated,
                "found": [list(box) for box in source.found],
                "synthetic": source.synthetic,
                "decision": None
                if decision is None
                else {"blacked": [list(box) for box in decision.blacked], "at": decision.at},
            }
        return {
            "film": source.key,
            "top": descent.top,
            "left": descent.left,
            "scale": descent.scale,
            "changed": None if changed is None else self.mask(changed),
        }

    def mask(self, changed: NDArray[np.bool_]) -> str:
        codes = changed.astype(np.uint8)
        return self.part("inputs", "bin", changed, lambda: carried.pack("changed", codes))

    def array(self, name: str, array: NDArray[Any]) -> str:
        return self.part("inputs", "bin", array, lambda: carried.pack(name, array))

    def drawing(self, drawing: Drawing | None) -> dict[str, Any] | None:
        if drawing is None:
            return None
        bits = drawing.bits
        height, width = bits.shape
        return {
            "planes": self.part("drawings", "gz", bits, lambda: packed_bits(bits)),
            "w": width,
            "h": height,
            "rev": drawing.rev,
            "state": drawing.state,
            "findings": [listed(finding) for finding in drawing.findings],
        }


def picture_of(state: State) -> bytes:
    """A PNG of 16 bits that says how it was made, and gives the same pixels again."""
    if not np.array_equal(from_codes(to_codes(state.image, 16), 65535), state.image):
        return carried.pack("picture", state.image)  # no state has such values; none is lost
    if state.recipe is None:
        return encode(to_codes(state.image, 16))
    return picture_bytes(state.image, state.recipe, {}, "none", 16)


def packed_bits(bits: NDArray[np.uint32]) -> bytes:
    return gzip.compress(np.ascontiguousarray(bits, "<u4").tobytes(), 6, mtime=0)


def thumbnail(document: Document) -> bytes:
    """The picture on screen, else the organs that are drawn, small and in 8 bits."""
    shown = next((s for s in document.states if s.number == document.current), None)
    if shown is not None:
        return pictures.shown(shown.image, THUMB_SIDE)
    organs = None if document.drawing is None else document.drawing.organs()
    if organs is None:
        return pictures.shown(np.zeros((THUMB_SIDE, THUMB_SIDE), np.float32))
    step = max(1, -(-max(organs.shape) // THUMB_SIDE))
    return pictures.organs(organs[::step, ::step])


def _json(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False).encode()


def all_bytes(document: Document) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every part."""
    for part in parts_of(document):
        yield part.name, part.make()


def damaged(what: str) -> ProjectUnreadable:
    return ProjectUnreadable(
        f"The project is damaged: {what} is not what was saved. It was not opened, and nothing "
        "of yours was changed. Take another copy of the file."
    )

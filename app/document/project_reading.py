"""Parts as a document again; the way back of ``project``.

Who stores the parts (a ZIP, a folder) vouches that they are what was written. Whether they make a
document is checked here, as strictly as if a stranger had written them.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from app.canvas.drawing import MOST_PIXELS as MOST_DRAWN
from app.canvas.drawing import RESERVED_BITS, Drawing, findings_of
from app.document.film_reading import descent_of, films_of, with_films
from app.document.films import Source
from app.document.holding import Held
from app.document.project import DOCUMENT, NAMED, Document, ProjectUnreadable, damaged
from app.document.session import Kind, Origin, State
from engine import carried
from engine.api import MOST_PIXELS
from engine.errors import EngineError
from engine.images import read_image
from engine.provenance import MOST_INPUT_PIXELS, recipe_from_text
from engine.shapes import ChestShape

MOST_STATES = 1000
LONGEST = 20_000  # letters of a name or a note; a note may quote much of a report
MOST_STATE_PIXELS = 500_000_000  # of all pictures together; 2 GB in memory
MOST_INPUTS = 4 * MOST_INPUT_PIXELS  # px of all inputs together

Read = Callable[[str], bytes]  # a part by its name


class ProjectTooLarge(ProjectUnreadable):
    """A document that could be written but not be read again; nothing was written."""

    def __init__(self) -> None:
        super().__init__(
            "The project would be larger than can be opened again. Delete states that you do not "
            "need, or export the pictures."
        )


def refuse_unreadable(document: Document) -> None:
    """Raises :class:`ProjectTooLarge` where reading would refuse what is about to be written."""
    images = {id(state.image): state.image.size for state in document.states}
    inputs = {
        id(array): array.size
        for state in document.states
        for array in (state.inputs or {}).values()
    }
    if (
        len(document.states) > MOST_STATES
        or sum(images.values()) > MOST_STATE_PIXELS
        or sum(inputs.values()) > MOST_INPUTS
    ):
        raise ProjectTooLarge


def document_of(read: Read, title: str, created: float) -> Document:
    """The document that the parts make. Raises :class:`ProjectUnreadable` naming what is wrong.

    ``read`` raises it itself where a part is missing or is not what was written.
    """
    told = _parsed(read(DOCUMENT))
    reader = _Reader(read)
    try:
        reader.films = films_of(told.get("films", []), reader)
        reader.doc = _text(told["doc"], 64)
        if not NAMED.fullmatch(reader.doc):
            raise ValueError("doc")
        states = with_films(tuple(reader.state(state) for state in told["states"]))
        numbers = [state.number for state in states]
        current, number = told["current"], told["number"]
        if len(states) > MOST_STATES or sorted(set(numbers)) != numbers:
            raise ValueError("states")
        if current is not None and (type(current) is not int or current not in numbers):
            raise ValueError("current")
        if type(number) is not int or number < max(numbers, default=0):
            raise ValueError("number")
        return Document(
            doc=reader.doc,
            title=title,
            created=created,
            states=states,
            number=number,
            current=current,
            drawing=reader.drawing(told["drawing"]),
            report=_text(told["report"], 10_000),
            form=None if told["form"] is None else _values(told["form"]),
            chest=ChestShape(**told["chest"]),
            look=_values(told["look"]),
        )
    except ProjectUnreadable:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, EngineError) as error:
        raise damaged("its list of contents") from error


class _Reader:
    """Reads each part once; what states share they share again."""

    def __init__(self, read: Read) -> None:
        self.read = read
        self.doc = ""
        self.known: dict[str, Any] = {}
        self.films: dict[str, Source] = {}
        self.pixels = self.input_pixels = 0

    def once(self, folder: str, name: str, make: Callable[[bytes], Any], what: str) -> Any:
        if not isinstance(name, str) or not name.startswith(folder + "/"):
            raise ValueError(folder)
        if name not in self.known:
            data = self.read(name)
            try:
                self.known[name] = make(data)
            except ProjectUnreadable:
                raise
            except Exception as error:  # decoders fail in their own ways; the part is at fault
                raise damaged(what) from error
        return self.known[name]

    def state(self, told: Mapping[str, Any]) -> State:
        number = told["number"]
        if type(number) is not int or number < 1:
            raise ValueError("number")
        if told["kind"] not in get_args(Kind) or told["origin"] not in get_args(Origin):
            raise ValueError("kind")
        if type(told["bits"]) is not int or not 1 <= told["bits"] <= 16:
            raise ValueError("bits")  # those of a DICOM file are often 10 or 12
        if type(told["proposal"]) is not bool:
            raise ValueError("proposal")
        for name in ("parent", "seed"):
            if told[name] is not None and type(told[name]) is not int:
                raise ValueError(name)
        if told["parent"] is not None and told["parent"] >= number:
            raise ValueError("parent")  # a circle would have no beginning
        image = self.once(
            "pictures", told["picture"], self.picture, f"the picture of state {number}"
        )
        recipe, inputs = told["recipe"], told["inputs"]
        what = f"the recipe of state {number}"
        return State(
            number=number,
            name=_text(told["name"], LONGEST),
            kind=told["kind"],
            image=image,
            bits=told["bits"],
            origin=told["origin"],
            parent=told["parent"],
            recipe=None if recipe is None else self.once("recipes", recipe, recipe_from_text, what),
            inputs=None
            if inputs is None
            else {
                _text(name, 200): self.once(
                    "inputs", part, self.array, f"an input of state {number}"
                )
                for name, part in inputs.items()
            },
            drawing=self.drawing(told["drawing"]),
            seed=told["seed"],
            report=_text(told["report"], 10_000),
            notes=tuple(_text(note, LONGEST) for note in told["notes"]),
            proposal=told["proposal"],
            holds=tuple(_held(mark) for mark in told.get("holds", [])),
            badge=_text(told.get("badge", ""), 20),
            spacing_mm=_spacing(told.get("spacing_mm")),
            descent=descent_of(told.get("descent"), image.shape, self),
        )

    def picture(self, data: bytes) -> NDArray[np.float32]:
        if data.startswith(b"picture\0"):
            _, form, body = carried.unwrap(data)
            height, width = carried.size_of(form, body)
            if height * width > MOST_PIXELS:
                raise ValueError("size")
            image = carried.unpack(form, body)
        else:
            image = read_image(data).pixels
        self.pixels += image.size
        if self.pixels > MOST_STATE_PIXELS:
            raise ProjectUnreadable(
                "The pictures of this project together are larger than this program can hold."
            )
        return image

    def array(self, data: bytes) -> NDArray[Any]:
        _, form, body = carried.unwrap(data)
        height, width = carried.size_of(form, body)
        self.input_pixels += height * width
        if height * width > MOST_PIXELS or self.input_pixels > MOST_INPUTS:
            raise ValueError("size")
        return carried.unpack(form, body)

    def drawing(self, told: Mapping[str, Any] | None) -> Drawing | None:
        if told is None:
            return None
        width, height, rev, state = (told[name] for name in ("w", "h", "rev", "state"))
        if not all(type(n) is int and n >= 0 for n in (width, height, rev)):
            raise ValueError("drawing")
        if width * height > MOST_DRAWN or width < 1 or height < 1:
            raise ValueError("drawing")
        bits = self.once(
            "drawings", told["planes"], lambda data: unpacked_bits(data, height, width), "a drawing"
        )
        if bits.shape != (height, width):
            raise ValueError("drawing")
        state = None if state is None else _text(state, 64)
        findings = findings_of(told["findings"])
        return Drawing(self.doc, rev, "", state, bits, findings)


def unpacked_bits(data: bytes, height: int, width: int) -> NDArray[np.uint32]:
    """Bit planes (h, w) from :func:`packed_bits`; no more than that is ever unpacked."""
    size = 4 * height * width
    reader = zlib.decompressobj(wbits=31)
    raw = reader.decompress(data, size + 1)
    if len(raw) != size or not reader.eof:
        raise ValueError("planes")
    bits = np.frombuffer(raw, "<u4").reshape(height, width).astype(np.uint32)
    if (bits & np.uint32(RESERVED_BITS)).any():
        raise ValueError("planes")
    bits.setflags(write=False)
    return bits


def _text(value: Any, longest: int) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError("text")
    return value


def _spacing(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 100:
        raise ValueError("a pixel of this size cannot be")
    return float(value)


def _held(value: Any) -> Held:
    words, checksum = value
    if type(checksum) is not int:
        raise ValueError("holds")
    return _text(words, 1000), checksum


def _values(told: Any) -> dict[str, Any]:
    """Plain values by name, as the request panel and the browser's view have them."""
    plain = (str, int, float, bool, type(None))
    for name, value in dict(told).items():
        flat = value if isinstance(value, list) else [value]
        if len(name) > 64 or len(flat) > 64 or not all(isinstance(v, plain) for v in flat):
            raise ValueError("values")
    return dict(told)


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        told = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise damaged("its list of contents") from error
    if not isinstance(told, dict):
        raise damaged("its list of contents")
    return told


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")

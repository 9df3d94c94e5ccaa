"""One person's document: the states of its history, and the drawing that made each of them.

Kept on the server, so that a reload of the page brings everything back. The engine's worker
adds results from its own thread, hence the lock.
"""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from app.canvas.drawing import Drawing
from app.document.films import Descent
from app.document.holding import Held
from engine.api import Pixels
from engine.errors import EngineError, InvalidRequest
from engine.shapes import ChestShape

Origin = Literal["synthetic", "real", "partly"]
Kind = Literal["opened", "stage", "made"]
MARKS: dict[Origin | None, str] = {
    None: "Not for diagnosis",
    "synthetic": "Synthetic - not for diagnosis",
    "real": "Real picture - not for diagnosis",
    "partly": "Partly synthetic - not for diagnosis",
}
OFFERED = 16  # drawings that wait to be fetched by the browser
SESSIONS = 32  # browsers remembered at once; this computer has one or two
BINNED = 200  # deleted states that undo can bring back


@dataclass(frozen=True, kw_only=True)
class State:
    """A picture in the history.

    ``recipe`` and ``inputs`` let it be made again, the recipe with those of the pictures it was
    made from. ``drawing`` is what was on the canvas at that run.
    """

    number: int
    name: str
    kind: Kind
    image: Pixels  # (H, W) in [0, 1]
    bits: int  # 8 or 16, of the file it came from
    origin: Origin
    parent: int | None = None
    recipe: dict[str, Any] | None = None
    inputs: dict[str, NDArray[Any]] | None = None
    drawing: Drawing | None = None
    seed: int | None = None
    report: str = ""
    notes: tuple[str, ...] = ()
    proposal: bool = False
    holds: tuple[Held, ...] = ()  # findings of the drawing that are in the picture
    badge: str = ""  # of one of several variations
    spacing_mm: float | None = None  # side of a pixel, where the file it came from says it
    descent: Descent | None = None  # what of an opened film is in it

    @property
    def title(self) -> str:
        return f"{self.number} {self.name}"


@dataclass(frozen=True)
class Binned:
    """A deleted state, and what its going changed."""

    state: State
    children: tuple[int, ...]  # that became its parent's
    shown: bool  # it was on screen


@dataclass
class Session:
    """The document of one browser. Use the methods; they take the lock."""

    id: str
    doc: str = field(default_factory=lambda: secrets.token_hex(8))
    title: str = "Untitled"
    states: dict[int, State] = field(default_factory=dict)
    current: int | None = None
    drawing: Drawing | None = None  # the newest the browser sent
    report: str = ""  # as typed, also before a run
    form: Any = None  # the values of the request panel at the newest run
    offered: str = "Standard"  # the quality that the panel has from the models
    chest: ChestShape = field(default_factory=ChestShape)  # the newest that was drawn
    look: dict[str, Any] = field(default_factory=dict)  # window, zoom and the like, of the browser
    created: float = field(default_factory=time.time)  # seconds since 1970
    saved: float | None = None  # when the document was last written to the disk, or None
    fault: str | None = None  # why it could not be written, or None
    notice: str | None = None  # what the person should be told once, at the next page
    # Counts on from the time, so that a page which outlives the program takes what comes as new.
    nonce: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    keep: Callable[[], None] = lambda: None  # writes the document to the disk, where there is one
    lock: threading.RLock = field(default_factory=threading.RLock)
    number: int = 0  # of the newest state; numbers are never given twice
    bin: dict[int, Binned] = field(default_factory=dict)
    # What was read from pictures, by document and number.
    measured: dict[tuple[str, int], dict[str, float]] = field(default_factory=dict)
    _labels: OrderedDict[str, bytes] = field(default_factory=OrderedDict)

    def next_nonce(self) -> int:
        with self.lock:
            self.nonce += 1
            return self.nonce

    @property
    def next_number(self) -> int:
        """Of the state that comes next."""
        return self.number + 1

    def state(self, number: int | None) -> State | None:
        with self.lock:
            return None if number is None else self.states.get(number)

    def picture(self) -> State | None:
        """The state on screen."""
        return self.state(self.current)

    def binned(self, number: int | None) -> State | None:
        """A state that was deleted and can still be brought back."""
        with self.lock:
            found = None if number is None else self.bin.get(number)
            return None if found is None else found.state

    def select(self, number: int) -> None:
        with self.lock:
            if number in self.states:
                self.current = number

    @property
    def empty(self) -> bool:
        """Nothing was opened, made, painted or typed."""
        painted = self.drawing is not None and (self.drawing.bits.any() or self.drawing.findings)
        return not (self.states or painted or self.report.strip())

    def drew(self, drawing: Drawing, *, late: bool = False) -> None:
        """The newest drawing of the browser, and the picture it lies on; ``late`` where a run may
        have put another picture on screen since."""
        with self.lock:
            if self.drawing is None and not self.states:
                self.doc = drawing.doc  # the program was restarted while the page stayed open
            self.drawing = drawing
            on_screen = None if late else drawing.state
            if on_screen is not None and on_screen.isdecimal() and int(on_screen) in self.states:
                self.current = int(on_screen)

    def add(self, make: Callable[[int], State], *, choose: bool = True) -> State:
        """Append the state that ``make`` builds for its number."""
        with self.lock:
            self.number += 1
            state = make(self.number)
            self.states[state.number] = state
            if choose:
                self.current = state.number
            return state

    def delete(self, number: int) -> None:
        """Take a state out of the history; its children become its parent's. The bin keeps it."""
        with self.lock:
            gone = self.states.pop(number, None)
            if gone is None:
                return
            children = [child for child in self.states.values() if child.parent == number]
            for child in children:
                self.states[child.number] = replace(child, parent=gone.parent)
            shown = self.current == number
            self.bin[number] = Binned(gone, tuple(child.number for child in children), shown)
            while len(self.bin) > BINNED:
                del self.bin[next(iter(self.bin))]
            if shown:
                left = [n for n in self.states if n < number] or list(self.states)
                parent = gone.parent if gone.parent in self.states else None
                self.current = parent or (left[-1] if left else None)

    def undelete(self, number: int) -> None:
        """Bring a state back from the bin, to its place, with its children."""
        with self.lock:
            found = self.bin.pop(number, None)
            if found is None:
                raise InvalidRequest(f"State {number} is gone for good.")
            self.states[number] = found.state
            self.states = dict(sorted(self.states.items()))
            for child in found.children:
                if child in self.states:
                    self.states[child] = replace(self.states[child], parent=number)
            if found.shown:
                self.current = number

    def forget(self, number: int | None = None) -> None:
        """Empty the bin: of one state, or of all where no undo can reach them any more."""
        with self.lock:
            if number is None:
                self.bin.clear()
            else:
                self.bin.pop(number, None)

    def settle(self, number: int, *, proposal: bool = False) -> None:
        """Accept a proposal: it stays in the history as it is. ``proposal`` takes that back."""
        with self.lock:
            state = self.states.get(number)
            if state is not None:
                self.states[number] = replace(state, proposal=proposal)

    def offer_labels(self, data: bytes) -> str:
        """Keep a drawing for the browser to fetch; its address. Only the newest few are kept."""
        with self.lock:
            key = secrets.token_hex(8)
            self._labels[key] = data
            while len(self._labels) > OFFERED:
                self._labels.popitem(last=False)
            return f"/api/drawings/{key}"

    def labels(self, key: str) -> bytes | None:
        with self.lock:
            return self._labels.get(key)

    def proposal(self) -> State | None:
        picture = self.picture()
        return picture if picture is not None and picture.proposal else None


def scaled(drawing: Drawing, shape: tuple[int, ...]) -> Drawing:
    """The drawing at another size: each pixel takes the label of the nearest old one."""
    height, width = shape
    old_height, old_width = drawing.bits.shape
    if (height, width) == (old_height, old_width):
        return drawing
    rows = ((np.arange(height) + 0.5) * old_height / height).astype(int)
    columns = ((np.arange(width) + 0.5) * old_width / width).astype(int)
    return replace(drawing, bits=np.ascontiguousarray(drawing.bits[np.ix_(rows, columns)]))


def fitted(drawing: Drawing, shape: tuple[int, ...]) -> Drawing:
    """The drawing on a picture of this shape; another aspect than its own is refused."""
    height, width = shape
    old_height, old_width = drawing.bits.shape
    if abs(height * old_width - width * old_height) > max(height, width, old_height, old_width):
        raise InvalidRequest(
            f"The drawing is {old_width} x {old_height} px but the picture is "
            f"{width} x {height} px. Restore the drawing of that picture, or clear it."
        )
    return scaled(drawing, shape)


class Keeper(Protocol):
    """Where documents outlive the program; see ``autosave.Documents``."""

    def save(self, session: Session) -> float: ...
    def open(self, session: Session, doc: str | None = None) -> bool: ...
    def new(self, session: Session) -> None: ...


class Sessions:
    """The documents by session cookie, the least recently used dropped beyond a few."""

    def __init__(self, keeper: Keeper | None = None) -> None:
        self.keeper = keeper
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Session] = OrderedDict()
        # Those that a run still adds pictures to; two sessions of one browser would lose work.
        self._alive: WeakValueDictionary[str, Session] = WeakValueDictionary()

    def of(self, id: str) -> Session:
        """The session of a browser, as it was left; a new one where there is none."""
        with self._lock:
            session = self._alive.get(id)
            if session is None:
                session = self._alive[id] = Session(id)
                session.keep = lambda: self.save(session)
                if self.keeper is not None:
                    self.keeper.open(session)
            self._known[id] = session
            self._known.move_to_end(id)
            self._drop_oldest()
            return session

    def _drop_oldest(self) -> None:
        """Beyond a few; what could not be written to the disk stays."""
        for id in list(self._known):
            if len(self._known) <= SESSIONS:
                return
            if self._known[id].fault is None:
                del self._known[id]

    def save(self, session: Session) -> None:
        """Write the document to the disk; what hinders it is kept in ``session.fault``."""
        if self.keeper is None or (session.empty and session.saved is None):
            return
        try:
            session.saved = self.keeper.save(session)
            session.fault = None
        except EngineError as error:
            session.fault = str(error)

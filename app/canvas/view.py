"""What the label canvas is shown: URLs and numbers, never pixels."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class StateThumb:
    """One picture of the history: ``label`` under it ("3 Generated"), ``title`` on the picture.

    ``detail`` follows the size in the corner ("8 bit, PA"); ``mark`` is the mark of this picture.
    ``spacing_mm`` is the side of its pixels in millimetres on the patient, where it is known.
    """

    id: str
    label: str
    url: str | None
    thumb_url: str | None = None
    title: str | None = None
    detail: str | None = None
    parent: str | None = None
    seed: int | None = None
    badge: str | None = None
    mark: str | None = None
    restorable: bool = True
    spacing_mm: float | None = None


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the loaded models obey: organ labels 1 to 4, words for findings, and verbs."""

    organs: tuple[int, ...]
    findings: tuple[str, ...]
    verbs: tuple[str, ...]
    free_text: bool = False


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A result that waits for Accept or Discard."""

    id: str
    image_url: str
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class View:
    """All that the server tells the canvas. Count ``nonce`` up, or nothing happens.

    ``base`` is the revision of the drawing this view was made from (for a reload: the newest one
    seen). ``labels_url`` is given only when a drawing should be loaded. ``size`` (w, h) is that of
    an empty new document. ``measured`` has "ratio", "left", "right" as read from the picture.
    ``spacing_mm``, the side of a pixel, gives a scale bar and measures in mm; a state's own wins.
    ``step`` makes all that the view changes one step of the undo stack: its title, and what the
    event ``step`` carries when it is undone and done again. ``look`` is what ``look()`` gave.
    ``restart`` shows this document instead of what the browser made of it.
    """

    doc: str
    nonce: int
    base: int | None = None
    name: str = "Untitled"
    size: tuple[int, int] | None = None
    current: str | None = None
    image_url: str | None = None
    labels_url: str | None = None
    title: str | None = None
    states: tuple[StateThumb, ...] = ()
    proposal: Proposal | None = None
    know: Known | None = None
    measured: dict[str, float] | None = None
    mark: str | None = None
    autosave: bool = False
    spacing_mm: float | None = None
    step: dict[str, Any] | None = None
    look: dict[str, Any] | None = None
    restart: bool = False

    def props(self) -> dict[str, Any]:
        return asdict(self)

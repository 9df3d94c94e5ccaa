"""What changes on the Edit page after an event: one value for everything that can change."""

import time
from dataclasses import dataclass, field, fields, replace
from typing import Any

import gradio as gr

from app import messages
from app.canvas.component import shown
from app.document.session import Session
from app.document.viewing import view_of
from app.pages.form import Form
from app.runs.loading import Engine

NAMED = ("verb", "report", "seed", "keep_seed", "quality")  # values that Shown names itself
REST = tuple(f.name for f in fields(Form) if f.name not in NAMED)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What changes on the page after an event; what is left out stays as it is."""

    canvas: Any = field(default_factory=gr.skip)
    verb: Any = field(default_factory=gr.skip)
    report: Any = field(default_factory=gr.skip)
    seed: Any = field(default_factory=gr.skip)
    keep: Any = field(default_factory=gr.skip)
    quality: Any = field(default_factory=gr.skip)
    fold: Any = field(default_factory=gr.skip)
    finding: Any = field(default_factory=gr.skip)
    anatomy: Any = field(default_factory=gr.skip)
    ratio: Any = field(default_factory=gr.skip)
    volume: Any = field(default_factory=gr.skip)
    rotation: Any = field(default_factory=gr.skip)
    habitus: Any = field(default_factory=gr.skip)
    view: Any = field(default_factory=gr.skip)
    lines: Any = field(default_factory=gr.skip)  # of the run bar; they carry notes
    form: dict[str, Any] = field(default_factory=dict)  # other values of the panel, by name

    def updates(self) -> list[Any]:
        """One for each field; the page's script is told that something changed."""
        beat = {**gr.update(beat=time.monotonic_ns()), **self.lines}
        told = [getattr(replace(self, lines=beat), f.name) for f in fields(self)[:-1]]
        return [*told, *(self.form.get(name, gr.skip()) for name in REST)]


def document(
    session: Session,
    engine: Engine | None,
    labels: bytes | None = None,
    base: int | None = None,
    step: dict[str, Any] | None = None,
    *,
    look: bool = False,
    restart: bool = False,
) -> Shown:
    """The document as it is now; with ``labels``, a drawing made from the revision ``base``.

    ``step`` (see :func:`step`) makes the change one step of the undo stack; ``look`` brings window,
    zoom and the like back; ``restart`` shows the document instead of what the browser has of it.
    """
    view = view_of(session, engine, labels=labels, base=base, step=step, look=look, restart=restart)
    return Shown(canvas=shown(view))


def step(
    title: str, undo: dict[str, Any] | None = None, redo: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A change of the document as the undo stack of the browser keeps it.

    ``undo`` and ``redo`` are what the page asks of ``history.change`` to take it back and to do it
    again; the drawing is the browser's own part of the step.
    """
    return {"title": title, "undo": undo, "redo": redo}


def note(session: Session, text: str, tone: str) -> dict[str, Any]:
    """The ``lines`` of a sentence in the viewport; ``tone`` is "", "warn" or "bad"."""
    return gr.update(note={"nonce": session.next_nonce(), "text": text, "tone": tone})


def refusal(session: Session, error: BaseException) -> Shown:
    """Nothing changes but a sentence in the viewport."""
    return Shown(lines=note(session, messages.sentence(error), "bad"))

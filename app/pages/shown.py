"""What changes on the Edit page after an event: one value for everything that can change."""

import time
from dataclasses import dataclass, field, fields, replace
from typing import Any

import gradio as gr

from app import messages
from app.canvas.component import shown
from app.loading import Engine
from app.session import Session
from app.viewing import view_of


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What changes on the page after an event; what is left out stays as it is."""

    canvas: Any = field(default_factory=gr.skip)
    verb: Any = field(default_factory=gr.skip)
    report: Any = field(default_factory=gr.skip)
    seed: Any = field(default_factory=gr.skip)
    keep: Any = field(default_factory=gr.skip)
    fold: Any = field(default_factory=gr.skip)
    finding: Any = field(default_factory=gr.skip)
    anatomy: Any = field(default_factory=gr.skip)
    ratio: Any = field(default_factory=gr.skip)
    volume: Any = field(default_factory=gr.skip)
    rotation: Any = field(default_factory=gr.skip)
    habitus: Any = field(default_factory=gr.skip)
    view: Any = field(default_factory=gr.skip)
    lines: Any = field(default_factory=gr.skip)  # of the run bar; they carry notes

    def updates(self) -> list[Any]:
        """One for each field; the page's script is told that something changed."""
        beat = {**gr.update(beat=time.monotonic_ns()), **self.lines}
        return [getattr(replace(self, lines=beat), f.name) for f in fields(self)]


def document(
    session: Session, engine: Engine | None, labels: bytes | None = None, base: int | None = None
) -> Shown:
    """The document as it is now; with ``labels``, a drawing made from the revision ``base``."""
    return Shown(canvas=shown(view_of(session, engine, labels=labels, base=base)))


def note(session: Session, text: str, tone: str) -> dict[str, Any]:
    """The ``lines`` of a sentence in the viewport; ``tone`` is "", "warn" or "bad"."""
    return gr.update(note={"nonce": session.next_nonce(), "text": text, "tone": tone})


def refusal(session: Session, error: BaseException) -> Shown:
    """Nothing changes but a sentence in the viewport."""
    return Shown(lines=note(session, messages.sentence(error), "bad"))

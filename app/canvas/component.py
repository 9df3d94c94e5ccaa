"""The label canvas as a Gradio component: a subclass of ``gr.HTML`` around plain JavaScript."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from app.canvas.drawing import Drawing, Revisions, checked_upload, read_drawing
from app.canvas.view import View
from engine.errors import InvalidRequest

STATIC = Path(__file__).parent / "static"
SCRIPTS = (
    "raster.js",
    "measures.js",
    "drawing.js",
    "picture.js",
    "overlay.js",
    "view.js",
    "edits.js",
    "move.js",
    "tone.js",
    "tools.js",
    "panel.js",
    "history.js",
    "transfer.js",
    "kept.js",
    "offers.js",
    "look.js",
    "frame.js",
    "grid.js",
    "shell.js",
    "keys.js",
    "canvas.js",
)
START = "startCanvas(element, props, upload, trigger, watch);"
FLUSH = "async (...a) => { a[0] = await window.XREAL.canvas.flush(); return a; }"


@dataclass(frozen=True)
class Ask:
    """What the person asked of the server on the canvas; ``kind`` as listed in the README."""

    kind: str
    doc: str
    rev: int
    state: str | None
    data: dict[str, Any] = field(default_factory=dict)
    file: Path | None = None
    drawing: Drawing | None = None


@cache
def text_of(name: str) -> str:
    """A file of the canvas. Gradio makes the component anew at each update and may keep the old
    ones: they share one text."""
    return (STATIC / name).read_text(encoding="utf-8")


@cache
def script() -> str:
    """All of the canvas in one piece: a component's script cannot import."""
    parts = [text_of(name) for name in SCRIPTS]
    return '"use strict";\n' + "\n".join([*parts, START])


class LabelCanvas(gr.HTML):
    """Paints labels on a radiograph. As an event's input it gives a :class:`Drawing` or None.

    Every event that reads it needs ``js=FLUSH`` with the canvas as its first input. The event
    ``ask`` carries what the person wants from the server; read it with :func:`asked`.
    """

    revisions = Revisions()  # for all: Gradio makes this object anew at each update of the canvas

    def __init__(self, view: View | dict[str, Any] | None = None, **keywords: Any) -> None:
        self.view = view.props() if isinstance(view, View) else view
        super().__init__(
            value=None,
            html_template=text_of("canvas.html"),
            css_template=text_of("canvas.css"),
            js_on_load=script(),
            apply_default_css=False,
            view=self.view,
            **keywords,
        )

    def preprocess(self, payload: Any) -> Drawing | InvalidRequest | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """What arrived; where that is no whole drawing, why, as a value for the event to say."""
        if not payload:
            return None
        try:
            return read_drawing(payload, Path(get_upload_folder()), self.revisions)
        except InvalidRequest as error:
            return error

    def postprocess(self, value: Any) -> None:
        """The canvas is told things by ``shown(view)`` only, never by a value."""

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


# Gradio writes a stub beside every component's file; it would only shadow this one.
with suppress(OSError):
    Path(__file__).with_suffix(".pyi").unlink(missing_ok=True)


def shown(view: View) -> dict[str, Any]:
    """What an event returns for the canvas to show ``view``."""
    return gr.update(view=view.props())


def asked(event: gr.EventData) -> Ask:
    """The event ``ask``, checked: files lie in the upload folder, drawings are whole."""
    data = event._data
    if not isinstance(data, Mapping) or not isinstance(data.get("kind"), str):
        raise InvalidRequest("The page asked for something that cannot be done.")
    rest = {
        k: v for k, v in data.items() if k not in ("kind", "doc", "rev", "state", "file", "drawing")
    }
    folder = Path(get_upload_folder())
    rev, state = data.get("rev"), data.get("state")
    return Ask(
        kind=data["kind"],
        doc=str(data.get("doc")),
        rev=rev if isinstance(rev, int) else 0,
        state=state if isinstance(state, str) else None,
        data=rest,
        file=checked_upload(data["file"], folder) if data["kind"] == "open" else None,
        drawing=read_drawing(data.get("drawing"), folder) if data["kind"] == "drawing" else None,
    )

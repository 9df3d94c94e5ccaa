"""Erase: paint over a wire, a port, letters; what was hidden is guessed, not recovered."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from app.canvas.drawing import Drawing
from app.document.session import State, fitted
from app.panels import zone
from engine.api import EraseRequest, Sampling
from engine.errors import InvalidRequest


def build() -> zone.ZonePanel:
    with gr.Column(elem_classes="for-erase verb-body"):
        gr.HTML(
            html_template="<p class='lead'>Paint over wires, ports, letters. What was hidden is "
            "guessed, not recovered.</p>"
        )
        panel = zone.build("erase", feather=0)
        gr.HTML(
            html_template="<h3 class='head'>After the run</h3><p class='lead'>The result is shown "
            "as a proposal: <b>Accept</b> (Enter) keeps it as a new state, <b>Discard</b> "
            "(Backspace) drops it, <b>Try again</b> makes another one.</p>"
        )
    return panel


def read(
    drawing: Drawing | None,
    picture: State | None,
    sampling: Sampling,
    pixels: Mapping[str, Any] | None = None,
) -> EraseRequest:
    """``pixels``: grow, feather and context, as :func:`app.panels.zone.read` gives them."""
    if picture is None:
        raise InvalidRequest("There is no picture. Open or generate one first.")
    if drawing is None or not drawing.erase_mask().any():
        raise InvalidRequest("Paint over what should go: the region to erase is empty.")
    drawing = fitted(drawing, picture.image.shape)
    return EraseRequest(
        image=picture.image, mask=drawing.erase_mask(), sampling=sampling, **(pixels or {})
    )

"""Erase: paint over a wire, a port, letters; what was hidden is guessed, not recovered."""

import gradio as gr

from app.canvas.drawing import Drawing
from app.session import State, fitted
from engine.api import EraseRequest, Sampling
from engine.errors import InvalidRequest


def build() -> None:
    with gr.Column(elem_classes="for-erase verb-body"):
        gr.HTML(
            html_template="<p class='lead'>Paint over wires, ports, letters. What was hidden is "
            "guessed, not recovered.</p><p class='lead'>Outside the paint every pixel stays "
            "exactly as it is. The result is shown as a proposal: <b>Accept</b> keeps it, "
            "<b>Discard</b> drops it.</p>"
        )


def read(drawing: Drawing | None, picture: State | None, sampling: Sampling) -> EraseRequest:
    if picture is None:
        raise InvalidRequest("There is no picture. Open or generate one first.")
    if drawing is None or not drawing.erase_mask().any():
        raise InvalidRequest("Paint over what should go: the region to erase is empty.")
    drawing = fitted(drawing, picture.image.shape)
    return EraseRequest(image=picture.image, mask=drawing.erase_mask(), sampling=sampling)

"""Outpaint: add a margin at any side, or keep a painted area and complete the rest."""

from dataclasses import dataclass

import gradio as gr
import numpy as np
from gradio.components import Component

from app.canvas.drawing import Drawing
from app.document.session import State, fitted
from engine.api import LARGEST_SIDE, OutpaintRequest, Sampling
from engine.errors import InvalidRequest

KEEPS = WHOLE, PAINTED = "Whole picture", "Painted area"


@dataclass(frozen=True)
class OutpaintPanel:
    keep: gr.Radio
    top: gr.Number
    right: gr.Number
    left: gr.Number
    bottom: gr.Number

    @property
    def values(self) -> list[Component]:
        return [self.keep, self.top, self.right, self.left, self.bottom]


def build() -> OutpaintPanel:
    def side(name: str, where: str) -> gr.Number:
        return gr.Number(
            0, label=f"Add at {name}", minimum=0, step=8, elem_classes=f"side-{where}",
            elem_id=f"add-{where}",
        )  # fmt: skip

    with gr.Column(elem_classes="for-outpaint verb-body"):
        keep = gr.Radio(
            list(KEEPS), value=WHOLE, label="Keep", elem_id="keep", elem_classes="segments"
        )
        gr.HTML(
            html_template="<div class='line'><h3 class='grow head'>Add at each side</h3>"
            "<span class='mute' id='outpaint-size'></span></div>"
        )
        with gr.Column(elem_classes="sides"):
            top = side("top", "top")
            right = side("patient's right", "right")
            left = side("patient's left", "left")
            bottom = side("bottom", "bottom")
        gr.HTML(
            html_template="<p class='lead'>In pixels of the picture. Given pixels stay exactly as "
            "they are. The dashed field is invented.</p>"
        )
    return OutpaintPanel(keep, top, right, left, bottom)


def read(
    drawing: Drawing | None,
    picture: State | None,
    keep: str,
    margins: tuple[float | None, float | None, float | None, float | None],
    sampling: Sampling,
) -> OutpaintRequest:
    """``margins``: top, patient's right (the image's left), patient's left, bottom, in px."""
    if picture is None:
        raise InvalidRequest("There is no picture. Open or generate one first.")
    top, right, left, bottom = (pixels(margin) for margin in margins)
    image = picture.image
    if keep == PAINTED:
        if drawing is None or not drawing.keep_mask().any():
            raise InvalidRequest("Paint the area to keep, or keep the whole picture.")
        given = fitted(drawing, image.shape).keep_mask()
    else:
        if not any((top, right, left, bottom)):
            raise InvalidRequest("Add at least one side.")
        given = np.ones(image.shape, np.float32)
    pads = ((top, bottom), (right, left))
    return OutpaintRequest(image=np.pad(image, pads), keep=np.pad(given, pads), sampling=sampling)


def pixels(margin: float | None) -> int:
    if margin is None or not 0 <= margin <= LARGEST_SIDE or margin != int(margin):
        raise InvalidRequest("What is added at a side must be a whole number of pixels, 0 or more.")
    return int(margin)

"""Upscale: the picture at 1024 px, with invented fine detail."""

import gradio as gr

from app.document.session import State
from engine.api import Sampling, UpscaleRequest
from engine.errors import InvalidRequest


def build() -> None:
    with gr.Column(elem_classes="for-upscale verb-body"):
        gr.HTML(
            html_template="<p class='lead'>To 1024 px. Finer detail than the picture has is "
            "invented: it looks right, it is not evidence. The drawing is scaled with the "
            "picture.</p>"
        )


def read(picture: State | None, sampling: Sampling) -> UpscaleRequest:
    if picture is None:
        raise InvalidRequest("There is no picture. Open or generate one first.")
    return UpscaleRequest(image=picture.image, sampling=sampling)

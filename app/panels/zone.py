"""The zone that may change: grow, feather and context in px, for Insert and for Erase."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.components import Component

from engine.checks import WIDEST_ZONE
from engine.errors import InvalidRequest

MOST = {"grow": 64, "feather": 64, "context": 512}
INSERT_FEATHER = 4  # px in a picture of 256 px; the page's script keeps to 1/64 of the longer side
HEAD = """
<div class="zone-head line"><h3 class="grow">Zone that may change</h3>
 <span class="mute zone-count" role="status" aria-label="Zone size"></span></div>
"""


@dataclass(frozen=True)
class ZonePanel:
    grow: gr.Slider
    feather: gr.Slider
    context: gr.Slider

    @property
    def values(self) -> list[Component]:
        return [self.grow, self.feather, self.context]


def build(verb: str, feather: int) -> ZonePanel:
    """The three sliders of one verb, "insert" or "erase"; each has values of its own."""

    def slider(name: str, label: str, value: int, about: str, step: int = 1) -> gr.Slider:
        return gr.Slider(
            0, MOST[name], value=value, step=step, label=label, info=about, buttons=[],
            elem_id=f"{verb}-{name}", elem_classes="px", interactive=True,
        )  # fmt: skip

    with gr.Column(elem_classes="zone", elem_id=f"{verb}-zone"):
        gr.HTML(html_template=HEAD)
        panel = ZonePanel(
            slider("grow", "Grow region", 0, "px around what is painted"),
            slider("feather", "Feather", feather, "px over which the change fades in, inside"),
            slider("context", "Context", 0, "px around it that the model sees; 0: all", 8),
        )
        gr.HTML(
            html_template="<p class='lead'>Outside the dashed line every pixel stays exactly as "
            "it is.</p>"
        )
    return panel


def read(grow: float | None, feather: float | None, context: float | None) -> dict[str, Any]:
    """The fields of a request. A context of 0 is the whole picture."""
    return {
        "grow": whole(grow, "Grow region"),
        "feather": whole(feather, "Feather"),
        "context": whole(context, "Context") or None,
    }


def whole(value: float | None, what: str) -> int:
    if value is None or not 0 <= value <= WIDEST_ZONE or value != int(value):
        raise InvalidRequest(f"{what} must be a whole number of pixels from 0 to {WIDEST_ZONE}.")
    return int(value)

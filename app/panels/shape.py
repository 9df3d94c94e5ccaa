"""Anatomy: the sliders of the shape model. Its line shows the values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from engine.errors import InvalidRequest
from engine.shapes import RATIOS, STEPS, ChestShape

AVERAGE_RATIO = 0.47  # of the template that the sliders start from
# field of ChestShape -> label, and what its two ends are
SLIDERS = {
    "ratio": ("Heart size", "Cardiothoracic ratio, 0.35 to 0.70"),
    "volume": ("Lung volume", "In SD of films; the width stays"),
    "rotation": ("Rotation", "In SD; + patient turned to his right"),
    "habitus": ("Habitus", "In SD; - tall, narrow; + short, broad"),
    "view": ("View", "In SD; - as PA films, + as AP films"),
}


@dataclass(frozen=True)
class ShapePanel:
    fold: gr.Accordion
    sliders: list[gr.Slider]

    @property
    def shown(self) -> list[Any]:
        """The fold and the sliders, in the order of :func:`shown`."""
        return [self.fold, *self.sliders]


def build() -> ShapePanel:
    """Sliders that tell Python when they are let go (page.js), one undo step each time."""
    with gr.Accordion("Anatomy: average", open=True, elem_id="shape") as fold:
        sliders = [slider(name, label, about) for name, (label, about) in SLIDERS.items()]
    return ShapePanel(fold, sliders)


def slider(name: str, label: str, about: str) -> gr.Slider:
    low, high, step = range_of(name)
    return gr.Slider(
        low, high, value=AVERAGE_RATIO if name == "ratio" else 0, label=label, info=about,
        step=step, elem_id=f"shape-{name}", buttons=[],
        interactive=True,  # nothing listens in Python, which would make it a display
    )  # fmt: skip


def range_of(name: str) -> tuple[float, float, float]:
    """Least, most and step of a slider."""
    return (*RATIOS, 0.01) if name == "ratio" else (-STEPS, STEPS, 0.1)


def read(told: Mapping[str, Any], template: str) -> ChestShape:
    """What the sliders say, as the page's script sends it: numbers by name."""
    values = {}
    for name, (label, _) in SLIDERS.items():
        value = told.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise InvalidRequest(f"{label} must be a number. Move its slider.")
        values[name] = float(value)
    return ChestShape(template, **values)


def shown(settings: ChestShape, ratio: float) -> dict[str, Any]:
    """The fold and the sliders at these settings; ``ratio`` is that of the template."""
    heart = ratio if settings.ratio is None else settings.ratio
    values = {name: getattr(settings, name) for name in SLIDERS} | {"ratio": round(heart, 2)}
    found: dict[str, Any] = {name: gr.update(value=value) for name, value in values.items()}
    return {**found, "anatomy": gr.update(label=summary(settings))}


def summary(settings: ChestShape) -> str:
    """The line of the closed panel."""
    moved = [] if settings.ratio is None else [f"heart {settings.ratio:.2f}"]
    for name, (label, _) in SLIDERS.items():
        if name != "ratio" and getattr(settings, name):
            moved.append(f"{label.lower()} {getattr(settings, name):+.1f}")
    return "Anatomy: " + ", ".join([settings.template, *moved])

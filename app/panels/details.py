"""How to sample: quality, seed, steps, guidance, sampler, method, exact arithmetic.

Closed by default; its line shows the values. What the models cannot obey is not shown (asking.js).
"""

import secrets
from dataclasses import dataclass

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from engine.api import QUALITIES, AnatomyWay, Quality, Sampler, Sampling
from engine.errors import InvalidRequest

NAMES: dict[str, Quality] = {q.capitalize(): q for q in QUALITIES}  # as the page says them
LARGEST_SEED = 2**53 - 1  # what a page can say exactly
DRAWN_SEEDS = 10**6  # seeds that we draw are short enough to read aloud
MOST_STEPS, MOST_GUIDANCE = 250, 15
OWN = "Model's own"
SAMPLERS: dict[str, Sampler | None] = {OWN: None, "DDIM": "ddim", "DPM++": "dpmpp"}
WAYS: dict[str, AnatomyWay] = {"Map": "auto", "Controller": "controller"}


@dataclass(frozen=True)
class DetailsPanel:
    fold: gr.Accordion
    quality: gr.Radio
    seed: gr.Number
    keep: gr.Checkbox
    steps: gr.Slider
    guidance: gr.Slider
    sampler: gr.Dropdown
    method: gr.Radio
    exact: gr.Checkbox

    @property
    def values(self) -> list[Component]:
        return [self.quality, self.seed, self.keep, self.steps, self.guidance]

    @property
    def more(self) -> list[Component]:
        return [self.sampler, self.method, self.exact]


def build() -> DetailsPanel:
    with gr.Accordion("Details", open=False, elem_id="details") as fold:
        quality = gr.Radio(
            list(NAMES), value="Standard", label="Quality", elem_id="quality",
            elem_classes="segments",
        )  # fmt: skip
        with gr.Row(elem_classes="seed-row"):
            seed = gr.Number(0, label="Seed", elem_id="seed", minimum=0, step=1)
            keep = gr.Checkbox(label="Keep seed", value=False, elem_id="keep-seed")
        steps = gr.Slider(
            0, MOST_STEPS, value=0, step=1, label="Steps", elem_id="steps",
            info="0: as the model and the quality say",
        )  # fmt: skip
        guidance = gr.Slider(
            0, MOST_GUIDANCE, value=0, step=0.5, label="Guidance", elem_id="guidance",
            info="How strictly words are obeyed; 0: the model's own",
        )  # fmt: skip
        sampler = gr.Dropdown(
            list(SAMPLERS), value=OWN, label="Sampler", elem_id="sampler", filterable=False
        )
        method = gr.Radio(
            list(WAYS), value="Map", label="Method", elem_id="method", elem_classes="segments",
            info="How the drawn organs are obeyed",
        )  # fmt: skip
        exact = gr.Checkbox(
            label="Exact reference arithmetic", value=False, elem_id="exact",
            info="As the published code computes it: slower, no zone, no compositing",
        )  # fmt: skip
    return DetailsPanel(fold, quality, seed, keep, steps, guidance, sampler, method, exact)


def connect(panel: DetailsPanel) -> Dependency:
    """Who types a seed wants that seed; what is given can be followed by ``then``."""
    return panel.seed.input(None, None, panel.keep, js="() => true")


def read(
    quality: str,
    seed: float | None,
    keep: bool,
    steps: float | None,
    guidance: float | None,
    sampler: str = OWN,
    exact: bool = False,
) -> Sampling:
    """The values as a sampling, the rest left to the model. A kept seed is used as it is."""
    return Sampling(
        seed=whole(seed) if keep else fresh_seed(),
        quality=None if exact else NAMES.get(quality),
        sampler=SAMPLERS.get(sampler),
        exact=bool(exact),
        steps=round(steps or 0) or None,
        guidance=float(guidance) if guidance and guidance >= 1 else None,
    )


def ways(method: str) -> AnatomyWay:
    return WAYS.get(method, "auto")


def fresh_seed() -> int:
    return secrets.randbelow(DRAWN_SEEDS)


def whole(seed: float | None) -> int:
    if seed is None or not 0 <= seed <= LARGEST_SEED or seed != int(seed):
        shown = "" if seed is None else f"; '{seed:g}' is not"
        raise InvalidRequest(f"The seed must be a whole number from 0 to {LARGEST_SEED}{shown}.")
    return int(seed)


def summary(quality: str, sampling: Sampling) -> str:
    """The line of the closed panel."""
    steps = f", {sampling.steps} steps" if sampling.steps else ""
    return f"Details: {quality}{steps}, seed {sampling.seed}"

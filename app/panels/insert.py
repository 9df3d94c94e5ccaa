"""Insert, replace or remove a finding in the picture on screen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr
import numpy as np

from app.canvas.drawing import LONGEST_WORDS, Drawing, FindingRegion
from app.document.holding import held
from app.document.session import State, fitted
from app.panels import zone
from app.panels.generate import finding
from engine.api import Finding, InsertRequest, Sampling
from engine.errors import InvalidRequest

CHANGES = ("Insert", "Replace", "Remove")


FINDING_HEAD = """
<div class="line"><h3 class="grow head" id="finding-title">Finding</h3>
 <span class="mute" id="finding-share"></span></div>
"""
PLACE = """
<div class="line places">
 <select class="field" aria-label="Side" id="side"></select>
 <select class="field" aria-label="Zone" id="part"></select></div>
<p class="lead warn" role="status" aria-label="Place" id="place-warning"></p>
<label class="strength" id="strength-line" hidden
 title="How much the finding stands out; 0 leaves it to the model">
 <span>Strength</span><input type="range" id="strength" min="0" max="2" step="0.1" value="1"
 aria-label="Strength"><output id="strength-value"></output></label>
"""


@dataclass(frozen=True)
class InsertPanel:
    change: gr.Radio
    finding: gr.Dropdown
    words: gr.Textbox
    zone: zone.ZonePanel


def build() -> InsertPanel:
    with gr.Column(elem_classes="for-insert verb-body"):
        change = gr.Radio(
            list(CHANGES), value="Insert", label="Change", elem_id="change",
            elem_classes="segments",
        )  # fmt: skip
        gr.HTML(html_template=FINDING_HEAD)
        picker = gr.Dropdown(
            [], label="Finding", elem_id="finding", allow_custom_value=True, value=None
        )
        gr.HTML(html_template=PLACE, elem_id="places")
        words = gr.Textbox(
            label="Words", lines=2, max_length=LONGEST_WORDS, elem_id="words", interactive=True
        )
        gr.HTML(html_template="<p class='lead' role='status' aria-label='Words read'"
                " id='words-read'></p>", elem_id="words-lead")  # fmt: skip
        pixels = zone.build("insert", feather=zone.INSERT_FEATHER)
    return InsertPanel(change, picker, words, pixels)


def connect(panel: InsertPanel) -> None:
    """The words of a region live in the canvas, beside its paint; picker and box (asking.js) edit
    them there."""
    panel.finding.input(None, panel.finding, panel.words, js="(v) => window.XREAL.page.name(v)")


@dataclass(frozen=True)
class Asked:
    """Which findings: all that are painted and not yet in the picture, or ``only`` one (its bit).

    ``selected`` is the bit of the finding chosen in the list, for Replace and Remove.
    """

    change: str = "Insert"
    selected: int | None = None
    only: int | None = None


def read(
    drawing: Drawing | None,
    picture: State | None,
    asked: Asked,
    sampling: Sampling,
    pixels: Mapping[str, Any] | None = None,
) -> InsertRequest:
    """To replace is to remove first and then to insert, in one run. ``pixels``: grow, feather and
    context, as :func:`app.panels.zone.read` gives them."""
    if picture is None:
        raise InvalidRequest("There is no picture. Open or generate one first.")
    if drawing is None or not drawing.findings:
        raise InvalidRequest("Paint a region for A first: Add in the list of findings, then paint.")
    drawing = fitted(drawing, picture.image.shape)
    found: list[Finding] = []
    for region in chosen(drawing, picture, asked):
        if asked.change != "Insert":
            found.append(removal(drawing, region))
        if asked.change != "Remove":
            found.append(finding(drawing, region))
    return InsertRequest(
        image=picture.image,
        findings=tuple(found),
        sampling=sampling,
        organs=drawing.organs(),
        **(pixels or {}),
    )


def chosen(drawing: Drawing, picture: State, asked: Asked) -> list[FindingRegion]:
    """The regions of a run, in the order of the list."""
    painted = list(drawing.painted_findings())
    if not painted:
        raise InvalidRequest("Paint a region for A first.")
    wanted = asked.selected if asked.change != "Insert" else asked.only
    named = [region for region in drawing.findings if region.bit == wanted]
    if named:
        return named
    if asked.change != "Insert":
        return painted
    fresh = [r for r in painted if held(drawing, r) not in picture.holds]
    selected = [r for r in painted if r.bit == asked.selected]
    return fresh or selected or painted


def one_by_one(request: InsertRequest) -> list[InsertRequest]:
    """A request for each finding, in order; what removes it goes with it. All but the first are to
    be carried out on the picture that the one before made."""
    groups: list[list[Finding]] = []
    for one in request.findings:
        last = groups[-1][-1] if groups else None
        replaces = last is not None and not last.text and np.array_equal(last.mask, one.mask)
        if replaces and one.text:
            groups[-1].append(one)
        else:
            groups.append([one])
    return [replace(request, findings=tuple(group)) for group in groups]


def removal(drawing: Drawing, region: FindingRegion) -> Finding:
    mask = drawing.finding_mask(region.bit)
    if not mask.any():
        raise InvalidRequest(f"Finding {region.letter} is not painted. Paint what should go.")
    return Finding(text="", mask=mask)

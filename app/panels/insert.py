"""Insert, replace or remove a finding in the picture on screen."""

from dataclasses import dataclass

import gradio as gr

from app.canvas.drawing import Drawing, FindingRegion
from app.panels.generate import finding
from app.session import State, fitted
from engine.api import Finding, InsertRequest, Sampling
from engine.errors import InvalidRequest

CHANGES = ("Insert", "Replace", "Remove")


@dataclass(frozen=True)
class InsertPanel:
    change: gr.Radio
    finding: gr.Dropdown
    words: gr.Textbox


def build() -> InsertPanel:
    with gr.Column(elem_classes="for-insert verb-body"):
        change = gr.Radio(
            list(CHANGES), value="Insert", label="Change", elem_id="change",
            elem_classes="segments",
        )  # fmt: skip
        picker = gr.Dropdown(
            [], label="Finding", elem_id="finding", allow_custom_value=True, value=None
        )
        words = gr.Textbox(label="Words", lines=2, max_length=1000, elem_id="words")
        gr.HTML(
            "",
            elem_id="zone",
            html_template="<p class='lead'>Outside the painted region every pixel stays exactly "
            "as it is. Side and zone come from the drawing.</p>",
        )
    return InsertPanel(change, picker, words)


def connect(panel: InsertPanel) -> None:
    """The words of a region live in the canvas, beside its paint; both boxes edit them there."""
    panel.finding.input(None, panel.finding, panel.words, js="(v) => window.XREAL.page.name(v)")
    panel.words.input(None, panel.words, None, js="(v) => { window.XREAL.page.name(v) }")


def read(
    drawing: Drawing | None,
    picture: State | None,
    change: str,
    selected: int | None,
    sampling: Sampling,
) -> InsertRequest:
    """``selected`` is the bit of the finding chosen in the list; None takes all that are painted.

    To replace is to remove first and then to insert, in one run.
    """
    if picture is None:
        raise InvalidRequest("There is no picture. Open or generate one first.")
    if drawing is None or not drawing.findings:
        raise InvalidRequest("Paint a region for A first: Add in the list of findings, then paint.")
    drawing = fitted(drawing, picture.image.shape)
    asked: list[Finding] = []
    for region in chosen(drawing, selected):
        if change != "Insert":
            asked.append(removal(drawing, region))
        if change != "Remove":
            asked.append(finding(drawing, region))
    return InsertRequest(
        image=picture.image,
        findings=tuple(asked),
        sampling=sampling,
        organs=drawing.organs(),
    )


def chosen(drawing: Drawing, selected: int | None) -> list[FindingRegion]:
    named = [region for region in drawing.findings if region.bit == selected]
    painted = list(drawing.painted_findings())
    found = named or painted
    if not found:
        raise InvalidRequest("Paint a region for A first.")
    return found


def removal(drawing: Drawing, region: FindingRegion) -> Finding:
    mask = drawing.finding_mask(region.bit)
    if not mask.any():
        raise InvalidRequest(f"Finding {region.letter} is not painted. Paint what should go.")
    return Finding(text="", mask=mask)

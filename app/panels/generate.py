"""Generate: a new radiograph from the drawing, from a report, from both, or from nothing."""

from dataclasses import dataclass, replace

import gradio as gr

from app.canvas.drawing import Drawing, FindingRegion
from app.panels import shape
from engine.api import AnatomyWay, Finding, GenerateRequest, Sampling
from engine.errors import InvalidRequest

READ = """
<div role="group" aria-label="Read from the report" id="statements" hidden>
 <h3>Read from the report</h3><div class="read" role="list"></div></div>
<p class="lead" id="report-words"></p>
"""


@dataclass(frozen=True)
class GeneratePanel:
    report: gr.Textbox
    shape: shape.ShapePanel


def build() -> GeneratePanel:
    with gr.Column(elem_classes="for-generate verb-body"):
        anatomy = shape.build()
        report = gr.Textbox(
            label="Report",
            lines=4,
            max_lines=12,
            max_length=10_000,
            placeholder="e.g. Moderate left pleural effusion. No pneumothorax.",
            elem_id="report",
        )
        gr.HTML(html_template=READ, elem_id="reads")
    return GeneratePanel(report, anatomy)


def read(
    drawing: Drawing | None, report: str, sampling: Sampling, way: AnatomyWay = "auto"
) -> GenerateRequest:
    """The drawing and the report as a request; an empty drawing leaves the organs to the model."""
    if drawing is None:
        return GenerateRequest(report=report, sampling=sampling, anatomy_way=way)
    return GenerateRequest(
        report=report,
        organs=drawing.organs(),
        findings=tuple(finding(drawing, region) for region in drawing.findings),
        sampling=sampling,
        anatomy_way=way,
    )


def so_far(drawing: Drawing | None) -> Drawing | None:
    """The drawing as it can be read while one draws: what is not painted yet is left out, and what
    has no words yet gets some."""
    if drawing is None:
        return None
    painted = drawing.painted_findings()
    named = tuple(f if f.words.strip() else replace(f, words="not named yet") for f in painted)
    return replace(drawing, findings=named)


def finding(drawing: Drawing, region: FindingRegion) -> Finding:
    """A painted and named region; what is missing of the two is said by its letter."""
    mask = drawing.finding_mask(region.bit)
    if not mask.any():
        raise InvalidRequest(
            f"Finding {region.letter} is not painted. Paint its region, or delete it."
        )
    if not region.words.strip():
        raise InvalidRequest(f"Finding {region.letter} has no words. Say what it is, or delete it.")
    return Finding(text=region.words.strip(), mask=mask, strength=region.strength)

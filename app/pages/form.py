"""The request panel as a whole: its values, and the request they make with the drawing."""

import math
from collections.abc import Collection
from dataclasses import MISSING, Field, dataclass, fields, replace
from typing import Any

import numpy as np

from app.canvas.drawing import Drawing
from app.document.session import Session, State
from app.panels import details, erase, generate, insert, outpaint, run, upscale, zone
from engine.api import Request, Sampling, Verb
from engine.errors import InvalidRequest

VERBS: dict[str, Verb] = {
    "Generate": "generate",
    "Insert": "insert",
    "Erase": "erase",
    "Outpaint": "outpaint",
    "Upscale": "upscale",
}


LONGEST_NAME = 200  # letters; all the words of 24 findings are no name


@dataclass(frozen=True)
class Form:
    """The values of the request panel, in the order in which the page sends them."""

    verb: str
    report: str
    change: str
    keep: str
    top: float | None
    right: float | None
    left: float | None
    bottom: float | None
    quality: str
    seed: float | None
    keep_seed: bool
    steps: float | None
    guidance: float | None
    variations: str
    sampler: str = "Model's own"
    method: str = "Map"
    exact: bool = False
    insert_grow: float | None = 0
    insert_feather: float | None = zone.INSERT_FEATHER
    insert_context: float | None = 0
    erase_grow: float | None = 0
    erase_feather: float | None = 0
    erase_context: float | None = 0

    @property
    def what(self) -> Verb:
        return VERBS[self.verb]


# What a page begins with.
BEGINNING = Form(
    verb="Generate", report="", change="Insert", keep=outpaint.WHOLE, top=0, right=0, left=0,
    bottom=0, quality="Standard", seed=0, keep_seed=False, steps=0, guidance=0, variations="x 1",
)  # fmt: skip


def form_of(values: Any) -> Form | None:
    """The values of a panel as a document keeps them; None where the panel was another one."""
    names = {field.name for field in fields(Form)}
    needed = {field.name for field in fields(Form) if field.default is MISSING}
    if not isinstance(values, dict) or not needed <= set(values) <= names:
        return None
    if not all(_fits(values[field.name], field) for field in fields(Form) if field.name in values):
        return None
    return Form(**values)


def kept_panel(session: Session) -> Form | None:
    """The values of the panel, of this program or of the one before it, if there are any."""
    return session.form if isinstance(session.form, Form) else form_of(session.form)


def panel_of(session: Session) -> Form:
    """The same, or those of a new page."""
    return kept_panel(session) or replace(BEGINNING, quality=session.offered)


CHOICES: dict[str, Collection[str]] = {
    "verb": VERBS,
    "change": insert.CHANGES,
    "keep": outpaint.KEEPS,
    "quality": details.NAMES,
    "variations": run.VARIATIONS,
    "sampler": details.SAMPLERS,
    "method": details.WAYS,
}


def _fits(value: Any, field: Field) -> bool:
    """Whether a control of the panel can hold the value; Gradio refuses others with the page."""
    if field.name in CHOICES:
        return isinstance(value, str) and value in CHOICES[field.name]
    if field.type is bool or field.type is str:
        return type(value) is field.type
    return value is None or (type(value) in (int, float) and math.isfinite(value))


def read(
    form: Form,
    drawing: Drawing | None,
    picture: State | None,
    asked: insert.Asked,
    sampling: Sampling,
) -> Request:
    """The request that the form and the drawing make, for the verb that is chosen."""
    match form.verb:
        case "Generate":
            return generate.read(drawing, form.report, sampling, details.ways(form.method))
        case "Insert":
            return insert.read(drawing, picture, asked, sampling, zone_of(form, "insert"))
        case "Erase":
            return erase.read(drawing, picture, sampling, zone_of(form, "erase"))
        case "Outpaint":
            margins = (form.top, form.right, form.left, form.bottom)
            return outpaint.read(drawing, picture, form.keep, margins, sampling)
        case "Upscale":
            return upscale.read(picture, sampling)
    raise InvalidRequest("Choose what to do first.")


def zone_of(form: Form, verb: str) -> dict[str, Any]:
    """Grow, feather and context of Insert or of Erase; the authors' way knows none."""
    if form.exact:
        return {}
    if verb == "insert":
        return zone.read(form.insert_grow, form.insert_feather, form.insert_context)
    return zone.read(form.erase_grow, form.erase_feather, form.erase_context)


def state_name(verb: str, request: Request, change: str) -> str:
    """A short name for the history, :data:`LONGEST_NAME` letters at most."""
    texts = [finding.text for finding in getattr(request, "findings", ()) if finding.text]
    match verb:
        case "insert" if change == "Remove":
            return "Removed"
        case "insert" | "generate" if texts:
            named = ", ".join(dict.fromkeys(texts)).capitalize()
            return named if len(named) <= LONGEST_NAME else named[: LONGEST_NAME - 3] + "..."
    named = {"generate": "Generated", "erase": "Erased", "outpaint": "Completed"}
    return named.get(verb, "Upscaled")


def after(verb: str, drawing: Drawing | None, form: Form) -> Drawing | None:
    """The drawing as it lies on the result: outpainting widens it."""
    if drawing is None or verb != "outpaint" or form.keep != outpaint.WHOLE:
        return drawing
    pads = [outpaint.pixels(m) for m in (form.top, form.bottom, form.right, form.left)]
    return replace(drawing, bits=np.pad(drawing.bits, (tuple(pads[:2]), tuple(pads[2:]))))

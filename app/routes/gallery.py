"""What a person can begin with: templates, examples; and what the help card says."""

import re
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from starlette.datastructures import QueryParams

from app import examples, messages
from app.document import pictures
from app.models.limits import about
from app.models.templates import Template
from app.pages.desk import Desk
from app.panels import shape
from engine.errors import InvalidRequest
from engine.shapes import ChestShape

THUMB_SIDE, LARGEST_SIDE = 240, 512  # px


def add_gallery_routes(app: FastAPI, desk: Desk) -> None:
    @app.get("/api/about")
    def help_card() -> dict[str, object]:
        return about()

    @app.get("/api/examples")
    def offered() -> list[dict[str, Any]]:
        return examples.described()

    @app.get("/api/examples/{name}.png")
    def example(name: str) -> Response:
        data = examples.thumbnail(name)
        if data is None:
            raise HTTPException(404, "There is no such example.")
        return Response(data, media_type="image/png")

    @app.get("/api/templates")
    def names() -> dict[str, Any]:
        return {
            "templates": [{"title": t.title, "ratio": round(t.ratio, 2)} for t in desk.templates()],
            "sliders": [slider(name) for name in shape.SLIDERS],
        }

    @app.get("/api/templates/{index}.png")
    def template(index: int, request: Request) -> Response:
        known = desk.templates()
        if not 0 <= index < len(known):
            raise HTTPException(404, "There is no such template.")
        try:
            data = picture(known[index], request.query_params)
        except Exception as error:
            return Response(messages.sentence(error), 400, media_type="text/plain; charset=utf-8")
        return Response(data, media_type="image/png")


def slider(name: str) -> dict[str, Any]:
    """A slider of the gallery: the same ranges, steps and words as in the request panel."""
    label, about_it = shape.SLIDERS[name]
    low, high, step = shape.range_of(name)
    return {"name": name, "label": label, "about": about_it, "low": low, "high": high, "step": step}


def picture(template: Template, told: QueryParams) -> bytes:
    """The template as PNG, with the sliders of the address where it names them.

    Raises InvalidRequest for values that no slider has, or that make no chest together.
    """
    asked = told.get("side", "")
    side = int(asked) if re.fullmatch(r"\d{1,6}", asked) else THUMB_SIDE
    values = {name: number(told[name]) for name in shape.SLIDERS if name in told}
    settings = ChestShape(template.name, **values) if values else None
    side = max(16, min(side, LARGEST_SIDE))
    return pictures.organs(template.organs(side, side, settings))


def number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidRequest(f"A slider holds a number; '{text[:20]}' is none.") from None

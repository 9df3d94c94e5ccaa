"""What a person may copy of a run that failed, to send it to someone who can help.

Versions, settings and sizes; no picture, no drawing, no file name, nothing of who was looked at
but the words that were asked for.
"""

import json
import platform
from typing import Any

from app.runs.job import JobView
from app.runs.loading import Engine
from engine.api import Request
from engine.provenance import recipe_of
from engine.version import VERSION


def details(view: JobView, request: Request | None, engine: Engine | None) -> str:
    """JSON to read and to copy."""
    told: dict[str, Any] = {
        "what": view.sentence,
        "verb": view.verb,
        "step": f"{view.stage} {view.done} of {view.total}".strip() if view.total else "",
        "software": f"XReal Studio {VERSION}",
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    if engine is not None:
        told["models"] = engine.name
        told["device"] = str(engine.device)
        told["precision"] = engine.precision
    if request is not None:
        recipe = recipe_of(request, "", {})
        told["request"] = recipe["parameters"]
        told["sizes"] = {
            name: f"{size['width']} x {size['height']}" for name, size in recipe["inputs"].items()
        }
    if view.memory is not None:
        device, needed, free = view.memory
        told["memory"] = {"device": device, "needed_gib": needed or None, "free_gib": free}
    return json.dumps(told, indent=1)

"""The Models page: what is loaded, what each set can obey, the files, import and removal.

A page of its own without Gradio: one HTML file, and the routes that its script asks.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from app import messages
from app.models.filing import Set
from app.models.limits import limits
from app.models.sets import Models
from app.runs.loading import Engine, Loading
from engine.api import AORTA, HEART, LEFT_LUNG, ORGAN_NAMES, RIGHT_LUNG
from engine.errors import InvalidRequest
from engine.listing import ModelFile, Obeys, obeys

HTML = Path(__file__).parent.parent / "static" / "models.html"
LISTED = "Only words of its list are obeyed."
VERBS_SAID = {
    "insert": "put a finding in place",
    "erase": "erase",
    "outpaint": "complete the field of view",
    "upscale": "enlarge to 1024 px",
}


class Chosen(BaseModel):
    set: str


class Named(BaseModel):
    name: str


class Located(BaseModel):
    path: str
    role: str | None = None


def add_routes(
    app: FastAPI, owner: Callable[[Request], str], models: Models, loading: Loading
) -> None:
    @app.get("/models")
    def page() -> HTMLResponse:
        return HTMLResponse(HTML.read_text("utf-8"))

    @app.get("/api/models")
    def status(request: Request) -> dict[str, Any]:
        owner(request)
        found = view(models, loading)
        if getattr(request.state, "user", None) is not None:
            found |= {"fixed": True, "folder": "", "inbox": "", "waiting": [], "task": None}
        return found

    def act(request: Request, action: Callable[[], None]) -> Response:
        owner(request)
        try:
            action()
        except Exception as error:
            raise HTTPException(400, messages.sentence(error)) from error
        return Response(status_code=204)

    @app.post("/api/models/use", status_code=204)
    def use(request: Request, chosen: Chosen) -> Response:
        return act(request, lambda: models.use(known_set(models, chosen.set)))

    @app.post("/api/models/verify", status_code=204)
    def verify(request: Request) -> Response:
        return act(request, models.verify)

    @app.post("/api/models/import", status_code=204)
    def bring_in(request: Request, located: Located) -> Response:
        return act(request, lambda: models.bring_in(located.path, located.role))

    @app.post("/api/models/stop", status_code=204)
    def stop(request: Request) -> Response:
        return act(request, models.stop)

    @app.post("/api/models/remove", status_code=204)
    def remove(request: Request, named: Named) -> Response:
        return act(request, lambda: models.remove(named.name))


def known_set(models: Models, name: str) -> str:
    """``name`` if it is a set of this program."""
    if name not in models.names:
        raise InvalidRequest("There is no such model set. Reload the page.")
    return name


def view(models: Models, loading: Loading) -> dict[str, Any]:
    """Everything that the page shows, in its words."""
    # In this order: what has ended here is seen at its end below.
    task = None if models.task is None else models.task.view()
    state, engine = loading.state, loading.engine
    listing = models.listing()
    files = listing.files
    held = {} if engine is None else engine.in_memory()
    imported = sum(f.size for f in files if f.imported)
    sets = [described(name, known, models, engine, files) for name, known in listing.sets.items()]
    return {
        "state": state,
        "waits_for_run": loading.waits_for_run,
        "name": "No models" if engine is None else engine.name,
        "device": "" if engine is None else device_said(engine),
        "in_use": models.in_use,
        "chosen": models.chosen,
        "fault": models.fault or loading.failure or "",
        "folder": str(models.folder),
        "folder_size": size_said(imported) if imported else "nothing imported",
        "inbox": str(models.inbox),
        "waiting": [{**f, "size": size_said(f["size"])} for f in models.waiting()],
        "fixed": False,  # True where there are users: the administrator looks after the models
        "alone": not any(f.imported for f in files),
        "sets": sets,
        "files": [file_said(f, held, sets) for f in files],
        "missing": [
            {"title": title, "set": one["title"]}
            for one in sets
            if one["usable"]
            for title in one["missing"]
        ],
        "memory": memory_said(engine, held),
        "task": task,
    }


def described(
    name: str, known: Set, models: Models, engine: Engine | None, files: Sequence[ModelFile]
) -> dict[str, Any]:
    """A set as its card and its row of the table show it."""
    ours = [f for f in files if f.family == name or (name == "folder" and f.imported)]
    found: dict[str, Any] = {"id": name, "missing": list(known.missing), "files": len(ours)}
    found["size"] = size_said(sum(f.size for f in ours))
    if name == "embedded":
        found |= {
            "title": "Embedded",
            "about": "256 px, upscaler to 1024 px. Ships with the program",
        }
        found |= {"paper": "Trained by this program", "licence": ours[0].licence if ours else ""}
    elif name == "folder":
        found |= {"title": f"All in '{models.folder.name}'", "paper": str(models.folder)}
        found |= {"about": "Each verb by the first model that can do it", "licence": ""}
    else:
        found |= {"title": known.title, "about": known.about, "paper": known.paper}
        found |= {"licence": known.licence, "wants": known.wants}
    in_use = models.in_use == name and models.chosen is None
    asked = obeys(engine) if in_use and engine is not None else known.obeys
    found["usable"] = asked is not None
    found["why"] = "" if asked is not None else known.why
    found["row"] = None if asked is None else row(asked)
    return found


def row(obeys: Obeys) -> list[dict[str, Any]]:
    """The cells of a set in "What each can obey": a tick, a dash or words, and the reason."""
    organs, verbs = set(obeys.organs), obeys.verbs

    def cell(yes: bool, words: str = "", why: str = "") -> dict[str, Any]:
        return {"yes": yes, "words": words if yes else "", "why": why}

    def drawn(*labels: int) -> dict[str, Any]:
        names = " and ".join(ORGAN_NAMES[label] for label in labels)
        yes = organs.issuperset(labels)
        return cell(
            yes,
            why=""
            if yes
            else f"Can be painted, but what is drawn does not follow a painted {names}.",
        )

    read = [
        word
        for word, known in (("side", obeys.sides), ("zone", obeys.zones), ("view", obeys.views))
        if known
    ]
    findings = "free words" if obeys.free_text else f"{len(obeys.findings)} findings"
    words = "yes" if obeys.free_text else ", ".join(read)
    return [
        drawn(LEFT_LUNG, RIGHT_LUNG),
        drawn(HEART),
        drawn(AORTA),
        cell(verbs["insert"] is None, findings, verbs["insert"] or ", ".join(obeys.findings)),
        cell(obeys.free_text or bool(read), words, "" if obeys.free_text else LISTED),
        cell(verbs["erase"] is None, why=verbs["erase"] or ""),
        cell(verbs["outpaint"] is None, why=verbs["outpaint"] or ""),
        cell(verbs["upscale"] is None, "1024 px", verbs["upscale"] or ""),
    ]  # fmt: skip


def file_said(file: ModelFile, held: dict[str, int], sets: list[dict[str, Any]]) -> dict[str, Any]:
    """A row of the table of files, and what the side shows when it is chosen."""
    titles = {one["id"]: one["title"] for one in sets}
    shipped = not file.imported
    facts = [
        ("Trained on", file.trained_on),
        ("Steps", file.steps),
        ("Licence", file.notice or file.licence),
        ("Source", file.source),
        *((figure_said(name), f"{value:g}") for name, value in shown_figures(file)),
    ]
    return {
        "name": file.name,
        "title": f"{titles.get(file.family, file.family)}, {file.recognised_as}",
        "set": file.family,
        "draws": file.draws,
        "recognised_as": file.recognised_as,
        "size": size_said(file.size),
        "in_memory": memory_of_file(file, held),
        "licence": file.licence,
        "sha256": file.sha256,
        "removable": not shipped,
        "facts": [{"name": name, "value": value} for name, value in facts if value],
        "knows": knows_said(file),
        "cannot": cannot_said(file),
    }


def memory_of_file(file: Any, held: dict[str, int]) -> str:
    """How much of a model is loaded, or when it will be."""
    if file.sha256 in held:
        return size_said(held[file.sha256])
    return {"shapes": "yes", "judge": "never"}.get(file.role, "when needed")


def shown_figures(file: Any) -> list[tuple[str, float]]:
    """Of the figures of a model those that a radiologist asks for first."""
    wanted = ("obedience: left lung", "obedience: heart", "size tracks: r", "no copies: detail")
    return [(name, file.figures[name]) for name in wanted if name in file.figures]


def figure_said(name: str) -> str:
    words = {
        "obedience: left lung": "Left lung, Dice",
        "obedience: heart": "Heart, Dice",
        "size tracks: r": "Heart size, r",
        "no copies: detail": "Copies, ratio",
    }
    return words[name]


def knows_said(file: Any) -> str:
    known = [word for word in file.knows.findings if word != "no finding"]
    if not known:
        return ""
    listed = ", ".join(word.lower() for word in known)
    return f"free words; the picker offers {listed}" if file.knows.free_text else listed


def cannot_said(file: Any) -> list[str]:
    """From the model card, or from what a published model declares."""
    if not file.draws:
        return []
    if not file.imported:
        return list(limits())
    verbs = [said for verb, said in VERBS_SAID.items() if verb not in file.knows.verbs]
    organs = [name for label, name in ORGAN_NAMES.items() if label not in file.knows.organs]
    said = [f"By itself it does not {verb}." for verb in verbs]
    if organs:
        said.append(f"A painted {', '.join(organs)} is not obeyed.")
    return ["It draws at 256 px.", *said]


def device_said(engine: Engine) -> str:
    return "Graphics card" if "cuda" in str(engine.device) else "Processor"


def memory_said(engine: Engine | None, held: dict[str, int]) -> dict[str, Any]:
    """How full the memory is that the networks lie in."""
    if engine is None:
        return {"fraction": 0.0, "text": "Nothing is loaded."}
    used, total = engine.memory()
    networks = f"{size_said(sum(held.values()))} in networks"
    if not total:
        return {"fraction": 0.0, "text": f"{networks}."}
    where = "graphics memory" if "cuda" in str(engine.device) else "main memory, no graphics card"
    return {
        "fraction": used / total,
        "text": f"{networks}; {size_said(used)} of {size_said(total)} {where} in use.",
    }


def size_said(size: int) -> str:
    """Bytes in MB or GB, as files are talked of."""
    if size < 1e5:
        return f"{size / 1e3:.0f} kB"
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"

"""The FastAPI application: the guard around everything, the routes of the page, Gradio inside.

Documents, jobs and files belong to the user who is logged in; where there are no users, to the
browser by its cookie. ``app.access`` settles who that is before anything here is asked.
"""

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.types import ASGIApp

from app import messages
from app.access.door import Door
from app.access.guard import Guard
from app.document import pictures
from app.document.measuring import measured
from app.document.session import Sessions, State
from app.pages import models
from app.pages.desk import Desk, owner_of
from app.routes.documents import add_document_routes
from app.routes.gallery import add_gallery_routes
from app.routes.leaving import add_leaving_routes
from app.routes.login import add_login_routes
from app.routes.panels import add_panel_routes
from app.routes.patient import add_patient_route
from app.routes.reading import add_reading_routes
from app.routes.studies import Studies, add_study_routes
from app.routes.study_pictures import add_study_picture_routes
from app.routes.study_reports import add_study_report_routes
from app.runs import faults
from app.runs.job import BADLY
from app.runs.jobs import Jobs
from app.runs.loading import Engine
from app.studies.intake import Intake
from app.studies.reading import ReadingRoom
from app.studies.shelf import Shelf
from engine.errors import EngineError

STATIC = Path(__file__).parent / "static"


def build(desk: Desk, mount: Callable[[FastAPI], FastAPI]) -> ASGIApp:
    """All of it; ``mount`` adds the Gradio page at ``/``."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    door = Door(desk.settings)

    def owner(request: Request) -> str:
        found = owner_of(request)
        if found is None:
            raise HTTPException(403, "Reload the page.")
        return found

    add_job_routes(app, owner, desk.jobs, lambda: desk.loading.engine)
    add_picture_routes(app, owner, desk.sessions)
    add_desk_routes(app, owner, desk)
    add_panel_routes(app, owner, desk)
    add_patient_route(app, owner, desk)
    add_gallery_routes(app, desk)
    models.add_routes(app, owner, desk.models, desk.loading)
    add_document_routes(app, owner, desk)
    add_leaving_routes(app, owner, desk)
    shelf = Shelf(desk.settings.studies)
    add_reading_routes(app, ReadingRoom(shelf), desk.settings.port)
    add_investigator_routes(app, owner, desk, shelf)
    add_login_routes(app, door)
    app.mount("/page", StaticFiles(directory=STATIC))
    return Guard(mount(app), desk.settings, door)


def add_investigator_routes(
    app: FastAPI, owner: Callable[[Request], str], desk: Desk, shelf: Shelf
) -> None:
    """Reader studies, the investigator's side. A study belongs to the user who is logged in; a
    program without users has one shelf for everyone at this computer."""

    def who(request: Request) -> str:
        owner(request)
        user = request.state.user
        return "" if user is None else user.owner

    def name(request: Request) -> str:
        user = request.state.user
        return "investigator" if user is None else user.name

    studies = Studies(shelf, who, name)
    intake = Intake(desk.settings.temp / "studies", messages.sentence)
    add_study_routes(app, studies)
    add_study_picture_routes(app, studies, intake, lambda asked: desk.sessions.of(owner(asked)))
    add_study_report_routes(app, studies)


def add_desk_routes(app: FastAPI, owner: Callable[[Request], str], desk: Desk) -> None:
    @app.get("/api/desk")
    def status(request: Request) -> dict[str, Any]:
        id = owner(request)
        return {**desk.status(desk.sessions.of(id)), "owner": owner_tag(id)}

    @app.get("/api/states/{number}/measures")
    def measures(number: int, request: Request) -> Response:
        found = measured(desk.jobs, desk.sessions.of(owner(request)), number)
        return Response(status_code=204) if found is None else JSONResponse(found)


def add_job_routes(
    app: FastAPI,
    owner: Callable[[Request], str],
    jobs: Jobs,
    engine: Callable[[], Engine | None],
) -> None:
    @app.get("/api/jobs/{id}")
    def job(id: str, request: Request) -> dict[str, Any]:
        view = asdict(jobs.view(id, owner(request)))
        version = view["preview_version"]
        running = view["state"] == "running"
        view["preview"] = f"/api/jobs/{id}/preview.png?v={version}" if version and running else None
        return view

    @app.post("/api/jobs/{id}/stop", status_code=204)
    def stop(id: str, request: Request) -> Response:
        try:
            jobs.stop(id, owner(request))
        except EngineError as error:
            raise HTTPException(400, str(error)) from error
        return Response(status_code=204)

    @app.get("/api/jobs/{id}/details")
    def details(id: str, request: Request) -> Response:
        who = owner(request)
        view = jobs.view(id, who)
        if view.state not in BADLY:
            raise HTTPException(404, "There are no details.")
        text = faults.details(view, jobs.failed_request(id, who), engine())
        return Response(text, media_type="application/json")

    @app.get("/api/jobs/{id}/preview.png")
    def preview(id: str, request: Request) -> Response:
        found = jobs.preview(id, owner(request))
        if found is None:
            raise HTTPException(404, "There is no preview.")
        return png(pictures.shown(found))


def add_picture_routes(app: FastAPI, owner: Callable[[Request], str], sessions: Sessions) -> None:
    def find(request: Request, number: int) -> State:
        state = sessions.of(owner(request)).state(number)
        if state is None:
            raise HTTPException(404, "There is no such state.")
        return state

    @app.get("/api/states/{number}.png")
    def picture(number: int, request: Request, side: int = 0) -> Response:
        state = find(request, number)
        return png(pictures.shown(state.image, side if 16 <= side <= 512 else None))

    @app.get("/api/drawings/{key}")
    def drawing(key: str, request: Request) -> Response:
        data = sessions.of(owner(request)).labels(key)
        if data is None:
            raise HTTPException(404, "There is no such drawing.")
        return Response(data, media_type="application/json")


def owner_tag(id: str) -> str:
    """What the page knows its person by, to tell apart what it keeps in a shared browser."""
    return hashlib.sha256(f"kept by {id}".encode()).hexdigest()[:16]


def png(data: bytes) -> Response:
    return Response(data, media_type="image/png")

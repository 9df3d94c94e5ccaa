"""Pictures of a study by HTTP: a folder from the browser, states of the history, checks."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from app.document.edits import edited_in
from app.document.session import Session
from app.pages import studies as page
from app.routes.studies import Studies, answered
from app.studies.errors import StudyError
from app.studies.intake import Intake, treatment_of
from app.studies.model import Case
from app.studies.pictures import Picture, Treatment, from_pixels, read_folder
from app.studies.store import Store

LARGEST_FILE = 60_000_000  # bytes of one picture


class Treated(BaseModel):
    side: int = 512
    crop: float = 0.0


class Folder(Treated):
    table: str = Field(default="cases.csv", max_length=200)


class FromHistory(Treated):
    states: list[int] = Field(min_length=1, max_length=500)
    source: str = Field(max_length=64)
    finding: str = Field(default="none", max_length=100)
    role: str = "main"
    masks: bool = True  # keep where findings were put in or something was erased


class Chosen(BaseModel):
    version: int
    cases: list[str] = Field(default_factory=list, max_length=10_000)
    role: str = ""


def add_study_picture_routes(
    app: FastAPI, studies: Studies, intake: Intake, session_of: Callable[[Request], Session]
) -> None:
    """Folders, history, checks and what is kept of them."""
    add_folder_routes(app, studies, intake)
    add_history_routes(app, studies, intake, session_of)
    add_kept_routes(app, studies, intake)


def add_folder_routes(app: FastAPI, studies: Studies, intake: Intake) -> None:
    of = studies.of

    @app.get("/api/studies/{study_id}/task")
    def task(request: Request, study_id: str) -> Any:
        store = of(request, study_id)
        return {"task": intake.task(store.folder.name)}

    @app.post("/api/studies/{study_id}/files")
    async def arrive(request: Request, study_id: str) -> Any:
        """One file of a folder; its name within the folder is in ``X-Name``."""
        store = of(request, study_id)
        name = unquote(request.headers.get("x-name", ""))
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST_FILE:
                raise HTTPException(413, f"'{name[-80:]}' is larger than 60 MB.")

        def work() -> dict[str, Any]:
            in_draft(store)
            intake.place(store.folder.name, name).write_bytes(body)
            return {}

        return await run_in_threadpool(answered, work)

    @app.post("/api/studies/{study_id}/files/forget")
    def forget(request: Request, study_id: str) -> Any:
        store = of(request, study_id)
        intake.forget(store.folder.name)
        return {}

    @app.post("/api/studies/{study_id}/pictures/folder")
    def folder(request: Request, study_id: str, asked: Folder) -> Any:
        store = of(request, study_id)

        def work() -> dict[str, Any]:
            place = intake.arriving(store.folder.name)
            path = (place / asked.table).resolve()
            if not path.is_relative_to(place.resolve()):
                raise StudyError("The table must lie in the folder.")
            intake.add(store, lambda: read_folder(path.parent, path.name), treatment(store, asked))
            return {"task": intake.task(store.folder.name)}

        return answered(work)


def add_history_routes(
    app: FastAPI, studies: Studies, intake: Intake, session_of: Callable[[Request], Session]
) -> None:
    of = studies.of

    @app.get("/api/studies/{study_id}/history")
    def history(request: Request, study_id: str) -> Any:
        """The states of the editor's open document, to choose from."""
        of(request, study_id)
        session = session_of(request)
        return {
            "states": [
                {"number": s.number, "title": s.title, "origin": s.origin, "kind": s.kind,
                 "width": s.image.shape[1], "height": s.image.shape[0]}
                for s in list(session.states.values())
            ]
        }  # fmt: skip

    @app.post("/api/studies/{study_id}/pictures/history")
    def from_history(request: Request, study_id: str, asked: FromHistory) -> Any:
        store = of(request, study_id)
        session = session_of(request)

        def work() -> dict[str, Any]:
            found = chosen_states(session, asked)
            intake.add(store, lambda: found, treatment(store, asked))
            return {"task": intake.task(store.folder.name)}

        return answered(work)


def add_kept_routes(app: FastAPI, studies: Studies, intake: Intake) -> None:
    of = studies.of

    @app.post("/api/studies/{study_id}/pictures/check")
    def check(request: Request, study_id: str) -> Any:
        store = of(request, study_id)

        def work() -> dict[str, Any]:
            intake.check(store)
            return {"task": intake.task(store.folder.name)}

        return answered(work)

    @app.post("/api/studies/{study_id}/pictures/equalise")
    def equalise(request: Request, study_id: str) -> Any:
        """Cut the widest border of one tone off all pictures alike."""
        store = of(request, study_id)

        def work() -> dict[str, Any]:
            intake.equalise(store)
            return {"task": intake.task(store.folder.name)}

        return answered(work)

    @app.post("/api/studies/{study_id}/pictures/remove")
    def remove(request: Request, study_id: str, asked: Chosen) -> Any:
        store = of(request, study_id)

        def work() -> dict[str, Any]:
            study = store.study()
            out = set(asked.cases)
            kept = tuple(case for case in study.cases if case.case_id not in out)
            store.save_draft(replace(study, cases=kept), asked.version)
            return page.overview(store)

        return answered(work)

    @app.post("/api/studies/{study_id}/pictures/role")
    def role(request: Request, study_id: str, asked: Chosen) -> Any:
        store = of(request, study_id)

        def work() -> dict[str, Any]:
            study = store.study()
            cases = tuple(
                replace(case, role=asked.role) if case.case_id in asked.cases else case
                for case in study.cases
            )
            store.save_draft(replace(study, cases=cases), asked.version)
            return page.overview(store)

        return answered(work)

    @app.get("/api/studies/{study_id}/pictures/{sha256}.png")
    def picture(request: Request, study_id: str, sha256: str) -> Response:
        """For the investigator only; readers are given pictures by their own names."""
        store = of(request, study_id)
        if sha256 not in {case.sha256 for case in store.study().cases if case.sha256}:
            raise HTTPException(404, "There is no such picture.")
        path = store.folder / "pictures" / f"{sha256}.png"
        if not path.is_file():
            raise HTTPException(404, "This picture is gone from the disk. Add it again.")
        return FileResponse(path, media_type="image/png")


def in_draft(store: Store) -> None:
    if store.phase != "draft":
        raise StudyError("The study is frozen; its pictures cannot change.")


def treatment(store: Store, asked: Treated) -> Treatment:
    """The one treatment of all pictures of a study: the first addition decides it."""
    in_draft(store)
    wanted = Treatment(side=asked.side, crop=asked.crop)
    now = treatment_of(store)
    if now is not None and (now.side, now.crop) != (wanted.side, wanted.crop):
        raise StudyError(
            f"The pictures of this study are {now.side} px with {100 * now.crop:g} % cut off at "
            "every edge, and all must be made alike. Choose the same, or take the others out first."
        )
    return now or wanted


def chosen_states(session: Session, asked: FromHistory) -> list[Picture]:
    """States of the history as cases; those that came of one picture share its scene."""
    found = []
    doc = re.sub(r"[^0-9A-Za-z]", "", session.doc)[:6]
    for number in asked.states:
        state = session.state(number)
        if state is None:
            raise StudyError("A state is not in the history any more. Choose again.")
        root = state
        while root.parent is not None and (above := session.state(root.parent)) is not None:
            root = above
        synthetic = state.origin != "real"
        case = Case(
            f"{asked.source}-{doc}-{number}",
            asked.source,
            synthetic,
            asked.finding.strip() or "none",
            scene=f"{doc}-{root.number}",
            role=asked.role,
            origin={"history": state.title, "seed": state.seed},
        )
        edited = edited_in(session, state) if asked.masks else None
        found.append(from_pixels(case, state.image, edited))
    return found

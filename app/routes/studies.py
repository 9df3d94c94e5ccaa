"""The investigator's pages by HTTP: every press is one request, every refusal a sentence.

A study belongs to the user who made it; to every other one it is not there. What the core forbids
(changes after the freeze, steps back, truth before the end) is forbidden here by the core.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from pydantic import BaseModel, Field

from app import messages
from app.pages import studies as page
from app.studies import protocols
from app.studies.documents import from_document
from app.studies.errors import StudyError
from app.studies.model import Protocol, Reader, Study
from app.studies.power import Spread, power_of, told
from app.studies.replay import verify
from app.studies.shelf import Shelf
from app.studies.store import OTHER_TAB, Store

Who = Callable[[Request], str]
SETTABLE = ("title", "shown_title", "seed", "ethics", "selection")
LONGEST = 200_000  # characters of a protocol


class Begun(BaseModel):
    title: str = Field(max_length=200)
    protocol: str = Field(max_length=64)


class Changed(BaseModel):
    version: int
    change: dict[str, Any]


class Named(BaseModel):
    name: str = Field(max_length=300)


class Reasoned(BaseModel):
    reason: str = Field(max_length=4000)
    change: str = Field(default="", max_length=4000)
    reader: str = Field(default="", max_length=8)


class Cards(BaseModel):
    readers: list[str] = Field(default_factory=list, max_length=999)


class Looked(BaseModel):
    trials: int = Field(ge=1, le=100_000)


@dataclass(frozen=True)
class Studies:
    """What the routes need: the shelf, who asks (empty where there are no users), and the name
    under which what they do is recorded."""

    shelf: Shelf
    who: Who
    name: Who

    def of(self, request: Request, study_id: str) -> Store:
        """The study, if it is there for who asks."""
        try:
            return self.shelf.of_user(study_id, self.who(request))
        except StudyError as error:
            raise HTTPException(404, str(error)) from error


def answered(work: Callable[[], Any]) -> Any:
    """What ``work`` gives; a refusal is a sentence, with the line of a file where there is one."""
    try:
        return work()
    except HTTPException:
        raise
    except StudyError as error:
        status = 409 if str(error) == OTHER_TAB else 400
        return JSONResponse({"detail": str(error), "line": error.line}, status)
    except Exception as error:
        return JSONResponse({"detail": messages.sentence(error), "line": 0}, 400)


def add_study_routes(app: FastAPI, studies: Studies) -> None:
    """The page, the list, drafts, phases and the monitor."""
    shelf, who = studies.shelf, studies.who

    @app.get("/studies")
    def html() -> HTMLResponse:
        return HTMLResponse(page.HTML.read_text("utf-8"))

    @app.get("/api/studies")
    def listed(request: Request) -> Any:
        user = who(request)
        return answered(lambda: {
            "user": studies.name(request) if user else "",
            "folder": str(shelf.folder) if not user else "",
            "studies": [vars(one) for one in shelf.list_of(user)],
            "protocols": [
                {"name": name, "title": protocols.shipped(name).title,
                 "instructions": protocols.shipped(name).instructions}
                for name in protocols.names()
            ],
        })  # fmt: skip

    @app.post("/api/studies")
    def begin(request: Request, asked: Begun) -> Any:
        def work() -> dict[str, Any]:
            protocol = protocols.shipped(asked.protocol)
            people = tuple(Reader(f"R{n:02d}") for n in range(1, 6))
            title = asked.title.strip() or protocol.title
            study = Study("new", title, page.new_seed(), protocol, (), people)
            return page.overview(shelf.begin(study, who(request)))

        return answered(work)

    add_draft_routes(app, studies)
    add_planning_routes(app, studies)
    add_code_routes(app, studies)
    add_phase_routes(app, studies)
    add_run_routes(app, studies)


def add_draft_routes(app: FastAPI, studies: Studies) -> None:
    shelf, who, of = studies.shelf, studies.who, studies.of

    @app.get("/api/studies/{study_id}")
    def view(request: Request, study_id: str) -> Any:
        store = of(request, study_id)
        return answered(lambda: page.overview(store))

    @app.post("/api/studies/{study_id}/draft")
    def change(request: Request, study_id: str, asked: Changed) -> Any:
        store = of(request, study_id)

        def work() -> dict[str, Any]:
            store.save_draft(changed(store.study(), asked.change), asked.version)
            return page.overview(store)

        return answered(work)

    @app.post("/api/studies/{study_id}/copy")
    def copy(request: Request, study_id: str, asked: Named) -> Any:
        """A new draft with protocol, readers and words of this one, without its pictures."""
        store = of(request, study_id)

        def work() -> dict[str, Any]:
            study = store.study()
            title = asked.name.strip() or f"{study.title}, copy"
            new = replace(study, title=title, cases=(), seed=page.new_seed(), pilot=False)
            return page.overview(shelf.begin(new, who(request)))

        return answered(work)

    @app.post("/api/studies/{study_id}/remove")
    def remove(request: Request, study_id: str) -> Any:
        of(request, study_id)

        def work() -> dict[str, Any]:
            shelf.remove_draft(study_id, who(request))
            return {}

        return answered(work)


def changed(study: Study, change: Mapping[str, Any]) -> Study:
    """The draft with the fields of ``change``; raises ``StudyError`` for a field it has not."""
    unknown = sorted(set(change) - {*SETTABLE, "protocol", "yaml", "readers"})
    if unknown:
        raise StudyError(f"'{unknown[0]}' cannot be changed here.")
    fields: dict[str, Any] = {}
    for name in SETTABLE:
        if name in change:
            wanted = int if name == "seed" else str
            if not isinstance(change[name], wanted) or isinstance(change[name], bool):
                raise StudyError(
                    f"'{name}' must be {'a whole number' if name == 'seed' else 'text'}."
                )
            fields[name] = change[name]
    if "yaml" in change:
        text = str(change["yaml"])
        if len(text) > LONGEST:
            raise StudyError("This protocol is longer than any that people can follow.")
        fields["protocol"] = protocols.parse(text, "The protocol")
    if "protocol" in change:
        fields["protocol"] = from_document(Protocol, change["protocol"], "The protocol")
    if "readers" in change:
        rows = change["readers"] if isinstance(change["readers"], list) else []
        fields["readers"] = tuple(from_document(Reader, one, "A reader") for one in rows)
    return replace(study, **fields)


def add_planning_routes(app: FastAPI, studies: Studies) -> None:
    of = studies.of

    @app.get("/api/studies/{study_id}/power")
    def power(
        request: Request,
        study_id: str,
        readers: int,
        cases: int,
        reader_sd: float = 0.5,
        case_sd: float = 1.0,
    ) -> Any:
        store = of(request, study_id)

        def work() -> dict[str, Any]:
            plan = store.study().protocol.plan
            spread = Spread(reader_sd, case_sd)
            found = power_of(readers, cases, plan.margin, spread, plan.measure)
            said = told(found, readers, cases, plan.margin, spread)
            return {"measure": plan.measure, "margin": plan.margin, "told": said, **found}

        return answered(work)

    @app.get("/api/studies/{study_id}/preview")
    def preview(request: Request, study_id: str, reader: str = "") -> Any:
        store = of(request, study_id)
        return answered(lambda: page.preview(store, reader))

    @app.post("/api/studies/{study_id}/previewed")
    def previewed(request: Request, study_id: str, asked: Looked) -> Any:
        store = of(request, study_id)

        def work() -> dict[str, Any]:
            store.record("previewed", {"trials": asked.trials})
            return page.overview(store)

        return answered(work)


def add_code_routes(app: FastAPI, studies: Studies) -> None:
    of = studies.of

    @app.post("/api/studies/{study_id}/codes")
    def codes(request: Request, study_id: str, asked: Cards) -> Any:
        """New codes, in this one answer and nowhere else."""
        store = of(request, study_id)
        return answered(lambda: {"codes": store.issue_codes(asked.readers)})

    @app.post("/api/studies/{study_id}/pilot")
    def pilot(request: Request, study_id: str) -> Any:
        """A frozen copy that is open at once, for the first reader; its answers stay apart."""
        store = of(request, study_id)

        def work() -> dict[str, Any]:
            page.refuse_unready(store)
            study = store.study()
            title = f"Pilot of {study.title}"
            new = replace(study, title=title, pilot=True, readers=study.readers[:1])
            made = studies.shelf.begin(new, studies.who(request))
            page.share_pictures(store, made)
            made.freeze()
            made.open_reading()
            store.record("pilot_begun", {"study": made.folder.name})
            return {"id": made.folder.name, "codes": made.issue_codes()}

        return answered(work)


def step(store: Store, work: Callable[[], Any]) -> Any:
    """What ``work`` made of the study, as the page shows it."""

    def done() -> dict[str, Any]:
        work()
        return page.overview(store)

    return answered(done)


def add_phase_routes(app: FastAPI, studies: Studies) -> None:
    of, by = studies.of, studies.name

    @app.post("/api/studies/{study_id}/freeze")
    def freeze(request: Request, study_id: str, asked: Named) -> Any:
        store = of(request, study_id)

        def work() -> None:
            if store.phase == "draft":
                if asked.name.strip() != store.study().title.strip():
                    raise StudyError("Type the name of the study as it is, to freeze it.")
                page.refuse_unready(store)
            store.freeze()

        return step(store, work)

    @app.post("/api/studies/{study_id}/open")
    def open_reading(request: Request, study_id: str) -> Any:
        store = of(request, study_id)
        return step(store, store.open_reading)

    @app.post("/api/studies/{study_id}/close")
    def close(request: Request, study_id: str) -> Any:
        store = of(request, study_id)
        return step(store, lambda: store.close_reading(by(request)))

    @app.post("/api/studies/{study_id}/unblind")
    def unblind(request: Request, study_id: str) -> Any:
        store = of(request, study_id)
        return step(store, lambda: store.unblind(by(request)))

    @app.post("/api/studies/{study_id}/amend")
    def amend(request: Request, study_id: str, asked: Reasoned) -> Any:
        store = of(request, study_id)

        def work() -> None:
            if not asked.change.strip():
                raise StudyError("Write what is done differently from the frozen plan.")
            store.amend(asked.reason, {"what": asked.change.strip(), "by": by(request)})

        return step(store, work)

    @app.post("/api/studies/{study_id}/exclude")
    def exclude(request: Request, study_id: str, asked: Reasoned) -> Any:
        store = of(request, study_id)
        return step(store, lambda: store.exclude_reader(asked.reader, asked.reason))


def add_run_routes(app: FastAPI, studies: Studies) -> None:
    of = studies.of

    @app.get("/api/studies/{study_id}/monitor")
    def monitor(request: Request, study_id: str) -> Any:
        store = of(request, study_id)
        return answered(lambda: page.monitor(store))

    @app.post("/api/studies/{study_id}/verify")
    def verified(request: Request, study_id: str) -> Any:
        store = of(request, study_id)

        def work() -> dict[str, Any]:
            faults = [vars(one) for one in verify(store.folder)]
            if not faults:  # nothing is written into a study that is not as it was
                store.record("verified", {"faults": 0})
            return {"faults": faults}

        return answered(work)

    @app.post("/api/studies/{study_id}/backup")
    def back_up(request: Request, study_id: str) -> Any:
        store = of(request, study_id)
        return step(store, store.back_up)

    @app.get("/api/studies/{study_id}/backups/{name}")
    def backup(request: Request, study_id: str, name: str) -> Response:
        store = of(request, study_id)
        if name not in {one["name"] for one in page.backups_of(store)}:
            raise HTTPException(404, "There is no such backup.")
        return FileResponse(store.folder / "backups" / name, filename=f"{study_id}-{name}")

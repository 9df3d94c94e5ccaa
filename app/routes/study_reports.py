"""The report of a study by HTTP: made when it is unblinded, seen, printed and taken away."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse

from app.pages import studies as page
from app.routes.studies import Studies, answered
from app.studies.exporting import analyse_export, changed_files, export
from app.studies.store import Store

KINDS = {".html": "text/html", ".json": "application/json", ".csv": "text/csv"}


def add_study_report_routes(app: FastAPI, studies: Studies) -> None:
    of = studies.of

    @app.post("/api/studies/{study_id}/report")
    def make(request: Request, study_id: str) -> Any:
        """Compute everything and write a new export; the ones of before stay."""
        store = of(request, study_id)

        def work() -> dict[str, Any]:
            export(store, new_folder(store), studies.name(request))
            return page.overview(store)

        return answered(work)

    @app.get("/api/studies/{study_id}/exports/{name}")
    def described(request: Request, study_id: str, name: str) -> Any:
        folder = finished(of(request, study_id), name)
        files = sorted(folder.iterdir())
        return {"files": [{"name": one.name, "bytes": one.stat().st_size} for one in files]}

    @app.post("/api/studies/{study_id}/exports/{name}/verify")
    def verify(request: Request, study_id: str, name: str) -> Any:
        """Compute every number again from the exported tables, and compare the checksums."""
        folder = finished(of(request, study_id), name)

        def work() -> dict[str, Any]:
            results = json.loads((folder / "results.json").read_text("utf-8"))
            return {"changed": changed_files(folder), "same": analyse_export(folder) == results}

        return answered(work)

    @app.get("/api/studies/{study_id}/exports/{name}/all.zip")
    def everything(request: Request, study_id: str, name: str) -> Response:
        folder = finished(of(request, study_id), name)
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.iterdir()):
                archive.write(path, f"{study_id}-{name}/{path.name}")
        head = {"Content-Disposition": f'attachment; filename="{study_id}-{name}.zip"'}
        return Response(data.getvalue(), media_type="application/zip", headers=head)

    @app.get("/api/studies/{study_id}/exports/{name}/{file}")
    def one(request: Request, study_id: str, name: str, file: str, shown: bool = False) -> Response:
        folder = finished(of(request, study_id), name)
        if file not in {path.name for path in folder.iterdir()}:
            raise HTTPException(404, "There is no such file in the export.")
        path = folder / file
        kind = KINDS.get(path.suffix, "text/plain") + "; charset=utf-8"
        if shown:
            return FileResponse(path, media_type=kind)
        return FileResponse(path, media_type=kind, filename=f"{study_id}-{file}")


def new_folder(store: Store) -> Path:
    """The next number; a folder that a killed program left half written is passed over."""
    place = store.folder / page.EXPORTS
    number = 1
    while (place / f"report-{number:03d}").exists():
        number += 1
    return place / f"report-{number:03d}"


def finished(store: Store, name: str) -> Path:
    if name not in page.exports_of(store):
        raise HTTPException(404, "There is no such report. Make it first.")
    return store.folder / page.EXPORTS / name

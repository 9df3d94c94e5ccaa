"""Nothing that names a patient leaves the page: a film full of marks is opened, edited, saved,
exported, sent, listed and made to fail, and no byte that anybody gets or that is kept has one."""

import contextlib
import gzip
import io
import json
import logging
import tempfile
import zipfile
import zlib
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from starlette.testclient import TestClient

from app import messages
from app.canvas.drawing import ERASE, Drawing
from app.settings import Settings
from tests.app.fake_engine import FakeEngine
from tests.app.served import application
from tests.app.test_panels import form
from tests.app.test_server import COOKIE, OURS, PORT
from tests.engine.dicom.test_canaries import CANARY, canary_film, marks_in
from tests.engine.dicom.test_peers import archive, at

ME = "canary-0123456789-0123456789"
NAME = f"{CANARY} clinic/{CANARY} 123.dcm"


class Person:
    """A browser whose every answer is kept, with its headers."""

    def __init__(self, app):
        self.client = TestClient(
            app, base_url=f"http://127.0.0.1:{PORT}", raise_server_exceptions=False
        )
        self.client.cookies.set(COOKIE, ME)
        self.got: list[bytes] = []

    def get(self, url):
        return self.kept(self.client.get(url))

    def post(self, url, data=b"", **headers):
        return self.kept(self.client.post(url, content=data, headers={**OURS, **headers}))

    def kept(self, answer):
        self.got.append(str(answer.headers).encode() + b"\n" + answer.content)
        return answer


def unpacked(data: bytes) -> bytes:
    """Bytes and everything packed in them: the files of a ZIP, gzip, the texts of a PNG."""
    found = [data]
    at = data.find(b"PK\x03\x04")
    if at >= 0:
        with zipfile.ZipFile(io.BytesIO(data[at:])) as opened:
            found += [unpacked(opened.read(name)) + name.encode() for name in opened.namelist()]
    at = data.find(b"\x1f\x8b\x08")
    if at >= 0:
        with contextlib.suppress(OSError, EOFError, zlib.error):  # pixels that look like it
            found.append(gzip.decompress(data[at:]))
    return b"".join(found)


def kept(folder: Path) -> list[str]:
    """Files below the folder with a mark in their name or in what they hold."""
    return [
        path.name
        for path in folder.rglob("*")
        if marks_in(str(path.relative_to(folder)).encode())
        or (path.is_file() and marks_in(unpacked(path.read_bytes())))
    ]


@pytest.fixture
def log():
    """The log of the page as the program writes it, given back in the end."""
    before = {name: list(logging.getLogger(name).handlers) for name in ("app", "engine")}
    yield
    for name, handlers in before.items():
        for handler in logging.getLogger(name).handlers[:]:
            if handler not in handlers:
                handler.close()
                logging.getLogger(name).removeHandler(handler)


def erased(session, rev):
    bits = np.zeros((48, 40), np.uint32)
    bits[20:30, 10:20] = 1 << ERASE
    state = None if session.current is None else str(session.current)
    return Drawing(session.doc, rev, "", state, bits, ())


def planes(session, rev):
    raw = erased(session, rev).bits.astype("<u4").tobytes()
    head = {
        "v": 1, "doc": session.doc, "rev": rev, "job": "save", "state": None, "w": 40, "h": 48,
        "crc32": zlib.crc32(raw), "findings": [], "report": "Words.", "look": {},
    }  # fmt: skip
    return json.dumps(head).encode() + b"\n" + gzip.compress(raw)


@pytest.mark.case(36, 45, 15, 59)
def test_no_mark_of_the_film_is_in_any_answer_file_log_or_folder(
    tmp_path, monkeypatch, caplog, log
):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)
    caplog.set_level(logging.DEBUG)
    with archive() as (port, taken):
        settings = Settings(port=PORT, data=tmp_path / "data", peer=at(port))
        messages.log_to(settings.log)
        engine = FakeEngine()
        app, desk = application(engine, settings)
        me = Person(app)
        session = desk.sessions.of(ME)
        shown = []

        # opened: the film, a cut one, one of another kind, one that breaks the program
        film = canary_film()
        answer = me.post("/api/files", film, **{"x-name": quote(NAME)})
        token = answer.json()["file"]
        for broken in (
            film[: len(film) // 2],
            film.replace(b"1.2.840.10008.5.1.4.1.1.1", b"9" * 25),
        ):
            assert me.post("/api/files", broken, **{"x-name": quote(NAME)}).status_code == 400
        for listed in (film, film[: len(film) // 2], NAME.encode()):
            assert me.post("/api/folder", listed).status_code == 200
        ask = {"kind": "open", "way": "new", "files": [token], "rev": 0}
        shown.append(desk.told(session, ask))
        (state,) = session.states.values()

        # saved, looked at, edited, made to fail
        assert me.post("/api/save", planes(session, 1)).json()["fault"] is None
        (told,) = me.get("/api/films").json()
        decision = json.dumps({"doc": session.doc, "boxes": [[0, 0, 8, 8]]}).encode()
        assert me.post(f"/api/films/{told['key']}", decision).status_code == 200
        desk.start(
            session, erased(session, 2), json.dumps({"job": "job-00001"}), form(verb="Erase")
        )
        assert desk.jobs.wait("job-00001", ME).state == "done"
        engine.fails_with = RuntimeError(f"while reading '{NAME}' of {CANARY}^JOHN")
        desk.start(
            session, erased(session, 3), json.dumps({"job": "job-00002"}), form(verb="Erase")
        )
        assert desk.jobs.wait("job-00002", ME).state == "failed"
        for job in ("job-00001", "job-00002"):
            me.get(f"/api/jobs/{job}")
        assert me.get("/api/jobs/job-00002/details").status_code == 200
        made = max(session.states)

        # every way out
        for url in (
            f"/api/states/{made}/export", f"/api/states/{made}/export?bits=8&mark=corner",
            f"/api/states/{made}/export?kind=dicom",
            f"/api/states/{made}/export?kind=dicom&masks=true&mark=none",
            f"/api/states/{made}/recipe", "/api/project", "/api/masks", "/api/documents",
            f"/api/documents/{session.doc}.png", "/api/desk", "/api/films",
            f"/api/states/{made}.png", f"/api/states/{state.number}.png?side=116",
            f"/api/states/{made}/statement?kind=dicom",
        ):  # fmt: skip
            assert me.get(url).status_code == 200, url
        assert me.post(f"/api/states/{made}/send").status_code == 200

        # another document, the former one again, by a program started anew
        shown.append(desk.told(session, {"kind": "new"}))
        shown.append(
            desk.told(
                session, {"kind": "reopen", "file": me.get("/api/documents").json()[0]["doc"]}
            )
        )
        assert session.states
        desk.jobs.close()
        again = application(FakeEngine(), settings)[1]
        shown.append(again.all(again.sessions.of(ME)))
        again.jobs.close()

    for answer in me.got:
        assert marks_in(unpacked(answer)) == []
    assert marks_in(str([found.updates() for found in shown]).encode()) == []
    assert marks_in(caplog.text.encode()) == []
    assert marks_in(str(taken).encode() + b"".join(bytes(ds.PixelData) for ds in taken)) == []
    assert kept(settings.data) == [] and kept(temporary) == []
    assert settings.log.read_bytes()  # the fault is there, by its number


def test_the_search_would_find_them(tmp_path):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", gzip.compress(CANARY.encode()))
    (tmp_path / "x").write_bytes(b"header\n" + out.getvalue())

    assert kept(tmp_path) == ["x"]

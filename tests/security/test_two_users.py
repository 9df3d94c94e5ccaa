"""Ada and Bob at one server, over real sockets: nobody reaches what is the other's."""

import gzip
import io
import json
import zlib
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from PIL import Image

from app.canvas.drawing import FILE_DATA
from app.document.session import State
from engine import png
from engine.api import GenerateRequest, Sampling
from engine.ledger import NAME, entries
from engine.provenance import inputs_of, recipe_of
from tests.app.fake_engine import HASHES
from tests.security.server import PASSWORDS, Person

ADAS, BOBS = 0.25, 0.75  # the grey of their pictures


@pytest.fixture(scope="module")
def adas(served):
    """Ada, and something of each kind that she has."""
    found = Person(served, "ada")
    found.number = picture(found.session, ADAS)
    found.session.title = "Adas document"
    raw = np.full((8, 8), 1, "<u4").tobytes()
    found.key = found.session.offer_labels(b'{"of": "ada"}').rpartition("/")[2]
    sent = {"files": ("labels.u32.gz", gzip.compress(raw))}
    found.path = found.post("/gradio_api/upload", files=sent).json()[0]
    film = png.encode(np.full((32, 32), 64, np.uint8))
    found.file = found.post("/api/files", content=film, headers={"x-name": "a.png"}).json()["file"]
    found.session.keep()
    served.desk.jobs.submit(
        "adas-job-01", found.owner, "generate", (request(1),), lambda result, asked: 1
    )
    served.desk.jobs.wait("adas-job-01", found.owner)
    return found


@pytest.fixture
def ada(adas):
    adas.log_in()  # a login of a test before may have ended this one
    return adas


@pytest.fixture
def bob(served):
    return Person(served, "bob")


def request(seed):
    return GenerateRequest(sampling=Sampling(seed=seed))


def picture(session, grey):
    return session.add(
        lambda number: State(
            number=number,
            name="Generated",
            kind="made",
            image=np.full((40, 60), grey, np.float32),
            bits=16,
            origin="synthetic",
            recipe=recipe_of(request(3), "fake", HASHES),
            inputs=inputs_of(request(3)),
        )
    ).number


def grey_of(answer):
    return float(np.array(Image.open(io.BytesIO(answer.content))).mean()) / 255


# (method, what is Ada's, what is nobody's); {} is filled with what Ada has.
OWNED = [
    ("GET", "/api/jobs/adas-job-01", "/api/jobs/none-job-01"),
    ("GET", "/api/jobs/adas-job-01/details", "/api/jobs/none-job-01/details"),
    ("GET", "/api/jobs/adas-job-01/preview.png", "/api/jobs/none-job-01/preview.png"),
    ("POST", "/api/jobs/adas-job-01/stop", "/api/jobs/none-job-02/stop"),
    ("GET", "/api/states/{number}.png", "/api/states/77.png"),
    ("GET", "/api/states/{number}/measures", "/api/states/77/measures"),
    ("GET", "/api/states/{number}/recipe", "/api/states/77/recipe"),
    ("GET", "/api/states/{number}/export", "/api/states/77/export"),
    ("GET", "/api/states/{number}/statement", "/api/states/77/statement"),
    ("POST", "/api/states/{number}/send", "/api/states/77/send"),
    ("GET", "/api/drawings/{key}", "/api/drawings/0123456789abcdef"),
    ("POST", "/api/files/{file}/drop", "/api/files/0123456789abcdef/drop"),
    ("GET", "/api/documents/{doc}.png", "/api/documents/0123456789abcdef.png"),
    ("POST", "/api/documents/{doc}/delete", "/api/documents/0123456789abcdef/delete"),
]


@pytest.mark.case(11)
@pytest.mark.parametrize(("method", "hers", "nobodys"), OWNED)
def test_what_is_anothers_is_answered_like_what_does_not_exist(ada, bob, method, hers, nobodys):
    hers = hers.format(number=ada.number, key=ada.key, file=ada.file, doc=ada.session.doc)

    found, nothing = (bob.http.request(method, path) for path in (hers, nobodys))

    assert (found.status_code, found.content) == (nothing.status_code, nothing.content)
    assert sorted(found.headers) == sorted(nothing.headers)


@pytest.mark.case(11)
def test_and_ada_has_it_still(ada, bob):
    for method, hers, _ in OWNED:
        if method == "POST":
            bob.post(hers.format(number=ada.number, file=ada.file, doc=ada.session.doc))

    assert ada.get("/api/jobs/adas-job-01").json()["state"] == "done"
    assert grey_of(ada.get(f"/api/states/{ada.number}.png")) == pytest.approx(ADAS, abs=0.01)
    assert ada.get(f"/api/drawings/{ada.key}").json() == {"of": "ada"}
    assert ada.get(f"/api/documents/{ada.session.doc}.png").status_code == 200
    assert [d["title"] for d in ada.get("/api/documents").json()] == ["Adas document"]


@pytest.mark.case(11)
def test_lists_and_documents_are_those_of_the_person(ada, bob):
    assert bob.get("/api/desk").json()["doc"] != ada.session.doc
    assert bob.get("/api/desk").json()["owner"] != ada.get("/api/desk").json()["owner"]
    assert "Adas" not in bob.get("/api/documents").text
    assert ada.session.doc not in bob.get("/config").text


@pytest.mark.case(11)
def test_a_save_into_anothers_document_is_refused(ada, bob):
    picture(bob.session, BOBS)
    head = {"doc": ada.session.doc, "report": "from Bob"}

    answer = bob.post("/api/save", content=json.dumps(head).encode() + b"\n")

    assert answer.status_code == 409
    assert ada.session.report != "from Bob"


@pytest.mark.case(11)
def test_a_forged_cookie_of_a_browser_is_no_way_into_a_document(ada, bob, served):
    port = served.desk.settings.port
    stranger = httpx.Client(base_url=ada.url, cookies={f"xreal_session_{port}": ada.owner})

    assert stranger.get("/api/desk").status_code == 401
    bob.http.cookies.set(f"xreal_session_{port}", ada.owner)
    assert bob.get("/api/desk").json()["doc"] != ada.session.doc


@pytest.mark.case(11)
@pytest.mark.case(12)
def test_a_session_id_that_both_chose_gives_each_their_own(ada, bob):
    with ThreadPoolExecutor(2) as both:
        hers, his = both.map(lambda one: one.asks_gradio(), (ada, bob))

    assert ada.session.doc in json.dumps(hers) and ada.session.doc not in json.dumps(his)
    assert bob.session.doc in json.dumps(his) and bob.session.doc not in json.dumps(hers)


@pytest.mark.case(11)
def test_an_event_of_another_cannot_be_cancelled_or_told_from_none(ada, bob):
    ada.asks_gradio("adaswindow")
    asked = {"session_hash": "adaswindow", "fn_index": 0}

    hers = bob.post("/gradio_api/cancel", json={**asked, "event_id": "adasevent"})
    nobodys = bob.post("/gradio_api/cancel", json={**asked, "event_id": "nothing"})

    assert (hers.status_code, hers.content) == (nobodys.status_code, nobodys.content)


@pytest.mark.case(11)
@pytest.mark.parametrize("known", [True, False])
def test_an_upload_of_another_is_no_drawing_of_mine(ada, bob, known):
    path = ada.path if known else ada.path.replace("labels", "nothing")
    raw = np.full((8, 8), 1, "<u4").tobytes()
    drawing = {
        "v": 1, "doc": "d", "rev": 1, "job": "job-0001", "state": None, "w": 8, "h": 8,
        "crc32": zlib.crc32(raw), "findings": [],
        "labels": {"path": path, "meta": {"_type": FILE_DATA}},
    }  # fmt: skip

    answer = bob.post("/api/region", json={"finding": "effusion", "drawing": drawing})

    assert answer.status_code == 400
    assert "not among the uploads" in answer.text
    mine = ada.post("/api/region", json={"finding": "effusion", "drawing": drawing})
    assert ("not among the uploads" in mine.text) is not known


@pytest.mark.case(12)
def test_runs_of_two_people_keep_to_themselves_also_when_one_closes_the_page(ada, bob, served):
    """Each is known by a seed; Ada's browser goes away while her run waits."""
    desk = served.desk
    made: dict[str, list[int]] = {"ada": [], "bob": []}
    served.engine.gate.clear()
    for name, person, seed in (("ada", ada, 11), ("bob", bob, 22)):
        desk.jobs.submit(
            "same-job-id", person.owner, "generate", (request(seed),),
            lambda result, asked, name=name: made[name].append(asked.sampling.seed) or 1,
        )  # fmt: skip
    Person(served, "ada").http.close()
    assert bob.get("/api/jobs/same-job-id").json()["state"] in ("queued", "running")
    served.engine.gate.set()
    views = [desk.jobs.wait("same-job-id", person.owner) for person in (ada, bob)]

    assert [view.state for view in views] == ["done", "done"]
    assert made == {"ada": [11], "bob": [22]}


@pytest.mark.case(12)
def test_pictures_made_at_the_same_time_are_each_persons_own(ada, bob):
    numbers = {BOBS: picture(bob.session, BOBS), ADAS: picture(ada.session, ADAS)}

    def look(told):
        person, grey = told
        return [grey_of(person.get(f"/api/states/{numbers[grey]}.png")) for _ in range(20)]

    with ThreadPoolExecutor(2) as both:
        his, hers = both.map(look, ((bob, BOBS), (ada, ADAS)))

    assert his == pytest.approx([BOBS] * 20, abs=0.01)
    assert hers == pytest.approx([ADAS] * 20, abs=0.01)


@pytest.mark.case(11)
def test_a_line_of_the_ledger_is_of_the_person_who_exported_and_names_nobody(ada, bob, served):
    numbers = {ada: ada.number, bob: picture(bob.session, BOBS)}
    for person, number in numbers.items():
        assert person.get(f"/api/states/{number}/export").status_code == 200

    ledger = served.desk.settings.data / NAME
    hers, his = entries(ledger)[-2:]
    assert [f"user-{hers['by']}", f"user-{his['by']}"] == [ada.owner, bob.owner]
    assert not any(name in line.values() for line in (hers, his) for name in PASSWORDS)

"""Words in an opened film: found, looked at by a person, blacked out everywhere, for good."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from starlette.testclient import TestClient

from app.document import exporting, looking
from app.document.archive import project_bytes, read_project
from app.document.autosave import Documents
from app.document.opening import open_picture
from app.document.project import snapshot
from app.document.results import keep_result
from app.document.session import Session
from app.settings import Settings
from engine.api import EraseRequest, OutpaintRequest, UpscaleRequest
from engine.errors import InvalidRequest
from engine.images import read_image, write_png
from engine.ledger import NAME, entries
from engine.provenance import read_recipe, request_of
from tests.app.fake_engine import FakeEngine
from tests.app.served import application
from tests.app.test_server import COOKIE, ME, OURS, PORT
from tests.engine.dicom.films import chest, film

TEXT = (20, 16, 44, 120)  # top, left, bottom, right of the words in the film


@pytest.fixture(autouse=True)
def decoding(monkeypatch):
    from engine.dicom import child, reading

    monkeypatch.setattr(reading, "_answer", child.answer)


def lettered(most=4095):
    """A drawn film, 192 x 160, with a name in its upper left corner."""
    values = chest(192, 160, most)
    image = Image.new("L", (160, 192), 0)
    ImageDraw.Draw(image).text((18, 22), "DOE^JOHN", fill=255, font=ImageFont.load_default(18))
    return np.where(np.array(image) > 127, np.uint16(most), values)


def opened(tmp_path, **changes):
    (tmp_path / "film").write_bytes(film(lettered(), **changes))
    session = Session(ME)
    state, _ = open_picture(session, tmp_path / "film")
    return session, state


def edited(session, state, request=None):
    if request is None:
        mask = np.zeros(state.image.shape, np.float32)
        mask[100:140, 40:90] = 1
        request = EraseRequest(image=state.image, mask=mask)
    result = FakeEngine().run(request)
    number = keep_result(
        session, result, parent=state.number, drawing=None, name="Erased", proposal=False
    )
    return session.state(number)


def source_of(state):
    assert state.descent is not None
    return state.descent.source


def inside(box, found):
    return any(
        f[0] <= box[0] and f[1] <= box[1] and f[2] >= box[2] and f[3] >= box[3] for f in found
    )


@pytest.mark.case(46)
def test_the_words_of_a_film_are_found_when_it_is_opened(tmp_path):
    _, state = opened(tmp_path)

    assert inside((26, 18, 36, 100), source_of(state).found)


@pytest.mark.case(46)
@pytest.mark.parametrize("stated", ["YES", "NO", None])
def test_nothing_with_pixels_leaves_before_a_person_has_looked(tmp_path, stated):
    session, state = opened(tmp_path, **({"BurnedInAnnotation": stated} if stated else {}))
    made = edited(session, state)

    for leave in (
        lambda: exporting.png(made, "strip", 16),
        lambda: exporting.dicom(made, "strip", False),
        lambda: exporting.project(session),
    ):
        with pytest.raises(InvalidRequest, match="looked"):
            leave()


@pytest.mark.case(46)
def test_a_file_that_says_that_there_are_words_needs_them_blacked_out(tmp_path):
    session, state = opened(tmp_path, BurnedInAnnotation="YES")

    with pytest.raises(InvalidRequest, match="Mark where they are"):
        looking.decide(session, source_of(state).key, [])
    looking.decide(session, source_of(state).key, [TEXT])

    assert not source_of(session.state(state.number)).open


@pytest.mark.case(46)
def test_what_is_blacked_out_is_in_no_picture_of_the_document_and_no_input(tmp_path):
    session, state = opened(tmp_path)
    made = edited(session, state)
    gone = edited(session, state)
    session.delete(gone.number)

    looking.decide(session, source_of(state).key, [TEXT])
    session.undelete(gone.number)

    top, left, bottom, right = TEXT
    for number in (state.number, made.number, gone.number):
        now = session.state(number)
        assert (now.image[top:bottom, left:right] == 0).all()
        if now.inputs:
            assert (now.inputs["image"][top:bottom, left:right] == 0).all()
        elsewhere = np.ones(now.image.shape, bool)
        elsewhere[top:bottom, left:right] = False
        before = {s.number: s for s in (state, made, gone)}[number]
        np.testing.assert_array_equal(now.image[elsewhere], before.image[elsewhere])
    stored = source_of(session.state(state.number)).film.stored
    assert (stored[top:bottom, left:right] == 0).all()


def test_a_recipe_still_fits_its_inputs_after_blacking_out(tmp_path):
    session, state = opened(tmp_path)
    made = edited(session, state)
    looking.decide(session, source_of(state).key, [TEXT])

    now = session.state(made.number)

    assert isinstance(request_of(now.recipe, now.inputs), EraseRequest)
    assert now.recipe["blacked_out"] == 1


def test_a_run_that_was_on_its_way_brings_no_words_back(tmp_path):
    session, state = opened(tmp_path)
    mask = np.zeros(state.image.shape, np.float32)
    mask[100:110, 40:50] = 1
    request = EraseRequest(image=state.image, mask=mask)  # holds the words
    looking.decide(session, source_of(state).key, [TEXT])

    made = edited(session, state, request)

    top, left, bottom, right = TEXT
    assert (made.image[top:bottom, left:right] == 0).all()
    assert (made.inputs["image"][top:bottom, left:right] == 0).all()


def test_a_run_whose_picture_was_deleted_for_good_needs_somebody_to_look(tmp_path):
    session, state = opened(tmp_path)
    session.delete(state.number)
    session.forget()

    made = edited(session, state)

    assert made.origin == "partly" and source_of(made).open


@pytest.mark.case(46)
def test_enlarged_and_framed_pictures_are_blacked_out_where_the_words_went(tmp_path):
    session, state = opened(tmp_path)
    pads = ((16, 0), (32, 0))
    keep = np.pad(np.ones_like(state.image), pads)
    framed = edited(session, state, OutpaintRequest(image=np.pad(state.image, pads), keep=keep))
    large = edited(session, framed, UpscaleRequest(image=framed.image))
    by = large.image.shape[0] // framed.image.shape[0]
    assert by > 1

    looking.decide(session, source_of(state).key, [TEXT])

    top, left, bottom, right = TEXT
    now = session.state(framed.number).image
    assert (now[top + 16 : bottom + 16, left + 32 : right + 32] == 0).all()
    np.testing.assert_array_equal(now[: top + 16], framed.image[: top + 16])
    now = session.state(large.number).image
    rows = slice((top + 16) * by, (bottom + 16) * by)
    assert (now[rows, (left + 32) * by : (right + 32) * by] == 0).all()
    assert (now[: (top + 16) * by - 3 * by] == large.image[: (top + 16) * by - 3 * by]).all()


@pytest.mark.case(46)
def test_the_decision_is_in_the_document_and_its_saves(tmp_path):
    session, state = opened(tmp_path)
    made = edited(session, state)
    looking.decide(session, source_of(state).key, [TEXT])
    (tmp_path / "x").write_bytes(project_bytes(snapshot(session)))
    documents = Documents(tmp_path / "documents")
    documents.save(session)
    again = Session(ME)
    assert documents.open(again)

    for states in (read_project(tmp_path / "x").states, list(again.states.values())):
        source = source_of(states[0])
        assert source.decision == source_of(session.state(state.number)).decision
        assert source_of(states[1]) is source
        assert source.film is not None and source.film.bits_stored == 12
        np.testing.assert_array_equal(
            source.film.stored, source_of(session.state(state.number)).film.stored
        )
        np.testing.assert_array_equal(states[1].descent.changed, made.descent.changed)
        assert not looking.open_films(states)


def test_a_document_from_before_films_were_kept_needs_somebody_to_look(tmp_path):
    session, state = opened(tmp_path)
    made = edited(session, state)
    for number in (state.number, made.number):
        session.states[number] = replace(session.states[number], descent=None)
    (tmp_path / "x").write_bytes(project_bytes(snapshot(session)))

    first, second = read_project(tmp_path / "x").states

    assert source_of(first).open and source_of(second) is source_of(first)
    assert inside((26, 18, 36, 100), source_of(first).found)


def test_a_document_cannot_call_the_film_of_a_real_picture_synthetic(tmp_path):
    session, state = opened(tmp_path)
    free = replace(source_of(state), synthetic=True)
    session.states[1] = replace(state, descent=replace(state.descent, source=free))
    (tmp_path / "x").write_bytes(project_bytes(snapshot(session)))

    with pytest.raises(Exception, match="damaged"):
        read_project(tmp_path / "x")


# By HTTP


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    settings = Settings(port=PORT, data=tmp_path_factory.mktemp("data"))
    app, desk = application(FakeEngine(), settings)
    yield app, desk
    desk.jobs.close()


@pytest.fixture
def client(whole):
    client = TestClient(whole[0], base_url=f"http://127.0.0.1:{PORT}", follow_redirects=False)
    client.cookies.set(COOKIE, ME)
    return client


@pytest.fixture
def session(whole, tmp_path):
    session = whole[1].sessions.of(ME)
    session.states.clear()
    (tmp_path / "film").write_bytes(film(lettered(), BurnedInAnnotation="YES"))
    state, _ = open_picture(session, tmp_path / "film")
    edited(session, state)
    return session


def decide(client, session, key, boxes, doc=None):
    body = json.dumps({"doc": doc or session.doc, "boxes": boxes})
    return client.post(f"/api/films/{key}", content=body, headers=OURS)


@pytest.mark.case(46)
def test_the_page_is_told_the_films_and_decides_and_the_ledger_says_what_was_decided(
    whole, client, session
):
    state, made = session.states.values()
    (told,) = client.get("/api/films").json()
    assert told["stated"] is True and told["looked"] is False and told["state"] == state.number
    assert [told["height"], told["width"]] == [192, 160] and told["found"]
    assert client.get("/api/desk").json()["look"] == 1
    url = f"/api/states/{made.number}/export?kind=dicom"
    assert client.get(url).status_code == 400

    assert decide(client, session, told["key"], []).status_code == 400
    answer = decide(client, session, told["key"], [list(TEXT)])

    assert answer.status_code == 200 and "black=1" in answer.json()["image_url"]
    assert client.get("/api/desk").json()["look"] == 0
    exported = client.get(url)
    assert exported.status_code == 200
    (last,) = entries(whole[1].settings.data / NAME)[-1:]
    assert (last["kind"], last["words"], last["mark"]) == ("dicom", "blacked out 1", "strip")
    top, left, bottom, right = TEXT
    back = read_image(exported.content)
    assert (back.pixels[top:bottom, left:right] == 0).all()
    recipe, inputs = read_recipe(exported.content)
    assert (inputs["image"][top:bottom, left:right] == 0).all() and recipe["blacked_out"] == 1


@pytest.mark.parametrize("boxes", [None, 3, [[1, 2, 3]], [["a", 2, 3, 4]], [[1.5, 2, 3, 4]]])
def test_boxes_that_are_none_change_nothing(client, session, boxes):
    key = client.get("/api/films").json()[0]["key"]

    assert decide(client, session, key, boxes).status_code == 400
    assert decide(client, session, key, [list(TEXT)], doc="another").status_code == 400
    assert decide(client, session, "unknown", [list(TEXT)]).status_code == 400

    assert client.get("/api/films").json()[0]["looked"] is False


def test_a_picture_that_is_no_dicom_is_asked_about_too(tmp_path):
    write_png(tmp_path / "film.png", (lettered(65535) / 65535).astype(np.float32), 16)
    session = Session(ME)
    state, _ = open_picture(session, tmp_path / "film.png")
    made = edited(session, state)

    with pytest.raises(InvalidRequest, match="looked"):
        exporting.png(made, "strip", 16)
    looking.decide(session, source_of(state).key, [])

    data = exporting.png(session.state(made.number), "none", 16).data
    assert Image.open(io.BytesIO(data)).size == (160, 192)
    assert exporting.png(session.state(made.number), "none", 16).said["words"] == (
        "none named anybody"
    )

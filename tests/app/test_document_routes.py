"""Saving, opening, exporting and undoing by HTTP: all that is sent is checked."""

import asyncio
import errno
import gzip
import io
import json
import zlib
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from starlette.requests import ClientDisconnect
from starlette.testclient import TestClient

from app.routes.documents import received
from engine.api import GenerateRequest, Sampling
from engine.images import write_png
from engine.provenance import inputs_of, recipe_of
from tests.app.fake_engine import HASHES
from tests.app.test_server import COOKIE, OURS, PORT, made

OTHER = "other-01234567890123456789"


@pytest.fixture
def session(whole, me):
    return whole[1].sessions.of(me)


def sent(session, bits, rev=1, **changes):
    raw = bits.astype("<u4").tobytes()
    head = {
        "v": 1, "doc": session.doc, "rev": rev, "job": "save", "state": None,
        "w": bits.shape[1], "h": bits.shape[0], "crc32": zlib.crc32(raw), "findings": [],
        "report": "Words.", "look": {"window": 200}, **changes,
    }  # fmt: skip
    return json.dumps(head).encode() + b"\n" + gzip.compress(raw)


def save(client, body):
    return client.post("/api/save", content=body, headers=OURS)


BITS = np.arange(64 * 48, dtype=np.uint32).reshape(48, 64) % 16


def test_what_is_saved_is_on_the_disk_when_the_answer_comes(whole, client, session):
    answer = save(client, sent(session, BITS))

    assert answer.status_code == 200 and answer.json()["fault"] is None
    assert answer.json()["saved"] == session.saved
    again = type(session)(session.id)
    assert whole[1].sessions.keeper.open(again)
    np.testing.assert_array_equal(again.drawing.bits, BITS)
    assert again.report == "Words." and again.look == {"window": 200}


@pytest.mark.parametrize(
    "changes",
    [
        {"crc32": 1}, {"w": 65}, {"w": 5000, "h": 5000}, {"rev": -1}, {"v": 2},
        {"findings": [{"bit": 3, "words": ""}]}, {"findings": "x"}, {"doc": "../../x"},
    ],
)  # fmt: skip
def test_a_drawing_that_is_not_whole_changes_nothing(client, session, changes):
    assert save(client, sent(session, BITS, rev=5)).status_code == 200

    answer = save(client, sent(session, BITS * 0, **{"rev": 6, **changes}))

    assert answer.status_code in (400, 409)
    np.testing.assert_array_equal(session.drawing.bits, BITS)


def test_a_bomb_is_not_unpacked(client, session):
    body = sent(session, BITS).partition(b"\n")[0] + b"\n" + gzip.compress(bytes(10**8))
    assert save(client, body).status_code == 400
    assert session.drawing is None


def test_a_save_that_is_late_does_not_take_the_new_picture_from_the_screen(client, session):
    """Else Accept and Discard would find no proposal there, and do nothing."""
    before, after = (made(session).number for _ in range(2))
    assert session.current == after
    assert save(client, sent(session, BITS, state=str(before))).status_code == 200
    assert session.current == after


def test_an_older_drawing_never_wins(client, session):
    save(client, sent(session, BITS, rev=9))
    assert save(client, sent(session, BITS * 0, rev=8)).status_code == 400
    assert session.drawing.rev == 9


def test_the_drawing_of_another_document_is_refused(client, session):
    save(client, sent(session, BITS))
    assert save(client, sent(session, BITS * 0, rev=9, doc="another")).status_code == 409


@pytest.mark.parametrize("doc", ["../../evil", "/evil", "a/b", "", None, 7, "x" * 65])
def test_a_document_has_a_plain_name(whole, client, session, doc):
    body = json.dumps({"doc": doc, "report": "Words."}).encode() + b"\n"
    before = session.doc
    assert save(client, body).status_code == 400
    assert session.doc == before and session.empty
    folder = whole[1].settings.data
    assert not list(folder.parent.glob("evil")) and not list(folder.rglob("evil"))


def test_a_page_that_outlives_the_program_brings_its_document_along(client, session):
    answer = save(client, sent(session, BITS, doc="of-the-page"))
    assert answer.status_code == 200 and answer.json()["doc"] == session.doc == "of-the-page"


def test_what_comes_late_of_a_document_that_was_left_changes_nothing(whole, client, session):
    number = made(session).number
    save(client, sent(session, BITS))
    left = session.doc
    whole[1].files.new(session)
    assert session.empty and session.doc != left

    answer = save(client, sent(session, BITS * 0, rev=9, doc=left))

    assert answer.status_code == 409 and session.empty
    again = type(session)(session.id)
    assert whole[1].sessions.keeper.open(again, left)
    assert number in again.states
    np.testing.assert_array_equal(again.drawing.bits, BITS)


def test_numbers_that_no_file_can_hold_are_no_part_of_a_view(client, session):
    body = json.dumps({"doc": session.doc, "report": "Words.", "look": {"window": 200}}).encode()
    body = body.replace(b"200", b'200, "zoom": 1e999, "pan": NaN') + b"\n"
    answer = save(client, body)
    assert answer.status_code == 200 and answer.json()["fault"] is None
    assert session.look == {"window": 200}


@pytest.mark.parametrize("body", [b"", b"[]\n", b"\xff\n", b"{" * 10**5])
def test_nonsense_is_refused(client, body):
    assert save(client, body).status_code == 400


def history(client, session, *asks, doc=None):
    body = json.dumps({"doc": doc or session.doc, "asks": list(asks)})
    return client.post("/api/history", content=body, headers=OURS)


def test_a_deleted_state_comes_back_and_goes_again(client, session):
    number = made(session).number
    session.delete(number)
    for ask, there in (("undelete", True), ("delete", False), ("undelete", True)):
        answer = history(client, session, {"kind": ask, "id": number})
        assert [s["id"] for s in answer.json()["states"]] == [str(number)] * there
    session.delete(number)
    history(client, session, {"kind": "forget", "id": number})
    answer = history(client, session, {"kind": "undelete", "id": number})
    assert answer.status_code == 400 and answer.text.endswith("gone for good.")


@pytest.mark.parametrize("ask", [{"kind": "other", "id": 1}, {"kind": "delete"}, {"id": 1}])
def test_a_step_that_is_unknown_is_refused(client, session, ask):
    assert history(client, session, ask).status_code == 400
    assert history(client, session, ask, doc="another").status_code == 400


def upload(client, data, name="x.bin"):
    return client.post("/api/files", content=data, headers={**OURS, "x-name": name})


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"plain text of a report", "not a picture"),
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"<html></html>", "a web page"),
        (bytes(128) + b"DICM" + bytes(50), "The DICOM file is damaged"),
        (b"GIF89a.....", "a GIF picture"),
        (b"\x89PNG\r\n\x1a\n cut", "damaged|cut off"),
        (b"PK\x03\x04 cut", "cut off"),
        (b'{"a": 1}', "not a recipe"),
        (b'{"a": ', "nor a recipe in JSON"),
    ],
)
def test_each_wrong_file_has_its_sentence(client, session, data, said):
    import re

    answer = upload(client, data, "film.png")
    assert answer.status_code == 400
    assert re.search(said, answer.text) and answer.text.endswith(".")
    assert session.empty


def test_a_picture_of_enormous_size_is_refused(client):
    from PIL import Image

    out = io.BytesIO()
    Image.new("1", (9000, 100)).save(out, "png")
    answer = upload(client, out.getvalue())
    assert answer.status_code == 400 and "9000 x 100" in answer.text


def test_a_file_belongs_to_the_browser_that_sent_it(whole, client, session, tmp_path):
    write_png(tmp_path / "f", np.random.default_rng(0).random((64, 64)).astype(np.float32))
    token = upload(client, (tmp_path / "f").read_bytes()).json()["file"]
    found = whole[1].told(
        whole[1].sessions.of(OTHER), {"kind": "open", "files": [token], "way": "picture"}
    )
    assert "not here any more" in str(found.lines)
    whole[1].told(session, {"kind": "open", "files": [token], "way": "picture", "rev": 0})
    assert [state.name for state in session.states.values()] == ["Opened"]


def test_colour_is_shown_as_grey_and_says_so(whole, client, session):
    from PIL import Image

    out = io.BytesIO()
    colours = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(colours).save(out, "png")
    token = upload(client, out.getvalue()).json()["file"]
    found = whole[1].told(session, {"kind": "open", "files": [token], "way": "picture", "rev": 0})
    assert "colour" in str(found.lines)


def test_a_recipe_brings_words_seed_and_settings(whole, client, session):
    request = GenerateRequest(
        report="AP view.", sampling=Sampling(seed=41207, quality="fine"), organs=None
    )
    token = upload(client, json.dumps(recipe_of(request, "fake", HASHES)).encode()).json()["file"]
    found = whole[1].told(session, {"kind": "open", "files": [token], "way": "recipe"})
    assert (found.report, found.seed, found.verb) == ("AP view.", 41207, "Generate")
    assert found.quality == "Fine" and session.report == "AP view."
    assert inputs_of(request) == {}


def test_a_setting_that_the_panel_does_not_offer_is_left_as_it_is(whole, client, session):
    recipe = recipe_of(GenerateRequest(), "fake", HASHES)
    recipe["parameters"]["sampling"]["quality"] = "ultra"
    recipe["verb"] = "launch"
    token = upload(client, json.dumps(recipe).encode()).json()["file"]
    found = whole[1].told(session, {"kind": "open", "files": [token], "way": "recipe"})
    assert found.quality == gr.skip() and found.verb == gr.skip()


def test_another_document_waits_for_the_end_of_a_run(whole, client, session, monkeypatch):
    made(session)
    monkeypatch.setattr(whole[1].jobs, "active", lambda owner: "job")
    found = whole[1].told(session, {"kind": "new"})
    assert "A run is going on" in str(found.lines) and session.states


def test_exports_are_files_with_names_that_tell_nothing(client, session):
    session.title = "DOE^JOHN"
    number = made(session).number
    save(client, sent(session, BITS))
    for path in ("/api/project", "/api/masks", f"/api/states/{number}/recipe"):
        answer = client.get(path)
        assert answer.status_code == 200, answer.text
        assert "DOE" not in answer.headers["content-disposition"]


def test_nothing_to_export_is_a_sentence(client, session):
    assert client.get("/api/masks").text == "Nothing is drawn yet, so there are no masks to export."


def test_recent_documents_belong_to_their_browser(whole, client, session):
    made(session)
    save(client, sent(session, BITS))
    (one,) = client.get("/api/documents").json()
    assert one["open"] and one["doc"] == session.doc
    other = TestClient(whole[0], base_url=f"http://127.0.0.1:{PORT}")
    other.cookies.set(COOKIE, OTHER)
    assert other.get("/api/documents").json() == []
    assert other.get(f"/api/documents/{session.doc}.png").status_code == 404
    other.post(f"/api/documents/{session.doc}/delete", headers=OURS)
    refused = client.post(f"/api/documents/{session.doc}/delete", headers=OURS)
    assert refused.status_code == 400 and client.get("/api/documents").json()


class Breaking:
    """A request whose sender goes away in the middle."""

    async def stream(self):
        yield b"the first half"
        raise ClientDisconnect


def test_a_file_that_did_not_arrive_whole_does_not_stay(tmp_path):
    with pytest.raises(ClientDisconnect):
        asyncio.run(received(Breaking(), tmp_path / "file"))  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_is_said_and_nothing_stays(whole, client, monkeypatch):
    whole_open = Path.open

    def full(self, mode="r", **options):
        if "x" in mode:
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole_open(self, mode, **options)

    monkeypatch.setattr(Path, "open", full)
    answer = upload(client, b"a film")
    assert answer.status_code == 400 and answer.text.startswith("The disk is full.")

"""One film of a folder by HTTP: its facts and a preview, and nothing of it stays."""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from app.routes import documents
from engine.dicom.reading import read_film
from tests.app.test_server import COOKIE, OURS, PORT
from tests.engine.dicom.films import chest, film
from tests.engine.dicom.test_canaries import CANARY, canary_film, marks_in


@pytest.fixture
def client(whole):
    opened = TestClient(whole[0], base_url=f"http://127.0.0.1:{PORT}", follow_redirects=False)
    opened.cookies.set(COOKIE, "folder-0123456789-0123456789")
    return opened


def listed(client, data):
    return client.post("/api/folder", content=data, headers={**OURS, "x-name": CANARY})


def waiting(whole):
    return list(whole[1].uploads.folder.glob("*"))


def test_a_film_has_its_facts_and_a_preview_and_does_not_stay(whole, client):
    data = film(chest(192, 96), ViewPosition="AP")

    told = listed(client, data).json()

    shown = Image.open(io.BytesIO(base64.b64decode(told.pop("preview").partition(",")[2])))
    assert told == {
        "kind": "CR", "view": "AP", "width": 96, "height": 192, "bits": 12,
        "line": "CR, AP, 96 x 192 px, 12 bits",
    }  # fmt: skip
    # 192 px become 96: each px of the preview is the mean of four of the film
    means = (read_film(data).codes / 257.0).reshape(96, 2, 48, 2).mean(axis=(1, 3))
    assert np.abs(np.array(shown) - means).max() <= 1
    assert waiting(whole) == []


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "The file is empty."),
        (b"a text", "This is not a picture that can be read."),
        (b"\x89PNG\r\n\x1a\n", "This is not a DICOM file."),
        (film()[:-9], "The DICOM file was cut off while it was copied."),
        (film(SOPClassUID="1.2.840.10008.5.1.4.1.1.2"), "This is a CT picture."),
    ],
)
def test_what_is_no_film_has_its_reason_and_does_not_stay(whole, client, data, said):
    answer = listed(client, data)
    assert (answer.status_code, answer.json()) == (200, {"refused": said})
    assert waiting(whole) == []


def test_no_mark_of_the_film_is_in_the_answer(client):
    answer = listed(client, canary_film())
    assert answer.json()["kind"] == "CR"
    assert marks_in(str(answer.headers).encode() + answer.content) == []


def test_a_file_that_is_too_large_is_counted_like_the_others(whole, client, monkeypatch):
    monkeypatch.setattr(documents, "LARGEST_FILE", 100)
    assert "larger than" in listed(client, film()).json()["refused"]
    assert waiting(whole) == []


def test_a_fault_of_ours_is_a_sentence_and_nothing_stays(whole, client, monkeypatch):
    def fail(path):
        raise RuntimeError(CANARY)

    monkeypatch.setattr(documents.listing, "told", fail)
    answer = listed(client, film())
    assert answer.status_code == 400 and "Something failed in the program" in answer.text
    assert CANARY not in answer.text and waiting(whole) == []


def test_another_page_cannot_have_films_decoded(whole, client):
    answer = client.post("/api/folder", content=film(), headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403

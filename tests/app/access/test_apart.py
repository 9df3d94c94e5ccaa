"""Ids inside Gradio: the same one from two people is two, and what was not given is nothing."""

import json

import pytest

from app.access.apart import EACH, NOWHERE, PEOPLE, Apart
from app.canvas.drawing import FILE_DATA


@pytest.fixture
def apart():
    return Apart()


def body(apart, owner, **told):
    return json.loads(apart.body(json.dumps(told).encode(), owner))


def test_a_session_that_two_browsers_choose_is_two_and_always_the_same(apart):
    ada, bob = (body(apart, who, session_hash="same")["session_hash"] for who in ("ada", "bob"))

    assert ada != bob and "same" not in (ada, bob)
    assert body(apart, "ada", session_hash="same")["session_hash"] == ada


def test_another_program_gives_other_ids(apart):
    assert apart.id("ada", "same") != Apart().id("ada", "same")


def test_ids_in_addresses_are_those_in_bodies(apart):
    mine = apart.id("ada", "abc")
    beat = apart.address({"path": "/gradio_api/heartbeat/abc", "query_string": b""}, "ada")
    query = {"path": "/gradio_api/upload", "query_string": b"x=1&upload_id=abc"}

    assert (
        beat["path"] == f"/gradio_api/heartbeat/{mine}"
        and beat["raw_path"] == beat["path"].encode()
    )
    assert apart.address(query, "ada")["query_string"] == f"x=1&upload_id={mine}".encode()
    untouched = {"path": "/api/states/1.png", "query_string": b"side=116"}
    assert apart.address(untouched, "ada") == untouched


def test_an_upload_is_a_file_for_whom_it_was_given_to_only(apart):
    apart.note(b'["/cache/1/labels"]', "ada")
    file = {"path": "/cache/1/labels", "meta": {"_type": FILE_DATA}}

    hers, his = (body(apart, who, data=[{"labels": file}])["data"][0] for who in ("ada", "bob"))

    assert hers["labels"]["path"] == "/cache/1/labels"
    assert his["labels"]["path"] == NOWHERE


@pytest.mark.parametrize(
    "file",
    [
        {"path": "/etc/passwd"},
        {"path": ["/etc/passwd"]},
        {"meta": {"_type": FILE_DATA}},
        {"path": "http://127.0.0.1/", "url": "http://127.0.0.1/"},
        {"meta": {}, "url": "http://127.0.0.1/"},
    ],
)
def test_what_was_never_given_is_no_file_however_deep_it_lies(apart, file):
    found = body(apart, "ada", data=[[{"a": {"b": [file]}}]])["data"][0][0]["a"]["b"][0]

    assert found["path"] == NOWHERE and "url" not in found


def test_an_event_that_was_not_given_is_none(apart):
    apart.note(b'{"event_id": "e1"}', "ada")

    assert body(apart, "ada", event_id="e1")["event_id"] == "e1"
    assert body(apart, "bob", event_id="e1") == body(apart, "bob", event_id="unknown")


def test_what_one_person_is_given_does_not_push_out_what_another_was(apart):
    apart.note(b'["/cache/ada"]', "ada")
    for number in range(EACH + 10):
        apart.note(json.dumps([f"/cache/{number}"]).encode(), "bob")

    assert body(apart, "ada", data=[{"path": "/cache/ada"}])["data"][0]["path"] == "/cache/ada"
    assert len(apart._given["bob"]) == EACH and PEOPLE > 1


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused(apart, data):
    with pytest.raises(ValueError):
        apart.body(data, "ada")

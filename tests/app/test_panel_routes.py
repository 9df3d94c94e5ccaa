"""What the request panel asks over HTTP, by one browser and by two."""

import json
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest

from app.canvas.drawing import FILE_DATA
from engine.api import GenerateRequest, Sampling
from engine.errors import OutOfMemory
from tests.app import test_server
from tests.app.test_server import OURS

client, session = test_server.client, test_server.session


@pytest.fixture(autouse=True)
def models_are_there(whole):
    _, desk = whole
    with desk.loading.lent(threading.Event()):
        pass


def post(client, route, **told):
    return client.post(route, headers=OURS, json=told)


def test_a_report_is_answered_row_by_row(client):
    answer = post(
        client, "/api/report", text="Left effusion. Heart size normal. A wombat.", ratio=0.47,
        findings=[{"letter": "A", "words": "effusion", "side": "left", "zone": "lower"}],
    ).json()  # fmt: skip
    assert [(row["mark"], row["note"]) for row in answer["rows"]] == [
        ("tick", "drawn as A"), ("tick", "ratio 0.47 fits"),
    ]  # fmt: skip
    assert answer["ignored"] == ["wombat"]


@pytest.mark.parametrize(
    "told",
    [
        {"text": "x" * 10_001},
        {"text": 7},
        {"text": "Effusion.", "findings": ["A"]},
        {"text": "Effusion.", "findings": [{"letter": 1}]},
    ],
)
def test_a_report_that_no_page_sends_is_refused(client, told):
    assert post(client, "/api/report", **told).status_code == 400


def test_words_are_read_and_a_denied_finding_is_refused(client):
    read = post(client, "/api/words", words="moderate effusion with meniscus").json()
    assert read["finding"] == "effusion" and "meniscus" in read["ignored"]
    assert read["refused"] is None
    denied = post(client, "/api/words", words="no effusion").json()
    assert "says what is absent" in denied["refused"]


def test_a_side_is_written_into_the_words(client):
    read = post(client, "/api/words", words="left effusion", side="right", zone=None).json()
    assert (read["words"], read["side"]) == ("effusion right", "right")


def payload(client, bits):
    """A drawing as the page sends it: uploaded first, then named."""
    import gzip

    raw = np.ascontiguousarray(bits, "<u4").tobytes()
    packed = gzip.compress(raw)
    sent = client.post(
        "/gradio_api/upload", headers=OURS, files={"files": ("labels.u32.gz", packed)}
    )
    return {
        "v": 1, "doc": "doc", "rev": 1, "w": bits.shape[1], "h": bits.shape[0], "job": "job-region",
        "state": None, "bytes": len(packed), "crc32": zlib.crc32(raw), "findings": [],
        "labels": {"path": sent.json()[0], "meta": {"_type": FILE_DATA}},
    }  # fmt: skip


def test_a_region_is_computed_from_the_drawing_that_was_sent(client):
    bits = np.zeros((64, 64), np.uint32)
    bits[10:50, 36:56] = 1  # the left lung
    answer = post(
        client, "/api/region", finding="effusion", words="effusion", side="left", zone=None,
        drawing=payload(client, bits),
    )  # fmt: skip
    assert answer.status_code == 200 and answer.json()["from"] == "drawing"
    file = client.get(answer.json()["labels"]).json()
    assert (file["w"], file["h"]) == (64, 64)


def test_a_drawing_that_is_no_upload_is_not_opened(client, tmp_path):
    drawing = payload(client, np.zeros((64, 64), np.uint32))
    other = tmp_path / "labels.u32.gz"
    other.write_bytes(Path(drawing["labels"]["path"]).read_bytes())
    drawing["labels"]["path"] = str(other)
    answer = post(client, "/api/region", finding="effusion", drawing=drawing)
    assert answer.status_code == 400 and "was not opened" in answer.json()["detail"]


def failed(desk, id, owner, fault):
    engine = desk.loading.engine
    engine.fails_with = fault
    request = GenerateRequest(report="Left effusion.", sampling=Sampling(seed=41207))
    desk.jobs.submit(id, owner, "generate", (request,), lambda result, asked: 1)
    desk.jobs.wait(id, owner)
    engine.fails_with = None


def test_details_of_a_failure_hold_versions_and_settings_and_no_picture(whole, client, session):
    _, desk = whole
    failed(desk, "job-fail1", session.id, OutOfMemory("graphics card", 11.2, 7.9))
    view = client.get("/api/jobs/job-fail1").json()
    assert view["memory"] == ["graphics card", 11.2, 7.9]
    told = json.loads(client.get("/api/jobs/job-fail1/details").text)
    assert told["request"]["sampling"]["seed"] == 41207
    assert told["software"].startswith("XReal Studio")
    assert told["memory"] == {"device": "graphics card", "needed_gib": 11.2, "free_gib": 7.9}
    assert "sha256" not in json.dumps(told)


def test_nobody_sees_or_stops_the_run_of_another(whole, client, session):
    _, desk = whole
    engine = desk.loading.engine
    engine.gate.clear()
    stranger = "stranger-0123456789-01234"
    try:
        request = (GenerateRequest(),)
        desk.jobs.submit("job-theirs", stranger, "generate", request, lambda r, a: 1)
        desk.jobs.submit("job-mine01", session.id, "generate", request, lambda r, a: 1)
        assert client.get("/api/jobs/job-theirs").json()["state"] == "unknown"
        assert client.get("/api/jobs/job-theirs/preview.png").status_code == 404
        assert client.get("/api/jobs/job-theirs/details").status_code == 404
        mine = client.get("/api/jobs/job-mine01").json()
        assert (mine["state"], mine["ahead"]) == ("queued", 1)
        assert client.post("/api/jobs/job-theirs/stop", headers=OURS).status_code == 204
    finally:
        engine.gate.set()
    assert desk.jobs.wait("job-theirs", stranger).state == "done"
    assert desk.jobs.wait("job-mine01", session.id).state == "done"

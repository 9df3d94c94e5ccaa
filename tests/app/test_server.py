import io

import numpy as np
import pytest
from starlette.testclient import TestClient

from app.document.session import State
from engine.api import EraseRequest, GenerateRequest, Sampling
from engine.provenance import inputs_of, read_recipe, recipe_of, request_of
from tests.app.conftest import COOKIE, PORT
from tests.app.fake_engine import HASHES

HOST = {"host": f"127.0.0.1:{PORT}"}
OURS = {"origin": f"http://127.0.0.1:{PORT}", **HOST}
ME, OTHER = "me-01234567890123456789", "other-01234567890123456789"


@pytest.fixture
def client(whole):
    opened = TestClient(whole[0], base_url=f"http://127.0.0.1:{PORT}", follow_redirects=False)
    opened.cookies.set(COOKIE, ME)
    return opened


@pytest.fixture
def session(whole):
    return whole[1].sessions.of(ME)


def made(session, request=None, image=None):
    """A state that a run made, as the history holds it."""
    request = request or GenerateRequest(sampling=Sampling(seed=3))
    return session.add(
        lambda number: State(
            number=number,
            name="Generated",
            kind="made",
            image=np.full((40, 60), 0.5, np.float32) if image is None else image,
            bits=16,
            origin="synthetic",
            recipe=recipe_of(request, "fake", HASHES),
            inputs=inputs_of(request),
        )
    )


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1", "127.0.0.1:80", ""]
)
def test_a_foreign_host_name_gets_nothing(client, host):
    answer = client.get("/", headers={"host": host})
    assert answer.status_code == 400
    assert "XReal" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": f"http://127.0.0.1:{PORT + 1}"},
        {"origin": f"https://127.0.0.1:{PORT}"},
        {**OURS, "sec-fetch-site": "cross-site"},
        {**OURS, "sec-fetch-site": "same-site"},
        {},
    ],
)
@pytest.mark.parametrize(
    "path",
    [
        "/api/jobs/job-0001/stop",
        "/gradio_api/upload",
        "/gradio_api/run/predict",
        "/api/models/use",
        "/api/models/import",
        "/api/models/remove",
        "/api/models/verify",
    ],
)
def test_only_our_own_page_may_change_anything(whole, client, path, headers):
    answer = client.post(path, headers={**HOST, **headers})

    assert answer.status_code == 403
    assert whole[1].jobs.view("job-0001", ME).state == "unknown"


def test_our_own_page_may_stop_its_run(whole, client):
    answer = client.post("/api/jobs/job-stop1/stop", headers=OURS)

    assert answer.status_code == 204
    assert client.get("/api/jobs/job-stop1").json()["state"] == "stopped"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_not_known(client, method):
    assert client.request(method, "/api/desk", headers=OURS).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/openapi.json", "/docs", "/monitoring", "/gradio_api/info", "/gradio_api/openapi.json",
        "/gradio_api/call/start", "/gradio_api/queue/join", "/gradio_api/api/predict",
        "/gradio_api/proxy=http://127.0.0.1:1/", "/gradio_api/file=http://127.0.0.1:1/",
        "/gradio_api/file=https://example.org/", "/gradio_api/runs", "/gradio_api/run-history",
        "/gradio_api/process_recording", "/gradio_api/dev/reload", "/gradio_api/vibe-editor",
        "/gradio_api/mcp/", "/login", "/logout", "/robots.txt", "/anything",
    ],
)  # fmt: skip
def test_of_gradio_only_what_the_page_uses_exists(client, path):
    assert client.get(path).status_code == 404
    assert client.post(path, headers=OURS).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd", "/proc/self/environ", "../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd", "..\\..\\etc\\passwd",
    ],
)  # fmt: skip
@pytest.mark.parametrize("route", ["/gradio_api/file=", "/page/", "/static/", "/assets/"])
def test_no_file_of_the_computer_can_be_read(client, route, path):
    answer = client.get(route + path)
    assert answer.status_code in (400, 403, 404)
    assert "root:" not in answer.text


def test_the_headers_keep_the_page_to_itself(client):
    answer = client.get("/")

    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "http:" not in answer.headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "private, no-store"


def test_a_new_browser_gets_a_document_of_its_own(whole):
    fresh = TestClient(whole[0], base_url=f"http://127.0.0.1:{PORT}")

    assert fresh.get("/api/desk").status_code == 403
    cookie = fresh.get("/").headers["set-cookie"]

    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert fresh.get("/api/desk").json()["document"] == "Empty"


def test_a_body_that_is_too_large_is_refused(client):
    declared = client.post(
        "/gradio_api/upload", headers={**OURS, "content-length": str(10**12)}, content=b""
    )
    assert declared.status_code == 413


def test_a_picture_is_shown_without_loss(client, session):
    image = np.linspace(0, 1, 60, dtype=np.float32)[None].repeat(40, 0)
    state = made(session, image=image)

    answer = client.get(f"/api/states/{state.number}.png")

    assert answer.headers["content-type"] == "image/png"
    np.testing.assert_array_equal(decoded(answer.content), np.round(image * 255))
    assert decoded(client.get(f"/api/states/{state.number}.png?side=30").content).shape == (20, 30)


def test_pictures_belong_to_the_browser_that_made_them(whole, session):
    state = made(session)
    other = TestClient(whole[0], base_url=f"http://127.0.0.1:{PORT}")
    other.cookies.set(COOKIE, OTHER)

    for path in (f"/api/states/{state.number}.png", f"/api/states/{state.number}/export"):
        assert other.get(path).status_code == 404


def test_the_measures_of_a_picture_are_read_from_it(client, session):
    number = made(session, image=np.full((64, 64), 0.5, np.float32)).number

    answer = client.get(f"/api/states/{number}/measures")

    # The fake engine reads lungs of 1/4 of the width each, 3/4 apart, and a heart of 1/4.
    assert answer.json() == pytest.approx({"ratio": 1 / 3, "left": 0.5, "right": 0.5})
    client.cookies.set(COOKIE, OTHER)
    assert client.get(f"/api/states/{number}/measures").status_code == 204


def test_an_export_carries_its_recipe_and_a_visible_mark(client, session):
    mask = np.zeros((40, 60), np.float32)
    mask[10:20, 10:20] = 1
    image = np.round(np.random.default_rng(0).random((40, 60)) * 65535) / 65535
    request = EraseRequest(image=image.astype(np.float32), mask=mask, sampling=Sampling(seed=9))
    state = made(session, request, image=request.image)

    answer = client.get(f"/api/states/{state.number}/export?mark=strip&bits=16")

    recipe, inputs = read_recipe(answer.content)
    again = request_of(recipe, inputs)
    assert isinstance(again, EraseRequest) and again.sampling.seed == 9
    pixels = decoded(answer.content)
    assert pixels.shape[0] > 40 and pixels.dtype == np.uint16
    np.testing.assert_array_equal(pixels[:40], np.round(request.image * 65535))
    assert "attachment" in answer.headers["content-disposition"]


@pytest.mark.parametrize("query", ["mark=sticker", "bits=12"])
def test_an_export_that_does_not_exist_is_a_sentence(client, session, query):
    answer = client.get(f"/api/states/{made(session).number}/export?{query}")
    assert answer.status_code == 400
    assert answer.text.endswith(".")


def test_templates_are_named_and_drawn(client):
    told = client.get("/api/templates").json()

    names = [template["title"] for template in told["templates"]]
    assert names == ["Average", "Large heart", "Low volumes"]
    assert [s["label"] for s in told["sliders"]][:2] == ["Heart size", "Lung volume"]
    shown = decoded(client.get("/api/templates/0.png?side=120").content)
    assert shown.shape[:2] == (120, 120) and shown.any()
    assert client.get("/api/templates/9.png").status_code == 404


def test_a_template_is_drawn_with_the_sliders_of_its_address(client):
    def heart(query):
        picture = decoded(client.get(f"/api/templates/0.png?side=128&{query}").content)
        return int((picture[..., 0] > 2 * picture[..., 2]).sum())  # the heart alone is orange

    assert heart("ratio=0.6") > heart("ratio=0.45") > 0


@pytest.mark.parametrize("query", ["ratio=9", "volume=nan", "habitus=wide", "rotation=-1e9"])
def test_sliders_that_make_no_chest_are_refused_in_a_sentence(client, query):
    answer = client.get(f"/api/templates/0.png?{query}")

    assert answer.status_code == 400
    assert answer.text.endswith(".")


def decoded(data):
    from PIL import Image

    return np.array(Image.open(io.BytesIO(data)))

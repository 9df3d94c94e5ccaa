"""What is sent to the server, and what is asked of it by a name: paths, addresses, sizes."""

import http.client
import http.server
import socket
import threading
from urllib.parse import quote

import pytest

from app.access import bodies
from app.canvas.drawing import FILE_DATA
from tests.security.server import Person

CANARY = "canary of a secret file 4711"
# Above what is served, as paths can be written; {} is a whole path.
FORMS = [
    "{}", "/{}", "//{}", "..{}", "../..{}", "/../../..{}", "%2e%2e{}", "%2e%2e/%2e%2e{}",
    "%252e%252e{}", "..%2f..%2f{}", "....//....//{}", "..\\..\\{}", "%5c..%5c{}", "\\{}", "C:\\{}",
    "C:{}", "file://{}", "file:{}", "%00{}", "{}%00.css", "page.css/..{}", "page.css/../..{}",
    "./{}", "./././..{}", "~{}", "//127.0.0.1{}", "\\\\127.0.0.1{}", "{}?", "{}%23", "..;{}",
]  # fmt: skip
PLACES = ["/page/", "/static/", "/assets/", "/read/files/", "/gradio_api/file=", "/svelte/",
          "/gradio_api/file/", "/api/documents/", "/api/drawings/", "/api/examples/"]  # fmt: skip


@pytest.fixture
def ada(served):
    return Person(served, "ada")


@pytest.fixture(scope="module")
def secrets(served, tmp_path_factory):
    """What must never be read: outside, in the data folder, behind a link in the cache."""
    outside = tmp_path_factory.mktemp("outside") / "secret.txt"
    outside.write_text(CANARY)
    study = served.desk.settings.studies / "answers.sqlite"
    study.parent.mkdir(parents=True, exist_ok=True)
    study.write_text(CANARY)
    link = served.desk.settings.temp / "link.txt"
    link.symlink_to(outside)
    return [outside, study, link, served.desk.settings.users]


def raw(served, ada, path):
    """A GET exactly as written; clients tidy paths up."""
    connection = http.client.HTTPConnection("127.0.0.1", served.desk.settings.port, timeout=60)
    cookies = "; ".join(f"{one.name}={one.value}" for one in ada.http.cookies.jar)
    try:
        connection.putrequest("GET", path, skip_accept_encoding=True)
        connection.putheader("Cookie", cookies)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


@pytest.mark.case(4)
@pytest.mark.parametrize("place", PLACES)
def test_no_form_of_a_path_leads_out(served, ada, secrets, place):
    for target in (*map(str, secrets), "/etc/passwd", "/proc/self/environ"):
        for form in FORMS:
            status, text = raw(served, ada, quote(place + form.format(target), safe="/%=:?;~\\"))
            assert status in (400, 403, 404), (form, target, status)
            assert CANARY not in text and "root:" not in text and "argon2id" not in text


def drawing(path, **more):
    """A drawing whose planes are a file or an address of the sender's choice."""
    file = {"path": path, "meta": {"_type": FILE_DATA}, **more}
    return {
        "v": 1, "doc": "d", "rev": 1, "job": "job-0001", "state": None, "w": 8, "h": 8, "crc32": 0,
        "findings": [], "labels": file,
    }  # fmt: skip


def every_event(ada, value):
    """All that Gradio answers where every input of every event is ``value``."""
    heard = []
    for one in ada.get("/config").json()["dependencies"]:
        if one["backend_fn"]:
            values = [value] * len(one["inputs"])
            heard.append(ada.event(one["id"], values, f"window{one['id']}", event_data=value).text)
    assert len(heard) > 5
    return heard


def files_in(folder):
    return sorted(str(path) for path in folder.rglob("*") if path.is_file())


@pytest.mark.case(5)
def test_a_path_in_place_of_an_upload_is_not_read_by_any_event(served, ada, secrets):
    before = files_in(served.desk.settings.temp)
    for target in map(str, secrets):
        for value in (drawing(target), drawing(target)["labels"]):
            for heard in every_event(ada, value):
                assert CANARY not in heard and "argon2id" not in heard and "Traceback" not in heard
        answer = ada.post("/api/region", json={"finding": "effusion", "drawing": drawing(target)})
        assert answer.status_code == 400 and "was not opened" in answer.text
    assert files_in(served.desk.settings.temp) == before


@pytest.fixture
def elsewhere():
    """An address on this computer that counts who asks, and leads on to itself."""
    asked = []

    class Counting(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(302)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/again")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, asked
    server.shutdown()
    server.server_close()


@pytest.mark.case(6)
@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:{}/a", "http://localhost:{}/a", "http://[::1]:{}/a",
     "http://2130706433:{}/a", "http://169.254.169.254/latest/meta-data", "//127.0.0.1:{}/a"],
)  # fmt: skip
def test_an_address_in_place_of_a_file_is_never_asked(served, ada, elsewhere, address):
    port, asked = elsewhere
    address = address.format(port)
    for value in (drawing(address), drawing("/nothing", url=address), address):
        every_event(ada, value)
        ada.post("/api/region", json={"finding": "effusion", "drawing": value})
    for place in ("/gradio_api/file=", "/gradio_api/proxy="):
        assert raw(served, ada, place + address)[0] in (400, 404)

    assert asked == []


@pytest.fixture
def small(monkeypatch):
    """The same limits, in thousands of bytes instead of millions."""
    found = tuple((route, most // 1000) for route, most in bodies.LARGEST)
    monkeypatch.setattr(bodies, "LARGEST", found)


PATHS = ["/gradio_api/upload", "/api/files", "/api/folder", "/api/save", "/api/report"]


def in_pieces(size):
    """A body that does not say how long it is."""
    for _ in range(size // 1000):
        yield b"x" * 1000


def test_the_limits_are_what_the_manual_says():
    def most(path):
        return next(most for route, most in bodies.LARGEST if route.fullmatch(path))

    assert most("/api/files") == 520_000_000  # a project of 500 MB, and room
    assert most("/gradio_api/upload") == 70_000_000
    assert most("/api/report") == most("/gradio_api/run/predict") == 16_000_000
    assert most("/login") == 10_000


@pytest.mark.case(9)
@pytest.mark.parametrize("path", PATHS)
def test_what_says_that_it_is_too_large_is_refused_unread(served, ada, path):
    before = files_in(served.desk.settings.data)
    with socket.create_connection(("127.0.0.1", served.desk.settings.port), timeout=60) as talk:
        cookies = "; ".join(f"{one.name}={one.value}" for one in ada.http.cookies.jar)
        lines = [
            f"POST {path} HTTP/1.1", f"Host: {ada.url[7:]}", f"Origin: {ada.url}",
            f"Cookie: {cookies}", "Content-Length: 520000001", "Content-Type: text/plain", "", "",
        ]  # fmt: skip
        talk.sendall("\r\n".join(lines).encode())
        assert b" 413 " in talk.recv(1000).partition(b"\r\n")[0]
    assert files_in(served.desk.settings.data) == before


@pytest.mark.case(9)
@pytest.mark.parametrize("path", PATHS)
def test_what_turns_out_to_be_too_large_is_refused_and_leaves_nothing(served, ada, small, path):
    before = files_in(served.desk.settings.data)
    kind = {"content-type": "application/json"} if path == "/api/report" else {}
    if path == "/gradio_api/upload":
        answer = ada.post(path, files={"files": ("labels.u32.gz", b"x" * 71_000)})
    else:
        answer = ada.post(path, content=in_pieces(530_000), headers=kind)

    assert answer.status_code == 413 and "Traceback" not in answer.text
    assert files_in(served.desk.settings.data) == before
    assert ada.get("/api/desk").status_code == 200


@pytest.mark.case(9)
@pytest.mark.parametrize("count", [9, 1000])
def test_many_files_at_once_are_refused_and_leave_nothing(served, ada, count):
    before = files_in(served.desk.settings.data)
    files = [("files", (f"labels{n}", b"x" * 100)) for n in range(count)]

    assert ada.post("/gradio_api/upload", files=files).status_code == 413
    assert files_in(served.desk.settings.data) == before


@pytest.mark.case(9)
@pytest.mark.parametrize("path", PATHS[:-1])
def test_a_body_without_end_is_given_up_and_leaves_nothing(served, ada, monkeypatch, path):
    monkeypatch.setattr(bodies, "SLOWEST", 0.5)
    before = files_in(served.desk.settings.data)
    cookies = "; ".join(f"{one.name}={one.value}" for one in ada.http.cookies.jar)
    part = '--b\r\nContent-Disposition: form-data; name="files"; filename="labels"\r\n\r\nabc'
    lines = [
        f"POST {path} HTTP/1.1", f"Host: {ada.url[7:]}", f"Origin: {ada.url}", f"Cookie: {cookies}",
        "Content-Length: 60000", "Content-Type: multipart/form-data; boundary=b", "", part,
    ]  # fmt: skip
    with socket.create_connection(("127.0.0.1", served.desk.settings.port), timeout=60) as talk:
        talk.sendall("\r\n".join(lines).encode())
        answer = talk.recv(1000)

    assert b" 408 " in answer.partition(b"\r\n")[0]
    assert files_in(served.desk.settings.data) == before


@pytest.mark.case(13)
@pytest.mark.parametrize("name", ["start", "asked", "told", "opened", "predict"])
def test_events_are_asked_in_the_one_way_of_the_page(ada, name):
    for path in (f"/call/{name}", f"/api/{name}", f"/call/v2/{name}", "/queue/join"):
        body = {"data": [], "fn_index": 0, "session_hash": "mine"}
        assert ada.post(f"/gradio_api{path}", json=body).status_code == 404


@pytest.mark.case(13)
@pytest.mark.parametrize(
    "body", [b"", b"[]", b"7", b"{", b'{"data": 1}', b'{"fn_index": 999}', b"[" * 20_000, b"\xff"]
)
def test_events_that_no_page_sends_are_refused_without_a_trace(ada, body):
    answer = ada.post("/gradio_api/run/predict", content=body)

    assert 400 <= answer.status_code < 501
    assert "Traceback" not in answer.text and "site-packages" not in answer.text


def test_what_fails_unexpectedly_is_a_number_on_the_screen_and_a_place_in_the_log(
    served, ada, monkeypatch, caplog
):
    def breaks(session):
        raise ValueError("DOE^JOHN in '/home/secret/film.dcm'")

    monkeypatch.setattr(served.desk, "status", breaks)
    answer = ada.get("/api/desk")

    assert answer.status_code == 500
    number = answer.text.rpartition("Incident ")[2].strip(".")
    assert answer.text.startswith("Something failed in the program.")
    assert f"incident {number}" in caplog.text and "ValueError" in caplog.text
    for text in (answer.text, caplog.text.partition("Traceback")[0]):
        assert "DOE" not in text and "secret" not in text


@pytest.mark.parametrize("path", ["/api/states/1.png", "/api/states/1/export", "/api/desk"])
def test_pictures_and_what_is_known_of_them_are_kept_by_no_cache(served, ada, path):
    assert ada.get(path).headers["cache-control"] == "private, no-store"

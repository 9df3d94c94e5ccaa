"""Every live route against the table of ``routes.py``: who gets what, and who gets nothing."""

import pytest

from tests.security.routes import ALL, PREFIXES, ROUTES, Need, live_routes, need_of
from tests.security.server import OURS, browser, concrete, logged_in, server_with_users

SERVED = [(m, p, n) for (m, p), n in ROUTES.items() if n is not Need.CLOSED]
CLOSED = [(m, p) for (m, p), n in ROUTES.items() if n is Need.CLOSED]
POSTS = [path for method, path, _ in SERVED if method == "POST"]
# Answers without an end; what they give to whom is in test_two_users.py.
STREAMS = ("/gradio_api/heartbeat/{session_hash}",)


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    found, desk = server_with_users(tmp_path_factory.mktemp("data"))
    yield found
    desk.jobs.close()


@pytest.fixture(scope="module")
def anonymous(app):
    return browser(app)


@pytest.fixture(scope="module")
def ada(app):
    return logged_in(app, "ada")


def ask(client, method, path, **headers):
    method = "GET" if method == ALL else method
    ours = OURS if method == "POST" else {}
    return client.request(method, concrete(path), headers={**ours, **headers})


def test_every_live_route_is_in_the_table(app):
    found = list(live_routes(app.app))

    assert len(found) > 90  # Gradio's are among them
    assert [route for route in found if need_of(*route) is None] == []


def test_the_table_names_no_route_that_is_gone(app):
    assert set(ROUTES) - set(live_routes(app.app)) == set()


@pytest.mark.case(10)
@pytest.mark.parametrize(("method", "path", "need"), SERVED)
def test_without_a_login_only_the_login_page_answers(anonymous, method, path, need):
    answer = ask(anonymous, method, path)

    if need is Need.NOTHING:
        assert answer.status_code not in (403, 303) and "logged out" not in answer.text
    else:
        assert answer.status_code == 401
        assert "logged out" in answer.text or method == "HEAD"


@pytest.mark.case(10)
@pytest.mark.parametrize("prefix", PREFIXES)
def test_the_families_of_routes_are_open_or_need_a_login_as_a_whole(anonymous, prefix):
    expected = {404, 200} if PREFIXES[prefix] is Need.CODE else {401}
    for path in (prefix, f"{prefix}/anything"):
        assert anonymous.get(path).status_code in expected


@pytest.mark.case(10)
@pytest.mark.parametrize("path", ["/", "/models", "/password", "/studies"])
def test_a_person_without_a_login_is_led_to_the_login_page(anonymous, path):
    answer = anonymous.get(path, headers={"accept": "text/html"})

    assert answer.status_code == 303
    assert answer.headers["location"] == ("/login" if path == "/" else f"/login?next={path}")


@pytest.mark.case(13)
@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_what_the_page_does_not_need_does_not_exist(anonymous, ada, method, path):
    for client in (anonymous, ada):
        assert ask(client, method, path).status_code == 404


@pytest.mark.parametrize(("method", "path", "need"), SERVED)
def test_a_login_opens_what_it_should(ada, method, path, need):
    if path in STREAMS or (method, path) in [("POST", "/logout"), ("POST", "/login")]:
        pytest.skip("answers without an end, or ends the login")
    answer = ask(ada, method, path)

    if need is Need.LOOPBACK:
        assert answer.status_code == 403
    else:
        assert answer.status_code not in (403, 303, 405) and "logged out" not in answer.text


@pytest.mark.case(8)
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_under_another_host_name_nothing_answers(ada, method, path):
    for host in ("evil.example", "127.0.0.1.evil.example", "127.0.0.1", "127.0.0.1:80", ""):
        assert ask(ada, method, path, host=host).status_code == 400


@pytest.mark.case(7)
@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:7862"},
        {"origin": "https://127.0.0.1:7861"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_what_another_page_asks_is_refused(ada, path, headers):
    assert ask(ada, "POST", path, **headers).status_code == 403


@pytest.mark.case(7)
@pytest.mark.parametrize("path", POSTS)
def test_what_no_page_asks_is_refused(ada, path):
    assert ada.post(concrete(path)).status_code == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_do_not_exist(ada, method):
    for path in ("/", "/api/desk", "/login", "/gradio_api/upload"):
        assert ada.request(method, path, headers=OURS).status_code == 405


def test_every_answer_carries_the_headers_that_keep_the_page_to_itself(anonymous, ada):
    for client in (anonymous, ada):
        for path in ("/", "/login", "/api/desk", "/gradio_api/info", "/nothing", "/page/page.css"):
            headers = client.get(path).headers
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert "http" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["cache-control"] == "private, no-store"

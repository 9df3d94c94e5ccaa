"""Behind a proxy: only it may come, it says who it speaks for, and browsers come by TLS."""

import pytest
from starlette.testclient import TestClient

from app.access.origins import hosts_of
from app.access.users import Users
from app.settings import Settings, read
from tests.app.fake_engine import FakeEngine
from tests.app.served import application
from tests.security.server import PASSWORDS

NAME, PROXY = "xray.example.org", "10.0.0.5"
OURS = {"origin": f"https://{NAME}"}
TOLD = {"name": "ada", "password": PASSWORDS["ada"]}


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    settings = Settings(
        port=7862, host="10.0.0.6", data=tmp_path_factory.mktemp("data"), names=(NAME,), proxy=PROXY
    )
    Users(settings.users).add("ada", PASSWORDS["ada"])
    found, desk = application(FakeEngine(), settings)
    yield found
    desk.jobs.close()


def by(app, address, **keywords):
    """Requests as the proxy hands them on: in the clear, under the name that browsers use."""
    return TestClient(
        app, base_url=f"http://{NAME}", client=(address, 40000), follow_redirects=False, **keywords
    )


@pytest.mark.case(2)
def test_who_comes_past_the_proxy_gets_nothing(app):
    for address in ("10.0.0.7", "127.0.0.1", "::1"):
        assert by(app, address).get("/login").status_code == 403
    assert by(app, PROXY).get("/login").status_code == 200


def test_the_page_is_one_of_tls(app):
    client = by(app, PROXY)
    answer = client.post("/login", data=TOLD, headers=OURS)

    assert answer.status_code == 204
    assert answer.headers["set-cookie"].startswith("__Host-") and "Secure" in str(answer.headers)
    assert "strict-transport-security" in answer.headers
    assert client.post("/login", data=TOLD, headers={"origin": f"http://{NAME}"}).status_code == 403
    cookie = answer.headers["set-cookie"].partition(";")[0]
    page = client.get("/", headers={"cookie": cookie})
    assert page.status_code == 200
    assert f"http://{NAME}" not in page.text


@pytest.mark.case(8)
def test_what_is_said_of_the_host_on_the_way_is_not_believed(app):
    client = by(app, PROXY)
    cookie = client.post("/login", data=TOLD, headers=OURS).headers["set-cookie"].partition(";")[0]
    said = {"x-forwarded-host": "evil.example", "x-gradio-server": "http://evil.example/"}

    for path in ("/", "/config"):
        answer = client.get(path, headers={"cookie": cookie, **said})
        assert answer.status_code == 200 and "evil.example" not in answer.text


@pytest.mark.case(3)
def test_a_browser_cannot_choose_the_address_by_which_it_is_slowed_down(app, monkeypatch):
    seen = []
    monkeypatch.setattr(app.door.throttle, "failed", lambda name, address: seen.append(address))
    client = by(app, PROXY)
    for told in ("198.51.100.1", "1.2.3.4, 198.51.100.1", "rubbish", ""):
        client.post("/login", data=TOLD, headers={**OURS, "x-forwarded-for": told})

    assert seen == ["198.51.100.1", "198.51.100.1", PROXY, PROXY]


@pytest.mark.case(3)
def test_without_a_proxy_what_is_said_of_the_address_counts_for_nothing(tmp_path):
    from tests.security.server import browser, server_with_users
    from tests.security.server import log_in as log_in_directly

    app, desk = server_with_users(tmp_path)
    seen = []
    app.door.throttle.failed = lambda name, address: seen.append(address)
    client = browser(app, client=("192.0.2.9", 1), headers={"x-forwarded-for": "1.2.3.4"})
    log_in_directly(client, "ada")
    desk.jobs.close()

    assert seen == ["192.0.2.9"]


@pytest.mark.case(8)
@pytest.mark.parametrize(
    ("argv", "hosts"),
    [
        ([], {"localhost:7860", "127.0.0.1:7860", "[::1]:7860"}),
        (["--port", "80"], {"localhost", "127.0.0.1", "[::1]", "localhost:80", "127.0.0.1:80",
                            "[::1]:80"}),
        (["--behind-proxy", "--name", "a.org", "--name", "b.org:8443"], {"a.org", "b.org:8443"}),
        (["--host", "192.168.0.7", "--certificate", "c", "--key", "k"], {"192.168.0.7:7860"}),
        (["--host", "0.0.0.0", "--name", "a.org", "--certificate", "c", "--key", "k", "--port",
          "443"], {"a.org", "a.org:443"}),
    ],
)  # fmt: skip
def test_the_names_under_which_the_page_is_served(argv, hosts):
    assert hosts_of(read(argv, {})) == hosts

"""Others than this computer come in by users and TLS only, or not at all."""

import os
import ssl
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from app.access import certificates, starting
from app.access.users import Users
from app.main import main
from app.settings import Unsuitable, read
from tests.app.access.selfsigned import pair

PASSWORD = "correct horse battery staple"
DAY = timedelta(days=1)


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("XREAL_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def add_user(data):
    Users(data / "users.json").add("ada", PASSWORD)


def refused(argv):
    """The sentence with which the start is refused."""
    with pytest.raises(Unsuitable) as why:
        starting.checked(read(argv, os.environ))
    return str(why.value)


@pytest.mark.case(2)
@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.7", "::"])
def test_another_address_needs_users_and_tls(data, tmp_path, host):
    certificate, key = pair(tmp_path)
    tls = ["--certificate", str(certificate), "--key", str(key), "--name", "xray.example.org"]

    assert "--certificate" in refused(["--host", host])
    assert "users add" in refused(["--host", host, *tls])
    add_user(data)
    assert "--certificate" in refused(["--host", host])
    settings = read(["--host", host, *tls], os.environ)
    said = starting.checked(settings)
    assert any("valid until" in sentence for sentence in said)
    assert settings.address == "https://xray.example.org:7860/"


@pytest.mark.case(2)
def test_the_program_ends_with_2_and_says_what_to_do(data, capsys):
    assert main(["--host", "0.0.0.0"]) == 2
    assert "python -m app users add NAME" in capsys.readouterr().err


@pytest.mark.case(2)
def test_a_proxy_needs_users_and_a_name(data):
    assert "--name" in refused(["--behind-proxy"])
    assert "users add" in refused(["--behind-proxy", "--name", "xray.example.org"])
    add_user(data)
    settings = read(["--behind-proxy", "--name", "Xray.example.org"], os.environ)
    starting.checked(settings)
    assert settings.proxy == "127.0.0.1"
    assert settings.address == "https://xray.example.org/"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--host", "xray.example.org"], "--name"),
        (["--certificate", "a.crt"], "belong together"),
        (["--behind-proxy", "proxy.example.org", "--name", "a"], "address of the proxy"),
        (["--behind-proxy", "--name", "a", "--certificate", "a", "--key", "b"], "Either"),
        (["--behind-proxy", "--name", "https://xray.example.org/"], "no such name"),
        (["--behind-proxy", "--name", "*"], "no such name"),
    ],
)
def test_options_that_do_not_fit_together_are_said(data, argv, said):
    assert said in refused(argv)


def test_a_certificate_says_until_when_it_is_valid(tmp_path):
    now = datetime.now(UTC)
    found = certificates.checked(*pair(tmp_path, begins=-2, ends=400))

    assert abs(found.ends - now - 400 * DAY) < DAY
    assert abs(found.begins - now + 2 * DAY) < DAY
    assert certificates.remark(found, found.ends - 100 * DAY).endswith("(100 days).")
    assert certificates.remark(found, found.ends - 10 * DAY).endswith("Have it renewed soon.")


def test_a_certificate_beyond_2050_is_read(tmp_path):
    found = certificates.checked(*pair(tmp_path, ends=365 * 40))
    assert found.ends.year > 2060


@pytest.mark.parametrize(
    ("begins", "ends", "said"), [(-30, -1, "expired on"), (1, 30, "in the future")]
)
def test_a_certificate_that_is_not_valid_now_is_refused_with_the_day(tmp_path, begins, ends, said):
    with pytest.raises(Unsuitable, match=said):
        certificates.checked(*pair(tmp_path, begins=begins, ends=ends))


def test_a_key_of_another_certificate_is_refused(tmp_path):
    certificate, _ = pair(tmp_path, "one", key=0)
    _, key = pair(tmp_path, "other", key=1)

    with pytest.raises(Unsuitable, match="does not belong"):
        certificates.checked(certificate, key)


def test_what_is_no_certificate_is_refused(tmp_path):
    certificate, key = pair(tmp_path)
    certificate.write_text("hello")
    with pytest.raises(Unsuitable, match="PEM"):
        certificates.checked(certificate, key)
    with pytest.raises(Unsuitable, match="cannot be read"):
        certificates.checked(tmp_path / "none.crt", key)


@pytest.mark.skipif(os.name != "posix", reason="rights of files are those of POSIX")
def test_a_key_that_everybody_can_read_is_refused(tmp_path):
    certificate, key = pair(tmp_path)
    key.chmod(0o644)
    with pytest.raises(Unsuitable, match="chmod"):
        certificates.checked(certificate, key)


@pytest.mark.skipif(os.name != "posix", reason="rights of files are those of POSIX")
def test_a_file_of_users_that_others_can_read_is_refused(data):
    add_user(data)
    (data / "users.json").chmod(0o640)
    assert "chmod 600" in refused([])


def test_a_damaged_file_of_users_stops_the_start_and_is_kept(data):
    add_user(data)
    (data / "users.json").write_text("{")
    assert "backup" in refused([])
    assert (data / "users.json").read_text() == "{"


def test_the_page_is_served_by_tls_with_secure_cookies(data, tmp_path):
    """The real server on a real socket, with a certificate of ours."""
    from tests.app.fake_engine import FakeEngine
    from tests.app.served import serving

    certificate, key = pair(tmp_path)
    add_user(data)
    with serving(FakeEngine(), data, certificate=certificate, key=key) as served:
        trust = ssl.create_default_context(cafile=str(certificate))
        with httpx.Client(base_url=served.url, verify=trust) as client:
            ours = {"origin": served.url.rstrip("/")}
            told = {"name": "ada", "password": PASSWORD}
            answer = client.post("/login", data=told, headers=ours)
            cookie = answer.headers["set-cookie"]
            assert cookie.startswith("__Host-xreal_login") and "Secure" in cookie
            assert answer.headers["strict-transport-security"].startswith("max-age=")
            page = client.get("/")
            assert page.status_code == 200 and "http://" + served.url[8:] not in page.text
            plain = {"origin": served.url.replace("https", "http").rstrip("/")}
            assert client.post("/logout", headers=plain).status_code == 403
            assert client.post("/logout", headers=ours).status_code == 204
            assert client.get("/api/desk").status_code == 401

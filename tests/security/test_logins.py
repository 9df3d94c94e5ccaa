"""Logging in: wrong passwords are slow, tell nothing, and old logins end."""

import pytest

from app.access import passwords
from app.access.door import Door, TooManyAttempts
from app.access.logins import IDLE, LONGEST
from app.access.throttle import Throttle
from app.access.users import Users
from app.settings import Settings
from tests.security.server import (
    OURS,
    PASSWORDS,
    PORT,
    browser,
    log_in,
    logged_in,
    server_with_users,
)  # fmt: skip

WRONG = "not the password at all"


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def door(tmp_path, clock):
    settings = Settings(port=PORT, data=tmp_path)
    for name, password in PASSWORDS.items():
        Users(settings.users).add(name, password)
    return Door(settings, clock)


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    found, desk = server_with_users(tmp_path_factory.mktemp("data"))
    yield found
    desk.jobs.close()


def guess(door, name="ada", address="192.0.2.1", password=WRONG):
    """Whether it was looked at, or the seconds to wait."""
    try:
        return door.check(name, password, address)
    except TooManyAttempts as error:
        return error.seconds


# -- slow ---------------------------------------------------------------------------------------


@pytest.mark.case(3)
@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_wrong_passwords_wait_longer_and_longer_whether_the_name_exists_or_not(door, clock, name):
    waits = []
    for _ in range(20):
        found = guess(door, name)
        while found is not None:
            waits.append(found)
            clock.now += found
            found = guess(door, name)

    assert waits[:8] == [1, 2, 4, 8, 16, 32, 64, 128]
    assert max(waits) == 900


@pytest.mark.case(3)
def test_the_right_password_waits_too_and_is_taken_then(door, clock):
    for _ in range(5):
        assert guess(door) is None

    assert guess(door, password=PASSWORDS["ada"]) == 1
    clock.now += 1
    assert guess(door, password=PASSWORDS["ada"]).name == "ada"
    assert guess(door) is None  # what was mistyped before is forgotten


@pytest.mark.case(3)
def test_guessing_at_many_names_from_one_computer_is_slowed_down(door):
    found = [guess(door, f"name{number}") for number in range(25)]

    assert found[:20] == [None] * 20
    assert found[20:] == [1] * 5
    assert guess(door, "name0", "192.0.2.2") is None


@pytest.mark.case(3)
def test_guessing_at_one_name_from_many_computers_is_slowed_down_but_does_not_lock(door, clock):
    for number in range(40):
        clock.now += guess(door, "ada", f"198.51.100.{number}") or 0

    wait = guess(door, "ada", "192.0.2.1", PASSWORDS["ada"])
    assert 1 <= wait <= 30
    clock.now += wait
    assert guess(door, "ada", "192.0.2.1", PASSWORDS["ada"]).name == "ada"


def test_one_computer_with_many_addresses_of_ipv6_counts_as_one(door):
    for number in range(20):
        guess(door, f"name{number}", f"2001:db8::{number:x}")

    assert guess(door, "other", "2001:db8::ffff") == 1
    assert guess(door, "other", "2001:db9::1") is None


def test_a_colleague_who_logs_in_does_not_undo_what_their_computer_guessed(door):
    for number in range(19):
        guess(door, f"name{number}")
    assert guess(door, "bob", password=PASSWORDS["bob"]).name == "bob"

    assert guess(door, "another") is None
    assert guess(door, "ada") == 1


def test_what_was_mistyped_long_ago_is_forgotten(door, clock):
    for _ in range(5):
        guess(door)
    clock.now += 1000

    assert [guess(door) for _ in range(4)] == [None] * 4


# -- silent -------------------------------------------------------------------------------------


@pytest.mark.case(3)
def test_a_wrong_name_and_a_wrong_password_are_answered_alike(app):
    client = browser(app, client=("192.0.2.10", 1))
    known, unknown = log_in(client, "ada", WRONG), log_in(client, "nobody", WRONG)

    assert (known.status_code, known.content) == (unknown.status_code, unknown.content)
    assert (known.status_code, known.text) == (401, "The name or the password is not right.")
    assert sorted(known.headers.items()) == sorted(unknown.headers.items())


@pytest.mark.case(3)
def test_an_unknown_name_costs_the_same_work(door, monkeypatch):
    """Not timed here: the same function does the same number of passes over the same memory."""
    asked = []
    verify = type(passwords._hasher).verify

    def seen(hasher, kept, password):
        asked.append((kept.rpartition("$")[0].rpartition("$")[0], len(kept)))
        return verify(hasher, kept, password)

    monkeypatch.setattr(type(passwords._hasher), "verify", seen)
    guess(door, "ada")
    guess(door, "nobody", "192.0.2.2")

    assert len(asked) == 2 and asked[0] == asked[1]


@pytest.mark.case(3)
def test_the_refusal_says_how_long_to_wait(app, clock, monkeypatch):
    monkeypatch.setattr(app.door, "throttle", Throttle(clock))
    client = browser(app, client=("192.0.2.20", 1))
    answers = [log_in(client, "carol", WRONG) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert answers[5].headers["retry-after"] == "1"
    assert answers[5].text == "Too many attempts. Try again in 1 s."


# -- logins that end ----------------------------------------------------------------------------


def token_of(door, name="ada"):
    return door.logins.begin(door.users.named(name))


def test_a_login_ends_after_half_an_hour_of_nothing(door, clock):
    token = token_of(door)
    for _ in range(5):
        clock.now += IDLE - 1
        assert door.logins.user(token).name == "ada"
    clock.now += IDLE - 1
    assert door.logins.user(token, active=False).name == "ada"  # a page that only polls
    clock.now += 2

    assert door.logins.user(token) is None


def test_a_login_ends_after_twelve_hours_of_work(door, clock):
    token = token_of(door)
    for _ in range(int(LONGEST // 1000)):
        clock.now += 1000
        assert door.logins.user(token) is not None
    clock.now += LONGEST % 1000 + 1

    assert door.logins.user(token) is None


def test_logging_in_elsewhere_ends_the_login_here(door):
    first, second = token_of(door), token_of(door)
    other = token_of(door, "bob")

    assert door.logins.user(first) is None
    assert door.logins.user(second).name == "ada" and door.logins.user(other).name == "bob"


@pytest.mark.parametrize("change", ["passwd", "remove"])
def test_another_process_that_changes_the_users_ends_logins_at_once(door, change):
    token, bobs = token_of(door), token_of(door, "bob")
    elsewhere = Users(door.users.path)
    if change == "passwd":
        elsewhere.change("ada", "an entirely different password")
    else:
        elsewhere.remove("ada")

    assert door.logins.user(token) is None
    assert door.logins.user(bobs).name == "bob"


def test_a_name_that_is_given_again_does_not_inherit(door):
    before = door.users.named("ada").owner
    door.users.remove("ada")
    door.users.add("ada", PASSWORDS["ada"])

    assert door.users.named("ada").owner != before


def test_nobody_is_logged_in_while_the_users_cannot_be_read(door):
    token = token_of(door)
    door.users.path.write_text("{")

    assert door.logins.user(token) is None


def test_a_restart_logs_out_and_keeps_the_documents(tmp_path):
    first, desk = server_with_users(tmp_path)
    ada = logged_in(first, "ada")
    title = desk.sessions.of(Users(desk.settings.users).named("ada").owner)
    title.report = "Left effusion."
    desk.sessions.save(title)
    desk.jobs.close()
    from tests.app.fake_engine import FakeEngine
    from tests.app.served import application

    second, desk = application(FakeEngine(), desk.settings)
    old = browser(second)
    old.cookies = ada.cookies
    assert old.get("/api/desk").status_code == 401
    again = logged_in(second, "ada")
    assert [d["open"] for d in again.get("/api/documents").json()] == [True]
    desk.jobs.close()


# -- over HTTP ----------------------------------------------------------------------------------


def test_the_cookie_of_a_login_is_for_the_server_only(app):
    answer = log_in(browser(app), "ada")
    cookie = answer.headers["set-cookie"]

    assert answer.status_code == 204
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Max-Age" not in cookie


def test_logging_out_ends_the_login_and_empties_the_browser(app):
    ada = logged_in(app, "ada")
    token = dict(ada.cookies)
    answer = ada.post("/logout", headers=OURS)

    assert answer.status_code == 204
    assert answer.headers["clear-site-data"] == '"cache", "storage"'
    stolen = browser(app, cookies=token)
    assert stolen.get("/api/desk").status_code == 401


def test_another_password_ends_the_old_login_and_begins_a_new_one(tmp_path):
    app, desk = server_with_users(tmp_path)
    ada = logged_in(app, "ada")
    old = browser(app, cookies=dict(ada.cookies))
    new = "another long and quiet phrase"

    def change(password, new):
        return ada.post("/password", data={"password": password, "new": new}, headers=OURS)

    assert change(WRONG, new).status_code == 401
    assert "12 to 256 letters" in change(PASSWORDS["ada"], "short").text
    assert change(PASSWORDS["ada"], new).status_code == 204
    assert ada.get("/api/account").json()["name"] == "ada"
    assert old.get("/api/desk").status_code == 401
    assert log_in(browser(app), "ada").status_code == 401
    assert log_in(browser(app), "ada", new).status_code == 204
    desk.jobs.close()


def test_names_may_be_typed_in_capitals(app):
    assert log_in(browser(app), "Bob", PASSWORDS["bob"]).status_code == 204


def test_a_body_that_is_no_form_is_refused(app):
    client = browser(app, client=("192.0.2.30", 1))
    for body in (b"\xff\xfe", b"a&b", b"&".join(b"name=%d" % n for n in range(9))):
        assert client.post("/login", content=body, headers=OURS).status_code == 400
    assert client.post("/login", content=b"x" * 20_000, headers=OURS).status_code == 413


@pytest.mark.parametrize("name", ["a" * 5000, "ada\n", "ada\0", "../ada", "Ada Lovelace", ""])
def test_no_name_breaks_the_login(app, name):
    client = browser(app, client=("192.0.2.40", 1))
    assert log_in(client, name, WRONG).status_code in (401, 413)

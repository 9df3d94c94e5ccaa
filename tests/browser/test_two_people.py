"""Two people with logins, in real browsers at one server, and one after the other at one."""

import pytest

from app.access.users import Users
from tests.app.fake_engine import FakeEngine
from tests.app.served import serving

PASSWORDS = {"ada": "correct horse battery staple", "bob": "seven quiet lanterns walking"}
WAIT = 120_000  # ms; the machine may be busy


@pytest.fixture
def served(tmp_path):
    for name, password in PASSWORDS.items():
        Users(tmp_path / "users.json").add(name, password)
    with serving(FakeEngine(), tmp_path) as found:
        yield found


@pytest.fixture
def room(browser):
    """A browser of its own for each person: new_page() gives a page and who watches its faults."""
    opened = []

    def enter():
        context = browser.new_context(viewport={"width": 1280, "height": 720})
        page = context.new_page()
        page.set_default_timeout(WAIT)
        opened.append(context)
        return page

    yield enter
    for context in opened:
        context.close()


def log_in(page, url, name):
    page.goto(url)
    page.fill("#name", name)
    page.fill("#password", PASSWORDS[name])
    page.click("button")
    page.wait_for_selector("#bar-logout")
    page.wait_for_selector("#run:not([aria-disabled=true])")


def report(page, text):
    page.locator("#report textarea").fill(text)
    page.wait_for_function("/^Saved/.test(document.querySelector('#document-state').textContent)")


@pytest.mark.case(12)
def test_two_people_at_work_see_their_own_pictures_and_words_only(served, room):
    ada, bob = room(), room()
    log_in(ada, served.url, "ada")
    log_in(bob, served.url, "bob")
    assert ada.text_content("#bar-account") == "ada"

    report(ada, "Left effusion.")
    report(bob, "Pneumothorax.")
    for page in (ada, bob):
        page.click("#run")
    for page in (ada, bob):
        page.wait_for_function(
            "document.querySelector('#run-status').textContent.startsWith('Done')"
        )
    ada.reload()
    ada.wait_for_selector("#bar-logout")
    ada.wait_for_function("document.querySelector('#report textarea')?.value === 'Left effusion.'")

    documents = {
        page: page.evaluate("fetch('/api/desk').then((a) => a.json())") for page in (ada, bob)
    }
    assert documents[ada]["doc"] != documents[bob]["doc"]
    assert documents[ada]["document"] == documents[bob]["document"] == "1 state"
    assert bob.input_value("#report textarea") == "Pneumothorax."
    requests = served.engine.requests
    assert sorted(request.report for request in requests) == ["Left effusion.", "Pneumothorax."]


def test_the_next_person_at_the_same_browser_finds_nothing_of_the_one_before(served, room):
    """Also not what the browser kept because the server could not be reached."""
    page = room()
    log_in(page, served.url, "ada")
    report(page, "Words of Ada.")
    page.route("**/api/save", lambda route: route.abort())
    page.locator("#report textarea").fill("Words of Ada that were never sent.")
    page.wait_for_function(
        "document.querySelector('#document-state').textContent === 'Kept in this browser'"
    )
    door = served.app.door  # the login ends as it does after half an hour
    for user in door.users.all():
        door.logins.begin(user)
    page.wait_for_url("**/login?*")
    assert "You were logged out" in page.text_content("#why")
    page.unroute("**/api/save")

    log_in(page, served.url + "login", "bob")
    desk = page.evaluate("fetch('/api/desk').then((a) => a.json())")
    assert desk["document"] == "Empty"
    assert page.input_value("#report textarea") == ""
    page.click("#bar-logout")
    page.wait_for_selector("#form")
    assert page.evaluate("indexedDB.databases().then((all) => all.length)") == 0
    assert page.context.cookies() == []


def test_a_wrong_password_is_said_and_the_login_page_reads_well_in_both_themes(served, room):
    page = room()
    page.goto(served.url)
    page.fill("#name", "ada")
    page.fill("#password", "not the password")
    page.click("button")
    page.wait_for_function("document.querySelector('#fault').textContent !== ''")

    assert page.text_content("#fault") == "The name or the password is not right."
    assert page.input_value("#password") == ""
    for theme in ("dark", "light"):
        page.evaluate(f"localStorage.setItem('xreal-theme', '{theme}')")
        page.reload()
        assert theme in page.get_attribute("html", "class")

"""No press and no answer is lost, not in the first second and not in a hurry."""

from typing import Any

import pytest

from tests.app.fake_engine import FakeEngine
from tests.app.served import serving
from tests.browser.test_edit_page import READY


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory):
    with serving(FakeEngine(), tmp_path_factory.mktemp("data")) as running:
        yield running.url


@pytest.mark.parametrize("last", ["page.js", "reports.js", "measures.js"])
def test_what_is_seen_hears_what_is_pressed(url: str, page: Any, last: str) -> None:
    held: list[Any] = []
    page.set_default_timeout(60_000)
    page.route(f"**/page/{last}", lambda asked: held.append(asked))
    page.goto(url, wait_until="commit")
    template = page.locator("#editor button", has_text="Template").first
    template.wait_for(state="attached")
    page.wait_for_function("document.querySelector('#run')")
    assert held and not template.is_visible()
    assert not page.get_by_role("button", name="Generate", exact=True).is_visible()

    held[0].continue_()
    template.click()

    page.get_by_role("dialog", name="Templates").get_by_role("option").first.wait_for()


def test_a_page_whose_script_does_not_come_is_seen_all_the_same(url: str, page: Any) -> None:
    page.set_default_timeout(60_000)
    page.route("**/page/ready.js", lambda asked: asked.abort())
    page.goto(url, wait_until="commit")
    template = page.locator("#editor button", has_text="Template").first
    template.wait_for(state="attached")
    assert not template.is_visible()

    page.evaluate("document.getAnimations().forEach((waiting) => waiting.finish())")

    template.wait_for()


def test_each_event_is_answered_in_its_turn(url: str, page: Any) -> None:
    """Two events in a row, 60 times, so close that the second is sent while the first is answered;
    what the last one asked for is what stands there."""
    page.set_default_timeout(120_000)
    page.goto(url)
    page.wait_for_function(READY)
    page.get_by_role("button", name="Details").click()
    page.get_by_role("spinbutton", name="Seed").wait_for()

    left = page.evaluate(
        """async () => {
          const pause = (ms) => new Promise((go) => setTimeout(go, ms)), left = [];
          const shown = () => Number(document.querySelector('#seed input').value);
          for (let seed = 2; seed <= 120; seed += 2) {
            XREAL.page.tell({ kind: "seed", seed: seed - 1 });
            await pause(seed % 60);
            XREAL.page.tell({ kind: "seed", seed });
            const pressed = performance.now();
            while (shown() !== seed && performance.now() - pressed < 20000) await pause(10);
            if (shown() !== seed) left.push(seed);
          }
          return left;
        }"""
    )

    assert left == []


def test_an_event_waits_for_the_answer_to_the_one_before(url: str, page: Any) -> None:
    page.set_default_timeout(60_000)
    page.goto(url)
    page.wait_for_function(READY)
    page.get_by_role("button", name="Details").click()
    page.get_by_role("spinbutton", name="Seed").wait_for()
    held: list[Any] = []
    free: list[bool] = []
    page.route(
        "**/gradio_api/run/*", lambda asked: asked.continue_() if free else held.append(asked)
    )

    page.evaluate("[11, 12].forEach((seed) => XREAL.page.tell({ kind: 'seed', seed }))")
    for _ in range(3):  # time enough for a second one to be on its way
        page.evaluate("fetch('/api/desk').then((answer) => answer.text())")
    assert len(held) == 1

    free.append(True)
    held[0].continue_()
    page.wait_for_function("document.querySelector('#seed input').value === '12'")


def test_what_is_told_before_the_page_listens_is_told_then(url: str, page: Any) -> None:
    page.set_default_timeout(60_000)
    page.goto(url)
    page.wait_for_function(READY)
    page.get_by_role("button", name="Details").click()
    page.get_by_role("spinbutton", name="Seed").wait_for()

    page.evaluate(
        """() => { const tell = XREAL.tell; XREAL.tell = null;
          XREAL.page.tell({ kind: "seed", seed: 7001 });
          XREAL.tell = tell; XREAL.page.answered(); }"""
    )

    page.wait_for_function("document.querySelector('#seed input').value === '7001'")

"""Browsers as remote desktops have them: without WebGL, and with the tab out of sight."""

from typing import Any

import pytest

from tests.app.fake_engine import FakeEngine
from tests.app.served import serving
from tests.browser.conftest import FLAGS, chromium_path
from tests.browser.test_edit_page import READY, drag, run, says, states


@pytest.fixture
def plain(tmp_path: Any):
    """The page in a Chromium that has no WebGL at all."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium found: install one or set CHROMIUM to its path")
    without = [*FLAGS, "--disable-3d-apis", "--disable-software-rasterizer"]
    with serving(FakeEngine(), tmp_path / "data") as served, playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=without)
        page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
        page.add_init_script("localStorage.setItem('xreal-tour', 'seen')")
        page.set_default_timeout(60_000)
        page.goto(served.url)
        page.wait_for_function(READY)
        yield page, served
        browser.close()


def test_one_draws_and_generates_without_webgl_and_after_a_change_of_tabs(plain: Any) -> None:
    page, served = plain
    assert page.evaluate("document.createElement('canvas').getContext('webgl2')") is None
    page.get_by_text("Embedded models, 256 px").wait_for()
    page.get_by_role("application").focus()
    drag(page, (0.3, 0.3), (0.3, 0.6))
    painted = page.evaluate("XREAL.canvas.summary().organs[0]")
    assert painted > 100

    other = page.context.new_page()
    other.goto("about:blank")
    other.bring_to_front()
    page.bring_to_front()

    assert page.evaluate("XREAL.canvas.summary().organs[0]") == painted
    run(page)
    says(page, "Done")
    assert len(states(page)) == 1
    assert (served.engine.requests[-1].organs == 1).sum() == painted

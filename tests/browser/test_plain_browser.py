"""Browsers as remote desktops have them: without WebGL, and with the tab out of sight."""

from typing import Any

import pytest

from tests.app.fake_engine import FakeEngine
from tests.app.served import serving
from tests.browser.conftest import FLAGS, chromium_path
from tests.browser.test_edit_page import READY, drag, run, says


@pytest.fixture
def plain(browser: Any, tmp_path: Any):
    """The page in a Chromium that has no WebGL at all."""
    flags = [*FLAGS, "--disable-3d-apis", "--disable-software-rasterizer"]
    without = browser.browser_type.launch(executable_path=chromium_path(), args=flags)
    with serving(FakeEngine(), tmp_path / "data") as served:
        page = without.new_context(viewport={"width": 1280, "height": 720}).new_page()
        page.add_init_script("localStorage.setItem('xreal-tour', 'seen')")
        page.set_default_timeout(60_000)
        page.goto(served.url)
        page.wait_for_function(READY)
        yield page, served
        without.close()


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
    page.get_by_role("listbox", name="States").get_by_role("option").first.wait_for()
    assert (served.engine.requests[-1].organs == 1).sum() == painted

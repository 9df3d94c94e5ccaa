"""The main job without a pointer: every press here is a key."""

from pathlib import Path
from typing import Any

import pytest

from engine.provenance import read_recipe
from tests.app.fake_engine import FakeEngine
from tests.app.served import Served, serving
from tests.browser.test_edit_page import READY, says

NAMED = """() => {
    const one = document.activeElement;
    if (!one) return "";
    const label = one.labels && one.labels[0] ? one.labels[0].textContent : "";
    return (one.getAttribute("aria-label") || label || one.textContent || one.value || "").trim();
}"""
MOST_TABS = 150
ASKED = "document.querySelector('#run[aria-disabled=false]')?.textContent.trim() === 'Erase'"


@pytest.fixture
def served(tmp_path: Path) -> Any:
    with serving(FakeEngine(), tmp_path / "data") as running:
        yield running
        running.engine.gate.set()


@pytest.fixture
def edit(served: Served, page: Any) -> Any:
    page.set_default_timeout(60_000)
    page.add_init_script("localStorage.setItem('xreal-tour', 'seen')")
    page.goto(served.url)
    page.wait_for_function(READY)
    page.get_by_text("Embedded models, 256 px").wait_for()
    return page


def tab_to(page: Any, name: str, *, back: bool = False) -> None:
    """Tab until what has the focus is called like this."""
    seen = []
    for _ in range(MOST_TABS):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        seen.append(page.evaluate(NAMED))
        if name in seen[-1]:
            return
    raise AssertionError(f"{name} is not reached; the focus went over {seen}")


def test_the_main_job_needs_no_pointer(edit: Any, served: Served, tmp_path: Path) -> None:
    # a template, with a slider moved before it is used
    tab_to(edit, "Template")
    edit.keyboard.press("Enter")
    edit.get_by_role("option", selected=True, name="Average").wait_for()
    edit.keyboard.press("ArrowRight")
    tab_to(edit, "Heart size")
    edit.keyboard.press("ArrowRight")
    tab_to(edit, "Use template")
    edit.keyboard.press("Enter")
    edit.wait_for_function("XREAL.canvas.summary().organs[2] > 0")

    # a finding, painted with the pen that the arrow keys move, and named
    edit.keyboard.press("n")
    edit.keyboard.press("k")
    for _ in range(3):
        edit.keyboard.press("Shift+ArrowRight")
    edit.keyboard.press("k")
    edit.wait_for_function("XREAL.canvas.summary().findings[0]?.pixels > 0")
    tab_to(edit, "Words of finding A", back=True)
    edit.keyboard.type("effusion")
    edit.keyboard.press("Enter")
    assert edit.evaluate("XREAL.canvas.summary().findings[0].words") == "effusion"

    # a slider of the anatomy in the panel, and the report
    heart = edit.evaluate("XREAL.canvas.summary().organs[2]")
    tab_to(edit, "range slider for Heart size")
    edit.keyboard.press("End")
    edit.wait_for_function(f"XREAL.canvas.summary().organs[2] > {heart}")
    tab_to(edit, "Report")
    edit.keyboard.type("Left effusion.")

    # a run that is stopped, and one that ends
    served.engine.stop_at = ("anatomy", 1)
    edit.keyboard.press("Control+Enter")
    says(edit, "step 1")
    edit.keyboard.press("Escape")
    edit.get_by_role("status", name="Run status").get_by_text("Stopping").wait_for()
    served.engine.release()
    says(edit, "Stopped")
    edit.keyboard.press("Control+Enter")
    says(edit, "Done")

    # an area to erase, painted by keys; the proposal is accepted with Enter
    edit.keyboard.press("Control+.")
    edit.keyboard.press("Shift+E")
    edit.keyboard.press("Control+.")
    edit.keyboard.press("k")
    edit.keyboard.press("Shift+ArrowDown")
    edit.keyboard.press("k")
    edit.wait_for_function("XREAL.canvas.summary().erase > 0")
    edit.wait_for_function(ASKED)
    edit.keyboard.press("Control+Enter")
    edit.get_by_role("button", name="Accept").wait_for()
    edit.keyboard.press("Control+.")
    edit.keyboard.press("Enter")
    edit.get_by_role("button", name="Accept").wait_for(state="hidden")

    # and the file
    edit.keyboard.press("Control+e")
    edit.get_by_role("dialog", name="Export").wait_for()
    tab_to(edit, "Download")
    with edit.expect_download() as waiting:
        edit.keyboard.press("Enter")
    path = tmp_path / "picture.png"
    waiting.value.save_as(path)
    assert read_recipe(path) is not None


def test_tab_walks_from_the_bar_to_the_run_button_and_back(edit: Any) -> None:
    """The order of the page: bar, tools, drawing, options, picture, history, request, run."""
    order = [
        "Edit", "Open", "Keys and help", "Brush", "Template", "Brush size", "Paint where",
        "Radiograph and drawing", "Report", "Details", "Variations", "Generate",
    ]  # fmt: skip
    edit.evaluate("document.activeElement.blur()")

    for name in order:
        tab_to(edit, name)
    for name in reversed(order[:-1]):
        tab_to(edit, name, back=True)

"""Boxes of each state against the mock, and a picture of each state as output of the build.

The pictures go to the folder that XREAL_SCREENSHOTS names, else to a temporary one. The models that
ship draw them, so they look as they do for a person.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.app.served import Served, serving
from tests.browser.pictures import SIZES, folder_of, keep
from tests.browser.test_edit_page import READY, add_a_finding, choose, says

VERBS = ["Insert", "Erase", "Outpaint", "Upscale"]
# px of the mock: width and height, None where the window decides
BAR, RAIL, OPTIONS = 40, 44, 36


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    from app.models.templates import embedded_templates
    from engine import open_engine

    with serving(open_engine(), tmp_path_factory.mktemp("data")) as running:
        anatomy = running.desk.anatomy
        anatomy.templates = running.desk.templates = embedded_templates
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(tmp_path_factory.mktemp("screenshots"))


@pytest.fixture
def edit(served: Served, page: Any) -> Any:
    page.set_default_timeout(120_000)
    page.emulate_media(reduced_motion="reduce")
    page.goto(served.url)
    page.wait_for_function(READY)
    page.get_by_text("Embedded models, 256 px").wait_for()
    page.get_by_role("region", name="First steps").wait_for()
    return page


def box(page: Any, selector: str) -> dict[str, float]:
    found = page.locator(selector).bounding_box()
    assert found is not None, f"{selector} is not shown"
    return found


def wanted(size: tuple[int, int]) -> dict[str, tuple[str, float]]:
    """Selector -> which side of its box, and how long the mock draws it."""
    wide, low = size[0] >= 1800, size[1] <= 760
    return {
        "#bar .top": ("height", BAR),
        ".xc .rail": ("width", RAIL),
        ".xc .draw": ("width", 264 if wide else 232),
        ".xc .opts": ("height", OPTIONS),
        ".xc .film": ("height", 78 if low else 92),
        "#ask": ("width", 380 if wide else 328),
        "#run": ("height", 36),
        "#verb": ("height", 36),
        ".xc .tool[data-tool=brush]": ("width", 34),
    }


@pytest.mark.parametrize("size", SIZES)
def test_the_boxes_are_those_of_the_mock(edit: Any, size: tuple[int, int]) -> None:
    edit.set_viewport_size({"width": size[0], "height": size[1]})
    edit.wait_for_function(f"innerWidth === {size[0]} && innerHeight === {size[1]}")

    found = {name: round(box(edit, name)[side]) for name, (side, _) in wanted(size).items()}

    assert found == {name: length for name, (_, length) in wanted(size).items()}
    assert edit.locator(".xc .checks.tight").is_visible() == (size[1] > 760)
    ask, film = box(edit, "#ask"), box(edit, ".xc .film")
    assert ask["x"] + ask["width"] == size[0]
    assert ask["y"] + ask["height"] == film["y"] + film["height"] == size[1]


def test_every_state_is_kept_as_a_picture(edit: Any, served: Served, folder: Path) -> None:
    keep(edit, folder, "edit-tour")
    edit.get_by_role("button", name="Skip the tour").click()
    keep(edit, folder, "edit-first-run")
    edit.get_by_role("button", name="Template", exact=True).click()
    edit.wait_for_function("document.querySelector('#template-shown').complete")
    keep(edit, folder, "edit-templates")
    edit.get_by_role("button", name="Use template").click()
    edit.wait_for_function("XREAL.canvas.summary().organs[2] > 0")
    add_a_finding(edit, "effusion left lower")
    edit.get_by_role("textbox", name="Report").fill("Left effusion. No pneumothorax.")
    edit.get_by_role("textbox", name="Report").press("Tab")
    edit.get_by_role("button", name="Generate", exact=True).click()
    edit.get_by_text("Preview, step").wait_for()
    keep(edit, folder, "edit-running")
    says(edit, "Done")
    keep(edit, folder, "edit-generate")
    edit.get_by_role("button", name="Details").click()
    edit.get_by_role("slider", name="Heart size").wait_for()
    keep(edit, folder, "edit-details")
    for verb in VERBS:
        choose(edit, verb)
        keep(edit, folder, f"edit-{verb.lower()}")
    for button in ("Export", "Keys and help"):
        edit.get_by_role("button", name=button, exact=True).click()
        edit.get_by_role("dialog", name=button).wait_for()
        keep(edit, folder, f"edit-{button.split()[0].lower()}")
        edit.keyboard.press("Escape")
    edit.goto(served.url + "models")
    edit.get_by_role("radio", name=re.compile("Embedded")).wait_for()
    keep(edit, folder, "models")

    names = {path.name.split("-1")[0] for path in folder.glob("*.png")}
    assert {"edit-generate", "edit-insert", "models"} <= names

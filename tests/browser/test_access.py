"""Access for everybody: names, contrast, focus, zoom, motion. The names are a contract."""

import re
from typing import Any

import pytest

from tests.app.fake_engine import FakeEngine
from tests.app.served import Served, serving
from tests.browser import access
from tests.browser.test_edit_page import READY, add_a_finding, choose, paint_a_chest, run, says

VERBS = ["Generate", "Insert", "Erase", "Outpaint", "Upscale"]
# role -> names that are there at any time, as substrings; each button may also be disabled
ALWAYS = {
    "navigation": ["Pages"],
    "link": ["Edit", "Models"],
    "status": ["Document state", "Engine status", "Run status"],
    "toolbar": ["Drawing tools", "Tool options"],
    "button": [
        "Open", "Save project", "Export", "Theme: dark", "Keys and help", "Brush", "Eraser",
        "Polygon", "Lasso", "Ellipse", "Fill", "Grow from tone", "Move and scale",
        "Window and level", "Zoom and pan", "Undo", "Redo", "Hide drawing column", "Mirror",
        "Shrink", "Grow", "Smooth", "Invert", "Fit", "One to one", "Compare", "Hide Left lung",
        "Left lung: more", "Template", "From picture", "Add", "Pin as B", "Restore drawing",
        "Delete state", "Details",
    ],
    "slider": ["Brush size", "Overlay opacity"],
    "combobox": ["Paint where", "Window preset", "Variations"],
    "listbox": ["Labels", "Findings list", "States"],
    "option": ["Left lung", "Right lung", "Heart", "Aorta", "Finding A", "1 Anatomy"],
    "checkbox": ["Show outlines", "Show measures on picture"],
    "region": ["Measures", "Viewport"],
    "application": ["Radiograph and drawing"],
    "radiogroup": ["Verb"],
    "radio": VERBS,
}  # fmt: skip
FINDING = {"combobox": ["Words of finding A"], "button": ["Hide finding A", "Finding A: more"]}
OF_VERB = {
    "Generate": {"textbox": ["Report"], "button": ["Generate"]},
    "Insert": {"radiogroup": ["Change"], "combobox": ["Finding"], "button": ["Insert"]},
    "Erase": {"button": ["Erase"]},
    "Outpaint": {
        "radiogroup": ["Keep"],
        "spinbutton": ["Add at top", "bottom", "patient's right", "patient's left"],
        "button": ["Outpaint"],
    },
    "Upscale": {"button": ["Upscale"]},
}  # fmt: skip
DETAILS = {
    "radiogroup": ["Quality"],
    "slider": ["Steps", "Guidance"],
    "spinbutton": ["Seed"],
    "checkbox": ["Keep seed"],
}
ANATOMY = {"slider": ["Heart size", "Lung volume", "Rotation", "Habitus"]}
SIZES = [(1280, 720), (1440, 900), (1920, 1080)]
# The labels of numbers that what they stand in cuts off.
CUT_NUMBERS = """[...document.querySelectorAll('#ask .tab-like-container input[type=number]')]
    .filter((box) => box.offsetParent && box.offsetHeight > box.parentElement.clientHeight)
    .map((box) => box.ariaLabel)"""
ZOOMED = [(640, 360), (720, 450)]  # what 200 % leaves of two common screens


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with serving(FakeEngine(), tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture
def edit(served: Served, page: Any) -> Any:
    page.set_default_timeout(60_000)
    page.emulate_media(reduced_motion="reduce")  # so that colours are at their end at once
    page.add_init_script("localStorage.setItem('xreal-tour', 'seen')")
    page.goto(served.url)
    page.wait_for_function(READY)
    page.get_by_text("Embedded models, 256 px").wait_for()
    return page


@pytest.fixture
def worked(edit: Any) -> Any:
    """A page with everything on it: organs, a finding, a picture of two stages, details open."""
    paint_a_chest(edit)
    add_a_finding(edit, "effusion")
    run(edit)
    says(edit, "Done")
    edit.get_by_role("button", name="Details").click()
    edit.get_by_role("slider", name="Guidance").wait_for()
    edit.get_by_role("slider", name="Heart size").wait_for()
    return edit


def opened_dialogs(page: Any) -> Any:
    """Each dialog in turn: its name, while it is open."""
    for button, dialog in (
        ("Template", "Templates"),
        ("Export", "Export"),
        ("Keys and help", "Keys and help"),
    ):
        page.get_by_role("button", name=button, exact=True).click()
        page.get_by_role("dialog", name=dialog).wait_for()
        if dialog == "Keys and help":
            page.get_by_text("Not for diagnosis.").wait_for()
        yield dialog
        page.keyboard.press("Escape")
        page.get_by_role("dialog", name=dialog).wait_for(state="hidden")


def test_every_name_of_the_contract_is_found(worked: Any) -> None:
    missing = access.missing(worked, ALWAYS | {"region": ["Measures", "Viewport"]})
    missing += access.missing(worked, FINDING) + access.missing(worked, DETAILS)
    missing += access.missing(worked, ANATOMY)
    for verb, names in OF_VERB.items():
        choose(worked, verb)
        missing += access.missing(worked, names)

    assert " ".join(missing) == ""


def test_dialogs_and_what_is_in_them_have_their_names(worked: Any) -> None:
    wanted = {
        "Templates": {"button": ["Close", "Use template"]},
        "Export": {
            "button": ["Close", "Cancel", "Download"],
            "radiogroup": ["Format"],
            "checkbox": ["Visible mark", "Metadata and invisible mark", "Recipe"],
        },
        "Keys and help": {"button": ["Close"]},
    }
    for dialog in opened_dialogs(worked):
        assert access.missing(worked, wanted[dialog]) == []


def test_nothing_that_can_be_focused_is_without_a_name(worked: Any, served: Served) -> None:
    for verb in VERBS:
        choose(worked, verb)
        assert access.unnamed(worked) == [], verb
    for dialog in opened_dialogs(worked):
        assert access.unnamed(worked) == [], dialog
    worked.goto(served.url + "models")
    worked.get_by_role("heading", name="Files").wait_for()
    assert access.unnamed(worked) == []


def test_every_control_of_the_request_panel_and_the_bar_is_explained(worked: Any) -> None:
    for verb in VERBS:
        choose(worked, verb)
        assert access.untold(worked) == [], verb


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_text_stands_out_from_its_ground(worked: Any, served: Served, theme: str) -> None:
    worked.evaluate(f"XREAL.page.theme('{theme}')")
    for verb in VERBS:
        choose(worked, verb)
        assert access.contrast(worked) == [], verb
    for dialog in opened_dialogs(worked):
        assert access.contrast(worked) == [], dialog
    worked.goto(served.url + "models")
    worked.get_by_role("radio", name="Embedded").wait_for()
    assert access.contrast(worked) == []


@pytest.mark.parametrize("size", SIZES)
def test_the_page_never_scrolls_and_loses_nothing(worked: Any, size: tuple[int, int]) -> None:
    worked.set_viewport_size({"width": size[0], "height": size[1]})

    for verb in VERBS:
        choose(worked, verb)
        box = worked.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
        )
        assert tuple(box) == size
        assert access.outside(worked) == []


@pytest.mark.parametrize("size", ZOOMED)
def test_at_twice_the_size_everything_is_in_reach_of_a_finger(
    worked: Any, size: tuple[int, int]
) -> None:
    worked.set_viewport_size({"width": size[0], "height": size[1]})
    column = worked.get_by_role("button", name="Show drawing column")
    panel = worked.get_by_role("button", name="Show request panel")
    panel.wait_for()
    assert worked.evaluate("document.documentElement.scrollWidth") == size[0]
    assert not worked.get_by_role("textbox", name="Report").is_visible()

    panel.click()
    worked.get_by_role("textbox", name="Report").wait_for()
    assert access.small(worked, 44) == []
    assert worked.evaluate(CUT_NUMBERS) == []
    assert worked.get_by_role("button", name="Generate", exact=True).is_visible()

    column.click()
    worked.get_by_role("option", name="Left lung").wait_for()
    assert not worked.get_by_role("textbox", name="Report").is_visible()
    assert access.small(worked, 44) == []


def test_on_a_low_screen_what_ends_a_dialog_is_in_sight_and_the_bar_has_one_row(
    worked: Any,
) -> None:
    worked.set_viewport_size({"width": 1093, "height": 614})  # 1366 x 768 at 125 %
    worked.evaluate(
        "document.querySelector('#document-title').textContent = 'A long title '.repeat(4)"
    )
    ask = worked.locator("#bar-ask").bounding_box()
    assert ask is not None and ask["y"] < 44

    worked.get_by_role("button", name="Export", exact=True).click()
    worked.locator("#export-format").get_by_text("DICOM").click()
    worked.get_by_role("checkbox", name="Masks").wait_for()
    dialog = worked.get_by_role("dialog", name="Export")
    assert dialog.evaluate("(box) => box.scrollHeight > box.clientHeight")  # not all of it fits
    inner, outer = worked.locator("#export-download").bounding_box(), dialog.bounding_box()
    assert inner["y"] + inner["height"] < outer["y"] + outer["height"]


def test_motion_is_left_out_for_who_asks_for_that(edit: Any) -> None:
    moving = """[...document.querySelectorAll("*")].filter((one) => {
        const s = getComputedStyle(one);
        return parseFloat(s.transitionDuration) > 0.12 || parseFloat(s.animationDuration) > 0.12;
    }).map((one) => one.className)"""

    assert edit.evaluate(moving) == []


def test_dialogs_give_the_focus_back_to_what_opened_them(worked: Any) -> None:
    for button in ("Template", "Export"):
        opener = worked.get_by_role("button", name=button, exact=True)
        opener.focus()
        worked.keyboard.press("Enter")
        worked.get_by_role("dialog").wait_for()
        worked.keyboard.press("Escape")
        worked.get_by_role("dialog").wait_for(state="hidden")
        assert opener.evaluate("one => one === document.activeElement"), button


def test_the_page_has_a_language_landmarks_and_one_first_heading(edit: Any) -> None:
    assert edit.evaluate("document.documentElement.lang") == "en"
    roles = [access.role(node) for node in access.nodes(edit)]
    for landmark in ("banner", "main", "navigation"):
        assert roles.count(landmark) == 1, landmark
    levels = [
        prop["value"]["value"]
        for node in access.nodes(edit)
        if access.role(node) == "heading"
        for prop in node["properties"]
        if prop["name"] == "level"
    ]
    assert levels.count(1) == 1
    assert all(level <= 3 for level in levels)


def test_a_run_is_spoken_of_by_its_stages_not_by_its_steps(edit: Any) -> None:
    views = [view("anatomy", done) for done in range(1, 5)]
    views += [view("effusion", done) for done in range(1, 5)] + [view("", 0) | {"state": "done"}]

    def answer(route: Any) -> None:
        route.fulfill(json=views.pop(0) if len(views) > 1 else views[0])

    edit.route(re.compile(r".*/api/jobs/[\w-]+$"), answer)
    edit.evaluate(HEARD)
    run(edit)
    says(edit, "Done")

    spoken = edit.evaluate("window.heard")
    assert [text.partition(",")[0] for text in spoken if "step" in text] == ["Anatomy", "Effusion"]
    assert spoken[-1].startswith("Done")


HEARD = """() => {
    window.heard = [];
    const line = document.querySelector("#run-status");
    new MutationObserver(() => {
        if (line.getAttribute("aria-live") !== "off") window.heard.push(line.textContent);
    }).observe(line, { childList: true, characterData: true, subtree: true });
}"""


def view(stage: str, done: int) -> dict[str, Any]:
    """What the server tells of a run."""
    return {
        "state": "running", "verb": "generate", "sentence": "", "stage": stage, "done": done,
        "total": 4, "variation": 1, "variations": 1, "seconds_left": None, "ahead": 0,
        "preview_version": 0, "preview": None, "stages": [], "results": [],
    }  # fmt: skip


def test_high_contrast_colours_keep_what_is_chosen_visible(worked: Any) -> None:
    worked.emulate_media(forced_colors="active")
    chosen = """[...document.querySelectorAll(
        "#editor .tool[aria-pressed=true], #verb label.selected, #editor [aria-selected=true]"
    )].map((one) => getComputedStyle(one).outlineStyle)"""

    found = worked.evaluate(chosen)

    assert len(found) >= 3
    assert set(found) == {"solid"}

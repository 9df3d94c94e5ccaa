"""The canvas on its page: names, room, and the way through Gradio to Python and back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.canvas import raster
from app.canvas.demo import anatomy
from tests.browser.canvas_driver import bits_of, drag, label, two_frames

NAMES = {
    "toolbar": ["Drawing tools", "Tool options"],
    "button": [
        "Brush", "Eraser", "Polygon", "Lasso", "Ellipse", "Fill", "Grow from tone",
        "Move and scale", "Window and level",
        "Zoom and pan", "Undo", "Redo", "Hide drawing column", "Mirror", "Shrink", "Grow", "Smooth",
        "Invert", "Fit", "One to one", "Compare", "Hide Left lung", "Left lung: more", "Template",
        "From picture", "Add", "Hide finding A", "Finding A: more", "Pin as B", "Restore drawing",
        "Delete state",
    ],
    "slider": ["Brush size", "Overlay opacity"],
    "combobox": ["Paint where", "Window preset", "Words of finding A"],
    "listbox": ["Labels", "Findings list", "States"],
    "option": ["Left lung", "Right lung", "Heart", "Aorta", "Finding A", "State 3 A effusion"],
    "checkbox": ["Show outlines", "Show measures on picture"],
    "region": ["Measures", "Viewport"],
    "application": ["Radiograph and drawing"],
}  # fmt: skip


def test_every_control_has_its_name_and_none_is_unnamed(filled: Any) -> None:
    for role, names in NAMES.items():
        for name in names:
            found = filled.get_by_role(role, name=name, exact=True)
            assert found.count() == 1, (role, name)
    assert filled.get_by_role("note").inner_text() == "Synthetic - not for diagnosis"
    unnamed = filled.evaluate("""() => [...document.querySelectorAll(
        '.xc button, .xc input, .xc select, .xc [role=option], .xc [role=application]')]
        .filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim())).length""")
    assert unnamed == 0


@pytest.mark.parametrize("width, height", [(1280, 720), (1440, 900), (1920, 1080)])
def test_nothing_is_cut_off_and_the_page_does_not_scroll(
    filled: Any, width: int, height: int
) -> None:
    filled.set_viewport_size({"width": width, "height": height})
    two_frames(filled)

    lost = filled.evaluate("""() => [...document.querySelectorAll('.xc .opts > *, .xc .rail > *, '
        + '.xc .fh *, .xc .hud, .xc .draw > *')].filter((e) => e.offsetParent).filter((e) => {
        const r = e.getBoundingClientRect(), all = e.closest('.xc').getBoundingClientRect();
        const own = e.closest('.opts, .rail, .fh, .view, .draw').getBoundingClientRect();
        return r.right > own.right + 1 || r.bottom > Math.min(own.bottom, all.bottom) + 1;
        }).map((e) => e.className + e.textContent.slice(0, 20))""")
    assert lost == []
    assert filled.evaluate("document.documentElement.scrollHeight") <= height


def test_a_picture_may_be_dropped_anywhere_on_the_page(filled: Any) -> None:
    filled.evaluate("""() => { const data = new DataTransfer();
        data.items.add(new File([new Uint8Array([1, 2, 3])], "chest.png", {type: "image/png"}));
        const place = document.querySelector("#elsewhere");
        for (const name of ["dragenter", "dragover", "drop"]) place.dispatchEvent(
            new DragEvent(name, {dataTransfer: data, bubbles: true, cancelable: true})); }""")
    filled.wait_for_function("asks.some((a) => a.kind === 'open')")

    ask = filled.evaluate("asks.find((a) => a.kind === 'open')")
    assert (ask["name"], ask["file"]["meta"]) == ("chest.png", {"_type": "gradio.FileData"})
    assert filled.evaluate("uploads") == [[1, 2, 3]]
    assert filled.locator(".drop").is_hidden()


def test_keys_typed_elsewhere_do_nothing_to_the_drawing(filled: Any) -> None:
    before = bits_of(filled)
    filled.get_by_role("textbox", name="Elsewhere").focus()
    filled.keyboard.type("been 3 times?")
    filled.keyboard.press("Delete")
    filled.keyboard.press("Control+z")

    assert np.array_equal(bits_of(filled), before)
    assert filled.get_by_role("dialog").count() == 0
    assert filled.get_by_role("button", name="Brush").get_attribute("aria-pressed") == "true"


def test_the_card_of_keys_opens_and_gives_the_focus_back(filled: Any) -> None:
    filled.get_by_role("application").focus()
    filled.keyboard.press("?")
    card = filled.get_by_role("dialog", name="Keys and help")
    card.get_by_text("Brush, eraser").wait_for()
    filled.keyboard.press("Escape")

    assert card.is_hidden()
    assert filled.evaluate("document.activeElement.getAttribute('role')") == "application"


def test_a_preview_hides_the_fill_and_says_how_far_it_is(filled: Any) -> None:
    url = filled.evaluate("window.XREAL.canvas.pictures.shown.url")
    filled.evaluate("(u) => window.XREAL.canvas.preview(u, 'Finding A, step 3 of 4', 0.75)", url)
    two_frames(filled)
    assert filled.locator(".hud-state").inner_text() == "Finding A, step 3 of 4"
    assert filled.get_by_role("option", name="State 5 running").is_visible()
    width = "document.querySelector('.prog i').style.width"
    assert filled.evaluate(width) == "75%"

    filled.evaluate("window.XREAL.canvas.preview(null)")
    two_frames(filled)
    assert filled.locator(".hud-state").inner_text() == "State 3: effusion in A"
    assert filled.locator(".prog").is_hidden()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The demo page served from this process; ``received`` collects what the canvas sent."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("uploads")))
        from app.canvas.demo import Demo, serve

        served = Demo()
        blocks, served.address = serve(served)
        yield served
        blocks.close(verbose=False)


@pytest.fixture
def gradio_page(demo: Any, page: Any) -> Any:
    demo.received.clear()
    demo.asks.clear()
    page.goto(demo.address)
    page.wait_for_function("window.XREAL?.canvas?.summary().doc.startsWith('demo-')")
    return page


def test_the_handler_receives_the_last_stroke_at_once(demo: Any, gradio_page: Any) -> None:
    gradio_page.get_by_role("option", name="Heart").click()
    way = drag(gradio_page, [(60, 60), (150, 120), (90, 200)])
    gradio_page.evaluate("document.querySelector('#run').click()")
    gradio_page.wait_for_function(
        "document.querySelector('#received textarea').value.startsWith('rev 1,')"
    )

    (drawing,) = demo.received
    expected = label(raster.stroke((256, 256), way, 12), 4)
    assert np.array_equal(drawing.bits, expected)
    assert np.array_equal(bits_of(gradio_page), expected)


def test_what_python_shows_appears_and_comes_back(demo: Any, gradio_page: Any) -> None:
    gradio_page.click("#fill")
    gradio_page.wait_for_function("window.XREAL.canvas.summary().picture")
    gradio_page.wait_for_function("window.XREAL.canvas.summary().findings.length === 2")
    assert np.array_equal(bits_of(gradio_page) & 15, anatomy(256))

    gradio_page.get_by_role("button", name="Delete state").click()
    gradio_page.wait_for_function("document.querySelectorAll('.ths .th').length === 2")
    gradio_page.get_by_role("button", name="Heart: more").click()
    gradio_page.get_by_role("menuitem", name="Clear").click()
    gradio_page.get_by_role("button", name="From picture").click()
    gradio_page.wait_for_function("window.XREAL.canvas.summary().organs[2] > 0")

    expected = raster.resized(anatomy(512), 256, 256)
    assert np.array_equal(bits_of(gradio_page) & 15, expected)


def test_an_opened_file_reaches_the_server(demo: Any, gradio_page: Any, tmp_path: Path) -> None:
    path = tmp_path / "chest.png"
    path.write_bytes(b"\x89PNG not really")

    gradio_page.locator("input.file").set_input_files(path)
    gradio_page.wait_for_function("document.querySelector('#received textarea').value === 'opened'")

    (ask,) = [a for a in demo.asks if a.kind == "open"]
    assert ask.data["name"] == "chest.png"
    assert ask.file.read_bytes() == path.read_bytes()


def test_the_page_asks_no_other_computer(demo: Any, page: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(demo.address)
    page.wait_for_function("window.XREAL && window.XREAL.canvas")
    page.click("#fill")
    page.wait_for_function("window.XREAL.canvas.summary().picture")

    foreign = [url for url in asked if not url.startswith((demo.address, "data:", "blob:"))]
    assert foreign == []

"""The Edit page in a real browser: real mouse and keys, the fake engine behind the real server."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.images import read_image, write_png
from engine.provenance import read_recipe
from tests.app.served import Served

READY = "document.querySelector('html.ready') && XREAL.canvas.summary().doc"
SIZES = [(1280, 720), (1440, 900), (1920, 1080)]
ERASED = 49151  # of 65535: the tone the fake engine paints into a zone


@pytest.fixture
def edit(served: Served, page: Any) -> Any:
    """The opened page, with a document of its own; ``page.asked`` lists every request."""
    served.engine.release()
    page.set_default_timeout(60_000)  # a busy machine is slow, not wrong
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(served.url)
    page.wait_for_function(READY)
    page.get_by_text("Embedded models, 256 px").wait_for()
    page.get_by_role("option", name="Left lung").wait_for()
    yield page
    served.engine.release()


def drag(page: Any, *points: tuple[float, float]) -> None:
    """The mouse through points of the picture, given as shares of its width and height."""
    at = """([x, y]) => { const c = XREAL.canvas.view, r = c.over.getBoundingClientRect();
        const s = c.toScreen(x * c.w, y * c.h); return [s[0] + r.left, s[1] + r.top]; }"""
    screen = [page.evaluate(at, list(point)) for point in points]
    page.mouse.move(*screen[0])
    page.mouse.down()
    for point in screen[1:]:
        page.mouse.move(*point, steps=4)
    page.mouse.up()


def paint_a_chest(page: Any) -> None:
    for key, points in (
        ("1", ((0.7, 0.3), (0.7, 0.6))),
        ("2", ((0.3, 0.3), (0.3, 0.6))),
        ("3", ((0.5, 0.5), (0.55, 0.65))),
    ):
        page.get_by_role("application").focus()
        page.keyboard.press(key)
        drag(page, *points)


def add_a_finding(page: Any, words: str) -> None:
    page.get_by_role("button", name="Add", exact=True).click()
    drag(page, (0.7, 0.5), (0.72, 0.55))
    page.get_by_role("combobox", name="Words of finding A").fill(words)
    page.get_by_role("combobox", name="Words of finding A").press("Enter")


def run(page: Any, verb: str = "Generate") -> None:
    """Press the run button. What is said of the run before goes, so that "Done" is of this one."""
    page.evaluate("document.querySelector('#run-status').textContent = ''")
    page.get_by_role("button", name=verb, exact=True).click()


def says(page: Any, text: str) -> None:
    """Wait until the run status holds this text."""
    page.get_by_role("status", name="Run status").get_by_text(text).wait_for()


def says_in_view(page: Any, text: str) -> None:
    """Wait until something over the picture says this."""
    page.get_by_role("region", name="Viewport").get_by_text(text).first.wait_for()


def stop_heard(page: Any) -> Any:
    """Ends when the server has answered a stop: before that a run may as well be done first."""
    return page.expect_response(lambda answer: answer.url.endswith("/stop"))


def choose(page: Any, verb: str) -> None:
    page.locator("#verb").get_by_role("radio", name=verb).click()
    page.wait_for_function(
        f"document.querySelector('#ask').dataset.verb === '{verb.lower()}'"
    )  # from then on a stroke paints what this verb is about


def holds(page: Any, selector: str, value: str) -> None:
    """Wait until a field of the panel holds this."""
    page.wait_for_function(
        "([selector, value]) => document.querySelector(selector)?.value === value",
        arg=[selector, value],
    )


def states(page: Any) -> list[str]:
    return [
        s.inner_text().strip()
        for s in page.get_by_role("listbox", name="States").get_by_role("option").all()
    ]


def open_file(page: Any, path: Any) -> None:
    page.locator("#editor input[type=file]").set_input_files(path)


def picture(page: Any, number: int) -> np.ndarray:
    """A state as the browser gets it, 8 bit."""
    data = page.request.get(f"{page.url}api/states/{number}.png").body()
    return np.array(Image.open(io.BytesIO(data)))


def looked(page: Any) -> None:
    """Say that no word in an opened film names anybody, where somebody has to look."""
    if not page.evaluate("XREAL.page.look().then(() => XREAL.page.engine().look)"):
        return
    page.get_by_role("button", name="Words in the film").click()
    page.get_by_role("button", name="Nothing names anybody").click()
    page.get_by_role("dialog", name="Words in the film").wait_for(state="hidden")


def exported(page: Any, tmp_path: Any) -> Any:
    looked(page)
    page.get_by_role("button", name="Export", exact=True).click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").click()
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def test_what_is_painted_is_what_is_generated(served: Served, edit: Any) -> None:
    paint_a_chest(edit)
    add_a_finding(edit, "effusion")
    run(edit)
    says(edit, "Done")

    request = served.engine.requests[-1]
    drawn = edit.evaluate("Array.from(XREAL.canvas.drawing.bits)")
    bits = np.array(drawn, np.uint32).reshape(256, 256)
    assert set(np.unique(request.organs)) == {0, 1, 2, 3}
    np.testing.assert_array_equal(request.findings[0].mask > 0, bits >> 4 & 1)
    assert request.findings[0].text == "effusion"
    edit.get_by_role("option", name="2 Effusion").wait_for()
    assert (picture(edit, 2)[bits >> 4 & 1 > 0] == 255).all()


def test_the_last_stroke_is_in_the_run_even_at_once(served: Served, edit: Any) -> None:
    edit.get_by_role("application").focus()
    drag(edit, (0.2, 0.2), (0.3, 0.3))
    edit.evaluate("document.querySelector('#run').click()")
    says(edit, "Done")

    assert (served.engine.requests[-1].organs == 1).sum() > 100


def test_the_preview_is_seen_and_stop_keeps_what_was_finished(served: Served, edit: Any) -> None:
    paint_a_chest(edit)
    add_a_finding(edit, "effusion")
    served.engine.stop_at = ("effusion", 2)
    run(edit)
    says(edit, "step 2 of 4")
    edit.get_by_text("Preview, step 2 of 4").wait_for()
    assert (
        edit.get_by_role("progressbar", name="Run progress").get_attribute("aria-valuenow") == "50"
    )

    with stop_heard(edit):
        edit.get_by_role("button", name="Stop", exact=True).click()
    served.engine.release()
    says(edit, "Stopped at step")

    edit.get_by_role("option", name="1 Anatomy").wait_for()
    assert states(edit) == ["1 Anatomy"]


def test_stop_right_after_generate_stops(served: Served, edit: Any) -> None:
    before = len(served.engine.requests)
    served.engine.gate.clear()
    with stop_heard(edit):
        edit.evaluate(
            """() => new Promise((done) => { document.querySelector('#run').click();
            setTimeout(() => { document.querySelector('#stop').click(); done(); }, 60); })"""
        )
    served.engine.gate.set()
    says(edit, "Stopped")

    assert states(edit) == []
    run(edit)
    says(edit, "Done")
    assert len(served.engine.requests) <= before + 2


def test_bytes_outside_the_erased_zone_stay(served: Served, edit: Any, tmp_path: Any) -> None:
    rng = np.random.default_rng(1)
    film = (rng.integers(0, 65536, (300, 200)) / np.float32(65535)).astype(np.float32)
    write_png(tmp_path / "film.png", film, bits=16)
    open_file(edit, tmp_path / "film.png")
    edit.get_by_text("Real picture - not for diagnosis").wait_for()

    choose(edit, "Erase")
    edit.get_by_role("application").focus()
    drag(edit, (0.4, 0.4), (0.6, 0.5))
    run(edit, "Erase")
    says(edit, "Done")
    edit.get_by_text("Partly synthetic - not for diagnosis").wait_for()
    path = exported(edit, tmp_path)

    zone = served.engine.requests[-1].mask > 0
    kept = read_image(path).pixels
    assert 50 < zone.sum() < zone.size / 4
    np.testing.assert_array_equal(kept[~zone], film[~zone])
    assert (np.round(kept[zone] * 65535) == ERASED).all()
    recipe, _ = read_recipe(path)
    assert recipe["verb"] == "erase"


def test_a_proposal_is_kept_or_dropped(edit: Any, tmp_path: Any) -> None:
    write_png(tmp_path / "film.png", np.full((128, 128), 0.5, np.float32), bits=8)
    open_file(edit, tmp_path / "film.png")
    edit.get_by_role("option", name="1 Opened").wait_for()
    choose(edit, "Erase")
    for decision, left in (("Discard", 1), ("Accept", 2)):
        edit.get_by_role("application").focus()
        drag(edit, (0.4, 0.4), (0.6, 0.5))
        run(edit, "Erase")
        edit.get_by_role("button", name=decision).click()
        edit.get_by_role("button", name=decision).wait_for(state="hidden")
        edit.wait_for_function(f"document.querySelectorAll('#editor .th').length === {left}")
    edit.wait_for_function("XREAL.canvas.summary().erase === 0")


def test_a_picture_of_ours_brings_its_drawing_words_and_seed(edit: Any, tmp_path: Any) -> None:
    edit.get_by_role("button", name="Details").click()
    paint_a_chest(edit)
    edit.get_by_role("textbox", name="Report").fill("Small effusion.")
    edit.get_by_role("spinbutton", name="Seed").fill("41207")
    run(edit)
    says(edit, "Done")
    path = exported(edit, tmp_path)
    drawn = edit.evaluate("Array.from(XREAL.canvas.drawing.bits)")

    edit.context.clear_cookies()
    edit.goto(edit.url)
    edit.wait_for_function(READY)
    assert states(edit) == []
    open_file(edit, path)
    edit.get_by_text("Synthetic - not for diagnosis").wait_for()

    edit.wait_for_function("XREAL.canvas.summary().organs[0] > 0")
    assert edit.evaluate("Array.from(XREAL.canvas.drawing.bits)") == drawn
    holds(edit, "#report textarea", "Small effusion.")
    edit.get_by_role("button", name="Details").click()
    holds(edit, "#seed input", "41207")


SAVED = """async () => {  // wait_for_function would take the promise itself for a yes
    const rev = async () => (await (await fetch("/api/desk")).json()).rev;
    for (let tries = 0; tries < 600; tries++) {
        if (await rev() === XREAL.canvas.summary().rev) return true;
        await new Promise((done) => setTimeout(done, 100));
    }
    return false;
}"""


def test_a_reload_brings_the_document_back(edit: Any) -> None:
    paint_a_chest(edit)
    run(edit)
    says(edit, "Done")
    drag(edit, (0.1, 0.1), (0.2, 0.1))
    drawn = edit.evaluate("Array.from(XREAL.canvas.drawing.bits)")
    assert edit.evaluate(SAVED)

    edit.reload()
    edit.wait_for_function(READY)
    edit.wait_for_function("XREAL.canvas.summary().organs[0] > 0")

    assert states(edit) == ["1 Generated"]
    assert edit.evaluate("Array.from(XREAL.canvas.drawing.bits)") == drawn


def test_a_reload_during_a_run_finds_the_run_again(served: Served, edit: Any) -> None:
    served.engine.stop_at = ("generated", 1)
    run(edit)
    says(edit, "Generated")
    edit.reload()
    edit.wait_for_function(READY)
    says(edit, "Generated")
    served.engine.release()
    says(edit, "Done")
    edit.get_by_role("option", name="1 Generated").wait_for()


def test_templates_and_the_picture_give_organs(edit: Any) -> None:
    edit.get_by_role("button", name="Template", exact=True).click()
    dialog = edit.get_by_role("dialog", name="Templates")
    dialog.get_by_role("option").first.wait_for()
    assert dialog.get_by_role("option").all_inner_texts() == [
        "Average",
        "Large heart",
        "Low volumes",
    ]
    dialog.get_by_role("button", name="Use template").click()
    edit.wait_for_function("XREAL.canvas.summary().organs[2] > 0")
    run(edit)
    edit.get_by_role("option", name="1 Generated").wait_for()

    edit.get_by_role("button", name="From picture").click()
    edit.wait_for_function("XREAL.canvas.summary().organs[0] === 64 * 128")


def test_a_slider_of_the_anatomy_draws_it_anew_in_one_undo_step(edit: Any) -> None:
    edit.get_by_role("button", name="Template", exact=True).click()
    edit.get_by_role("dialog", name="Templates").get_by_role("option").first.wait_for()
    edit.get_by_role("button", name="Use template").click()
    edit.wait_for_function("XREAL.canvas.summary().organs[2] > 0")
    before = edit.evaluate("XREAL.canvas.summary().organs")
    for name in ("Heart size", "Lung volume", "Rotation", "Habitus", "View"):
        edit.get_by_role("slider", name=name).wait_for()

    edit.get_by_role("slider", name="Heart size").focus()
    edit.keyboard.press("End")  # the largest: a ratio of 0.70
    edit.wait_for_function(f"XREAL.canvas.summary().organs[2] > 1.5 * {before['2']}")
    edit.get_by_role("button", name="Anatomy: average, heart 0.70").wait_for()

    edit.get_by_role("button", name="Undo").click()
    edit.wait_for_function(f"XREAL.canvas.summary().organs[2] === {before['2']}")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("page.png", b"<!doctype html><p>not found", "web page"),
        ("cut.png", None, "cut off"),
        ("empty.png", b"", "empty"),
    ],
)
def test_a_bad_file_is_one_sentence_and_nothing_is_lost(
    edit: Any, tmp_path: Any, name: str, data: bytes | None, said: str
) -> None:
    paint_a_chest(edit)
    if data is None:
        write_png(tmp_path / "whole.png", np.random.default_rng(0).random((64, 64), np.float32))
        data = (tmp_path / "whole.png").read_bytes()[:-2000]
    (tmp_path / name).write_bytes(data)
    drawn = edit.evaluate("XREAL.canvas.summary().organs")

    open_file(edit, tmp_path / name)

    edit.get_by_role("region", name="Viewport").get_by_text(said).first.wait_for()
    assert states(edit) == []
    assert edit.evaluate("XREAL.canvas.summary().organs") == drawn


def test_what_cannot_be_run_says_why(edit: Any) -> None:
    for verb, why in (
        ("Insert", "Open or generate a picture first."),
        ("Erase", "Open or generate a picture first."),
        ("Outpaint", "Open or generate a picture first."),
        ("Upscale", "Open or generate a picture first."),
    ):
        choose(edit, verb)
        button = edit.get_by_role("button", name=verb, exact=True)
        assert button.get_attribute("aria-disabled") == "true"
        assert edit.locator("#why").inner_text() == why


def test_a_seed_that_is_no_number_is_a_sentence(edit: Any) -> None:
    edit.get_by_role("button", name="Details").click()
    edit.get_by_role("spinbutton", name="Seed").fill("1.5")
    assert edit.get_by_role("checkbox", name="Keep seed").is_checked()
    run(edit)
    says_in_view(edit, "The seed must be a whole number")

    edit.get_by_role("spinbutton", name="Seed").fill("12")
    run(edit)
    says(edit, "Done")


def test_a_finding_without_words_names_its_letter(edit: Any) -> None:
    add_a_finding(edit, "")
    run(edit)
    says_in_view(edit, "Finding A has no words.")
    assert edit.evaluate("XREAL.canvas.summary().findings.length") == 1


def test_four_variations_are_four_states(served: Served, edit: Any) -> None:
    edit.get_by_role("combobox", name="Variations").click()
    edit.get_by_role("option", name="x 4").click()
    run(edit)
    says(edit, "Done")
    edit.get_by_role("option", name="State 4").wait_for()

    seeds = [request.sampling.seed for request in served.engine.requests[-4:]]
    assert seeds == list(range(seeds[0], seeds[0] + 4))


def test_the_picture_is_upscaled_and_completed_with_its_drawing(served: Served, edit: Any) -> None:
    paint_a_chest(edit)
    run(edit)
    says(edit, "Done")
    before = np.array(edit.evaluate("Array.from(XREAL.canvas.drawing.bits)")).reshape(256, 256)

    choose(edit, "Outpaint")
    edit.get_by_role("spinbutton", name="Add at top").fill("16")
    edit.get_by_role("spinbutton", name="Add at patient's left").fill("32")
    run(edit, "Outpaint")
    says(edit, "Done")
    edit.wait_for_function("XREAL.canvas.drawing.w === 288")
    after = np.array(edit.evaluate("Array.from(XREAL.canvas.drawing.bits)")).reshape(272, 288)
    np.testing.assert_array_equal(after[16:, :256], before)
    request = served.engine.requests[-1]
    assert request.keep.shape == (272, 288) and (request.keep[:16] == 0).all()
    edit.get_by_role("button", name="Accept").click()

    choose(edit, "Upscale")
    run(edit, "Upscale")
    says(edit, "Done")
    edit.wait_for_function("XREAL.canvas.drawing.w > 800")
    assert picture(edit, 3).shape[1] > 800
    assert "1024" in edit.locator("#why").inner_text() or picture(edit, 3).shape[1] < 1024


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_lost_at_any_size(edit: Any, size: tuple[int, int]) -> None:
    edit.set_viewport_size({"width": size[0], "height": size[1]})
    for verb in ("Generate", "Insert", "Outpaint"):
        choose(edit, verb)
        scrolls = edit.evaluate(
            "[document.scrollingElement.scrollHeight - innerHeight,"
            " document.body.scrollWidth - innerWidth]"
        )
        assert scrolls == [0, 0]
        for name in ("Run status", verb):
            role = "status" if name == "Run status" else "button"
            box = edit.get_by_role(role, name=name, exact=True).first.bounding_box()
            assert box["y"] + box["height"] <= size[1] and box["x"] + box["width"] <= size[0]


def test_every_name_of_the_contract_is_there(edit: Any) -> None:
    edit.get_by_role("button", name="Details").click()
    expected = {
        "navigation": ["Pages"],
        "link": ["Edit"],
        "status": ["Document state", "Engine status", "Run status"],
        "button": [
            "Open", "Export", "Theme: dark", "Keys and help", "Generate", "Details", "Undo",
            "Redo", "Template", "From picture", "Add", "Pin as B", "Restore drawing",
            "Delete state",
        ],
        "toolbar": ["Drawing tools", "Tool options"],
        "listbox": ["Labels", "Findings list", "States"],
        "application": ["Radiograph and drawing"],
        "region": ["Viewport", "Measures"],
        "radiogroup": ["Verb", "Quality"],
        "textbox": ["Report"],
        "slider": ["Steps", "Guidance", "Brush size", "Overlay opacity"],
        "spinbutton": ["Seed"],
        "checkbox": ["Keep seed", "Show outlines"],
        "combobox": ["Variations", "Paint where", "Window preset"],
    }  # fmt: skip
    missing = [
        (role, name)
        for role, names in expected.items()
        for name in names
        if edit.get_by_role(role, name=name).count() == 0
    ]
    assert missing == []
    unnamed = edit.evaluate(
        """() => [...document.querySelectorAll(
            '#bar button, #ask button, #ask input, #ask textarea')]
        .filter((e) => e.checkVisibility() && !(e.getAttribute('aria-label') || e.textContent.trim()
            || e.title || (e.labels && e.labels.length && e.labels[0].textContent.trim())))
        .map((e) => e.outerHTML.slice(0, 120))"""
    )
    assert unnamed == []


def test_the_page_asks_nothing_of_anybody_else(served: Served, edit: Any) -> None:
    run(edit)
    says(edit, "Done")
    foreign = [url for url in edit.asked if not url.startswith((served.url, "data:", "blob:"))]
    assert foreign == []
    settings = set(edit.evaluate("Object.keys(localStorage)"))
    assert settings <= {"xreal-theme", "xreal-tour"}


def test_the_theme_is_kept(edit: Any) -> None:
    edit.get_by_role("button", name="Theme: dark").click()
    edit.get_by_role("button", name="Theme: light").wait_for()
    edit.reload()
    edit.get_by_role("button", name="Theme: light").wait_for()


def test_the_keyboard_alone_generates_and_stops(served: Served, edit: Any) -> None:
    served.engine.stop_at = ("generated", 1)
    edit.get_by_role("textbox", name="Report").focus()
    edit.keyboard.type("effusion")
    edit.keyboard.press("Control+Enter")
    says(edit, "Generated")
    with stop_heard(edit):
        edit.keyboard.press("Escape")
    served.engine.release()
    says(edit, "Stopped")
    assert served.engine.requests[-1].report == "effusion"


def test_the_picture_is_measured_beside_the_drawing(edit: Any) -> None:
    paint_a_chest(edit)
    run(edit)
    says(edit, "Done")

    # The fake engine reads a heart of a quarter of the width in a chest of three quarters.
    row = edit.get_by_role("region", name="Measures").get_by_role("row", name="Cardiothoracic")
    row.get_by_role("cell").last.get_by_text("0.33").wait_for()
    assert row.get_by_role("cell").nth(1).inner_text() != "0.33", "the drawing is another"

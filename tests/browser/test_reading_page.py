"""The reading room's page in a real browser: pictures, marks, pauses, themes, names."""

from typing import Any

import pytest

from app.studies.shelf import Shelf
from tests.browser import access
from tests.browser.reading_driver import ReaderAt
from tests.browser.test_reading import kept, reader, served, shelf, turing  # fixtures
from tests.studies.reading_rooms import Opened, opened
from tests.studies.served_room import Served

__all__ = ["reader", "served", "shelf", "turing"]
MEAN = """() => {
    const c = document.querySelector('.pane canvas');
    const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
    let sum = 0;
    for (let i = 0; i < d.length; i += 4) sum += d[i];
    return 4 * sum / d.length }"""


def test_a_minute_without_a_touch_and_a_pause_are_told_to_the_server(
    turing: Opened, reader: ReaderAt
) -> None:
    reader.page.clock.install()
    reader.begin(turing.codes["R01"])
    reader.page.clock.run_for(70_000)
    reader.saved()
    reader.press("2")
    reader.saved()
    reader.press("Escape")
    reader.says("Paused")
    kept(reader.page, "reading-pause")
    assert reader.page.locator("fieldset:enabled").count() == 0
    reader.press("Enter", "Enter")
    reader.at("Case 2")

    sql = "reader_id = 'R01' AND kind IN ('paused', 'resumed', 'trial_submitted')"
    events = turing.store.log.events(sql)
    assert [event.kind for event in events] == ["paused", "resumed"] * 2 + ["trial_submitted"]
    assert 60_000 <= events[0].data["idle_ms"] < 70_000


def test_marks_by_mouse_and_by_keyboard_lie_where_they_were_put(
    turing: Opened, reader: ReaderAt
) -> None:
    reader.begin(turing.codes["R01"])
    canvas = reader.page.locator(".pane canvas")
    box = canvas.bounding_box()
    assert box is not None
    side = min(box["width"], box["height"])
    left = box["x"] + (box["width"] - side) / 2
    top = box["y"] + (box["height"] - side) / 2
    reader.page.keyboard.down("Shift")
    reader.page.mouse.click(left + 0.25 * side, top + 0.6 * side)
    reader.page.keyboard.up("Shift")
    reader.says("Mark 1: choose below")
    reader.press("3")  # the third reason
    reader.says("Mark 1: heart border")
    reader.press("m", *["ArrowLeft"] * 10, "Shift+ArrowUp", "Enter")
    reader.says("Mark 2: choose below")
    reader.page.get_by_role("button", name="Diaphragm").click()
    reader.press("m", "Enter", "Delete")  # a third one, taken away again
    reader.page.get_by_role("radio", name="Probably real").check()
    kept(reader.page, "reading-marks")
    reader.press("Enter")
    reader.at("Case 2")

    answers = turing.store.answers("R01-001")
    one, two = answers["marks"]
    assert answers["source"] == 2
    assert (one["x"], one["y"]) == pytest.approx((0.25, 0.6), abs=0.005)
    assert (two["x"], two["y"]) == pytest.approx((0.4, 0.45), abs=1e-6)
    assert (one["tag"], two["tag"]) == ("heart border", "diaphragm")


def grey(page: Any) -> float:
    """The mean grey of what is on the first canvas, 0 to 255."""
    return page.evaluate(MEAN)


def test_window_level_zoom_and_invert_run_in_the_browser_alone(
    turing: Opened, reader: ReaderAt
) -> None:
    reader.begin(turing.codes["R01"])
    reader.press("1")
    reader.saved()
    plain = grey(reader.page)
    asked: list[str] = []
    reader.page.on("request", lambda request: asked.append(request.url))
    reader.press(*["ArrowDown"] * 6)  # a higher level is a darker picture
    darker = grey(reader.page)
    reader.press("r", "i")
    inverted = grey(reader.page)
    reader.press("i", "+", "+", "+")
    zoomed = reader.page.get_by_text("Zoom 195 %").is_visible()
    reader.press("0", "r")
    back = grey(reader.page)

    assert darker < plain - 10 and abs(inverted - plain) > 10 and zoomed
    assert back == plain
    assert not any("pictures" in url or "submit" in url for url in asked)
    assert turing.store.answers("R01-001") == {"source": 1}


def test_after_a_click_on_an_answer_the_arrows_belong_to_the_picture(
    turing: Opened, reader: ReaderAt
) -> None:
    reader.begin(turing.codes["R01"])
    reader.page.get_by_role("radio", name="Leaning to real").click()
    reader.press("ArrowDown", "ArrowRight")

    assert reader.chosen() == ["Leaning to real"]


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("protocol", ["rating", "pair", "edit"])
def test_all_can_be_read_and_is_named(
    shelf: Shelf, served: Served, browser: Any, protocol: str, theme: str
) -> None:
    study = opened(shelf, protocol, count=3, readers=1)
    size = {"width": 1280, "height": 720}
    context = browser.new_context(viewport=size)
    reader = ReaderAt(context.new_page(), served.url)
    reader.open()
    reader.page.locator("#code").wait_for()
    if theme == "light":
        reader.page.get_by_role("button", name="Light").click()
    found = access.contrast(reader.page) + access.unnamed(reader.page)
    reader.begin(study.codes["R01"])
    reader.press("2")
    reader.saved()
    kept(reader.page, f"reading-{protocol}-{theme}")
    found += access.contrast(reader.page) + access.unnamed(reader.page)
    context.close()

    assert found == []


def test_the_question_that_is_asked_next_is_in_sight(shelf: Shelf, reader: ReaderAt) -> None:
    study = opened(shelf, "rating", count=3, readers=1)
    reader.page.set_viewport_size({"width": 1280, "height": 720})
    reader.begin(study.codes["R01"])
    last = reader.page.get_by_role("radio", name="As a clinical film")
    panel = reader.page.locator("#in").bounding_box()
    before = last.bounding_box()
    reader.press("3", "4")
    after = last.bounding_box()

    assert panel and before and after
    assert before["y"] > panel["y"] + panel["height"]
    assert after["y"] + after["height"] <= panel["y"] + panel["height"]

"""The label canvas in a real browser, on its own demo page: real mouse, real keys, no model."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.canvas import raster

BITS = "() => Array.from(window.XREAL.canvas.drawing.bits)"
HEART, ERASE = 4, 1 << 28


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
def canvas(demo: Any, page: Any) -> Any:
    """The opened demo page with an empty drawing of 256 x 256."""
    demo.received.clear()
    demo.asks.clear()
    page.goto(demo.address)
    page.wait_for_function("window.XREAL && window.XREAL.canvas?.summary().doc === 'demo'")
    return page


@pytest.fixture
def filled(canvas: Any) -> Any:
    """The demo page with organs, two findings and three states."""
    canvas.click("#fill")
    canvas.wait_for_function("window.XREAL.canvas.summary().picture")
    canvas.wait_for_function("window.XREAL.canvas.summary().findings.length === 2")
    return canvas


def size_to(page: Any, width: int, height: int) -> None:
    """A new empty document of this size."""
    view = {"doc": f"blank{width}x{height}", "size": [width, height], "nonce": width * height}
    page.evaluate("(v) => window.XREAL.canvas.apply(v)", view)
    assert page.evaluate("window.XREAL.canvas.drawing.w") == width


def screen(page: Any, points: list[tuple[float, float]]) -> list[tuple[int, int]]:
    """Where points of the picture lie in the window, on whole screen pixels."""
    code = """(ps) => { const v = window.XREAL.canvas.view, r = v.over.getBoundingClientRect();
        return ps.map((p) => v.toScreen(...p)).map(([x, y]) => [x + r.left, y + r.top]); }"""
    return [(round(x), round(y)) for x, y in page.evaluate(code, [list(p) for p in points])]


def drag(page: Any, points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Drags the mouse through points of the picture; gives the points really reached."""
    places = screen(page, points)
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place)
    page.mouse.up()
    return reached(page, places)


def reached(page: Any, places: list[tuple[int, int]]) -> list[tuple[float, float]]:
    code = """(ps) => ps.map((p) =>
        window.XREAL.canvas.view.point({clientX: p[0], clientY: p[1]}))"""
    return [(x, y) for x, y in page.evaluate(code, [list(p) for p in places])]


def bits_of(page: Any) -> np.ndarray:
    height, width = page.evaluate("[window.XREAL.canvas.drawing.h, window.XREAL.canvas.drawing.w]")
    return np.array(page.evaluate(BITS), np.uint32).reshape(height, width)


def sent(demo: Any, page: Any) -> Any:
    """Presses Run and gives the Drawing that the handler received."""
    page.click("#run")
    page.evaluate("window.XREAL.canvas.flush()")
    rev = page.evaluate("window.XREAL.canvas.summary().rev")
    page.wait_for_function(
        "(rev) => document.querySelector('#received textarea').value.startsWith(`rev ${rev},`)",
        arg=rev,
    )
    return demo.received[-1]


def label(covered: np.ndarray, value: int) -> np.ndarray:
    return np.where(covered, np.uint32(value), np.uint32(0))


def key(page: Any, *keys: str) -> None:
    page.get_by_role("application").focus()
    for name in keys:
        page.keyboard.press(name)


@pytest.mark.parametrize("width, height", [(256, 256), (1000, 811), (1024, 1024)])
def test_a_stroke_arrives_exactly_as_an_independent_raster_draws_it(
    demo: Any, canvas: Any, width: int, height: int
) -> None:
    size_to(canvas, width, height)
    line = [(0.3 * width, 0.3 * height), (0.5 * width, 0.6 * height), (0.62 * width, 0.35 * height)]

    canvas.get_by_role("option", name="Heart").click()
    way = drag(canvas, line)
    drawing = sent(demo, canvas)

    expected = label(raster.stroke((height, width), way, 12), HEART)
    assert drawing.bits.shape == (height, width)
    assert np.count_nonzero(drawing.bits != expected) == 0
    assert np.count_nonzero(bits_of(canvas) != expected) == 0


def test_a_zoomed_stroke_and_an_erased_one_are_exact(demo: Any, canvas: Any) -> None:
    canvas.get_by_role("option", name="Left lung").click()
    x, y = screen(canvas, [(150, 110)])[0]
    canvas.mouse.move(x, y)
    canvas.mouse.wheel(0, -900)
    way = drag(canvas, [(140, 100), (165, 118)])
    canvas.get_by_role("button", name="Eraser").click()
    gone = drag(canvas, [(150, 100), (150, 125)])

    expected = raster.stroke((256, 256), way, 12) & ~raster.stroke((256, 256), gone, 12)
    assert expected.any()
    assert np.array_equal(sent(demo, canvas).bits, label(expected, 1))


def test_shift_draws_a_straight_line_and_alt_takes_away(canvas: Any) -> None:
    canvas.get_by_role("option", name="Aorta").click()
    first = drag(canvas, [(60, 60)])
    canvas.keyboard.down("Shift")
    second = drag(canvas, [(180, 140)])
    canvas.keyboard.up("Shift")
    canvas.keyboard.down("Alt")
    third = drag(canvas, [(120, 100)])
    canvas.keyboard.up("Alt")

    shape = (256, 256)
    line = raster.capsule(shape, first[0], first[0], 12)
    line |= raster.capsule(shape, first[0], second[0], 12)
    line &= ~raster.capsule(shape, third[0], third[0], 12)
    assert np.array_equal(bits_of(canvas), label(line, 8))


def test_mirroring_paints_the_other_lung(canvas: Any) -> None:
    canvas.get_by_role("option", name="Left lung").click()
    canvas.get_by_role("button", name="Mirror").click()
    way = drag(canvas, [(180, 80), (190, 150)])

    other = [(256 - x, y) for x, y in way]
    expected = label(raster.stroke((256, 256), way, 12), 1)
    expected |= label(raster.stroke((256, 256), other, 12), 2)
    assert np.array_equal(bits_of(canvas), expected)


def test_polygon_lasso_ellipse_and_fill_agree_with_the_twin(canvas: Any) -> None:
    shape, corners = (256, 256), [(40, 40), (120, 60), (70, 130)]
    canvas.get_by_role("option", name="Heart").click()
    key(canvas, "p")
    places = screen(canvas, corners)
    for place in places:
        canvas.mouse.click(*place)
    key(canvas, "Enter")
    expected = raster.polygon(shape, reached(canvas, places))
    assert np.array_equal(bits_of(canvas), label(expected, HEART))

    key(canvas, "l")
    expected |= raster.polygon(shape, drag(canvas, [(150, 40), (210, 50), (200, 120), (160, 100)]))
    assert np.array_equal(bits_of(canvas), label(expected, HEART))

    key(canvas, "o")
    (ax, ay), (bx, by) = drag(canvas, [(100, 150), (180, 220)])
    middle = ((ax + bx) / 2, (ay + by) / 2)
    expected |= raster.ellipse(shape, middle, abs(bx - ax) / 2, abs(by - ay) / 2)
    assert np.array_equal(bits_of(canvas), label(expected, HEART))

    key(canvas, "e")
    drag(canvas, [(140, 185), (141, 185)])
    assert not bits_of(canvas)[185, 140]
    key(canvas, "f")
    canvas.mouse.click(*screen(canvas, [(140, 185)])[0])
    assert np.array_equal(bits_of(canvas), label(expected, HEART))


def test_grow_shrink_and_smooth_agree_with_the_twin(filled: Any) -> None:
    filled.get_by_role("option", name="Right lung").click()
    before = bits_of(filled)
    lung = (before & 2) > 0

    for name, rule in (
        ("Grow", raster.grown),
        ("Shrink", raster.shrunk),
        ("Smooth", raster.smoothed),
    ):
        filled.get_by_role("button", name=name, exact=True).click()
        lung = rule(lung)
        after = bits_of(filled)
        assert np.array_equal((after & 2) > 0, lung)
        assert np.array_equal(after & ~np.uint32(2), before & ~np.uint32(2))


def test_a_drawing_survives_the_way_from_the_server_and_back(demo: Any, filled: Any) -> None:
    from app.canvas.demo import anatomy

    drawing = sent(demo, filled)

    assert np.array_equal(drawing.bits & 15, anatomy(256))
    assert [f.words for f in drawing.findings] == ["moderate pleural effusion", "patchy opacity"]
    assert drawing.state == "s3"


def test_a_hundred_steps_can_be_undone_and_done_again(canvas: Any) -> None:
    dab = """(k) => { const c = window.XREAL.canvas, d = c.drawing; d.begin("dab");
        c.raster.capsule(256, 256, 20 + 2 * k, 40 + k, 21 + 2 * k, 40 + k, 5,
            (i) => d.put(i, (d.bits[i] | (1 << (k % 4))) >>> 0)); d.touched(); d.commit(); }"""
    for k in range(100):
        canvas.evaluate(dab, k)
    painted = bits_of(canvas)

    key(canvas, *["Control+z"] * 100)
    assert not bits_of(canvas).any()
    canvas.locator("#ask").click(position={"x": 5, "y": 300})
    for _ in range(100):
        canvas.keyboard.press("Control+y")

    assert np.array_equal(bits_of(canvas), painted)


def test_undo_covers_words_visibility_findings_and_loads(demo: Any, filled: Any) -> None:
    def state() -> Any:
        return filled.evaluate("""() => { const d = window.XREAL.canvas.drawing;
            const sum = d.bits.reduce((s, b) => (s * 31 + b) % 1e9, 7);
            return [d.findings, d.hidden, d.locked, sum]; }""")

    seen = [state()]
    filled.get_by_role("button", name="Hide Heart").click()
    seen.append(state())
    filled.get_by_role("combobox", name="Words of finding A").fill("small effusion")
    filled.keyboard.press("Enter")
    seen.append(state())
    filled.get_by_role("button", name="Add", exact=True).click()
    seen.append(state())
    filled.get_by_role("button", name="Finding B: more").click()
    filled.get_by_role("menuitem", name="Delete finding B").click()
    seen.append(state())
    filled.get_by_role("button", name="Heart: more").click()
    filled.get_by_role("menuitem", name="Swap with left lung").click()
    seen.append(state())
    filled.get_by_role("button", name="From picture").click()
    filled.wait_for_function(
        "window.XREAL.canvas.drawing.undoStack.at(-1).title === 'from picture'"
    )
    seen.append(state())

    assert len({str(s) for s in seen}) == 7
    for before in reversed(seen[:-1]):
        filled.get_by_role("button", name="Undo").click()
        assert state() == before
    for after in seen[1:]:
        filled.get_by_role("button", name="Redo").click()
        assert state() == after


def test_an_anatomy_replaces_the_organs_and_leaves_findings(demo: Any, filled: Any) -> None:
    before = bits_of(filled)
    filled.get_by_role("option", name="Heart").click()
    filled.get_by_role("button", name="Heart: more").click()
    filled.get_by_role("menuitem", name="Clear").click()

    filled.get_by_role("button", name="From picture").click()
    filled.wait_for_function("window.XREAL.canvas.summary().organs[2] > 0")

    after = bits_of(filled)
    assert np.array_equal(after & ~np.uint32(15), before & ~np.uint32(15))
    assert np.mean((after & 15) != (before & 15)) < 0.02  # the same shapes drawn at 512


def test_loading_over_newer_strokes_asks_first(filled: Any) -> None:
    url = filled.evaluate("""() => { const raw = new Uint8Array(4 * 256 * 256);
        return fetch('data:,').then(async () => { const c = window.XREAL.canvas;
        const gz = await new Response(new Blob([raw]).stream().pipeThrough(
            new CompressionStream('gzip'))).arrayBuffer();
        const file = {v: 1, w: 256, h: 256, crc32: c.raster.crc32(raw), replaces: 4294967295,
            findings: [], gzip: btoa(String.fromCharCode(...new Uint8Array(gz)))};
        return URL.createObjectURL(new Blob([JSON.stringify(file)])); }); }""")
    before = bits_of(filled)
    rev = filled.evaluate("window.XREAL.canvas.summary().rev")
    view = {"nonce": 9999, "base": rev - 1, "labels_url": url}

    filled.evaluate("(v) => { window.XREAL.canvas.apply(v) }", view)
    filled.get_by_role("button", name="Keep mine").click()
    assert np.array_equal(bits_of(filled), before)

    filled.evaluate("(v) => { window.XREAL.canvas.apply(v) }", view | {"nonce": 10000})
    filled.get_by_role("button", name="Load", exact=True).click()
    assert not bits_of(filled).any()
    key(filled, "Control+z")
    assert np.array_equal(bits_of(filled), before)


def test_the_drawing_follows_a_picture_of_another_size_and_comes_back(filled: Any) -> None:
    before = bits_of(filled)

    filled.get_by_role("option", name="State 4 Upscaled").click()
    filled.wait_for_function("window.XREAL.canvas.drawing.w === 1024")
    assert np.array_equal(bits_of(filled), raster.resized(before, 1024, 1024))
    filled.get_by_role("option", name="State 2 Anatomy").click()
    filled.wait_for_function("window.XREAL.canvas.drawing.w === 256")

    assert np.array_equal(bits_of(filled), before)


def test_everything_can_be_painted_without_a_mouse(canvas: Any) -> None:
    key(canvas, "3", "b", "Shift+ArrowRight", "k", "Shift+ArrowDown", "ArrowRight", "k")
    heart = label(raster.stroke((256, 256), [(138, 128), (138, 138), (139, 138)], 12), HEART)
    assert np.array_equal(bits_of(canvas), heart)

    key(canvas, "n")
    canvas.get_by_role("combobox", name="Words of finding A").focus()
    canvas.keyboard.type("bank of fog")  # b, n, k, f, o are keys of the picture, not of this field
    canvas.keyboard.press("Enter")

    found = canvas.evaluate("window.XREAL.canvas.summary().findings")
    assert [f["words"] for f in found] == ["bank of fog"]
    assert np.array_equal(bits_of(canvas), heart)


def test_a_stroke_that_is_not_finished_is_sent_as_far_as_it_has_come(
    demo: Any, canvas: Any
) -> None:
    canvas.get_by_role("option", name="Heart").click()
    places = screen(canvas, [(100, 100), (140, 120), (180, 60)])
    canvas.mouse.move(*places[0])
    canvas.mouse.down()
    canvas.mouse.move(*places[1])

    payload = canvas.evaluate("window.XREAL.canvas.flush()")
    canvas.mouse.move(*places[2])
    canvas.mouse.up()

    stroke = raster.stroke((256, 256), reached(canvas, places[:2]), 12)
    assert payload["rev"] == 1
    assert np.array_equal(bits_of(canvas), label(stroke, HEART))


def test_a_stroke_may_begin_on_the_cards_of_the_first_run(canvas: Any) -> None:
    canvas.get_by_text("Draw a chest, or drop one here").wait_for()

    way = drag(canvas, [(128, 140), (150, 150), (160, 90)])

    assert np.array_equal(bits_of(canvas), label(raster.stroke((256, 256), way, 12), 1))


def test_paint_sticks_where_it_is_allowed(filled: Any) -> None:
    before = bits_of(filled)
    filled.get_by_role("option", name="Finding B").click()
    filled.get_by_role("combobox", name="Paint where").select_option("Inside lungs")
    drag(filled, [(20, 100), (240, 100)])
    painted = bits_of(filled) & ~before
    assert painted.any()
    assert not (painted.astype(bool) & ((before & 3) == 0)).any()

    filled.get_by_role("option", name="Heart").click()
    filled.get_by_role("combobox", name="Paint where").select_option("Not over others")
    before = bits_of(filled)
    drag(filled, [(20, 60), (240, 60)])
    painted = bits_of(filled) & ~before
    assert painted.any()
    assert not (painted.astype(bool) & ((before & 0b1011) != 0)).any()


def test_a_locked_label_and_one_the_model_cannot_draw_stay_as_they_are(filled: Any) -> None:
    before = bits_of(filled)
    filled.get_by_role("button", name="Heart: more").click()
    filled.get_by_role("menuitem", name="Lock").click()
    drag(filled, [(20, 20), (60, 20)])
    assert np.array_equal(bits_of(filled), before)

    know = {"organs": [1, 2, 3], "findings": [], "verbs": []}
    filled.evaluate("(k) => window.XREAL.canvas.apply({know: k, nonce: 777})", know)
    aorta = filled.get_by_role("option", name="Aorta")
    aorta.click(force=True)  # the driver itself would not click a disabled control
    assert aorta.get_attribute("aria-disabled") == "true"
    assert aorta.get_attribute("title") == "The loaded model cannot draw the aorta"
    assert aorta.get_attribute("aria-selected") == "false"


def test_the_area_and_its_zone_follow_the_brush(demo: Any, filled: Any) -> None:
    filled.evaluate("window.XREAL.canvas.area('erase')")
    way = drag(filled, [(40, 40), (60, 200)])
    inside = raster.stroke((256, 256), way, 12)

    zone = filled.evaluate("window.XREAL.canvas.zone({bits: [28], grow: 3})")
    drawing = sent(demo, filled)

    assert np.array_equal(drawing.erase_mask() > 0, inside)
    assert inside.sum() < zone < raster.stroke((256, 256), way, 16).sum()
    filled.get_by_role("button", name="Clear area").click()
    assert not sent(demo, filled).erase_mask().any()


def test_measures_are_counted_from_the_drawing(filled: Any) -> None:
    bits = bits_of(filled)
    columns = np.flatnonzero(((bits & 3) > 0).any(axis=0))
    heart = np.flatnonzero(((bits & 4) > 0).any(axis=0))
    ratio = np.ptp(heart) + 1, np.ptp(columns) + 1
    share = (bits & 2 > 0).sum() / ((bits & 1 > 0).sum() + (bits & 2 > 0).sum())

    shown = filled.get_by_role("region", name="Measures").inner_text()

    assert f"Cardiothoracic ratio\t{ratio[0] / ratio[1]:.2f}\t0.48" in shown
    assert f"Right lung\t{100 * share:.0f} %\t53 %" in shown


def test_window_and_level_change_what_is_seen_and_nothing_that_is_sent(
    demo: Any, filled: Any
) -> None:
    first = sent(demo, filled)
    places = screen(filled, [(128, 128), (150, 140)])
    filled.mouse.move(*places[0])
    filled.mouse.down(button="right")
    filled.mouse.move(*places[1])
    filled.mouse.up(button="right")
    dx, dy = places[1][0] - places[0][0], places[1][1] - places[0][1]

    assert filled.locator(".hud-window").inner_text() == f"W {255 + dx} L {128 + dy}"
    assert filled.get_by_role("combobox", name="Window preset").input_value() == "Custom"
    assert sent(demo, filled).rev == first.rev


def test_holding_c_shows_the_state_before(filled: Any) -> None:
    pixel = """() => { const c = document.querySelector('.under'), v = window.XREAL.canvas.view;
        const [x, y] = [184 * v.zoom + v.px, 168 * v.zoom + v.py];
        return c.getContext('2d').getImageData(x, y, 1, 1).data[0]; }"""
    filled.get_by_role("slider", name="Overlay opacity").fill("0")
    filled.get_by_role("checkbox", name="Show outlines").uncheck()
    frame = "new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f)))"
    filled.evaluate(frame)
    now = filled.evaluate(pixel)
    filled.get_by_role("application").focus()
    filled.keyboard.down("c")
    filled.evaluate(frame)
    before = filled.evaluate(pixel)
    filled.keyboard.up("c")
    filled.evaluate(frame)

    assert now - before > 20  # the demo's third state has a shadow there
    assert filled.evaluate(pixel) == now


def test_a_dropped_file_reaches_the_server_and_nothing_else_opens(
    demo: Any, canvas: Any, tmp_path: Path
) -> None:
    path = tmp_path / "chest.png"
    path.write_bytes(b"\x89PNG not really")

    canvas.locator("input.file").set_input_files(path)
    canvas.wait_for_function("document.querySelector('.note').hidden")
    canvas.wait_for_timeout(200)

    (ask,) = [a for a in demo.asks if a.kind == "open"]
    assert ask.data["name"] == "chest.png"
    assert ask.file.read_bytes() == path.read_bytes()


NAMES = {
    "toolbar": ["Drawing tools", "Tool options"],
    "button": [
        "Brush", "Eraser", "Polygon", "Lasso", "Ellipse", "Fill", "Window and level",
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
            found = filled.locator("#editor").get_by_role(role, name=name, exact=True)
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
    filled.evaluate("new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f)))")

    lost = filled.evaluate("""() => [...document.querySelectorAll('.xc .opts > *, .xc .rail > *, '
        + '.xc .fh *, .xc .hud, .xc .draw > *')].filter((e) => e.offsetParent).filter((e) => {
        const r = e.getBoundingClientRect(), all = e.closest('.xc').getBoundingClientRect();
        const own = e.closest('.opts, .rail, .fh, .view, .draw').getBoundingClientRect();
        return r.right > own.right + 1 || r.bottom > Math.min(own.bottom, all.bottom) + 1;
        }).map((e) => e.className + e.textContent.slice(0, 20))""")
    assert lost == []
    assert filled.evaluate("document.documentElement.scrollHeight") <= height


def test_the_page_asks_no_other_computer(demo: Any, page: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(demo.address)
    page.wait_for_function("window.XREAL && window.XREAL.canvas")
    page.click("#fill")
    page.wait_for_function("window.XREAL.canvas.summary().picture")

    foreign = [url for url in asked if not url.startswith((demo.address, "data:", "blob:"))]
    assert foreign == []

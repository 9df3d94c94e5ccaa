"""The pixels in the browser, those Python receives and an independent raster are the same.

Every tool at four sizes, on screens of three densities, and a hundred random steps of every
operation, undone and done again one by one.
"""

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from app.canvas import raster
from app.canvas.demo import anatomy, phantom
from app.canvas.drawing import ORGAN_BITS, labels_file
from tests.browser.canvas_driver import (
    BareDemo,
    Point,
    bits_of,
    drag,
    flush,
    open_bare,
    press,
    reached,
    screen,
    show,
    two_frames,
)

LEFT, RIGHT, HEART, AORTA, A, B = range(6)
ILL = phantom(256, 0.25)  # the picture that ``filled`` shows
ORGANS = BareDemo().url("", labels_file(anatomy(512), replaces=ORGAN_BITS))
SQUARE = ndimage.generate_binary_structure(2, 2)


class Twin:
    """The drawing as Python would draw it: (h, w) uint32, changed by one method a tool."""

    def __init__(self, bits: np.ndarray) -> None:
        self.bits = bits.copy()

    def plane(self, bit: int) -> np.ndarray:
        return (self.bits >> np.uint32(bit) & 1).astype(bool)

    def set(self, bit: int, plane: np.ndarray) -> None:
        mask = np.uint32(1 << bit)
        self.bits = np.where(plane, self.bits | mask, self.bits & ~mask).astype(np.uint32)

    def add(self, bit: int, more: np.ndarray) -> None:
        self.set(bit, self.plane(bit) | more)

    def take(self, bit: int, less: np.ndarray) -> None:
        self.set(bit, self.plane(bit) & ~less)

    def fill(self, bit: int, point: Point) -> None:
        free, _ = ndimage.label(~self.plane(bit))
        part = free[int(point[1]), int(point[0])]
        found = free == part
        if part and not (found[[0, -1]].any() or found[:, [0, -1]].any()):
            self.add(bit, found)

    def keep_largest(self, bit: int) -> None:
        parts, count = ndimage.label(self.plane(bit), SQUARE)
        if count:
            sizes = np.bincount(parts.ravel())[1:]
            self.set(bit, parts == 1 + int(sizes.argmax()))

    def shift(self, bit: int, dx: int, dy: int) -> None:
        self.set(bit, raster.moved(self.plane(bit), [1, 0, -dx, 0, 1, -dy]))

    def crc32(self) -> int:
        return zlib.crc32(self.bits.astype("<u4").tobytes())


def crc32(page: Any) -> int:
    return page.evaluate(
        """() => { const c = XREAL.canvas;
        return c.raster.crc32(new Uint8Array(c.drawing.bits.buffer)); }"""
    )


def click_through(page: Any, points: list[Point]) -> list[Point]:
    places = screen(page, points)
    for place in places:
        page.mouse.click(*place)
    return reached(page, places)


def draw_with_every_tool(page: Any, twin: Twin, shape: tuple[int, int]) -> None:
    """Brush, eraser, polygon, lasso, ellipse, fill, move, grow and smooth, zoomed in between."""
    height, width = shape

    def at(*shares: Point) -> list[Point]:
        return [(x * width, y * height) for x, y in shares]

    page.evaluate("(n) => XREAL.canvas.brush(n)", max(3, width // 20))
    radius = max(3, width // 20) / 2
    press(page, "1", "b")
    way = drag(page, at((0.6, 0.2), (0.8, 0.5), (0.65, 0.7)))
    twin.add(LEFT, raster.stroke(shape, way, radius))
    press(page, "e")
    twin.take(LEFT, raster.stroke(shape, drag(page, at((0.7, 0.2), (0.7, 0.6))), radius))
    press(page, "2", "p")
    way = click_through(page, at((0.2, 0.2), (0.4, 0.25), (0.35, 0.7), (0.15, 0.6)))
    press(page, "Enter")
    twin.add(RIGHT, raster.polygon(shape, way))
    press(page, "3", "l")
    way = drag(page, at((0.4, 0.5), (0.6, 0.45), (0.66, 0.7), (0.5, 0.8), (0.38, 0.7)))
    twin.add(HEART, raster.polygon(shape, way))
    press(page, "4", "o")
    (ax, ay), (bx, by) = drag(page, at((0.45, 0.2), (0.55, 0.4)))
    ring = raster.ellipse(shape, ((ax + bx) / 2, (ay + by) / 2), abs(bx - ax) / 2, abs(by - ay) / 2)
    twin.add(AORTA, ring)

    x, y = screen(page, at((0.5, 0.3)))[0]
    page.mouse.move(x, y)
    page.mouse.wheel(0, -700)
    page.evaluate("XREAL.canvas.brush(3)")
    press(page, "e")
    way = drag(page, at((0.5, 0.3), (0.502, 0.301)))
    twin.take(AORTA, raster.stroke(shape, way, 1.5))
    press(page, "f")
    hole = click_through(page, at((0.5, 0.3)))[0]
    twin.fill(AORTA, hole)
    press(page, "0", "3", "v", "Shift+ArrowLeft", "Shift+ArrowDown", "ArrowDown", "Enter")
    twin.shift(HEART, -10, 11)
    press(page, "Shift++", "1", "s")
    twin.set(HEART, raster.grown(twin.plane(HEART), 5))
    twin.set(LEFT, raster.smoothed(twin.plane(LEFT)))


@pytest.mark.parametrize("width, height", [(512, 512), (1000, 811), (1024, 1024), (2048, 2500)])
def test_every_tool_is_exact_at_every_size(
    canvas: Any, tmp_path: Path, width: int, height: int
) -> None:
    canvas.set_default_timeout(60_000)
    show(canvas, {"doc": "sized", "size": [width, height], "nonce": 50})
    twin = Twin(np.zeros((height, width), np.uint32))

    draw_with_every_tool(canvas, twin, (height, width))
    received = flush(canvas, tmp_path).bits

    assert all(twin.plane(bit).any() for bit in (LEFT, RIGHT, HEART, AORTA))
    assert np.count_nonzero(received != twin.bits) == 0
    assert crc32(canvas) == twin.crc32()


@pytest.fixture(params=[1, 1.25, 2])
def dense(request: Any, browser: Any) -> Iterator[Any]:
    """The canvas on a screen with so many physical pixels a CSS pixel."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 800}, device_scale_factor=request.param
    )
    page = context.new_page()
    open_bare(page)
    yield page
    context.close()


def test_every_tool_is_exact_on_screens_of_any_density(dense: Any, tmp_path: Path) -> None:
    show(dense, {"doc": "dense", "size": [300, 260], "nonce": 50})
    twin = Twin(np.zeros((260, 300), np.uint32))

    draw_with_every_tool(dense, twin, (260, 300))

    assert np.array_equal(flush(dense, tmp_path).bits, twin.bits)


def test_a_brush_of_one_pixel_paints_what_is_seen_under_the_cursor(dense: Any) -> None:
    grey = np.random.default_rng(4).permutation(256).reshape(16, 16).astype(np.uint8)
    show(dense, {"doc": "noise", "nonce": 60, "image_url": BareDemo().url("", grey)})
    dense.evaluate("XREAL.canvas.brush(1)")
    press(dense, "3", "b")
    for x, y in ((3.1, 2.9), (12.95, 7.05), (8.5, 14.5)):
        two_frames(dense)
        place = screen(dense, [(x, y)])[0]
        seen = dense.evaluate(
            """([x, y]) => { const c = document.querySelector(".under");
            const r = c.getBoundingClientRect(), k = c.width / r.width;
            const at = [(x - r.left) * k, (y - r.top) * k];
            return c.getContext("2d").getImageData(...at, 1, 1).data[0]; }""",
            list(place),
        )
        dense.mouse.click(*place)
        painted = np.argwhere(bits_of(dense) > 0)
        assert len(painted) == 1
        assert grey[tuple(painted[0])] == seen  # every grey value occurs once
        press(dense, "Control+z")


def random_steps(page: Any, twin: Twin, rng: np.random.Generator) -> dict[str, Callable[[], None]]:
    """One random use of each operation, on the page and on the twin."""
    shape = twin.bits.shape

    def points(n: int) -> list[Point]:
        return [(float(x), float(y)) for x, y in rng.uniform(25, 230, (n, 2))]

    def label() -> int:
        bit = int(rng.choice([LEFT, RIGHT, HEART, AORTA, A, B]))
        press(page, str(bit + 1))
        return bit

    def brush() -> None:
        bit, size = label(), int(rng.integers(2, 40))
        page.evaluate("(n) => XREAL.canvas.brush(n)", size)
        press(page, "b")
        twin.add(bit, raster.stroke(shape, drag(page, points(3)), size / 2))

    def mirrored_brush() -> None:
        bit = label()
        page.evaluate("XREAL.canvas.brush(30)")
        press(page, "b", "m")
        way = drag(page, [(120.0, 60.0), *points(2)])  # near the middle both sides overlap
        press(page, "m")
        twin.add(bit, raster.stroke(shape, way, 15))
        other = {LEFT: RIGHT, RIGHT: LEFT}.get(bit, bit)
        twin.add(other, raster.stroke(shape, [(256 - x, y) for x, y in way], 15))

    def eraser() -> None:
        bit, size = label(), int(rng.integers(2, 40))
        page.evaluate("(n) => XREAL.canvas.brush(n)", size)
        press(page, "e")
        twin.take(bit, raster.stroke(shape, drag(page, points(3)), size / 2))

    def polygon() -> None:
        bit = label()
        press(page, "p")
        way = click_through(page, points(5))
        press(page, "Enter")
        twin.add(bit, raster.polygon(shape, way))

    def lasso() -> None:
        bit = label()
        press(page, "l")
        twin.add(bit, raster.polygon(shape, drag(page, points(6))))

    def ellipse() -> None:
        bit = label()
        press(page, "o")
        (ax, ay), (bx, by) = drag(page, points(2))
        middle = ((ax + bx) / 2, (ay + by) / 2)
        twin.add(bit, raster.ellipse(shape, middle, abs(bx - ax) / 2, abs(by - ay) / 2))

    def fill() -> None:
        bit = label()
        press(page, "f")
        twin.fill(bit, click_through(page, points(1))[0])

    def tone() -> None:
        bit = label()
        press(page, "t")
        x, y = click_through(page, points(1))[0]
        twin.add(bit, raster.like_tone(ILL, (int(x), int(y)), 12))

    def move() -> None:
        bit = label()
        press(page, "v", "Shift+ArrowRight", "ArrowUp", "ArrowUp", "Enter")
        twin.shift(bit, 10, -2)

    def grow() -> None:
        bit = label()
        press(page, "=")
        twin.set(bit, raster.grown(twin.plane(bit)))

    def shrink_by_five() -> None:
        bit = label()
        press(page, "Shift+_")
        twin.set(bit, raster.shrunk(twin.plane(bit), 5))

    def smooth() -> None:
        bit = label()
        press(page, "s")
        twin.set(bit, raster.smoothed(twin.plane(bit)))

    def holes() -> None:
        bit = label()
        press(page, "f")
        page.keyboard.down("Shift")
        click_through(page, points(1))
        page.keyboard.up("Shift")
        twin.set(bit, ndimage.binary_fill_holes(twin.plane(bit)))

    def menu(bit: int, item: str) -> None:
        name = ("Left lung", "Right lung", "Heart", "Aorta", "Finding A", "Finding B")[bit]
        page.get_by_role("button", name=f"{name}: more").click()
        page.get_by_role("menuitem", name=item).click()

    def largest() -> None:
        bit = int(rng.integers(6))
        menu(bit, "Keep largest part")
        twin.keep_largest(bit)

    def mirror() -> None:
        bit = int(rng.integers(6))
        menu(bit, "Mirror to the other side")
        plane = twin.plane(bit)
        if plane.any():
            twin.set({LEFT: RIGHT, RIGHT: LEFT}.get(bit, bit), raster.mirrored(plane))

    def swap() -> None:
        menu(HEART, "Swap with aorta")
        heart, aorta = twin.plane(HEART), twin.plane(AORTA)
        twin.set(HEART, aorta)
        twin.set(AORTA, heart)

    def clear() -> None:
        bit = label()
        press(page, "Delete")
        twin.set(bit, np.zeros(shape, bool))

    def invert_area() -> None:
        page.evaluate("XREAL.canvas.area('erase')")
        page.get_by_role("button", name="Invert area").click()
        page.evaluate("XREAL.canvas.area(null)")
        twin.set(28, ~twin.plane(28))

    def load() -> None:
        nonce = int(rng.integers(1000, 10**9))
        show(page, {"nonce": nonce, "labels_url": ORGANS, "title": "from picture"})
        organs = raster.resized(anatomy(512), 256, 256)
        twin.bits = (twin.bits & ~np.uint32(15)) | organs

    steps = (
        brush,
        mirrored_brush,
        eraser,
        polygon,
        lasso,
        ellipse,
        fill,
        tone,
        move,
        grow,
        shrink_by_five,
    )
    steps += (smooth, holes, largest, mirror, swap, clear, invert_area, load)
    return {step.__name__: step for step in steps}


def test_a_hundred_steps_of_every_operation_are_exact_and_undone_one_by_one(
    filled: Any, tmp_path: Path
) -> None:
    filled.set_default_timeout(60_000)
    twin, rng = Twin(bits_of(filled)), np.random.default_rng(11)
    steps = random_steps(filled, twin, rng)
    rare = {"clear": 0.3, "load": 0.3, "shrink_by_five": 0.5}
    weights = np.array([rare.get(name, 1.0) for name in steps])
    seen, used = [twin.crc32()], []
    order = [*steps, *rng.choice(list(steps), 200, p=weights / weights.sum())]

    for name in order:
        steps[name]()
        assert crc32(filled) == twin.crc32(), (name, used)
        if twin.crc32() != seen[-1]:
            seen.append(twin.crc32())
            used.append(name)
        if len(used) > 100:
            break

    assert len(used) > 100 and len(set(used)) >= len(steps) - 1
    assert np.array_equal(flush(filled, tmp_path).bits, twin.bits)
    depth = filled.evaluate("XREAL.canvas.drawing.undoStack.length")
    assert depth >= len(used)
    undone, redone = filled.evaluate("""() => { const c = XREAL.canvas, d = c.drawing;
        const now = () => c.raster.crc32(new Uint8Array(d.bits.buffer)), was = [now()];
        while (d.undo()) was.push(now());
        const is = [now()];
        while (d.redo()) is.push(now());
        return [was, is]; }""")
    assert distinct(undone) == seen[::-1]
    assert distinct(redone) == seen
    assert filled.evaluate("XREAL.canvas.drawing.boxes[2] === null") is False
    count = filled.evaluate("XREAL.canvas.summary().organs")
    assert [count[str(k)] for k in range(4)] == [int(twin.plane(k).sum()) for k in range(4)]


def distinct(values: list[int]) -> list[int]:
    """Without repetitions of the value before: a step may change words or what is hidden only."""
    return [v for k, v in enumerate(values) if k == 0 or v != values[k - 1]]

"""Takes the pictures of docs/guide.md anew: ``python -m tests.browser.guide_pictures``.

Drives the program with its own models as the guide's reader would, so a picture that can no longer
be taken is a guide that is no longer true. Every film in them is synthetic.
"""

import io
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from engine import open_engine
from engine.images import write_png
from tests.browser.conftest import FLAGS, chromium_path
from tests.browser.test_edit_page import READY, choose, drag, open_file, picture, run, says
from tests.browser.test_people import film_with_a_pacemaker, paint_over, set_number, use_template

PROJECT = Path(__file__).parent.parent.parent
IMAGES = PROJECT / "docs" / "images"
SIZE = {"width": 1280, "height": 800}
QUALITY = 86  # of JPEG; letters stay sharp


@contextmanager
def program(data: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "app", "--port", str(port), "--no-browser"]
    environment = {**os.environ, "XREAL_DATA": data}
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True
    ) as started:
        assert started.stdout is not None
        started.stdout.readline()
        yield f"http://127.0.0.1:{port}/"
        started.terminate()


def keep(page: Any, name: str) -> None:
    page.mouse.move(5, 5)
    taken = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    taken.save(IMAGES / f"guide-{name}.jpg", quality=QUALITY, optimize=True)


def first_steps(page: Any) -> None:
    keep(page, "first")
    page.get_by_role("button", name="Template", exact=True).click()
    dialog = page.get_by_role("dialog", name="Templates")
    dialog.get_by_role("option", name="Large heart").first.click()
    page.wait_for_load_state("networkidle")
    keep(page, "template")
    page.keyboard.press("Escape")


def from_a_sentence(page: Any) -> None:
    use_template(page, "Average")
    page.get_by_role("textbox", name="Report").fill(
        "Moderate left pleural effusion. No pneumothorax. Heart size normal."
    )
    page.get_by_role("button", name="Draw effusion, left").click()
    page.get_by_text("Region for effusion, left").wait_for()
    keep(page, "report")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Details").click()
    page.get_by_role("spinbutton", name="Seed").fill("275304")
    page.get_by_role("button", name="Details").click()
    run(page)
    says(page, "Done")
    keep(page, "generated")


def three_hearts(page: Any) -> None:
    page.get_by_role("button", name="Details").click()
    page.get_by_role("spinbutton", name="Seed").fill("275304")
    use_template(page, "Average")
    for number, degree in enumerate((0.42, 0.52, 0.62), start=1):
        rev = page.evaluate("XREAL.canvas.summary().rev")
        set_number(page, "Heart size", degree)
        page.wait_for_function(f"XREAL.canvas.summary().rev > {rev}")
        run(page)
        page.get_by_role("option", name=f"{number} Generated").wait_for()
        says(page, "Done")
    films = np.hstack([picture(page, number) for number in (1, 2, 3)])
    shown = Image.fromarray(films).resize((1280, 427), Image.Resampling.LANCZOS)
    shown.save(IMAGES / "guide-degrees.jpg", quality=QUALITY)


def one_finding_more(page: Any) -> None:
    use_template(page, "Average")
    run(page)
    says(page, "Done")
    choose(page, "Insert")
    page.get_by_role("button", name="Add", exact=True).click()
    page.evaluate("XREAL.canvas.ui.size = 34")
    drag(page, (0.31, 0.3), (0.35, 0.36), (0.33, 0.4))
    page.get_by_role("combobox", name="Words of finding A").fill("consolidation")
    page.get_by_role("combobox", name="Words of finding A").press("Enter")
    page.locator("#insert-zone .zone-count").get_by_text("px").wait_for()
    page.wait_for_function("document.querySelector('#finding input').value === 'consolidation'")
    keep(page, "insert")


def no_pacemaker(page: Any) -> None:
    _, film, device = film_with_a_pacemaker(open_engine())
    with tempfile.TemporaryDirectory() as folder:
        write_png(Path(folder) / "film.png", film, bits=16)
        open_file(page, Path(folder) / "film.png")
        page.get_by_text("Real picture - not for diagnosis").wait_for()
    page.get_by_text("Real picture - not for diagnosis").wait_for()
    choose(page, "Erase")
    page.get_by_role("application").focus()
    paint_over(page, device, 12)
    before = page.locator(".xc .view").screenshot()
    run(page, "Erase")
    says(page, "Done")
    page.get_by_role("application").focus()
    after = page.locator(".xc .view").screenshot()
    pair = [Image.open(io.BytesIO(shot)).convert("RGB") for shot in (before, after)]
    both = Image.new("RGB", (2 * pair[0].width, pair[0].height))
    for index, shot in enumerate(pair):
        both.paste(shot, (index * pair[0].width, 0))
    both.thumbnail((1280, 1280), Image.Resampling.LANCZOS)
    both.save(IMAGES / "guide-erase.jpg", quality=QUALITY)


def main(names: list[str]) -> None:
    """Those of these names, or all."""
    with (
        tempfile.TemporaryDirectory() as folder,
        program(folder) as address,
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        for job in (first_steps, from_a_sentence, three_hearts, one_finding_more, no_pacemaker):
            if not names or job.__name__ in names:
                with visit(browser, address) as page:
                    job(page)
        browser.close()


@contextmanager
def visit(browser: Any, address: str) -> Iterator[Any]:
    """Somebody who has seen the tour, with a document of their own."""
    context = browser.new_context(viewport=SIZE)
    context.add_init_script("localStorage.setItem('xreal-tour', 'seen')")
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(address)
    page.wait_for_function(READY)
    page.get_by_text("Embedded models, 256 px").wait_for()
    yield page
    context.close()


if __name__ == "__main__":
    main(sys.argv[1:])

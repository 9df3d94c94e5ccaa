"""The main job, as a person does it, on the models that ship with the project.

`python -m app` as the launcher starts it, a real mouse, and the command line at the end.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.images import read_image, write_png
from tests.browser.test_edit_page import (
    READY,
    add_a_finding,
    choose,
    drag,
    exported,
    open_file,
    paint_a_chest,
    run,
    says,
    states,
)

PROJECT = Path(__file__).parent.parent.parent
MINUTES = 60_000  # ms


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The program in its own process; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = tmp_path_factory.mktemp("data")
    environment = {**os.environ, "XREAL_DATA": str(data)}
    command = [sys.executable, "-m", "app", "--port", str(port), "--no-browser"]
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert f":{port}/" in program.stdout.readline()
        yield f"http://127.0.0.1:{port}/"
        program.terminate()
        program.wait(timeout=60)
    assert not (data / "temp" / str(port)).exists(), "temporary files are left behind"


@pytest.fixture
def edit(studio: str, page: Any) -> Any:
    page.set_default_timeout(3 * MINUTES)
    page.goto(studio)
    page.wait_for_function(READY)
    page.get_by_text("Embedded models, 256 px").wait_for()
    return page


def picture_with_a_device(path: Path) -> np.ndarray:
    """A soft grey field with a bright wire across it, 16 bit; no radiograph is needed."""
    rows, columns = np.mgrid[0:256, 0:256] / 255
    film = 0.35 + 0.3 * np.cos(3 * rows) * np.sin(2.5 * columns)
    film += np.random.default_rng(5).normal(0, 0.01, film.shape)
    wire = np.abs(rows - (0.3 + 0.25 * columns)) < 0.012
    film[wire] = 0.98
    film = (np.round(film.clip(0, 1) * 65535) / 65535).astype(np.float32)
    write_png(path, film, bits=16)
    return film


def set_steps(page: Any, count: int) -> None:
    """Few where the promises hold for any number, many where a run must be seen on its way.

    The details are opened long before: Gradio forgets what is typed while a fold still opens.
    """
    page.get_by_role("spinbutton", name="Steps").fill(str(count))
    page.get_by_role("spinbutton", name="Steps").press("Tab")
    told = "document.querySelector('#steps input[type=range]').value"
    page.wait_for_function(f"{told} === '{count}'")


def test_paint_generate_stop_erase_upscale_export_replay(edit: Any, tmp_path: Any) -> None:
    previews = []
    edit.on(
        "response", lambda answer: previews.append(answer) if "/preview.png" in answer.url else 0
    )
    edit.get_by_role("button", name="Details").click()
    paint_a_chest(edit)
    add_a_finding(edit, "effusion")
    set_steps(edit, 100)
    run(edit)
    edit.get_by_text("Preview, step").wait_for()
    says(edit, "Done")
    assert len({answer.body() for answer in previews}) >= 2, "the preview did not change"
    edit.get_by_role("option", name="2 Effusion").wait_for()
    assert states(edit) == ["1 Anatomy", "2 Effusion"]

    run(edit)
    says(edit, "step")
    edit.get_by_role("button", name="Stop", exact=True).click()
    says(edit, "Stopped")
    assert "Effusion" not in " ".join(states(edit)[2:])

    set_steps(edit, 6)
    film = picture_with_a_device(tmp_path / "film.png")
    open_file(edit, tmp_path / "film.png")
    asked = edit.get_by_role("dialog", name="Open file")
    asked.get_by_role("button", name="Use as picture").click()
    edit.get_by_text("Real picture - not for diagnosis").wait_for()
    choose(edit, "Erase")
    edit.get_by_role("application").focus()
    drag(edit, (0.0, 0.3), (0.5, 0.425), (1.0, 0.55))
    painted = np.array(edit.evaluate("Array.from(XREAL.canvas.drawing.bits)"), np.uint32)
    zone = (painted.reshape(256, 256) >> 28 & 1) > 0
    run(edit, "Erase")
    says(edit, "Done")
    erased = read_image(exported(edit, tmp_path)).pixels
    assert zone.any() and not zone.all()
    np.testing.assert_array_equal(erased[~zone], film[~zone])
    assert erased[zone].mean() < film[zone].mean()
    edit.get_by_role("button", name="Accept").click()

    choose(edit, "Upscale")
    run(edit, "Upscale")
    says(edit, "Done")
    edit.wait_for_function("XREAL.canvas.drawing.w === 1024")
    path = exported(edit, tmp_path)
    large = read_image(path).pixels
    assert large.shape == (1024, 1024)

    again = tmp_path / "again.png"
    command = [sys.executable, "-m", "engine", "replay", str(path), "-o", str(again)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(read_image(again).pixels, large)


def test_organs_are_read_from_the_picture(edit: Any) -> None:
    edit.get_by_role("button", name="Details").click()
    edit.get_by_role("button", name="Template", exact=True).click()
    edit.get_by_role("dialog", name="Templates").get_by_role("option").first.wait_for()
    edit.get_by_role("button", name="Use template").click()
    edit.wait_for_function("XREAL.canvas.summary().organs[2] > 0")
    drawn = edit.evaluate("XREAL.canvas.summary().organs")
    set_steps(edit, 6)
    run(edit)
    says(edit, "Done")
    edit.get_by_role("option", name="1 Generated").wait_for()

    edit.get_by_role("button", name="From picture").click()
    edit.wait_for_function(f"XREAL.canvas.summary().organs[0] !== {drawn['0']}")
    found = edit.evaluate("XREAL.canvas.summary().organs")
    assert all(found[k] > 0.4 * drawn[k] for k in ("0", "1", "2"))

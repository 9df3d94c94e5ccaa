"""Takes the pictures of docs/studies.md anew: ``python -m tests.browser.study_pictures``.

Drives the investigator's pages through a whole study of drawn films and modelled readers, so a
picture that can no longer be taken is a document that is no longer true.
"""

import io
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from app.studies import log
from app.studies.masks import mask_of
from app.studies.shelf import Shelf
from app.studies.simulation import Modelled, ModelledReaders
from tests.app.fake_engine import FakeEngine
from tests.app.served import serving
from tests.browser.conftest import FLAGS, chromium_path
from tests.browser.test_studies_page import TITLE, add_folder, begin, put, step
from tests.studies.drawn import folder_of_pictures

IMAGES = Path(__file__).parent.parent.parent / "docs" / "images"
SIZE: Any = {"width": 1200, "height": 720}
COLOURS = 64  # of the palette; the pages have few


class Watch:
    """The clock of the log, on which a case takes as long as it takes a reader."""

    def __init__(self) -> None:
        self._later = 0

    def monotonic_ns(self) -> int:
        return time.monotonic_ns() + self._later

    def pass_by(self, seconds: float) -> None:
        self._later += int(1e9 * seconds)


def keep(page: Any, name: str) -> None:
    page.mouse.move(5, 5)
    taken = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    taken.quantize(COLOURS, dither=Image.Dither.NONE).save(
        IMAGES / f"study-{name}.png", optimize=True
    )


def readers(folder: Path, name: str, watch: Watch, shares: list[float]) -> None:
    """Readers answer that share of their trials, in 8 to 30 seconds each."""
    shelf = Shelf(folder / "studies")
    store = shelf.store(name)
    design = store.design()
    modelled = ModelledReaders(design.study, Modelled(0.8), 2)
    trials = {trial.trial_id: trial for trial in design.trials}
    masks = {
        case.case_id: mask_of(store.folder, case.mask) if case.mask else None
        for case in design.study.cases
    }
    rng = np.random.default_rng(1)
    for reader, share in zip(design.study.readers, shares, strict=True):
        store.note(reader.reader_id, "signed_in", {})
        whole = len(design.of_reader(reader.reader_id))
        while (shown := store.for_reader(reader.reader_id)) and shown.number <= share * whole:
            trial = trials[shown.trial_id]
            answers = modelled.answers(design.study.protocol.part(trial.part), trial)
            mask = masks[trial.left_case]
            if mask is not None and rng.random() < 0.45:
                answers["marks"] = [*answers["marks"][:4], on(mask, rng)]
            store.show(reader.reader_id, trial.trial_id)
            watch.pass_by(rng.uniform(8, 30))
            store.submit(reader.reader_id, trial.trial_id, answers, trial.trial_id)
    shelf.close()


def on(mask: Any, rng: Any) -> dict[str, Any]:
    """A mark somewhere on the mask of an edit."""
    rows, columns = np.nonzero(mask)
    n = rng.integers(len(rows))
    x, y = (round((int(one[n]) + 0.5) / len(mask), 4) for one in (columns, rows))
    return {"x": x, "y": y, "tag": "lung texture and vessels"}


def take(page: Any, address: str, data: Path, films: Path, watch: Watch) -> None:
    page.goto(f"{address}studies")
    page.get_by_role("heading", name="Studies", exact=True).wait_for()
    keep(page, "new")
    name = begin(page)
    put(page, "Pictures of one scene at least", "10")
    put(page, "Ethics approval or waiver", "Waived by the ethics committee, 2026-114")
    step(page, "Pictures")
    add_folder(page, films)
    keep(page, "pictures")
    step(page, "Size")
    page.get_by_role("table", name="Power").wait_for()
    keep(page, "size")
    step(page, "Readers, codes")
    page.get_by_role("button", name="Make codes and cards").click()
    page.get_by_role("button", name="Print the cards").wait_for()
    page.locator("#cards").scroll_into_view_if_needed()
    keep(page, "codes")
    step(page, "Preview, pilot")
    for _ in range(12):
        page.get_by_role("button", name="Next").click()
    page.get_by_role("link", name="Preview, pilot (done)").wait_for()
    step(page, "Freeze")
    keep(page, "freeze")
    page.get_by_role("textbox", name="Study name to confirm").fill(TITLE)
    page.get_by_role("button", name="Freeze the design").click()
    page.get_by_role("button", name="Open for reading").click()
    page.get_by_role("status", name="Study state").get_by_text("Open for reading").wait_for()
    readers(data, name, watch, [1.0, 0.8, 0.5, 0.3, 0.0])
    step(page, "Monitor")
    page.get_by_role("button", name="Verify chain").click()
    page.get_by_text("The study is as it was written.").wait_for()
    page.get_by_text("Chain intact").wait_for()
    keep(page, "monitor")
    readers(data, name, watch, [1.0] * 5)
    results(page)


def results(page: Any) -> None:
    page.get_by_role("button", name="Close study").click()
    page.get_by_role("dialog").get_by_role("button", name="Close study").click()
    page.get_by_role("status", name="Study state").get_by_text("Closed").wait_for()
    step(page, "Close, unblind, results")
    page.get_by_role("button", name="Unblind").click()
    page.get_by_role("dialog").get_by_role("button", name="Unblind").click()
    page.get_by_role("button", name="Make the report").click()
    page.get_by_role("region", name="The report").get_by_text("Readers were right in").wait_for()
    keep(page, "results")
    figure = page.get_by_role("img", name="Estimates with intervals").first
    figure.scroll_into_view_if_needed()
    keep(page, "report")
    page.get_by_role("img", name="Places of marks in the picture").scroll_into_view_if_needed()
    page.get_by_role(
        "heading", name="Marks and the masks of the edits"
    ).scroll_into_view_if_needed()
    page.mouse.wheel(0, 320)
    page.get_by_text("How far the result hangs on the tolerance").wait_for()
    keep(page, "marks")


def main() -> None:
    watch = Watch()
    log.time = SimpleNamespace(monotonic_ns=watch.monotonic_ns)  # type: ignore[assignment]
    log.SYNCHRONOUS = "OFF"
    with (
        tempfile.TemporaryDirectory() as data,
        tempfile.TemporaryDirectory() as films,
        serving(FakeEngine(), Path(data)) as served,
        sync_playwright() as driver,
    ):
        folder_of_pictures(Path(films), each=20, side=160, masks=True)
        browser = driver.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        page = browser.new_context(viewport=SIZE).new_page()
        page.set_default_timeout(120_000)
        take(page, served.url, Path(data), Path(films), watch)
        browser.close()


if __name__ == "__main__":
    main()

"""A real Chromium for the tests that drive the page; where there is none they skip and say so."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.app.fake_engine import FakeEngine
from tests.app.served import Served, serving
from tests.browser.program import Program

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-sync",
    "--no-first-run",
    "--metrics-recording-only",
    "--force-color-profile=srgb",
]
# A browser on a busy machine may not answer in time. A test in one gets a second try, which the
# report counts; what is broken fails both.
TRIES_MORE = 1
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.flaky(reruns=TRIES_MORE))


def chromium_path() -> str | None:
    """The Chromium named by CHROMIUM, else one on the PATH."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named if Path(named).exists() else None
    found = (shutil.which(name) for name in NAMES)
    return next((path for path in found if path), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One headless Chromium for the whole run."""
    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium found: install one or set CHROMIUM to its path")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A fresh page, 1440 x 900. A test that leaves a script error in ``page.faults`` fails."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    opened.faults = []
    opened.on("pageerror", lambda error: opened.faults.append(str(error)))
    yield opened
    context.close()
    assert opened.faults == []


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """The program in a process of its own, which a test may kill and start again."""
    alone = Program(tmp_path / "data")
    alone.start()
    yield alone
    alone.stop()


@pytest.fixture
def canvas(page: Any) -> Any:
    """The label canvas alone on a bare page, with an empty drawing of 256 x 256."""
    from tests.browser.canvas_driver import open_bare

    open_bare(page)
    return page


@pytest.fixture
def filled(canvas: Any) -> Any:
    """The canvas with organs, two findings and three states, the third one chosen."""
    from tests.browser.canvas_driver import BareDemo, show

    show(canvas, BareDemo().filled().props() | {"nonce": 2})
    return canvas


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The application with the fake engine behind it, one for the tests of a file."""
    with serving(FakeEngine(), tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture
def edit(served: Served, page: Any) -> Any:
    """The Edit page, with a document of its own; some files open it in a way of theirs."""
    from tests.browser.test_documents import visit

    served.engine.release()
    return visit(page, served.url)

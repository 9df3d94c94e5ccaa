"""The Models page in a real browser, with the published files as tiny ones of the same layout."""

from pathlib import Path
from typing import Any

import pytest

from engine import golden
from tests.app.fake_engine import FakeEngine
from tests.app.served import Served, serving

GOLDEN = Path(__file__).parent.parent / "golden"
XREAL = {
    "xreal_backbone": "XReal diffusion model",
    "xreal_ldm_ae": "XReal autoencoder",
    "xreal_anatomy_controller": "XReal anatomy controller",
}


class Described(FakeEngine):
    """The fake engine under the name and with the knowledge of a set that was imported."""

    def __init__(self, name: str, folder: Path) -> None:
        from engine.inventory import open_described

        super().__init__()
        self.asked = open_described(name, folder)
        self.name = self.asked.name

    def knows(self, verb: Any) -> Any:
        return self.asked.knows(verb)

    def can(self, verb: Any) -> str | None:
        return self.asked.can(verb)


@pytest.fixture
def served(tmp_path: Path) -> Any:
    def open_set(name: str) -> FakeEngine:
        return FakeEngine() if name == "embedded" else Described(name, tmp_path / "models")

    with serving(FakeEngine(), tmp_path, open_set) as running:
        yield running


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return golden.write_checkpoints(GOLDEN, tmp_path_factory.mktemp("published"))


@pytest.fixture
def models(served: Served, page: Any) -> Any:
    page.set_default_timeout(60_000)
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(served.url + "models")
    page.get_by_role("status", name="Engine status").get_by_text("Embedded models").wait_for()
    return page


def bring_in(page: Any, path: Path) -> None:
    page.get_by_role("textbox", name="Path of a weights file").fill(str(path))
    page.get_by_role("button", name="Import", exact=True).click()


def report(page: Any) -> Any:
    return page.get_by_role("region", name="Files being read")


def bring_in_as(page: Any, path: Path, title: str) -> None:
    """Import, and answer what the file cannot tell."""
    bring_in(page, path)
    report(page).get_by_role("combobox", name="What it is").select_option(title)
    report(page).get_by_role("button", name="Import as this").click()
    report(page).get_by_text(f"it is the {title}").wait_for()
    report(page).get_by_role("button", name="Close").click()


def cells(page: Any, title: str) -> list[str]:
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=title, exact=True))
    return [cell.inner_text() for cell in row.get_by_role("cell").all()]


def test_a_fresh_machine_has_the_embedded_models_and_asks_nobody(
    models: Any, served: Served
) -> None:
    card = models.get_by_role("radiogroup", name="Model set").get_by_role("radio", name="Embedded")

    assert card.get_attribute("aria-checked") == "true"
    assert "In use" in card.inner_text()
    assert models.get_by_role("heading", name="Ready: nothing to download").is_visible()
    knows = served.engine.knows("insert")
    row = cells(models, "Embedded")
    assert row[3] == f"{len(knows.findings)} findings"
    assert row[2].replace("\n", " ").split()[:2] == ["\u2013", "no:"]  # the aorta
    xreal = models.get_by_role("radio", name="XReal")
    assert xreal.get_attribute("aria-disabled") == "true"
    xreal.evaluate("card => card.click()")  # Playwright waits for what is enabled
    models.get_by_role("alert").get_by_text("XReal diffusion model, XReal autoencoder").wait_for()
    assert all(url.startswith(served.url) for url in models.asked)


def test_files_are_imported_the_set_is_changed_and_the_editor_follows(
    models: Any, served: Served, published: dict[str, Path]
) -> None:
    for name, title in XREAL.items():
        bring_in_as(models, published[name], title)
    xreal = models.get_by_role("radio", name="XReal")
    assert "missing" not in xreal.inner_text()
    assert "obeyed" not in cells(models, "XReal")[2]
    assert models.get_by_role("button", name="Remove xreal_autoencoder").is_visible()

    xreal.click()
    models.get_by_role("status", name="Engine status").get_by_text("XReal, processor").wait_for()
    assert xreal.get_attribute("aria-checked") == "true"

    models.get_by_role("link", name="Edit").click()
    models.get_by_role("status", name="Engine status").get_by_text("XReal").wait_for()
    models.get_by_role("radio", name="Upscale").click()
    models.get_by_text("No super-resolution model in 'XReal'.").wait_for()


def test_a_model_is_removed_only_after_a_second_yes(
    models: Any, published: dict[str, Path], tmp_path: Path
) -> None:
    bring_in(models, published["cheff_sr_fine"])
    report(models).get_by_text("it is the Cheff super-resolution").wait_for()
    remove = models.get_by_role("button", name="Remove cheff_upscaler")

    remove.click()
    models.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert (tmp_path / "models" / "cheff_upscaler.safetensors").exists()
    remove.click()
    models.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()

    remove.wait_for(state="detached")
    assert not (tmp_path / "models" / "cheff_upscaler.safetensors").exists()


def test_a_wrong_file_is_refused_in_a_sentence(models: Any, tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_bytes(b"<!DOCTYPE html>")

    bring_in(models, tmp_path / "weights.pt")
    report(models).get_by_text("is a web page, not weights").wait_for()

    bring_in(models, tmp_path)
    models.get_by_role("alert").get_by_text("is a folder").wait_for()


def test_a_file_in_the_import_folder_is_offered(
    models: Any, published: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "import").mkdir(exist_ok=True)
    (tmp_path / "import" / "fine.pt").write_bytes(published["cheff_sr_fine"].read_bytes())
    models.reload()

    models.get_by_role("button", name="Import fine.pt").click()
    report(models).get_by_text("it is the Cheff super-resolution").wait_for()

    models.get_by_role("button", name="Import fine.pt").click()
    report(models).get_by_text("'fine.pt' is already here").wait_for()


def test_everything_is_verified_and_what_was_changed_is_named(
    models: Any, published: dict[str, Path], tmp_path: Path
) -> None:
    bring_in(models, published["cheff_sr_fine"])
    report(models).get_by_text("it is the Cheff super-resolution").wait_for()
    with (tmp_path / "models" / "cheff_upscaler.safetensors").open("ab") as file:
        file.write(b"x")

    models.get_by_role("button", name="Verify all").click()

    report(models).get_by_text("'codec' is as it was shipped").wait_for()
    report(models).get_by_text("is missing or was changed; import it again").wait_for()


@pytest.mark.parametrize("size", [(1280, 720), (1440, 900), (1920, 1080), (640, 360)])
def test_nothing_lies_outside_the_page(models: Any, size: tuple[int, int]) -> None:
    models.set_viewport_size({"width": size[0], "height": size[1]})

    wide = models.evaluate("document.documentElement.scrollWidth")
    tall = models.evaluate("document.documentElement.scrollHeight")

    assert wide == size[0]
    assert tall == size[1] or size[0] < 1100

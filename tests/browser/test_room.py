"""A full disk on the page: a sentence with figures, and the way to another disk."""

from collections import namedtuple
from typing import Any

import pytest

from engine import files
from tests.browser.test_documents import paint_a_chest, saved

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def full(edit: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A chest that is drawn and saved, on a disk that is full since."""
    paint_a_chest(edit)
    saved(edit)
    usage = Usage(10**12, 10**12 - 1000, 1000)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda folder: usage)
    return edit


def test_an_export_without_room_is_refused_and_can_go_to_another_disk(full: Any) -> None:
    full.get_by_role("button", name="Export").click()
    dialog = full.get_by_role("dialog", name="Export")
    dialog.get_by_role("radio", name="Masks").check()
    dialog.get_by_role("button", name="Download").click()
    dialog.get_by_text("The disk has 0.0 MB free and this file needs about").wait_for()

    with full.expect_download() as arriving:
        dialog.get_by_role("button", name="Download anyway").click()

    assert arriving.value.suggested_filename == "xreal-masks.zip"
    dialog.wait_for(state="hidden")


def test_a_project_without_room_is_refused_and_can_go_to_another_disk(full: Any) -> None:
    full.get_by_role("button", name="Save project").click()
    full.get_by_text("Nothing was written and nothing is lost.").wait_for()

    with full.expect_download() as arriving:
        full.get_by_role("button", name="Save it anyway").click()

    assert arriving.value.suggested_filename == "xreal-project.zip"

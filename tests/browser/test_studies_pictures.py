"""Pictures of a study on the investigator's page: masks of edits, original files, borders."""

import os
from pathlib import Path
from typing import Any

import pytest

from app.studies.intake import treatment_of
from app.studies.shelf import Shelf
from tests.browser.access import contrast, unnamed
from tests.browser.test_studies_page import add_folder, begin, put, served, step, studies
from tests.studies.edited import edited_folder

__all__ = ["served", "studies"]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def framed(tmp_path_factory) -> Path:
    """Films, and edited ones with masks and a black border."""
    return edited_folder(tmp_path_factory.mktemp("framed"), each=12, border=10)


def test_borders_are_said_and_cut_off_alike_and_masks_come_along(
    studies: Any, framed: Path, data: Path
) -> None:
    page = studies
    name = begin(page, "Borders")
    step(page, "Pictures")
    add_folder(page, framed)
    sources = page.get_by_role("table", name="Sources of pictures")
    sources.get_by_text("12 with a mask").wait_for()
    status = page.get_by_role("status").filter(has_text="What the check does not see")
    status.get_by_text("Original files:").first.wait_for()
    assert "a border of one tone tells the originals apart" in status.inner_text()
    kept(page, "borders")
    store = Shelf(data / "studies").store(name)
    before = {case.case_id: case for case in store.study().cases}

    page.get_by_role("button", name="Equalise borders").click()
    page.get_by_text("5 % more for borders").wait_for()

    assert page.get_by_role("button", name="Equalise borders").count() == 0
    assert "In what readers see it is gone" in status.inner_text()
    treatment = treatment_of(store)
    assert treatment is not None and treatment.again == 0.05
    after = store.study().cases
    assert all(case.sha256 != before[case.case_id].sha256 for case in after)
    assert [bool(case.mask) for case in after] == [case.synthetic for case in after]
    assert unnamed(page) == [] and contrast(page) == []
    kept(page, "equalised")
    page.get_by_text("All 24 pictures").click()
    page.get_by_role("table", name="Pictures", exact=True).get_by_text(
        "synthetic, mask"
    ).first.wait_for()
    kept(page, "cases")


def test_how_far_beyond_a_mask_a_mark_counts_is_part_of_the_plan(studies: Any) -> None:
    page = studies
    begin(page, "Tolerance")
    field = "A mark counts this far beyond the mask of an edit"
    assert page.get_by_label(field).input_value() == "2"
    put(page, field, "3.5")
    page.get_by_role("button", name="YAML").click()
    assert "tolerance: 0.035" in page.get_by_role("textbox", name="Protocol as YAML").input_value()

    step(page, "Freeze")
    page.get_by_text("within its mask or 3.5 % of the side beyond").wait_for()


def kept(page: Any, name: str) -> None:
    folder = os.environ.get("XREAL_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"studies-{name}.png")

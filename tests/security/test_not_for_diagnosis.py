"""That nothing here is for diagnosis stands wherever a picture or the program is met."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pydicom
import pytest

from app.document.archive import MANIFEST, project_bytes
from app.document.masks import masks_bytes
from app.document.project import snapshot
from app.document.session import MARKS
from engine.cli.main import ABOUT
from engine.images import read_image
from engine.provenance import picture_bytes, recipe_of
from tests.app.test_masks import DRAWN
from tests.app.test_project import worked_in
from tests.engine.dicom.exports import generated, noise
from tests.engine.test_provenance import FILM, REQUESTS, texts
from tests.security.changes import members

ROOT = Path(__file__).parents[2]
STATED = re.compile(r"not for diagnos(is|tic)", re.IGNORECASE)
FRONTS = ["login.html", "models.html", "read/reading.html"]


@pytest.mark.case(60)
@pytest.mark.parametrize("page", FRONTS)
def test_every_page_says_it(page):
    assert STATED.search((ROOT / "app" / "static" / page).read_text("utf-8"))


@pytest.mark.case(60)
def test_every_picture_on_screen_has_it_beside_it():
    assert all(STATED.search(mark) for mark in MARKS.values())


@pytest.mark.case(60)
@pytest.mark.parametrize("document", ["README.md", "docs/guide.md", "docs/dicom.md"])
def test_the_manual_says_it(document):
    assert STATED.search((ROOT / document).read_text("utf-8"))


@pytest.mark.case(60)
def test_the_command_line_says_it():
    assert STATED.search(ABOUT)


@pytest.mark.case(58, 60)
@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("mark", ["strip", "corner", "none"])
def test_an_exported_picture_says_it(name, mark):
    recipe = recipe_of(REQUESTS[name], "embedded", {})

    data = picture_bytes(FILM, recipe, {}, mark, 16)

    said = texts(data)
    assert STATED.search(said["Comment"])
    assert json.loads(said["XReal-Studio"])["synthetic"] is True
    assert "AlgorithmicMedia" in said["XML:com.adobe.xmp"]


@pytest.mark.case(58, 60)
def test_the_visible_mark_changes_the_picture():
    recipe = recipe_of(REQUESTS["erase"], "embedded", {})

    def height(mark):
        return picture_bytes(np.zeros((400, 400), np.float32), recipe, {}, mark, 8)

    plain, strip, corner = height("none"), height("strip"), height("corner")
    assert read_image(corner).pixels.any() and not read_image(plain).pixels.any()
    assert len({plain[16:24], strip[16:24]}) == 2  # rows are added


@pytest.mark.case(58, 60)
@pytest.mark.parametrize("mark", ["strip", "none"])
def test_an_exported_dicom_file_says_it_in_the_standards_terms(mark):
    found = pydicom.dcmread(io.BytesIO(generated(noise(), mark)))

    assert found.SyntheticData == "YES"
    assert STATED.search(f"{found.ImageComments} {found.SeriesDescription}")


@pytest.mark.case(58, 60)
def test_projects_and_masks_say_it():
    told = json.loads(members(project_bytes(snapshot(worked_in())))[MANIFEST])

    assert STATED.search(told["note"])
    assert STATED.search(members(masks_bytes(DRAWN))["README.txt"].decode())

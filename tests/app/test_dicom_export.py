"""DICOM out of the page: marked, with masks beside it, the film's own values kept."""

import io
import zipfile

import numpy as np
import pydicom
import pytest

from app.document import exporting, looking, statement
from app.document.opening import open_picture
from app.document.results import keep_result
from app.document.session import Session
from engine.api import EraseRequest, Finding, GenerateRequest, InsertRequest, UpscaleRequest
from engine.errors import InvalidRequest
from engine.images import read_image
from engine.ledger import NAME, entries
from engine.provenance import read_recipe
from tests.app.fake_engine import FakeEngine
from tests.app.test_server import ME, OURS
from tests.app.test_words import client, whole
from tests.engine.dicom.exports import SOURCES, words_of
from tests.engine.dicom.films import film
from tests.engine.dicom.validator import verdict

__all__ = ["client", "whole"]
MASK = np.zeros((48, 40), np.float32)
MASK[20:34, 8:20] = 1
OTHER = np.zeros((48, 40), np.float32)
OTHER[2:8, 20:30] = 1


@pytest.fixture(autouse=True)
def decoding(monkeypatch):
    from engine.dicom import child, reading

    monkeypatch.setattr(reading, "_answer", child.answer)


def edited(tmp_path, data, *requests):
    """The state after each request has worked on the picture of the one before."""
    (tmp_path / "film").write_bytes(data)
    session = Session(ME)
    state, _ = open_picture(session, tmp_path / "film")
    looking.decide(session, state.descent.source.key, [])
    for make in requests:
        result = FakeEngine().run(make(session.state(state.number).image))
        number = keep_result(
            session, result, parent=state.number, drawing=None, name="x", proposal=False
        )
        state = session.state(number)
    return state


def erase(image):
    return EraseRequest(image=image, mask=MASK)


def insert(image):
    return InsertRequest(image=image, findings=(Finding(text="mass", mask=OTHER),))


@pytest.mark.case(47)
@pytest.mark.parametrize("name", SOURCES)
def test_two_edits_later_a_film_keeps_its_stored_values_outside_both_zones(tmp_path, name):
    source = SOURCES[name]()
    state = edited(tmp_path, source, erase, insert)

    data = exporting.dicom(state, "none", False).data

    outside = (MASK == 0) & (OTHER == 0)
    np.testing.assert_array_equal(words_of(data, 48)[outside], words_of(source, 48)[outside])
    tones = read_image(source).film.table / 65535  # all that the film's window can show
    nearest = abs(tones - 49151 / 65535).min()
    inside = read_image(data).pixels[MASK > 0]
    np.testing.assert_allclose(abs(inside - 49151 / 65535), nearest, atol=1e-6)


@pytest.mark.case(47)
def test_an_export_says_that_it_is_synthetic_and_is_valid_and_new(tmp_path):
    state = edited(tmp_path, SOURCES["12 bit"](), erase)

    files = [exporting.dicom(state, "strip", False).data for _ in range(3)]

    read = [pydicom.dcmread(io.BytesIO(data)) for data in files]
    assert len({ds.SOPInstanceUID for ds in read}) == 3
    assert {ds.SyntheticData for ds in read} == {"YES"}
    assert read[0].SOPClassUID == "1.2.840.10008.5.1.4.1.1.7" and read[0].Modality == "OT"
    assert read[0].ConversionType == "SYN" and list(read[0].ImageType) == ["DERIVED", "SECONDARY"]
    assert verdict(files[0], tmp_path) == []


def test_masks_leave_as_a_segmentation_of_the_very_picture_beside_it(tmp_path):
    pytest.importorskip("highdicom", reason="needs a Python for which it exists")
    state = edited(tmp_path, SOURCES["12 bit"](), erase, insert)

    export = exporting.dicom(state, "strip", True)

    with zipfile.ZipFile(io.BytesIO(export.data)) as archive:
        names = archive.namelist()
        picture, masks = (pydicom.dcmread(io.BytesIO(archive.read(name))) for name in names)
        assert verdict(archive.read(names[1]), tmp_path) == []
    assert names == ["xreal-state-3.dcm", "xreal-state-3-masks.dcm"]
    referenced = masks.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0]
    assert referenced.ReferencedSOPInstanceUID == picture.SOPInstanceUID
    shown = masks.pixel_array.reshape(-1, picture.Rows, picture.Columns)[0]
    np.testing.assert_array_equal(shown[:48], OTHER)
    assert [kind for kind, _ in export.parts] == ["dicom", "dicom"]


def test_a_picture_of_another_size_is_written_with_16_bits(tmp_path):
    state = edited(tmp_path, SOURCES["12 bit"](), erase, lambda image: UpscaleRequest(image=image))

    ds = pydicom.dcmread(io.BytesIO(exporting.dicom(state, "none", False).data))

    assert (ds.BitsStored, ds.Rows, ds.Columns) == (16, *state.image.shape)


def test_a_generated_picture_leaves_as_it_was_made_and_comes_back(tmp_path):
    result = FakeEngine().run(GenerateRequest())
    session = Session(ME)
    number = keep_result(session, result, parent=None, drawing=None, name="x", proposal=False)

    data = exporting.dicom(session.state(number), "strip", False).data

    np.testing.assert_array_equal(read_image(data).pixels, result.image)
    assert read_recipe(data)[0]["verb"] == "generate"
    with pytest.raises(InvalidRequest, match="no organs"):
        exporting.dicom(session.state(number), "strip", True)


@pytest.mark.parametrize(
    ("stated", "mark", "says"), [("NO", "none", "NO"), (None, "none", "NO"), (None, "strip", "YES")]
)
def test_a_person_who_looked_counts_more_than_the_header(tmp_path, stated, mark, says):
    state = edited(tmp_path, film(**({"BurnedInAnnotation": stated} if stated else {})), erase)

    ds = pydicom.dcmread(io.BytesIO(exporting.dicom(state, mark, False).data))

    assert says == ds.BurnedInAnnotation


def test_the_dialog_says_what_the_file_says(tmp_path):
    state = edited(tmp_path, SOURCES["12 bit"](), erase)

    said = " ".join(statement.lines(state, "dicom", "strip"))

    for words in (
        "PARTLY SYNTHETIC, not for diagnosis", "strip below", "Synthetic Data YES",
        "12 bits a pixel", "Invisible mark in what models made", "a person looked",
    ):  # fmt: skip
        assert words in said
    assert "Nothing visible" in " ".join(statement.lines(state, "png", "none"))
    exact = {**state.recipe, "invisible_mark": 0}
    from dataclasses import replace

    assert "No invisible mark" in " ".join(
        statement.lines(replace(state, recipe=exact), "png", "strip")
    )


# By HTTP: each way out is in the ledger


WAYS = {
    "export": ["png"],
    "export?kind=dicom": ["dicom"],
    "export?bits=8&mark=none": ["png"],
    "recipe": ["recipe"],
}


@pytest.fixture
def state(whole):
    session = whole[1].sessions.of(ME)
    session.states.clear()
    number = keep_result(
        session, FakeEngine().run(GenerateRequest()), parent=None, drawing=None, name="x",
        proposal=False,
    )  # fmt: skip
    return session.state(number)


@pytest.mark.case(58)
@pytest.mark.parametrize("way", [*WAYS, "project"])
def test_whatever_leaves_by_the_page_is_in_the_ledger_first(whole, client, state, way):
    import hashlib

    before = len(entries(whole[1].settings.data / NAME))
    url = "/api/project" if way == "project" else f"/api/states/{state.number}/{way}"

    answer = client.get(url)

    assert answer.status_code == 200
    added = entries(whole[1].settings.data / NAME)[before:]
    assert [entry["kind"] for entry in added] == WAYS.get(way, ["project"])
    assert added[0]["file"] == hashlib.sha256(answer.content).hexdigest()


def test_pictures_of_8_and_of_16_bits_have_names_of_their_own(client, state):
    names = {
        client.get(f"/api/states/{state.number}/export?bits={bits}").headers["content-disposition"]
        for bits in (8, 16)
    }
    stem = f"xreal-state-{state.number}"
    assert names == {f'attachment; filename="{stem}{end}.png"' for end in ("-8bit", "")}


def test_where_the_ledger_cannot_be_written_pictures_stay_and_a_project_may_go(
    whole, client, state, monkeypatch
):
    from app.routes import leaving
    from engine.errors import EngineError

    def full(*_):
        raise EngineError("The ledger of exports cannot be written: no space.")

    monkeypatch.setattr(leaving, "enter", full)

    refused = client.get(f"/api/states/{state.number}/export")
    assert refused.status_code == 400 and "ledger" in refused.text
    assert client.get("/api/project").status_code == 200


def test_another_kind_of_file_is_refused(client, state):
    assert client.get(f"/api/states/{state.number}/export?kind=gif").status_code == 400
    assert client.get(f"/api/states/{state.number}/export?kind=dicom&mark=x").status_code == 400
    assert client.get("/api/states/99/statement").status_code == 404
    sent = client.post(f"/api/states/{state.number}/send", headers=OURS)
    assert sent.status_code == 400 and "No archive" in sent.text

"""Masks of edits: the way of their pictures, on the server alone, frozen, verified, exported."""

import csv
import hashlib
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from app.studies.design import make_design
from app.studies.documents import to_document
from app.studies.errors import StudyError
from app.studies.exporting import analyse_export, export, read_export
from app.studies.masks import MASKS, PACKED, framed, mask_of, path_of, unpacked
from app.studies.model import Case
from app.studies.pictures import (
    PICTURES,
    Treatment,
    add_pictures,
    codes_of,
    from_pixels,
    read_folder,
)
from app.studies.replay import verify
from app.studies.store import open_store
from engine import png
from tests.studies.edited import edited_folder
from tests.studies.films import film
from tests.studies.small import opened, plain_answer, read_all, study


@pytest.fixture
def made(tmp_path):
    """A study in which half of the pictures were edited; its folder and its cases."""
    place = edited_folder(tmp_path / "films")
    cases = add_pictures(tmp_path / "study", read_folder(place), Treatment(side=128))
    return tmp_path / "study", cases


@pytest.mark.parametrize("crop", [0.0, 0.1])
@pytest.mark.parametrize("shape", [(200, 200), (200, 260), (260, 200), (100, 100)])
def test_a_mask_lies_on_what_was_edited_after_whatever_was_done_to_the_picture(
    tmp_path, shape, crop
):
    """A square that is white in both, in pictures that are cut, made smaller and made larger."""
    grey, white = np.full(shape, 0.2, np.float32), np.zeros(shape, bool)
    high, wide = shape[0] // 2, shape[1] // 2
    white[high - 20 : high + 5, wide - 10 : wide + 30] = True
    grey[white] = 0.9
    plain = Treatment(side=160, crop=crop, tone="as stored", grain=0)

    (case,) = add_pictures(tmp_path, [from_pixels(Case("a", "ours", True), grey, white)], plain)

    bright = codes_of(tmp_path, case) > 255 * 0.55
    edited = mask_of(tmp_path, case.mask)
    assert edited.shape == (160, 160)
    assert (bright & edited).sum() / (bright | edited).sum() > 0.97
    scale = 160 / (min(shape) * (1 - 2 * crop))
    assert edited.sum() == pytest.approx(25 * 40 * scale**2, rel=0.05)


def test_a_folder_with_a_column_of_masks_gives_every_edited_case_its_own(made):
    folder, cases = made

    assert [bool(case.mask) for case in cases] == [case.synthetic for case in cases]
    assert len({case.mask for case in cases}) == 1 + sum(case.synthetic for case in cases)
    first = next(case for case in cases if case.mask)
    scale = 128 / 200
    rows, columns = np.nonzero(mask_of(folder, first.mask))
    assert rows.min() == pytest.approx(50 * scale, abs=1)
    assert columns.max() == pytest.approx(100 * scale, abs=1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda path: path.unlink(), "Row 3 of cases.csv: There is no file 'mask-1.png'"),
        (
            lambda path: Image.fromarray(np.full((200, 100), 255, np.uint8)).save(path),
            "Row 3 of cases.csv, mask mask-1.png: The mask is 100 x 200 px and its picture 200 x",
        ),
        (
            lambda path: Image.fromarray(np.zeros((200, 200), np.uint8)).save(path),
            "Row 3 of cases.csv, mask mask-1.png: The mask is black",
        ),
        (
            lambda path: Image.fromarray(np.zeros((200, 200), np.uint8)).save(path, "JPEG"),
            "A mask must be a PNG",
        ),
        (lambda path: path.write_bytes(path.read_bytes()[:60]), "Row 3 of cases.csv, mask mask-1"),
    ],
)
def test_a_mask_that_is_wrong_is_refused_with_its_row_before_anything_is_added(
    tmp_path, change, told
):
    place = edited_folder(tmp_path, each=2)
    change(place / "mask-1.png")

    with pytest.raises(StudyError, match=told):
        read_folder(place)


def test_a_mask_of_which_nothing_or_everything_is_shown_is_refused():
    flags = np.zeros((100, 100), bool)
    flags[:8] = True

    with pytest.raises(StudyError, match="Nothing of the mask of a lies within"):
        framed(flags, (0.1,), 64, "a")
    with pytest.raises(StudyError, match="mask of a covers all"):
        framed(np.ones((100, 100), bool), (0.0,), 64, "a")


def test_the_freeze_holds_the_masks_and_designs_without_any_are_as_they_were(made):
    _, cases = made
    design = make_design(replace(study(gap=1), cases=cases))
    bare = make_design(replace(study(gap=1), cases=tuple(replace(c, mask="") for c in cases)))

    assert design.sha256 != bare.sha256
    assert "mask" not in to_document(bare.study.cases[1])
    assert to_document(design.study.cases[1])["mask"] == cases[1].mask
    assert "tolerance" not in to_document(bare.study.protocol.plan)


def test_a_mask_that_was_edited_or_lost_by_hand_is_named(made):
    folder, cases = made
    opened(folder, replace(study(gap=1), cases=cases)).close_file()
    masks = sorted({case.mask for case in cases if case.mask})
    assert verify(folder) == []
    flags = mask_of(folder, masks[0])

    Image.fromarray((~flags).astype(np.uint8) * 255).save(path_of(folder, masks[0]))
    path_of(folder, masks[1]).unlink()

    assert sorted((one.where, one.what) for one in verify(folder)) == [
        (f"masks/{masks[0]}.png", "The mask of an edit was changed."),
        (f"masks/{masks[1]}.png", "The mask of an edit is missing."),
    ]
    with pytest.raises(StudyError, match="was changed after it was stored"):
        mask_of(folder, masks[0])


def test_a_reader_is_given_no_mask_by_any_name(made):
    folder, cases = made
    store = opened(folder, replace(study(readers=1, gap=1), cases=cases))
    masks = {case.mask for case in cases if case.mask}
    edited = [case for case in cases if case.mask]
    told, names = [], []
    while shown := store.for_reader("R01"):
        told.append(json.dumps(to_document(shown)))
        names += [store.picture("R01", name) for name in shown.pictures]
        for mask in (edited[0].mask, f"{edited[0].mask}.png", f"../{MASKS}/{edited[0].mask}"):
            with pytest.raises(StudyError, match="no such picture"):
                store.picture("R01", mask)
        answers = {one.name: plain_answer(one) for one in shown.questions if one.required}
        store.submit("R01", shown.trial_id, answers, f"x-{shown.trial_id}")

    assert not any(mask in text or mask in str(path) for mask in masks for text in told
                   for path in names)  # fmt: skip
    assert {path.parent.name for path in names} == {PICTURES}
    shapes = {case.mask != "": len((folder / PICTURES / f"{case.sha256}.png").read_bytes())
              for case in cases}  # fmt: skip
    assert shapes[True] == shapes[False]


@pytest.fixture
def exported(made):
    """R01 marks the middle of every mask, R02 a corner that is in none; both the same elsewhere."""
    folder, cases = made
    store = opened(folder, replace(study(readers=2, gap=1), cases=cases))
    trials = {trial.trial_id: trial.left_case for trial in store.design().trials}
    masks = {case.case_id: case.mask for case in cases}
    for reader in ("R01", "R02"):
        while shown := store.for_reader(reader):
            place = (0.99, 0.99)
            mask = masks[trials[shown.trial_id]]
            if mask and reader == "R01":
                rows, columns = np.nonzero(mask_of(folder, mask))
                place = (columns.mean() / 128, rows.mean() / 128)
            marks = [{"x": place[0], "y": place[1], "tag": ""}]
            answers = {"source": 4, "marks": marks}
            store.submit(reader, shown.trial_id, answers, f"x-{shown.trial_id}")
    store.close_reading("PI")
    store.unblind("PI")
    results = export(store, folder.parent / "export", "PI")
    return folder.parent / "export", cases, results, store


def test_an_export_has_the_masks_and_gives_the_same_numbers_again(exported):
    folder, cases, results, store = exported
    again = read_export(folder)

    assert set(again.masks) == {case.mask for case in cases if case.mask}
    for sha256, flags in again.masks.items():
        np.testing.assert_array_equal(flags, mask_of(store.folder, sha256))
    assert analyse_export(folder) == results
    found = results["parts"]["turing"]["marks"]["edits"]["sources"]["ours"]
    assert (found["hit"]["value"], found["marks_inside"], found["marks_outside"]) == (0.5, 6, 6)
    assert [row["hits"] for row in found["readers"]] == [6, 0]
    assert "marks.csv" in (folder / "dictionary.csv").read_text("utf-8")
    with (folder / "cases.csv").open(encoding="utf-8") as file:
        assert {row["case_id"]: row["mask"] for row in csv.DictReader(file)} == {
            case.case_id: case.mask for case in cases
        }


def test_a_study_in_which_nobody_marked_anything_says_so_and_has_no_hits(made):
    folder, cases = made
    store = opened(folder, replace(study(readers=1, gap=1), cases=cases))
    read_all(store, "R01")
    store.close_reading("PI")
    store.unblind("PI")
    found = export(store, folder.parent / "export", "PI")["parts"]["turing"]["marks"]

    assert found["edits"]["sources"]["ours"]["hit"]["value"] == 0
    page = (folder.parent / "export" / "report.html").read_text("utf-8")
    assert "Nothing was marked." in page and "Marks and the masks of the edits" in page


def test_an_export_whose_masks_are_lost_or_of_another_study_is_refused(exported):
    folder, _, _, _ = exported
    data = (folder / PACKED).read_bytes()
    (folder / PACKED).write_bytes(data[: len(data) // 2])
    with pytest.raises(StudyError, match=r"masks.zip is missing, damaged"):
        analyse_export(folder)

    (folder / PACKED).unlink()
    with pytest.raises(StudyError, match=r"masks.zip is missing"):
        analyse_export(folder)


@pytest.mark.parametrize(
    "data",
    [b"no picture", png.encode(np.zeros((40, 60), np.uint8)), b"\x89PNG\r\n\x1a\n" + bytes(40)],
)
def test_a_mask_of_an_export_that_is_no_square_picture_is_refused_with_a_sentence(tmp_path, data):
    sha256 = hashlib.sha256(data).hexdigest()
    with zipfile.ZipFile(tmp_path / PACKED, "w") as archive:
        archive.writestr(f"{sha256}.png", data)

    with pytest.raises(StudyError, match=f"The mask {sha256[:12]} is"):
        unpacked(tmp_path / PACKED, [sha256])


def test_nothing_is_exported_with_a_mask_that_was_changed_by_hand(made):
    folder, cases = made
    store = opened(folder, replace(study(readers=1, gap=1), cases=cases))
    read_all(store, "R01")
    store.close_reading("PI")
    store.unblind("PI")
    path_of(folder, cases[1].mask).write_bytes(b"not what it was")

    with pytest.raises(StudyError, match="was changed after it was stored"):
        export(store, folder.parent / "export", "PI")
    assert open_store(folder).phase == "unblinded"


def test_the_pictures_of_these_tests_are_edited_where_the_mask_is_white(tmp_path):
    place = edited_folder(tmp_path, each=1)
    grey = np.array(Image.open(place / "picture-1.png"))
    white = np.array(Image.open(place / "mask-1.png")) > 0

    assert (grey[white] == 255).all() and film(1, 200).shape == white.shape

"""What the original files told, what of it is left, and borders that are cut off alike."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from app.studies.appearance import border
from app.studies.errors import StudyError
from app.studies.intake import Intake, equalise, last_check, treatment_of
from app.studies.leaks import check_pictures
from app.studies.masks import mask_of
from app.studies.model import Case
from app.studies.pictures import Treatment, add_pictures, codes_of, from_pixels, read_folder
from app.studies.shelf import Shelf
from tests.studies.edited import edited_folder
from tests.studies.films import film
from tests.studies.small import study
from tests.studies.test_intake import finish
from tests.studies.test_pictures import write_table

EACH = 12
ALIKE = Treatment(side=128)


def said(tmp_path: Path, save, treatment=ALIKE) -> list[str]:
    """What a check says of originals; ``save(pixels, path without its end)`` writes a synthetic one
    and returns its name, the real ones are 8-bit PNG of 192 px."""
    rows = []
    for n in range(2 * EACH):
        synthetic = n % 2 == 1
        name = f"picture-{n}.png"
        if synthetic:
            name = save(film(n, 192), tmp_path / f"picture-{n}").name
        else:
            Image.fromarray((film(n, 192) * 255).astype(np.uint8)).save(tmp_path / name)
        row = {"source": ("hospital", "ours")[synthetic], "synthetic": ("no", "yes")[synthetic]}
        rows.append({"file": name, "finding": "none", **row})
    write_table(tmp_path, rows)
    cases = add_pictures(tmp_path / "study", read_folder(tmp_path), treatment)
    found = check_pictures(tmp_path / "study", cases)
    assert not any(one.grave for one in found.remarks if one.about == "originals")
    return [one.sentence for one in found.remarks if one.about == "originals"]


def png(pixels, stem, depth=8):
    path = stem.with_suffix(".png")
    most, kind = {8: (255, np.uint8), 16: (65535, np.uint16)}[depth]
    Image.fromarray((pixels * most).astype(kind)).save(path)
    return path


def jpeg(pixels, stem):
    path = stem.with_suffix(".jpg")
    Image.fromarray((pixels * 255).astype(np.uint8)).save(path, quality=25)
    return path


def test_originals_that_are_alike_are_not_spoken_of(tmp_path):
    assert said(tmp_path, png) == []


def test_kind_bits_and_length_are_named_and_said_to_be_gone(tmp_path):
    (sentence,) = said(tmp_path, lambda pixels, stem: png(pixels, stem, 16))

    assert sentence.startswith("Real against synthetic: the original files told them apart by")
    assert "the number of bits (1.00)" in sentence and "the length of the file (1.00)" in sentence
    assert "the width" not in sentence and sentence.endswith("In what readers see these are gone.")


def test_jpeg_is_named_by_its_kind_and_its_blocks_and_what_is_left_of_them(tmp_path):
    kinds, blocks = said(tmp_path, jpeg, Treatment(side=131))

    assert "the kind of file (1.00)" in kinds
    assert "blocks of eight pixels" in blocks and "they cannot be told" in blocks


def test_blocks_that_are_left_where_nothing_was_resampled_are_said_to_remain(tmp_path):
    _, blocks = said(tmp_path, jpeg, Treatment(side=192))

    assert "They remain in what readers see" in blocks


def test_sharp_edges_in_pictures_that_never_were_jpeg_are_not_called_blocks(tmp_path):
    place = edited_folder(tmp_path / "films", each=EACH, border=10)
    cases = add_pictures(tmp_path / "study", read_folder(place), ALIKE)
    sentences = [one.sentence for one in check_pictures(tmp_path / "study", cases).remarks]

    assert any("a border of one tone tells the originals apart" in one for one in sentences)
    assert not any("JPEG, tell" in one for one in sentences)


def test_another_shape_is_told_with_what_it_does_to_the_square(tmp_path):
    def wide(pixels, stem):
        return png(cv2.resize(pixels, (240, 192)), stem)

    gone, shape = said(tmp_path, wide)

    assert "the width (1.00)" in gone and "the height" not in gone
    assert "medians 1.00 and 1.25" in shape and "other parts were cut off" in shape


def test_smaller_originals_that_were_enlarged_are_told(tmp_path):
    _, soft = said(tmp_path, lambda pixels, stem: png(cv2.resize(pixels, (96, 96)), stem))

    assert "originals of synthetic are about 96 px and were enlarged to 128" in soft


@pytest.mark.parametrize(("crop", "told"), [(0.0, "It remains"), (0.1, "it is gone")])
def test_a_border_of_the_originals_is_told_and_whether_readers_still_see_it(tmp_path, crop, told):
    def framed(pixels, stem):
        return png(cv2.copyMakeBorder(pixels[12:-12, 12:-12], 12, 12, 12, 12, 0), stem)

    sentences = said(tmp_path, framed, Treatment(side=128, crop=crop))
    assert not any("JPEG" in one for one in sentences)  # its edge is no block
    (sentence,) = [one for one in sentences if "border of one tone" in one]

    assert "medians 0.0 and 6.2 % of the side" in sentence and told in sentence


def test_two_models_are_compared_with_each_other_too(tmp_path):
    made = []
    for n in range(3 * EACH):
        source = ("hospital", "a", "b")[n % 3]
        pixels = film(n, (224, 192, 160)[n % 3])
        made.append(from_pixels(Case(f"{source}-{n}", source, source != "hospital"), pixels))
    found = check_pictures(tmp_path, add_pictures(tmp_path, made, ALIKE))
    sentences = [one.sentence for one in found.remarks if one.about == "originals"]

    assert [one.partition(":")[0] for one in sentences] == [
        "Real against synthetic",
        "A against b",
    ]


@pytest.mark.parametrize(
    ("top", "right", "wanted"), [(0, 0, 0.0), (6, 0, 6 / 100), (0, 9, 9 / 100), (4, 30, 0.3)]
)
@pytest.mark.parametrize("tone", [0, 255])
def test_the_width_of_a_border_is_that_of_its_widest_edge(top, right, wanted, tone):
    codes = (film(3, 100) * 200 + 25).astype(np.uint8)
    codes[:top] = tone
    codes[:, 100 - right :] = tone

    assert border(codes) == pytest.approx(wanted)


# Equalising -----------------------------------------------------------------------------------


@pytest.fixture
def store(tmp_path):
    shelf = Shelf(tmp_path / "studies")
    yield shelf.begin(replace(study(), cases=()), "")
    shelf.close()


def bordered(count, wide=10, masked=False):
    """Pictures of which every second one has a black border, and a mask in its middle."""
    made = []
    for n in range(count):
        pixels, white = film(n, 160), np.zeros((160, 160), bool)
        white[70:90, 60:100] = True
        if n % 2:
            pixels = cv2.copyMakeBorder(pixels[wide:-wide, wide:-wide], *[wide] * 4, 0)  # type: ignore[call-overload]
        case = Case(f"case-{n}", ("hospital", "ours")[n % 2], n % 2 == 1)
        made.append(from_pixels(case, pixels, white if masked and n % 2 else None))
    return made


def test_the_widest_border_is_cut_off_every_picture_alike_and_the_masks_go_along(tmp_path, store):
    intake = Intake(tmp_path / "in")
    intake.add(store, lambda: bordered(6, masked=True), ALIKE)
    finish(intake, store)
    before = store.study().cases
    check = last_check(store)
    assert check is not None and check["border"] == pytest.approx(10 / 160, abs=0.01)

    intake.equalise(store)
    task = finish(intake, store)

    after = store.study().cases
    cut = treatment_of(store)
    assert task["state"] == "done" and "every edge of every picture" in task["sentence"]
    assert cut is not None and 0.06 <= cut.again <= 0.08 and cut.side == 128
    assert [case.case_id for case in after] == [case.case_id for case in before]
    assert not {case.sha256 for case in after} & {case.sha256 for case in before}
    for old, new in zip(before, after, strict=True):
        assert border(codes_of(store.folder, new)) == 0
        assert "second pass for borders" in new.origin["treatment"]
        if new.mask:
            grown = mask_of(store.folder, new.mask).sum() / mask_of(store.folder, old.mask).sum()
            assert grown == pytest.approx(1 / (1 - 2 * cut.again) ** 2, rel=0.05)
    check = last_check(store)
    assert check is not None and check["current"] and check["border"] == 0


def test_what_is_added_later_goes_through_the_same_two_passes(tmp_path, store):
    intake = Intake(tmp_path / "in")
    intake.add(store, lambda: bordered(4), ALIKE)
    finish(intake, store)
    equalise(store)
    treatment = treatment_of(store)
    assert treatment is not None
    wanted = codes_of(store.folder, store.study().cases[2])

    (again,) = add_pictures(tmp_path / "other", [bordered(4)[2]], treatment)

    np.testing.assert_array_equal(codes_of(tmp_path / "other", again), wanted)


@pytest.mark.parametrize(
    ("wide", "told"), [(40, "takes 25 % of the side"), (10, "equalised before")]
)
def test_what_cannot_be_equalised_is_refused_and_the_draft_stays(tmp_path, store, wide, told):
    intake = Intake(tmp_path / "in")
    intake.add(store, lambda: bordered(4, wide), ALIKE)
    finish(intake, store)
    if wide == 10:
        equalise(store)
    before = store.study()

    with pytest.raises(StudyError, match=told):
        equalise(store)
    assert store.study() == before


def test_where_there_is_no_border_nothing_is_changed(tmp_path, store):
    intake = Intake(tmp_path / "in")
    intake.add(store, lambda: bordered(4)[::2], ALIKE)
    finish(intake, store)
    before = store.study()

    intake.equalise(store)

    assert "Nothing was changed" in finish(intake, store)["sentence"]
    assert store.study() == before and treatment_of(store) == ALIKE

"""Pictures are made alike: nothing but their pixels could tell one source from another."""

import csv
import hashlib
import io

import cv2
import numpy as np
import pytest
from PIL import Image

from app.studies.errors import StudyError
from app.studies.model import Case
from app.studies.pictures import (
    PICTURES,
    Treatment,
    add_pictures,
    codes_of,
    encoded,
    from_pixels,
    read_folder,
    shown,
)
from engine import png
from tests.studies.films import film

SMALL = Treatment(side=128)


def write_table(folder, rows):
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with (folder / "cases.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def mixed_folder(folder):
    """Six pictures as differently stored as they come: sizes, depths, formats, metadata."""
    grey = [film(n, 300) for n in range(6)]
    wide = (grey[0] * 65535).astype(np.uint16)
    Image.fromarray(wide).save(folder / "wide.png")
    info = {"title": "made by model A"}
    Image.fromarray((grey[1] * 255).astype(np.uint8)).save(
        folder / "words.jpg", quality=60, comment=str(info)
    )
    Image.fromarray((cv2.resize(grey[2], (200, 260)) * 255).astype(np.uint8)).save(
        folder / "upright.png"
    )
    Image.fromarray((grey[3] * 255).astype(np.uint8)).convert("RGB").save(folder / "colour.png")
    Image.fromarray((grey[4] * 200).astype(np.uint8)).save(folder / "flat.tif")
    Image.fromarray((cv2.resize(grey[5], (128, 128)) * 255).astype(np.uint8)).save(
        folder / "small.png"
    )
    names = ["wide.png", "words.jpg", "upright.png", "colour.png", "flat.tif", "small.png"]
    write_table(
        folder,
        [
            {
                "file": name,
                "source": ("hospital", "ours")[n % 2],
                "synthetic": ("no", "yes")[n % 2],
                "finding": "effusion",
                "scanner": "X1" if n == 0 else "",
            }
            for n, name in enumerate(names)
        ],
    )


def test_whatever_came_in_readers_get_files_of_one_length_size_and_depth(tmp_path):
    mixed_folder(tmp_path)
    study = tmp_path / "study"

    cases = add_pictures(study, read_folder(tmp_path), SMALL)
    files = [(study / PICTURES / f"{case.sha256}.png").read_bytes() for case in cases]

    assert len(cases) == 6 and {len(data) for data in files} == {len(files[0])}
    for case, data in zip(cases, files, strict=True):
        assert hashlib.sha256(data).hexdigest() == case.sha256
        assert png.header(data) == (128, 128, 8, 0)
        assert [kind for kind, _ in png.chunks(data)] == [b"IHDR", b"IDAT", b"IEND"]
        assert b"model A" not in data
    assert cases[0].origin["scanner"] == "X1" and cases[0].origin["file"] == "wide.png"
    assert cases[0].synthetic is False and cases[1].synthetic is True
    assert "128 px, 8 bit" in cases[0].origin["treatment"]


def test_the_length_of_a_file_depends_on_its_size_alone():
    rng = np.random.default_rng(1)
    pictures = [
        np.zeros((200, 200), np.uint8),
        np.full((200, 200), 255, np.uint8),
        rng.integers(0, 256, (200, 200)).astype(np.uint8),
    ]

    assert len({len(encoded(one)) for one in pictures}) == 1
    for one in pictures:  # an independent reader sees the same codes
        np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(encoded(one)))), one)


def test_the_middle_square_is_shown_and_edges_are_cut_alike():
    tall = np.zeros((400, 200), np.float32)
    tall[100:300] = film(1, 200)
    case = Case("a", "ours", True)
    plain = Treatment(side=200, tone="as stored", grain=0)

    whole = shown(from_pixels(case, tall), plain)
    middle = cv2.GaussianBlur(film(1, 200), (0, 0), 0.5)
    cut = shown(from_pixels(case, tall), Treatment(side=160, crop=0.1, tone="as stored", grain=0))

    np.testing.assert_array_equal(whole, np.round(middle * 255).astype(np.uint8))
    inner = cv2.GaussianBlur(film(1, 200)[20:180, 20:180], (0, 0), 0.5)
    np.testing.assert_array_equal(cut, np.round(inner * 255).astype(np.uint8))


def test_tones_are_spread_between_the_same_ends_and_no_gaps_are_left():
    case = Case("a", "ours", True)
    levels = np.round(film(2, 256) * 90) / 255 + 0.3  # 90 of 256
    narrow = from_pixels(case, levels.astype(np.float32))
    codes = shown(narrow, Treatment(side=256))
    gaps = (np.bincount(codes.ravel(), minlength=256)[20:236] == 0).mean()

    assert np.percentile(codes, 0.5) < 3 and np.percentile(codes, 99.5) > 252
    assert gaps < 0.02
    np.testing.assert_array_equal(codes, shown(narrow, Treatment(side=256)))


def test_one_picture_under_two_names_is_refused(tmp_path):
    twice = [from_pixels(Case(name, "ours", True), film(3, 200)) for name in ("a", "b")]

    with pytest.raises(StudyError, match="a and b are the same picture"):
        add_pictures(tmp_path, twice, SMALL)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"file": "nowhere.png"}, "Row 2 of cases.csv: There is no file 'nowhere.png'"),
        ({"file": "../outside.png"}, "Row 2 of cases.csv: There is no file"),
        ({"synthetic": "perhaps"}, "Row 2 of cases.csv: 'synthetic' must be yes or no"),
        ({"source": "our model"}, "Row 2 of cases.csv: 'our model' cannot name a source"),
        ({"role": "spare"}, "Row 2 of cases.csv: There is no role 'spare'"),
        ({"file": "text.png"}, "Row 2 of cases.csv, text.png: "),
        ({"case_id": "good"}, "names the case 'good' twice"),
    ],
)
def test_a_row_that_is_wrong_is_named(tmp_path, change, told):
    folder = tmp_path / "in"
    folder.mkdir()
    for path in (folder / "good.png", folder / "other.png", tmp_path / "outside.png"):
        path.write_bytes(encoded((film(4, 200) * 255).astype(np.uint8)))
    (folder / "text.png").write_text("not a picture")
    row = {"file": "good.png", "source": "ours", "synthetic": "yes", "finding": "none"}
    write_table(folder, [{**row, "file": "other.png", **change}, row])

    with pytest.raises(StudyError, match=told):
        read_folder(folder)


def test_a_table_without_a_needed_column_says_which(tmp_path):
    write_table(tmp_path, [{"file": "a.png", "source": "ours", "finding": "none"}])

    with pytest.raises(StudyError, match="no column 'synthetic'"):
        read_folder(tmp_path)


def test_a_damaged_picture_of_a_study_is_told(tmp_path):
    (case,) = add_pictures(tmp_path, [from_pixels(Case("a", "ours", True), film(5, 200))], SMALL)
    assert codes_of(tmp_path, case).shape == (128, 128)
    path = tmp_path / PICTURES / f"{case.sha256}.png"
    path.write_bytes(path.read_bytes()[:-200])

    with pytest.raises(StudyError, match="missing or damaged"):
        codes_of(tmp_path, case)

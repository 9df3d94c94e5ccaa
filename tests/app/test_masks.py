"""Masks go out and come in with the same bits; what is no mask is a sentence."""

import io
import tracemalloc
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from app.canvas.drawing import ERASE, KEEP, Drawing, FindingRegion
from app.document import archive, masks
from app.document.opening import SEVERAL, identify, read_masks
from engine.errors import EngineError, ImageUnreadable, InvalidRequest
from engine.images import write_organs, write_png
from tests.app.test_panels import CHEST, SIDE, A, B, drawing

DRAWN = drawing(*CHEST, (4, 20, 30, 40, 50), (5, 1, 9, 1, 9), (ERASE, 0, 3, 0, 3), findings=[A, B])


def npz(**arrays):
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)
    return out.getvalue()


def picture(array):
    out = io.BytesIO()
    Image.fromarray(array).save(out, "png")
    return out.getvalue()


def test_exported_masks_come_back_with_the_same_bits_and_words(tmp_path):
    path = tmp_path / "masks"
    path.write_bytes(masks.masks_bytes(DRAWN))

    assert identify(path, "x").kind == "masks"
    read = read_masks(path, None, None)
    laid, said = masks.laid_on(read, None, None, "doc")

    np.testing.assert_array_equal(laid.bits, DRAWN.bits)
    assert laid.findings == (A, B) and said == ""


@given(st.integers(0, 2**32), st.text(max_size=40))
@settings(max_examples=30, deadline=None)
def test_any_drawing_comes_back(seed, words):
    bits = np.random.default_rng(seed).integers(0, 2**30, (33, 47)).astype(np.uint32)
    region = FindingRegion(9, "F", words.strip())
    drawn = Drawing("doc", 1, "", None, bits, (region,))
    with zipfile.ZipFile(io.BytesIO(masks.masks_bytes(drawn))) as archive:
        read = masks.of_npz(archive.read(masks.NPZ))
    np.testing.assert_array_equal(read.bits, bits)
    assert region in read.findings


def test_each_png_in_the_export_is_one_label(tmp_path):
    with zipfile.ZipFile(io.BytesIO(masks.masks_bytes(DRAWN))) as archive:
        names = set(archive.namelist())
        files = {name: archive.read(name) for name in names}
    assert names == {
        "left_lung.png", "right_lung.png", "heart.png", "finding_A.png", "finding_B.png",
        "area_to_erase.png", "index.png", "masks.npz", "README.txt",
    }  # fmt: skip
    for name, data in files.items():
        if name.endswith(".png") and name != "index.png":
            bit = masks.label_in(name)
            assert bit is not None
            read = masks.of_label(data, bit)
            np.testing.assert_array_equal(read.bits, DRAWN.bits & np.uint32(1 << bit))
    np.testing.assert_array_equal(
        masks.of_index(files["index.png"]).bits, masks.organ_bits(DRAWN.organs())
    )


@pytest.mark.parametrize(
    ("name", "bit"),
    [
        ("left_lung.png", 0), ("Lung-Right (2).png", 1), ("patient7 RIGHT LUNG.tif", 1),
        ("heart.png", 2), ("AORTA.png", 3), ("finding_C.png", 6), ("finding.png", -1),
        ("erase.png", ERASE), ("area_to_keep.png", KEEP), ("mask.png", None),
        ("charted.png", None), ("lung.png", None),
    ],
)  # fmt: skip
def test_a_name_says_a_label_or_none(name, bit):
    assert masks.label_in(name) == bit


def test_what_a_picture_is_is_told_by_its_tones(tmp_path):
    organs = np.zeros((SIDE, SIDE), np.uint8)
    organs[10:20, 10:20], organs[30:40, 30:40] = 1, 3
    write_organs(tmp_path / "index", organs)
    region = np.zeros((SIDE, SIDE), np.float32)
    region[3:9, 3:9] = 1
    write_png(tmp_path / "region", region, bits=8)
    film = np.random.default_rng(0).random((SIDE, SIDE)).astype(np.float32)
    write_png(tmp_path / "film", film)

    write_png(tmp_path / "greys", np.where(region > 0, np.float32(0.8), np.float32(0.3)), bits=8)

    names = ("index", "region", "film", "greys")
    found = {name: identify(tmp_path / name, "heart.png") for name in names}

    assert [f.kind for f in found.values()] == ["mask", "mask", "picture", "picture"]
    assert [f.label for f in found.values()] == [SEVERAL, 2, None, None]
    np.testing.assert_array_equal(
        read_masks(tmp_path / "index", None, None).bits, masks.organ_bits(organs)
    )


def test_organs_and_labels_of_other_programs_are_read():
    organs = DRAWN.organs()
    for key in ("organs", "labels"):
        read = masks.of_npz(npz(**{key: organs}))
        np.testing.assert_array_equal(read.bits, masks.organ_bits(organs))
        assert read.replaces == 15
    stack = np.stack([DRAWN.bits & 1, DRAWN.bits >> 4 & 1]).astype(bool)
    read = masks.of_npz(npz(labels=stack, names=np.array(["left lung", "effusion"])))
    np.testing.assert_array_equal(read.bits, DRAWN.bits & np.uint32(0b10001))
    assert read.findings == (FindingRegion(4, "A", "effusion"),)


@pytest.mark.parametrize(
    "data",
    [
        npz(other=np.zeros(3)),
        npz(organs=np.full((9, 9), 9, np.uint8)),
        npz(organs=np.zeros((9, 9), np.float32)),
        npz(bits=np.full((9, 9), 2**31, np.uint32)),
        npz(bits=np.zeros((3, 3, 3), np.uint32)),
        npz(labels=np.array([{}], dtype=object)),
        npz(bits=np.zeros((9, 9), np.uint32), findings=np.frombuffer(b"[{", np.uint8)),
        b"PK\x03\x04 cut off",
    ],
)
def test_an_npz_that_holds_no_masks_is_a_sentence(data):
    with pytest.raises(EngineError, match=r"\.$"):
        masks.of_npz(data)


@pytest.mark.case(35)
def test_no_more_is_reserved_than_an_array_has():
    out = io.BytesIO()
    header = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little")
    text = b"{'descr': '<u4', 'fortran_order': False, 'shape': (900000, 900000), }"
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("bits.npy", header + text.ljust(117) + b"\n")
    with pytest.raises(ImageUnreadable):
        masks.of_npz(out.getvalue())


@pytest.mark.case(35)
def test_a_mask_of_another_size_is_brought_to_the_picture_and_says_so():
    double = np.kron(DRAWN.bits & np.uint32(1), np.ones((2, 2), np.uint32)).astype(np.uint32)

    laid, said = masks.laid_on(masks.Masks(double, 1), None, (SIDE, SIDE), "doc")

    np.testing.assert_array_equal(laid.bits, DRAWN.bits & np.uint32(1))
    assert f"{2 * SIDE} x {2 * SIDE}" in said


def test_a_mask_without_pixels_is_said_to_be_empty():
    with pytest.raises(InvalidRequest, match="no pixels"):
        masks.laid_on(masks.Masks(np.ones((0, 5), np.uint32), 1), None, None, "doc")


@pytest.mark.case(35)
def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(InvalidRequest, match="another picture"):
        masks.laid_on(masks.Masks(np.ones((40, 80), np.uint32), 1), None, (SIDE, SIDE), "doc")


def test_a_mask_replaces_its_own_label_only():
    heart = np.zeros((SIDE, SIDE), np.uint32)
    heart[0:5, 0:5] = 4
    laid, _ = masks.laid_on(masks.Masks(heart, 4), DRAWN, (SIDE, SIDE), "doc")
    np.testing.assert_array_equal(laid.bits & 4, heart)
    np.testing.assert_array_equal(laid.bits & ~np.uint32(4), DRAWN.bits & ~np.uint32(4))
    assert laid.findings == (A, B)


def test_a_soft_edge_is_painted_from_middle_grey_on_and_a_dark_region_as_a_whole():
    soft = np.zeros((SIDE, SIDE), np.uint8)
    soft[10:20, 10:20], soft[12:18, 12:18] = 60, 255
    dark = np.where(soft > 0, np.uint8(60), np.uint8(0))

    np.testing.assert_array_equal(masks.of_label(picture(soft), 2).bits > 0, soft == 255)
    np.testing.assert_array_equal(masks.of_label(picture(dark), 2).bits > 0, dark > 0)


def test_a_new_finding_takes_the_next_free_letter(tmp_path):
    region = np.zeros((SIDE, SIDE), np.float32)
    region[3:9, 3:9] = 1
    write_png(tmp_path / "m", region, bits=8)
    read = read_masks(tmp_path / "m", masks.NEW_FINDING, DRAWN)
    laid, _ = masks.laid_on(read, DRAWN, (SIDE, SIDE), "doc")
    assert [f.letter for f in laid.findings] == ["A", "B", "C"]
    assert laid.findings[0].words == "effusion"
    assert masks.free_finding(replace(DRAWN, findings=()), set()) == 4


def test_a_bomb_among_our_masks_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MOST_BYTES", 10**6)
    path = tmp_path / "masks"
    large = io.BytesIO()
    np.savez(large, bits=np.ones((1000, 1000), np.uint32))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(masks.NPZ, large.getvalue())
    assert path.stat().st_size < 10**5
    with pytest.raises(EngineError):
        read_masks(path, None, None)


def test_a_zip_that_states_more_bytes_than_it_has_reserves_no_room_for_them(tmp_path):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as made:
        made.writestr("one.png", b"a few bytes")
    lies = held.getvalue().replace(
        (11).to_bytes(4, "little") * 2, (400_000_000).to_bytes(4, "little") * 2
    )
    assert lies != held.getvalue()
    (tmp_path / "lies").write_bytes(lies)

    with zipfile.ZipFile(tmp_path / "lies") as opened:
        tracemalloc.start()
        with pytest.raises(EngineError):
            archive.read_member(opened, opened.infolist()[0], 500_000_000)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert most < 1_000_000

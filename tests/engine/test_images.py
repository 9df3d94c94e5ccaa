import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from engine import png
from engine.errors import DiskFull, EngineError, ImageUnreadable
from engine.files import check_room, write_whole
from engine.images import read_image, read_mask, read_organs, write_organs, write_png

RAMP = np.linspace(0, 65535, 64 * 48).round().astype(np.uint16).reshape(48, 64)
GREY = (RAMP // 257).astype(np.uint8)


def saved(image: Image.Image, form: str = "PNG", **options) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


@pytest.mark.case(31)
def test_sixteen_bits_are_read_as_they_are():
    opened = read_image(saved(Image.fromarray(RAMP)))

    assert opened.bits == 16
    assert np.array_equal(np.round(opened.pixels * 65535), RAMP)


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_eight_bits_are_read_as_they_are(form):
    opened = read_image(saved(Image.fromarray(GREY), form))

    assert opened.bits == 8
    assert np.array_equal(opened.pixels, GREY / np.float32(255))


def test_a_sixteen_bit_tiff_with_white_as_zero_is_turned_the_right_way_round():
    black_is_zero = saved(Image.fromarray(RAMP), "TIFF")
    white_is_zero = saved(Image.fromarray(RAMP), "TIFF", tiffinfo={262: 0})

    assert np.array_equal(np.round(read_image(black_is_zero).pixels * 65535), RAMP)
    assert np.array_equal(np.round(read_image(white_is_zero).pixels * 65535), 65535 - RAMP)


def test_a_twelve_bit_tiff_fills_the_range():
    twelve = packed_tiff(np.array([[0, 4095], [2048, 1]], np.uint16))

    pixels = read_image(twelve).pixels

    assert np.array_equal(np.round(pixels * 4095), [[0, 4095], [2048, 1]])
    assert pixels.max() == 1


def test_grey_in_three_channels_is_the_same_picture():
    colour = Image.fromarray(np.stack([GREY] * 3, -1))

    assert np.array_equal(read_image(saved(colour)).pixels, GREY / np.float32(255))


def test_colour_becomes_luminance():
    red = Image.new("RGB", (40, 40), (255, 0, 0))

    assert read_image(saved(red)).pixels == pytest.approx(0.299, abs=1e-5)


def test_sixteen_bit_colour_keeps_its_depth():
    code, data = cv2.imencode(".png", np.stack([RAMP] * 3, -1))

    assert code
    opened = read_image(data.tobytes())

    assert opened.bits == 16
    assert np.array_equal(np.round(opened.pixels * 65535), RAMP)


def test_transparent_parts_are_black():
    alpha = np.zeros_like(GREY)
    alpha[:, :32] = 255
    layered = Image.merge("LA", (Image.fromarray(GREY), Image.fromarray(alpha)))

    pixels = read_image(saved(layered)).pixels

    assert np.array_equal(pixels[:, :32], GREY[:, :32] / np.float32(255))
    assert not pixels[:, 32:].any()


@pytest.mark.parametrize("mode", ["1", "P", "CMYK"])
def test_unusual_kinds_of_picture_are_read(mode):
    form = "TIFF" if mode == "CMYK" else "PNG"
    picture = Image.fromarray(np.where(GREY > 127, 255, 0).astype(np.uint8)).convert(mode)

    pixels = read_image(saved(picture, form)).pixels

    assert np.array_equal(pixels > 0.5, GREY > 127)


@pytest.mark.case(33)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stand_upright_whatever_exif_says(orientation):
    upright = np.kron(np.array([[0, 80, 160], [240, 40, 120]], np.uint8), np.ones((16, 16)))
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x013B] = "Dr Example"
    image = Image.fromarray(np.ascontiguousarray(stored).astype(np.uint8))

    for form, options in (("PNG", {}), ("JPEG", {"quality": 100})):
        pixels = read_image(saved(image, form, exif=exif, **options)).pixels
        assert pixels.shape == (32, 48)
        assert np.abs(pixels * 255 - upright).max() < 4


@pytest.mark.case(32)
def test_a_cut_off_file_is_refused():
    for form in ("PNG", "JPEG", "TIFF"):
        noise = np.random.default_rng(0).integers(0, 255, (64, 64)).astype(np.uint8)
        whole = saved(Image.fromarray(noise), form)
        for share in (0.3, 0.6, 0.95):
            with pytest.raises(ImageUnreadable, match="cut off"):
                read_image(whole[: int(len(whole) * share)])


@pytest.mark.case(32)
def test_one_flipped_bit_in_a_png_is_noticed():
    whole = bytearray(saved(Image.fromarray(GREY)))
    whole[60] ^= 1

    with pytest.raises(ImageUnreadable, match="damaged"):
        read_image(bytes(whole))


@pytest.mark.case(34)
def test_several_pictures_in_one_file_are_refused_with_their_number():
    frames = [Image.fromarray(np.roll(GREY, n, 0)) for n in range(3)]

    for form in ("PNG", "TIFF"):
        several = saved(frames[0], form, save_all=True, append_images=frames[1:])
        with pytest.raises(ImageUnreadable, match="holds 3 pictures"):
            read_image(several)


@pytest.mark.case(29)
def test_a_huge_picture_is_refused_by_its_header_alone():
    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 0, 0, 0, 0)
    tiny_file = png.join([(b"IHDR", header), (b"IDAT", b""), (b"IEND", b"")])

    with pytest.raises(ImageUnreadable, match="30000 x 30000 px; the largest"):
        read_image(tiny_file)


@pytest.mark.case(34)
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "empty"),
        (b"GIF89a...", "a GIF picture"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"\0" * 128 + b"DICM" + b"\0" * 64, "The DICOM file is damaged"),
        (b"%PDF-1.7", "a PDF document"),
        (b"plain words", "not a picture"),
        (b"\x89PNG\r\n\x1a\n", "cut off"),
        (b"\xff\xd8\xff\xe0rubbish", "cut off"),
        (b"II*\0rubbish", "cut off"),
    ],
)
def test_what_is_no_picture_gets_one_sentence(data, sentence):
    with pytest.raises(ImageUnreadable, match=sentence):
        read_image(data)


def test_a_missing_file_and_a_folder_get_a_sentence(tmp_path):
    with pytest.raises(ImageUnreadable, match="no such file"):
        read_image(tmp_path / "none.png")
    with pytest.raises(ImageUnreadable, match="folder"):
        read_image(tmp_path)


def test_floating_point_pictures_are_refused():
    with pytest.raises(ImageUnreadable, match="floating"):
        read_image(saved(Image.fromarray(np.ones((40, 40), np.float32)), "TIFF"))


def test_a_mask_keeps_its_soft_edge():
    soft = np.zeros((40, 40), np.uint8)
    soft[10:20, 10:20] = 255
    soft[9, 10:20] = 51

    mask = read_mask(saved(Image.fromarray(soft)))

    assert mask.dtype == np.float32
    assert np.array_equal(mask, soft / np.float32(255))


def test_a_mask_of_zeros_and_ones_is_a_label_map():
    labels = np.eye(40, dtype=np.uint8)

    assert np.array_equal(read_mask(saved(Image.fromarray(labels))), labels)


def test_strokes_on_a_transparent_layer_count_by_their_alpha():
    layer = np.zeros((40, 40, 4), np.uint8)
    layer[5:10, 5:10] = (0, 0, 0, 255)  # black paint

    mask = read_mask(saved(Image.fromarray(layer)))

    assert mask.sum() == 25
    assert mask[7, 7] == 1


ORGANS = np.repeat(np.arange(5, dtype=np.uint8), 8)[None].repeat(40, 0)


def test_organ_maps_come_back_as_they_were_written(tmp_path):
    write_organs(tmp_path / "organs.png", ORGANS)

    assert np.array_equal(read_organs(tmp_path / "organs.png"), ORGANS)


@pytest.mark.parametrize("mode", ["L", "P", "RGB"])
def test_the_grey_levels_of_xreal_are_understood(mode):
    grey = np.array([0, 64, 128, 192, 255], np.uint8)[ORGANS]
    picture = Image.fromarray(grey)
    if mode != "L":
        picture = picture.convert("RGB")
    if mode == "P":
        picture = picture.quantize(5)

    assert np.array_equal(read_organs(saved(picture)), ORGANS)


def test_other_values_in_an_organ_map_are_refused_with_the_value():
    odd = ORGANS.copy()
    odd[0, 0] = 77

    with pytest.raises(ImageUnreadable, match="holds the value 77"):
        read_organs(saved(Image.fromarray(odd)))


def test_a_coloured_organ_map_is_refused():
    with pytest.raises(ImageUnreadable, match="in colour"):
        read_organs(saved(Image.new("RGB", (40, 40), (0, 128, 255))))


@pytest.mark.case(31)
def test_what_is_written_is_read_back_exactly(tmp_path):
    pixels = RAMP / np.float32(65535)

    write_png(tmp_path / "film.png", pixels)

    assert np.array_equal(read_image(tmp_path / "film.png").pixels, pixels)


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path, monkeypatch):
    path = tmp_path / "film.png"
    write_whole(path, b"old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.files.os.fsync", full)
    with pytest.raises(DiskFull, match="disk is full"):
        write_whole(path, b"new")

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_said_in_a_sentence(tmp_path):
    with pytest.raises(EngineError, match="no folder"):
        write_whole(tmp_path / "none" / "film.png", b"")
    with pytest.raises(EngineError, match="no folder"):
        check_room(tmp_path / "none" / "film.png", 1)


def test_too_little_room_is_noticed_before_any_work(tmp_path):
    with pytest.raises(DiskFull, match="MB free and the result needs about"):
        check_room(tmp_path / "film.png", 10**18)


def packed_tiff(codes: np.ndarray) -> bytes:
    """A 12-bit grey TIFF, little endian, uncompressed; written from the TIFF 6.0 format."""
    bits = "".join("".join(f"{v:012b}" for v in row) for row in codes)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big")
    height, width = codes.shape
    tags = [(256, width), (257, height), (258, 12), (259, 1), (262, 1), (273, 8), (277, 1),
            (278, height), (279, len(data))]  # fmt: skip
    directory = struct.pack("<H", len(tags))
    for tag, value in tags:
        directory += struct.pack("<HHII", tag, 4, 1, value)
    return b"II*\0" + struct.pack("<I", 8 + len(data)) + data + directory + b"\0\0\0\0"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF"])
def test_whatever_was_done_to_a_file_it_is_opened_or_refused(form):
    rng = np.random.default_rng(5)
    whole = saved(Image.fromarray(GREY), form)

    outcomes = set()
    for _ in range(150):
        changed = bytearray(whole)
        for at in rng.integers(0, len(whole), 3) // rng.integers(1, 40):  # mostly the headers
            changed[at] = rng.integers(0, 256)
        try:
            outcomes.add(type(read_image(bytes(changed))))
        except ImageUnreadable:
            outcomes.add(ImageUnreadable)

    assert ImageUnreadable in outcomes

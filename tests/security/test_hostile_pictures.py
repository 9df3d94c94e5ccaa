"""Pictures and masks from strangers: too large, of another kind, telling more than they show."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from app.document import masks, pictures
from app.document.opening import identify, open_picture
from app.document.session import Session, State
from engine import png
from engine.api import EraseRequest, Finding, InsertRequest, OutpaintRequest
from engine.compositing import paste
from engine.errors import EngineError, ImageUnreadable, InvalidRequest
from engine.images import read_image, read_mask, read_organs
from engine.provenance import inputs_of, picture_bytes, recipe_of
from tests.security.changes import bounded
from tests.security.test_changed_pictures import saved


def exported(state: State, mark, bits) -> bytes:
    """What every way out of the program writes."""
    return picture_bytes(state.image, state.recipe or {}, state.inputs or {}, mark, bits)


ME = "me-01234567890123456789"
SMALL = 40_000_000  # bytes; a decoded picture of the largest size would need more
NAME = "Dr^Example 123456"


def claiming(width: int, height: int, form: str) -> bytes:
    """A few hundred bytes that claim to be a picture of this size."""
    if form == "PNG":
        head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
        return png.join([(b"IHDR", head), (b"IDAT", zlib.compress(bytes(300))), (b"IEND", b"")])
    small = saved(Image.new("L", (16, 16), 9), form)
    if form == "JPEG":
        at = small.index(b"\xff\xc0") + 5
        return small[:at] + struct.pack(">HH", height & 0xFFFF, width & 0xFFFF) + small[at + 4 :]
    out = bytearray(small)
    for tag, value in ((256, width), (257, height), (278, height)):
        at = out.find(struct.pack("<H", tag), 8)
        struct.pack_into("<HHII", out, at, tag, 4, 1, value)
    return bytes(out)


@pytest.mark.case(29)
@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize("size", [(30_000, 30_000), (60_000, 40), (8193, 64), (8000, 8000)])
def test_a_claim_of_a_huge_size_is_refused_before_anything_is_decoded(form, size):
    data = claiming(*size, form)

    with bounded(SMALL), pytest.raises(ImageUnreadable, match=f"{size[0]} x {size[1]} px; the l"):
        read_image(data)
    for read in (read_mask, read_organs):
        with bounded(SMALL), pytest.raises(ImageUnreadable, match="the largest that can be"):
            read(data)


@pytest.mark.case(29)
def test_sizes_beyond_all_numbers_are_refused():
    for width, height in ((2**31 - 1, 2**31 - 1), (2**32 - 1, 1), (0, 0), (0, 100)):
        with bounded(SMALL), pytest.raises(ImageUnreadable):
            read_image(claiming(width, height, "PNG"))


@pytest.mark.case(30)
def test_a_valid_picture_of_too_many_pixels_is_refused():
    """64 million, where decoders only begin to warn at 89."""
    whole = saved(Image.new("1", (8000, 8000)), "PNG")
    assert len(whole) < 100_000

    with bounded(SMALL), pytest.raises(ImageUnreadable, match="40 million pixels"):
        read_image(whole)


def chunk_bomb(kind: bytes, head: bytes) -> bytes:
    """A small picture with a packed text or profile of 200 million bytes."""
    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    header, *rest = png.chunks(png.encode(np.full((40, 40), 7, np.uint8)))
    return png.join([header, (kind, head + body), *rest])


@pytest.mark.case(30)
@pytest.mark.parametrize(
    ("kind", "head"),
    [(b"zTXt", b"Comment\0\0"), (b"iCCP", b"icc\0\0"), (b"iTXt", b"XReal-Studio\0\1\0\0\0")],
)
def test_packed_words_in_a_picture_are_not_unpacked(kind, head, tmp_path):
    data = chunk_bomb(kind, head)
    (tmp_path / "film").write_bytes(data)

    with bounded(SMALL):
        try:
            read_image(data)
            identify(tmp_path / "film", "film.png")
        except ImageUnreadable as error:
            assert "damaged" in str(error)


@pytest.mark.case(30)
def test_more_picture_data_than_the_size_explains_is_not_unpacked():
    packer = zlib.compressobj(9)
    body = b"".join(packer.compress(bytes(1 << 20)) for _ in range(200)) + packer.flush()
    head = struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 0)

    with bounded(SMALL):
        try:
            opened = read_image(png.join([(b"IHDR", head), (b"IDAT", body), (b"IEND", b"")]))
        except ImageUnreadable:
            return
    assert opened.pixels.shape == (64, 64) and not opened.pixels.any()


@pytest.mark.case(31)
def test_every_level_of_16_bits_comes_through_to_the_export(tmp_path):
    ramp = np.arange(65_536, dtype=np.uint16).reshape(256, 256)
    (tmp_path / "film").write_bytes(saved(Image.fromarray(ramp), "PNG"))
    session = Session(ME)
    state, _ = open_picture(session, tmp_path / "film")
    mask = np.zeros((256, 256), np.float32)
    mask[0, 0] = 1
    request = EraseRequest(image=state.image, mask=mask)
    recipe, inputs = recipe_of(request, "embedded", {}), inputs_of(request)
    made = session.add(
        lambda n: State(
            number=n, name="Erased", kind="made", image=state.image, bits=16, origin="partly",
            recipe=recipe, inputs=inputs,
        )
    )  # fmt: skip

    with Image.open(io.BytesIO(exported(made, "none", 16))) as opened:
        assert np.array_equal(np.array(opened).astype(np.uint16), ramp)
    with Image.open(io.BytesIO(pictures.shown(state.image))) as preview:
        assert np.array(preview).mean() == pytest.approx(127.5, abs=0.6)


@pytest.mark.case(33)
@pytest.mark.parametrize("form", ["JPEG", "TIFF", "PNG"])
def test_what_a_photograph_says_of_people_and_places_is_in_no_export(form, tmp_path):
    exif = Image.Exif()
    exif[0x0112], exif[0x013B], exif[0x010E] = 6, NAME, NAME
    exif.get_ifd(0x8825)[1] = "N"
    options = {"pnginfo": None} if form != "PNG" else {}
    grey = np.random.default_rng(0).integers(0, 255, (48, 64)).astype(np.uint8)
    (tmp_path / "f").write_bytes(saved(Image.fromarray(grey), form, exif=exif, **options))
    assert NAME.encode() in (tmp_path / "f").read_bytes()
    session = Session(ME)

    state, _ = open_picture(session, tmp_path / "f")

    assert state.image.shape == (64, 48)  # upright
    mask = np.zeros(state.image.shape, np.float32)
    mask[3:9, 3:9] = 1
    request = EraseRequest(image=state.image, mask=mask)
    recipe, inputs = recipe_of(request, "embedded", {}), inputs_of(request)
    made = State(
        number=2, name="Erased", kind="made", image=state.image, bits=8, origin="partly",
        recipe=recipe, inputs=inputs,
    )  # fmt: skip
    for mark in ("strip", "corner", "none"):
        data = exported(made, mark, 16)
        assert NAME.encode() not in data and b"Exif" not in data and b"eXIf" not in data


def frames(form: str, **options) -> bytes:
    several = [Image.fromarray(np.full((40, 40), tone, np.uint8)) for tone in (10, 90, 200)]
    return saved(several[0], form, save_all=True, append_images=several[1:], **options)


GREY = Image.fromarray(np.add.outer(np.arange(40), np.arange(40)).astype(np.uint8))
OTHERS = {
    "animated PNG": frames("PNG"),
    "GIF": frames("GIF"),
    "TIFF of three pages": frames("TIFF"),
    "animated WebP": frames("WEBP"),
    "BMP": saved(GREY, "BMP"),
    "ICO": saved(GREY, "ICO"),
    "PCX": saved(GREY, "PCX"),
    "PPM": saved(GREY, "PPM"),
    "TGA": saved(GREY, "TGA"),
    "JPEG 2000": saved(GREY, "JPEG2000"),
    "EPS": saved(GREY, "EPS"),
    "PDF": saved(GREY, "PDF"),
    "SVG": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script/></svg>',
    "SVG after words": b"\xef\xbb\xbf <?xml version='1.0'?><!DOCTYPE svg><svg/>",
    "FITS": b"SIMPLE  =                    T".ljust(80) + b"NAXIS1  = 99999999".ljust(80),
    "GD": b"\xff\xfe" + struct.pack(">HHB", 65535, 65535, 0) + bytes(2000),
    "PSD": b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 30000, 30000, 8, 3),
    "program": b"\x7fELF" + bytes(500),
    "list of pictures": b"#EXTM3U\nhttp://192.0.2.1/film.png\n",
}


@pytest.mark.case(34)
@pytest.mark.parametrize("name", ["film.png", "film.dcm", "film.tif", "film"])
@pytest.mark.parametrize("kind", OTHERS)
def test_other_formats_are_refused_whatever_their_name(kind, name, tmp_path):
    (tmp_path / name).write_bytes(OTHERS[kind])

    with bounded(SMALL), pytest.raises(EngineError) as refused:
        if identify(tmp_path / name, name).kind == "picture":
            read_image(tmp_path / name)

    said = str(refused.value)
    assert "holds 3 pictures" in said or "can be opened" in said or "damaged" in said, said


@pytest.mark.case(34)
def test_of_a_photograph_that_brings_small_copies_along_the_photograph_is_opened():
    """Telephones put them behind the JPEG, where most programs do not look."""
    assert np.abs(read_image(frames("MPO")).pixels * 255 - 10).max() < 2


IMAGE = np.full((64, 48), 0.5, np.float32)
MASK = np.zeros((64, 48), np.float32)
MASK[20:30, 10:20] = 1


def part(value: float) -> np.ndarray:
    found = MASK.copy()
    found[25, 15] = value
    return found


BAD_MASKS = {
    "nothing": (MASK * 0, "empty"),
    "no number": (part(np.nan), "finite"),
    "infinity": (part(np.inf), "finite"),
    "minus infinity": (part(-np.inf), "finite"),
    "negative": (part(-0.5), "outside 0 to 1"),
    "above one": (part(1.5), "outside 0 to 1"),
    "double": (MASK.astype(np.float64), "32-bit"),
    "turned": (MASK.T.copy(), "48 x 64|64 x 48"),
    "half as large": (MASK[::2, ::2].copy(), "24 x 32|32 x 24"),
    "one row more": (np.vstack([MASK, MASK[:1]]), "48 x 65|65 x 48"),
    "with layers": (np.stack([MASK] * 4, -1), "."),
    "flat": (MASK.ravel(), "."),
    "no pixels": (MASK[:0], "."),
}


@pytest.mark.case(35)
@pytest.mark.parametrize("name", BAD_MASKS)
def test_an_impossible_mask_starts_nothing(name):
    mask, sentence = BAD_MASKS[name]
    requests = [
        lambda: EraseRequest(image=IMAGE, mask=mask),
        lambda: InsertRequest(image=IMAGE, findings=(Finding(text="mass", mask=mask),)),
    ]
    if name not in ("nothing", "no pixels"):
        requests.append(lambda: OutpaintRequest(image=IMAGE, keep=mask))

    for request in requests:
        with pytest.raises(InvalidRequest, match=sentence):
            request()


@pytest.mark.case(35)
@pytest.mark.parametrize(
    "mask", [MASK, np.ones_like(MASK), np.eye(64, 48, dtype=np.float32), MASK * np.float32(0.25)]
)
def test_outside_a_possible_mask_no_bit_changes(mask):
    random = np.random.default_rng(1)
    image = random.random((64, 48), np.float32)
    edited = random.random((64, 48), np.float32)
    EraseRequest(image=image, mask=mask)

    pasted = paste(image, edited, mask)

    assert np.array_equal(pasted[mask == 0], image[mask == 0])
    assert (np.abs(pasted - edited)[mask == 1] <= 0.5 / 65_535 + 1e-7).all()
    assert np.isfinite(pasted).all()


@pytest.mark.case(35)
def test_a_mask_file_follows_its_picture_only_where_the_shape_is_the_same():
    def laid(height, width):
        tones = np.zeros((height, width), np.uint8)
        tones[: height // 2] = 255
        return masks.laid_on(masks.of_label(saved(Image.fromarray(tones), "PNG"), 2), None,
                             (64, 48), "doc")  # fmt: skip

    for size in ((128, 96), (32, 24), (65, 48)):
        drawing, said = laid(*size)
        assert drawing.bits.shape == (64, 48) and "brought to the size" in said
        assert set(np.unique(drawing.bits)) == {0, 4}  # nearest: no new tones
    for size in ((48, 64), (64, 64), (640, 48)):
        with pytest.raises(InvalidRequest, match="another shape"):
            laid(*size)


@pytest.mark.case(35)
def test_layers_and_soft_edges_of_a_mask_are_understood():
    layer = np.zeros((64, 48, 4), np.uint8)
    layer[10:20, 10:20] = (255, 0, 0, 255)
    layer[20:30, 10:20] = (0, 255, 0, 102)

    found = read_mask(saved(Image.fromarray(layer), "PNG"))

    assert found[15, 15] == 1 and found[25, 15] == pytest.approx(0.4) and found[40, 40] == 0
    with pytest.raises(ImageUnreadable, match="empty"):
        masks.of_label(saved(Image.fromarray(layer[..., :3] * 0), "PNG"), 2)

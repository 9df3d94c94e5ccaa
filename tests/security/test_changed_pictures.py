"""Whatever is done to a picture: it opens whole, or is refused in one of our sentences."""

import io
import re
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine import png
from engine.api import LARGEST_SIDE, MOST_PIXELS
from engine.errors import ImageUnreadable
from engine.images import read_image, read_mask, read_organs
from tests.security.changes import MANY, SOME, bounded, changed_bytes, cut_bytes

SENTENCES = re.compile(
    r"The picture is damaged or was cut off"
    r"|The PNG file is damaged or was cut off"
    r"|The picture is \d+ x \d+ px; the largest"
    r"|The picture is \d+ x \d+ px; it needs"
    r"|The file holds \d+ pictures"
    r"|This TIFF holds colours of more than 8 bits"
    r"|This is [\w, ]+\. Open a DICOM, PNG, JPEG or TIFF picture"
    r"|This looks like DICOM without its header"
    r"|This is a DICOM file\. Masks and organ maps"
    r"|This file is encrypted"
    r"|The file is empty"
    r"|The organ map (is in colour|holds the value \d+)"
)
MOST = 64_000_000  # bytes, of which most are what a decoder may reserve at first


def saved(image: Image.Image, form: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def seeds() -> list[bytes]:
    random = np.random.default_rng(0)
    grey = (np.add.outer(np.arange(40), np.arange(36)) * 3 % 256).astype(np.uint8)
    wide = random.integers(0, 65536, (24, 20)).astype(np.uint16)
    flat = Image.fromarray(grey)
    exif = Image.Exif()
    exif[0x0112], exif[0x013B] = 6, "Dr Example"
    colour = Image.merge("RGB", (flat, flat.rotate(90, expand=False), flat))
    layered = colour.convert("RGBA")
    layered.putalpha(Image.fromarray(grey.T.copy()).resize(flat.size))
    labels = Image.fromarray((grey // 52).astype(np.uint8))
    labels.putpalette([v for n in range(5) for v in (n * 50, n, 9)])
    return [
        saved(flat, "PNG"),
        saved(Image.fromarray(wide), "PNG"),
        saved(layered, "PNG", exif=exif),
        saved(labels, "PNG"),
        saved(flat.convert("1"), "PNG"),
        saved(flat, "JPEG", exif=exif),
        saved(colour, "JPEG", progressive=True),
        saved(colour.convert("CMYK"), "JPEG"),
        saved(flat, "TIFF"),
        saved(Image.fromarray(wide), "TIFF"),
        saved(flat, "TIFF", compression="tiff_lzw"),
        saved(flat, "TIFF", compression="tiff_adobe_deflate"),
        saved(colour, "TIFF", compression="packbits"),
    ]


SEEDS = seeds()


def outcome(data: bytes) -> str:
    """ "opened" or a sentence; anything else that happens fails the test."""
    try:
        opened = read_image(data)
    except ImageUnreadable as error:
        return str(error)
    height, width = opened.pixels.shape
    assert opened.pixels.dtype == np.float32 and height and width
    assert max(height, width) <= LARGEST_SIDE and height * width <= MOST_PIXELS
    assert np.isfinite(opened.pixels).all()
    assert opened.pixels.min() >= 0 and opened.pixels.max() <= 1
    return "opened"


@pytest.mark.case(29, 32)
@MANY
@given(data=changed_bytes(SEEDS))
def test_a_changed_picture_opens_or_is_refused(data):
    with bounded(MOST):
        found = outcome(data)

    assert found == "opened" or SENTENCES.match(found), found


@SOME
@given(data=changed_bytes(SEEDS[:5]), seed=st.integers(0, 2**32))
def test_a_changed_png_with_right_checksums_opens_or_is_refused(data, seed):
    with bounded(MOST):
        found = outcome(_signed(data, seed))

    assert found == "opened" or SENTENCES.match(found), found


def _signed(data: bytes, seed: int) -> bytes:
    """Checksums made right again, so that changes get past them; some picture data packed anew."""
    out, at = data[:8], 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        if kind == b"IDAT" and seed % 3 == 0:
            body = zlib.compress(bytes((seed >> n % 24) & 255 for n in range(seed % 3000)))
        out += (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )
        at += 12 + length
    return out + data[at:]


@pytest.mark.case(32)
@SOME
@given(cut=cut_bytes(SEEDS))
def test_of_a_picture_that_was_cut_off_nothing_is_shown_or_all_of_it(cut):
    index, data = cut

    found = outcome(data)

    if found == "opened":  # only what no pixel needs was missing
        assert np.array_equal(read_image(data).pixels, read_image(SEEDS[index]).pixels)
    else:
        assert SENTENCES.match(found), found


@SOME
@given(data=changed_bytes(SEEDS))
def test_a_changed_mask_or_organ_map_opens_or_is_refused(data):
    for read in (read_mask, read_organs):
        try:
            with bounded(MOST):
                found = read(data)
        except ImageUnreadable as error:
            assert SENTENCES.match(str(error)), error
        else:
            assert found.ndim == 2 and found.size
            assert found.min() >= 0 and found.max() <= (4 if read is read_organs else 1)


def test_the_seeds_themselves_open():
    assert {outcome(seed) for seed in SEEDS} == {"opened"}
    assert SENTENCES.match("something else") is None
    assert png.is_png(SEEDS[0])

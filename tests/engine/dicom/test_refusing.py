"""DICOM that is no film, is damaged or is hostile gets a sentence and harms nobody."""

import os
import struct
import subprocess
import sys
import time
import zlib
from dataclasses import replace

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from engine.dicom import child, gate, reading
from engine.errors import ImageUnreadable
from engine.images import read_image, read_mask
from tests.engine.dicom.films import chest, compressed, dataset, film
from tests.engine.dicom.test_reading import lut_item

JPEG = "1.2.840.10008.1.2.4."
ITEM, NO_END = b"\xfe\xff\x00\xe0", b"\xff\xff\xff\xff"


# What is refused

REFUSED = [
    ({"NumberOfFrames": 2}, "holds 2 pictures"),
    ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}, "a CT picture"),
    ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, "a magnetic resonance picture"),
    ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1"}, "an ultrasound picture"),
    ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.2"}, "a mammogram"),
    ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.2"}, "a series of captured pictures"),
    ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.11"}, "a structured report"),
    ({"SOPClassUID": "1.2.3"}, "not a kind of DICOM"),
    ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "in colour"),
    ({"PhotometricInterpretation": "PALETTE COLOR"}, "in colour"),
    ({"PixelData": None}, "holds no picture"),
    ({"Rows": 0}, "damaged"),
    ({"Rows": 47}, "damaged"),
    ({"Rows": 49}, "cut off"),
    ({"Rows": 9000}, "the largest that can be opened"),
    ({"BitsStored": 20}, "damaged"),
    ({"BitsAllocated": 32}, "pixels of 32 bits"),
    ({"HighBit": 3}, "damaged"),
    ({"WindowCenter": None, "PhotometricInterpretation": None}, "in colour"),
]


@pytest.mark.case(37, 40)
@pytest.mark.parametrize(("changes", "sentence"), REFUSED)
def test_what_is_no_single_grey_film_gets_one_sentence(changes, sentence):
    with pytest.raises(ImageUnreadable, match=sentence):
        read_image(film(**changes))


def test_an_encrypted_file_is_said_to_be_encrypted():
    hidden = Dataset()
    hidden.EncryptedContentTransferSyntaxUID = gate.EXPLICIT
    hidden.EncryptedContent = b"\1\2\3\4"
    inside = film(PixelData=None, EncryptedAttributesSequence=Sequence([hidden]))
    envelope = b"\x30\x82\x10\x00\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03" + bytes(500)

    for data in (inside, envelope):
        with pytest.raises(ImageUnreadable, match="encrypted"):
            read_image(data)


def test_a_directory_of_a_disc_is_told_from_a_film():
    with pytest.raises(ImageUnreadable, match="DICOMDIR"):
        read_image(film(SOPClassUID="1.2.840.10008.1.3.10"))


@pytest.mark.case(37)
def test_a_file_without_its_header_is_not_guessed_at():
    with pytest.raises(ImageUnreadable, match="DICOM without its header"):
        read_image(film()[132:])


def test_a_video_is_refused_by_its_compression():
    data = film().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.7\0")

    with pytest.raises(ImageUnreadable, match="compressed in a way"):
        read_image(data)


def test_a_mask_is_not_read_from_dicom():
    with pytest.raises(ImageUnreadable, match="Masks and organ maps are read from PNG"):
        read_mask(film())


@pytest.mark.case(37)
@pytest.mark.parametrize("share", [0.05, 0.2, 0.3, 0.5, 0.9, 0.999])
def test_a_file_that_was_cut_off_is_refused(share):
    data = film()

    with pytest.raises(
        ImageUnreadable, match=r"cut off|damaged|not a picture|no picture|not a kind"
    ):
        read_image(data[: int(len(data) * share)])


# Bombs and broken decoders


@pytest.mark.case(39)
@pytest.mark.parametrize("depth", [20, 300, 20_000])
@pytest.mark.parametrize("defined", [False, True])
def test_deep_nesting_is_refused_before_any_library_sees_it(depth, defined):
    inner = b""
    if defined:
        for _ in range(min(depth, 300)):
            item = ITEM + struct.pack("<I", len(inner)) + inner
            inner = struct.pack("<HH2sHI", 0x40, 0x275, b"SQ", 0, len(item)) + item
    else:
        inner = (struct.pack("<HH2sH", 0x40, 0x275, b"SQ", 0) + NO_END + ITEM + NO_END) * depth
    start = time.perf_counter()

    with pytest.raises(ImageUnreadable, match="nested deeper"):
        gate.outline(_with_body(inner))

    assert time.perf_counter() - start < 1


@pytest.mark.case(38)
def test_a_deflated_bomb_is_not_inflated():
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    deflated = b"".join(packer.compress(bytes(1 << 20)) for _ in range(300)) + packer.flush()

    with pytest.raises(ImageUnreadable, match="unfolds to far more"):
        read_image(_with_body(deflated, gate.DEFLATED))


def test_a_million_elements_end_early():
    element = struct.pack("<HH2sH", 0x10, 0x10, b"PN", 0)

    with pytest.raises(ImageUnreadable, match="damaged"):
        gate.outline(_with_body(element * 1_000_000))


@pytest.mark.case(44)
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.5", JPEG + "80", JPEG + "90"])
def test_a_compressed_picture_that_ends_early_is_said_to_be_damaged(syntax):
    data = compressed(dataset(chest()), syntax)[:-500] + b"\xfe\xff\xdd\xe0" + bytes(4)

    with pytest.raises(ImageUnreadable, match=r"damaged|cut off|cannot be decoded"):
        read_image(data)


@pytest.mark.case(44)
def test_a_broken_jpeg_2000_header_is_said_to_be_damaged():
    data = compressed(dataset(chest()), JPEG + "90").replace(b"\xff\x52", b"\xff\0", 1)

    with pytest.raises(ImageUnreadable, match=r"damaged|cannot be decoded"):
        read_image(data)


@pytest.mark.case(44)
@pytest.mark.own_process
@pytest.mark.parametrize(
    "ending", ["import os; os._exit(9)", "import os; os.kill(os.getpid(), 11)", "print('{}')"]
)
def test_a_decoder_that_dies_harms_nobody(ending, monkeypatch):
    run = subprocess.run
    monkeypatch.setattr(
        subprocess, "run", lambda words, **kw: run([sys.executable, "-c", ending], **kw)
    )

    with pytest.raises(ImageUnreadable, match="cannot be decoded"):
        read_image(film())


@pytest.mark.case(44)
@pytest.mark.own_process
def test_a_decoder_that_never_ends_is_stopped(monkeypatch):
    run = subprocess.run
    forever = "import time; time.sleep(600)"
    monkeypatch.setattr(reading, "PATIENCE", 1)
    monkeypatch.setattr(
        subprocess, "run", lambda words, **kw: run([sys.executable, "-c", forever], **kw)
    )

    with pytest.raises(ImageUnreadable, match="took too long"):
        read_image(film())


@pytest.mark.own_process
def test_another_process_says_the_same_of_a_film_as_this_one(monkeypatch):
    data = film(
        PatientOrientation=["R", "F"], ImagerPixelSpacing=[0.2, 0.1], BurnedInAnnotation="NO",
        VOILUTSequence=Sequence([lut_item(0, list(range(0, 65536, 16)))]), RescaleIntercept=-3,
        RescaleSlope=1,
    )  # fmt: skip
    refused = film(NumberOfFrames=2)

    there = reading.read_film(data)
    with pytest.raises(ImageUnreadable, match="holds 2 pictures"):
        reading.read_film(refused)
    monkeypatch.setattr(reading, "_answer", child.answer)
    here = reading.read_film(data)

    assert np.array_equal(there.stored, here.stored)
    assert replace(there, stored=here.stored) == here


@pytest.mark.case(40)
@pytest.mark.own_process
def test_a_picture_that_would_fill_the_memory_is_refused():
    """The header of a JPEG 2000 picture asks for far more pixels than the file states."""
    data = compressed(dataset(chest()), JPEG + "90")
    at = data.index(b"\xff\x51") + 6
    sides = struct.pack(">II", 200_000, 200_000)

    with pytest.raises(ImageUnreadable, match=r"damaged|cannot be decoded|more memory"):
        read_image(data[:at] + sides + data[at + 8 :])


@pytest.mark.skipif(os.name == "nt", reason="Windows bounds a process in other ways")
def test_the_decoding_process_has_bounded_memory():
    code = "from engine.dicom.child import bind; bind(); bytearray(3 << 30)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert "MemoryError" in done.stderr
    assert child.MOST_MEMORY == 2 << 30


def _with_body(body: bytes, syntax: str = gate.EXPLICIT) -> bytes:
    """A DICOM file of any elements."""
    uid = syntax.encode() + b"\0" * (len(syntax) % 2)
    written = struct.pack("<HH2sH", 2, 0x10, b"UI", len(uid)) + uid
    length = struct.pack("<HH2sHI", 2, 0, b"UL", 4, len(written))
    return bytes(128) + b"DICM" + length + written + body

"""What the canvas sends is decoded exactly, and nothing else gets in."""

import gzip
import json
import zlib
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.canvas.drawing import (
    ERASE,
    ORGAN_BITS,
    Drawing,
    FindingRegion,
    Revisions,
    flat_organs,
    labels_file,
    organ_bits,
    read_drawing,
)
from engine.api import AORTA, HEART, LEFT_LUNG, RIGHT_LUNG
from engine.errors import InvalidRequest

BITS = (np.arange(40 * 50, dtype=np.uint32).reshape(40, 50) % 997) << 3 & 0x3FFFFFFF


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "uploads"
    made.mkdir()
    return made


def payload(folder: Path, bits: np.ndarray = BITS, **changes: Any) -> dict[str, Any]:
    """What ``flush()`` returns for ``bits``, (h, w) uint32, with some members changed."""
    raw = bits.astype("<u4").tobytes()
    path = folder / "labels.u32.gz"
    path.write_bytes(changes.pop("packed", gzip.compress(raw)))
    whole = {
        "v": 1,
        "doc": "9c5b94b1-35ad-49bb-b118-8e8fc24abf80",
        "rev": 7,
        "job": "6c84fb90-12c4-11e1-840d-7b25c5ee775a",
        "state": "3",
        "w": bits.shape[1],
        "h": bits.shape[0],
        "crc32": zlib.crc32(raw),
        "labels": {"path": str(path), "meta": {"_type": "gradio.FileData"}},
        "findings": [{"bit": 4, "letter": "A", "words": " pleural effusion "}],
    }
    return whole | changes


def test_a_drawing_arrives_bit_for_bit(folder: Path) -> None:
    drawing = read_drawing(payload(folder), folder)

    assert drawing.bits.dtype == np.uint32
    assert np.array_equal(drawing.bits, BITS)
    assert (drawing.rev, drawing.state) == (7, "3")
    assert drawing.findings == (FindingRegion(4, "A", "pleural effusion"),)
    assert np.array_equal(drawing.finding_mask(4), (BITS >> 4 & 1).astype(np.float32))


def test_the_aorta_wins_over_the_heart_and_the_heart_over_the_lungs() -> None:
    bits = np.array([[0, 1, 2, 4, 8], [3, 5, 6, 7, 15]], np.uint32)

    organs = flat_organs(bits | 16)

    assert organs.tolist() == [
        [0, LEFT_LUNG, RIGHT_LUNG, HEART, AORTA],
        [LEFT_LUNG, HEART, HEART, HEART, AORTA],
    ]


def test_a_label_map_survives_the_way_to_bit_planes_and_back() -> None:
    organs = np.array([[0, 1, 2], [3, 4, 0]], np.uint8)

    assert organ_bits(organs).tolist() == [[0, 1, 2], [4, 8, 0]]
    assert np.array_equal(flat_organs(organ_bits(organs)), organs)


def test_a_drawing_without_organs_has_no_label_map() -> None:
    bits = np.full((8, 8), 1 << ERASE, np.uint32)

    drawing = Drawing("d", 1, "j", None, bits)

    assert drawing.organs() is None
    assert drawing.erase_mask().sum() == 64
    assert drawing.painted_findings() == ()


def bomb(folder: Path) -> dict[str, Any]:
    return payload(folder, packed=gzip.compress(bytes(4 * 40 * 50 + 1)))


REFUSED = {
    "nothing but a path": lambda f: payload(f, labels={"path": str(f / "labels.u32.gz")}),
    "another meta": lambda f: payload(
        f, labels={"path": str(f / "labels.u32.gz"), "meta": {"_type": "x"}}
    ),
    "a system file": lambda f: payload(
        f, labels={"path": "/etc/hostname", "meta": {"_type": "gradio.FileData"}}
    ),
    "a way out of the folder": lambda f: payload(
        f, labels={"path": f"{f}/../x", "meta": {"_type": "gradio.FileData"}}
    ),
    "a folder": lambda f: payload(f, labels={"path": str(f), "meta": {"_type": "gradio.FileData"}}),
    "a name with a null": lambda f: payload(
        f, labels={"path": "a\0b", "meta": {"_type": "gradio.FileData"}}
    ),
    "too many pixels": lambda f: payload(f, w=4097, h=4096),
    "too few bytes": lambda f: payload(f, w=51),
    "a bomb": bomb,
    "cut off": lambda f: payload(f, packed=gzip.compress(BITS.tobytes())[:-9]),
    "not gzip": lambda f: payload(f, packed=b"hello"),
    "a wrong checksum": lambda f: payload(f, crc32=1),
    "reserved bits": lambda f: payload(f, np.full((4, 4), 1 << 31, np.uint32)),
    "a negative size": lambda f: payload(f, w=-50, h=-40),
    "a size that is no number": lambda f: payload(f, w="50"),
    "a boolean revision": lambda f: payload(f, rev=True),
    "a strange id": lambda f: payload(f, job="../../x"),
    "a finding on an organ's plane": lambda f: payload(f, findings=[{"bit": 2, "words": ""}]),
    "two findings on one plane": lambda f: payload(f, findings=[{"bit": 4, "words": "a"}] * 2),
    "findings that are words": lambda f: payload(f, findings="AAAA"),
    "long words": lambda f: payload(f, findings=[{"bit": 4, "words": "a" * 301}]),
    "another version": lambda f: payload(f, v=2),
    "a list": lambda f: [1],
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_with_a_sentence(folder: Path, what: str) -> None:
    sent = REFUSED[what](folder)

    with pytest.raises(InvalidRequest, match=r"[.]$"):
        read_drawing(sent, folder)


def test_a_link_out_of_the_upload_folder_is_refused(folder: Path) -> None:
    outside = folder.parent / "secret.gz"
    outside.write_bytes(gzip.compress(BITS.tobytes()))
    (folder / "link.gz").symlink_to(outside)
    named = {"path": str(folder / "link.gz"), "meta": {"_type": "gradio.FileData"}}

    with pytest.raises(InvalidRequest, match="not among the uploads"):
        read_drawing(payload(folder, labels=named), folder)


def test_an_older_revision_never_follows_a_newer_one(folder: Path) -> None:
    seen = Revisions()
    read_drawing(payload(folder, rev=7), folder, seen)
    read_drawing(payload(folder, rev=7), folder, seen)
    read_drawing(payload(folder, rev=2, doc="another"), folder, seen)

    with pytest.raises(InvalidRequest, match="newer version"):
        read_drawing(payload(folder, rev=6), folder, seen)


def test_the_component_remembers_revisions_although_it_is_made_anew() -> None:
    from app.canvas.component import LabelCanvas

    doc = "a-document-of-this-test"
    LabelCanvas(render=False).revisions.admit(doc, 5)

    with pytest.raises(InvalidRequest, match="newer version"):
        LabelCanvas(render=False).revisions.admit(doc, 4)


def test_a_refused_drawing_leaves_no_revision_behind(folder: Path) -> None:
    seen = Revisions()
    with pytest.raises(InvalidRequest):
        read_drawing(payload(folder, rev=100, crc32=1), folder, seen)

    assert read_drawing(payload(folder, rev=7), folder, seen).rev == 7


def test_the_file_for_the_browser_holds_the_planes_and_what_it_replaces() -> None:
    made = json.loads(labels_file(BITS, [FindingRegion(5, "B", "opacity")], replaces=ORGAN_BITS))

    raw = gzip.decompress(b64decode(made["gzip"]))
    assert np.array_equal(np.frombuffer(raw, "<u4").reshape(made["h"], made["w"]), BITS)
    assert made["crc32"] == zlib.crc32(raw)
    assert made["replaces"] == 15
    (found,) = made["findings"]
    assert found == {"bit": 5, "letter": "B", "words": "opacity", "strength": 1.0}

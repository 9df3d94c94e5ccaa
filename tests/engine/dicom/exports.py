"""Films that this project wrote, for the tests: generated ones, and edits of drawn films."""

import io

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from engine.api import EraseRequest, GenerateRequest
from engine.dicom.writing import film_bytes
from engine.images import read_image
from engine.provenance import inputs_of, recipe_of, zone_of
from tests.engine.dicom.films import chest, film

HASHES = {"model": "00" * 32}
MASK = np.zeros((48, 40), np.float32)
MASK[20:34, 8:20] = 1
ORGANS = np.zeros((48, 40), np.uint8)
ORGANS[10:40, 4:16], ORGANS[10:40, 24:36], ORGANS[26:40, 16:24] = 2, 1, 3


def noise(height: int = 48, width: int = 40, seed: int = 0) -> np.ndarray:
    drawn = np.random.default_rng(seed).integers(0, 65536, (height, width))
    return (drawn / 65535).astype(np.float32)


def generated(pixels: np.ndarray, mark="strip", bits=16) -> bytes:
    request = GenerateRequest(report="left effusion")
    recipe = recipe_of(request, "stand-in", HASHES)
    return film_bytes(pixels, recipe, inputs_of(request), mark, bits)


def erased(source: bytes, mark="strip") -> tuple[bytes, np.ndarray]:
    """``source`` with noise in the zone: the file, and the pixels that were to be written."""
    opened = read_image(source)
    pixels = np.where(MASK > 0, noise(seed=3), opened.pixels)
    request = EraseRequest(image=opened.pixels, mask=MASK)
    recipe = recipe_of(request, "stand-in", HASHES)
    zone = zone_of(request)
    return film_bytes(pixels, recipe, inputs_of(request), mark, 16, opened.film, zone), pixels


def words_of(data: bytes, rows: int) -> np.ndarray:
    """The first ``rows`` of the picture as they lie in a file that we wrote."""
    ds = pydicom.dcmread(io.BytesIO(data))
    kind = f"<{'i' if ds.PixelRepresentation else 'u'}{ds.BitsAllocated // 8}"
    size = ds.Rows * ds.Columns * ds.BitsAllocated // 8
    return np.frombuffer(ds.PixelData[:size], kind).reshape(ds.Rows, ds.Columns)[:rows]


SOURCES = {
    "12 bit": lambda: film(),
    "MONOCHROME1": lambda: film(PhotometricInterpretation="MONOCHROME1"),
    "narrow window": lambda: film(WindowCenter=1200, WindowWidth=700),
    "sigmoid": lambda: film(VOILUTFunction="SIGMOID", WindowCenter=2000, WindowWidth=1500),
    "no window": lambda: film(WindowCenter=None, WindowWidth=None),
    "rescaled": lambda: film(
        RescaleSlope="0.33", RescaleIntercept="-77.5", WindowCenter=500, WindowWidth=900
    ),
    "signed": lambda: film(chest().astype(np.int16) - 2000, 16, WindowCenter=-5),
    "signed 12 bit": lambda: film((chest().astype(np.int16) - 2048) & 0xFFF, PixelRepresentation=1),
    "8 bit": lambda: film((chest() >> 4).astype(np.uint8), 8, WindowCenter=128, WindowWidth=256),
    "16 bit": lambda: film(chest(most=65535), 16, WindowCenter=30000, WindowWidth=50000),
    "table": lambda: film(VOILUTSequence=Sequence([table(0, range(0, 65536, 16))])),
    "modality table": lambda: film(ModalityLUTSequence=Sequence([table(0, range(4095, -1, -1))])),
    "signed, modality table": lambda: film(
        chest().astype(np.int16) - 2048,
        16,
        WindowCenter=500,
        WindowWidth=900,
        ModalityLUTSequence=Sequence([table(-2048 & 0xFFFF, range(4096))]),
    ),
    "signed, table": lambda: film(
        chest().astype(np.int16) - 2048,
        16,
        VOILUTSequence=Sequence([table(-2048 & 0xFFFF, range(0, 65536, 16))]),
    ),
    "12 bit table": lambda: film(VOILUTSequence=Sequence([table(0, range(0, 4096, 2), 12)])),
    "large": lambda: film(ImagerPixelSpacing=[0.2, 0.1]),
}


def table(first: int, entries, bits: int = 16) -> Dataset:
    item = Dataset()
    item.add_new(0x00283002, "US", [len(entries) % 65536, first, bits])
    item.add_new(0x00283006, "OW", np.array(entries, "<u2").tobytes())
    return item

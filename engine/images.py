"""Pictures from outside become pixels, masks and organ maps; what we write goes back as PNG.

What a file is, is decided by its first bytes. Sizes are checked before anything is decoded,
and a damaged, cut-off or many-paged file is refused with a sentence rather than guessed at.
"""

import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from engine import png
from engine.api import LARGEST_SIDE, MOST_PIXELS, ORGAN_NAMES, Mask, Organs, Pixels
from engine.dicom.film import Film
from engine.dicom.gate import is_dicom
from engine.dicom.reading import read_film
from engine.errors import ImageUnreadable
from engine.files import write_whole
from engine.marks import film_rows

MOST_BYTES = 512_000_000
READERS = {
    b"\x89PNG\r\n\x1a\n": PngImagePlugin.PngImageFile,
    b"\xff\xd8\xff": JpegImagePlugin.JpegImageFile,
    b"II*\0": TiffImagePlugin.TiffImageFile,
    b"MM\0*": TiffImagePlugin.TiffImageFile,
}
FOREIGN = {
    b"GIF8": "a GIF picture",
    b"BM": "a BMP picture",
    b"RIFF": "a WebP picture",
    b"%PDF": "a PDF document",
    b"%!PS": "a PostScript document",
    b"PK\x03\x04": "a ZIP archive",
    b"SIMPLE": "a FITS file",
    b"<": "a web page or an SVG drawing",
}
WITHOUT_HEADER = (
    b"\2\0\0\0",
    b"\2\0\1\0",
    b"\2\0\2\0",
    b"\2\0\x10\0",
    b"\x08\0\5\0",
    b"\x08\0\x08\0",
)
ENVELOPED = bytes.fromhex("06092a864886f70d010703")  # of encrypted DICOM: CMS enveloped data
LUMINANCE = np.array([0.299, 0.587, 0.114])  # of red, green, blue; ITU-R BT.601
GREY_LEVELS = (0, 64, 128, 192, 255)  # how XReal's own files show its labels 0 to 4
UPRIGHT = {  # EXIF orientation -> what turns the stored rows upright
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: np.swapaxes(a, 0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(np.swapaxes(a, 0, 1), 2),
    8: np.rot90,
}
ORGAN_COLOURS = [(0, 0, 0), (86, 156, 214), (78, 201, 176), (214, 110, 100), (220, 190, 100)]
GRID = 65535


@dataclass(frozen=True, kw_only=True)
class OpenedImage:
    """``pixels`` (H, W) in [0, 1], every value on the 16-bit grid; ``bits`` of the file.

    ``colour`` says that there was colour, which became luminance.
    ``film`` is what a DICOM file holds beside them, its stored values above all; ``notes`` are
    sentences for the reader on how the file was understood.
    """

    pixels: Pixels
    bits: int
    colour: bool = False
    film: Film | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Codes:
    """What a file stores: (H, W) or (H, W, 3) codes up to ``most``; alpha (H, W) in [0, 1]."""

    values: NDArray
    most: int
    alpha: NDArray | None = None
    palette: NDArray | None = None  # (H, W, 3) colours when ``values`` are palette indices


def read_image(source: str | Path | bytes) -> OpenedImage:
    """A radiograph from PNG, JPEG or TIFF, 8 or 16 bit, as it is stored: no stretch, no clip.

    Colour becomes luminance; transparent parts are black. DICOM is shown by the order of tones
    in docs/dicom.md. A strip that this program added below a picture is left out, so an export
    can be opened and worked on again.
    """
    data = contents(source)
    if is_dicom(data):
        film = read_film(data)
        pixels = from_codes(film.codes, GRID)
        return OpenedImage(pixels=pixels, bits=film.bits_stored, film=film, notes=film.notes)
    codes = _decode(data)
    grey = _grey(codes)
    rows = film_rows(data)
    return OpenedImage(
        pixels=grey if rows is None else grey[:rows],
        bits=16 if codes.most > 255 else 8,
        colour=_coloured(codes),
    )


def read_dicom(source: str | Path | bytes) -> Film:
    """The film in a DICOM file. Raises :class:`ImageUnreadable` for all others, also for pictures
    that :func:`read_image` would read."""
    data = contents(source)
    if is_dicom(data):
        return read_film(data)
    if not data.startswith(tuple(READERS)):
        _open(data)  # says what it is instead
    raise ImageUnreadable("This is not a DICOM file.")


def read_mask(source: str | Path | bytes) -> Mask:
    """A painted region: white 1, black 0, greys between; where there is alpha, alpha counts.

    A file that only uses the codes 0 and 1 is a label map: 1 means 1.
    """
    codes = _decode(contents(source))
    if codes.alpha is not None and (codes.alpha < 1).any():
        return codes.alpha.astype(np.float32)
    if codes.palette is None and codes.values.ndim == 2 and codes.values.max(initial=0) == 1:
        return codes.values.astype(np.float32)
    return _grey(codes)


def read_organs(source: str | Path | bytes) -> Organs:
    """A label map from an index picture (0 to 4) or from XReal's grey levels (0, 64 ... 255)."""
    codes = _decode(contents(source))
    values = codes.values
    if codes.palette is not None and np.isin(codes.palette, GREY_LEVELS).all():
        values = codes.palette
    if values.ndim == 3:
        if (values != values[..., :1]).any():
            raise ImageUnreadable(
                "The organ map is in colour. Save it as a grey or indexed picture with the "
                f"labels 0 to {len(ORGAN_NAMES)}."
            )
        values = values[..., 0]
    if codes.alpha is not None:
        values = np.where(codes.alpha > 0, values, 0)
    found = np.unique(values)
    if found.max() <= len(ORGAN_NAMES):
        return values.astype(np.uint8)
    levels = np.array(GREY_LEVELS) * (codes.most // 255)
    if np.isin(found, levels).all():
        return np.searchsorted(levels, values).astype(np.uint8)
    odd = int(found[(found > len(ORGAN_NAMES)) & ~np.isin(found, levels)][0])
    named = ", ".join(f"{label} {name}" for label, name in ORGAN_NAMES.items())
    raise ImageUnreadable(
        f"The organ map holds the value {odd}. Its values must be 0 nothing, {named}, "
        f"or the grey levels {', '.join(map(str, GREY_LEVELS))} for the same."
    )


def write_png(path: str | Path, pixels: Pixels, bits: int = 16) -> None:
    """(H, W) in [0, 1] -> a grey PNG of 8 or 16 bits, nothing else in it."""
    write_whole(path, png.encode(to_codes(pixels, bits)))


def write_organs(path: str | Path, organs: Organs) -> None:
    """A label map as a file of :func:`organs_bytes`."""
    write_whole(path, organs_bytes(organs))


def organs_bytes(organs: Organs) -> bytes:
    """A label map as an indexed PNG: the index is the label, the colours are for the eye."""
    image = Image.fromarray(organs, "L")
    image.putpalette([part for colour in ORGAN_COLOURS for part in colour])
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def to_codes(pixels: Pixels, bits: int) -> NDArray[Any]:
    """[0, 1] -> the nearest whole codes of 8 or 16 bits."""
    most = 255 if bits == 8 else GRID
    codes = np.round(np.clip(pixels, 0, 1).astype(np.float64) * most)
    return codes.astype(np.uint8 if bits == 8 else np.uint16)


def from_codes(codes: NDArray, most: int) -> Pixels:
    """Whole codes up to ``most`` -> [0, 1] float32."""
    return (codes.astype(np.float32) / np.float32(most)).astype(np.float32)


def contents(source: str | Path | bytes) -> bytes:
    """The bytes of a file, which must not be larger than any picture; raises ImageUnreadable."""
    if isinstance(source, bytes):
        return source
    path = Path(source)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ImageUnreadable(f"The file is larger than {MOST_BYTES // 10**6} MB.")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageUnreadable("There is no such file.") from error
    except IsADirectoryError as error:
        raise ImageUnreadable("This is a folder. Choose a picture.") from error
    except OSError as error:
        raise ImageUnreadable(f"The file cannot be read: {error.strerror}.") from error


def _decode(data: bytes) -> _Codes:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a damaged file is refused below, in our own words
            return _decoded(data)
    except ImageUnreadable:
        raise
    except Exception as error:  # decoders fail in their own ways; the file is at fault in all
        raise ImageUnreadable(
            "The picture is damaged or was cut off while it was copied. Copy it again."
        ) from error


def _decoded(data: bytes) -> _Codes:
    image = _open(data)
    _check_size(image)
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        raise ImageUnreadable(
            f"The file holds {frames} pictures. Save the one you need on its own and open that."
        )
    if png.is_png(data):
        for _ in png.chunks(data):  # lengths, checksums and the end mark
            pass
    bits = _bits(image, data)
    if bits > 8 and image.mode in ("RGB", "RGBA", "LA"):
        return _wide_colour(data, _orientation(image))
    image.load()
    return _codes(image, bits, _orientation(image))


def _open(data: bytes) -> Image.Image:
    for magic, reader in READERS.items():
        if data.startswith(magic):
            return reader(io.BytesIO(data))
    if not data:
        raise ImageUnreadable("The file is empty.")
    if is_dicom(data):
        raise ImageUnreadable(
            "This is a DICOM file. Masks and organ maps are read from PNG, JPEG and TIFF: export "
            "this one as a PNG and open that."
        )
    if data[:4] in WITHOUT_HEADER:
        raise ImageUnreadable(
            "This looks like DICOM without its header. Export it from the PACS as a DICOM file."
        )
    if ENVELOPED in data[:64]:
        raise ImageUnreadable(
            "This file is encrypted. Export it unencrypted from the PACS, on a computer where that "
            "is allowed."
        )
    what = next((name for magic, name in FOREIGN.items() if data.lstrip().startswith(magic)), "")
    raise ImageUnreadable(
        f"This is {what or 'not a picture that can be read'}. "
        "Open a DICOM, PNG, JPEG or TIFF picture."
    )


def _check_size(image: Image.Image) -> None:
    width, height = image.size
    if max(width, height) > LARGEST_SIDE or width * height > MOST_PIXELS:
        raise ImageUnreadable(
            f"The picture is {width} x {height} px; the largest that can be opened has "
            f"{LARGEST_SIDE} px a side and {MOST_PIXELS // 10**6} million pixels."
        )


def _bits(image: Image.Image, data: bytes) -> int:
    """Bits a sample, from the file's own header; refuses what is neither 8 nor 16 bit grey."""
    if png.is_png(data):
        return png.header(data)[2]
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return 8
    bits = max(image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (1,)))
    signed = image.mode == "I" or image.mode == "F"
    if bits > 16 or signed or (bits > 8 and not image.mode.startswith("I;16")):
        raise ImageUnreadable(
            "This TIFF holds colours of more than 8 bits, signed or floating numbers. "
            "Save it as a grey picture of 8 or 16 bits and open that."
        )
    return bits


def _codes(image: Image.Image, bits: int, orientation: int) -> _Codes:
    mode, turn = image.mode, UPRIGHT.get(orientation, UPRIGHT[1])
    if mode.startswith("I"):
        values = turn(np.array(image).astype(np.uint16))
        most = (1 << bits) - 1
        if _white_is_zero(image):
            values = (most - values).astype(np.uint16)
        key = image.info.get("transparency")
        alpha = (values != key).astype(np.float32) if isinstance(key, int) else None
        return _Codes(values=values, most=most, alpha=alpha)
    alpha = None
    if "transparency" in image.info or mode in ("LA", "PA", "RGBA", "La", "RGBa"):
        alpha = turn(from_codes(np.array(image.convert("RGBA"))[..., 3], 255))
    if mode == "P":
        colours = turn(np.array(image.convert("RGBA"))[..., :3])
        return _Codes(values=turn(np.array(image)), most=255, alpha=alpha, palette=colours)
    if mode in ("1", "L"):
        return _Codes(values=turn(np.array(image.convert("L"))), most=255, alpha=alpha)
    colours = np.array(image.convert("RGB" if alpha is None else "RGBA"))[..., :3]
    return _Codes(values=turn(colours), most=255, alpha=alpha)


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 for TIFF, which Pillow turns while it loads."""
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return 1
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # an EXIF block that cannot be parsed says nothing about the picture
        return 1


def _white_is_zero(image: Image.Image) -> bool:
    """Pillow inverts 8-bit white-is-zero TIFFs itself, but not 16-bit ones."""
    tags = getattr(image, "tag_v2", {})
    return tags.get(ExifTags.Base.PhotometricInterpretation) == 0


def _wide_colour(data: bytes, orientation: int) -> _Codes:
    """16-bit PNG with colour or alpha, which Pillow would cut to 8 bits."""
    import cv2  # only here

    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if found is None or found.dtype != np.uint16:
        raise ImageUnreadable(png.DAMAGED)
    found = UPRIGHT.get(orientation, UPRIGHT[1])(found)
    if found.ndim == 2:
        return _Codes(values=found, most=GRID)
    alpha = from_codes(found[..., 3], GRID) if found.shape[2] == 4 else None
    return _Codes(values=found[..., 2::-1], most=GRID, alpha=alpha)


def _coloured(codes: _Codes) -> bool:
    values = codes.values if codes.palette is None else codes.palette
    return values.ndim == 3 and bool((values != values[..., :1]).any())


def _grey(codes: _Codes) -> Pixels:
    """Codes -> (H, W) in [0, 1] on the 16-bit grid; grey values stay exactly what they are."""
    values = codes.values if codes.palette is None else codes.palette
    if values.ndim == 3:
        if (values == values[..., :1]).all():
            values = values[..., 0]
        else:
            return _on_grid((values @ LUMINANCE) / codes.most, codes.alpha)
    if GRID % codes.most == 0 and (codes.alpha is None or (codes.alpha == 1).all()):
        return from_codes(values, codes.most)
    return _on_grid(values / codes.most, codes.alpha)


def _on_grid(grey: NDArray, alpha: NDArray | None) -> Pixels:
    shown = grey if alpha is None else grey * alpha
    return from_codes(to_codes(shown.astype(np.float32), 16), GRID)

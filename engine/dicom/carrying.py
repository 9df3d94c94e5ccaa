"""Recipe and inputs inside a DICOM file of ours: the chunks of our PNG, in the file's header.

The header of a file has a place for a program's own content, Private Information (0002,0102),
whose writer is named by a UID (0002,0100). Viewers skip it. It belongs to the file: a PACS that
stores the picture anew leaves it out, which the marks in the data set survive.
"""

from engine import png
from engine.dicom.gate import Outline

CREATOR = "2.25.155629777753020770956524939210400725036"


def chunks_in(outline: Outline) -> list[png.Chunk] | None:
    """The chunks that :func:`packed` put into the file; None where it is not one of ours."""
    if outline.private_creator != CREATOR:
        return None
    return list(png.chunks(outline.private))


def packed(parts: list[png.Chunk]) -> bytes:
    """Chunks as one value of an even number of bytes."""
    found = png.join([*parts, (b"IEND", b"")])
    return found + b"\0" * (len(found) % 2)

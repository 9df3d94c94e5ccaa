"""Recipe and inputs inside a DICOM file of ours, as private elements.

    (0099,0010)  LO  "XREAL STUDIO 1"    whose block it is
    (0099,1001)  OB  the recipe, JSON in UTF-8, and how the mark was put on
    (0099,1010)  OB  an input: name, form, content, as in the PNG; ... up to (0099,10FF)

Read from the bytes alone: no library, no other process.
"""

from collections.abc import Iterator

from engine.dicom.gate import Outline

CREATOR = "XREAL STUDIO 1"
OWNER, RECIPE, FIRST_INPUT, LAST_INPUT = 0x00990010, 0x00991001, 0x00991010, 0x009910FF


def recipe_in(outline: Outline) -> bytes | None:
    """The recipe's JSON, None where the file is not one of ours."""
    if outline.text(OWNER) != CREATOR:
        return None
    found = outline.value(RECIPE)
    return None if found is None else found.rstrip(b"\0 ")


def inputs_in(outline: Outline) -> Iterator[bytes]:
    """The packed inputs of a file of ours, in their order."""
    for tag in range(FIRST_INPUT, LAST_INPUT + 1):
        packed = outline.value(tag)
        if packed is not None:
            yield packed


def elements(recipe: bytes, inputs: list[bytes]) -> list[tuple[int, str, bytes | str]]:
    """(tag, VR, value) of the whole block; values have an even number of bytes."""
    found: list[tuple[int, str, bytes | str]] = [
        (OWNER, "LO", CREATOR),
        (RECIPE, "OB", recipe + b" " * (len(recipe) % 2)),
    ]
    for number, packed in enumerate(inputs):
        found.append((FIRST_INPUT + number, "OB", packed + b"\0" * (len(packed) % 2)))
    return found

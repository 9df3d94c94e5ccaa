"""A film as it was read from DICOM: numbers and enumerated words, nothing that names anybody."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.dicom.tones import Tones

Kind = Literal["CR", "DX", "DX for processing", "SC"]
VIEWS = ("PA", "AP", "LL", "RL")  # frontal from behind and in front, left and right lateral


@dataclass(frozen=True, kw_only=True)
class Film:
    """``stored`` (H, W), int32: the values in the file, turned so that the patient's right is on
    the left. ``spacing_mm`` is (down, across) and ``spacing_of`` says at what: "detector",
    "patient", "calibrated" or "scanned film". ``burned_in``: whether the file says that words in
    the picture name the patient; None where it says nothing. ``view`` is one of :data:`VIEWS`, ""
    where the file says none of them."""

    stored: NDArray[np.int32]
    bits_allocated: int
    bits_stored: int
    signed: bool
    tones: Tones
    kind: Kind
    syntax: str
    orientation: tuple[str, str] | None
    turned: bool
    spacing_mm: tuple[float, float] | None
    spacing_of: str
    burned_in: bool | None
    synthetic: bool
    altered: bool  # synthetic, and it names equipment that modified a picture
    lossy: bool  # compressed with loss, now or before
    overlays: int
    notes: tuple[str, ...]
    view: str = ""

    @cached_property
    def table(self) -> NDArray[np.uint16]:
        return self.tones.table(self.bits_stored, self.signed)

    @property
    def least(self) -> int:
        """The least value that can be stored, which is entry 0 of the table."""
        return -(1 << (self.bits_stored - 1)) if self.signed else 0

    @property
    def shown(self) -> tuple[str, str] | None:
        """Where rows and columns of ``stored`` lead, now that it is turned."""
        if self.orientation is None:
            return None
        across, down = self.orientation
        if across in "HF" and down not in "HF":
            across, down = down, across
        return across.replace("R", "L"), down.replace("H", "F")

    @property
    def codes(self) -> NDArray[np.uint16]:
        """(H, W) tones, 0 black to 65535 white."""
        return self.table[self.stored - self.least]

    @property
    def container(self) -> np.dtype[Any]:
        """How a value lies in a file: 8 or 16 bits, signed or not, little endian."""
        return np.dtype(f"<{'i' if self.signed else 'u'}{self.bits_allocated // 8}")

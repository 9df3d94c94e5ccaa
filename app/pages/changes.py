"""What an edit really changed, counted in pixels and said in a sentence."""

import numpy as np
from numpy.typing import NDArray

from engine.api import EraseRequest, InsertRequest, OutpaintRequest, Request, Result


class Changes:
    """The pixels that the steps of one picture changed, and the zones they were allowed."""

    def __init__(self) -> None:
        self._changed: NDArray[np.bool_] | None = None
        self._outside = 0
        self._added: int | None = None

    def add(self, result: Result, asked: Request) -> None:
        """Compare the picture that was given with the one that came back."""
        zone, image = zone_of(result.request), getattr(asked, "image", None)
        if zone is None or image is None or image.shape != result.image.shape:
            return
        changed = image != result.image
        self._outside += int(np.count_nonzero(changed & ~zone))
        if isinstance(asked, OutpaintRequest):
            self._added = int(np.count_nonzero(zone))
        self._changed = changed if self._changed is None else self._changed | changed

    def said(self) -> list[str]:
        """A sentence, or none for verbs that make a whole picture."""
        if self._changed is None:
            return []
        where = "none outside the zone"
        if self._outside:
            where = f"{self._outside:,} of them outside the zone"
        if self._added is not None and not self._outside:
            return [f"{self._added:,} px are new, none of the given changed."]
        return [f"{np.count_nonzero(self._changed):,} px changed, {where}."]


def zone_of(request: Request) -> NDArray[np.bool_] | None:
    """Where a request that was run may change the picture: (H, W)."""
    match request:
        case EraseRequest():
            return request.mask > 0
        case InsertRequest():
            return np.any([finding.mask > 0 for finding in request.findings], axis=0)
        case OutpaintRequest():
            return request.keep < 1
    return None

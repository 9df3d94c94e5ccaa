"""Where the picture of a state was edited, by the masks of the runs that made it."""

import re

import cv2
import numpy as np
from numpy.typing import NDArray

from app.document.session import Session, State

FINDING = re.compile(r"finding-([1-9]\d*)")
ERASED = "mask"  # the names under which runs keep what was painted for them


def edited_in(session: Session, state: State) -> NDArray[np.bool_] | None:
    """(H, W), true where findings were put in or something was erased on the way to this state.

    A picture that was made larger takes the masks of what it was made from along. None where
    nothing was edited, and where the field of view was completed, since places moved then.
    """
    found: NDArray[np.bool_] | None = None
    above: State | None = state
    while above is not None:
        verb = "" if above.recipe is None else str(above.recipe.get("verb", ""))
        if verb == "outpaint":
            return None
        own = _of_run(above)
        if own is not None:
            larger = _at_size(own, state.image.shape)
            found = larger if found is None else found | larger
        above = session.state(above.parent)
    return found if found is not None and found.any() else None


def _of_run(state: State) -> NDArray[np.bool_] | None:
    masks = []
    for name, array in (state.inputs or {}).items():
        number = FINDING.fullmatch(name)
        shown = number is not None and (state.kind != "stage" or int(number[1]) <= len(state.holds))
        if (shown or name == ERASED) and array.ndim == 2:
            masks.append(array > 0)
    return np.any(masks, axis=0) if masks else None


def _at_size(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    if mask.shape == shape:
        return mask
    size = (shape[1], shape[0])
    return cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0

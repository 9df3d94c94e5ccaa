"""The films of a saved document, read back as strictly as if a stranger had written them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from app.document import films
from app.document.films import MOST_BLACKED, Decision, Descent, Source
from app.document.session import State
from engine.api import LARGEST_SIDE
from engine.burned_in import MOST_BOXES, Box
from engine.dicom.film import Film
from engine.dicom.keeping import unpacked

MOST_FILMS = 1000
MOST_STORED = 500_000_000  # px of all films together; 2 GB in memory


class Reader(Protocol):
    films: dict[str, Source]

    def once(self, folder: str, name: str, make: Any, what: str) -> Any: ...
    def array(self, data: bytes) -> NDArray[Any]: ...


def films_of(told: Sequence[Mapping[str, Any]], reader: Reader) -> dict[str, Source]:
    """The films by their keys; raises ValueError, KeyError or TypeError where one is damaged."""
    found: dict[str, Source] = {}
    pixels = 0
    if len(told) > MOST_FILMS:
        raise ValueError("films")
    for one in told:
        key, (height, width) = one["key"], one["shape"]
        for side in (height, width):
            if type(side) is not int or not 1 <= side <= LARGEST_SIDE:
                raise ValueError("shape")
        if not isinstance(key, str) or not 1 <= len(key) <= 64 or key in found:
            raise ValueError("key")
        film: Film | None = None
        if one["film"] is not None:
            film = reader.once("films", one["film"], unpacked, "the stored values of a film")
            assert film is not None
            pixels += film.stored.size
            if film.stored.shape != (height, width) or pixels > MOST_STORED:
                raise ValueError("film")
        if one["stated"] not in (True, False, None) or type(one["synthetic"]) is not bool:
            raise ValueError("stated")
        found[key] = Source(
            key=key,
            shape=(height, width),
            film=film,
            stated=one["stated"],
            found=_boxes(one["found"], MOST_BOXES),
            synthetic=one["synthetic"],
            decision=_decision(one["decision"]),
        )
    return found


def descent_of(
    told: Mapping[str, Any] | None, shape: tuple[int, ...], reader: Reader
) -> Descent | None:
    if told is None:
        return None
    source = reader.films[told["film"]]
    top, left, scale, changed = told["top"], told["left"], told["scale"], told["changed"]
    if not all(type(n) is int and abs(n) <= LARGEST_SIDE for n in (top, left)):
        raise ValueError("place")
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not 0 < scale <= 100:
        raise ValueError("scale")
    mask: NDArray[np.bool_] | None = None
    if changed is not None:
        codes: NDArray[Any] = reader.once("inputs", changed, reader.array, "an edit of a film")
        mask = codes > 0
        if codes.shape != shape:
            raise ValueError("changed")
    return Descent(source=source, top=top, left=left, scale=float(scale), changed=mask)


def with_films(states: tuple[State, ...]) -> tuple[State, ...]:
    """The states of a document from before films were kept: what came of an opened picture that
    is not synthetic holds a film that nobody has looked at."""
    known: dict[int, Descent] = {}
    found = []
    for state in states:
        descent = state.descent
        if descent is None and state.origin != "synthetic":
            parent = known.get(state.parent or 0)
            fits = parent is not None and parent.source.shape == state.image.shape
            descent = parent if fits else films.opened(state.image, None, synthetic=False)
        if descent is not None:
            known[state.number] = descent
            if descent.source.synthetic and state.origin != "synthetic":
                raise ValueError("synthetic")
        found.append(state if descent is state.descent else replace(state, descent=descent))
    return tuple(found)


def _decision(told: Mapping[str, Any] | None) -> Decision | None:
    if told is None:
        return None
    at = told["at"]
    if isinstance(at, bool) or not isinstance(at, int | float) or not 0 <= at < 1e12:
        raise ValueError("at")
    return Decision(blacked=_boxes(told["blacked"], MOST_BLACKED), at=float(at))


def _boxes(told: Sequence[Sequence[Any]], most: int) -> tuple[Box, ...]:
    if len(told) > most:
        raise ValueError("boxes")
    found = []
    for top, left, bottom, right in told:
        sides = (top, left, bottom, right)
        if not all(type(side) is int and 0 <= side <= LARGEST_SIDE for side in sides):
            raise ValueError("box")
        found.append((top, left, bottom, right))
    return tuple(found)

"""A folder of pictures, whatever made them: as films, and the sections that fit them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.api import ORGAN_NAMES, Pixels
from engine.errors import EngineError, ImageUnreadable
from engine.evaluation.drawing import as_films
from engine.evaluation.measuring import Measurement, copies_of, realism_of
from engine.evaluation.obedience import read_maps
from engine.images import read_image
from engine.masks import cardiothoracic_ratio
from engine.training.data import windowed
from engine.training.labels import looks_sound, segmented

ENDINGS = {".png", ".jpg", ".jpeg", ".tif", ".tiff"}
FEWEST = 12
Films = NDArray[np.uint8]


def read_pictures(folder: Path) -> Films:
    """All PNG, JPEG and TIFF pictures of ``folder`` as (N, 256, 256) uint8, windowed.

    The middle square is taken, as of the training films. Refuses fewer than twelve.
    """
    if not folder.is_dir():
        raise ImageUnreadable(f"There is no folder '{folder.name}'.")
    films, unread = [], []
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in ENDINGS):
        try:
            films.append(as_film(read_image(path).pixels))
        except EngineError:
            unread.append(path.name)
    if len(films) < FEWEST:
        also = f" ({len(unread)} could not be read, such as '{unread[0]}')" if unread else ""
        raise ImageUnreadable(
            f"'{folder.name}' holds {len(films)} pictures that can be read{also}. Sets are "
            f"compared from {FEWEST} pictures on, and soundly from about two hundred."
        )
    return np.concatenate(films)


def as_film(image: Pixels) -> Films:
    """(H, W) -> (1, 256, 256) uint8."""
    side = min(image.shape)
    top, left = ((length - side) // 2 for length in image.shape)
    middle = np.ascontiguousarray(image[top : top + side, left : left + side])
    return np.stack([windowed(film) for film in as_films(torch.from_numpy(middle)[None, None])])


def readings(m: Measurement, films: Films) -> dict[str, Any]:
    """What the segmenter reads from the pictures, and from held-out films beside them."""
    sets = {"pictures": films, "real": m.real.pack.images[m.real.val]}
    return {name: reading_of(m, some) for name, some in sets.items()}


def reading_of(m: Measurement, films: Films) -> dict[str, Any]:
    """Share of films with a believable chest, areas of the organs, cardiothoracic ratio."""
    segmenter = m.real.instruments.segmenter
    maps, confidence = read_maps(segmenter, films), segmented(segmenter, films)[1]
    sound = [looks_sound(o, float(c)) for o, c in zip(maps, confidence, strict=True)]
    ratios = [r for r in map(cardiothoracic_ratio, maps) if r is not None]
    shares = {k: (maps == k).mean((1, 2)) for k in (1, 2, 3)}
    return {
        "films": len(films),
        "sound": round(float(np.mean(sound)), 3),
        "area": {ORGAN_NAMES[k]: round(float(v.mean()), 4) for k, v in shares.items()},
        "ratio_mean": round(float(np.mean(ratios)), 3) if ratios else None,
        "ratio_spread": round(float(np.std(ratios)), 3) if ratios else None,
    }


def realism(m: Measurement, films: Films) -> dict[str, Any]:
    """Half of the pictures teach the fresh network, the other half try it."""
    return realism_of(m, films, films[1::2], films[::2])


FOLDER_SECTIONS: dict[str, Callable[[Measurement, Films], Any]] = {
    "readings": readings,
    "realism": realism,
    "copies": copies_of,
}

"""A folder of drawn pictures some of which were edited, with the masks of the edits."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from tests.studies.films import film

SIDE = 200


def edited_folder(place: Path, each: int = 6, border: int = 0) -> Path:
    """``each`` films and as many edited ones: a bright square, and a mask that is white there.

    The square of edited picture n is 40 px wide and begins at (60 + 5 n, 50) from left and top.
    Edited ones have a black ``border`` in px.
    """
    shape = (SIDE, SIDE)
    place.mkdir(parents=True, exist_ok=True)
    rows = []
    for n in range(2 * each):
        grey = np.clip(film(n, SIDE) * 0.7, 0, 1)
        row = {"source": "hospital", "synthetic": "no", "mask": ""}
        if n % 2:
            white = np.zeros(shape, np.uint8)
            left = 60 + 5 * (n // 2)
            white[50:90, left : left + 40] = 255
            grey[white > 0] = 1
            inner = np.s_[border : SIDE - border]
            grey = np.pad(grey[inner, inner], border)
            Image.fromarray(white).save(place / f"mask-{n}.png")
            row = {"source": "ours", "synthetic": "yes", "mask": f"mask-{n}.png"}
        name = f"picture-{n}.png"
        Image.fromarray((255 * grey).astype(np.uint8)).save(place / name)
        rows.append({"file": name, "finding": "nodule", "scene": f"scene-{n}", **row})
    with (place / "cases.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return place

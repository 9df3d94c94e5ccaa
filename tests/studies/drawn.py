"""A folder of drawn pictures with its table: no radiograph and no model."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.studies.films import film


def folder_of_pictures(place: Path, each: int = 12, side: int = 192) -> Path:
    """``each`` pictures of a hospital and of a model with two findings, and their cases.csv."""
    place.mkdir(parents=True, exist_ok=True)
    rows = ["file,source,synthetic,finding,scene"]
    for n in range(each):
        for k, (source, synthetic) in enumerate((("hospital", "no"), ("model-a", "yes"))):
            name = f"{source}-{n}.png"
            Image.fromarray((255 * film(2 * n + k, side)).astype(np.uint8)).save(place / name)
            rows.append(f"{name},{source},{synthetic},{('none', 'effusion')[n % 2]},{source}-{n}")
    (place / "cases.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return place

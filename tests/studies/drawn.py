"""A folder of drawn pictures with its table: no radiograph and no model."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.studies.films import film


def folder_of_pictures(place: Path, each: int = 12, side: int = 192, masks: bool = False) -> Path:
    """``each`` pictures of a hospital and of a model with two findings, and their cases.csv;
    where ``masks`` are wanted, the model's have an edited place each."""
    place.mkdir(parents=True, exist_ok=True)
    rows = ["file,source,synthetic,finding,scene,mask"]
    y, x = np.mgrid[:side, :side] / side
    for n in range(each):
        for k, (source, synthetic) in enumerate((("hospital", "no"), ("model-a", "yes"))):
            name = f"{source}-{n}.png"
            Image.fromarray((255 * film(2 * n + k, side)).astype(np.uint8)).save(place / name)
            mask = ""
            if masks and synthetic == "yes":
                mask = f"mask-{n}.png"
                centre = 0.5 + 0.2 * np.cos(2.4 * n), 0.45 + 0.2 * np.sin(2.4 * n)
                white = np.hypot(x - centre[0], y - centre[1]) < 0.06 + 0.01 * (n % 4)
                Image.fromarray(white.astype(np.uint8) * 255).save(place / mask)
            finding = ("none", "effusion")[n % 2]
            rows.append(f"{name},{source},{synthetic},{finding},{source}-{n},{mask}")
    (place / "cases.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return place

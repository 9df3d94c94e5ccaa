"""Drawn chests for the tests: each seed another one, with grain; no radiograph is used."""

import cv2
import numpy as np
from numpy.typing import NDArray


def film(seed: int, side: int = 256, grain: float = 0.02, blur: float = 0.0) -> NDArray[np.float32]:
    """(side, side) in [0, 1]: a body, two lungs, a heart, ribs and vessels at random places."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:side, 0:side] / side
    picture = 0.75 - 0.4 * np.exp(-(((x - 0.5) / 0.6) ** 2 + ((y - 0.5) / 0.7) ** 2) * 0.2)
    for centre in (0.3, 0.7):
        centre += rng.normal(0, 0.02)
        lung = ((x - centre) / 0.16) ** 2 + ((y - 0.45 - rng.normal(0, 0.02)) / 0.3) ** 2
        picture -= 0.35 / (1 + np.exp((lung - 1) * 8))
    width = 0.14 + rng.normal(0, 0.02)
    heart = ((x - 0.54) / width) ** 2 + ((y - 0.62) / 0.15) ** 2
    picture += 0.25 / (1 + np.exp((heart - 1) * 8))
    phase = rng.uniform(0, 1)
    ribs, bend = rng.uniform(8, 16), rng.uniform(1, 6)
    picture += 0.04 * np.sin((y * ribs + phase + bend * (x - 0.5) ** 2) * 2 * np.pi)
    lines = np.zeros((side, side), np.float32)
    for _ in range(40):
        points = (rng.uniform(0.1, 0.9, (3, 2)) * side).astype(np.int32)
        cv2.polylines(lines, [points], False, float(rng.uniform(0.03, 0.1)), 1 + side // 256)
    picture = picture + cv2.GaussianBlur(lines, (0, 0), 0.8)
    picture = picture + rng.normal(0, grain, picture.shape)
    if blur:
        picture = cv2.GaussianBlur(picture, (0, 0), blur)
    return picture.clip(0, 1).astype(np.float32)

"""Pixels as the browser shows them: 8-bit lossless PNG, whole or as a thumbnail."""

import cv2
import numpy as np

from engine.api import Organs, Pixels

FILL = 0.35  # of a label's colour inside its outline
COLOURS = ("3f8fd6", "79ddb8", "de6b35", "f0a6dc")  # left lung, right lung, heart, aorta


def shown(image: Pixels, side: int | None = None) -> bytes:
    """(H, W) in [0, 1] -> PNG; with ``side``, no larger than that many px."""
    if side is not None and max(image.shape) > side:
        scale = side / max(image.shape)
        size = (max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    codes = np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)
    done, data = cv2.imencode(".png", codes, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    assert done
    return data.tobytes()


def organs(labels: Organs) -> bytes:
    """A label map -> PNG as the canvas shows a drawing: outlines and a faint fill, on black."""
    colours = np.zeros((5, 3), np.float32)
    colours[1:] = [tuple(bytes.fromhex(colour)) for colour in COLOURS]
    picture = colours[labels][..., ::-1] * np.float32(FILL)
    thick = max(1, round(max(labels.shape) / 120))
    for label in range(1, 5):
        inside = (labels == label).astype(np.uint8)
        outlines, _ = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        colour = [float(value) for value in colours[label][::-1]]
        cv2.drawContours(picture, outlines, -1, colour, thick, cv2.LINE_AA)
    done, data = cv2.imencode(".png", np.round(picture).astype(np.uint8))
    assert done
    return data.tobytes()

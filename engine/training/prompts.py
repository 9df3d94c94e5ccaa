"""The words of a training film: findings with side and zone, the view and the sex."""

import random

import numpy as np
from numpy.typing import NDArray

from engine.networks.text import END, PAD, START, UNKNOWN, pieces
from engine.training.data import Film

# NIH and RSNA labels with at least a hundred films, and what we call them.
FINDINGS = {
    "Atelectasis": "atelectasis",
    "Cardiomegaly": "cardiomegaly",
    "Consolidation": "consolidation",
    "Edema": "edema",
    "Effusion": "effusion",
    "Infiltration": "infiltration",
    "Lung Opacity": "opacity",
    "Mass": "mass",
    "Nodule": "nodule",
    "Pleural_Thickening": "pleural thickening",
    "Pneumonia": "pneumonia",
    "Pneumothorax": "pneumothorax",
}
SYNONYMS = {
    "effusion": ("pleural effusion",),
    "cardiomegaly": ("enlarged heart",),
    "opacity": ("lung opacity",),
    "edema": ("pulmonary edema",),
    "infiltration": ("infiltrate",),
    "nodule": ("lung nodule",),
    "mass": ("lung mass",),
}
NOTHING = "no finding"
SIDES = ("left", "right", "both")
ZONES = ("upper", "middle", "lower")
VIEWS = ("pa view", "ap view")
SEXES = {"M": "male", "F": "female"}
UNPLACED = {"Cardiomegaly", "Edema"}


def known_pieces(vocabulary: dict[str, int]) -> list[int]:
    """BERT numbers of every word piece the prompts can contain, padding first."""
    words = [NOTHING, *FINDINGS.values(), *SIDES, *ZONES, *VIEWS, *SEXES.values(), ", and"]
    words += [synonym for group in SYNONYMS.values() for synonym in group]
    used = {piece for word in words for piece in pieces(word, vocabulary)}
    special = [vocabulary[piece] for piece in (PAD, UNKNOWN, START, END)]
    return special + sorted({vocabulary[piece] for piece in used} - set(special))


def place(film: Film, label: str, organs: NDArray[np.uint8] | None) -> str:
    """Side and zone of a boxed finding, from its boxes: "left lower", "both", or nothing.

    ``organs`` (H, W) tells where the lungs begin and end; without it the frame does.
    """
    boxes = [box for box in film.boxes if box.label == label]
    if not boxes or label in UNPLACED:
        return ""
    top, bottom, middle = 0.1, 0.9, 0.5
    if organs is not None:
        lungs = np.argwhere((organs == 1) | (organs == 2)) / len(organs)
        top, bottom = lungs[:, 0].min(), lungs[:, 0].max()
        middle = (np.argwhere(organs == 1)[:, 1].min() + np.argwhere(organs == 2)[:, 1].max()) / (
            2 * len(organs)
        )
    # The patient's right is on the image's left.
    sides = {"right" if box.x + box.w / 2 < middle else "left" for box in boxes}
    side = "both" if len(sides) == 2 else sides.pop()
    if len(boxes) > 1:
        return side
    third = (boxes[0].y + boxes[0].h / 2 - top) / max(bottom - top, 1e-3) * 3
    return f"{side} {ZONES[int(np.clip(third, 0, 2))]}"


def phrases(film: Film, organs: NDArray[np.uint8] | None) -> list[tuple[str, str]]:
    """(finding, place) of everything the film is labelled or boxed with."""
    labels = list(dict.fromkeys([*(box.label for box in film.boxes), *film.labels]))
    return [(FINDINGS[label], place(film, label, organs)) for label in labels if label in FINDINGS]


def prompt(film: Film, said: list[tuple[str, str]], luck: random.Random) -> str:
    """One way of saying what is on the film; "" now and then, which means nothing was said."""
    if luck.random() < 0.15:
        return ""
    words = []
    for finding, where in said:
        name = finding
        if luck.random() < 0.2:
            name = luck.choice(SYNONYMS.get(finding, (finding,)))
        words.append(f"{name} {where}" if where and luck.random() < 0.7 else name)
    if not said and "No Finding" in film.labels:
        words.append(NOTHING)
    luck.shuffle(words)
    if film.view and luck.random() < 0.7:
        words.append(f"{film.view.lower()} view")
    if film.sex in SEXES and luck.random() < 0.5:
        words.append(SEXES[film.sex])
    return ", ".join(words)

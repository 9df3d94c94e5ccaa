"""Made-up films for trying the training code: grey discs and ovals, no patient."""

import numpy as np

from engine.training.data import SIZE, Box, Film, Pack


def made_up_pack(count: int = 12) -> Pack:
    """``count`` drawings with lungs and a heart; a third have a box, all have masks."""
    luck = np.random.default_rng(0)
    y, x = (np.mgrid[:SIZE, :SIZE] + 0.5) / SIZE
    images, organs, films = [], [], []
    for i in range(count):
        shift, scale = luck.normal(0, 0.01, 2), luck.normal(1, 0.05)

        def oval(cx: float, cy: float, rx: float, ry: float, shift=shift, scale=scale):
            across = (x - cx - shift[0]) / (rx * scale)
            return across**2 + ((y - cy - shift[1]) / (ry * scale)) ** 2 <= 1

        labels = np.zeros((SIZE, SIZE), np.uint8)
        labels[oval(0.68, 0.45, 0.13, 0.28)] = 1
        labels[oval(0.32, 0.45, 0.13, 0.28)] = 2
        labels[oval(0.54, 0.6, 0.14, 0.12)] = 3
        grey = np.select([labels == 0, labels == 3], [150, 190], 70)
        grey = grey + luck.normal(0, 8, (SIZE, SIZE))
        images.append(grey.clip(0, 255).astype(np.uint8))
        organs.append(labels)
        boxed = i % 3 == 0
        films.append(
            Film(
                image="",
                image1024="",
                mask="made up",
                source="made up",
                patient=str(i),
                split="val" if i % 4 == 3 else "train",
                view="PA",
                sex="F",
                labels=("Effusion",) if boxed else ("No Finding",),
                boxes=(Box("Effusion", 0.18, 0.5, 0.26, 0.24),) if boxed else (),
            )
        )
    return Pack(tuple(films), np.stack(images), np.stack(organs))

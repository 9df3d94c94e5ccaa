"""The judge: a small network that looks for findings on films and describes them by numbers.

It is used to measure drawn films only. No model that draws was trained against it.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CELL = 16  # px a side of a cell of the judge's map, for films of 256 px
SHARPNESS = 4.0  # of the pooling: how far the strongest cell speaks for the whole film


class Bend(nn.Module):
    """Two convolutions around which the input is carried."""

    def __init__(self, width: int):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.level = nn.BatchNorm2d(width)
        self.level_after = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        inside = F.relu(self.level(self.first(x)))
        return F.relu(x + self.level_after(self.second(inside)))


class Judge(nn.Module):
    """Where on a film each finding is, as logits of 16 x 16 px cells, and what the film is like.

    Films are (B, 1, H, W) in [0, 1], black and white at their 0.5 and 99.5 percentiles, with
    sides that are multiples of 16; best 256 px. ``mean`` and ``spread`` (128,) are those of its
    features on the real films it was trained on.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, findings: tuple[str, ...], widths: tuple[int, int, int] = (32, 64, 128)):
        super().__init__()
        self.findings = tuple(findings)
        low, middle, high = widths
        self.trunk = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(4, low, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(low),
            nn.ReLU(),
            Bend(low),
            nn.Conv2d(low, middle, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(middle),
            nn.ReLU(),
            Bend(middle),
            Bend(middle),
            nn.Conv2d(middle, high, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(high),
            nn.ReLU(),
            Bend(high),
            Bend(high),
        )
        self.context = nn.Linear(high, high)
        self.drop = nn.Dropout(0.2)
        self.head = nn.Conv2d(high, len(self.findings), 1)
        self.register_buffer("mean", torch.zeros(high))
        self.register_buffer("spread", torch.ones(high))

    def cells(self, film: Tensor) -> Tensor:
        """(B, 1, H, W) -> what each cell looks like, (B, 128, H / 16, W / 16)."""
        return self.trunk(2 * film - 1)

    def features(self, film: Tensor) -> Tensor:
        """(B, 1, H, W) -> (B, 128), in which sets of films are compared.

        Means over the cells, each number with mean 0 and spread 1 over the real training films.
        """
        return (self.cells(film).float().mean((2, 3)) - self.mean) / self.spread

    def forward(self, film: Tensor) -> Tensor:
        """(B, 1, H, W) -> logits (B, findings, H / 16, W / 16)."""
        cells = self.cells(film)
        whole = self.context(cells.mean((2, 3)))[:, :, None, None]
        return self.head(self.drop(F.relu(cells + whole)))


def pooled(logits: Tensor, inside: Tensor | None = None) -> Tensor:
    """One logit a film: a soft maximum over the cells. (B, F, h, w) -> (B, F).

    ``inside`` (B, 1, h, w) in [0, 1] restricts it to a region, cells weighing by their share.
    """
    weight = torch.ones_like(logits[:, :1]) if inside is None else inside.to(logits)
    weight = weight / weight.sum((2, 3), keepdim=True).clamp_min(1e-6)
    scaled = SHARPNESS * logits + weight.log()  # cells outside weigh nothing: log 0 is -inf
    return scaled.flatten(2).logsumexp(2) / SHARPNESS

"""A plain U-Net that reads the lungs and the heart from a radiograph."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 128  # px; the size the network was made for
PERCENTILES = (0.01, 0.99)


def levelled(image: Tensor) -> Tensor:
    """Shift and stretch each image so that its 1 and 99 percentiles are 0 and 1.

    (B, 1, H, W) -> (B, 1, H, W). Films of different exposure and window then look alike.
    """
    flat = image.float().flatten(1)
    low, high = torch.quantile(flat, torch.tensor(PERCENTILES, device=image.device), dim=1)
    low, high = low.view(-1, 1, 1, 1), high.view(-1, 1, 1, 1)
    return (image - low) / (high - low).clamp_min(1e-3)


def _pair(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, padding=1, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(inplace=True),
        nn.Conv2d(outside, outside, 3, padding=1, bias=False),
        nn.BatchNorm2d(outside),
        nn.ReLU(inplace=True),
    )


class Segmenter(nn.Module):
    """Logits for background, left lung, right lung and heart (the patient's sides).

    ``forward`` takes (B, 1, H, W) of any tone with sides that are multiples of 16, best 128 px,
    and returns (B, classes, H, W).
    """

    def __init__(self, widths: tuple[int, ...] = (16, 32, 64, 128, 128), classes: int = 4):
        super().__init__()
        self.down = nn.ModuleList(
            _pair(inside, outside)
            for inside, outside in zip((1, *widths[:-1]), widths, strict=True)
        )
        self.up = nn.ModuleList(
            _pair(widths[i] + widths[i - 1], widths[i - 1]) for i in range(len(widths) - 1, 0, -1)
        )
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        x = 2 * levelled(image) - 1
        kept = []
        for i, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if i else x)
            kept.append(x)
        for block, skip in zip(self.up, reversed(kept[:-1]), strict=True):
            x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = block(torch.cat([x, skip], dim=1))
        return self.head(x)

"""Train the organ segmenter on human masks."""

import torch
from torch import Tensor
from torch.nn import functional as F

from engine.networks.segmenter import SIDE, Segmenter
from engine.training import augment
from engine.training.data import Pack
from engine.training.loop import Average, Plan, train

BATCH = 12
PEAK = 2e-3
ARCHITECTURE = {"widths": [16, 32, 64, 128, 128], "classes": 4}


def dice_loss(logits: Tensor, organs: Tensor) -> Tensor:
    """One minus the mean overlap of the three organs; ``organs`` is (B, H, W) of class numbers."""
    shares = logits.softmax(1)[:, 1:]
    truth = F.one_hot(organs, logits.shape[1]).movedim(-1, 1)[:, 1:].float()
    both = (shares * truth).sum((0, 2, 3))
    return 1 - (2 * both / (shares.sum((0, 2, 3)) + truth.sum((0, 2, 3)) + 1)).mean()


def varied(images: Tensor, organs: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Random geometry and tone: (B, 1, 128, 128) floats and (B, 128, 128) class numbers."""
    count = len(images)
    zoom = torch.exp(augment.uniform(generator, count, -0.3, 0.3))
    aspect = torch.exp(augment.uniform(generator, count, -0.1, 0.1))
    grid = augment.affine_grid(
        augment.uniform(generator, count, -12, 12),
        zoom * aspect,
        zoom / aspect,
        augment.uniform(generator, count, -0.2, 0.2),
        augment.uniform(generator, count, -0.2, 0.2),
        SIDE,
    )
    elastic = 0.02 * augment.smooth_field(generator, count, 2, 6, SIDE)
    grid = grid + elastic.movedim(1, -1)
    # Outside the film there is nothing: black border in half of the draws, continued edge else.
    films = augment.sampled(images, grid)
    outside = (grid.abs() > 1).any(-1)[:, None]
    black = torch.rand(count, 1, 1, 1, generator=generator) < 0.5
    films = torch.where(outside & black, torch.zeros(()), films)
    labels = F.grid_sample(organs[:, None].float(), grid, mode="nearest", align_corners=False)
    return augment.strong_tone(films, generator), labels[:, 0].long()


def train_segmenter(pack: Pack, plan: Plan) -> tuple[Segmenter, dict[str, float]]:
    """Train on the human masks of the training split; returns the network and its held-out Dice."""
    torch.manual_seed(0)
    chosen = pack.with_masks("train")
    images, organs = small(pack, chosen)
    network = Segmenter(tuple(ARCHITECTURE["widths"])).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    average = Average(network, 0.995)
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK, weight_decay=1e-3)
    optimiser.param_groups[0]["peak"] = PEAK

    def step(index: int, fraction: float) -> dict[str, float]:
        generator = torch.Generator().manual_seed(index)
        rows = torch.randint(len(images), (BATCH,), generator=generator)
        films, truth = varied(images[rows], organs[rows], generator)
        network.train()
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(films.contiguous(memory_format=torch.channels_last))
        logits = logits.float()
        loss = F.cross_entropy(logits, truth) + dice_loss(logits, truth)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        average.update(network, index)
        return {"loss": loss.item()}

    train(step, {"network": network, "optimiser": optimiser, "average": average}, plan)
    network.load_state_dict(average.weights)
    network.eval()
    return network, held_out_dice(network, pack)


def small(pack: Pack, chosen) -> tuple[Tensor, Tensor]:
    """Films (n, 1, 128, 128) in [0, 1] and organs (n, 128, 128) at the segmenter's size."""
    films = torch.from_numpy(pack.images[chosen]).float()[:, None] / 255
    return F.avg_pool2d(films, 2), torch.from_numpy(pack.organs[chosen])[:, ::2, ::2].long()


@torch.inference_mode()
def held_out_dice(network: Segmenter, pack: Pack) -> dict[str, float]:
    """Mean Dice over the validation films with human masks."""
    images, organs = small(pack, pack.with_masks("val"))
    found = network(images).argmax(1)
    return {
        name: round(float(dice(found == k, organs == k).mean()), 4)
        for k, name in ((1, "dice_left_lung"), (2, "dice_right_lung"), (3, "dice_heart"))
    }


def dice(a: Tensor, b: Tensor) -> Tensor:
    """Overlap of boolean masks (B, H, W) -> (B,)."""
    return 2 * (a & b).sum((1, 2)) / ((a.sum((1, 2)) + b.sum((1, 2))).clamp_min(1))

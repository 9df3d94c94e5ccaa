"""Train the anatomy controller: organ map to the mean latent of films that have it."""

import torch
from torch.nn import functional as F

from engine.networks.linear_codec import CHANNELS
from engine.networks.small import RoughController
from engine.training.diffusion import Films
from engine.training.loop import Average, Plan, train

PEAK = 2e-3
ARCHITECTURE = {"channels": CHANNELS, "width": 64, "blocks": 4}


def train_controller(films: Films, plan: Plan) -> RoughController:
    """Least squares from the map to the latent: the average of what such films look like."""
    torch.manual_seed(0)
    network = RoughController(**ARCHITECTURE).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    average = Average(network, 0.995)
    optimiser = torch.optim.AdamW(network.parameters(), lr=PEAK, weight_decay=1e-4)
    optimiser.param_groups[0]["peak"] = PEAK

    def step(index: int, fraction: float) -> dict[str, float]:
        batch = films.batch(index)
        condition = batch.condition.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            found = network(condition)
        loss = F.mse_loss(found.float(), batch.latents)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        average.update(network, index)
        return {"loss": loss.item()}

    train(step, {"network": network, "optimiser": optimiser, "average": average}, plan)
    network.load_state_dict(average.weights)
    return network

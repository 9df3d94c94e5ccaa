"""Fit the linear encoder and train the two decoders on top of it."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.networks.linear_codec import CHANNELS, GRAIN, LinearCodec, fit
from engine.training.data import Pack
from engine.training.loop import Average, Plan, train

BATCH = 16
CROP = 128  # px
PEAK = 6e-4
POSTERIOR = 0.05  # noise on standardised latents while training: what a sampler leaves behind
FITTED_ON = 600  # films
PULL = 1.0  # how hard the critic pulls at the last layer, beside the film itself
ARCHITECTURE = {
    "channels": CHANNELS,
    "fidelity": [128, 64, 32],
    "texture": [128, 64, 48],
}


def build_codec() -> LinearCodec:
    """An untrained codec of the shipped architecture."""
    a = ARCHITECTURE
    return LinearCodec(a["channels"], tuple(a["fidelity"]), tuple(a["texture"]))


def fitted_codec(pack: Pack) -> LinearCodec:
    """A codec whose encoder is fitted to training films; its decoders start as the linear ones."""
    torch.manual_seed(0)
    codec = build_codec()
    chosen = pack.select("train")
    chosen = chosen[:: max(1, len(chosen) // FITTED_ON)]
    fit(codec, torch.from_numpy(pack.images[chosen]).float()[:, None] / 255)
    return codec


def crops(images: Tensor, generator: torch.Generator, count: int = BATCH) -> Tensor:
    """(count, 1, 128, 128) in [0, 1] from (N, 256, 256) uint8, with a little change of tone."""
    side = images.shape[-1] - CROP
    rows = torch.randint(len(images), (count,), generator=generator).tolist()
    corners = torch.randint(0, side + 1, (count, 2), generator=generator).tolist()
    picked = [
        images[row, top : top + CROP, left : left + CROP]
        for row, (top, left) in zip(rows, corners, strict=True)
    ]
    batch = torch.stack(picked)[:, None].float() / 255
    gamma = torch.exp(0.5 * torch.rand(count, 1, 1, 1, generator=generator) - 0.25)
    return batch**gamma


def gradients(image: Tensor) -> tuple[Tensor, Tensor]:
    """Differences to the right and lower neighbour."""
    return image[..., 1:] - image[..., :-1], image[..., 1:, :] - image[..., :-1, :]


def closeness(found: Tensor, truth: Tensor) -> Tensor:
    """Absolute, edge and square error together."""
    edges = sum(F.l1_loss(a, b) for a, b in zip(gradients(found), gradients(truth), strict=True))
    return F.l1_loss(found, truth) + 0.5 * edges + 2 * F.mse_loss(found, truth)


def train_fidelity(codec: LinearCodec, pack: Pack, plan: Plan) -> None:
    """Train the head that keeps to the encoded film; the encoder stays as it is."""
    torch.manual_seed(0)
    images = torch.from_numpy(pack.images[pack.select("train")])
    head = codec.fidelity.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    average = Average(head, 0.998)
    optimiser = torch.optim.AdamW(head.parameters(), lr=PEAK, weight_decay=1e-4)
    optimiser.param_groups[0]["peak"] = PEAK

    def step(index: int, fraction: float) -> dict[str, float]:
        generator = torch.Generator().manual_seed(index)
        truth = crops(images, generator)
        latents = noised(codec.encode(truth), generator)
        with torch.autocast("cpu", torch.bfloat16):
            added = head(latents.contiguous(memory_format=torch.channels_last))
        loss = closeness(codec.linear(latents) + added.float(), truth)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(head.parameters(), 1.0)
        optimiser.step()
        average.update(head, index)
        return {"loss": loss.item()}

    train(step, {"network": head, "optimiser": optimiser, "average": average}, plan)
    head.load_state_dict(average.weights)


def noised(latents: Tensor, generator: torch.Generator) -> Tensor:
    """Latents with the small noise that a sampler leaves."""
    return latents + POSTERIOR * torch.randn(latents.shape, generator=generator)


def high_pass(image: Tensor) -> Tensor:
    """What a 5 x 5 binomial blur removes."""
    row = torch.tensor([1.0, 4, 6, 4, 1]) / 16
    blurred = F.conv2d(F.pad(image, (2, 2, 2, 2), "replicate"), (row[:, None] * row)[None, None])
    return image - blurred


def log_spectrum(image: Tensor) -> Tensor:
    """Log magnitude of the windowed Fourier transform, smoothed over 3 x 3 frequencies."""
    window = torch.hann_window(image.shape[-1])
    magnitude = torch.fft.rfft2(image.float() * window[:, None] * window, norm="ortho").abs()
    return torch.log(F.avg_pool2d(magnitude, 3, 2) + 1e-3)


class PatchCritic(nn.Module):
    """Tells real from drawn patches by the image and 12 times its high-pass part."""

    def __init__(self, width: int = 32):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(2, width, 4, 2, 1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, 2 * width, 4, 2, 1),
            nn.GroupNorm(8, 2 * width),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(2 * width, 4 * width, 4, 2, 1),
            nn.GroupNorm(8, 4 * width),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(4 * width, 4 * width, 3, 1, 1),
            nn.GroupNorm(8, 4 * width),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(4 * width, 1, 3, 1, 1),
        )

    def forward(self, image: Tensor) -> Tensor:
        return self.layers(torch.cat([2 * image - 1, 12 * high_pass(image)], 1))


def train_texture(codec: LinearCodec, pack: Pack, plan: Plan) -> None:
    """Train the head that invents grain and fine edges, against a critic of the high-pass part."""
    torch.manual_seed(0)
    images = torch.from_numpy(pack.images[pack.select("train")])
    head = codec.texture.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    critic = PatchCritic().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    average = Average(head, 0.998)
    optimiser = torch.optim.AdamW(head.parameters(), lr=4e-4, betas=(0.5, 0.99), weight_decay=1e-4)
    judge = torch.optim.AdamW(critic.parameters(), lr=4e-4, betas=(0.5, 0.99), weight_decay=1e-3)
    optimiser.param_groups[0]["peak"] = judge.param_groups[0]["peak"] = 4e-4

    def step(index: int, fraction: float) -> dict[str, float]:
        generator = torch.Generator().manual_seed(index)
        truth = crops(images, generator)
        latents = noised(codec.encode(truth), generator)
        grain = torch.randn(BATCH, GRAIN, CROP // 2, CROP // 2, generator=generator)
        with torch.autocast("cpu", torch.bfloat16):
            added = head(latents.contiguous(memory_format=torch.channels_last), grain)
        drawn = codec.linear(latents) + added.float()
        near = closeness(drawn, truth)
        near = near + 0.03 * F.l1_loss(log_spectrum(drawn), log_spectrum(truth))
        with torch.autocast("cpu", torch.bfloat16):
            fooled = -critic(drawn).float().mean()
        weight = balance(near, fooled, head) * min(1.0, index / 300)
        optimiser.zero_grad()
        (near + weight * fooled).backward()
        torch.nn.utils.clip_grad_norm_(head.parameters(), 1.0)
        optimiser.step()
        average.update(head, index)
        told = judged(critic, drawn.detach(), truth)
        judge.zero_grad()
        told.backward()
        judge.step()
        return {"near": near.item(), "critic": told.item(), "weight": float(weight)}

    parts = {"network": head, "critic": critic, "optimiser": optimiser, "judge": judge}
    train(step, {**parts, "average": average}, plan)
    head.load_state_dict(average.weights)


def balance(near: Tensor, fooled: Tensor, head: nn.Module, share: float = PULL) -> float:
    """Weight at which the critic pulls the last layer ``share`` times as hard as the film does."""
    last: Tensor = head.last.weight  # pyright: ignore[reportAttributeAccessIssue, reportAssignmentType]
    (film,) = torch.autograd.grad(near, last, retain_graph=True)
    (pull,) = torch.autograd.grad(fooled, last, retain_graph=True)
    return min(1.0, share * float(film.norm() / (pull.norm() + 1e-6)))


def judged(critic: PatchCritic, drawn: Tensor, truth: Tensor) -> Tensor:
    """Hinge loss of the critic."""
    with torch.autocast("cpu", torch.bfloat16):
        both = critic(torch.cat([truth, drawn])).float()
    real, made = both.chunk(2)
    return F.relu(1 - real).mean() + F.relu(1 + made).mean()


@torch.inference_mode()
def codec_figures(codec: LinearCodec, pack: Pack) -> dict[str, float]:
    """Mean PSNR (dB) and SSIM on validation films, without posterior noise."""
    images = torch.from_numpy(pack.images[pack.select("val")])
    generator = torch.Generator().manual_seed(0)
    sums: dict[str, float] = {}
    for part in images.split(16):
        film = part.float()[:, None] / 255
        latents = codec.encode(film)
        grain = torch.randn(
            len(film), GRAIN, *(n // 2 for n in part.shape[1:]), generator=generator
        )
        decoded = {
            "linear": codec.linear(latents),
            "fidelity": codec.decode(latents),
            "texture": codec.decode(latents, head="texture", noise=grain),
        }
        for name, found in decoded.items():
            found = found.clamp(0, 1)
            error = (found - film).pow(2).mean((1, 2, 3))
            for figure, value in (("psnr", -10 * error.log10()), ("ssim", ssim(found, film))):
                key = f"{figure}_{name}"
                sums[key] = sums.get(key, 0.0) + float(value.sum())
    return {key: round(total / len(images), 4) for key, total in sums.items()}


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Structural similarity with an 11 px Gaussian window, for images in [0, 1]: (B,)."""
    axis = torch.arange(11.0) - 5
    row = torch.exp(-(axis**2) / (2 * 1.5**2))
    row = row / row.sum()
    kernel = (row[:, None] * row)[None, None]

    def mean(x: Tensor) -> Tensor:
        return F.conv2d(x, kernel)

    ma, mb = mean(a), mean(b)
    va, vb, vab = mean(a * a) - ma**2, mean(b * b) - mb**2, mean(a * b) - ma * mb
    score = (2 * ma * mb + 1e-4) * (2 * vab + 9e-4)
    return (score / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4))).mean((1, 2, 3))

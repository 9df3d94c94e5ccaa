"""What a published network is for, and how its numbers are meant.

One architecture can have several roles: Cheff's autoencoder, XReal's and the anatomy controller
have the same tensors, and so have both report-conditioned models. The role decides the pixel range
and the latent scale, so it is never guessed from a file's name: it is decided by what the network
does with a picture, or asked for.
"""

import logging
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from engine.api import AORTA, Knows
from engine.checkpoints.recognise import KINDS, Kind
from engine.errors import CheckpointRefused
from engine.networks.ldm import AutoencoderPlan

XREAL_NOTICE = (
    "Weights by the authors of XReal (Mohamed bin Zayed University of Artificial Intelligence), "
    "CC BY-NC 4.0: for non-commercial use only, name the authors."
)
CHEFF_NOTICE = "Weights by the authors of Cheff (LMU Munich), MIT licence."
SCALED = 0.18215
SIDE = 128  # px of the pictures that a role is tried on
FAITHFUL, CHANGED = 0.35, 0.6  # error over the picture's own spread

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Role:
    """``pixel_range`` is what black and white are to the network."""

    kind: Kind
    title: str
    pixel_range: tuple[float, float]
    latent_scale: float
    schedule: str
    licence: str
    notice: str
    source: str
    knows: Knows = field(default_factory=Knows)


def _cheff(kind: Kind, title: str, scale: float = 1.0, knows: Knows | None = None) -> Role:
    return Role(
        kind=kind,
        title=title,
        pixel_range=(0.0, 1.0) if kind == "upscaler" else (-1.0, 1.0),
        latent_scale=scale,
        schedule="sr_cosine" if kind == "upscaler" else "ldm_linear",
        licence="MIT",
        notice=CHEFF_NOTICE,
        source="https://github.com/saiboxx/chexray-diffusion",
        knows=knows or Knows(),
    )


def _xreal(kind: Kind, title: str, knows: Knows | None = None) -> Role:
    return Role(
        kind=kind,
        title=title,
        pixel_range=(0.0, 1.0),
        latent_scale=SCALED,
        schedule="ldm_linear",
        licence="CC-BY-NC-4.0",
        notice=XREAL_NOTICE,
        source="https://github.com/BioMedIA-MBZUAI/XReal",
        knows=knows or Knows(),
    )


ORGANS = tuple(range(1, AORTA + 1))
FINDINGS = ("Cardiomegaly", "Pleural Effusion", "Edema", "Pneumothorax", "Atelectasis")
ROLES: dict[str, Role] = {
    "xreal_backbone": _xreal(
        "words",
        "XReal diffusion model",
        Knows(
            verbs=("generate", "insert", "erase", "outpaint"),
            findings=FINDINGS,
            organs=ORGANS,
            free_text=True,
        ),
    ),
    "xreal_autoencoder": _xreal("autoencoder", "XReal autoencoder"),
    "anatomy_controller": _xreal(
        "autoencoder", "XReal anatomy controller", Knows(verbs=("generate",), organs=ORGANS)
    ),
    "xreal_controlnet": _xreal(
        "controlnet",
        "XReal ControlNet baseline",
        Knows(verbs=("generate",), findings=FINDINGS, organs=ORGANS, free_text=True),
    ),
    "cheff_text_to_image": _cheff(
        "words",
        "Cheff report-conditioned diffusion model",
        SCALED,
        Knows(verbs=("generate", "erase", "outpaint"), findings=FINDINGS, free_text=True),
    ),
    "cheff_unconditional": _cheff(
        "unconditional",
        "Cheff unconditional diffusion model",
        knows=Knows(verbs=("generate", "erase", "outpaint")),
    ),
    "cheff_autoencoder": _cheff("autoencoder", "Cheff autoencoder"),
    "cheff_upscaler": _cheff("upscaler", "Cheff super-resolution", knows=Knows(verbs=("upscale",))),
    "cheff_upscaler_base": _cheff(
        "upscaler", "Cheff super-resolution, base", knows=Knows(verbs=("upscale",))
    ),
    "cheff_upscaler_fine": _cheff(
        "upscaler", "Cheff super-resolution, fine-tuned", knows=Knows(verbs=("upscale",))
    ),
}
ONLY_ROLE: dict[Kind, str] = {
    "unconditional": "cheff_unconditional",
    "controlnet": "xreal_controlnet",
    "upscaler": "cheff_upscaler",
}


class RoleUnknown(CheckpointRefused):
    """The network is certain, its role is not; ``choices`` are the roles it could have.

    ``folder`` is the model folder to import into, where it is not the usual one.
    """

    def __init__(self, file: Path, kind: Kind, folder: Path | None = None) -> None:
        self.kind: Kind = kind
        self.choices = tuple(name for name, role in ROLES.items() if role.kind == kind)
        either = ", ".join(self.choices[:-1]) + f" or {self.choices[-1]}"
        into = f"--models {shlex.quote(str(folder))} " if folder else ""
        super().__init__(
            f"'{file.name}' holds {KINDS[kind]}, but nothing in it says which. Say so once: "
            f"python -m engine models import {into}--as ROLE {shlex.quote(str(file))} "
            f"(ROLE is {either})."
        )


def checked_role(role: str, kind: Kind, file: str) -> str:
    """``role`` if it exists and fits what the file holds."""
    if role not in ROLES:
        raise CheckpointRefused(f"There is no role '{role}'. The roles are {', '.join(ROLES)}.")
    if ROLES[role].kind != kind:
        raise CheckpointRefused(
            f"'{file}' holds {KINDS[kind]}, which cannot be '{role}' ({KINDS[ROLES[role].kind]})."
        )
    return role


def role_of(
    kind: Kind, autoencoder: tuple[AutoencoderPlan, dict[str, Tensor]] | None
) -> str | None:
    """The role a network shows by what it does, or None where that does not settle it.

    ``autoencoder`` is the network of an autoencoder file, or the one that a diffusion model's
    file brings along; the range it lives in tells Cheff from XReal.
    """
    if kind in ONLY_ROLE:
        return ONLY_ROLE[kind]
    if autoencoder is None:
        return None
    found = autoencoder_role(*autoencoder)
    if kind == "autoencoder":
        return found
    return {"xreal_autoencoder": "xreal_backbone", "cheff_autoencoder": "cheff_text_to_image"}.get(
        found or ""
    )


def autoencoder_role(plan: AutoencoderPlan, weights: dict[str, Tensor]) -> str | None:
    """Try an autoencoder on a phantom of a chest and on its label map.

    The controller returns a radiograph for a label map instead of the map; of the other two, the
    latent of nothing (zeros) decodes to mid grey, which is 0.5 for one and 0 for the other.
    """
    from engine.checkpoints.convert import filled

    network = filled(plan, weights, "autoencoder")
    labels, film = phantom(SIDE)
    with torch.inference_mode():

        def again(picture: Tensor) -> float:
            given = picture.expand(1, plan.channels, -1, -1)
            mean = network.encode(given).latent_dist.mean
            return float((network.decode(mean).sample - given).std() / given.std())

        unit, signed, drawn = again(film), again(film * 2 - 1), again(labels / AORTA)
        latent = torch.zeros(1, plan.latent, SIDE // plan.cell, SIDE // plan.cell)
        neutral = float(network.decode(latent).sample.mean())
    log.info("errors %.2f %.2f %.2f, neutral %.2f", unit, signed, drawn, neutral)
    return judged(unit, signed, drawn, neutral)


def judged(unit: float, signed: float, drawn: float, neutral: float) -> str | None:
    """The role that four trials speak for, or None.

    ``unit`` and ``signed`` are how far a film in [0, 1] and in [-1, 1] comes back changed,
    ``drawn`` the same for a label map, over their own spread; ``neutral`` is the mean grey that a
    latent of zeros decodes to.
    """
    if drawn > CHANGED:
        return "anatomy_controller" if unit < FAITHFUL else None
    if unit < FAITHFUL and 0.3 < neutral < 0.7:
        return "xreal_autoencoder"
    if signed < FAITHFUL and -0.6 < neutral < 0.2:
        return "cheff_autoencoder"
    return None


def phantom(side: int) -> tuple[Tensor, Tensor]:
    """A crude chest: labels 0 to 4 and a film in [0, 1], both (1, 1, side, side)."""
    y, x = torch.meshgrid(*(torch.linspace(-1, 1, side),) * 2, indexing="ij")

    def ellipse(cx: float, cy: float, rx: float, ry: float) -> Tensor:
        return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1

    body = ellipse(0, 0.1, 0.95, 1.2)
    film, labels = 0.08 + 0.62 * body, torch.zeros(side, side)
    shapes: Iterable[tuple[int, Tensor, float]] = (
        (1, ellipse(0.45, -0.05, 0.3, 0.65), 0.25),
        (2, ellipse(-0.45, -0.05, 0.33, 0.68), 0.25),
        (3, ellipse(0.15, 0.35, 0.38, 0.3), 0.85),
        (4, ellipse(0.1, -0.3, 0.12, 0.12), 0.75),
    )
    for label, inside, grey in shapes:
        labels = torch.where(inside, float(label), labels)
        film = torch.where(inside, grey, film)
    return labels[None, None], film[None, None]

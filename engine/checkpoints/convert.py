"""From the tensors of a published file to our networks, strictly.

Nothing is missing, nothing has another shape, nothing is left over that a network would need.
"""

import logging
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from engine.checkpoints.keys import Source, sources
from engine.checkpoints.recognise import Part, lacks
from engine.checkpoints.writing import DTYPES
from engine.errors import CheckpointRefused
from engine.networks.ldm import Plan, UNetPlan, build
from engine.schedules import ldm_linear

NAMES = {
    "autoencoder": "autoencoder",
    "unet": "diffusion network",
    "text": "text encoder",
    "control": "ControlNet branch",
    "upscaler": "super-resolution network",
}
LEFTOVERS = ("loss.", "to_logits.")  # behind a network's prefix
SAME_SCHEDULE = 1e-6
log = logging.getLogger(__name__)


def gather(part: Part, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of one network under our names, all there and all of the right shape."""
    wanted = empty(part.plan).state_dict()
    where = sources(part.plan, wanted)
    missing = sorted({part.prefix + s.key for s in where.values()} - set(tensors))
    if missing:
        raise lacks(NAMES[part.name], missing)
    used = {part.prefix + s.key for s in where.values()}
    left = sorted(k for k in tensors if k.startswith(part.prefix) and k not in used)
    foreign = [k for k in left if not k.removeprefix(part.prefix).startswith(LEFTOVERS)]
    if foreign:
        raise CheckpointRefused(
            f"The {NAMES[part.name]} in this file has parts that XReal's and Cheff's do not have: "
            f"{_listed(foreign)}. XReal Studio cannot use it."
        )
    found, misfits = {}, []
    for name, source in where.items():
        tensor = _picked(tensors[part.prefix + source.key], source, part.plan)
        if tensor is None or not _fits(tensor, wanted[name]):
            misfits.append(part.prefix + source.key)
        else:
            found[name] = tensor.reshape(wanted[name].shape)
    if misfits:
        raise CheckpointRefused(
            f"The {NAMES[part.name]} in this file does not fit together: {_listed(misfits)} have "
            "another shape than the rest asks for. Download the file again."
        )
    return found


def empty(plan: Plan) -> nn.Module:
    """The module of a plan without memory for its weights."""
    try:
        with torch.device("meta"):
            return build(plan)
    except (ValueError, RuntimeError, ZeroDivisionError, AssertionError) as error:
        raise CheckpointRefused(
            "The widths of the network in this file fit none of XReal's or Cheff's networks. "
            "XReal Studio cannot use it."
        ) from error


def filled(plan: Plan, weights: dict[str, Tensor], name: str) -> Any:
    """The module of a plan with these weights (not copied), for inference only."""
    network = empty(plan)
    missing, extra = network.load_state_dict(weights, strict=False, assign=True)
    if missing or extra:
        raise lacks(NAMES[name], sorted([*missing, *extra]))
    return network.eval().requires_grad_(False)


def check_schedule(tensors: Mapping[str, Tensor], file: str) -> None:
    """Warn when a file was trained with another noise schedule than the one we compute."""
    theirs = tensors.get("alphas_cumprod")
    if theirs is None:
        return
    ours = ldm_linear()
    same = (
        theirs.shape == ours.shape and float((theirs.float() - ours).abs().max()) <= SAME_SCHEDULE
    )
    if not same:
        log.warning(
            "'%s' was trained with another noise schedule than XReal and Cheff publish; its "
            "pictures will be wrong in tone or noisy.",
            file,
        )


def latent_scale(tensors: Mapping[str, Tensor], otherwise: float) -> float:
    """The scale between autoencoder and diffusion model, from the file where it says so."""
    scale = tensors.get("scale_factor")
    if scale is None:
        return otherwise
    found = float(scale.double()) if scale.numel() == 1 else math.nan
    if not 0 < found < math.inf:
        raise CheckpointRefused(
            "The scale between autoencoder and diffusion model in this file is no positive number. "
            "The file is damaged. Download it again."
        )
    return found


def _picked(tensor: Tensor, source: Source, plan: Plan) -> Tensor | None:
    """The third of a packed tensor, or all of it; None where it cannot be divided so.

    Rows of a packed tensor go head by head, each with its query, key and value rows.
    """
    if source.third is None:
        return tensor
    assert isinstance(plan, UNetPlan)
    width = tensor.shape[0] // 3
    if tensor.shape[0] % 3 or width % plan.heads:
        return None
    heads = width // plan.heads
    grouped = tensor.reshape(heads, 3, plan.heads, *tensor.shape[1:])
    return grouped[:, source.third].reshape(width, *tensor.shape[1:])


def _fits(tensor: Tensor, wanted: Tensor) -> bool:
    """Same shape but for trailing ones (1x1 convolutions), real numbers, and really stored."""
    shape = list(tensor.shape)
    while len(shape) > wanted.ndim and shape[-1] == 1:
        shape.pop()
    stored = tensor.untyped_storage().nbytes() >= tensor.numel() * tensor.element_size()
    return shape == list(wanted.shape) and tensor.dtype in DTYPES and stored


def _listed(keys: list[str]) -> str:
    named = ", ".join(f"'{key}'" for key in keys[:3])
    return f"{named} and {len(keys) - 3} more" if len(keys) > 3 else named

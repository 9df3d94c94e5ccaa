"""What a published checkpoint holds, told from the names and shapes of its tensors alone.

File names and extensions mean nothing. Whatever training left behind (optimizer, averaged
weights, losses, schedule buffers, the unused word predictor) is ignored. What shapes cannot tell
is the role of a network: the three autoencoders share one architecture, and so do Cheff's and
XReal's report-conditioned models (see engine.checkpoints.roles).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.errors import CheckpointRefused
from engine.networks.ldm import (
    HEAD_WIDTH,
    AutoencoderPlan,
    ControlPlan,
    Plan,
    TextPlan,
    UNetPlan,
)
from engine.networks.sr_unet import SRPlan

Shapes = Mapping[str, tuple[int, ...]]
Kind = Literal["autoencoder", "unconditional", "words", "controlnet", "upscaler"]
MATRIX, CONVOLUTION = 2, 4  # axes of their weights
WORD_HEADS = 8  # of the U-Nets that read words; shapes cannot tell
HEAD_WIDTH_WITHOUT_WORDS = 32  # of the U-Net that does not

KINDS: dict[Kind, str] = {
    "autoencoder": "a KL autoencoder",
    "unconditional": "an unconditional diffusion model",
    "words": "a diffusion model that reads words",
    "controlnet": "a diffusion model with a ControlNet branch",
    "upscaler": "a super-resolution network",
}
PREFIXES = {
    "unet": "model.diffusion_model.",
    "text": "cond_stage_model.transformer.",
    "autoencoder": "first_stage_model.",
    "control": "control_model.",
}


@dataclass(frozen=True)
class Part:
    """One network of a file: its keys start with ``prefix``."""

    name: str  # autoencoder, unet, text, control or upscaler
    prefix: str
    plan: Plan


def kind_of(shapes: Shapes) -> Kind:
    """Which of the published layouts this is; refuses what is none of them."""

    def has(prefix: str) -> bool:
        return any(key.startswith(prefix) for key in shapes)

    if has("control_model."):
        return "controlnet"
    if has("model.diffusion_model."):
        reads = has("cond_stage_model.") or any(".attn2." in key for key in shapes)
        return "words" if reads else "unconditional"
    if has("encoder.") and has("decoder."):
        return "autoencoder"
    if has("init_conv.") and has("downs."):
        return "upscaler"
    raise CheckpointRefused(
        "This file holds no network that XReal Studio knows. It opens the published XReal and "
        "Cheff files: autoencoders, the anatomy controller, diffusion models, ControlNet and "
        "super-resolution."
    )


def parts_of(shapes: Shapes, kind: Kind, heads: int | None = None) -> tuple[Part, ...]:
    """The networks of a file with their plans.

    ``heads`` overrides what shapes cannot tell, see :class:`UNetPlan`; published files need none.
    """
    if kind == "autoencoder":
        return (Part("autoencoder", "", autoencoder_plan(shapes)),)
    if kind == "upscaler":
        return (Part("upscaler", "", sr_plan(shapes)),)
    parts = [_part("unet", shapes, heads)]
    if kind != "unconditional":
        parts.append(_part("text", shapes, None))
    if kind == "controlnet":
        parts.append(_part("control", shapes, heads))
    if any(key.startswith(PREFIXES["autoencoder"]) for key in shapes):
        parts.append(_part("autoencoder", shapes, None))
    return tuple(parts)


def _part(name: str, shapes: Shapes, heads: int | None) -> Part:
    prefix = PREFIXES[name]
    inside = {k.removeprefix(prefix): s for k, s in shapes.items() if k.startswith(prefix)}
    if name == "unet":
        return Part(name, prefix, unet_plan(inside, heads))
    if name == "text":
        return Part(name, prefix, text_plan(inside))
    if name == "control":
        return Part(name, prefix, control_plan(inside, heads))
    return Part(name, prefix, autoencoder_plan(inside))


def autoencoder_plan(shapes: Shapes) -> AutoencoderPlan:
    name = "autoencoder"
    levels = _count(shapes, "encoder.down.")
    widths = tuple(
        _rows(shapes, name, f"encoder.down.{i}.block.0.conv1.weight") for i in range(levels)
    )
    stem = _shape(shapes, name, "encoder.conv_in.weight", CONVOLUTION)
    return AutoencoderPlan(
        channels=stem[1],
        latent=_rows(shapes, name, "quant_conv.weight") // 2,
        widths=widths,
        resnets=_count(shapes, "encoder.down.0.block."),
    )


def unet_plan(shapes: Shapes, heads: int | None = None) -> UNetPlan:
    """From the encoder half, which a ControlNet branch has too."""
    name = "diffusion network"
    stem = _shape(shapes, name, "input_blocks.0.0.weight", CONVOLUTION)
    blocks = _count(shapes, "input_blocks.")
    levels: list[list[int]] = [[]]
    for i in range(1, blocks):
        if any(key.startswith(f"input_blocks.{i}.0.op.") for key in shapes):
            levels.append([])
        else:
            levels[-1].append(i)
    counts = {len(level) for level in levels}
    if len(counts) != 1 or counts == {0}:
        raise _not_ours(name, "its levels differ in depth")
    attends = tuple(
        any(key.startswith(f"input_blocks.{i}.1.") for key in shapes for i in level)
        for level in levels
    )
    readers = [s[1] for k, s in shapes.items() if k.endswith("attn2.to_k.weight") and len(s) == 2]
    words = readers[0] if readers else 0
    return UNetPlan(
        channels=stem[1],
        widths=tuple(_block_width(shapes, level[0]) for level in levels),
        resnets=counts.pop(),
        attends=attends,
        words=words,
        heads=heads or (WORD_HEADS if words else HEAD_WIDTH_WITHOUT_WORDS),
    )


def text_plan(shapes: Shapes) -> TextPlan:
    name = "text encoder"
    vocabulary, width = _shape(shapes, name, "token_emb.weight", MATRIX)
    layers = _count(shapes, "attn_layers.layers.")
    inner = _rows(shapes, name, "attn_layers.layers.1.1.net.0.0.weight", MATRIX)
    return TextPlan(
        vocabulary=vocabulary,
        positions=_rows(shapes, name, "pos_emb.emb.weight", MATRIX),
        width=width,
        layers=layers // 2,
        heads=_rows(shapes, name, "attn_layers.layers.0.1.to_q.weight", MATRIX) // HEAD_WIDTH,
        inner=inner,
    )


def control_plan(shapes: Shapes, heads: int | None = None) -> ControlPlan:
    name = "ControlNet branch"
    unet = unet_plan(shapes, heads)
    convolutions = range(0, 2 * _count_even(shapes, "input_hint_block."), 2)
    rows = [_rows(shapes, name, f"input_hint_block.{i}.weight") for i in convolutions]
    first = _shape(shapes, name, "input_hint_block.0.weight", CONVOLUTION)
    if len(rows) < 4 or len(rows) % 2:
        raise _not_ours(name, "its hint network has another depth")
    return ControlPlan(unet=unet, hint=(rows[0], *rows[2:-1:2]), hint_channels=first[1])


def sr_plan(shapes: Shapes) -> SRPlan:
    name = "super-resolution network"
    stem = _shape(shapes, name, "init_conv.weight", CONVOLUTION)
    dim = _shape(shapes, name, "time_mlp.1.weight", MATRIX)[1]
    stages = _count(shapes, "downs.")
    widths = [_rows(shapes, name, f"downs.{i}.0.block1.proj.weight") for i in range(stages)]
    if dim < 4 or any(width % dim for width in widths):
        raise _not_ours(name, "its widths are no multiples of its first")
    return SRPlan(
        dim=dim,
        first=stem[0],
        channels=stem[1],
        out_channels=_rows(shapes, name, "final_conv.1.weight"),
        multiples=tuple(width // dim for width in widths),
    )


def _block_width(shapes: Shapes, block: int) -> int:
    stem = f"input_blocks.{block}.0."
    axes = {
        "out_layers.3.weight": CONVOLUTION,
        "in_layers.2.weight": CONVOLUTION,
        "emb_layers.1.weight": MATRIX,
    }
    for key, count in axes.items():
        if stem + key in shapes:
            return _rows(shapes, "diffusion network", stem + key, count)
    raise lacks("diffusion network", [stem + "in_layers.2.weight"])


def _shape(shapes: Shapes, network: str, key: str, axes: int) -> tuple[int, ...]:
    if key not in shapes:
        raise lacks(network, [key])
    if len(shapes[key]) != axes:
        raise _not_ours(network, f"'{key}' has another shape")
    return shapes[key]


def _rows(shapes: Shapes, network: str, key: str, axes: int = CONVOLUTION) -> int:
    return _shape(shapes, network, key, axes)[0]


def _count(shapes: Shapes, prefix: str) -> int:
    """How many numbered parts follow ``prefix``: the highest number plus one, 0 for none."""
    numbers = {key.removeprefix(prefix).split(".")[0] for key in shapes if key.startswith(prefix)}
    count = max((int(n) for n in numbers if n.isdecimal() and len(n) < 6), default=-1) + 1
    if count > len(shapes):  # a whole network has a tensor for every number
        raise lacks("network", [f"{prefix}{i}" for i in range(3) if str(i) not in numbers])
    return count


def _count_even(shapes: Shapes, prefix: str) -> int:
    return (_count(shapes, prefix) + 1) // 2


def lacks(network: str, keys: list[str]) -> CheckpointRefused:
    """The refusal for tensors that are not in the file; names at most three of them."""
    named = ", ".join(f"'{key}'" for key in keys[:3])
    more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
    return CheckpointRefused(
        f"The {network} in this file is not whole: {named}{more} cannot be found. Download the "
        "file again; if it stays so, it is not one that XReal Studio can use."
    )


def _not_ours(network: str, why: str) -> CheckpointRefused:
    return CheckpointRefused(
        f"The {network} in this file is not XReal's or Cheff's: {why}. XReal Studio cannot use it."
    )

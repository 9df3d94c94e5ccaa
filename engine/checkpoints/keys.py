"""Where each tensor of our networks lies in a published file.

A :class:`Source` is the published key and, where the file packs query, key and value together,
which third. The names of our side are those of diffusers; numerics section 4 is the map.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from engine.networks.ldm import AutoencoderPlan, ControlPlan, Plan, TextPlan, UNetPlan

RESNET = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
CODEC_RESNET = {
    **{n: n for n in ("norm1", "conv1", "norm2", "conv2")},
    "nin_shortcut": "conv_shortcut",
}
CODEC_ATTENTION = {
    "norm": "group_norm",
    "q": "to_q",
    "k": "to_k",
    "v": "to_v",
    "proj_out": "to_out.0",
}
TEXT_ATTENTION = {
    "0": "self_attn_layer_norm",
    "1.to_q": "self_attn.q_proj",
    "1.to_k": "self_attn.k_proj",
    "1.to_v": "self_attn.v_proj",
    "1.to_out": "self_attn.out_proj",
}
TEXT_FORWARD = {"0": "final_layer_norm", "1.net.0.0": "fc1", "1.net.2": "fc2"}
THIRDS = ("to_q", "to_k", "to_v")

Pairs = Iterator[tuple[str, str]]  # (published module, our module)


class Source(NamedTuple):
    key: str
    third: int | None = None  # 0 query, 1 key, 2 value of a packed tensor


def sources(plan: Plan, ours: Iterable[str]) -> dict[str, Source]:
    """Our tensor name -> where it is, for every name in ``ours``; keys are without prefix."""
    pairs = {our: published for published, our in _pairs(plan)}
    if not pairs:
        return {name: Source(name) for name in ours}
    return {name: _source(name, pairs) for name in ours}


def _source(name: str, pairs: Mapping[str, str]) -> Source:
    module, inside = name, []
    while module not in pairs:
        module, _, last = module.rpartition(".")
        if not module:
            raise KeyError(name)
        inside.insert(0, last)
    published = pairs[module]
    if published.endswith(".qkv"):
        return Source(".".join((published, *inside)), THIRDS.index(module.rpartition(".")[2]))
    return Source(".".join((published, *inside)))


def _pairs(plan: Plan) -> Pairs:
    if isinstance(plan, AutoencoderPlan):
        yield from _autoencoder(plan)
    elif isinstance(plan, UNetPlan):
        yield from _unet_inward(plan)
        yield from _unet_outward(plan)
    elif isinstance(plan, TextPlan):
        yield from _text(plan)
    elif isinstance(plan, ControlPlan):
        yield from _unet_inward(plan.unet)
        yield from _control(plan)


def _within(published: str, our: str, names: Mapping[str, str]) -> Pairs:
    for theirs, ours in names.items():
        yield f"{published}.{theirs}", f"{our}.{ours}"


def _attention(plan: UNetPlan, published: str, our: str) -> Pairs:
    if plan.words:
        yield published, our  # the transformer's names are the same on both sides
        return
    yield f"{published}.norm", f"{our}.group_norm"
    yield f"{published}.proj_out", f"{our}.to_out.0"
    for third in THIRDS:
        yield f"{published}.qkv", f"{our}.{third}"


def _unet_inward(plan: UNetPlan) -> Pairs:
    yield "time_embed.0", "time_embedding.linear_1"
    yield "time_embed.2", "time_embedding.linear_2"
    yield "input_blocks.0.0", "conv_in"
    stride = plan.resnets + 1
    for level, attends in enumerate(plan.attends):
        for i in range(plan.resnets):
            block = f"input_blocks.{1 + level * stride + i}"
            yield from _within(f"{block}.0", f"down_blocks.{level}.resnets.{i}", RESNET)
            if attends:
                yield from _attention(plan, f"{block}.1", f"down_blocks.{level}.attentions.{i}")
        smaller = f"input_blocks.{(level + 1) * stride}.0.op"
        yield smaller, f"down_blocks.{level}.downsamplers.0.conv"
    yield from _within("middle_block.0", "mid_block.resnets.0", RESNET)
    yield from _attention(plan, "middle_block.1", "mid_block.attentions.0")
    yield from _within("middle_block.2", "mid_block.resnets.1", RESNET)


def _unet_outward(plan: UNetPlan) -> Pairs:
    stride = plan.resnets + 1
    for level, attends in enumerate(reversed(plan.attends)):
        for i in range(stride):
            block = f"output_blocks.{level * stride + i}"
            yield from _within(f"{block}.0", f"up_blocks.{level}.resnets.{i}", RESNET)
            if attends:
                yield from _attention(plan, f"{block}.1", f"up_blocks.{level}.attentions.{i}")
        larger = f"output_blocks.{level * stride + plan.resnets}.{2 if attends else 1}.conv"
        yield larger, f"up_blocks.{level}.upsamplers.0.conv"
    yield "out.0", "conv_norm_out"
    yield "out.2", "conv_out"


def _control(plan: ControlPlan) -> Pairs:
    hint = "controlnet_cond_embedding"
    blocks = 2 * (len(plan.hint) - 1)
    yield "input_hint_block.0", f"{hint}.conv_in"
    for i in range(blocks):
        yield f"input_hint_block.{2 * i + 2}", f"{hint}.blocks.{i}"
    yield f"input_hint_block.{2 * blocks + 2}", f"{hint}.conv_out"
    for i in range(len(plan.unet.widths) * (plan.unet.resnets + 1)):
        yield f"zero_convs.{i}.0", f"controlnet_down_blocks.{i}"
    yield "middle_block_out.0", "controlnet_mid_block"


def _autoencoder(plan: AutoencoderPlan) -> Pairs:
    levels = len(plan.widths)
    for half in ("encoder", "decoder"):
        yield f"{half}.conv_in", f"{half}.conv_in"
        yield f"{half}.norm_out", f"{half}.conv_norm_out"
        yield f"{half}.conv_out", f"{half}.conv_out"
        for i in (1, 2):
            ours = f"{half}.mid_block.resnets.{i - 1}"
            yield from _within(f"{half}.mid.block_{i}", ours, CODEC_RESNET)
        ours = f"{half}.mid_block.attentions.0"
        yield from _within(f"{half}.mid.attn_1", ours, CODEC_ATTENTION)
    for level in range(levels):
        down, up = f"encoder.down_blocks.{level}", f"decoder.up_blocks.{levels - 1 - level}"
        for i in range(plan.resnets):
            theirs = f"encoder.down.{level}.block.{i}"
            yield from _within(theirs, f"{down}.resnets.{i}", CODEC_RESNET)
        for i in range(plan.resnets + 1):
            theirs = f"decoder.up.{level}.block.{i}"
            yield from _within(theirs, f"{up}.resnets.{i}", CODEC_RESNET)
        yield f"encoder.down.{level}.downsample.conv", f"{down}.downsamplers.0.conv"
        yield f"decoder.up.{level}.upsample.conv", f"{up}.upsamplers.0.conv"
    yield "quant_conv", "quant_conv"
    yield "post_quant_conv", "post_quant_conv"


def _text(plan: TextPlan) -> Pairs:
    yield "token_emb", "embed_tokens"
    yield "pos_emb.emb", "embed_positions"
    yield "norm", "layer_norm"
    for i in range(plan.layers):
        layers = "attn_layers.layers"
        yield from _within(f"{layers}.{2 * i}", f"layers.{i}", TEXT_ATTENTION)
        yield from _within(f"{layers}.{2 * i + 1}", f"layers.{i}", TEXT_FORWARD)

"""The networks of the published latent diffusion models, as diffusers' classes.

A plan says everything that decides the shape of one network; it is what a checkpoint's shapes
tell (engine.checkpoints.recognise) and what a description file keeps. ``build_*`` makes the empty
module, on the meta device when called inside ``torch.device("meta")``. Mapping: numerics of XReal
and Cheff, section 4. Importing this file does not import diffusers.
"""

from dataclasses import asdict, dataclass
from typing import Any

from torch import nn

from engine.networks.sr_unet import SRPlan, SRUNet


@dataclass(frozen=True, kw_only=True)
class AutoencoderPlan:
    """KL autoencoder; ``widths`` from full resolution inwards, halved between them."""

    channels: int = 3
    latent: int = 3
    widths: tuple[int, ...] = (128, 256, 512)
    resnets: int = 2

    @property
    def cell(self) -> int:
        return 2 ** (len(self.widths) - 1)


@dataclass(frozen=True, kw_only=True)
class UNetPlan:
    """Noise predictor. ``heads`` counts heads when there are words, else it is a head's width.

    ``words`` is the width of the text states, 0 for none; ``attends`` says for each level whether
    it attends.
    """

    channels: int = 3
    widths: tuple[int, ...] = (224, 448, 896, 896)
    resnets: int = 2
    attends: tuple[bool, ...] = (False, True, True, True)
    words: int = 1280
    heads: int = 8


@dataclass(frozen=True, kw_only=True)
class TextPlan:
    """Transformer over word pieces, before-norm, learned positions; heads are 64 wide."""

    vocabulary: int = 30522
    positions: int = 150
    width: int = 1280
    layers: int = 32
    heads: int = 8
    inner: int = 5120


@dataclass(frozen=True, kw_only=True)
class ControlPlan:
    """ControlNet branch over ``unet``; the hint is 4 times the latent's side."""

    unet: UNetPlan
    hint: tuple[int, ...] = (16, 32, 96, 256)
    hint_channels: int = 3


Plan = AutoencoderPlan | UNetPlan | TextPlan | ControlPlan | SRPlan
PLANS: dict[str, type[Any]] = {
    "autoencoder": AutoencoderPlan,
    "unet": UNetPlan,
    "text": TextPlan,
    "control": ControlPlan,
    "upscaler": SRPlan,
}
HEAD_WIDTH = 64  # of the text encoder


def plan_of(network: str, values: dict[str, Any]) -> Plan:
    """A plan from its JSON form (see :func:`plan_values`)."""
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    if network == "control":
        fields["unet"] = plan_of("unet", fields["unet"])
    return PLANS[network](**fields)


def plan_values(plan: Plan) -> dict[str, Any]:
    return asdict(plan)


def build_autoencoder(plan: AutoencoderPlan) -> nn.Module:
    from diffusers import AutoencoderKL

    levels: dict[str, Any] = {
        "block_out_channels": plan.widths,
        "down_block_types": ("DownEncoderBlock2D",) * len(plan.widths),
        "up_block_types": ("UpDecoderBlock2D",) * len(plan.widths),
    }
    return AutoencoderKL(
        in_channels=plan.channels,
        out_channels=plan.channels,
        latent_channels=plan.latent,
        layers_per_block=plan.resnets,
        **levels,
    )


def build_unet(plan: UNetPlan) -> nn.Module:
    from diffusers import UNet2DConditionModel, UNet2DModel

    common: dict[str, Any] = {
        "sample_size": 64,
        "in_channels": plan.channels,
        "out_channels": plan.channels,
        "block_out_channels": plan.widths,
        "layers_per_block": plan.resnets,
        "attention_head_dim": plan.heads,
        "norm_eps": 1e-5,
        "flip_sin_to_cos": True,
        "freq_shift": 0,
        "downsample_padding": 1,
    }
    attending = "CrossAttn{}Block2D" if plan.words else "Attn{}Block2D"
    downs, ups = _blocks(plan.attends, attending)
    if plan.words:
        return UNet2DConditionModel(
            down_block_types=downs, up_block_types=ups, cross_attention_dim=plan.words, **common
        )
    return UNet2DModel(down_block_types=downs, up_block_types=ups, **common)


def build_text_encoder(plan: TextPlan) -> nn.Module:
    """Called with token numbers (B, positions); ``.last_hidden_state`` is (B, positions, width)."""
    from diffusers.pipelines.latent_diffusion.pipeline_latent_diffusion import (
        LDMBertConfig,
        LDMBertModel,
    )

    config = LDMBertConfig(
        vocab_size=plan.vocabulary,
        max_position_embeddings=plan.positions,
        encoder_layers=plan.layers,
        encoder_ffn_dim=plan.inner,
        encoder_attention_heads=plan.heads,
        head_dim=HEAD_WIDTH,
        d_model=plan.width,
    )
    return LDMBertModel(config).model  # without the word predictor, which nothing here uses


def build_control(plan: ControlPlan) -> nn.Module:
    from diffusers import ControlNetModel

    downs, _ = _blocks(plan.unet.attends, "CrossAttn{}Block2D")
    network = ControlNetModel(
        in_channels=plan.unet.channels,
        conditioning_channels=plan.hint_channels,
        down_block_types=downs,
        block_out_channels=plan.unet.widths,
        layers_per_block=plan.unet.resnets,
        attention_head_dim=plan.unet.heads,
        cross_attention_dim=plan.unet.words,
        conditioning_embedding_out_channels=plan.hint,
        flip_sin_to_cos=True,
        freq_shift=0,
        downsample_padding=1,
        norm_eps=1e-5,
    )
    # The hint is seen at a quarter of its side, not an eighth as diffusers assumes.
    last = network.controlnet_cond_embedding.blocks[-1]
    assert isinstance(last, nn.Conv2d)
    last.stride = (1, 1)
    return network


def build(plan: Plan) -> nn.Module:
    """The empty module of any plan."""
    if isinstance(plan, AutoencoderPlan):
        return build_autoencoder(plan)
    if isinstance(plan, UNetPlan):
        return build_unet(plan)
    if isinstance(plan, TextPlan):
        return build_text_encoder(plan)
    if isinstance(plan, ControlPlan):
        return build_control(plan)
    return SRUNet(plan)


def _blocks(attends: tuple[bool, ...], name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    downs = tuple(name.format("Down") if a else "DownBlock2D" for a in attends)
    ups = tuple(name.format("Up") if a else "UpBlock2D" for a in reversed(attends))
    return downs, ups

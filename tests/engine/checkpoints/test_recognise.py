"""Published networks are told from names and shapes, at full and at small size."""

import csv
import gzip
import io
import re

import pytest
import torch
from torch import Tensor

from engine import golden
from engine.checkpoints.convert import check_schedule, gather, latent_scale
from engine.checkpoints.recognise import kind_of, parts_of
from engine.errors import CheckpointRefused
from engine.networks.ldm import AutoencoderPlan, TextPlan, UNetPlan
from engine.networks.sr_unet import SRPlan
from engine.schedules import ldm_linear
from tests.engine.conftest import GOLDEN

UNET = UNetPlan()  # the defaults of the plans are the published sizes
UNCONDITIONAL = {
    "cheff_diff_uncond__mult1234_inference_code": (224, 448, 672, 896),
    "cheff_diff_uncond__mult1244_yml": (224, 448, 896, 896),
}
KIND = {
    "cheff_autoencoder": "autoencoder",
    "xreal_ldm_ae": "autoencoder",
    "xreal_anatomy_controller": "autoencoder",
    "cheff_sr_base": "upscaler",
    "cheff_sr_fine": "upscaler",
    "cheff_diff_t2i": "words",
    "xreal_backbone": "words",
    "xreal_cnet": "controlnet",
    **dict.fromkeys(UNCONDITIONAL, "unconditional"),
}


def inventory(name: str) -> tuple[dict[str, Tensor], set[str]]:
    """Key -> tensor without memory for one full-size file, and the keys a loader needs."""
    text = gzip.decompress((GOLDEN / "inventory" / f"{name}.tsv.gz").read_bytes()).decode()
    rows = list(csv.DictReader(io.StringIO(text), delimiter="\t"))
    tensors = {}
    for row in rows:
        shape = [] if row["shape"] == "scalar" else [int(n) for n in row["shape"].split("x")]
        kind = getattr(torch, row["dtype"])
        tensors[row["key"]] = torch.empty(shape, dtype=kind, device="meta")
    return tensors, {row["key"] for row in rows if row["loader"] == "needed"}


def shapes_of(tensors: dict[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {key: tuple(tensor.shape) for key, tensor in tensors.items()}


def small(name: str) -> dict[str, Tensor]:
    content = golden.read_checkpoint(GOLDEN, name)
    return content.get("state_dict") or content["model"]


@pytest.mark.parametrize("name", KIND)
def test_every_needed_tensor_of_a_full_size_file_finds_its_place(name):
    tensors, needed = inventory(name)

    kind = kind_of(shapes_of(tensors))
    parts = parts_of(shapes_of(tensors), kind)
    networks = {part.name: gather(part, tensors) for part in parts}

    assert kind == KIND[name]
    values = sum(t.numel() for network in networks.values() for t in network.values())
    assert values == sum(tensors[key].numel() for key in needed)


@pytest.mark.parametrize("name", KIND)
def test_the_architecture_of_a_full_size_file_is_told_from_its_shapes(name):
    tensors, _ = inventory(name)

    parts = parts_of(shapes_of(tensors), kind_of(shapes_of(tensors)))
    plans = {part.name: part.plan for part in parts}

    if name in UNCONDITIONAL:
        unet = UNetPlan(widths=UNCONDITIONAL[name], words=0, heads=32)
        assert plans == {"unet": unet, "autoencoder": AutoencoderPlan()}
    elif KIND[name] == "upscaler":
        assert plans == {"upscaler": SRPlan()}
    elif KIND[name] == "autoencoder":
        assert plans == {"autoencoder": AutoencoderPlan()}
    else:
        assert plans["unet"] == UNET
        assert plans["text"] == TextPlan()
        assert plans["autoencoder"] == AutoencoderPlan()
        if name == "xreal_cnet":
            assert plans["control"].unet == UNET
            assert plans["control"].hint == (16, 32, 96, 256)


@pytest.mark.parametrize(
    "drop",
    [
        "encoder.down.1.block.0.conv1.weight",
        "decoder.up.0.block.2.norm1.bias",
        "quant_conv.weight",
        "encoder.conv_in.weight",
    ],
)
def test_a_missing_tensor_is_named_with_its_network(drop):
    tensors = small("xreal_ldm_ae")
    del tensors[drop]

    with pytest.raises(CheckpointRefused, match=f"autoencoder in this file is not whole: '{drop}"):
        _take(tensors)


def test_at_most_three_missing_tensors_are_named():
    tensors = {k: v for k, v in small("xreal_ldm_ae").items() if "decoder.mid" not in k}

    with pytest.raises(CheckpointRefused, match=r"('[\w.]+',? ?){3} and 23 more"):
        _take(tensors)


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("decoder.up.0.block.2.conv1.weight", (32, 32, 1, 1)),
        ("encoder.norm_out.weight", (65,)),
        ("post_quant_conv.weight", (3, 4, 1, 1)),
    ],
)
def test_a_tensor_of_another_shape_is_named(key, shape):
    tensors = small("xreal_ldm_ae")
    tensors[key] = torch.zeros(shape)

    with pytest.raises(CheckpointRefused, match=f"does not fit together: '{key}'"):
        _take(tensors)


@pytest.mark.parametrize("shape", [(), (16,), (1000, 16, 1)])
@pytest.mark.parametrize(
    "key",
    [
        "cond_stage_model.transformer.token_emb.weight",
        "model.diffusion_model.input_blocks.1.0.out_layers.3.weight",
    ],
)
def test_a_tensor_with_other_axes_is_refused_where_it_tells_the_sizes(key, shape):
    tensors = small("xreal_backbone")
    assert key in tensors
    tensors[key] = torch.zeros(shape)

    with pytest.raises(CheckpointRefused, match=re.escape(f"'{key.split('.', 2)[2]}' has another")):
        _take(tensors)


def test_a_needed_tensor_that_is_one_number_spread_out_is_refused():
    """It would take no room in the file and any amount after conversion."""
    tensors = small("xreal_ldm_ae")
    key = "decoder.up.0.block.2.conv1.weight"
    tensors[key] = torch.zeros(1).expand(tensors[key].shape)

    with pytest.raises(CheckpointRefused, match="does not fit together"):
        _take(tensors)


def test_parts_that_the_published_network_does_not_have_are_refused():
    tensors = small("xreal_ldm_ae")
    tensors["encoder.down.0.attn.0.q.weight"] = torch.zeros(32, 32, 1, 1)

    with pytest.raises(CheckpointRefused, match=r"do not have: 'encoder.down.0.attn.0.q.weight'"):
        _take(tensors)


@pytest.mark.parametrize(
    "keys",
    [
        ["conv1.weight", "layer1.0.conv1.weight", "fc.weight"],
        ["control"],
        [],
    ],
)
def test_a_network_of_another_kind_is_refused(keys):
    with pytest.raises(CheckpointRefused, match="no network that XReal Studio knows"):
        _take({key: torch.zeros(2, 2) for key in keys})


def test_a_branch_without_its_diffusion_model_is_refused():
    with pytest.raises(CheckpointRefused, match="diffusion network in this file is not whole"):
        _take(small("part_xreal_cnet_control"))


def test_a_text_encoder_of_another_family_is_refused():
    tensors = small("xreal_backbone")
    kept = {k: v for k, v in tensors.items() if not k.startswith("cond_stage_model.")}
    kept["cond_stage_model.transformer.text_model.final_layer_norm.weight"] = torch.zeros(16)

    with pytest.raises(CheckpointRefused, match="text encoder in this file is not whole"):
        _take(kept)


def test_absurd_numbers_in_names_do_not_keep_us_busy():
    tensors = small("xreal_ldm_ae")
    tensors["encoder.down.99999.block.0.conv1.weight"] = torch.zeros(1)

    with pytest.raises(CheckpointRefused):
        _take(tensors)


def test_packed_attention_is_unpacked_head_by_head():
    """Rows 0-2 of a head are its query, key and value; two heads of width 1."""
    tensors = small("cheff_diff_uncond")
    shapes = shapes_of(tensors)
    part = parts_of(shapes, kind_of(shapes), heads=16)[0]
    key = "model.diffusion_model.input_blocks.4.1.qkv.bias"
    tensors[key] = torch.arange(96.0)  # 2 heads x (query, key, value) x 16

    network = gather(part, tensors)

    name = "down_blocks.1.attentions.0.to_{}.bias"
    assert network[name.format("q")].tolist() == [*range(16), *range(48, 64)]
    assert network[name.format("k")].tolist() == [*range(16, 32), *range(64, 80)]
    assert network[name.format("v")].tolist() == [*range(32, 48), *range(80, 96)]


def test_a_foreign_noise_schedule_is_warned_about(caplog):
    check_schedule({"alphas_cumprod": ldm_linear()}, "ours.pt")
    check_schedule({}, "trimmed.pt")
    assert caplog.text == ""

    check_schedule({"alphas_cumprod": ldm_linear() + 2e-6}, "theirs.pt")

    assert "'theirs.pt' was trained with another noise schedule" in caplog.text


def test_a_latent_scale_in_the_file_wins():
    assert latent_scale({}, 0.18215) == 0.18215
    assert latent_scale({"scale_factor": torch.tensor(0.5)}, 0.18215) == 0.5


def _take(tensors: dict[str, Tensor]) -> None:
    shapes = shapes_of(tensors)
    for part in parts_of(shapes, kind_of(shapes)):
        gather(part, tensors)

"""How closely we repeat the authors' code: every recorded run, measured, as a table.

    python -m engine parity --golden tests/golden [--out docs/parity.md]

Tolerances are those with which the runs were recorded: single network calls 1e-5, latents after
sampling 5e-5, XReal's two-stage image 5e-4 at most and 5e-6 on average, in float32.
"""

import argparse
import copy
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor

from engine import golden
from engine.checkpoints.store import import_file
from engine.errors import EngineError
from engine.golden import Case
from engine.parity_table import Measure, table
from engine.published import PublishedModels, open_published
from engine.published.models import VOCABULARY
from engine.published.networks import PublishedUpscaler
from engine.published.tokens import read_tokenizer
from engine.recipes import pipelines
from engine.sampling import Noise, ddim_steps
from engine.schedules import ldm_linear, sr_cosine_betas

CALL, LATENT, IMAGE, RESAMPLED, EXACT = 1e-5, 5e-5, 5e-5, 1e-6, 0.0
TWO_STAGE, TWO_STAGE_MEAN = 5e-4, 5e-6
SMALL = (1, 3, 32, 32)  # latents of the recorded Cheff and ControlNet runs

RECORDED = Path(__file__).parent.parent / "tests" / "golden"

Found = Iterator[tuple[str, Tensor, Tensor, float]]  # what, ours, theirs, tolerance


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--golden",
        type=Path,
        default=RECORDED,
        metavar="DIR",
        help="recorded runs of the authors' code (default: tests/golden)",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the table here too")


def run(args: argparse.Namespace) -> int:
    """Measure all cases; 0 if every one is within its tolerance, else 1."""
    if not (args.golden / "checkpoints").is_dir():
        raise EngineError(
            f"There are no recorded runs in '{args.golden}'. They are part of the source, under "
            "tests/golden."
        )
    with tempfile.TemporaryDirectory() as work:
        models = open_recorded(args.golden, Path(work))
        measures = []
        for name in CASES:
            sys.stderr.write(f"{name}\n")
            measures += measure(golden.read_case(args.golden, name), models)
    text = table(measures)
    sys.stdout.write(text)
    if args.out is not None:
        args.out.write_text(text, "utf-8")
    return 0 if all(m.within for m in measures) else 1


def open_recorded(folder: Path, work: Path) -> PublishedModels:
    """The recorded checkpoints, written as published, imported and opened on the CPU."""
    for name, path in golden.write_checkpoints(folder, work / "published").items():
        role, heads = golden.ROLES[name], golden.HEADS.get(name)
        import_file(path, work / "models", role=role, heads=heads)
        path.unlink()
    return open_published(work / "models", torch.device("cpu"), torch.float32).exact


def measure(case: Case, models: PublishedModels) -> list[Measure]:
    """Compare one case, with recorded noise where it is kept and with noise from its seed."""
    if not case.draws:
        return list(_measures(case, "none", CASES[case.name](models, case, _silence)))
    found = list(_measures(case, "seed", CASES[case.name](models, case, case.seed_noise())))
    if case.noises:
        again = CASES[case.name](models, case, case.recorded_noise())
        found += _measures(case, "recorded", again)
    return found


def _measures(case: Case, noise: str, found: Found) -> Iterator[Measure]:
    for what, ours, theirs, tolerance in found:
        assert ours.shape == theirs.shape, (case.name, what, ours.shape, theirs.shape)
        apart = (ours.double() - theirs.double()).abs()
        mean = TWO_STAGE_MEAN if tolerance == TWO_STAGE else None
        largest, average = float(apart.max()), float(apart.mean())
        yield Measure(case.name, noise, what, tolerance, largest, average, mean)


def _silence(_shape: tuple[int, ...]) -> Tensor:
    raise AssertionError("this case draws no noise")


@torch.inference_mode()
def _autoencoder(models: PublishedModels, case: Case, role: str) -> Found:
    codec = models.autoencoder(role)
    assert codec is not None
    mean, spread = codec.moments(case.inputs["x"])
    yield "posterior mean", mean, case.outputs["z_mode"], CALL
    if "logvar_clamped" in case.outputs:
        yield "posterior log-variance", 2 * spread.log(), case.outputs["logvar_clamped"], CALL
    yield "decoded", codec.decode_own(case.outputs["z_mode"]), case.outputs["rec"], CALL


@torch.inference_mode()
def _text(models: PublishedModels, case: Case, _: Noise) -> Found:
    model = models.text_to_image
    assert model is not None and model.diffusion.words is not None
    tokenizer = read_tokenizer(VOCABULARY)
    texts, tokens = case.inputs["texts"], case.outputs["tokens"]
    numbers = torch.tensor([tokenizer(text, tokens.shape[1]) for text in texts])
    yield "word pieces", numbers, tokens, EXACT
    states = torch.cat([model.diffusion.words.states(text) for text in texts])
    yield "states", states, case.outputs["emb"], CALL


@torch.inference_mode()
def _unet(models: PublishedModels, case: Case, role: str) -> Found:
    model = models.text_to_image if role == "text_to_image" else models.unconditional
    assert model is not None
    x, times, states = case.inputs["x"], case.inputs["t"], case.inputs.get("context")
    found = [
        model.diffusion.eps(x[i : i + 1], int(t), None if states is None else states[i : i + 1])
        for i, t in enumerate(times)
    ]
    yield "noise", torch.cat(found), case.outputs["out"], CALL


@torch.inference_mode()
def _control(models: PublishedModels, case: Case, _: Noise) -> Found:
    model = models.controlnet
    assert model is not None
    x, t, states = case.inputs["x"], case.inputs["t"], case.inputs["context"]
    downs, middle = models.shelf.network(model.stored, "control", torch.float32, exact=True)(
        x, t, states, case.inputs["hint"], return_dict=False
    )
    for i, control in enumerate((*downs, middle)):
        yield f"control {i}", control, case.outputs[f"control_{i:02}"], CALL
    eps = model.diffusion.eps
    plain, controlled = eps(x, int(t), states), eps(x, int(t), states, case.inputs["hint"])
    yield "noise", controlled, case.outputs["eps"], CALL
    yield "noise without control", plain, case.outputs["eps_nocontrol"], CALL


@torch.inference_mode()
def _sr_unet(models: PublishedModels, case: Case, _: Noise) -> Found:
    upscaler = _small_upscaler(models)
    x, condition = case.inputs["x"][:, :1], case.inputs["x"][:, 1:]
    yield "noise", upscaler.eps(x, int(case.inputs["t"]), condition), case.outputs["out"], CALL


def _sample(models: PublishedModels, case: Case, noise: Noise) -> Found:
    by_prefix = {
        "cheff_uncond": models.unconditional,
        "cheff_t2i": models.text_to_image,
        "xreal_sample": models.xreal,
    }
    model = next(m for prefix, m in by_prefix.items() if case.name.startswith(prefix))
    assert model is not None
    latent = pipelines.sample(
        model,
        noise,
        words=case.call.get("conditioning", ""),
        shape=case.draws[0],
        steps=case.call["sampling_steps"],
        eta=case.call["eta"],
    )
    if case.call.get("decode") is False:
        yield "latent", latent, case.outputs["out"], LATENT
        return
    yield "latent", latent, case.outputs["decode_in_0"], LATENT
    if "out" in case.outputs:
        yield "image", pipelines.decoded(model, latent), case.outputs["out"], IMAGE


def _inpaint(models: PublishedModels, case: Case, noise: Noise) -> Found:
    model = models.text_to_image
    assert model is not None
    latent = pipelines.inpaint(
        model,
        noise,
        picture=case.inputs["target_img"],
        keep=case.inputs["mask"],
        words=case.call["conditioning"],
        steps=case.call["sampling_steps"],
        eta=case.call["eta"],
        unscaled_reference=True,  # what was recorded; ours is right by default
    )
    yield "latent", latent, case.outputs["decode_in_0"], LATENT
    yield "image", pipelines.decoded(model, latent), case.outputs["out"], IMAGE


def _spatial(models: PublishedModels, case: Case, noise: Noise) -> Found:
    model, call = models.xreal, case.call
    assert model is not None
    latent = pipelines.spatial(
        model,
        noise,
        target=case.inputs["target_img"],
        keep=case.inputs["mask"],
        words=call["conditioning"],
        unguided=call.get("unconditional_conditioning"),
        guidance=call.get("unconditional_guidance_scale", 1.0),
        steps=call["sampling_steps"],
        eta=call.get("eta", 1.0),
        held_steps=call.get("mask_timesteps"),
        linear=call.get("use_mask_linear_scale", False),
        power=call.get("mask_polynomial"),
    )
    yield "latent", latent, case.outputs["decode_in_0"], LATENT
    yield "image", pipelines.decoded(model, latent), case.outputs["out"], IMAGE


def _two_stages(models: PublishedModels, case: Case, noise: Noise) -> Found:
    model, call = models.xreal, case.call
    assert model is not None and model.controller is not None
    _, drawn = pipelines.follow_organs(
        model,
        model.controller,
        noise,
        anatomy=case.inputs["anatomy_mask"],
        steps=call["sampling_steps"],
    )
    picture = pipelines.add_finding(
        model,
        noise,
        picture=drawn,
        region=case.inputs["pathology_mask"][None, None],
        words=call["pathology"],
        steps=call["sampling_steps"],
        guidance=call["unconditional_guidance_scale"],
    )
    image = picture.clamp(0, 1)[0].permute(1, 2, 0)
    yield "image", image, case.outputs["image_hwc"], TWO_STAGE


def _preprocess(_models: PublishedModels, case: Case, _: Noise) -> Found:
    labels = case.inputs["labels256_anatomy"]
    maps = {
        "labels256": labels,
        "labels512": labels.repeat_interleave(2, 0).repeat_interleave(2, 1),
        "labels96x80": case.inputs["labels96x80_anatomy"],
        "unit_max1": case.inputs["unit_max1_anatomy"],
        "below1": case.inputs["below1_anatomy"],
        "int64": labels.long(),
    }
    for name, anatomy in maps.items():
        whole, cells = pipelines.anatomy_inputs(anatomy)
        if f"{name}_controller_in" in case.outputs:
            seen = case.outputs[f"{name}_controller_in"]
            yield f"{name}, controller", whole[:, :1], seen, RESAMPLED
        yield f"{name}, sampler", cells[0], case.outputs[f"{name}_stage1_mask"], EXACT


def _control_sample(models: PublishedModels, case: Case, noise: Noise) -> Found:
    model = models.controlnet
    assert model is not None
    latent = pipelines.control_sample(
        model,
        noise,
        hint=case.inputs["input_mask"],
        words=case.call["conditioning"],
        steps=case.call["sampling_steps"],
        eta=case.call["eta"],
    )
    yield "latent", latent, case.outputs["decode_in_0"], LATENT
    yield "image", pipelines.decoded(model, latent), case.outputs["out"], IMAGE


def _enlarge(models: PublishedModels, case: Case, noise: Noise) -> Found:
    upscaler, film, call = _small_upscaler(models), case.inputs["img"], case.call
    yield "condition", upscaler.condition(film), case.outputs["cond"], RESAMPLED
    if call["method"] == "ddim":
        steps, eta = call["sampling_steps"], call["eta"]
        x = pipelines.enlarge_ddim(upscaler, noise, film=film, steps=steps, eta=eta)
    else:
        betas = sr_cosine_betas(25)  # the chain was recorded with 25 steps to stay small
        x = pipelines.enlarge_ddpm(upscaler, noise, film=film, betas=betas)
    yield "before clamping", x, case.outputs["raw_before_clamp"], LATENT
    yield "image", upscaler.picture(x, film), case.outputs["out"], IMAGE


def _schedules(_models: PublishedModels, case: Case, _: Noise) -> Found:
    abars, recorded = ldm_linear(), case.outputs
    yield "alphas_cumprod", abars, recorded["ldm_alphas_cumprod_f32"], EXACT
    for key in recorded:
        if not key.startswith("ldm_S") or not key.endswith("_timesteps"):
            continue
        count = int(key.removeprefix("ldm_S").removesuffix("_timesteps"))
        for eta in (0, 1):
            steps = ddim_steps(abars, count, eta)[::-1]
            times = torch.tensor([s.t for s in steps])
            sigmas = torch.tensor([s.sigma for s in steps])
            name = f"ldm_S{count}_eta{eta}_sigmas"
            yield f"times of {count} steps", times, recorded[key], EXACT
            yield f"sigmas of {count} steps, eta {eta}", sigmas, recorded[name], RESAMPLED


def _small_upscaler(models: PublishedModels) -> PublishedUpscaler:
    """The recorded network enlarges to 128 px, not 1024."""
    assert models.sr is not None
    small = copy.copy(models.sr)
    small.side = 128
    return small


def _bound(function: Callable[..., Found], role: str) -> Callable[..., Found]:
    return lambda models, case, _noise: function(models, case, role)


CASES: dict[str, Callable[[PublishedModels, Case, Noise], Found]] = {
    "schedules": _schedules,
    "text_encoder": _text,
    "unet_t2i_forward": _bound(_unet, "text_to_image"),
    "unet_uncond_forward": _bound(_unet, "unconditional"),
    "unet_sr_forward": _sr_unet,
    "cnet_forward": _control,
    "cheff_ae": _bound(_autoencoder, "cheff_autoencoder"),
    "xreal_anatomy_ae": _bound(_autoencoder, "anatomy_controller"),
    "xreal_preprocess": _preprocess,
    "cheff_uncond_sample_b2_s5_eta0": _sample,
    "cheff_uncond_sample_b2_s5_eta1": _sample,
    "cheff_uncond_sample_s30_is31": _sample,
    "cheff_t2i_sample_s5_eta0": _sample,
    "cheff_t2i_sample_s5_eta1": _sample,
    "cheff_t2i_inpaint_s5": _inpaint,
    "xreal_sample_s5_eta0": _sample,
    "xreal_sample_s5_eta1": _sample,
    "xreal_spatial16_nomt": _spatial,
    "xreal_spatial16_linear": _spatial,
    "xreal_spatial16_poly2": _spatial,
    "xreal_spatial16_mt10_eta0": _spatial,
    "xreal_spatial16_mt10_linear_ignored": _spatial,
    "xreal_spatial16_mt10_poly2": _spatial,
    "xreal_spatial16_s100_mt50": _spatial,
    "xreal_controlled_s8": _two_stages,
    "xreal_cnet_sample_s5": _control_sample,
    "cheff_sr_ddim_s10_eta0": _enlarge,
    "cheff_sr_ddpm_T25": _enlarge,
}

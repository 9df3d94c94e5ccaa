"""A request that exists is valid; every other one is refused in a sentence."""

import math

import numpy as np
import pytest

from engine.api import (
    Batch,
    EraseRequest,
    Finding,
    GenerateRequest,
    InsertRequest,
    OutpaintRequest,
    Sampling,
    SegmentRequest,
    UpscaleRequest,
)
from engine.errors import InvalidRequest

IMAGE = np.full((64, 48), 0.5, np.float32)
MASK = np.zeros((64, 48), np.float32)
MASK[5:9, 5:9] = 1
ORGANS = (MASK * 3).astype(np.uint8)


def with_value(value):
    image = IMAGE.copy()
    image[3, 3] = value
    return image


REFUSED = {
    "an empty mask": (lambda: EraseRequest(image=IMAGE, mask=MASK * 0), "empty"),
    "a mask of another size": (lambda: EraseRequest(image=IMAGE, mask=MASK.T.copy()), "64 x 48"),
    "a mask above one": (lambda: EraseRequest(image=IMAGE, mask=MASK * 2), "outside 0 to 1"),
    "a mask that is not a number": (
        lambda: EraseRequest(image=IMAGE, mask=MASK * np.float32("nan")),
        "finite",
    ),
    "a picture above one": (lambda: EraseRequest(image=with_value(1.5), mask=MASK), "outside 0"),
    "a picture with infinity": (lambda: SegmentRequest(image=with_value(np.inf)), "finite"),
    "a tiny picture": (lambda: SegmentRequest(image=IMAGE[:8, :8]), "smallest"),
    "a huge picture": (
        lambda: SegmentRequest(image=np.zeros((64, 9000), np.float32)),
        "largest",
    ),
    "a colour picture": (lambda: SegmentRequest(image=np.zeros((3, 64, 64), np.float32)), "grey"),
    "outlines of another size": (
        lambda: EraseRequest(image=IMAGE, mask=MASK, organs=ORGANS.T.copy()),
        "outlines",
    ),
    "an empty organ map": (lambda: GenerateRequest(organs=ORGANS * 0), "empty"),
    "an unknown organ": (lambda: GenerateRequest(organs=ORGANS * 3), "label 9"),
    "a finding that does not fit the map": (
        lambda: GenerateRequest(
            organs=ORGANS, findings=(Finding(text="effusion", mask=MASK.T.copy()),)
        ),
        "48 x 64",
    ),
    "a new finding without words": (
        lambda: GenerateRequest(organs=ORGANS, findings=(Finding(text=" ", mask=MASK),)),
        "needs words",
    ),
    "an insertion of nothing": (lambda: InsertRequest(image=IMAGE, findings=()), "no finding"),
    "outpainting of nothing": (
        lambda: OutpaintRequest(image=IMAGE, keep=np.ones_like(IMAGE)),
        "empty",
    ),
    "outpainting from nothing": (
        lambda: OutpaintRequest(image=IMAGE, keep=np.zeros_like(IMAGE)),
        "Nothing of the picture",
    ),
    "a large picture to upscale": (
        lambda: UpscaleRequest(image=np.zeros((1024, 64), np.float32)),
        "already 1024",
    ),
    "an unknown method": (lambda: UpscaleRequest(image=IMAGE, method="magic"), "ddim"),  # type: ignore[arg-type]
    "a seed in words": (lambda: Sampling(seed="seven"), "whole number"),  # type: ignore[arg-type]
    "a seed with a fraction": (lambda: Sampling(seed=1.5), "whole number"),  # type: ignore[arg-type]
    "a negative seed": (lambda: Sampling(seed=-1), "whole number"),
    "an unknown quality": (lambda: Sampling(quality="superb"), "draft, standard and fine"),
    "exact at a quality": (lambda: Sampling(exact=True, quality="fine"), "authors' own settings"),
    "no detail steps": (lambda: Sampling(detail_steps=0), "between 1 and 2000"),
    "no steps": (lambda: Sampling(steps=0), "between 1 and 2000"),
    "an unknown sampler": (lambda: Sampling(sampler="euler"), "ddim and dpmpp"),  # type: ignore[arg-type]
    "too much eta": (lambda: Sampling(eta=2), "0 to 1"),
    "guidance below one": (lambda: Sampling(guidance=0.5), "1 to 30"),
    "guidance that lasts less than a step": (lambda: Sampling(guidance_lasts=0.9), "1 .* to 100"),
    "guidance that lasts for ever": (lambda: Sampling(guidance_lasts=math.inf), "1 .* to 100"),
    "exact with lasting guidance": (
        lambda: Sampling(exact=True, guidance_lasts=2),
        "guidance out at every step",
    ),
    "a finding of no strength": (lambda: Finding(text="x", mask=MASK, strength=-1), "0 to 2"),
    "too strong a finding": (lambda: Finding(text="x", mask=MASK, strength=2.1), "0 to 2"),
    "a strength that is no number": (
        lambda: Finding(text="x", mask=MASK, strength=math.nan),
        "0 to 2",
    ),
    "exact with another sampler": (lambda: Sampling(exact=True, sampler="dpmpp"), "ddim"),
    "a batch of nothing": (
        lambda: Batch(request=UpscaleRequest(image=IMAGE), seeds=()),
        "at least one seed",
    ),
    "variations of reading organs": (
        lambda: Batch(request=SegmentRequest(image=IMAGE), seeds=(1,)),
        "no seed",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_a_sentence(name):
    build, says = REFUSED[name]

    with pytest.raises(InvalidRequest, match=says) as refusal:
        build()

    assert str(refusal.value).endswith(".")
    assert "array(" not in str(refusal.value)


def test_what_a_user_leaves_open_is_filled_from_the_model():
    filled = Sampling(seed=3, guidance=4.0).filled(
        Sampling(steps=20, sampler="dpmpp", eta=0.0, guidance=2.0, guidance_lasts=2.0)
    )

    assert filled == Sampling(
        seed=3, steps=20, sampler="dpmpp", eta=0.0, guidance=4.0, guidance_lasts=2.0
    )

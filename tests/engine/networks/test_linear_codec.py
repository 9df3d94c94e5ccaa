import numpy as np
import pytest
import torch

from engine.networks.linear_codec import GRAIN, LinearCodec, fit


@pytest.fixture(scope="module")
def films():
    """Smooth pictures: few cosines, so that eight numbers a block nearly suffice."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(6, 1, 8, 8, generator=generator)
    return torch.nn.functional.interpolate(coarse, size=(64, 64), mode="bicubic").clamp(0, 1)


@pytest.fixture(scope="module")
def codec(films):
    torch.manual_seed(0)
    codec = LinearCodec(8, (16, 16, 16), (16, 16, 16))
    fit(codec, films)
    return codec.eval()


def test_the_encoder_is_the_principal_component_analysis_of_blocks(codec, films):
    blocks = films.numpy().reshape(6, 8, 8, 8, 8).transpose(0, 1, 3, 2, 4).reshape(-1, 64)
    _, _, vectors = np.linalg.svd(blocks, full_matrices=False)

    agreement = np.abs(codec.basis.numpy() @ vectors[:8].T)

    np.testing.assert_allclose(agreement.diagonal(), 1, atol=1e-3)


def test_latents_are_standardised(codec, films):
    latents = codec.encode(films)

    assert latents.shape == (6, 8, 8, 8)
    assert latents.mean((0, 2, 3)).abs().max() < 1e-3
    assert (latents.std((0, 2, 3)) - 1).abs().max() < 1e-2


def test_untrained_heads_are_the_linear_codec(codec, films):
    latents = codec.encode(films)
    noise = torch.randn(6, GRAIN, 32, 32)

    linear = codec.linear(latents)

    torch.testing.assert_close(codec.decode(latents), linear)
    torch.testing.assert_close(codec.decode(latents, head="texture", noise=noise), linear)
    assert (linear - films).pow(2).mean().sqrt() < 0.02


def test_any_multiple_of_eight_is_decoded(codec):
    assert codec(torch.zeros(1, 1, 24, 72)).shape == (1, 1, 24, 72)


def test_texture_comes_from_the_noise_it_is_given():
    torch.manual_seed(0)
    codec = LinearCodec(8, (16, 16, 16), (16, 16, 16))
    torch.nn.init.normal_(codec.texture.last.weight)
    latents = torch.randn(1, 8, 4, 4)
    noise = torch.randn(1, GRAIN, 16, 16)

    once = codec.decode(latents, head="texture", noise=noise)

    assert torch.equal(once, codec.decode(latents, head="texture", noise=noise))
    assert not torch.equal(once, codec.decode(latents, head="texture", noise=-noise))

"""On a graphics card networks leave in the order in which they were last used."""

import pytest
import torch

from engine.networks.ldm import AutoencoderPlan, TextPlan, UNetPlan, build
from engine.published import shelf as shelf_module
from engine.published.shelf import OncePerWords, Shelf, budget_of, prepared

CARD = torch.device("meta")  # counts bytes like a card and holds none


def test_the_network_unused_for_longest_leaves_first(recorded):
    shelf = Shelf(CARD)
    ours, theirs, guide = (
        recorded.stored[role]
        for role in ("xreal_autoencoder", "cheff_autoencoder", "anatomy_controller")
    )

    def load(model):
        return shelf.network(model, "autoencoder", torch.float16)

    first = load(ours)
    shelf.budget = 2 * shelf.held()
    second = load(theirs)
    assert load(ours) is first
    load(guide)

    assert load(ours) is first
    assert load(theirs) is not second
    assert shelf.held() <= shelf.budget


@pytest.mark.parametrize(("card", "weights"), [(24, 4), (8, 4), (6, 3), (4, 2)])
def test_weights_take_half_of_a_small_card_at_most(card, weights, monkeypatch):
    monkeypatch.setattr(shelf_module, "memory_of", lambda name: (0, card << 30))

    assert budget_of(torch.device("cuda")) == weights << 30


def test_two_stages_of_full_size_fit_a_card_of_6_gib():
    """U-Net and text encoder in half precision, two autoencoders in float32."""

    def numbers(plan):
        with torch.device("meta"):
            return sum(p.numel() for p in build(plan).parameters())

    half, whole = numbers(UNetPlan()) + numbers(TextPlan()), 2 * numbers(AutoencoderPlan())

    assert 2 * half + 4 * whole < 3 << 30


def test_half_precision_takes_half_the_room(recorded):
    model = recorded.stored["xreal_backbone"]
    half, whole = Shelf(CARD), Shelf(CARD)

    half.network(model, "unet", torch.bfloat16)
    whole.network(model, "unet", torch.float32)

    assert 2 * half.held() == whole.held()


def test_an_exact_network_attends_softmax_first(recorded):
    model = recorded.stored["cheff_unconditional"]
    shelf = Shelf(torch.device("cpu"))

    quick = shelf.network(model, "unet", torch.float32)
    exact = shelf.network(model, "unet", torch.float32, exact=True)

    def ways(network):
        return {type(m.processor).__name__ for m in network.modules() if hasattr(m, "processor")}

    assert ways(exact) == {"AttnProcessor"}
    assert ways(quick) == {"AttnProcessor2_0"}
    assert exact is not quick


def test_keys_and_values_of_the_words_are_worked_out_once_for_all_steps():
    torch.manual_seed(0)
    plan = UNetPlan(widths=(32, 64), attends=(False, True), resnets=1, words=16, heads=2)
    network = prepared(build(plan).eval(), torch.device("cpu"), torch.bfloat16)
    x = torch.randn(1, 3, 16, 16).bfloat16()
    words, others = torch.randn(2, 1, 5, 16).bfloat16().unbind()
    counted = []
    for module in network.modules():
        if isinstance(module, OncePerWords):
            module.linear.register_forward_hook(lambda *told: counted.append(told))

    with torch.inference_mode():
        once = [network(x, torch.tensor([t]), words).sample for t in (900, 900)]
        calls = len(counted)
        other = network(x, torch.tensor([900]), others).sample
        again = network(x, torch.tensor([900]), words).sample  # guidance takes them in turn

    assert torch.equal(again, once[0])
    assert calls > 0 and calls % 2 == 0  # keys and values
    assert len(counted) == 2 * calls
    assert torch.equal(*once) and not torch.equal(once[0], other)


def test_half_precision_keeps_channels_together_and_gives_the_same():
    torch.manual_seed(0)
    plan = UNetPlan(widths=(32, 64), attends=(False, True), resnets=1, words=16, heads=2)
    plain = build(plan).eval().to(torch.bfloat16)
    x, words = torch.randn(1, 3, 16, 16).bfloat16(), torch.randn(1, 5, 16).bfloat16()
    with torch.inference_mode():
        wanted = plain(x, torch.tensor([500]), words).sample
        network = prepared(plain, torch.device("cpu"), torch.bfloat16)
        found = network(x, torch.tensor([500]), words).sample

    assert network.conv_in.weight.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(found, wanted, rtol=0.02, atol=0.02)

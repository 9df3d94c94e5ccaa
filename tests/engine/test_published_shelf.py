"""On a graphics card networks leave in the order in which they were last used."""

import torch

from engine.published import shelf as shelf_module
from engine.published.shelf import Shelf

CARD = torch.device("meta")  # counts bytes like a card and holds none


def test_the_network_unused_for_longest_leaves_first(recorded, monkeypatch):
    shelf = Shelf(CARD)
    ours, theirs, guide = (
        recorded.stored[role]
        for role in ("xreal_autoencoder", "cheff_autoencoder", "anatomy_controller")
    )

    def load(model):
        return shelf.network(model, "autoencoder", torch.float16)

    first = load(ours)
    monkeypatch.setattr(shelf_module, "CARD_BUDGET", 2 * shelf.held())
    second = load(theirs)
    assert load(ours) is first
    load(guide)

    assert load(ours) is first
    assert load(theirs) is not second
    assert shelf.held() <= shelf_module.CARD_BUDGET


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

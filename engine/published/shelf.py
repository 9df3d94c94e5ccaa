"""Networks of converted models on the device: loaded at first use, put away when room is needed.

Weights are mapped from the file, so that on a CPU in float32 nothing is copied and the operating
system may drop pages it can read again. On a graphics card the least recently used network leaves
first; full-size two-stage XReal in half precision fits the budget without that.
"""

import logging
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.checkpoints.convert import filled
from engine.checkpoints.store import StoredModel
from engine.checkpoints.writing import sha256_of
from engine.devices import memory_of
from engine.errors import CheckpointRefused
from engine.replays import replays_on

CARD_BUDGET = 4 << 30  # bytes of weights kept on a graphics card, and at most half of it

log = logging.getLogger(__name__)


def budget_of(device: torch.device) -> int:
    """Bytes of weights that may lie on the card: the other half is for what they compute."""
    _, total = memory_of(str(device)) if device.type == "cuda" else (0, 0)
    return min(CARD_BUDGET, total // 2) if total else CARD_BUDGET


class Shelf:
    def __init__(self, device: torch.device, budget: int | None = None) -> None:
        self.device = device
        self.budget = budget_of(device) if budget is None else budget
        self._loaded: OrderedDict[tuple[str, str, torch.dtype, bool], Any] = OrderedDict()
        self._compared: set[tuple[Path, int, int]] = set()  # files that are as they were imported

    def network(
        self, model: StoredModel, part: str, dtype: torch.dtype, *, exact: bool = False
    ) -> Any:
        """The network ``part`` of a model on the device; ``exact`` as in :func:`prepared`."""
        key = (model.sha256, part, dtype, exact)
        if key in self._loaded:
            self._loaded.move_to_end(key)
            return self._loaded[key]
        self._refuse_changed(model)
        network = _read(model, part)
        if self.device.type != "cpu":
            self._make_room(_bytes(network, dtype))
        log.info("loading the %s of %s", part, model.title)
        self._loaded[key] = prepared(network, self.device, dtype, exact=exact)
        return self._loaded[key]

    def _refuse_changed(self, model: StoredModel) -> None:
        """Compare a file with its checksum before it is first used, and when it was touched."""
        try:
            status = model.path.stat()
            stamp = (model.path, status.st_size, status.st_mtime_ns)
            if stamp in self._compared:
                return
            same = sha256_of(model.path) == model.sha256
        except OSError as error:
            raise _gone(model) from error
        if not same:
            raise CheckpointRefused(
                f"The file '{model.path.name}' was changed after it was imported, so it is not "
                f"used. Import '{model.source_file}' again."
            )
        self._compared.add(stamp)

    def held(self) -> int:
        """Bytes of all weights held."""
        return sum(_bytes(network, key[2]) for key, network in self._loaded.items())

    def held_by_model(self) -> dict[str, int]:
        """Bytes of the weights held, by the sha256 of the model's file."""
        found: dict[str, int] = {}
        for (sha256, _, dtype, _), network in list(self._loaded.items()):
            found[sha256] = found.get(sha256, 0) + _bytes(network, dtype)
        return found

    def _make_room(self, needed: int) -> None:
        while self._loaded and self.held() + needed > self.budget:
            (_, part, _, _), _network = self._loaded.popitem(last=False)
            log.info("putting a network away (%s)", part)


def prepared(
    network: nn.Module, device: torch.device, dtype: torch.dtype, *, exact: bool = False
) -> Any:
    """``network`` as it computes fastest on ``device`` in ``dtype``.

    ``exact`` computes attention in the authors' order, softmax first; fused attention is
    faster, but its other rounding grows a thousandfold over the noisiest sampling steps.
    """
    if exact:
        _unfuse(network)
    # Module.to itself: diffusers' own warns about modules that these networks do not have.
    network = nn.Module.to(network, device, dtype)
    if not exact:
        vars(network)["replays"] = replays_on(device)
    if exact or (device.type == "cpu" and dtype == torch.float32):
        return network  # there the order of channels gains nothing, and weights stay mapped
    for attention in _attentions(network):
        if attention.is_cross_attention:
            attention.to_k = OncePerWords(attention.to_k)
            attention.to_v = OncePerWords(attention.to_v)
    return network.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


class OncePerWords(nn.Module):
    """Keys or values of the words, which stay the same tensors through all steps of a stage: one
    of the words, and one of them beside saying nothing, for guidance."""

    def __init__(self, linear: nn.Module) -> None:
        super().__init__()
        self.linear = linear
        self._kept: list[tuple[Tensor, Tensor]] = []  # words, and what was found

    def forward(self, words: Tensor) -> Tensor:
        for kept, found in self._kept:
            if kept is words:
                return found
        found = self.linear(words)
        self._kept = [*self._kept[-1:], (words, found)]
        return found


def _read(model: StoredModel, part: str) -> Any:
    from safetensors import SafetensorError, safe_open

    prefix = f"{part}."
    try:
        with safe_open(model.path, framework="pt") as file:
            names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118
            weights = {name.removeprefix(prefix): file.get_tensor(name) for name in names}
    except (SafetensorError, OSError) as error:
        raise _gone(model) from error
    return filled(model.plans[part], weights, part)


def _gone(model: StoredModel) -> CheckpointRefused:
    return CheckpointRefused(
        f"The file '{model.path.name}' is missing or damaged. Import '{model.source_file}' again."
    )


def _unfuse(network: nn.Module) -> None:
    from diffusers.models.attention_processor import AttnProcessor

    for attention in _attentions(network):
        attention.set_processor(AttnProcessor())


def _attentions(network: nn.Module) -> list[Any]:
    from diffusers.models.attention_processor import Attention

    return [module for module in network.modules() if isinstance(module, Attention)]


def _bytes(network: Any, dtype: torch.dtype) -> int:
    return sum(p.numel() for p in network.parameters()) * dtype.itemsize

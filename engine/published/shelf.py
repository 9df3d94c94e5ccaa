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
from torch import nn

from engine.checkpoints.convert import filled
from engine.checkpoints.store import StoredModel
from engine.checkpoints.writing import sha256_of
from engine.errors import CheckpointRefused

CARD_BUDGET = 4 << 30  # bytes of weights kept on a graphics card

log = logging.getLogger(__name__)


class Shelf:
    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._loaded: OrderedDict[tuple[str, str, torch.dtype, bool], Any] = OrderedDict()
        self._compared: set[tuple[Path, int, int]] = set()  # files that are as they were imported

    def network(
        self, model: StoredModel, part: str, dtype: torch.dtype, *, exact: bool = False
    ) -> Any:
        """The network ``part`` of a model on the device.

        ``exact`` computes attention in the authors' order, softmax first; fused attention is
        faster, but its other rounding grows a thousandfold over the noisiest sampling steps.
        """
        key = (model.sha256, part, dtype, exact)
        if key in self._loaded:
            self._loaded.move_to_end(key)
            return self._loaded[key]
        self._refuse_changed(model)
        network = _read(model, part)
        if self.device.type != "cpu":
            self._make_room(_bytes(network, dtype))
        log.info("loading the %s of %s", part, model.title)
        if exact:
            _unfuse(network)
        # Module.to itself: diffusers' own warns about modules that these networks do not have.
        self._loaded[key] = nn.Module.to(network, self.device, dtype)
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
        while self._loaded and self.held() + needed > CARD_BUDGET:
            (_, part, _, _), _network = self._loaded.popitem(last=False)
            log.info("putting a network away (%s)", part)


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
    from diffusers.models.attention_processor import Attention, AttnProcessor

    for module in network.modules():
        if isinstance(module, Attention):
            module.set_processor(AttnProcessor())


def _bytes(network: Any, dtype: torch.dtype) -> int:
    return sum(p.numel() for p in network.parameters()) * dtype.itemsize

"""Write a trained model as it ships: half-precision weights in small files and a description."""

import datetime
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from engine.errors import ModelMissing
from engine.networks.linear_codec import CHANNELS
from engine.networks.small import load_embedded

Net = TypeVar("Net", bound=nn.Module)
LARGEST_FILE = 15_500_000  # bytes, so that every file stays below 16 MiB
VERSION = "1.0"
LATENT = {"channels": CHANNELS, "cell": 8, "codec": "codec", "standardised": True}
ATTRIBUTION = [
    "Chest radiographs of the NIH Clinical Center (ChestX-ray14): X. Wang et al., CVPR 2017.",
    "Bounding boxes of the RSNA Pneumonia Detection Challenge 2018.",
    "Wingspan cardiothoracic ratio data set (Dong et al., MIT licence); its hospital and the "
    "basis of consent are not stated by its authors.",
]


def sharded(
    weights: Mapping[str, Tensor], precision: torch.dtype = torch.half
) -> list[dict[str, Tensor]]:
    """Copies of ``weights``, by default in half precision, in groups that each fit one file."""
    shards: list[dict[str, Tensor]] = [{}]
    size = 0
    for name, value in weights.items():
        # Copied: two entries may share storage, which the format refuses.
        value = value.detach().clone()
        half = value.to(precision) if value.is_floating_point() else value
        half = half.contiguous()
        if shards[-1] and size + half.nbytes > LARGEST_FILE:
            shards.append({})
            size = 0
        shards[-1][name] = half
        size += half.nbytes
    return shards


def write_model(
    folder: Path,
    kind: str,
    weights: Mapping[str, Tensor],
    description: Mapping[str, Any],
    precision: torch.dtype = torch.half,
) -> Path:
    """Write ``kind``.safetensors (or numbered parts of it) and ``kind``.json; returns the JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{kind}*.safetensors"):
        old.unlink()
    shards = sharded(weights, precision)
    files = []
    digest = hashlib.sha256()
    for i, shard in enumerate(shards, 1):
        name = (
            f"{kind}-{i}-of-{len(shards)}.safetensors" if len(shards) > 1 else f"{kind}.safetensors"
        )
        path = folder / name
        save_file(shard, path)
        path.chmod(0o644)
        digest.update(path.read_bytes())
        files.append(name)
    full = {
        "schema": 1,
        "kind": kind,
        "name": kind,
        "version": VERSION,
        "pixel_range": [0, 1],
        **description,
        "files": files,
        "licence": "Apache-2.0",
        "attribution": ATTRIBUTION,
        "date": datetime.date.today().isoformat(),
        "sha256": digest.hexdigest(),
    }
    path = folder / f"{kind}.json"
    path.write_text(json.dumps(full, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path


def average_of(state: Path, part: str = "average") -> dict[str, Tensor]:
    """The averaged weights in a run's state file, while it runs or after."""
    return torch.load(state, weights_only=True)["parts"][part]


def load_kind(path: Path, kind: type[Net], missing: str) -> Net:
    """As ``load_embedded``, of the kind that is wanted; ModelMissing says ``missing``."""
    if not path.is_file():
        raise ModelMissing(missing)
    network = load_embedded(path)
    assert isinstance(network, kind)
    return network

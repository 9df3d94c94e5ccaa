"""Runs recorded from the reference implementations, as tests and the parity table read them.

How they were packed: ``tests/golden/README.md``. A case is one call of the authors' code: its
arguments, the noise it drew (recorded, or remade from the seed) and what came out.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.sampling import Noise

# File -> role; golden weights are random, so nothing but the list can tell the roles.
ROLES = {
    "cheff_autoencoder": "cheff_autoencoder",
    "cheff_diff_uncond": "cheff_unconditional",
    "cheff_diff_t2i": "cheff_text_to_image",
    "cheff_sr_fine": "cheff_upscaler_fine",
    "xreal_backbone": "xreal_backbone",
    "xreal_ldm_ae": "xreal_autoencoder",
    "xreal_anatomy_controller": "anatomy_controller",
    "xreal_cnet": "xreal_controlnet",
}
HEADS = {"cheff_diff_uncond": 16}  # its heads are 16 wide, not 32 as published
SPLIT = {  # stored in two parts to save space
    "cheff_diff_t2i": ("xreal_backbone", "part_cheff_t2i_first_stage"),
    "xreal_cnet": ("xreal_backbone", "part_xreal_cnet_control"),
}


@dataclass(frozen=True)
class Case:
    """``inputs`` and ``outputs`` as recorded; ``draws`` are the shapes of the noise, in order."""

    name: str
    call: dict[str, Any]
    seed: int
    draws: tuple[tuple[int, ...], ...]
    inputs: dict[str, Any]
    outputs: dict[str, Tensor]
    noises: dict[int, Tensor]

    def recorded_noise(self) -> Noise:
        """The noise as it was drawn; asks for another shape or number fail."""
        return _checked(lambda i: self.noises[i], self.draws)

    def seed_noise(self) -> Noise:
        """The same noise from the seed alone."""
        generator = torch.Generator("cpu").manual_seed(self.seed)
        return _checked(lambda i: torch.randn(self.draws[i], generator=generator), self.draws)

    def left(self) -> int:
        return len(self.draws)


def _checked(draw: Callable[[int], Tensor], shapes: tuple[tuple[int, ...], ...]) -> Noise:
    counter: Iterator[int] = iter(range(len(shapes)))

    def noise(shape: tuple[int, ...]) -> Tensor:
        i = next(counter, None)
        if i is None or tuple(shape) != shapes[i]:
            wanted = "none" if i is None else f"{shapes[i]}"
            raise AssertionError(f"draw {i} of shape {tuple(shape)}; the reference drew {wanted}")
        return draw(i)

    return noise


def read_case(folder: Path, name: str) -> Case:
    config = json.loads((folder / name / "config.json").read_text("utf-8"))
    inputs, outputs, noises = (
        _arrays(folder / name / f"{kind}.npz") for kind in ("inputs", "outputs", "noises")
    )
    return Case(
        name=name,
        call=config.get("call", {}),
        seed=int(config.get("seed", 0)),
        draws=tuple(tuple(shape) for _, shape in config.get("draws", [])),
        inputs=inputs,
        outputs=outputs,
        noises={int(k): v for k, v in noises.items()},
    )


def _arrays(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    with np.load(path) as file:
        found = {name: file[name] for name in file}
    return {
        k: str(v) if v.dtype.kind == "U" and v.ndim == 0 else _tensor(v) for k, v in found.items()
    }


def _tensor(array: np.ndarray) -> Any:
    return array.tolist() if array.dtype.kind == "U" else torch.from_numpy(array)


def write_checkpoints(folder: Path, target: Path) -> dict[str, Path]:
    """The recorded checkpoints in the layout of the published files; name -> path."""
    target.mkdir(parents=True, exist_ok=True)
    written = {}
    for name in ROLES:
        first, *more = SPLIT.get(name, (name,))
        content = read_checkpoint(folder, first)
        for part in more:
            content["state_dict"] |= read_checkpoint(folder, part)["state_dict"]
        written[name] = target / f"{name}.pt"
        torch.save(content, written[name])
    return written


def read_checkpoint(folder: Path, name: str) -> dict[str, Any]:
    """One stored checkpoint, as torch.load would give the published file."""
    with np.load(folder / "checkpoints" / f"{name}.npz") as file:
        planes, index = file["planes"], json.loads(str(file["index"]))
    values = torch.from_numpy(np.ascontiguousarray(planes.T).view(np.float32).ravel())
    tensors, start = {}, 0
    for key, shape, kind, *fill in index["rows"]:
        if kind == "weights":
            size = int(np.prod(shape))
            tensors[key] = values[start : start + size].reshape(shape).clone()
            start += size
        else:
            tensors[key] = torch.tensor(fill[0], dtype=getattr(torch, kind)).expand(shape)
    return {index["top"]: tensors, **index["rest"]}

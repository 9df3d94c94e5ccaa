"""Writing weights and their descriptions so that a file is either whole or not there.

A file is written beside its place, brought to the disk and renamed. Weights go out piece by piece,
so that a 4 GB checkpoint needs no second copy in memory.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.errors import CheckpointRefused, DiskFull
from engine.files import SPARE, Whole, sentence, whole_file

DTYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
CHUNK = 16 << 20

OnBytes = Callable[[int, int], None]  # (bytes done, bytes in all)


def write_safetensors(
    path: Path,
    tensors: Mapping[str, Tensor],
    metadata: Mapping[str, str],
    on_bytes: OnBytes | None = None,
) -> str:
    """Write atomically and return the file's sha256; an older file stays until the new is whole."""
    header, order = _header(tensors, metadata)
    total = len(header) + sum(t.numel() * t.element_size() for t in tensors.values())
    check_room(path.parent, total)
    digest = hashlib.sha256()
    done = 0

    def pieces() -> Iterator[bytes | memoryview]:
        yield header
        for name in order:
            tensor = tensors[name].detach().contiguous()
            if not tensor.isfinite().all():
                raise CheckpointRefused(
                    f"The weights '{name}' hold values that are no numbers; the file is damaged. "
                    "Download it again."
                )
            flat = tensor.flatten().view(torch.uint8).numpy()
            for start in range(0, len(flat), CHUNK):
                yield flat[start : start + CHUNK].data

    with atomic_file(path) as file:
        for piece in pieces():
            file.write(piece)
            digest.update(piece)
            done += len(piece)
            if on_bytes is not None:
                on_bytes(done, total)
    return digest.hexdigest()


def _header(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> tuple[bytes, list[str]]:
    """The head of a safetensors file, and the order in which tensors follow it."""
    order, offset = sorted(tensors), 0
    entries: dict[str, Any] = {"__metadata__": dict(metadata)}
    for name in order:
        tensor = tensors[name]
        end = offset + tensor.numel() * tensor.element_size()
        entries[name] = {
            "dtype": DTYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text, order


@contextmanager
def atomic_file(path: Path) -> Iterator[Whole]:
    """A file that appears under its name only when it is whole and on the disk."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise sentence(error, path.parent, 0) from error
    with whole_file(path) as file:
        yield file


def check_room(folder: Path, needed: int) -> None:
    """Refuse before writing when the disk cannot hold ``needed`` more bytes."""
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(existing).free
    if free < needed + SPARE:
        raise DiskFull(
            f"Converting needs {needed / 2**30:.1f} GiB on the disk of '{folder}' and "
            f"{free / 2**30:.1f} GiB are free. Free some space, or use a folder on another disk."
        )


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    with atomic_file(path) as file:
        file.write(json.dumps(values, indent=2).encode() + b"\n")


def sha256_of(path: Path, on_bytes: OnBytes | None = None) -> str:
    """The checksum of a file; ``on_bytes`` hears how far it was read and may raise Cancelled."""
    if on_bytes is None:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest, done, total = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
            done += len(piece)
            on_bytes(done, total)
    return digest.hexdigest()

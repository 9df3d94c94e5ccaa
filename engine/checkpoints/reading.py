"""Opening a file of weights without running anything that is in it.

The first bytes decide what a file is; its name does not matter. Pickles are read by torch's
weights-only unpickler, which builds tensors and plain containers and calls nothing else. Training
frameworks leave records of their own in a checkpoint; these are replaced by inert stand-ins, and
any other foreign class refuses the file. All reading is here, so that it can move to a process of
its own.
"""

import json
import logging
import pickle
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from engine.errors import CheckpointRefused

ZIP, PICKLE, LFS = b"PK\x03\x04", b"\x80", b"version https://git-lfs"
SMALLEST = 512  # bytes; anything less is a note, not weights
LARGEST_HEADER = 100_000_000
CHUNK = 16 << 20
RECORDS = ("pytorch_lightning.", "lightning.", "lightning_fabric.", "omegaconf.", "typing.")
UNPICKLING = (pickle.UnpicklingError, RuntimeError, ValueError, EOFError, KeyError, OSError)
FOREIGN = re.compile(r"(?:GLOBAL|Unsupported (?:global|class))[: ]+`?([\w.]+)")

OnBytes = Callable[[int, int], None]  # (bytes done, bytes in all); may raise Cancelled

log = logging.getLogger(__name__)


class NotWeights(CheckpointRefused):
    """A file of another kind altogether, such as a picture beside the weights."""


@dataclass(frozen=True)
class Weights:
    """Named tensors of one file; ``top`` is the entry they lay under, '' for a bare dict."""

    tensors: Mapping[str, Tensor]
    top: str


class Inert:
    """Stands for a training record that nobody reads: accepts everything, does nothing."""

    def __init__(self, *_values: Any) -> None:
        pass

    def __setstate__(self, _state: Any) -> None:
        pass


def read_weights(path: Path, on_bytes: OnBytes | None = None) -> Weights:
    """The tensors of a published file, memory-mapped where the format allows.

    ``on_bytes`` hears how much of an archive's checksums was compared.
    """
    form = sniff(path)
    if form == "safetensors":
        return Weights(_read_safetensors(path), "")
    if form == "zip":
        _check_archive(path, on_bytes)
    content = _read_pickle(path, in_zip=form == "zip")
    for top in ("state_dict", "model"):
        inside = content.get(top)
        if isinstance(inside, Mapping):
            return Weights(_tensors(inside), top)
    return Weights(_tensors(content), "")


def sniff(path: Path) -> str:
    """'zip', 'pickle' or 'safetensors' by the first bytes; refuses the rest in one sentence."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise CheckpointRefused(
            f"The file '{path.name}' cannot be read: {error.strerror or 'unknown reason'}."
        ) from error
    if size == 0:
        raise CheckpointRefused(f"The file '{path.name}' is empty. Download it again.")
    if start.startswith(LFS):
        raise CheckpointRefused(
            f"The file '{path.name}' is a pointer of Git LFS, not the weights themselves. Fetch "
            "them with 'git lfs pull', or download the file by its own link."
        )
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        raise CheckpointRefused(
            f"The file '{path.name}' is a web page, not weights: the download was answered by an "
            "error or login page. Open the link in a browser and save the file itself."
        )
    if size >= SMALLEST and start.startswith(ZIP):
        return "zip"
    if size >= SMALLEST and start.startswith(PICKLE):
        return "pickle"
    header = int.from_bytes(start[:8], "little")
    if start[8:9] == b"{" and header <= LARGEST_HEADER:
        if 8 + header > size:
            raise _cut_short(path)
        return "safetensors"
    raise NotWeights(
        f"The file '{path.name}' is not a file of network weights. XReal Studio opens the "
        "published .pt, .pth and .ckpt files, and safetensors."
    )


def _check_archive(path: Path, on_bytes: OnBytes | None) -> None:
    """A zip as torch writes it: whole, not compressed, every checksum right."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            stored = all(m.compress_type == zipfile.ZIP_STORED for m in members)
            fits = sum(m.file_size for m in members) <= path.stat().st_size
            if not stored or not fits or not any(m.filename.endswith("data.pkl") for m in members):
                raise CheckpointRefused(
                    f"The file '{path.name}' is an archive, but not of network weights. If weights "
                    "are packed in it, unpack it first."
                )
            for member in members:
                try:
                    _read_through(archive, member, on_bytes, path.stat().st_size)
                except zipfile.BadZipFile as error:
                    raise CheckpointRefused(
                        f"The file '{path.name}' is damaged: its checksums do not fit. "
                        "Download it again."
                    ) from error
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise _cut_short(path) from error


def _read_through(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, on_bytes: OnBytes | None, size: int
) -> None:
    """Read a member to its end, where its checksum is compared."""
    with archive.open(member) as inside:
        done = member.header_offset
        while piece := inside.read(CHUNK):
            done += len(piece)
            if on_bytes is not None:
                on_bytes(min(done, size), size)


def _read_pickle(path: Path, *, in_zip: bool) -> Mapping[str, Any]:
    stand_ins = _stand_ins(path) if in_zip else []
    try:
        with torch.serialization.safe_globals(stand_ins):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=in_zip)
    except UNPICKLING as error:
        foreign = FOREIGN.search(str(error))
        if foreign:
            raise _foreign(path, [foreign[1]]) from error
        log.info("unpickling %s failed", path.name, exc_info=True)
        raise CheckpointRefused(
            f"The file '{path.name}' is damaged or cut short. Download it again."
        ) from error
    if not isinstance(content, Mapping):
        raise CheckpointRefused(
            f"The file '{path.name}' does not hold named weights, so it cannot be one of the "
            "published XReal or Cheff files."
        )
    return content


def _stand_ins(path: Path) -> list[Any]:
    """Inert classes for the training records in a file; refuses any other foreign class."""
    try:
        names = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    except UNPICKLING as error:
        raise CheckpointRefused(
            f"The file '{path.name}' is damaged or cut short. Download it again."
        ) from error
    foreign = sorted(name for name in names if not name.startswith(RECORDS))
    if foreign:
        raise _foreign(path, foreign)
    return [(type("Inert", (Inert,), {}), name) for name in names]


def _tensors(content: Mapping[Any, Any]) -> dict[str, Tensor]:
    return {k: v for k, v in content.items() if isinstance(k, str) and isinstance(v, Tensor)}


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, json.JSONDecodeError, RuntimeError) as error:
        raise _cut_short(path) from error


def _cut_short(path: Path) -> CheckpointRefused:
    return CheckpointRefused(
        f"The file '{path.name}' ends too early; the download was cut short. Download it again."
    )


def _foreign(path: Path, names: list[str]) -> CheckpointRefused:
    return CheckpointRefused(
        f"The file '{path.name}' holds program parts ('{names[0]}') besides weights, which could "
        "run unseen. It was not opened. Use the file from the authors, or a safetensors copy of it."
    )

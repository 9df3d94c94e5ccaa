"""Opening a file of weights without running anything that is in it.

The first bytes decide what a file is; its name does not matter. What they cannot decide is found
out by a process of its own that has no network, no files and bounded memory and time: it reads
pickles by torch's weights-only unpickler with inert stand-ins for the records of training, and
says where the weights lie. Here they are taken from the file as plain numbers.
"""

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from engine.checkpoints.jailed import Answer, OnBytes, asked
from engine.checkpoints.places import Contradiction, members_of, rows_of, tensors_of
from engine.errors import CheckpointRefused

ZIP, PICKLE, LFS = b"PK\x03\x04", b"\x80", b"version https://git-lfs"
NEWEST_PICKLE = b"\5"
LARGEST_HEADER = 100_000_000
ORDINARY_NAME = re.compile(r"[\w.]{1,120}")
WRAPPERS = ("module.", "_orig_mod.")  # what training on several devices puts before every name

DAMAGED = "is damaged or cut short. Download it again."
CUT = "ends too early; the download was cut short. Download it again."
AUTHORS = "Use the file from the authors, or a safetensors copy of it."
REASONS = {  # what follows "The file 'NAME' "
    "archive": "is an archive, but not of network weights. If weights are packed in it, unpack it "
    "first.",
    "packed": "is an archive, but not of network weights. If weights are packed in it, unpack it "
    "first.",
    "program": f"holds a program (TorchScript) besides weights. It was not opened. {AUTHORS}",
    "order": "was written on a computer that orders bytes differently. Save it again on another.",
    "checksum": "is damaged: its checksums do not fit. Download it again.",
    "cut": CUT,
    "damaged": DAMAGED,
    "header": "is damaged: its list of contents cannot be read. Download it again.",
    "overlap": "is damaged: its list of contents does not fit what is in it. Download it again.",
    "many": "lists more tensors than any network that XReal Studio knows. It was not opened.",
    "module": "holds a whole network as a program object, not its named weights, so there are no "
    "weights in it that can be read safely. Ask for its state_dict, or use the file from the "
    "authors.",
    "unnamed": "does not hold named weights, so it cannot be one of the published XReal or Cheff "
    "files.",
    "nothing": "holds no named weights. It may be the settings or the optimizer of a training. "
    "Use the file from the authors.",
    "bomb": "unfolds to far more than its size explains, so it was not opened. Use the file from "
    "the authors.",
    "slow": "took far longer to read than its size explains, so it was not opened. Use the file "
    "from the authors.",
    "broken": "could not be read: the reading process ended over it. Nothing was changed. Use the "
    "file from the authors.",
    "contradiction": "is damaged: its list of contents does not fit what is in it. Download it "
    "again.",
}


class NotWeights(CheckpointRefused):
    """A file of another kind altogether, such as a picture beside the weights."""


@dataclass(frozen=True)
class Weights:
    """Named tensors of one file; ``top`` is the entry they lay under, '' for a bare dict."""

    tensors: Mapping[str, Tensor]
    top: str


def read_weights(path: Path, on_bytes: OnBytes | None = None) -> Weights:
    """The tensors of a published file, mapped from it.

    ``on_bytes`` hears how much of an archive's checksums was compared, at least five times a
    second, and may raise Cancelled.
    """
    form = sniff(path)
    with asked(path, form, on_bytes) as (answer, places):
        if answer.reason:
            raise _refusal(path, answer)
        try:
            members = members_of(path) if form == "zip" else None
            tensors = tensors_of(rows_of(answer.told), places, members)
        except (Contradiction, zipfile.BadZipFile, OSError, ValueError) as error:
            raise _refusal(path, Answer("contradiction")) from error
    return Weights(_unwrapped(tensors), answer.top)


def _unwrapped(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    for wrapper in WRAPPERS:
        if all(name.startswith(wrapper) for name in tensors):
            tensors = {name.removeprefix(wrapper): t for name, t in tensors.items()}
    return tensors


def _refusal(path: Path, answer: Answer) -> CheckpointRefused:
    names = [name for name in answer.names if ORDINARY_NAME.fullmatch(name)]
    named = names[0] if names else "with an unreadable name"
    if answer.reason == "foreign":
        said = (
            f"holds program parts ('{named}') besides weights, which could run unseen. It was "
            f"not opened. {AUTHORS}"
        )
    elif answer.reason == "numbers":
        said = (
            f"holds weights of a kind that XReal Studio does not read ('{named}'). Use the file "
            "from the authors."
        )
    else:
        said = REASONS.get(answer.reason, REASONS["broken"])
    return CheckpointRefused(f"The file '{path.name}' {said}")


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
    if start.startswith(ZIP):
        return "zip"
    if start.startswith(PICKLE) and start[1:2] <= NEWEST_PICKLE:
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


def _cut_short(path: Path) -> CheckpointRefused:
    return CheckpointRefused(f"The file '{path.name}' {CUT}")

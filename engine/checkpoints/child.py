"""Reads a stranger's file of weights in a process that can do nothing else.

The file is stdin. The answer on stdout is lines of JSON: ``{"done": bytes}`` while checksums are
compared, at last ``{"refused": reason, "names": [...]}`` or the **index**: every tensor by name
with its kind of number, shape, strides, and where in the file its bytes lie. The weights
themselves do not pass through here; the parent reads them from the file as plain numbers. Old
pickles have no such places: their bytes are written to the file ``weights`` of the private folder.
"""

import codecs
import io
import json
import pickle
import sys
import warnings
import zipfile
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any

from engine import jail
from engine.checkpoints.unpickling import LONGEST_NAME, Refused, blamed, unpickled

SPOOL = "weights"
SPARE = 2 << 30  # bytes of memory on top of what an old pickle unfolds to
CHUNK = 16 << 20
MOST_ALIGNED = 1 << 20  # bytes
MOST_TENSORS, MOST_MEMBERS = 20_000, 100_000
MOST_HEADER = 100_000_000  # bytes, as the format itself says
TOPS = ("state_dict", "model", "model_state_dict", "params", "ema", "params_ema")
NUMBERS = {  # of safetensors: name here, bytes of each
    "F64": ("float64", 8), "F32": ("float32", 4), "F16": ("float16", 2), "BF16": ("bfloat16", 2),
    "I64": ("int64", 8), "I32": ("int32", 4), "I16": ("int16", 2), "I8": ("int8", 1),
    "U8": ("uint8", 1), "BOOL": ("bool", 1),
}  # fmt: skip

Say = Callable[[dict[str, Any]], None]


def main(arguments: list[str]) -> int:
    form, size = arguments[0], int(arguments[1])
    answers = sys.stdout
    written = size if form == "pickle" else 0
    limits = jail.Limits(memory=SPARE + 2 * written, seconds=seconds_for(size), written=2 * written)
    # The last file that it can open for writing.
    spool = Path(SPOOL).open("wb") if written else nullcontext()  # noqa: SIM115, closed below
    enforced = jail.enter(limits, _prepare)

    def say(told: dict[str, Any]) -> None:
        answers.write(json.dumps(told) + "\n")
        answers.flush()

    say({"enforced": enforced})
    with open(0, "rb", closefd=False) as file, spool as out:
        say(answer(file, form, say, out))
    return 0


def seconds_for(size: int) -> int:
    """Of processor time for a file of ``size`` bytes; ten times what the slowest need."""
    return 120 + size // 10**7


def answer(file: IO[bytes], form: str, say: Say, spool: IO[bytes] | None) -> dict[str, Any]:
    """The index of a file of the form that its first bytes say, or why it is refused."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nobody reads them here
            return _answer(file, form, say, spool)
    except Refused as refused:
        return {"refused": refused.reason, "names": refused.names}
    except (MemoryError, RecursionError):
        return {"refused": "bomb", "names": []}
    except Exception:  # parsers fail in their own ways; the file is at fault in all
        return blamed(file, form)


def _answer(file: IO[bytes], form: str, say: Say, spool: IO[bytes] | None) -> dict[str, Any]:
    if form == "safetensors":
        return {"top": "", "tensors": _of_safetensors(file)}
    if form == "zip":
        _check_archive(file, say)
    top, named = _named(unpickled(file, in_zip=form == "zip"))
    return {"top": top, "tensors": _places(named) if spool is None else _spooled(named, spool)}


def _prepare() -> None:
    """Read one file of each form, so that everything that reading needs is loaded."""
    import torch

    for text in ("ascii", "latin-1", "utf-8", "cp437"):  # of names in archives and pickles
        codecs.lookup(text)

    tensor = torch.zeros(2, 2, dtype=torch.bfloat16)
    for zipped in (True, False):
        file = io.BytesIO()
        torch.save({"a": tensor}, file, _use_new_zipfile_serialization=zipped)
        file.seek(0)
        unpickled(file, in_zip=zipped)
    try:
        unpickled(io.BytesIO(pickle.dumps({"a": io.BytesIO}, 2)), in_zip=False)
    except Refused:
        bytes(tensor.contiguous().view(torch.uint8).numpy())


# Archives


def _check_archive(file: IO[bytes], say: Say) -> None:
    """A zip as torch writes it: whole, nothing packed, nothing twice, every checksum right."""
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            size = file.seek(0, io.SEEK_END)
            names = {member.filename for member in members}
            pickles = [name for name in names if name.endswith("data.pkl")]
            stored = all(
                m.compress_type == zipfile.ZIP_STORED
                and m.file_size == m.compress_size
                and not m.flag_bits & 1
                for m in members
            )
            fits = sum(member.file_size for member in members) <= size
            if not stored or not fits:
                raise Refused("packed")
            if len(pickles) != 1 or len(names) != len(members) or len(members) > MOST_MEMBERS:
                raise Refused("archive")
            if any(name.endswith("constants.pkl") or "/code/" in name for name in names):
                raise Refused("program")  # TorchScript
            _check_order(archive, names)
            for member in members:
                _read_through(archive, member, size, say)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, UnicodeError) as error:
        raise Refused("cut") from error


def _check_order(archive: zipfile.ZipFile, names: set[str]) -> None:
    """Numbers are read as they lie, so they must lie as on this computer, and where they say."""
    for name in names:
        if name.endswith("/byteorder") and archive.read(name).decode() != sys.byteorder:
            raise Refused("order")
        if name.endswith("/.storage_alignment"):
            # torch divides by this number, and ends the process where it is 0.
            stated = archive.read(name)
            if not stated.isdigit() or not 0 < int(stated[:8]) <= MOST_ALIGNED:
                raise Refused("archive")


def _read_through(archive: zipfile.ZipFile, member: zipfile.ZipInfo, size: int, say: Say) -> None:
    """Read a member to its end, where its checksum is compared."""
    try:
        with archive.open(member) as inside:
            done = member.header_offset
            while piece := inside.read(CHUNK):
                done += len(piece)
                say({"done": min(done, size)})
    except zipfile.BadZipFile as error:
        raise Refused("checksum") from error


# Tensors


def _named(content: Any) -> tuple[str, dict[str, Any]]:
    """The named tensors, and the entry they lay under."""
    import torch

    if isinstance(content, torch.Tensor) or not isinstance(content, Mapping):
        raise Refused("unnamed")
    places = [(top, content.get(top)) for top in TOPS]
    for top, inside in [*places[:2], ("", content), *places[2:]]:
        if isinstance(inside, Mapping):
            tensors = [pair for pair in inside.items() if isinstance(pair[1], torch.Tensor)]
            found = {name: tensor for name, tensor in tensors if isinstance(name, str)}
            if found:
                return top, found
    raise Refused("nothing")


def _places(named: Mapping[str, Any]) -> list[list[Any]]:
    rows = []
    for name, tensor in _checked(named):
        storage = tensor.untyped_storage()
        rows.append(_row(name, tensor, tensor.stride(), tensor.storage_offset()))
        rows[-1] += [storage._checkpoint_offset, storage.nbytes()]
    return rows


def _spooled(named: Mapping[str, Any], spool: IO[bytes]) -> list[list[Any]]:
    """Old pickles: the numbers of each tensor one behind another in ``spool``."""
    import torch

    rows, at = [], 0
    for name, tensor in _checked(named):
        stored = tensor.untyped_storage().nbytes() // tensor.element_size()
        if tensor.numel() > stored:  # expanded: as many numbers as are really there
            flat = torch.as_strided(tensor, (stored,), (1,), 0)
            strides, offset = tensor.stride(), tensor.storage_offset()
        else:
            flat = tensor.detach().contiguous().flatten()
            strides, offset = torch.empty(tensor.shape, device="meta").stride(), 0
        data = flat.view(torch.uint8).numpy().data
        spool.write(data)
        rows.append([*_row(name, tensor, strides, offset), at, len(data)])
        at += len(data)
    spool.flush()
    return rows


def _checked(named: Mapping[str, Any]) -> list[tuple[str, Any]]:
    import torch

    if len(named) > MOST_TENSORS:
        raise Refused("many")
    for name, tensor in named.items():
        plain = tensor.layout is torch.strided and not tensor.is_quantized
        if not plain or type(tensor) not in (torch.Tensor, torch.nn.Parameter):
            raise Refused("numbers", name)
        if len(name) > LONGEST_NAME or tensor.ndim > 8:
            raise Refused("damaged")
    return list(named.items())


def _row(name: str, tensor: Any, strides: tuple[int, ...], offset: int) -> list[Any]:
    kind = str(tensor.dtype).removeprefix("torch.")
    return [name, kind, list(tensor.shape), list(strides), offset]


def _of_safetensors(file: IO[bytes]) -> list[list[Any]]:
    """The index of a safetensors file, checked as its format asks: no gap, no overlap, no rest."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if length > MOST_HEADER or 8 + length > size:
        raise Refused("cut")
    try:
        header = json.loads(file.read(length), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise Refused("header") from error
    if not isinstance(header, dict):
        raise Refused("header")
    header.pop("__metadata__", None)
    if len(header) > MOST_TENSORS:
        raise Refused("many")
    rows = [_entry(name, told, 8 + length) for name, told in header.items()]
    end = 8 + length
    for row in sorted(rows, key=lambda row: (row[5], row[6])):
        if row[5] != end:
            raise Refused("overlap")
        end += row[6]
    if end != size:
        raise Refused("cut" if end > size else "overlap")
    return rows


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name twice")
    return found


def _entry(name: str, told: Any, start: int) -> list[Any]:
    try:
        (begin, end), shape, kind = told["data_offsets"], told["shape"], told["dtype"]
    except (TypeError, KeyError, ValueError) as error:
        raise Refused("header") from error
    whole = isinstance(shape, list) and all(type(n) is int for n in (begin, end, *shape))
    if not whole or min(begin, end, *shape) < 0 or len(name) > LONGEST_NAME or len(shape) > 8:
        raise Refused("header")
    if kind not in NUMBERS:
        raise Refused("numbers", name)
    number, width = NUMBERS[kind]
    strides, count = [], 1
    for length in reversed(shape):
        strides.insert(0, count)
        count *= length
    if count * width != end - begin:
        raise Refused("overlap")
    return [name, number, shape, strides, 0, start + begin, end - begin]

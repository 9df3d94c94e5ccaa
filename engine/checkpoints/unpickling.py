"""Pickles of strangers: torch's weights-only unpickler, which calls nothing, with stand-ins.

Training programs leave records of their own beside the weights. An inert class stands in for each,
so nothing of that name is ever loaded. What a file names that is no record refuses it, though it
would not run either: who put it there meant it to.
"""

import _compat_pickle
import io
import pickle
import pickletools
import re
import sys
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from typing import IO, Any

LONGEST_NAME = 300
RECORDS = (  # what training frameworks and common programs put beside weights
    "pytorch_lightning.", "lightning.", "lightning_fabric.", "lightning_utilities.", "omegaconf.",
    "typing.", "argparse.Namespace", "pathlib.", "datetime.", "collections.",
    "types.SimpleNamespace", "decimal.Decimal", "fractions.Fraction", "uuid.UUID", "enum.",
    "numpy.dtype", "numpy.ndarray",
    "numpy.core.multiarray.", "numpy._core.multiarray.", "numpy.random.", "numpy.bool",
    "numpy.float", "numpy.int", "numpy.uint", "_codecs.encode", "copyreg._reconstructor",
    "builtins.object", "builtins.list", "builtins.dict", "builtins.set", "builtins.tuple",
    "builtins.int", "builtins.float", "builtins.str", "builtins.bool", "builtins.complex",
    "builtins.bytearray", "builtins.slice", "builtins.range", "builtins.frozenset",
    "torch.optim.", "torch.torch_version.TorchVersion", "torch.Generator",
)  # fmt: skip
OLD_ROOMS = set(_compat_pickle.IMPORT_MAPPING)
CLOSED_ROOMS = {"torch", "numpy", "pip", "setuptools", "pkg_resources", "IPython", "scipy"}
MODULES = "torch.nn.modules."  # a whole network as an object, with its program
FOREIGN = re.compile(r"(?:GLOBAL|Unsupported class) `?([^\s`]+)")
NOT_A = re.compile(r"(SETITEM|append|extend).* but got <class '[\w.]*Inert_(\d+)'>")
OF_TORCH = re.compile(r"torch\.(\w+|_utils\.\w+|_tensor\.\w+|storage\.\w+)")
MOST_RECORDS = 500
MOST_STEPS = 1_000_000  # of a pickle, where only its names are looked for


class Refused(Exception):
    """``reason`` is one of the words of :data:`engine.checkpoints.reading.REASONS`."""

    def __init__(self, reason: str, *names: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.names = [str(name)[:LONGEST_NAME] for name in names][:5]


def unpickled(file: IO[bytes], *, in_zip: bool) -> Any:
    """What torch's weights-only unpickler makes of it, with inert classes for records.

    Weights of an archive are not read, only where they lie. Each time the unpickler meets a name
    that it does not know it stops; where that is a record, it starts again with a stand-in.
    """
    import torch

    names: list[str] = []
    filled: dict[int, type] = {}  # the stand-ins that the unpickler fills itself
    while True:
        stand_ins: list[Any] = [(_stand_in(n, filled.get(n)), name) for n, name in enumerate(names)]
        file.seek(0)
        try:
            with torch.serialization.safe_globals(stand_ins):
                return torch.load(
                    file,  # pyright: ignore[reportArgumentType]
                    map_location="meta" if in_zip else "cpu",
                    weights_only=True,
                )
        except pickle.UnpicklingError as error:
            wanted = NOT_A.search(str(error))
            if wanted and int(wanted[2]) not in filled:
                filled[int(wanted[2])] = OrderedDict if wanted[1] == "SETITEM" else list
                continue
            unknown = FOREIGN.search(str(error))
            if unknown is None or len(names) > MOST_RECORDS:
                raise
            name = unknown[1] if "." in unknown[1] else f"builtins.{unknown[1]}"
            if name in names:
                raise
            if name.startswith(MODULES):
                raise Refused("module") from error
            if not is_record(name):
                raise Refused("foreign", modern(name)) from error
            names.append(name)


def modern(name: str) -> str:
    """A name as Python 3 has it; in older pickles it stands as in Python 2."""
    room, _, last = name.rpartition(".")
    return f"{_compat_pickle.IMPORT_MAPPING[room]}.{last}" if room in OLD_ROOMS else name


def is_record(name: str) -> bool:
    """Whether a class of this name is a record of training, as far as a name can tell.

    Nothing of that name is ever loaded or called, whatever the answer: an inert class stands in
    for it. What is no record, such as a function of the standard library, refuses the file.
    """
    name = modern(name)
    room, _, last = name.rpartition(".")
    if name.startswith(RECORDS):
        return True
    first = room.split(".")[0]
    if not room or first in CLOSED_ROOMS or first in sys.stdlib_module_names:
        return False
    return last.lstrip("_")[:1].isupper()  # a class by its name; functions are written small


def blamed(file: IO[bytes], form: str) -> dict[str, Any]:
    """Why a file could not be read: by the names in it, where a name is of a program."""
    try:
        for name in _names_in(file, form):
            if not (is_record(name) or OF_TORCH.fullmatch(name)):
                return {"refused": "foreign", "names": [modern(name)[:LONGEST_NAME]]}
    except Exception:
        pass
    return {"refused": "damaged", "names": []}


def _names_in(file: IO[bytes], form: str) -> Iterator[str]:
    """What the pickles in a file call by name, read step by step and not carried out."""
    file.seek(0)
    if form == "zip":
        with zipfile.ZipFile(file) as archive:
            name = next(name for name in archive.namelist() if name.endswith("data.pkl"))
            stream: IO[bytes] = io.BytesIO(archive.read(name))
    else:
        stream = file
    texts: list[str] = []
    for count, (step, value, _) in enumerate(pickletools.genops(stream)):
        if count > MOST_STEPS:
            return
        if isinstance(value, str):
            texts = [*texts[-1:], value]
        if step.name in ("GLOBAL", "INST"):
            yield str(value).replace(" ", ".")
        elif step.name == "STACK_GLOBAL" and len(texts) == 2:
            yield ".".join(texts)


def _stand_in(number: int, filled: type | None) -> type:
    """An inert class; what is to be ``filled``, as a dictionary or list, makes one of these."""
    kind: dict[str, Any] = {"__init__": _nothing, "__setstate__": _nothing}
    if filled is not None:
        kind["__new__"] = lambda _kind, *_values: filled()
    return type(f"Inert_{number}", (), kind)


def _nothing(_self: Any, *_values: Any) -> None:
    pass

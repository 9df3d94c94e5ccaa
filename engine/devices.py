"""Where the networks compute, in which precision, and how much memory there is."""

import gc
import os
import re
from collections.abc import Mapping
from typing import Any

import torch

from engine.errors import InvalidRequest, OutOfMemory

PRECISIONS = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
HALF_INSTRUCTIONS = ("avx512_bf16", "amx_bf16")  # of processors that multiply in bfloat16
GIB = 2**30


def choose_device(device: str) -> torch.device:
    if device != "auto":
        try:
            chosen = torch.device(device)
        except RuntimeError:
            raise InvalidRequest(
                f"The device is auto, cpu or cuda; '{device}' is neither."
            ) from None
        if chosen.type == "cuda" and not torch.cuda.is_available():
            raise InvalidRequest(
                "No graphics card can be used by the installed torch. Start with --device cpu, "
                "or install the CUDA build of torch."
            )
        return chosen
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def choose_precision(
    precision: str, device: torch.device, processor: Mapping[str, Any] | None = None
) -> torch.dtype:
    """Half precision where the device computes in it: on a graphics card bfloat16 or float16, on
    a processor bfloat16 where it has instructions for it, else float32.

    ``processor`` says what the processor can do, as torch names it; by default this one's.
    """
    if precision in PRECISIONS:
        return PRECISIONS[precision]
    if precision != "auto":
        raise InvalidRequest(f"The precision is auto or one of {', '.join(PRECISIONS)}.")
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    can = torch.cpu.get_capabilities() if processor is None else processor
    return torch.bfloat16 if any(map(can.get, HALF_INSTRUCTIONS)) else torch.float32


def computes_in(dtype: torch.dtype, device: torch.device) -> bool:
    """Whether a recipe of ``dtype`` can be followed; a processor does bfloat16, if slowly."""
    if device.type == "cuda":
        return dtype != torch.bfloat16 or torch.cuda.is_bf16_supported()
    return dtype != torch.float16


def ran_out(error: BaseException) -> bool:
    """Whether ``error`` says that memory ran out, in one of the ways in which torch says it."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    said = ("not enough memory", "out of memory")
    return isinstance(error, RuntimeError) and any(words in str(error) for words in said)


def give_back(device: torch.device) -> None:
    """Free what nothing refers to any more. Call it where no error is being handled: until then
    the error holds on to the memory of the run that it ended."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def out_of_memory(device: torch.device, error: BaseException | None = None) -> OutOfMemory:
    """What is said where memory ran out; ``error`` is torch's, which says how much was missing."""
    if device.type == "cuda":
        missing = tried_to_allocate(str(error))
        held = torch.cuda.max_memory_allocated(device) / GIB
        torch.cuda.empty_cache()
        free, _ = torch.cuda.mem_get_info(device)
        return OutOfMemory("graphics card", held + missing if missing else 0, free / GIB)
    return OutOfMemory("computer", 0, free_memory() / GIB)


def tried_to_allocate(message: str) -> float:
    """GiB that torch could not get, from its message; 0 where it does not say."""
    found = re.search(r"[Tt]ried to allocate ([0-9.]+) (KiB|MiB|GiB)", message)
    if found is None:
        return 0.0
    return float(found[1]) / {"KiB": 2**20, "MiB": 2**10, "GiB": 1}[found[2]]


def memory_of(name: str) -> tuple[int, int]:
    """Bytes in use and bytes in all: of the graphics card, or of the computer's main memory.

    ``name`` is that of the device, such as "cpu". (0, 0) where the system does not tell.
    """
    device = torch.device(name)
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return total - free, total
    if not hasattr(os, "sysconf"):
        return 0, 0
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return total - free_memory(), total


def free_memory() -> int:
    """Bytes of main memory free on this computer; 0 where the system does not tell."""
    if not hasattr(os, "sysconf"):
        return 0
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

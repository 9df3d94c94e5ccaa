"""Whether the description beside converted weights is one: a stranger's JSON may lie there too."""

import math
import re
from collections.abc import Mapping
from typing import Any

from engine.checkpoints.roles import ROLES
from engine.networks.ldm import PLANS

MOST_BYTES = 1_000_000  # of a description; ours have some 2,000
LONGEST_TEXT = 4000
WIDEST, DEEPEST = 1 << 20, 64  # of a network's numbers; of those that repeat its parts
REPEATING = ("resnets", "layers")
FILE = re.compile(r"[^/\\\0]+\.safetensors")  # beside the description
SHA256 = re.compile(r"[0-9a-f]{64}")


def check(values: Mapping[str, Any]) -> None:
    """Raises ValueError, KeyError, TypeError or AttributeError where it cannot be one of ours."""
    source, weights = values["source"], values["weights"]
    texts = [values[name] for name in ("role", "title", "schedule", "licence", "notice")]
    texts += [source["published_at"], source["file"], weights["file"]]
    if not all(isinstance(text, str) and len(text) <= LONGEST_TEXT for text in texts):
        raise ValueError("texts")
    if not FILE.fullmatch(weights["file"]):
        raise ValueError("file")
    if values["role"] not in ROLES:
        raise ValueError("role")
    if not (SHA256.fullmatch(source["sha256"]) and SHA256.fullmatch(weights["sha256"])):
        raise ValueError("checksums")
    whole = [weights["bytes"], *source["stamp"]]
    if not all(type(number) is int and 0 <= number < 1 << 63 for number in whole):
        raise ValueError("sizes")
    numbers = [values["latent_scale"], *values["pixel_range"]]
    if not all(type(one) in (int, float) and math.isfinite(one) for one in numbers):
        raise ValueError("numbers")
    for name, plan in values["networks"].items():
        if name not in PLANS:
            raise ValueError("networks")
        _check_plan(plan)
    for name, known in values["knows"].items():
        inside = known.items() if isinstance(known, dict) else _listed(known)
        if len(name) > 64 or len(inside) > 1000 or not isinstance(known, bool | list | dict):
            raise ValueError("knows")


def _check_plan(plan: Any, depth: int = 0) -> None:
    if depth > 2 or len(plan) > 32:
        raise ValueError("plan")
    for name, value in plan.items():
        if isinstance(value, dict):
            _check_plan(value, depth + 1)
            continue
        most = DEEPEST if name in REPEATING else WIDEST
        each = _listed(value)
        if len(each) > 32 or not all(type(n) in (int, bool) and 0 <= n <= most for n in each):
            raise ValueError("plan")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

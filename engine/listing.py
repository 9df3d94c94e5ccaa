"""Models as they are listed: a file on the disk, and what a set can obey. Loads no torch.

``inventory`` finds them; who only shows them needs no more than this.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.api import Knows, Verb


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """One model on the disk. ``size`` in bytes; ``family`` is "embedded" or a published one."""

    name: str
    family: str
    role: str
    recognised_as: str
    size: int
    licence: str
    notice: str
    sha256: str
    source: str
    trained_on: str
    steps: str
    knows: Knows
    figures: Mapping[str, Any] = field(default_factory=dict)
    imported: bool = False  # by a person; the others ship
    draws: bool = False  # whether this is the network that a set is known by


@dataclass(frozen=True, kw_only=True)
class Obeys:
    """What a set can obey: the columns of the page's table. A verb is None or why not."""

    organs: tuple[int, ...]
    findings: tuple[str, ...]
    free_text: bool
    sides: tuple[str, ...]
    zones: tuple[str, ...]
    views: tuple[str, ...]
    verbs: Mapping[Verb, str | None]


class Asked(Protocol):
    """What an engine is asked here."""

    def can(self, verb: Verb) -> str | None: ...
    def knows(self, verb: Verb) -> Knows: ...


def obeys(engine: Asked) -> Obeys:
    """What the set behind ``engine`` can obey."""
    drawn, inserted = engine.knows("generate"), engine.knows("insert")
    findings = inserted.findings or drawn.findings
    return Obeys(
        organs=drawn.organs,
        findings=tuple(word for word in findings if word != "no finding"),
        free_text=drawn.free_text,
        sides=drawn.sides,
        zones=drawn.zones,
        views=drawn.views,
        verbs={
            verb: engine.can(verb)
            for verb in ("generate", "insert", "erase", "outpaint", "upscale", "segment")
        },
    )

"""What the help card says of the program: version, licence, and what the models cannot do.

The limits are the words of the model card, which the evaluation writes; nothing is said twice.
"""

import re
from functools import cache
from pathlib import Path

from engine.version import VERSION

CARD = Path(__file__).resolve().parents[2] / "assets" / "models" / "MODEL_CARD.md"
HEADING = "## What it cannot do"
SHOWN = 4  # of the limits; the card has the rest


@cache
def limits() -> tuple[str, ...]:
    """The sentences of the card on what the embedded models cannot do, most important first."""
    _, _, after = CARD.read_text("utf-8").partition(HEADING)
    section = after.partition("\n## ")[0]
    found = re.findall(r"^- (.+(?:\n  .+)*)", section, re.MULTILINE)
    return tuple(" ".join(sentence.split()) for sentence in found)


def about() -> dict[str, object]:
    """What the help card shows below the keys."""
    found = limits()
    not_offered = [sentence for sentence in found if sentence.startswith("Not offered")]
    shown = [*found[:SHOWN], *(s for s in not_offered if s not in found[:SHOWN])]
    return {"version": VERSION, "licence": "Apache-2.0", "limits": shown}

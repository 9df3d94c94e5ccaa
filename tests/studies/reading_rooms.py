"""Studies with pictures on a shelf, open for reading, with the codes of their readers."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.studies import protocols
from app.studies.model import Case, Protocol, Reader, Study
from app.studies.pictures import Treatment, add_pictures, from_pixels
from app.studies.shelf import Shelf
from app.studies.store import Store
from tests.studies.films import film
from tests.studies.small import SOURCES

Sources = tuple[tuple[str, bool], ...]
SIDE = 128  # px; small, so that a test of many trials is not about decoding


@dataclass(frozen=True)
class Opened:
    store: Store
    codes: dict[str, str]


def pictured(folder: Path, cases: list[Case]) -> tuple[Case, ...]:
    """The cases with a drawn film each; the synthetic ones are a little smoother, and have masks
    that say where they were edited."""
    edited = np.zeros((160, 160), bool)
    edited[40:80, 30:70] = True
    pictures = [
        from_pixels(case, film(n, 160, blur=0.6), np.roll(edited, n % 60, axis=1))
        if case.synthetic
        else from_pixels(case, film(n, 160))
        for n, case in enumerate(cases)
    ]
    return add_pictures(folder, pictures, Treatment(side=SIDE))


def scenes(count: int, protocol: str, sources: Sources = SOURCES) -> list[Case]:
    """``count`` scenes with a picture of each source; two findings in turn."""
    found = []
    for n in range(count):
        finding = ("effusion", "nodule")[n % 2]
        for source, synthetic in sources:
            edited = f"{sources[0][0]}-{n}" if protocol == "edit" and synthetic else ""
            scene = f"scene-{n}" if protocol != "edit" else ""
            found.append(Case(f"{source}-{n}", source, synthetic, finding, scene, edit_of=edited))
    return found


def opened(
    shelf: Shelf,
    protocol: str | Protocol,
    count: int = 8,
    readers: int = 3,
    sources: Sources = SOURCES,
    practice: int = 0,
    seed: int = 7,
    **order: float,
) -> Opened:
    """A study that is open for reading; ``order`` changes the protocol's."""
    chosen = protocols.shipped(protocol) if isinstance(protocol, str) else protocol
    chosen = replace(chosen, order=replace(chosen.order, **{"gap": 1, **order}))
    people = tuple(Reader(f"R{n + 1:02d}") for n in range(readers))
    begun = shelf.begin(Study("x", f"Truth of {chosen.name}", seed, chosen, (), people), "")
    cases = scenes(count, chosen.name, sources)
    for n in range(practice):
        source, synthetic = sources[n % 2]
        cases.append(Case(f"practice-{source}-{n}", source, synthetic, role="practice"))
    made = replace(begun.study(), cases=pictured(begun.folder, cases))
    begun.save_draft(made)
    begun.freeze()
    codes = begun.issue_codes()
    begun.open_reading()
    return Opened(begun, codes)

"""Example projects: small synthetic documents to begin with, made by the models that ship.

``python -m app.examples`` makes them again. They are project files like any other, in
``assets/examples``; opening one leaves the document at work where the recent ones are.
"""

import argparse
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.canvas.drawing import ERASE, FIRST_FINDING, Drawing, FindingRegion, organ_bits
from app.document.project import THUMBNAIL, Document, snapshot
from app.document.results import keep_result
from app.document.session import Session, State
from app.report.regions import proposed
from engine.api import Finding, GenerateRequest, Sampling
from engine.errors import InvalidRequest
from engine.shapes import ChestShape

if TYPE_CHECKING:
    from engine.engine import Engine

FOLDER = Path(__file__).resolve().parent.parent / "assets" / "examples"
SIDE = 256  # px
LARGEST = 400_000  # bytes of a file; a picture of 16 bits is about 110 kB
SEED = 11
DEGREES = {"Normal heart": 0.45, "Large heart": 0.54, "Very large heart": 0.63}
SENTENCE = "Moderate left pleural effusion. No pneumothorax."


@dataclass(frozen=True)
class Example:
    """``name`` is that of its file; ``verb`` is the one to go on with."""

    name: str
    title: str
    about: str
    verb: str
    make: Callable[["Engine"], Session]

    @property
    def path(self) -> Path:
        return FOLDER / f"{self.name}.zip"


def hearts(engine: "Engine") -> Session:
    """The same chest and seed with three hearts, so that nothing else tells them apart."""
    session = Session("example", title="Cardiomegaly in three degrees")
    for name, ratio in DEGREES.items():
        organs = engine.chest(ChestShape(ratio=ratio), SIDE)
        result = engine.run(GenerateRequest(organs=organs, sampling=Sampling(seed=SEED)))
        drawn = drawing(organ_bits(organs))
        name = f"{name}, ratio {ratio:.2f}"
        keep_result(session, result, parent=None, drawing=drawn, name=name, proposal=False)
        session.drawing, session.chest = drawn, ChestShape(ratio=ratio)
    return session


def pacemaker(engine: "Engine") -> Session:
    """A synthetic film with a device drawn onto it, and the area that covers it painted."""
    from engine.evaluation.devices import with_devices

    session = Session("example", title="Pacemaker to erase")
    organs = engine.chest(ChestShape(), SIDE)
    film = engine.run(GenerateRequest(organs=organs, sampling=Sampling(seed=SEED + 1))).image
    drawn, mask = with_devices(film, organs, np.random.default_rng(SEED), ("pacemaker",))
    image = (np.round(drawn * 65535) / np.float32(65535)).astype(np.float32)
    bits = organ_bits(organs) | np.where(mask > 0, np.uint32(1) << np.uint32(ERASE), np.uint32(0))
    session.drawing = drawing(bits)
    session.add(
        lambda number: State(
            number=number,
            name="Pacemaker drawn onto a synthetic film",
            kind="opened",
            image=image,
            bits=16,
            origin="synthetic",
            drawing=session.drawing,
            seed=SEED + 1,
        )
    )
    return session


def effusion(engine: "Engine") -> Session:
    """What a sentence says, drawn where such a finding usually lies."""
    session = Session("example", title="Effusion from a sentence", report=SENTENCE)
    organs = engine.chest(ChestShape(), SIDE)
    region = proposed("effusion", "moderate", "left", "lower", organs)
    words = "moderate effusion, left, lower"
    finding = Finding(text=words, mask=region.astype(np.float32))
    request = GenerateRequest(
        report=SENTENCE, organs=organs, findings=(finding,), sampling=Sampling(seed=SEED + 2)
    )
    plane = np.where(region, np.uint32(1) << np.uint32(FIRST_FINDING), np.uint32(0))
    drawn = drawing(organ_bits(organs) | plane, words)
    result = engine.run(request)
    keep_result(session, result, parent=None, drawing=drawn, name="Effusion", proposal=False)
    session.drawing = drawn
    return session


EXAMPLES = (
    Example(
        "cardiomegaly",
        "Cardiomegaly in three degrees",
        "One chest and one seed, three hearts: compare the states",
        "Generate",
        hearts,
    ),
    Example(
        "pacemaker",
        "Pacemaker to erase",
        "A drawn device on a synthetic film, painted over: press Erase",
        "Erase",
        pacemaker,
    ),
    Example(
        "effusion",
        "Effusion from a sentence",
        "A report, the region it was given, and the picture of it",
        "Generate",
        effusion,
    ),
)


def drawing(bits: NDArray[np.uint32], *words: str) -> Drawing:
    """Bit planes (H, W) with the words of the findings in them, as a document keeps it."""
    findings = tuple(
        FindingRegion(FIRST_FINDING + n, chr(ord("A") + n), text) for n, text in enumerate(words)
    )
    return Drawing("example", 1, "", None, np.ascontiguousarray(bits), findings)


def described() -> list[dict[str, Any]]:
    """The examples that are there, for the page to offer."""
    return [
        {"name": e.name, "title": e.title, "about": e.about, "verb": e.verb}
        for e in EXAMPLES
        if e.path.is_file()
    ]


def read(name: Any) -> Document:
    """The document of an example. Raises InvalidRequest where there is none of that name."""
    from app.document.archive import read_project

    found = next((e for e in EXAMPLES if e.name == name and e.path.is_file()), None)
    if found is None:
        raise InvalidRequest("This example is not here. Make it again: python -m app.examples.")
    return read_project(found.path)


def thumbnail(name: str) -> bytes | None:
    found = next((e for e in EXAMPLES if e.name == name and e.path.is_file()), None)
    if found is None:
        return None
    with zipfile.ZipFile(found.path) as archive:
        return archive.read(THUMBNAIL)


def main(argv: list[str] | None = None) -> int:
    """Make all examples again."""
    from app.document.archive import project_bytes
    from engine import open_engine
    from engine.files import write_whole

    parser = argparse.ArgumentParser(
        prog="python -m app.examples", description="Makes the example projects again."
    )
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="DIR", help="where to")
    out: Path = parser.parse_args(argv).out
    out.mkdir(parents=True, exist_ok=True)
    # Nearly the same on every computer; processors differ in the last digits.
    engine = open_engine(device="cpu", precision="float32")
    for example in EXAMPLES:
        session = example.make(engine)
        document = replace(snapshot(session), created=0.0)
        data = project_bytes(document)
        if len(data) > LARGEST:
            sys.stderr.write(f"{example.name} is {len(data)} bytes, more than {LARGEST}.\n")
            return 2
        write_whole(out / example.path.name, data)
        sys.stdout.write(f"{example.title}: {len(data) / 1000:.0f} kB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

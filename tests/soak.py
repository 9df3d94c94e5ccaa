"""Many mixed runs on the whole program, with cancels and kills: memory and disk must stay flat.

    python -m tests.soak --jobs 500                the models that ship, few steps
    python -m tests.soak --jobs 40 --fake          the fake engine, in a minute

The program runs as for a person, and is asked over HTTP. One run in ten is stopped, at one in a
hundred the process of the models is killed in the middle. Prints a table, and ends with 1 where
something did not hold. Linux only.
"""

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from app.canvas.drawing import ERASE
from app.main import OPENER
from engine import png
from tests.lives import Lives
from tests.visitor import Visitor, children_of, memory_of

CANCELLED, KILLED = 0.1, 0.01
EVERY = 0.05  # of all runs: how often memory and disk are noted
WARM = 0.25  # of all runs: what comes before does not count as growth
SETTLED = 150.0  # MB that the memory of a process may grow after that
VISITORS, A_DOCUMENT = 4, 5  # people, and runs on each of their documents
VERBS = ("Generate", "Generate", "Insert", "Erase", "Outpaint", "Upscale")


@dataclass
class Noted:
    jobs: int
    web: float  # MB
    models: float  # MB
    temporary: float  # MB
    disk: float  # MB of all that the program keeps


@dataclass
class Soak:
    ended: Counter = field(default_factory=Counter)
    noted: list[Noted] = field(default_factory=list)
    asked_to_stop: int = 0
    killed: int = 0
    refused: Counter = field(default_factory=Counter)  # by the beginning of the sentence
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def growth(self, name: str) -> float:
        """MB from the mean of the first settled third to the mean of the last."""
        values = [getattr(one, name) for one in self.noted[max(1, int(len(self.noted) * WARM)) :]]
        third = max(1, len(values) // 3)
        return float(np.mean(values[-third:]) - np.mean(values[:third]))

    def table(self) -> str:
        head = "| runs | page, MB | models, MB | temporary files, MB | all on the disk, MB |"
        rows = [
            f"| {n.jobs} | {n.web:.0f} | {n.models:.0f} | {n.temporary:.1f} | {n.disk:.1f} |"
            for n in self.noted
        ]
        ended = ", ".join(f"{count} {state}" for state, count in sorted(self.ended.items()))
        said = (
            f"{sum(self.ended.values())} runs in {self.seconds / 60:.0f} min: {ended}. "
            f"{self.asked_to_stop} were asked to stop, {self.killed} times the process of the "
            "models was killed."
        )
        return "\n".join([said, "", head, "| ---: | ---: | ---: | ---: | ---: |", *rows])


def soak(lives: Lives, jobs: int, seed: int = 0, steps: int = 2, minutes: float = 1e9) -> Soak:
    """``jobs`` runs of a few people in turn, some on each document; fewer after ``minutes``."""
    found, chance, begun = Soak(), random.Random(seed), time.monotonic()
    visitors = [Visitor(lives.url) for _ in range(VISITORS)]
    visitors[0].ready()
    note(found, lives, 0)
    for number in range(jobs):
        if time.monotonic() - begun > 60 * minutes:
            break
        visitor = visitors[number // A_DOCUMENT % VISITORS]
        if number % A_DOCUMENT == 0:
            fresh(visitor)
        one_run(found, lives, visitor, chance, steps)
        if (number + 1) % max(1, round(jobs * EVERY)) == 0:
            visitor.ready()
            note(found, lives, number + 1)
    visitors[0].ready()
    if found.noted[-1].jobs < sum(found.ended.values()):
        note(found, lives, sum(found.ended.values()))
    found.seconds = time.monotonic() - begun
    return found


def one_run(found: Soak, lives: Lives, visitor: Visitor, chance: random.Random, steps: int) -> None:
    verb = chance.choice(VERBS)
    stops, kills = chance.random() < CANCELLED, chance.random() < KILLED
    values: dict[str, Any] = {"verb": verb, "change": "Insert", "steps": steps}
    values |= {"seed": chance.randrange(10**6), "keep-seed": True}
    if verb == "Outpaint":
        values |= {"keep": "Whole picture", "add-top": 16}
    id = visitor.run(values)
    if stops:
        found.asked_to_stop += 1
        visitor.stop(id)
    if kills:
        visitor.until(id, lambda view: view["state"] not in ("unknown", "queued"))
        for worker in children_of(lives.pid):
            os.kill(worker, signal.SIGKILL)
        found.killed += 1
    view = visitor.wait(id, 600)
    found.ended[view["state"]] += 1
    if view["state"] == "lost" and not kills:
        found.wrong.append(f"run {id} ({verb}) was lost: {view['sentence']}")
    if view["state"] == "failed":
        found.refused[view["sentence"][:60]] += 1
    if view["state"] == "failed" and "Incident" in view["sentence"]:
        found.wrong.append(f"run {id} ({verb}) failed: {view['sentence']}")
    for state in view["results"]:
        if visitor.http.get(f"/api/states/{state}.png").status_code != 200:
            found.wrong.append(f"the picture of run {id} is not there")


def fresh(visitor: Visitor) -> None:
    """A new document with a film and a drawing on it; the one before is deleted."""
    before = visitor.desk()["doc"]
    visitor.tell({"kind": "new"})
    visitor.http.post(f"/api/documents/{before}/delete").raise_for_status()
    film = np.clip(np.add.outer(np.arange(256), np.arange(256)) // 2, 0, 255).astype(np.uint8)
    opened = visitor.open(png.encode(film))
    visitor.tell({"kind": "open", "files": [opened["file"]], "way": "new"})
    bits = np.zeros((256, 256), np.uint32)
    bits[80:200, 30:110] = 1 << 1
    bits[80:200, 150:230] = 1
    bits[150:180, 160:220] |= 1 << 4
    bits[40:60, 40:60] |= 1 << ERASE
    findings = [{"bit": 4, "letter": "A", "words": "effusion"}]
    visitor.draw(bits, findings, visitor.desk()["last"])


def note(found: Soak, lives: Lives, jobs: int) -> None:
    models = sum(memory_of(pid) for pid in children_of(lives.pid))
    temporary = lives.data / "temp" / str(lives.port)
    found.noted.append(
        Noted(jobs, memory_of(lives.pid), models, size_of(temporary), size_of(lives.data))
    )
    print(found.noted[-1], dict(found.ended), flush=True)  # noqa: T201


def size_of(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--fake", action="store_true", help="the fake engine")
    parser.add_argument("--minutes", type=float, default=1e9, help="end after so many")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    data = Path(tempfile.mkdtemp(prefix="xreal-soak-"))
    lives = Lives(data, "tests.app.fake_engine:opened" if args.fake else OPENER)
    try:
        lives.start()
        found = soak(lives, args.jobs, args.seed, minutes=args.minutes)
    finally:
        lives.close()
        shutil.rmtree(data, ignore_errors=True)
    print(found.table())  # noqa: T201
    print(dict(found.refused))  # noqa: T201
    for sentence in found.wrong:
        print(sentence)  # noqa: T201
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())

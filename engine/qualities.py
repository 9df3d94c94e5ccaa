"""What each quality costs and keeps, measured with the models that are loaded.

Same seed, same map: time, memory, how well the drawn organs are found again, and the distance to
the picture that many steps in float32 make. The table is that of ``bench --qualities``.
"""

import contextlib
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.api import (
    HEART,
    LEFT_LUNG,
    ORGAN_NAMES,
    QUALITIES,
    RIGHT_LUNG,
    Finding,
    GenerateRequest,
    InsertRequest,
    Organs,
    Pixels,
    Quality,
    Request,
    Sampling,
    SegmentRequest,
    UpscaleRequest,
)
from engine.bench import GIB, SIDE, Row, anew, ellipse
from engine.errors import InvalidRequest
from engine.evaluation.features import Features, frechet
from engine.files import write_whole
from engine.training.codec import ssim

MAPS = 50  # pictures that are drawn and read again
SHARE = 6  # one of so many is also compared with many steps
MANY = 100  # steps of the picture that the others are compared with
ORGANS = (RIGHT_LUNG, LEFT_LUNG, HEART)
BEGIN, END = "<!-- qualities -->\n", "<!-- end of qualities -->\n"
ZONE = ellipse(SIDE, 0.72, 0.70, 0.13, 0.10)
FINDING = Finding(text="left effusion", mask=ZONE)
Run = Callable[[Request], Any]  # Engine.run
Describe = Callable[[Sequence[Pixels]], Features]


def measure_qualities(
    engine: Any,
    precise: Any,
    maps: int = MAPS,
    many: int = MANY,
    describe: Describe | None = None,
) -> list[Row]:
    """One row a quality, and one for standard in float32 by the engine ``precise``.

    Maps and seeds are the shape model's first; the finding is an effusion in the lower left.
    With ``describe`` (films to features) a last row holds how far two sets of ``many`` steps are
    from each other, beside which each row's own distance from such a set can be read.
    """
    drawn = [engine.organs_for(seed, SIDE) for seed in range(maps)]
    rows = [quality_row(engine, quality, drawn) for quality in QUALITIES]
    if engine.precision != "float32":
        rows.append(quality_row(precise, "standard", drawn))
    if describe is not None:
        add_distances(rows, engine.run, drawn, many, describe)
    for row in rows:
        del row["films"]
    truth = [
        _both(precise.run, organs, Sampling(seed=seed, steps=many))
        for seed, organs in enumerate(drawn[: max(maps // SHARE, 1)])
    ]
    for row in rows:
        by = precise if row["precision"] == "float32" else engine
        compare(row, by.run, drawn, truth)
    return rows


def quality_row(engine: Any, quality: Quality, drawn: Sequence[Organs]) -> Row:
    """Time, memory and obedience of one quality."""
    sampling = Sampling(quality=quality)
    first = engine.run(_alone(drawn[0], sampling))  # reads the networks
    engine.run(UpscaleRequest(image=first.image, sampling=sampling))
    begin_peak()
    clock, busy, read, films = [], [], [], []
    for seed, organs in enumerate(drawn):
        request = _alone(organs, replace(sampling, seed=seed))
        image = timed(engine.run, request, clock, busy)
        films.append(image)
        read.append(engine.run(SegmentRequest(image=image)).organs)
    row: Row = {
        "films": films,
        "quality": quality,
        "precision": engine.precision,
        "steps": first.request.sampling.steps,
        "map": {"clock": statistics.median(clock), "processor": statistics.median(busy)},
        "finding": _times(engine.run, _with_finding(drawn[0], sampling)),
        "upscale": _times(engine.run, UpscaleRequest(image=first.image, sampling=sampling)),
        "gib": peak(),
    }
    for organ in ORGANS:
        scores = [dice(a == organ, b == organ) for a, b in zip(drawn, read, strict=True)]
        row[f"dice {ORGAN_NAMES[organ]}"] = float(np.mean(scores))
    return row


def add_distances(
    rows: list[Row], run: Run, drawn: Sequence[Organs], many: int, describe: Describe
) -> None:
    """Add to each row the Fréchet distance from films of ``many`` steps on the same maps with
    other seeds, and to the rows what the same distance is between two seeds of ``many`` steps.

    So few films are far from each other by chance alone: only a distance that is larger than
    that between two seeds says that something is lost.
    """

    def films(first: int) -> list[Pixels]:
        asked = [
            _alone(organs, Sampling(seed=first + n, steps=many)) for n, organs in enumerate(drawn)
        ]
        return [run(request).image for request in asked]

    others = describe(films(len(drawn)))
    chance = frechet(describe(films(0)), others)
    for row in rows:
        row["frechet"] = frechet(describe(row["films"]), others)
        row["frechet by chance"] = chance


def compare(
    row: Row, run: Run, drawn: Sequence[Organs], truth: Sequence[tuple[Pixels, Pixels]]
) -> None:
    """Add how near the row's quality comes to ``truth``: mean PSNR in dB, mean SSIM.

    A finding is put into the true film and compared within its region.
    """
    films, likeness, findings, inside = [], [], [], ZONE > 0
    for seed, (film, with_finding) in enumerate(truth):
        sampling = Sampling(seed=seed, quality=row["quality"])
        found, changed = _both(run, drawn[seed], sampling, film)
        films.append(psnr(found, film))
        likeness.append(float(ssim(_tensor(found), _tensor(film))))
        findings.append(psnr(changed[inside], with_finding[inside]))
    row["psnr map"], row["ssim map"] = float(np.mean(films)), float(np.mean(likeness))
    row["psnr finding"] = float(np.mean(findings))


def _both(
    run: Run, organs: Organs, sampling: Sampling, into: Pixels | None = None
) -> tuple[Pixels, Pixels]:
    """A film of the map, and the finding put into it (into ``into`` where that is given)."""
    film = run(_alone(organs, sampling)).image
    image = film if into is None else into
    request = InsertRequest(image=image, findings=(FINDING,), organs=organs, sampling=sampling)
    return film, run(request).image


def timed(run: Run, request: Request, clock: list[float], busy: list[float]) -> Pixels:
    """The picture; seconds by the clock, and of all cores without waiting, are added."""
    started, worked = time.perf_counter(), time.process_time()
    image = run(request).image
    clock.append(time.perf_counter() - started)
    busy.append(time.process_time() - worked)
    return image


def _times(run: Run, asked: Request, repeat: int = 3) -> dict[str, float]:
    clock: list[float] = []
    busy: list[float] = []
    request = anew(asked)
    for _ in range(repeat):
        timed(run, request(), clock, busy)
    return {"clock": statistics.median(clock), "processor": statistics.median(busy)}


def _alone(organs: Organs, sampling: Sampling) -> Request:
    return GenerateRequest(organs=organs, sampling=sampling)


def _with_finding(organs: Organs, sampling: Sampling) -> Request:
    return GenerateRequest(organs=organs, findings=(FINDING,), sampling=sampling)


def _tensor(image: Pixels) -> Tensor:
    return torch.from_numpy(image)[None, None]


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Overlap of two boolean maps, 0 to 1; 1 where both are empty."""
    both = a.sum() + b.sum()
    return 1.0 if both == 0 else float(2 * (a & b).sum() / both)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Decibels for values in 0 to 1; 99 where nothing differs."""
    error = float(((a.astype(np.float64) - b) ** 2).mean())
    return 99.0 if error < 10**-9.9 else -10 * float(np.log10(error))


def begin_peak() -> None:
    """Forget the most memory that was held so far, where the system can (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", "utf-8")


def peak() -> float | None:
    """GiB held at most since :func:`begin_peak`; None where the system does not say."""
    try:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    except OSError:
        return None
    found = [line for line in lines if line.startswith("VmHWM:")]
    return int(found[0].split()[1]) * 1024 / GIB if found else None


TIMED = ("map", "finding", "upscale")
HEADS = (
    "quality", "steps", "precision", "from a map, s", "with a finding, s", "upscale, s", "GiB",
    "Dice lungs", "Dice heart", "PSNR, dB", "SSIM", "PSNR of a finding, dB", "Fréchet (by chance)",
)  # fmt: skip


def quality_table(rows: Sequence[Row], machine: dict[str, Any]) -> str:
    """The rows as Markdown; times are of the processor with, in brackets, those of the clock."""
    told = [f"{key.replace('_', ' ')} {value}" for key, value in machine.items() if value]
    lines = [", ".join(told) + ".", ""]
    lines += ["| " + " | ".join(HEADS) + " |", "| --- " + "| ---: " * (len(HEADS) - 1) + "|"]
    for row in rows:
        lungs = (row["dice right lung"] + row["dice left lung"]) / 2
        cells = [
            row["quality"],
            str(row["steps"]),
            row["precision"],
            *(f"{row[k]['processor']:.2f} ({row[k]['clock']:.2f})" for k in TIMED),
            "" if row["gib"] is None else f"{row['gib']:.2f}",
            f"{lungs:.3f}",
            f"{row['dice heart']:.3f}",
            f"{row['psnr map']:.1f}",
            f"{row['ssim map']:.3f}",
            f"{row['psnr finding']:.1f}",
            f"{row['frechet']:.1f} ({row['frechet by chance']:.1f})" if "frechet" in row else "",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def put_into(page: Path, table: str) -> None:
    """Replace what stands between the two marks of a Markdown page by ``table``."""
    text = page.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise InvalidRequest(
            f"'{page.name}' has no place for the table: the lines '{BEGIN.strip()}' and "
            f"'{END.strip()}' are missing."
        )
    write_whole(page, (before + begin + "\n" + table + "\n" + end + after).encode())

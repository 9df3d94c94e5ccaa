"""Time and memory of what people wait for, measured on this machine in one process.

Each job runs once to warm up and ``repeat`` times for the median. Then the authors' way runs
against ours on networks of full size (:mod:`engine.full_size`).
"""

import argparse
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from engine.api import (
    EraseRequest,
    Finding,
    GenerateRequest,
    InsertRequest,
    Mask,
    OutpaintRequest,
    Progress,
    Request,
    SegmentRequest,
    UpscaleRequest,
    with_seed,
)
from engine.files import write_whole

SIDE = 256  # px
GIB = 2**30
UNUSED = itertools.count(10_000)  # seeds; what is drawn by itself has small ones
CHANGE = "generate after its one finding was changed"
RACE_GIB = 8  # of memory for the networks of full size in float32, and what they compute
COLUMNS = ("median", "slowest", "processor", "first_preview", "gib")
Row = dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--models", metavar="DIR", help="folder with model files; default: the embedded models"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: auto)")
    parser.add_argument("--precision", default="auto", help="as in generate --help")
    parser.add_argument(
        "--repeat", type=int, default=3, metavar="N", help="runs of each job (default: 3)"
    )
    parser.add_argument(
        "--quick", action="store_true", help="one run of each job, and 4 steps at full size"
    )
    parser.add_argument(
        "--full-size",
        action="store_true",
        help="only the authors' way against ours on networks of the published size, filled with "
        "random numbers, with all steps (on two processor cores half an hour)",
    )
    parser.add_argument(
        "--qualities",
        action="store_true",
        help="only what draft, standard and fine cost, and the quality that they keep",
    )
    parser.add_argument(
        "--maps", type=int, default=50, metavar="N", help="pictures of --qualities (default: 50)"
    )
    parser.add_argument(
        "--into", metavar="FILE", help="put the table of --qualities into this Markdown page"
    )
    parser.add_argument("--json", action="store_true", help="write the figures as JSON to stdout")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the JSON to a file, too")


def run(args: argparse.Namespace) -> int:
    """The command: a table, or JSON, on stdout."""
    repeat = 1 if args.quick else max(args.repeat, 1)
    if args.qualities:
        figures = by_quality(args)
    elif args.full_size:
        figures = {"machine": machine(), "full size": race_of(args)}
    else:
        figures = measure(args.models, args.device, args.precision, repeat)
        figures["full size"] = race_of(args)
    text = json.dumps(figures, indent=1) + "\n"
    if args.output:
        write_whole(Path(args.output), text.encode())
    sys.stdout.write(text if args.json else str(figures.get("table") or table(figures)))
    return 0


def by_quality(args: argparse.Namespace) -> dict[str, Any]:
    """The figures of :mod:`engine.qualities` and their table, put into a page if one is named."""
    from engine.engine import EMBEDDED, open_engine
    from engine.evaluation.features import features_of
    from engine.evaluation.realism import levelled
    from engine.images import to_codes
    from engine.networks.small import load_embedded
    from engine.qualities import measure_qualities, put_into, quality_table

    engine = open_engine(args.models, device=args.device, precision=args.precision)
    precise = engine
    if engine.precision != "float32":
        precise = open_engine(args.models, device=args.device, precision="float32")
    judge: Any = load_embedded(EMBEDDED / "judge.json")

    def describe(films: Sequence[np.ndarray]) -> np.ndarray:
        return features_of(judge, levelled(np.stack([to_codes(film, 8) for film in films])))

    maps = max(args.maps, 2)
    rows = measure_qualities(engine, precise, maps=maps, describe=describe)
    told = {"models": engine.name, "maps": maps, **machine()}
    made = quality_table(rows, told)
    if args.into:
        put_into(Path(args.into), made)
    return {"machine": told, "rows": rows, "table": made}


def measure(models: str | None, device: str, precision: str, repeat: int) -> dict[str, Any]:
    """All figures; see :func:`table` for what they are called."""
    started = time.perf_counter()
    from engine.engine import open_engine  # with torch, whose import is part of a cold start

    engine = open_engine(models, device=device, precision=precision)
    opened = time.perf_counter() - started
    rows = [{"job": "open the engine (torch imported, networks not yet read)", "median": opened}]
    first, film = _first_picture(engine)
    rows.append(first)
    for name, request in jobs(film).items():
        reason = engine.can(_verb(name))
        if reason is not None:
            rows.append({"job": name, "skipped": reason})
            continue
        rows.append(timed(name, anew(request), engine.run, repeat))
    rows.append(timed(CHANGE, changed_after(engine.run), engine.run, repeat))
    rows.append({"job": "peak memory of the process, GiB", "gib": peak_gib()})
    rows.append(cold_start(models))
    told = {"models": engine.name, "device": engine.device, **machine()}
    return {"machine": told, "repeat": repeat, "rows": rows}


def jobs(film: np.ndarray) -> dict[str, Request]:
    """What is timed, at the model's default quality; the name starts with the verb."""
    organs, zone = chest(SIDE), ellipse(SIDE, 0.72, 0.70, 0.13, 0.10)
    keep = np.ones((SIDE, SIDE), np.float32)
    keep[:, : SIDE // 4] = 0
    finding = (Finding(text="effusion", mask=zone),)
    return {
        "generate with one finding": GenerateRequest(organs=organs, findings=finding),
        "generate from the organ map alone": GenerateRequest(organs=organs),
        "insert one finding": InsertRequest(image=film, findings=finding),
        "erase": EraseRequest(image=film, mask=ellipse(SIDE, 0.3, 0.3, 0.06, 0.03)),
        "outpaint a quarter": OutpaintRequest(image=film, keep=keep),
        "upscale to 1024 px": UpscaleRequest(image=film),
        "segment": SegmentRequest(image=film),
    }


def anew(request: Request) -> Callable[[], Request]:
    """The request with a seed of its own at each call, that of no other job either: the stages of
    a known one are remembered."""
    return lambda: with_seed(request, next(UNUSED))


def changed_after(run: Callable[[Request], Any]) -> Callable[[], Request]:
    """A film whose one finding was changed, after the film itself was made."""
    whole = anew(jobs(np.zeros((SIDE, SIDE), np.float32))["generate with one finding"])

    def request() -> Request:
        made = whole()
        assert isinstance(made, GenerateRequest)
        run(made)
        return replace(made, findings=(replace(made.findings[0], text="consolidation"),))

    return request


def timed(name: str, request: Callable[[], Request], work: Callable[..., Any], repeat: int) -> Row:
    """Median seconds of ``work`` and of its first preview, after one run to warm up."""
    seconds, processor, previews = [], [], []
    for number in range(repeat + 1):
        asked = request()
        clock, busy = PreviewClock(), time.process_time()
        work(asked, clock)
        if number:
            seconds.append(clock.elapsed())
            processor.append(time.process_time() - busy)
            previews.append(clock.preview)
    seen = [p for p in previews if p is not None]
    row: Row = {
        "job": name,
        "median": statistics.median(seconds),
        "slowest": max(seconds),
        "processor": statistics.median(processor),  # of all cores; does not count waiting
    }
    if seen:
        row["first_preview"] = statistics.median(seen)
    return row


class PreviewClock:
    """Notes when the first preview came."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self.preview: float | None = None

    def __call__(self, event: Progress) -> None:
        if event.preview is not None and self.preview is None:
            self.preview = self.elapsed()

    def elapsed(self) -> float:
        return time.perf_counter() - self._started


def chest(side: int) -> np.ndarray:
    """A plain drawing of two lungs and a heart, (side, side)."""
    organs = np.zeros((side, side), np.uint8)
    organs[ellipse(side, 0.68, 0.46, 0.15, 0.30) > 0] = 1  # the patient's left is on the right
    organs[ellipse(side, 0.32, 0.46, 0.15, 0.30) > 0] = 2
    organs[ellipse(side, 0.53, 0.62, 0.16, 0.14) > 0] = 3
    return organs


def ellipse(side: int, x: float, y: float, half_width: float, half_height: float) -> Mask:
    """1 inside, (side, side); all lengths in shares of the side."""
    at = (np.arange(side) + 0.5) / side
    inside = ((at[None] - x) / half_width) ** 2 + ((at[:, None] - y) / half_height) ** 2 <= 1
    return inside.astype(np.float32)


def peak_gib() -> float | None:
    """The most memory the process has held so far; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / GIB


def race_of(args: argparse.Namespace) -> dict[str, Any]:
    """The authors' way against ours (:mod:`engine.full_size`), with its table.

    On a processor 100 steps take a quarter of an hour, so without ``--full-size`` it is 4.
    """
    from engine.devices import choose_device, choose_precision, free_memory
    from engine.full_size import race, race_table

    device = choose_device(args.device)
    free = free_memory() / GIB
    if device.type == "cpu" and 0 < free < RACE_GIB:
        reason = f"skipped: networks of full size need {RACE_GIB} GiB, and {free:.1f} are free"
        return {"rows": [], "table": f"The authors' way against ours: {reason}.\n"}
    quick = args.quick or (device.type == "cpu" and not args.full_size)
    repeat = max(args.repeat, 1) if device.type == "cuda" else 1
    rows = race(device, choose_precision(args.precision, device), repeat, quick=quick)
    return {"rows": rows, "table": race_table(rows)}


def machine() -> dict[str, Any]:
    import torch

    card = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "graphics_card": card,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown tables with the machine above them."""
    told = figures["machine"]
    parts = [", ".join(f"{key}: {value}" for key, value in told.items() if value is not None)]
    if "rows" in figures:
        parts.append(_jobs_table(figures["rows"]))
    if "full size" in figures:
        parts.append(figures["full size"]["table"])
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def _jobs_table(rows: list[Row]) -> str:
    lines = [
        "| job | median, s | slowest, s | processor, s | first preview, s | memory, GiB | note |",
        "| --- | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    for row in rows:
        numbers = [_number(row.get(column)) for column in COLUMNS]
        note = f"skipped: {row['skipped']}" if "skipped" in row else ""
        lines.append(f"| {row['job']} | {' | '.join(numbers)} | {note} |")
    return "\n".join(lines)


def cold_start(models: str | None) -> Row:
    """From nothing to a picture on the disk, in a new process."""
    command = [sys.executable, "-m", "engine", "generate", "--seed", "1"]
    with TemporaryDirectory() as folder:
        command += ["-o", str(Path(folder) / "first.png")]
        command += [] if models is None else ["--models", models]
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, check=False)
    row: Row = {"job": "cold start: a new process, to its first picture on the disk"}
    if done.returncode:
        return {**row, "skipped": done.stderr.decode(errors="replace").strip()[-200:]}
    return {**row, "median": time.perf_counter() - started}


def _first_picture(engine: Any) -> tuple[Row, np.ndarray]:
    """The very first run, which reads the networks from the disk."""
    clock = PreviewClock()
    result = engine.run(GenerateRequest(organs=chest(SIDE)), clock)
    row: Row = {
        "job": "first generate after opening (networks are read)",
        "median": clock.elapsed(),
    }
    if clock.preview is not None:
        row["first_preview"] = clock.preview
    return row, result.image


def _verb(name: str) -> Any:
    return name.split()[0]


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"

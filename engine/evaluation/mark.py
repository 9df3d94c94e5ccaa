"""``python -m engine evaluate-mark``: how well the invisible mark is found, and how often falsely.

Real films stand in for generated ones: they are marked, changed as files are changed on their way,
and searched without the original. The same films without a mark give the false alarms.
"""

import argparse
import io
import json
import math
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from engine.api import Pixels
from engine.detection import CERTAIN, NULL_MODE, NULL_SCALE, find_mark
from engine.errors import InvalidRequest
from engine.files import write_whole
from engine.images import read_image, to_codes
from engine.invisible import EDIT_WORD, embed

SIDES = {256: "images512", 1024: "images1024"}  # px of the films, and the folder they come from
SHARES = (1.0, 0.25, 0.10, 0.05, 0.02)  # of the film that is marked
TARGET = 1e-4  # false alarms a film
EULER = 0.5772156649
Say = Callable[[str], None]
Grey = Image.Image


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", metavar="DIR", required=True, help="folder of real films, as in docs/training.md"
    )
    parser.add_argument(
        "--out", metavar="FILE", default="mark.json", help="JSON to write (default: mark.json)"
    )
    parser.add_argument(
        "--films", type=int, default=60, metavar="N", help="films marked for each figure (60)"
    )
    parser.add_argument(
        "--unmarked", type=int, default=3000, metavar="N",
        help="most films of each size that are searched without a mark (3000)",
    )  # fmt: skip
    parser.add_argument(
        "--side", type=int, choices=list(SIDES), help="films of this size only, px (default: both)"
    )
    parser.add_argument("--json", action="store_true", help="write the results to stdout as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")


def run(args: argparse.Namespace) -> int:
    from engine.cli.progress import ProgressLine  # the command line is a floor above

    if args.films < 1 or args.unmarked < 1:
        raise InvalidRequest("At least one film is needed for each figure.")
    progress = ProgressLine(quiet=args.quiet)
    results: dict[str, Any] = {"threshold": CERTAIN, "films": args.films, "sizes": {}}
    try:
        for side, folder in SIDES.items():
            if args.side not in (None, side):
                continue
            paths = sorted((Path(args.data) / folder).glob("*.jpg"))
            if not paths:
                raise InvalidRequest(f"There are no films in the folder '{folder}' of the data.")
            order = np.random.default_rng(0).permutation(len(paths))
            paths = [paths[i] for i in order]
            results["sizes"][str(side)] = {
                **detection(paths[: args.films], side, progress.say),
                "unmarked": false_alarms(paths[: args.unmarked], side, progress.say),
            }
            write_whole(args.out, (json.dumps(results, indent=1) + "\n").encode())
    finally:
        progress.close()
    sys.stdout.write(json.dumps(results) + "\n" if args.json else table(results))
    return 0


def detection(paths: list[Path], side: int, say: Say) -> dict[str, Any]:
    """Share of films whose mark is found and read rightly, by marked share and attack."""
    rates: dict[str, dict[str, float]] = {}
    signal, likeness = {}, {}
    for share in SHARES:
        found = dict.fromkeys(ATTACKS, 0)
        noises, alike = [], []
        for number, path in enumerate(paths):
            say(f"{side} px, {share:.0%} marked: film {number + 1} of {len(paths)}")
            rng = np.random.default_rng(number)
            plain, zone = film(path, side), square(side, share, rng)
            marked = embed(plain, zone, EDIT_WORD)
            noises.append(decibels(plain[zone], marked[zone]))
            alike.append(ssim(plain, marked)[zone].mean())
            for name, attack in ATTACKS.items():
                changed = attack(Image.fromarray(to_codes(marked, 8)), rng)
                best = find_mark(np.asarray(changed, np.float32) / np.float32(255))
                found[name] += best.certain and best.word == EDIT_WORD
        rates[f"{share:.0%}"] = {name: count / len(paths) for name, count in found.items()}
        signal[f"{share:.0%}"] = [round(float(x), 2) for x in (min(noises), np.median(noises))]
        likeness[f"{share:.0%}"] = [round(float(x), 4) for x in (min(alike), np.median(alike))]
    return {"found": rates, "psnr_least_median": signal, "ssim_least_median": likeness}


def false_alarms(paths: list[Path], side: int, say: Say) -> dict[str, Any]:
    """Scores of films without a mark, and the Gumbel distribution that they follow."""
    scores = []
    for number, path in enumerate(paths):
        say(f"{side} px, without a mark: film {number + 1} of {len(paths)}")
        scores.append(find_mark(film(path, side)).score)
    mode, scale = gumbel(np.array(scores))
    return {
        "films": len(scores),
        "median": round(float(np.median(scores)), 3),
        "highest": round(max(scores), 3),
        "above_threshold": int(sum(score >= CERTAIN for score in scores)),
        "gumbel_mode": round(mode, 3),
        "gumbel_scale": round(scale, 4),
        "false_alarm_by_fit": tail(CERTAIN, mode, scale),
        "threshold_for_target": round(mode - scale * math.log(TARGET), 2),
    }


def gumbel(scores: NDArray[np.float64]) -> tuple[float, float]:
    """Mode and scale of the Gumbel distribution with the scores' mean and upper half.

    The scale is the larger of two: from the standard deviation, and from the tail, so that a
    tail heavier than a Gumbel's is not made light of.
    """
    from_spread = float(np.std(scores)) * math.sqrt(6) / math.pi
    middle, high = np.quantile(scores, [0.5, 0.99])
    from_tail = float(high - middle) / (math.log(math.log(2)) - math.log(-math.log(0.99)))
    scale = max(from_spread, abs(from_tail))
    return float(np.mean(scores)) - EULER * scale, scale


def tail(score: float, mode: float = NULL_MODE, scale: float = NULL_SCALE) -> float:
    return -math.expm1(-math.exp((mode - score) / scale))


def film(path: Path, side: int) -> Pixels:
    """The middle square of a film, ``side`` px, on the 8-bit grid."""
    pixels = read_image(path).pixels
    edge = min(pixels.shape)
    top, left = ((n - edge) // 2 for n in pixels.shape)
    image = Image.fromarray(to_codes(pixels[top : top + edge, left : left + edge], 8))
    image = image.resize((side, side), Image.Resampling.BOX) if edge != side else image
    return np.asarray(image, np.float32) / np.float32(255)


def square(side: int, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """A square zone somewhere in the inner three quarters, or as near to them as it fits."""
    edge = round(side * share**0.5)
    margin = min(side // 8, (side - edge) // 2)
    top, left = rng.integers(margin, side - edge - margin + 1, 2)
    zone = np.zeros((side, side), bool)
    zone[top : top + edge, left : left + edge] = True
    return zone


def decibels(one: NDArray[Any], other: NDArray[Any]) -> float:
    error = np.mean((one.astype(np.float64) - other) ** 2)
    return float(10 * np.log10(1 / max(error, 1e-12)))


def ssim(one: Pixels, other: Pixels) -> NDArray[np.float64]:
    """The map of structural similarity (Wang 2004): Gaussian window of 1.5 px, range 1."""
    a, b = one.astype(np.float64), other.astype(np.float64)

    def near(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(ndimage.gaussian_filter(x, 1.5, truncate=3.5))

    mean_a, mean_b = near(a), near(b)
    var_a, var_b = near(a * a) - mean_a**2, near(b * b) - mean_b**2
    both = near(a * b) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    top = (2 * mean_a * mean_b + c1) * (2 * both + c2)
    return top / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))


# What happens to files on their way. Each takes an 8-bit picture.


def _jpeg(image: Grey) -> Grey:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return Image.open(io.BytesIO(out.getvalue()))


def _half(image: Grey) -> Grey:
    return image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS)


def _back(image: Grey) -> Grey:
    return _half(image).resize(image.size, Image.Resampling.BICUBIC)


def _crop(image: Grey, rng: np.random.Generator) -> Grey:
    wide, high = round(image.width * 0.8), round(image.height * 0.8)
    left, top = rng.integers(0, image.width - wide + 1), rng.integers(0, image.height - high + 1)
    return image.crop((int(left), int(top), int(left) + wide, int(top) + high))


ATTACKS: dict[str, Callable[[Grey, np.random.Generator], Grey]] = {
    "8 bits": lambda image, rng: image,
    "JPEG 85": lambda image, rng: _jpeg(image),
    "half": lambda image, rng: _half(image),
    "half and back": lambda image, rng: _back(image),
    "crop 80 %": _crop,
    "half and back, JPEG 85": lambda image, rng: _jpeg(_back(image)),
    "half, JPEG 85": lambda image, rng: _jpeg(_half(image)),
    "crop 80 %, half, JPEG 85": lambda image, rng: _jpeg(_half(_crop(image, rng))),
}


def table(results: dict[str, Any]) -> str:
    return "\n".join(_lines(results)) + "\n"


def _lines(results: dict[str, Any]) -> Iterator[str]:
    for side, size in results["sizes"].items():
        yield f"| {side} px | " + " | ".join(size["found"]) + " |"
        yield "| --- |" + " --- |" * len(size["found"])
        for name in ATTACKS:
            rates = [f"{rates[name]:.0%}" for rates in size["found"].values()]
            yield f"| {name} | " + " | ".join(rates) + " |"
        for what in ("psnr", "ssim"):
            pairs = [f"{a} / {b}" for a, b in size[f"{what}_least_median"].values()]
            yield f"| {what.upper()}, least / median | " + " | ".join(pairs) + " |"
        without = size["unmarked"]
        yield f"\n{without['films']} films of {side} px without a mark: median score "
        yield f"{without['median']}, highest {without['highest']}; {without['above_threshold']} at "
        yield f"or above {results['threshold']}, by the fit {without['false_alarm_by_fit']:.1e}.\n"

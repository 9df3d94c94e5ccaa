"""Arguments and files become request values; every refusal names the file it is about."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from engine.api import (
    LARGEST_SIDE,
    SMALLEST_SIDE,
    EraseRequest,
    Finding,
    GenerateRequest,
    InsertRequest,
    Mask,
    Organs,
    OutpaintRequest,
    Pixels,
    Request,
    Sampling,
    SegmentRequest,
    UpscaleRequest,
)
from engine.dicom.gate import START, is_dicom
from engine.errors import EngineError, ImageUnreadable, InvalidRequest
from engine.images import OpenedImage, read_image, read_mask, read_organs
from engine.provenance import Inputs, Recipe, read_recipe
from engine.shapes import SLIDERS, ChestShape, read_shapes

EMBEDDED = Path(__file__).resolve().parents[2] / "assets" / "models"
MOST_VARIATIONS = 1000
DICOM = ".dcm"
Read = TypeVar("Read")


def request(args: argparse.Namespace) -> Request:
    """The request of a command that makes a picture or reads organs."""
    return REQUESTS[args.command](args)


def parent_recipe(args: argparse.Namespace) -> Recipe | None:
    """How the picture to work on was made, where the file says so."""
    if args.command == "generate":
        return None
    try:
        return read_recipe(args.image)[0]
    except EngineError:
        return None


def outputs(args: argparse.Namespace) -> list[Path]:
    """The files to write; refuses names that are no PNG or would replace what is read."""
    count = whole(getattr(args, "count", "1"), "The number of variations")
    if not 1 <= count <= MOST_VARIATIONS:
        raise InvalidRequest(f"Choose between 1 and {MOST_VARIATIONS} variations.")
    path = Path(args.output)
    if args.command == "shape" and path.suffix.lower() != ".png":
        raise InvalidRequest(f"The output must be a PNG file; '{path.name}' does not end in .png.")
    if path.suffix.lower() not in (".png", DICOM):
        raise InvalidRequest(
            f"The output must be a PNG or DICOM file; '{path.name}' does not end in .png or "
            f"{DICOM}."
        )
    if path.is_dir():
        raise InvalidRequest(f"'{path.name}' is a folder. Name a file to write.")
    masks = getattr(args, "masks", None)
    if masks and (path.suffix.lower() != DICOM or Path(masks).suffix.lower() != DICOM):
        raise InvalidRequest(
            f"--masks writes a DICOM segmentation beside a DICOM picture: both must end in {DICOM}."
        )
    paths = [path]
    if count > 1:
        paths = [path.with_name(f"{path.stem}-{n}{path.suffix}") for n in range(1, count + 1)]
    read = {Path(source).absolute() for source in _sources(args)}
    beside = [numbered(masks, args.output, path) for path in paths] if masks else []
    if len({one.absolute() for one in [*paths, *beside]}) < len(paths) + len(beside):
        raise InvalidRequest("--masks and --output name the same file. Choose another name.")
    for path in [*paths, *beside]:
        if path.absolute() in read:
            raise InvalidRequest(
                f"'{path.name}' is one of the inputs and would be lost. Choose another name."
            )
    return paths


def numbered(other: str | Path, output: str | Path, path: Path) -> Path:
    """``other`` with the number of a variation, such as the "-2" of ``path``."""
    other = Path(other)
    number = path.stem.removeprefix(Path(output).stem)
    return other.with_name(f"{other.stem}{number}{other.suffix}")


def replay_inputs(given: Sequence[str], recipe: Recipe) -> Inputs:
    """Inputs given by hand for a recipe whose file does not hold them."""
    found: Inputs = {}
    for pair in given:
        name, path = _pair(pair, "--input", "NAME=FILE")
        if name not in recipe.get("inputs", {}):
            known = ", ".join(recipe.get("inputs", {})) or "none"
            raise InvalidRequest(f"The recipe has no input '{name}'. Its inputs are: {known}.")
        if name == "image":
            found[name] = image(path)
        elif name == "organs":
            found[name] = organs(path)
        else:
            found[name] = mask(path)
    return found


def named(path: str | Path, read: Callable[[], Read]) -> Read:
    """``read()``, with the file's name in front of what is wrong with it."""
    try:
        return read()
    except ImageUnreadable as error:
        raise ImageUnreadable(f"{Path(path).name}: {error}") from error


def opened(args: argparse.Namespace) -> OpenedImage | None:
    """The film that a command works on, read once; None where there is none.

    A replay from a DICOM file of ours works on that: its stored values are kept outside the zone.
    """
    if not hasattr(args, "opened"):
        path = getattr(args, "image", None)
        if args.command == "replay" and named(args.recipe, lambda: _is_dicom(args.recipe)):
            path = args.recipe
        args.opened = None if path is None else named(path, lambda: read_image(path))
        _check_words(args)
    return args.opened


def _check_words(args: argparse.Namespace) -> None:
    film = None if args.opened is None else args.opened.film
    if film is None or not film.burned_in or film.synthetic or args.command == "segment":
        return
    if not args.words_checked:
        raise InvalidRequest(
            "The DICOM file says that words in the picture name the patient. Look at the picture, "
            "erase what names anybody, and say that you have looked with --words-checked."
        )


def _is_dicom(path: str) -> bool:
    try:
        with Path(path).open("rb") as file:
            return is_dicom(file.read(START))
    except OSError:
        return False  # the sentence is that of whoever reads the file


def image(path: str) -> Pixels:
    return named(path, lambda: read_image(path)).pixels


def mask(path: str) -> Mask:
    return named(path, lambda: read_mask(path))


def organs(path: str) -> Organs:
    return named(path, lambda: read_organs(path))


def whole(text: str, what: str) -> int:
    """``text`` as a whole number; ``what`` starts the sentence that refuses."""
    try:
        return int(text)
    except ValueError:
        raise InvalidRequest(f"{what} must be a whole number; '{text}' is not one.") from None


def decimal(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise InvalidRequest(f"{what} must be a number; '{text}' is not one.")
    return value


def sampling(args: argparse.Namespace) -> Sampling:
    return Sampling(
        seed=whole(args.seed, "The seed"),
        quality=args.quality,
        steps=None if args.steps is None else whole(args.steps, "The number of steps"),
        detail_steps=None
        if args.detail_steps is None
        else whole(args.detail_steps, "The number of steps"),
        sampler=args.sampler,
        eta=None if args.eta is None else decimal(args.eta, "Eta"),
        guidance=None if args.guidance is None else decimal(args.guidance, "Guidance"),
        guidance_lasts=None
        if args.guidance_lasts is None
        else decimal(args.guidance_lasts, "How long guidance lasts"),
        exact=args.exact,
    )


def _film(args: argparse.Namespace) -> Pixels:
    found = opened(args)
    assert found is not None
    return found.pixels


def _generate(args: argparse.Namespace) -> Request:
    held = args.held_steps
    return GenerateRequest(
        report=args.report,
        organs=_anatomy(args),
        findings=_findings(args),
        sampling=sampling(args),
        anatomy_way=args.anatomy,
        held_steps=None if held is None else whole(held, "The number of held steps"),
    )


def _insert(args: argparse.Namespace) -> Request:
    removed = tuple(Finding(text="", mask=mask(path)) for path in args.remove)
    return InsertRequest(
        image=_film(args),
        findings=removed + _findings(args),
        sampling=sampling(args),
        organs=organs(args.organs) if args.organs else None,
        **_zone(args),
    )


def _erase(args: argparse.Namespace) -> Request:
    return EraseRequest(
        image=_film(args),
        mask=mask(args.mask),
        sampling=sampling(args),
        organs=organs(args.organs) if args.organs else None,
        words=args.words,
        **_zone(args),
    )


def _zone(args: argparse.Namespace) -> dict[str, Any]:
    """Grow, feather and context of an edit."""
    found: dict[str, Any] = {"grow": whole(args.grow, "Grow")}
    for name in ("feather", "context"):
        given = getattr(args, name)
        found[name] = None if given is None else whole(given, name.capitalize())
    return found


def _outpaint(args: argparse.Namespace) -> Request:
    pixels = _film(args)
    if args.keep:
        return OutpaintRequest(image=pixels, keep=mask(args.keep), sampling=sampling(args))
    top, bottom, left, right = _added(args.add)
    height, width = pixels.shape[0] + top + bottom, pixels.shape[1] + left + right
    if max(height, width) > LARGEST_SIDE:
        raise InvalidRequest(
            f"With what is added the picture would be {width} x {height} px; the largest side "
            f"is {LARGEST_SIDE} px."
        )
    pads = ((top, bottom), (left, right))
    keep = np.pad(np.ones_like(pixels), pads)
    return OutpaintRequest(image=np.pad(pixels, pads), keep=keep, sampling=sampling(args))


def _upscale(args: argparse.Namespace) -> Request:
    return UpscaleRequest(image=_film(args), method=args.method, sampling=sampling(args))


def _segment(args: argparse.Namespace) -> Request:
    return SegmentRequest(image=_film(args))


REQUESTS: dict[str, Callable[[argparse.Namespace], Request]] = {
    "generate": _generate,
    "insert": _insert,
    "erase": _erase,
    "outpaint": _outpaint,
    "upscale": _upscale,
    "segment": _segment,
}


def _anatomy(args: argparse.Namespace) -> Organs | None:
    changed = [name for name in ("ratio", *SLIDERS) if getattr(args, name) is not None]
    if args.organs and changed:
        raise InvalidRequest(
            f"--{changed[0]} changes a template; the organ map of --organs is taken as it is. "
            "Leave one of the two out."
        )
    if args.organs:
        return organs(args.organs)
    return chest(args) if args.template is not None or changed else None


def chest(args: argparse.Namespace) -> Organs:
    """The organ map of --template with --ratio, --volume ... at --size px."""
    size = whole(args.size, "The size")
    if not SMALLEST_SIDE <= size <= LARGEST_SIDE // 4:
        raise InvalidRequest(
            f"The size of a template goes from {SMALLEST_SIDE} to {LARGEST_SIDE // 4} px."
        )
    steps = {
        name: decimal(getattr(args, name), f"The {title}")
        for name, title in SLIDERS.items()
        if getattr(args, name) is not None
    }
    ratio = None if args.ratio is None else decimal(args.ratio, "The cardiothoracic ratio")
    template = "average" if args.template is None else args.template
    return read_shapes(EMBEDDED).chest(ChestShape(template, ratio, **steps), size)


def _findings(args: argparse.Namespace) -> tuple[Finding, ...]:
    pairs = [_pair(pair, "--finding", "WORDS=MASK") for pair in args.finding]
    strength = decimal(args.strength, "The strength")
    return tuple(Finding(text=w, mask=mask(path), strength=strength) for w, path in pairs)


def _pair(pair: str, option: str, form: str) -> tuple[str, str]:
    first, sign, second = pair.partition("=")
    if not sign or not second.strip():
        raise InvalidRequest(f"{option} is written {form}; '{pair}' is not.")
    return first.strip(), second.strip()


def _added(text: str) -> tuple[int, int, int, int]:
    """ "top=64,left=32" -> px at top, bottom, left, right of the image."""
    sides = dict.fromkeys(("top", "bottom", "left", "right"), 0)
    for part in text.split(","):
        side, size = _pair(part, "--add", "SIDE=PX,...")
        if side not in sides:
            raise InvalidRequest(f"The sides are {', '.join(sides)}; '{side}' is none of them.")
        sides[side] = whole(size, f"What is added at '{side}'")
        if sides[side] < 0:
            raise InvalidRequest(f"What is added at '{side}' must be 0 px or more.")
    return sides["top"], sides["bottom"], sides["left"], sides["right"]


def _sources(args: argparse.Namespace) -> list[str]:
    """Every file that the command reads."""
    found: list[Any] = [getattr(args, n, None) for n in ("image", "mask", "keep", "organs")]
    found += getattr(args, "remove", [])
    found += [pair.partition("=")[2] for pair in getattr(args, "finding", [])]
    if args.command == "replay":
        found.append(args.recipe)
        found += [pair.partition("=")[2] for pair in args.input]
    return [path for path in found if path]

"""The commands that make pictures: their arguments, and what they say when they are done."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.api import Organs, Request, Result, SegmentRequest, UpscaleRequest, with_seed
from engine.cli import reading
from engine.cli.arguments import COMMANDS
from engine.cli.progress import ProgressLine
from engine.cli.shape import measures
from engine.cli.writing import export
from engine.dicom.writing import film_and_masks, film_bytes, segmentation_bytes
from engine.errors import InvalidRequest
from engine.files import check_room
from engine.images import organs_bytes
from engine.provenance import (
    Recipe,
    inputs_of,
    picture_bytes,
    read_recipe,
    recipe_bytes,
    request_of,
    with_history,
    zone_of,
)

UPSCALED_SIDE = 1024  # px
SPARE_BYTES = 1_000_000  # recipe, marks and what the file system needs


def add_commands(commands: Any) -> None:
    """One parser for each command of :data:`engine.cli.arguments.COMMANDS`."""
    for name, (about, arguments) in COMMANDS.items():
        parser = commands.add_parser(name, help=about, description=about)
        arguments(parser)
        parser.set_defaults(run=replay if name == "replay" else make)


def make(args: argparse.Namespace, open_engine: Callable[..., Any]) -> int:
    """generate, insert, erase, outpaint, upscale, segment."""
    request = reading.request(args)
    parent = reading.parent_recipe(args)
    paths = reading.outputs(args)
    _check_room(request, paths)
    progress = ProgressLine(quiet=args.quiet)
    progress.say("Loading the models.", not args.quiet)
    engine = open_engine(models=args.models, device=args.device, precision=args.precision)
    files = []
    try:
        for number, path in enumerate(paths):
            one = request
            if number and not isinstance(request, SegmentRequest):
                one = with_seed(request, request.sampling.seed + number)
            result = engine.run(one, progress)
            recipe = with_history(result.recipe, parent)
            files.append(_write(args, path, result, recipe))
    finally:
        progress.close()
    return _say(args, files)


def replay(args: argparse.Namespace, open_engine: Callable[..., Any]) -> int:
    recipe, inputs = reading.named(args.recipe, lambda: read_recipe(args.recipe))
    inputs |= reading.replay_inputs(args.input, recipe)
    _check_room(request_of(recipe, inputs), reading.outputs(args))
    progress = ProgressLine(quiet=args.quiet)
    progress.say("Loading the models.", not args.quiet)
    engine = open_engine(models=args.models, device=args.device, precision=args.precision)
    try:
        result = engine.replay(recipe, inputs, progress)
    finally:
        progress.close()
    again = {**result.recipe, "history": recipe.get("history", [])}
    return _say(args, [_write(args, Path(args.output), result, again)])


def _write(args: argparse.Namespace, path: Path, result: Result, recipe: Recipe) -> dict[str, Any]:
    """Write one result; what is said about it."""
    if recipe["verb"] == "segment":
        assert result.organs is not None
        _write_organs(args, path, result.organs, recipe)
    elif path.suffix.lower() == reading.DICOM:
        _write_dicom(args, path, result, recipe)
    else:
        inputs = inputs_of(result.request)
        data = picture_bytes(result, recipe, inputs, args.mark, args.bits)
        export(path, data, "png", recipe)
    if args.recipe_out:
        to = reading.numbered(args.recipe_out, args.output, path)
        export(to, recipe_bytes(recipe), "recipe", recipe)
    opened = reading.opened(args)
    height, width = result.image.shape
    told = {} if result.organs is None or recipe["verb"] != "segment" else measures(result.organs)
    return {
        **told,
        "path": str(path),
        "width": width,
        "height": height,
        "seed": recipe["parameters"].get("sampling", {}).get("seed"),
        "seconds": result.seconds,
        "notes": [*(opened.notes if opened else ()), *result.notes],
        "recipe": recipe,
    }


def _write_organs(args: argparse.Namespace, path: Path, organs: Organs, recipe: Recipe) -> None:
    if path.suffix.lower() == reading.DICOM:
        data = segmentation_bytes(organs, Path(args.image).read_bytes())
        export(path, data, "dicom", recipe)
    else:
        export(path, organs_bytes(organs), "organs", recipe)


def _write_dicom(args: argparse.Namespace, path: Path, result: Result, recipe: Recipe) -> None:
    """A Secondary Capture, and its segmentation; an edited film keeps its stored values."""
    opened, zone = reading.opened(args), zone_of(result.request)
    film = opened.film if opened is not None else None
    if film is None or zone is None or film.stored.shape != result.image.shape:
        film = zone = None
    inputs = inputs_of(result.request)
    form = (recipe, inputs, args.mark, args.bits, film, zone)
    if not args.masks:
        export(path, film_bytes(result, *form), "dicom", recipe)
        return
    data, masks = film_and_masks(result, *form)
    if masks is None:
        raise InvalidRequest("There are no organs and no zones to write with --masks.")
    export(path, data, "dicom", recipe)
    export(reading.numbered(args.masks, args.output, path), masks, "dicom", recipe)


def _say(args: argparse.Namespace, files: list[dict[str, Any]]) -> int:
    if args.json:
        answer = {"status": "done", "command": args.command, "files": files}
        sys.stdout.write(json.dumps(answer) + "\n")
        return 0
    for file in files:
        for note in file["notes"]:
            sys.stderr.write(note + "\n")
        total = file["seconds"].get("total", 0.0)
        size = f"{file['width']} x {file['height']} px"
        sys.stdout.write(f"{file['path']}  {size}, {total:.1f} s\n")
    return 0


def _check_room(request: Request, paths: list[Path]) -> None:
    """Refuse before an hour of work rather than after it. Twice 16 bits a pixel, uncompressed:
    the picture and what it carries."""
    if isinstance(request, UpscaleRequest):
        pixels = UPSCALED_SIDE**2 + request.image.size
    else:
        arrays = inputs_of(request).values()
        pixels = sum(a.size for a in arrays) + max((a.size for a in arrays), default=256**2)
    for path in paths:
        check_room(path, len(paths) * (2 * pixels + SPARE_BYTES))

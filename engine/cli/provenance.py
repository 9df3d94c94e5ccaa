"""``provenance``: what files say of where they come from. Status 0: all say that they are
synthetic; 3: at least one says nothing; 2: at least one cannot be read."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from engine.images import contents
from engine.origin import Origin, origin_of, recipe_digest

ABOUT = "Say what pictures are: recipe, metadata or invisible mark of a synthetic film, or nothing."
NOTHING_FOUND = 3  # exit status


def add_command(commands: Any) -> None:
    parser = commands.add_parser("provenance", help=ABOUT, description=ABOUT)
    parser.add_argument("files", nargs="+", metavar="FILE", help="PNG, JPEG or TIFF picture")
    parser.add_argument("--json", action="store_true", help="answer in JSON on stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, open_engine: Callable[..., Any]) -> int:
    del open_engine  # no network is run
    told, status = [], 0
    for name in args.files:
        try:
            one = _told(name, origin_of(contents(name)))
        except EngineError as error:
            one = {"file": Path(name).name, "found": "unreadable", "sentences": [str(error)]}
        told.append(one)
        if one["found"] == "unreadable":
            status = 2
        elif one["found"] == "nothing" and status != 2:
            status = NOTHING_FOUND
        if not args.json:
            where = sys.stderr if one["found"] == "unreadable" else sys.stdout
            where.write(f"{one['file']}: {' '.join(one['sentences'])}\n")
    if args.json:
        answer = {"status": "failed" if status == 2 else "done", "command": "provenance"}
        sys.stdout.write(json.dumps({**answer, "files": told}) + "\n")
    return status


def _told(name: str, origin: Origin) -> dict[str, Any]:
    """One file for programs."""
    mark, recipe = origin.mark, origin.recipe
    return {
        "file": Path(name).name,
        "found": origin.kind,
        "synthetic": origin.extent,
        "source_type": origin.source_type,
        "recipe": None
        if recipe is None
        else {
            "sha256": recipe_digest(recipe),
            **{part: recipe.get(part) for part in ("verb", "engine", "model_set", "models")},
            "steps": len(recipe.get("history", [])) + 1,
        },
        "mark": {
            "found": mark.certain,
            "score": round(mark.score, 2),
            "false_alarm": mark.false_alarm,
            "says": mark.says if mark.certain else None,
            "box": list(mark.box) if mark.certain else None,
            "scale": mark.scale if mark.certain else None,
        },
        "sentences": list(origin.sentences),
    }

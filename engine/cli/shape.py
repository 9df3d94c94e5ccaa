"""``shape``: an organ map from the shape model, without running any network."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.api import ORGAN_NAMES, Organs
from engine.cli.arguments import shape_arguments
from engine.cli.reading import chest, outputs
from engine.cli.writing import export
from engine.images import organs_bytes

ABOUT = "Draw an organ map: a named chest, its heart, volume, rotation, habitus and view."


def add_command(commands: Any) -> None:
    parser = commands.add_parser("shape", help=ABOUT, description=ABOUT)
    parser.add_argument(
        "-o", "--output", metavar="OUT", required=True, help="organ map to write: indexed PNG"
    )
    shape_arguments(parser, parser)
    parser.add_argument("--json", action="store_true", help="write the measures to stdout as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, open_engine: Callable[..., Any]) -> int:
    del open_engine  # no network is needed
    (path,) = outputs(args)
    organs = chest(args)
    export(path, organs_bytes(organs), "organs", None)
    told = {"path": str(path), "size": len(organs), **measures(organs)}
    if args.json:
        answer = {"status": "done", "command": "shape", "files": [told]}
        sys.stdout.write(json.dumps(answer) + "\n")
    else:
        ratio = f"{told['cardiothoracic_ratio']:.3f}"
        sys.stdout.write(
            f"{Path(path)}  {len(organs)} x {len(organs)} px, cardiothoracic ratio {ratio}\n"
        )
    return 0


def measures(organs: Organs) -> dict[str, Any]:
    """Share of the picture that each organ covers, and the cardiothoracic ratio."""
    from engine.masks import cardiothoracic_ratio  # the room of masks loads torch

    ratio = cardiothoracic_ratio(organs)
    shares = {name: float(np.mean(organs == label)) for label, name in ORGAN_NAMES.items()}
    return {
        "organs": {name: round(share, 4) for name, share in shares.items() if share},
        "cardiothoracic_ratio": None if ratio is None else round(ratio, 3),
    }

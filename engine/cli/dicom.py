"""``dicom``: what a DICOM file is and how it is shown, without anything that names anybody."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.cli import folder
from engine.cli.reading import named
from engine.dicom.film import Film
from engine.dicom.tones import Tones, Window
from engine.errors import EngineError, ImageUnreadable
from engine.images import read_image
from engine.provenance import read_recipe

ABOUT = "Say what a DICOM file is and how its tones are shown; names are never read."
KINDS = {
    "CR": "computed radiography (CR)",
    "DX": "digital X-ray (DX)",
    "DX for processing": "digital X-ray (DX), raw values for processing",
    "SC": "secondary capture (SC)",
}
PLACES = {
    "calibrated": "calibrated",
    "patient": "in the patient, by the stated magnification",
    "detector": "at the detector",
    "scanned film": "on the scanned film",
}


def add_command(commands: Any) -> None:
    parser = commands.add_parser("dicom", help=ABOUT, description=ABOUT)
    parser.add_argument("file", metavar="FILE", help="DICOM file, or a folder of them")
    parser.add_argument("--json", action="store_true", help="answer in JSON on stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, open_engine: Callable[..., Any]) -> int:
    del open_engine  # no network is needed
    if Path(args.file).is_dir():
        return folder.run(Path(args.file), args.json)
    opened = named(args.file, lambda: read_image(args.file))
    if opened.film is None:
        raise ImageUnreadable(f"{Path(args.file).name}: This is not a DICOM file.")
    told = facts(opened.film, _verb(args.file))
    if args.json:
        sys.stdout.write(json.dumps({"status": "done", "command": "dicom", **told}) + "\n")
        return 0
    for line in lines(told):
        sys.stdout.write(line + "\n")
    return 0


def facts(film: Film, verb: str | None) -> dict[str, Any]:
    """Everything that is told about a file; ``verb`` made it, where it is one of ours."""
    height, width = film.stored.shape
    return {
        "kind": KINDS[film.kind],
        "width": width,
        "height": height,
        "bits_stored": film.bits_stored,
        "bits_allocated": film.bits_allocated,
        "signed": film.signed,
        "compression": film.syntax,
        "tones": tones_line(film.tones),
        "spacing_mm": None if film.spacing_mm is None else list(film.spacing_mm),
        "spacing_of": PLACES.get(film.spacing_of),
        "orientation": None if film.orientation is None else "\\".join(film.orientation),
        "turned": film.turned,
        "burned_in": film.burned_in,
        "overlays": film.overlays,
        "synthetic": film.synthetic,
        "made_by": verb,
        "notes": list(film.notes),
    }


def lines(told: dict[str, Any]) -> list[str]:
    bits = f"{told['bits_stored']} of {told['bits_allocated']} bits"
    signed = ", signed" if told["signed"] else ""
    found = [
        f"{told['kind']}, {told['width']} x {told['height']} px, {bits}{signed}, "
        f"{told['compression']}",
        f"Tones: {told['tones']}.",
    ]
    if told["spacing_mm"] is not None:
        down, across = told["spacing_mm"]
        found.append(f"Pixels: {across:.4g} x {down:.4g} mm, {told['spacing_of']}.")
    if told["orientation"] is None:
        found.append("Sides: the file does not say which side is the patient's right.")
    yes = "our mark, at least" if told["made_by"] else "they name the patient, says the file"
    burned = {True: yes, False: "none, says the file"}
    found.append(f"Words in the picture: {burned.get(told['burned_in'], 'the file does not say')}.")
    if told["made_by"]:
        found.append(f"Synthetic: yes, written by XReal Studio ({told['made_by']}).")
    else:
        found.append(f"Synthetic: {'yes, says the file' if told['synthetic'] else 'not stated'}.")
    return found + told["notes"]


def tones_line(tones: Tones) -> str:
    """ "rescaled by 1 and -1024; window 40 / 400, LINEAR; inverted": the steps in their order."""
    steps = []
    if tones.modality is not None:
        steps.append(f"modality table of {len(tones.modality.entries)} entries")
    elif (tones.slope, tones.intercept) != (1, 0):
        steps.append(f"rescaled by {tones.slope:g} and {tones.intercept:g}")
    if isinstance(tones.voi, Window):
        window = tones.voi
        steps.append(f"window {window.center:g} / {window.width:g}, {window.function}")
    else:
        steps.append(f"VOI table of {len(tones.voi.entries)} entries")
    return "; ".join(steps + (["inverted"] if tones.inverted else []))


def _verb(path: str) -> str | None:
    try:
        return str(read_recipe(path)[0].get("verb"))
    except EngineError:
        return None

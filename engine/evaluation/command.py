"""``python -m engine evaluate``: every gate with its figure, one JSON and one HTML."""

import argparse
import datetime
import json
import logging
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.devices import choose_device, choose_precision
from engine.embedded import open_embedded
from engine.engine import EMBEDDED, Engine, open_engine
from engine.errors import EngineError, InvalidRequest
from engine.evaluation.films import WITHOUT_DATA, Instruments, read_real
from engine.evaluation.gates import gate_table, gates_of
from engine.evaluation.measuring import FULL, QUICK, SECTIONS, Measurement, Say
from engine.evaluation.pictures import FOLDER_SECTIONS, read_pictures
from engine.evaluation.report import write_report
from engine.files import write_whole
from engine.networks.linear_codec import LinearCodec
from engine.networks.small import load_embedded

log = logging.getLogger(__name__)

Films = NDArray[np.uint8]  # (N, 256, 256)

JSON_NAME, HTML_NAME = "evaluation.json", "evaluation.html"
SHEETS = "sheets"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--embedded",
        nargs="?",
        const=str(EMBEDDED),
        metavar="DIR",
        help="the embedded models; with DIR: those of another folder, such as a training's",
    )
    which.add_argument("--models", metavar="DIR", help="a folder of imported models")
    which.add_argument("--images", metavar="DIR", help="a folder of pictures made by anything")
    parser.add_argument(
        "--data", metavar="DIR", help="folder of real films, as in docs/training.md"
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        default="evaluation",
        help=f"folder for {JSON_NAME} and {HTML_NAME} (default: evaluation)",
    )
    parser.add_argument(
        "--only",
        metavar="NAME,...",
        help=f"some sections only: {', '.join([*SECTIONS, SHEETS])}; those measured before with "
        "the same models stay in the JSON",
    )
    parser.add_argument("--quick", action="store_true", help="few films: minutes, rough figures")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of all that is drawn (0)")
    parser.add_argument("--card", action="store_true", help="rewrite the model card beside the "
                        "embedded models, with its sheets")  # fmt: skip
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--precision", default="auto", help="as in generate --help")
    parser.add_argument("--threads", type=int, default=0, help="processor threads (0: all)")
    parser.add_argument("--json", action="store_true", help="write the results to stdout as JSON")
    parser.add_argument("--quiet", action="store_true", help="no progress on stderr")


def run(args: argparse.Namespace) -> int:
    """Measure what ``args`` ask for; 1 where a section failed, else 0, whatever the gates say."""
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    if args.data is None:
        raise InvalidRequest(WITHOUT_DATA)
    from engine.cli.progress import ProgressLine  # the command line is a floor above

    progress = ProgressLine(quiet=args.quiet)
    try:
        results = evaluate(args, progress.say)
    finally:
        progress.close()
    if args.json:
        sys.stdout.write(json.dumps(results) + "\n")
    else:
        sys.stdout.write(gate_table(results["gates"]))
        sys.stdout.write(f"{Path(args.out) / HTML_NAME}\n")
    return 1 if results["failed"] else 0


def evaluate(args: argparse.Namespace, say: Say) -> dict[str, Any]:
    """Open what ``args`` name and measure it."""
    folder = Path(args.embedded) if args.embedded else EMBEDDED
    pictures = read_pictures(Path(args.images)) if args.images else None
    engine = opened(args, folder)
    say("Reading the real films.")
    real = read_real(Path(args.data), Instruments(folder, judge_folder(folder)))
    linear = load_embedded(folder / "codec.json") if args.embedded else None
    m = Measurement(
        engine=engine,
        real=real,
        amounts=QUICK if args.quick else FULL,
        seed=args.seed,
        say=say,
        linear=linear if isinstance(linear, LinearCodec) else None,
    )
    return measured(args, m, folder, pictures)


def measured(
    args: argparse.Namespace, m: Measurement, folder: Path, pictures: Films | None = None
) -> dict[str, Any]:
    """All results; they are written after every section, so that a stop loses little."""
    started = time.monotonic()
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    results = headed(args, m.engine, folder)
    sections = wanted(args)
    if args.only:
        results |= before(out / JSON_NAME, results, sections)
    for name in sections:
        measure(name, m, results, out, pictures)
        results["minutes"] = round((time.monotonic() - started) / 60, 1)
        results["gates"] = gates_of(results)
        keep(results, out)
    m.say("Writing the report.")
    write_report(results, out / HTML_NAME)
    if args.card:
        carry_card(results, out, folder)
    return results


def judge_folder(folder: Path) -> Path:
    """Where the judge is: beside the models, else with those that ship."""
    return folder if (folder / "judge.json").is_file() else EMBEDDED


def opened(args: argparse.Namespace, folder: Path) -> Engine:
    if args.models or folder == EMBEDDED:
        return open_engine(args.models, device=args.device, precision=args.precision)
    device = choose_device(args.device)
    return Engine(open_embedded(folder, device, choose_precision(args.precision, device)))


def wanted(args: argparse.Namespace) -> list[str]:
    """The sections asked for, in their order."""
    known = list(FOLDER_SECTIONS) if args.images else [*SECTIONS, SHEETS]
    if not args.only:
        return known
    asked = [name.strip() for name in args.only.split(",") if name.strip()]
    for name in asked:
        if name not in known:
            raise InvalidRequest(f"There is no section '{name}'; there are: {', '.join(known)}.")
    return [name for name in known if name in asked]


def measure(
    name: str,
    m: Measurement,
    results: dict[str, Any],
    out: Path,
    pictures: Films | None,
) -> None:
    """One section. Its failure is noted and does not cost the others."""
    m.say(f"{name} ...")
    results["failed"].pop(name, None)
    try:
        if name == SHEETS:
            from engine.evaluation.sheets import draw_sheets

            drawn = draw_sheets(m.engine, out / "cards", results["quick"])
            results[SHEETS] = {k: f"cards/{path.name}" for k, path in drawn.items()}
        elif pictures is not None:
            results[name] = FOLDER_SECTIONS[name](m, pictures)
        else:
            results[name] = SECTIONS[name](m)
    except EngineError as error:
        results["failed"][name] = str(error)
        log.error("%s: %s", name, error)
    except Exception as error:  # an hour of other figures is worth more than this one
        results["failed"][name] = f"{type(error).__name__}: {error}"
        log.error("%s failed:\n%s", name, traceback.format_exc())


def headed(args: argparse.Namespace, engine: Engine, folder: Path) -> dict[str, Any]:
    """What the figures are of: models, command, device."""
    return {
        "schema": 1,
        "date": datetime.date.today().isoformat(),
        "command": command_of(args),
        "device": engine.device,
        "minutes": 0.0,
        "quick": args.quick,
        "seed": args.seed,
        "set": "pictures of a folder" if args.images else engine.name,
        "models": {} if args.images else models_of(engine, folder if args.embedded else None),
        "gates": [],
        "failed": {},
    }


def command_of(args: argparse.Namespace) -> str:
    """The command without anybody's folders in it."""
    words = ["python -m engine evaluate"]
    words.append("--models DIR" if args.models else "--images DIR" if args.images else "--embedded")
    words.append("--data DIR")
    words += [f"--{name}" for name in ("quick", "card") if getattr(args, name)]
    words += [f"--seed {args.seed}"] if args.seed else []
    return " ".join(words)


def models_of(engine: Engine, folder: Path | None) -> dict[str, Any]:
    """Hash, size, licence and training of each model."""
    if folder is None:
        return {
            card.name: {"sha256": card.sha256, "licence": card.licence, "role": card.role}
            for card in engine.models
        }
    found = {}
    for path in sorted(folder.glob("*.json")):
        told = json.loads(path.read_text("utf-8"))
        files = [folder / name for name in told["files"]]
        found[told["name"]] = {
            "sha256": told["sha256"],
            "bytes": sum(file.stat().st_size for file in files if file.is_file()),
            "licence": told["licence"],
            "training": told.get("training", {}),
            "role": told["kind"],
        }
        if told["kind"] == "judge":
            found[told["name"]]["figures"] = told.get("figures", {})
    return found


def before(path: Path, results: dict[str, Any], sections: Sequence[str]) -> dict[str, Any]:
    """Sections of an earlier run with the same models that are not measured now."""
    if not path.is_file():
        return {}
    old = json.loads(path.read_text("utf-8"))
    if hashes(old) != hashes(results) or old.get("quick") != results["quick"]:
        return {}
    kept = {name: old[name] for name in [*SECTIONS, SHEETS] if name in old}
    failed = {name: why for name, why in old.get("failed", {}).items() if name not in sections}
    return {name: kept[name] for name in kept if name not in sections} | {"failed": failed}


def hashes(results: dict[str, Any]) -> dict[str, str]:
    return {name: model["sha256"] for name, model in results.get("models", {}).items()}


def keep(results: dict[str, Any], out: Path) -> None:
    text = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
    write_whole(out / JSON_NAME, text.encode())


def carry_card(results: dict[str, Any], out: Path, folder: Path) -> None:
    """The card beside the models, its sheets in ``cards``."""
    from engine.evaluation.card import write_card

    if not results["models"] or not (folder / "diffusion.json").is_file():
        raise InvalidRequest("A card is written for embedded models only: add --embedded.")
    cards = folder / "cards"
    cards.mkdir(exist_ok=True)
    sheets = [out / name for name in results.get(SHEETS, {}).values()]
    if sheets:
        for old in cards.glob("*.jpg"):
            old.unlink()
    for sheet in sheets:
        write_whole(cards / sheet.name, sheet.read_bytes())
    write_card(results, folder)
    keep_figures(results, folder / "diffusion.json")


def keep_figures(results: dict[str, Any], path: Path) -> None:
    """The gates in the description of the diffusion model, where the program reads them."""
    told = json.loads(path.read_text("utf-8"))
    told["figures"] = {
        one["gate"]: one["value"] for one in results["gates"] if one["value"] is not None
    }
    write_whole(path, (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode())

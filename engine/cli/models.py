"""``models``: what there is, whether it is intact, where it lies, and bringing new files in."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.cli.progress import ProgressLine
from engine.cli.reading import EMBEDDED, whole
from engine.errors import InvalidRequest

ABOUT = "List, check, find and import model files."


def add_command(commands: Any) -> None:
    parser = commands.add_parser("models", help=ABOUT, description=ABOUT)
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, (about, run) in ACTIONS.items():
        action = actions.add_parser(name, help=about, description=about)
        action.add_argument(
            "--models",
            metavar="DIR",
            help="folder of published models; default: the one that 'models where' names",
        )
        action.add_argument("--json", action="store_true", help="answer in JSON on stdout")
        action.set_defaults(run=_runner(run))
        if name == "import":
            _import_arguments(action)


def _import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="published file of weights")
    parser.add_argument(
        "--as",
        dest="role",
        metavar="ROLE",
        help="what the network is for, where the file cannot tell (the refusal names the roles)",
    )
    parser.add_argument(
        "--heads", metavar="N", help="attention heads, for networks of unpublished size"
    )


def _runner(action: Callable[[argparse.Namespace], tuple[int, dict[str, Any], list[str]]]) -> Any:
    def run(args: argparse.Namespace, open_engine: Any) -> int:
        del open_engine  # files are looked at, no network is run
        status, answer, lines = action(args)
        if args.json:
            sys.stdout.write(json.dumps(answer) + "\n")
        else:
            sys.stdout.write("".join(f"{line}\n" for line in lines))
        return status

    return run


def _list(args: argparse.Namespace) -> tuple[int, dict[str, Any], list[str]]:
    from engine.checkpoints import store

    models = [_embedded(path) for path in _descriptions()]
    models += [
        {
            "set": "published",
            "name": m.name,
            "role": m.title,
            "licence": m.licence,
            "sha256": m.sha256,
            "megabytes": round(m.size / 1e6, 1),
            "knows": _knows(m.knows.findings, m.knows.free_text),
            "source": m.source,
        }
        for m in store.list_models(_folder(args))
    ]
    lines = [
        f"{m['set']:<10} {m['name']:<22} {m['megabytes']:>8.1f} MB  {m['licence']:<14} "
        f"{m['sha256'][:12]}  {m['knows']}".rstrip()
        for m in models
    ]
    return 0, {"models": models}, lines


def _verify(args: argparse.Namespace) -> tuple[int, dict[str, Any], list[str]]:
    from engine import inventory

    results = [
        {"name": name, "intact": intact, "sentence": sentence}
        for name, intact, sentence in inventory.verify_all(_folder(args))
    ]
    status = 0 if all(r["intact"] for r in results) else 2
    return status, {"models": results}, [r["sentence"] for r in results]


def _where(args: argparse.Namespace) -> tuple[int, dict[str, Any], list[str]]:
    from engine.checkpoints import store

    published = str(_folder(args) or store.where())
    answer = {"embedded": str(EMBEDDED), "published": published}
    return 0, answer, [f"embedded   {EMBEDDED}", f"published  {published}"]


def _import(args: argparse.Namespace) -> tuple[int, dict[str, Any], list[str]]:
    from engine.checkpoints import store

    heads = None if args.heads is None else whole(args.heads, "The number of heads")
    progress = ProgressLine(quiet=args.json)
    said: list[str] = []
    imported = []
    for file in args.files:
        path = Path(file)
        if not path.is_file():
            raise InvalidRequest(f"There is no file '{path.name}'.")

        def on_bytes(done: int, total: int, name: str = path.name) -> None:
            progress.say(f"{name}: {done / 1e6:.0f} of {total / 1e6:.0f} MB", done == total)

        found = store.import_file(
            path, _folder(args), role=args.role, heads=heads, on_bytes=on_bytes
        )
        progress.close()
        said += found.said
        imported.append(
            {
                "file": path.name,
                "name": found.model.name,
                "path": str(found.model.path),
                "sha256": found.model.sha256,
                "said": list(found.said),
            }
        )
    return 0, {"status": "done", "imported": imported}, said


ACTIONS = {
    "list": ("The embedded models and those that were imported.", _list),
    "verify": ("Read every model file again and compare it with its checksum.", _verify),
    "where": ("The folders in which models lie.", _where),
    "import": ("Check published files, convert them once, and say what was found.", _import),
}


def _folder(args: argparse.Namespace) -> Path | None:
    return None if args.models is None else Path(args.models)


def _descriptions() -> list[Path]:
    """Descriptions of the models that ship, by name."""
    return sorted(EMBEDDED.glob("*.json"))


def _embedded(path: Path) -> dict[str, Any]:
    description = json.loads(path.read_text("utf-8"))
    files = [EMBEDDED / name for name in description["files"]]
    knows = description.get("knows", {})
    return {
        "set": "embedded",
        "name": description["name"],
        "role": description["kind"],
        "licence": description["licence"],
        "sha256": description["sha256"],
        "megabytes": round(sum(f.stat().st_size for f in files if f.is_file()) / 1e6, 1),
        "knows": _knows(knows.get("findings", ()), knows.get("free_text", False)),
        "source": "embedded",
    }


def _knows(findings: Any, free_text: bool) -> str:
    return "free text" if free_text else ", ".join(findings)

"""``report``: what a report says, finding by finding, and what the loaded model makes of it."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.api import Knows
from engine.errors import InvalidRequest
from engine.reports.parser import Mention, read_report
from engine.words import model_word, report_words

ABOUT = "Read a report: its findings, and which of them the model obeys. No picture is made."
LONGEST_PATH = 1024  # characters; a longer argument is the report itself
LARGEST_FILE = 1_000_000  # bytes


def add_command(commands: Any) -> None:
    parser = commands.add_parser("report", help=ABOUT, description=ABOUT)
    parser.add_argument(
        "report", metavar="TEXT|FILE", help="the report, a text file (UTF-8), or - for stdin"
    )
    parser.add_argument(
        "--models", metavar="DIR", help="folder with model files; default: the embedded models"
    )
    parser.add_argument("--json", action="store_true", help="answer in JSON on stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, open_engine: Callable[..., Any]) -> int:
    text = text_of(args.report)
    report = read_report(text)
    engine = open_engine(models=args.models, device="cpu", precision="auto")
    knows: Knows = engine.knows("generate")
    prompt, notes = report_words(text, knows, engine.name)
    mentions = [told(mention, text, knows) for mention in report.mentions]
    if args.json:
        answer = {
            "status": "done",
            "command": "report",
            "model": engine.name,
            "free_text": knows.free_text,
            "mentions": mentions,
            "passed_over": list(report.passed_over),
            "prompt": prompt,
            "notes": list(notes),
        }
        sys.stdout.write(json.dumps(answer) + "\n")
        return 0
    for mention in mentions:
        sys.stdout.write(line_of(mention, knows.free_text) + "\n")
    if not mentions:
        sys.stdout.write("No finding was read.\n")
    sys.stdout.write(f"The model reads: {prompt or 'nothing'}\n")
    for note in notes:
        sys.stderr.write(note + "\n")
    return 0


def text_of(given: str) -> str:
    """The report itself, or what lies in the file that ``given`` names."""
    if given == "-":
        return sys.stdin.read(LARGEST_FILE)
    path = Path(given)
    if len(given) > LONGEST_PATH or "\n" in given or "\0" in given or not path.is_file():
        if len(given) <= LONGEST_PATH and path.suffix.lower() in (".txt", ".md", ".text"):
            raise InvalidRequest(f"There is no file '{path.name}'.")
        return given
    if path.stat().st_size > LARGEST_FILE:
        raise InvalidRequest(f"'{path.name}' is too large for a report: the most is 1 MB.")
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidRequest(f"'{path.name}' is not a text file in UTF-8.") from None
    except OSError:
        raise InvalidRequest(f"'{path.name}' cannot be read.") from None


def told(mention: Mention, text: str, knows: Knows) -> dict[str, Any]:
    """One mention for programs; ``drawn`` is the model's word for it, None where it draws none."""
    there = mention.certainty in ("present", "uncertain") and not knows.free_text
    return {
        "finding": mention.finding,
        "side": mention.side,
        "zone": mention.zone,
        "certainty": mention.certainty,
        "degree": mention.degree,
        "words": list(mention.words),
        "said": text[slice(*mention.words)],
        "drawn": model_word(mention.finding, knows) if there else None,
    }


def line_of(mention: dict[str, Any], free_text: bool) -> str:
    """A line for people: finding, size, place, certainty, and what becomes of it."""
    parts = (mention["degree"], mention["side"], mention["zone"])
    where = " ".join(part for part in parts if part)
    line = f"{mention['finding']:<20} {where:<24} {mention['certainty']:<10}"
    if not free_text and mention["certainty"] in ("present", "uncertain"):
        drawn = mention["drawn"]
        line += f" drawn as {drawn}" if drawn else " not drawn: the model does not know it"
    return line.rstrip()

"""One command a verb. Exit status: 0 done, 2 bad input (one sentence), 1 a fault of ours."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from engine.cli import dicom, models, provenance, report, send, shape, verbs
from engine.cli.faults import record
from engine.errors import Cancelled, EngineError, InvalidRequest
from engine.version import VERSION

ABOUT = "Synthetic chest radiographs that follow a drawing. Not for diagnosis."
OpenEngine = Callable[..., Any]  # engine.engine.open_engine, or a stand-in in tests
STOPPED = 130  # exit status of a program ended by Ctrl-C


class Parser(argparse.ArgumentParser):
    """Bad arguments are one sentence like any other bad input."""

    def error(self, message: str) -> NoReturn:
        text = message[:1].upper() + message[1:].rstrip(".")
        raise InvalidRequest(f"{text}. See {self.prog} --help.")


def main(argv: Sequence[str] | None = None, open_engine: OpenEngine | None = None) -> int:
    """Run one command; ``open_engine`` replaces the real engine in tests."""
    argv = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in argv
    try:
        args = build_parser(argv[0] if argv else "").parse_args(argv)
        return args.run(args, open_engine or _open_engine)
    except (KeyboardInterrupt, Cancelled):
        return _end("Stopped.", STOPPED, as_json)
    except EngineError as error:
        return _end(str(error), 2, as_json)
    except BrokenPipeError:  # whoever read our output has gone, as `| head` does
        return 1
    except Exception as error:  # a fault: a number on the screen, the trace in the log
        return _end(record(error), 1, as_json)


def build_parser(command: str) -> argparse.ArgumentParser:
    """The parser; only ``command`` gets its arguments where collecting them loads torch."""
    parser = Parser(prog="python -m engine", description=ABOUT)
    parser.add_argument("--version", action="version", version=f"XReal Studio {VERSION}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    verbs.add_commands(commands)
    shape.add_command(commands)
    models.add_command(commands)
    report.add_command(commands)
    dicom.add_command(commands)
    provenance.add_command(commands)
    send.add_command(commands)
    for name, about in TOOLS.items():
        tool = commands.add_parser(name, help=about, description=about)
        if command == name:
            arguments, run = TOOL_PARTS[name]()
            arguments(tool)
            tool.set_defaults(run=lambda args, open_engine, run=run: run(args))
    return parser


def _train() -> tuple[Any, Any]:
    from engine.training.command import add_arguments, run

    return add_arguments, run


def _bench() -> tuple[Any, Any]:
    from engine.bench import add_arguments, run

    return add_arguments, run


def _evaluate() -> tuple[Any, Any]:
    from engine.evaluation.command import add_arguments, run

    return add_arguments, run


def _evaluate_mark() -> tuple[Any, Any]:
    from engine.evaluation.mark import add_arguments, run

    return add_arguments, run


def _parity() -> tuple[Any, Any]:
    from engine.parity import add_arguments, run

    return add_arguments, run


TOOLS = {
    "train": "Train the embedded models from a folder of films.",
    "evaluate": "Measure how well models draw: every gate with its figure.",
    "bench": "Measure time and memory on this machine.",
    "evaluate-mark": "Measure how well the invisible mark is found, and how often falsely.",
    "parity": "Compare the published networks with recorded results of their authors' code.",
}
TOOL_PARTS = {
    "train": _train,
    "evaluate": _evaluate,
    "evaluate-mark": _evaluate_mark,
    "bench": _bench,
    "parity": _parity,
}


def _open_engine(**options: Any) -> Any:
    from engine.engine import open_engine

    return open_engine(**options)


def _end(sentence: str, status: int, as_json: bool) -> int:
    if as_json:
        answer = {"status": "stopped" if status == STOPPED else "failed", "sentence": sentence}
        sys.stdout.write(json.dumps(answer) + "\n")
    sys.stderr.write(sentence + "\n")
    return status

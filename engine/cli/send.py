"""``send``: DICOM files of ours to one peer that a file describes; ``--check`` only asks for it."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.cli.reading import named
from engine.dicom.peers import check, read_peer, require_ours, send
from engine.errors import EngineError, ImageUnreadable, InvalidRequest
from engine.files import data_folder
from engine.ledger import NAME, enter
from engine.provenance import Recipe, read_recipe

ABOUT = "Send DICOM files that XReal Studio wrote to one archive, by C-STORE or STOW-RS."
MOST_FILES, LARGEST = 1000, 512_000_000  # bytes


def add_command(commands: Any) -> None:
    parser = commands.add_parser("send", help=ABOUT, description=ABOUT)
    parser.add_argument("files", nargs="*", metavar="FILE", help="DICOM files of ours")
    parser.add_argument("--peer", required=True, metavar="FILE", help="JSON: who the archive is")
    parser.add_argument("--check", action="store_true", help="only ask whether it answers")
    parser.add_argument("--json", action="store_true", help="answer in JSON on stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace, open_engine: Callable[..., Any]) -> int:
    del open_engine  # no network is run
    peer = read_peer(args.peer)
    if not args.check and not args.files:
        raise InvalidRequest(
            "Name the files to send, or ask with --check whether the peer answers."
        )
    if len(args.files) > MOST_FILES:
        raise InvalidRequest(f"At most {MOST_FILES} files are sent at once.")
    files = [named(path, lambda path=path: _read(Path(path))) for path in args.files]
    check(peer)
    if not args.check:
        for data in files:
            enter(data_folder() / NAME, data, "dicom", _recipe(data), {"sent": peer.way})
        send(peer, files)
    count = 0 if args.check else len(files)
    if args.json:
        told = {"status": "done", "command": "send", "peer": peer.name, "sent": count}
        sys.stdout.write(json.dumps(told) + "\n")
    elif args.check:
        sys.stdout.write(f"'{peer.name}' answers.\n")
    else:
        sys.stdout.write(f"{count} {'file' if count == 1 else 'files'} sent to '{peer.name}'.\n")
    return 0


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise ImageUnreadable("The file is larger than any file of ours.")
        data = path.read_bytes()
    except OSError as error:
        raise ImageUnreadable(f"The file cannot be read: {error.strerror}.") from error
    try:
        require_ours(data)
    except InvalidRequest as error:
        raise ImageUnreadable(str(error)) from error
    return data


def _recipe(data: bytes) -> Recipe | None:
    try:
        return read_recipe(data)[0]
    except EngineError:
        return None

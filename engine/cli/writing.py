"""How the command line lets a file go: first the ledger, then the file, whole or not at all."""

import sys
from pathlib import Path

from engine.errors import EngineError
from engine.files import data_folder, write_whole
from engine.ledger import NAME, enter
from engine.provenance import Recipe


def export(path: str | Path, data: bytes, kind: str, recipe: Recipe | None) -> None:
    """Enter ``data`` in the ledger of the data folder and write it to ``path``.

    On a person's own computer a ledger that cannot be written is said, and the file is written.
    """
    try:
        enter(data_folder() / NAME, data, kind, recipe)
    except EngineError as error:
        sys.stderr.write(f"{error} What is written now is not in it.\n")
    write_whole(path, data)

"""``dicom FOLDER``: one line for each file of a folder, in the order of their names.

Names and paths are not told, because they often name a patient; the number says which file it is.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from engine.dicom.listing import facts, line, refused
from engine.errors import ImageUnreadable
from engine.images import read_dicom

MOST_FILES = 10_000


def run(folder: Path, as_json: bool) -> int:
    """List ``folder`` with what lies below it; raises where no film can be opened.

    A file that is refused does not stop the listing. Films are decoded one after another, each in
    the bounded process that a single file gets.
    """
    films, sentences = [], []
    for number, path in enumerate(files_in(folder), 1):
        try:
            told = {"number": number, **facts(read_dicom(path))}
        except ImageUnreadable as error:
            sentences.append({"number": number, "sentence": str(error)})
            _say(as_json, f"{number}: {error}")
            continue
        films.append(told)
        _say(as_json, f"{number}: {line(told)}")
    reasons = refused(one["sentence"] for one in sentences)
    if not films:
        raise ImageUnreadable(f"The folder holds no film that can be opened. {reasons}".rstrip())
    if as_json:
        told = {"status": "done", "command": "dicom", "films": films, "refused": sentences}
        sys.stdout.write(json.dumps(told) + "\n")
    elif reasons:
        sys.stderr.write(reasons + "\n")
    return 0


def files_in(folder: Path) -> list[Path]:
    """Every plain file below ``folder``, by name; links to folders are not followed."""
    found: list[Path] = []

    def fail(error: OSError) -> Any:
        raise ImageUnreadable(f"The folder cannot be read: {error.strerror}.") from error

    for place, folders, names in os.walk(folder, onerror=fail):
        folders.sort()
        found += [path for path in (Path(place, name) for name in names) if path.is_file()]
        if len(found) > MOST_FILES:
            raise ImageUnreadable(
                f"The folder holds more than {MOST_FILES} files. List a part of it."
            )
    return sorted(found)


def _say(as_json: bool, text: str) -> None:
    if not as_json:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()  # the next film may take seconds

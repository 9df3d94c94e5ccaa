"""Whatever is done to a project file: it opens as a whole document, or is refused and says so."""

import json
import re
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.document.archive import MANIFEST, entry, project_bytes, read_project
from app.document.autosave import NAMED
from app.document.opening import identify
from app.document.project import Document, ProjectUnreadable, snapshot
from app.document.session import Session
from engine.errors import EngineError
from tests.app.test_project import worked_in
from tests.security.changes import (
    MANY,
    SOME,
    bounded,
    changed_bytes,
    changed_json,
    lying_sizes,
    members,
    written,
    zipped,
)

SENTENCES = re.compile(
    r"This ZIP is not a project of XReal Studio"
    r"|This project was made by a newer version of the program"
    r"|This project is larger than this program can open"
    r"|This ZIP holds more files than a project ever has"
    r"|The project file was cut off or damaged"
    r"|The project is damaged: .* is not what was saved\. It was not opened, and nothing"
    r"|The pictures of this project together are larger"
)
OTHER_FILES = re.compile(  # what is no project any more by its first bytes, or holds no manifest
    r"The ZIP file was cut off or damaged|This ZIP is neither a project nor masks of ours"
    r"|This is [\w, ]+\. Pictures \(PNG|The file is empty|This JSON file is not a recipe"
    r"|This is neither a picture written by XReal Studio nor a recipe"
    r"|The (picture|PNG file) is damaged or was cut off while it was copied"
    r"|This looks like DICOM without its header|This file is encrypted"
)
MOST = 64_000_000
WHOLE = project_bytes(snapshot(worked_in()))
BARE = project_bytes(snapshot(Session("me-01234567890123456789")))
PARTS = members(WHOLE)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("projects") / "file"


def outcome(place, data: bytes) -> str:
    """ "opened" or a sentence; anything else that happens fails the test."""
    place.write_bytes(data)
    try:
        with bounded(MOST):
            kind = identify(place, "Fall 7.zip").kind
    except EngineError as error:
        assert OTHER_FILES.match(str(error)), error
        return str(error)
    if kind != "project":
        return kind
    try:
        with bounded(MOST):
            found = read_project(place)
    except ProjectUnreadable as error:
        assert SENTENCES.match(str(error)), error
        return str(error)
    check_whole(found)
    return "opened"


def check_whole(found: Document) -> None:
    """A document like any other: it can be shown, and saved and opened again."""
    assert NAMED.fullmatch(found.doc)
    numbers = [state.number for state in found.states]
    assert found.current is None or found.current in numbers
    for state in found.states:
        assert state.image.dtype == np.float32 and state.image.ndim == 2
        assert np.isfinite(state.image).all() and state.image.min() >= 0
        assert state.image.max() <= 1
        assert state.parent is None or type(state.parent) is int
    json.dumps([found.title, found.report, found.form, found.look], allow_nan=False)
    project_bytes(found)


@pytest.mark.case(55)
@MANY
@given(data=changed_bytes([WHOLE, BARE]))
def test_a_changed_project_opens_or_is_refused(place, data):
    outcome(place, data)


@pytest.mark.case(55)
@SOME
@given(seed=st.integers(0, 2**64), name=st.sampled_from([MANIFEST, "document.json", "both"]))
def test_a_project_whose_contents_list_was_rewritten_opens_or_is_refused(place, seed, name):
    """With the right size and checksum of every part: what a stranger could write."""
    outcome(place, rewritten(seed, name))


def rewritten(seed: int, name: str = "both") -> bytes:
    """A project whose lists of contents are changed, signed as if they were not."""
    parts = dict(PARTS)
    if name != MANIFEST:
        parts["document.json"] = written(
            changed_json(json.loads(parts["document.json"]), seed), seed
        )
    told = {**json.loads(parts[MANIFEST]), "files": signed(parts)}
    if name == MANIFEST or seed % 3 == 0:
        told = changed_json(told, seed + 1)
    parts[MANIFEST] = written(told, seed + 2)
    return zipped(parts, mode=0o120777 if seed % 50 == 0 else 0o100600)


@pytest.mark.case(55)
@SOME
@given(data=st.data(), name=st.sampled_from(sorted(set(PARTS) - {MANIFEST, "document.json"})))
def test_a_project_with_a_changed_part_opens_or_is_refused(place, data, name):
    parts = {**PARTS, name: data.draw(changed_bytes([PARTS[name]]))}
    parts[MANIFEST] = json.dumps({**json.loads(parts[MANIFEST]), "files": signed(parts)}).encode()

    outcome(place, zipped(parts, zipfile.ZIP_STORED))


def signed(parts: dict[str, bytes]) -> list[dict]:
    return [entry(name, parts[name]) for name in parts if name != MANIFEST]


@pytest.mark.case(55)
@pytest.mark.parametrize(
    "change", [lambda n: n + 1, lambda n: 0, lambda n: 2**31, lambda n: n // 2]
)
def test_sizes_that_lie_in_the_archives_own_list_are_refused(place, change):
    assert outcome(place, lying_sizes(WHOLE, change)) != "opened"


@pytest.mark.case(4, 55)
@pytest.mark.parametrize("doc", ["../../x", "a/b", "", "/etc", "a\\b", "x" * 65, ".", "\0"])
def test_a_documents_name_leads_to_no_folder_elsewhere(place, doc):
    told = {**json.loads(PARTS["document.json"]), "doc": doc}
    parts = {**PARTS, "document.json": json.dumps(told).encode()}
    listed = {**json.loads(parts[MANIFEST]), "files": signed(parts)}

    assert outcome(place, zipped({**parts, MANIFEST: json.dumps(listed).encode()})) != "opened"


@pytest.mark.case(55)
@pytest.mark.parametrize("digit", ["digits", "exponent", "nested", "names"])
def test_numbers_and_names_that_would_take_ages_are_refused_soon(place, digit):
    """Digits without end, and text made to keep patterns busy."""
    told = json.loads(PARTS[MANIFEST])
    text = {
        "digits": json.dumps(told).replace('"schema": 1', '"schema": ' + "9" * 3_000_000),
        "exponent": json.dumps(told).replace('"schema": 1', '"schema": 1e999999'),
        "nested": '{"format":' * 200_000 + "1" + "}" * 200_000,
        "names": json.dumps(
            {**told, "files": [entry("pictures/" + "1" * 3_000_000 + ".png", b"")]}
        ),
    }[digit]

    assert outcome(place, zipped({**PARTS, MANIFEST: text.encode()})) != "opened"


def test_the_seeds_themselves_open(place):
    assert outcome(place, WHOLE) == outcome(place, BARE) == "opened"
    assert outcome(place, zipped(PARTS)) == "opened"

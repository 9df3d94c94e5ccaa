"""Whatever is done to a recipe, alone or in a picture: it is a valid request, or a sentence."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.document.opening import identify, open_picture, read_recipe_file
from app.document.project import snapshot
from app.document.session import Session
from engine import png
from engine.api import VERBS
from engine.errors import EngineError, InvalidRequest
from engine.origin import recipe_digest
from engine.provenance import (
    INPUT_CHUNK,
    KEYWORD,
    inputs_of,
    picture_bytes,
    read_recipe,
    recipe_bytes,
    recipe_of,
    request_of,
    wholly_synthetic,
    with_history,
)
from tests.engine.test_provenance import FILM, MODELS, REQUESTS
from tests.security.changes import MANY, SOME, bounded, changed_bytes, changed_json, written
from tests.security.test_changed_pictures import SENTENCES as OF_PICTURES

OF_RECIPES = re.compile(
    r"This is not a recipe: it is larger"
    r"|This text is larger than any recipe"
    r"|This is neither a picture written by XReal Studio nor a recipe in JSON"
    r"|This JSON file is not a recipe"
    r"|This picture holds no recipe"
    r"|The recipe was changed or damaged"
    r"|The recipe has version .*; this program reads version \d"
    r"|The recipe asks for '.*', which is not known"
    r"|The recipe uses '.*', which this version does not know"
    r"|The recipe needs the input '.*', which is not in this file"
    r"|The input '.*' is not the one this recipe was made with"
    r"|The inputs inside this file are larger"
    r"|This is [\w, ]+\. Pictures \(PNG",
    re.DOTALL,
)
# Of a request that would not be valid: what it may be stands in engine/checks.py and engine/api.py.
A_SENTENCE = re.compile(r"[A-Z'].{10,600}\.", re.DOTALL)
MOST = 64_000_000


def seeds() -> dict[str, tuple[dict, dict]]:
    found = {}
    for name, request in REQUESTS.items():
        recipe = recipe_of(request, "embedded", MODELS)
        found[name] = recipe, inputs_of(request)
    erased, inputs = found["erase"]
    found["chain"] = with_history(erased, found["generate"][0]), inputs
    return found


SEEDS = seeds()
FILES = [picture_bytes(FILM, recipe, inputs) for recipe, inputs in SEEDS.values()]
TEXTS = [recipe_bytes(recipe) for recipe, _ in SEEDS.values()]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("recipes") / "file"


def check(place, data: bytes) -> str:
    """ "request" where the file describes a valid one, else the sentence. The page and the command
    line read it; anything else that happens fails the test."""
    place.write_bytes(data)
    with bounded(MOST):
        on_page(place)
        try:
            recipe, inputs = read_recipe(data)
            assert wholly_synthetic(recipe) in (True, False)
            assert len(recipe_digest(recipe)) == 64
            json.dumps(recipe, allow_nan=False)
            request = request_of(recipe, inputs)
        except EngineError as error:
            said = str(error)
            known = OF_RECIPES.match(said) or OF_PICTURES.match(said)
            assert known or (type(error) is InvalidRequest and A_SENTENCE.fullmatch(said)), said
            return said
    again = recipe_of(request, "embedded", MODELS)
    assert again["verb"] == VERBS[type(request)]
    return "request"


def on_page(place) -> None:
    try:
        kind = identify(place, "film.png").kind
        if kind == "recipe":
            restored = read_recipe_file(place)
            assert isinstance(restored.report, str) and len(restored.report) <= 10_000
        elif kind != "masks":
            session = Session("me-01234567890123456789")
            open_picture(session, place)
            snapshot(session)
    except EngineError as error:
        said = str(error)
        assert OF_RECIPES.match(said) or OF_PICTURES.match(said), said


@MANY
@given(data=changed_bytes(TEXTS))
def test_a_changed_recipe_file_is_a_request_or_a_sentence(place, data):
    check(place, data)


@SOME
@given(name=st.sampled_from(sorted(SEEDS)), seed=st.integers(0, 2**64))
def test_a_rewritten_recipe_is_a_request_or_a_sentence(place, name, seed):
    recipe, _ = SEEDS[name]

    check(place, written(changed_json(recipe, seed), seed))


@SOME
@given(name=st.sampled_from(sorted(SEEDS)), seed=st.integers(0, 2**64))
def test_a_rewritten_recipe_in_a_picture_is_a_request_or_a_sentence(place, name, seed):
    recipe, inputs = SEEDS[name]
    whole = picture_bytes(FILM, recipe, inputs)
    text = written(changed_json(recipe, seed), seed)

    check(place, with_chunk(whole, b"iTXt", KEYWORD.encode() + b"\0\0\0\0\0" + text))


@SOME
@given(data=st.data())
def test_a_picture_with_changed_inputs_is_a_request_or_a_sentence(place, data):
    whole = data.draw(st.sampled_from([file for file in FILES if INPUT_CHUNK in file]))
    bodies = [body for kind, body in png.chunks(whole) if kind == INPUT_CHUNK]

    check(place, with_chunk(whole, INPUT_CHUNK, data.draw(changed_bytes(bodies))))


def with_chunk(whole: bytes, kind: bytes, body: bytes) -> bytes:
    """A PNG whose first chunk of ``kind`` holds ``body``."""
    parts = list(png.chunks(whole))
    first = next(n for n, part in enumerate(parts) if part[0] == kind)
    parts[first] = kind, body
    return png.join(parts)


@pytest.mark.parametrize("name", sorted(SEEDS))
def test_the_seeds_themselves_are_requests(place, name):
    recipe, inputs = SEEDS[name]

    assert check(place, picture_bytes(FILM, recipe, inputs)) == "request"
    assert OF_RECIPES.match("something else") is None

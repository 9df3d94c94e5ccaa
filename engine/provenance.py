"""How a picture was made, written into the picture, and read back to make it again.

A **recipe** is JSON: schema version, verb, all parameters, models and inputs by hash. The
**inputs** are the arrays of the request; they ride in the PNG too, so that a replay needs only
the file. Under the zone that an edit replaces, the carried picture is black: results never
depend on what lay there, so what was erased cannot be read back from the file.

A file is built from this list alone and nothing is copied from the picture that was opened:

    XReal-Studio   iTXt   the recipe, and how the mark was put on
    XML:com...xmp  iTXt   IPTC digital source type
    Software, Comment     iTXt, for people
    xrSI           one for each input: name, form, content (private chunk; viewers skip it)

A DICOM file of ours carries the same chunks, see :mod:`engine.dicom.carrying`.
"""

import hashlib
import json
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine import carried, marks, png
from engine.api import (
    MOST_PIXELS,
    VERBS,
    EraseRequest,
    Finding,
    GenerateRequest,
    InsertRequest,
    OutpaintRequest,
    Pixels,
    Request,
    Result,
    Sampling,
    SegmentRequest,
    UpscaleRequest,
)
from engine.dicom.carrying import chunks_in
from engine.dicom.gate import is_dicom, outline
from engine.errors import EngineError, ImageUnreadable, InvalidRequest
from engine.files import write_whole
from engine.images import to_codes
from engine.invisible import MARK, takes_mark
from engine.marks import KEYWORD, MOST_RECIPE_BYTES, PARTLY, WHOLE, Mark
from engine.version import VERSION
from engine.wellformed import check_booleans, well_formed

SCHEMA = 1
INPUT_CHUNK = b"xrSI"  # ancillary, private, not safe to copy to an edited picture
MOST_FILE_BYTES = 1_000_000_000
MOST_INPUT_PIXELS = 4 * MOST_PIXELS  # of all inputs of one file together
LONGEST_HISTORY, LONGEST_SENTENCE = 50, 600  # steps, letters
MISFITS = "The recipe was changed or damaged: its parameters do not fit together."

Recipe = dict[str, Any]
Inputs = dict[str, NDArray[Any]]
REQUESTS: dict[str, type] = {verb: kind for kind, verb in VERBS.items()}


def recipe_of(
    request: Request, model_set: str, hashes: dict[str, str], precision: str = "float32"
) -> Recipe:
    """The recipe of ``request`` as run by ``model_set`` in ``precision``; ``hashes`` are its
    models' SHA-256."""
    return {
        "schema": SCHEMA,
        "software": "XReal Studio",
        "engine": VERSION,
        "synthetic": True,
        "verb": VERBS[type(request)],
        "parameters": {f.name: _plain(getattr(request, f.name), f.name) for f in fields(request)},
        "inputs": {name: fingerprint(array) for name, array in _inputs(request).items()},
        "model_set": model_set,
        "models": dict(sorted(hashes.items())),
        "precision": precision,
        "invisible_mark": MARK if takes_mark(request) else 0,
        "history": [],
    }


def inputs_of(request: Request) -> Inputs:
    """What a file carries of ``request``. Exact edits read what they replace, so their picture
    is left out: whoever replays one brings it."""
    found = _inputs(request)
    if zone_of(request) is not None and _exact(request):
        del found["image"]
    return found


def request_of(recipe: Recipe, inputs: Inputs) -> Request:
    """The request that ``recipe`` describes; ``inputs`` must be the ones it names."""
    if recipe.get("schema") != SCHEMA:
        raise InvalidRequest(
            f"The recipe has version {str(recipe.get('schema'))[:60]}; this program reads version "
            f"{SCHEMA}. Open it with the version of XReal Studio that wrote it."
        )
    verb = str(recipe.get("verb"))[:60]
    kind = REQUESTS.get(verb)
    if kind is None:
        raise InvalidRequest(f"The recipe asks for '{verb}', which is not known.")
    _check_inputs(recipe, inputs)
    try:
        return kind(**_parameters(kind, recipe["parameters"], inputs))
    except EngineError as error:
        if len(str(error)) > LONGEST_SENTENCE:  # it quotes what a stranger wrote at any length
            raise InvalidRequest(MISFITS) from error
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidRequest(MISFITS) from error


def with_history(recipe: Recipe, parent: Recipe | None) -> Recipe:
    """``recipe`` of an edit, remembering how the picture that it edits was made."""
    if parent is None:
        return recipe
    steps = [*parent.get("history", []), {k: v for k, v in parent.items() if k != "history"}]
    if len(steps) > LONGEST_HISTORY:
        steps = [steps[0], *steps[1 - LONGEST_HISTORY :]]  # the origin is always kept
    while len(steps) > 2 and len(_json({"history": steps})) > MOST_RECIPE_BYTES // 2:
        del steps[1]
    return {**recipe, "history": steps}


def at_state(result: Result, state: str) -> Result:
    """The same run with the picture of one of its states as the result."""
    if state not in result.states:
        raise InvalidRequest(f"The recipe names the stage '{state}', which its run does not have.")
    return replace(result, image=result.states[state], recipe={**result.recipe, "state": state})


def wholly_synthetic(recipe: Recipe) -> bool:
    """Whether nothing in the picture was ever photographed: its first step generated it."""
    first = (recipe.get("history") or [recipe])[0]
    return first.get("verb") == "generate"


def write_picture(
    path: str | Path,
    picture: Result | Pixels,
    recipe: Recipe,
    inputs: Inputs,
    mark: Mark = "strip",
    bits: int = 16,
) -> None:
    """Write a PNG of ``picture`` with its recipe and inputs; see :func:`picture_bytes`."""
    write_whole(path, picture_bytes(picture, recipe, inputs, mark, bits))


def picture_bytes(
    picture: Result | Pixels,
    recipe: Recipe,
    inputs: Inputs,
    mark: Mark = "strip",
    bits: int = 16,
) -> bytes:
    """A PNG of 8 or 16 bits. ``mark``: "strip" adds rows below and touches no pixel, "corner"
    is burnt in, "none" leaves the visible mark out. Metadata are always written."""
    marks.check_form(mark, bits)
    pixels = picture.image if isinstance(picture, Result) else picture
    whole = wholly_synthetic(recipe)
    codes = marks.marked(to_codes(pixels, bits), WHOLE if whole else PARTLY, mark)
    kind = "trainedAlgorithmicMedia" if whole else "compositeWithTrainedAlgorithmicMedia"
    recipe_chunk, *luggage = chunks_of(recipe, inputs, marks.notes_of(pixels, mark, bits))
    texts = [
        recipe_chunk,
        png.text_chunk("XML:com.adobe.xmp", marks.xmp(kind)),
        png.text_chunk("Software", f"XReal Studio {VERSION}"),
        png.text_chunk("Comment", (WHOLE if whole else PARTLY) + ". Not a medical device."),
    ]
    header, *rest = png.chunks(png.encode(codes))
    return png.join([header, *texts, *rest[:-1], *luggage, rest[-1]])


def chunks_of(recipe: Recipe, inputs: Inputs, notes: dict[str, Any]) -> list[png.Chunk]:
    """What a file carries: first the recipe, with ``notes`` on the file, then the inputs."""
    recipe_chunk = png.text_chunk(KEYWORD, _json({**recipe, "file": notes}))
    luggage = [(INPUT_CHUNK, carried.pack(name, array)) for name, array in inputs.items()]
    return [recipe_chunk, *luggage]


def write_recipe(path: str | Path, recipe: Recipe) -> None:
    """The recipe alone, as a JSON file; its inputs are brought by whoever replays it."""
    write_whole(path, recipe_bytes(recipe))


def recipe_bytes(recipe: Recipe) -> bytes:
    return (json.dumps(recipe, indent=1) + "\n").encode()


def read_recipe(source: str | Path | bytes) -> tuple[Recipe, Inputs]:
    """Recipe and inputs from a PNG or DICOM file of ours, or a recipe from a JSON file."""
    data = source if isinstance(source, bytes) else _contents(Path(source))
    if png.is_png(data):
        parts = list(png.chunks(data))
    elif is_dicom(data):
        parts = chunks_in(outline(data)) or []
    else:
        return recipe_from_text(data), {}
    text = png.texts(parts).get(KEYWORD)
    if text is None:
        raise ImageUnreadable(
            "This picture holds no recipe: it was not written by XReal Studio, or another "
            "program saved it again and dropped the recipe."
        )
    recipe = recipe_from_text(text.encode())
    recipe.pop("file", None)
    inputs, pixels = {}, 0
    for payload in [payload for kind, payload in parts if kind == INPUT_CHUNK]:
        name, form, body = carried.unwrap(payload)
        height, width = carried.size_of(form, body)
        pixels += height * width
        if pixels > MOST_INPUT_PIXELS:
            raise ImageUnreadable("The inputs inside this file are larger than is ever written.")
        inputs[name] = carried.unpack(form, body)
    return recipe, inputs


# Requests as plain values


def _plain(value: Any, name: str) -> Any:
    """A parameter as JSON; arrays become the names of inputs."""
    if isinstance(value, np.ndarray):
        return {"input": name}
    if isinstance(value, tuple):
        return [
            {"text": one.text, "mask": {"input": f"finding-{number}"}, "strength": one.strength}
            | ({} if one.guidance is None else {"guidance": one.guidance})
            for number, one in enumerate(value, 1)
        ]
    if isinstance(value, Sampling):
        return {f.name: _plain(getattr(value, f.name), f.name) for f in fields(value)}
    return value.item() if isinstance(value, np.generic) else value


def _parameters(kind: type, stored: dict[str, Any], inputs: Inputs) -> dict[str, Any]:
    known = {f.name: f for f in fields(kind)}
    odd = sorted(set(stored) - set(known))
    if odd:
        raise InvalidRequest(f"The recipe uses '{odd[0][:60]}', which this version does not know.")
    check_booleans(kind, stored)
    found: dict[str, Any] = {}
    for name, value in stored.items():
        if name == "sampling":
            check_booleans(Sampling, value)
            for count in ("steps", "detail_steps"):
                if not isinstance(value.get(count), int | None):
                    raise TypeError(count)
            lasted = {"guidance_lasts": 1}  # in recipes of before 0.5, which do not say it
            found[name] = Sampling(**{**lasted, **value})
        elif name == "findings":
            for finding in value:
                check_booleans(Finding, finding)
            found[name] = tuple(
                Finding(
                    text=str(f["text"]),
                    mask=_input(f["mask"], inputs),
                    guidance=f.get("guidance"),
                    strength=f.get("strength", 0.0),  # recipes of before 0.4 know none
                )
                for f in value
            )
        elif isinstance(value, dict):
            found[name] = _input(value, inputs)
        elif value is not None and isinstance(known[name].default, str | bool | int):
            if type(value) is not type(known[name].default):
                raise TypeError(name)
            found[name] = value
        else:
            found[name] = value
    missing = [n for n, f in known.items() if n not in found and _required(f)]
    if missing:
        raise KeyError(missing[0])
    return found


def _required(parameter: Any) -> bool:
    return parameter.default is MISSING and parameter.default_factory is MISSING


def _input(reference: dict[str, str], inputs: Inputs) -> NDArray[Any]:
    return inputs[reference["input"]]


def _check_inputs(recipe: Recipe, inputs: Inputs) -> None:
    named = recipe.get("inputs")
    if not isinstance(named, dict):
        raise InvalidRequest("The recipe was changed or damaged: it names no inputs.")
    for name, stated in named.items():
        if name not in inputs:
            raise InvalidRequest(
                f"The recipe needs the input '{name}', which is not in this file. "
                f"Give it with --input {name}=FILE."
            )
        if fingerprint(inputs[name]) != stated:
            raise InvalidRequest(
                f"The input '{name}' is not the one this recipe was made with, so the picture "
                "cannot be made again."
            )


# Inputs


def _inputs(request: Request) -> Inputs:
    found: Inputs = {}
    for f in fields(request):
        value = getattr(request, f.name)
        if isinstance(value, np.ndarray):
            found[f.name] = value
        elif f.name == "findings":
            found |= {f"finding-{n}": finding.mask for n, finding in enumerate(value, 1)}
    zone = zone_of(request)
    if zone is not None and not _exact(request):
        found["image"] = np.where(zone, np.float32(0), found["image"])
    return found


def zone_of(request: Request) -> NDArray[np.bool_] | None:
    """Where an edit replaces the picture it was given; None for verbs that replace nothing."""
    match request:
        case EraseRequest():
            return request.mask > 0
        case OutpaintRequest():
            return request.keep < 1
        case InsertRequest():
            return np.any([finding.mask > 0 for finding in request.findings], axis=0)
        case GenerateRequest() | UpscaleRequest() | SegmentRequest():
            return None


def _exact(request: Request) -> bool:
    return not isinstance(request, SegmentRequest) and request.sampling.exact


def fingerprint(array: NDArray[Any]) -> dict[str, Any]:
    """Hash and size of an input, as a recipe names it."""
    content = np.ascontiguousarray(array)
    digest = hashlib.sha256(f"{content.dtype.str}{content.shape}".encode())
    digest.update(content.tobytes())
    return {
        "sha256": digest.hexdigest(),
        "height": int(array.shape[0]),
        "width": int(array.shape[1]),
    }


def _json(recipe: Recipe) -> str:
    return json.dumps(recipe, allow_nan=False)


def _contents(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_FILE_BYTES:
            raise ImageUnreadable(f"'{path.name}' is larger than any file of ours.")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageUnreadable(f"There is no file '{path.name}'.") from error
    except OSError as error:
        raise ImageUnreadable(f"'{path.name}' cannot be read: {error.strerror}.") from error


def recipe_from_text(data: bytes) -> Recipe:
    """A recipe from its JSON, well formed; raises :class:`ImageUnreadable`."""
    if len(data) > MOST_RECIPE_BYTES:
        raise ImageUnreadable("This is not a recipe: it is larger than any recipe.")
    try:
        recipe = json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ImageUnreadable(
            "This is neither a picture written by XReal Studio nor a recipe in JSON."
        ) from error
    if not isinstance(recipe, dict):
        raise ImageUnreadable("This JSON file is not a recipe.")
    if not well_formed(recipe):
        raise ImageUnreadable(
            "The recipe was changed or damaged: its parts are not what they were."
        )
    return recipe


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")

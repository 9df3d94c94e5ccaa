"""Frozen values to plain documents and back, strictly: what is unknown or missing is refused."""

import hashlib
import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, NoReturn, TypeVar, get_args, get_origin, get_type_hints

from app.studies.errors import StudyError

Value = TypeVar("Value")
Place = tuple[str | int, ...]


def canonical(document: Any) -> str:
    """The one JSON text of a document: sorted keys, no spaces, no NaN; what is hashed."""
    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def sha256_of(document: Any) -> str:
    """SHA-256 over the canonical JSON, 64 hex digits."""
    return hashlib.sha256(canonical(document).encode()).hexdigest()


def to_document(value: Any) -> Any:
    """A frozen value as dictionaries, lists, text and numbers, ready for JSON and YAML."""
    if is_dataclass(value):
        return {
            field.name: to_document(getattr(value, field.name))
            for field in fields(value)
            if not (field.metadata.get("later") and getattr(value, field.name) == field.default)
        }
    if isinstance(value, Mapping):
        return {str(key): to_document(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [to_document(one) for one in value]
    return value


def _refuse(sentence: str, place: Place) -> NoReturn:
    error = StudyError(sentence)
    error.place = place
    raise error


def from_document(kind: type[Value], document: Any, where: str, place: Place = ()) -> Value:
    """Build the frozen value ``kind`` from a document.

    ``where`` names the place in the file for the reader of an error, ``place`` for a program.
    Raises ``StudyError`` for an unknown key, a missing one, or a value of another type; nothing is
    converted or guessed.
    """
    if not isinstance(document, Mapping):
        _refuse(f"{where} must be a list of names and values.", place)
    hints = get_type_hints(kind)
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(str(key) for key in document if key not in known)
    if unknown:
        _refuse(
            f"{where} has '{unknown[0]}', which is not known. Known are: {', '.join(known)}.",
            (*place, unknown[0]),
        )
    found = {}
    for name, field in known.items():
        if name in document:
            inside = (*place, name)
            found[name] = _converted(hints[name], document[name], f"{where}, {name}", inside)
        elif field.default is MISSING and field.default_factory is MISSING:
            _refuse(f"{where} lacks '{name}'.", place)
    try:
        return kind(**found)
    except StudyError as error:  # of the innermost value that does not exist
        error.place = error.place or place
        raise


def _converted(hint: Any, value: Any, where: str, place: Place) -> Any:
    origin = get_origin(hint)
    if is_dataclass(hint):
        return from_document(hint, value, where, place)  # type: ignore[arg-type]
    if origin is tuple:
        if not isinstance(value, list | tuple):
            _refuse(f"{where} must be a list.", place)
        inner = get_args(hint)[0]
        return tuple(
            _converted(inner, one, f"{where} {n + 1}", (*place, n)) for n, one in enumerate(value)
        )
    if origin in (Mapping, dict):
        if not isinstance(value, Mapping):
            _refuse(f"{where} must be a list of names and values.", place)
        return dict(value)
    if origin is types.UnionType:
        if value is None and type(None) in get_args(hint):
            return None
        return _converted(get_args(hint)[0], value, where, place)
    return _plain(hint, value, where, place)


def _plain(hint: type, value: Any, where: str, place: Place) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    right = isinstance(value, hint) and (hint is bool or not isinstance(value, bool))
    if not right:
        named = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
        _refuse(f"{where} must be {named[hint]}, not {value!r}.", place)
    return value

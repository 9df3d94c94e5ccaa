"""Protocols as YAML: six that ship, and any file an investigator has edited."""

from pathlib import Path

import yaml

from app.studies.documents import Place, from_document, to_document
from app.studies.errors import StudyError
from app.studies.model import Protocol

FOLDER = Path(__file__).parent / "protocols"


class _Strict(yaml.SafeLoader):
    """YAML that refuses the same key twice, which the format itself lets pass."""


def _mapping(loader: _Strict, node: yaml.MappingNode) -> dict:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    twice = [key for n, key in enumerate(keys) if key in keys[:n]]
    if twice:
        second = [key for key, _ in node.value][keys.index(twice[0], keys.index(twice[0]) + 1)]
        error = StudyError(f"'{twice[0]}' is written twice.")
        error.line = second.start_mark.line + 1
        raise error
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


_Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def names() -> list[str]:
    """The names of the protocols that ship."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def shipped(name: str) -> Protocol:
    """A protocol that ships, by name; raises ``StudyError`` with the list for any other name."""
    if name not in names():
        raise StudyError(f"There is no protocol '{name}'. There are: {', '.join(names())}.")
    return read(FOLDER / f"{name}.yaml")


def read(path: Path) -> Protocol:
    """Read and check a protocol file; raises ``StudyError`` naming the place that is wrong."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"The protocol '{path.name}' cannot be read as text.") from error
    return parse(text, path.name)


def parse(text: str, where: str) -> Protocol:
    """The protocol that YAML text describes; ``where`` names it in errors.

    The ``StudyError`` for a wrong one names its line and has it as ``line``.
    """
    try:
        document = yaml.load(text, _Strict)  # derived from SafeLoader: it builds plain values only
        return from_document(Protocol, document, where)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        told = StudyError(f"{where} is not valid YAML. Nothing was changed.")
        told.line = mark.line + 1 if mark else 0
        raise _with_line(told) from error
    except StudyError as error:
        error.line = error.line or line_of(text, error.place)
        raise _with_line(error) from error


def _with_line(error: StudyError) -> StudyError:
    told = StudyError(f"Line {error.line}: {error}" if error.line else str(error))
    told.place, told.line = error.place, error.line
    return told


def line_of(text: str, place: Place) -> int:
    """The line, from 1, of what ``place`` leads to in YAML text, or of the last step that is."""
    node = yaml.compose(text, yaml.SafeLoader)
    line = node.start_mark.line + 1 if node else 0
    for step in place:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == str(step)]
            if not found:
                break
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            line = node.start_mark.line + 1
    return line


def as_yaml(value: object) -> str:
    """A frozen value as YAML that ``parse`` reads back to an equal one."""
    return yaml.safe_dump(to_document(value), sort_keys=False, allow_unicode=True, width=96)

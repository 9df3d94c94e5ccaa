"""Protocols as YAML: six that ship, and any file an investigator has edited."""

from pathlib import Path

import yaml

from app.studies.documents import from_document, to_document
from app.studies.errors import StudyError
from app.studies.model import Protocol

FOLDER = Path(__file__).parent / "protocols"


class _Strict(yaml.SafeLoader):
    """YAML that refuses the same key twice, which the format itself lets pass."""


def _mapping(loader: _Strict, node: yaml.MappingNode) -> dict:
    keys = [loader.construct_object(key, deep=True) for key, _ in node.value]
    twice = [key for n, key in enumerate(keys) if key in keys[:n]]
    if twice:
        raise StudyError(f"'{twice[0]}' is written twice, near line {node.start_mark.line + 1}.")
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
    """The protocol that YAML text describes; ``where`` names it in errors."""
    try:
        document = yaml.load(text, _Strict)  # derived from SafeLoader: it builds plain values only
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" near line {mark.line + 1}" if mark else ""
        raise StudyError(f"{where} is not valid YAML{line}. Nothing was changed.") from error
    return from_document(Protocol, document, where)


def as_yaml(value: object) -> str:
    """A frozen value as YAML that ``parse`` reads back to an equal one."""
    return yaml.safe_dump(to_document(value), sort_keys=False, allow_unicode=True, width=96)

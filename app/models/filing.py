"""What the Models page does with model files. These functions need torch, so they are called in the
process of the models (``Worker.call``); what they take and give are plain values.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app import messages
from engine.listing import ModelFile, Obeys, obeys

OnStep = Callable[[str, int, int], None]  # what is being done, bytes done, bytes in all


@dataclass(frozen=True, kw_only=True)
class Set:
    """A set of models on the disk. ``obeys`` is None where it cannot be used, and ``why`` says it.

    The fields of a published family are empty for the embedded set and that of a folder.
    """

    obeys: Obeys | None
    why: str = ""
    title: str = ""
    about: str = ""
    paper: str = ""
    licence: str = ""
    missing: tuple[str, ...] = ()  # titles of files
    wants: int = 0  # files


@dataclass(frozen=True)
class Listing:
    files: tuple[ModelFile, ...]
    sets: Mapping[str, Set]


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What became of a file: ``choices`` (role, title) where somebody must say what it is."""

    said: tuple[str, ...]
    choices: tuple[tuple[str, str], ...] = ()
    taken: bool = False
    family: str | None = None  # that it belongs to


def listing(folder: Path, names: Sequence[str]) -> Listing:
    """All model files, and the sets of these names."""
    from engine import inventory

    sets = {name: _set(name, folder) for name in names}
    return Listing(inventory.files_of(folder), sets)


def _set(name: str, folder: Path) -> Set:
    from engine import inventory
    from engine.checkpoints.families import FAMILIES

    found, why = None, ""
    try:
        found = obeys(inventory.open_described(name, folder))
    except Exception as error:
        why = messages.sentence(error)
    if name not in FAMILIES:
        return Set(obeys=found, why=why)
    family = FAMILIES[name]
    return Set(
        obeys=found,
        why=why,
        title=family.title,
        about=family.about,
        paper=family.paper,
        licence=family.licence,
        missing=tuple(family.missing(inventory.stored_of(family, folder))),
        wants=len(family.wanted),
    )


def verify(folder: Path, on_step: OnStep) -> tuple[tuple[str, bool, str], ...]:
    """Read every model again: (name, whether it is intact, a sentence) of each."""
    from engine import inventory

    return tuple(inventory.verify_all(folder, on_step))


def bring_in(file: Path, folder: Path, role: str | None, on_step: OnStep) -> Brought:
    """Check a file and convert it into ``folder``. Raises CheckpointRefused and the like."""
    from engine.checkpoints import store
    from engine.checkpoints.families import family_of
    from engine.checkpoints.reading import sniff
    from engine.checkpoints.recognise import KINDS
    from engine.checkpoints.roles import ROLES, RoleUnknown

    sniff(file)
    here = store.already_here(file, folder, lambda *at: on_step("Reading", *at))
    if here is not None:
        return Brought(said=(f"'{file.name}' is already here: it is the {here.title}.",))
    known = {model.name for model in store.list_models(folder)}
    try:
        found = store.import_file(file, folder, role=role, on_step=on_step)
    except RoleUnknown as unknown:
        asked = (
            f"'{file.name}' holds {KINDS[unknown.kind]}, but nothing in it says which. "
            "Choose what it is."
        )
        choices = tuple((name, ROLES[name].title) for name in unknown.choices)
        return Brought(said=(asked,), choices=choices)
    said = found.said
    if found.model.name in known:
        said += (f"It took the place of the {found.model.title} of before.",)
    family = family_of(found.model.role)
    return Brought(said=said, taken=True, family=None if family is None else family.name)


def stored(name: str, folder: Path) -> tuple[str, str | None] | None:
    """Title and family of an imported model; None where there is none of that name."""
    from engine.checkpoints import store
    from engine.checkpoints.families import family_of

    for model in store.list_models(folder):
        if model.name == name:
            family = family_of(model.role)
            return model.title, None if family is None else family.name
    return None


def remove(name: str, folder: Path) -> None:
    """Take an imported model away; the file that it was made from stays."""
    from engine.checkpoints import store

    for model in store.list_models(folder):
        if model.name == name:
            store.remove(model)

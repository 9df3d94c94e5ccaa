"""The models of this computer: their files, the sets they form, and what each set can obey.

Descriptions are read, never weights: this answers at once, also for a set of many gigabytes.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.api import Knows
from engine.checkpoints.families import FAMILIES, UPSCALERS, Family, family_of
from engine.checkpoints.roles import ROLES
from engine.checkpoints.store import OnStep, StoredModel, by_role, list_models, verify
from engine.devices import choose_device, choose_precision
from engine.embedded import PAINTING, knows_of
from engine.engine import EMBEDDED, Engine, open_engine, open_models
from engine.errors import ModelMissing
from engine.listing import ModelFile, Obeys, obeys
from engine.published.models import AUTOENCODER_OF, PAINTERS, opened

__all__ = [
    "ModelFile",
    "Obeys",
    "files_of",
    "obeys",
    "open_described",
    "open_family",
    "stored_of",
    "verify_all",
]
CHUNK = 16 << 20
SHIPPED = {  # what the models that ship are, in words
    "codec": "codec: film to latent and back",
    "controller": "anatomy controller",
    "diffusion": "diffusion model: words, organs, findings",
    "judge": "judge: measures the others, draws nothing",
    "segmenter": "organ segmenter",
    "shapes": "shape model: templates and sliders",
    "upscaler": "super-resolution to 1024 px",
}


def files_of(folder: Path | None = None) -> tuple[ModelFile, ...]:
    """The models that ship, then those imported into ``folder``."""
    shipped = [_shipped(path) for path in sorted(EMBEDDED.glob("*.json"))]
    return (*shipped, *(_imported(model) for model in list_models(folder)))


def stored_of(family: Family, folder: Path | None = None) -> dict[str, StoredModel]:
    """The imported models of a family by role; of two with one role the first is used."""
    found = by_role(list_models(folder), lambda _: None)
    return {role: model for role, model in found.items() if family.has(role)}


def open_family(name: str, folder: Path, device: str = "auto", precision: str = "auto") -> Engine:
    """An engine on the imported models of XReal or of Cheff, and on nothing else published.

    A diffusion model without its autoencoder cannot run and is left out. Raises ModelMissing
    where nothing is left that draws.
    """
    family = FAMILIES[name]
    stored = stored_of(family, folder)
    whole = {role: m for role, m in stored.items() if _has_autoencoder(m, stored)}
    if not whole.keys() & (set(PAINTERS) | set(UPSCALERS)):
        lacking = ", ".join(family.missing(stored))
        raise ModelMissing(
            f"{family.title} cannot be used yet; these files are missing: {lacking}."
        )
    return _open_stored(folder, whole, family.title, device, precision)


def open_described(name: str, folder: Path) -> Engine:
    """The same set, for asking what it can obey: on the processor, and no weights are read.

    ``name`` is "embedded", a published family, or "folder" for all that was imported.
    """
    if name == "embedded":
        return open_engine(device="cpu", precision="float32")
    if name in FAMILIES:
        return open_family(FAMILIES[name].name, folder, "cpu", "float32")
    stored = by_role(list_models(folder), lambda _: None)
    return _open_stored(folder, stored, "", "cpu", "float32")


def _open_stored(
    folder: Path, stored: Mapping[str, StoredModel], title: str, device: str, precision: str
) -> Engine:
    where = choose_device(device)
    models = opened(folder, where, choose_precision(precision, where), stored, title)
    return open_models(models, where, precision == "auto")


def verify_all(
    folder: Path | None = None, on_step: OnStep | None = None
) -> tuple[tuple[str, bool, str], ...]:
    """Read every model again: (name, whether it is intact, a sentence) of each.

    ``on_step`` may raise Cancelled; nothing is changed by this.
    """
    results = []
    for path in sorted(EMBEDDED.glob("*.json")):
        description = json.loads(path.read_text("utf-8"))
        intact = _shipped_sha256(description, on_step) == description["sha256"]
        state = "is as it was shipped" if intact else "was changed; download the project again"
        name = description["name"]
        results.append((name, intact, f"The embedded model '{name}' {state}."))
    for found in verify(folder, on_step):
        results.append((found.model.name, found.intact, found.sentence))
    return tuple(results)


def _has_autoencoder(model: StoredModel, stored: Mapping[str, StoredModel]) -> bool:
    needed = AUTOENCODER_OF.get(model.role)
    return needed is None or needed in stored or "autoencoder" in model.parts


def _shipped(path: Path) -> ModelFile:
    described = json.loads(path.read_text("utf-8"))
    sizes = [_size(EMBEDDED / name) for name in described["files"]]
    training = described.get("training", {})
    films = f"{training['films']} films: " if "films" in training else ""
    steps = f"{training['steps']} of training" if "steps" in training else ""
    if described["kind"] == "diffusion":
        steps = f"{PAINTING.steps} a picture ({PAINTING.sampler}); {steps}"
    return ModelFile(
        name=described["name"],
        family="embedded",
        role=described["kind"],
        recognised_as=SHIPPED.get(described["kind"], str(described["kind"])),
        size=sum(sizes),
        licence=described["licence"],
        notice="",
        sha256=described["sha256"],
        source="trained by this program; the commands are in its documents",
        trained_on=films + training.get("data", ""),
        steps=steps,
        knows=_knows(described),
        draws=described["kind"] == "diffusion",
        figures=described.get("figures", {}),
    )


def _knows(described: dict[str, Any]) -> Knows:
    return knows_of(described) if described["kind"] == "diffusion" else Knows()


def _imported(model: StoredModel) -> ModelFile:
    family = family_of(model.role)
    usual = PAINTERS.get(model.role)
    steps = "" if usual is None else f"{usual.steps} a picture ({usual.sampler})"
    if usual is not None and usual.guidance is not None:
        steps += f", guidance {usual.guidance:g}"
    return ModelFile(
        name=model.name,
        family="published" if family is None else family.name,
        role=model.role,
        recognised_as=ROLES[model.role].title if model.role in ROLES else model.title,
        size=model.size,
        licence=model.licence,
        notice=model.notice,
        sha256=model.sha256,
        source=f"'{model.source_file}', given by you; published at {model.source}",
        trained_on="" if family is None else family.trained_on,
        steps=steps,
        knows=model.knows,
        imported=True,
        draws=model.role in PAINTERS,
    )


def _shipped_sha256(described: Mapping[str, Any], on_step: OnStep | None) -> str:
    """Over all files of a model in their order, as the training code computes it."""
    digest, done = hashlib.sha256(), 0
    total = sum(_size(EMBEDDED / name) for name in described["files"])
    for name in described["files"]:
        path = EMBEDDED / name
        if not path.is_file():
            continue
        with path.open("rb") as file:
            while piece := file.read(CHUNK):
                digest.update(piece)
                done += len(piece)
                if on_step is not None:
                    on_step(described["name"], done, total)
    return digest.hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0

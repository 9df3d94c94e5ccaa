"""A folder of published models: importing, converting, listing, checking.

A converted model is two files, ``NAME.safetensors`` and its description ``NAME.json``. A folder
may also hold the published files as they were downloaded; these are converted once into its
subfolder ``converted`` when the folder is opened.
"""

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.api import Knows
from engine.checkpoints import wellformed
from engine.checkpoints.convert import NAMES, check_schedule, gather, latent_scale
from engine.checkpoints.reading import NotWeights, read_weights, sniff
from engine.checkpoints.recognise import KINDS, Part, kind_of, parts_of
from engine.checkpoints.roles import ROLES, RoleUnknown, checked_role, role_of
from engine.checkpoints.writing import OnBytes, sha256_of, write_json, write_safetensors
from engine.errors import CheckpointRefused, ModelMissing
from engine.files import data_folder
from engine.networks.ldm import AutoencoderPlan, Plan, plan_of, plan_values

SCHEMA = 1
CONVERTED = "converted"
NOTES = {".md", ".txt", ".json", ".html", ".htm", ".pdf"}  # papers and notes beside the weights
OnSaid = Callable[[str], None]
OnStep = Callable[[str, int, int], None]  # (what is being done, bytes done, bytes in all)

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class StoredModel:
    """One converted model. ``path`` is the safetensors file, ``size`` its bytes."""

    name: str
    role: str
    title: str
    path: Path
    size: int
    sha256: str
    plans: Mapping[str, Plan]  # by part: autoencoder, unet, text, control, upscaler
    pixel_range: tuple[float, float]
    latent_scale: float
    schedule: str
    knows: Knows
    licence: str
    notice: str
    source: str  # where the authors publish
    source_file: str
    source_sha256: str
    source_stamp: tuple[int, int]  # size and modification time, to know the file again quickly

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.plans)


@dataclass(frozen=True)
class Imported:
    """A file that was checked and converted; ``said`` is what was found, in sentences."""

    model: StoredModel
    said: tuple[str, ...]


@dataclass(frozen=True)
class Verified:
    """Whether a stored model is still what was imported; ``sentence`` says it in words."""

    model: StoredModel
    intact: bool
    sentence: str


def where() -> Path:
    """The folder that ``models import`` fills when none is named."""
    return data_folder() / "models"


def import_file(
    path: Path,
    folder: Path | None = None,
    *,
    role: str | None = None,
    heads: int | None = None,
    beside: bool = False,
    on_bytes: OnBytes | None = None,
    on_step: OnStep | None = None,
) -> Imported:
    """Check a published file, convert it into ``folder``, and say what was found.

    ``role`` settles what the file cannot tell (:data:`engine.checkpoints.roles.ROLES`). ``heads``
    is for networks of unpublished size, see :class:`engine.networks.ldm.UNetPlan`. A model that
    has the role already is replaced, or with ``beside`` stays. ``on_bytes`` hears of the writing
    only, ``on_step`` of everything that takes long; both may raise Cancelled, which leaves the
    folder as it was.
    """
    named, folder = folder, folder or where()
    weights = read_weights(path, _step(on_step, "Checking"))
    shapes = {name: tuple(tensor.shape) for name, tensor in weights.tensors.items()}
    kind = kind_of(shapes)
    if role is not None:
        checked_role(role, kind, path.name)
    parts = parts_of(shapes, kind, heads)
    networks = {part.name: gather(part, weights.tensors) for part in parts}
    check_schedule(weights.tensors, path.name)
    found = role or role_of(kind, _autoencoder(parts, networks))
    if found is None:
        raise RoleUnknown(path, kind, named)
    source = sha256_of(path, _step(on_step, "Reading"))
    taken = read_description(folder / f"{found}.json") if beside else None
    apart = taken is not None and taken.source_sha256 != source
    file = (
        folder / f"{found}-{source[:8]}.safetensors" if apart else folder / f"{found}.safetensors"
    )
    model = _described(path, source, file, found, parts, weights.tensors)
    flat = {f"{part}.{name}": t for part, inside in networks.items() for name, t in inside.items()}
    note = {"role": found, "licence": model.licence, "notice": model.notice}
    digest = write_safetensors(file, flat, note, on_bytes or _step(on_step, "Converting"))
    model = replace(model, sha256=digest, size=file.stat().st_size)
    write_json(file.with_suffix(".json"), _values(model))
    said = (*_sentences(path, model, KINDS[kind], len(weights.tensors)), *_doubts(networks))
    return Imported(model, said)


def list_models(folder: Path | None = None) -> tuple[StoredModel, ...]:
    """The models imported into a folder, then those in its subfolder ``converted``, by name."""
    folder = where() if folder is None else folder
    places = (folder, folder / CONVERTED)
    described = [read_description(path) for p in places for path in sorted(p.glob("*.json"))]
    return tuple(model for model in described if model is not None)


def _step(on_step: OnStep | None, what: str) -> OnBytes | None:
    return None if on_step is None else lambda done, total: on_step(what, done, total)


def already_here(
    path: Path, folder: Path | None = None, on_bytes: OnBytes | None = None
) -> StoredModel | None:
    """The stored model that was made from the very same file, whatever that file is called.

    A file that is one of the stored models counts as well.
    """
    known = list_models(folder)
    digest = sha256_of(path, on_bytes)
    return next((m for m in known if digest in (m.source_sha256, m.sha256)), None)


def remove(model: StoredModel) -> None:
    """Take a stored model out of its folder. The published file it was made from stays."""
    try:
        model.path.with_suffix(".json").unlink(missing_ok=True)  # first: alone it is no model
        model.path.unlink(missing_ok=True)
    except OSError as error:
        raise CheckpointRefused(
            f"'{model.path.name}' could not be removed: {error.strerror or 'unknown reason'}."
        ) from error


def verify(folder: Path | None = None, on_step: OnStep | None = None) -> tuple[Verified, ...]:
    """Read every stored model again and compare it with its checksum."""
    results = []
    for model in list_models(folder):
        on_bytes = _step(on_step, model.title)
        intact = model.path.exists() and sha256_of(model.path, on_bytes) == model.sha256
        state = "is as it was imported" if intact else "is missing or was changed; import it again"
        results.append(Verified(model, intact, f"{model.title} ({model.path.name}) {state}."))
    return tuple(results)


def stored_models(folder: Path, on_said: OnSaid = log.warning) -> tuple[StoredModel, ...]:
    """All models of a folder; published files that lie in it are converted first."""
    if not folder.is_dir():
        raise ModelMissing(
            f"The model folder '{folder}' does not exist. Name a folder that holds the published "
            "files, or start without one to use the embedded models."
        )
    known = list_models(folder)
    for path in _published_files(folder, known):
        on_said(f"Converting '{path.name}' once; this can take a minute.")
        try:
            done = import_file(path, folder / CONVERTED, beside=True)
        except RoleUnknown as unknown:
            raise RoleUnknown(path, unknown.kind, folder) from unknown
        for sentence in done.said:
            on_said(sentence)
    models = list_models(folder)
    if not models:
        raise ModelMissing(
            f"There are no published models in '{folder}'. Put the authors' files there, or start "
            "without a folder to use the embedded models."
        )
    return models


def by_role(models: Iterable[StoredModel], on_said: OnSaid = log.warning) -> dict[str, StoredModel]:
    """One model for each role: what was imported by hand before what was only converted."""
    found: dict[str, StoredModel] = {}
    for model in sorted(models, key=lambda m: (m.path.parent.name == CONVERTED, m.source_sha256)):
        first = found.setdefault(model.role, model)
        if first is not model:
            on_said(
                f"'{first.source_file}' and '{model.source_file}' are both the {model.title}; the "
                "first is used. To choose, import one of them: python -m engine models import."
            )
    return found


def read_description(path: Path) -> StoredModel | None:
    """The model a description speaks of; None for other JSON files."""
    try:
        if path.stat().st_size > wellformed.MOST_BYTES:
            return None
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(values, dict) or values.get("format") != "published":
        return None
    if values.get("schema") != SCHEMA:
        raise CheckpointRefused(
            f"The description '{path.name}' was written by another version of XReal Studio. "
            "Import the published file again."
        )
    try:
        wellformed.check(values)
        return _from_values(path, values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointRefused(
            f"The description '{path.name}' is damaged. Import the published file again."
        ) from error


def _published_files(folder: Path, known: tuple[StoredModel, ...]) -> Iterator[Path]:
    """Files of weights in the folder itself that nothing was converted from yet."""
    stamps = {(m.source_file, m.source_stamp) for m in known}
    ours = {m.path for m in known}
    hashes = {m.source_sha256 for m in known}
    for path in sorted(folder.iterdir()):
        hidden = path.name.startswith(".")
        if hidden or not path.is_file() or path.suffix.lower() in NOTES or path in ours:
            continue
        if (path.name, _stamp(path)) in stamps or not _looks_like_weights(path):
            continue
        if sha256_of(path) not in hashes:
            yield path


def _looks_like_weights(path: Path) -> bool:
    try:
        sniff(path)
    except NotWeights as refusal:
        log.info("ignored: %s", refusal)
        return False
    return True


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _autoencoder(
    parts: tuple[Part, ...], networks: Mapping[str, dict[str, Tensor]]
) -> tuple[AutoencoderPlan, dict[str, Tensor]] | None:
    for part in parts:
        if isinstance(part.plan, AutoencoderPlan):
            return part.plan, networks[part.name]
    return None


def _described(
    path: Path,
    source: str,
    file: Path,
    role: str,
    parts: tuple[Part, ...],
    tensors: Mapping[str, Tensor],
) -> StoredModel:
    """What will stand in the description; size and checksum are known after writing."""
    meaning = ROLES[role]
    return StoredModel(
        name=file.stem,
        role=role,
        title=meaning.title,
        path=file,
        size=0,
        sha256="",
        plans={part.name: part.plan for part in parts},
        pixel_range=meaning.pixel_range,
        latent_scale=latent_scale(tensors, meaning.latent_scale),
        schedule=meaning.schedule,
        knows=meaning.knows,
        licence=meaning.licence,
        notice=meaning.notice,
        source=meaning.source,
        source_file=path.name,
        source_sha256=source,
        source_stamp=_stamp(path),
    )


def _values(model: StoredModel) -> dict[str, Any]:
    return {
        "format": "published",
        "schema": SCHEMA,
        "role": model.role,
        "title": model.title,
        "networks": {part: plan_values(plan) for part, plan in model.plans.items()},
        "pixel_range": model.pixel_range,
        "latent_scale": model.latent_scale,
        "schedule": model.schedule,
        "knows": asdict(model.knows),
        "licence": model.licence,
        "notice": model.notice,
        "source": {
            "published_at": model.source,
            "file": model.source_file,
            "sha256": model.source_sha256,
            "stamp": model.source_stamp,
        },
        "weights": {"file": model.path.name, "bytes": model.size, "sha256": model.sha256},
    }


def _from_values(path: Path, values: Mapping[str, Any]) -> StoredModel:
    source, weights = values["source"], values["weights"]
    low, high = values["pixel_range"]
    size, modified = source["stamp"]
    return StoredModel(
        name=path.stem,
        role=values["role"],
        title=values["title"],
        path=path.parent / weights["file"],
        size=int(weights["bytes"]),
        sha256=weights["sha256"],
        plans={part: plan_of(part, plan) for part, plan in values["networks"].items()},
        pixel_range=(float(low), float(high)),
        latent_scale=float(values["latent_scale"]),
        schedule=values["schedule"],
        knows=knows_of(values["knows"]),
        licence=values["licence"],
        notice=values["notice"],
        source=source["published_at"],
        source_file=source["file"],
        source_sha256=source["sha256"],
        source_stamp=(int(size), int(modified)),
    )


def knows_of(values: Mapping[str, Any]) -> Knows:
    """What a description says a model can obey."""
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    return Knows(**fields)


def _sentences(path: Path, model: StoredModel, what: str, tensors: int) -> Iterator[str]:
    yield f"'{path.name}' holds {what}: it is the {model.title}."
    kept = sum(len(_names(plan)) for plan in model.plans.values())
    if tensors > kept:
        yield f"{tensors - kept} of its {tensors} entries are leftovers of training and were left."
    yield f"It was converted to '{model.path}' ({model.size / 2**20:.0f} MiB). {model.notice}"


def _doubts(networks: Mapping[str, Mapping[str, Tensor]]) -> Iterator[str]:
    for name, tensors in networks.items():
        if not any(bool(tensor.any()) for tensor in tensors.values()):
            yield (
                f"All weights of its {NAMES[name]} are 0: it was never trained, and what it draws "
                "is empty. Use the file from the authors."
            )


def _names(plan: Plan) -> list[str]:
    from engine.checkpoints.convert import empty
    from engine.checkpoints.keys import sources

    return sorted({s.key for s in sources(plan, empty(plan).state_dict()).values()})

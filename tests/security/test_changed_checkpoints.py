"""Whatever is done to a file of weights: its tensors come out right, or a sentence does."""

import json
import pickle
import random
import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save

from engine import golden
from engine.checkpoints import jailed
from engine.checkpoints.convert import gather
from engine.checkpoints.reading import read_weights
from engine.checkpoints.recognise import Shapes, kind_of, parts_of
from engine.checkpoints.roles import ROLES
from engine.checkpoints.store import import_file, list_models
from engine.errors import CheckpointRefused
from engine.inventory import files_of
from tests.engine.checkpoints.conftest import answer_here
from tests.engine.conftest import GOLDEN
from tests.security.changes import (
    FEW,
    MANY,
    SOME,
    bounded,
    changed,
    changed_bytes,
    changed_json,
    members,
    written,
    zipped,
)
from tests.security.layouts import WEIGHTS, layouts, saved, whole_module

SENTENCES = re.compile(
    r"The file 'weights' (is empty|is a pointer of Git LFS|is a web page|is not a file of network"
    r"|is an archive, but not|ends too early|is damaged|holds program parts"
    r"|holds a program|holds a whole network|holds no named weights|holds weights of a kind"
    r"|does not hold named weights|lists more tensors|unfolds to far more|was written on a computer"
    r"|could not be read: the reading process)"
)
MOST = 64_000_000  # bytes beside the weights
MOST_ADDRESSES = 2 << 30  # as in the process that reads files of strangers

ZIPS = list(layouts().values())
OLD = [saved(WEIGHTS, zipped=False), layouts(zipped=False)["arguments"]]
SAFE = [
    save({name: tensor.contiguous() for name, tensor in WEIGHTS.items()}),
    save({"a": torch.zeros(3)}, {"note": "x" * 900}),
]
SEEDS = [*ZIPS, *OLD, *SAFE]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A file to write; what is read in this process is bounded as in the other."""
    release = limit_addresses()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jailed, "_answer", answer_here)
        yield tmp_path_factory.mktemp("weights") / "weights"
    release()


def limit_addresses() -> Callable[[], None]:
    """No more memory than the process that reads strangers' files has; gives it back."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + MOST_ADDRESSES, before[1]))
    return lambda: resource.setrlimit(resource.RLIMIT_AS, before)


def outcome(place, data: bytes) -> str:
    """ "tensors" or the sentence; anything else that happens fails the test."""
    place.write_bytes(data)
    try:
        with bounded(MOST):
            read = read_weights(place)
    except CheckpointRefused as error:
        assert SENTENCES.match(str(error)), error
        return str(error)
    assert read.tensors
    for name, tensor in read.tensors.items():
        assert isinstance(name, str) and tensor.device.type == "cpu"
        if tensor.numel() < 10**6:
            float(tensor.double().nan_to_num().clamp(-1, 1).sum())  # every number can be touched
    return "tensors"


@MANY
@given(data=changed_bytes(SEEDS))
def test_a_changed_file_of_weights_is_tensors_or_a_sentence(place, data):
    outcome(place, data)


@SOME
@given(data=changed_bytes(ZIPS))
def test_no_number_of_an_archive_changes_unnoticed(place, data):
    place.write_bytes(data)
    try:
        read = read_weights(place)
    except CheckpointRefused:
        return
    for name, tensor in read.tensors.items():
        if name in WEIGHTS and tensor.shape == WEIGHTS[name].shape:
            assert tensor.dtype != WEIGHTS[name].dtype or tensor.equal(WEIGHTS[name])


@SOME
@given(seed=st.integers(0, 2**64))
def test_a_changed_part_with_a_right_checksum_is_tensors_or_a_sentence(place, seed):
    outcome(place, with_changed_part(seed))


def with_changed_part(seed: int) -> bytes:
    chance = random.Random(seed)
    parts = members(chance.choice(ZIPS))
    ending = chance.choice(["data.pkl", "data.pkl", "byteorder", "version", "data/0", "alignment"])
    whole = next((name for name in parts if name.endswith(ending)), "data.pkl")
    parts[whole] = changed([parts.get(whole, b"")], seed + 1)
    return zipped(parts, zipfile.ZIP_STORED)


STEPS = [
    b"(", b".", b"0", b"1", b"2", b")", b"]", b"}", b"N", b"\x88", b"\x89", b"t", b"d", b"l", b"s",
    b"u", b"a", b"e", b"R", b"b", b"o", b"\x81", b"\x85", b"\x86", b"\x87", b"\x8f", b"\x90",
    b"K\x05", b"J\xff\xff\xff\x7f", b"M\xff\xff", b"X\4\0\0\0data", b"U\1x", b"q\0", b"h\0",
    b"cos\nsystem\n", b"cbuiltins\neval\n", b"cposix\nsystem\n", b"ccollections\nOrderedDict\n",
    b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch\nFloatStorage\n", b"Q", b"X\7\0\0\0storage",
    b"X\1\0\0\x000", b"X\3\0\0\0cpu", b"\x8a\x02\xff\x7f", b"G?\xf0\0\0\0\0\0\0", b"ca\nB\n",
    b"cpathlib\nPosixPath\n", b"X\xff\xff\xff\x7f", b"T\xff\xff\xff\x7f", b"\x80\2",
    b"i__main__\nX\n",
]  # fmt: skip
TENSOR = (  # the steps that build one, as torch writes them
    b"ctorch._utils\n_rebuild_tensor_v2\n((X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\x000"
    b"X\3\0\0\0cpuM\x58\x02tQK\0K\x14K\x1e\x86K\x1eK\1\x86\x89ccollections\nOrderedDict\n)RtR"
)


@SOME
@given(seed=st.integers(0, 2**64))
def test_steps_that_a_stranger_wrote_are_tensors_or_a_sentence(place, seed):
    outcome(place, program(seed))


def program(seed: int) -> bytes:
    """A program for the unpickler, put together from its own steps."""
    chance = random.Random(seed)
    steps = b"".join(chance.choice([*STEPS, TENSOR]) for _ in range(chance.randrange(40)))
    written = b"\x80\2}(" + steps + b"."
    if seed % 2:
        head = b"".join(pickle.dumps(n, 2) for n in (0x1950A86A20F9469CFC6C, 1001, {}))
        return head + written + pickle.dumps(["0"], 2) + struct.pack("<q", 5) + bytes(600)
    parts = {"a/data.pkl": written, "a/data/0": bytes(2400), "a/version": b"3\n"}
    return zipped(parts, zipfile.ZIP_STORED)


@SOME
@given(seed=st.integers(0, 2**64), which=st.sampled_from(SAFE))
def test_a_rewritten_list_of_contents_of_safetensors_is_tensors_or_a_sentence(place, seed, which):
    length = int.from_bytes(which[:8], "little")
    header = written(changed_json(json.loads(which[8 : 8 + length]), seed), seed)

    outcome(place, len(header).to_bytes(8, "little") + header + which[8 + length :])


@pytest.fixture(scope="module")
def published(place):
    return published_shapes(place.parent)


def published_shapes(folder: Path) -> list[Shapes]:
    """Names and shapes of the tensors of each published file."""
    files = golden.write_checkpoints(GOLDEN, folder / "published")
    return [
        {name: tuple(tensor.shape) for name, tensor in read_weights(path).tensors.items()}
        for path in files.values()
    ]


@SOME
@given(seed=st.integers(0, 2**64))
def test_changed_names_and_shapes_are_a_network_or_a_sentence(published, seed):
    """What recognises a network never fails of one that no author published."""
    recognised(changed_shapes(published, seed), build=False)


@FEW
@given(seed=st.integers(0, 2**64))
def test_a_network_of_changed_shapes_is_built_or_refused(published, seed):
    recognised(changed_shapes(published, seed), build=True)


UNKNOWN = re.compile(
    r"^(This file holds no network that XReal Studio knows"
    r"|The [\w -]+ in this file (is not whole|is not XReal's or Cheff's|has parts that"
    r"|does not fit together)"
    r"|The widths of the network in this file fit none)"
)


def recognised(shapes: dict[str, tuple[int, ...]], *, build: bool) -> str:
    """ "network" or the sentence; anything else that happens fails the test."""
    try:
        with bounded(MOST, 60 if build else 10):  # a network has hundreds of modules
            parts = parts_of(shapes, kind_of(shapes))
            tensors = {n: torch.empty(s, device="meta") for n, s in shapes.items() if build}
            for part in parts if build else ():
                gather(part, tensors)
    except CheckpointRefused as error:
        assert UNKNOWN.search(str(error)), error
        return str(error)
    return "network"


def changed_shapes(published: list[Shapes], seed: int) -> dict[str, tuple[int, ...]]:
    chance = random.Random(seed)
    shapes = dict(chance.choice(published))
    for _ in range(chance.randint(1, 5)):
        _change(shapes, chance)
    return shapes


def _change(shapes: dict[str, tuple[int, ...]], chance: random.Random) -> None:
    name = chance.choice(sorted(shapes))
    match chance.randrange(6):
        case 0:
            del shapes[name]
        case 1:
            shapes[name] = tuple(chance.choice([0, 1, 2, 3, 64, 513]) for _ in shapes[name])
        case 2:
            shapes[name] = shapes[name][: chance.randrange(len(shapes[name]) + 1)]
        case 3:
            shapes[re.sub(r"\d+", lambda found: str(chance.choice([0, 7, 99999])), name)] = shapes[
                name
            ]
        case 4:
            start = name.split(".")[0]
            for other in [n for n in shapes if n.startswith(start) and chance.random() < 0.2]:
                del shapes[other]
        case _:
            shapes[name] = (*shapes[name], 1)
    if not shapes:
        shapes["x"] = (1,)


@pytest.fixture(scope="module")
def described(place):
    return one_model(place)


def one_model(place: Path) -> tuple[Path, dict[str, Any]]:
    """A folder with one imported model, and its description."""
    folder = place.parent / "models"
    torch.save(golden.read_checkpoint(GOLDEN, "xreal_backbone"), place)
    model = import_file(place, folder, role="xreal_backbone").model
    return folder, json.loads(model.path.with_suffix(".json").read_text())


@SOME
@given(seed=st.integers(0, 2**64))
def test_a_changed_description_is_a_model_or_a_sentence(described, seed):
    listed(*described, seed)


def listed(folder: Path, told: dict[str, Any], seed: int) -> str:
    """ "models" or the sentence; anything else that happens fails the test."""
    (folder / "xreal_backbone.json").write_bytes(written(changed_json(told, seed), seed))
    try:
        with bounded(MOST):
            models = list_models(folder)
            files_of(folder)
    except CheckpointRefused as error:
        assert re.match(
            r"The description 'xreal_backbone.json' (is damaged|was written by)", str(error)
        )
        return str(error)
    for model in models:
        assert model.path.parent == folder and model.role in ROLES
        json.dumps([model.title, model.sha256, model.latent_scale], allow_nan=False)
    return "models"


def test_the_seeds_themselves_are_tensors(place):
    assert {outcome(place, seed) for seed in SEEDS} == {"tensors"}
    assert "a whole network as a program object" in outcome(place, whole_module())
    assert SENTENCES.match("something else") is None

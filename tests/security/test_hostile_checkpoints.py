"""Files of weights from strangers: nothing in them lies unnoticed, and no import is half done."""

import json
import os
import pickle
import signal
import struct
import subprocess
import sys
import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from engine import golden
from engine.checkpoints import jailed, store
from engine.checkpoints.reading import read_weights
from engine.checkpoints.store import import_file, list_models
from engine.errors import CheckpointRefused
from engine.published.shelf import Shelf
from tests.engine.checkpoints.conftest import answer_here
from tests.engine.conftest import GOLDEN
from tests.security.changes import lying_sizes, members, zipped
from tests.security.layouts import WEIGHTS, saved

ROOT = Path(__file__).parents[2]
ROLE = "cheff_upscaler_base"


@pytest.fixture(autouse=True)
def reading(request, monkeypatch):
    """In this process, by the same code, where the other process is not the subject."""
    if request.node.get_closest_marker("own_process") is None:
        monkeypatch.setattr(jailed, "_answer", answer_here)


@pytest.fixture(scope="module")
def upscaler(tmp_path_factory):
    """The smallest of the recorded checkpoints, as its authors publish it."""
    folder = tmp_path_factory.mktemp("published")
    content = golden.read_checkpoint(GOLDEN, "cheff_sr_fine")
    torch.save(content, folder / "sr.pt")
    return folder / "sr.pt"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "weights.pt"


def damaged_zip(change) -> bytes:
    parts = members(saved({"state_dict": WEIGHTS}))
    change(parts)
    return zipped(parts, zipfile.ZIP_STORED)


@pytest.mark.case(22, 23)
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (lying_sizes(saved(WEIGHTS), lambda n: n + 1), "damaged|ends too early|an archive"),
        (lying_sizes(saved(WEIGHTS), lambda n: 0), "damaged|ends too early|an archive"),
        (zipped(members(saved(WEIGHTS))), "an archive, but not"),
        (damaged_zip(lambda parts: parts.update({"b/data.pkl": b"x"})), "an archive, but not"),
        (damaged_zip(lambda p: p.pop(next(n for n in p if n.endswith("data.pkl")))), "an archive"),
        (damaged_zip(lambda parts: parts.update({"a/code/x.py": b"x"})), "holds a program"),
        (damaged_zip(lambda p: p.update({n: b"big" for n in p if "byteorder" in n})), "orders"),
        (damaged_zip(lambda p: p.update({n: b"0" for n in p if "alignment" in n})), "an archive"),
    ],
    ids=["longer", "shorter", "packed", "two", "none", "torchscript", "byte order", "alignment"],
)
def test_archives_that_lie_are_refused(data, sentence, file):
    file.write_bytes(data)

    with pytest.raises(CheckpointRefused, match=sentence):
        read_weights(file)


@pytest.mark.case(23)
@pytest.mark.parametrize("where", ["data/0", "data.pkl", "../../weights"])
def test_a_bomb_is_refused_before_it_is_unfolded(where, file):
    """A gigabyte of zeros, packed into one megabyte."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        if where != "data.pkl":
            archive.writestr("a/data.pkl", b"\x80\2}.")
        with archive.open(f"a/{where}", "w", force_zip64=True) as member:
            for _ in range(1024):
                member.write(bytes(1 << 20))
    tracemalloc.start()
    start = time.process_time()
    try:
        with pytest.raises(CheckpointRefused, match="an archive, but not"):
            read_weights(file)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert time.process_time() - start < 1
    assert most < 20_000_000


@pytest.mark.case(23)
def test_a_tensor_larger_than_what_is_stored_of_it_never_becomes_a_network(file, upscaler):
    content = golden.read_checkpoint(GOLDEN, "cheff_sr_fine")
    name, tensor = next(iter(content["model"].items()))
    content["model"][name] = torch.zeros(1).expand(tensor.shape)
    torch.save(content, file)

    with pytest.raises(CheckpointRefused, match="does not fit"):
        import_file(file, file.parent / "m", role=ROLE)
    torch.save({"a": torch.zeros(1).expand(100_000, 100_000)}, file)

    read = read_weights(file).tensors["a"]
    assert read.untyped_storage().nbytes() <= file.stat().st_size


@pytest.mark.case(23)
@pytest.mark.own_process
def test_a_pickle_that_unfolds_without_end_is_ended(file):
    """Tuples of tuples, doubled sixty times: little memory, endless to look through."""
    program = b"\x80\2}X\1\0\0\0aK\1" + b"2\x86" * 60 + b"sX\1\0\0\0b" + b"K\1" + b"2\x86" * 60
    parts = {"a/data.pkl": program + b"s.", "a/data/0": bytes(900), "a/version": b"3\n"}
    file.write_bytes(zipped(parts, zipfile.ZIP_STORED))

    with pytest.raises(CheckpointRefused, match=r"no named weights|damaged"):
        read_weights(file)


@pytest.mark.own_process
@pytest.mark.case(23)
def test_an_old_file_that_claims_more_than_it_has_reserves_nothing(file):
    """A storage of 2^40 numbers in a file of a kilobyte."""
    data = bytearray(saved({"a": torch.zeros(500)}, zipped=False))
    at = data.find(struct.pack("<q", 500))
    data[at : at + 8] = struct.pack("<q", 1 << 40)
    file.write_bytes(data)

    with pytest.raises(CheckpointRefused, match=r"damaged|unfolds to far more"):
        read_weights(file)


@pytest.mark.case(24)
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.update({"init_conv.bias": torch.zeros(3)}), "'init_conv.bias'"),
        (lambda t: [t.pop(name) for name in sorted(t)[:3]], "is not whole"),
        (lambda t: t.update({f"downs.0.more{n}": torch.zeros(1) for n in range(9)}), "9|more"),
        (lambda t: [t.pop(name) for name in list(t)], "holds no named weights"),
        (lambda t: (t.clear(), t.update(WEIGHTS)), "not whole|cannot be 'cheff_upscaler_base'"),
        (lambda t: (t.clear(), t.update(x=torch.ones(9))), "no network that XReal Studio knows"),
    ],
    ids=["shape", "missing", "more", "nothing", "another", "unknown"],
)
def test_another_network_is_refused_with_few_of_its_names(change, sentence, file, upscaler):
    content = torch.load(upscaler, weights_only=True)
    change(content["model"])
    torch.save(content, file)

    with pytest.raises(CheckpointRefused, match=sentence) as refused:
        import_file(file, file.parent / "m", role=ROLE)

    assert str(refused.value).count("'") <= 2 * 6
    assert not (file.parent / "m").exists()


@pytest.mark.case(24)
def test_averaged_weights_beside_the_others_are_left(file, upscaler):
    content = torch.load(upscaler, weights_only=True)
    content["ema"] = {f"ema_model.{name}": t + 1 for name, t in content["model"].items()}
    torch.save(content, file)

    model = import_file(file, file.parent / "m", role=ROLE).model

    network = Shelf(torch.device("cpu")).network(model, "upscaler", torch.float32)
    assert any(
        parameter.equal(content["model"]["init_conv.bias"]) for parameter in network.parameters()
    )


@pytest.mark.case(25)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_one_value_that_is_no_number_refuses_the_file(value, file, upscaler):
    content = torch.load(upscaler, weights_only=True)
    content["model"]["init_conv.bias"][0] = value
    torch.save(content, file)

    with pytest.raises(CheckpointRefused, match="values that are no numbers"):
        import_file(file, file.parent / "m", role=ROLE)

    assert list_models(file.parent / "m") == ()


@pytest.mark.case(25)
def test_weights_that_are_all_zero_are_said(file, upscaler):
    content = torch.load(upscaler, weights_only=True)
    content["model"] = {name: torch.zeros_like(t) for name, t in content["model"].items()}
    torch.save(content, file)

    said = import_file(file, file.parent / "m", role=ROLE).said

    assert "All weights of its super-resolution network are 0" in said[-1]
    assert "are 0" not in import_file(upscaler, file.parent / "n", role=ROLE).said[-1]


def rewritten(change) -> bytes:
    data = save({"a": torch.ones(200), "b": torch.ones(300)})
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


GOOD = save({"a": torch.ones(200), "b": torch.ones(300)})


@pytest.mark.case(26)
@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (GOOD[:-4], "ends too early"),
        (GOOD[:40], "ends too early"),
        ((1 << 40).to_bytes(8, "little") + GOOD[8:], "not a file of network|ends too early"),
        (GOOD + b"more", "does not fit what is in it"),
        (rewritten(lambda h: h["b"].update(data_offsets=[400, 1600])), "does not fit"),
        (rewritten(lambda h: h["b"].update(data_offsets=[804, 2004])), "does not fit"),
        (rewritten(lambda h: h["b"].update(data_offsets=[2000, 800])), "does not fit|be read"),
        (rewritten(lambda h: h["b"].update(data_offsets=[-8, 1192])), "cannot be read"),
        (rewritten(lambda h: h["b"].update(dtype="F31")), "weights of a kind"),
        (rewritten(lambda h: h["b"].update(shape=[3, 1000])), "does not fit"),
        (rewritten(lambda h: h["b"].update(shape=[2**62, 4])), "does not fit"),
        (rewritten(lambda h: h["b"].update(shape=["300"])), "cannot be read"),
        (rewritten(lambda h: h.update(b=[])), "cannot be read"),
        (GOOD.replace(b'"b"', b'"a"'), "cannot be read"),
        (GOOD[:8] + b"{" + b"[" * 150 + GOOD[159:], "cannot be read"),
        (GOOD[:8] + b"{'a'" + GOOD[12:], "cannot be read"),
        (pickle.dumps({"a": [0.0] * 900}, 0), "not a file of network weights"),
    ],
)
def test_safetensors_that_lie_are_refused(data, sentence, file):
    file.write_bytes(data)

    with pytest.raises(CheckpointRefused, match=sentence):
        read_weights(file)


@pytest.mark.case(27)
def test_a_model_that_was_changed_after_its_import_is_not_loaded(upscaler, tmp_path):
    model = import_file(upscaler, tmp_path, role=ROLE).model
    shelf = Shelf(torch.device("cpu"))
    shelf.network(model, "upscaler", torch.float32)
    content = bytearray(model.path.read_bytes())
    content[-1] ^= 1
    model.path.write_bytes(content)

    for opened in (Shelf(torch.device("cpu")), shelf):
        with pytest.raises(CheckpointRefused, match="changed after it was imported"):
            opened.network(model, "upscaler", torch.bfloat16)


@pytest.mark.case(27)
def test_a_file_without_a_description_is_no_model(upscaler, tmp_path):
    model = import_file(upscaler, tmp_path, role=ROLE).model
    model.path.with_suffix(".json").unlink()

    assert list_models(tmp_path) == ()


@pytest.mark.case(27)
def test_a_description_leads_to_no_file_elsewhere(upscaler, tmp_path):
    model = import_file(upscaler, tmp_path / "m", role=ROLE).model
    described = model.path.with_suffix(".json")
    told = json.loads(described.read_text())
    told["weights"]["file"] = f"../../{model.path.name}"
    described.write_text(json.dumps(told))

    with pytest.raises(CheckpointRefused, match=f"'{described.name}' is damaged"):
        list_models(tmp_path / "m")


KILLED = """
import sys
from pathlib import Path
from engine.checkpoints import jailed
from engine.checkpoints.store import import_file
from tests.engine.checkpoints.conftest import answer_here
jailed._answer = answer_here
def on_step(what, done, total):
    if what == sys.argv[3] and done:
        print("now", flush=True)
        sys.stdin.read()
import_file(Path(sys.argv[1]), Path(sys.argv[2]), role="cheff_upscaler_base", on_step=on_step)
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
@pytest.mark.case(28)
@pytest.mark.parametrize("step", ["Checking", "Converting"])
def test_an_import_that_is_killed_leaves_no_model_and_can_be_repeated(step, upscaler, tmp_path):
    folder = tmp_path / "models"
    words = [sys.executable, "-c", KILLED, str(upscaler), str(folder), step]
    with subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:
        assert program.stdout is not None and program.stdout.readline() == b"now\n"
        program.send_signal(signal.SIGKILL)
        program.wait()

    assert list_models(folder) == ()
    assert not list(folder.glob("[!.]*"))
    done = import_file(upscaler, folder, role=ROLE)
    assert store.verify(folder)[0].intact and list_models(folder) == (done.model,)

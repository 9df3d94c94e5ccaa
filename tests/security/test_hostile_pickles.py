"""Files of weights from strangers: nothing in them runs, and what training leaves is read over."""

import io
import pickle
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from engine.checkpoints import jailed
from engine.checkpoints.reading import read_weights
from engine.checkpoints.unpickling import is_record
from engine.errors import CheckpointRefused
from tests.engine.checkpoints.conftest import answer_here
from tests.security.layouts import WEIGHTS, foreign, layouts, saved, whole_module

ROOT = Path(__file__).parents[2]
ROLE = "cheff_upscaler_base"


@pytest.fixture(autouse=True)
def reading(request, monkeypatch):
    """In this process, by the same code, where the other process is not the subject."""
    if request.node.get_closest_marker("own_process") is None:
        monkeypatch.setattr(jailed, "_answer", answer_here)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "weights.pt"


class Calls:
    """Unpickled in the ordinary way it calls a function by its full name."""

    def __init__(self, name: str, *arguments: object) -> None:
        self.name, self.arguments = name, arguments

    def __reduce__(self):
        room, _, last = self.name.rpartition(".")
        return getattr(__import__(room, fromlist=[last]), last), self.arguments


def payloads(canary: Path) -> dict[str, object]:
    touch = f"touch {canary}"
    code = f"open({str(canary)!r}, 'w')"
    return {
        "posix.system": Calls("os.system", touch),
        "builtins.eval": Calls("builtins.eval", code),
        "builtins.exec": Calls("builtins.exec", code),
        "subprocess.call": Calls("subprocess.call", ["touch", str(canary)]),
        "runpy.run_path": Calls("runpy.run_path", str(canary)),
        "torch.utils.collect_env.run": Calls("torch.utils.collect_env.run", touch),
        "webbrowser.open": Calls("webbrowser.open", f"file://{canary}"),
        "builtins.getattr": Calls("builtins.getattr", str(canary), "upper"),
        "importlib.import_module": Calls("importlib.import_module", "antigravity"),
        "numpy.load": Calls("numpy.load", str(canary)),
        "torch.serialization.load": Calls("torch.load", str(canary)),
        "marshal.loads": Calls("marshal.loads", b"N"),
    }


PLACES = {
    "beside": lambda bad: {"state_dict": WEIGHTS, "extra": bad},
    "among": lambda bad: {"state_dict": {**WEIGHTS, "encoder.bad": bad}},
    "as a key": lambda bad: {"state_dict": WEIGHTS, "log": {(1, bad): 2}},
    "alone": lambda bad: bad,
}


@pytest.mark.case(16)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("name", payloads(Path("x")))
def test_what_would_run_is_named_and_not_run(name, zipped, file, tmp_path):
    canary = tmp_path / "canary"
    bad = payloads(canary)[name]

    for content in (place(bad) for place in PLACES.values()):
        file.write_bytes(saved(content, zipped=zipped))
        with pytest.raises(CheckpointRefused, match="holds program parts") as refused:
            read_weights(file)
        assert f"'{name}'" in str(refused.value)

    assert not canary.exists()


@pytest.mark.case(16)
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_bare_pickle_is_named_by_what_it_would_run(protocol, file, tmp_path):
    """Not written by torch at all; some steps of newer pickles its unpickler does not know."""
    for name, bad in payloads(tmp_path / "canary").items():
        file.write_bytes(pickle.dumps(bad, protocol))
        with pytest.raises(CheckpointRefused, match=re.escape(f"('{name}')")):
            read_weights(file)

    assert not (tmp_path / "canary").exists()


@pytest.mark.own_process
@pytest.mark.case(16, 17)
def test_no_variable_makes_the_reader_run_anything(file, tmp_path, monkeypatch):
    canary = tmp_path / "canary"
    for name in ("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "PYTHONINSPECT"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "torch.py").write_text(f"open({str(canary)!r}, 'w')")
    file.write_bytes(saved({"state_dict": WEIGHTS, "x": payloads(canary)["posix.system"]}))

    with pytest.raises(CheckpointRefused, match=r"'posix.system'"):
        read_weights(file)

    assert not canary.exists()


@pytest.mark.case(17)
def test_the_safe_unpickler_is_asked_for_by_name(file, tmp_path, monkeypatch):
    """Also where the variable reaches it, as it would without the other process."""
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")

    test_what_would_run_is_named_and_not_run("posix.system", True, file, tmp_path)
    test_what_would_run_is_named_and_not_run("posix.system", False, file, tmp_path)


@pytest.mark.case(18)
@pytest.mark.parametrize("name", ["a.safetensors", "a.SafeTensors", "a.PT", "a.bin", "a.png", "a"])
def test_no_name_makes_a_pickle_something_else(name, tmp_path):
    file = tmp_path / name
    file.write_bytes(saved({"state_dict": WEIGHTS, "x": payloads(tmp_path / "c")["posix.system"]}))

    with pytest.raises(CheckpointRefused, match=r"'posix.system'"):
        read_weights(file)
    file.write_bytes(save({"a": torch.ones(300)}))

    assert read_weights(file).tensors["a"].equal(torch.ones(300))


@pytest.mark.case(19, 20)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_published_layouts_give_exactly_their_tensors(zipped, file):
    for name, data in layouts(zipped=zipped).items():
        file.write_bytes(data)

        read = read_weights(file).tensors

        assert set(read) == set(WEIGHTS), name
        for key, tensor in WEIGHTS.items():
            assert read[key].dtype == tensor.dtype and read[key].equal(tensor), (name, key)


@pytest.mark.own_process
@pytest.mark.case(19, 20)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_the_other_process_gives_the_same_tensors(zipped, file):
    """Layouts that need stand-ins of every sort, with all walls standing."""
    file.write_bytes(layouts(zipped=zipped)["attribute dictionary"])

    read = read_weights(file).tensors

    assert {name: tensor.tolist() for name, tensor in read.items()} == {
        name: tensor.tolist() for name, tensor in WEIGHTS.items()
    }


@pytest.mark.case(19)
@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
def test_a_whole_network_as_an_object_has_no_weights_to_read(zipped, file):
    file.write_bytes(whole_module(zipped=zipped))

    with pytest.raises(CheckpointRefused, match="a whole network as a program object"):
        read_weights(file)


@pytest.mark.case(19)
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (WEIGHTS["encoder.weight"], "does not hold named weights"),
        ({"state_dict": {}, "epoch": 3}, "holds no named weights"),
        ({"state_dict": {n: [1.0] for n in range(99)}}, "holds no named weights"),
        ({"a": torch.eye(9).to_sparse()}, "weights of a kind"),
        ({"a": torch.zeros(99, dtype=torch.complex64)}, "does not fit|weights of a kind"),
    ],
)
def test_what_holds_no_plain_named_weights_is_said(content, sentence, file):
    file.write_bytes(saved(content))

    with pytest.raises(CheckpointRefused, match=sentence):
        read_weights(file)


@pytest.mark.case(20)
@pytest.mark.parametrize(
    "name", ["lightning.fabric.utilities.data.AttributeDict", "munch.MunchDict", "addict.Dict"]
)
def test_dictionaries_of_other_packages_are_read_over(name, file):
    with foreign(name) as (kind,):
        hyper = kind()
        hyper.update(lr=0.1, layers=kind(a=1))
        file.write_bytes(saved({"state_dict": WEIGHTS, "hyper_parameters": hyper}))

    assert set(read_weights(file).tensors) == set(WEIGHTS)


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("omegaconf.dictconfig.DictConfig", True),
        ("somebody.config.Config", True),
        ("argparse.Namespace", True),
        ("somebody.tools.run", False),
        ("subprocess.Popen", False),
        ("commands.Popen", False),  # as Python 3 writes it for Python 2
        ("__builtin__.Eval", False),
        ("torch.jit.ScriptModule", False),
        ("pip.main", False),
        ("builtins.eval", False),
        ("Config", False),
    ],
)
def test_records_are_told_from_program_parts_by_their_names(name, record):
    assert is_record(name) is record


def test_the_layouts_here_are_what_they_say():
    """They need stand-ins: torch alone refuses those with records."""
    refused = set()
    for name, data in layouts().items():
        try:
            torch.load(io.BytesIO(data), weights_only=True)
        except pickle.UnpicklingError:
            refused.add(name)

    assert {"omegaconf", "lightning, callbacks by class", "attribute dictionary"} <= refused
    assert "plain" not in refused

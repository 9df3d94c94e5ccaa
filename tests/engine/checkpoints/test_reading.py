"""Files of weights are told by their first bytes, and nothing in them is run."""

import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.checkpoints.reading import read_weights
from engine.errors import CheckpointRefused

WEIGHTS = {"encoder.weight": torch.arange(600.0).reshape(20, 30)}


class Wicked:
    """Unpickling it calls touch(), if anything lets it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


class ModelCheckpoint:
    """Named like the record that a training framework leaves in a file."""


ModelCheckpoint.__module__ = "pytorch_lightning.callbacks.model_checkpoint"
ModelCheckpoint.__qualname__ = "ModelCheckpoint"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "holiday.jpg"  # names and extensions mean nothing


@pytest.mark.parametrize("top", ["state_dict", "model", ""])
def test_weights_are_found_under_their_usual_names_or_bare(top, file):
    torch.save({top: WEIGHTS, "epoch": 3} if top else WEIGHTS, file)

    weights = read_weights(file)

    assert weights.top == top
    assert weights.tensors["encoder.weight"].equal(WEIGHTS["encoder.weight"])


def test_files_of_old_torch_versions_are_read(file):
    torch.save({"state_dict": WEIGHTS}, file, _use_new_zipfile_serialization=False)

    assert read_weights(file).tensors["encoder.weight"].equal(WEIGHTS["encoder.weight"])


def test_safetensors_are_read(file):
    save_file(WEIGHTS, file)

    assert read_weights(file).tensors["encoder.weight"].equal(WEIGHTS["encoder.weight"])


@pytest.mark.case(18, 21)
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html><title>404</title></html>", "is a web page"),
        (b"\n\n  <html lang='en'>" + b" " * 9000, "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 9\n", "Git LFS"),
        (b"\x89PNG\r\n\x1a\n" + bytes(9000), "not a file of network weights"),
        (b"PK\x03\x04" + bytes(9000), "ends too early"),
        (b"\x80\x02" + b"garbage" * 900, "damaged or cut short"),
        ((10**6).to_bytes(8, "little") + b"{" + bytes(9000), "ends too early"),
    ],
)
def test_what_is_no_file_of_weights_is_named_in_a_sentence(content, sentence, file):
    file.write_bytes(content)

    with pytest.raises(CheckpointRefused, match=sentence) as refusal:
        read_weights(file)

    assert str(refusal.value).startswith("The file 'holiday.jpg'")


@pytest.mark.case(21)
@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_file_that_was_cut_short_is_refused(share, file):
    torch.save({"state_dict": WEIGHTS}, file)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(CheckpointRefused, match="cut short"):
        read_weights(file)


@pytest.mark.case(22)
def test_a_flipped_byte_in_the_weights_is_noticed(file):
    torch.save({"state_dict": WEIGHTS}, file)
    content = bytearray(file.read_bytes())
    place = content.find(WEIGHTS["encoder.weight"].numpy().tobytes())
    content[place + 1000] ^= 1
    file.write_bytes(content)

    with pytest.raises(CheckpointRefused, match="checksums do not fit"):
        read_weights(file)


@pytest.mark.case(16)
@pytest.mark.parametrize("zipped", [True, False])
def test_a_foreign_program_part_refuses_the_file_and_is_not_run(zipped, file, tmp_path):
    trace = tmp_path / "was-run"
    content = {"state_dict": WEIGHTS, "extra": Wicked(trace)}
    torch.save(content, file, _use_new_zipfile_serialization=zipped)

    with pytest.raises(CheckpointRefused, match="holds program parts"):
        read_weights(file)

    assert not trace.exists()


def test_records_of_the_training_framework_are_left_aside(file, monkeypatch):
    import sys
    import types

    module = types.ModuleType(ModelCheckpoint.__module__)
    module.__dict__["ModelCheckpoint"] = ModelCheckpoint
    with monkeypatch.context() as patch:
        for name in ("pytorch_lightning", "pytorch_lightning.callbacks"):
            patch.setitem(sys.modules, name, types.ModuleType(name))
        patch.setitem(sys.modules, ModelCheckpoint.__module__, module)
        torch.save({"state_dict": WEIGHTS, "callbacks": {ModelCheckpoint: {"best": 1}}}, file)

    weights = read_weights(file)

    assert list(weights.tensors) == ["encoder.weight"]


def test_a_pickle_that_is_no_dictionary_is_refused(file):
    file.write_bytes(pickle.dumps(["x" * 5000]))

    with pytest.raises(CheckpointRefused):
        read_weights(file)


@pytest.mark.case(23)
def test_another_kind_of_archive_is_refused(file):
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("weights.txt", "x" * 9000)
        archive.writestr("noise.bin", bytes(range(256)) * 20)

    with pytest.raises(CheckpointRefused, match="an archive, but not of network weights"):
        read_weights(file)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(CheckpointRefused, match="cannot be read"):
        read_weights(tmp_path / "nothing.pt")

"""A folder of published models: imported once, described, checked, opened."""

import hashlib
import json
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
import torch

from engine import golden
from engine.checkpoints import store, writing
from engine.checkpoints.roles import ROLES, RoleUnknown, judged, phantom
from engine.checkpoints.store import by_role, import_file, list_models, stored_models, verify
from engine.errors import CheckpointRefused, DiskFull, ModelMissing
from engine.published import open_published
from tests.engine.conftest import GOLDEN

CPU = torch.device("cpu")
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def controller(published_files, tmp_path) -> Path:
    return shutil.copy(published_files["xreal_anatomy_controller"], tmp_path / "download (1)")


def test_an_imported_file_is_described_and_said_in_sentences(controller, tmp_path):
    done = import_file(controller, tmp_path / "models", role="anatomy_controller")

    described = json.loads((tmp_path / "models" / "anatomy_controller.json").read_text())
    weights = (tmp_path / "models" / "anatomy_controller.safetensors").read_bytes()
    assert described["weights"]["sha256"] == hashlib.sha256(weights).hexdigest()
    assert described["source"]["file"] == "download (1)"
    assert described["source"]["sha256"] == hashlib.sha256(controller.read_bytes()).hexdigest()
    assert described["pixel_range"] == [0, 1]
    assert described["licence"] == "CC-BY-NC-4.0"
    assert "non-commercial" in described["notice"]
    assert (
        done.said[0] == "'download (1)' holds a KL autoencoder: it is the XReal anatomy controller."
    )
    assert done.said[1].startswith("4 of its 204 entries are leftovers of training")
    assert list_models(tmp_path / "models") == (done.model,)


def test_names_that_safetensors_readers_expect_are_written(controller, tmp_path):
    from safetensors import safe_open

    import_file(controller, tmp_path, role="anatomy_controller")

    with safe_open(tmp_path / "anatomy_controller.safetensors", framework="pt") as file:
        names = list(file.keys())
        stem = file.get_tensor("autoencoder.encoder.conv_in.weight")
        note = file.metadata()["notice"]
    published = golden.read_checkpoint(GOLDEN, "xreal_anatomy_controller")["state_dict"]
    assert len(names) == 200
    assert stem.equal(published["encoder.conv_in.weight"])
    assert "name the authors" in note


def test_a_role_that_cannot_be_told_is_asked_for(controller, tmp_path):
    with pytest.raises(RoleUnknown, match=r"import --models .* --as ROLE ") as asked:
        import_file(controller, tmp_path / "models")

    assert set(asked.value.choices) == {
        "xreal_autoencoder",
        "anatomy_controller",
        "cheff_autoencoder",
    }
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("role", "sentence"),
    [
        ("xreal_backbone", "cannot be 'xreal_backbone'"),
        ("painter", "There is no role 'painter'"),
    ],
)
def test_a_role_that_does_not_fit_is_refused(role, sentence, controller, tmp_path):
    with pytest.raises(CheckpointRefused, match=sentence):
        import_file(controller, tmp_path / "models", role=role)


@pytest.mark.parametrize(
    ("trials", "role"),
    [
        ((0.1, 0.15, 1.1, 0.45), "anatomy_controller"),
        ((0.1, 0.3, 0.2, 0.5), "xreal_autoencoder"),
        ((0.2, 0.1, 0.3, -0.1), "cheff_autoencoder"),
        ((1.2, 1.1, 1.2, 0.5), None),  # random weights
        ((0.1, 0.1, 0.2, 0.25), None),  # neither mid grey
    ],
)
def test_autoencoders_show_their_role_by_what_they_do(trials, role):
    assert judged(*trials) == role


def test_the_phantom_has_all_organs_on_both_sides_of_its_greys():
    labels, film = phantom(64)

    assert set(labels.unique().tolist()) == {0, 1, 2, 3, 4}
    assert film.min() >= 0
    assert film.max() <= 1
    assert labels[0, 0, 32, 50] == 1  # the patient's left is on the right of the picture


@pytest.mark.case(22, 27)
def test_a_changed_byte_is_found_by_verify(controller, tmp_path):
    model = import_file(controller, tmp_path / "m", role="anatomy_controller").model
    assert [v.intact for v in verify(tmp_path / "m")] == [True]

    content = bytearray(model.path.read_bytes())
    content[-1] ^= 1
    model.path.write_bytes(content)

    (found,) = verify(tmp_path / "m")
    assert not found.intact
    assert "was changed; import it again" in found.sentence


@pytest.mark.case(28)
def test_a_full_disk_is_noticed_before_anything_is_written(controller, tmp_path, monkeypatch):
    monkeypatch.setattr(writing.shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 10**6))

    with pytest.raises(DiskFull, match="GiB are free"):
        import_file(controller, tmp_path / "models", role="anatomy_controller")

    assert not (tmp_path / "models").exists()


@pytest.mark.case(28)
def test_a_disk_that_fills_up_while_writing_leaves_the_old_file(controller, tmp_path, monkeypatch):
    model = import_file(controller, tmp_path / "m", role="anatomy_controller").model
    before = model.path.read_bytes()

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.files.os.fsync", full)
    with pytest.raises(DiskFull, match="untouched"):
        import_file(controller, tmp_path / "m", role="anatomy_controller")

    assert model.path.read_bytes() == before
    assert sorted(p.suffix for p in (tmp_path / "m").iterdir()) == [".json", ".safetensors"]


@pytest.mark.case(25)
def test_weights_that_are_no_numbers_are_refused(controller, tmp_path):
    content = torch.load(controller, weights_only=True)
    content["state_dict"]["decoder.conv_in.bias"][3] = float("nan")
    torch.save(content, controller)

    with pytest.raises(CheckpointRefused, match=r"decoder.conv_in.bias' hold values that are no"):
        import_file(controller, tmp_path / "models", role="anatomy_controller")

    assert list_models(tmp_path / "models") == ()


def test_a_folder_of_published_files_is_converted_once(published_files, tmp_path, monkeypatch):
    folder = tmp_path / "models"
    folder.mkdir()
    shutil.copy(published_files["cheff_sr_fine"], folder / "weights.bin")
    (folder / "README.md").write_text("<h1>notes</h1>")
    (folder / "film.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(900))
    said = []

    first = stored_models(folder, said.append)
    monkeypatch.setattr(store, "read_weights", None)  # reading again would fail
    again = stored_models(folder, said.append)

    assert [m.role for m in first] == ["cheff_upscaler"]
    assert again == first
    assert said[0].startswith("Converting 'weights.bin' once")
    assert first[0].path.parent.name == "converted"


def test_two_files_of_one_role_are_both_kept_and_one_can_be_chosen(published_files, tmp_path):
    """Base and fine-tuned super-resolution cannot be told apart by anything in them."""
    folder = tmp_path / "models"
    folder.mkdir()
    shutil.copy(published_files["cheff_sr_fine"], folder / "fine.pt")
    content = torch.load(published_files["cheff_sr_fine"], weights_only=True)
    content["model"]["init_conv.bias"] += 1
    torch.save(content, folder / "base.pt")
    said = []

    models = stored_models(folder, said.append)
    chosen = by_role(models, said.append)["cheff_upscaler"]

    assert len(models) == 2
    assert chosen.source_sha256 == min(m.source_sha256 for m in models)
    assert "are both the Cheff super-resolution; the first is used" in said[-1]
    assert stored_models(folder, pytest.fail) == models
    import_file(folder / "base.pt", folder, role="cheff_upscaler")
    again = stored_models(folder, pytest.fail)
    assert by_role(again, said.append)["cheff_upscaler"].source_file == "base.pt"


def test_a_renamed_published_file_is_known_again(published_files, tmp_path, monkeypatch):
    folder = tmp_path / "models"
    folder.mkdir()
    shutil.copy(published_files["cheff_sr_fine"], folder / "a")
    stored_models(folder)
    (folder / "a").rename(folder / "b")
    monkeypatch.setattr(store, "read_weights", None)

    assert len(stored_models(folder)) == 1


def test_a_role_that_was_said_once_opens_the_folder(controller, tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    raw = shutil.copy(controller, folder / "weights.pth")
    with pytest.raises(RoleUnknown, match="--models"):
        stored_models(folder)

    import_file(raw, folder, role="anatomy_controller")

    assert [m.role for m in stored_models(folder)] == ["anatomy_controller"]


def test_a_web_page_among_the_files_stops_with_its_sentence(tmp_path):
    (tmp_path / "cheff_autoencoder.pt").write_text("<!doctype html><title>404</title>")

    with pytest.raises(CheckpointRefused, match=r"'cheff_autoencoder.pt' is a web page"):
        stored_models(tmp_path)


@pytest.mark.parametrize("make", [True, False])
def test_a_folder_without_models_says_what_to_do(make, tmp_path):
    folder = tmp_path / "models"
    if make:
        folder.mkdir()

    with pytest.raises(ModelMissing, match="embedded models"):
        stored_models(folder)


@pytest.mark.parametrize("file", ["", "..", "notes.txt", "../x.safetensors", "/x.safetensors"])
def test_a_description_names_a_file_of_weights_beside_it(controller, tmp_path, file):
    import_file(controller, tmp_path / "m", role="anatomy_controller")
    described = tmp_path / "m" / "anatomy_controller.json"
    text = described.read_text()
    assert text.count('"anatomy_controller.safetensors"') == 1
    described.write_text(text.replace("anatomy_controller.safetensors", file))

    with pytest.raises(CheckpointRefused, match="is damaged"):
        stored_models(tmp_path / "m")


def test_a_damaged_description_is_refused(controller, tmp_path):
    import_file(controller, tmp_path / "m", role="anatomy_controller")
    described = tmp_path / "m" / "anatomy_controller.json"
    described.write_text(described.read_text().replace('"pixel_range"', '"pixels"'))

    with pytest.raises(CheckpointRefused, match="is damaged"):
        list_models(tmp_path / "m")


def test_an_autoencoder_in_the_diffusion_models_file_wins(recorded):
    model = recorded.text_to_image
    embedded = golden.read_checkpoint(GOLDEN, "part_cheff_t2i_first_stage")["state_dict"]

    used = recorded.shelf.network(model.stored, "autoencoder", torch.float32, exact=True)

    assert "cheff_autoencoder" in recorded.stored
    assert used.decoder.conv_in.weight.equal(embedded["first_stage_model.decoder.conv_in.weight"])


def test_painters_come_in_their_order_and_know_what_they_can(recorded):
    painters = recorded.painters

    assert [p.name for p in painters] == [
        "XReal diffusion model",
        "XReal ControlNet baseline",
        "Cheff report-conditioned diffusion model",
        "Cheff unconditional diffusion model",
    ]
    assert painters[0].knows.organs == (1, 2, 3, 4)
    assert painters[0].knows.free_text
    assert painters[3].knows.verbs == ("generate", "erase", "outpaint")
    assert {c.role: c.licence.split(".")[0] for c in recorded.cards}["xreal_backbone"] == (
        "CC-BY-NC-4"
    )
    assert set(recorded.hashes) <= set(ROLES)


def test_a_diffusion_model_without_its_autoencoder_names_it(published_files, tmp_path):
    import_file(published_files["cheff_diff_uncond"], tmp_path, heads=16)

    with pytest.raises(ModelMissing, match="import it as 'cheff_autoencoder'"):
        open_published(tmp_path, CPU, torch.float32)


def test_an_autoencoder_alone_cannot_draw(controller, tmp_path):
    import_file(controller, tmp_path / "m", role="anatomy_controller")

    with pytest.raises(ModelMissing, match="cannot draw by themselves"):
        open_published(tmp_path / "m", CPU, torch.float32)

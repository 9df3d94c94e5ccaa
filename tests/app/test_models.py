"""Files and sets of the Models page, without a browser: tiny files in the published layouts."""

import pickle
import shutil
import threading
import time
from pathlib import Path

import pytest

from app.models.chosen import at_start
from app.models.sets import Models, named_file
from app.runs.loading import Loading
from app.settings import Settings
from engine import golden
from engine.errors import CheckpointRefused, InvalidRequest
from tests.app.fake_engine import FakeEngine

GOLDEN = Path(__file__).parent.parent / "golden"
XREAL = {
    "xreal_backbone": "xreal_backbone",
    "xreal_ldm_ae": "xreal_autoencoder",
    "xreal_anatomy_controller": "anatomy_controller",
}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return golden.write_checkpoints(GOLDEN, tmp_path_factory.mktemp("published"))


@pytest.fixture
def loading():
    loaded = Loading(FakeEngine)
    loaded.start()
    with loaded.lent(threading.Event()):
        return loaded


@pytest.fixture
def models(tmp_path, loading):
    return Models(Settings(data=tmp_path), loading, lambda name: FakeEngine())


def finished(models):
    """The task of ``models`` at its end, and what it said."""
    task = models.task
    for thread in threading.enumerate():
        if thread.name == "models":
            thread.join(30)
    assert task.state != "running"
    return task.state, " ".join(sentence for _, sentence in task.said)


def used(models, name):
    """Choose a set and wait until it is loaded or has failed."""
    models.use(name)
    for _ in range(2000):
        if models.chosen is None:
            return
        time.sleep(0.01)
    raise AssertionError("the set was neither loaded nor refused")


def imported(models, path, role=None):
    models.bring_in(str(path), role)
    return finished(models)


def kept(models):
    return sorted(path.name for path in models.folder.glob("*"))


def test_a_published_file_is_brought_in_by_its_path(models, published):
    state, said = imported(models, published["cheff_sr_fine"])

    assert state == "done"
    assert "it is the Cheff super-resolution" in said
    assert kept(models) == ["cheff_upscaler.json", "cheff_upscaler.safetensors"]


def test_the_same_file_under_another_name_is_already_here(models, published, tmp_path):
    imported(models, published["cheff_sr_fine"])
    before = [path.stat().st_mtime_ns for path in models.folder.iterdir()]

    state, said = imported(models, shutil.copy(published["cheff_sr_fine"], tmp_path / "other.bin"))

    assert (state, "already here" in said) == ("done", True)
    assert [path.stat().st_mtime_ns for path in models.folder.iterdir()] == before


def test_a_file_of_unknown_use_is_asked_about_and_then_taken(models, published):
    state, said = imported(models, published["xreal_anatomy_controller"])

    assert (state, kept(models)) == ("failed", [])
    assert "Choose what it is." in said
    assert ("anatomy_controller", "XReal anatomy controller") in models.task.choices
    state, _ = imported(models, published["xreal_anatomy_controller"], "anatomy_controller")
    assert state == "done"


class Runs:
    """What an evil pickle holds: something to run when it is opened."""

    def __reduce__(self):
        return (print, ("x" * 1000,))


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda whole: pickle.dumps({"state_dict": Runs()}, protocol=2), "program parts"),
        (lambda whole: whole[: len(whole) // 2], "cut short"),
        (lambda whole: b"<!DOCTYPE html><p>Not found", "web page"),
        (lambda whole: b"GIF89a" + bytes(2000), "not a file of network weights"),
        (lambda whole: b"", "empty"),
    ],
)
def test_a_wrong_file_is_refused_and_changes_nothing(models, published, tmp_path, spoil, sentence):
    path = tmp_path / "download.pt"
    path.write_bytes(spoil(published["cheff_sr_fine"].read_bytes()))

    state, said = imported(models, path)

    assert (state, kept(models)) == ("failed", [])
    assert sentence in said


@pytest.mark.parametrize("text", ["", "weights.pt", "/", "\0", "/nowhere/at/all.pt", "x" * 5000])
def test_a_path_that_names_no_file_is_refused_before_anything_begins(models, text):
    with pytest.raises(InvalidRequest):
        models.bring_in(text)

    assert models.task is None


def test_quotes_around_a_path_are_those_of_the_file_manager(tmp_path):
    path = tmp_path / "a b.pt"
    path.write_bytes(b"x")

    assert named_file(f'"{path}"') == path


def test_stop_leaves_the_folder_as_it_was(models, published, monkeypatch):
    monkeypatch.setattr(
        "engine.checkpoints.writing.CHUNK", 4096
    )  # many pieces, each of which may hear the Stop
    started = models._begin

    def begin_stopped(task, work):
        task.stop.set()
        started(task, work)

    monkeypatch.setattr(models, "_begin", begin_stopped)

    state, said = imported(models, published["cheff_sr_fine"])

    assert (state, kept(models)) == ("stopped", [])
    assert said == "Stopped. Nothing was changed."


def test_verifying_names_the_file_that_was_changed(models, published):
    imported(models, published["cheff_sr_fine"])
    with (models.folder / "cheff_upscaler.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\xff")

    models.verify()
    state, said = finished(models)

    assert state == "failed"
    assert "'codec' is as it was shipped" in said
    assert "Cheff super-resolution (cheff_upscaler.safetensors) is missing or was changed" in said


def test_a_model_in_use_is_not_removed_and_another_is(models, published):
    imported(models, published["cheff_sr_fine"])
    models.in_use = "cheff"
    with pytest.raises(InvalidRequest, match="in use"):
        models.remove("cheff_upscaler")
    models.in_use = "embedded"

    models.remove("cheff_upscaler")

    assert kept(models) == []


def test_only_one_task_runs_at_a_time(models, published, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr("engine.inventory.verify_all", lambda *_: gate.wait(20) and ())
    models.verify()

    with pytest.raises(InvalidRequest, match="Files are being read"):
        models.bring_in(str(published["cheff_sr_fine"]))

    gate.set()
    finished(models)


def changed(loading, open_engine):
    """Change the models; the sentence of a fault, or None."""
    ended, said = threading.Event(), []
    loading.change(open_engine, lambda sentence: (said.append(sentence), ended.set()))
    assert ended.wait(20)
    return said[0]


def test_models_are_changed_when_the_run_that_goes_on_has_ended(loading):
    first, second = loading.engine, FakeEngine()
    ended = threading.Event()
    with loading.lent(threading.Event()) as engine:
        loading.change(lambda: second, lambda _: ended.set())
        assert not ended.wait(0.2)
        assert engine is first
        assert loading.engine is first
        assert loading.state == "loading"

    assert ended.wait(20)
    assert loading.engine is second


def test_a_run_that_begins_meanwhile_gets_the_new_models(loading):
    gate, second, got = threading.Event(), FakeEngine(), []

    def open_slowly():
        gate.wait(20)
        return second

    ended = threading.Event()
    loading.change(open_slowly, lambda _: ended.set())

    def run():
        with loading.lent(threading.Event()) as engine:
            got.append(engine)

    waiting = threading.Thread(target=run)
    waiting.start()
    gate.set()
    waiting.join(20)

    assert got == [second]
    assert ended.wait(20)


def test_models_that_cannot_be_loaded_leave_the_former_ones_in_use(loading):
    def fail():
        raise CheckpointRefused("Its file is damaged.")

    assert changed(loading, fail) == "Its file is damaged."
    assert loading.state == "ready"
    assert isinstance(loading.engine, FakeEngine)


def test_the_set_that_was_chosen_is_the_one_the_program_begins_with_again(tmp_path, loading):
    settings = Settings(data=tmp_path)
    assert at_start(settings) == "embedded"
    models = Models(settings, loading, lambda name: FakeEngine())

    used(models, "cheff")

    assert models.in_use == "cheff"
    assert at_start(settings) == "cheff"
    assert Models(settings, loading, lambda name: FakeEngine()).in_use == "cheff"
    assert at_start(Settings(data=tmp_path, models=tmp_path)) == "folder"


@pytest.mark.parametrize("kept", [b"", b"somebody's", b"\xff\xfe", b"folder"])
def test_an_odd_note_of_the_choice_begins_with_the_models_that_ship(tmp_path, kept):
    (tmp_path / "model-set.txt").write_bytes(kept)
    assert at_start(Settings(data=tmp_path)) == "embedded"


def test_a_set_that_could_not_be_loaded_is_not_chosen(tmp_path, loading):
    def fail(name):
        raise CheckpointRefused("Its file is damaged.")

    models = Models(Settings(data=tmp_path), loading, fail)
    used(models, "xreal")

    assert models.fault == "Its file is damaged."
    assert at_start(Settings(data=tmp_path)) == "embedded"


def test_a_set_of_imported_files_is_what_its_files_can_obey(models, published):
    from engine import inventory

    for name, role in XREAL.items():
        assert imported(models, published[name], role)[0] == "done"

    obeys = inventory.obeys(inventory.open_described("xreal", models.folder))

    assert obeys.organs == (1, 2, 3, 4)
    assert obeys.free_text
    assert obeys.verbs["insert"] is None
    assert "No super-resolution" in (obeys.verbs["upscale"] or "")


def test_a_diffusion_model_without_its_autoencoder_is_said_to_lack_it(models, published):
    from engine import inventory
    from engine.checkpoints.families import FAMILIES
    from engine.errors import ModelMissing

    imported(models, published["cheff_diff_uncond"])
    stored = inventory.stored_of(FAMILIES["cheff"], models.folder)

    assert "autoencoder" not in stored["cheff_unconditional"].parts
    with pytest.raises(ModelMissing, match="Cheff autoencoder"):
        inventory.open_described("cheff", models.folder)

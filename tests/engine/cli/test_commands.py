import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.api import EraseRequest, GenerateRequest, InsertRequest, OutpaintRequest
from engine.cli.main import main
from engine.images import read_image, read_organs, write_organs, write_png
from engine.provenance import read_recipe, request_of
from tests.engine.cli.fake_engine import FakeEngine

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """A folder with a film, a mask and an organ map in it; the current one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XREAL_DATA", str(tmp_path / "data"))
    film = np.round(np.linspace(0, 65535, 64 * 64)).reshape(64, 64) / 65535
    write_png("film.png", film.astype(np.float32))
    mask = np.zeros((64, 64), np.float32)
    mask[20:30, 20:30] = 1
    write_png("mask.png", mask, 8)
    organs = np.zeros((64, 64), np.uint8)
    organs[10:50, 5:25], organs[10:50, 35:60], organs[30:50, 25:40] = 2, 1, 3
    write_organs("organs.png", organs)
    return tmp_path


@pytest.fixture
def engine():
    return FakeEngine()


def run(engine: FakeEngine, *argv: str) -> int:
    def open_engine(**options):
        engine.options = options
        return engine

    return main(argv, open_engine)


def test_generate_obeys_every_argument(desk, engine):
    status = run(
        engine, "generate", "--organs", "organs.png", "--finding", "Cardiomegaly=mask.png",
        "--finding", "mass=mask.png", "--report", "large heart", "--seed", "7", "--steps", "20",
        "--quality", "draft", "--detail-steps", "2", "--sampler", "ddim", "--eta", "0.5",
        "--guidance", "7", "--guidance-lasts", "2.5", "--anatomy", "controller",
        "--held-steps", "10", "--device", "cpu", "-o", "out.png",
    )  # fmt: skip

    assert status == 0
    request = engine.requests[0]
    assert isinstance(request, GenerateRequest)
    assert [f.text for f in request.findings] == ["Cardiomegaly", "mass"]
    assert request.sampling.seed == 7
    assert (request.sampling.steps, request.sampling.eta) == (20, 0.5)
    assert (request.sampling.guidance, request.sampling.guidance_lasts) == (7, 2.5)
    assert (request.sampling.quality, request.sampling.detail_steps) == ("draft", 2)
    assert (request.report, request.anatomy_way, request.held_steps) == (
        "large heart", "controller", 10,
    )  # fmt: skip
    assert engine.options == {"models": None, "device": "cpu", "precision": "auto"}
    recipe, inputs = read_recipe("out.png")
    assert request_of(recipe, inputs).report == "large heart"


@pytest.mark.parametrize(
    "command",
    [
        ["erase", "film.png", "--mask", "mask.png"],
        ["insert", "film.png", "--finding", "mass=mask.png"],
    ],
)
def test_the_zone_of_an_edit_is_said_in_pixels(desk, engine, command):
    assert run(engine, *command, "--grow", "4", "--feather", "3", "--context", "30",
               "-o", "out.png") == 0  # fmt: skip
    request = engine.requests[-1]
    assert (request.grow, request.feather, request.context) == (4, 3, 30)
    assert run(engine, *command, "-o", "out.png") == 0
    request = engine.requests[-1]
    assert (request.grow, request.feather, request.context) == (0, None, None)


def test_an_edit_keeps_every_pixel_outside_its_zone(desk, engine):
    for command in (
        ["erase", "film.png", "--mask", "mask.png"],
        ["insert", "film.png", "--finding", "mass=mask.png"],
        ["insert", "film.png", "--remove", "mask.png"],
    ):
        assert run(engine, *command, "--seed", "9", "-o", "out.png") == 0

        before, after = read_image("film.png").pixels, read_image("out.png").pixels
        changed = before != after
        assert changed[20:30, 20:30].all()
        assert changed.sum() == 100


def test_a_removal_comes_before_what_is_inserted(desk, engine):
    run(engine, "insert", "film.png", "--finding", "mass=mask.png", "--remove", "mask.png",
        "-o", "out.png")  # fmt: skip

    request = engine.requests[0]
    assert isinstance(request, InsertRequest)
    assert [f.text for f in request.findings] == ["", "mass"]


def test_outpaint_adds_what_was_asked_for(desk, engine):
    assert run(engine, "outpaint", "film.png", "--add", "top=8,left=16", "-o", "out.png") == 0

    request = engine.requests[0]
    assert isinstance(request, OutpaintRequest)
    assert request.image.shape == (72, 80)
    assert np.array_equal(request.image[8:, 16:], read_image("film.png").pixels)
    assert request.keep.sum() == 64 * 64


def test_upscale_and_segment_write_their_results(desk, engine):
    assert run(engine, "upscale", "film.png", "--seed", "3", "-o", "large.png") == 0
    assert run(engine, "segment", "film.png", "-o", "found.png") == 0

    assert read_image("large.png").pixels.shape == (1024, 1024)
    assert np.array_equal(read_organs("found.png"), read_image("film.png").pixels > 0.5)


def test_segment_tells_what_it_found(desk, engine, capsys):
    run(engine, "segment", "film.png", "--json", "-o", "found.png")

    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert file["organs"] == {"left lung": 0.5}
    assert file["cardiothoracic_ratio"] is None  # there is no heart


def test_variations_have_their_own_seeds_and_files(desk, engine):
    status = run(engine, "generate", "--seed", "5", "--count", "3", "-o", "out.png",
                 "--recipe", "how.json")  # fmt: skip

    assert status == 0
    assert [r.sampling.seed for r in engine.requests] == [5, 6, 7]
    assert read_recipe("out-3.png")[0] == read_recipe("how-3.json")[0]
    assert not Path("out.png").exists()


def test_replay_makes_the_same_pixels_from_the_file_alone(desk, engine):
    run(engine, "erase", "film.png", "--mask", "mask.png", "--seed", "9", "-o", "out.png")
    for name in ("film.png", "mask.png"):
        Path(name).unlink()

    assert run(engine, "replay", "out.png", "-o", "again.png") == 0

    assert Path("again.png").read_bytes() == Path("out.png").read_bytes()
    assert isinstance(engine.requests[1], EraseRequest)


def test_replay_of_a_bare_recipe_takes_its_inputs_by_name(desk, engine):
    run(engine, "upscale", "film.png", "--recipe", "how.json", "-o", "out.png")

    assert run(engine, "replay", "how.json", "-o", "again.png") == 2
    given = ("--input", "image=film.png")
    assert run(engine, "replay", "how.json", *given, "-o", "again.png") == 0
    assert Path("again.png").read_bytes() == Path("out.png").read_bytes()


def test_a_chain_of_edits_remembers_its_steps(desk, engine):
    run(engine, "generate", "--organs", "organs.png", "-o", "one.png")
    run(engine, "erase", "one.png", "--mask", "mask.png", "-o", "two.png")
    run(engine, "upscale", "two.png", "-o", "three.png")

    recipe, inputs = read_recipe("three.png")

    assert [step["verb"] for step in recipe["history"]] == ["generate", "erase"]
    assert list(inputs) == ["image"]
    assert run(engine, "replay", "three.png", "-o", "again.png") == 0
    assert read_recipe("again.png")[0] == recipe


def test_the_result_is_machine_readable(desk, engine, capsys):
    run(engine, "generate", "--seed", "7", "--json", "-o", "out.png")

    answer = json.loads(capsys.readouterr().out)
    assert answer["status"] == "done"
    (file,) = answer["files"]
    assert (file["path"], file["seed"], file["width"]) == ("out.png", 7, 64)
    assert file["notes"] == ["A note."]
    assert file["recipe"]["verb"] == "generate"


def test_progress_and_notes_go_to_stderr(desk, engine, capsys):
    run(engine, "generate", "-o", "out.png")

    told = capsys.readouterr()
    assert told.out == "out.png  64 x 64 px, 0.2 s\n"
    assert "anatomy: step 2 of 2" in told.err
    assert "A note." in told.err


BAD = [
    (["generate", "--seed", "x", "-o", "o.png"], "The seed must be a whole number; 'x' is not"),
    (["generate", "--seed", "-1", "-o", "o.png"], "from 0 to"),
    (["generate", "--seed", "1e3", "-o", "o.png"], "whole number"),
    (["generate", "--steps", "many", "-o", "o.png"], "number of steps must be a whole number"),
    (["generate", "--steps", "0", "-o", "o.png"], "between 1 and 2000 steps"),
    (["generate", "--quality", "superb", "-o", "o.png"], "draft, standard and fine"),
    (["generate", "--detail-steps", "few", "-o", "o.png"], "must be a whole number"),
    (["generate", "--eta", "nan", "-o", "o.png"], "Eta must be a number"),
    (["generate", "--guidance", "99", "-o", "o.png"], "Guidance goes from 1 to 30"),
    (["generate", "--sampler", "euler", "-o", "o.png"], "samplers are ddim and dpmpp"),
    (["generate", "--count", "0", "-o", "o.png"], "between 1 and 1000 variations"),
    (["generate", "--finding", "mass", "-o", "o.png"], "--finding is written WORDS=MASK"),
    (["generate", "--finding", "mass=none.png", "-o", "o.png"], "none.png: There is no such file"),
    (["generate", "--organs", "film.png", "-o", "o.png"], "film.png: The organ map holds"),
    (["generate", "-o", "o.jpg"], "does not end in .png"),
    (["generate", "-o", "none/o.png"], "no folder 'none'"),
    (["generate"], "arguments are required: -o/--output. See"),
    (["generate", "--mark", "stamp", "-o", "o.png"], "invalid choice: 'stamp'"),
    (["erase", "film.png", "--mask", "black.png", "-o", "o.png"], "region to erase is empty"),
    (["erase", "film.png", "--mask", "small.png", "-o", "o.png"],
     "The region to erase is 40 x 40 px but the drawing is 64 x 64 px"),
    (["erase", "film.png", "--mask", "mask.png", "-o", "film.png"], "one of the inputs"),
    (["erase", "none.png", "--mask", "mask.png", "-o", "o.png"], "none.png: There is no such file"),
    (["erase", "cut.png", "--mask", "mask.png", "-o", "o.png"], "cut.png: The PNG file is damaged"),
    (["erase", "film.png", "--mask", "mask.png", "--grow", "2.5", "-o", "o.png"],
     "Grow must be a whole number"),
    (["erase", "film.png", "--mask", "mask.png", "--feather", "-1", "-o", "o.png"],
     "Feather goes from 0"),
    (["insert", "film.png", "-o", "o.png"], "There is no finding to insert"),
    (["outpaint", "film.png", "--add", "up=3", "-o", "o.png"], "'up' is none of them"),
    (["outpaint", "film.png", "--add", "top=-3", "-o", "o.png"], "0 px or more"),
    (["outpaint", "film.png", "--add", "top=9999", "-o", "o.png"], "largest side is 8192 px"),
    (["outpaint", "film.png", "-o", "o.png"], "--keep --add is required"),
    (["replay", "film.png", "-o", "o.png"], "film.png: This picture holds no recipe"),
    (["replay", "none.json", "-o", "o.png"], "There is no file 'none.json'"),
    (["conjure"], "invalid choice: 'conjure'"),
    ([], "COMMAND"),
]  # fmt: skip


@pytest.mark.parametrize(("argv", "sentence"), BAD)
def test_bad_input_gets_one_sentence_and_status_2(desk, engine, capsys, argv, sentence):
    write_png("black.png", np.zeros((64, 64), np.float32))
    write_png("small.png", np.ones((40, 40), np.float32))
    Path("cut.png").write_bytes(Path("film.png").read_bytes()[:200])

    status = run(engine, *argv)

    told = capsys.readouterr().err
    assert status == 2
    assert sentence in told
    assert told.count("\n") == 1
    assert not engine.requests
    assert not Path("o.png").exists()


def test_bad_input_is_told_in_json_too(desk, engine, capsys):
    run(engine, "generate", "--seed", "x", "--json", "-o", "o.png")

    answer = json.loads(capsys.readouterr().out)
    assert answer["status"] == "failed"
    assert "whole number" in answer["sentence"]


def test_a_full_disk_is_noticed_before_the_run(desk, engine, capsys, monkeypatch):
    monkeypatch.setattr("engine.files.shutil.disk_usage", lambda path: FullDisk)

    assert run(engine, "generate", "-o", "out.png") == 2

    assert "Free some space" in capsys.readouterr().err
    assert not engine.requests


class FullDisk:
    free = 1000


def test_a_fault_gets_a_number_and_a_private_log(desk, engine, capsys):
    engine.fails = RuntimeError("no such thing: '/home/doe/JOHN DOE.png'")

    status = run(engine, "generate", "-o", "out.png")

    told = capsys.readouterr().err.splitlines()[-1]
    (log,) = (desk / "data" / "logs").iterdir()
    assert status == 1
    assert log.stem.removeprefix("incident-") in told
    assert "Traceback" not in told
    assert "RuntimeError: no such thing" in log.read_text()
    assert "DOE" not in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_ctrl_c_says_stopped_and_writes_nothing(desk, engine, capsys):
    engine.fails = KeyboardInterrupt()

    assert run(engine, "generate", "-o", "out.png") == 130

    assert capsys.readouterr().err.endswith("Stopped.\n")
    assert not Path("out.png").exists()


@pytest.mark.parametrize(
    "command", ["generate", "insert", "erase", "outpaint", "upscale", "segment", "replay"]
)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    assert ended.value.code == 0
    assert "--output" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["models", "report", "train", "evaluate", "bench", "parity"])
def test_every_tool_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    assert ended.value.code == 0
    assert "--help" in capsys.readouterr().out


def test_help_does_not_wait_for_torch():
    code = (
        "import sys; from engine.cli.main import main\n"
        "try: main(['generate', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit('torch' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_shape_writes_the_organ_map_that_was_asked(desk, engine, capsys):
    status = run(
        engine, "shape", "--template", "average", "--ratio", "0.6", "--volume", "-1", "--json",
        "-o", "map.png",
    )  # fmt: skip

    assert status == 0 and engine.requests == []
    organs = read_organs("map.png")
    assert organs.shape == (256, 256) and set(np.unique(organs)) == {0, 1, 2, 3}
    (told,) = json.loads(capsys.readouterr().out)["files"]
    assert abs(told["cardiothoracic_ratio"] - 0.6) <= 0.01
    assert told["organs"]["heart"] == pytest.approx((organs == 3).mean(), abs=1e-4)


def test_generate_takes_the_shape_of_a_template(desk, engine):
    run(engine, "generate", "--ratio", "0.4", "--view", "1", "-o", "a.png")
    run(engine, "shape", "--ratio", "0.4", "--view", "1", "-o", "map.png")

    np.testing.assert_array_equal(engine.requests[0].organs, read_organs("map.png"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--ratio", "0.9"), "The cardiothoracic ratio goes from 0.35 to 0.70; 0.9 is outside."),
        (("--volume", "much"), "The lung volume must be a number; 'much' is not one."),
        (("--habitus", "-3"), "The habitus goes from -2 to 2 standard deviations; -3 is outside."),
        (("--template", "odd"), "There is no template 'odd'."),
        (("--organs", "organs.png", "--view", "1"), "--view changes a template"),
    ],
)
def test_a_shape_that_cannot_be_is_refused_in_a_sentence(desk, engine, capsys, arguments, said):
    assert run(engine, "generate", *arguments, "-o", "out.png") == 2

    assert said in capsys.readouterr().err
    assert engine.requests == []

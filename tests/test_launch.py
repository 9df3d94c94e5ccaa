"""The one command: what it refuses, what it says, and that it goes on where it stopped."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import launch

ROOT = Path(__file__).parent.parent
NOWHERE = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "1", "PIP_TIMEOUT": "2"}
EDITOR = """
import os, sys
print("arguments", sys.argv[1:], "in", os.getcwd())
sys.exit(7)
"""


def test_an_old_python_can_read_the_launcher():
    """A syntax error would hide the sentence that says what is wrong."""
    ast.parse((ROOT / "launch.py").read_text("utf-8"), feature_version=(3, 6))


def test_the_launcher_needs_only_the_standard_library():
    tree = ast.parse((ROOT / "launch.py").read_text("utf-8"))
    names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}

    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


@pytest.mark.parametrize(
    ("version", "is_64_bit", "said"),
    [
        ((3, 9), True, "needs Python 3.11 to 3.14 and this is Python 3.9."),
        ((3, 15), True, "needs Python 3.11 to 3.14 and this is Python 3.15."),
        ((3, 12), False, "This is a 32-bit Python and PyTorch needs a 64-bit one."),
    ],
)
def test_an_unsuitable_python_is_told_what_to_type(version, is_64_bit, said):
    with pytest.raises(launch.Refused) as refused:
        launch.refuse_python(version, is_64_bit, "Linux")

    assert said in str(refused.value)
    assert "launch.py" in str(refused.value) or "type the same again" in str(refused.value)


def test_a_python_without_venv_is_told_the_debian_package():
    with pytest.raises(launch.Refused, match=r"sudo apt install python3\.12-venv"):
        launch.refuse_missing_parts((3, 12), has=lambda name: name != "ensurepip")


def test_a_full_disk_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(launch.Refused, match=r"has 1\.0 GB free .* needs about 3 GB"):
        launch.refuse_full_disk(tmp_path / "not" / "yet", free_bytes=10**9)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("complaint", "said"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("NewConnectionError('<HTTPSConnection>: [Errno -3]'", "The network is needed this first"),
        ("Temporary failure in name resolution", "needed this first time only"),
        ("ERROR: No matching distribution found for torch==2.13.0", "has no torch==2.13.0 for"),
        ("Error: [Errno 13] Permission denied: '.venv'", "set XREAL_VENV to a folder"),
        ("error: something else", "the lines above say why"),
    ],
)
def test_what_pip_complains_of_becomes_a_sentence(complaint, said):
    assert said.lower() in launch.reason(complaint).lower()


PYTHON = Path("venv") / "bin" / "python"
OLD, NEW = ("Old Card", (6, 1)), ("New Card", (9, 0))


@pytest.mark.parametrize(
    ("gpus", "answer", "said"),
    [
        ([NEW], ["", "False", ""], "built without CUDA"),
        ([NEW], ["13.0", "False", ""], "its driver does not serve CUDA 13.0"),
        ([OLD], ["13.0", "True", "sm_75 sm_80 sm_100"], "too old for the installed PyTorch"),
        ([OLD, NEW], ["13.0", "True", "sm_75 sm_80 sm_100"], ""),
        ([NEW], ["13.0", "True", "sm_75 sm_90 compute_120"], ""),
        ([NEW], [""], ""),
    ],
)
def test_a_gpu_that_cannot_be_used_is_named_with_what_to_type(gpus, answer, said):
    sentence = launch.gpu_sentence(gpus, answer, PYTHON)

    assert said in sentence and bool(sentence) == bool(said)
    if "PyTorch" in sentence:
        assert f'"{PYTHON}" -m pip install torch==' in sentence


# -- the real thing, with an editor of two lines and nothing to fetch ---------------------------


def start(project: Path, *words: str, cwd: Path | None = None, **variables: str):
    """Run the launcher of ``project`` with no package index in reach."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "XREAL_"))}
    environ |= {"PIP_CONFIG_FILE": os.devnull, "PYTHONIOENCODING": "utf-8", **NOWHERE, **variables}
    return subprocess.run(
        [sys.executable, str(project / "launch.py"), *words],
        cwd=cwd or project,
        env=environ,
        capture_output=True,
        text=True,
    )


def new_project(folder: Path) -> Path:
    (folder / "app").mkdir(parents=True)
    (folder / "app" / "__init__.py").touch()
    (folder / "app" / "__main__.py").write_text(EDITOR)
    shutil.copy(ROOT / "launch.py", folder)
    for name in launch.DEVELOPER:
        (folder / name).write_text("# nothing is needed\n")
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project that was started once."""
    folder = new_project(tmp_path_factory.mktemp("some where") / "project")
    first = start(folder)
    assert "Setting up XReal Studio" in first.stdout and first.returncode == 7, first.stderr
    return folder


def test_a_later_start_sets_nothing_up_and_passes_arguments_and_status_on(project):
    done = start(project, "--port", "8000")

    assert done.stdout.startswith("arguments ['--port', '8000']")
    assert done.returncode == 7


def test_it_starts_from_any_folder_even_one_with_an_app_of_its_own(project, tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__main__.py").write_text("raise SystemExit('the wrong app')")

    done = start(project, cwd=tmp_path)

    assert f"in {tmp_path}" in done.stdout and done.returncode == 7


def test_a_start_that_was_torn_off_goes_on(project):
    (project / ".venv" / "xreal-requirements.txt.installed").unlink()

    done = start(project)

    assert "Setting up" in done.stdout and done.returncode == 7
    assert "Setting up" not in start(project).stdout


def test_without_network_a_new_requirement_is_one_sentence_and_the_next_start_resumes(project):
    (project / "requirements.txt").write_text("a-package-of-nobody==1\n")

    failed = start(project)
    (project / "requirements.txt").write_text("# nothing is needed\n")
    again = start(project)

    assert "no package index was reached" in failed.stdout.splitlines()[-1]
    assert failed.returncode == 2
    assert again.returncode == 7


def test_an_environment_whose_python_is_gone_is_made_again(project):
    python = launch.python_of(project / ".venv")
    python.unlink()

    done = start(project)

    assert "Setting up" in done.stdout and done.returncode == 7


def test_a_folder_of_the_users_own_files_is_never_cleared(project, tmp_path):
    (tmp_path / "thesis.txt").write_text("four years")

    done = start(project, XREAL_VENV=str(tmp_path))

    assert done.returncode == 2 and "holds files" in done.stdout
    assert (tmp_path / "thesis.txt").read_text() == "four years"


def test_pytorch_is_the_first_requirement_and_everything_is_pinned():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]

    assert pins[0] == "torch==2.13.0" == launch.first_requirement()
    assert all("==" in pin for pin in pins)

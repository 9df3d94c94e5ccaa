"""The documents say what is so: files, links, commands and options that they name exist."""

import argparse
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from app.access.cli import parser as users_options
from app.settings import read as read_page_options
from engine.cli.main import build_parser
from engine.version import VERSION

ROOT = Path(__file__).parent.parent
TRACKED = subprocess.run(
    ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT,
    capture_output=True,
    text=True,
).stdout.splitlines()
ROOMS = ("app", "engine", "assets", "tests", "docs")
UNTRACKED = [*ROOT.glob("*.*"), *(path for room in ROOMS for path in (ROOT / room).rglob("*.*"))]
FILES = [ROOT / name for name in TRACKED if (ROOT / name).is_file()] or UNTRACKED
DOCUMENTS = [path for path in FILES if path.suffix == ".md"]
BINARY = {".zip", ".safetensors", ".npz", ".png", ".jpg", ".jpeg", ".gif", ".woff2", ".ico"}

# Written in parts, so that this file does not contain what it looks for.
WORKPLACE = ["/work" + "/", "../sha" + "red", "/tm" + "p/", "/ro" + "ot/"]
HOSTS = ["pypi" + ".org", "python" + "hosted.org", "npm" + "js.org", "download.py" + "torch.org"]


def named_in(path: Path) -> list[str]:
    """Files and folders of ours in back-quotes, such as `engine/api.py` or `tests/golden/`."""
    quoted = re.findall(r"`([\w./-]+)`", path.read_text("utf-8"))
    top = {entry.name for entry in ROOT.iterdir()}
    return [name for name in quoted if "/" in name and name.split("/")[0] in top]


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_every_file_that_a_document_names_exists(name):
    names = named_in(ROOT / name)

    assert names
    assert [one for one in names if not (ROOT / one).exists()] == []


def test_the_house_is_drawn_with_files_that_exist():
    """In the diagrams of the architecture every word with a .py ending is a file of ours."""
    drawn = re.findall(r"[\w/]+\.py\b", (ROOT / "docs/architecture.md").read_text("utf-8"))
    ours = {path.name for path in FILES if path.suffix == ".py"}

    assert [one for one in drawn if one.rpartition("/")[2] not in ours] == []


def test_every_link_inside_the_project_leads_somewhere():
    broken = []
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text("utf-8")):
            if "://" not in target and not (document.parent / target).exists():
                broken.append(f"{document.relative_to(ROOT)} -> {target}")

    assert broken == []


def commands(start: str) -> list[list[str]]:
    """Words of every line of a code block that begins with ``start``; comments are dropped."""
    found = []
    for document in DOCUMENTS:
        for block in re.findall(r"```\w*\n(.*?)```", document.read_text("utf-8"), re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                command = re.match(rf"[^#]*{re.escape(start)}(\s.*|$)", line)
                if command:
                    found.append(shlex.split(command.group(1), comments=True))
    return found


def options_of(verb: str) -> set[str]:
    commands = subcommands(build_parser(verb))
    assert verb in commands, f"there is no command {verb}"
    parsers = [commands[verb], *subcommands(commands[verb]).values()]
    return {option for parser in parsers for option in parser._option_string_actions}


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    return dict(found[0].choices) if found else {}


def test_every_command_in_the_documents_exists_with_its_options():
    written = [words for words in commands("python -m engine") if words]

    assert written
    for verb, *rest in (words for words in written if not words[0].startswith("-")):
        wanted = {word.partition("=")[0] for word in rest if re.match(r"-\D", word)}
        assert wanted <= options_of(verb), f"python -m engine {verb}"


def test_every_option_of_the_page_in_the_documents_exists(tmp_path):
    written = [words for words in commands("python launch.py") if words]

    for words in written:
        if words[0] not in ("test", "setup"):
            concrete = [str(tmp_path) if word in ("DIR", "FOLDER") else word for word in words]
            read_page_options(concrete)


def test_the_python_of_the_readme_runs():
    example = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert example
    quick = example[1].replace("seed=7", "seed=7, steps=2")
    assert quick != example[1]
    names = {}

    exec(quick, names)

    assert names["result"].image.shape == (256, 256)
    assert names["result"].image.dtype == "float32"


def test_the_changelog_begins_with_this_version():
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)

    assert headings[0] == VERSION


def test_no_file_names_a_machine_or_a_registry():
    found = [
        f"{path.relative_to(ROOT)} names {word}"
        for path in FILES
        if path.suffix not in BINARY
        for word in (*WORKPLACE, *HOSTS)
        if re.search(rf"(?<![\w.]){re.escape(word)}", path.read_text("utf-8", errors="replace"))
    ]

    assert found == []


def test_every_start_of_the_page_in_the_documents_is_one_it_takes():
    written = [words for words in commands("python -m app") if words]

    assert ["users", "add", "ada"] in written
    for words in written:
        if words[0] == "users":
            users_options().parse_args(words[1:])
        elif not words[0].startswith("app."):
            read_page_options(words, {})

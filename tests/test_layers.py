"""The walls of the house: a room imports only from the rooms below it."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
IMPORTS = (ast.Import, ast.ImportFrom)
NO_TORCH = ["torch", "diffusers", "transformers", "engine.tensors", "engine.engine"]
ABOVE_STUDIES = [
    "app.pages",
    "app.panels",
    "app.canvas",
    "app.server",
    "app.document.session",
    "app.runs.jobs",
]

# The floors of docs/architecture.md, from the top. A module imports from its own floor and below.
FLOORS = [
    ["app"],  # main, and what is not named below
    ["app.server"],
    ["app.routes"],
    ["app.pages"],
    ["app.panels", "app.examples"],
    ["app.document", "app.models", "app.report"],
    ["app.runs", "app.canvas", "app.access"],
    ["app.messages", "app.settings", "app.studies"],
    ["engine.__main__", "engine.cli", "engine.bench", "engine.full_size", "engine.qualities"],
    ["engine.parity"],
    ["engine.evaluation", "engine.inventory"],
    ["engine.engine"],
    ["engine.recipes"],
    ["engine.embedded", "engine.published", "engine.training"],
    ["engine.checkpoints", "engine.painting", "engine.prompts", "engine.golden"],
    ["engine.bundle", "engine.frame", "engine.masks", "engine.compositing", "engine.remembered"],
    ["engine.dicom.writing", "engine.dicom.segmentation", "engine.dicom.peers"],
    ["engine.origin", "engine.ledger"],
    [
        "engine.provenance",
        "engine.invisible",
        "engine.detection",
        "engine.carried",
        "engine.burned_in",
        "engine.images",
        "engine.words",
        "engine.shapes",
    ],
    ["engine.reports", "engine.dicom"],
    ["engine.sampling", "engine.schedules", "engine.tensors", "engine.networks"],
    [
        "engine.clock",
        "engine.replays",
        "engine.threads",
        "engine.jail",
        "engine.marks",
        "engine.png",
        "engine.files",
        "engine.vocabulary",
        "engine.wellformed",
        "engine.listing",
        "engine.streaming",
    ],
    ["engine.outlines", "engine.devices"],
    ["engine.api", "engine.checks", "engine.errors", "engine.version", "engine"],
]
# room -> what nothing in it may import, neither at its top nor inside a function
FORBIDDEN = {
    "engine": ["app", "gradio", "sqlite3", "fastapi", "uvicorn"],
    "engine/recipes": [
        "engine.engine",
        "engine.embedded",
        "engine.checkpoints.store",
        "engine.checkpoints.reading",
        "engine.training",
        "engine.cli",
        "engine.files",
    ],
    "engine/checkpoints": ["engine.engine", "engine.recipes", "engine.training", "engine.cli"],
    "engine/training": ["engine.engine", "engine.cli"],
    "app": ["torch", "diffusers", "transformers", "engine.recipes", "engine.networks"],
    "app/canvas": [
        "app.pages",
        "app.panels",
        "app.document.session",
        "app.runs.jobs",
        "app.server",
    ],
    "app/panels": ["app.pages", "app.server", "app.main"],
    "app/runs/jobs.py": ["gradio", "fastapi"],
    "app/document/session.py": ["gradio", "fastapi"],
    "app/studies": ["gradio", "fastapi", "uvicorn", *NO_TORCH, *ABOVE_STUDIES],
    "app/studies/statistics": ["sqlite3", "app.studies.store", "app.studies.log"],
    "app/studies/analysis": ["sqlite3", "app.studies.store"],
    "engine/words.py": NO_TORCH,
    "engine/reports": [*NO_TORCH, "engine.api", "engine.bundle", "engine.words"],
    "engine/dicom": [*NO_TORCH, "engine.recipes", "engine.cli"],
    "engine/images.py": NO_TORCH,
    "engine/provenance.py": NO_TORCH,
    "engine/invisible.py": NO_TORCH,
    "engine/detection.py": NO_TORCH,
    "engine/origin.py": NO_TORCH,
    "engine/ledger.py": NO_TORCH,
}
# room -> all of ours and of others that it may import
ALLOWED = {
    "engine/api.py": ["numpy", "engine.checks", "engine.errors"],
    "engine/checks.py": ["numpy", "engine.errors"],
    "engine/errors.py": [],
    "engine/networks": ["numpy", "torch", "diffusers", "transformers", "safetensors"],
}
# what the page and the command line import before they need a network
WITHOUT_TORCH = [
    "engine",
    "engine.api",
    "engine.words",
    "engine.images",
    "engine.provenance",
    "engine.dicom.reading",
    "engine.dicom.writing",
    "engine.cli.main",
    "app.main",
    "app.server",
    "app.runs.jobs",
    "app.runs.worker",
    "app.runs.child",
    "app.models.sets",
    "app.pages.models",
    "app.document.session",
    "app.panels.generate",
    "app.panels.erase",
    "app.studies.cli",
]


def files_of(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py")) if (ROOT / room).is_dir() else [ROOT / room]


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(tree: ast.AST) -> set[str]:
    """Dotted names as written; ``from a import b`` gives a.b, which may be a name in a."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, "imports are written out in full"
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def at_import(path: Path) -> set[str]:
    """What importing the module imports: not what its functions or type checkers do."""
    module = ast.parse(path.read_text("utf-8"))
    module.body = [node for node in module.body if isinstance(node, IMPORTS)]
    return imports_of(module)


def starts_with(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


def floor_of(name: str) -> int:
    """The floor of the longest room that the dotted name lies in; -1 for what is not ours."""
    rooms = [(room, n) for n, floor in enumerate(FLOORS) for room in floor]
    fitting = [(len(room), n) for room, n in rooms if starts_with(name, room)]
    return max(fitting, default=(0, -1))[1]


def test_every_import_goes_down_the_house():
    upwards = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in [*files_of("engine"), *files_of("app")]
        if path != ROOT / "engine" / "__init__.py"  # its names are loaded when they are asked for
        for name in at_import(path)
        if -1 < floor_of(name) < floor_of(module_name(path))
    ]

    assert upwards == []


@pytest.mark.parametrize("room", FORBIDDEN)
def test_nothing_reaches_through_a_wall(room):
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files_of(room)
        for name in imports_of(ast.parse(path.read_text("utf-8")))
        if any(starts_with(name, wall) for wall in FORBIDDEN[room])
    ]

    assert found == []


@pytest.mark.parametrize("room", ALLOWED)
def test_the_ground_floor_stands_on_little(room):
    allowed = [*ALLOWED[room], room.replace("/", ".")]
    found = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in files_of(room)
        for name in imports_of(ast.parse(path.read_text("utf-8")))
        if name.split(".")[0] not in sys.stdlib_module_names
        and not any(starts_with(name, one) for one in allowed)
    ]

    assert found == []


def test_no_room_imports_itself_in_a_circle():
    """At import time; what a function imports when it runs may point upwards."""
    paths = {module_name(path): path for room in ("engine", "app") for path in files_of(room)}
    graph = {}
    for module, path in paths.items():
        names = at_import(path)
        below = {name if name in paths else name.rpartition(".")[0] for name in names}
        graph[module] = {one for one in below if one in paths and "." in one} - {module}

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_the_doors_open_without_torch(module):
    code = f"import sys, {module}; sys.exit('torch' in sys.modules and 3)"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE)

    assert done.returncode == 0, done.stderr.decode() or f"importing {module} loads torch"


def test_every_package_that_is_imported_is_pinned():
    others = {
        "argon2": "argon2-cffi",
        "PIL": "pillow",
        "cv2": "opencv-python-headless",
        "yaml": "pyyaml",
        "dicomweb_client": "dicomweb-client",
    }
    pinned = {
        line.partition("==")[0]
        for line in (ROOT / "requirements.txt").read_text().splitlines()
        if "==" in line and not line.startswith("#")
    }
    imported = {
        name.split(".")[0]
        for room in ("engine", "app")
        for path in files_of(room)
        for name in imports_of(ast.parse(path.read_text("utf-8")))
    }
    ours = {"engine", "app", "__future__", *sys.stdlib_module_names}

    assert {others.get(name, name) for name in imported - ours} - pinned == set()


def test_no_file_is_named_after_nothing():
    """``utils`` and its kin say nothing about what is in them."""
    empty_words = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}

    found = [path for room in ("engine", "app", "tests") for path in files_of(room)]

    assert [path.name for path in found if path.stem in empty_words] == []

"""What every test gets: no network, no trace in the person's own folders, a seat for a GPU."""

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

import engine  # noqa: F401 - settles how threads wait, before a test brings torch
from tests.closed_network import sitecustomize as guard

ROOT = Path(__file__).parent.parent
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
os.environ.update(OFFLINE)

# The same examples each time: what fails is what was changed. New ones are sought by
# ``python -m tests.security.long_run``.
hypothesis.settings.register_profile("suite", derandomize=True, deadline=None)
hypothesis.settings.load_profile("suite")


@pytest.fixture(scope="session", autouse=True)
def own_data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the program keeps goes to a folder of the test run."""
    folder = tmp_path_factory.mktemp("data")
    os.environ["XREAL_DATA"] = str(folder)
    return folder


@pytest.fixture(scope="session", autouse=True)
def no_network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing that the tests run, in this process or in one they start, leaves this computer."""
    log = tmp_path_factory.mktemp("network") / "refused.txt"
    os.environ[guard.LOG] = str(log)
    os.environ["PYTHONPATH"] = os.pathsep.join((str(Path(guard.__file__).parent), str(ROOT)))
    guard.install()
    yield
    guard.remove()
    assert not log.exists(), f"The network was asked for: {log.read_text().split()}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="no CUDA device that PyTorch can use"))

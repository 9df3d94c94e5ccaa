"""Recorded runs of the published code, and their small checkpoints in the published layout."""

from pathlib import Path

import pytest
import torch

from engine import golden

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.fixture(scope="session")
def published_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Name -> file, as the authors would publish it. Not to be changed by a test."""
    return golden.write_checkpoints(GOLDEN, tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory):
    """The recorded models, opened for exact runs."""
    from engine import parity
    from engine.checkpoints import jailed
    from tests.engine.checkpoints.conftest import answer_here

    torch.set_num_threads(1)  # rounding depends on it, and two busy cores are slower
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jailed, "_answer", answer_here)  # eight processes less to start
        return parity.open_recorded(GOLDEN, tmp_path_factory.mktemp("recorded"))

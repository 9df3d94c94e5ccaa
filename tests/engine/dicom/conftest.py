"""Most tests decode in this process, by the same code; some ask for a process of its own."""

import pytest

from engine.dicom import child, reading

in_own_process = reading._answer


@pytest.fixture(autouse=True)
def decoding(request, monkeypatch):
    """Starting a process takes most of a second: only tests named ``own_process`` do."""
    if request.node.get_closest_marker("own_process") is None:
        monkeypatch.setattr(reading, "_answer", child.answer)

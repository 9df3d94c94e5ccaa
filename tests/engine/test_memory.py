import pytest

from engine.devices import tried_to_allocate


@pytest.mark.parametrize(
    ("message", "gib"),
    [
        ("CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity ...", 2.5),
        ("CUDA out of memory. Tried to allocate 512.00 MiB.", 0.5),
        ("CUDA out of memory", 0.0),
    ],
)
def test_what_was_missing_is_read_from_the_message(message, gib):
    assert tried_to_allocate(message) == gib

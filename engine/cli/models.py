"""``models``: what is loaded, what a file is, and whether files are what they should be."""

from typing import Any


def add_command(commands: Any) -> None:
    """Filled in when the model store exists."""

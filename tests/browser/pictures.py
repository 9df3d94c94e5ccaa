"""Pictures of the page, kept as output of the build: each at every size and in both themes."""

import os
from pathlib import Path
from typing import Any

SIZES = [(1280, 720), (1440, 900), (1920, 1080)]
THEMES = ["dark", "light"]


def folder_of(temporary: Path) -> Path:
    """The folder that XREAL_SCREENSHOTS names, else ``temporary``."""
    named = os.environ.get("XREAL_SCREENSHOTS")
    chosen = Path(named) if named else temporary
    chosen.mkdir(parents=True, exist_ok=True)
    return chosen


def keep(page: Any, folder: Path, name: str) -> None:
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        for theme in THEMES:
            page.evaluate(f"window.XREAL?.page?.theme('{theme}')")
            page.evaluate(f"document.documentElement.className = '{theme}'")
            page.screenshot(path=folder / f"{name}-{width}x{height}-{theme}.png")

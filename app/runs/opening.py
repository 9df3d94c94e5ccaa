"""How a set of models is opened, in the process of the models: the only place that loads torch."""

from dataclasses import replace
from typing import Any

from app.settings import Settings


def open_set(settings: Settings, name: str) -> Any:
    """A set of models by its name on the Models page; "folder" is that of ``--models``."""
    from engine import inventory, open_engine

    if name in inventory.FAMILIES:
        folder = settings.models or settings.data / "models"
        return inventory.open_family(name, folder, settings.device)
    chosen = settings if name == "folder" else replace(settings, models=None)
    return open_engine(models=chosen.models, device=settings.device)

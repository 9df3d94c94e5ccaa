"""XReal's and Cheff's published networks behind the engine's own interfaces."""

from engine.published.models import (
    LatentModel,
    PublishedModels,
    open_published,
    opened,
    published_with,
)

__all__ = ["LatentModel", "PublishedModels", "open_published", "opened", "published_with"]

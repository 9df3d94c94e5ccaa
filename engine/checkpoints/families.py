"""Which published files belong together: XReal's and Cheff's, and what each still lacks."""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.checkpoints.roles import ROLES
from engine.checkpoints.store import StoredModel

UPSCALERS = ("cheff_upscaler_fine", "cheff_upscaler", "cheff_upscaler_base")


@dataclass(frozen=True, kw_only=True)
class Family:
    """``wanted`` are the parts of a whole set: each is the roles of which one is enough."""

    name: str
    title: str
    about: str
    paper: str
    licence: str
    trained_on: str
    wanted: tuple[tuple[str, ...], ...]

    def has(self, role: str) -> bool:
        """Whether a role is one of this family's."""
        return role in ROLES and ROLES[role].source == ROLES[self.wanted[0][0]].source

    def missing(self, stored: Mapping[str, StoredModel]) -> tuple[str, ...]:
        """Titles of the files that a whole set would have and ``stored`` (by role) has not."""
        lacking = [roles for roles in self.wanted if not any(role in stored for role in roles)]
        return tuple(ROLES[roles[0]].title for roles in lacking if not self._inside(roles, stored))

    def _inside(self, roles: tuple[str, ...], stored: Mapping[str, StoredModel]) -> bool:
        """Whether an autoencoder came inside the files of all models that use it."""
        if not roles[0].endswith("_autoencoder"):
            return False
        ours = [model for role, model in stored.items() if self.has(role)]
        users = [model for model in ours if "unet" in model.parts]
        return bool(users) and all("autoencoder" in model.parts for model in users)


FAMILIES: dict[str, Family] = {
    "xreal": Family(
        name="xreal",
        title="XReal",
        about="256 px. Anatomy controller, findings in painted areas",
        paper="arXiv 2403.09240",
        licence="CC BY-NC 4.0, not for commercial use",
        trained_on="MIMIC-CXR, as its authors publish",
        wanted=(("xreal_backbone",), ("xreal_autoencoder",), ("anatomy_controller",)),
    ),
    "cheff": Family(
        name="cheff",
        title="Cheff",
        about="256 px and super-resolution to 1024 px. Reports, erase, outpaint",
        paper="arXiv 2303.11224",
        licence="MIT",
        trained_on="MaCheX, six public collections, as its authors publish",
        wanted=(
            ("cheff_text_to_image",),
            ("cheff_unconditional",),
            ("cheff_autoencoder",),
            UPSCALERS,
        ),
    ),
}


def family_of(role: str) -> Family | None:
    return next((family for family in FAMILIES.values() if family.has(role)), None)

"""Measured distances to the authors' code, and the table that docs/parity.md shows of them."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version


@dataclass(frozen=True)
class Measure:
    """One comparison; ``largest`` and ``mean`` are absolute differences."""

    case: str
    noise: str  # recorded, from the seed, or none
    what: str
    tolerance: float
    largest: float
    mean: float
    mean_tolerance: float | None = None

    @property
    def within(self) -> bool:
        mean_fits = self.mean_tolerance is None or self.mean <= self.mean_tolerance
        return self.largest <= self.tolerance and mean_fits


def table(measures: Sequence[Measure]) -> str:
    """The measures as Markdown; comparisons of one case and noise share a row."""
    rows: dict[tuple[str, str, float], list[Measure]] = {}
    for m in measures:
        rows.setdefault((m.case, m.noise, m.tolerance), []).append(m)
    lines = [
        "# Parity with the published code",
        "",
        "Made by `python -m engine parity --golden tests/golden --out docs/parity.md`.",
        "",
        "Each case is a recorded run of the authors' own classes (Cheff and XReal) with small",
        "random weights; what is compared is every value of the result. Differences are absolute,",
        "in float32. Latents spread over 0.1 to 3 (20 in the run of 31 steps), images over 0.1 to",
        "0.3. The noise is the recorded one, or made again from the seed alone. How the runs were",
        "recorded is in `tests/golden/README.md`.",
        "",
        f"Environment: {_environment()}.",
        "",
        "| case | noise | compared | tolerance | largest | mean | within |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (case, noise, tolerance), found in rows.items():
        worst = max(found, key=lambda m: m.largest)
        what = found[0].what if len(found) == 1 else f"{found[0].what} and {len(found) - 1} more"
        bound = f"{tolerance:.0e}" if tolerance else "equal"
        if worst.mean_tolerance is not None:
            bound += f", mean {worst.mean_tolerance:.0e}"
        mean = max(m.mean for m in found)
        within = "yes" if all(m.within for m in found) else "**no**"
        lines.append(
            f"| {case} | {noise} | {what} | {bound} | {worst.largest:.1e} | {mean:.1e} | {within} |"
        )
    return "\n".join(lines) + "\n"


def _environment() -> str:
    packages = ", ".join(f"{p} {version(p)}" for p in ("torch", "diffusers", "transformers"))
    return f"Python {platform.python_version()}, {packages}, {platform.machine()} CPU"

"""One evaluation: what is drawn for it, and the sections that measure it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.api import QUALITIES, AnatomyWay, Finding, GenerateRequest, Quality, Sampling
from engine.bundle import ModelSet, Painter
from engine.engine import Engine
from engine.evaluation.codecs import codec_figures
from engine.evaluation.copies import copy_figures
from engine.evaluation.drawing import Order, draw, painter_for, reconstructed
from engine.evaluation.films import RealFilms
from engine.evaluation.findings import Bases, hit_rates
from engine.evaluation.obedience import compared, dice, read_maps
from engine.evaluation.realism import Sides, distances_to, told_apart
from engine.evaluation.regions import region_for
from engine.evaluation.upscaling import upscaling_figures
from engine.masks import organs_at
from engine.networks.linear_codec import LinearCodec
from engine.training.labels import segmented
from engine.training.upscaler import read_large

Films = NDArray[np.uint8]
Say = Callable[[str], None]
ORGANS = {1: "left lung", 2: "right lung", 3: "heart"}
WORDED = 10_000  # added to the seeds of films drawn with the words of a report


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """How much is drawn: films with words, healthy films, films by the controller, films a
    finding, steps of each fresh network, films at 1024 px, and the qualities of the upscaler."""

    worded: int = 200
    healthy: int = 120
    controller: int = 120
    a_finding: int = 90
    guessing: int = 300
    large: int = 24
    upscaling: tuple[Quality, ...] = QUALITIES


FULL = Amounts()
QUICK = Amounts(
    worded=24, healthy=12, controller=8, a_finding=4, guessing=80, large=2, upscaling=("standard",)
)


@dataclass(frozen=True)
class Measurement:
    """An engine before real films; everything drawn is drawn once and shared by the sections."""

    engine: Engine
    real: RealFilms
    amounts: Amounts
    seed: int
    say: Say
    linear: LinearCodec | None = None  # the embedded codec, where that is what is measured
    clock: dict[str, float] = field(default_factory=dict)  # seconds a film

    @property
    def models(self) -> ModelSet:
        return self.engine.loaded

    @cached_property
    def painter(self) -> Painter:
        """Who draws: from a map if anybody can."""
        return painter_for(self.models) or self.models.painter(
            "generate", lambda painter: True, "a radiograph"
        )

    def healthy_maps(self, most: int) -> NDArray[np.uint8]:
        held_out = self.real.held_out
        return held_out.organs[held_out.healthy[:most]]

    def drawn(self, orders: Sequence[Order], what: str, way: AnatomyWay = "auto") -> Films:
        started = time.monotonic()

        def on_done(done: int, of: int) -> None:
            self.say(f"drawing {what}: {done} of {of}")

        films = draw(self.models, orders, way=way, on_done=on_done)
        self.clock[what] = (time.monotonic() - started) / max(len(orders), 1)
        return films

    @cached_property
    def healthy(self) -> tuple[NDArray[np.uint8], Films]:
        """Maps without disease that hides lung, and the films drawn from them with no words."""
        maps = self.healthy_maps(max(self.amounts.healthy, self.amounts.a_finding))
        orders = [Order(seed=self.seed + i, organs=organs) for i, organs in enumerate(maps)]
        return maps, self.drawn(orders, "healthy films")

    @cached_property
    def worded_rows(self) -> list[int]:
        """Which held-out map each worded film is drawn from; twice where there are few."""
        return [i % len(self.real.held_out.organs) for i in range(self.amounts.worded)]

    @cached_property
    def worded(self) -> Films:
        """Films drawn from held-out maps with the words of those films."""
        held_out, takes_map = self.real.held_out, painter_for(self.models) is not None
        orders = [
            Order(
                seed=self.seed + WORDED + i,
                organs=held_out.organs[row] if takes_map else None,
                report=held_out.reports[row],
            )
            for i, row in enumerate(self.worded_rows)
        ]
        return self.drawn(orders, "films with words")


def segmenter(m: Measurement) -> dict[str, Any]:
    """The segmenter against human masks: the error inside every figure of obedience."""
    rows = m.real.pack.with_masks("val")
    read, _ = segmented(m.real.instruments.segmenter, m.real.pack.images[rows])
    human = m.real.pack.organs[rows][:, ::2, ::2]
    values = {name: dice(human == k, read == k).mean() for k, name in ORGANS.items()}
    return {
        "films": len(rows),
        "dice": {name: round(float(value), 4) for name, value in values.items()},
    }


def obedience(m: Measurement) -> dict[str, Any] | None:
    """Both ways of obeying a map, on the same maps and with the same seeds."""
    if painter_for(m.models) is None:
        return None
    read = m.real.instruments.segmenter
    found: dict[str, Any] = {}
    if painter_for(m.models, "map") is not None:
        maps, films = m.healthy
        worded = m.real.held_out.organs[m.worded_rows]
        found["map"] = {
            "healthy": compared(maps, read_maps(read, films)),
            "own words": compared(worded, read_maps(read, m.worded)),
        }
    if painter_for(m.models, "controller") is not None:
        maps = m.healthy_maps(m.amounts.controller)
        orders = [Order(seed=m.seed + i, organs=organs) for i, organs in enumerate(maps)]
        films = m.drawn(orders, "films led by the controller", "controller")
        found["controller"] = {"healthy": compared(maps, read_maps(read, films))}
    return found


def findings(m: Measurement) -> dict[str, Any] | None:
    if not m.painter.knows.findings and not m.painter.knows.free_text:
        return None
    maps, films = m.healthy
    count = min(m.amounts.a_finding, len(films))
    bases = Bases(
        films=films[:count], organs=maps[:count], seeds=[m.seed + i for i in range(count)]
    )
    return hit_rates(m.models, m.painter, bases, m.real, m.say)


def realism(m: Measurement) -> dict[str, Any]:
    """Drawn films, films through the codec and held-out films, each against training films."""
    odd = np.array(m.worded_rows) % 2 == 1
    learn = [m.worded[odd]]
    if painter_for(m.models) is not None:
        maps = m.real.held_out.healthy[: len(m.healthy[1])]
        learn.append(m.healthy[1][maps % 2 == 1])  # no map of a film that is tested
    return realism_of(m, m.worded, np.concatenate(learn), m.worded[~odd])


def realism_of(m: Measurement, drawn: Films, learn: Films, test: Films) -> dict[str, Any]:
    """As :func:`realism` for any drawn films; ``learn`` and ``test`` are for the fresh network."""
    images, real = m.real.pack.images, m.real
    luck = np.random.default_rng(m.seed)
    train, val = luck.permutation(real.train), luck.permutation(real.val)
    n = len(learn)
    first, second, third = train[:n], train[n : 2 * n], train[2 * n :]
    half = len(val) // 2
    m.say("realism: through the codec")
    coded = reconstructed(m.models, m.painter, images[val])
    coded_train = reconstructed(m.models, m.painter, images[second])
    sides = {
        "generated": Sides(learn=(images[first], learn), test=(images[val], test)),
        "reconstructed": Sides(learn=(images[first], coded_train), test=(images[val], coded)),
        "real": Sides(
            learn=(images[first], images[val[:half]]),
            test=(images[third[: len(val) - half]], images[val[half:]]),
        ),
    }
    guesses = {}
    for name, side in sides.items():
        m.say(f"realism: a fresh network learns {name} from real")
        guesses[name] = told_apart(side, m.amounts.guessing, m.seed)
    m.say("realism: distances")
    sets = {"generated": drawn, "reconstructed": coded, "real": images[val]}
    far = distances_to(real.instruments.judge, images[real.reference], sets)
    return {
        "space": space_of(m),
        **far,
        **far["manifold"]["generated"],
        "two_sample": {name: one["rate"] for name, one in guesses.items()},
        "two_sample_n": {name: one["of"] for name, one in guesses.items()},
        "two_sample_interval": {name: one["interval"] for name, one in guesses.items()},
    }


def space_of(m: Measurement) -> str:
    """The name of the feature space, by the judge's version and hash."""
    told = m.real.instruments.judge_told
    return f"judge {told['version']} ({told['sha256'][:8]}), 128 pooled features"


def copies(m: Measurement) -> dict[str, Any]:
    return copies_of(m, m.worded)


def copies_of(m: Measurement, drawn: Films) -> dict[str, Any]:
    images, tools = m.real.pack.images, m.real.instruments
    m.say("copies: nearest training films")
    return copy_figures(drawn, images[m.real.val], images[m.real.train], tools.codec, tools.judge)


def codec(m: Measurement) -> dict[str, Any]:
    m.say("codec: held-out films")
    films = m.real.pack.images[m.real.val]
    return codec_figures(m.painter.codec, films, m.linear, m.models.device)


def upscaling(m: Measurement) -> dict[str, Any] | None:
    if m.models.upscaler is None or m.real.folder is None:
        return None
    large = [f for f in m.real.pack.films if f.image1024 and f.split == "val"]
    if not large:
        return None
    films = read_large(m.real.folder, large[: m.amounts.large])
    return upscaling_figures(m.models, m.painter, films, m.amounts.upscaling, m.say)


def sampling(m: Measurement) -> dict[str, Any]:
    """Seconds of single pictures as the page makes them, and of films drawn in batches."""
    m.say("sampling: time of single pictures")
    organs = organs_at(m.healthy_maps(1)[0], 256)
    region = region_for("effusion", organs, 0)
    findings: tuple[Finding, ...] = ()
    if region is not None and "effusion" in m.painter.knows.findings:
        findings = (Finding(text="effusion", mask=region),)
    request = GenerateRequest(organs=organs, findings=findings)
    what = "one finding" if findings else "from the organ map"
    m.engine.run(request)  # the first run reads the networks
    seconds = {}
    for quality in QUALITIES:
        chosen = replace(request, sampling=Sampling(quality=quality))
        seconds[f"generate, {what}, {quality}"] = m.engine.run(chosen).seconds["total"]
    each = {f"{what}, each in a batch": round(s, 2) for what, s in m.clock.items()}
    usual = m.models.settings(m.painter, None)
    return {
        "steps": usual.steps,
        "sampler": usual.sampler,
        "guidance": usual.guidance,
        "seconds": {**seconds, **each},
    }


SECTIONS: dict[str, Callable[[Measurement], Any]] = {
    "segmenter": segmenter,
    "codec": codec,
    "obedience": obedience,
    "findings": findings,
    "realism": realism,
    "copies": copies,
    "upscaling": upscaling,
    "sampling": sampling,
}

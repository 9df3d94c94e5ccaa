"""A stage is drawn once: the same request finds it again, any other draws its own."""

from dataclasses import replace

import numpy as np
import pytest

from engine import open_engine
from engine.api import Finding, GenerateRequest, Sampling
from engine.engine import Engine
from engine.provenance import inputs_of
from engine.recipes.generate import generate
from engine.remembered import Remembered, digest
from engine.sampling import SeededNoise
from tests.engine.tiny import SIDE, Paints, box_mask, disc, model_set

QUIET = lambda event: None  # noqa: E731
ORGANS = disc(SIDE, 20)
UPPER, LOWER = box_mask(SIDE, 8, 24), box_mask(SIDE, 40, 56)
REQUEST = GenerateRequest(
    organs=ORGANS,
    findings=(Finding(text="effusion", mask=UPPER), Finding(text="effusion", mask=LOWER)),
)
TWO_STAGES = GenerateRequest(
    organs=np.pad(np.full((120, 60), 1, np.uint8), ((60, 76), (40, 156))),
    findings=(Finding(text="Cardiomegaly", mask=np.eye(256, dtype=np.float32)),),
    sampling=Sampling(exact=True, steps=2, seed=4),
    held_steps=1,
)


class Counts(Paints):
    """Counts the stages that are drawn: each binds its conditions once."""

    stages = 0

    def denoiser(self, conditions):
        self.stages += 1
        return super().denoiser(conditions)


def stages_drawn(request: GenerateRequest, models, paints: Counts, seeds=(0,)) -> int:
    before = paints.stages
    generate(request, models, seeds, QUIET)
    return paints.stages - before


@pytest.fixture
def paints():
    return Counts()


@pytest.fixture
def models(paints):
    return model_set(paints)


def test_the_same_request_draws_nothing_again(models, paints):
    assert stages_drawn(REQUEST, models, paints) == 3
    assert stages_drawn(REQUEST, models, paints) == 0


def test_another_finding_leaves_the_stages_before_it(models, paints):
    generate(REQUEST, models, [0], QUIET)
    first, second = REQUEST.findings
    cases = {
        "the last": (first, replace(second, text="cardiomegaly")),
        "the first": (replace(first, text="cardiomegaly"), second),
        "one more": (first, second, replace(first, text="cardiomegaly")),
        "one less": (first,),
    }

    drawn = {
        name: stages_drawn(replace(REQUEST, findings=findings), models, paints)
        for name, findings in cases.items()
    }

    assert drawn == {"the last": 1, "the first": 2, "one more": 1, "one less": 0}


@pytest.mark.parametrize(
    "change",
    [
        {"organs": disc(SIDE, 21)},
        {"report": "effusion"},
        {"sampling": Sampling(seed=1)},
        {"sampling": Sampling(steps=5)},
        {"sampling": Sampling(quality="fine")},
        {"anatomy_way": "controller"},
        {"held_steps": 1},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_the_anatomy_depends_on_draws_it_again(models, paints, change):
    generate(REQUEST, models, [0], QUIET)

    assert stages_drawn(replace(REQUEST, **change), models, paints) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"mask": box_mask(SIDE, 40, 55)},
        {"guidance": 3.0},
        {"strength": 0.5},
        {"text": "cardiomegaly"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_a_finding_depends_on_draws_it_again(paints, change):
    knows = replace(model_set().painters[0].knows, densities={"effusion": 0.3})
    painter = replace(model_set(paints).painters[0], knows=knows)
    models = model_set(paints, painters=(painter,))
    generate(REQUEST, models, [0], QUIET)
    first, second = REQUEST.findings

    changed = replace(REQUEST, findings=(first, replace(second, **change)))

    assert stages_drawn(changed, models, paints) == 1


def test_a_first_finding_goes_into_the_film_that_was_drawn_without_one(models, paints):
    plain = replace(REQUEST, findings=())
    (film,) = generate(plain, models, [0], QUIET)
    before = paints.stages

    (found,) = generate(REQUEST, models, [0], QUIET)

    assert paints.stages - before == 2
    assert np.array_equal(found.states["anatomy"], film.image)


def test_a_report_is_drawn_into_a_film_only_where_no_finding_is_painted(models, paints):
    told = replace(REQUEST, report="Effusion.")

    assert stages_drawn(replace(told, findings=()), models, paints) == 1
    assert stages_drawn(told, models, paints) == 3


def test_other_networks_and_another_precision_draw_again(models, paints):
    generate(REQUEST, models, [0], QUIET)

    assert stages_drawn(REQUEST, replace(models, hashes={"diffusion": "other"}), paints) == 3
    assert stages_drawn(REQUEST, replace(models, precision="bfloat16"), paints) == 3
    assert stages_drawn(REQUEST, models.sparing(), paints) == 3


def test_a_batch_is_not_taken_for_its_first_picture(models, paints):
    generate(REQUEST, models, [0], QUIET)

    assert stages_drawn(REQUEST, models, paints, seeds=(0, 1)) == 3
    assert stages_drawn(REQUEST, models, paints, seeds=(0, 2)) == 3


def test_a_replay_is_drawn_and_not_remembered(models, paints):
    engine = Engine(models)
    result = engine.run(REQUEST)
    before = paints.stages

    again = engine.replay(result.recipe, inputs_of(result.request))

    assert paints.stages - before == 3
    assert np.array_equal(again.image, result.image)


def test_pixels_are_those_of_a_new_engine():
    """The noise goes on where it stood after the stage, so nothing tells the two apart."""
    drawing = GenerateRequest(
        organs=disc(256, 90),
        findings=(Finding(text="left effusion", mask=box_mask(256, 150, 220)),),
        sampling=Sampling(steps=2, seed=5),
    )
    changed = replace(drawing, findings=(Finding(text="mass", mask=box_mask(256, 60, 110)),))
    engine = open_engine(device="cpu")
    engine.run(drawing)

    result, fresh = engine.run(changed), open_engine(device="cpu").run(changed)

    assert result.image.tobytes() == fresh.image.tobytes()
    assert result.states["anatomy"].tobytes() == fresh.states["anatomy"].tobytes()


def test_an_exact_finding_is_that_of_a_new_engine(recorded):
    changed = replace(TWO_STAGES, findings=(replace(TWO_STAGES.findings[0], text="Edema"),))
    engine = open_engine(models=recorded.folder, device="cpu")
    stages: list[list[str]] = [[], []]
    engine.run(TWO_STAGES, lambda event: stages[0].append(event.stage))

    result = engine.run(changed, lambda event: stages[1].append(event.stage))

    fresh = open_engine(models=recorded.folder, device="cpu").run(changed)
    assert [set(told) for told in stages] == [{"anatomy", "Cardiomegaly"}, {"Edema"}]
    assert result.raw.tobytes() == fresh.raw.tobytes()


def test_an_exact_anatomy_of_another_seed_is_drawn(recorded):
    engine = open_engine(models=recorded.folder, device="cpu")
    engine.run(TWO_STAGES)
    stages: list[str] = []

    other = replace(TWO_STAGES, sampling=replace(TWO_STAGES.sampling, seed=5))
    engine.run(other, lambda event: stages.append(event.stage))

    assert "anatomy" in stages


def test_what_was_found_may_be_written_on():
    remembered, noise = Remembered(), SeededNoise(0)
    remembered.keep("a", [np.zeros((2, 2), np.float32)], noise)

    first = remembered.resume("a", noise)
    assert first is not None
    first[0][:] = 1

    assert (again := remembered.resume("a", noise)) is not None and (again[0] == 0).all()


def test_the_oldest_stages_leave_where_room_is_needed():
    remembered, noise = Remembered(most=300), SeededNoise(0)
    film = [np.zeros((5, 5), np.float32)]  # 100 bytes
    for key in "abc":
        remembered.keep(key, film, noise)
    remembered.resume("a", noise)
    remembered.keep("d", film, noise)
    remembered.keep("larger than all", [np.zeros((50, 50), np.float32)], noise)

    there = {key: remembered.resume(key, noise) is not None for key in "abcd"}

    assert there == {"a": True, "b": False, "c": True, "d": True}
    assert remembered.resume("larger than all", noise) is None


def test_arrays_are_told_apart_by_every_bit_and_by_their_shape():
    array = np.zeros((4, 4), np.float32)
    other = array.copy()
    other[3, 3] = np.float32(1e-7)

    names = [digest(a) for a in (array, other, array.reshape(2, 8), array.astype(np.float64))]

    assert len({*names, digest("a", "b"), digest("ab"), digest(1), digest(1.0)}) == 8

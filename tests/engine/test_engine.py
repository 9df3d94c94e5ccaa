"""The engine as its callers see it: runs, streams, batches, replays, and faults in sentences."""

import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine import provenance
from engine.api import (
    QUALITIES,
    Batch,
    EraseRequest,
    Finding,
    GenerateRequest,
    InsertRequest,
    OutpaintRequest,
    Progress,
    Result,
    Sampling,
    SegmentRequest,
    UpscaleRequest,
)
from engine.devices import choose_device, choose_precision
from engine.engine import Engine, open_engine
from engine.errors import Cancelled, InvalidRequest, ModelMissing, OutOfMemory
from engine.invisible import EDIT_WORD, WHOLE_WORD, embed
from tests.engine.tiny import SIDE, Enlarges, Paints, box_mask, disc, model_set


def film(seed=0):
    image = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE)).astype(np.float32) / 255
    image[0, :8], image[1, :8] = 0, 1
    return image


def finding(text="effusion"):
    return Finding(text=text, mask=box_mask(SIDE, 16, 40))


REQUESTS = {
    "generate": GenerateRequest(organs=disc(SIDE, 20), findings=(finding(),)),
    "generate without a map": GenerateRequest(),
    "insert": InsertRequest(image=film(), findings=(finding(), finding("cardiomegaly"))),
    "remove": InsertRequest(image=film(), findings=(finding(""),)),
    "erase": EraseRequest(image=film(), mask=box_mask(SIDE, 20, 30)),
    "outpaint": OutpaintRequest(image=film(), keep=1 - box_mask(SIDE, 0, 20)),
    "upscale": UpscaleRequest(image=film()),
}


def an_engine(**changes):
    return Engine(model_set(upscaler=Enlarges(), **changes))


@pytest.mark.parametrize("name", REQUESTS)
def test_a_picture_is_made_again_from_what_its_file_carries(name, tmp_path):
    made = an_engine().run(replace(REQUESTS[name], sampling=Sampling(seed=7)))
    path = tmp_path / "made.png"
    inputs = provenance.inputs_of(made.request)
    provenance.write_picture(path, made, made.recipe, inputs)

    again = an_engine().replay(*provenance.read_recipe(path))

    assert again.image.tobytes() == made.image.tobytes()


@pytest.mark.parametrize("name", REQUESTS)
def test_the_invisible_mark_is_in_what_models_made_and_nowhere_else(name):
    engine = an_engine()
    made = engine.run(REQUESTS[name])
    recipe = {part: value for part, value in made.recipe.items() if part != "invisible_mark"}

    plain = engine.replay(recipe, provenance.inputs_of(made.request))  # as before there was a mark

    zone = made_by_a_model(made)
    assert "invisible_mark" not in plain.recipe
    word = WHOLE_WORD if name.startswith("generate") else EDIT_WORD
    assert np.array_equal(made.image[zone], embed(plain.image, zone, word)[zone])
    assert not np.array_equal(made.image[zone], plain.image[zone])
    if not zone.all():
        assert np.array_equal(made.image[~zone], made.request.image[~zone])
    assert np.array_equal(made.image, list(made.states.values())[-1])


def made_by_a_model(made):
    match made.request:
        case EraseRequest():
            return made.request.mask > 0
        case OutpaintRequest():
            return made.request.keep < 1
        case InsertRequest():
            return np.any([f.mask > 0 for f in made.request.findings], axis=0)
        case _:
            return np.ones(made.image.shape, bool)


def test_each_stage_keeps_what_the_stage_before_it_had_outside_its_region():
    made = an_engine().run(REQUESTS["insert"])
    opened, first, second = made.states.values()
    one, two = (finding.mask > 0 for finding in made.request.findings)

    assert np.array_equal(first[~one], opened[~one])
    assert np.array_equal(second[~two], first[~two])
    assert not np.array_equal(first[one], opened[one])


def test_a_recipe_with_a_mark_from_the_future_is_refused():
    made = an_engine().run(REQUESTS["erase"])

    with pytest.raises(InvalidRequest, match="mark that this version does not know"):
        an_engine().replay({**made.recipe, "invisible_mark": 9}, provenance.inputs_of(made.request))


def test_a_picture_of_a_batch_is_made_again_with_its_batch():
    batch = Batch(request=REQUESTS["generate"], seeds=(5, 6, 7))

    made = an_engine().run(batch)[1]
    again = an_engine().replay(made.recipe, provenance.inputs_of(made.request))

    assert made.request.sampling.seed == 6
    assert again.image.tobytes() == made.image.tobytes()


def test_a_recipe_of_other_models_is_refused():
    made = an_engine().run(REQUESTS["erase"])
    other = an_engine(hashes={"stand-in": "f" * 64})

    with pytest.raises(ModelMissing, match="another version"):
        other.replay(made.recipe, provenance.inputs_of(made.request))


def test_results_lie_on_the_sixteen_bit_grid():
    image = an_engine().run(REQUESTS["generate"]).image

    assert image.dtype == np.float32
    assert np.array_equal(image, (np.round(image * 65535) / 65535).astype(np.float32))


def test_a_stream_gives_progress_then_the_result():
    events = list(an_engine().stream(REQUESTS["generate"]))

    assert all(isinstance(e, Progress) for e in events[:-1])
    assert isinstance(events[-1], Result)


def test_a_fault_in_a_stream_reaches_its_reader():
    with pytest.raises(InvalidRequest):
        list(an_engine().stream(replace(REQUESTS["erase"], sampling=Sampling(exact=True))))


def test_closing_a_stream_stops_the_run():
    stream = an_engine().stream(REQUESTS["generate"])
    assert isinstance(next(stream), Progress)

    stream.close()  # type: ignore[attr-defined]

    with pytest.raises(StopIteration):
        next(stream)


def test_a_stop_leaves_the_engine_ready_for_the_next_run():
    engine = an_engine()

    def stop(event):
        raise Cancelled

    with pytest.raises(Cancelled):
        engine.run(REQUESTS["generate"], stop)
    assert engine.run(REQUESTS["generate"]).image.shape == (SIDE, SIDE)


@pytest.mark.parametrize(
    "fault",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate"),
    ],
)
def test_running_out_of_memory_is_a_sentence_with_what_to_do(fault):
    class Full(Paints):
        def denoiser(self, conditions):
            raise fault

    with pytest.raises(OutOfMemory, match="Nothing is lost"):
        Engine(model_set(Full())).run(REQUESTS["generate"])


class Short(Paints):
    """Has memory for one latent at a time; notes whether that of the failed step is still held."""

    def __init__(self):
        super().__init__()
        self.failed = []

    def denoiser(self, conditions):
        whole = super().denoiser(conditions)

        def estimate(x, t):
            if len(x) > 1:
                working = torch.zeros(1000)
                self.failed.append(weakref.ref(working))
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            self.held = [one() for one in self.failed if one() is not None]
            return whole(x, t)

        return estimate


@pytest.mark.case(48)
def test_what_does_not_fit_is_made_in_smaller_parts_and_that_is_said():
    request = GenerateRequest(
        findings=(Finding(text="effusion", mask=box_mask(SIDE, 8, 24)),),
        sampling=Sampling(guidance=3.0),
    )
    short, roomy = Short(), Engine(model_set())

    engine = Engine(model_set(short))
    result = engine.run(request)

    assert np.array_equal(result.image, roomy.run(request).image)
    assert result.notes[-1].startswith("Memory ran short")
    assert short.failed and short.held == [], "the memory of the first try is still held"
    assert "sparing" in result.recipe and "sparing" not in roomy.run(request).recipe
    tries = len(short.failed)
    engine.replay(result.recipe, provenance.inputs_of(result.request))
    assert len(short.failed) == tries, "a replay is made as the picture was"


@pytest.mark.case(48)
def test_variations_that_do_not_fit_together_are_made_one_by_one():
    request = GenerateRequest(sampling=Sampling(guidance=1.0))
    batch = Batch(request=request, seeds=(3, 4))

    results = Engine(model_set(Short())).run(batch)

    assert [r.recipe["parameters"]["sampling"]["seed"] for r in results] == [3, 4]
    assert all("batch" not in r.recipe for r in results)


def test_another_runtime_error_stays_a_fault():
    class Broken(Paints):
        def denoiser(self, conditions):
            raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        Engine(model_set(Broken())).run(REQUESTS["generate"])


def test_the_engine_says_what_it_cannot_do_and_why():
    bare = Engine(model_set())

    assert bare.can("generate") is None
    assert "super-resolution" in (bare.can("upscale") or "")
    assert bare.knows("insert").findings == ("effusion", "cardiomegaly")


def test_the_defaults_of_a_verb_are_those_of_the_network_that_does_it():
    engine = an_engine()

    assert engine.defaults("erase").steps == 4
    assert engine.defaults("upscale").steps == Enlarges.defaults.steps


def test_a_quality_is_what_the_network_says_it_is():
    engine = an_engine()

    assert engine.defaults("erase") == engine.defaults("erase", "standard")
    assert [engine.defaults("erase", q).steps for q in QUALITIES] == [2, 4, 8]
    assert [engine.defaults("erase", q).detail_steps for q in QUALITIES] == [1, 2, 3]
    assert [engine.defaults("upscale", q).steps for q in QUALITIES] == [1, 2, 3]


@pytest.mark.parametrize("name", REQUESTS)
def test_a_recipe_holds_what_its_quality_meant(name):
    engine = an_engine()

    made = engine.run(replace(REQUESTS[name], sampling=Sampling(quality="draft")))

    meant = engine.defaults(made.recipe["verb"], "draft")
    stored = made.recipe["parameters"]["sampling"]
    assert (stored["quality"], stored["steps"]) == ("draft", meant.steps)
    assert None not in [stored[n] for n in ("sampler", "eta", "guidance")]
    assert stored["detail_steps"] is not None or name == "upscale"


def test_what_is_asked_for_wins_over_the_quality():
    sampling = Sampling(quality="fine", steps=3)

    made = an_engine().run(replace(REQUESTS["erase"], sampling=sampling))

    assert made.request.sampling.steps == 3
    assert made.request.sampling.detail_steps == 3


def test_a_stage_on_the_way_is_made_again_as_it_was_and_not_as_a_picture_of_its_own(tmp_path):
    # The report is guided otherwise, and the region told otherwise, where no finding follows.
    models = model_set()
    painter = replace(models.painters[0], report_guidance=1.2)
    engine = Engine(replace(models, painters=(painter,)))
    made = engine.run(replace(REQUESTS["generate"], report="cardiomegaly"))
    stage = replace(made, image=made.states["anatomy"])
    path = tmp_path / "stage.png"
    recipe = {**made.recipe, "state": "anatomy"}
    provenance.write_picture(path, stage, recipe, provenance.inputs_of(made.request))

    again = engine.replay(*provenance.read_recipe(path))

    np.testing.assert_array_equal(again.image, made.states["anatomy"])
    assert not np.array_equal(again.image, made.image)
    assert again.recipe["state"] == "anatomy"


def test_a_stage_that_the_run_does_not_have_is_refused():
    engine = an_engine()
    made = engine.run(REQUESTS["generate"])
    inputs = provenance.inputs_of(made.request)

    with pytest.raises(InvalidRequest, match="the stage 'lunch'"):
        engine.replay({**made.recipe, "state": "lunch"}, inputs)


def test_a_replay_computes_in_the_precision_of_its_recipe():
    opened = []

    def in_precision(dtype):
        opened.append(dtype)
        return model_set(precision="float32")

    halves = Engine(model_set(precision="bfloat16"), in_precision=in_precision)
    made = halves.run(REQUESTS["generate"])
    inputs = provenance.inputs_of(made.request)
    assert made.recipe["precision"] == "bfloat16"

    assert halves.replay(made.recipe, inputs).recipe["precision"] == "bfloat16"
    assert opened == []
    for _ in range(2):  # the second time they are there already
        whole = halves.replay({**made.recipe, "precision": "float32"}, inputs)
        assert whole.recipe["precision"] == "float32"
    assert opened == [torch.float32]


def test_a_recipe_of_the_first_version_was_made_in_float32():
    halves = Engine(
        model_set(precision="bfloat16"), in_precision=lambda dtype: model_set(precision="float32")
    )
    made = halves.run(REQUESTS["generate"])
    del made.recipe["precision"]

    again = halves.replay(made.recipe, provenance.inputs_of(made.request))

    assert again.recipe["precision"] == "float32"


def test_a_precision_that_was_named_is_kept_in_a_replay():
    named = open_engine(device="cpu", precision="bfloat16")
    recipe = {"precision": "float32"}

    assert named.models_for(recipe).precision == "bfloat16"
    assert open_engine(device="cpu").models_for(recipe).precision == "float32"


def test_a_precision_that_nobody_knows_is_refused():
    with pytest.raises(InvalidRequest, match="'float8'"):
        an_engine().models_for({"precision": "float8"})


def test_a_recipe_of_another_kind_of_device_is_computed_in_the_own_precision():
    engine = open_engine(device="cpu")

    assert engine.models_for({"precision": "float16"}).precision == engine.precision


def test_reading_organs_gives_a_map_of_the_pictures_own_size():
    result = an_engine().run(SegmentRequest(image=film()))

    assert result.organs is not None
    assert result.organs.shape == (SIDE, SIDE)
    assert result.recipe["verb"] == "segment"


def test_an_unknown_device_or_precision_is_refused_with_the_choices():
    with pytest.raises(InvalidRequest, match="cpu or cuda"):
        choose_device("toaster")
    with pytest.raises(InvalidRequest, match="bfloat16"):
        choose_precision("float8", torch.device("cpu"))


@pytest.mark.parametrize(
    ("processor", "chosen"),
    [
        ({}, torch.float32),
        ({"avx512_f": True, "avx512_bf16": False, "amx_bf16": False}, torch.float32),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"avx512_bf16": False, "amx_bf16": True}, torch.bfloat16),
    ],
)
def test_a_processor_uses_half_precision_only_where_it_computes_in_it(processor, chosen):
    cpu = torch.device("cpu")

    assert choose_precision("auto", cpu, processor) == chosen
    assert choose_precision("float32", cpu, processor) == torch.float32

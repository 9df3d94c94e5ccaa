"""What each verb promises, on stand-in networks whose pictures one can predict."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.api import (
    EraseRequest,
    Finding,
    GenerateRequest,
    InsertRequest,
    OutpaintRequest,
    Sampling,
    UpscaleRequest,
)
from engine.errors import Cancelled, InvalidRequest, ModelMissing
from engine.recipes.erase import erase
from engine.recipes.generate import generate
from engine.recipes.insert import insert
from engine.recipes.outpaint import outpaint
from engine.recipes.upscale import upscale
from tests.engine.tiny import (
    BACKGROUND,
    GREYS,
    ORGAN,
    SIDE,
    Enlarges,
    Paints,
    box_mask,
    disc,
    model_set,
)

QUIET = lambda event: None  # noqa: E731
GREY = 1 / 255  # what a comparison may be off by after the way through a 16-bit grid


def film(height=SIDE, width=SIDE, seed=0):
    """A film that fills the range, so that its tone is left alone."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width)).astype(np.float32) / 255
    image[0, :8], image[1, :8] = 0, 1
    return image


def organs():
    labels = np.zeros((SIDE, SIDE), np.uint8)
    labels[16:48, 16:48] = 3
    return labels


def test_a_generated_film_follows_the_drawn_organs():
    (made,) = generate(GenerateRequest(organs=organs()), model_set(), [0], QUIET)

    assert np.allclose(made.image[16:48, 16:48], ORGAN, atol=GREY)
    assert np.allclose(made.image[:16], BACKGROUND, atol=GREY)


def test_a_finding_appears_in_its_region_and_nowhere_else():
    region = box_mask(SIDE, 24, 40)
    request = GenerateRequest(organs=organs(), findings=(Finding(text="effusion", mask=region),))

    (made,) = generate(request, model_set(), [0], QUIET)

    anatomy, outside = made.states["anatomy"], region == 0
    assert made.image[outside].tobytes() == anatomy[outside].tobytes()
    assert np.allclose(made.image[28:36, 28:36], GREYS["effusion"], atol=GREY)


def test_each_finding_is_a_state_of_its_own_even_when_two_say_the_same():
    twice = (
        Finding(text="effusion", mask=box_mask(SIDE, 16, 24)),
        Finding(text="effusion", mask=box_mask(SIDE, 40, 48)),
    )

    (made,) = generate(GenerateRequest(organs=organs(), findings=twice), model_set(), [0], QUIET)

    assert list(made.states) == ["anatomy", "effusion", "effusion 2"]


@pytest.mark.parametrize(("findings", "guidance"), [((), 1.2), ("painted", 6.0)])
def test_a_report_is_guided_gently_and_a_finding_firmly(findings, guidance):
    models = model_set()
    painter = replace(
        models.painters[0],
        defaults=Sampling(steps=2, sampler="dpmpp", eta=0.0, guidance=6.0, guidance_lasts=1.0),
        report_guidance=1.2,
    )
    asked = (Finding(text="effusion", mask=box_mask(SIDE, 24, 40)),) if findings else ()
    request = GenerateRequest(report="cardiomegaly", organs=organs(), findings=asked)

    (made,) = generate(request, replace(models, painters=(painter,)), [0], QUIET)

    film = next(iter(made.states.values()))
    # Led away from an empty drawing.
    grey = BACKGROUND + 1.2 * (GREYS["cardiomegaly"] - BACKGROUND)
    assert np.allclose(film[20:44, 20:44], grey, atol=GREY)
    assert isinstance(made.request, GenerateRequest)
    assert made.request.sampling.guidance == guidance


def test_a_film_of_which_nothing_is_said_is_asked_for_in_the_painters_own_words():
    diffusion = Paints()
    models = model_set(diffusion)
    painter = replace(models.painters[0], unsaid="all is well")

    generate(GenerateRequest(organs=organs()), replace(models, painters=(painter,)), [0], QUIET)

    assert {c.words for c in diffusion.asked} == {"all is well"}
    assert all(c.region is not None and not c.region.any() for c in diffusion.asked)


def test_without_a_map_one_is_drawn_from_the_shape_model_and_handed_back():
    (made,) = generate(GenerateRequest(), model_set(), [0], QUIET)

    assert made.organs is not None
    assert np.array_equal(made.organs, disc(SIDE, SIDE // 4))


def test_the_controllers_way_holds_the_film_to_the_rough_radiograph():
    request = GenerateRequest(
        organs=organs(),
        anatomy_way="controller",
        held_steps=4,
        sampling=Sampling(steps=4, sampler="dpmpp"),
    )

    (made,) = generate(request, model_set(), [0], QUIET)

    assert np.allclose(made.image[24:40, 24:40], 0.8, atol=GREY)  # held by 1 in the organs
    assert np.allclose(made.image[:8, :8], 0.2 * 0.8 + 0.8 * BACKGROUND, atol=GREY)


def test_an_organ_the_model_does_not_know_is_said_not_swallowed():
    labels = organs()
    labels[4:8, 4:8] = 4

    (made,) = generate(GenerateRequest(organs=labels), model_set(), [0], QUIET)

    assert any("aorta" in note for note in made.notes)


def test_a_map_of_unknown_organs_only_is_refused():
    with pytest.raises(InvalidRequest, match="aorta"):
        generate(GenerateRequest(organs=(organs() > 0) * np.uint8(4)), model_set(), [0], QUIET)


def test_unknown_words_of_a_finding_are_refused_with_the_known_ones():
    request = GenerateRequest(
        organs=organs(), findings=(Finding(text="zebra", mask=box_mask(SIDE, 16, 24)),)
    )

    with pytest.raises(InvalidRequest, match="effusion"):
        generate(request, model_set(), [0], QUIET)


@pytest.mark.case(35)
@pytest.mark.parametrize("shape", [(64, 64), (200, 130), (90, 300)])
def test_erasing_keeps_every_bit_outside_the_zone_at_any_size(shape):
    image = film(*shape)
    zone = np.zeros(shape, np.float32)
    zone[20:50, 30:60] = 1

    (made,) = erase(EraseRequest(image=image, mask=zone), model_set(), [0], QUIET)

    outside = zone == 0
    assert made.image[outside].tobytes() == image[outside].tobytes()
    assert not np.array_equal(made.image[~outside], image[~outside])


def test_what_was_erased_cannot_be_told_from_the_result():
    zone = box_mask(SIDE, 20, 44)
    plain = film()
    with_a_name = np.where(zone > 0, np.float32(1), plain)

    (one,) = erase(EraseRequest(image=plain, mask=zone), model_set(), [0], QUIET)
    (other,) = erase(EraseRequest(image=with_a_name, mask=zone), model_set(), [0], QUIET)

    assert one.image.tobytes() == other.image.tobytes()


def test_what_lies_under_the_second_finding_does_not_reach_the_first():
    zones = box_mask(SIDE, 8, 24), box_mask(SIDE, 32, 56)
    findings = tuple(
        Finding(text=text, mask=zone)
        for text, zone in zip(("effusion", "cardiomegaly"), zones, strict=True)
    )
    outlines = organs()
    plain = film()
    other = np.where(zones[1] > 0, np.float32(1), plain)

    (one,) = insert(
        InsertRequest(image=plain, findings=findings, organs=outlines), model_set(), [0], QUIET
    )
    (two,) = insert(
        InsertRequest(image=other, findings=findings, organs=outlines), model_set(), [0], QUIET
    )

    assert one.image.tobytes() == two.image.tobytes()


def test_a_soft_mask_does_not_let_the_erased_thing_shine_through():
    zone = box_mask(SIDE, 20, 44) * np.float32(0.5)
    plain = film()
    with_a_name = np.where(zone > 0, np.float32(1), plain)

    (one,) = erase(EraseRequest(image=plain, mask=zone), model_set(), [0], QUIET)
    (other,) = erase(EraseRequest(image=with_a_name, mask=zone), model_set(), [0], QUIET)

    assert one.image.tobytes() == other.image.tobytes()


def test_a_dark_film_is_edited_in_its_own_tone():
    image = film() * np.float32(0.3)
    zone = box_mask(SIDE, 16, 48)
    finding = Finding(text="effusion", mask=zone)

    (made,) = insert(InsertRequest(image=image, findings=(finding,)), model_set(), [0], QUIET)

    assert made.image.max() <= 0.3 + GREY


def test_inserting_reads_outlines_and_tells_which():
    finding = Finding(text="effusion", mask=box_mask(SIDE, 16, 48))

    (made,) = insert(InsertRequest(image=film(), findings=(finding,)), model_set(), [0], QUIET)

    assert made.organs is not None
    assert isinstance(made.request, InsertRequest)
    assert np.array_equal(made.request.organs, made.organs)


def test_a_finding_painted_over_the_chest_wall_stays_inside_and_says_so():
    labels = np.zeros((SIDE, SIDE), np.uint8)
    labels[8:48, 4:28], labels[8:48, 32:48] = 2, 1
    image = film()
    finding = Finding(text="effusion", mask=box_mask(SIDE, 40, 60))
    request = InsertRequest(image=image, findings=(finding,), organs=labels)

    (made,) = insert(request, model_set(), [0], QUIET)

    assert np.array_equal(made.image[:, 52:], image[:, 52:])
    assert not np.array_equal(made.image[40:46, 40:46], image[40:46, 40:46])
    assert "outside the chest" in made.notes[0]


def test_a_removal_reaches_beyond_the_chest():
    labels = np.zeros((SIDE, SIDE), np.uint8)
    labels[8:48, 4:28], labels[8:48, 32:48] = 2, 1
    image = film()
    request = InsertRequest(
        image=image, findings=(Finding(text="", mask=box_mask(SIDE, 40, 60)),), organs=labels
    )

    (made,) = insert(request, model_set(), [0], QUIET)

    assert not np.array_equal(made.image[50:60, 52:60], image[50:60, 52:60])
    assert made.notes == ()


def test_the_side_and_zone_of_a_region_reach_the_model_in_its_own_words():
    diffusion = Paints()
    labels = np.zeros((SIDE, SIDE), np.uint8)
    labels[8:56, 4:28], labels[8:56, 36:60] = 2, 1  # patient's right on the image's left
    region = np.zeros((SIDE, SIDE), np.float32)
    region[44:56, 40:56] = 1
    request = GenerateRequest(
        organs=labels, findings=(Finding(text="pleural effusion", mask=region),)
    )

    generate(request, model_set(diffusion), [0], QUIET)

    assert "effusion left lower" in {c.words for c in diffusion.asked}


def test_outpainting_keeps_what_is_given():
    image, keep = film(), 1 - box_mask(SIDE, 0, 24)

    (made,) = outpaint(OutpaintRequest(image=image, keep=keep), model_set(), [0], QUIET)

    given = keep == 1
    assert made.image[given].tobytes() == image[given].tobytes()
    assert np.allclose(made.image[4:12, 4:12], made.image[8, 8], atol=0.2)


def test_outpainting_obeys_the_organs_of_a_first_sketch():
    diffusion, image = Paints(), film(96, 64)
    keep = np.ones_like(image)
    keep[70:] = 0

    outpaint(OutpaintRequest(image=image, keep=keep), model_set(diffusion), [3, 4], QUIET)

    sketches, final = diffusion.asked[:2], diffusion.asked[2:]
    assert [c.organs for c in sketches] == [None, None]
    for condition in final:
        assert condition.organs is not None and condition.organs.shape == image.shape
        assert condition.organs[-1, -1] == 3 and condition.organs[0, 0] == 0


def test_outpainting_without_a_segmenter_goes_without_a_map():
    diffusion, keep = Paints(), 1 - box_mask(SIDE, 0, 24)

    outpaint(
        OutpaintRequest(image=film(), keep=keep), model_set(diffusion, segmenter=None), [0], QUIET
    )

    assert [c.organs for c in diffusion.asked] == [None]


def test_upscaling_keeps_what_the_film_shows_at_its_own_size():
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.random((1, 1, 25, 32), dtype=np.float32))
    image = torch.nn.functional.interpolate(coarse, (200, 256), mode="bilinear")[0, 0].numpy()

    (made,) = upscale(UpscaleRequest(image=image), model_set(upscaler=Enlarges()), [0], QUIET)

    assert made.image.shape == (800, 1024)
    small = torch.nn.functional.interpolate(
        torch.from_numpy(made.image)[None, None], (200, 256), mode="area"
    )[0, 0].numpy()
    assert np.abs(small - image).mean() < 0.01


def test_a_set_without_an_upscaler_says_so():
    with pytest.raises(ModelMissing, match="upscaler"):
        upscale(UpscaleRequest(image=film()), model_set(), [0], QUIET)


def test_progress_names_the_stage_and_counts_to_its_end():
    seen = []
    finding = Finding(text="effusion", mask=box_mask(SIDE, 24, 40))

    request = GenerateRequest(organs=organs(), findings=(finding,))
    (made,) = generate(request, model_set(), [0], seen.append)

    assert [(e.stage, e.done) for e in seen] == [
        *(("anatomy", i) for i in (1, 2, 3, 4, 4)),  # the second 4 shows the finished stage
        *(("effusion", i) for i in (1, 2, 3, 4)),
    ]
    assert all(e.total == 4 for e in seen)
    assert seen[4].preview is made.states["anatomy"]
    assert seen[0].preview is not None
    assert seen[0].preview.shape == (SIDE, SIDE)


@pytest.mark.parametrize("stop_at", [1, 2, 3, 4])
def test_stop_is_heard_at_every_step(stop_at):
    heard = []

    def on_event(event):
        heard.append(event)
        if len(heard) == stop_at:
            raise Cancelled

    with pytest.raises(Cancelled):
        generate(GenerateRequest(organs=organs()), model_set(), [0], on_event)
    assert len(heard) == stop_at


def test_a_picture_does_not_depend_on_what_else_is_in_its_batch():
    request = InsertRequest(
        image=film(), findings=(Finding(text="effusion", mask=box_mask(SIDE, 24, 40)),)
    )

    together = insert(request, model_set(), [3, 4], QUIET)
    (alone,) = insert(replace(request), model_set(), [4], QUIET)

    assert np.array_equal(together[1].image, alone.image)


def test_a_finding_that_the_painter_cannot_draw_is_refused_before_the_organs_are_read():
    finding = Finding(text="left hernia", mask=box_mask(SIDE, 16, 48))
    blind = model_set(segmenter=None)

    with pytest.raises(InvalidRequest, match=r"does not know 'left hernia'\. It knows: effusion"):
        insert(InsertRequest(image=film(), findings=(finding,)), blind, [0], QUIET)


def test_words_of_a_finding_that_are_not_obeyed_are_told():
    finding = Finding(text="possible effusion near the zeppelin", mask=box_mask(SIDE, 16, 48))

    (inserted,) = insert(InsertRequest(image=film(), findings=(finding,)), model_set(), [0], QUIET)
    (made,) = generate(GenerateRequest(findings=(finding,)), model_set(), [0], QUIET)

    for notes in (inserted.notes, made.notes):
        assert any("does not know these words: near, zeppelin" in note for note in notes)
        assert any("Uncertain" in note for note in notes)


def test_an_edit_tells_which_outlines_the_painter_does_not_know():
    labels = organs()
    labels[4:8, 4:8] = 4
    finding = Finding(text="effusion", mask=box_mask(SIDE, 16, 48))

    (put,) = insert(
        InsertRequest(image=film(), findings=(finding,), organs=labels), model_set(), [0], QUIET
    )
    (gone,) = erase(
        EraseRequest(image=film(), mask=box_mask(SIDE, 16, 48), organs=labels),
        model_set(), [0], QUIET,
    )  # fmt: skip

    assert any("aorta" in note for note in put.notes)
    assert any("aorta" in note for note in gone.notes)


@pytest.mark.parametrize(("strength", "told"), [(0.0, False), (1.0, False), (1.5, True)])
def test_a_strength_that_a_model_does_not_obey_is_told(strength, told):
    asked = (Finding(text="effusion", mask=box_mask(SIDE, 16, 48), strength=strength),)

    (made,) = generate(GenerateRequest(organs=organs(), findings=asked), model_set(), [0], QUIET)

    said = "The strength of 'effusion' is not obeyed by these models." in made.notes
    assert said is told


@pytest.mark.parametrize(
    ("report", "told"), [("Effusion.", False), ("Cardiomegaly.", True), ("No effusion.", False)]
)
def test_what_a_report_asks_for_beside_painted_findings_is_told(report, told):
    finding = Finding(text="left effusion", mask=box_mask(SIDE, 16, 48))

    (made,) = generate(
        GenerateRequest(report=report, organs=organs(), findings=(finding,)),
        model_set(),
        [0],
        QUIET,
    )

    said = "Beside painted findings this may not appear: cardiomegaly. Paint it, too." in made.notes
    assert said is told

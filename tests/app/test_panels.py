from dataclasses import asdict

import gradio as gr
import numpy as np
import pytest

from app.canvas.drawing import ERASE, KEEP, LONGEST_WORDS, Drawing, FindingRegion
from app.document.session import State
from app.pages.form import Form, after, form_of, read, state_name
from app.panels import details, insert, outpaint
from engine.api import (
    EraseRequest,
    GenerateRequest,
    InsertRequest,
    OutpaintRequest,
    Sampling,
    UpscaleRequest,
)
from engine.errors import InvalidRequest

SIDE = 64
SAMPLING = Sampling(seed=7)
ALL = insert.Asked()
BLANK = {
    "verb": "Generate", "report": "", "change": "Insert", "keep": outpaint.WHOLE, "top": 0,
    "right": 0, "left": 0, "bottom": 0, "quality": "Standard", "seed": 7, "keep_seed": True,
    "steps": 0, "guidance": 0, "variations": "x 1",
}  # fmt: skip


def form(**values):
    return Form(**{**BLANK, **values})


def drawing(*boxes, findings=(), side=SIDE):
    """Boxes (bit, top, bottom, left, right) painted into an empty drawing."""
    bits = np.zeros((side, side), np.uint32)
    for bit, top, bottom, left, right in boxes:
        bits[top:bottom, left:right] |= np.uint32(1 << bit)
    return Drawing("doc", 1, "job", None, bits, tuple(findings))


def opened(side=SIDE, value=0.5):
    return State(
        number=1, name="Opened", kind="opened", bits=16, origin="real",
        image=np.full((side, side), value, np.float32),
    )  # fmt: skip


A = FindingRegion(4, "A", "effusion")
B = FindingRegion(5, "B", "pneumothorax")
CHEST = ((0, 10, 40, 36, 56), (1, 10, 40, 8, 28), (2, 30, 44, 24, 40))


def test_a_drawing_and_words_become_a_request():
    drawn = drawing(*CHEST, (4, 20, 30, 40, 50), findings=[A])

    request = read(form(report="PA view."), drawn, None, ALL, SAMPLING)

    assert isinstance(request, GenerateRequest)
    assert request.report == "PA view." and request.sampling is SAMPLING
    assert set(np.unique(request.organs)) == {0, 1, 2, 3}
    (finding,) = request.findings
    assert finding.text == "effusion" and finding.mask.sum() == 100


def test_nothing_drawn_leaves_everything_to_the_model():
    request = read(form(), drawing(), None, ALL, SAMPLING)
    assert isinstance(request, GenerateRequest)
    assert request.organs is None and request.findings == ()


@pytest.mark.parametrize(
    ("region", "boxes", "said"),
    [
        (A, (), "Finding A is not painted"),
        (FindingRegion(4, "A", "  "), ((4, 1, 9, 1, 9),), "Finding A has no words"),
    ],
)
def test_a_half_made_finding_is_named(region, boxes, said):
    with pytest.raises(InvalidRequest, match=said):
        read(form(), drawing(*CHEST, *boxes, findings=[region]), None, ALL, SAMPLING)


def test_only_the_chosen_finding_is_inserted():
    drawn = drawing((4, 1, 9, 1, 9), (5, 20, 30, 20, 30), findings=[A, B])

    chosen = read(form(verb="Insert"), drawn, opened(), insert.Asked(only=5), SAMPLING)
    both = read(form(verb="Insert"), drawn, opened(), ALL, SAMPLING)

    assert isinstance(chosen, InsertRequest) and isinstance(both, InsertRequest)
    assert [finding.text for finding in chosen.findings] == ["pneumothorax"]
    assert [finding.text for finding in both.findings] == ["effusion", "pneumothorax"]


@pytest.mark.parametrize(
    ("change", "texts"),
    [("Insert", ["effusion"]), ("Remove", [""]), ("Replace", ["", "effusion"])],
)
def test_to_replace_is_to_remove_and_then_to_insert(change, texts):
    drawn = drawing((4, 1, 9, 1, 9), findings=[A])
    request = read(
        form(verb="Insert", change=change), drawn, opened(), insert.Asked(change, 4), SAMPLING
    )
    assert isinstance(request, InsertRequest)
    assert [finding.text for finding in request.findings] == texts


def test_what_is_painted_is_erased():
    request = read(form(verb="Erase"), drawing((ERASE, 5, 9, 5, 15)), opened(), ALL, SAMPLING)
    assert isinstance(request, EraseRequest)
    assert request.mask.sum() == 40 and request.mask[5, 5] == 1


def test_a_drawing_of_another_size_follows_its_picture():
    drawn = drawing((ERASE, 16, 32, 16, 32))

    request = read(form(verb="Erase"), drawn, opened(side=128), ALL, SAMPLING)

    assert isinstance(request, EraseRequest)
    expected = np.zeros((128, 128), np.float32)
    expected[32:64, 32:64] = 1
    np.testing.assert_array_equal(request.mask, expected)


def test_a_drawing_of_another_aspect_is_refused():
    wide = State(
        number=1, name="Opened", kind="opened", bits=8, origin="real",
        image=np.zeros((64, 128), np.float32),
    )  # fmt: skip
    with pytest.raises(InvalidRequest, match="64 x 64 px but the picture is 128 x 64 px"):
        read(form(verb="Erase"), drawing((ERASE, 1, 9, 1, 9)), wide, ALL, SAMPLING)


def test_margins_are_added_on_the_patients_sides():
    asked = form(verb="Outpaint", top=8, right=16, left=24, bottom=0)

    request = read(asked, None, opened(), ALL, SAMPLING)

    assert isinstance(request, OutpaintRequest)
    assert request.image.shape == (72, 104)
    given = np.zeros((72, 104), np.float32)
    given[8:, 16:80] = 1  # the patient's right is on the picture's left
    np.testing.assert_array_equal(request.keep, given)
    wider = after("outpaint", drawing((0, 0, 1, 0, 1)), asked)
    assert wider is not None and wider.bits.shape == (72, 104) and wider.bits[8, 16] == 1


def test_a_painted_area_is_kept_and_the_rest_completed():
    asked = form(verb="Outpaint", keep=outpaint.PAINTED)
    request = read(asked, drawing((KEEP, 0, 32, 0, 64)), opened(), ALL, SAMPLING)
    assert isinstance(request, OutpaintRequest)
    assert request.keep[:32].all() and not request.keep[32:].any()


def test_the_picture_on_screen_is_upscaled():
    request = read(form(verb="Upscale"), None, opened(), ALL, SAMPLING)
    assert isinstance(request, UpscaleRequest) and request.image.shape == (64, 64)


@pytest.mark.parametrize("verb", ["Insert", "Erase", "Outpaint", "Upscale"])
def test_an_edit_without_a_picture_says_so(verb):
    with pytest.raises(InvalidRequest, match="no picture"):
        read(form(verb=verb), drawing((ERASE, 1, 9, 1, 9)), None, ALL, SAMPLING)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"verb": "Insert"}, "Paint a region"),
        ({"verb": "Erase"}, "Paint over what should go"),
        ({"verb": "Outpaint"}, "Add at least one side"),
        ({"verb": "Outpaint", "top": 1.5}, "whole number of pixels"),
        ({"verb": "Outpaint", "top": -8}, "whole number of pixels"),
        ({"verb": "Outpaint", "left": None}, "whole number of pixels"),
        ({"verb": "Outpaint", "keep": outpaint.PAINTED}, "Paint the area to keep"),
    ],
)
def test_an_edit_without_a_zone_says_what_to_do(values, said):
    with pytest.raises(InvalidRequest, match=said):
        read(form(**values), drawing(), opened(), ALL, SAMPLING)


@pytest.mark.parametrize("seed", [None, 1.5, -1, float("nan"), float("inf"), 2**60])
def test_a_seed_that_is_no_whole_number_is_refused(seed):
    with pytest.raises(InvalidRequest, match="whole number"):
        details.read("Standard", seed, True, 0, 0)


def test_a_kept_seed_is_used_and_another_is_drawn():
    kept = details.read("Standard", 41207, True, 0, 0)
    drawn = {details.read("Standard", 41207, False, 0, 0).seed for _ in range(5)}
    assert kept.seed == 41207
    assert len(drawn) > 1


def test_quality_is_a_name_whose_meaning_the_engine_knows():
    asked = {name: details.read(name, 1, True, 0, 0) for name in details.NAMES}
    assert {name: s.quality for name, s in asked.items()} == {
        "Draft": "draft", "Standard": "standard", "Fine": "fine",
    }  # fmt: skip
    assert {s.steps for s in asked.values()} == {None}
    assert details.read("Draft", 1, True, 33, 0).steps == 33


def test_the_line_of_the_closed_panel_says_what_will_be_done():
    sampling = details.read("Draft", 7, True, 0, 0).filled(Sampling(steps=6))
    assert details.summary("Draft", sampling) == "Details: Draft, 6 steps, seed 7"


def test_guidance_is_the_models_own_until_it_is_asked_for():
    assert details.read("Standard", 1, True, 0, 0).guidance is None
    assert details.read("Standard", 1, True, 0, 3.5).guidance == 3.5


def test_states_are_named_by_what_was_asked():
    drawn = drawing((4, 1, 9, 1, 9), (5, 20, 30, 20, 30), findings=[A, B])
    asked = read(form(verb="Insert"), drawn, opened(), ALL, SAMPLING)

    assert state_name("insert", asked, "Insert") == "Effusion, pneumothorax"
    assert state_name("insert", asked, "Remove") == "Removed"
    assert state_name("generate", GenerateRequest(), "Insert") == "Generated"
    assert state_name("upscale", UpscaleRequest(image=opened().image), "") == "Upscaled"


@pytest.mark.parametrize(
    "odd",
    [
        {"verb": "Paint"}, {"verb": ["Erase"]}, {"seed": "many"}, {"steps": [1]},
        {"guidance": float("inf")}, {"quality": "Ultra"}, {"keep_seed": 1}, {"report": 7},
        {"variations": "x 100"}, {"keep": "Nothing"}, {"more": 1},
    ],
)  # fmt: skip
def test_a_panel_that_cannot_be_is_left_out(odd):
    whole = asdict(form(verb="Erase"))
    assert form_of(whole) == form(verb="Erase")
    assert form_of({**whole, **odd}) is None


def test_the_words_of_a_finding_are_as_long_as_a_drawing_takes():
    with gr.Blocks():
        assert insert.build().words.max_length == LONGEST_WORDS


def test_the_authors_way_knows_no_zone():
    picture = State(
        number=1, name="", kind="opened", image=np.full((SIDE, SIDE), 0.5, np.float32), bits=8,
        origin="real",
    )  # fmt: skip
    drawn = drawing((ERASE, 5, 9, 5, 15))
    asked = form(verb="Erase", exact=True, erase_grow=3, erase_feather=2, erase_context=64)

    request = read(asked, drawn, picture, ALL, Sampling(seed=7, exact=True))

    assert (request.grow, request.feather, request.context) == (0, None, None)
    (plain,) = [read(form(verb="Erase", erase_grow=3), drawn, picture, ALL, SAMPLING)]
    assert plain.grow == 3

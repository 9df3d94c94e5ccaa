"""Grow, feather, context and strength: what an edit may change, in pixels of its picture."""

from dataclasses import replace

import numpy as np
import pytest

from engine import masks
from engine.api import EraseRequest, Finding, InsertRequest, Sampling
from engine.errors import InvalidRequest
from engine.provenance import inputs_of, recipe_of, request_of
from engine.recipes.erase import erase
from engine.recipes.insert import insert
from tests.engine.test_recipes import QUIET, film
from tests.engine.tiny import SIDE, Paints, box_mask, model_set


def box(height, width, top, bottom, left, right):
    mask = np.zeros((height, width), np.float32)
    mask[top:bottom, left:right] = 1
    return mask


@pytest.mark.parametrize("radius", [1, 2, 5, 13])
def test_a_grown_mask_holds_every_pixel_within_the_radius(radius):
    rng = np.random.default_rng(radius)
    mask = (rng.random((60, 50)) > 0.995).astype(np.float32)
    mask[0, 0] = 1
    y, x = np.mgrid[0:60, 0:50]
    near = [np.hypot(y - row, x - column) <= radius for row, column in np.argwhere(mask)]
    np.testing.assert_array_equal(masks.grown(mask, radius) > 0, np.any(near, axis=0))


def test_growing_by_nothing_changes_nothing():
    soft = np.full((8, 8), 0.5, np.float32)
    assert masks.grown(soft, 0) is soft


@pytest.mark.parametrize(
    ("context", "smallest", "rows", "columns"),
    [
        (None, 32, (0, 100), (0, 80)),
        (5, 1, (35, 55), (25, 49)),
        (0, 32, (29, 61), (21, 53)),
        (60, 32, (0, 100), (0, 80)),
    ],
)
def test_the_context_is_what_lies_around_the_zone(context, smallest, rows, columns):
    found = masks.window(box(100, 80, 40, 50, 30, 44), context, smallest)
    assert [(s.start, s.stop) for s in found] == [rows, columns]


def test_a_zone_in_the_corner_keeps_its_smallest_window_inside_the_picture():
    found = masks.window(box(100, 80, 98, 100, 0, 2), 3, 32)
    assert [(s.start, s.stop) for s in found] == [(68, 100), (0, 32)]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"grow": -1}, "Grow goes from 0"),
        ({"grow": 2.5}, "Grow must be a whole number"),
        ({"grow": None}, "Grow must be a whole number"),
        ({"feather": 4000}, "Feather goes from 0"),
        ({"context": True}, "Context must be a whole number"),
        ({"grow": 2, "sampling": Sampling(exact=True)}, "knows no grow"),
    ],
)
def test_a_zone_that_cannot_be_is_refused(values, said):
    mask = box_mask(SIDE, 10, 20)
    with pytest.raises(InvalidRequest, match=said):
        EraseRequest(image=film(), mask=mask, **values)
    with pytest.raises(InvalidRequest, match=said):
        InsertRequest(image=film(), findings=(Finding(text="x", mask=mask),), **values)


def test_a_recipe_of_before_is_read_with_the_zone_of_before():
    request = EraseRequest(image=film(), mask=box_mask(SIDE, 10, 20))
    recipe = recipe_of(request, "tiny", {})
    for name in ("grow", "feather", "context"):
        del recipe["parameters"][name]
    again = request_of(recipe, inputs_of(request))
    assert isinstance(again, EraseRequest)
    assert (again.grow, again.feather, again.context) == (0, None, None)


def test_grow_feather_context_and_strength_come_back_from_a_recipe():
    mask = box_mask(SIDE, 10, 20)
    finding = Finding(text="effusion", mask=mask, guidance=4.5, strength=1.7)
    request = InsertRequest(image=film(), findings=(finding,), grow=3, feather=0, context=9)
    again = request_of(recipe_of(request, "tiny", {}), inputs_of(request))
    assert isinstance(again, InsertRequest)
    assert (again.grow, again.feather, again.context) == (3, 0, 9)
    assert (again.findings[0].guidance, again.findings[0].strength) == (4.5, 1.7)


def test_a_recipe_of_before_leaves_its_findings_to_the_network():
    finding = Finding(text="effusion", mask=box_mask(SIDE, 10, 20))
    request = InsertRequest(image=film(), findings=(finding,))
    recipe = recipe_of(request, "tiny", {})
    del recipe["parameters"]["findings"][0]["strength"]
    again = request_of(recipe, inputs_of(request))
    assert isinstance(again, InsertRequest)
    assert again.findings[0].strength == 0


def changed(before, after):
    return before != after


@pytest.mark.parametrize("grow", [0, 3, 9])
def test_an_erasure_grows_by_what_was_asked_and_no_further(grow):
    image, mask = film(96, 80), box(96, 80, 40, 50, 30, 44)
    (made,) = erase(EraseRequest(image=image, mask=mask, grow=grow), model_set(), [0], QUIET)

    y, x = np.mgrid[0:96, 0:80]
    down, across = np.maximum(40 - y, y - 49), np.maximum(30 - x, x - 43)
    zone = np.hypot(np.maximum(down, 0), np.maximum(across, 0)) <= grow
    assert np.array_equal(made.image[~zone], image[~zone])
    assert changed(image, made.image)[zone].mean() > 0.9
    np.testing.assert_array_equal(made.request.mask > 0, zone)
    assert made.request.grow == 0  # the zone of the recipe is grown already


def test_a_feather_fades_inside_the_zone_only():
    image = np.full((SIDE, SIDE), 0.2, np.float32)
    image[0, :8], image[1, :8] = 0, 1
    mask = box_mask(SIDE, 16, 48)
    hard, soft = (
        erase(EraseRequest(image=image, mask=mask, feather=f), model_set(), [0], QUIET)[0].image
        for f in (0, 8)
    )
    outside = mask == 0
    assert np.array_equal(soft[outside], image[outside])
    np.testing.assert_array_equal(soft[30:34, 30:34], hard[30:34, 30:34])
    rim = np.abs(soft[17, 20:44] - image[17, 20:44]).mean()
    assert rim < 0.5 * np.abs(hard[17, 20:44] - image[17, 20:44]).mean()


def test_what_lies_beyond_the_context_is_not_seen():
    image, mask = film(160, 160), box_mask(160, 70, 80)
    other = image.copy()
    other[:8] = 1 - other[:8]
    other[0, :8], other[1, :8] = 0, 1  # as dark and as bright as before
    request = EraseRequest(image=image, mask=mask, context=20)
    (here,) = erase(request, model_set(), [0], QUIET)
    (there,) = erase(replace(request, image=other), model_set(), [0], QUIET)
    zone = mask > 0
    np.testing.assert_array_equal(here.image[zone], there.image[zone])
    np.testing.assert_array_equal(here.image[~zone], image[~zone])

    (whole,) = erase(replace(request, context=None), model_set(), [0], QUIET)
    assert changed(whole.image, here.image)[zone].any()


def test_an_insertion_has_grow_feather_and_context_and_its_recipe_knows_them():
    image, mask = film(160, 160), box_mask(160, 70, 80)
    request = InsertRequest(
        image=image, findings=(Finding(text="effusion", mask=mask),), grow=4, feather=2, context=30
    )
    (made,) = insert(request, model_set(), [0], QUIET)
    zone = made.request.findings[0].mask > 0
    assert zone.sum() > mask.sum() and np.array_equal(made.image[~zone], image[~zone])
    assert (made.request.grow, made.request.feather, made.request.context) == (0, 2, 30)
    (again,) = insert(made.request, model_set(), [0], QUIET)
    np.testing.assert_array_equal(again.image, made.image)


def test_each_finding_may_be_obeyed_with_a_guidance_of_its_own():
    paints = Paints()
    image = film()
    masks = [box_mask(SIDE, 8, 16), box_mask(SIDE, 40, 48)]
    findings = [Finding(text="effusion", mask=m) for m in masks]
    plain = insert(
        InsertRequest(image=image, findings=tuple(findings)), model_set(paints), [0], QUIET
    )[0].image
    strict = insert(
        InsertRequest(image=image, findings=(findings[0], replace(findings[1], guidance=9.0))),
        model_set(paints), [0], QUIET,
    )[0].image  # fmt: skip
    first, second = (m > 0 for m in masks)
    np.testing.assert_array_equal(plain[first], strict[first])
    assert changed(plain, strict)[second].any()


def test_a_finished_finding_is_shown_before_the_next_begins():
    events = []
    masks = [box_mask(SIDE, 8, 16), box_mask(SIDE, 40, 48)]
    findings = tuple(Finding(text="effusion", mask=m) for m in masks)
    (made,) = insert(
        InsertRequest(image=film(), findings=findings), model_set(), [0], events.append
    )
    done = [e for e in events if e.done == e.total and e.preview is not None]
    np.testing.assert_array_equal(done[0].preview, made.states["effusion"])

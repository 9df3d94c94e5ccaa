import copy
import io
import json
import zlib

import numpy as np
import pytest
from PIL import Image

from engine import png
from engine.api import (
    EraseRequest,
    Finding,
    GenerateRequest,
    InsertRequest,
    OutpaintRequest,
    Sampling,
    SegmentRequest,
    UpscaleRequest,
)
from engine.errors import ImageUnreadable, InvalidRequest
from engine.images import read_image
from engine.marks import PARTLY, WHOLE
from engine.provenance import (
    inputs_of,
    picture_bytes,
    read_recipe,
    recipe_from_text,
    recipe_of,
    request_of,
    wholly_synthetic,
    with_history,
    write_picture,
    write_recipe,
)

MODELS = {"painter": "ab" * 32, "codec": "cd" * 32}
RNG = np.random.default_rng(0)
FILM = (RNG.integers(0, 65536, (48, 40)) / 65535).astype(np.float32)
MASK = np.zeros((48, 40), np.float32)
MASK[10:20, 5:15] = 1
MASK[20, 5:15] = 0.3137255  # a soft rim, on the 8-bit grid
ODD = RNG.random((48, 40), dtype=np.float32)  # on no grid
ORGANS = RNG.integers(0, 5, (48, 40)).astype(np.uint8)
SAMPLING = Sampling(
    seed=2**40 + 1, steps=7, sampler="ddim", eta=0.1, guidance=6.9, guidance_lasts=1.5
)

REQUESTS = {
    "generate": GenerateRequest(
        report='Café "quoted" text',
        organs=ORGANS,
        findings=(Finding(text="effusion", mask=MASK), Finding(text="mass", mask=ODD)),
        sampling=SAMPLING,
        anatomy_way="controller",
        held_steps=3,
    ),
    "generate from nothing": GenerateRequest(),
    "insert": InsertRequest(
        image=FILM, findings=(Finding(text="", mask=MASK),), sampling=SAMPLING, organs=ORGANS
    ),
    "erase": EraseRequest(image=ODD, mask=MASK, words="lung", unscaled_reference=True),
    "outpaint": OutpaintRequest(image=FILM, keep=1 - MASK),
    "upscale": UpscaleRequest(image=FILM, method="ddpm"),
    "segment": SegmentRequest(image=FILM),
}


def texts(data: bytes) -> dict[str, str]:
    return png.texts(png.chunks(data))


@pytest.mark.parametrize("name", REQUESTS)
def test_a_file_makes_the_same_request_again(name, tmp_path):
    request = REQUESTS[name]
    recipe = recipe_of(request, "embedded", MODELS)

    write_picture(tmp_path / "film.png", FILM, recipe, inputs_of(request))
    found, inputs = read_recipe(tmp_path / "film.png")

    assert found == recipe
    assert recipe_of(request_of(found, inputs), "embedded", MODELS) == recipe
    for key, array in inputs_of(request).items():
        assert inputs[key].dtype == array.dtype
        assert inputs[key].tobytes() == array.tobytes()


def test_recipes_are_plain_json_in_a_fixed_order():
    one = recipe_of(REQUESTS["generate"], "embedded", MODELS)
    two = recipe_of(REQUESTS["generate"], "embedded", dict(reversed(MODELS.items())))

    assert json.dumps(one) == json.dumps(two)
    assert one["synthetic"] is True
    assert one["models"] == MODELS
    assert one["parameters"]["sampling"]["seed"] == 2**40 + 1


@pytest.mark.parametrize(
    ("name", "zone"), [("insert", MASK > 0), ("erase", MASK > 0), ("outpaint", MASK > 0)]
)
def test_what_an_edit_replaced_is_not_in_the_file(name, zone):
    request = REQUESTS[name]
    image = request.image

    carried = inputs_of(request)["image"]

    assert not carried[zone].any()
    assert np.array_equal(carried[~zone], image[~zone])


def test_the_zone_of_several_findings_is_all_of_them():
    second = np.roll(MASK, 20, 0)
    findings = (Finding(text="effusion", mask=MASK), Finding(text="mass", mask=second))

    carried = inputs_of(InsertRequest(image=FILM, findings=findings))["image"]

    assert not carried[(MASK > 0) | (second > 0)].any()


def test_two_films_that_differ_under_the_zone_only_have_one_recipe():
    other = np.where(MASK > 0, np.float32(1) - FILM, FILM)

    one, two = (recipe_of(EraseRequest(image=i, mask=MASK), "e", {}) for i in (FILM, other))

    assert one == two


def test_an_exact_edit_leaves_its_picture_out_of_the_file():
    request = EraseRequest(image=FILM, mask=MASK, sampling=Sampling(exact=True))
    recipe = recipe_of(request, "published", {})

    inputs = inputs_of(request)

    assert list(inputs) == ["mask"]
    with pytest.raises(InvalidRequest, match="--input image=FILE"):
        request_of(recipe, inputs)
    assert np.array_equal(request_of(recipe, {**inputs, "image": FILM}).image, FILM)


def test_another_input_than_the_recipe_names_is_refused():
    request = REQUESTS["erase"]
    recipe = recipe_of(request, "e", {})
    inputs = inputs_of(request) | {"mask": np.roll(MASK, 1)}

    with pytest.raises(InvalidRequest, match="'mask' is not the one"):
        request_of(recipe, inputs)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"schema": 99}, "version 99"),
        ({"verb": "conjure"}, "'conjure'"),
        ({"inputs": None}, "names no inputs"),
        ({"parameters": {}}, "do not fit"),
        ({"parameters": None}, "do not fit"),
        ({"parameters": {"sampling": {"steps": "ten"}}}, "do not fit"),
        ({"parameters": {"sampling": {"steps": 2.5}}}, "do not fit"),
        ({"parameters": {"sampling": {"speed": 1}}}, "do not fit"),
        ({"parameters": {"image": {"input": "none"}}}, "do not fit"),
        ({"parameters": {"image": {"input": "image"}, "method": 3}}, "do not fit"),
        ({"parameters": {"image": {"input": "image"}, "method": "magic"}}, "magic"),
        ({"parameters": {"zoom": 2}}, "'zoom'"),
    ],
)
def test_a_recipe_that_was_changed_is_refused_in_a_sentence(change, sentence):
    request = REQUESTS["upscale"]

    with pytest.raises(InvalidRequest, match=sentence):
        request_of(recipe_of(request, "e", {}) | change, inputs_of(request))


def leaves(value, at=()):
    """The places of all plain values in JSON."""
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        return [place for key, below in pairs for place in leaves(below, (*at, key))]
    return [at]


@pytest.mark.parametrize("name", REQUESTS)
def test_true_is_no_number_and_a_number_not_true_anywhere_in_a_recipe(name):
    request = REQUESTS[name]
    recipe = recipe_of(request, "e", {})
    places = leaves(recipe["parameters"])
    assert ("sampling", "seed") in places or name == "segment"

    for *above, last in places:
        changed = copy.deepcopy(recipe)
        holder = changed["parameters"]
        for key in above:
            holder = holder[key]
        holder[last] = 1 if isinstance(holder[last], bool) else True

        with pytest.raises(InvalidRequest, match="do not fit"):
            request_of(changed, inputs_of(request))


def test_in_recipes_that_say_nothing_of_it_guidance_was_worked_out_at_every_step():
    recipe = recipe_of(REQUESTS["generate"], "embedded", MODELS)
    inputs = inputs_of(REQUESTS["generate"])
    assert request_of(recipe, inputs).sampling.guidance_lasts == 1.5

    del recipe["parameters"]["sampling"]["guidance_lasts"]

    assert request_of(recipe, inputs).sampling.guidance_lasts == 1


def test_true_is_no_version_of_a_recipe():
    recipe = recipe_of(REQUESTS["erase"], "e", {})

    with pytest.raises(ImageUnreadable, match="changed or damaged"):
        recipe_from_text(json.dumps(recipe | {"schema": True}).encode())


def test_a_chain_remembers_every_step_and_its_origin():
    made = recipe_of(REQUESTS["generate from nothing"], "e", {})
    edited = with_history(recipe_of(REQUESTS["insert"], "e", {}), made)
    large = with_history(recipe_of(REQUESTS["upscale"], "e", {}), edited)

    assert [step["verb"] for step in large["history"]] == ["generate", "insert"]
    assert "history" not in large["history"][1]
    assert wholly_synthetic(large)
    assert not wholly_synthetic(recipe_of(REQUESTS["insert"], "e", {}))
    assert with_history(made, None) is made


def test_a_long_chain_keeps_its_origin():
    recipe = recipe_of(REQUESTS["generate from nothing"], "e", {})
    for _ in range(60):
        recipe = with_history(recipe_of(REQUESTS["insert"], "e", {}), recipe)

    assert len(recipe["history"]) == 50
    assert wholly_synthetic(recipe)


def test_a_chain_of_long_reports_still_fits_into_a_file_that_is_read():
    wordy = recipe_of(GenerateRequest(report="ж" * 10_000), "e", {})
    recipe = wordy
    for _ in range(60):
        recipe = with_history(wordy, recipe)

    found, _ = read_recipe(picture_bytes(FILM, recipe, {}))

    assert found == recipe


def test_text_that_is_no_unicode_survives():
    request = GenerateRequest(report="broken \udcff")
    recipe = recipe_of(request, "e", {})

    found, inputs = read_recipe(picture_bytes(FILM, recipe, {}))

    assert request_of(found, inputs).report == request.report


def test_the_strip_touches_no_pixel_and_is_taken_off_again():
    recipe = recipe_of(REQUESTS["generate from nothing"], "e", {})

    data = picture_bytes(FILM, recipe, {}, mark="strip")

    shown = np.array(Image.open(io.BytesIO(data)))
    assert shown.shape[0] > FILM.shape[0]
    assert np.array_equal(shown[: FILM.shape[0]], np.round(FILM * 65535))
    assert len(np.unique(shown[FILM.shape[0] :])) > 2  # something is written there
    assert np.array_equal(read_image(data).pixels, FILM)


def test_the_corner_mark_changes_the_corner_only():
    recipe = recipe_of(REQUESTS["generate from nothing"], "e", {})
    film = np.full((256, 256), 0.5, np.float32)

    shown = np.array(Image.open(io.BytesIO(picture_bytes(film, recipe, {}, mark="corner"))))

    changed = shown != round(0.5 * 65535)
    assert shown.shape == film.shape
    assert changed[-20:, :100].any()
    assert not changed[:200].any()
    assert not changed[:, 140:].any()


@pytest.mark.case(58, 59)
def test_without_a_mark_the_metadata_is_still_there():
    recipe = recipe_of(REQUESTS["generate from nothing"], "e", {})

    data = picture_bytes(FILM, recipe, {}, mark="none", bits=8)

    assert np.array(Image.open(io.BytesIO(data))).dtype == np.uint8
    assert json.loads(texts(data)["XReal-Studio"])["synthetic"] is True
    assert "digitalsourcetype/trainedAlgorithmicMedia" in texts(data)["XML:com.adobe.xmp"]
    assert WHOLE in texts(data)["Comment"]


def test_a_changed_real_film_says_that_it_is_partly_synthetic():
    request = REQUESTS["erase"]

    data = picture_bytes(FILM, recipe_of(request, "e", {}), inputs_of(request))

    assert "compositeWithTrainedAlgorithmicMedia" in texts(data)["XML:com.adobe.xmp"]
    assert PARTLY in texts(data)["Comment"]


@pytest.mark.case(59)
def test_other_programs_open_the_file(tmp_path):
    import cv2

    request = REQUESTS["generate"]
    path = tmp_path / "film.png"
    write_picture(path, FILM, recipe_of(request, "e", {}), inputs_of(request), mark="none")

    with Image.open(path) as image:
        image.load()
        assert "XReal-Studio" in image.text
    assert np.array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), np.round(FILM * 65535))


def test_an_edited_copy_loses_the_strip_rule_rather_than_rows():
    data = picture_bytes(FILM, recipe_of(REQUESTS["generate from nothing"], "e", {}), {})
    cropped = np.array(Image.open(io.BytesIO(data)))[:30, :30]
    kept = [c for c in png.chunks(data) if c[0] == b"iTXt"]
    header, *rest = png.chunks(png.encode(cropped))

    copied = png.join([header, *kept, *rest])

    assert read_image(copied).pixels.shape == (30, 30)


def test_a_recipe_in_a_json_file_is_read(tmp_path):
    recipe = recipe_of(REQUESTS["generate from nothing"], "e", {})
    write_recipe(tmp_path / "recipe.json", recipe)

    assert read_recipe(tmp_path / "recipe.json") == (recipe, {})


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (picture_bytes(FILM, {"schema": 1}, {})[:-30], "cut off"),
        (png.encode(np.zeros((8, 8), np.uint8)), "holds no recipe"),
        (b"<html>", "neither"),
        (b'{"schema": NaN}', "neither"),
        (b"[1, 2]", "not a recipe"),
        (b'{"models": ["painter"]}', "changed or damaged"),
        (b'{"history": [3]}', "changed or damaged"),
        (b'{"batch": {"seeds": [1], "item": 1}}', "changed or damaged"),
        (b"[" * 100_000, "neither"),
        (b" " * 3_000_000, "larger than any recipe"),
    ],
)
def test_files_without_a_recipe_get_one_sentence(data, sentence):
    with pytest.raises(ImageUnreadable, match=sentence):
        read_recipe(data)


def bomb(form: bytes, body: bytes) -> bytes:
    header, *rest = png.chunks(picture_bytes(FILM, {"schema": 1}, {}))
    return png.join([header, (b"xrSI", b"mask\0" + form + body), *rest])


@pytest.mark.parametrize(
    ("form", "body"),
    [
        (b"F", b"\x00\x00\x00\x08" * 2 + zlib.compress(b"\0" * 10)),  # too short
        (b"F", b"\xff\xff\xff\xff" * 2 + zlib.compress(b"\0" * 1000)),  # too large
        (b"F", b"\x00\x00\x00\x08" * 2 + b"rubbish"),
        (b"F", b"\x00"),
        (b"8", b"rubbish"),
        (b"8", png.encode(np.zeros((8, 8), np.uint8))[:50]),
        (b"?", b""),
        (b"", b""),
    ],
)
def test_damaged_inputs_are_refused(form, body):
    with pytest.raises(ImageUnreadable):
        read_recipe(bomb(form, body))


def test_packed_numbers_never_grow_beyond_the_size_they_state():
    packed = b"\x00\x00\x00\x08" * 2 + zlib.compress(b"\0" * 50_000_000)

    _, inputs = read_recipe(bomb(b"F", packed))

    assert inputs["mask"].nbytes == 8 * 8 * 4


@pytest.mark.parametrize(("mark", "bits"), [("stamp", 16), ("strip", 12)])
def test_unknown_marks_and_depths_are_refused(mark, bits):
    with pytest.raises(InvalidRequest):
        picture_bytes(FILM, {}, {}, mark=mark, bits=bits)

"""What a file says of where it comes from."""

import io

import numpy as np
import pytest
from PIL import Image

from engine import png
from engine.api import EraseRequest, GenerateRequest, Sampling
from engine.errors import ImageUnreadable
from engine.images import to_codes
from engine.invisible import EDIT_WORD, WHOLE_WORD, embed
from engine.marks import xmp
from engine.origin import origin_of, stated
from engine.provenance import inputs_of, picture_bytes, recipe_of
from tests.engine.test_invisible import SIDE, box, film, jpeg, picture

ALL = np.ones((SIDE, SIDE), bool)
MADE = embed(film(1), ALL, WHOLE_WORD)
GENERATED = recipe_of(GenerateRequest(), "embedded", {})


def saved(image: Image.Image, form: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("mark", ["strip", "corner", "none"])
def test_a_file_of_ours_says_all_three(bits, mark):
    origin = origin_of(picture_bytes(MADE, GENERATED, {}, mark, bits))

    assert (origin.kind, origin.extent) == ("recipe", "whole")
    assert origin.recipe == GENERATED
    assert origin.source_type == "trainedAlgorithmicMedia"
    assert origin.mark.certain
    assert origin.mark.word == WHOLE_WORD
    assert "Synthetic as a whole" in origin.sentences[0]


def test_an_edit_of_a_film_is_partly_synthetic():
    zone = box(0.25)
    request = EraseRequest(image=film(2), mask=zone.astype(np.float32))
    data = picture_bytes(
        embed(film(2), zone, EDIT_WORD), recipe_of(request, "embedded", {}), inputs_of(request)
    )

    origin = origin_of(data)

    assert (origin.kind, origin.extent) == ("recipe", "partly")
    assert origin.source_type == "compositeWithTrainedAlgorithmicMedia"
    assert origin.mark.word == EDIT_WORD


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize(
    ("source", "extent"),
    [("trainedAlgorithmicMedia", "whole"), ("compositeWithTrainedAlgorithmicMedia", "partly")],
)
def test_metadata_alone_are_read_from_every_format(form, source, extent):
    if form == "PNG":
        header, *rest = png.chunks(png.encode(to_codes(film(3), 8)))
        data = png.join([header, png.text_chunk("XML:com.adobe.xmp", xmp(source)), *rest])
    elif form == "JPEG":
        data = saved(picture(film(3)), form, xmp=xmp(source).encode())
    else:
        data = saved(picture(film(3)), form, tiffinfo={700: xmp(source).encode()})

    origin = origin_of(data)

    assert (origin.kind, origin.extent, origin.source_type) == ("metadata", extent, source)
    assert not origin.mark.certain
    assert "no recipe" in origin.sentences[0]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF"])
def test_the_mark_alone_is_found_where_all_else_was_dropped(form):
    origin = origin_of(saved(picture(MADE), form))

    assert (origin.kind, origin.extent) == ("mark", "whole")
    assert "made whole by XReal Studio" in " ".join(origin.sentences)


def test_nothing_found_proves_nothing():
    origin = origin_of(saved(jpeg(picture(film(4))), "JPEG"))

    assert (origin.kind, origin.extent) == ("nothing", None)
    assert "proves nothing" in origin.sentences[0]


def test_another_source_type_is_no_statement_of_ours():
    data = saved(picture(film(5)), "JPEG", xmp=xmp("digitalCapture").encode())

    assert origin_of(data).kind == "nothing"
    assert origin_of(data).source_type == "digitalCapture"


def test_a_recipe_moved_into_another_picture_is_doubted():
    origin = origin_of(picture_bytes(film(6), GENERATED, {}))

    assert origin.kind == "recipe"
    assert "put into another picture" in " ".join(origin.sentences)


def test_an_exact_run_promises_no_mark():
    recipe = recipe_of(GenerateRequest(sampling=Sampling(exact=True)), "published", {})

    assert recipe["invisible_mark"] == 0
    assert len(origin_of(picture_bytes(film(6), recipe, {})).sentences) == 1


@pytest.mark.parametrize(
    "data", [b"", b"%PDF-1.7", b"{}", picture_bytes(MADE, GENERATED, {})[:900]]
)
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(ImageUnreadable):
        origin_of(data)


def test_what_a_file_states_is_known_without_its_pixels():
    plain = saved(picture(MADE), "PNG")
    told = saved(picture(film(3)), "JPEG", xmp=xmp("compositeWithTrainedAlgorithmicMedia").encode())

    assert stated(picture_bytes(film(1), GENERATED, {}), None) == ("whole", GENERATED)
    assert stated(told, None) == ("partly", None)
    assert stated(plain, None) == (None, None)  # the mark in its pixels is not looked for

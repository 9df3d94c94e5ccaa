import numpy as np
import pytest

from app.document.session import Session
from app.models.templates import Template, embedded_templates
from app.panels import shape
from engine.errors import InvalidRequest
from engine.masks import cardiothoracic_ratio
from engine.shapes import ChestShape
from tests.app.fake_engine import FakeEngine
from tests.app.served import application
from tests.box_chest import box_shapes

MIDDLE = {"ratio": 0.4, "volume": 0, "rotation": 0, "habitus": 0, "view": 0}


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    from app.settings import Settings

    _, desk = application(FakeEngine(), Settings(port=7861, data=tmp_path_factory.mktemp("data")))
    yield desk
    desk.jobs.close()


def test_sliders_become_settings():
    told = {"kind": "shape", "ratio": 0.6, "volume": -1, "rotation": 0, "habitus": 1.5, "view": 0.2}

    found = shape.read(told, "low volumes")

    assert found == ChestShape("low volumes", 0.6, -1.0, 0.0, 1.5, 0.2)


@pytest.mark.parametrize("value", [None, "0.5", True, [1]])
def test_what_is_no_number_is_refused_by_its_name(value):
    with pytest.raises(InvalidRequest, match="Lung volume must be a number"):
        shape.read({**MIDDLE, "volume": value}, "average")


def test_the_line_says_what_is_moved():
    assert shape.summary(ChestShape()) == "Anatomy: average"
    moved = ChestShape("large heart", 0.6, volume=-1.0)
    assert shape.summary(moved) == "Anatomy: large heart, heart 0.60, lung volume -1.0"


def test_the_sliders_go_where_the_template_is():
    found = shape.shown(ChestShape("large heart", volume=0.5), 0.587)

    assert found["ratio"]["value"] == 0.59
    assert found["volume"]["value"] == 0.5 and found["view"]["value"] == 0


def test_a_template_has_the_ratio_that_it_says():
    for template in embedded_templates():
        found = cardiothoracic_ratio(template.organs(256, 256))

        assert abs((found or 0) - template.ratio) < 0.01, template.name


def test_the_sliders_start_at_the_first_template_that_ships():
    first = embedded_templates()[0]

    assert first.name == ChestShape().template
    assert abs(first.ratio - shape.AVERAGE_RATIO) < 0.005


def test_a_slider_draws_the_template_that_was_chosen(desk):
    session = Session("me")

    desk.told(session, {"kind": "template", "name": "Large heart", "rev": 1})
    assert session.chest == ChestShape("large heart")
    found = desk.told(session, {"kind": "shape", "rev": 2, **MIDDLE, "ratio": 0.5})

    assert session.chest == ChestShape("large heart", 0.5, 0.0, 0.0, 0.0, 0.0)
    assert found.ratio["value"] == 0.5
    view = found.canvas["view"]
    assert view["base"] == 2 and view["labels_url"]


def test_a_slider_out_of_range_is_a_note_and_changes_nothing(desk):
    session = Session("me")

    found = desk.told(session, {"kind": "shape", "rev": 1, **MIDDLE, "ratio": 0.9})

    assert "0.9 is outside" in found.lines["note"]["text"]
    assert session.chest == ChestShape()


def test_an_anatomy_has_the_size_of_a_wide_picture():
    wide = Template("average", box_shapes()).organs(60, 100, ChestShape(ratio=0.5))

    assert wide.shape == (60, 100) and set(np.unique(wide)) == {0, 1, 2, 3}

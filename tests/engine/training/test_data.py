"""Reading a training folder: made-up files, no patient."""

import numpy as np
import pytest
from PIL import Image

from engine.training.data import read_index, read_mask, windowed

INDEX = """image,image1024,mask,source,id,patient,split,view,age,sex,labels,rsna_class,ctr
images512/a.jpg,,masks512/a.png,made,a,p1,train,PA,60,M,Effusion|Mass,,
images512/b.jpg,,,made,b,p2,val,AP,40,F,No Finding,,
"""
BOXES = """file,nih,origin,label,x,y,w,h
a.png,a,drawn,Effusion,128,256,64,32
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "index.csv").write_text(INDEX)
    (tmp_path / "boxes.csv").write_text(BOXES)
    return tmp_path


def test_boxes_reach_their_film_as_shares_of_its_side(folder):
    films = read_index(folder)

    assert [film.labels for film in films] == [("Effusion", "Mass"), ("No Finding",)]
    (box,) = films[0].boxes
    assert (box.label, box.x, box.y, box.w, box.h) == ("Effusion", 0.25, 0.5, 0.125, 0.0625)
    assert films[1].boxes == ()


def test_the_patients_right_lung_is_renumbered_and_stays_on_the_images_left(tmp_path):
    theirs = np.zeros((512, 512), np.uint8)
    theirs[100:400, 60:200] = 1  # right lung in the data
    theirs[100:400, 300:440] = 2  # left lung in the data
    theirs[250:400, 220:290] = 3
    Image.fromarray(theirs).save(tmp_path / "mask.png")

    ours = read_mask(tmp_path / "mask.png")

    assert ours[100, 60] == 2
    assert ours[100, 180] == 1
    assert ours[160, 128] == 3


def test_the_window_stretches_to_full_scale_and_ignores_half_a_percent():
    rng = np.random.default_rng(0)
    film = rng.integers(60, 180, (100, 100)).astype(np.uint8)
    film[0, :3] = 255  # a marker

    stretched = windowed(film)

    assert stretched.min() == 0
    assert (stretched == 255).mean() < 0.03
    assert np.abs(stretched.mean() - 127) < 6

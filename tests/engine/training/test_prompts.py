import random

from engine.networks.text import UNKNOWN, read_vocabulary, rows
from engine.training.data import Box, Film
from engine.training.prompts import known_pieces, phrases, place, prompt
from engine.training.workshop import VOCABULARY

FILM = Film(
    image="",
    image1024="",
    mask="",
    source="",
    patient="",
    split="train",
    view="AP",
    sex="F",
    labels=("Effusion", "Cardiomegaly"),
    boxes=(Box("Effusion", 0.7, 0.7, 0.1, 0.1), Box("Cardiomegaly", 0.4, 0.5, 0.3, 0.3)),
)


def test_a_box_on_the_images_right_is_on_the_patients_left():
    assert place(FILM, "Effusion", None) == "left lower"


def test_the_heart_has_no_side():
    assert phrases(FILM, None) == [("effusion", "left lower"), ("cardiomegaly", "")]


def test_two_boxes_left_and_right_are_both():
    other = Box("Effusion", 0.1, 0.7, 0.1, 0.1)
    film = Film(**{**vars(FILM), "boxes": (*FILM.boxes, other)})

    assert place(film, "Effusion", None) == "both"


def test_every_word_of_a_prompt_is_known_to_the_text_encoder():
    vocabulary = read_vocabulary(VOCABULARY)
    known = known_pieces(vocabulary)
    texts = [prompt(FILM, phrases(FILM, None), random.Random(i)) for i in range(200)]

    table = rows(texts, vocabulary, known)

    assert not (table == known.index(vocabulary[UNKNOWN])).any()
    assert any("effusion left lower" in text for text in texts)
    assert "" in texts

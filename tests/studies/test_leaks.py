"""What gives the sources away beside anatomy is found before the freeze and named in words."""

import hashlib
from dataclasses import replace

import cv2
import numpy as np
import pytest

from app.studies.leaks import balance, check_pictures, out_of_fold
from app.studies.model import Case
from app.studies.pictures import (
    PICTURES,
    Treatment,
    add_pictures,
    codes_of,
    encoded,
    from_pixels,
)
from app.studies.statistics.areas import area
from tests.studies.films import film

EACH = 24


def checked(folder, change=lambda pixels, n: pixels, treatment=None, each=EACH):
    """A study of films and synthetic pictures drawn alike; ``change`` marks the synthetic ones."""
    pictures = []
    for n in range(2 * each):
        synthetic = n % 2 == 1
        pixels = film(n, 192)
        case = Case(f"case-{n}", ("hospital", "ours")[synthetic], synthetic, "effusion")
        pictures.append(from_pixels(case, change(pixels, n) if synthetic else pixels))
    cases = add_pictures(folder, pictures, treatment or Treatment(side=160))
    return check_pictures(folder, cases)


def grave(found, about):
    return [one.sentence for one in found.remarks if one.grave and one.about == about]


def test_pictures_drawn_alike_raise_no_warning(tmp_path):
    found = checked(tmp_path)

    assert found.clear and len(found.separations) == 1
    assert found.separations[0].low < 0.5 < found.separations[0].high


def bordered(pixels, n):
    return cv2.copyMakeBorder(pixels[8:-8, 8:-8], 8, 8, 8, 8, cv2.BORDER_CONSTANT)


def striped(pixels, n):
    return (pixels + 0.01 * np.cos(np.arange(192) * np.pi * 0.75)).astype(np.float32)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda pixels, n: cv2.GaussianBlur(pixels, (0, 0), 1.0), "sharpness at the finest"),
        (bordered, "border"),
        (striped, "regular pattern in the frequencies"),
    ],
)
def test_what_separates_is_named(tmp_path, change, word):
    found = checked(tmp_path, change)
    (sentence,) = grave(found, "leaks")

    assert found.separations[0].area > 0.95 and found.separations[0].low > 0.85
    assert word in sentence and "Readers may answer by that" in sentence
    assert not found.clear


def combed(folder, case):
    """The case with 100 levels of 256 left, as where an 8-bit picture was stretched."""
    grey = codes_of(folder, case)
    data = encoded(np.round(np.round(grey / 2.55) * 2.55).astype(np.uint8))
    sha256 = hashlib.sha256(data).hexdigest()
    (folder / PICTURES / f"{sha256}.png").write_bytes(data)
    return replace(case, sha256=sha256)


def test_gaps_in_the_histogram_are_named(tmp_path):
    pictures = [
        from_pixels(Case(f"case-{n}", ("hospital", "ours")[n % 2], n % 2 == 1), film(n, 192))
        for n in range(2 * EACH)
    ]
    cases = add_pictures(tmp_path, pictures, Treatment(side=160))
    changed = [combed(tmp_path, case) if case.synthetic else case for case in cases]

    (sentence,) = grave(check_pictures(tmp_path, changed), "leaks")

    assert "gaps in the histogram" in sentence


def test_a_class_in_the_middle_of_the_other_is_found():
    rng = np.random.default_rng(3)
    label = np.arange(120) % 2 == 0
    value = np.where(label, rng.normal(0, 0.2, 120), rng.choice([-1, 1], 120))
    scores = out_of_fold(value[:, None], label, [str(n) for n in range(120)], rng)

    assert area(scores[label], scores[~label]).value > 0.95


def test_pictures_of_one_scene_never_teach_about_each_other():
    """A feature that is the scene's number cannot help where scenes are left out whole."""
    rng = np.random.default_rng(4)
    scene = np.repeat(np.arange(40), 3)
    label = np.repeat(rng.permutation(40) % 2 == 0, 3)
    own = np.repeat(rng.normal(size=(40, 6)), 3, axis=0)
    groups = [str(n) for n in scene]
    alone = [str(n) for n in range(120)]
    honest, cheated = (
        area(scores[label], scores[~label]).value
        for scores in (
            out_of_fold(own, label, groups, np.random.default_rng(0)),
            out_of_fold(own, label, alone, np.random.default_rng(0)),
        )
    )

    assert honest < 0.65 and cheated > honest + 0.08


def test_a_copy_of_a_film_among_the_synthetic_ones_is_grave_and_a_mirrored_one_too(tmp_path):
    def copied(pixels, n):
        if n == 5:
            return np.clip(film(4, 192) * 0.9 + 0.02, 0, 1)
        if n == 9:
            return film(12, 192)[:, ::-1]
        return pixels

    found = checked(tmp_path, copied)

    assert [sentence.split(" (")[0] for sentence in grave(found, "duplicates")] == [
        "case-4 and case-5",
        "case-9 and case-12",
    ]


def test_edits_and_pictures_of_one_scene_are_meant_to_be_alike(tmp_path):
    made = [
        from_pixels(Case("a", "hospital", False, scene="s"), film(1, 192)),
        from_pixels(Case("b", "ours", True, scene="s"), film(1, 192) * 0.95),
        from_pixels(Case("c", "hospital", False), film(2, 192)),
        from_pixels(Case("d", "ours", True, edit_of="c"), film(2, 192) * 0.95),
        from_pixels(Case("e", "theirs", True, edit_of="c"), film(2, 192) * 0.9),
    ]
    cases = add_pictures(tmp_path, made, Treatment(side=160))

    found = check_pictures(tmp_path, cases).remarks
    assert [one.sentence for one in found if one.about == "duplicates"] == []


def some(count, synthetic, finding):
    name = "ours" if synthetic else "hospital"
    return [
        Case(f"{name}-{finding}-{n}", name, synthetic, finding, sha256="0" * 64)
        for n in range(count)
    ]


def test_numbers_that_tell_are_said():
    unequal = balance(some(30, False, "none") + some(10, True, "none"))
    only = balance(some(10, False, "none") + some(10, True, "none") + some(5, True, "mass"))
    matched = balance(some(10, False, "none") + some(12, True, "none"))
    bare = balance([replace(some(1, True, "none")[0], sha256="")])

    assert "30 real and 10 synthetic" in unequal[0].sentence and unequal[0].grave
    assert "'mass' is in synthetic pictures only (5)" in only[0].sentence and only[0].grave
    assert matched == []
    assert "1 cases have no picture" in bare[0].sentence


def test_too_few_pictures_are_not_called_clear_of_leaks(tmp_path):
    found = checked(tmp_path, each=4)

    assert found.separations == ()
    assert any("too few pictures" in one.sentence for one in found.remarks)

"""A project file gives back what was saved, bit for bit, or is refused as a whole."""

import json
import zipfile
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.canvas.drawing import Drawing, FindingRegion
from app.document.archive import MANIFEST, project_bytes, read_project
from app.document.project import Document, ProjectUnreadable, become, snapshot
from app.document.session import Session, State
from engine.api import EraseRequest, Finding, GenerateRequest, Sampling
from engine.provenance import inputs_of, request_of
from engine.shapes import ChestShape
from tests.app.fake_engine import FakeEngine
from tests.app.test_panels import CHEST, SIDE, A, B, drawing, form
from tests.app.test_session import opened, run

ME = "me-01234567890123456789"


def worked_in():
    """A session with an opened film, a run with two findings, an edit, words and settings."""
    session = Session(ME)
    session.title = "Fall 7"
    film = replace(opened(session), spacing_mm=0.143)
    session.states[film.number] = film
    drawn = drawing(*CHEST, (4, 20, 30, 40, 50), (5, 1, 9, 1, 9), findings=[A, B])
    findings = tuple(Finding(text=f.words, mask=drawn.mask(f.bit)) for f in (A, B))
    request = GenerateRequest(
        report="Effusion.", organs=drawn.organs(), findings=findings, sampling=Sampling(seed=3)
    )
    run(session, request, drawn=drawn, name="Effusion")
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[5:9, 5:9] = 1
    erase = EraseRequest(image=film.image, mask=mask, sampling=Sampling(seed=1))
    run(session, erase, parent=film.number, name="Erased", proposal=True)
    session.drawing = replace(drawn, doc=session.doc, rev=17, state="2")
    session.report = "Moderate effusion. \u00e9\u4e2d"
    session.form = form(seed=41207)
    session.chest = ChestShape("large heart", ratio=0.6, rotation=-0.5)
    session.look = {"window": 200, "pinned": "2"}
    return session


def written(tmp_path, document):
    path = tmp_path / "project.zip"
    path.write_bytes(project_bytes(document))
    return path


def assert_same(was: Document, now: Document):
    for field in fields(Document):
        if field.name not in ("states", "drawing"):
            assert getattr(was, field.name) == getattr(now, field.name), field.name
    assert_same_drawing(was.drawing, now.drawing)
    assert len(was.states) == len(now.states)
    for before, after in zip(was.states, now.states, strict=True):
        assert after.image.dtype == np.float32
        np.testing.assert_array_equal(before.image, after.image)
        assert_same_drawing(before.drawing, after.drawing)
        assert set(before.inputs or ()) == set(after.inputs or ())
        for name, array in (before.inputs or {}).items():
            assert array.dtype == after.inputs[name].dtype
            np.testing.assert_array_equal(array, after.inputs[name])
        for field in fields(State):
            if field.name not in ("image", "drawing", "inputs", "descent"):
                assert getattr(before, field.name) == getattr(after, field.name), field.name


def assert_same_drawing(before, after):
    assert (before is None) == (after is None)
    if before is not None:
        np.testing.assert_array_equal(before.bits, after.bits)
        assert (before.findings, before.rev, before.state) == (
            after.findings,
            after.rev,
            after.state,
        )


def test_a_project_gives_back_every_pixel_bit_word_and_setting(tmp_path):
    was = snapshot(worked_in())
    now = read_project(written(tmp_path, was))

    assert_same(was, now)
    assert now.form["seed"] == 41207
    for state in now.states[1:]:
        again = FakeEngine().run(request_of(state.recipe, state.inputs))
        wanted = state.recipe.get("state", list(again.states)[-1])
        np.testing.assert_array_equal(again.states[wanted], state.image)


def test_a_session_becomes_the_project_and_goes_on_counting(tmp_path):
    document = read_project(written(tmp_path, snapshot(worked_in())))
    session = Session("other-0123456789012345")
    become(session, document)

    assert session.title == "Fall 7" and list(session.states) == [1, 2, 3, 4, 5]
    assert opened(session).number == 6


@st.composite
def documents(draw):
    height, width = draw(st.integers(32, 40)), draw(st.integers(32, 40))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    session = Session(ME)
    for _ in range(draw(st.integers(0, 3))):
        bits = draw(st.sampled_from([8, 10, 12, 16]))  # films of hospitals have 10 or 12
        most = 255 if bits == 8 else 65535
        codes = random.integers(0, most + 1, (height, width)).astype(np.float32)
        image = (codes / np.float32(most)).astype(np.float32)
        recipe = inputs = None
        if draw(st.booleans()):
            mask = np.zeros((height, width), np.float32)
            mask[random.random((height, width)) < 0.1] = draw(st.sampled_from([0.25, 1.0]))
            mask[0, 0] = 1
            request = EraseRequest(image=image, mask=mask, words=draw(st.text(max_size=20)))
            recipe, inputs = FakeEngine().run(request).recipe, inputs_of(request)
        words = draw(st.text(st.characters(codec="utf-8"), max_size=30)) * draw(
            st.sampled_from([1, 100])
        )
        session.add(
            lambda n, image=image, recipe=recipe, inputs=inputs, words=words, bits=bits: State(
                number=n, name=words, kind="made", image=image, bits=bits, origin="partly",
                recipe=recipe, inputs=inputs, report=words, seed=draw(st.integers(0, 2**53)),
                notes=(words,),
            )
        )  # fmt: skip
    if draw(st.booleans()):
        planes = random.integers(0, 2**30, (height, width)).astype(np.uint32)
        words = draw(st.text(max_size=30)).strip()
        session.drawing = Drawing(
            session.doc, draw(st.integers(0, 2**40)), "job", None, planes,
            (FindingRegion(4, "A", words),),
        )  # fmt: skip
    session.report = draw(st.text(st.characters(codec="utf-8"), max_size=50))
    return snapshot(session)


@given(documents())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_document_survives_the_way_to_the_file_and_back(tmp_path, was):
    assert_same(was, read_project(written(tmp_path, was)))


def rewritten(path, change):
    """The project with its members changed by ``change(name -> bytes)``."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def with_manifest(**values):
    def change(members):
        told = json.loads(members[MANIFEST])
        members[MANIFEST] = json.dumps({**told, **values}).encode()

    return change


def flipped(name):
    def change(members):
        data = bytearray(members[name])
        data[len(data) // 2] ^= 1
        members[name] = bytes(data)

    return change


@pytest.mark.case(55)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (with_manifest(schema=99, program="XReal Studio 9.0"), "newer version.*9.0"),
        (with_manifest(format="other"), "not a project"),
        (with_manifest(files=[]), "list of contents"),
        (with_manifest(created=float("nan")), "list of contents"),
        (with_manifest(changed=1e300), "list of contents"),
        (flipped("pictures/2.png"), "a picture .pictures/2.png."),
        (flipped("drawings/1.gz"), "a drawing .drawings/1.gz."),
        (flipped("recipes/1.json"), "a recipe .recipes/1.json."),
        (flipped("document.json"), "list of contents"),
        (lambda members: members.pop("inputs/1.bin"), "inputs/1.bin"),
        (lambda members: members.pop(MANIFEST), "no list of contents"),
        (lambda members: members.update({"../evil": b"x"}), "list of contents"),
        (lambda members: members.update({"more.txt": b"x"}), "list of contents"),
        (lambda members: members.update({"pictures/2.png": bytes(10**7)}), "pictures/2.png"),
    ],
)
def test_a_project_that_is_not_whole_is_refused_by_the_part(tmp_path, change, said):
    path = rewritten(written(tmp_path, snapshot(worked_in())), change)
    with pytest.raises(ProjectUnreadable, match=said):
        read_project(path)


def resigned(name, data):
    """A member replaced, with a manifest that agrees: what a stranger could write."""
    from app.document.archive import entry

    def change(members):
        members[name] = data
        told = json.loads(members[MANIFEST])
        told["files"] = [entry(n, members[n]) for n in members if n != MANIFEST]
        members[MANIFEST] = json.dumps(told).encode()

    return change


@pytest.mark.case(55)
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("pictures/1.png", b"no picture"),
        ("recipes/1.json", b"[]"),
        ("inputs/1.bin", b"image\0F\xff\xff\xff\xff\xff\xff\xff\xff"),
        ("drawings/1.gz", b"\x1f\x8b"),
        ("document.json", b"{}"),
        ("document.json", b"[" * 100_000),
    ],
)
def test_a_part_that_is_nonsense_is_refused_though_it_is_signed(tmp_path, name, data):
    path = rewritten(written(tmp_path, snapshot(worked_in())), resigned(name, data))
    with pytest.raises(ProjectUnreadable):
        read_project(path)


@pytest.mark.parametrize(
    ("part", "other"), [("picture", "drawings/1.gz"), ("recipe", "document.json")]
)
def test_a_part_cannot_stand_for_one_of_another_kind(tmp_path, part, other):
    def change(members):
        told = json.loads(members["document.json"])
        told["states"][1][part] = other
        resigned("document.json", json.dumps(told).encode())(members)

    path = rewritten(written(tmp_path, snapshot(worked_in())), change)
    with pytest.raises(ProjectUnreadable):
        read_project(path)


@pytest.mark.parametrize(("number", "parent"), [(1, 1), (2, 3), (3, 3)])
def test_a_state_comes_after_the_one_it_was_made_from(tmp_path, number, parent):
    """A circle of parents would have no beginning to go back to."""

    def change(members):
        told = json.loads(members["document.json"])
        told["states"][number - 1]["parent"] = parent
        resigned("document.json", json.dumps(told).encode())(members)

    path = rewritten(written(tmp_path, snapshot(worked_in())), change)
    with pytest.raises(ProjectUnreadable):
        read_project(path)


@pytest.mark.case(55)
def test_a_bomb_is_not_unpacked(tmp_path):
    path = written(tmp_path, snapshot(worked_in()))
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pictures/99.png", bytes(2 * 10**8))
    with pytest.raises(ProjectUnreadable):
        read_project(path)


@pytest.mark.case(55)
def test_links_folders_and_names_given_twice_are_refused(tmp_path):
    path = written(tmp_path, snapshot(worked_in()))
    data = path.read_bytes()
    for bad in ("link", "twice", "cut"):
        path.write_bytes(data)
        if bad == "cut":
            path.write_bytes(data[: len(data) // 2])
        elif bad == "twice":
            with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning):
                archive.writestr("pictures/1.png", archive.read("pictures/1.png"))
        else:
            rewritten(path, lambda members: None)
            with zipfile.ZipFile(path) as archive:
                members = {n: archive.read(n) for n in archive.namelist()}
            with zipfile.ZipFile(path, "w") as archive:
                for name, content in members.items():
                    info = zipfile.ZipInfo(name)
                    info.external_attr = 0o120777 << 16
                    archive.writestr(info, content)
        with pytest.raises(ProjectUnreadable):
            read_project(path)


def test_what_leaves_in_a_project_says_that_it_is_synthetic(tmp_path):
    from engine.provenance import read_recipe

    document = snapshot(worked_in())
    with zipfile.ZipFile(written(tmp_path, document)) as archive:
        recipe, _ = read_recipe(archive.read("pictures/2.png"))
        assert "not for diagnosis" in archive.read(MANIFEST).decode()
    assert recipe["synthetic"] is True


@pytest.mark.parametrize(
    ("limit", "most"), [("MOST_STATES", 4), ("MOST_STATE_PIXELS", 5000), ("MOST_INPUTS", 5000)]
)
def test_what_could_not_be_read_again_is_not_written(monkeypatch, limit, most):
    from app.document import project_reading

    document = snapshot(worked_in())
    project_bytes(document)
    monkeypatch.setattr(project_reading, limit, most)
    with pytest.raises(ProjectUnreadable, match="larger than can be opened again"):
        project_bytes(document)


def test_a_project_with_more_bytes_than_can_be_read_is_not_written(monkeypatch):
    from app.document import archive

    monkeypatch.setattr(archive, "MOST_BYTES", 1000)
    with pytest.raises(ProjectUnreadable, match="larger than can be opened again"):
        project_bytes(snapshot(worked_in()))

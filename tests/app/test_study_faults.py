"""What goes wrong on the investigator's side, and what is said of it."""

import errno
from urllib.parse import quote

import pytest

from app.studies import drives, log
from app.studies.model import Case
from tests.app.study_asked import begun, with_pictures


def test_a_pilot_is_a_study_of_its_own_that_says_so(asked, shelf, tmp_path):
    view = with_pictures(asked, tmp_path, begun(asked))
    made = asked.good(f"/{view['id']}/pilot")
    pilot = shelf.store(made["id"])

    assert pilot.phase == "open" and pilot.study().pilot
    assert list(made["codes"]) == ["R01"]
    assert asked.get(f"/{view['id']}").json()["phase"] == "draft"
    shown = pilot.for_reader("R01")
    assert shown is not None and pilot.picture("R01", shown.pictures[0]).is_file()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, "no pictures"),
        ({"readers": []}, "no pictures"),
    ],
)
def test_a_study_that_nobody_could_read_is_not_frozen(asked, change, told):
    view = begun(asked, **change)
    answer = asked.post(f"/{view['id']}/freeze", {"name": "Realism of model A"})

    assert answer.status_code == 400 and told in answer.json()["detail"]
    assert asked.get(f"/{view['id']}").json()["phase"] == "draft"


def test_a_freeze_wants_the_name_and_the_pictures_that_were_checked(asked, shelf, tmp_path):
    view = with_pictures(asked, tmp_path, begun(asked))
    wrong = asked.post(f"/{view['id']}/freeze", {"name": "realism"})
    assert "Type the name" in wrong.json()["detail"]

    sha256 = view["pictures"]["cases"][0]["sha256"]
    (shelf.folder / view["id"] / "pictures" / f"{sha256}.png").unlink()
    gone = asked.post(f"/{view['id']}/freeze", {"name": "Realism of model A"})
    assert "gone from the disk" in gone.json()["detail"]


def test_all_pictures_of_a_study_are_made_alike(asked, tmp_path):
    view = with_pictures(asked, tmp_path, begun(asked), each=2)

    answer = asked.post(f"/{view['id']}/pictures/folder", {"table": "a.csv", "side": 512})

    assert answer.status_code == 400 and "made alike" in answer.json()["detail"]


@pytest.mark.parametrize(
    "name", ["../../evil.png", "a/../../b.png", "x.exe", "", "C:\\a.png", "a\0.png"]
)
def test_a_file_whose_name_leads_elsewhere_is_refused(asked, tmp_path, name):
    view = begun(asked)
    answer = asked.client.post(
        f"/api/studies/{view['id']}/files", content=b"x", headers={"X-Name": quote(name)}
    )

    assert answer.status_code == 400
    assert [p for p in tmp_path.rglob("*") if p.name in ("evil.png", "b.png", "x.exe")] == []


def test_a_full_disk_is_a_sentence_and_the_draft_stays(asked, monkeypatch):
    view = begun(asked)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(log.os, "fsync", full)
    change = {"version": view["version"], "change": {"ethics": "not kept"}}
    answer = asked.post(f"/{view['id']}/draft", change)
    assert answer.status_code == 400 and "disk is full" in answer.json()["detail"]

    monkeypatch.setattr(log.os, "fsync", lambda _: None)
    asked.good(f"/{view['id']}/backup")
    assert asked.good(f"/{view['id']}/verify") == {"faults": []}


def test_on_a_network_drive_no_study_is_begun(asked, monkeypatch, shelf):
    monkeypatch.setattr(drives, "is_on_network", lambda *_: True)

    answer = asked.post("", {"title": "Far away", "protocol": "turing"})

    assert answer.status_code == 400 and "network drive" in answer.json()["detail"]
    assert not shelf.folder.exists() or list(shelf.folder.iterdir()) == []


def test_a_study_file_changed_by_hand_is_named_and_nothing_is_written(asked, shelf, running):
    store = shelf.store(running["id"])
    path = store.folder / "events.jsonl"
    lines = path.read_text("utf-8").splitlines()
    lines[1] = lines[1].replace("Running", "Stopped")
    path.write_text("\n".join(lines) + "\n", "utf-8")
    before = path.read_bytes()

    faults = asked.good(f"/{running['id']}/verify")["faults"]

    assert any(one["where"] == "events.jsonl, line 2" for one in faults)
    assert path.read_bytes() == before


def test_what_the_size_page_says_of_three_readers_is_that_it_is_not_enough(asked):
    view = begun(asked)
    told = asked.get(f"/{view['id']}/power?readers=3&cases=50").json()

    assert told["told"][0].startswith("Not enough to call the sources indistinguishable")
    assert told["rows"][0]["equivalent"] < 0.2
    assert any("never, by itself, evidence" in one for one in told["told"])


def test_a_case_is_taken_out_and_its_check_is_old_then(asked, tmp_path):
    view = with_pictures(asked, tmp_path, begun(asked), each=3)
    out = view["pictures"]["cases"][0]["case_id"]

    body = {"version": view["version"], "cases": [out]}
    view = asked.good(f"/{view['id']}/pictures/remove", body)

    assert out not in {one["case_id"] for one in view["pictures"]["cases"]}
    assert not view["pictures"]["check"]["current"]
    body = {"version": view["version"], "cases": [view["pictures"]["cases"][0]["case_id"]]}
    view = asked.good(f"/{view['id']}/pictures/role", {**body, "role": "practice"})
    assert view["pictures"]["cases"][0]["role"] == "practice"


def test_a_broken_off_report_is_no_report(asked, shelf, running):
    folder = shelf.store(running["id"]).folder / "exports" / "report-001"
    folder.mkdir(parents=True)
    (folder / "report.html").write_text("half", "utf-8")

    assert asked.get(f"/{running['id']}").json()["exports"] == []
    assert asked.get(f"/{running['id']}/exports/report-001/report.html").status_code == 404


def test_the_case_of_a_study_has_a_name_that_its_tables_can_hold():
    """The names that states of the history get are names of cases."""
    assert Case("our-model-1f2e3d-4", "our-model", True).case_id

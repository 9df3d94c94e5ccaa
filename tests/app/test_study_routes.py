"""The investigator's routes: a whole study by HTTP, and all that must not be possible."""

import json
import re
import time
from dataclasses import replace

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.document.session import Session
from app.routes.studies import Studies, add_study_routes
from app.routes.study_pictures import add_study_picture_routes
from app.routes.study_reports import add_study_report_routes
from app.studies import drives, log
from app.studies.intake import Intake
from app.studies.model import Case
from app.studies.shelf import Shelf
from app.studies.simulation import Modelled, ModelledReaders, simulated_study
from tests.studies.drawn import folder_of_pictures


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch):
    """As in tests/studies: nothing here is about power cuts."""
    monkeypatch.setattr(log, "SYNCHRONOUS", "OFF")
    monkeypatch.setattr(log.os, "fsync", lambda _: None)


class Asked:
    """The routes for one user, answered without a server or the rest of the program."""

    def __init__(self, shelf, intake, user=""):
        app = FastAPI()
        studies = Studies(shelf, lambda _: user, lambda _: user or "investigator")
        add_study_routes(app, studies)
        add_study_picture_routes(app, studies, intake, lambda _: Session())
        add_study_report_routes(app, studies)
        self.app = app
        self.client = TestClient(app)

    def get(self, path):
        return self.client.get(f"/api/studies{path}")

    def post(self, path, body=None, **more):
        return self.client.post(f"/api/studies{path}", json=body or {}, **more)

    def good(self, path, body=None):
        answer = self.post(path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def shelf(tmp_path):
    made = Shelf(tmp_path / "studies")
    yield made
    made.close()


@pytest.fixture
def intake(tmp_path):
    return Intake(tmp_path / "arriving")


@pytest.fixture
def asked(shelf, intake):
    return Asked(shelf, intake)


def begun(asked, **change):
    """A draft by HTTP with a gap that few pictures allow."""
    view = asked.good("", {"title": "Realism of model A", "protocol": "turing"})
    protocol = view["study"]["protocol"]
    protocol["order"]["gap"] = 5
    protocol["plan"]["bootstrap"] = 100
    change = {"protocol": protocol, **change}
    return asked.good(f"/{view['id']}/draft", {"version": view["version"], "change": change})


def with_pictures(asked, tmp_path, view, each=6):
    """The draft after a folder was sent file by file and prepared."""
    place = folder_of_pictures(tmp_path / "films", each)
    for path in sorted(place.iterdir()):
        answer = asked.client.post(
            f"/api/studies/{view['id']}/files",
            content=path.read_bytes(),
            headers={"X-Name": f"films/{path.name}"},
        )
        assert answer.status_code == 200
    asked.good(f"/{view['id']}/pictures/folder", {"table": "films/cases.csv", "side": 256})
    return ended(asked, view["id"])


def ended(asked, study_id):
    """The study when its task has ended; the task's sentence where it failed."""
    deadline = time.monotonic() + 60
    while (task := asked.get(f"/{study_id}/task").json()["task"])["state"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert task["state"] == "done", task["sentence"]
    return asked.get(f"/{study_id}").json()


def answer_all(shelf, study_id, skill=0.8):
    """Every trial of every reader, by modelled readers; returns how many."""
    store = shelf.store(study_id)
    design = store.design()
    modelled = ModelledReaders(design.study, Modelled(skill), 3)
    trials = {trial.trial_id: trial for trial in design.trials}
    count = 0
    for reader in design.study.readers:
        while shown := store.for_reader(reader.reader_id):
            trial = trials[shown.trial_id]
            part = design.study.protocol.part(trial.part)
            store.show(reader.reader_id, trial.trial_id)
            store.submit(
                reader.reader_id, trial.trial_id, modelled.answers(part, trial), trial.trial_id
            )
            count += 1
    return count


def test_a_whole_study_goes_from_a_protocol_to_a_report_that_comes_again(asked, shelf, tmp_path):
    view = with_pictures(asked, tmp_path, begun(asked, ethics="waived"))
    study = f"/{view['id']}"
    assert [(one["source"], one["main"]) for one in view["pictures"]["sources"]] == [
        ("hospital", 6),
        ("model-a", 6),
    ]
    assert view["pictures"]["check"]["current"]
    assert len(asked.good(f"{study}/codes")["codes"]) == 5
    assert len(asked.get(f"{study}/preview").json()["trials"]) == view["size"]["trials"]
    asked.good(f"{study}/previewed", {"trials": 12})

    frozen = asked.good(f"{study}/freeze", {"name": "Realism of model A"})
    assert frozen["frozen"]["sha256"] == shelf.store(view["id"]).design().sha256
    asked.good(f"{study}/open")
    done = answer_all(shelf, view["id"])
    monitor = asked.get(f"{study}/monitor").json()
    assert monitor["done"] == monitor["count"] == done
    asked.good(f"{study}/amend", {"change": "One screen was changed", "reason": "It broke"})
    closed = asked.good(f"{study}/close")
    assert closed["backups"]
    asked.good(f"{study}/unblind")
    assert asked.good(f"{study}/verify") == {"faults": []}

    reported = asked.good(f"{study}/report")
    name = reported["exports"][0]
    report = asked.get(f"{study}/exports/{name}/report.html?shown=true").text
    assert frozen["frozen"]["sha256"] in report and "One screen was changed" in report
    again = asked.good(f"{study}/exports/{name}/verify")
    assert again == {"changed": [], "same": True}
    files = {one["name"] for one in asked.get(f"{study}/exports/{name}").json()["files"]}
    assert {"report.html", "answers_long.csv", "dictionary.csv", "events.jsonl", "imrmc.csv",
            "methods.md", "checklist.csv", "SHA256SUMS"} <= files  # fmt: skip
    assert asked.get(f"{study}/exports/{name}/all.zip").content[:2] == b"PK"


@pytest.fixture
def running(asked, shelf):
    """A study that is open, with readers who have answered some trials; its view."""
    study = simulated_study("turing", 2, 20, 3)
    cases = tuple(replace(case, sha256="") for case in study.cases)
    store = shelf.begin(replace(study, title="Running", cases=cases), "")
    store.freeze()
    store.open_reading()
    return asked.get(f"/{store.folder.name}").json()


def test_a_frozen_study_cannot_be_changed_by_any_route(asked, shelf, running):
    """Every POST there is, with what it takes; only what a phase allows is written."""
    store = shelf.store(running["id"])
    frozen = store.design().sha256
    case = running["pictures"]["cases"][0]["case_id"]
    steps = "open close unblind amend exclude codes verify backup"
    allowed = f"{steps} previewed copy pilot report".split(" ")
    bodies = {
        "draft": {"version": running["version"], "change": {"title": "Another"}},
        "remove": {},
        "freeze": {"name": "Running"},
        "pictures/folder": {"table": "cases.csv"},
        "pictures/history": {"states": [1], "source": "a"},
        "pictures/check": {},
        "pictures/remove": {"version": running["version"], "cases": [case]},
        "pictures/role": {"version": running["version"], "cases": [case], "role": "catch"},
    }
    routes = {
        path.removeprefix("/api/studies/{study_id}/")
        for route in asked.app.routes
        if "POST" in getattr(route, "methods", ())
        and (path := getattr(route, "path", "")).startswith("/api/studies/{study_id}/")
    }
    others = {one for one in routes if "{" not in one and one not in allowed}
    assert others == set(bodies) | {"files", "files/forget"}  # a new route is thought of here

    for path, body in bodies.items():
        answer = asked.post(f"/{running['id']}/{path}", body)
        assert answer.status_code == 400, path
        assert re.match(r"[A-Z].*\.$", answer.json()["detail"]), path
    asked.client.post(
        f"/api/studies/{running['id']}/files", content=b"x", headers={"X-Name": "a.png"}
    )

    assert store.design().sha256 == frozen
    assert store.log.events("kind = 'draft'")[-1].seq < store.log.events("kind = 'frozen'")[0].seq
    assert shelf.store(running["id"]).study().title == "Running"


def test_phases_go_forward_only_and_each_refusal_is_a_sentence(asked, running):
    study = f"/{running['id']}"
    for path in ("open", "unblind", "report"):
        answer = asked.post(f"{study}/{path}")
        assert answer.status_code == 400 and answer.json()["detail"].endswith(".")
    asked.good(f"{study}/close")
    assert asked.post(f"{study}/close").status_code == 400
    assert "never back" in asked.post(f"{study}/open").json()["detail"]


def test_what_the_investigator_sees_of_a_running_study_does_not_depend_on_the_truth(shelf, asked):
    """The same study with real and synthetic exchanged: every byte of the monitor stays."""
    seen = []
    for flipped in (False, True):
        study = simulated_study("turing", 2, 20, 3)
        cases = tuple(replace(c, synthetic=c.synthetic != flipped) for c in study.cases)
        store = shelf.begin(replace(study, title="Same", cases=cases), "")
        store.freeze()
        store.open_reading()
        for reader in ("R01", "R02"):
            for n in range(12):
                shown = store.for_reader(reader)
                assert shown is not None
                store.submit(reader, shown.trial_id, {"source": n % 6 + 1}, f"{reader}{n}")
        told = asked.get(f"/{store.folder.name}/monitor").json()
        for row in told["readers"]:
            row.pop("last_seen")
        seen.append(json.dumps(told))

    assert seen[0] == seen[1]
    assert not re.search("accura|correct|right|synthetic|hospital|model-", seen[0])


def test_a_study_of_another_user_is_not_there(shelf, intake):
    mine, other = Asked(shelf, intake, "user-ada"), Asked(shelf, intake, "user-bob")
    view = mine.good("", {"title": "Hers", "protocol": "pair"})

    assert [one["title"] for one in mine.get("").json()["studies"]] == ["Hers"]
    assert other.get("").json()["studies"] == []
    for route in other.app.routes:
        path = getattr(route, "path", "")
        if "{study_id}" in path:
            address = re.sub(r"\{\w+\}", "1", path.replace("{study_id}", view["id"]))
            for method in getattr(route, "methods", set()) - {"HEAD"}:
                if method == "GET" and "power" in path:
                    address += "?readers=5&cases=60"
                wanted = "x" if path.endswith(("/amend", "/exclude")) else {}
                answer = other.client.request(method, address, json={**BODY, "change": wanted})
                assert answer.status_code == 404, (method, path, answer.text)


BODY = {  # what any of the routes takes
    "version": 1, "change": {}, "name": "x", "trials": 1, "reason": "x", "states": [1],
    "source": "a", "cases": [],
}  # fmt: skip


def test_of_two_tabs_the_second_is_told_and_overwrites_nothing(asked):
    view = begun(asked)
    one = {"version": view["version"], "change": {"ethics": "first tab"}}
    two = {"version": view["version"], "change": {"ethics": "second tab"}}

    asked.good(f"/{view['id']}/draft", one)
    answer = asked.post(f"/{view['id']}/draft", two)

    assert answer.status_code == 409 and "another tab" in answer.json()["detail"]
    assert asked.get(f"/{view['id']}").json()["study"]["ethics"] == "first tab"


def test_an_error_in_the_yaml_has_its_line_and_nothing_is_kept(asked):
    view = begun(asked)
    text = view["yaml"].replace("gap: 5", "gap: five")
    line = text.splitlines().index("  gap: five") + 1

    change = {"version": view["version"], "change": {"yaml": text}}
    answer = asked.post(f"/{view['id']}/draft", change)

    assert answer.status_code == 400 and answer.json()["line"] == line
    assert f"Line {line}" in answer.json()["detail"]
    assert asked.get(f"/{view['id']}").json()["version"] == view["version"]


def test_codes_are_in_one_answer_and_nowhere_on_the_disk(asked, shelf):
    view = begun(asked)
    codes = asked.good(f"/{view['id']}/codes")["codes"]

    assert shelf.sign_in(codes["R03"]) == (view["id"], "R03")
    kept = b"".join(p.read_bytes() for p in (shelf.folder / view["id"]).rglob("*") if p.is_file())
    seen = asked.get(f"/{view['id']}").text
    for code in codes.values():
        secret = code.split("-", 1)[1]
        assert secret.encode() not in kept and secret.replace("-", "").encode() not in kept
        assert secret not in seen


def test_a_new_card_for_one_reader_leaves_the_others_theirs(asked, shelf):
    view = begun(asked)
    old = asked.good(f"/{view['id']}/codes")["codes"]
    new = asked.good(f"/{view['id']}/codes", {"readers": ["R02"]})["codes"]

    assert list(new) == ["R02"]
    assert shelf.sign_in(new["R02"])[1] == "R02" and shelf.sign_in(old["R01"])[1] == "R01"
    with pytest.raises(Exception, match="not known"):
        shelf.sign_in(old["R02"])


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
    from urllib.parse import quote

    answer = asked.client.post(
        f"/api/studies/{view['id']}/files", content=b"x", headers={"X-Name": quote(name)}
    )

    assert answer.status_code == 400
    assert [p for p in tmp_path.rglob("*") if p.name in ("evil.png", "b.png", "x.exe")] == []


def test_a_full_disk_is_a_sentence_and_the_draft_stays(asked, monkeypatch):
    view = begun(asked)

    def full(*_):
        import errno

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

"""The investigator's routes: a whole study by HTTP, and who may do what, when."""

import json
import re
from dataclasses import replace

import pytest

from app.studies.simulation import simulated_study
from tests.app.study_asked import Asked, answer_all, begun, with_pictures


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
        "pictures/equalise": {},
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

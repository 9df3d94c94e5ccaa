"""The investigator's routes without a server, and drafts and readers for their tests."""

import time

from fastapi import FastAPI
from starlette.testclient import TestClient

from app.document.session import Session
from app.routes.studies import Studies, add_study_routes
from app.routes.study_pictures import add_study_picture_routes
from app.routes.study_reports import add_study_report_routes
from app.studies.simulation import Modelled, ModelledReaders
from tests.studies.drawn import folder_of_pictures


class Asked:
    """The routes for one user, answered without a server or the rest of the program."""

    def __init__(self, shelf, intake, user=""):
        app = FastAPI()
        studies = Studies(shelf, lambda _: user, lambda _: user or "investigator")
        add_study_routes(app, studies)
        add_study_picture_routes(app, studies, intake, lambda _: Session("nobody"))
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

"""The reading room over HTTP: what is not this reader's now is answered as what does not exist."""

import errno
import itertools
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.routes.reading import CODES, Allowance, add_reading_routes
from app.studies import log, protocols
from app.studies.reading import LEASE_SECONDS, ReadingRoom
from app.studies.shelf import Shelf
from tests.studies.reading_rooms import opened

TAB = "tab-of-one-browser"
OTHER = "tab-of-another-one"
numbers = itertools.count()


@pytest.fixture(autouse=True)
def quick_disk(monkeypatch):
    monkeypatch.setattr(log, "SYNCHRONOUS", "OFF")
    monkeypatch.setattr(log.os, "fsync", lambda _: None)


class Room:
    """A served reading room with a clock that the test moves."""

    def __init__(self, folder):
        self.now = 1000.0
        self.shelf = Shelf(folder)
        self.room = ReadingRoom(self.shelf, lambda: self.now)
        self.app = FastAPI()
        add_reading_routes(self.app, self.room, 7860)

    def browser(self, code=None):
        client = TestClient(self.app)
        if code:
            assert client.post("/read/api/enter", json={"code": code}).status_code == 200
        return client

    def restarted(self):
        self.room = ReadingRoom(self.shelf, lambda: self.now)
        self.app = FastAPI()
        add_reading_routes(self.app, self.room, 7860)


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path)


def ask(client, action, tab=TAB, **body):
    return client.post(f"/read/api/{action}", json={"tab": tab, **body})


def note(client, kind, value=None):
    answer = ask(client, "note", kind=kind, value=value or {})
    assert answer.status_code == 200
    return answer


def seated(room, code):
    """A browser that has come as far as the first case."""
    client = room.browser(code)
    note(client, "consented")
    note(client, "display_checked", {"squares": True})
    return client


def trial_of(client):
    return ask(client, "state").json()["trial"]


def submit(client, trial, tab=TAB, number=None, value=2):
    answers = {one["name"]: value for one in trial["questions"] if one["required"]}
    number = number or f"request-{next(numbers):06d}"
    return ask(
        client, "submit", tab, trial=trial["trial_id"], answers=answers, request=number, at=""
    )


def test_a_reader_goes_from_the_code_to_the_first_case(room):
    study = opened(room.shelf, "turing")
    client = room.browser()
    assert ask(client, "state").json() == {"stage": "code"}
    client.post("/read/api/enter", json={"code": study.codes["R02"]})

    assert ask(client, "state").json()["stage"] == "consent"
    note(client, "consented")
    assert ask(client, "state").json()["stage"] == "display"
    note(client, "display_checked", {"squares": True, "diagnostic": False, "width": 2560})
    state = ask(client, "state").json()

    assert (state["stage"], state["reader"], state["writes"]) == ("trial", "R02", True)
    assert state["trial"]["trial_id"] == "R02-001"
    events = study.store.log.events("reader_id = 'R02'")
    assert [event.kind for event in events] == ["signed_in", "consented", "display_checked"]
    assert events[2].data["width"] == 2560


def test_the_screen_is_checked_again_where_a_reader_comes_in_again(room):
    study = opened(room.shelf, "turing")
    seated(room, study.codes["R01"])

    assert ask(room.browser(study.codes["R01"]), "state").json()["stage"] == "display"


def test_nothing_that_is_not_this_readers_now_can_be_told_from_nothing(room):
    study = opened(room.shelf, "turing")
    closed = opened(room.shelf, "pair")
    draft = room.shelf.begin(replace(study.store.study(), title="Draft"), "")
    client = seated(room, study.codes["R01"])
    trials = study.store.design().of_reader("R01")
    other = study.store.design().of_reader("R02")[0]
    foreign = closed.store.design().of_reader("R01")[0]
    shown = client.get(f"/read/api/pictures/{trials[0].left}")
    assert shown.status_code == 200 and shown.content[1:4] == b"PNG"

    asked = [
        client.get(f"/read/api/pictures/{name}")
        for name in (trials[2].left, other.left, foreign.left, trials[0].left_case, "x" * 24)
    ]
    asked += [
        client.get(f"/read/{path}")
        for path in (
            "api/truth",
            "api/state",
            "api/answers/R02-001",
            "api/trials/R01-002",
            f"api/studies/{draft.study().study_id}",
            "files/..%2F..%2Fstudies%2Fstore.py",
            "files/page.js",
            "files/reading.py",
            "study.sqlite",
        )
    ]
    asked += [ask(client, "truth"), ask(client, "progress"), ask(client, "export")]
    unknown = client.get("/read/api/no-such-thing")

    for answer in asked:
        assert (answer.status_code, answer.content) == (404, unknown.content)
        assert dict(answer.headers) == dict(unknown.headers)


def test_a_closed_study_and_a_replaced_card_end_the_reading_without_a_word(room):
    one, two = opened(room.shelf, "turing"), opened(room.shelf, "pair")
    first, second = seated(room, one.codes["R01"]), seated(room, two.codes["R01"])
    never = ask(room.browser(), "here")

    one.store.close_reading("PI")
    two.store.issue_codes()

    for client in (first, second):
        assert ask(client, "state").json() == {"stage": "code"}
        refused = submit(client, {"trial_id": "R01-001", "questions": []})
        assert (refused.status_code, refused.content) == (never.status_code, never.content)
    codes = [one.codes["R01"], two.codes["R01"], "R01-AAAA-BBBB", ""]
    answers = [room.browser().post("/read/api/enter", json={"code": code}) for code in codes]
    assert {(answer.status_code, answer.content) for answer in answers} == {
        (answers[3].status_code, answers[3].content)
    }


def test_every_answer_has_the_same_headers_whatever_the_picture_is(room):
    study = opened(room.shelf, "pair", readers=1)
    client = seated(room, study.codes["R01"])
    by_class = {True: [], False: []}
    cases = {case.case_id: case for case in study.store.study().cases}
    for trial in study.store.design().of_reader("R01"):
        shown = trial_of(client)
        for name, case in zip(shown["pictures"], (trial.left_case, trial.right_case), strict=True):
            answer = client.get(f"/read/api/pictures/{name}")
            by_class[cases[case].synthetic].append(dict(answer.headers))
        answers = {"synthetic": "left", "confidence": 1}
        number = f"request-{next(numbers):06d}"
        ask(client, "submit", trial=shown["trial_id"], answers=answers, request=number, at="")

    assert len(by_class[True]) > 10 and by_class[True] == by_class[False]
    assert by_class[True][0]["cache-control"] == "no-store"


@pytest.mark.parametrize("protocol", protocols.names())
def test_a_page_is_told_no_field_of_the_truth(room, protocol):
    study = opened(room.shelf, protocol, readers=1)
    shown = trial_of(seated(room, study.codes["R01"]))

    assert not {"left_case", "right_case", "stratum", "repeat_of", "catch"} & set(shown)
    assert not any("positive_from" in question for question in shown["questions"])


def test_the_finding_is_asked_about_only_where_the_protocol_names_it(room):
    rated, turing = opened(room.shelf, "rating", readers=1), opened(room.shelf, "turing", readers=1)
    asked = [one["text"] for one in trial_of(seated(room, rated.codes["R01"]))["questions"]]
    other = str(trial_of(seated(room, turing.codes["R01"])))
    first = rated.store.design().of_reader("R01")[0]
    finding = next(c.finding for c in rated.store.study().cases if c.case_id == first.left_case)

    assert asked[1] == f"Finding in question: {finding}. How plausible is it?"
    assert not any(word in other for word in ("effusion", "nodule", "{finding}"))


def test_the_same_submission_twice_is_one_answer_with_one_acknowledgement(room):
    study = opened(room.shelf, "turing")
    client = seated(room, study.codes["R01"])
    trial = trial_of(client)

    once, again = (submit(client, trial, number="the-same-request") for _ in range(2))
    contrary = submit(client, trial, value=5)

    assert (once.status_code, again.json()) == (200, once.json())
    assert contrary.status_code == 400 and "first answers stand" in contrary.json()["sentence"]
    assert len(study.store.log.events("kind = 'trial_submitted'")) == 1


def test_a_full_disk_is_told_and_the_same_request_counts_once_when_there_is_room(room, monkeypatch):
    study = opened(room.shelf, "turing")
    client = seated(room, study.codes["R01"])
    trial = trial_of(client)

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(log.os, "fsync", full)
    refused = submit(client, trial, number="one-request")
    monkeypatch.setattr(log.os, "fsync", lambda _: None)
    taken = submit(client, trial, number="one-request")

    assert refused.status_code == 503 and "disk is full" in refused.json()["sentence"]
    assert taken.status_code == 200
    assert len(study.store.log.events("kind = 'trial_submitted'")) == 1


def test_a_second_tab_may_look_and_not_write_until_it_takes_over(room):
    study = opened(room.shelf, "turing")
    client = seated(room, study.codes["R01"])
    trial = trial_of(client)

    second = ask(client, "state", OTHER).json()
    refused = submit(client, trial, OTHER)
    assert second["writes"] is False and second["trial"] == trial
    assert refused.status_code == 409 and "another tab" in refused.json()["sentence"]
    assert study.store.log.events("kind = 'trial_submitted'") == []

    assert ask(client, "state", OTHER, take=True).json()["writes"] is True
    assert submit(client, trial).status_code == 409
    assert submit(client, trial, OTHER).status_code == 200


def test_a_tab_that_is_gone_or_silent_lets_go_of_the_pen(room):
    study = opened(room.shelf, "turing")
    client = seated(room, study.codes["R01"])
    ask(client, "state")
    room.now += LEASE_SECONDS - 1
    assert ask(client, "here", OTHER).json() == {"writes": False}
    room.now += 2
    assert ask(client, "here", OTHER).json() == {"writes": True}

    ask(client, "leave", OTHER)

    assert ask(client, "here").json() == {"writes": True}


def test_a_reader_goes_on_after_the_program_was_started_anew(room):
    study = opened(room.shelf, "turing")
    client = seated(room, study.codes["R01"])
    submit(client, trial_of(client))
    old = dict(client.cookies)

    room.restarted()
    later = TestClient(room.app, cookies=old)

    assert trial_of(later)["trial_id"] == "R01-002"
    assert not any(
        value.encode() in path.read_bytes()
        for value in old.values()
        for path in study.store.folder.glob("*.*")
    )


def test_codes_cannot_be_tried_one_after_the_other(room):
    study = opened(room.shelf, "turing")
    client = room.browser()
    tried = [
        client.post("/read/api/enter", json={"code": f"R01-AAAA-BBB{n}"}) for n in range(CODES + 1)
    ]

    assert [answer.status_code for answer in tried] == [400] * CODES + [429]
    assert "Try again in" in tried[-1].json()["sentence"]
    assert client.post("/read/api/enter", json={"code": study.codes["R01"]}).status_code == 429


def test_right_codes_are_not_counted_so_a_whole_hospital_can_come_in_at_once(room):
    study = opened(room.shelf, "turing", readers=20)

    for code in study.codes.values():
        room.browser(code)


def test_an_allowance_grows_back_with_time():
    now = [0.0]
    allowance = Allowance(2, 10.0, lambda: now[0])
    for _ in range(2):
        assert allowance.wait("a") == 0
        allowance.spend("a")

    assert allowance.wait("a") == 10 and allowance.wait("b") == 0
    now[0] = 10
    assert allowance.wait("a") == 0


def test_too_many_requests_of_one_reader_do_not_stop_another(room):
    study = opened(room.shelf, "turing")
    loud, quiet = seated(room, study.codes["R01"]), seated(room, study.codes["R02"])

    found = {ask(loud, "here").status_code for _ in range(400)}

    assert 429 in found and ask(quiet, "here").status_code == 200


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"tab": 5}', b"x" * 200_000, b'{"tab": "a"}'])
def test_what_cannot_be_read_is_refused_in_a_sentence(room, body):
    study = opened(room.shelf, "turing", readers=1)
    client = seated(room, study.codes["R01"])
    before = len(study.store.log.events())

    for action in ("state", "submit", "answer", "note", "shown", "leave", "here"):
        answer: httpx.Response = client.post(f"/read/api/{action}", content=body)
        assert answer.status_code == 400 and answer.json()["sentence"].endswith("Reload it.")
    assert len(study.store.log.events()) == before


def test_practice_is_explained_only_where_the_protocol_says_so(room):
    plain = protocols.shipped("turing")
    silent = opened(room.shelf, plain, readers=1, practice=2)
    telling = opened(room.shelf, replace(plain, feedback=True), readers=1, practice=2)
    for study, sentences in (
        (silent, ["", "", ""]),
        (telling, ["This picture is real.", "This picture is synthetic.", ""]),
    ):
        client = seated(room, study.codes["R01"])
        for sentence in sentences:  # two for practice and one that counts
            answer = submit(client, trial_of(client))
            assert answer.json()["feedback"] == sentence


def test_time_before_a_pause_that_the_page_noticed_late_is_not_time_for_the_case(room, monkeypatch):
    study = opened(room.shelf, "turing", readers=1)
    client = seated(room, study.codes["R01"])
    trial = trial_of(client)
    ticks = iter([10, 100, 130, 140, 140, 140])
    monkeypatch.setattr(log.time, "monotonic_ns", lambda: next(ticks) * 10**9)
    ask(client, "shown", trial=trial["trial_id"])  # at 10 s
    note(client, "paused", {"idle_ms": 60_000})  # at 100 s, nothing touched since 40 s
    note(client, "resumed")  # at 130 s
    submit(client, trial)  # at 140 s
    monkeypatch.undo()
    study.store.close_reading("PI")

    (seconds,) = {reading.seconds for reading in study.store.readings()}

    assert seconds == 30 + 10  # before the idle minute and after it

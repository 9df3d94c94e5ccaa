"""The two-phase protocol in a real browser: what it is about is told at its second part and not a
byte before, in the protocol's words and no others, and what was said before that stands."""

import json
import re
from typing import Any

import pytest

from app.studies.masks import path_of
from app.studies.model import Question
from app.studies.shelf import Shelf
from tests.app.served import Served
from tests.browser.reading_driver import ReaderAt
from tests.browser.test_reading_blind import SOURCES, Heard, nothing_tells, text_of
from tests.studies.reading_rooms import Opened, opened

PURPOSE = re.compile(
    r"synthe|generat|artificial|fake|forged|\breal(ism|istic)?\b|turing|diffusion", re.IGNORECASE
)
BLOCK = 8  # trials, so that breaks come in both parts and between them
SCREENS = ("Time for a break", "The next part", "How to read")


class HeardAcrossPages(Heard):
    """As ``Heard``, for a page that is reloaded: a browser drops bodies of the page before, so
    all that the server answers the page's script is kept on its way."""

    def listen(self, page: Any) -> None:
        page.on("requestfinished", self.keep)
        page.route("**/read/api/**", self.hand_on)

    def keep(self, request: Any) -> None:
        if "/read/api/" not in request.url:
            self.late.append(request)


class Reading:
    """One reader on the way through both parts, with all that comes over the network."""

    def __init__(self, page: Any, served: Served, study: Opened) -> None:
        self.heard = HeardAcrossPages()
        self.heard.listen(page)
        self.reader = ReaderAt(page, f"{served.url}read")
        self.study = study
        self.trials = study.store.design().of_reader("R01")
        self.screens: list[tuple[int, str, str]] = []  # trial, heading and text of what came before

    @property
    def first(self) -> list[Any]:
        return [trial for trial in self.trials if trial.part == "quality"]

    def come_to(self, number: int) -> None:
        """Past whatever stands before this trial to the trial itself."""
        self.reader.at(f"Case {number} of {len(self.trials)}")
        page = self.reader.page
        case = page.locator("body[data-stage=trial] fieldset:enabled").first
        for _ in SCREENS:
            headings = page.get_by_role("heading", name=re.compile("|".join(SCREENS)))
            case.or_(headings).first.wait_for()
            if not headings.count():
                break
            self.screens.append((number, headings.first.inner_text(), page.inner_text("body")))
            if headings.first.inner_text() == "The next part":
                return  # the test looks at this one
            self.reader.press("Enter")
        self.reader.case()

    def read(self, number: int) -> None:
        self.come_to(number)
        self.answer(number)
        self.heard.collect()

    def answer(self, number: int) -> None:
        first = self.trials[number - 1].part == "quality"
        self.reader.press(*(("3", "4") if first else ("5",)))
        if first:
            self.reader.page.get_by_role("textbox", name="What do you see?").fill("a chest")
            self.reader.press("Escape")
        self.reader.press("Enter")

    def post(self, action: str, **body: Any) -> tuple[int, Any]:
        """What the server says to a request that the page itself would not make."""
        page = self.reader.page
        tab = next(
            json.loads(request.post_data)["tab"] for request in self.asked if request.post_data
        )
        url = self.reader.url
        answer = page.request.post(
            f"{url}/api/{action}",
            data={"tab": tab, **body},
            headers={"Origin": url.removesuffix("/read")},
        )
        return answer.status, answer.json()

    def listen(self) -> None:
        self.asked: list[Any] = []
        self.reader.page.on("request", lambda one: self.asked.append(one))


def kept_answers(study: Opened, trials: list[Any]) -> list[tuple]:
    names = ", ".join(f"'{trial.trial_id}'" for trial in trials)
    return study.store.log.rows(
        f"SELECT trial_id, kind, question, value FROM event WHERE trial_id IN ({names}) "
        "AND kind IN ('answer_set', 'trial_submitted') ORDER BY seq"
    )


@pytest.mark.case(57)
def test_the_purpose_is_told_at_the_second_part_only_and_the_first_part_stands(
    page: Any, served: Served
) -> None:
    shelf = Shelf(served.desk.settings.studies)
    study = opened(
        shelf, "two-phase", count=4, readers=1, sources=SOURCES, seed=51842077, block=BLOCK
    )
    reading = Reading(page, served, study)
    reading.listen()
    reading.reader.begin(study.codes["R01"])
    count = len(reading.first)
    for number in range(1, count):
        reading.read(number)
    reading.come_to(count)
    reading.heard.collect()

    # Until the last answer of the first part: no word of the purpose in anything that came.
    before = text_of(reading.heard)
    assert len(reading.heard.answers) > 60 and "What do you see?" in before
    assert [found[0] for found in PURPOSE.finditer(before)] == []
    assert any(heading == "Time for a break" for _, heading, _ in reading.screens)

    reading.answer(count)
    reading.come_to(count + 1)
    the_reveal_is_what_the_protocol_says(reading, len(before))
    reading.reader.press("Enter")
    reading.come_to(count + 1)
    the_first_part_is_closed(reading)
    for number in range(count + 1, len(reading.trials) + 1):
        reading.read(number)
    reading.reader.says("That was the last case")
    reading.heard.collect()
    assert reading.reader.faults == []

    whole(reading, served)


def the_reveal_is_what_the_protocol_says(reading: Reading, length: int) -> None:
    """On the screen and in every byte: the words of the second part, and of nothing else."""
    part = reading.study.store.study().protocol.parts[1]
    number, heading, text = reading.screens[-1]
    assert (number, heading) == (len(reading.first) + 1, "The next part")
    assert " ".join(part.before.split()) in " ".join(text.split())
    rest = " ".join(text.split()).replace(" ".join(part.before.split()), "")
    assert not PURPOSE.search(rest)

    reading.heard.collect()
    came = text_of(reading.heard)[length:]
    assert PURPOSE.search(came)  # it did come now
    for words in said_by(part):
        came = came.replace(json.dumps(words, ensure_ascii=False)[1:-1], "")
    assert [found[0] for found in PURPOSE.finditer(came)] == []


def said_by(part: Any) -> list[str]:
    """All that the protocol lets a reader of this part read, the longest first."""
    words = [part.before]
    for question in part.questions:
        assert isinstance(question, Question)
        words += [question.text, *question.anchors]
    return sorted(words, key=len, reverse=True)


def the_first_part_is_closed(reading: Reading) -> None:
    """By the page's own buttons, by going back, and by asking the server: nothing of it opens."""
    study, page = reading.study, reading.reader.page
    now = f"Case {len(reading.first) + 1} of"
    stood = kept_answers(study, reading.first)
    assert len([row for row in stood if row[1] == "trial_submitted"]) == len(reading.first)

    for trial in (reading.first[0], reading.first[-1]):
        other = {"anatomy": 1, "overall": 1, "diagnosis": "now I know it is synthetic"}
        told = reading.post("submit", trial=trial.trial_id, answers=other, request="x" * 12, at="")
        assert told[0] == 400 and "first answers stand" in told[1]["sentence"]
        told = reading.post(
            "answer", trial=trial.trial_id, question="anatomy", value=1, request="y" * 12
        )
        assert told[0] == 400 and "first answers stand" in told[1]["sentence"]
        assert reading.post("shown", trial=trial.trial_id)[0] == 400
        gone = page.request.get(f"{reading.reader.url}/api/pictures/{trial.left}")
        assert gone.status == 404
    mask = next(case.mask for case in study.store.study().cases if case.mask)
    for name in (mask, f"{mask}.png", f"..%2f..%2fmasks%2f{mask}.png"):
        answer = page.request.get(f"{reading.reader.url}/api/pictures/{name}")
        assert answer.status == 404
        assert path_of(study.store.folder, mask).read_bytes() not in answer.body()

    reading.heard.collect()
    page.reload()
    reading.reader.case()
    reading.heard.collect()
    assert reading.reader.position.startswith(now)
    assert page.get_by_role("textbox", name="What do you see?").count() == 0
    page.go_back()  # to what was there before the reading room
    reading.reader.open()
    reading.reader.case()
    assert reading.reader.position.startswith(now)
    assert kept_answers(study, reading.first) == stood


def whole(reading: Reading, served: Served) -> None:
    """At the end: every trial once and in order, other names in either part, and no truth."""
    study = reading.study
    events = study.store.log.events("kind = 'trial_submitted'")
    assert [event.trial_id for event in events] == [trial.trial_id for trial in reading.trials]
    second = [trial for trial in reading.trials if trial.part == "turing"]
    cases = [{trial.left_case for trial in part} for part in (reading.first, second)]
    names = [{trial.left for trial in part} for part in (reading.first, second)]
    assert cases[0] == cases[1] and len(cases[0]) == 12
    assert not names[0] & names[1]
    nothing_tells(reading.heard, study, served, "two-phase")

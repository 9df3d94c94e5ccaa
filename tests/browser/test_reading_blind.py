"""Every byte that a reader's real browser receives, over whole sessions in the real program: none
of it depends on what the pictures are, but the pixels themselves."""

import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from app.studies import protocols
from app.studies.masks import mask_of, path_of
from app.studies.shelf import Shelf
from engine import png
from tests.app.served import Served
from tests.browser.reading_driver import ReaderAt
from tests.studies.reading_rooms import Opened, opened

SOURCES = (("infirmary", False), ("modelquill", True), ("modelzephyr", True))
KEYS = {
    "rating": ["3", "4", "2"],
    "turing": ["5"],
    "pair": ["2"],
    "preference": ["1"],
    "edit": ["4", "2", "1"],
}
# Words that the page has no business with; whole words, since "catch" is a word of JavaScript.
ALWAYS = ("left_case", "right_case", "stratum", "repeat_of", "positive_from", "trial_truth")


@dataclass
class Heard:
    """What came over the network: address, status, headers and body of every answer."""

    answers: list[tuple[str, int, dict[str, str], bytes]] = field(default_factory=list)
    late: list[Any] = field(default_factory=list)

    def listen(self, page: Any) -> None:
        page.on("requestfinished", self.keep)
        page.route("**/pictures/*", self.hand_on)

    def keep(self, request: Any) -> None:
        if "/pictures/" not in request.url:
            self.late.append(request)

    def hand_on(self, route: Any) -> None:
        """A picture as the server sends it; the browser gives no body of what it made a blob of."""
        answer = route.fetch()
        self.answers.append((route.request.url, answer.status, answer.headers, answer.body()))
        route.fulfill(response=answer)

    def collect(self) -> None:
        """Bodies are asked for while the page is still there."""
        for request in self.late:
            answer = request.response()
            headers = {**answer.all_headers(), **dict(answer.headers)}
            self.answers.append((request.url, answer.status, headers, answer.body()))
        self.late.clear()

    @property
    def pictures(self) -> dict[str, tuple[dict[str, str], bytes]]:
        return {
            url.rpartition("/")[2]: (headers, body)
            for url, status, headers, body in self.answers
            if "/pictures/" in url and status == 200
        }


@pytest.fixture(scope="module")
def shelf(served: Served) -> Shelf:
    return Shelf(served.desk.settings.studies)


def read_whole(page: Any, served: Served, study: Opened, protocol: str) -> Heard:
    heard = Heard()
    heard.listen(page)
    reader = ReaderAt(page, f"{served.url}read")
    reader.begin(study.codes["R01"])
    count = len(study.store.design().trials)
    for number in range(count):
        reader.case()
        reader.press(*KEYS[protocol], "Enter")
        if number + 1 < count:
            reader.at(where(study, number + 2))
        heard.collect()
    reader.says("That was the last case")
    heard.collect()
    assert reader.faults == []
    return heard


def where(study: Opened, number: int) -> str:
    practices = sum(trial.practice for trial in study.store.design().trials)
    return f"Practice {number}" if number <= practices else f"Case {number - practices}"


def text_of(heard: Heard) -> str:
    """All of it but the files of pictures, as one text."""
    parts = []
    for url, status, headers, body in heard.answers:
        own = b"" if "/pictures/" in url and status == 200 else body
        parts += [url, str(sorted(headers.items())), own.decode("utf-8", "replace")]
    return "\n".join(parts)


def classes(study: Opened) -> dict[str, bool]:
    """For every name under which a picture is shown whether it is synthetic."""
    cases = {case.case_id: case for case in study.store.study().cases}
    return {
        name: cases[case].synthetic
        for trial in study.store.design().trials
        for name, case in ((trial.left, trial.left_case), (trial.right, trial.right_case))
        if name
    }


@pytest.mark.case(57)
@pytest.mark.parametrize("protocol", KEYS)
def test_no_byte_that_a_browser_receives_tells_what_a_picture_is(
    page: Any, served: Served, shelf: Shelf, protocol: str
) -> None:
    study = opened(shelf, protocol, count=4, readers=1, sources=SOURCES, practice=2, seed=40961233)
    heard = read_whole(page, served, study, protocol)
    nothing_tells(heard, study, served, protocol)


def nothing_tells(heard: Heard, study: Opened, served: Served, protocol: str) -> None:
    """Of all that came over the network, nothing but the pixels depends on what a picture is."""
    text = text_of(heard)
    made = study.store.study()

    # The editor is not there: nothing but the reading room was asked for or came.
    assert len(heard.answers) > 30
    assert {url for url, *_ in heard.answers if not url.startswith(f"{served.url}read")} == set()
    # No name of a case, a source, a scene, a file, the study, and no checksum of a picture.
    words = {made.study_id, made.title, study.store.folder.name, str(made.seed), *ALWAYS}
    words |= {source for source, _ in SOURCES} | {str(served.desk.settings.data)}
    for case in made.cases:
        words |= {case.case_id, case.scene, case.sha256, case.mask}
        words |= set(map(str, case.origin.values()))
    if "{finding}" not in str(protocols.shipped(protocol)):
        words |= {case.finding for case in made.cases} - {"none"}
    found = {word for word in words if word and re.search(rf"\b{re.escape(word)}\b", text)}
    assert found == set()

    # No mask of an edit, by its name (above) or by what is in it.
    masks = [mask_of(study.store.folder, case.mask) for case in made.cases if case.mask]
    assert len(masks) == sum(case.synthetic for case in made.cases)
    files = {
        path_of(study.store.folder, case.mask).read_bytes() for case in made.cases if case.mask
    }
    assert not any(file[16:] in body for file in files for *_, body in heard.answers)

    # The pictures: one size, depth, length, form and set of headers in every class.
    truth = classes(study)
    pictures = heard.pictures
    assert set(pictures) == set(truth)
    shapes: dict[bool, set[Any]] = {True: set(), False: set()}
    for name, (headers, body) in pictures.items():
        kinds = tuple(kind for kind, _ in png.chunks(body))
        plain = {key: value for key, value in headers.items() if key != "date"}
        shape = (len(body), png.header(body), kinds, tuple(sorted(plain.items())))
        shapes[truth[name]].add(shape)
        assert not any(word.encode() in body for word in words if len(word) > 4)
    assert len(shapes[True] | shapes[False]) == 1
    (shape,) = shapes[True] or shapes[False]
    for _, body in pictures.values():  # and none of them is a mask
        assert not any((png.decode(body) >= 128).tolist() == mask.tolist() for mask in masks[:1])
    assert shape[1] == (128, 128, 8, 0) and shape[2] == (b"IHDR", b"IDAT", b"IEND")

"""A report as plain sentences: accents, case and blanks made alike, headings told apart.

Every character of a sentence remembers where it stood, so that what is found can be shown in the
text as it was written.
"""

import re
import unicodedata
from dataclasses import dataclass

from engine.reports.cues import ABBREVIATIONS, HEADING, UNSAID
from engine.vocabulary import FINDING

LONGEST = 600  # characters of one sentence; longer ones are cut, which bounds the work
SHORT_LINE = 45  # characters; a shorter line that names a finding is a statement of its own
SPELLED = {"œ": "oe", "æ": "ae", "ß": "ss", "‐": "-", "‑": "-", "−": "-", "’": "'", "‘": "'"}
END = re.compile(r"[.;!](?= |\n|$)|(?<=\w)\?(?= |\n|$)|\n+| (?=\d{1,2}\) )")
ITEM = re.compile(r"[-*•·>]|\d{1,2}[.)]")
OPEN_END = re.compile(
    r"(?:[,:(-]|\b(?:and|or|nor|no|with|without|the|an?|of|in|at|on|is|are|to|for|by|small|large|mild|"
    r"moderate|left|right|possible|likely))$"
)


@dataclass(frozen=True)
class Sentence:
    """``text`` in lower case; ``source`` where each of its characters stood, and the end."""

    text: str
    source: tuple[int, ...]


def sentences(report: str) -> tuple[list[Sentence], tuple[str, ...]]:
    """What ``report`` says of the film, sentence by sentence, and the headings passed over.

    Why the film was taken, how, and what was before (INDICATION, COMPARISON ...) is passed over.
    """
    cased, source = _plain(report)
    text = "".join(c.lower()[:1] for c in cased)
    found = []
    passed = []
    for start, end, heading in _sections(text):
        if heading in UNSAID:
            passed.append(heading)
            continue
        for a, b in _cut(text, cased, start, end):
            found.append(Sentence(text[a:b].replace("\n", " "), tuple(source[a : b + 1])))
    return found, tuple(dict.fromkeys(passed))


def _plain(report: str) -> tuple[str, list[int]]:
    """Characters without accents, white space made single; the index of each in ``report``.

    The list has one more entry: the end.
    """
    letters: list[str] = []
    source: list[int] = []
    for at, char in enumerate(report):
        if char in "\r\n":
            plain = "" if char == "\r" and report[at + 1 : at + 2] == "\n" else "\n"
        elif char.isspace() or char == "_":
            plain = " "
        elif char in "–—":  # between blanks a pause, else a hyphen
            plain = "," if report[at - 1 : at].isspace() else "-"
        elif char < "\x7f":
            plain = char
        else:
            plain = SPELLED.get(char.lower()) or "".join(
                c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c)
            )
        for one in plain:
            if one == " " and (not letters or letters[-1] in " \n"):
                continue
            if one == "\n" and letters and letters[-1] == " ":
                letters.pop()
                source.pop()
            if one == "\n" and letters[-2:] == ["\n", "\n"]:
                continue
            letters.append(one if one.isprintable() or one == "\n" else " ")
            source.append(at)
    source.append(len(report))
    return "".join(letters), source


def _sections(text: str) -> list[tuple[int, int, str]]:
    """(start, end, heading) in the order of the text; what no heading covers has heading ""."""
    marks = [(m.start(), m.end(), m.group().rstrip(" :")) for m in HEADING.finditer(text)]
    found = []
    here = 0
    for number, (start, after, heading) in enumerate(marks):
        if start > here:
            found.append((here, start, ""))
        end = marks[number + 1][0] if number + 1 < len(marks) else len(text)
        if heading in UNSAID:
            blank = text.find("\n\n", after + 1, end)
            if blank < 0 and end == len(text):  # nothing but the line's end can close it
                blank = text.find("\n", after + 1)
            end = blank if blank >= 0 else end
        found.append((after, end, heading))
        here = end
    return [*found, (here, len(text), "")]


def _cut(text: str, cased: str, start: int, end: int) -> list[tuple[int, int]]:
    """Borders of the sentences between ``start`` and ``end``; the mark that ends one is left out,
    but for a question mark."""
    found = []
    here = start
    for mark in END.finditer(text, start, end):
        if not _ends(text, cased, here, mark):
            continue
        stop = mark.end() if mark.group() == "?" else mark.start()
        found.append((here, stop))
        here = mark.end()
    found.append((here, end))
    pieces = []
    for a, b in found:
        while b - a > LONGEST:
            blank = text.rfind(" ", a + 1, a + LONGEST)
            middle = blank if blank > a else a + LONGEST
            pieces.append((a, middle))
            a = middle
        if text[a:b].strip():
            pieces.append((a, b))
    return pieces


def _ends(text: str, cased: str, start: int, mark: re.Match[str]) -> bool:
    if mark.group() == ".":
        before = text[max(start, mark.start() - 12) : mark.start()]
        word = re.search(r"[a-z.]*$", before)
        short = word is not None and (
            word.group() in ABBREVIATIONS or re.fullmatch(r"[a-z]\.[a-z]", word.group())
        )
        return not short or text[mark.end() : mark.end() + 1] in ("", "\n")
    if not mark.group().startswith("\n"):
        return True
    if len(mark.group()) > 1 or text[mark.start() - 1 : mark.start()] in ".;!?":
        return True
    after = cased[mark.end() : mark.end() + 60]
    if ITEM.match(after) or (after[:1].isupper() and after[1:2].islower()):
        return True
    line = text[max(start, mark.start() - SHORT_LINE) : mark.start()]
    if OPEN_END.search(line):
        return False
    return len(line) < SHORT_LINE and FINDING.search(line) is not None

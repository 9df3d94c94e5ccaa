"""What a report says: findings with side, zone, size, and whether they are there.

A parser on plain rules (tables in :mod:`engine.vocabulary` and :mod:`engine.cues`) that knows
nothing of models. Each sentence is read alone: its findings are found, then the places and sizes
beside each, then how far every denial and doubt reaches. Any text can be read; what is not
understood gives no mention. The time is linear in the length of the text.
"""

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from engine.cues import (
    ALSO,
    CUE,
    EITHER,
    ENDS,
    FILLER,
    FRESH,
    JOINT,
    LINK,
    STILL,
    VERB,
    WITH,
)
from engine.sentences import Sentence, sentences
from engine.vocabulary import (
    DEGREE,
    DEGREES,
    EDGE,
    FINDING,
    FINDINGS,
    HAZY,
    MISPLACED,
    NOTHING,
    PART,
    PARTS,
    PLACE,
    PLACES,
    PLEURAL,
    UNPLACED,
    WELL,
)

Certainty = Literal["present", "uncertain", "absent", "past"]
Place = tuple[str | None, str | None]  # side, zone
NOWHERE: Place = (None, None)


@dataclass(frozen=True)
class Mention:
    """One finding as a report mentions it.

    ``side`` is left, right or both (the patient's), ``zone`` upper, middle or lower, ``degree`` the
    word of size or severity; None where nothing is said. "past" is what there was once. ``words``
    are the first and the last but one index of the finding's name in the report.
    """

    finding: str
    side: str | None = None
    zone: str | None = None
    certainty: Certainty = "present"
    degree: str | None = None
    words: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Report:
    """Mentions in the order of the text; ``passed_over`` are the headings that were not read."""

    mentions: tuple[Mention, ...]
    passed_over: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hit:
    """A finding in a sentence. ``sized`` ends where words of size may stand before it."""

    finding: str
    start: int
    end: int
    sized: int
    certainty: Certainty | None = None  # where the words themselves decide it


@dataclass(frozen=True)
class Reach:
    """A cue: what it makes of a finding, and where it stands."""

    kind: str
    start: int
    end: int


def read_report(report: str) -> Report:
    """Everything that ``report`` mentions; see the module's first lines."""
    found, passed = sentences(report)
    return Report(tuple(m for sentence in found for m in _read(sentence)), passed)


def _read(sentence: Sentence) -> list[Mention]:
    text = sentence.text
    hits = _hits(text)
    if not hits:
        return []
    certainty = _certainties(text, hits)
    text = MISPLACED.sub(lambda m: "." * len(m.group()), text)
    regions = _regions(text, hits)
    places = _shared(text, hits, certainty, _labelled(text, hits, _placed(text, hits, regions)))
    found = []
    for hit, sure, region, where in zip(hits, certainty, regions, places, strict=True):
        first, last = sentence.source[hit.start], sentence.source[hit.end - 1] + 1
        plain = Mention(
            hit.finding,
            certainty=sure,
            degree=None if hit.finding == NOTHING else _degree(text, hit, region),
            words=(first, last),
        )
        found += [replace(plain, side=side, zone=zone) for side, zone in where]
    return found


# Findings


def _hits(text: str) -> list[Hit]:
    """Findings by their names, and parts of the chest of which something is said."""
    found = []
    for match in FINDING.finditer(text):
        finding = FINDINGS[int((match.lastgroup or "f0")[1:])]
        sure: Certainty | None = "present" if finding == NOTHING else None
        found.append(Hit(finding, match.start(), match.end(), match.start(), sure))
    taken = [(hit.start, hit.end) for hit in found]
    parts = [m for m in PART.finditer(text) if not _overlaps(m.start(), m.end(), taken)]
    for part in parts:
        hit = _judged(text, part)
        if hit is not None and not _overlaps(hit.start, hit.end, taken):
            found.append(hit)
    return sorted(found, key=lambda hit: hit.start)


def _overlaps(start: int, end: int, taken: list[tuple[int, int]]) -> bool:
    return any(a < end and start < b for a, b in taken)


def _judged(text: str, part: re.Match[str]) -> Hit | None:
    """A part of the chest as a finding, by what is said before it or after it; None if nothing."""
    finding, wrong, right = list(PARTS.values())[int((part.lastgroup or "p0")[1:])]
    said = re.compile(rf"\b(?:(?P<edge>{EDGE})|(?P<wrong>{wrong})|(?P<right>{WELL}|{right}))\b")
    before = text[max(0, part.start() - 60) : part.start()]
    word = None
    for candidate in said.finditer(before):
        if _bare(before[candidate.end() :]) and not re.search("[,:;]", before[candidate.end() :]):
            word = candidate
    offset = part.start() - len(before)
    if word is None:
        after = text[part.end() : part.end() + 90]
        word = said.search(after)
        offset = part.end()
        if word is None or not _bare(after[: word.start()]):
            return None
    start, end = word.start() + offset, word.end() + offset
    denied = re.search(r"\b(?:not|n't)(?: \w+)?\s*$", text[:start][-24:])
    sure: Certainty | None = None
    if word.lastgroup == "edge":
        sure = "uncertain" if finding == "cardiomegaly" else "absent"
    elif word.lastgroup == "right":
        if denied:
            return None
        sure = "present" if finding == NOTHING else "absent"
    first, last = min(part.start(), start), max(part.end(), end)
    return Hit(finding, first, last, start, sure)


def _bare(between: str) -> bool:
    """Nothing but small words and other parts of the chest stand between."""
    words = PART.sub(" ", between).replace(",", " ").replace(":", " ").split()
    return len(words) <= 10 and all(FILLER.fullmatch(word) for word in words)


# Denial and doubt


def _certainties(text: str, hits: list[Hit]) -> list[Certainty]:
    """Absent, past, uncertain or present, for each hit; what is stronger stands first."""
    cues = _cues(text)
    reached: dict[str, set[int]] = {"not": set(), "maybe": set(), "past": set()}
    for cue in cues:
        what, _, way = cue.kind.partition("_")
        if what in reached:
            reached[what].update(_reached(text, hits, cues, cue, way))
    if STILL.search(text):
        prior = {c.end for c in cues if c.kind == "past" and text[c.start] == "p"}
        if prior and not any(c.kind == "past" and c.end not in prior for c in cues):
            reached["past"] = set()
    found: list[Certainty] = []
    for number, hit in enumerate(hits):
        if hit.certainty is not None:
            found.append(hit.certainty)
        elif number in reached["not"]:
            found.append("absent")
        elif number in reached["past"]:
            found.append("past")
        else:
            found.append("uncertain" if number in reached["maybe"] else "present")
    return found


def _cues(text: str) -> list[Reach]:
    return [
        Reach(m.lastgroup or "", m.start(), m.end())
        for m in CUE.finditer(text)
        if m.lastgroup != "pseudo"
    ]


def _reached(text: str, hits: list[Hit], cues: list[Reach], cue: Reach, way: str) -> list[int]:
    """Numbers of the hits on which ``cue`` acts."""
    ahead = [n for n, hit in enumerate(hits) if hit.end > cue.end or hit.start >= cue.start]
    inside = [n for n, hit in enumerate(hits) if hit.start < cue.start < hit.end]
    behind = [n for n, hit in enumerate(hits) if hit.end <= cue.start]
    if way == "both":
        near = behind[-1:] if not ENDS.search(text, _end(hits, behind), cue.start) else []
        return near + _forward(text, hits, cues, cue, ahead)[:1]
    if inside:
        return inside
    if way == "after":
        follows = ahead and text[cue.end : hits[ahead[0]].start]
        says = cue.kind.startswith("maybe") and ahead and not JOINT.search(str(follows))
        if behind and not (says and not ENDS.search(str(follows))):
            return _backward(text, hits, cue, behind)
    if cue.kind == "past" and text.startswith("p", cue.start) and ahead:
        near = text[cue.end : hits[ahead[0]].start]
        return ahead[:1] if "," not in near and near.count(" ") <= 4 else []
    return _forward(text, hits, cues, cue, ahead)


def _end(hits: list[Hit], behind: list[int]) -> int:
    return hits[behind[-1]].end if behind else 0


def _forward(
    text: str, hits: list[Hit], cues: list[Reach], cue: Reach, ahead: list[int]
) -> list[int]:
    """A list of findings after the cue, up to the first gap at which its reach ends."""
    found: list[int] = []
    at = cue.end
    for number in ahead:
        hit = hits[number]
        gap = text[at : hit.start]
        if at < hit.start and _stops(text, hits, cues, cue, number, at, gap, bool(found)):
            break
        if hit.finding != NOTHING or not found:
            found.append(number)
        at = max(at, hit.end)
    return found


def _stops(
    text: str, hits: list[Hit], cues: list[Reach], cue: Reach, number: int, at: int, gap: str,
    listed: bool,
) -> bool:  # fmt: skip
    """Whether the reach of ``cue`` ends in ``gap``, which leads to the hit ``number``."""
    if ENDS.search(gap):
        return True
    comma = max(gap.rfind(","), gap.rfind(":"))
    also = list(ALSO.finditer(gap))
    joint = max([comma + 1, *(m.end() for m in also)]) if comma >= 0 or also else 0
    if EITHER.search(gap):
        return False
    if WITH.search(gap):
        return True
    if not joint:
        return listed and VERB.search(gap) is not None
    rest = gap[joint:]
    if any(at + joint <= other.start < at + len(gap) for other in cues):
        return True
    if VERB.search(gap):
        return True
    if also:
        return FRESH.match(rest) is not None
    if _list_goes_on(text, hits, number):
        return False
    if cue.kind.startswith("maybe") and listed:
        return True
    return FRESH.match(rest) is not None


def _list_goes_on(text: str, hits: list[Hit], number: int) -> bool:
    """Whether an "or" follows in the list of which the hit ``number`` is a part."""
    for first, second in pairwise(hits[number:]):
        gap = text[first.end : second.start]
        if EITHER.search(gap):
            return True
        if ENDS.search(gap) or VERB.search(gap) or "," not in gap:
            return False
    return False


def _backward(text: str, hits: list[Hit], cue: Reach, behind: list[int]) -> list[int]:
    """The subject of "is absent": the last finding, or the list of which it is the last."""
    last = behind[-1]
    between = text[hits[last].end : cue.start]
    if ENDS.search(between):
        return []
    found = [last]
    said = between + text[cue.start : cue.end]
    one = re.search(r"\b(?:is|has|was|remains|appears)\b", said)
    listed = False
    for number in reversed(behind[:-1]):
        gap = text[hits[number].end : hits[number + 1].start]
        if ENDS.search(gap) or VERB.search(gap) or VERB.search(text[: hits[number].start]):
            break
        if EITHER.search(gap) or (ALSO.search(gap) and not one):
            listed = True
        elif not (listed and "," in gap):
            break
        found.append(number)
    return found


# Places and sizes


def _regions(text: str, hits: list[Hit]) -> list[tuple[int, int]]:
    """The stretch of the sentence whose words of place and size belong to each hit."""
    borders = [0]
    for first, second in pairwise(hits):
        joints = list(JOINT.finditer(text, first.end, max(first.end, second.start)))
        if not joints:
            borders.append(second.start)
            continue
        near = joints[0]
        at_once = near.group() != "," and not text[first.end : near.start()].strip()
        borders.append(near.start() if at_once else joints[-1].start())
    borders.append(len(text))
    return list(pairwise(borders))


def _placed(text: str, hits: list[Hit], regions: list[tuple[int, int]]) -> list[list[Place]]:
    found = []
    for hit, (start, end) in zip(hits, regions, strict=True):
        if hit.finding in UNPLACED:
            found.append([NOWHERE])
            continue
        region = text[start:end]
        if hit.finding == "edema":  # "upper lobe diversion" says nothing of a zone
            region = text[start : hit.start] + " " + text[hit.end : end]
        comma = text.find(",", hit.end, end)
        before = text.rfind(",", start, hit.start)
        first = before + 1 if before >= 0 else start
        own = text[first : comma if comma >= 0 else end] if comma >= 0 or before >= 0 else region
        if comma >= 0 and VERB.search(text, comma, end):
            region = text[start:comma]
        places = _places(own)
        if len(places) == 1:
            (side, zone), (wide, band) = places[0], _joined(_places(region))
            places = [(side or wide, zone or band)]
        if hit.finding == "device":
            places = [(_joined(places)[0], None)]
        found.append(places)
    return found


def _places(text: str) -> list[Place]:
    """One place, or more where "right upper and left lower" names them one by one."""
    pairs: list[list[str]] = []
    for match in PLACE.finditer(text):
        side, zone = list(PLACES.values())[(match.lastindex or 1) - 1]
        last = pairs[-1] if pairs else None
        if last is None or (side and last[0] and (side != last[0] or (zone and last[1]))):
            pairs.append([side, zone])
        elif zone and last[1] and zone != last[1]:
            pairs.append([side or last[0], zone])
        else:
            last[:] = [last[0] or side, last[1] or zone]
    found = [(side or None, zone or None) for side, zone in pairs]
    apart = all(side and zone for side, zone in found) and len({s for s, _ in found}) > 1
    if apart and len({zone for _, zone in found}) > 1 and "both" not in {s for s, _ in found}:
        return list(dict.fromkeys(found))
    return [_joined(found)]


def _joined(places: list[Place]) -> Place:
    sides = {side for side, _ in places if side}
    zones = {zone for _, zone in places if zone}
    side = sides.pop() if len(sides) == 1 else "both" if sides else None
    return side, zones.pop() if len(zones) == 1 else None


def _labelled(text: str, hits: list[Hit], places: list[list[Place]]) -> list[list[Place]]:
    """ "Left lung: ..." gives its side to everything that follows without one."""
    label, colon, _ = text[: hits[0].start].partition(":")
    side, zone = _joined(_places(label)) if colon else NOWHERE
    if not side:
        return places
    found = []
    for number, (hit, where) in enumerate(zip(hits, places, strict=True)):
        if hit.finding not in UNPLACED and len(where) == 1 and where[0][0] is None:
            where = [(side, where[0][1] or (None if number else zone))]
        found.append(where)
    return found


def _shared(
    text: str, hits: list[Hit], certainty: list[Certainty], places: list[list[Place]]
) -> list[list[Place]]:
    """Findings that share one place: "X and Y at the base", "left X with Y", "left X, ?Y"."""
    places = list(places)
    gaps = [text[a.end : max(a.end, b.start)] for a, b in pairwise(hits)]
    bare = [p == [NOWHERE] and _can_share(h) for h, p in zip(hits, places, strict=True)]
    listed = False
    for n in reversed(range(len(gaps))):  # what stands last in a list places all of it
        gap = gaps[n]
        joined = EITHER.search(gap) or ALSO.search(gap) or re.search(r"\bversus\b|\bvs\b", gap)
        listed = bool(joined) or (listed and "," in gap)
        if not listed or VERB.search(gap) or ENDS.search(gap):
            listed = False
            continue
        same = (certainty[n] == "absent") == (certainty[n + 1] == "absent")
        ahead = _joined(_places(gap + text[hits[n + 1].start : hits[n + 1].end]))
        if bare[n] and same and (ahead == NOWHERE) and _can_share(hits[n + 1]):
            places[n] = places[n + 1]
    for n, gap in enumerate(gaps, 1):  # what stands first gives its place to what is joined to it
        if places[n] != [NOWHERE] or not _can_share(hits[n]) or not _can_share(hits[n - 1]):
            continue
        if "absent" in certainty[n - 1 : n + 1] or re.search(r"\bthere\b", gap) or ENDS.search(gap):
            continue
        explains = hits[n - 1].finding in HAZY and certainty[n] == "uncertain"
        article = re.search(r"(?:\band\b|,)\W*(?:an?|another|the)\b", gap)
        if explains or (LINK.search(gap) and not article):
            places[n] = [_fitting(hits[n].finding, place) for place in places[n - 1]]
    return places


def _can_share(hit: Hit) -> bool:
    return hit.finding not in UNPLACED and hit.finding not in ("device", "edema")


def _fitting(finding: str, place: Place) -> Place:
    """A place taken from another finding; fluid and air keep to where they gather."""
    side, zone = place
    return side, zone if PLEURAL.get(finding, zone) == zone else None


def _degree(text: str, hit: Hit, region: tuple[int, int]) -> str | None:
    start, end = region
    before = text[start : hit.sized]
    for joint in JOINT.finditer(text, start, hit.sized):
        if joint.group() != ",":
            before = text[joint.end() : hit.sized]
    words = list(DEGREE.finditer(before)) or list(DEGREE.finditer(text[hit.start : hit.sized]))
    if not words:
        after = text[hit.end : end]
        said = re.match(
            r"[^,:(]{0,40}?(?:\b(?:is|are|remains?|appears?|which is)\b|[,:(])", after
        )
        words = list(DEGREE.finditer(after, said.end()))[:1] if said else []
    if not words:
        return None
    return " to ".join(DEGREES[word] for word in words[-1].groups() if word)

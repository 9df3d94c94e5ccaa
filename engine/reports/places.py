"""Side, zone and size of each finding of a sentence, from the words beside it."""

import re
from itertools import pairwise

from engine.reports.cues import ALSO, EITHER, ENDS, JOINT, LINK, VERB
from engine.reports.findings import Certainty, Hit
from engine.vocabulary import (
    DEGREE,
    DEGREES,
    HAZY,
    MISPLACED,
    NOT_SHARED,
    NOTHING,
    PLACE,
    PLACES,
    PLEURAL,
    UNPLACED,
)

Place = tuple[str | None, str | None]  # side, zone
NOWHERE: Place = (None, None)


def degrees_and_places(
    text: str, hits: list[Hit], certainty: list[Certainty]
) -> list[tuple[str | None, list[Place]]]:
    """Word of size and places of each hit, in their order; mostly one place."""
    if not hits:
        return []
    text = MISPLACED.sub(lambda m: "." * len(m.group()), text)
    regions = _regions(text, hits)
    places = _labelled(text, hits, _placed(text, hits, regions))
    befores = [0, *(hit.end for hit in hits)]
    degrees = [
        _degree(text, hit, before, end)
        for hit, before, (_, end) in zip(hits, befores, regions, strict=False)
    ]
    return list(zip(degrees, _shared(text, hits, certainty, places), strict=True))


def _regions(text: str, hits: list[Hit]) -> list[tuple[int, int]]:
    """The stretch of the sentence whose words of place and size belong to each hit."""
    openings = [m.end() for m in ENDS.finditer(text, 0, hits[0].start) if m.start() > 0]
    borders = [openings[-1] if openings else 0]  # "the base is not seen, but ..."
    for first, second in pairwise(hits):
        joints = list(JOINT.finditer(text, first.end, max(first.end, second.start)))
        if first.finding in UNPLACED or not joints:
            stop = ENDS.search(text, first.end, max(first.end, second.start))
            free = first.end if first.finding in UNPLACED else second.start
            borders.append(stop.start() if stop else free)
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
        if before >= 0 and VERB.search(text, start, before):
            region = text[before:end]
        listed = _places(text[hit.start : end] if region.endswith(text[hit.end : end]) else "")
        places = listed if len(listed) > 1 else _places(own)
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
    explained = False
    for n, gap in enumerate(gaps, 1):  # what stands first gives its place to what is joined to it
        first, second = hits[n - 1], hits[n]
        unsure = certainty[n] == "uncertain" and (first.finding in HAZY or explained)
        explained = False
        if not (_can_share(second) and _can_share(first)) or "absent" in certainty[n - 1 : n + 1]:
            continue
        if re.search(r"\bthere\b", gap) or ENDS.search(gap.replace("which", "")):
            continue
        article = re.search(r"(?:\band\b|,)\W*(?:an?|another|the)\b", gap)
        if not (unsure or (LINK.search(gap) and not article)):
            continue
        if places[n] == [NOWHERE]:
            places[n] = [_fitting(second.finding, place) for place in places[n - 1]]
            explained = unsure
        elif gap.strip() == "/" and _joined(places[n - 1])[0] == _joined(places[n])[0]:
            places[n] = [_fitting(second.finding, place) for place in places[n - 1]]
        elif places[n] == [(None, "lower")] and first.finding == "effusion":
            places[n] = [(_joined(places[n - 1])[0], "lower")]  # the lung that the fluid presses
    return places


def _can_share(hit: Hit) -> bool:
    return hit.finding not in NOT_SHARED


def _fitting(finding: str, place: Place) -> Place:
    """A place taken from another finding; fluid and air keep to where they gather."""
    side, zone = place
    return side, zone if PLEURAL.get(finding, zone) == zone else None


def _degree(text: str, hit: Hit, start: int, end: int) -> str | None:
    """The word of size before the hit, not before ``start``; else one after it, up to ``end``."""
    if hit.finding == NOTHING:
        return None
    before = text[start : hit.sized]
    for joint in JOINT.finditer(text, start, hit.sized):
        if joint.group() not in ",/":
            before = text[joint.end() : hit.sized]
    words = list(DEGREE.finditer(before)) or list(DEGREE.finditer(text[hit.start : hit.sized]))
    if not words:
        after = text[hit.end : end]
        said = re.match(r"[^,:(]{0,40}?(?:\b(?:is|are|remains?|appears?|which is)\b|[,:(])", after)
        at_once = re.match(rf" (?:{DEGREE.pattern})(?=\W*$|[.,] )", after)
        start = said.end() if said else 0
        words = list(DEGREE.finditer(after, start))[:1] if said or at_once else []
    if not words:
        return None
    return " to ".join(DEGREES[word] for word in words[-1].groups() if word)

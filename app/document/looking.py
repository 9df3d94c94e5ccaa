"""Words in the films of a document: who still has to look, and what a person decided."""

from collections.abc import Iterable
from dataclasses import replace

from app.document import films
from app.document.films import NOT_LOOKED, Descent, Source
from app.document.session import Session, State
from engine.burned_in import Box
from engine.errors import InvalidRequest


def sources(states: Iterable[State]) -> list[Source]:
    """The films that came into these pictures, each once, in the order of the states."""
    found: dict[str, Source] = {}
    for state in states:
        if state.descent is not None:
            found.setdefault(state.descent.source.key, state.descent.source)
    return list(found.values())


def open_films(states: Iterable[State]) -> int:
    """How many films nobody has looked at yet."""
    return sum(source.open for source in sources(states))


def require_looked(states: Iterable[State]) -> None:
    """Refuses where nobody has looked for words in a film that is in these pictures."""
    if any(source.open for source in sources(states)):
        raise InvalidRequest(NOT_LOOKED)


def told(states: Iterable[State]) -> str | None:
    """What the ledger says of it: the fewest words that are true of all films in these pictures."""
    decisions = [source.decision for source in sources(states) if source.decision is not None]
    if not decisions:
        return None
    places = sum(len(decision.blacked) for decision in decisions)
    return f"blacked out {places}" if places else "none named anybody"


def decide(session: Session, key: str, boxes: list[Box]) -> None:
    """Keep what a person decided of the film ``key`` in every picture that came of it, also in
    deleted ones: ``boxes`` are black in all of them from now on, and nothing brings back what was
    there."""
    with session.lock:
        every = [*session.states.values(), *(binned.state for binned in session.bin.values())]
        before = next((s for s in sources(every) if s.key == key), None)
        if before is None:
            raise InvalidRequest("This film is not in the document any more.")
        after = films.decided(before, boxes)
        for number, state in list(session.states.items()):
            session.states[number] = _with(state, after)
        for number, binned in list(session.bin.items()):
            session.bin[number] = replace(binned, state=_with(binned.state, after))


def _with(state: State, source: Source) -> State:
    known = state.descent
    if known is None or known.source.key != source.key:
        return state
    descent: Descent = replace(known, source=source)
    image = films.without_words(state.image, descent)
    if state.recipe is None:
        return replace(state, descent=descent, image=image)
    recipe, inputs = films.inputs_without_words(state.recipe, state.inputs, image, descent)
    return replace(state, descent=descent, image=image, recipe=recipe, inputs=inputs)

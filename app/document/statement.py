"""What a file will say of itself, in words for the person who is about to export it."""

from typing import Literal

from app.document.exporting import film_under
from app.document.session import State
from engine.marks import PARTLY, WHOLE
from engine.provenance import wholly_synthetic

Kind = Literal["png", "dicom"]
PLACES = {
    "strip": "in a strip below the film; no pixel of the film is touched",
    "corner": "burnt into the lower left corner",
}


def lines(state: State, kind: str, mark: str) -> list[str]:
    """Sentences, the most important first; none where there is nothing to export."""
    if state.recipe is None:
        return []
    whole = wholly_synthetic(state.recipe)
    words = WHOLE if whole else PARTLY
    if mark in PLACES:
        said = [f'Visible: "{words}", {PLACES[mark]}.']
    else:
        said = ["Nothing visible: only a program can tell what this picture is."]
    said.append(_metadata(kind, whole))
    said.append(_invisible(state, whole))
    if kind == "dicom":
        said.append(_stored(state))
    looked = _words(state)
    return [*said, looked] if looked else said


def _metadata(kind: str, whole: bool) -> str:
    if kind == "dicom":
        what = "made by a program" if whole else "a film that a program altered"
        name = "SYNTHETIC" if whole else "PARTLY SYNTHETIC"
        return (
            f"Header: Synthetic Data YES, {what}; Secondary Capture, patient {name} with a random "
            "number, new UIDs. Nothing of an opened file's header is in it."
        )
    what = "made by a trained model" if whole else "a picture of which a trained model made parts"
    return f"Metadata: {what} (IPTC digital source type)."


def _invisible(state: State, whole: bool) -> str:
    if not (state.recipe or {}).get("invisible_mark"):
        return "No invisible mark: the picture was made without one (exact arithmetic, or before)."
    where = "in the whole picture" if whole else "in what models made, and nowhere else"
    return f"Invisible mark {where}."


def _stored(state: State) -> str:
    film, _ = film_under(state)
    if film is None:
        return "16 bits a pixel, exactly what was made."
    return (
        f"{film.bits_stored} bits a pixel, as in the film that was opened; outside what was "
        "changed every stored value is that of the film."
    )


def _words(state: State) -> str | None:
    decision = None if state.descent is None else state.descent.source.decision
    if decision is None:
        return None
    count = len(decision.blacked)
    if not count:
        return "Words in the film: a person looked and found none that names anybody."
    places = "1 place" if count == 1 else f"{count} places"
    return f"Words in the film: blacked out in {places}, here and in all that came of the film."

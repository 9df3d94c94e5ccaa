"""Files and whole documents: opened, added, begun anew, taken up again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from app import examples
from app.canvas.drawing import KEEP, Drawing, labels_file
from app.document import masks, opening
from app.document.archive import read_project
from app.document.project import become, empty
from app.document.session import Session, Sessions, State
from app.document.uploads import Upload, Uploads
from app.pages.anatomy import canvas_shape
from app.pages.form import VERBS, panel_of
from app.pages.shown import Shown, document, note, step
from app.panels.details import NAMES as QUALITIES
from app.runs.jobs import Jobs
from app.runs.loading import Loading
from engine.errors import InvalidRequest

RUNNING = "A run is going on in this document. Stop it, or wait for its end, then open another."


class Files:
    """``whole`` shows all of a document, as for a page that was just loaded."""

    def __init__(
        self,
        loading: Loading,
        jobs: Jobs,
        sessions: Sessions,
        uploads: Uploads,
        whole: Callable[[Session], Shown],
    ):
        self._whole = whole
        self.loading = loading
        self.jobs = jobs
        self.sessions = sessions
        self.uploads = uploads

    def look(self, session: Session, token: str) -> dict[str, Any]:
        """What an uploaded file is and what can be done with it, for the page to ask about."""
        upload = self.uploads.find(token, session.id)
        found = opening.identify(upload.path, upload.name)
        ways = {
            "picture": ["new", "picture"],
            "project": ["new"],
            "recipe": ["recipe"],
            "masks": ["mask"],
            "mask": ["mask", "new", "picture"],
        }[found.kind]
        if session.empty:
            ways = [way for way in ways if way != "new"] or ways
        return {
            "file": token,
            "kind": found.kind,
            "empty": session.empty,
            "ways": ways,
            "label": found.label,
        }

    def open(self, session: Session, told: Mapping[str, Any]) -> Shown:
        """Do with uploaded files what the person chose: ``way`` and, for masks, ``labels``."""
        tokens = told.get("files")
        if not isinstance(tokens, Sequence) or isinstance(tokens, str) or not tokens:
            raise InvalidRequest("There is no file to open.")
        uploads = [self.uploads.find(str(token), session.id) for token in tokens[:64]]
        way, rev = told.get("way"), told.get("rev")
        if way == "mask":
            found = self.add_masks(session, uploads, told.get("labels") or {}, rev)
        elif len(uploads) > 1:
            raise InvalidRequest(
                "Several files can be opened together only where all are masks. "
                "Open the others one at a time."
            )
        elif way == "recipe":
            found = self.take_recipe(session, uploads[0])
        else:
            found = self.open_one(session, uploads[0], way == "new", rev)
        for upload in uploads:
            self.uploads.drop(upload.path.name, session.id)
        self.sessions.save(session)
        return found

    def open_one(self, session: Session, upload: Upload, new: bool, rev: Any) -> Shown:
        if opening.identify(upload.path, upload.name).kind == "project":
            project = read_project(upload.path)
            self.leave(session)
            # Its name of old may be taken by a save that went on since.
            become(session, replace(project, doc=empty().doc))
            return self.whole(session)
        if not new:
            return self.as_picture(session, upload, rev)
        other = Session(session.id)
        opening.open_picture(other, upload.path)  # whether it can be, before leaving
        self.new(session)
        found = self.as_picture(session, upload, None)
        return replace(found, report=session.report)  # that of the former document goes

    def as_picture(self, session: Session, upload: Upload, rev: Any) -> Shown:
        before, report = session.current, session.report
        state, restored = opening.open_picture(session, upload.path)
        drawing = state.drawing
        labels = None if drawing is None else labels_file(drawing.bits, drawing.findings)
        if drawing is not None:
            session.drawing = replace(drawing, rev=session.drawing.rev if session.drawing else 0)
        done = step(
            "open picture",
            undo={"kind": "delete", "id": state.number, "show": before},
            redo={"kind": "undelete", "id": state.number},
        )
        if restored is not None:
            done = {**done, "report": [report, restored.report]}
            session.report = restored.report
        found = document(session, self.loading.engine, labels, rev, step=done)
        said = [*state.notes, *said_of_words(state)]
        if said:
            found = replace(found, lines=note(session, " ".join(said), "warn"))
        return found if restored is None else with_recipe(session, found, restored)

    def take_recipe(self, session: Session, upload: Upload) -> Shown:
        """Words, verb, seed and quality of a recipe; its masks come with a picture of ours."""
        restored = opening.read_recipe_file(upload.path)
        before, session.report = session.report, restored.report
        done = {**step("open recipe"), "report": [before, restored.report]}
        found = document(session, self.loading.engine, step=done)
        said = "Words, seed and settings are those of the recipe. Its masks come with its picture."
        return with_recipe(session, replace(found, lines=note(session, said, "")), restored)

    def add_masks(
        self, session: Session, uploads: Sequence[Upload], labels: Mapping[str, Any], rev: Any
    ) -> Shown:
        picture, drawing = session.picture(), session.drawing
        painted = drawing is not None and bool(drawing.bits.any())
        shape = canvas_shape(session) if picture is not None or painted else None
        said = []
        for upload in uploads:
            chosen = chosen_label(labels.get(upload.path.name))
            read = opening.read_masks(upload.path, chosen, drawing)
            drawing, sentence = masks.laid_on(read, drawing, shape, session.doc)
            shape = drawing.bits.shape
            said.append(sentence)
        assert isinstance(drawing, Drawing)
        data = labels_file(drawing.bits, drawing.findings)
        title = "add mask" if len(uploads) == 1 else f"add {len(uploads)} masks"
        found = document(session, self.loading.engine, data, rev, step=step(title))
        session.drawing = drawing
        sentence = next((s for s in said if s), "")
        return replace(found, lines=note(session, sentence, "warn")) if sentence else found

    def new(self, session: Session) -> Shown:
        """An empty document; the former one is kept."""
        self.leave(session)
        become(session, empty())
        keeper = self.sessions.keeper
        if keeper is not None:
            keeper.new(session)
        return self.whole(session)

    def example(self, session: Session, name: Any) -> Shown:
        """One of the example projects; the former document is kept."""
        project = examples.read(name)
        self.leave(session)
        become(session, replace(project, doc=empty().doc))
        return self.whole(session)

    def reopen(self, session: Session, doc: Any) -> Shown:
        """One of the documents that were saved."""
        keeper = self.sessions.keeper
        if keeper is None or not isinstance(doc, str):
            raise InvalidRequest("This document is not here any more.")
        self.leave(session)
        if not keeper.open(session, doc):
            raise InvalidRequest(session.notice or "This document is not here any more.")
        return self.whole(session)

    def whole(self, session: Session) -> Shown:
        return replace(self._whole(session), report=session.report)

    def leave(self, session: Session) -> None:
        """Save before another document takes the place; refused while that would lose something."""
        if self.jobs.active(session.id) is not None:
            raise InvalidRequest(RUNNING)
        self.sessions.save(session)
        if session.fault is not None and not session.empty:
            raise InvalidRequest(
                f"The document at work is not saved: {session.fault} Then open the other one."
            )


def said_of_words(state: State) -> list[str]:
    """That somebody has to look for words in a film before anything of it leaves."""
    if state.descent is None or not state.descent.source.open:
        return []
    count = len(state.descent.source.found)
    places = "1 place looks" if count == 1 else f"{count or 'No'} places look"
    return [f"{places} like words. Before anything is exported, look: Words in the film, above."]


def with_recipe(session: Session, found: Shown, restored: opening.Restored) -> Shown:
    """The panel as a recipe says; what it does not say stays."""
    verb = next((name for name, verb in VERBS.items() if verb == restored.verb), None)
    # Gradio refuses every later run of a page whose radio holds what it does not offer.
    quality = next((name for name, known in QUALITIES.items() if known == restored.quality), None)
    said = {"verb": verb, "seed": restored.seed, "quality": quality}
    said = {name: value for name, value in said.items() if value is not None}
    keep = restored.seed is not None
    session.form = replace(panel_of(session), keep_seed=keep, **said)
    return replace(found, report=restored.report, keep=keep, **said)


def chosen_label(value: Any) -> int | None:
    """The label that the page says a mask is: a bit, or the next free finding."""
    if value is None or value == opening.SEVERAL:
        return None
    if type(value) is not int or not (0 <= value <= KEEP or value == masks.NEW_FINDING):
        raise InvalidRequest("This is no label.")
    return value

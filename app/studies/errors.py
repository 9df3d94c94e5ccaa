"""What can go wrong in a study, as sentences for investigators and readers."""

from engine.errors import EngineError


class StudyError(EngineError):
    """A study cannot be read, or something was asked that its design or its phase forbids.

    ``place`` leads through a document to what is wrong: names, and numbers in lists from 0.
    ``line`` is its line in the file that was read, from 1, or 0 where there is none.
    """

    place: tuple[str | int, ...] = ()
    line: int = 0


class NotSaved(StudyError):
    """An answer is not on the disk. The reader keeps it on the page and presses Submit again."""

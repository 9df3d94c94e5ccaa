"""What can go wrong in a study, as sentences for investigators and readers."""

from engine.errors import EngineError


class StudyError(EngineError):
    """A study cannot be read, or something was asked that its design or its phase forbids."""


class NotSaved(StudyError):
    """An answer is not on the disk. The reader keeps it on the page and presses Submit again."""

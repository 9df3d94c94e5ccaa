"""Errors a person can act on. ``str(error)`` is shown to radiologists as it stands.

Anything that is not an :class:`EngineError` is a fault of ours: the page and the command line
show an incident number for it and write the trace to the log.
"""


class EngineError(Exception):
    """What is the case, then what to do about it, in whole sentences without code words."""


class InvalidRequest(EngineError):
    """The request cannot be carried out as written; nothing was run."""


class ImageUnreadable(EngineError):
    """A picture could not be opened; nothing was changed."""


class ModelMissing(EngineError):
    """No loaded model can do what was asked."""


class CheckpointRefused(EngineError):
    """A model file is damaged, is something else, or is not the network it should be."""


class DiskFull(EngineError):
    """There is no room to write what should be kept; what exists was not touched."""


class NoRoom(DiskFull):
    """The disk was seen to have no room before anything was written; the sentence has figures."""


class OutOfMemory(EngineError):
    """The device ran out of memory. ``needed_gib`` is an estimate and may be 0 for unknown."""

    def __init__(self, device: str, needed_gib: float, free_gib: float) -> None:
        self.device, self.needed_gib, self.free_gib = device, needed_gib, free_gib
        need = f"this run needs about {needed_gib:.1f} GiB" if needed_gib else "this run needs more"
        super().__init__(
            f"The {device} has {free_gib:.1f} GiB of memory free and {need}. "
            "Nothing is lost. Close other programs that use it, make fewer variations at once, "
            "or start with --device cpu."
        )


class Cancelled(EngineError):
    """The user pressed Stop. Not a fault: callers end quietly."""

    def __init__(self) -> None:
        super().__init__("Stopped.")

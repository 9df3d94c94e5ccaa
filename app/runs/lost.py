"""What is said when the process of the models ended without being asked to."""

from engine.errors import EngineError

STARTING = "The process that computes is being started. Try again in a moment."
SAFE = "Nothing else is lost: the drawing and the history are as they were."


class Lost(EngineError):
    """The process ended in the middle of what it was asked; nobody knows how far it came.

    It is never asked again without a person: what ended it once may end it again.
    """


class NotBegun(Lost):
    """It ended before it had begun with what it was asked, which may safely be asked again."""


class GivenUp(EngineError):
    """It ended so often in a row that it is not started again until somebody asks for it."""


def in_a_run(why: str) -> Lost:
    """``why`` is a clause on how it ended, such as "because memory ran out"."""
    return Lost(
        f"The process that computes ended in the middle of this run{why and ', ' + why}, so its "
        f"picture is lost. {SAFE} It is started again by itself; then press Run again."
    )


def with_the_program() -> str:
    """Of a run that was accepted before the program itself ended."""
    return (
        "XReal Studio ended while this run was waiting or going on, so its picture is lost. "
        f"{SAFE} Press Run again."
    )


def given_up(times: int) -> GivenUp:
    return GivenUp(
        f"The process that computes ended {times} times in a row, so it is not started again. "
        "Documents are safe and can be opened, drawn in and exported. Press Run to try once more, "
        "choose another model set on the Models page, or start the program anew."
    )


def how_it_ended(code: int | None) -> str:
    """A clause for people from the exit status of a process; "" where it says nothing to them."""
    if code == -9 or code == 137:
        return "probably because the memory of this computer ran out"
    if code is not None and code in (-11, -7, -6, -4, 3221225477):
        return "by a fault in a library"
    return ""

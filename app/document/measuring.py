"""What the segmenter reads from a picture: the measures beside those of the drawing."""

import threading

import numpy as np

from app.document.session import Session
from app.runs.jobs import Jobs
from app.runs.loading import Engine
from app.runs.lost import Lost, NotBegun
from engine.api import HEART, LEFT_LUNG, RIGHT_LUNG, Organs, SegmentRequest

Measures = dict[str, float]
PATIENCE = 10.0  # seconds that a page is kept waiting; it asks again


def measured(jobs: Jobs, session: Session, number: int) -> Measures | None:
    """Of a state, read between the runs; None where it takes too long or cannot be read.

    Kept in the session: a picture never changes.
    """
    key = (session.doc, number)
    known = session.measured.get(key)
    state = session.state(number)
    if known is not None or state is None:
        return known
    done = threading.Event()

    def read(engine: Engine) -> None:
        try:
            if engine.can("segment") is None:
                found = engine.run(SegmentRequest(image=state.image)).organs
                session.measured[key] = {} if found is None else measures(found)
        except NotBegun:
            raise
        except Lost:
            session.measured[key] = {}  # what ended the process is not asked again
            raise
        finally:
            done.set()

    jobs.errand(read)
    done.wait(PATIENCE)
    return session.measured.get(key)


def measures(organs: Organs) -> Measures:
    """Of a label map (H, W), as the canvas measures a drawing; what is not there is left out.

    ``ratio``: width of the heart over the width of both lungs together. ``left``, ``right``: the
    share of each lung in the area of both.
    """
    found: Measures = {}
    heart = np.flatnonzero((organs == HEART).any(axis=0))
    left, right = organs == LEFT_LUNG, organs == RIGHT_LUNG
    both = float(left.sum() + right.sum())
    if both:
        found["left"], found["right"] = float(left.sum()) / both, float(right.sum()) / both
    if heart.size and left.any() and right.any():
        chest = np.flatnonzero((left | right).any(axis=0))
        found["ratio"] = float(np.ptp(heart) + 1) / float(np.ptp(chest) + 1)
    return found

"""The program is killed while a study is frozen or closed: it is the one or the other, whole."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.studies.replay import verify
from app.studies.store import create, open_store
from tests.studies.small import opened, read_all, study

ROOT = Path(__file__).parent.parent.parent
# The process kills itself where the step reaches the chosen call, after so many calls of it.
DIES = """
import os, signal, sys
from pathlib import Path
from app.studies import log, replay, store
place, call, step = sys.argv[1:4]
left = [int(sys.argv[4])]
def dying(real):
    def work(*values, **named):
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*values, **named)
    return work
opened = store.open_store(Path(place))
if call == "insert":
    log.insert = dying(log.insert)
elif call == "materialise":
    store.materialise = dying(store.materialise)
elif call == "mirror":
    log.Log.mirror = dying(log.Log.mirror)
elif call == "backup":
    log.Log.back_up = dying(log.Log.back_up)
opened.freeze() if step == "freeze" else opened.close_reading("PI")
print("done")
"""


def killed(folder: Path, call: str, step: str, after: int = 0) -> None:
    words = [sys.executable, "-c", DIES, str(folder), call, step, str(after)]
    ended = subprocess.run(words, cwd=ROOT, env={**os.environ}, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
@pytest.mark.parametrize(
    ("call", "after", "phase"),
    [
        ("insert", 0, "draft"),
        ("materialise", 0, "draft"),
        ("insert", 1, "draft"),  # the orders are written, the phase is not
        ("mirror", 0, "frozen"),  # committed; the text copy lacks it
    ],
)
def test_killed_while_freezing_it_is_a_draft_or_frozen_and_nothing_between(
    tmp_path, call, after, phase
):
    create(tmp_path, study()).close_file()
    killed(tmp_path, call, "freeze", after)

    store = open_store(tmp_path)
    assert store.phase == phase
    assert verify(tmp_path) == []
    if phase == "draft":
        assert store.log.rows("SELECT count(*) FROM trial") == [(0,)]
        store.freeze()
    assert len(store.log.events("kind = 'frozen'")) == 1
    store.open_reading()
    assert store.for_reader("R01") is not None


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
@pytest.mark.parametrize(
    ("call", "phase"), [("insert", "open"), ("mirror", "closed"), ("backup", "closed")]
)
def test_killed_while_closing_no_answer_is_lost_and_the_close_is_whole_or_not_there(
    tmp_path, call, phase
):
    store = opened(tmp_path)
    read = read_all(store, "R01")
    store.close_file()
    killed(tmp_path, call, "close")

    store = open_store(tmp_path)
    assert store.phase == phase
    if phase == "open":
        store.close_reading("PI")
    assert {one.trial_id for one in store.readings()} == set(read)
    assert verify(tmp_path) == []

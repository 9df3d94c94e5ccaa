"""What an investigator should look at while a study runs: nothing here knows what is true.

From times, positions and answers alone, never from sources: a flag can say that a reader answers
faster and faster, and never whether rightly.
"""

import json
import math
from collections.abc import Sequence
from statistics import median, quantiles
from typing import Any

from app.studies.log import Log
from app.studies.model import Study
from app.studies.monitoring import seconds_by_trial

TOO_FAST_SECONDS = 2.0
STRETCH = 20  # answers that are compared at the begin and at the end
FASTER = 0.5  # the later median time, as a share of the first, that is flagged
SAME_IN_A_ROW = 12


def watched(log: Log, study: Study) -> dict[str, Any]:
    """Times of all readers, and per reader what stands out, as sentences."""
    seconds = seconds_by_trial(log)
    known = [one for one in seconds.values() if not math.isnan(one)]
    plan = study.protocol.plan
    rows = {}
    for reader in study.readers:
        trials = _submitted(log, reader.reader_id)
        mine = [seconds[one] for one in trials if not math.isnan(seconds.get(one, math.nan))]
        answers = [
            value for one in trials if (value := _answer(log, one, plan.question)) is not None
        ]
        rows[reader.reader_id] = {
            "too_fast": sum(one < TOO_FAST_SECONDS for one in mine),
            "flags": flags_of(mine, answers),
        }
    return {
        "median": median(known) if known else None,
        "middle_half": quantiles(known, n=4)[::2] if len(known) > 1 else None,
        "readers": rows,
    }


def flags_of(seconds: Sequence[float], answers: Sequence[Any]) -> list[str]:
    """What stands out in one reader's times, in seconds, and answers, both in their order."""
    found = []
    fast = sum(one < TOO_FAST_SECONDS for one in seconds)
    if len(seconds) >= 10 and fast > len(seconds) / 10:
        found.append(f"{fast} of {len(seconds)} cases took less than {TOO_FAST_SECONDS:g} s.")
    if len(seconds) >= 2 * STRETCH:
        first, last = median(seconds[:STRETCH]), median(seconds[-STRETCH:])
        if last < FASTER * first:
            found.append(
                f"The last {STRETCH} cases took {last:.0f} s each, the first {first:.0f} s."
            )
    longest = _longest_run(answers)
    if longest >= SAME_IN_A_ROW:
        found.append(f"The same answer came {longest} times in a row.")
    return found


def _longest_run(answers: Sequence[Any]) -> int:
    best = run = 0
    for n, one in enumerate(answers):
        run = run + 1 if n and one == answers[n - 1] else 1
        best = max(best, run)
    return best


def _submitted(log: Log, reader_id: str) -> list[str]:
    events = log.rows(
        "SELECT trial_id FROM event WHERE kind = 'trial_submitted' AND reader_id = ? ORDER BY seq",
        (reader_id,),
    )
    return [row[0] for row in events]


def _answer(log: Log, trial_id: str, question: str) -> Any:
    rows = log.rows(
        "SELECT value FROM event WHERE trial_id = ? AND kind = 'answer_set' AND question = ? "
        "ORDER BY seq DESC LIMIT 1",
        (trial_id, question),
    )
    return json.loads(rows[0][0]) if rows else None

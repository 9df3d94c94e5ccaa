"""What a reader is told after a practice trial, where the protocol wants it; never elsewhere."""

from app.studies.design import Design
from app.studies.model import Case


def feedback_for(design: Design, trial_id: str) -> str:
    """A sentence for a practice trial of a protocol with feedback, else nothing."""
    trial = next((one for one in design.trials if one.trial_id == trial_id), None)
    if trial is None or not trial.practice or not design.study.protocol.feedback:
        return ""
    cases = {case.case_id: case for case in design.study.cases}
    left = cases[trial.left_case]
    if not trial.right_case:
        return f"This picture is {_kind(left)}."
    right = cases[trial.right_case]
    if right.edit_of == left.case_id or left.edit_of == right.case_id:
        return f"Picture {2 if right.edit_of else 1} is the edited one."
    if left.synthetic == right.synthetic:
        return f"Both pictures are {_kind(left)}."
    return f"Picture {1 if left.synthetic else 2} is synthetic, the other one real."


def _kind(case: Case) -> str:
    return "synthetic" if case.synthetic else "real"

"""python -m app.studies: simulate, plan, analyse, verify, rebuild, protocols."""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.studies import protocols
from app.studies.analysis import without_nan
from app.studies.errors import StudyError
from app.studies.exporting import analyse_export, changed_files
from app.studies.replay import rebuild, verify
from app.studies.simulation import Modelled, coverage, coverage_table, simulate, simulated_study
from app.studies.statistics.planning import plan_of

FAILED = 1
REFUSED = 2


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m app.studies", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    one = verbs.add_parser("simulate", help="a whole study with modelled readers")
    one.add_argument("--readers", type=int, default=6)
    one.add_argument(
        "--trials", type=int, default=60, help="trials of each reader, repeats included"
    )
    one.add_argument("--seed", type=int, default=0)
    one.add_argument("--protocol", choices=protocols.names(), default="turing")
    one.add_argument("--skill", type=float, default=0.5, help="logit scale; 0 is guessing")
    one.add_argument("--studies", type=int, default=0, help="coverage over so many studies instead")
    one.add_argument("--folder", type=Path, help="keep the study and its export in a new folder")
    one = verbs.add_parser("plan", help="what a study of a size can show")
    one.add_argument("--readers", type=int, default=6)
    one.add_argument("--cases", type=int, default=120)
    one.add_argument("--margin", type=float, default=0.1)
    one = verbs.add_parser("analyse", help="every number again, from an export alone")
    one.add_argument("export", type=Path)
    one = verbs.add_parser("verify", help="where a study differs from what was written")
    one.add_argument("study", type=Path)
    one = verbs.add_parser("rebuild", help="a study file from its text copy events.jsonl")
    one.add_argument("mirror", type=Path)
    one.add_argument("study", type=Path)
    one = verbs.add_parser("protocols", help="the protocols that ship, or one of them as YAML")
    one.add_argument("name", nargs="?", default="")
    for verb in verbs.choices.values():
        verb.add_argument("--json", action="store_true", help="answer in JSON on stdout")
    return parser


def main(words: Sequence[str]) -> int:
    """Run one command; 0 when all is well, 1 when a check failed, 2 when it was refused."""
    arguments = build_parser().parse_args(words)
    commands: dict[str, Callable[[Any], tuple[Any, int]]] = {
        "simulate": _simulate,
        "plan": _plan,
        "analyse": _analyse,
        "verify": _verify,
        "rebuild": _rebuild,
        "protocols": _protocols,
    }
    try:
        answer, code = commands[arguments.verb](arguments)
    except StudyError as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    if arguments.json:
        sys.stdout.write(json.dumps(without_nan(answer)) + "\n")
    else:
        sys.stdout.write(_told(answer) + "\n")
    return code


def _simulate(arguments: Any) -> tuple[Any, int]:
    model = Modelled(skill=arguments.skill)
    if arguments.studies:
        table = coverage_table(arguments.studies, arguments.seed, arguments.skill)
        own = coverage(
            arguments.readers, arguments.trials, model, arguments.studies, arguments.seed
        )
        return {"table": table, "asked": own}, 0
    study = simulated_study(arguments.protocol, arguments.readers, arguments.trials, arguments.seed)
    if arguments.folder:
        answer = simulate(study, arguments.folder, model, arguments.seed)
    else:
        with tempfile.TemporaryDirectory() as folder:
            answer = simulate(study, Path(folder), model, arguments.seed)
    return answer, FAILED if answer["faults"] or not answer["same_from_export"] else 0


def _plan(arguments: Any) -> tuple[Any, int]:
    return plan_of(arguments.readers, arguments.cases, arguments.margin), 0


def _analyse(arguments: Any) -> tuple[Any, int]:
    results = analyse_export(arguments.export)
    changed = changed_files(arguments.export)
    if changed:
        sys.stderr.write(f"Changed after the export: {', '.join(changed)}\n")
    return results, FAILED if changed else 0


def _verify(arguments: Any) -> tuple[Any, int]:
    faults = verify(arguments.study)
    return {"faults": [asdict(one) for one in faults]}, FAILED if faults else 0


def _rebuild(arguments: Any) -> tuple[Any, int]:
    return {"events": rebuild(arguments.mirror, arguments.study)}, 0


def _protocols(arguments: Any) -> tuple[Any, int]:
    if arguments.name:
        return {"yaml": protocols.as_yaml(protocols.shipped(arguments.name))}, 0
    return {name: protocols.shipped(name).title for name in protocols.names()}, 0


def _told(answer: Any) -> str:
    if isinstance(answer, dict) and set(answer) == {"yaml"}:
        return answer["yaml"].rstrip()
    if isinstance(answer, dict) and set(answer) == {"faults"}:
        lines = [f"{one['where']}: {one['what']}" for one in answer["faults"]]
        return "\n".join(lines) or "The study is as it was written."
    return json.dumps(without_nan(answer), indent=1, ensure_ascii=False)

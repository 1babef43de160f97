"""One finding of ``torch-auto check``, and the words that several of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Tuple

from torch_auto.cli.situation import Situation
from torch_auto.plan import Plan

OK, WARN, FAIL = "ok", "warn", "fail"

REFRESH = "torch-auto refresh"
INIT = "torch-auto init"


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it stands, a sentence, and the commands of ours that mend it, in order."""

    check: str
    status: str
    text: str
    commands: Tuple[str, ...] = ()


def torch_of(plan: Plan) -> str:
    """The torch that a plan comes to where its hint is followed."""
    selection = plan.selection
    if selection.needs is not None:
        return f"another release than {plan.release}"
    return f"torch {selection.version}"


def add(situation: Situation) -> Tuple[str, ...]:
    """The command that adds torch-auto to the project or to the environment."""
    verbs = {"uv": "uv add", "uv pip": "uv pip install", "pip": "pip install", "pixi": "pixi add --pypi"}
    return (f"{verbs.get(situation.tool, situation.tool + ' add')} torch-auto",)


def to_json(finding: Finding, runs: Dict[str, Any]) -> Dict[str, Any]:
    """One entry of ``torch-auto check --json``; ``runs`` says what our own commands run."""
    commands: List[str] = []
    for command in finding.commands:
        commands.extend(runs.get(command, [command]))
    return {"check": finding.check, "status": finding.status, "text": finding.text, "commands": commands}

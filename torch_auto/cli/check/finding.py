"""One finding of ``torch-auto check``, and the words that several of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch_auto.cli.check.situation import Situation
    from torch_auto.decide import Plan

OK, WARN, FAIL = "ok", "warn", "fail"

REFRESH = "torch-auto refresh"
INIT = "torch-auto init"
SYNC = "torch-auto sync"


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it stands, a sentence, and the commands of ours that fix it, in order."""

    check: str
    status: str
    text: str
    commands: tuple[str, ...] = ()


def torch_of(plan: Plan) -> str:
    """The torch that a plan gives where PyTorch's pages are named."""
    selection = plan.selection
    if selection.needs is not None:
        return f"another release than {plan.release}"
    return f"torch {selection.version}"


def add(situation: Situation) -> tuple[str, ...]:
    """The command that adds torch-auto to the project or to the environment."""
    return (situation.tool.adding,)


def to_json(finding: Finding, runs: dict[str, Any]) -> dict[str, Any]:
    """One entry of ``torch-auto check --json``; ``runs`` says what our own commands run."""
    commands: list[str] = []
    for command in finding.commands:
        commands.extend(runs.get(command, [command]))
    return {"check": finding.check, "status": finding.status, "text": finding.text, "commands": commands}

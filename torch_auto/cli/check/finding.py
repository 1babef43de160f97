"""One finding of ``torch-auto check``, and the words that several of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch_auto.cli.check.codes import CODES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch_auto.decide import Plan

OK, WARN, FAIL = "ok", "warn", "fail"


@dataclass(frozen=True)
class Finding:
    """A code of :data:`CODES`, the line it stands on, how things stand, and a sentence.

    ``commands`` end it, in order; ``otherwise`` are others that end it too, where it is not only this machine's affair.
    """

    code: str
    check: str
    status: str
    text: str
    commands: tuple[str, ...] = ()
    otherwise: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """A code that is not in the table, or a status that it does not have there, is a mistake of ours."""
        if self.status not in CODES[self.code].statuses:
            raise ValueError(f"{self.code} is not a code of the status {self.status}")


def torch_of(plan: Plan) -> str:
    """The torch that a plan gives where PyTorch's pages are named."""
    selection = plan.selection
    if selection.needs is not None:
        return f"another release than {plan.release}"
    return f"torch {selection.version}"


def to_json(finding: Finding, runs: Mapping[str, list[str]]) -> dict[str, Any]:
    """One entry of ``torch-auto check --json``; ``runs`` says what our own commands run.

    What one of ours runs after another command depends on what that has changed, so only the first is spelled out.
    """
    first = [step for command in finding.commands[:1] for step in runs.get(command, [command])]
    return {
        "code": finding.code,
        "check": finding.check,
        "status": finding.status,
        "text": finding.text,
        "commands": [*first, *finding.commands[1:]],
        "otherwise": list(finding.otherwise),
    }

"""One finding of ``torch-auto check``, and the words that several of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch_auto.cli.check.codes import CODES
from torch_auto.cli.output import shown

if TYPE_CHECKING:
    from typing_extensions import Self

    from torch_auto.decide import Plan

OK, WARN, FAIL = "ok", "warn", "fail"


class Command(str):
    """A command as it is typed. ``ours`` are the words behind our own name where it is one of ours, else none."""

    __slots__ = ("ours",)
    ours: tuple[str, ...]

    def __new__(cls, name: str, ours: tuple[str, ...]) -> Self:
        """``name`` is how our command is typed: "uv run torch-auto"."""
        made = super().__new__(cls, " ".join([name, shown(ours)]))
        made.ours = ours
        return made


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


def installs(command: str) -> bool:
    """Whether it is the command of ours that installs what this machine needs: `refresh`, `sync`."""
    return isinstance(command, Command) and command.ours[0] in ("refresh", "sync")


def to_json(finding: Finding, steps: list[str]) -> dict[str, Any]:
    """One entry of ``torch-auto check --json``; ``steps`` are what the command of ours runs that installs.

    What one of ours runs after another command depends on what that has changed, so only the first is spelled out.
    """
    first = [step for command in finding.commands[:1] for step in (steps if installs(command) else [command])]
    return {
        "code": finding.code,
        "check": finding.check,
        "status": finding.status,
        "text": finding.text,
        "commands": [*first, *finding.commands[1:]],
        "otherwise": list(finding.otherwise),
    }

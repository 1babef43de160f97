"""The findings of ``torch-auto check`` for people and for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch_auto.cli.check.finding import FAIL, OK, WARN, Finding, installs, to_json
from torch_auto.cli.output import FORMAT_VERSION, shown
from torch_auto.cli.terminal import BOLD, CYAN, GREEN, RED, YELLOW, paint, wants_colour, width, wrap

if TYPE_CHECKING:
    from typing import TextIO

    from torch_auto.cli.check.situation import Situation

_COLOURS = {OK: GREEN, WARN: YELLOW, FAIL: RED}


def status_of(findings: list[Finding]) -> str:
    """The worst status."""
    statuses = {finding.status for finding in findings}
    return FAIL if FAIL in statuses else WARN if WARN in statuses else OK


def _answer(findings: list[Finding]) -> str:
    failed = [finding.check for finding in findings if finding.status == FAIL]
    warned = [finding.check for finding in findings if finding.status == WARN]
    if failed:
        return f"{_counted(failed, 'problem')}."
    return f"OK, with {_counted(warned, 'suggestion')}." if warned else "All is well."


def _counted(names: list[str], what: str) -> str:
    return f"{len(names)} {what}{'s' if len(names) > 1 else ''}: {', '.join(names)}"


def _rows(finding: Finding, column: int, *, columns: int, colour: bool) -> list[str]:
    status = paint(f"{finding.status:<4}", _COLOURS[finding.status], colour=colour)
    indent = " " * (8 + column)
    texts = wrap(finding.text, columns, indent)
    lines = [f"  {status}  {finding.check:<{column}}{texts[0][len(indent) :]}", *texts[1:]]
    if finding.commands:
        lines.append(f"{indent}{paint('-> ' + ' && '.join(finding.commands), CYAN, colour=colour)}")
    if finding.otherwise:
        lead, commands = "or, for every machine:", [" && ".join(finding.otherwise)]
        if len(f"{indent}{lead} {commands[0]}") > columns:  # a line each; a shell takes that too
            commands = ["", *" &&\n".join(finding.otherwise).split("\n")]
        lines.append(f"{indent}{lead} {paint(commands[0], CYAN, colour=colour)}".rstrip())
        lines += [f"{indent}   {paint(command, CYAN, colour=colour)}" for command in commands[1:]]
    return lines


def rows(findings: list[Finding], stream: TextIO | None = None, *, colour: bool | None = None) -> list[str]:
    """The lines of findings: status, what was looked at, the sentence, and the commands; as fits the stream."""
    colour = wants_colour(stream) if colour is None else colour
    column = max(len(finding.check) for finding in findings) + 2
    columns = width(stream)
    return [row for finding in findings for row in _rows(finding, column, columns=columns, colour=colour)]


def render(situation: Situation, findings: list[Finding], *, colour: bool) -> str:
    """The findings for people: the answer, a line for each, and what `torch-auto refresh` would run."""
    answer = paint(_answer(findings), f"{BOLD};{_COLOURS[status_of(findings)]}", colour=colour)
    lines = [answer, "", *rows(findings, colour=colour)]
    lines += ["", f"Looked at: {situation.environment.prefix} (Python {situation.environment.python})"]
    for command in dict.fromkeys(item for finding in findings for item in finding.commands if installs(item)):
        lines += [f"`{command}` runs:", *(f"  {shown(step.command)}" for step in situation.steps())]
    return "\n".join(lines) + "\n"


def as_json(situation: Situation, findings: list[Finding]) -> dict[str, Any]:
    """The same for programs; ``schemas/check.schema.json`` describes it."""
    steps = [shown(step.command) for step in situation.steps()]
    return {
        "version": FORMAT_VERSION,
        "status": status_of(findings),
        "tool": situation.tool.name,
        "environment": situation.environment.prefix,
        "project": situation.project.root,
        "checks": [to_json(finding, steps) for finding in findings],
    }

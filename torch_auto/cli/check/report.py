"""The findings of ``torch-auto check`` for people and for programs."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from torch_auto.cli.check.finding import FAIL, INIT, OK, REFRESH, SYNC, WARN, Finding, to_json
from torch_auto.cli.output import GREEN, RED, WIDTH, YELLOW, paint, shown

if TYPE_CHECKING:
    from torch_auto.cli.check.situation import Situation

_COLOURS = {OK: GREEN, WARN: YELLOW, FAIL: RED}
FORMAT_VERSION = 1


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


def _rows(finding: Finding, width: int, *, colour: bool) -> list[str]:
    status = paint(f"{finding.status:<4}", _COLOURS[finding.status], colour=colour)
    indent = " " * (8 + width)
    texts = textwrap.wrap(finding.text, WIDTH - len(indent), break_on_hyphens=False)
    rows = [f"  {status}  {finding.check:<{width}}{texts[0]}", *(indent + text for text in texts[1:])]
    if finding.commands:
        rows.append(f"{indent}-> {' && '.join(finding.commands)}")
    return rows


def render(situation: Situation, findings: list[Finding], *, colour: bool) -> str:
    """The findings for people: the answer, a line for each, and what `torch-auto refresh` would run."""
    width = max(len(finding.check) for finding in findings) + 2
    lines = [_answer(findings), ""]
    for finding in findings:
        lines += _rows(finding, width, colour=colour)
    lines += ["", f"Looked at: {situation.environment.prefix} (Python {situation.environment.python})"]
    for command in (REFRESH, SYNC):
        if any(command in finding.commands for finding in findings):
            lines += [f"`{command}` runs:", *(f"  {shown(step.command)}" for step in situation.steps())]
    return "\n".join(lines) + "\n"


def as_json(situation: Situation, findings: list[Finding]) -> dict[str, Any]:
    """The same for programs."""
    steps = [shown(step.command) for step in situation.steps()]
    runs = {REFRESH: steps, SYNC: steps, INIT: [INIT]}
    return {
        "version": FORMAT_VERSION,
        "status": status_of(findings),
        "tool": situation.tool.name,
        "environment": situation.environment.prefix,
        "project": situation.project.root,
        "checks": [to_json(finding, runs) for finding in findings],
    }

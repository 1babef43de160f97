"""``torch-auto check``: whether the machine, the environment, the lock and the hint agree."""

from __future__ import annotations

import json
import shlex
import sys
import textwrap
from typing import Any, Dict, List

from torch_auto.cli.finding import FAIL, INIT, OK, REFRESH, WARN, Finding, to_json
from torch_auto.cli.findings import all_findings
from torch_auto.cli.findings_groups import SYNC
from torch_auto.cli.mend import Command
from torch_auto.cli.situation import Situation, Where, survey

_COLOURS = {OK: "32", WARN: "33", FAIL: "31"}
_WIDTH = 100
FORMAT_VERSION = 1


def shown(command: Command) -> str:
    """A command as it is typed."""
    return " ".join(shlex.quote(word) for word in command)


def _status(findings: List[Finding]) -> str:
    statuses = {finding.status for finding in findings}
    return FAIL if FAIL in statuses else WARN if WARN in statuses else OK


def _answer(findings: List[Finding]) -> str:
    failed = [finding.check for finding in findings if finding.status == FAIL]
    warned = [finding.check for finding in findings if finding.status == WARN]
    if failed:
        return f"Not right: {', '.join(failed)}."
    return f"It works, and could be better: {', '.join(warned)}." if warned else "All is well."


def _rows(finding: Finding, width: int, *, colour: bool) -> List[str]:
    status = f"{finding.status:<4}"
    if colour:
        status = f"\033[{_COLOURS[finding.status]}m{status}\033[0m"
    indent = " " * (8 + width)
    texts = textwrap.wrap(finding.text, _WIDTH - len(indent), break_on_hyphens=False)
    rows = [f"  {status}  {finding.check:<{width}}{texts[0]}", *(indent + text for text in texts[1:])]
    if finding.commands:
        rows.append(f"{indent}-> {' && '.join(finding.commands)}")
    return rows


def render(situation: Situation, findings: List[Finding], *, colour: bool) -> str:
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


def as_json(situation: Situation, findings: List[Finding]) -> Dict[str, Any]:
    """The same for programs."""
    steps = [shown(step.command) for step in situation.steps()]
    runs = {REFRESH: steps, SYNC: steps, INIT: [INIT]}
    return {
        "version": FORMAT_VERSION,
        "status": _status(findings),
        "tool": situation.tool,
        "environment": situation.environment.prefix,
        "project": situation.project.root,
        "checks": [to_json(finding, runs) for finding in findings],
    }


def run(where: Where, *, json_wanted: bool, colour: bool) -> int:
    """Print what is found; 1 where something fails, else 0.

    Raises:
        SettingsError: a setting is wrong.
        NotTomlError, NoTomlReaderError, OSError: a file of the project's cannot be read.
    """
    situation = survey(where)
    findings = all_findings(situation)
    if json_wanted:
        json.dump(as_json(situation, findings), sys.stdout, indent=2, ensure_ascii=False)
        sys.stdout.write("\n")
    else:
        sys.stdout.write(render(situation, findings, colour=colour))
    return 1 if _status(findings) == FAIL else 0

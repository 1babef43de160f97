"""``torch-auto check``: whether the machine, the environment, the lock and PyTorch's pages agree."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from torch_auto.cli import options as shared

if TYPE_CHECKING:
    import argparse

    from torch_auto.cli.check.finding import Finding
    from torch_auto.cli.check.situation import Situation, Where
    from torch_auto.cli.options import Verbs

_EXAMPLES = """\
exit status: 0 where nothing fails, 1 where something does, 2 for a mistake on the command line or in a setting

examples:
  torch-auto check                      the project, and the environment that has its torch
  torch-auto check --json               for programs: codes, and the commands that fix it
  torch-auto check --fix                run what it prints, and look again
  uvx torch-auto-core check             without torch-auto in the project
"""


def add(verbs: Verbs) -> None:
    """Its parser."""
    text = "check that machine, environment, lock and PyTorch's pages fit together"
    check = verbs.add("check", execute, text, _EXAMPLES)
    shared.environment(check)
    how = check.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print the findings as JSON")
    how.add_argument("--fix", action="store_true", help="run the commands that it prints, one after the other")
    check.add_argument("--yes", action="store_true", help="with --fix: do not ask, as `torch-auto refresh --yes`")


def where_of(options: argparse.Namespace) -> Where:
    """Where the options of a verb that looks at an environment say to look, and what a printed command repeats."""
    from torch_auto.cli.check.situation import Where
    from torch_auto.cli.project.own import typed

    again = [("--project", options.project if options.project != "." else None)]
    again += [("--venv", getattr(options, "venv", None)), ("--machine", options.machine)]
    words = [word for name, value in again if value is not None for word in (name, value)]
    given = shared.given(options, "machine")
    return Where(options.project, os.environ, given, getattr(options, "venv", None), typed(os.environ), tuple(words))


def execute(options: argparse.Namespace) -> int:
    """Print what is found; 1 where something fails, else 0.

    Raises:
        SettingsError: a setting is wrong.
        NotTomlError, OSError: a file of the project's cannot be read.
    """
    from torch_auto.cli.check.finding import FAIL, OK
    from torch_auto.cli.check.findings import all_findings
    from torch_auto.cli.check.report import as_json, render, status_of
    from torch_auto.cli.check.situation import survey
    from torch_auto.cli.output import print_json
    from torch_auto.cli.terminal import Progress, wants_colour

    with Progress("Comparing the machine, the environment and the lock"):
        situation = survey(where_of(options))
        findings = all_findings(situation)
    if options.json:
        print_json(as_json(situation, findings))
    else:
        sys.stdout.write(render(situation, findings, colour=wants_colour()))
    if options.fix and status_of(findings) != OK:
        return _fix(situation, findings, yes=options.yes)
    return 1 if status_of(findings) == FAIL else 0


def _fix(situation: Situation, findings: list[Finding], *, yes: bool) -> int:
    """Run what is printed, each command once, and stop at the first that fails; then look again."""
    import shlex

    from torch_auto.cli.check.finding import Command
    from torch_auto.cli.check.outcome import agreed, look_again
    from torch_auto.cli.output import print_lines
    from torch_auto.cli.processes import Step, run_step
    from torch_auto.cli.terminal import say_error

    commands = dict.fromkeys(command for finding in findings for command in finding.commands)
    if not agreed(situation, yes=yes):
        return 1
    for command in commands:
        print_lines([f"$ {command}"], sys.stderr)
        words = shlex.split(command)
        folder = situation.project.root
        if isinstance(command, Command):
            # This command's own code: it may not be in PATH, and `uv run` would install first. Its options are
            # relative to the folder that the user stands in.
            words, folder = [sys.executable, "-m", "torch_auto", *command.ours], os.getcwd()
            words += ["--yes"] if command.ours[0] == "refresh" else []
        if run_step(Step(tuple(words)), folder, os.environ) != 0:
            say_error(f"this failed: {command}")
            return 1
    return look_again(situation.where)

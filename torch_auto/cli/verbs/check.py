"""``torch-auto check``: whether the machine, the environment, the lock and PyTorch's pages agree."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from torch_auto.cli import options as shared

if TYPE_CHECKING:
    import argparse

    from torch_auto.cli.options import Verbs

_EXAMPLES = """\
exit status: 0 where nothing fails, 1 where something does, 2 for a mistake on the command line or in a setting

examples:
  torch-auto check                      the project, and the environment that has its torch
  torch-auto check --json               for programs: the commands that fix it are in it
  uvx torch-auto-core check             without torch-auto in the project
"""


def add(verbs: Verbs) -> None:
    """Its parser."""
    text = "whether the machine, the environment, the lock and PyTorch's pages agree"
    check = verbs.add("check", execute, text, _EXAMPLES)
    shared.environment(check)
    check.add_argument("--json", action="store_true", help="print the findings as JSON")


def execute(options: argparse.Namespace) -> int:
    """Print what is found; 1 where something fails, else 0.

    Raises:
        SettingsError: a setting is wrong.
        NotTomlError, OSError: a file of the project's cannot be read.
    """
    from torch_auto.cli.check.finding import FAIL
    from torch_auto.cli.check.findings import all_findings
    from torch_auto.cli.check.report import as_json, render, status_of
    from torch_auto.cli.check.situation import Where, survey
    from torch_auto.cli.output import print_json, wants_colour

    where = Where(options.project, os.environ, shared.given(options, "machine"), options.venv)
    situation = survey(where)
    findings = all_findings(situation)
    if options.json:
        print_json(as_json(situation, findings))
    else:
        sys.stdout.write(render(situation, findings, colour=wants_colour()))
    return 1 if status_of(findings) == FAIL else 0

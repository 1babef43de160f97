"""``torch-auto refresh``: run what makes the project's tool look at this machine again."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from torch_auto.cli import options as shared

if TYPE_CHECKING:
    import argparse

    from torch_auto.cli.options import Verbs

_EXAMPLES = """\
examples:
  torch-auto refresh --dry-run          print the commands, run none
  torch-auto refresh                    run them in the project's folder
  torch-auto refresh --yes              without a question, in a script
"""


def add(verbs: Verbs) -> None:
    """Its parser."""
    refresh = verbs.add(
        "refresh", execute, "install the right torch again after the GPU, driver or machine changed", _EXAMPLES
    )
    shared.environment(refresh)
    refresh.add_argument("--dry-run", action="store_true", help="print the commands and run none")
    refresh.add_argument("--yes", action="store_true", help="do not ask before changing a lock that other machines use")


def execute(options: argparse.Namespace) -> int:
    """Run the commands in order, stop at the first that fails, and look again; 1 where something does not work.

    Raises:
        SettingsError: a setting is wrong.
        NotTomlError, OSError: a file of the project's cannot be read.
    """
    from torch_auto.cli.check.outcome import agreed, look_again
    from torch_auto.cli.check.situation import survey
    from torch_auto.cli.output import print_lines, shown
    from torch_auto.cli.processes import run_step
    from torch_auto.cli.terminal import say_error
    from torch_auto.cli.tools.uv_program import unlocked
    from torch_auto.cli.verbs.check import where_of

    where = where_of(options)
    situation = survey(where)
    own_prefix = os.path.realpath(situation.environment.prefix) == os.path.realpath(sys.prefix)
    if os.name == "nt" and own_prefix and not options.dry_run and sys.argv[0].lower().endswith(".exe"):
        # Windows keeps a running torch-auto.exe from being replaced.
        say_error("on Windows, run it as `python -m torch_auto refresh`")
        return 1
    steps = [unlocked(step, os.environ) for step in situation.steps()]
    if options.dry_run:
        print_lines([f"$ {shown(step.command)}" for step in steps])
        return 0
    if not agreed(situation, yes=options.yes):
        return 1
    for step in steps:
        print_lines([f"$ {shown(step.command)}"], sys.stderr)
        if run_step(step, situation.project.root, os.environ) != 0:
            say_error(f"this failed: {shown(step.command)}")
            return 1
    return look_again(where)

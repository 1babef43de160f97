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
"""


def add(verbs: Verbs) -> None:
    """Its parser."""
    refresh = verbs.add("refresh", execute, "make the project's tool look at this machine again", _EXAMPLES)
    shared.environment(refresh)
    refresh.add_argument("--dry-run", action="store_true", help="print the commands and run none")


def execute(options: argparse.Namespace) -> int:
    """Run the commands in order, and stop at the first that fails; 1 where one did, else 0.

    Raises:
        SettingsError: a setting is wrong.
        NotTomlError, OSError: a file of the project's cannot be read.
    """
    from torch_auto.cli.check.situation import Where, survey
    from torch_auto.cli.output import shown
    from torch_auto.cli.processes import run_step
    from torch_auto.cli.tools.uv_program import unlocked

    situation = survey(Where(options.project, os.environ, shared.given(options, "machine"), options.venv))
    own_prefix = os.path.realpath(situation.environment.prefix) == os.path.realpath(sys.prefix)
    if os.name == "nt" and own_prefix and not options.dry_run and sys.argv[0].lower().endswith(".exe"):
        # Windows keeps a running torch-auto.exe from being replaced.
        print("torch-auto: error: on Windows, run it as `python -m torch_auto refresh`", file=sys.stderr)
        return 1
    for step in [unlocked(step, os.environ) for step in situation.steps()]:
        print(f"$ {shown(step.command)}", file=sys.stdout if options.dry_run else sys.stderr)
        if options.dry_run:
            continue
        if run_step(step, situation.project.root, os.environ) != 0:
            print(f"torch-auto: error: this failed: {shown(step.command)}", file=sys.stderr)
            return 1
    if not options.dry_run:
        print("Done. `torch-auto check` says how things stand now.", file=sys.stderr)
    return 0

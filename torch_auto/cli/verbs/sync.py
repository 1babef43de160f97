"""``torch-auto sync``: install this machine's torch from the lock that all machines share."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from torch_auto.cli import options as shared

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from torch_auto.cli.options import Verbs
    from torch_auto.cli.portable.here import Here

_EXAMPLES = """\
Unknown options are passed to uv; so is everything after --.

examples:
  torch-auto sync                       uv sync with this machine's torch group
  torch-auto sync --locked              the same, and fail where the lock is out of date
  torch-auto sync -- --no-dev --extra train
  uvx torch-auto-core sync              in a fresh clone
"""


def add(verbs: Verbs) -> None:
    """Its parser."""
    text = "install this machine's torch from the lock that all machines share"
    sync = verbs.add("sync", execute, text, _EXAMPLES, hands_on=True)
    shared.torch_group(sync)
    sync.add_argument("--venv", metavar="DIR", help="with lock files: the environment to install into")
    sync.add_argument("--dry-run", action="store_true", help="print the command and run nothing")


def execute(options: argparse.Namespace) -> int:
    """Run uv, or install from this machine's lock file, and look at what is installed then.

    Returns the tool's exit status; 1 where what it installed does not work here, and nobody asked for that.

    Raises:
        UserError, SettingsError, NotTomlError, OSError: see :func:`torch_auto.cli.portable.here.here`.
    """
    from torch_auto.cli.portable.here import here

    given = shared.given(options, "backend", "machine")
    found = here(options.project, given, os.environ)
    status = hand_over(options, found, given, then_look=not options.dry_run and not _changes_nothing(options.words))
    return status if status != 0 or options.dry_run else _look(options, found, given)


def _changes_nothing(words: list[str]) -> bool:
    return any(word in ("--dry-run", "--check", "--help", "-h") for word in words)


def _look(options: argparse.Namespace, found: Here, given: Mapping[str, str]) -> int:
    """Say what does not work of what is installed now."""
    from dataclasses import replace

    from torch_auto.cli.check.finding import FAIL
    from torch_auto.cli.check.findings import all_findings
    from torch_auto.cli.check.report import rows
    from torch_auto.cli.check.situation import survey
    from torch_auto.cli.portable.uv_call import installed_into
    from torch_auto.cli.terminal import Progress
    from torch_auto.cli.verbs.check import where_of

    environment = installed_into(found, options.words, os.environ, options.venv)
    if environment is None:
        return 0
    with Progress("Comparing what is installed now with this machine"):
        situation = survey(replace(where_of(options), given=given, venv=environment.prefix))
        failed = [finding for finding in all_findings(situation) if finding.status == FAIL]
    if not failed:
        return 0
    print("torch-auto: what is installed now does not work here:", file=sys.stderr)
    print("\n".join(rows(failed, sys.stderr)), file=sys.stderr)
    return 0 if "backend" in given else 1


def hand_over(options: argparse.Namespace, found: Here, given: Mapping[str, str], *, then_look: bool = False) -> int:
    """Say which group it is, and become the tool that takes it, with the words that are not ours; or wait for it.

    Raises:
        UserError, OSError: there is no such tool, or it does not start.
    """
    from torch_auto.cli import processes
    from torch_auto.cli.output import shown
    from torch_auto.cli.portable.uv_call import Asked, call

    print(f"torch-auto: {found.line}", file=sys.stderr)
    asked = Asked(options.verb, options.words, given, options.project, getattr(options, "venv", None))
    made = call(found, asked)
    for step in made.before:
        if options.dry_run:
            print(shown(step.command))
        else:
            processes.run_step(step, found.project.root, made.variables)
    if options.dry_run:
        print(shown(made.command))
        return 0
    run = processes.wait_for if then_look else processes.hand_over
    return run(made.command, made.variables)

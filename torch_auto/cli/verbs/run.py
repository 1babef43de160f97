"""``torch-auto run``: run a command with this machine's torch."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from torch_auto.cli import options as shared

if TYPE_CHECKING:
    import argparse

    from torch_auto.cli.options import Verbs

_EXAMPLES = """\
Unknown options are passed to uv; so is everything from COMMAND on.

examples:
  torch-auto run python train.py        uv run with this machine's torch group
  torch-auto run --locked -- pytest -q
"""


def add(verbs: Verbs) -> None:
    """Its parser."""
    run = verbs.add("run", execute, "run a command with this machine's torch", _EXAMPLES, hands_on=True)
    shared.torch_group(run)
    run.add_argument("--dry-run", action="store_true", help="print the command and run nothing")


def execute(options: argparse.Namespace) -> int:
    """Run uv; returns its exit status.

    Raises:
        UserError, SettingsError, NotTomlError, OSError: see :func:`torch_auto.cli.portable.here.here`.
    """
    from torch_auto.cli.errors import UserError
    from torch_auto.cli.portable.here import here
    from torch_auto.cli.project.own import typed
    from torch_auto.cli.verbs.sync import hand_over

    given = shared.given(options, "backend", "machine")
    found = here(options.project, given, os.environ)
    if found.torch_groups.pylocks:
        raise UserError(
            f"`run` needs torch groups in uv's project; with lock files only `{typed(os.environ)} sync` works"
        )
    return hand_over(options, found, given)

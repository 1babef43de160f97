"""``torch-auto lock --portable``: a lock file for each torch backend (PEP 751)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from torch_auto.cli import options as shared

if TYPE_CHECKING:
    import argparse

    from torch_auto.cli.options import Verbs

_EXAMPLES = """\
examples:
  torch-auto lock --portable            from uv's torch groups, or from the project's requirements
  torch-auto lock --portable --backends cu126,rocm7.2 --with vision
  torch-auto lock --portable -- --extra train
  torch-auto sync                       install this machine's, with uv or pip
"""


def add(verbs: Verbs) -> None:
    """Its parser."""
    text = "write a lock file for each torch backend (PEP 751)"
    lock = verbs.add("lock", execute, text, _EXAMPLES, hands_on=True)
    lock.add_argument("--portable", action="store_true", help="required (the only mode so far)")
    lock.add_argument("--backends", metavar="X,Y", help="torch backends; default: the fewest for all machines")
    lock.add_argument("--releases", metavar="R,S", help="torch releases; each file takes the newest that has it")
    shared.extras(lock, "vision, audio: pinned in the files too")
    lock.add_argument("--force", action="store_true", help="replace files that this command did not write")
    shared.project(lock)
    shared.index_url(lock)


def execute(options: argparse.Namespace) -> int:
    """Write the lock files, all or none.

    Raises:
        UserError: options are wrong, uv fails, or a file is there that this command did not write.
        SettingsError, NotTomlError, OSError: a setting is wrong; a file cannot be read or written.
    """
    from torch_auto.cli.errors import UserError
    from torch_auto.cli.portable import pylock

    if not options.portable:
        raise UserError(
            "`torch-auto lock --portable` writes lock files; for the project's own lock use its tool, such as `uv lock`"
        )
    asked = (options.backends, options.releases, options.family)
    index_url = shared.settings(options, "index-url").index_url
    wish = pylock.Wish(*asked, index_url, options.force, tuple(options.words))
    return pylock.lock(options.project, os.environ, wish)

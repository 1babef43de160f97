"""``torch-auto completion``: the script by which a shell completes the command."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from torch_auto.cli.options import Verbs

_EXAMPLES = """\
examples:
  eval "$(torch-auto completion bash)"   in ~/.bashrc
  eval "$(torch-auto completion zsh)"    in ~/.zshrc
  torch-auto completion fish > ~/.config/fish/completions/torch-auto.fish
"""

_SHELLS = ("bash", "zsh", "fish")


def add(verbs: Verbs) -> None:
    """Its parser."""
    verb = verbs.add("completion", execute, "print the script that lets a shell complete this command", _EXAMPLES)
    verb.add_argument("shell", nargs="?", choices=_SHELLS, metavar="SHELL", help="bash, zsh or fish; default: yours")


def execute(options: argparse.Namespace) -> int:
    """Print the script.

    Raises:
        UserError: the user's shell is none of these.
    """
    from torch_auto.cli import command_line
    from torch_auto.cli.completion import SHELLS
    from torch_auto.cli.errors import UserError

    shell = options.shell or os.path.basename(os.environ.get("SHELL", ""))
    if shell not in SHELLS:
        raise UserError(f"name your shell, one of {', '.join(SHELLS)}: torch-auto completion bash")
    sys.stdout.write(SHELLS[shell](command_line()[1]))
    return 0

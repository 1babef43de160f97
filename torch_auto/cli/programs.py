"""The user's own tools: found by their full path, and started without a shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import Mapping, Optional, Sequence

from torch_auto.cli.errors import UserError


def program(name: str, variables: Mapping[str, str]) -> Optional[str]:
    """The absolute path of a program. uv says where it is itself to what it runs (the variable UV)."""
    if os.path.isabs(name):
        return name
    if name == "uv" and os.path.isabs(variables.get("UV", "")):
        return variables["UV"]
    found = shutil.which(name, path=variables.get("PATH"))
    return os.path.abspath(found) if found is not None else None


def required(name: str, variables: Mapping[str, str]) -> str:
    """The absolute path of a program that there is no way without.

    Raises:
        UserError: it is not there.
    """
    found = program(name, variables)
    if found is None:
        raise UserError(f"{name} is not in PATH")
    return found


def hand_over(command: Sequence[str], variables: Mapping[str, str]) -> int:
    """Become a program, so that its signals and its exit status are this command's; Windows cannot, and waits for it.

    Raises:
        OSError: it does not start.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        os.execve(command[0], list(command), dict(variables))  # noqa: S606  # the user's own tool, by its full path
    with subprocess.Popen(list(command), env=dict(variables)) as child:  # noqa: S603  # as above
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:  # the console has told the child as well, and what it does is its own affair
                continue

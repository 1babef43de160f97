"""The user's own tools: found by their full path, and started without a shell. All other modules start them here."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

from torch_auto.cli.errors import UserError
from torch_auto.cli.output import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Command = tuple[str, ...]


class Step(NamedTuple):
    """A command. ``may_fail``: it ends with an error where there is nothing to do, and the next one is right."""

    command: Command
    may_fail: bool = False


def program(name: str, variables: Mapping[str, str]) -> str | None:
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


def answer(command: Sequence[str], variables: Mapping[str, str] | None = None) -> str:
    """What a program says of itself on stdout within 20 seconds; nothing where it does not start or fails."""
    env = dict(variables) if variables is not None else None
    try:
        done = subprocess.run(  # noqa: S603  # the user's own tool, by its full path
            list(command), env=env, capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def output(command: Sequence[str], folder: str, variables: Mapping[str, str]) -> str:
    """What a tool writes to stdout; what it says on stderr is shown where it fails.

    Raises:
        UserError: it fails.
    """
    done = subprocess.run(  # noqa: S603  # the user's own tool, by its full path
        list(command), cwd=folder, env=dict(variables), capture_output=True, check=False
    )
    if done.returncode != 0:
        sys.stderr.write(done.stderr.decode("utf-8", "replace"))
        raise UserError(f"this failed: {' '.join(command)}. Nothing was written")
    return done.stdout.decode("utf-8")


def run_step(step: Step, folder: str, variables: Mapping[str, str]) -> int:
    """Run a command in a folder; its exit status, 0 where it may fail, 1 where it does not start."""
    path = program(step.command[0], variables)
    if path is None:
        print(
            f"torch-auto: error: {step.command[0]} is not in PATH; run it yourself: {shown(step.command)}",
            file=sys.stderr,
        )
        return 1
    sys.stderr.flush()
    try:
        done = subprocess.run([path, *step.command[1:]], cwd=folder, env=dict(variables), check=False)  # noqa: S603
    except OSError as error:
        print(f"torch-auto: error: {path} does not start: {error.strerror}", file=sys.stderr)
        return 1
    return 0 if step.may_fail else done.returncode


def hand_over(command: Sequence[str], variables: Mapping[str, str]) -> int:
    """Become a program, so that its signals and its exit status are this command's; Windows cannot, and waits for it.

    Raises:
        OSError: it does not start.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        os.execve(command[0], list(command), dict(variables))  # noqa: S606  # the user's own tool, by its full path
    return wait_for(command, variables)


def wait_for(command: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run a program that has this command's terminal; its exit status, and 128 more than a signal that ended it.

    Raises:
        OSError: it does not start.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    with subprocess.Popen(list(command), env=dict(variables)) as child:  # noqa: S603  # as above
        while True:
            try:
                status = child.wait()
            except KeyboardInterrupt:  # the console has told the child as well, and what it does is its own affair
                continue
            return status if status >= 0 else 128 - status

"""``torch-auto refresh``: run what makes the project's tool look at this machine again."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Mapping

from torch_auto.cli.check import shown
from torch_auto.cli.mend import Step
from torch_auto.cli.programs import program
from torch_auto.cli.situation import Where, survey
from torch_auto.cli.toml import NoTomlReaderError


def unlocked(step: Step, variables: Mapping[str, str]) -> Step:
    """``uv cache clean`` as it works below ``uv run``.

    A newer uv waits there until no other uv uses the cache, and the one that runs this command never stops to. Older
    ones neither wait nor have --force. uv tells what it runs where it is itself (the variable UV).
    """
    uv = program("uv", variables)
    if step.command[:3] != ("uv", "cache", "clean") or "UV" not in variables or uv is None:
        return step
    try:
        done = subprocess.run(  # noqa: S603  # the user's own uv, by its full path
            [uv, "cache", "clean", "--help"], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return step
    return step._replace(command=(*step.command, "--force")) if "--force" in done.stdout else step


def run_step(step: Step, root: str, variables: Mapping[str, str]) -> int:
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
        done = subprocess.run([path, *step.command[1:]], cwd=root, env=dict(variables), check=False)  # noqa: S603
    except OSError as error:
        print(f"torch-auto: error: {path} does not start: {error.strerror}", file=sys.stderr)
        return 1
    return 0 if step.may_fail else done.returncode


def run(where: Where, *, dry_run: bool) -> int:
    """Run the commands in order, and stop at the first that fails; 1 where one did, else 0.

    Raises:
        SettingsError: a setting is wrong.
        NotTomlError, NoTomlReaderError, OSError: a file of the project's cannot be read.
    """
    situation = survey(where)
    if situation.unread:  # which tool manages the project is not known
        raise NoTomlReaderError
    own_prefix = os.path.realpath(situation.environment.prefix) == os.path.realpath(sys.prefix)
    if os.name == "nt" and own_prefix and not dry_run and sys.argv[0].lower().endswith(".exe"):
        # Windows keeps a running torch-auto.exe from being replaced.
        print("torch-auto: error: on Windows, run it as `python -m torch_auto refresh`", file=sys.stderr)
        return 1
    for step in [unlocked(step, where.variables) for step in situation.steps()]:
        print(f"$ {shown(step.command)}", file=sys.stdout if dry_run else sys.stderr)
        if dry_run:
            continue
        if run_step(step, situation.project.root, where.variables) != 0:
            print(f"torch-auto: error: this failed: {shown(step.command)}", file=sys.stderr)
            return 1
    if not dry_run:
        print("Done. `torch-auto check` says how things stand now.", file=sys.stderr)
    return 0

"""The commands that make a tool look at the machine again, and install what it then needs.

What was built stays cached, and each tool has its own way to forget it; all were run. ``uv lock`` keeps what is
locked as long as it satisfies the pins, so torch itself is named too; ``uv sync`` keeps a torch-auto of the
same version, so it is told to install that anew.
"""

from __future__ import annotations

import sys
from typing import List, NamedTuple, Optional, Tuple

from torch_auto.cli.environment import Environment
from torch_auto.cli.groups import Here

Command = Tuple[str, ...]


class Step(NamedTuple):
    """A command. ``may_fail``: it ends with an error where there is nothing to do, and the next one is right."""

    command: Command
    may_fail: bool = False


def _uv(at_least: Optional[str]) -> List[Step]:
    if at_least is not None:
        lock: Command = ("uv", "add", "--no-sync", "--upgrade-package", "torch", f"torch-auto>={at_least}")
    else:
        lock = ("uv", "lock", "--upgrade-package", "torch-auto", "--upgrade-package", "torch")
    sync: Command = ("uv", "sync", "--inexact", "--reinstall-package", "torch-auto")
    return [Step(("uv", "cache", "clean", "torch-auto")), Step(lock), Step(sync)]


def _uv_pip(environment: Environment) -> List[Step]:
    install: Command = ("uv", "pip", "install", "--python", environment.interpreter)
    install += ("--upgrade-package", "torch-auto", "--upgrade-package", "torch", "--reinstall-package", "torch-auto")
    return [Step(("uv", "cache", "clean", "torch-auto")), Step((*install, "torch-auto"))]


def _pip(environment: Environment, version: Optional[str]) -> List[Step]:
    pip: Command = (environment.interpreter, "-m", "pip")
    steps = [Step((*pip, "cache", "remove", "torch_auto"), may_fail=True)]
    if version is not None:
        # pip takes the METADATA of what is installed; so that is made anew first, whatever it then requires.
        steps.append(Step((*pip, "install", "--force-reinstall", "--no-deps", f"torch-auto=={version}")))
    steps.append(Step((*pip, "install", "--upgrade", "torch-auto", "torch")))
    return steps


def _poetry() -> List[Step]:
    # Poetry keeps METADATA per source, under names that are the project's; --no-cache leaves all of it aside.
    return [Step(("poetry", "--no-cache", "update", "torch-auto", "torch"))]


def steps(
    tool: Optional[str], environment: Environment, version: Optional[str], at_least: Optional[str] = None
) -> List[Step]:
    """What mends an environment. ``tool`` is uv, uv pip, pip, poetry, pdm or pixi.

    ``version`` is the installed torch-auto's, ``at_least`` the release that the project must allow and does not.
    """
    if tool == "uv":
        return _uv(at_least)
    if tool == "uv pip":
        return _uv_pip(environment)
    if tool == "poetry":
        return _poetry()
    if tool == "pdm":
        # What it read from METADATA is kept apart from the wheels that it built. A torch that differs in its local
        # version alone is the same to PDM, so it is told to install anew.
        return [
            Step(("pdm", "cache", "remove", "torch_auto*"), may_fail=True),
            Step(("pdm", "cache", "clear", "metadata"), may_fail=True),
            Step(("pdm", "update", "--no-sync", "torch-auto", "torch")),
            Step(("pdm", "sync", "--reinstall")),
        ]
    if tool == "pixi":
        return [Step(("pixi", "clean", "cache", "--pypi", "--yes")), Step(("pixi", "update", "torch-auto", "torch"))]
    return _pip(environment, version)


def portable(here: Here, environment: Environment, *, stale: bool) -> List[Step]:
    """What mends a project with torch groups: as ``torch-auto sync`` does it, and leaving what is beside the lock.

    The lock is all machines', so it stays. ``stale``: the installed torch-auto was built for another group.
    """
    if here.torch_groups.pylocks:
        return [Step((sys.executable, "-m", "torch_auto", "sync", "--venv", environment.prefix))]
    sync: Command = ("uv", "sync", "--inexact", *here.options({}))
    if not stale:
        return [Step(sync)]
    return [Step(("uv", "cache", "clean", "torch-auto")), Step((*sync, "--reinstall-package", "torch-auto"))]

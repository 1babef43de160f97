"""Installing from a lock file of PEP 751 with uv or, where there is none, with the environment's pip."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from torch_auto.cli.errors import UserError
from torch_auto.cli.programs import program
from torch_auto.cli.project import environment as environments
from torch_auto.cli.project.own import is_tools_own

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch_auto.cli.portable.here import Here
    from torch_auto.cli.project.environment import Environment
    from torch_auto.cli.project.project import Project

#: The first pip that installs from such a file (pip's changelog).
_PIP_INSTALLS = (26, 1)


def target(project: Project, variables: Mapping[str, str], named: str | None) -> Environment | None:
    """The environment to install into; None where there is none but this command's own.

    Raises:
        NotADirectoryError: what is named is not a virtual environment.
    """
    if named is not None:
        return environments.find(project.root, variables, named)
    own = environments.own()
    active = environments.at(variables.get("VIRTUAL_ENV", "") or os.devnull)
    if active is not None and not is_tools_own(active.prefix):
        return active
    usable = not is_tools_own(own.prefix)
    if usable and sys.prefix != sys.base_prefix:
        return own
    return environments.at(os.path.join(project.root, ".venv")) or (own if usable else None)


def install_command(
    here: Here, words: Sequence[str], variables: Mapping[str, str], venv: str | None
) -> tuple[str, ...]:
    """What installs from this machine's lock file: uv, or else the environment's pip.

    Raises:
        UserError: there is no environment, or nothing to install with.
        NotADirectoryError: ``venv`` is not a virtual environment.
    """
    environment = target(here.project, variables, venv)
    if environment is None:
        raise UserError("there is no virtual environment here: `uv venv` or `python -m venv .venv` makes one")
    path = here.torch_groups.pylocks[here.chosen.group.name]
    own = os.path.realpath(environment.prefix) == os.path.realpath(sys.prefix)
    python = sys.executable if own else environment.interpreter
    uv = program("uv", variables)
    if uv is not None:
        return (uv, "pip", "install", "--python", python, "-r", path, *words)
    from torch_auto.cli.tools import pip  # noqa: PLC0415  # where there is uv, none of it is needed

    version = pip.version_of(python, variables)
    if version < _PIP_INSTALLS:
        has = f"pip {'.'.join(map(str, version))}" if version else "no pip"
        raise UserError(
            f"{python} has {has}; pip 26.1 is the first that installs from {os.path.basename(path)}: "
            f"{python} -m pip install --upgrade pip"
        )
    return (python, "-m", "pip", "install", "-r", path, *words)

"""A project with torch groups on this machine: which of them is its own, and what uv is told then."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from packaging.utils import canonicalize_name

from torch_auto import catalog as catalogs
from torch_auto import settings as all_settings
from torch_auto.cli.errors import UserError
from torch_auto.cli.portable.groups import find, torch_backend_of
from torch_auto.cli.project import environment as environments
from torch_auto.cli.project import project as projects
from torch_auto.cli.project.files import content_of
from torch_auto.cli.project.own import typed
from torch_auto.cli.project.toml import table
from torch_auto.cli.render.machine import kind
from torch_auto.decide import machine_for
from torch_auto.select.choose_group import choose
from torch_auto.select.groups import group_of
from torch_auto.select.runs_on import candidates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch_auto.catalog import Catalog
    from torch_auto.cli.portable.groups import TorchGroups
    from torch_auto.cli.project.environment import Environment
    from torch_auto.cli.project.project import Project
    from torch_auto.machine import Machine
    from torch_auto.select.choose_group import Chosen
    from torch_auto.select.groups import Group
    from torch_auto.settings import Settings

#: A team's groups are the project's own, and a machine's is found: these are for builds.
_OF_BUILDS = ("TORCH_AUTO_GROUPS", "TORCH_AUTO_GROUP")

_PYTHON = re.compile(r"(?:(?:cpython|python)[-@]?)?(3\.\d+)(?:\.\d+)?(t?)", re.ASCII)


class Here(NamedTuple):
    """A portable project on this machine."""

    project: Project
    torch_groups: TorchGroups
    settings: Settings
    catalog: Catalog
    chosen: Chosen
    machine: Machine

    @property
    def others(self) -> tuple[str, ...]:
        """The names of the groups that are other machines'."""
        return tuple(name for name in self.torch_groups.names if name != self.chosen.group.name)

    def options(self, variables: Mapping[str, str]) -> tuple[str, ...]:
        """What uv is told: to take this machine's group and to leave out all others.

        Options win over UV_NO_GROUP (uv 0.13.9), so what that leaves out beside torch groups is repeated.
        """
        left_out = (*self.left_out_anyway(variables), *self.others)
        words = [word for name in left_out for word in ("--no-group", name)]
        return (*words, "--group", self.chosen.group.name)

    def left_out_anyway(self, variables: Mapping[str, str]) -> tuple[str, ...]:
        """The groups of UV_NO_GROUP (with spaces between) that are no torch groups: the user leaves them out."""
        names = variables.get("UV_NO_GROUP", "").split()
        return tuple(name for name in names if canonicalize_name(name) not in self.torch_groups.names)

    def built_for(self, record: Mapping[str, Any]) -> Group | None:
        """The group that a wheel of torch-auto with this record was built for; None where it knew of none."""
        decided = table(record, "decided")
        name = decided.get("group")
        if not isinstance(name, str):
            return None
        return group_of(str(decided.get("release")), torch_backend_of(name, self.catalog))

    @property
    def torch(self) -> str:
        """The torch that this machine gets: "2.13.0+cu126"."""
        return self.chosen.selection.version

    @property
    def line(self) -> str:
        """The group, the torch, and what machine it is for, in a line; `torch-auto group --why` has the reasons."""
        line = f"{self.chosen.group.name}, torch {self.torch}, for {kind(self.machine)}"
        unused = bool(candidates(self.machine)) and not self.chosen.selection.accelerated
        return f"{line}; it does not use the GPU: torch-auto group --why" if unused else line


def environment_of(project: Project, variables: Mapping[str, str]) -> Environment | None:
    """The environment that uv keeps for a project, or None where there is none yet."""
    return environments.at(environments.of_project(project.root, variables))


def python_of_project(project: Project, variables: Mapping[str, str]) -> str | None:
    """The Python of the project, "3.11": its environment's, or else the one that it is pinned to; None if not known."""
    environment = environment_of(project, variables)
    if environment is not None:
        return environment.python
    words = [variables.get("UV_PYTHON", "")]
    path = project.file(".python-version")
    if path is not None:
        first, _, _ = (content_of(path) or b"").decode("utf-8-sig", "replace").partition("\n")
        words.append(first.strip())
    for word in words:
        match = _PYTHON.fullmatch(word)
        if match is not None:
            return match.group(1) + match.group(2)
    return None


def this_machine(
    project: Project,
    found: TorchGroups,
    given: Mapping[str, Any],
    variables: Mapping[str, str],
    machine: Machine | None = None,
) -> Here:
    """The group of this machine, or of the one that a setting describes.

    ``given`` are settings of the command line: the torch backend and the machine. ``machine`` is this one as it was
    found already, with the Python of the project's environment.

    Raises:
        SettingsError: a setting is wrong.
        UserError: a torch backend is asked for that no group has.
    """
    catalog = catalogs.load()
    others = {name: value for name, value in variables.items() if name not in _OF_BUILDS}
    chosen = all_settings.read(catalog, given, others, "--")
    if machine is None:
        machine = machine_for(chosen)
        python = python_of_project(project, variables) if chosen.machine is None else None
        machine = machine.replace(python=python or machine.python)
    try:
        answer = choose(machine, found.groups, catalog, chosen.backend)
    except ValueError as error:
        origin = next((origin for name, _, origin in chosen.given if name == "backend"), "backend")
        raise UserError(f"{origin}: {error}") from error
    return Here(project, found, chosen, catalog, answer, machine)


def here(start: str, given: Mapping[str, Any], variables: Mapping[str, str]) -> Here:
    """The project at or above a folder on this machine.

    Raises:
        UserError: the project has no torch groups, or they are not right, or none is what was asked for.
        SettingsError, NotTomlError, OSError: as :func:`find` and :func:`this_machine` say.
    """
    known = catalogs.load()
    project = projects.find(start)
    found = find(project, known)
    if found is None:
        raise UserError(
            f"{project.root} has no torch groups. `{typed(variables)} init --portable` sets them up for uv, and "
            f"`{typed(variables)} lock --portable` writes a lock file for each torch backend"
        )
    return this_machine(project, found, given, variables)

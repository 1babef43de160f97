"""The torch groups of a project, and the one of them that is this machine's.

They are dependency groups of pyproject.toml in one set of ``tool.uv.conflicts``, named torch-<torch backend>; or, in
a project that uv does not manage, the files pylock.torch-<torch backend>.toml.
"""

from __future__ import annotations

import os
import re
from typing import Any, Dict, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from torch_auto import catalog as catalogs
from torch_auto import settings as all_settings
from torch_auto.catalog import Catalog
from torch_auto.cli import environment as environments
from torch_auto.cli import project as projects
from torch_auto.cli.environment import Environment
from torch_auto.cli.errors import UserError
from torch_auto.cli.project import Project
from torch_auto.cli.toml import items, load, table
from torch_auto.groups import Chosen, Group, choose, groups_text, parse_groups
from torch_auto.machine import Machine
from torch_auto.plan import machine_for
from torch_auto.settings import Settings

_NAME = re.compile(r"torch-(?:cpu|xpu|cu\d+|rocm\d+(?:-\d+)*)", re.ASCII)
_PYLOCK = re.compile(r"pylock\.(torch-[a-z0-9-]+)\.toml", re.ASCII)
_PINNED = re.compile(r"(\d+(?:\.\d+)*)(?:\.\*|\+[a-z0-9.]+)?", re.ASCII)
_PYTHON = re.compile(r"(?:(?:cpython|python)[-@]?)?(3\.\d+)(?:\.\d+)?(t?)", re.ASCII)


class TorchGroups(NamedTuple):
    """A project's torch groups; ``default`` are the names of those that uv takes where none is asked for.

    ``pylocks`` are the paths of the lock files by group name, where the groups are such files.
    """

    groups: Tuple[Group, ...]
    default: Tuple[str, ...] = ()
    pylocks: Mapping[str, str] = {}

    @property
    def names(self) -> Tuple[str, ...]:
        """The names of the groups."""
        return tuple(group.name for group in self.groups)

    @property
    def all_default(self) -> bool:
        """Whether plain uv takes every group, and so fails until UV_NO_GROUP leaves one."""
        return len(self.default) > 1


class Here(NamedTuple):
    """A portable project on this machine."""

    project: Project
    torch_groups: TorchGroups
    settings: Settings
    catalog: Catalog
    chosen: Chosen

    @property
    def others(self) -> Tuple[str, ...]:
        """The names of the groups that are other machines'."""
        return tuple(name for name in self.torch_groups.names if name != self.chosen.group.name)

    def options(self, variables: Mapping[str, str]) -> Tuple[str, ...]:
        """What uv is told: to take this machine's group and to leave out all others.

        Options win over UV_NO_GROUP (uv 0.13.9), so what that leaves out beside torch groups is repeated.
        """
        left_out = (*self.left_out_anyway(variables), *self.others)
        words = [word for name in left_out for word in ("--no-group", name)]
        return (*words, "--group", self.chosen.group.name)

    def left_out_anyway(self, variables: Mapping[str, str]) -> Tuple[str, ...]:
        """The groups of UV_NO_GROUP (with spaces between) that are no torch groups: the user leaves them out."""
        names = variables.get("UV_NO_GROUP", "").split()
        return tuple(name for name in names if canonicalize_name(name) not in self.torch_groups.names)

    def built_for(self, record: Mapping[str, Any]) -> Optional[Group]:
        """The group that a wheel of torch-auto with this record was built for; None where it knew of none."""
        plan = table(record, "plan")
        name = plan.get("group")
        return Group(str(plan.get("release")), _torch_backend(name, self.catalog)) if isinstance(name, str) else None

    @property
    def torch(self) -> str:
        """The torch that this machine gets: "2.13.0+cu126"."""
        return self.chosen.selection.version

    @property
    def why(self) -> str:
        """The group, the torch and the reasons in a line."""
        listed = f" ({', '.join(self.torch_groups.names)})"
        reasons = " ".join(self.chosen.reasons).replace(listed, "")
        return f"{self.chosen.group.name}, torch {self.torch}. {reasons}"


def _pins(group: Any, groups: Mapping[str, Any], seen: Tuple[str, ...] = ()) -> Iterator[Requirement]:
    """The requirements of torch in a dependency group, and in those that it includes."""
    for item in items(group):
        if isinstance(item, str):
            try:
                requirement = Requirement(item)
            except InvalidRequirement:
                continue  # uv says what is wrong with it
            if canonicalize_name(requirement.name) == "torch":
                yield requirement
        else:
            name = canonicalize_name(str(table(item).get("include-group", "")))
            if name in groups and name not in seen:
                yield from _pins(groups[name], groups, (*seen, name))


def _releases(requirements: Iterator[Requirement]) -> List[str]:
    """The releases that requirements of torch pin."""
    found = []
    for requirement in requirements:
        for item in requirement.specifier:
            match = _PINNED.fullmatch(item.version) if item.operator == "==" else None
            if match is not None:
                found.append(match.group(1))
    return list(dict.fromkeys(found))


def _torch_backend(name: str, catalog: Catalog) -> str:
    """The torch backend of a group's name: "rocm7.1" for "torch-rocm7-1"."""
    for known in catalog.torch_backends():
        if name == Group("", known).name:
            return known
    return name[len("torch-") :]


def _sets(data: Mapping[str, Any]) -> Iterator[Tuple[str, ...]]:
    """The torch groups of each set of groups that are declared to conflict."""
    for entries in items(table(data, "tool", "uv").get("conflicts")):
        names = [canonicalize_name(str(table(entry).get("group", ""))) for entry in items(entries)]
        found = tuple(name for name in names if _NAME.fullmatch(name))
        if found:
            yield found


def _in_pyproject(data: Mapping[str, Any], setting: Any, catalog: Catalog) -> Optional[TorchGroups]:
    declared: Dict[str, Any] = {
        canonicalize_name(key): group for key, group in table(data, "dependency-groups").items()
    }
    found = max(_sets(data), key=len, default=())
    if not found and isinstance(setting, str):  # a single group conflicts with none
        found = tuple(name for name in declared if _NAME.fullmatch(name))
    if not found:
        return None
    versions, faults = [], []
    for name in found:
        releases = _releases(_pins(declared.get(name), declared))
        if name not in declared:
            faults.append(f"{name} is in tool.uv.conflicts and not in dependency-groups")
        elif len(releases) != 1:
            faults.append(f"{name} pins {' and '.join(releases) or 'no release'} of torch, and should pin one exactly")
        else:
            versions.append(f"{releases[0]}+{_torch_backend(name, catalog)}")
    groups = _parsed(versions, faults, catalog)
    if isinstance(setting, str) and not faults:
        faults += _disagreement(groups, setting, catalog)
    if faults:
        raise UserError("the project's torch groups are not right:" + "".join(f"\n  - {item}" for item in faults))
    return TorchGroups(groups, _default(table(data, "tool", "uv").get("default-groups"), found))


def _parsed(versions: List[str], faults: List[str], catalog: Catalog) -> Tuple[Group, ...]:
    try:
        return parse_groups(",".join(versions), catalog) if versions else ()
    except ValueError as error:
        faults.extend(str(error).split("; "))
        return ()


def _disagreement(groups: Tuple[Group, ...], setting: str, catalog: Catalog) -> List[str]:
    try:
        told = parse_groups(setting, catalog)
    except ValueError as error:
        return [f"config-settings-package torch-auto groups: {error}"]
    if set(told) == set(groups):
        return []
    text = (
        f"the groups pin {groups_text(groups)}, and config-settings-package torch-auto groups says {groups_text(told)}"
    )
    return [text]


def _default(value: Any, names: Tuple[str, ...]) -> Tuple[str, ...]:
    if value == "all":
        return names
    default = [canonicalize_name(str(item)) for item in items(value)]
    return tuple(name for name in names if name in default)


def _in_files(root: str, catalog: Catalog) -> Optional[TorchGroups]:
    """The groups that lock files are for: the name says the torch backend, and the torch in it the release."""
    paths = {}
    versions, faults = [], []
    for name in sorted(os.listdir(root)):
        match = _PYLOCK.fullmatch(name)
        if match is None or not _NAME.fullmatch(match.group(1)):
            continue
        path = os.path.join(root, name)
        packages = [table(item) for item in items(load(path).get("packages"))]
        found = {str(item.get("version")).partition("+")[0] for item in packages if item.get("name") == "torch"}
        if len(found) == 1:
            versions.append(f"{found.pop()}+{_torch_backend(match.group(1), catalog)}")
            paths[match.group(1)] = path
        else:
            faults.append(f"{name} holds {' and '.join(sorted(found)) or 'no'} torch, and should hold one release")
    groups = _parsed(versions, faults, catalog)
    if faults:
        raise UserError("the project's lock files are not right:" + "".join(f"\n  - {item}" for item in faults))
    return TorchGroups(groups, (), paths) if groups else None


def find(project: Project, catalog: Catalog) -> Optional[TorchGroups]:
    """The torch groups of a project: its own before those of its workspace's root, these before lock files.

    Raises:
        UserError: they contradict each other, or pin no release.
        NotTomlError, NoTomlReaderError, OSError: a file cannot be read.
    """
    _, settings = project.uv_settings()
    setting = table(settings, "config-settings-package", "torch-auto").get("groups")
    for data in (project.member, project.pyproject):
        found = _in_pyproject(data, setting, catalog)
        if found is not None:
            return found
    return _in_files(project.root, catalog)


def environment_of(project: Project, variables: Mapping[str, str]) -> Optional[Environment]:
    """The environment that uv keeps for a project, or None where there is none yet."""
    return environments.at(os.path.join(project.root, variables.get("UV_PROJECT_ENVIRONMENT") or ".venv"))


def _project_python(project: Project, variables: Mapping[str, str]) -> Optional[str]:
    """The Python of the project, "3.11": its environment's, or else the one that it is pinned to; None if not known."""
    environment = environment_of(project, variables)
    if environment is not None:
        return environment.python
    words = [variables.get("UV_PYTHON", "")]
    path = project.file(".python-version")
    if path is not None:
        with open(path, encoding="utf-8", errors="replace") as file:
            words.append(file.readline().strip())
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
    machine: Optional[Machine] = None,
) -> Here:
    """The group of this machine, or of the one that a setting describes.

    ``given`` are settings of the command line: the torch backend and the machine. ``machine`` is this one as it was
    found already, with the Python of the project's environment.

    Raises:
        SettingsError: a setting is wrong.
        UserError: a torch backend is asked for that no group has.
    """
    catalog = catalogs.load()
    # A team's groups are the project's own; TORCH_AUTO_GROUPS is for builds.
    others = {name: value for name, value in variables.items() if name != "TORCH_AUTO_GROUPS"}
    chosen = all_settings.read(catalog, given, others, "--")
    if machine is None:
        machine = machine_for(chosen)
        python = _project_python(project, variables) if chosen.machine is None else None
        machine = machine._replace(python=python or machine.python)
    try:
        answer = choose(machine, found.groups, catalog, chosen.backend)
    except ValueError as error:
        origin = next((origin for name, _, origin in chosen.given if name == "backend"), "backend")
        raise UserError(f"{origin}: {error}") from error
    return Here(project, found, chosen, catalog, answer)


def here(start: str, given: Mapping[str, Any], variables: Mapping[str, str]) -> Here:
    """The project at or above a folder on this machine.

    Raises:
        UserError: the project has no torch groups, or they are not right, or none is what was asked for.
        SettingsError, NotTomlError, NoTomlReaderError, OSError: as :func:`find` and :func:`this_machine` say.
    """
    known = catalogs.load()
    project = projects.find(start)
    found = find(project, known)
    if found is None:
        raise UserError(
            f"{project.root} has no torch groups. `torch-auto init --portable` sets them up for uv, and "
            "`torch-auto lock --portable` writes a lock file for each torch backend"
        )
    return this_machine(project, found, given, variables)

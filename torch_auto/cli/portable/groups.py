"""The torch groups of a project.

They are dependency groups of pyproject.toml in one set of ``tool.uv.conflicts``, named torch-<torch backend>; or, in
a project that uv does not manage, the files pylock.torch-<torch backend>.toml.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from torch_auto.cli.errors import UserError
from torch_auto.cli.project.toml import items, load, table
from torch_auto.select.groups import Group, GroupsError, groups_text, parse_groups

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch_auto.catalog import Catalog
    from torch_auto.cli.project.project import Project

_NAME = re.compile(r"torch-(?:cpu|xpu|cu\d+|rocm\d+(?:-\d+)*)", re.ASCII)
_PYLOCK = re.compile(r"pylock\.(torch-[a-z0-9-]+)\.toml", re.ASCII)
_PINNED = re.compile(r"(\d+(?:\.\d+)*)(?:\.\*|\+[a-z0-9.]+)?", re.ASCII)


class TorchGroups(NamedTuple):
    """A project's torch groups; ``default`` are the names of those that uv takes where none is asked for.

    ``pylocks`` are the paths of the lock files by group name, where the groups are such files.
    """

    groups: tuple[Group, ...]
    default: tuple[str, ...] = ()
    pylocks: Mapping[str, str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the groups."""
        return tuple(group.name for group in self.groups)

    @property
    def all_default(self) -> bool:
        """Whether plain uv takes every group, and so fails until UV_NO_GROUP leaves one."""
        return len(self.default) > 1


def _pins(group: Any, groups: Mapping[str, Any], seen: tuple[str, ...] = ()) -> Iterator[Requirement]:
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


def _releases(requirements: Iterator[Requirement]) -> list[str]:
    """The releases that requirements of torch pin."""
    found = []
    for requirement in requirements:
        for item in requirement.specifier:
            match = _PINNED.fullmatch(item.version) if item.operator == "==" else None
            if match is not None:
                found.append(match.group(1))
    return list(dict.fromkeys(found))


def torch_backend_of(name: str, catalog: Catalog) -> str:
    """The torch backend of a group's name: "rocm7.1" for "torch-rocm7-1"."""
    for known in catalog.torch_backends:
        if name == known.group:
            return known
    return name[len("torch-") :]


def _sets(data: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The torch groups of each set of groups that are declared to conflict."""
    for entries in items(table(data, "tool", "uv").get("conflicts")):
        names = [canonicalize_name(str(table(entry).get("group", ""))) for entry in items(entries)]
        found = tuple(name for name in names if _NAME.fullmatch(name))
        if found:
            yield found


def _in_pyproject(data: Mapping[str, Any], setting: Any, catalog: Catalog) -> TorchGroups | None:
    declared: dict[str, Any] = {
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
            versions.append(f"{releases[0]}+{torch_backend_of(name, catalog)}")
    groups = _parsed(versions, faults, catalog)
    if isinstance(setting, str) and not faults:
        faults += _disagreement(groups, setting, catalog)
    if faults:
        raise UserError("the project's torch groups are not right:" + "".join(f"\n  - {item}" for item in faults))
    return TorchGroups(groups, _default(table(data, "tool", "uv").get("default-groups"), found))


def _parsed(versions: list[str], faults: list[str], catalog: Catalog) -> tuple[Group, ...]:
    try:
        return parse_groups(",".join(versions), catalog) if versions else ()
    except GroupsError as error:
        faults.extend(error.faults)
        return ()


def _disagreement(groups: tuple[Group, ...], setting: str, catalog: Catalog) -> list[str]:
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


def _default(value: Any, names: tuple[str, ...]) -> tuple[str, ...]:
    if value == "all":
        return names
    default = [canonicalize_name(str(item)) for item in items(value)]
    return tuple(name for name in names if name in default)


def _in_files(root: str, catalog: Catalog) -> TorchGroups | None:
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
            versions.append(f"{found.pop()}+{torch_backend_of(match.group(1), catalog)}")
            paths[match.group(1)] = path
        else:
            faults.append(f"{name} holds {' and '.join(sorted(found)) or 'no'} torch, and should hold one release")
    groups = _parsed(versions, faults, catalog)
    if faults:
        raise UserError("the project's lock files are not right:" + "".join(f"\n  - {item}" for item in faults))
    return TorchGroups(groups, (), paths) if groups else None


def find(project: Project, catalog: Catalog) -> TorchGroups | None:
    """The torch groups of a project: its own before those of its workspace's root, these before lock files.

    Raises:
        UserError: they contradict each other, or pin no release.
        NotTomlError, OSError: a file cannot be read.
    """
    _, settings = project.uv_settings()
    setting = table(settings, "config-settings-package", "torch-auto").get("groups")
    for data in (project.member, project.pyproject):
        found = _in_pyproject(data, setting, catalog)
        if found is not None:
            return found
    return _in_files(project.root, catalog)

"""What stands against writing the groups of ``torch-auto init --portable``."""

from __future__ import annotations

import glob
import os
from typing import TYPE_CHECKING, Any

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from torch_auto.cli.portable.edits import ALL, GROUPS, UV, written
from torch_auto.cli.project.project import PYPROJECT
from torch_auto.cli.project.requirements import requirement
from torch_auto.cli.project.toml import NotTomlError, items, load, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_auto.catalog import Catalog
    from torch_auto.cli.portable.edits import Wanted, Written
    from torch_auto.cli.project.project import Project
    from torch_auto.cli.tools.tool import Tool


def hard(project: Project, tool: Tool, named: str | None, ours: str) -> Iterator[str]:
    """What no --force gets past. ``named`` is the tool that --for names, ``ours`` how our command is typed."""
    files = f"`{ours} lock --portable` writes one lock file for each torch backend"
    if not tool.has_groups and named is not None:
        yield f"--for {named}: only uv has dependency groups that conflict. For {tool.name}, {files}"
    elif not tool.has_groups:
        yield (
            f"only uv has dependency groups that conflict, and this project uses {tool.name}. For {tool.name}, "
            f"{files}. To use uv here, add --for uv"
        )
    elif not project.has_pyproject:
        yield (f"there is no {PYPROJECT} in {project.root}; `uv init` makes one. Without uv, {files}")
    elif not table(project.member, "project").get("name"):
        where = f"one of its projects: {ours} init --portable --project DIR"
        workspace = "workspace" in table(project.member, *UV)
        yield (
            f"{os.path.join(project.folder, PYPROJECT)} does not have [project], and uv accepts groups that "
            f"conflict only in a project with a name. {f'Name {where}' if workspace else '`uv init` makes one'}"
        )


def of_layout(project: Project, default: str) -> Iterator[str]:
    """Default groups that torch groups cannot join."""
    present = table(project.member, *UV).get("default-groups")
    if present == "all" and default != ALL:
        yield (
            'default-groups is "all", which would install all torch groups at once, and they conflict. List the groups '
            "that are meant instead, or use --default all, which leaves the choice to UV_NO_GROUP on each machine"
        )
    elif not isinstance(present, list) and present not in (None, "all"):
        yield "tool.uv.default-groups is not an array"


def soft(project: Project, wanted: Wanted, ours: Sequence[Written], known: Catalog) -> Iterator[str]:
    """What --force gets past."""
    groups = table(project.member, GROUPS)
    own = [item.key for item in ours]
    stale = [item.key for item in ours if item.group.name not in wanted.names]
    for key in groups:
        if canonicalize_name(key) in wanted.names and key not in own:
            yield f"the group {key} already exists, and torch-auto did not write it"
        for entry in items(groups[key]):
            included = canonicalize_name(str(table(entry).get("include-group", "")))
            if key not in stale and included in map(canonicalize_name, stale):
                yield f"the group {key} includes {included}, which would be removed"
    yield from _contradictions(project, wanted, own)
    yield from too_old_pythons(project, wanted, known)
    if "dependencies" in items(table(project.member, "project").get("dynamic")):
        yield "the dependencies of [project] are dynamic: add torch-auto where they come from"
    _, settings = project.uv_settings()
    backend = table(settings, "config-settings-package", "torch-auto").get("backend", "auto")
    if backend != "auto":
        what = f"config-settings-package gives torch-auto backend = {backend!r}, so no machine can choose"
        yield f"{what}; remove that setting"
    for path in _other_members(project):
        yield (
            f"{path} has torch groups already, and groups of two projects of a workspace contradict one another. Name "
            f"that project: --project {os.path.dirname(path)}"
        )


def _requirements(project: Project, own: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Where a requirement stands, and the requirement; not those of the torch groups."""
    for data in (project.member, project.pyproject) if project.folder != project.root else (project.member,):
        tables: dict[str, Any] = {"dependencies": table(data, "project").get("dependencies")}
        extras = table(data, "project", "optional-dependencies")
        tables.update({f"the extra {name}": entries for name, entries in extras.items()})
        groups = table(data, GROUPS)
        tables.update({f"the group {name}": entries for name, entries in groups.items() if name not in own})
        settings = table(data, *UV)
        tables.update(
            {
                f"tool.uv.{name}-dependencies": settings.get(f"{name}-dependencies")
                for name in ("dev", "constraint", "override")
            }
        )
        for where, entries in tables.items():
            for entry in items(entries):
                yield where, str(entry)


def _contradictions(project: Project, wanted: Wanted, own: Sequence[str]) -> Iterator[str]:
    """Requirements beside the groups that some group does not satisfy."""
    pins: dict[str, list[str]] = {}
    for line in (line for lines in wanted.requirements.values() for line in lines):
        for pin in Requirement(line).specifier:
            if pin.operator == "==" and not pin.version.endswith(".*"):
                pins.setdefault(Requirement(line).name, []).append(pin.version)
    mine = [*own, *(key for key in table(project.member, GROUPS) if canonicalize_name(key) in wanted.names)]
    for where, entry in _requirements(project, mine):
        found = requirement(entry)
        name = canonicalize_name(found.name) if found is not None else ""
        if found is None or name not in pins:
            continue
        versions = dict.fromkeys(pins[name])
        outside = [item for item in versions if not found.specifier.contains(item, prereleases=True)]
        if found.url is not None or outside:
            what = next(iter(outside), "the groups' builds")
            yield f"{where}: {entry} excludes {what}; write {name} without a version, since the groups pin it"


def too_old_pythons(project: Project, wanted: Wanted, known: Catalog) -> Iterator[str]:
    """A lock is for every Python that the project names; where a pin has nothing for one of them, uv ends."""
    wish = table(project.member, "project").get("requires-python")
    try:
        specifier = SpecifierSet(str(wish or ""))
    except InvalidSpecifier:
        return
    pythons = [f"3.{minor}" for minor in range(20) if wish and specifier.contains(f"3.{minor}.99")]

    def lacks(release: str) -> list[str]:
        found = known.release(release)
        supported = SpecifierSet(found.requires_python)
        wheels = {python for here in found.platforms.values() for python in here.pythons}
        # Newer Pythons than a release knows are in every open range; one that starts there is the project's own.
        return [
            python
            for number, python in enumerate(pythons)
            if not supported.contains(f"{python}.99") or (number == 0 and python not in wheels)
        ]

    for release in dict.fromkeys(group.release for group in wanted.groups):
        missing = lacks(release)
        if missing:
            yield (
                f'requires-python is "{wish}", and torch {release} has nothing for Python {", ".join(missing)}: '
                "uv would fail. Change requires-python"
            )


def _other_members(project: Project) -> Iterator[str]:
    """The files of the workspace's other projects that have groups of ours."""
    workspace = table(project.pyproject, *UV, "workspace")
    folders = [project.root] if workspace else []
    for pattern in items(workspace.get("members")):
        folders += sorted(glob.glob(os.path.join(glob.escape(project.root), str(pattern))))
    for folder in dict.fromkeys(map(os.path.realpath, folders)):
        path = os.path.join(folder, PYPROJECT)
        if folder == os.path.realpath(project.folder) or not os.path.isfile(path):
            continue
        try:
            if written(load(path)):
                yield path
        except NotTomlError:
            continue  # uv will say so

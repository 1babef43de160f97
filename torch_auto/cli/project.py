"""The project that the command stands in: its root, and the tool that manages it."""

from __future__ import annotations

import fnmatch
import os
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, Optional, Tuple

from torch_auto.cli.toml import items, load, table

PYPROJECT = "pyproject.toml"

#: What says which tool manages a project: its lock first, since pyproject.toml may hold tables of several.
_LOCKS = (("uv.lock", "uv"), ("poetry.lock", "poetry"), ("pdm.lock", "pdm"), ("pixi.lock", "pixi"))
_TABLES = ("uv", "poetry", "pdm", "pixi")
_FILES = (("uv.toml", "uv"), ("pixi.toml", "pixi"))


@dataclass(frozen=True)
class Project:
    """A folder with a pyproject.toml, or the folder that the command stands in where there is none above it.

    ``root`` is the workspace's root for a member of a uv workspace: locks and settings are there. ``tool`` is None
    where nothing says which one manages it. ``member`` holds the member's own pyproject.toml, which is in ``folder``.
    """

    root: str
    tool: Optional[str] = None
    pyproject: Dict[str, Any] = field(default_factory=dict)
    member: Dict[str, Any] = field(default_factory=dict)
    has_pyproject: bool = False
    folder: str = ""

    def file(self, name: str) -> Optional[str]:
        """The path of a file in the root, or None where it is not there."""
        path = os.path.join(self.root, name)
        return path if os.path.isfile(path) else None

    def uv_settings(self) -> Tuple[str, Dict[str, Any]]:
        """The file that uv reads the project's settings from, and the settings. uv.toml hides [tool.uv]."""
        path = self.file("uv.toml")
        if path is not None:
            return path, load(path)
        return os.path.join(self.root, PYPROJECT), table(self.pyproject, "tool", "uv")

    def dependencies(self) -> Tuple[str, ...]:
        """The requirements of the project, of the member before those of the workspace's root, groups and all."""
        found = []
        for data in (self.member, self.pyproject):
            found += items(table(data, "project").get("dependencies"))
            for group in (
                *table(data, "project", "optional-dependencies").values(),
                *table(data, "dependency-groups").values(),
            ):
                found += items(group)
        return tuple(dict.fromkeys(item for item in found if isinstance(item, str)))


def _upwards(start: str) -> Iterator[str]:
    folder = os.path.abspath(start)
    while True:
        yield folder
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent


def _holds(workspace: Dict[str, Any], root: str, member: str) -> bool:
    relative = os.path.relpath(member, root).replace(os.sep, "/")
    included = any(fnmatch.fnmatch(relative, str(glob).rstrip("/")) for glob in items(workspace.get("members")))
    return included and not any(
        fnmatch.fnmatch(relative, str(glob).rstrip("/")) for glob in items(workspace.get("exclude"))
    )


def _workspace_root(start: str) -> Optional[Tuple[str, Dict[str, Any]]]:
    for folder in _upwards(os.path.dirname(start)):
        path = os.path.join(folder, PYPROJECT)
        if os.path.isfile(path):
            data = load(path)
            workspace = table(data, "tool", "uv", "workspace")
            if workspace and _holds(workspace, folder, start):
                return folder, data
    return None


def _tool(root: str, pyproject: Dict[str, Any]) -> Optional[str]:
    for name, tool in (*_LOCKS, *_FILES):
        if os.path.isfile(os.path.join(root, name)):
            return tool
    tables = table(pyproject, "tool")
    for tool in _TABLES:
        if tool in tables:
            return tool
    backend = str(table(pyproject, "build-system").get("build-backend", ""))
    for tool in ("poetry", "pdm", "uv"):
        if backend.startswith((f"{tool}.", f"{tool}_build")):
            return tool
    return None


def find(start: str) -> Project:
    """The project at or above a folder.

    Raises:
        OSError: a file of the project cannot be read.
        NotTomlError: one of them is not TOML.
        NoTomlReaderError: this Python has nothing to read it with.
    """
    for folder in _upwards(start):
        path = os.path.join(folder, PYPROJECT)
        if os.path.isfile(path):
            own = load(path)
            root, data = _workspace_root(folder) or (folder, own)
            return Project(root, _tool(root, data), data, own, has_pyproject=True, folder=folder)
        if os.path.isfile(os.path.join(folder, "pixi.toml")):
            return Project(folder, "pixi")
    return Project(os.path.abspath(start))

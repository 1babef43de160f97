"""The project that the command stands in: its root, its pyproject.toml, and what it requires."""

from __future__ import annotations

import fnmatch
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from torch_auto.cli.project.toml import items, load, table
from torch_auto.cli.project.turns import alone

if TYPE_CHECKING:
    from collections.abc import Iterator

PYPROJECT = "pyproject.toml"


@dataclass(frozen=True)
class Project:
    """A folder with a pyproject.toml, or the folder that the command stands in where there is none above it.

    ``root`` is the workspace's root for a member of a uv workspace: locks and settings are there. ``member`` holds the
    member's own pyproject.toml, which is in ``folder``.
    """

    root: str
    pyproject: dict[str, Any] = field(default_factory=dict)
    member: dict[str, Any] = field(default_factory=dict)
    has_pyproject: bool = False
    folder: str = ""
    _read: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False, compare=False)

    def file(self, name: str) -> str | None:
        """The path of a file in the root, or None where it is not there; a folder or a pipe of that name is there."""
        path = os.path.join(self.root, name)
        return path if os.path.lexists(path) else None

    def uv_settings(self) -> tuple[str, dict[str, Any]]:
        """The file that uv reads the project's settings from, and the settings. uv.toml hides [tool.uv].

        Raises:
            NotTomlError, OSError: uv.toml cannot be read.
        """
        path = self.file("uv.toml")
        if path is None:
            return os.path.join(self.root, PYPROJECT), table(self.pyproject, "tool", "uv")
        if path not in self._read:
            self._read[path] = load(path)
        return path, self._read[path]

    def dependencies(self) -> tuple[str, ...]:
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


def _holds(workspace: dict[str, Any], root: str, member: str) -> bool:
    relative = os.path.relpath(member, root).replace(os.sep, "/")
    included = any(fnmatch.fnmatch(relative, str(glob).rstrip("/")) for glob in items(workspace.get("members")))
    return included and not any(
        fnmatch.fnmatch(relative, str(glob).rstrip("/")) for glob in items(workspace.get("exclude"))
    )


def _workspace_root(start: str) -> tuple[str, dict[str, Any]] | None:
    for folder in _upwards(os.path.dirname(start)):
        path = os.path.join(folder, PYPROJECT)
        if os.path.lexists(path):
            data = load(path)
            workspace = table(data, "tool", "uv", "workspace")
            if workspace and _holds(workspace, folder, start):
                return folder, data
    return None


def find(start: str) -> Project:
    """The project at or above a folder.

    Raises:
        OSError: a file of the project cannot be read.
        NotTomlError: one of them is not TOML.
    """
    for folder in _upwards(start):
        path = os.path.join(folder, PYPROJECT)
        if os.path.lexists(path):
            own = load(path)
            root, data = _workspace_root(folder) or (folder, own)
            return Project(root, data, own, has_pyproject=True, folder=folder)
    return Project(os.path.abspath(start))


@contextmanager
def find_alone(start: str) -> Iterator[Project]:
    """The same, for a command that changes it: no other one does meanwhile.

    Raises:
        UserError: another command does not end.
        OSError, NotTomlError: as :func:`find` says.
    """
    with alone(find(start).root):
        yield find(start)  # as it is now: whoever was waited for has changed it

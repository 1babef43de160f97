"""The tools that manage projects, each in a module of its own with a ``TOOL``; what they have in common is in tool.py.

A new tool is a new module, and one line in NAMES.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from torch_auto.cli.project.toml import table

if TYPE_CHECKING:
    from torch_auto.cli.project.project import Project
    from torch_auto.cli.tools.tool import Tool

#: The tools by their modules. Where a project has signs of several, the first of them counts.
NAMES = (
    "uv",
    "pip",
    "poetry",
    "pdm",
)

#: Those that manage an environment without a project.
_OF_ENVIRONMENTS = ("uv_pip",)


def by_name(name: str) -> Tool:
    """A tool; its module is imported here and not before."""
    found: Tool = import_module(f"torch_auto.cli.tools.{name}").TOOL
    return found


def all_tools() -> tuple[Tool, ...]:
    """The tools that manage projects."""
    return tuple(map(by_name, NAMES))


def managing(project: Project) -> Tool | None:
    """The tool that manages a project, or None where nothing says which.

    Its lock counts first, since pyproject.toml may hold tables of several.
    """
    known = all_tools()
    tables = table(project.pyproject, "tool")
    backend = str(table(project.pyproject, "build-system").get("build-backend", ""))
    for tool in known:
        if any(project.file(name) for name in tool.locks):
            return tool
    for tool in known:
        if any(project.file(name) for name in tool.files):
            return tool if project.has_pyproject else by_name(_OF_ENVIRONMENTS[0])
    for tool in known:
        if any(name in tables for name in tool.tables):
            return tool
    return next((tool for tool in known if tool.backends and backend.startswith(tool.backends)), None)


def of_project(project: Project, installer: str | None = None) -> Tool:
    """The tool that manages a project, or the one to take where nothing says which.

    ``installer`` is who installed torch-auto, or else torch, into the environment there.
    """
    found = managing(project)
    if found is not None or project.has_pyproject:
        return found or by_name("uv")
    return by_name("uv_pip" if installer == "uv" and not project.file("requirements.txt") else "pip")


def of_environment(project: Project, installer: str | None) -> Tool:
    """The tool that manages an environment; ``installer`` is who installed torch-auto there."""
    found = managing(project)
    if found is not None:
        return found
    for name in (*NAMES, *_OF_ENVIRONMENTS):
        tool = by_name(name)
        if tool.has_installed(project, installer):
            return tool
    return by_name("pip")

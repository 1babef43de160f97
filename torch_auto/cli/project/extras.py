"""Which of torch-auto's extras a project requires."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from torch_auto.cli import tools
from torch_auto.cli.project.requirements import requirement
from torch_auto.cli.project.toml import items, load, table
from torch_auto.cli.tools.tool import required_names
from torch_auto.pins.extras import EXTRAS

if TYPE_CHECKING:
    from torch_auto.cli.project.project import Project


def of_project(project: Project) -> tuple[str, ...]:
    """The extras of torch-auto that a project requires, in any of its dependency lists.

    Raises:
        OSError: a file of the project's cannot be read.
    """
    found = set()
    for wanted in filter(None, map(requirement, project.dependencies())):
        if canonicalize_name(wanted.name) == "torch-auto":
            found.update(wanted.extras)
    for tool in tools.all_tools():
        for name, extras in tool.requires(project):
            if name == "torch-auto":
                found.update(extras)
    return tuple(name for name in EXTRAS if name in found)


def wanted_by(project: Project) -> tuple[str, ...]:
    """Those, and the extras for a torchvision or torchaudio that the project requires by itself or that its lock has.

    Another package may bring them, and then they have to be of torch's torch backend all the same.

    Raises:
        NotTomlError, OSError: a file of the project's cannot be read.
    """
    names: set[str] = set()
    for tool in tools.all_tools():
        names |= required_names(tool, project)
        for path in filter(None, map(project.file, tool.locks)):
            names.update(str(table(entry).get("name")) for entry in items(load(path).get("package")))
    of_torch_auto = of_project(project)
    return tuple(extra for extra, wanted in EXTRAS.items() if extra in of_torch_auto or wanted in names)

"""Which of torch-auto's extras are asked for: by the command line, or by the project's own requirement."""

from __future__ import annotations

from typing import Any, Iterator, Mapping, Optional, Tuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from torch_auto.cli.errors import UserError
from torch_auto.cli.project import Project
from torch_auto.cli.toml import items, load, table
from torch_auto.family import EXTRAS


def parse(text: Optional[str]) -> Tuple[str, ...]:
    """The extras that a value of ``--with`` names.

    Raises:
        UserError: some of them are none; it names them, and what is valid.
    """
    names = tuple(dict.fromkeys(item.strip() for item in (text or "").split(",") if item.strip()))
    wrong = [name for name in names if name not in EXTRAS]
    if wrong:
        raise UserError(f"--with: {', '.join(map(repr, wrong))} is no extra of torch-auto; valid: {', '.join(EXTRAS)}")
    return names


def of_project(project: Project) -> Tuple[str, ...]:
    """The extras of torch-auto that a project requires, in any of its dependency lists.

    Raises:
        NotTomlError, NoTomlReaderError, OSError: a file of the project's cannot be read.
    """
    found = set()
    for text in (*project.dependencies(), *_lines(project.file("requirements.txt"))):
        try:
            wanted = Requirement(text)
        except InvalidRequirement:
            continue
        if canonicalize_name(wanted.name) == "torch-auto":
            found.update(wanted.extras)
    for name, value in _tables(project):
        if canonicalize_name(name) == "torch-auto":
            found.update(map(str, items(table(value).get("extras"))))
    return tuple(name for name in EXTRAS if name in found)


def _tables(project: Project) -> Iterator[Tuple[str, Any]]:
    """The entries of Poetry's and pixi's own lists of dependencies."""
    poetry = table(project.pyproject, "tool", "poetry")
    groups = [table(group, "dependencies") for group in table(poetry, "group").values()]
    path = project.file("pixi.toml")
    pixi = load(path) if path is not None else table(project.pyproject, "tool", "pixi")
    lists: Tuple[Mapping[str, Any], ...] = (table(poetry, "dependencies"), *groups, table(pixi, "pypi-dependencies"))
    for entries in lists:
        yield from entries.items()


def _lines(path: Optional[str]) -> Iterator[str]:
    if path is not None:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                yield line.split("#", 1)[0].strip()

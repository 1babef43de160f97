"""``torch-auto lock --portable``: lock files of PEP 751, one per torch backend.

uv makes them for every platform: from its own lock with ``uv export``, or from requirements with ``uv pip compile
--universal``.
"""

from __future__ import annotations

import os
import re
import tempfile
from typing import TYPE_CHECKING, NamedTuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from torch_auto import catalog as catalogs
from torch_auto.cli.errors import UserError
from torch_auto.cli.portable import choice as choices
from torch_auto.cli.portable import groups as project_groups
from torch_auto.cli.portable.choice import Options, OptionsError, Present
from torch_auto.cli.portable.edits import Written
from torch_auto.cli.processes import output, required
from torch_auto.cli.project import extras
from torch_auto.cli.project import project as projects
from torch_auto.cli.project.change import Change
from torch_auto.cli.project.files import Text
from torch_auto.cli.project.own import typed
from torch_auto.cli.project.project import PYPROJECT
from torch_auto.cli.project.requirements import requirement
from torch_auto.cli.project.toml import items, load, table
from torch_auto.cli.terminal import Progress
from torch_auto.cli.tools.pip import REQUIREMENTS
from torch_auto.pins.groups import group_pages, group_requirements
from torch_auto.select.groups import groups_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch_auto.catalog import Catalog
    from torch_auto.cli.portable.groups import TorchGroups
    from torch_auto.cli.project.project import Project
    from torch_auto.select.groups import Group

#: How a file starts that this command wrote, and may replace.
WRITTEN = "# Written by `torch-auto lock --portable`"

_BOUND = re.compile(r"(\d+\.\d+)(?:\.\d+|\.\*)?", re.ASCII)


class Wish(NamedTuple):
    """What the command line asks for. ``words`` go to the tool as they are."""

    backends: str | None
    releases: str | None
    family: str | None
    index_url: str
    force: bool
    words: tuple[str, ...]


def file_name(group: Group) -> str:
    """The name of a group's lock file (PEP 751: no dot in the part between)."""
    return f"pylock.{group.name}.toml"


def _export(uv: str, group: Group, others: Sequence[str], words: Sequence[str]) -> list[str]:
    """What makes a file for one group of uv's lock. torch-auto stays out: its wheel is each machine's own."""
    command = [uv, "export", "--format", "pylock.toml", "--locked", "--no-header", "--no-emit-package", "torch-auto"]
    for name in others:
        command += ["--no-group", name]
    return [*command, "--group", group.name, *words]


def _sources(project: Project, folder: str) -> list[str]:
    """The files with the project's requirements.

    Raises:
        UserError: there are none.
    """
    if "dependencies" in table(project.pyproject, "project"):
        return [os.path.join(project.root, PYPROJECT)]
    path = project.file(REQUIREMENTS)
    if path is None:
        raise UserError(f"{project.root} has neither project.dependencies in {PYPROJECT} nor requirements.txt")
    lines = Text(path).after.splitlines()
    kept = [line for line in lines if not _is_torch_auto(line)]
    if kept == lines:
        return [path]
    return [_written(os.path.join(folder, REQUIREMENTS), kept)]


def _is_torch_auto(line: str) -> bool:
    found = requirement(line.split(" #", 1)[0].strip())
    return found is not None and canonicalize_name(found.name) == "torch-auto"


def _written(path: str, lines: Sequence[str]) -> str:
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join([*lines, ""]))
    return path


def _lowest_python(project: Project) -> str | None:
    """The lower bound of requires-python, "3.11"."""
    try:
        specifiers = SpecifierSet(str(table(project.pyproject, "project").get("requires-python", "")))
    except InvalidSpecifier:
        return None
    for item in specifiers:
        match = _BOUND.fullmatch(item.version) if item.operator in (">=", "==", "~=") else None
        if match is not None:
            return match.group(1)
    return None


class _Job(NamedTuple):
    """What is locked: a project for some groups, of uv's or by requirements."""

    project: Project
    groups: tuple[Group, ...]
    family: tuple[str, ...]
    wish: Wish
    catalog: Catalog
    in_uv: bool = False


def _compile(uv: str, job: _Job, group: Group, folder: str) -> list[str]:
    """What makes a file for one group from requirements. torch-auto stays out, and requires no torch beside groups."""
    pins = _written(os.path.join(folder, f"{group.name}.txt"), group_requirements(group, job.catalog, job.family))
    command = [uv, "pip", "compile", "--universal", "--format", "pylock.toml", "--no-header", "--quiet"]
    command += ["--no-emit-package", "torch-auto"]
    command += ["--config-settings-package", f"torch-auto:groups={groups_text(job.groups)}"]
    python = _lowest_python(job.project)
    if python is not None:
        command += ["--python-version", python]
    for page in group_pages((group,), job.wish.index_url, job.family):
        command += ["--find-links", page]
    return [*command, *job.wish.words, *_sources(job.project, folder), pins]


def _locked(job: _Job, variables: Mapping[str, str]) -> dict[Group, str]:
    """The text of each group's lock file.

    Raises:
        UserError: uv is not there, or fails.
    """
    uv = required("uv", variables)
    texts: dict[Group, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for group in job.groups:
            if job.in_uv:
                others = [other.name for other in job.groups if other != group]
                command = _export(uv, group, others, job.wish.words)
            else:
                command = _compile(uv, job, group, folder)
            head = f"{WRITTEN} for {group.name}, torch {group.version}. `torch-auto sync` installs it where it fits.\n"
            count = f"{len(texts) + 1} of {len(job.groups)}"
            with Progress(f"Locking for {group.torch_backend}, {count}"):
                texts[group] = head + output(command, job.project.root, variables)
    return texts


def _job(project: Project, wish: Wish, catalog: Catalog) -> _Job:
    """What to lock: uv's groups, or those that options ask for, that earlier files are for, that serve all machines."""
    found = project_groups.find(project, catalog)
    asked = (wish.backends, wish.releases, wish.family)
    if found is not None and not found.pylocks:
        if any(item is not None for item in asked):
            how = f"`{typed(os.environ)} init --portable`"
            raise UserError(f"the project's own torch groups are locked; choose them with {how}")
        return _Job(project, found.groups, (), wish, catalog, in_uv=True)
    groups = _present(found) if found is not None else ()
    try:
        choice = choices.choose(Options(*asked), Present(groups, extras=extras.of_project(project)), catalog)
    except OptionsError as error:
        raise UserError(str(error)) from error
    return _Job(project, choice.groups, choice.family, wish, catalog)


def _present(found: TorchGroups) -> tuple[Written, ...]:
    """The groups that earlier files are for, each with what was pinned beside torch."""
    present = []
    for group in found.groups:
        names = [table(item).get("name") for item in items(load(found.pylocks[group.name]).get("packages"))]
        family = tuple(name for name in choices.FAMILY.values() if name in names)
        present.append(Written(group.name, group, family))
    return tuple(present)


def lock(start: str, variables: Mapping[str, str], wish: Wish) -> int:
    """Write the lock files, all or none.

    Raises:
        UserError: a tool fails, or a file is there that this command did not write.
        NotTomlError, OSError: a file of the project's cannot be read or written.
    """
    with projects.find_alone(start) as project:
        return _lock_alone(project, variables, wish)


def _lock_alone(project: Project, variables: Mapping[str, str], wish: Wish) -> int:
    job = _job(project, wish, catalogs.load())
    texts = {group: Text(os.path.join(job.project.root, file_name(group))) for group in job.groups}
    foreign = [text.path for text in texts.values() if text.before is not None and not text.before.startswith(WRITTEN)]
    if foreign and not wish.force:
        raise UserError(f"{', '.join(foreign)}: not written by this command; --force replaces it")
    for group, content in _locked(job, variables).items():
        texts[group].after = content
    Change(*texts.values()).write()
    for group, text in texts.items():
        print(f"{os.path.basename(text.path)}: torch {group.version}{'' if text.changed else ', as it was'}")
    print(f"Next: {typed(variables)} sync")
    return 0

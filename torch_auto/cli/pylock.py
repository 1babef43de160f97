"""``torch-auto lock --portable``: lock files of PEP 751, one per torch backend.

uv makes them for every platform: from its own lock with ``uv export``, or from requirements with ``uv pip compile
--universal``. ``pip lock`` makes them for the platform and the Python that it runs on, and so does for these alone.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from torch_auto import catalog as catalogs
from torch_auto.catalog import Catalog
from torch_auto.cli import environment as environments
from torch_auto.cli import extras, portable_choice
from torch_auto.cli import groups as project_groups
from torch_auto.cli import project as projects
from torch_auto.cli.errors import UserError
from torch_auto.cli.files import Text
from torch_auto.cli.groups import TorchGroups
from torch_auto.cli.portable_choice import Options, OptionsError, Present
from torch_auto.cli.portable_toml import Written
from torch_auto.cli.programs import program
from torch_auto.cli.project import PYPROJECT, Project
from torch_auto.cli.pylock_install import pip_version, target
from torch_auto.cli.toml import items, load, table
from torch_auto.groups import Group, group_pages, group_requirements
from torch_auto.machine import Machine
from torch_auto.requirements import group_build

#: How a file starts that this command wrote, and may replace.
WRITTEN = "# Written by `torch-auto lock --portable`"

#: The first pip that has `pip lock` (pip's changelog).
_PIP_LOCKS = (25, 1)

_BOUND = re.compile(r"(\d+\.\d+)(?:\.\d+|\.\*)?", re.ASCII)


class Wish(NamedTuple):
    """What the command line asks for. ``words`` go to the tool as they are."""

    backends: Optional[str]
    releases: Optional[str]
    family: Optional[str]
    index_url: str
    force: bool
    words: Tuple[str, ...]


def file_name(group: Group) -> str:
    """The name of a group's lock file (PEP 751: no dot in the part between)."""
    return f"pylock.{group.name}.toml"


def _output(command: Sequence[str], project: Project, variables: Mapping[str, str]) -> str:
    """What a tool writes to stdout; what it says on stderr is shown where it fails.

    Raises:
        UserError: it fails.
    """
    done = subprocess.run(  # noqa: S603  # the user's own tool, by its full path
        list(command), cwd=project.root, env=dict(variables), capture_output=True, check=False
    )
    if done.returncode != 0:
        sys.stderr.write(done.stderr.decode("utf-8", "replace"))
        raise UserError(f"this failed: {' '.join(command)}. Nothing was written")
    return done.stdout.decode("utf-8")


def _export(uv: str, group: Group, others: Sequence[str], words: Sequence[str]) -> List[str]:
    """What makes a file for one group of uv's lock. torch-auto stays out: its wheel is each machine's own."""
    command = [uv, "export", "--format", "pylock.toml", "--locked", "--no-header", "--no-emit-package", "torch-auto"]
    for name in others:
        command += ["--no-group", name]
    return [*command, "--group", group.name, *words]


def _sources(project: Project, folder: str) -> List[str]:
    """The files with the project's requirements.

    Raises:
        UserError: there are none.
    """
    if "dependencies" in table(project.pyproject, "project"):
        return [os.path.join(project.root, PYPROJECT)]
    path = project.file("requirements.txt")
    if path is None:
        raise UserError(f"{project.root} has neither project.dependencies in {PYPROJECT} nor requirements.txt")
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    kept = [line for line in lines if not _is_torch_auto(line)]
    if kept == lines:
        return [path]
    return [_written(os.path.join(folder, "requirements.txt"), kept)]


def _is_torch_auto(line: str) -> bool:
    try:
        return canonicalize_name(Requirement(line.split(" #", 1)[0].strip()).name) == "torch-auto"
    except InvalidRequirement:
        return False


def _written(path: str, lines: Sequence[str]) -> str:
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join([*lines, ""]))
    return path


def _lowest_python(project: Project) -> Optional[str]:
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


def _compile(
    uv: str, project: Project, sources: Sequence[str], pages: Sequence[str], words: Sequence[str]
) -> List[str]:
    command = [uv, "pip", "compile", "--universal", "--format", "pylock.toml", "--no-header", "--quiet"]
    command += ["--no-emit-package", "torch-auto", "--config-settings-package", "torch-auto:backend=none"]
    python = _lowest_python(project)
    if python is not None:
        command += ["--python-version", python]
    for page in pages:
        command += ["--find-links", page]
    return [*command, *words, *sources]


def _pip_lock(python: str, sources: Sequence[str], pages: Sequence[str], words: Sequence[str]) -> List[str]:
    command = [python, "-m", "pip", "lock", "--quiet", "--output", "-"]
    for page in pages:
        command += ["--find-links", page]
    for source in sources:
        command += ["--requirement", source]
    return [*command, *words]


def fault_of(group: Group, machine: Machine, catalog: Catalog) -> Optional[str]:
    """Why pip cannot lock a group here: it would lock another build in its name."""
    here = catalog.release(group.release).platforms.get(machine.platform or "")
    build = group_build(here, group.torch_backend, machine.python) if here is not None else None
    if build is not None and build.torch_backend == group.torch_backend:
        return None
    return f"{group.name}: torch {group.release} has no {group.torch_backend} build for {machine.platform}"


class _Tool(NamedTuple):
    """What locks: uv, or the pip of an environment; ``note`` goes into the files and to stderr."""

    uv: Optional[str]
    python: str
    note: str


def _tool(project: Project, variables: Mapping[str, str], groups: Tuple[Group, ...], catalog: Catalog) -> _Tool:
    uv = program("uv", variables)
    if uv is not None:
        return _Tool(uv, "", "")
    from torch_auto.detect import detect  # noqa: PLC0415  # uv locks for every platform, and needs none of it

    python = (target(project, variables, None) or environments.own()).interpreter
    if pip_version(python, variables) < _PIP_LOCKS:
        raise UserError(f"there is no uv in PATH, and {python} has no pip 25.1 or newer, the first that has `pip lock`")
    machine = detect()
    faults = [fault for fault in (fault_of(group, machine, catalog) for group in groups) if fault is not None]
    if faults:
        raise UserError(
            "there is no uv in PATH, and `pip lock` locks for this platform alone:"
            + "".join(f"\n  - {fault}" for fault in faults)
            + "\nInstall uv, which locks for every platform, or name the others with --backends"
        )
    note = f"It is for {machine.platform} and Python {machine.python} alone: pip lock locks for no other; uv does."
    return _Tool(None, python, note)


class _Job(NamedTuple):
    """What is locked: a project for some groups, of uv's or by requirements."""

    project: Project
    groups: Tuple[Group, ...]
    family: Tuple[str, ...]
    wish: Wish
    catalog: Catalog
    in_uv: bool = False


def _command(job: _Job, group: Group, tool: _Tool, folder: str) -> List[str]:
    """What locks one group and writes the file to stdout."""
    words = job.wish.words
    if job.in_uv:
        if tool.uv is None:
            raise UserError("the groups of this project are uv's, and uv is not in PATH")
        return _export(tool.uv, group, [other.name for other in job.groups if other != group], words)
    pins = _written(os.path.join(folder, f"{group.name}.txt"), group_requirements(group, job.catalog, job.family))
    pages = group_pages((group,), job.wish.index_url, job.family)
    sources = [*_sources(job.project, folder), pins]
    if tool.uv is not None:
        return _compile(tool.uv, job.project, sources, pages, words)
    return _pip_lock(tool.python, [_plain(job.project, item, folder) for item in sources], pages, words)


def _locked(job: _Job, variables: Mapping[str, str]) -> Dict[Group, str]:
    """The text of each group's lock file."""
    tool = _tool(job.project, variables, job.groups, job.catalog)
    texts = {}
    note = f"# {tool.note}\n" if tool.note else ""
    with tempfile.TemporaryDirectory() as folder:
        for group in job.groups:
            head = f"{WRITTEN} for {group.name}, torch {group.version}. `torch-auto sync` installs it where it fits.\n"
            texts[group] = head + note + _output(_command(job, group, tool, folder), job.project, variables)
    if tool.note:
        print(f"torch-auto: {tool.note}", file=sys.stderr)
    return texts


def _job(project: Project, wish: Wish, catalog: Catalog) -> _Job:
    """What to lock: uv's groups, or those that options ask for, that earlier files are for, that serve all machines."""
    found = project_groups.find(project, catalog)
    asked = (wish.backends, wish.releases, wish.family)
    if found is not None and not found.pylocks:
        if any(item is not None for item in asked):
            raise UserError(
                "the project's own groups are what is locked: choose them with `torch-auto init --portable`"
            )
        return _Job(project, found.groups, (), wish, catalog, in_uv=True)
    groups = _present(found) if found is not None else ()
    try:
        choice = portable_choice.choose(Options(*asked), Present(groups, extras=extras.of_project(project)), catalog)
    except OptionsError as error:
        raise UserError(str(error)) from error
    return _Job(project, choice.groups, choice.family, wish, catalog)


def _present(found: TorchGroups) -> Tuple[Written, ...]:
    """The groups that earlier files are for, each with what was pinned beside torch."""
    present = []
    for group in found.groups:
        names = [table(item).get("name") for item in items(load(found.pylocks[group.name]).get("packages"))]
        family = tuple(name for name in portable_choice.FAMILY.values() if name in names)
        present.append(Written(group.name, group, family))
    return tuple(present)


def _plain(project: Project, path: str, folder: str) -> str:
    """A file of requirements that pip reads: pyproject.toml's without torch-auto, the others as they are."""
    if os.path.basename(path) != PYPROJECT:
        return path
    found = items(table(project.pyproject, "project").get("dependencies"))
    lines = [str(item) for item in found if not _is_torch_auto(str(item))]
    return _written(os.path.join(folder, "dependencies.txt"), lines)


def lock(start: str, variables: Mapping[str, str], wish: Wish) -> int:
    """Write the lock files, all or none.

    Raises:
        UserError: a tool fails, or a file is there that this command did not write.
        NotTomlError, NoTomlReaderError, OSError: a file of the project's cannot be read or written.
    """
    job = _job(projects.find(start), wish, catalogs.load())
    texts = {group: Text(os.path.join(job.project.root, file_name(group))) for group in job.groups}
    foreign = [text.path for text in texts.values() if text.before is not None and not text.before.startswith(WRITTEN)]
    if foreign and not wish.force:
        raise UserError(f"{', '.join(foreign)}: not written by this command; --force replaces it")
    for group, content in _locked(job, variables).items():
        texts[group].after = content
    for group, text in texts.items():
        if text.changed:
            text.write()
        print(f"{os.path.basename(text.path)}: torch {group.version}{'' if text.changed else ', as it was'}")
    print("Next: torch-auto sync")
    return 0

"""``torch-auto add``: PyTorch's pages, torch-auto in place of torch, packages beside it; all of it, or nothing."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet

from torch_auto import catalog
from torch_auto.cli.errors import RefusedError, UserError
from torch_auto.cli.output import confirmed, print_lines, shown
from torch_auto.cli.portable import write as portable
from torch_auto.cli.processes import Step, run_step
from torch_auto.cli.programs import program
from torch_auto.cli.project import environment as environments
from torch_auto.cli.project import extras, own
from torch_auto.cli.project.change import Change, kept
from torch_auto.cli.project.project import PYPROJECT, find, find_alone
from torch_auto.cli.render.plan import worded
from torch_auto.cli.terminal import BOLD, GREY, Progress, listed, paint, wants_colour, width, wrap
from torch_auto.cli.tools import places
from torch_auto.cli.tools.takeover import ANY, is_satisfiable, specifier_of
from torch_auto.cli.tools.tool import Adding
from torch_auto.cli.tools.uv_program import unlocked
from torch_auto.cli.tools.writing import tool_of, wish_of
from torch_auto.decide import machine_for
from torch_auto.newest import newest_usable
from torch_auto.pins.extras import EXTRAS
from torch_auto.select.build import select
from torch_auto.select.words import needs_in_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch_auto.cli.project.environment import Environment
    from torch_auto.cli.project.project import Project
    from torch_auto.cli.tools.takeover import Found
    from torch_auto.cli.tools.tool import Tool
    from torch_auto.settings import Settings

#: As many lines of a change are shown; all of them where lines of the user's go away.
_MOST_LINES = 8


@dataclass(frozen=True)
class Asked:
    """What the command line asks for: extras, releases of torch as a specifier or None, packages, and how.

    ``tool`` is a tool's name, or None for the one that manages the project. ``yes``: nobody is asked.
    """

    extras: tuple[str, ...]
    release: str | None
    packages: tuple[str, ...]
    tool: str | None
    pin: str | None
    yes: bool
    dry_run: bool


def add(folder: str, asked: Asked, chosen: Settings, variables: Mapping[str, str]) -> int:
    """Add, or show what would be done; returns the exit status.

    Raises:
        UserError: something stands against it, or a command failed; the files are as they were.
        NoPlaceError: a file is written in a way that cannot be changed.
        NotTomlError, OSError: a file cannot be read or written.
    """
    with find_alone(folder) as project:
        return _add_alone(folder, project, asked, chosen, variables)


def _add_alone(folder: str, project: Project, asked: Asked, chosen: Settings, variables: Mapping[str, str]) -> int:
    made = os.path.join(project.root, PYPROJECT) if _is_for_uv(project, asked, variables) else None
    with kept([made] if made is not None else []):
        if made is not None:
            _run(Step(("uv", "init", "--bare")), project.root, variables, dry_run=asked.dry_run)
            if asked.dry_run:
                return 0
            project = find(folder)
        tool = tool_of(project, asked.tool, variables)
        with kept(_files(project, tool, variables)):
            if tool.has_groups and portable.has_groups(project):
                return _add_to_groups(project, asked, variables)
            return _add(project, tool, asked, chosen, variables)


def _files(project: Project, tool: Tool, variables: Mapping[str, str]) -> set[str]:
    """The files of the project that the tool and we change."""
    files = {os.path.join(project.root, name) for name in tool.locks}
    files |= {os.path.join(folder, PYPROJECT) for folder in {project.root, project.folder} if folder}
    with suppress(RefusedError):
        files.add(tool.file(project, variables))
    return files


def _add_to_groups(project: Project, asked: Asked, variables: Mapping[str, str]) -> int:
    """Packages beside torch groups: the lock for all machines gets them, and this machine keeps its torch."""
    if asked.extras or asked.release or not asked.packages:
        said = "this project has a torch group for each kind of machine, and these groups choose torch"
        raise UserError(f"{said}. For torchvision: {own.typed(variables)} init --portable --with vision, then uv lock")
    sync = Step((sys.executable, "-m", "torch_auto", "sync", "--project", project.folder))
    steps = [Step(("uv", "add", "--no-sync", *asked.packages)), sync]
    if asked.dry_run:
        print_lines([f"$ {shown(step.command)}" for step in steps])
        return 0
    _run_all(steps, project, variables)
    return 0


def _is_for_uv(project: Project, asked: Asked, variables: Mapping[str, str]) -> bool:
    """Whether a folder without a project shall become one of uv's: nothing in it says otherwise, and uv is there."""
    if project.has_pyproject or asked.tool not in (None, "uv") or project.file("requirements.txt"):
        return False
    if asked.tool is None and (_own_environment(project, variables) is not None or project.file("uv.toml")):
        return False
    if program("uv", variables) is None:
        raise UserError(
            "there is no project here, and uv is not there to make one. For pip, make an environment: "
            "python -m venv .venv"
        )
    return True


def _own_environment(project: Project, variables: Mapping[str, str]) -> Environment | None:
    """The environment to install into, or None where there is but the one that a tool made for this command."""
    found = environments.find_or_own(project.root, variables)
    return found if environments.is_the_users(found.prefix) else None


def _add(project: Project, tool: Tool, asked: Asked, chosen: Settings, variables: Mapping[str, str]) -> int:
    known = catalog.load()
    found = tool.found(project)
    wanted = tuple(dict.fromkeys([*asked.extras, *found.extras, *extras.wanted_by(project)]))
    environment = _own_environment(project, variables)
    if environment is None and not tool.locks:
        raise UserError(f"there is no virtual environment for {tool.name} to install into. Nothing was written.")
    specifier = asked.release or _of_this_machine(specifier_of(found, known), chosen)
    faults = [*found.faults, *_hiding(project, tool, chosen, variables, of_others=True)]
    if specifier and not is_satisfiable(specifier, known):
        there = f"{known.releases[0].version} to {known.newest.version}"
        faults.append(f"no release of torch-auto matches {specifier}; there are releases for torch {there}")
    if faults:
        again = f"Change that first, then run `{own.typed(os.environ)} add` again. Nothing was written."
        raise UserError(f"{'; '.join(faults)}. {again}")
    adding = Adding(
        _requirement(found, wanted, specifier),
        asked.packages,
        environment or environments.own(),
        any(project.file(name) for name in tool.locks),
    )
    change = Change()
    try:
        wish = wish_of(project, tool, chosen, wanted, asked.pin)
        tool.take_over(project, change, wish.index_url)
        tool.write(project, change.text(tool.file(project, variables)), wish)
        tool.add_lines(project, change, adding)
        steps = [unlocked(step, variables) for step in tool.adds(adding)]
    except RefusedError as error:
        raise UserError(f"{error}. Nothing was written.") from error
    _show(change, steps, dry_run=asked.dry_run)
    if asked.dry_run:
        return 0
    if found.requirements and change.takes_away and not asked.yes and not confirmed("Write this?"):
        raise UserError("this removes lines of yours; to agree, add --yes. Nothing was written.")
    change.write()
    left = _hiding(find(project.folder or project.root), tool, chosen, variables)
    if left:
        raise UserError(f"{left[0]}. The project's files are as they were.")
    if sys.stderr.isatty() and not asked.release:
        _say_why_it_goes_back(tool.name, wanted, chosen)
    _run_all(steps, project, variables)
    brought = [name for name in extras.wanted_by(find(project.folder or project.root)) if name not in wanted]
    if brought:
        projects = ", ".join(EXTRAS[name] for name in brought)
        print(f"Another package requires {projects}, which has to match the torch backend of torch.")
        more = replace(asked, extras=(*wanted, *brought), packages=())
        return _add(find(project.folder or project.root), tool, more, chosen, variables)
    print("\n".join(_installed(project, variables)))
    return 0


def _hiding(
    project: Project, tool: Tool, chosen: Settings, variables: Mapping[str, str], *, of_others: bool = False
) -> list[str]:
    """Faults for indexes of PyTorch's that hide PyPI; ``of_others``: those that no file of the project names."""
    there = environments.find_or_own(project.root, variables)
    found = tool.hiding(project, variables, there, chosen.index_url)
    wanted = [page for page in found if not of_others or not places.is_of_the_project(page, project.root)]
    return [f"{tool.hides(page)}. {places.remedy(page).rstrip('.')}" for page in wanted]


def _of_this_machine(specifier: str, chosen: Settings) -> str:
    """A specifier, or "" where it is a bound alone that no torch of this machine satisfies.

    `uv add torch` writes the newest release as the least one, whatever the machine is.
    """
    if not re.fullmatch(r">=[^,]+", specifier):
        return specifier
    newest = newest_usable(machine_for(chosen), chosen, catalog.load()).with_pages
    if newest is None or SpecifierSet(specifier).contains(newest):
        return specifier
    print(f"torch{specifier} is left out: the newest torch that runs on this machine is {newest}.")
    return ""


def _say_why_it_goes_back(tool: str, wanted: tuple[str, ...], chosen: Settings) -> None:
    """Say on stderr why the tool tries several releases, where it is about to: each of them is built for that."""
    known = catalog.load()
    with Progress("Looking at this machine"):
        machine = machine_for(chosen)
    there = newest_usable(machine, chosen, known, wanted).with_pages
    if there is None or there == known.newest.version:
        return
    needs = select(machine, known.newest, known, chosen.backend).needs
    why = f"needs {needs_in_words(needs)}" if needs is not None else "cannot be used here"
    text = f"torch {known.newest.version} {why}, so {tool} goes back to torch {there}. This takes a while."
    colour = wants_colour(sys.stderr)
    for line in wrap(text, width(sys.stderr)):
        print(paint(line, GREY, colour=colour), file=sys.stderr)


def _requirement(found: Found, wanted: tuple[str, ...], specifier: str) -> str:
    """The requirement of torch-auto: with the versions that are asked for, those that it has already, or any."""
    extra = f"[{','.join(wanted)}]" if wanted else ""
    before = str(found.own.specifier) if found.own is not None else ANY
    return f"torch-auto{extra}{specifier or before}"


def _show(change: Change, steps: list[Step], *, dry_run: bool) -> None:
    lines = change.difference("would change" if dry_run else "changes")
    if dry_run:
        lines += [f"$ {shown(step.command)}" for step in steps]
    elif not change.takes_away and len(lines) > _MOST_LINES:
        lines[_MOST_LINES:] = [f"  + ... and {len(lines) - _MOST_LINES} lines more"]
    if lines:
        print_lines(lines)


def _run_all(steps: list[Step], project: Project, variables: Mapping[str, str]) -> None:
    for step in steps:
        _run(step, project.folder or project.root, variables)


def _run(step: Step, folder: str, variables: Mapping[str, str], *, dry_run: bool = False) -> None:
    """Run a command, which is shown first.

    Raises:
        UserError: it fails.
    """
    print_lines([f"$ {shown(step.command)}"], sys.stdout if dry_run else sys.stderr)
    if not dry_run and run_step(step, folder, variables) != 0:
        raise UserError(f"this failed: {shown(step.command)}. The project's files are as they were.")


def _installed(project: Project, variables: Mapping[str, str]) -> list[str]:
    """What is installed, and why it is that."""
    there = environments.find_or_own(project.root, variables)
    found = [environments.installed(there, name) for name in ("torch", "torchvision", "torchaudio")]
    answer = f"Installed: {', '.join(str(item) for item in found if item is not None) or 'no torch'}."
    lines = [paint(answer, BOLD, colour=wants_colour())]
    decided = environments.record(there).get("decided")
    if not isinstance(decided, dict):
        return lines
    return lines + listed([item["text"] for item in worded(decided)["reasons"] if item["code"] != "settings"], width())

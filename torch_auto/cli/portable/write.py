"""``torch-auto init --portable``: one uv.lock for every machine, with a dependency group for each torch backend."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from torch_auto import catalog
from torch_auto.cli import terminal
from torch_auto.cli.errors import RefusedError
from torch_auto.cli.output import print_lines, shown
from torch_auto.cli.portable import choice as choices
from torch_auto.cli.portable import faults
from torch_auto.cli.portable.choice import Present
from torch_auto.cli.portable.edits import ALL, KEEP, UV, Wanted, edit, unedit, written
from torch_auto.cli.project import extras
from torch_auto.cli.project.change import Change
from torch_auto.cli.project.own import typed
from torch_auto.cli.project.project import PYPROJECT
from torch_auto.cli.project.toml import items, table
from torch_auto.cli.project.toml.document import NoPlaceError
from torch_auto.cli.terminal import say_error
from torch_auto.cli.tools import uv_program
from torch_auto.cli.tools.uv import refuse_own_source
from torch_auto.fleet.who import who_gets_what
from torch_auto.pins.groups import group_pages, group_requirements
from torch_auto.settings import DEFAULT_INDEX_URL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch_auto.catalog import Catalog
    from torch_auto.cli.portable.choice import Choice, Options
    from torch_auto.cli.portable.edits import Written
    from torch_auto.cli.project.project import Project
    from torch_auto.cli.tools.tool import Tool, Wish
    from torch_auto.fleet.who import Row


def _layout(project: Project, ours: Sequence[Written]) -> str | None:
    """The default groups that an earlier run wrote: ALL, or KEEP for one of them; None where there was none."""
    present = table(project.member, *UV).get("default-groups")
    names = [canonicalize_name(str(item)) for item in items(present)]
    if len(ours) > 1 and (present == "all" or all(item.group.name in names for item in ours)):
        return ALL
    return KEEP if ours and names else None


def _refuse(project: Project, tool: Tool, wish: Wish, named: str | None, variables: Mapping[str, str]) -> None:
    fault = next(faults.hard(project, tool, named, typed(variables)), None)
    if fault is not None:
        raise RefusedError(fault)
    if wish.pin is not None:
        raise RefusedError("--pin does not go with --portable: groups always pin exactly")
    if not wish.force:
        uv_program.refuse_old("--portable", variables)
        refuse_own_source(project)
        tool.refuse_hiding(project, wish, variables)


def _wanted(project: Project, wish: Wish, options: Options, present: Present, known: Catalog) -> tuple[Choice, Wanted]:
    choice = choices.choose(options, present, known)
    wanted = _of(choice, wish, known)
    hard = list(faults.of_layout(project, choice.default))
    soft = [] if wish.force else list(faults.soft(project, wanted, present.groups, known))
    if hard or soft:
        end = f"{_instead(project, wish, options, present, known)}. --force writes anyway"
        raise RefusedError("; ".join([*hard, *soft]) + (end if soft and not hard else ""))
    return choice, wanted


def _of(choice: Choice, wish: Wish, known: Catalog) -> Wanted:
    return Wanted(
        choice.groups,
        {group.name: group_requirements(group, known, choice.family) for group in choice.groups},
        group_pages(choice.groups, wish.index_url, choice.family),
        choice.default,
    )


def _instead(project: Project, wish: Wish, options: Options, present: Present, known: Catalog) -> str:
    """The newest release with which nothing stands against what was asked for, as the command, where there is one."""
    backends = options.backends
    if options.upgrade:
        backends = ",".join(str(item.group.torch_backend) for item in present.groups)
    for release in reversed(known.releases):
        other = options._replace(releases=release.version, backends=backends, upgrade=False)
        try:
            wanted = _of(choices.choose(other, present, known), wish, known)
        except choices.OptionsError:
            continue
        if not any(faults.soft(project, wanted, present.groups, known)):
            return f", or take torch {release.version}: `{_typed(other, wish, project)}`"
    return ""


def _typed(options: Options, wish: Wish, project: Project) -> str:
    """The command with these options, as it is typed."""
    words = ["init", "--portable"]
    for name, value in (
        ("--for", options.tool),
        ("--releases", options.releases),
        ("--backends", options.backends),
        ("--with", options.family),
        ("--default", options.default),
        *(("--machine", path) for path in options.machines or ()),
        ("--index-url", wish.index_url if wish.index_url != DEFAULT_INDEX_URL else None),
        ("--project", project.folder if os.path.realpath(project.folder) != os.path.realpath(os.getcwd()) else None),
    ):
        words += [name, value] if value is not None else []
    return f"{typed(os.environ)} {shown(words)}"


def write(project: Project, tool: Tool, wish: Wish, options: Options, *, dry_run: bool) -> int:
    """Write the groups, or show what would be written; returns the exit status.

    Raises:
        OptionsError: options are wrong.
        NotTomlError, OSError: a file of the project's cannot be read or written.
    """
    known = catalog.load()
    try:
        _refuse(project, tool, wish, options.tool, os.environ)
        ours = written(project.member)
        present = Present(ours, _layout(project, ours), extras.wanted_by(project))
        choice, wanted = _wanted(project, wish, options, present, known)
        change = _edited(project, wanted)
    except RefusedError as error:
        say_error(f"{error}. Nothing was written.")
        return 2
    except NoPlaceError as error:
        say_error(f"nothing was written: {error}. Fix that, and run this again")
        return 2
    lines = change.difference("would change" if dry_run else "changed")
    if not dry_run:
        change.write()
    _tell(project, lines, choice, known, dry_run=dry_run)
    return 0


def remove(project: Project, index_url: str, change: Change) -> None:
    """Take back the groups, and what goes with them.

    Raises:
        NoPlaceError: something is written in a way that cannot be changed safely.
        OSError: a file of the project's cannot be read.
    """
    own = change.text(os.path.join(project.folder, PYPROJECT))
    unedit(own, change.text(project.uv_settings()[0]), index_url)


def has_groups(project: Project) -> bool:
    """Whether an earlier run wrote groups."""
    return bool(written(project.member))


def _edited(project: Project, wanted: Wanted) -> Change:
    """The project's own file and, where the settings are in another one, that."""
    change = Change()
    own = change.text(os.path.join(project.folder, PYPROJECT))
    edit(own, change.text(project.uv_settings()[0]), wanted)
    return change


def _tell(project: Project, lines: list[str], choice: Choice, known: Catalog, *, dry_run: bool) -> None:
    if lines:
        lines += [
            "",
            *(line for text in choice.reasons for line in terminal.wrap(text, terminal.width())),
            "Who gets what:",
            *_table(who_gets_what(choice.groups, known)),
        ]
    else:
        lines = [f"{os.path.join(project.folder, PYPROJECT)} has these groups already."]
    if not dry_run:
        lines += [
            f"Next: uv lock, and on each machine `{typed(os.environ)} sync`.",
            "      In a fresh clone: uvx torch-auto-core sync",
        ]
    print_lines(lines)


def _table(rows: Sequence[Row]) -> list[str]:
    """Who gets what: for each group the GPUs, the driver from which on, and the platforms."""
    cells = []
    for row in rows:
        driver = f", driver {row.driver} or newer" if row.driver else ""
        why = f": {row.why}" if row.why else ""
        cells.append((row.group, f"{', '.join(row.gpus)}{driver} ({', '.join(row.platforms)}){why}"))
    return terminal.table(cells, terminal.width(), colour=False)

"""``torch-auto init --portable``: one uv.lock for every machine, with a dependency group for each torch backend."""

from __future__ import annotations

import os
import sys
from typing import List, Mapping, Optional, Sequence, Tuple

from packaging.utils import canonicalize_name

from torch_auto import catalog, cover
from torch_auto.catalog import Catalog
from torch_auto.cli import extras, portable_choice, portable_faults
from torch_auto.cli import project as projects
from torch_auto.cli.files import Text
from torch_auto.cli.init import RefusedError, Wish, difference, refuse_old_uv, refuse_own_index
from torch_auto.cli.portable_choice import Choice, Options, Present
from torch_auto.cli.portable_toml import ALL, KEEP, UV, Wanted, Written, edit_project, edit_settings, written
from torch_auto.cli.project import PYPROJECT, Project
from torch_auto.cli.toml import items, table
from torch_auto.cli.toml_insert import NoPlaceError
from torch_auto.groups import group_pages, group_requirements


def _layout(project: Project, ours: Sequence[Written]) -> Optional[str]:
    """The default groups that an earlier run wrote: ALL, or KEEP for one of them; None where there was none."""
    present = table(project.member, *UV).get("default-groups")
    names = [canonicalize_name(str(item)) for item in items(present)]
    if len(ours) > 1 and (present == "all" or all(item.group.name in names for item in ours)):
        return ALL
    return KEEP if ours and names else None


def _refuse(project: Project, tool: str, wish: Wish, variables: Mapping[str, str]) -> None:
    faults = list(portable_faults.hard(project, tool))
    if faults:
        raise RefusedError(faults[0])
    if wish.exact:
        raise RefusedError("--pin has no place beside --portable: the pins of the groups are exact")
    if not wish.force:
        refuse_old_uv("--portable", variables)
        refuse_own_index(project, wish)


def _wanted(project: Project, wish: Wish, choice: Choice, ours: Sequence[Written], known: Catalog) -> Wanted:
    wanted = Wanted(
        choice.groups,
        {group.name: group_requirements(group, known, choice.family) for group in choice.groups},
        group_pages(choice.groups, wish.index_url, choice.family),
        choice.default,
    )
    faults = list(portable_faults.of_layout(project, choice.default))
    soft = [] if wish.force else list(portable_faults.soft(project, wanted, ours, known))
    if faults or soft:
        end = ". --force writes all the same" if soft and not faults else ""
        raise RefusedError("; ".join([*faults, *soft]) + end)
    return wanted


def run(start: str, variables: Mapping[str, str], wish: Wish, options: Options, *, dry_run: bool) -> int:
    """Write the groups, or show what would be written; returns the exit status.

    Raises:
        OptionsError: options are wrong.
        NotTomlError, NoTomlReaderError, OSError: a file of the project's cannot be read or written.
    """
    project = projects.find(start)
    known = catalog.load()
    try:
        _refuse(project, wish.tool or project.tool or "uv", wish, variables)
        ours = written(project.member)
        present = Present(ours, _layout(project, ours), extras.of_project(project))
        choice = portable_choice.choose(options, present, known)
        wanted = _wanted(project, wish, choice, ours, known)
        texts = _edited(project, wanted)
    except RefusedError as error:
        print(f"torch-auto: error: {error}. Nothing was written.", file=sys.stderr)
        return 2
    except NoPlaceError as error:
        print(f"torch-auto: error: nothing was written: {error}. Mend that, and run this again", file=sys.stderr)
        return 2
    changed = [text for text in texts if text.changed]
    if not dry_run:
        for text in changed:
            text.mode()  # that one of two cannot be written is known before the first is
        for text in changed:
            text.write()
    _tell(texts, choice, known, dry_run=dry_run)
    return 0


def _edited(project: Project, wanted: Wanted) -> Tuple[Text, ...]:
    """The project's own file and, where the settings are in another one, that."""
    own = Text(os.path.join(project.folder, PYPROJECT))
    path, _ = project.uv_settings()
    settings = own if os.path.realpath(path) == os.path.realpath(own.path) else Text(path)
    edit_project(own, wanted)
    edit_settings(settings, wanted)
    return (own,) if settings is own else (own, settings)


def _tell(texts: Sequence[Text], choice: Choice, known: Catalog, *, dry_run: bool) -> None:
    lines = []
    for text in texts:
        if text.changed:
            lines += [f"{text.path} {'would change' if dry_run else 'changed'}:", *difference(text)]
    if lines:
        lines += ["", *choice.reasons, "Who gets what:", *_table(cover.who_gets_what(choice.groups, known))]
    else:
        lines.append(f"{texts[0].path} has these groups already.")
    if not dry_run:
        lines += [
            "Next: uv lock, and on each machine `torch-auto sync`.",
            "      In a fresh clone: uvx -C backend=none torch-auto sync",
        ]
    print("\n".join(lines))


def _table(rows: Sequence[cover.Row]) -> List[str]:
    """Who gets what, each group's machines in a line."""
    width = max(len(row.group) for row in rows)
    return [f"  {row.group.ljust(width)}  {row.who}{f': {row.why}' if row.why else ''}" for row in rows]

"""PyTorch's pages, written where a project's tool reads them, the same for all who share the project."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch_auto.cli import tools
from torch_auto.cli.errors import RefusedError
from torch_auto.cli.output import print_lines
from torch_auto.cli.project import environment as environments
from torch_auto.cli.project.change import Change
from torch_auto.cli.project.toml.document import NoPlaceError
from torch_auto.cli.terminal import say_error
from torch_auto.cli.tools.pages import base_of, pages_here, project_pages
from torch_auto.cli.tools.tool import EXACT, Wish
from torch_auto.settings import DEFAULT_INDEX_URL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch_auto.cli.project.project import Project
    from torch_auto.cli.tools.tool import Tool
    from torch_auto.settings import Settings


def tool_of(project: Project, name: str | None, variables: Mapping[str, str]) -> Tool:
    """The tool that is named, or the one that manages the project.

    Raises:
        OSError: a file cannot be read.
    """
    if name is not None:
        return tools.by_name(name)
    there = environments.find_or_own(project.root, variables)
    found = [environments.installed(there, name) for name in ("torch-auto", "torch")]
    installer = next((item.installer for item in found if item is not None), None)
    if installer is None and environments.is_the_users(there.prefix) and there.distribution("pip") is None:
        installer = "uv"  # which makes environments without pip
    return tools.of_project(project, installer)


def wish_of(project: Project, tool: Tool, chosen: Settings, wanted: tuple[str, ...], pin: str | None = None) -> Wish:
    """The pages that a project needs, with those of the extras that are wanted.

    A project that names a mirror keeps to it. Exact pins are written by default where the tool can keep them.

    Raises:
        NotTomlError, OSError: a file of the project's cannot be read.
    """
    if chosen.index_url == DEFAULT_INDEX_URL:
        there = environments.find_or_own(project.root, os.environ)
        chosen = chosen.replace(index_url=base_of(tool.named(project, os.environ, there), chosen.index_url))
    pages = (project_pages if tool.keeps_pages else pages_here)(chosen, wanted)
    if pin is None and tool.exact_by_default(os.environ):
        pin = EXACT
    return Wish(pin, chosen.index_url, force=False, pages=pages)


@dataclass(frozen=True)
class Told:
    """What people are told: where there is nothing to change, below a change, and what to write by hand instead."""

    already: str
    after: str
    by_hand: tuple[str, ...] = ()


def write(project: Project, tool: Tool, path: str, wish: Wish, *, dry_run: bool) -> int:
    """Write the pages into a file, or show what would be written; returns the exit status.

    Raises:
        OSError: the file cannot be read or written.
    """
    then = f"Next: {tool.next(project, path)}"
    told = Told(f"{path} names PyTorch's pages already. {then}", then, tuple(tool.by_hand(wish)))
    change = Change()
    text = change.text(path)

    def edit() -> None:
        if not wish.force:
            tool.check(project, wish, os.environ)
        tool.write(project, text, wish)

    return carry_out(change, edit, told, dry_run=dry_run)


def carry_out(change: Change, edit: Callable[[], None], told: Told, *, dry_run: bool) -> int:
    """Make a change, or show it; returns the exit status.

    Raises:
        OSError: a file cannot be written.
    """
    try:
        edit()
    except RefusedError as error:
        say_error(f"{error}. Nothing was written.")
        return 2
    except NoPlaceError as error:
        by_hand = "".join(f"\n  {line}" for line in told.by_hand)
        how = f". Add this by hand:{by_hand}" if by_hand else ". Change it by hand"
        say_error(f"nothing was written: {error}{how}")
        return 2
    lines = change.difference("would change" if dry_run else "changed")
    if not lines:
        print(told.already)
        return 0
    if not dry_run:
        change.write()
        lines.append(told.after)
    print_lines(lines)
    return 0

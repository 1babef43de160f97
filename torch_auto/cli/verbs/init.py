"""``torch-auto init``: write PyTorch's pages, or torch groups, where the project's tool reads them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from torch_auto.cli import options as shared
from torch_auto.cli import tools

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from torch_auto.cli.options import Verbs
    from torch_auto.cli.project.change import Change
    from torch_auto.cli.project.project import Project
    from torch_auto.cli.tools.tool import Tool, Wish

_EXAMPLES = """\
examples:
  torch-auto init                       for the tool that manages this project
  torch-auto init --dry-run             show the change, write nothing
  torch-auto init --for pip             into requirements.txt, or else the environment's pip.conf
  torch-auto init --script train.py     into a script's inline metadata, for `uv run train.py`
  torch-auto init --pin prefer          use PyPI's build where the exact one is not found
  torch-auto init --remove              remove what init and add have written
  torch-auto init --index-url https://mirror.example/pytorch/whl
  torch-auto init --portable            one uv.lock for every machine: a dependency group for each torch backend
  torch-auto init --portable --backends cu126,cu130 --with vision
  torch-auto init --portable --releases 2.9.1,2.7.1
  torch-auto init --portable --machine node1.json --machine node2.json
  torch-auto init --portable --upgrade  the same groups, of the newest release that has them
"""


def add(verbs: Verbs) -> None:
    """Its parser."""
    init = verbs.add("init", execute, "write PyTorch's pages into the project's settings", _EXAMPLES)
    text = "the tool; default: the one that the project uses"
    init.add_argument("--for", dest="tool", choices=tools.NAMES, help=text)
    text = "how torch-auto pins: exact (default for uv 0.13 and newer, and for uv alone), or prefer"
    init.add_argument("--pin", choices=("prefer", "exact"), help=text)
    init.add_argument("--script", metavar="FILE", help="a script with inline metadata, which uv reads")
    init.add_argument("--remove", action="store_true", help="remove what init and add have written")
    init.add_argument("--dry-run", action="store_true", help="show the change and write nothing")
    init.add_argument("--force", action="store_true", help="write even if the project already has an index for torch")
    shared.project(init)
    text = "vision, audio: their pages too, as for the extras in the project; with --portable pinned in the groups"
    shared.extras(init, text)
    shared.index_url(init)
    init.add_argument(
        "--portable", action="store_true", help="uv: one lock for every machine, with a group for each torch backend"
    )
    portable = init.add_argument_group("with --portable")
    portable.add_argument("--backends", metavar="X,Y", help="torch backends; default: the fewest for all machines")
    portable.add_argument("--releases", metavar="R,S", help="torch releases; each group takes the newest that has it")
    text = "move the existing groups to the newest release that has all of their torch backends"
    portable.add_argument("--upgrade", action="store_const", const=True, help=text)
    portable.add_argument(
        "--default", metavar="HOW", help="default groups: cpu (default), or all, where each machine sets UV_NO_GROUP"
    )
    portable.add_argument(
        "--machine", action="append", metavar="FILE", help="choose the fewest torch backends for these machines"
    )


def execute(options: argparse.Namespace) -> int:
    """Write, or show what would be written.

    Raises:
        UserError, SettingsError: options or settings are wrong.
        NotTomlError, OSError: a file of the project's cannot be read or written.
    """
    from torch_auto.cli.errors import UserError
    from torch_auto.cli.project.project import find, find_alone
    from torch_auto.cli.project.turns import alone

    of_groups = options.portable or any(item is not None for item in _of_groups(options))
    if options.script is not None:
        if of_groups or not tools.by_name(options.tool or tools.NAMES[0]).reads_scripts:
            raise UserError("--script is only for uv, and does not go with --portable")
        with alone(os.path.dirname(os.path.abspath(options.script))):
            return _of_script(options, find(options.project))
    with find_alone(options.project) as project:
        if options.remove:
            return _remove(options, project)
        return _write_groups(options, project) if of_groups else _write_pages(options, project)


def _of_groups(options: argparse.Namespace) -> tuple[Any, ...]:
    """The values of the options that mean something with --portable alone."""
    return options.backends, options.releases, options.default, options.machine, options.upgrade


def _write_groups(options: argparse.Namespace, project: Project) -> int:
    from torch_auto.cli.portable.choice import Options
    from torch_auto.cli.portable.write import write
    from torch_auto.cli.tools.tool import Wish

    backends, releases, default, machines, upgrade = _of_groups(options)
    asked = Options(
        backends, releases, options.family, default, machines, options.portable, bool(upgrade), options.tool
    )
    tool = tools.by_name(options.tool) if options.tool else tools.managing(project) or tools.by_name("uv")
    wish = Wish(options.pin, shared.settings(options, "index-url").index_url, options.force)
    return write(project, tool, wish, asked, dry_run=options.dry_run)


def _write_pages(options: argparse.Namespace, project: Project) -> int:
    from torch_auto.cli.tools.writing import tool_of, write

    tool = tool_of(project, options.tool, os.environ)
    return write(project, tool, _file(project, tool), _wish(options, project, tool), dry_run=options.dry_run)


def _file(project: Project, tool: Tool) -> str:
    from torch_auto.cli.errors import RefusedError, UserError

    try:
        return tool.file(project, os.environ)
    except RefusedError as error:
        raise UserError(f"{error}. Nothing was written.") from error


def _wish(options: argparse.Namespace, project: Project, tool: Tool) -> Wish:
    from dataclasses import replace

    from torch_auto.cli.project import extras
    from torch_auto.cli.tools.writing import wish_of

    chosen = shared.settings(options, "index-url")
    wanted = tuple(dict.fromkeys([*extras.wanted_by(project), *shared.named_extras(options)]))
    wish = wish_of(project, tool, chosen, wanted, options.pin)
    return replace(wish, force=options.force)


def _of_script(options: argparse.Namespace, project: Project) -> int:
    """The same in a script's inline metadata."""
    from torch_auto.cli.output import shown
    from torch_auto.cli.project.change import Change
    from torch_auto.cli.project.script import Script
    from torch_auto.cli.tools.writing import Told, carry_out

    text, tool = Script(options.script), tools.by_name("uv")
    change = Change(text)
    if options.remove:
        removing = shown(("uv", "remove", "--script", options.script, "torch-auto"))
        return _take_back(options, change, lambda url: tool.remove(text, url), removing)
    wish = _wish(options, project, tool)
    then = f"Next: {shown(('uv', 'add', '--script', options.script, 'torch-auto'))}"
    told = Told(f"{text.path} names PyTorch's pages already. {then}", then, tuple(tool.by_hand(wish)))
    return carry_out(change, lambda: tool.write(project, text, wish), told, dry_run=options.dry_run)


def _remove(options: argparse.Namespace, project: Project) -> int:
    from torch_auto.cli.portable import write as portable
    from torch_auto.cli.project.change import Change
    from torch_auto.cli.tools.writing import tool_of

    tool, change = tool_of(project, options.tool, os.environ), Change()
    if tool.has_groups and portable.has_groups(project):
        return _take_back(options, change, lambda url: portable.remove(project, url, change), tool.removing)
    text = change.text(_file(project, tool))
    return _take_back(options, change, lambda url: tool.remove(text, url), tool.removing)


def _take_back(options: argparse.Namespace, change: Change, remove: Callable[[str], None], removing: str) -> int:
    from torch_auto.cli.tools.writing import Told, carry_out

    index_url = shared.settings(options, "index-url").index_url
    told = Told("Nothing here was written by torch-auto.", f"To remove torch-auto too: {removing}")
    return carry_out(change, lambda: remove(index_url), told, dry_run=options.dry_run)

"""``torch-auto init``: write PyTorch's pages, or torch groups, where the project's tool reads them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from torch_auto.cli import options as shared
from torch_auto.cli import tools

if TYPE_CHECKING:
    import argparse

    from torch_auto.cli.options import Verbs
    from torch_auto.cli.project.project import Project

_EXAMPLES = """\
examples:
  torch-auto init                       for the tool that manages this project
  torch-auto init --dry-run             show the change, write nothing
  torch-auto init --for pip             into requirements.txt, or else the environment's pip.conf
  torch-auto init --pin exact           and never take PyPI's build in place of the exact one (uv 0.13 and newer)
  torch-auto init --index-url https://mirror.example/pytorch/whl
  torch-auto init --portable            one uv.lock for every machine: a dependency group for each torch backend
  torch-auto init --portable --backends cu126,cu130 --with vision
  torch-auto init --portable --releases 2.9.1,2.7.1
  torch-auto init --portable --machine node1.json --machine node2.json
"""


def add(verbs: Verbs) -> None:
    """Its parser."""
    init = verbs.add("init", execute, "name PyTorch's pages where the project's tool reads them", _EXAMPLES)
    text = "the tool; default: the one that the project uses"
    init.add_argument("--for", dest="tool", choices=tools.NAMES, help=text)
    init.add_argument("--pin", choices=("prefer", "exact"), help="exact: uv's setting for it as well")
    init.add_argument("--dry-run", action="store_true", help="show the change and write nothing")
    init.add_argument("--force", action="store_true", help="write although torch has an index of its own already")
    shared.project(init)
    text = "vision, audio: their pages too, as for the extras in the project; with --portable pinned in the groups"
    shared.extras(init, text)
    shared.index_url(init)
    init.add_argument("--portable", action="store_true", help="uv: groups that one lock holds for every machine")
    portable = init.add_argument_group("with --portable")
    portable.add_argument("--backends", metavar="X,Y", help="torch backends; default: the fewest for all machines")
    portable.add_argument("--releases", metavar="R,S", help="torch releases, of which each group takes the newest")
    portable.add_argument("--default", metavar="HOW", help="default groups: cpu (default), or all, for UV_NO_GROUP")
    portable.add_argument("--machine", action="append", metavar="FILE", help="the fewest torch backends for these")


def execute(options: argparse.Namespace) -> int:
    """Write, or show what would be written.

    Raises:
        UserError, SettingsError: options or settings are wrong.
        NotTomlError, OSError: a file of the project's cannot be read or written.
    """
    from torch_auto.cli.project.project import find

    if options.portable or any(item is not None for item in _of_groups(options)):
        return _write_groups(options, find(options.project))
    return _write_pages(options, find(options.project))


def _of_groups(options: argparse.Namespace) -> tuple[Any, ...]:
    """The values of the options that mean something with --portable alone."""
    return options.backends, options.releases, options.default, options.machine


def _write_groups(options: argparse.Namespace, project: Project) -> int:
    from torch_auto.cli.portable.choice import Options
    from torch_auto.cli.portable.write import write
    from torch_auto.cli.tools.tool import Wish

    backends, releases, default, machines = _of_groups(options)
    asked = Options(backends, releases, options.family, default, machines, portable=options.portable)
    tool = tools.by_name(options.tool) if options.tool else tools.managing(project) or tools.by_name("uv")
    wish = Wish(options.pin is not None, shared.settings(options, "index-url").index_url, options.force)
    return write(project, tool, wish, asked, dry_run=options.dry_run)


def _write_pages(options: argparse.Namespace, project: Project) -> int:
    from torch_auto.cli.project import extras
    from torch_auto.cli.tools.pages import pages_here
    from torch_auto.cli.tools.tool import Wish
    from torch_auto.cli.tools.writing import write

    chosen = shared.settings(options, "index-url")
    wanted = tuple(dict.fromkeys([*extras.of_project(project), *shared.named_extras(options)]))
    tool = tools.by_name(options.tool) if options.tool else tools.of_project(project)
    wish = Wish(options.pin == "exact", chosen.index_url, options.force, pages_here(chosen, wanted))
    return write(project, tool, wish, os.environ, dry_run=options.dry_run)

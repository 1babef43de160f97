"""``torch-auto add``: torch-auto, PyTorch's pages and packages beside it, with the tool of the project."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from torch_auto.cli import options as shared
from torch_auto.cli import tools

if TYPE_CHECKING:
    import argparse

    from torch_auto.cli.options import Verbs

_EXAMPLES = """\
examples:
  torch-auto add                        torch for this machine, in this project or a new one of uv's
  torch-auto add vision audio           torchvision and torchaudio beside it
  torch-auto add vision 2.9.1           torch 2.9.1
  torch-auto add vision -- ultralytics timm
  torch-auto add --dry-run              show the change and the commands, and do nothing
"""


def add(verbs: Verbs) -> None:
    """Its parser."""
    text = "add torch for this machine to the project, and other packages with it"
    verb = verbs.add("add", execute, text, _EXAMPLES)
    verb.takes_packages = True
    verb.add_argument(
        "what",
        nargs="*",
        metavar="WHAT",
        help="vision, audio, a release of torch (2.9.1, 2.9, latest); packages after --",
    )
    verb.add_argument("--for", dest="tool", choices=tools.NAMES, help="default: the tool that the project uses")
    verb.add_argument("--pin", choices=("prefer", "exact"), help="how torch-auto pins, as for init")
    verb.add_argument("--yes", action="store_true", help="remove existing torch lines without asking")
    verb.add_argument("--dry-run", action="store_true", help="show the change and the commands, and do nothing")
    shared.project(verb)
    shared.index_url(verb)


def execute(options: argparse.Namespace) -> int:
    """Add, or show what would be done.

    Raises:
        UserError, SettingsError: options or settings are wrong, or something stands against it.
        NotTomlError, OSError: a file of the project's cannot be read or written.
    """
    from torch_auto.cli.errors import UserError
    from torch_auto.cli.project.toml.document import NoPlaceError
    from torch_auto.cli.tools.adding import Asked, add

    extras, release = _what(options.what)
    asked = Asked(extras, release, tuple(options.words), options.tool, options.pin, options.yes, options.dry_run)
    try:
        return add(options.project, asked, shared.settings(options, "index-url"), os.environ)
    except NoPlaceError as error:
        raise UserError(f"nothing was written: {error}. Change it by hand, and run this again") from error


def _what(words: list[str]) -> tuple[tuple[str, ...], str | None]:
    """Extras, and releases as a specifier, among words.

    Raises:
        UserError, UnknownReleaseError: one of them is neither, or there are several releases.
    """
    from torch_auto.catalog import load
    from torch_auto.cli.errors import UserError
    from torch_auto.cli.releases import is_named_so, one_of
    from torch_auto.cli.tools.takeover import ANY
    from torch_auto.pins.extras import EXTRAS

    known = load()
    names = [word for word in words if word not in EXTRAS]
    wrong = [name for name in names if not is_named_so(name)]
    if wrong:
        shown = ", ".join(map(repr, wrong))
        there = f"{known.releases[0].version} to {known.newest.version}"
        text = f"{shown}: neither an extra ({', '.join(EXTRAS)}) nor a release of torch ({there})"
        raise UserError(f"{text}. Packages follow --: torch-auto add -- {' '.join(wrong)}")
    if len(names) > 1:
        raise UserError(f"one release of torch at a time, not {', '.join(names)}")
    extras = tuple(dict.fromkeys(word for word in words if word in EXTRAS))
    return extras, (one_of(names[0], known) or ANY) if names else None

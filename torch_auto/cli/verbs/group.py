"""``torch-auto group``: the name of this machine's torch group, for scripts."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from torch_auto.cli import options as shared

if TYPE_CHECKING:
    import argparse

    from torch_auto.cli.options import Verbs

_EXAMPLES = """\
examples:
  torch-auto group                      torch-cu126, for scripts: uv export --group $(torch-auto group) ...
  torch-auto group --why                and why, on stderr
  torch-auto group --json               for programs: the other groups and the reasons are in it
"""


def add(verbs: Verbs) -> None:
    """Its parser."""
    group = verbs.add("group", execute, "print the name of this machine's torch group", _EXAMPLES)
    shared.torch_group(group)
    group.add_argument("--json", action="store_true", help="print it with the reasons as JSON")
    group.add_argument("--why", action="store_true", help="say why on stderr")


def execute(options: argparse.Namespace) -> int:
    """Print the name; the reasons go to stderr where they are asked for.

    Raises:
        UserError, SettingsError, NotTomlError, OSError: see :func:`torch_auto.cli.portable.here.here`.
    """
    from torch_auto.cli.output import FORMAT_VERSION, print_json
    from torch_auto.cli.portable.here import here
    from torch_auto.cli.render.plan import worded
    from torch_auto.cli.terminal import listed, width
    from torch_auto.select.reasons import reason_to_json
    from torch_auto.select.words import sentences

    found = here(options.project, shared.given(options, "backend", "machine"), os.environ)
    chosen = found.chosen
    if options.why:
        print("\n".join(listed(sentences(chosen.reasons), width(sys.stderr))), file=sys.stderr)
    if not options.json:
        print(chosen.group.name)
        return 0
    document = {
        "version": FORMAT_VERSION,
        "group": chosen.group.name,
        "torch": found.torch,
        "torch_backend": chosen.group.torch_backend,
        "others": list(found.others),
        "default": list(found.torch_groups.default),
        "reasons": worded([reason_to_json(item) for item in chosen.reasons]),
        "rejected": [
            {"torch_backend": item.torch_backend, "reason": worded(reason_to_json(item.reason))}
            for item in chosen.selection.rejected
        ],
    }
    print_json(document)
    return 0

"""``torch-auto plan``: what a build of a release emits on a machine, and why; of several machines, what serves all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch_auto.cli import options as shared

if TYPE_CHECKING:
    import argparse

    from torch_auto.cli.options import Verbs

_EXAMPLES = """\
examples:
  torch-auto plan                       the newest release that this machine can use
  torch-auto plan 2.5.1 2.9.1           what two releases install
  torch-auto plan ">=2.5,<2.7" latest   a table of several
  torch-auto plan --why                 pins, other builds, and how each fact about the build is known
  torch-auto plan --machine node7.json  the same for another machine
  torch-auto plan --machine nodes/      one torch that runs on all of them, or the fewest torch backends
  pdsh -w node[1-97] torch-auto info --jsonl | torch-auto plan --machine -
"""


def add(verbs: Verbs) -> None:
    """Its parser."""
    plan = verbs.add("plan", execute, "show which torch is right for this machine, and why", _EXAMPLES)
    plan.add_argument(
        "release",
        nargs="*",
        metavar="RELEASE",
        help='2.5.1, 2.5, latest or ">=2.5,<2.7"; default: the newest that this machine can use',
    )
    text = "plan for the machine in this file; a folder, a pattern, - (stdin), or several: what supports them all"
    plan.add_argument("--machine", action="append", metavar="FILE", help=text)
    plan.add_argument("--backend", metavar="X", help="auto, a torch backend such as cu126, or pypi")
    plan.add_argument("--pin", metavar="HOW", help="prefer (default) or exact")
    shared.extras(plan, "vision, audio: with these extras of torch-auto")
    shared.index_url(plan)
    plan.add_argument(
        "--why", action="store_true", help="print the rest: other builds, pins, and how each fact is known"
    )
    plan.add_argument("--json", action="store_true", help="print the plans as JSON")


def execute(options: argparse.Namespace) -> int:
    """Print the plans of these releases, or what serves these machines.

    Raises:
        UserError, SettingsError: options or settings are wrong.
        UnknownReleaseError: a release is not in the catalog.
    """
    from torch_auto.cli.machine_files import is_one_file

    if options.machine and not is_one_file(options.machine):
        return _for_several(options)
    from torch_auto.cli.render.plan import show

    options.machine = options.machine[0] if options.machine else None
    given = shared.given(options, "backend", "pin", "machine", "index-url")
    return show(options.release, given, shared.named_extras(options), why=options.why, as_json=options.json)


def _for_several(options: argparse.Namespace) -> int:
    from torch_auto.cli.errors import UserError
    from torch_auto.cli.render.fleet import show

    if options.backend or options.pin or options.family:
        what = "--backend, --pin and --with are for one machine"
        raise UserError(f"{what}. For several, the torch backends are the answer")
    given = shared.given(options, "index-url")
    return show(options.machine, options.release, given, why=options.why, as_json=options.json)

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
  torch-auto plan --why                 the same, and how each fact about the build is known
  torch-auto plan --machine node7.json  the same for another machine
  torch-auto plan --machine node1.json --machine node2.json
                                        one torch that runs on all of them, or the fewest torch backends
"""


def add(verbs: Verbs) -> None:
    """Its parser."""
    plan = verbs.add("plan", execute, "which build a release installs, and why", _EXAMPLES)
    plan.add_argument("release", nargs="*", metavar="RELEASE", help="a torch release; default: the newest one usable")
    text = "plan for the machine in this file; for several, what supports them all"
    plan.add_argument("--machine", action="append", metavar="FILE", help=text)
    plan.add_argument("--backend", metavar="X", help="auto, a torch backend such as cu126, or pypi")
    plan.add_argument("--pin", metavar="HOW", help="prefer (default) or exact")
    shared.extras(plan, "vision, audio: with these extras of torch-auto")
    shared.index_url(plan)
    plan.add_argument("--why", action="store_true", help="also print how the catalog knows what it says of the build")
    plan.add_argument("--json", action="store_true", help="print the plans as JSON")


def execute(options: argparse.Namespace) -> int:
    """Print the plans of these releases, or what serves these machines.

    Raises:
        UserError, SettingsError: options or settings are wrong.
        UnknownReleaseError: a release is not in the catalog.
    """
    files = options.machine or [None]
    if len(files) > 1:
        return _for_several(options)
    from torch_auto.cli.render.plan import show

    options.machine = files[0]
    given = shared.given(options, "backend", "pin", "machine", "index-url")
    return show(options.release, given, shared.named_extras(options), why=options.why, as_json=options.json)


def _for_several(options: argparse.Namespace) -> int:
    from torch_auto.cli.errors import UserError
    from torch_auto.cli.render.fleet import show

    if options.backend or options.pin or options.family or options.why:
        what = "--backend, --pin, --with and --why are for one machine"
        raise UserError(f"{what}: for several, torch backends are looked for")
    return show(options.machine, options.release, shared.given(options, "index-url"), as_json=options.json)

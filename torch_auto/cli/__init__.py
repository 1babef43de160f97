"""The ``torch-auto`` command. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import TYPE_CHECKING

from torch_auto import __version__
from torch_auto.catalog import CatalogError, UnknownReleaseError, load
from torch_auto.cli import signals, streams
from torch_auto.cli.errors import UserError
from torch_auto.cli.options import Formatter, Parser, Verbs, closest, split
from torch_auto.cli.project.toml import NotTomlError
from torch_auto.cli.terminal import say_error
from torch_auto.cli.verbs import add, check, completion, env, group, info, init, lock, plan, refresh, run, sync
from torch_auto.machine_file import MachineError
from torch_auto.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

USAGE_ERROR = 2

#: The verbs, in the order of --help.
VERBS = (add, info, plan, init, check, refresh, group, sync, run, lock, env, completion)

#: What the user has to change; the message says what.
_MISTAKES = (
    SettingsError,
    MachineError,
    UnknownReleaseError,
    CatalogError,
    NotTomlError,
    NotADirectoryError,
    UserError,
)

_EXAMPLES = """\
examples:
  torch-auto add vision                  torch and torchvision for this machine, in this project or a new one
  torch-auto plan                        what plain `uv add torch-auto` installs here, and why
  torch-auto init                        name PyTorch's page in the project: exact builds from now on
  torch-auto check                       do machine, environment, lock and PyTorch's pages agree?
  torch-auto refresh                     the driver, the GPU or the machine changed: look again
  eval "$(torch-auto env)"               PyTorch's page for this shell alone
  torch-auto sync                        a project with one lock for every machine: this machine's torch from it
  torch-auto info --json > node7.json    describe this machine; plan --machine node7.json uses it elsewhere

torch-auto VERB --help has more of them.
"""


#: Verbs of other tools, and ours for the same.
_OTHER_NAMES = {
    **dict.fromkeys(("install", "setup"), "add"),
    **dict.fromkeys(("doctor", "verify", "status"), "check"),
    **dict.fromkeys(("update", "upgrade"), "refresh"),
    **dict.fromkeys(("detect", "show"), "info"),
    **dict.fromkeys(("explain", "why", "list"), "plan"),
    **dict.fromkeys(("remove", "uninstall"), "init --remove"),
}


class _Version(argparse.Action):
    """``--version``: the core's, and the day of its catalog."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        known = load()
        text = f"builds of torch up to {known.newest.version} are known, as of {known.as_of}"
        print(f"torch-auto-core {__version__} ({text})")
        parser.exit()


def command_line() -> tuple[Parser, Verbs]:
    """The parser of the whole command, and its verbs."""
    top = Parser(
        prog="torch-auto",
        description="The PyTorch build that fits this machine, and why.",
        epilog=_EXAMPLES,
        formatter_class=Formatter,
    )
    text = "the version of torch-auto-core, and the day of its catalog"
    top.add_argument("--version", action=_Version, nargs=0, help=text)
    verbs = Verbs(top)
    for verb in VERBS:
        verb.add(verbs)
    return top, verbs


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; returns the exit status: 0, 1 for what is not right, 2 for a mistake of the user's."""
    return streams.within(lambda: _main(arguments))


def _main(arguments: list[str] | None) -> int:
    parser, verbs = command_line()
    typed = sys.argv[1:] if arguments is None else arguments
    if typed and typed[0] not in verbs.all and not typed[0].startswith("-"):
        return _mistake(_no_verb(typed, verbs))
    execute = _of_verb(parser, verbs, typed) if typed else partial(_status, verbs)
    try:
        with signals.in_order():
            code = execute()
    except _MISTAKES as error:
        return _mistake(str(error))
    except OSError as error:
        return _mistake(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    else:
        return code


def _of_verb(parser: Parser, verbs: Verbs, typed: list[str]) -> Callable[[], int]:
    own, words = split(typed, verbs.all)
    options, unknown = parser.parse_known_args(own)
    if unknown:
        verbs.all[options.verb].refuse(unknown)
    options.words = words
    return partial(options.execute, options)


def _status(verbs: Verbs) -> int:
    from torch_auto.cli.status import show  # noqa: PLC0415  # most commands name a verb

    return show(verbs)


def _no_verb(typed: list[str], verbs: Verbs) -> str:
    """What to type in place of a word that is no verb."""
    from torch_auto.cli.releases import is_named_so  # noqa: PLC0415  # the right words need none of it

    word = typed[0]
    meant = _OTHER_NAMES.get(word) or closest(word, verbs.all)
    if meant is None and is_named_so(word):
        meant = f"plan {word}"
    text = f"there is no verb {word!r}"
    return f"{text}; did you mean `torch-auto {meant}`?" if meant else f"{text}. These are: {', '.join(verbs.all)}"


def _mistake(message: str) -> int:
    name = "torch-auto: "
    message = streams.shortened(message)
    say_error(message[len(name) :] if message.startswith(name) else message)
    return USAGE_ERROR

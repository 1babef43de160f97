"""The ``torch-auto`` command. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import argparse
import sys

from torch_auto.catalog import CatalogError, UnknownReleaseError
from torch_auto.cli import signals, streams
from torch_auto.cli.errors import UserError
from torch_auto.cli.options import Verbs, split
from torch_auto.cli.project.toml import NotTomlError
from torch_auto.cli.verbs import add, check, env, group, info, init, lock, plan, refresh, run, sync
from torch_auto.machine_file import MachineError
from torch_auto.settings import SettingsError

USAGE_ERROR = 2

#: The verbs, in the order of --help.
VERBS = (add, info, plan, init, check, refresh, group, sync, run, lock, env)

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


def command_line() -> tuple[argparse.ArgumentParser, Verbs]:
    """The parser of the whole command, and its verbs."""
    top = argparse.ArgumentParser(
        prog="torch-auto",
        description="The PyTorch build that fits this machine, and why.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = Verbs(top)
    for verb in VERBS:
        verb.add(verbs)
    return top, verbs


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; returns the exit status: 0, 1 for what is not right, 2 for a mistake of the user's."""
    return streams.within(lambda: _main(arguments))


def _main(arguments: list[str] | None) -> int:
    parser, verbs = command_line()
    own, words = split(sys.argv[1:] if arguments is None else arguments, verbs.all)
    options = parser.parse_args(own)
    options.words = words
    try:
        with signals.in_order():
            code: int = options.execute(options)
    except _MISTAKES as error:
        return _mistake(str(error))
    except OSError as error:
        return _mistake(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    else:
        return code


def _mistake(message: str) -> int:
    name = "torch-auto: "
    message = streams.shortened(message)
    print(f"{name}error: {message[len(name) :] if message.startswith(name) else message}", file=sys.stderr)
    return USAGE_ERROR

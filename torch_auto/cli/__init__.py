"""The ``torch-auto`` command. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import argparse
import io
import os
import sys
from typing import Any, Dict, List, Optional, TextIO, Tuple

from torch_auto.catalog import CatalogError, UnknownReleaseError
from torch_auto.catalog import load as load_catalog
from torch_auto.cli.arguments import parser, split
from torch_auto.cli.errors import UserError
from torch_auto.cli.toml import NoTomlReaderError, NotTomlError
from torch_auto.machine_file import MachineError
from torch_auto.settings import Settings, SettingsError
from torch_auto.settings import read as read_settings

USAGE_ERROR = 2


def wants_colour(stream: TextIO, environment: Dict[str, str]) -> bool:
    """Colour on a terminal alone, and not where NO_COLOR is set (no-color.org) or the terminal is dumb."""
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def _given(options: argparse.Namespace, *names: str) -> Dict[str, Any]:
    """The settings among the options, as config settings have them."""
    found: Dict[str, Any] = {}
    for name in names:
        value = getattr(options, name.replace("-", "_"))
        if value is not None:
            found[name] = os.path.abspath(value) if name == "machine" else value
    return found


# Each verb imports what it needs: none pays for another.


def _info(options: argparse.Namespace) -> int:
    from torch_auto.cli import info  # noqa: PLC0415

    return info.run(options.root, as_json=options.json, colour=wants_colour(sys.stdout, dict(os.environ)))


def _plan(options: argparse.Namespace) -> int:
    files = options.machine or [None]
    if len(files) > 1:
        from torch_auto.cli import fleet  # noqa: PLC0415

        if options.backend or options.pin or options.family:
            what = "--backend, --pin and --with are for one machine"
            raise UserError(f"{what}: for several, torch backends are looked for")
        return fleet.run(files, options.release, _given(options, "index-url"), as_json=options.json)
    from torch_auto.cli import plan  # noqa: PLC0415

    options.machine = files[0]
    from torch_auto.cli.extras import parse  # noqa: PLC0415

    given = _given(options, "backend", "pin", "machine", "index-url")
    return plan.run(options.release, given, parse(options.family), as_json=options.json)


def _init(options: argparse.Namespace) -> int:
    from torch_auto.cli import init  # noqa: PLC0415

    chosen = _settings(options, "index-url")
    asked = (options.backends, options.releases, options.family, options.default, options.machine)
    alone = (options.backends, options.releases, options.default, options.machine)
    if options.portable or any(item is not None for item in alone):
        from torch_auto.cli import portable, portable_choice  # noqa: PLC0415

        wish = init.Wish(options.tool, options.pin is not None, chosen.index_url, options.force, ())
        choices = portable_choice.Options(*asked, portable=options.portable)
        return portable.run(options.project, os.environ, wish, choices, dry_run=options.dry_run)
    pages = init.pages_here(chosen, _extras(options))
    wish = init.Wish(options.tool, options.pin == "exact", chosen.index_url, options.force, pages)
    return init.run(options.project, os.environ, wish, dry_run=options.dry_run)


def _extras(options: argparse.Namespace) -> Tuple[str, ...]:
    """The extras of --with, and those that the project requires."""
    from torch_auto.cli import extras, project  # noqa: PLC0415

    named = extras.parse(options.family)
    try:
        return tuple(dict.fromkeys([*extras.of_project(project.find(options.project)), *named]))
    except (NoTomlReaderError, NotTomlError):
        return named  # what needs the project says what is wrong with it


def _check(options: argparse.Namespace) -> int:
    from torch_auto.cli import check, situation  # noqa: PLC0415

    where = situation.Where(options.project, os.environ, _given(options, "machine"), options.venv)
    return check.run(where, json_wanted=options.json, colour=wants_colour(sys.stdout, dict(os.environ)))


def _refresh(options: argparse.Namespace) -> int:
    from torch_auto.cli import refresh, situation  # noqa: PLC0415

    where = situation.Where(options.project, os.environ, _given(options, "machine"), options.venv)
    return refresh.run(where, dry_run=options.dry_run)


def _env(options: argparse.Namespace) -> int:
    from torch_auto.cli import env, env_portable, init  # noqa: PLC0415

    form = options.shell or env.default_form(os.environ, sys.platform)
    if not options.hint and options.index_url is None and env_portable.run(form, options.project, os.environ):
        return 0
    return env.run(form, init.pages_here(_settings(options, "index-url"), _extras(options)))


def _group(options: argparse.Namespace) -> int:
    from torch_auto.cli import sync  # noqa: PLC0415

    return sync.group(options.project, _given(options, "backend", "machine"), as_json=options.json, why=options.why)


def _sync(options: argparse.Namespace) -> int:
    from torch_auto.cli import sync  # noqa: PLC0415

    given = _given(options, "backend", "machine")
    where = sync.Where(options.project, given, getattr(options, "venv", None))
    return sync.run(options.verb, where, options.words, dry_run=options.dry_run)


def _lock(options: argparse.Namespace) -> int:
    from torch_auto.cli import pylock  # noqa: PLC0415

    if not options.portable:
        raise UserError("`torch-auto lock --portable` writes lock files; a project's own lock is its tool's, `uv lock`")
    asked = (options.backends, options.releases, options.family)
    wish = pylock.Wish(*asked, _settings(options, "index-url").index_url, options.force, tuple(options.words))
    return pylock.lock(options.project, os.environ, wish)


def _settings(options: argparse.Namespace, *names: str) -> Settings:
    """The settings of the environment, with those that options give."""
    return read_settings(load_catalog(), _given(options, *names), label="--")


_VERBS = {"info": _info, "plan": _plan, "init": _init, "check": _check, "refresh": _refresh, "env": _env}
_VERBS.update({"group": _group, "sync": _sync, "run": _sync, "lock": _lock})


def main(arguments: Optional[List[str]] = None) -> int:
    """Run one verb; returns the exit status: 0, 1 for what is not right, 2 for a mistake of the user's."""
    own, words = split(sys.argv[1:] if arguments is None else arguments)
    options = parser().parse_args(own)
    options.words = words
    for stream in (sys.stdout, sys.stderr):
        # A device may have a name that the terminal's encoding does not have; that is no reason to say nothing.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _VERBS[options.verb](options)
    except (
        SettingsError,
        MachineError,
        UnknownReleaseError,
        CatalogError,
        NotTomlError,
        NoTomlReaderError,
        NotADirectoryError,
        UserError,
    ) as error:
        print(f"torch-auto: error: {_without_name(str(error))}", file=sys.stderr)
        return USAGE_ERROR
    except BrokenPipeError:
        # The reader of our output has gone (`| head`); nothing is left to say, and Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        print(f"torch-auto: error: {what}", file=sys.stderr)
        return USAGE_ERROR


def _without_name(message: str) -> str:
    prefix = "torch-auto: "
    return message[len(prefix) :] if message.startswith(prefix) else message

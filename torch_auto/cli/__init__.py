"""The ``torch-auto`` command. Results go to stdout, everything else to stderr."""

from __future__ import annotations

import argparse
import io
import os
import sys
from typing import Any, Dict, List, Optional, TextIO

from torch_auto.catalog import CatalogError, UnknownReleaseError
from torch_auto.catalog import load as load_catalog
from torch_auto.cli.arguments import parser
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
    from torch_auto.cli import plan  # noqa: PLC0415

    return plan.run(options.release, _given(options, "backend", "pin", "machine", "index-url"), as_json=options.json)


def _init(options: argparse.Namespace) -> int:
    from torch_auto.cli import init  # noqa: PLC0415

    chosen = _settings(options, "index-url")
    pages = init.pages_here(chosen)
    wish = init.Wish(options.tool, options.pin == "exact", chosen.index_url, options.force, pages)
    return init.run(options.project, os.environ, wish, dry_run=options.dry_run)


def _check(options: argparse.Namespace) -> int:
    from torch_auto.cli import check, situation  # noqa: PLC0415

    where = situation.Where(options.project, os.environ, _given(options, "machine"), options.venv)
    return check.run(where, json_wanted=options.json, colour=wants_colour(sys.stdout, dict(os.environ)))


def _refresh(options: argparse.Namespace) -> int:
    from torch_auto.cli import refresh, situation  # noqa: PLC0415

    where = situation.Where(options.project, os.environ, _given(options, "machine"), options.venv)
    return refresh.run(where, dry_run=options.dry_run)


def _env(options: argparse.Namespace) -> int:
    from torch_auto.cli import env, init  # noqa: PLC0415

    form = options.shell or env.default_form(os.environ, sys.platform)
    return env.run(form, init.pages_here(_settings(options, "index-url")))


def _settings(options: argparse.Namespace, *names: str) -> Settings:
    """The settings of the environment, with those that options give."""
    return read_settings(load_catalog(), _given(options, *names), label="--")


_VERBS = {"info": _info, "plan": _plan, "init": _init, "check": _check, "refresh": _refresh, "env": _env}


def main(arguments: Optional[List[str]] = None) -> int:
    """Run one verb; returns the exit status: 0, 1 for what is not right, 2 for a mistake of the user's."""
    options = parser().parse_args(arguments)
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

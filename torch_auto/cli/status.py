"""``torch-auto`` alone: how things stand in three lines, and the verbs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from torch_auto.cli.terminal import BOLD, CYAN, GREY, Cell, Progress, table, wants_colour, width

if TYPE_CHECKING:
    from torch_auto.cli.options import Verbs
    from torch_auto.machine import Machine


def show(verbs: Verbs) -> int:
    """Print the machine, the project, what to type next, and the verbs; returns the exit status."""
    colour, columns = wants_colour(), width()
    rows = [[Cell(name, GREY), Cell(text, code)] for name, text, code in _rows()]
    print("\n".join(table(rows, columns, colour=colour, indent="")))
    texts = [[Cell(name, BOLD), Cell(text)] for name, text in verbs.texts.items()]
    print("\n".join(["", *table(texts, columns, colour=colour), "", "More of each: torch-auto VERB --help"]))
    return 0


def _rows() -> list[tuple[str, str, str]]:
    from torch_auto import catalog, settings  # noqa: PLC0415  # a command that names a verb needs none of it
    from torch_auto.cli.render.machine import kind  # noqa: PLC0415
    from torch_auto.decide import machine_for  # noqa: PLC0415
    from torch_auto.newest import newest_usable  # noqa: PLC0415

    known = catalog.load()
    try:
        chosen = settings.read(known, {}, label="--")
    except settings.SettingsError as error:
        return [("Settings", str(error).replace("\n", " "), "")]
    with Progress("Looking at this machine"):
        machine = machine_for(chosen)
    project, has_torch_auto = _project()
    newest = newest_usable(machine, chosen, known).with_pages
    if newest is None:
        command, what = "plan", "why no release of torch can be used here"
    elif has_torch_auto:
        command, what = "check", "whether machine, environment and lock agree"
    else:
        command, what = "add", f"installs torch {newest}, the newest that runs here"
    return [
        ("This machine", f"{kind(machine)} ({_system(machine)})", ""),
        ("This project", project, ""),
        ("Next", f"{_typed()} {command} ({what})", CYAN),
    ]


def _system(machine: Machine) -> str:
    from torch_auto.cli.render.machine import SYSTEMS  # noqa: PLC0415

    return f"{SYSTEMS.get(machine.system, machine.system)} {machine.architecture}, Python {machine.python}"


def _project() -> tuple[str, bool]:
    """What the project in this folder has, in words, and whether torch-auto is among it."""
    from torch_auto.cli.errors import UserError  # noqa: PLC0415
    from torch_auto.cli.project import environment as environments  # noqa: PLC0415
    from torch_auto.cli.project.own import below_here  # noqa: PLC0415
    from torch_auto.cli.project.project import find  # noqa: PLC0415
    from torch_auto.cli.project.toml import NotTomlError  # noqa: PLC0415

    try:
        project = find(".")
        there = environments.find(project.root, os.environ)
    except (NotTomlError, OSError) as error:
        return str(error), False
    except UserError:
        return "none in this folder", False
    if not there.exists:
        return f"{os.path.basename(project.root)}, without an environment", False
    found = [environments.installed(there, name) for name in ("torch", "torchvision", "torchaudio")]
    names = ", ".join(str(item) for item in found if item is not None) or "no torch"
    return f"{names}, in {below_here(there.prefix)}", there.distribution("torch-auto") is not None


def _typed() -> str:
    from torch_auto.cli.project.own import typed  # noqa: PLC0415

    return typed(os.environ)

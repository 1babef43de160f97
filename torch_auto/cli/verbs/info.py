"""``torch-auto info``: what is in this machine, and what was looked at to find it."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from torch_auto.cli.options import Verbs


def add(verbs: Verbs) -> None:
    """Its parser."""
    info = verbs.add("info", execute, "show this machine's GPUs and drivers, and where each fact comes from")
    how = info.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print the machine file that --machine takes")
    text = "the same in one line: what many nodes print can be piped into `torch-auto plan --machine -`"
    how.add_argument("--jsonl", action="store_true", help=text)
    info.add_argument(
        "--capture-script", action="store_true", help="print a sh script that collects these files on another machine"
    )
    info.add_argument(
        "--root", metavar="DIR", default="/", help="read files that the script has collected instead of this system's"
    )


def execute(options: argparse.Namespace) -> int:
    """Print the running machine, or the one whose files were captured into a folder, or what captures them.

    Raises:
        NotADirectoryError: ``--root`` is no folder.
    """
    from torch_auto import catalog
    from torch_auto.cli.output import age_today, print_json
    from torch_auto.cli.render.machine import render
    from torch_auto.cli.terminal import Progress, wants_colour
    from torch_auto.detect import detect
    from torch_auto.machine_json import machine_to_json

    if options.capture_script:
        from torch_auto.detect.capture import script

        sys.stdout.write(script())
        return 0
    if not os.path.isdir(options.root):
        raise NotADirectoryError(f"--root: {options.root} is not a folder")
    with Progress("Looking at this machine"):
        machine = detect(options.root)
    if options.jsonl:
        print(json.dumps(machine_to_json(machine)), flush=True)
    elif options.json:
        print_json(machine_to_json(machine))
    else:
        sys.stdout.write(f"{render(machine, colour=wants_colour())}\n{age_today(catalog.load())}\n")
    return 0

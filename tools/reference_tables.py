"""Write the tables of docs/reference/command.md from the command's parser, and the sections of settings.md.

python tools/reference_tables.py          rewrite what stands between the markers
python tools/reference_tables.py --check  exit 1 where it is not what would be written
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from torch_auto import catalog  # noqa: E402
from torch_auto.cli import command_line  # noqa: E402
from torch_auto.settings import AUTO, EXACT, NAMES, PREFER, PUBLIC, Settings  # noqa: E402

if TYPE_CHECKING:
    from torch_auto.cli.options import VerbParser

REFERENCE = ROOT / "docs" / "reference"
COMMAND, SETTINGS = REFERENCE / "command.md", REFERENCE / "settings.md"

#: Groups of options that every parser has; another group's title says when its options count.
_PLAIN = ("positional arguments", "options", "optional arguments")

#: What each setting is for, in sentences.
_MEANS = {
    "backend": (
        "The torch backend.",
        "`auto` looks at the machine.",
        "`pypi` takes PyPI's builds, the same on every machine.",
    ),
    "pin": (
        "How exact the pins are.",
        "`prefer` also accepts PyPI's build where it runs on the same GPUs.",
        "`exact` accepts only the exact build.",
    ),
    "machine": ("Build for the machine in this file, which `torch-auto info --json` printed.",),
    "index-url": ("The base of the PyTorch index, or of a mirror of it.",),
    "groups": (
        "The project's torch groups.",
        "The wheel then requires no torch, and records which group fits this machine.",
    ),
    "group": (
        "The torch group that `torch-auto sync` takes.",
        "Machines with one cache then keep their builds apart.",
    ),
}


def _name(action: argparse.Action) -> str:
    """An argument as it is typed: ``--machine FILE``, ``RELEASE ...``."""
    value = f"{{{','.join(map(str, action.choices))}}}" if action.choices else action.metavar or action.dest.upper()
    if not action.option_strings:
        return f"{value} ..." if action.nargs in ("*", "+") else str(value)
    return ", ".join(action.option_strings) + ("" if action.nargs == 0 else f" {value}")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def options(verb: VerbParser) -> str:
    """What follows a verb, a row each; then what --help says below it: a sentence, and examples."""
    formatter = verb._get_formatter()  # noqa: SLF001  # argparse has no public way to its texts
    lines = ["| argument | what it does |", "| --- | --- |"]
    for group in verb._action_groups:  # noqa: SLF001
        when = "" if group.title in _PLAIN else f"{group.title}: "
        lines += [
            f"| `{_cell(_name(action))}` | {_cell(when + formatter._expand_help(action))} |"  # noqa: SLF001
            for action in group._group_actions  # noqa: SLF001
            if action.dest != "help" and action.help != argparse.SUPPRESS
        ]
    said, _, examples = (verb.epilog or "").partition("examples:\n")
    if said.strip():
        lines += ["", said.strip()]
    if examples:
        lines += ["", "```text", *(line[2:] for line in examples.splitlines()), "```"]
    return "\n".join(lines)


def settings() -> str:
    """A section for each setting: what it is for, its variable, its default, its values."""
    known, default = catalog.load(), Settings()
    torch_backends = ", ".join(f"`{item}`" for item in known.torch_backends)
    values = {
        "backend": (f"`{default.backend}`", f"`{AUTO}`, `{PUBLIC}`, {torch_backends}"),
        "pin": (f"`{default.pin}`", f"`{PREFER}`, `{EXACT}`"),
        "machine": ("this machine", "an absolute path"),
        "index-url": (f"`{default.index_url}`", "an http, https or file URL, without a password"),
        "groups": ("none", "releases with their torch backends, such as `2.13.0+cpu,2.13.0+cu126`"),
        "group": ("none", "one of these groups, such as `torch-cu126`"),
    }
    parts = []
    for name in NAMES:
        variable = "TORCH_AUTO_" + name.upper().replace("-", "_")
        usual, valid = values[name]
        parts += [f"## {name}", "", *_MEANS[name], ""]
        parts += [f"- variable: `{variable}`", f"- default: {usual}", f"- valid: {valid}", ""]
    return "\n".join(parts).rstrip()


def _filled(text: str, name: str, part: str) -> str:
    begin, end = f"<!-- {name}: begin, made by tools/reference_tables.py -->", f"<!-- {name}: end -->"
    before, found, rest = text.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{begin} and {end} do not both stand in the page")
    return f"{before}{begin}\n\n{part}\n\n{end}{after}"


def pages() -> dict[Path, str]:
    """The two pages as they should be.

    Raises:
        ValueError: a marker is not there.
    """
    command = COMMAND.read_text("utf-8")
    for name, verb in command_line()[1].all.items():
        command = _filled(command, name, options(verb))
    return {COMMAND: command, SETTINGS: _filled(SETTINGS.read_text("utf-8"), "settings", settings())}


def main(arguments: list[str] | None = None) -> int:
    """Write the tables, or compare them."""
    code = 0
    for path, text in pages().items():
        if path.read_text("utf-8") == text:
            continue
        if "--check" in (sys.argv[1:] if arguments is None else arguments):
            print(f"{path.name} is not what tools/reference_tables.py writes: run it", file=sys.stderr)
            code = 1
        else:
            path.write_text(text, "utf-8", newline="\n")
    return code


if __name__ == "__main__":
    sys.exit(main())

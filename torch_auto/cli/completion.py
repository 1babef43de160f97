"""Scripts that complete the command in a shell, made of its parsers."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch_auto.cli.options import VerbParser, Verbs

#: Options whose value is a folder, and such whose value is a file.
_FOLDERS, _FILES = {"--project", "--venv", "--root"}, {"--machine", "--script"}

#: bash's own completion, which zsh has too.
_BASH = """\
_torch_auto() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" words=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W {verbs} -- "$current"))
    return
  fi
  case "${{COMP_WORDS[1]}} $before" in
{values}
  esac
  case "${{COMP_WORDS[1]}}" in
{options}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -F _torch_auto torch-auto torch-auto-core
"""


def _options(verb: VerbParser) -> Iterator[argparse.Action]:
    """A verb's options that are shown in its help."""
    return (item for item in verb._actions if item.option_strings and item.help != argparse.SUPPRESS)  # noqa: SLF001


def _choices(verb: VerbParser) -> list[str]:
    """What its words can be, where a list is all that they can be."""
    return [str(word) for item in verb._actions if not item.option_strings for word in item.choices or ()]  # noqa: SLF001


def _bash(verbs: Verbs) -> str:
    values, options = [], []
    for name, verb in verbs.all.items():
        words = [*_choices(verb), *(word for item in _options(verb) for word in item.option_strings)]
        options.append(f"    {name}) words={shlex.quote(' '.join(words))} ;;")
        for item in _options(verb):
            wanted = _value(item)
            if wanted:
                where = "|".join(f'"{name} {word}"' for word in item.option_strings)
                values.append(f'    {where}) COMPREPLY=($(compgen {wanted} -- "$current")); return ;;')
    return _BASH.format(verbs=shlex.quote(" ".join(verbs.all)), values="\n".join(values), options="\n".join(options))


def _value(item: argparse.Action) -> str:
    """What bash completes the value of an option with; "" where there is none, or nothing is known of it."""
    if item.choices:
        return f"-W {shlex.quote(' '.join(map(str, item.choices)))}"
    names = set(item.option_strings)
    return "-d" if names & _FOLDERS else "-f" if names & _FILES else ""


def _zsh(verbs: Verbs) -> str:
    return f"autoload -Uz compinit bashcompinit\ncompinit\nbashcompinit\n{_bash(verbs)}"


def _fish(verbs: Verbs) -> str:
    lines = []
    for command in ("torch-auto", "torch-auto-core"):
        lines.append(f"complete -c {command} -f")
        for name, verb in verbs.all.items():
            lines.append(f"complete -c {command} -n __fish_use_subcommand -a {name} -d {_quoted(verbs.texts[name])}")
            lines += [f"complete -c {command} {line}" for line in _fish_options(name, verb)]
    return "\n".join(lines) + "\n"


def _fish_options(name: str, verb: VerbParser) -> Iterator[str]:
    where = f"-n '__fish_seen_subcommand_from {name}'"
    for word in _choices(verb):
        yield f"{where} -a {word}"
    for item in _options(verb):
        words = " ".join(
            f"-l {word[2:]}" if word.startswith("--") else f"-s {word[1:]}" for word in item.option_strings
        )
        value = "" if item.nargs == 0 else " -r"
        if item.choices:
            value = f" -x -a {_quoted(' '.join(map(str, item.choices)))}"
        elif set(item.option_strings) & (_FOLDERS | _FILES):
            value = " -r -F"
        yield f"{where} {words}{value} -d {_quoted(item.help or '')}"


def _quoted(text: str) -> str:
    """A text as a word of fish's, which knows two escapes in single quotes."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


#: The shells, and what makes the script of each.
SHELLS: dict[str, Callable[[Verbs], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}

"""The command line: the parser of a verb, the options that several verbs share, and whose each word is."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from torch_auto.cli.errors import UserError
from torch_auto.cli.terminal import say_error, width, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import NoReturn

    from torch_auto.settings import Settings

    Execute = Callable[[argparse.Namespace], int]


class Formatter(argparse.RawDescriptionHelpFormatter):
    """Help in the width of the terminal. What an example is for stands below it where there is no room beside it."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=26, width=width())

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(row for line in text.splitlines() for row in _fitting(line, width, indent))


def _fitting(line: str, columns: int, indent: str) -> list[str]:
    if len(indent + line) <= columns:
        return [indent + line]
    command, _, what = line.strip().partition("  ")
    if not line.startswith("  "):
        return wrap(line, columns, indent)
    return [f"{indent}  {command}", *(wrap(what.strip(), columns, f"{indent}      ") if what.strip() else [])]


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in a line, and where the right words are."""

    def error(self, message: str) -> NoReturn:
        """End with the exit status 2."""
        say_error(f"{message}\nAll that it takes: {self.prog} --help")
        raise SystemExit(2)


class VerbParser(Parser):
    """The parser of a verb. ``hands_on``: words not its own go to a tool; ``takes_packages``: packages follow --."""

    hands_on = False
    takes_packages = False

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """End with what is not understood, and what is close to it."""
        word = unknown[0]
        close = closest(word.partition("=")[0], self.own()) if word.startswith("-") else None
        also = f"; did you mean {close}?" if close is not None else ""
        what = "option" if word.startswith("-") else "argument"
        self.error(f"`{self.prog}` does not have the {what} {word}{also}")

    def own(self) -> dict[str, bool]:
        """Its own options, each with whether a value follows."""
        return {name: action.nargs != 0 for action in self._actions for name in action.option_strings}


class Verbs:
    """The verbs of a command, and what each of them is for."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._parsers = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=VerbParser)
        self.texts: dict[str, str] = {}
        self.all: dict[str, VerbParser] = {}

    def add(self, name: str, execute: Execute, text: str, examples: str = "", *, hands_on: bool = False) -> VerbParser:
        """One more verb; its examples stand below its options."""
        capital = text[0].upper() + text[1:] + "."
        made = self._parsers.add_parser(
            name, help=text, description=capital, epilog=examples, formatter_class=Formatter
        )
        made.set_defaults(execute=execute)
        made.hands_on = hands_on
        self.all[name] = made
        self.texts[name] = text
        return made


def closest(word: str, words: Iterable[str]) -> str | None:
    """The one of the words that is most like a word, if any is."""
    import difflib  # noqa: PLC0415  # the right words need none of it

    return next(iter(difflib.get_close_matches(word, list(words), 1, 0.6)), None)


def split(arguments: Sequence[str], verbs: dict[str, VerbParser]) -> tuple[list[str], list[str]]:
    """The words of the command line as (ours, those that a tool gets). Of a verb that takes packages these follow --.

    A tool gets what follows ``--`` and what follows the first word that is no option; and options that are not ours.
    `run` hands ``--`` on too: a command is behind it.
    """
    verb = verbs.get(arguments[0]) if arguments else None
    if verb is not None and verb.takes_packages and "--" in arguments:
        at = arguments.index("--")
        return list(arguments[:at]), list(arguments[at + 1 :])
    if verb is None or not verb.hands_on:
        return list(arguments), []
    takes_value = verb.own()
    name, words = arguments[0], list(arguments[1:])
    own, others = [name], []
    while words and words[0] != "--" and words[0].startswith("-"):
        word = words.pop(0)
        option, equals, _ = word.partition("=")
        if option not in takes_value:
            others.append(word)
            continue
        own.append(word)
        if takes_value[option] and not equals and words:
            own.append(words.pop(0))
    if words and words[0] == "--" and name != "run":
        del words[0]
    return own, [*others, *words]


# --- options -------------------------------------------------------------------------------------------------------


def project(parser: argparse.ArgumentParser) -> None:
    """``--project``."""
    parser.add_argument("--project", metavar="DIR", default=".", help="the project's folder; default: this one")


def machine(parser: argparse.ArgumentParser) -> None:
    """``--machine``, once."""
    parser.add_argument("--machine", metavar="FILE", help="use the machine in this file instead of this one")


def index_url(parser: argparse.ArgumentParser) -> None:
    """``--index-url``."""
    parser.add_argument("--index-url", metavar="URL", help="URL of the PyTorch index, or of a mirror")


class _Joined(argparse.Action):
    """An option whose values, when it is given again, are one list with commas."""

    def __call__(
        self, _: argparse.ArgumentParser, namespace: argparse.Namespace, values: object, __: str | None = None
    ) -> None:
        before = getattr(namespace, self.dest)
        setattr(namespace, self.dest, f"{before},{values}" if before else values)


def extras(parser: argparse.ArgumentParser, text: str) -> None:
    """``--with``."""
    parser.add_argument("--with", dest="family", action=_Joined, metavar="P,Q", help=text)


def environment(parser: argparse.ArgumentParser) -> None:
    """``--machine``, ``--venv`` and ``--project``, of the verbs that look at an environment."""
    machine(parser)
    parser.add_argument("--venv", metavar="DIR", help="the environment to look at; default: the one that has torch")
    project(parser)


def torch_group(parser: argparse.ArgumentParser) -> None:
    """``--backend``, ``--machine`` and ``--project``, of the verbs that take a torch group."""
    parser.add_argument("--backend", metavar="X", help="use the group of this torch backend instead of this machine's")
    machine(parser)
    project(parser)


# --- their values --------------------------------------------------------------------------------------------------


def given(options: argparse.Namespace, *names: str) -> dict[str, Any]:
    """The settings among the options, as config settings have them."""
    found: dict[str, Any] = {}
    for name in names:
        value = getattr(options, name.replace("-", "_"))
        if value is not None:
            found[name] = os.path.abspath(value) if name == "machine" else value
    return found


def named_extras(options: argparse.Namespace) -> tuple[str, ...]:
    """The extras that ``--with`` names.

    Raises:
        UserError: some of them are none; it names them, and what is valid.
    """
    from torch_auto.pins.extras import EXTRAS  # noqa: PLC0415  # --help needs none of it

    names = tuple(dict.fromkeys(item.strip() for item in (options.family or "").split(",") if item.strip()))
    wrong = [name for name in names if name not in EXTRAS]
    if wrong:
        shown = ", ".join(map(repr, wrong))
        raise UserError(f"--with: {shown} is not an extra of torch-auto; valid: {', '.join(EXTRAS)}")
    return names


def settings(options: argparse.Namespace, *names: str) -> Settings:
    """The settings of the environment, with those that options give.

    Raises:
        SettingsError: one of them is wrong.
    """
    from torch_auto.catalog import load  # noqa: PLC0415  # a verb without settings needs neither
    from torch_auto.settings import read  # noqa: PLC0415

    return read(load(), given(options, *names), label="--")

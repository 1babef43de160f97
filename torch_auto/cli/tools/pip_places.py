"""Where pip takes packages from: its variables, its configuration, and the options in requirements files."""

from __future__ import annotations

import argparse
import configparser
import os
import re
import shlex
import sys
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from torch_auto.cli.project.encoding import NotTextError, seen
from torch_auto.cli.project.files import Text, content_of
from torch_auto.cli.tools.places import ASIDE, DEFAULT, INDEX, LINKS, NamedPage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: The options that name a place to look at, in a file, on a line of requirements, and as variables, and their kinds.
KINDS = {"find-links": LINKS, "extra-index-url": INDEX, "index-url": DEFAULT}

#: A variable in a line, as pip reads it (pip.pypa.io/en/stable/reference/requirements-file-format).
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")


class Line(NamedTuple):
    """A line of requirements without its comment, and the options that it has: ("index-url", URL)."""

    text: str
    options: tuple[tuple[str, str], ...] = ()

    @property
    def places(self) -> tuple[tuple[str, str], ...]:
        """Those of its options that name a place."""
        return tuple(option for option in self.options if option[0] in KINDS)


class _Words(argparse.ArgumentParser):
    """The options of a line of requirements; pip takes the beginning of a long one for the whole as well."""

    def __init__(self) -> None:
        super().__init__(add_help=False, allow_abbrev=True)
        for names in (
            ("-i", "--index-url", "--pypi-url"),
            ("--extra-index-url",),
            ("-f", "--find-links"),
            ("-r", "--requirement"),
            ("-c", "--constraint"),
            *((name,) for name in ("--no-binary", "--only-binary", "--trusted-host", "--use-feature")),
        ):
            self.add_argument(*names, action="append")

    def error(self, message: str) -> NoReturn:
        """Argparse would end this process."""
        raise ValueError(message)


_words = lru_cache(maxsize=None)(_Words)


def line_of(text: str, variables: Mapping[str, str]) -> Line:
    """A line of requirements as pip reads it."""
    text = re.split(r"(?:^|\s+)#", text, maxsplit=1)[0].strip()
    if not text.startswith("-"):
        return Line(text)
    try:
        words = shlex.split(_VARIABLE.sub(lambda match: variables.get(match.group(1), match.group()), text))
        found, _ = _words().parse_known_args(words)
    except ValueError:
        return Line(text)  # pip says what is wrong with it
    values = [(name.replace("_", "-"), value) for name, given in vars(found).items() for value in given or ()]
    return Line(text, tuple(values))


def lines_of(path: str, variables: Mapping[str, str]) -> Iterator[Line]:
    """The lines of a requirements file.

    Raises:
        OSError: it cannot be read.
    """
    # Of a file that pip cannot read too, since the project may be another tool's.
    whole = seen(path, content_of(path) or b"")
    for text in re.sub(r"\\\r?\n", "", whole).splitlines():
        yield line_of(text, variables)


def places(requirements: str | None, variables: Mapping[str, str], prefix: str) -> list[NamedPage]:
    """Every place. Of a setting's values pip takes those that count last, and beside them those of requirements files.

    ``requirements`` is a file, ``prefix`` the environment's.

    Raises:
        OSError: the file cannot be read.
    """
    found = []
    listed = in_requirements(requirements, variables)
    parsers = [(path, _configuration(path)) for path in configuration_files(variables, prefix)]
    for option, kind in KINDS.items():
        settings = list(_in_settings(option, parsers, variables))
        aside = [page for pages in settings[:-1] for page in pages]
        taken = [*(settings[-1] if settings else ()), *(page for page in listed if page.spelling == option)]
        if kind == DEFAULT:  # there is one, and that of a file stands in the place of the setting's
            aside, taken = [*aside, *taken[:-1]], taken[-1:]
        found += [*taken, *(replace(page, kind=ASIDE) for page in aside)]
    return found


def _in_settings(
    option: str, parsers: Sequence[tuple[str, configparser.RawConfigParser]], variables: Mapping[str, str]
) -> Iterator[list[NamedPage]]:
    """What each place of pip's settings says of an option, the one that counts last."""
    for section in ("global", "install"):
        for path, parser in parsers:
            value = parser.get(section, option, fallback="") or parser.get(
                section, option.replace("-", "_"), fallback=""
            )
            if value:
                yield [NamedPage(url, path, KINDS[option], option) for url in value.split()]
    name = "PIP_" + option.upper().replace("-", "_")
    if variables.get(name):
        yield [NamedPage(url, name, KINDS[option]) for url in variables[name].split()]


def _configuration(path: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(Text(path).after)
    except (configparser.Error, OSError, NotTextError):
        return configparser.RawConfigParser()  # pip itself says what is wrong with it
    return parser


def configuration_files(variables: Mapping[str, str], prefix: str) -> tuple[str, ...]:
    """The configuration files of pip, the last one counting most (pip.pypa.io/en/stable/topics/configuration)."""
    if variables.get("PIP_CONFIG_FILE") == os.devnull:
        return ()
    home = variables.get("HOME", variables.get("USERPROFILE", ""))
    if sys.platform == "win32":
        found = [os.path.join(variables.get(name, ""), "pip", "pip.ini") for name in ("PROGRAMDATA", "APPDATA")]
        found += [os.path.join(home, "pip", "pip.ini"), os.path.join(prefix, "pip.ini")]
    else:
        config = variables.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
        found = ["/etc/pip.conf", os.path.join(home, ".pip", "pip.conf"), os.path.join(config, "pip", "pip.conf")]
        if sys.platform == "darwin":
            found.insert(2, os.path.join(home, "Library", "Application Support", "pip", "pip.conf"))
        found.append(os.path.join(prefix, "pip.conf"))
    if variables.get("PIP_CONFIG_FILE"):
        found.append(variables["PIP_CONFIG_FILE"])
    return tuple(found)


def in_requirements(path: str | None, variables: Mapping[str, str], seen: tuple[str, ...] = ()) -> list[NamedPage]:
    """The places in a requirements file, if there is one, and in those that it includes.

    Raises:
        OSError: one of them cannot be read.
    """
    found = []
    for option, value in [option for line in lines_of(path, variables) for option in line.options] if path else ():
        included = os.path.join(os.path.dirname(path or ""), value)
        if option in KINDS:
            found.append(NamedPage(value, path or "", KINDS[option], option))
        elif option in ("requirement", "constraint") and included not in (*seen, path) and os.path.isfile(included):
            found += in_requirements(included, variables, (*seen, path or ""))
    return found

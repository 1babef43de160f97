"""The hint in the files of pip: a requirements file, or the configuration of an environment."""

from __future__ import annotations

import configparser
import re
from typing import Tuple

from torch_auto.cli.files import Text
from torch_auto.cli.pages import same_page
from torch_auto.cli.toml_insert import NoPlaceError


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def requirements(text: Text, pages: Tuple[str, ...]) -> None:
    """A line ``--find-links PAGE`` for each page that none names, before the first line that says something."""
    found = re.findall(r"(?m)^[ \t]*(?:-f|--find-links)[ \t=]+([^\s#]+)", text.after)
    newline = _newline(text.after)
    lines = [f"--find-links {page}{newline}" for page in pages if not any(same_page(item, page) for item in found)]
    first = re.search(r"(?m)^[ \t]*[^#\s]", text.after)
    at = first.start() if first is not None else len(text.after)
    before = text.after[:at]
    if before and not before.endswith("\n"):
        before += newline
    if lines:
        text.after = before + "".join(lines) + text.after[at:]


def _read(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise NoPlaceError(f"pip cannot read it: {str(error).splitlines()[0]}") from error
    return parser


def configuration(text: Text, pages: Tuple[str, ...]) -> None:
    """``find-links`` in the section [global].

    Raises:
        NoPlaceError: the file is not one that pip reads, or there is no place in it.
    """
    parser = _read(text.after)
    for page in pages:
        before = parser.get("global", "find-links", fallback="").split()
        if any(same_page(item, page) for item in before):
            continue
        newline = _newline(text.after)
        if not parser.has_section("global"):
            start = text.after if not text.after or text.after.endswith("\n") else text.after + newline
            text.after = f"{start}[global]{newline}find-links = {page}{newline}"
        elif not parser.has_option("global", "find-links"):
            text.after = re.sub(
                r"(?m)^\[global\][^\n]*(?:\n|\Z)",
                lambda match: f"{match.group().rstrip()}{newline}find-links = {page}{newline}",  # noqa: B023  # used at once
                text.after,
                count=1,
            )
        else:
            text.after = re.sub(
                r"(?mi)^(find-links[ \t]*[=:][ \t]*)",
                lambda match: f"{match.group()}{page}{newline}    ",  # noqa: B023  # used at once
                text.after,
                count=1,
            )
        parser = _read(text.after)
        if sorted(parser.get("global", "find-links", fallback="").split()) != sorted([*before, page]):
            raise NoPlaceError("there is no place for find-links in [global]")

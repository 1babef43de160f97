"""What the verbs share for printing."""

from __future__ import annotations

import json
import os
import shlex
import sys
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TextIO

    from torch_auto.catalog import Catalog

#: The version of what --json prints; docs/schemas/ describe it.
FORMAT_VERSION = 2

#: Columns of what is printed. A terminal that is narrower wraps it, and a file reads well.
WIDTH = 100

#: ANSI colours.
GREEN, YELLOW, RED, GREY, BOLD = "32", "33", "31", "90", "1"


def wants_colour(stream: TextIO | None = None, variables: Mapping[str, str] = os.environ) -> bool:
    """Colour on a terminal alone, and not where NO_COLOR is set (no-color.org) or the terminal is dumb."""
    stream = sys.stdout if stream is None else stream
    return stream.isatty() and not variables.get("NO_COLOR") and variables.get("TERM") != "dumb"


def paint(text: str, code: str, *, colour: bool) -> str:
    """Text in an ANSI colour, if that is wanted."""
    return f"\033[{code}m{text}\033[0m" if colour else text


def wrapped(texts: Sequence[str]) -> list[str]:
    """Texts as items of a list."""
    import textwrap  # noqa: PLC0415  # only where something is printed for people

    return [textwrap.fill(text, WIDTH, initial_indent="  - ", subsequent_indent="    ") for text in texts]


def shown(command: Sequence[str]) -> str:
    """A command as it is typed."""
    return " ".join(shlex.quote(word) for word in command)


def confirmed(question: str) -> bool:
    """Whether the user says yes; where nobody answers, it is no."""
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not sys.stdin.isatty():
        print(file=sys.stderr)
    return answer.strip().lower() in ("y", "yes")


def print_json(document: Mapping[str, Any]) -> None:
    """A document for programs."""
    json.dump(document, sys.stdout, indent=2)
    sys.stdout.write("\n")


def age_today(catalog: Catalog) -> str:
    """The catalog's age as a line for people."""
    return catalog_age(catalog, datetime.now(timezone.utc).date())


def catalog_age(catalog: Catalog, today: date) -> str:
    """A line for people: the catalog's newest release, the day that it was last compared, and how long ago that is.

    What was published since then, it does not know.
    """
    year, month, day = map(int, catalog.as_of.split("-"))
    days = (today - date(year, month, day)).days
    ago = "today" if days <= 0 else "yesterday" if days == 1 else f"{days} days ago"
    return f"Builds of torch up to {catalog.newest.version} are known, as of {catalog.as_of} ({ago})."

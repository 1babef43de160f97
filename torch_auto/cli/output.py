"""What the verbs share for printing."""

from __future__ import annotations

import json
import shlex
import sys
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING

from torch_auto.cli.terminal import CYAN, GREEN, GREY, RED, paint, wants_colour, width, wrap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TextIO

    from torch_auto.catalog import Catalog

#: The version of what --json prints; docs/schemas/ describe it.
FORMAT_VERSION = 2


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


def print_lines(lines: Sequence[str], stream: TextIO | None = None) -> None:
    """Lines for people, in colours where the stream shows them: what is added, what goes away, and what is run."""
    stream = sys.stdout if stream is None else stream
    colour, columns = wants_colour(stream), width(stream)
    # A pin of 300 characters is in the file; a terminal shows as much of it as tells it apart.
    shown = [f"{line[: columns - 3]}..." if _is_cut(line, columns, stream) else line for line in lines]
    print("\n".join(paint(line, _code_of(line), colour=colour) for line in shown), file=stream, flush=True)


def _is_cut(line: str, columns: int, stream: TextIO) -> bool:
    return len(line) > columns and line.startswith(("  +", "  -")) and stream.isatty()


def _code_of(line: str) -> str:
    return next((code for start, code in (("  +", GREEN), ("  -", RED), ("$ ", CYAN)) if line.startswith(start)), "")


def print_json(document: Mapping[str, Any]) -> None:
    """A document for programs."""
    json.dump(document, sys.stdout, indent=2)
    sys.stdout.write("\n")


def age_today(catalog: Catalog) -> str:
    """The catalog's age for people, in the width and the colours of stdout."""
    colour = wants_colour()
    text = catalog_age(catalog, datetime.now(timezone.utc).date())
    return "\n".join(paint(line, GREY, colour=colour) for line in wrap(text, width()))


def catalog_age(catalog: Catalog, today: date) -> str:
    """A line for people: the catalog's newest release, the day that it was last compared, and how long ago that is.

    What was published since then, it does not know.
    """
    year, month, day = map(int, catalog.as_of.split("-"))
    days = (today - date(year, month, day)).days
    ago = "today" if days <= 0 else "yesterday" if days == 1 else f"{days} days ago"
    return f"Builds of torch up to {catalog.newest.version} are known, as of {catalog.as_of} ({ago})."

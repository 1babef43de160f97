"""A corpus of pyproject.toml layouts: layouts.txt, and the same with other line ends and without an end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_FILE = Path(__file__).with_name("layouts.txt")


def _read() -> dict[str, str]:
    parts = _FILE.read_text("utf-8").split("=== ")[1:]
    return {name: text for name, _, text in (part.partition("\n") for part in parts)}


def _mixed(text: str) -> str:
    """Every third line ends as Windows' do."""
    lines = text.split("\n")
    return "".join(line + ("\r\n" if number % 3 else "\n") for number, line in enumerate(lines[:-1])) + lines[-1]


#: How a text may be written otherwise.
VARIANTS: dict[str, Callable[[str], str]] = {
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "no line end at the end": lambda text: text.rstrip("\n"),
    "a byte order mark": lambda text: "\ufeff" + text,
    "mixed line ends": _mixed,
    "comments after all": lambda text: text + "# the end\n#",
}

#: As they are.
PLAIN = _read()
#: All of them in every other way.
OTHERWISE = {f"{name}, {variant}": change(text) for name, text in PLAIN.items() for variant, change in VARIANTS.items()}
#: Those of an ordinary run: each layout, and every variant of some.
CORPUS = {**PLAIN, **{name: text for number, (name, text) in enumerate(OTHERWISE.items()) if number % 16 == 0}}

"""What fits a terminal: its width, its colours, tables and lists that wrap, and a line that says what is going on."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import TextIO

    from typing_extensions import Self

    from torch_auto.cli.streams import Stream

#: Columns: the least and the most that a terminal is taken for, and those of a file or a log.
NARROWEST, WIDEST, ELSEWHERE = 40, 120, 100

#: ANSI colours. Grey is bright black, which a dark and a light background both show.
GREEN, YELLOW, RED, CYAN, GREY, BOLD = "32", "33", "31", "36", "90", "1"


def width(stream: TextIO | Stream | None = None, variables: Mapping[str, str] = os.environ) -> int:
    """The columns to print in: COLUMNS, or those of the terminal, or 100 where the stream is none."""
    stream = sys.stdout if stream is None else stream
    named = variables.get("COLUMNS", "")
    if named.isdecimal() and int(named) > 0:
        return min(max(int(named), NARROWEST), WIDEST)
    if not stream.isatty():
        return ELSEWHERE
    try:
        found = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        found = 0
    return min(max(found, NARROWEST), WIDEST) if found > 0 else ELSEWHERE


def wants_colour(stream: TextIO | Stream | None = None, variables: Mapping[str, str] = os.environ) -> bool:
    """Whether to print in colours: on a terminal that shows them, unless variables say otherwise.

    NO_COLOR (no-color.org) comes first, then FORCE_COLOR (force-color.org) and CLICOLOR_FORCE (bixense.com/clicolors),
    then TERM=dumb and CLICOLOR=0.
    """
    stream = sys.stdout if stream is None else stream
    if variables.get("NO_COLOR"):
        return False
    if any(variables.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    if variables.get("TERM") == "dumb" or variables.get("CLICOLOR") == "0" or not stream.isatty():
        return False
    # A console of Windows shows the codes themselves where nothing has switched it over; these are not such ones.
    return os.name != "nt" or any(variables.get(name) for name in ("WT_SESSION", "TERM", "TERM_PROGRAM", "ANSICON"))


def paint(text: str, code: str, *, colour: bool) -> str:
    """Text in an ANSI colour, if that is wanted."""
    return f"\033[{code}m{text}\033[0m" if colour and code and text else text


def times(stream: TextIO | None = None) -> str:
    """The sign between a number and what there is so many of, as far as the stream has it."""
    stream = sys.stdout if stream is None else stream
    try:
        "\u00d7".encode(stream.encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return "x"
    return "\u00d7"


# --- text that wraps -------------------------------------------------------------------------------------------------


def wrap(text: str, columns: int, first: str = "", rest: str | None = None) -> list[str]:
    """Text in lines of so many columns; ``first`` stands before the first, ``rest`` before the others."""
    import textwrap  # noqa: PLC0415  # only where something is printed for people

    after = first if rest is None else rest
    return textwrap.wrap(
        text,
        max(columns, len(after) + 20),
        initial_indent=first,
        subsequent_indent=after,
        break_long_words=False,  # a path or a command is typed again
        break_on_hyphens=False,
    ) or [first.rstrip()]


def listed(texts: Sequence[str], columns: int) -> list[str]:
    """Texts as items of a list."""
    return [line for text in texts for line in wrap(text, columns, "  - ", "    ")]


class Cell:
    """A text in a table, and its colour."""

    def __init__(self, text: str, code: str = "") -> None:
        self.text = text
        self.code = code


def table(rows: Sequence[Sequence[str | Cell]], columns: int, *, colour: bool, indent: str = "  ") -> list[str]:
    """Rows in lines of so many columns. What is too wide wraps in its cell, the widest cells first."""
    cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    widths = [max(len(cell.text) for cell in column) for column in zip(*cells)]
    longest = [max((len(word) for cell in column for word in cell.text.split()), default=0) for column in zip(*cells)]
    while len(indent) + sum(widths) + 2 * (len(widths) - 1) > columns:
        can = [at for at, wide in enumerate(widths) if wide > longest[at]]
        if not can:
            break
        widths[max(can, key=lambda at: widths[at])] -= 1
    return [line for row in cells for line in _row(row, widths, indent, colour=colour)]


def _row(row: Sequence[Cell], widths: Sequence[int], indent: str, *, colour: bool) -> list[str]:
    import textwrap  # noqa: PLC0415

    texts = [
        textwrap.wrap(cell.text, max(wide, 1), break_long_words=False, break_on_hyphens=False) or [""]
        for cell, wide in zip(row, widths)
    ]
    lines = []
    for at in range(max(map(len, texts))):
        parts = [text[at] if at < len(text) else "" for text in texts]
        last = max(number for number, part in enumerate(parts) if part)
        painted = [
            paint(part, cell.code, colour=colour) + (" " * (wide - len(part)) if number < last else "")
            for number, (part, cell, wide) in enumerate(zip(parts, row, widths))
        ]
        lines.append(indent + "  ".join(painted[: last + 1]))
    return lines


def say_error(message: str) -> None:
    """Say on stderr what is wrong, as it is: a command in it that wraps by itself can still be copied."""
    print(f"torch-auto: {paint('error:', RED, colour=wants_colour(sys.stderr))} {message}", file=sys.stderr)


# --- what is going on ------------------------------------------------------------------------------------------------


class Progress:
    """A line on stderr that says what is going on and for how long, gone when it is over; on a terminal alone."""

    def __init__(self, text: str, stream: TextIO | Stream | None = None) -> None:
        self._text = text
        self._stream = sys.stderr if stream is None else stream
        self._control = getattr(self._stream, "control", self._stream.write)
        self._shows = self._stream.isatty() and os.environ.get("TERM") != "dumb"
        self._drawn = False

    def __enter__(self) -> Self:
        if self._shows:
            import threading  # noqa: PLC0415  # only where somebody looks on

            self._over = threading.Event()
            self._thread = threading.Thread(target=self._show, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        if self._shows:
            self._over.set()
            self._thread.join()
            if self._drawn:
                self._control("\r\033[K")
                self._stream.flush()

    def _show(self) -> None:
        start, columns = time.monotonic(), width(self._stream)
        while not self._over.wait(0.25):  # what is over at once needs no line
            seconds = f" ({time.monotonic() - start:.0f} s)"
            text = self._text if len(self._text) + len(seconds) < columns else f"{self._text[: columns - 12]}..."
            self._drawn = True
            self._control("\r")
            self._stream.write(paint(f"{text}{seconds}", GREY, colour=wants_colour(self._stream)))
            self._control("\033[K")
            self._stream.flush()

"""What fits a terminal: width, colours, tables that wrap, and a progress line that only a terminal gets."""

from __future__ import annotations

import io
import os
import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torch_auto.cli.terminal import Cell, Progress, listed, table, times, wants_colour, width, wrap


class Terminal(io.StringIO):
    """A stream that is a terminal, but for its size."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError


@pytest.mark.parametrize(
    ("columns", "expected"),
    [("", 100), ("39", 40), ("40", 40), ("77", 77), ("120", 120), ("500", 120), ("0", 100), ("-1", 100), ("x", 100)],
)
def test_width_is_that_of_columns(columns: str, expected: int) -> None:
    """COLUMNS comes first, within limits; a file is printed in 100 columns."""
    assert width(io.StringIO(), {"COLUMNS": columns}) == expected
    assert width(Terminal(), {}) == 100


@pytest.mark.parametrize(("columns", "expected"), [(0, 100), (30, 40), (66, 66), (200, 120)])
def test_width_is_that_of_the_terminal(columns: int, expected: int) -> None:
    """A real one says how wide it is."""
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    try:
        os.environ.pop("COLUMNS", None)
        with open(slave, "w", encoding="utf-8", closefd=False) as stream:
            set_columns(slave, columns)
            assert width(stream, {}) == expected
    finally:
        os.close(master)
        os.close(slave)


def set_columns(descriptor: int, columns: int) -> None:
    """Tell a terminal how wide it is."""
    import fcntl  # noqa: PLC0415  # not on Windows
    import struct  # noqa: PLC0415
    import termios  # noqa: PLC0415

    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))


@pytest.mark.parametrize(
    ("variables", "terminal", "file"),
    [
        ({}, True, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),  # no-color.org: "when present and not an empty string"
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"CLICOLOR_FORCE": "1"}, True, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False, False),
        ({"TERM": "dumb"}, False, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
        ({"CLICOLOR": "0"}, False, False),
        ({"CLICOLOR": "1"}, True, False),
    ],
)
def test_colour(variables: dict[str, str], terminal: bool, file: bool) -> None:
    """Who wants colours, and who does not."""
    variables = {"TERM": "xterm", **variables}
    assert (wants_colour(Terminal(), variables), wants_colour(io.StringIO(), variables)) == (terminal, file)


def test_the_sign_of_times_is_one_that_the_stream_has() -> None:
    """An x on a console of an old code page."""
    assert times(io.TextIOWrapper(io.BytesIO(), encoding="cp437")) == "x"
    assert times(io.TextIOWrapper(io.BytesIO(), encoding="utf-8")) == "×"


def test_a_table_wraps_in_its_cells() -> None:
    """The widest cells wrap first; a word that is too long stays whole, so that it can be copied."""
    rows: list[list[str | Cell]] = [["2 × NVIDIA A100, driver 550.54.14", Cell("2.13.0", "32"), "a.json and b.json"]]
    assert table(rows, 100, colour=False) == ["  2 × NVIDIA A100, driver 550.54.14  2.13.0  a.json and b.json"]
    assert table(rows, 45, colour=False) == [
        "  2 × NVIDIA A100,  2.13.0  a.json and b.json",
        "  driver 550.54.14",
    ]
    assert table(rows, 40, colour=False) == [
        "  2 × NVIDIA      2.13.0  a.json and",
        "  A100, driver            b.json",
        "  550.54.14",
    ]
    assert table([["one", "https://download.pytorch.org/whl/"]], 20, colour=False, indent="") == [
        "one  https://download.pytorch.org/whl/"
    ]


WORDS = st.lists(st.text(alphabet="abc", min_size=1, max_size=9), max_size=8).map(" ".join)


@given(st.integers(2, 4).flatmap(lambda count: st.lists(st.lists(WORDS, min_size=count, max_size=count), min_size=1)))
def test_a_table_loses_nothing(rows: list[list[str]]) -> None:
    """Every word of every cell is there, no line is too wide where its words are not, and colours add nothing."""
    if not any(any(row) for row in rows):
        return
    rows = [row for row in rows if any(row)]
    lines = table(rows, 60, colour=False)
    assert sorted(" ".join(lines).split()) == sorted(word for row in rows for cell in row for word in cell.split())
    assert max(map(len, lines)) <= 60
    coloured = table([[Cell(cell, "31") for cell in row] for row in rows], 60, colour=True)
    assert [re.sub("\033\\[\\d*m", "", line) for line in coloured] == lines


def test_lists_and_texts_wrap() -> None:
    """Below their first word; a long word stays whole."""
    assert listed(["one two", "three"], 12) == ["  - one two", "  - three"]
    assert wrap("one two three four five six seven eight", 40, "> ") == [
        "> one two three four five six seven",
        "> eight",
    ]
    assert wrap("/a/very/long/path-of-a-file " * 2, 40) == ["/a/very/long/path-of-a-file"] * 2
    assert wrap("", 40) == [""]


def test_progress_is_for_terminals() -> None:
    """A line that goes away again; nothing at all in a file."""
    stream, seen = Terminal(), threading.Event()
    stream.write = lambda text: seen.set() or io.StringIO.write(stream, text)  # type: ignore[func-returns-value,method-assign]
    with Progress("uv lock", stream):
        assert seen.wait(60)
    assert "uv lock (" in stream.getvalue()
    assert stream.getvalue().endswith("\r\033[K")
    file = io.StringIO()
    with Progress("uv lock", file):
        pass
    assert file.getvalue() == ""

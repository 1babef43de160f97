"""What is written to a terminal, and what may become of it: one place, around the whole command.

Names of GPUs, of files and of settings come from other people, and a terminal obeys what it is sent. A reader may go, a
disk may be full, and a stream may never have been there: what a command does is not cut short by what it has to say.
"""

from __future__ import annotations

import io
import os
import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Callable, TextIO

#: As a shell says that Ctrl-C ended something.
INTERRUPTED = 130
#: The output could not be written.
UNWRITTEN = 2

#: Characters of a line of an error that are shown, and lines of one.
_LONGEST_LINE, _MOST_LINES = 2000, 100

#: Colours and bold pass, since no text can hide behind them. Of the rest, whatever a terminal obeys is spelled out:
#: control characters, and those that change the direction of text (Unicode's UAX 9).
_COLOUR = r"(?:0|1|2|3|4|2[2-4]|3[1-79]|9[0-7])?"
_OBEYED = re.compile(
    rf"(\x1b\[{_COLOUR}(?:;{_COLOUR})*m)|(\r\n)"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)


def harmless(text: str) -> str:
    """A text that a terminal shows and does not obey: the code of ESC is spelled out, and so on."""
    return _OBEYED.sub(_spelled, text)


def _spelled(found: re.Match[str]) -> str:
    if found.group(1):
        return found.group(1)
    if found.group(2):  # a tool's line end on Windows; the stream writes its own
        return "\n"
    number = ord(found.group())
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"  # noqa: PLR2004


def shortened(message: str) -> str:
    """An error of bounded length: what it repeats may be a file, or a variable of 100 kB."""
    lines = [
        line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}... ({len(line)} characters)"
        for line in message.split("\n")
    ]
    if len(lines) > _MOST_LINES:
        lines[_MOST_LINES:] = [f"... and {len(lines) - _MOST_LINES} more lines"]
    return "\n".join(lines)


class Stream:
    """A text stream that a terminal can be behind, and that never raises.

    ``lost`` is why what was written did not get anywhere. A reader that has gone (``| head``) has seen what it wanted.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost: OSError | None = None
        if isinstance(stream, io.TextIOWrapper):
            # A device may have a name that the terminal's encoding does not have; that is no reason to say nothing.
            stream.reconfigure(errors="backslashreplace")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text, made harmless; returns its length."""
        return self.control(harmless(text), len(text))

    def control(self, text: str, length: int = 0) -> int:
        """Write a text that a terminal obeys: only ours, which names nothing that comes from elsewhere."""
        try:
            self._stream.write(text)
        except OSError as error:
            self._give_up(error)
        return length

    def flush(self) -> None:
        """Write what is held back."""
        try:
            self._stream.flush()
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        if not isinstance(error, BrokenPipeError):
            self.lost = self.lost or error
        try:  # what is held back goes nowhere, and Python does not complain of it at exit
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
        except (OSError, ValueError):  # it is no file
            pass


def within(command: Callable[[], int]) -> int:
    """Call a command with streams of the kind above; returns its exit status.

    Ctrl-C ends it without a word, and output that could not be written is an error of its own.
    """
    _open_what_is_closed()
    before = sys.stdout, sys.stderr
    out, error = Stream(sys.stdout), Stream(sys.stderr)
    sys.stdout, sys.stderr = out, error
    try:
        code = command()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except SystemExit:  # argparse's, after --help or a wrong word
        out.flush()
        if out.lost is None:
            raise
        code = UNWRITTEN
    finally:
        out.flush()
        if out.lost is not None:
            error.write(f"torch-auto: error: the output could not be written: {out.lost.strerror}\n")
        error.flush()
        sys.stdout, sys.stderr = before
    return code if out.lost is None else UNWRITTEN


def _open_what_is_closed() -> None:
    """Have streams that were closed (``>&-``) lead nowhere: Python has None for them.

    Otherwise the next file that is opened gets the number of one, and what a tool says is written into it.
    """
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:  # a lower one is closed in a way of its own
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)  # noqa: FBT003  # it has no name
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115  # it stays open

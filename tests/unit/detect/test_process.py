"""A child process gets a deadline and a bound, and cannot keep us."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from torch_auto.detect.process import MOST_OUTPUT, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the scripts are for a POSIX shell")


def _script(folder: Path, text: str) -> str:
    path = folder / "tool"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def _run(folder: Path, text: str, deadline: float = 20.0) -> tuple[str, int | None, float]:
    started = time.monotonic()
    output = run([_script(folder, text)], dict(os.environ), deadline)
    return output.text, output.exit_code, time.monotonic() - started


def test_what_a_child_says_and_how_it_ends_is_told(tmp_path: Path) -> None:
    """Standard output and the exit code come back; standard error goes nowhere."""
    text, code, _ = _run(tmp_path, "echo out; echo err >&2; exit 9")
    assert (text, code) == ("out\n", 9)


def test_a_child_that_hangs_is_killed_and_what_it_said_is_kept(tmp_path: Path) -> None:
    """A child past its deadline has no exit code; the lines before it count."""
    text, code, seconds = _run(tmp_path, "echo first; exec sleep 60", deadline=0.5)
    assert (text, code) == ("first\n", None)
    assert seconds < 10


def test_a_grandchild_that_keeps_the_pipe_open_does_not_keep_us(tmp_path: Path) -> None:
    """A child that ended, and left somebody who holds its output, is waited for until the deadline and no longer."""
    text, code, seconds = _run(tmp_path, "echo first; sleep 8 & exit 0", deadline=0.5)
    assert (text, code) == ("first\n", 0)
    assert seconds < 5


def test_a_child_that_writes_without_end_is_cut(tmp_path: Path) -> None:
    """No more than the bound is kept, and the child ends by its broken pipe, long before its deadline."""
    text, _, seconds = _run(tmp_path, "exec yes 550.54.14")
    assert len(text) == MOST_OUTPUT
    assert seconds < 15


def test_whoever_is_ended_takes_the_child_along(tmp_path: Path) -> None:
    """SIGTERM as an exception, while a child is waited for, ends the child too."""
    held = tmp_path / "held"
    os.mkfifo(held)
    code = (
        "import signal, sys; from torch_auto.detect.process import run\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); run(sys.argv[1:], {'PATH': '/usr/bin:/bin'}, 30)"
    )
    script = _script(tmp_path, f"exec 3>'{held}'; echo here >&3; exec sleep 30")
    reader = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    with subprocess.Popen([sys.executable, "-c", code, script]) as waiting:
        try:
            assert select.select([reader], [], [], 20)[0]
            assert os.read(reader, 100) == b"here\n"
            waiting.terminate()
            assert waiting.wait(20) == 7
            assert select.select([reader], [], [], 15)[0]
            assert os.read(reader, 100) == b""  # the end: whoever held the other side is gone
        finally:
            waiting.kill()
            os.close(reader)


def test_a_child_cannot_read_from_us(tmp_path: Path) -> None:
    """Standard input is empty: nothing waits for a person."""
    assert _run(tmp_path, "read line || echo nothing")[:2] == ("nothing\n", 0)


@pytest.mark.parametrize(
    "command", [["/nonexistent/nvidia-smi"], [os.devnull], [sys.executable + "\0"]], ids=["absent", "no program", "NUL"]
)
def test_a_command_that_cannot_be_started_is_an_error_of_a_known_type(command: list[str]) -> None:
    """OSError or ValueError, nothing else."""
    with pytest.raises((OSError, ValueError)):
        run(command, {}, 1.0)

"""Processes by a mark in their environment, which what they start inherits, whatever group or session it is in."""

from __future__ import annotations

import os
import time
from pathlib import Path

#: The variable that marks a process and all that it starts.
NAME = "TORCH_AUTO_TESTS_MARK"


def running(mark: str) -> list[str]:
    """The command lines of the processes that run with a mark (Linux). A zombie runs no more."""
    wanted = f"{NAME}={mark}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except OSError:  # it has ended, or is another user's
            continue
    return found


def left_after(mark: str, seconds: float) -> list[str]:
    """The same, once there are none, or after so many seconds."""
    until = time.monotonic() + seconds
    while (found := running(mark)) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def wait_for(mark: str, part: str, seconds: float = 30.0) -> None:
    """Wait until a process with a mark runs whose command line has a part.

    Raises:
        TimeoutError: none did.
    """
    until = time.monotonic() + seconds
    while not any(part in line for line in running(mark)):
        if time.monotonic() > until:
            raise TimeoutError(f"no process with {part!r}: {running(mark)}")
        time.sleep(0.01)

"""One child process with a deadline and a bound on what it may say; it can be abandoned, never waited for."""

from __future__ import annotations

import os
import subprocess
import threading
import time

from torch_auto.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import IO

#: Bytes of a child's output that are kept. A machine with 16 GPUs says about 2,000.
MOST_OUTPUT = 65536
#: Seconds that a killed child has to go. One in an uninterruptible call into a driver never does.
_GRACE = 0.2


class Output(Frozen):
    """What a child said on its standard output; ``exit_code`` is None where it had to be killed."""

    text: str
    exit_code: int | None


def _drain(stream: IO[bytes], chunks: list[bytes]) -> None:
    """Read until the end or the bound, then close: a child that goes on writing gets a broken pipe."""
    left = MOST_OUTPUT
    try:
        while left > 0:
            chunk = os.read(stream.fileno(), left)
            if not chunk:
                break
            chunks.append(chunk)
            left -= len(chunk)
    except (OSError, ValueError):
        pass
    finally:
        stream.close()


def run(command: Sequence[str], env: Mapping[str, str], deadline: float) -> Output:
    """Run ``command``, an absolute path and its arguments, for at most ``deadline`` seconds.

    Standard input and standard error are the null device. What was said before the deadline is kept.

    Raises:
        OSError: the command cannot be started.
        ValueError: it, or the environment, holds a character that no command can.
    """
    until = time.monotonic() + deadline
    child = subprocess.Popen(  # noqa: S603  # absolute path, no shell, arguments of our own
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(env),
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    chunks: list[bytes] = []
    assert child.stdout is not None  # noqa: S101  # it was asked for above
    # A thread, since Windows has no other way to stop reading a pipe; a daemon, so that a hang ends with us.
    reader = threading.Thread(target=_drain, args=(child.stdout, chunks), daemon=True)
    exit_code: int | None = None
    try:
        reader.start()
        reader.join(max(0.0, until - time.monotonic()))
        exit_code = child.wait(max(0.0, until - time.monotonic()))
    except BaseException as error:
        child.kill()
        if not isinstance(error, subprocess.TimeoutExpired):  # Ctrl-C, or SIGTERM in a build
            raise
        try:
            child.wait(_GRACE)
        except subprocess.TimeoutExpired:
            # In the kernel's hands. Marked as gone, or Popen would look after it, and warn, at the end.
            child.returncode = -9
        reader.join(_GRACE)
    return Output(b"".join(chunks).decode("utf-8", "replace"), exit_code)

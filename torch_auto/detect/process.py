"""One child process with a deadline and a bound on what it may say; it can be abandoned, never waited for.

It is child.py in an interpreter, which ends with this process, however that ends. It stands in a folder of its own, and
no library is looked for where a user happens to stand.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress

from torch_auto.detect.libraries import absolute_parts
from torch_auto.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import IO

#: Bytes of a child's output that are kept. A machine with 16 GPUs says about 2,000.
MOST_OUTPUT = 65536
#: Seconds that a killed child has to go. One in an uninterruptible call into a driver never does.
_GRACE = 0.2

_CHILD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "child.py")


class Output(Frozen):
    """What a child said on its standard output; ``exit_code`` is None where it had to be killed."""

    text: str
    exit_code: int | None


def _drain(stream: IO[bytes], chunks: list[bytes]) -> None:
    """Read until the end or the bound, then close: a child that goes on writing gets a broken pipe."""
    left = MOST_OUTPUT
    try:
        while left:
            chunk = os.read(stream.fileno(), left)
            if not chunk:
                break
            chunks.append(chunk)
            left -= len(chunk)
    except (OSError, ValueError):
        pass
    finally:
        stream.close()


def run(interpreter: str, arguments: Sequence[str], env: Mapping[str, str], deadline: float) -> Output:
    """Run child.py with these arguments in an interpreter, for at most ``deadline`` seconds.

    What was said before the deadline is kept. Nothing that the child has started is left behind, but what left its
    process group (POSIX).

    Raises:
        OSError: the interpreter cannot be started.
        ValueError: its path is not absolute, or the environment or an argument holds a character that no command can.
    """
    if not os.path.isabs(interpreter):
        raise ValueError("its path is not absolute")
    until = time.monotonic() + deadline
    child = subprocess.Popen(  # noqa: S603  # absolute path, no shell, arguments of our own
        # Isolated: no variable of Python's, no site-packages, nothing beside the script is imported.
        [interpreter, "-I", "-S", "-B", _CHILD, *arguments],
        # Nothing is ever written to it. Its end is what the child waits for, and it comes with ours.
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=os.path.dirname(interpreter),
        env=_environment(env),
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
    chunks: list[bytes] = []
    exit_code: int | None = None
    try:
        assert child.stdout is not None  # noqa: S101  # it was asked for above
        # A thread, since Windows has no other way to stop reading a pipe; a daemon, so that a hang ends with us.
        reader = threading.Thread(target=_drain, args=(child.stdout, chunks), daemon=True)
        reader.start()
        reader.join(max(0.0, until - time.monotonic()))
        exit_code = child.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        pass
    finally:  # also at Ctrl-C, or SIGTERM in a build
        _end(child)
    if exit_code is None:
        try:
            child.wait(_GRACE)
        except subprocess.TimeoutExpired:
            # In the kernel's hands. Marked as gone, or Popen would look after it, and warn, at the end.
            child.returncode = -9
        reader.join(_GRACE)
    return Output(b"".join(chunks).decode("utf-8", "replace"), exit_code)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a child and what it has started. Windows has no process groups: there the child ends what it has started."""
    assert child.stdin is not None  # noqa: S101  # it was asked for
    child.stdin.close()
    if os.name == "posix":
        with suppress(OSError):  # nobody is left, or only what may not be killed
            os.killpg(child.pid, signal.SIGKILL)
    else:
        try:
            child.wait(_GRACE)
        except subprocess.TimeoutExpired:
            child.kill()


def _environment(env: Mapping[str, str]) -> dict[str, str]:
    """The environment, but for parts of LD_LIBRARY_PATH that mean the folder that somebody stands in."""
    child = dict(env)
    parts = absolute_parts(child.pop("LD_LIBRARY_PATH", ""))
    return {**child, "LD_LIBRARY_PATH": ":".join(parts)} if parts else child

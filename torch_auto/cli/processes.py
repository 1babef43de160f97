"""The user's own tools: found by their full path, and started without a shell. All other modules start them here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from torch_auto.cli.errors import UserError
from torch_auto.cli.output import shown
from torch_auto.cli.programs import program
from torch_auto.cli.signals import held
from torch_auto.cli.terminal import say_error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    Command = tuple[str, ...]


#: Windows has one way to end a program.
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)

#: Seconds that a program has to end when it is asked to.
_MOMENT = 5.0


class Step(NamedTuple):
    """A command. ``may_fail``: it ends with an error where there is nothing to do, and the next one is right."""

    command: Command
    may_fail: bool = False


def required(name: str, variables: Mapping[str, str]) -> str:
    """The absolute path of a program that there is no way without.

    Raises:
        UserError: it is not there.
    """
    found = program(name, variables)
    if found is None:
        raise UserError(f"{name} is not in PATH")
    return found


def answer(command: Sequence[str], variables: Mapping[str, str] | None = None) -> str:
    """What a program says of itself on stdout within 20 seconds; nothing where it does not start or fails."""
    env = dict(variables) if variables is not None else None
    try:
        done = subprocess.run(  # noqa: S603  # the user's own tool, by its full path
            _as_started(command),
            env=env,
            cwd=os.path.dirname(command[0]),  # a question is about no project
            capture_output=True,
            text=True,
            errors="replace",
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def output(command: Sequence[str], folder: str, variables: Mapping[str, str]) -> str:
    """What a tool writes to stdout; what it says on stderr is shown where it fails.

    Raises:
        UserError: it fails.
    """
    with _started(command, variables, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        out, err = child.communicate()
    if child.returncode != 0:
        sys.stderr.write(err.decode("utf-8", "replace"))
        raise UserError(f"this failed: {' '.join(command)}. Nothing was written")
    return str(out, "utf-8")


def run_step(step: Step, folder: str, variables: Mapping[str, str]) -> int:
    """Run a command in a folder; its exit status, 0 where it may fail, 1 where it does not start."""
    path = program(step.command[0], variables)
    if path is None:
        say_error(f"{step.command[0]} is not in PATH; run it yourself: {shown(step.command)}")
        return 1
    sys.stderr.flush()
    try:
        with _started([path, *step.command[1:]], variables, cwd=folder) as child:
            status = child.wait()
    except OSError as error:
        say_error(f"{path} does not start: {error.strerror}")
        return 1
    return 0 if step.may_fail else status


def hand_over(command: Sequence[str], variables: Mapping[str, str]) -> int:
    """Become a program, so that its signals and its exit status are this command's; Windows cannot, and waits for it.

    Raises:
        OSError: it does not start.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        os.execve(command[0], _as_started(command), dict(variables))  # noqa: S606  # the user's own tool, by its full path
    return wait_for(command, variables)


def wait_for(command: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run a program that has this command's terminal; its exit status, and 128 more than a signal that ended it.

    Raises:
        OSError: it does not start.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    with _started(command, variables) as child:
        while True:
            try:
                status = child.wait()
            except KeyboardInterrupt:  # the child hears of it as well, and what it does is its own affair
                if _is_apart(child):
                    _tell(child, signal.SIGINT)
                continue
            return status if status >= 0 else 128 - status


#: What ``python -m`` does, but that Python does not look for modules in the current folder first.
_RUN_MODULE = (
    "import sys; sys.path[:] = [path for path in sys.path if path]; name = sys.argv.pop(1); import runpy; "
    "runpy.run_module(name, run_name='__main__', alter_sys=True)"
)


def _as_started(command: Sequence[str]) -> list[str]:
    """The words that a command is started with: a pip.py in somebody's project is not the module that ``-m pip`` means.

    Python's own switch for it, -P, came with 3.11.
    """
    python, *words = command
    return [python, "-c", _RUN_MODULE, *words[1:]] if words[:1] == ["-m"] else [python, *words]


# --- how they end --------------------------------------------------------------------------------------------------


@contextmanager
def _started(command: Sequence[str], variables: Mapping[str, str], **how: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A program that ends where this command ends before it, and what it has started with it.

    Without a terminal it is in a group of its own, which can be told as a whole. On a terminal it is in the
    foreground as this command is: it may ask for a password there, and Ctrl-C reaches it.

    Raises:
        OSError: it does not start.
    """
    child = None
    apart = os.name == "posix" and not _has_terminal()
    try:
        with held():
            argv = _as_started(command)
            child = subprocess.Popen(argv, env=dict(variables), start_new_session=apart, **how)  # noqa: S603
        yield child
    except BaseException as error:
        if child is not None:
            _end(child, heard=isinstance(error, KeyboardInterrupt) and not apart)
        raise
    finally:
        if child is not None:
            with child:  # its pipes are closed
                pass


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | getattr(os, "O_NOCTTY", 0)))
    except OSError:
        return False
    return True


def _is_apart(child: subprocess.Popen[bytes]) -> bool:
    """Whether a program has a group of its own."""
    with suppress(OSError):  # it has ended
        return os.name == "posix" and os.getpgid(child.pid) == child.pid
    return False


def _tell(child: subprocess.Popen[bytes], number: int) -> None:
    """Send a signal to a program, and to what it has started where it has a group of its own."""
    with suppress(OSError):  # it has ended
        if _is_apart(child):
            os.killpg(child.pid, number)
        else:
            child.send_signal(number)


def _end(child: subprocess.Popen[bytes], *, heard: bool) -> None:
    """Have a program end: it is asked to, unless it has heard of that already, and has a moment for it."""
    for number in (None, signal.SIGTERM, _KILL) if heard else (signal.SIGTERM, _KILL):
        if number is not None:
            _tell(child, number)
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            child.wait(_MOMENT)
            return

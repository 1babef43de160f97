"""A child process gets a deadline and a bound, and cannot keep us."""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from support import processes

from torch_auto.detect import child
from torch_auto.detect.process import run

if TYPE_CHECKING:
    from pathlib import Path

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are looked for in /proc")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="the scripts are for a POSIX shell")


def _script(folder: Path, text: str) -> str:
    path = folder / "tool"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def _run(folder: Path, text: str, deadline: float = 20.0) -> tuple[str, int | None, float]:
    started = time.monotonic()
    output = run(sys.executable, ["run", _script(folder, text)], dict(os.environ), deadline)
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
    assert len(text) == 65536
    assert seconds < 15


def test_whoever_is_ended_takes_the_child_along(tmp_path: Path) -> None:
    """SIGTERM as an exception, while a child is waited for, ends the child too."""
    held = tmp_path / "held"
    os.mkfifo(held)
    code = (
        "import signal, sys; from torch_auto.detect.process import run\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "run(sys.executable, ['run', *sys.argv[1:]], {'PATH': '/usr/bin:/bin'}, 30)"
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
    "interpreter",
    ["/nonexistent/python", os.devnull, sys.executable + "\0"],
    ids=["absent", "no program", "NUL"],
)
def test_an_interpreter_that_cannot_be_started_is_an_error_of_a_known_type(interpreter: str) -> None:
    """OSError or ValueError, nothing else."""
    with pytest.raises((OSError, ValueError)):
        run(interpreter, ["run", "/bin/true"], {}, 1.0)


def test_no_interpreter_is_looked_for_where_somebody_stands() -> None:
    """A relative path is refused, also where it leads to an interpreter."""
    with pytest.raises(ValueError, match="not absolute"):
        run(os.path.relpath(sys.executable), ["run", "/bin/true"], {}, 1.0)


@pytest.mark.parametrize("program", ["/nonexistent/nvidia-smi", os.devnull], ids=["absent", "no program"])
def test_a_program_that_cannot_be_started_ends_as_a_shell_says_it(program: str) -> None:
    """The exit code 126, and the system's reason as what it said."""
    output = run(sys.executable, ["run", program], {}, 20.0)
    assert output.exit_code == 126
    assert output.text in ("No such file or directory", "Permission denied")


def test_a_child_stands_in_a_folder_of_its_own_and_finds_no_library_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not stand where its parent stands, and LD_LIBRARY_PATH has no part left that means a current folder."""
    monkeypatch.chdir(tmp_path)
    env = {**os.environ, "LD_LIBRARY_PATH": ":.;lib:/usr/lib;/opt/x:"}
    output = run(sys.executable, ["run", _script(tmp_path, 'pwd -P; echo "$LD_LIBRARY_PATH"')], env, 20.0)
    assert output.text == f"{os.path.realpath(os.path.dirname(sys.executable))}\n/usr/lib:/opt/x\n"
    output = run(sys.executable, ["run", _script(tmp_path, "env")], {"LD_LIBRARY_PATH": ":", "A": "b"}, 20.0)
    assert "A=b" in output.text
    assert "LD_LIBRARY_PATH" not in output.text


# --- who outlives whom -----------------------------------------------------------------------------------------------

#: What runs in the background of a shell, or by nohup, ignores some signals, and so would its children.
PARENT = (
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "signal.signal(signal.SIGHUP, signal.SIG_DFL); "
    "from torch_auto.detect.process import run; run(sys.executable, sys.argv[1:], os.environ, 300)"
)


@linux
def test_what_a_hung_wrapper_has_started_goes_with_it(tmp_path: Path) -> None:
    """A shell script that waits for a program of its own, and ignores SIGTERM: neither is left."""
    mark = str(tmp_path)
    env = {**os.environ, processes.NAME: mark}
    script = _script(tmp_path, "trap '' TERM HUP INT\nsleep 300 & sleep 300")
    assert run(sys.executable, ["run", script], env, 1.0).exit_code is None
    assert processes.left_after(mark, 5) == []


@linux
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=str)
def test_a_child_ends_with_its_parent_however_that_ends(tmp_path: Path, number: signal.Signals) -> None:
    """A parent that is killed says nothing to anybody; what it has started, and that started, ends all the same."""
    mark = str(tmp_path)
    script = _script(tmp_path, "trap '' TERM HUP INT\nsleep 300 & sleep 301")
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, "run", script],
        env={**os.environ, processes.NAME: mark},
        stderr=subprocess.DEVNULL,
    ) as parent:
        try:
            processes.wait_for(mark, "sleep 300")
            parent.send_signal(number)
            assert parent.wait(20) != 0
        finally:
            parent.kill()
    assert processes.left_after(mark, 10) == []


@linux
def test_a_library_that_never_lets_go_of_python_ends_by_the_clock(tmp_path: Path) -> None:
    """It keeps Python's lock, so nothing of ours runs beside it: the system ends it, two seconds past its deadline."""
    mark = str(tmp_path)
    (tmp_path / "pynvml.py").write_text("import ctypes\nctypes.PyDLL(None).sleep(300)\n", "utf-8")
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, "nvml", "0.5", str(tmp_path)], env={**os.environ, processes.NAME: mark}
    ) as parent:
        try:
            processes.wait_for(mark, "child.py")
        finally:
            parent.kill()
    assert processes.left_after(mark, 20) == []


@linux
def test_a_child_that_is_started_by_hand_ends_nobody_else() -> None:
    """In a shell's own process group it ends itself and its program, and the shell goes on."""
    words = '"$0" -I -S -B "$1" run "$2" 300 </dev/null; echo "the shell goes on"'
    sleep = shutil.which("sleep")
    assert sleep is not None
    command = ["sh", "-c", words, sys.executable, child.__file__, sleep]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, start_new_session=True, check=False, timeout=60)
    assert done.stdout == "the shell goes on\n"

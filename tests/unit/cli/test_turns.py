"""Two commands at once, and one that is ended in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from torch_auto.cli import main, signals
from torch_auto.cli.project.files import replace
from torch_auto.cli.project.toml import parse
from torch_auto.cli.project.turns import alone

if sys.platform != "win32":
    import fcntl
    import termios

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[3]
PROJECT = '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = ["numpy"]\n'

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="processes that fork, and signals"),
    pytest.mark.usefixtures("no_gpu_no_uv"),
]


# --- two at once --------------------------------------------------------------------------------------------------

#: Each writes into the same file, and none what another one writes.
DIFFERENT = (
    ["init", "--for", "uv"],
    ["init", "--for", "pdm"],
    ["init", "--for", "poetry"],
    ["init", "--portable", "--for", "uv", "--backends", "cu126", "--releases", "2.9.1"],
)


def content(path: Path) -> Any:
    """What a file says, in whatever order it was written."""

    def ordered(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: ordered(value[key]) for key in sorted(value)}
        return sorted(map(ordered, value), key=json.dumps) if isinstance(value, list) else value

    return ordered(parse(path.read_text("utf-8")))


def test_no_update_is_lost(tmp_path: Path) -> None:
    """Four different commands at once, in ten rounds: the file has what all of them write, each time."""
    path = tmp_path / "pyproject.toml"
    path.write_text(PROJECT, "utf-8")
    for words in DIFFERENT:
        assert main([*words, "--project", str(tmp_path)]) == 0
    wanted = content(path)
    for turn in range(10):
        path.write_text(PROJECT, "utf-8")
        read, write = os.pipe()  # a gate that opens for all at once
        children = []
        for words in DIFFERENT[turn % 4 :] + DIFFERENT[: turn % 4]:
            child = os.fork()
            if child == 0:
                os.close(write)
                os.read(read, 1)
                with open(os.devnull, "w", encoding="utf-8") as nothing:
                    sys.stdout = sys.stderr = nothing
                    os._exit(main([*words, "--project", str(tmp_path)]))
            children.append(child)
        os.close(write)
        os.close(read)
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * len(DIFFERENT)
        assert content(path) == wanted, turn
        assert os.listdir(tmp_path) == [path.name]


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that has the folder for itself."""
    code = (
        "import sys, time; from torch_auto.cli.project.turns import alone\n"
        "with alone(sys.argv[1]): print(flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_who_waits_says_so(tmp_path: Path, holder: subprocess.Popen[bytes]) -> None:
    """After a moment; and who is killed has let go."""
    (tmp_path / "pyproject.toml").write_text(PROJECT, "utf-8")
    command = [sys.executable, "-m", "torch_auto", "init", "--for", "uv", "--project", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as waiting:
        assert waiting.stderr is not None
        said = waiting.stderr.readline().decode()
        assert said == f"torch-auto: waiting for another torch-auto that is at work on {tmp_path}\n"
        assert (tmp_path / "pyproject.toml").read_text("utf-8") == PROJECT
        holder.kill()
        assert waiting.wait(60) == 0
    assert "pytorch-torch" in (tmp_path / "pyproject.toml").read_text("utf-8")


def test_what_only_reads_does_not_wait(tmp_path: Path, holder: subprocess.Popen[bytes]) -> None:
    """A dry run too takes its turn; `plan` and `check` do not."""
    assert holder.poll() is None
    assert main(["check", "--project", str(tmp_path)]) in (0, 1)


def test_it_is_not_waited_for_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever holds a folder for good, that is said, and nothing is written."""
    monkeypatch.setattr("torch_auto.cli.project.turns._LONGEST", 0.1)
    (tmp_path / "pyproject.toml").write_text(PROJECT, "utf-8")
    with alone(str(tmp_path)):
        assert main(["init", "--for", "uv", "--project", str(tmp_path)]) == 2
    assert (tmp_path / "pyproject.toml").read_text("utf-8") == PROJECT


# --- ended in the middle ------------------------------------------------------------------------------------------

#: A uv that has begun: it has written the project's files, has a child of its own, and takes its time.
UV = """\
#!{python}
import os, subprocess, sys, time
if sys.argv[1] == "--version":
    print("uv 0.13.9")
if sys.argv[1] == "init":
    with open("pyproject.toml", "w") as file:
        file.write("[project]\\nname = 'made'\\nversion = '1'\\ndependencies = []\\n")
if sys.argv[1] != "add":
    sys.exit(0)
with open("pyproject.toml", "a") as file:
    file.write("# uv was here\\n")
with open("uv.lock", "w") as file:
    file.write("version = 1\\n")
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open("{begun}.part", "w") as file:
    file.write(f"{{os.getpid()}} {{child.pid}}")
os.rename("{begun}.part", "{begun}")
time.sleep(600)
"""


@pytest.fixture
def add(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[bytes], list[int]]]]:
    """``add(*words, before=[...])``: an ``add`` whose uv is in the middle; it, and the processes of that uv."""
    tools, begun = tmp_path / "tools", tmp_path / "begun"
    tools.mkdir()
    (tools / "uv").write_text(UV.format(python=sys.executable, begun=begun), "utf-8")
    (tools / "uv").chmod(0o755)
    project = tmp_path / "project"
    project.mkdir()
    running: list[subprocess.Popen[bytes]] = []

    def start(
        *words: str, before: list[str] | None = None, terminal: int | None = None
    ) -> tuple[subprocess.Popen[bytes], list[int]]:
        def as_if_typed() -> None:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)  # a run in a shell's background, or by nohup, ignores some
            if terminal is not None:
                fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

        environment = {**os.environ, "UV": str(tools / "uv"), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "torch_auto", "add", "--for", "uv", "--project", str(project), *words]
        process = subprocess.Popen(
            [*(before or []), *command],
            env=environment,
            stdin=terminal,
            stdout=subprocess.PIPE if terminal is None else terminal,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=as_if_typed,  # noqa: PLW1509  # a test's own process has one thread
        )
        running.append(process)
        deadline = time.monotonic() + 60
        while not begun.exists():
            assert process.poll() is None, process.stdout and process.stdout.read()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return process, [int(word) for word in begun.read_text("utf-8").split()]

    yield start
    for process in running:
        with process:
            process.kill()


def is_there(process: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked for is gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize(("number", "status"), [("SIGTERM", (143,)), ("SIGHUP", (129,)), ("SIGINT", (130, -2))])
def test_add_is_ended(
    tmp_path: Path,
    add: Callable[..., tuple[subprocess.Popen[bytes], list[int]]],
    number: str,
    status: tuple[int, ...],
    there: bool,
) -> None:
    """All that it wrote is taken back, what uv wrote too; uv and its children end; and so it says by its status."""
    project = tmp_path / "project"
    if there:
        (project / "pyproject.toml").write_text(PROJECT, "utf-8")
    else:
        (tmp_path / "project" / "keep").touch()
    before = sorted(os.listdir(project))
    process, children = add()
    process.send_signal(getattr(signal, number))
    assert process.wait(30) in status
    if there:
        assert (project / "pyproject.toml").read_text("utf-8") == PROJECT
    assert sorted(os.listdir(project)) == before
    if sys.platform.startswith("linux"):
        deadline = time.monotonic() + 10
        while any(map(is_there, children)):
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.mark.parametrize("how", ["Ctrl-C", "hang up"])
def test_add_is_ended_on_a_terminal(
    tmp_path: Path, add: Callable[..., tuple[subprocess.Popen[bytes], list[int]]], how: str
) -> None:
    """There uv is in the foreground with it, hears of it by itself, and the files are as they were too."""
    (tmp_path / "project" / "pyproject.toml").write_text(PROJECT, "utf-8")
    terminal, inside = os.openpty()
    process, children = add(terminal=inside)
    os.close(inside)
    if how == "Ctrl-C":
        os.write(terminal, b"\x03")
        assert process.wait(30) == 130
    os.close(terminal)
    assert process.wait(30) in (129, 130)
    assert (tmp_path / "project" / "pyproject.toml").read_text("utf-8") == PROJECT
    assert os.listdir(tmp_path / "project") == ["pyproject.toml"]
    deadline = time.monotonic() + 10
    while any(map(is_there, children)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_nohup_stays_what_it_is(tmp_path: Path, add: Callable[..., tuple[subprocess.Popen[bytes], list[int]]]) -> None:
    """Who has asked not to be ended by SIGHUP is not."""
    (tmp_path / "project" / "pyproject.toml").write_text(PROJECT, "utf-8")
    process, _ = add(before=["nohup"])
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 143


def test_a_second_signal_waits_for_the_first(
    tmp_path: Path, add: Callable[..., tuple[subprocess.Popen[bytes], list[int]]]
) -> None:
    """Who is told to end five times in a row ends in order all the same."""
    (tmp_path / "project" / "pyproject.toml").write_text(PROJECT, "utf-8")
    process, _ = add()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGINT):
        process.send_signal(number)
    assert process.wait(30) in (143, 129, 130, -2)
    assert os.listdir(tmp_path / "project") == ["pyproject.toml"]
    assert (tmp_path / "project" / "pyproject.toml").read_text("utf-8") == PROJECT


#: What is called while a file is written.
CALLS = ("open", "write", "ftruncate", "unlink", "replace", "chmod", "fsync", "stat", "lstat", "lseek", "close")


def signalled_at(moment: int) -> None:
    """Have SIGTERM come to this process at a call, by its number."""
    left = [moment]

    def counting(function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGTERM)
            return function(*arguments, **named)

        return call

    for name in CALLS:
        setattr(os, name, counting(getattr(os, name)))
    setattr(tempfile, "mkstemp", counting(tempfile.mkstemp))  # noqa: B010  # it has another type then


@pytest.mark.parametrize("linked", [False, True])
def test_a_write_is_ended_at_any_moment(tmp_path: Path, linked: bool) -> None:
    """SIGTERM at each call of it: the file is whole, nothing is beside it, and the status says what it was."""
    path = tmp_path / "file"
    codes: list[int] = []
    path.touch()
    if linked:
        os.link(path, tmp_path / "other")
    while not codes or codes[-1] != 0:
        with open(path, "r+b") as file:
            file.truncate()
            file.write(b"before")
        child = os.fork()
        if child == 0:
            try:
                with signals.in_order():
                    signalled_at(len(codes) + 1)
                    replace(str(path), b"after" * 1000)
            except SystemExit as error:
                os._exit(int(str(error)))
            os._exit(0)
        codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        assert path.read_bytes() in (b"before", b"after" * 1000)
        assert sorted(os.listdir(tmp_path)) == ["file", "other"][: 1 + linked]
    assert set(codes[:-1]) == {143}
    assert len(codes) > 8

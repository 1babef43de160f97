"""What reaches a terminal, and what becomes of a command whose streams are closed, full, gone or odd."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import machines
from support.cache import REPOSITORY

from torch_auto.cli.streams import Stream, harmless, shortened
from torch_auto.cli.terminal import Progress

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(os.name != "posix", reason="a POSIX shell closes and connects the streams")

#: What a terminal obeys: a title, a cleared screen, a line that is written over, a colour on itself, a C1 control, a
#: direction of text, a bell.
EVIL = "\x1b]0;title\x07\x1b[2J\r\x1b[8mhidden\x1b[30;40m\x9b31m\u202ereversed\u2066"
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def _run(words: list[str], shell: str = '"$@"', **variables: str) -> subprocess.CompletedProcess[str]:
    """The command, as a line of a shell that has it as ``"$@"``."""
    command = [sys.executable, "-c", "import sys; from torch_auto.__main__ import main; sys.exit(main())", *words]
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY), **variables}
    return subprocess.run(
        ["/bin/sh", "-c", shell, "sh", *command],
        env=env,
        capture_output=True,
        encoding="utf-8",
        errors="surrogateescape",
        timeout=120,
        check=False,
    )


def _machine(folder: Path, name: str) -> str:
    machine: dict[str, Any] = machines.a100_550()
    machine["accelerators"][0]["devices"][0]["name"] = name
    machine["evidence"] = [{"source": name, "outcome": "found", "detail": name}]
    path = folder / "machine.json"
    path.write_text(json.dumps(machine), "utf-8")
    return str(path)


@posix
@pytest.mark.parametrize("words", [["plan"], ["plan", "--why"], ["plan", "2.5.1"]], ids=" ".join)
def test_a_machine_file_cannot_write_to_the_terminal(tmp_path: Path, words: list[str]) -> None:
    """A GPU's name, and evidence, full of what a terminal obeys: it is spelled out."""
    done = _run([*words, "--machine", _machine(tmp_path, EVIL)])
    assert done.returncode == 0, done.stderr
    assert not OBEYED.search(done.stdout + done.stderr)
    assert "\\x1b]0;title\\x07" in done.stdout


@posix
def test_an_error_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    """A key of a machine file, a path, a setting and a word of the command line."""
    path = tmp_path / "machine.json"
    path.write_text(json.dumps({**machines.a100_550(), EVIL: 1}), "utf-8")
    for words, variables in (
        (["plan", "--machine", str(path)], {}),
        (["plan", "--machine", f"/nowhere/{EVIL}"], {}),
        (["plan", EVIL], {}),
        (["check", "--project", f"/nowhere/{EVIL}"], {}),
        (["info", "--root", f"/nowhere/{EVIL}"], {}),
        ([EVIL], {}),
        (["plan"], {"TORCH_AUTO_BACKEND": EVIL}),
        (["plan"], {"TORCH_AUTO_INDEX_URL": EVIL}),
    ):
        done = _run(words, **variables)
        assert done.returncode == 2, done
        assert done.stderr.strip()
        assert not OBEYED.search(done.stdout + done.stderr), done


@given(st.text(max_size=300))
def test_any_text_is_harmless_and_loses_nothing(text: str) -> None:
    """What is printable and the ends of lines stay as they are; colours do, and no other sequence."""
    shown = harmless(text)
    without_colours = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert not OBEYED.search(without_colours)
    if text.isprintable():
        assert shown == text


@pytest.mark.parametrize("colour", ["\x1b[32m", "\x1b[0m", "\x1b[m", "\x1b[1;34m", "\x1b[90m"])
def test_our_own_colours_pass(colour: str) -> None:
    """Those of this command, and of argparse from Python 3.14 on."""
    assert harmless(f"{colour}text\x1b[0m\n") == f"{colour}text\x1b[0m\n"


@posix
@pytest.mark.parametrize(
    "shell",
    ['"$@" >&-', '"$@" 2>&-', '"$@" <&-', '"$@" <&- >&- 2>&-'],
)
@pytest.mark.parametrize("words", [["info"], ["plan", "--json"], ["check"], ["--help"], ["env"]], ids=" ".join)
def test_streams_that_are_closed_are_no_error(words: list[str], shell: str, tmp_path: Path) -> None:
    """The exit status is what it is with open streams, and nothing is said of streams."""
    words = [*words, "--project", str(tmp_path)] if words[0] in ("check", "env", "plan") else words
    usual = _run(words)
    done = _run(words, shell)
    assert done.returncode == usual.returncode
    assert "Traceback" not in done.stderr
    if "2>" not in shell:
        assert done.stderr == usual.stderr


@posix
@pytest.mark.parametrize("words", [["info", "--json"], ["--help"], ["plan", "--why"]], ids=" ".join)
def test_a_reader_that_goes_is_no_error(words: list[str]) -> None:
    """``| head -1`` and ``| true``: nothing is said, and the command ends as it would."""
    for reader in ("head -1", "true", "sleep 0"):
        done = _run(words, f'"$@" | {reader}; ')
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("words", [["info"], ["info", "--json"], ["plan"], ["--help"], ["env"]], ids=" ".join)
def test_output_that_finds_no_room_is_an_error(words: list[str]) -> None:
    """One line, and exit status 2: what was asked for did not get anywhere."""
    done = _run(words, '"$@" > /dev/full')
    said = done.stderr.splitlines()
    assert said[-1] == "torch-auto: error: the output could not be written: No space left on device"
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert _run(words, '"$@" > /dev/full 2>&1').returncode == 2


@posix
def test_ctrl_c_is_no_traceback(tmp_path: Path) -> None:
    """At any moment of the command, its loading among them, it ends by 130 and says nothing."""
    started = tmp_path / "started"
    # What runs in the background of a shell ignores Ctrl-C, and so would its children.
    code = (
        "import signal, sys; from torch_auto.__main__ import main; "
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"open({str(started)!r}, 'w').close()\nsys.exit(main())"
    )
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    for moment in range(0, 300, 15):
        started.unlink(missing_ok=True)
        with subprocess.Popen(
            [sys.executable, "-c", code, "plan", "--why"],
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as child:
            until = time.monotonic() + 30
            while not started.exists() and time.monotonic() < until:
                time.sleep(0.001)
            time.sleep(moment / 1000)
            child.send_signal(signal.SIGINT)
            said = child.communicate(timeout=60)[1]
        if child.returncode != -signal.SIGINT:  # Python itself was about to begin or to end
            assert (child.returncode, said) in ((130, ""), (0, ""))


@posix
@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "C"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "ascii:strict"},
        {"TERM": "dumb"},
        {"TERM": ""},
        {"COLUMNS": "many", "LINES": "-1"},
        {"COLUMNS": "0"},
        {"COLUMNS": "-80"},
        {"COLUMNS": "9" * 30},
    ],
    ids=str,
)
def test_odd_variables_of_a_terminal_are_no_error(tmp_path: Path, variables: dict[str, str]) -> None:
    """A GPU's name is in none of these encodings, and every verb that prints says what it has to say."""
    path = _machine(tmp_path, "NVIDIA GeForce 雪 ☃")
    for words in (["plan", "--machine", path], ["info"], ["--help"], ["plan", "--help"], ["plan", "--why"]):
        done = _run(words, **variables)
        assert (done.returncode, done.stderr) == (0, ""), done
        assert done.stdout.strip()


@posix
def test_bytes_that_are_no_text_on_the_command_line(tmp_path: Path) -> None:
    """A file name of any bytes is read, and told where it is not there."""
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.json")
    done = _run(["plan", "--machine", odd])
    assert (done.returncode, done.stdout) == (2, "")
    assert "\\udcff\\udcfe.json" in done.stderr
    with open(odd, "w", encoding="utf-8") as file:
        json.dump(machines.a100_550(), file)
    assert _run(["plan", "--machine", odd]).returncode == 0


@posix
def test_a_setting_of_120_kilobytes_is_not_repeated_in_full() -> None:
    """The error says how long it is, and what would be right."""
    for name in ("BACKEND", "PIN", "MACHINE", "INDEX_URL", "GROUPS", "GROUP"):
        done = _run(["plan"], **{f"TORCH_AUTO_{name}": "x" * 120_000})
        assert done.returncode == 2, done
        assert 0 < len(done.stderr) < 3000
        assert f"TORCH_AUTO_{name}" in done.stderr


def test_a_long_error_is_shortened() -> None:
    """A line says how long it is, and what is left out how many lines it has."""
    assert shortened("short\nand good") == "short\nand good"
    line, _, rest = shortened("x" * 5000 + "\n" + "y\n" * 500).partition("\n")
    assert line == "x" * 2000 + "... (5000 characters)"
    assert rest.splitlines()[-1] == "... and 402 more lines"


def test_a_stream_never_raises() -> None:
    """The first error is kept, but for a reader that has gone."""

    class Broken(io.StringIO):
        error: OSError = OSError(28, "No space left on device")

        def write(self, _: str) -> int:
            raise self.error

        def flush(self) -> None:
            raise self.error

    broken = Broken()
    stream = Stream(broken)
    assert stream.write("text") == 4
    stream.flush()
    assert stream.lost is broken.error
    broken.error = BrokenPipeError(32, "Broken pipe")
    gone = Stream(broken)
    gone.write("text")
    gone.flush()
    assert gone.lost is None


class Screen(io.StringIO):
    """A stream that says that a terminal is behind it."""

    def isatty(self) -> bool:
        return True


def test_a_line_of_progress_is_drawn_and_its_text_is_harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own return and erasure reach the terminal; what the line says is spelled out."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("TERM", raising=False)
    screen = Screen()
    with Progress("build \x1b]0;x\x07", cast("Any", Stream(screen))):
        deadline = time.monotonic() + 30
        while "build" not in screen.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    drawn = screen.getvalue()
    assert drawn.startswith("\rbuild \\x1b]0;x\\x07 (")
    assert drawn.endswith("\r\033[K")

"""The command as a whole: what it says alone, what it makes of a wrong word, its help, and its completion."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from support import machines

from torch_auto import __version__
from torch_auto.catalog import load
from torch_auto.cli import command_line, main
from torch_auto.cli.errors import UserError
from torch_auto.cli.releases import one_of, split
from torch_auto.cli.verbs.add import _what
from unit.cli.fake_environment import FakeEnvironment

if TYPE_CHECKING:
    from pathlib import Path

VERBS = command_line()[1]


def ended(arguments: list[str]) -> int:
    """The exit status, argparse's own ends among them."""
    try:
        return main(arguments)
    except SystemExit as end:
        return int(end.code or 0)


# --- alone ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, on an A100 with driver 550."""
    (tmp_path / "a100.json").write_text(json.dumps(machines.a100_550()), "utf-8")
    monkeypatch.setenv("TORCH_AUTO_MACHINE", str(tmp_path / "a100.json"))
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    folder = tmp_path / "app"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_alone_it_says_how_things_stand(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Three lines, machine, project and what to type next, and each verb with what it is for."""
    (project / "pyproject.toml").write_text('[project]\nname = "app"\nversion = "1"\n', "utf-8")
    env = FakeEnvironment.make(project / ".venv")
    env.install_torch("2.9.1+cu126")
    assert main([]) == 0
    out, err = capsys.readouterr()
    said = [re.split(r" {2,}", line) for line in out.split("\n\n")[0].splitlines()]
    assert said[0] == ["This machine", "NVIDIA A100-SXM4-80GB, driver 550.54.14 (Linux x86_64, Python 3.11)"]
    assert said[1] == ["This project", "torch 2.9.1+cu126, in .venv"]
    assert " ".join(out.split("\n\n")[0].split()).endswith("add (installs torch 2.14.1, the newest that runs here)")
    assert [line.split()[0] for line in out.split("\n\n")[1].splitlines() if line[2] != " "] == list(VERBS.all)
    assert err == ""


@pytest.mark.parametrize("text", ['[project]\nname = "app"\nversion = "1"\n', "[project\n", None])
def test_alone_in_any_project(project: Path, capsys: pytest.CaptureFixture[str], text: str | None) -> None:
    """Before its first sync, where a file is broken, and in a folder without a project."""
    if text is not None:
        (project / "pyproject.toml").write_text(text, "utf-8")
    assert main([]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert ("pyproject.toml" in out) == (text == "[project\n")
    assert " Next " in out


def test_alone_with_a_wrong_setting(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The setting is named, and the verbs are there."""
    (project.parent / "a100.json").write_text("{}", "utf-8")
    assert main([]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Settings")
    assert "version: must be 1" in out
    assert "\n  check " in out


def test_version_names_the_day_of_the_catalog(capsys: pytest.CaptureFixture[str]) -> None:
    """The core's version, and what it knows."""
    assert ended(["--version"]) == 0
    known = load()
    text = f"builds of torch up to {known.newest.version} are known, as of {known.as_of}"
    assert capsys.readouterr().out == f"torch-auto-core {__version__} ({text})\n"


# --- wrong words ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("chekc", "there is no verb 'chekc'; did you mean `torch-auto check`?"),
        ("install vision", "there is no verb 'install'; did you mean `torch-auto add`?"),
        ("doctor", "there is no verb 'doctor'; did you mean `torch-auto check`?"),
        ("uninstall", "there is no verb 'uninstall'; did you mean `torch-auto init --remove`?"),
        ("2.9.1", "there is no verb '2.9.1'; did you mean `torch-auto plan 2.9.1`?"),
        ("xyzzy", f"there is no verb 'xyzzy'. These are: {', '.join(VERBS.all)}"),
        ("plan --mashine x", "`torch-auto plan` does not have the option --mashine; did you mean --machine?"),
        ("check --fixx=1", "`torch-auto check` does not have the option --fixx=1; did you mean --fix?"),
        ("info --zzz", "`torch-auto info` does not have the option --zzz"),
        ("check here", "`torch-auto check` does not have the argument here"),
        ("plan --pin", "argument --pin: expected one argument"),
        ("init --for conda", "argument --for: invalid choice: 'conda'"),
    ],
)
def test_a_wrong_word(words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is meant is named where something is close to it, and nothing is done."""
    assert ended(words.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[0].startswith(f"torch-auto: error: {said}")
    assert len(err.splitlines()) <= 2


def test_verbs_of_others_lead_to_ours() -> None:
    """What is proposed is a verb that there is."""
    from torch_auto.cli import _OTHER_NAMES  # noqa: PLC0415

    assert {name.split()[0] for name in _OTHER_NAMES.values()} <= set(VERBS.all)
    assert not set(_OTHER_NAMES) & set(VERBS.all)


# --- help ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [60, 80, 120])
@pytest.mark.parametrize("verb", ["", *VERBS.all])
def test_help_fits_the_terminal(
    verb: str, columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line is wider than it, but for commands, which are whole."""
    monkeypatch.setenv("COLUMNS", str(columns))
    assert ended([*filter(None, [verb]), "--help"]) == 0
    wide = [line for line in capsys.readouterr().out.splitlines() if len(line) > columns]
    commands = ("torch-auto ", "uvx ", "eval ", "pdsh ")
    assert [line for line in wide if not line.strip().startswith(commands)] == []


# --- releases ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "specifier"),
    [("2.9.1", "==2.9.1"), ("v2.9", "==2.9.1"), ("torch==2.5.1", "==2.5.1"), ("latest", None), (">=2.5,<2.7",) * 2],
)
def test_a_release_as_a_specifier(word: str, specifier: str | None) -> None:
    """What add asks an installer for; the newest is what this machine can use, so it is any."""
    assert one_of(word, load()) == specifier
    assert _what(["vision", word]) == (("vision",), specifier or ">=2.0")


@pytest.mark.parametrize("words", [["numpy"], ["2.9.1", "2.8.0"], ["2.9.1+cu126"], [">=3"], ["vison"]])
def test_what_add_does_not_take(words: list[str]) -> None:
    """Packages, two releases, a build, a range without a release, and a slip."""
    with pytest.raises(UserError):
        _what(words)


def test_lists_with_commas_keep_ranges_together() -> None:
    """Of init --releases."""
    assert split("2.9.1, >=2.5,<2.7 ,2.14,") == ["2.9.1", ">=2.5,<2.7", "2.14"]


# --- completion ----------------------------------------------------------------------------------------------------


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What completes the command in a shell."""
    assert main(["completion", shell]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("torch-auto ch", ["check"]),
        ("torch-auto pl", ["plan"]),
        ("torch-auto plan --m", ["--machine"]),
        ("torch-auto init --for p", ["pip", "poetry", "pdm"]),
        ("torch-auto plan --machine a", ["a.json"]),
        ("torch-auto check --project d", ["dir"]),
        ("torch-auto completion ", ["bash", "zsh", "fish", "-h", "--help"]),
    ],
)
def test_bash_completes(words: str, found: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Verbs, options, and the values of options."""
    bash = shutil.which("bash") or pytest.skip("there is no bash")
    (tmp_path / "a.json").touch()
    (tmp_path / "dir").mkdir()
    array = " ".join(f"'{word}'" for word in words.split(" "))
    code = f"{script('bash', capsys)}\nCOMP_WORDS=({array}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n"
    code += '_torch_auto; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run([bash, "-euc", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == found


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_reads_its_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each has every verb, and every option with a name of two dashes; a shell that is here finds no fault in it."""
    text = script(shell, capsys)
    for name, verb in VERBS.all.items():
        assert name in text
        options = {word for word in verb.own() if word.startswith("--")}
        assert [word for word in options if (word if shell != "fish" else f"-l {word[2:]}") not in text] == []
    found = shutil.which(shell)
    if found is not None:
        done = subprocess.run([found, "-n"], input=text, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_completion_without_a_shell(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own is the default; one that is not known has to be named."""
    monkeypatch.setenv("SHELL", "/usr/bin/zsh")
    assert main(["completion"]) == 0
    assert capsys.readouterr().out == script("zsh", capsys)
    monkeypatch.setenv("SHELL", "/usr/bin/nu")
    assert main(["completion"]) == 2
    assert "name your shell, one of bash, zsh, fish" in capsys.readouterr().err

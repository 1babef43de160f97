"""Every command that is printed is one of ours, and gives what was said of it when it is run."""

from __future__ import annotations

import ast
import json
import re
import shlex
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import machines

import torch_auto
from torch_auto.cli import command_line, main
from torch_auto.cli.check.finding import Command
from torch_auto.cli.check.findings import all_findings
from torch_auto.cli.check.situation import Where, survey
from torch_auto.cli.options import split
from torch_auto.select.words import sentence
from unit.cli.fake_environment import FakeEnvironment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: How our command is typed.
_OURS = re.compile(r"(?:torch-auto|torch-auto-core|torch_auto)")


def parses(words: Sequence[str]) -> bool:
    """Whether our own parser takes the words of a command."""
    parser, verbs = command_line()
    own, _ = split(list(words), verbs.all)
    try:
        parser.parse_args(own)
    except SystemExit as ended:
        return ended.code == 0
    return True


def commands_in(text: str) -> Iterator[list[str]]:
    """The words behind our own name of each command between backquotes."""
    for quoted in re.findall(r"`([^`\n]+)`", text):
        try:
            words = shlex.split(quoted)
        except ValueError:
            continue
        at = next((place for place, word in enumerate(words) if _OURS.fullmatch(Path(word).name)), None)
        if at is not None and words[at + 1 :]:
            yield words[at + 1 :]


def texts_of(tree: ast.AST) -> Iterator[str]:
    """The texts of a module; what an f-string fills in stands for our command at the start, for a value elsewhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = [item.value if isinstance(item, ast.Constant) else "FILLED" for item in node.values]
            yield "".join(map(str, parts)).replace("`FILLED ", "`torch-auto ").replace("FILLED", "2.9.1")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_command_in_a_text_is_one_of_ours() -> None:
    """Whatever a message, a reason or a docstring calls a command of ours, our parser takes."""
    found, wrong = 0, []
    for path in Path(torch_auto.__file__).parent.rglob("*.py"):
        for text in texts_of(ast.parse(path.read_text("utf-8"))):
            for words in commands_in(text):
                if words[0].startswith("2.9.1"):
                    continue  # the verb is filled in
                found += 1
                if not parses(words):
                    wrong.append((path.name, words))
    assert wrong == []
    assert found > 30


# --- init --portable: another release ------------------------------------------------------------------------------

PROJECT = '[project]\nname = "x"\nversion = "1"\n'
STANDS = {
    "old Pythons": 'requires-python = ">=3.8"\n',
    "not quite so old Pythons": 'requires-python = ">=3.9"\n',
    "a pin": 'dependencies = ["torch==2.8.0"]\n',
    "a range": 'dependencies = ["torch<2.7"]\n',
}
OPTIONS: tuple[tuple[str, ...], ...] = (
    (),
    ("--backends", "cu126"),
    ("--backends", "cu118,rocm6.2"),
    ("--backends", "cu132,xpu", "--with", "vision"),
    ("--releases", "2.13.0", "--default", "all"),
    ("--releases", "2.13.0,2.9.1", "--backends", "cu126", "--index-url", "https://mirror.example/whl"),
    ("--machine", "a100-550.json", "--machine", "v100-470.json"),
)


@pytest.mark.parametrize("name", list(STANDS))
def test_another_release_is_one_that_will_do(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the release stands in the way, one is named that has what was asked for, and can then be written."""
    monkeypatch.chdir(tmp_path)
    for machine in ("a100-550", "v100-470"):
        Path(f"{machine}.json").write_text(json.dumps(machines.MACHINES[machine]), "utf-8")
    said = []
    for options in OPTIONS:
        Path("pyproject.toml").write_text(PROJECT + STANDS[name], "utf-8")
        if main(["init", "--portable", *options]) == 0:
            continue
        error = capsys.readouterr().err
        for words in (words for words in commands_in(error) if words[0] == "init"):
            given = [words[at : at + 2] for at in range(2, len(words), 2)]
            asked = [options[at : at + 2] for at in range(0, len(options), 2)]
            assert all(list(pair) in given for pair in asked if pair[0] != "--releases"), (options, words)
            assert main(words) == 0, capsys.readouterr().err
            said.append(words)
            capsys.readouterr()
    assert said or name == "a range"


@pytest.mark.parametrize(("typed", "said"), [((), "To use uv here, add --for uv"), (("--for", "pdm"), "--for pdm: ")])
def test_a_tool_without_groups(
    typed: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What to do about the tool depends on whether the user has named it."""
    path = tmp_path / "pyproject.toml"
    path.write_text(f"{PROJECT}[tool.pdm]\n", "utf-8")
    assert main(["init", "--portable", "--project", str(tmp_path), *typed]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert ("this project uses pdm" in error) == (not typed)
    [words] = list(commands_in(error))
    assert words == ["lock", "--portable"]
    assert main(["init", "--portable", "--project", str(tmp_path), "--for", "uv"]) == 0


# --- plan for a fleet, and check ------------------------------------------------------------------------------------

FLEETS = (
    ("cpu", "a100-550"),
    ("a100-550", "rtx5090-575", "mi300"),
    ("v100-470", "k80-470"),
    ("arc-b580", "macos-arm64"),
)


@pytest.mark.parametrize("names", FLEETS)
def test_one_lock_for_a_fleet(
    names: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that is printed below a fleet's plan writes groups in which each machine finds its torch."""
    monkeypatch.chdir(tmp_path)
    given = []
    for name in names:
        Path(f"{name}.json").write_text(json.dumps(machines.MACHINES[name]), "utf-8")
        given += ["--machine", f"{name}.json"]
    assert main(["plan", *given]) == 0
    out = capsys.readouterr().out
    command, *others = re.findall(r"One lock for them:\n  .*?(init --portable .+)", out)
    for one in (*others, command):
        Path("pyproject.toml").write_text(PROJECT, "utf-8")
        assert main(shlex.split(one)) == 0
        capsys.readouterr()
    for name in names:
        assert main(["group", "--json", "--machine", f"{name}.json"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert re.search(rf"\b{re.escape(found['torch'].partition('+')[0])}\b", command), (name, found)


TORCHES = ((None, None), ("2.14.1+cpu", "cpu"), ("2.14.1+cu126", "a100-550"), ("2.7.1+cu118", "v100-470"))


@pytest.mark.parametrize(("torch", "builder"), TORCHES)
def test_what_check_prints_can_be_typed(torch: str | None, builder: str | None, tmp_path: Path) -> None:
    """For each machine, with and without a project: commands of ours parse, and no sentence is left unfinished."""
    env = FakeEnvironment.make(tmp_path / ".venv")
    if torch is not None and builder is not None:
        env.install_torch_auto(machines.MACHINES[builder], torch.partition("+")[0])
        env.install_torch(torch)
    printed = 0
    for name, has_project in product(machines.MACHINES, (True, False)):
        path = tmp_path / "machine.json"
        path.write_text(json.dumps(machines.MACHINES[name]), "utf-8")
        project = tmp_path / "pyproject.toml"
        project.unlink(missing_ok=True)
        if has_project:
            project.write_text(f'{PROJECT}dependencies = ["torch-auto"]\n[tool.uv]\n', "utf-8")
        where = Where(str(tmp_path), {"HOME": str(tmp_path)}, {"machine": str(path)}, str(env.prefix))
        for finding in all_findings(survey(where)):
            for command in (*finding.commands, *finding.otherwise):
                if isinstance(command, Command):
                    assert parses(command.ours), (name, command)
                    printed += 1
                else:
                    assert command.split()[0] in ("uv", "pip"), command
            assert not re.search(r"\{\w+\}|None|\.\.|  ", finding.text), finding.text
            for words in commands_in(finding.text):
                assert parses(words), finding.text
    assert printed > 20


def test_more_groups_give_the_gpu_a_torch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no group runs on a GPU, the groups that check prints have one that does."""
    env = FakeEnvironment.make(tmp_path / ".venv")
    tried = 0
    for name, release in product(("rtx5090-575", "mi300", "arc-b580", "k80-470", "gb200"), ("2.13.0", "2.7.1")):
        (tmp_path / "machine.json").write_text(json.dumps(machines.MACHINES[name]), "utf-8")
        (tmp_path / "pyproject.toml").write_text(PROJECT, "utf-8")
        options = ["--project", str(tmp_path)]
        assert (
            main(
                [
                    "init",
                    "--portable",
                    "--releases",
                    release,
                    "--backends",
                    "cu118" if release == "2.7.1" else "cu126",
                    *options,
                ]
            )
            == 0
        )
        given = {"machine": str(tmp_path / "machine.json")}
        where = Where(str(tmp_path), {"HOME": str(tmp_path)}, given, str(env.prefix), again=tuple(options))
        [machine] = [finding for finding in all_findings(survey(where)) if finding.check == "machine"]
        if machine.code != "group.no-gpu" or not machine.commands:
            continue
        tried += 1
        first = machine.commands[0]
        assert isinstance(first, Command)
        assert main(list(first.ours)) == 0, capsys.readouterr().err
        [machine] = [finding for finding in all_findings(survey(where)) if finding.check == "machine"]
        assert machine.code == "group.ok", (name, release, first, machine.text)
    assert tried > 3


def test_no_reason_has_a_command_of_ours() -> None:
    """Reasons are kept in wheels, and read by whatever command is there: they name no way to type ours."""
    assert "torch-auto refresh" not in Path(sentence.__code__.co_filename).read_text("utf-8")

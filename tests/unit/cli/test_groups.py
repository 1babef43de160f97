"""The torch groups of a project, and the calls of uv that `torch-auto sync` and `run` make of them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support import machines
from support.cache import REPOSITORY

from torch_auto.cli import command_line, main
from torch_auto.cli.options import split
from torch_auto.cli.project.own import typed
from unit.cli.fake_environment import FakeEnvironment

if TYPE_CHECKING:
    from pathlib import Path

BACKENDS = "cpu,cu126,cu130,rocm7.2"
GROUPS = ("torch-cpu", "torch-cu126", "torch-cu130", "torch-rocm7-2")
PROJECT = '[project]\nname = "app"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = []\n'


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of this machine's is among the variables; it has an A100, and uv is a file that is never started."""
    for name in [name for name in os.environ if name.startswith(("UV", "TORCH_AUTO_", "VIRTUAL_ENV"))]:
        monkeypatch.delenv(name)
    on(machines.a100_550(), tmp_path, monkeypatch)
    monkeypatch.setenv("UV", str(tmp_path / "uv"))


def on(machine: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "machine.json"
    path.write_text(json.dumps(machine), "utf-8")
    monkeypatch.setenv("TORCH_AUTO_MACHINE", str(path))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A project with four torch groups of 2.13.0, which the command stands in."""
    return made(tmp_path, monkeypatch, capsys)


def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *options: str) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(PROJECT, "utf-8")
    monkeypatch.chdir(folder)
    assert main(["init", "--portable", "--force", "--releases", "2.13.0", "--backends", BACKENDS, *options]) == 0
    capsys.readouterr()
    return folder


def edit(project: Path, before: str, after: str) -> None:
    path = project / "pyproject.toml"
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


def call(words: list[str], capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The command that a dry run prints, without uv itself."""
    assert main(words) == 0
    [line] = capsys.readouterr().out.splitlines()
    return shlex.split(line)[1:]


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


def without(*but: str) -> list[str]:
    """The options that leave out all groups but these."""
    return [word for name in GROUPS if name not in but for word in ("--no-group", name)]


#: What uv is told on a machine with an A100.
KEPT = ["--config-settings-package", "torch-auto:group=torch-cu126"]  # so that uv keeps that build apart
OURS = [*without("torch-cu126"), "--group", "torch-cu126", *KEPT]

# --- which group -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        (machines.cpu(), "torch-cpu"),
        (machines.a100_550(), "torch-cu126"),
        (machines.h100_580(), "torch-cu130"),
        (machines.mi300(), "torch-rocm7-2"),
        (machines.arc_b580(), "torch-cpu"),
        (machines.macos_arm64(), "torch-cpu"),
    ],
)
def test_the_name_alone(
    machine: dict[str, Any],
    name: str,
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`torch-auto group` prints the name and nothing else."""
    assert project
    on(machine, tmp_path, monkeypatch)
    assert main(["group"]) == 0
    assert capsys.readouterr() == (f"{name}\n", "")


def test_why_and_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The reasons go to stderr, or into the JSON with what the other groups are."""
    assert project
    assert main(["group", "--why"]) == 0
    said = capsys.readouterr()
    assert (said.out, "Chosen for NVIDIA A100" in said.err) == ("torch-cu126\n", True)
    assert main(["group", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["version"], found["group"], found["torch"]) == (2, "torch-cu126", "2.13.0+cu126")
    assert (set(found["others"]), found["default"]) == ({*GROUPS} - {"torch-cu126"}, ["torch-cpu"])


@pytest.mark.parametrize(
    ("variables", "options", "name"),
    [
        ({"UV_TORCH_BACKEND": "cu130"}, [], "torch-cu130"),
        ({"UV_TORCH_BACKEND": "auto"}, [], "torch-cu126"),
        ({"UV_TORCH_BACKEND": "cu130", "TORCH_AUTO_BACKEND": "rocm7.2"}, [], "torch-rocm7-2"),
        ({"TORCH_AUTO_BACKEND": "rocm7.2"}, ["--backend", "cpu"], "torch-cpu"),
    ],
)
def test_settings_count(
    variables: dict[str, str],
    options: list[str],
    name: str,
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An option counts before our variable, and that before uv's own."""
    assert project
    for key, value in variables.items():
        monkeypatch.setenv(key, value)
    assert main(["group", *options]) == 0
    assert capsys.readouterr().out == f"{name}\n"


def test_a_machine_file(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--machine asks for another machine's group."""
    assert project
    (tmp_path / "other.json").write_text(json.dumps(machines.h100_580()), "utf-8")
    assert main(["group", "--machine", str(tmp_path / "other.json")]) == 0
    assert capsys.readouterr().out == "torch-cu130\n"


def test_a_torch_backend_without_a_group(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A torch backend that no group is for is refused, with where it comes from and the groups."""
    assert project
    assert "--backend: there is no group for xpu; there are cpu, cu126, cu130, rocm7.2" in refused(
        ["group", "--backend", "xpu"], capsys
    )
    monkeypatch.setenv("UV_TORCH_BACKEND", "cu118")
    assert "UV_TORCH_BACKEND: there is no group for cu118" in refused(["sync"], capsys)


def test_no_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without torch groups the message says how to come to some."""
    (tmp_path / "pyproject.toml").write_text(PROJECT, "utf-8")
    monkeypatch.chdir(tmp_path)
    for words in (["group"], ["sync"], ["run", "python"]):
        assert f"`{typed(os.environ)} init --portable`" in refused(words, capsys)


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ('"torch==2.13.0+cu126; ', '"torch==2.12.0+cu126; ', "torch-cu126 pins 2.12.0 and 2.13.0 of torch"),
        ("torch-cu126 = [", "torch-cu129 = [", "torch-cu126 is in tool.uv.conflicts and not in dependency-groups"),
        ('groups = "2.13.0+cpu,', 'groups = "2.12.0+cpu,', "torch-auto groups says 2.12.0+cpu"),
        ('groups = "2.13.0+cpu,', 'groups = "cpu,', "'cpu' is not a release and a torch backend"),
        ("==2.13.0", ">=2.13.0", "pins no release of torch, and should pin one exactly"),
    ],
)
def test_groups_that_contradict_each_other(
    before: str, after: str, fault: str, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Groups that do not fit together, or not what torch-auto is told of them, are refused with every fault."""
    edit(project, before, after)
    assert fault in refused(["sync"], capsys)


def test_groups_that_are_written_otherwise(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names in another spelling and pins that another group includes are read as uv reads them."""
    edit(project, "torch-rocm7-2 = [", '"Torch_ROCm7.2" = [')
    edit(project, "torch-cu126 = [", 'pinned = ["torch==2.13.0+cu126"]\ntorch-cu126 = [\n{include-group = "pinned"},')
    assert main(["group", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {found["group"], *found["others"]} == set(GROUPS)


def test_check_tells_what_is_wrong_with_the_groups(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """check has it as a finding of its own."""
    edit(project, '"torch==2.13.0+cu126; ', '"torch==2.12.0+cu126; ')
    assert main(["check"]) == 1
    assert "torch-cu126 pins 2.12.0 and 2.13.0 of torch" in " ".join(capsys.readouterr().out.split())


def test_check_before_anything_is_installed(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In a fresh clone check names `torch-auto sync`, and the group that it installs; without a lock, `uv lock`."""
    FakeEnvironment.make(project / ".venv")
    assert main(["check", "--venv", str(project / ".venv"), "--json"]) == 1
    found = {item["check"]: item for item in json.loads(capsys.readouterr().out)["checks"]}
    sync = shlex.join(["uv", "sync", "--inexact", *OURS])
    assert {name: (item["status"], item["commands"]) for name, item in found.items()} == {
        "machine": ("ok", []),
        "torch-auto": ("warn", [sync]),
        "torch": ("fail", [sync]),
        "uv.lock": ("fail", ["uv lock", f"{typed(os.environ)} sync"]),
        "pages": ("ok", []),
    }
    assert "its torch group is torch-cu126, torch 2.13.0+cu126" in found["machine"]["text"]
    assert f" has these groups: {typed(os.environ)} init --portable --upgrade." in found["machine"]["text"]


@pytest.mark.parametrize(("built_with", "is_stale"), [("2.12.0", True), ("2.13.0", False)])
def test_a_record_of_other_groups_is_made_anew(
    project: Path, capsys: pytest.CaptureFixture[str], built_with: str, *, is_stale: bool
) -> None:
    """Where the groups moved to another release, sync has torch-auto built again: its import warning would be wrong."""
    found = FakeEnvironment.make(project / ".venv")
    groups = ",".join(f"{built_with}+{backend}" for backend in ("cpu", "cu126"))
    found.install_torch_auto(machines.a100_550(), "2.15.0", {"groups": groups})
    assert main(["sync", "--dry-run"]) == 0
    assert ("uv cache clean torch-auto" in (out := capsys.readouterr().out)) is is_stale
    assert ("--reinstall-package torch-auto" in out) is is_stale
    main(["check", "--venv", str(project / ".venv")])
    told = (
        "2.15.0 was built for torch-cu126 of torch 2.12.0, and this machine's group is torch-cu126 of torch 2.13.0 now"
    )
    assert (told in _flat(capsys)) is is_stale


def test_check_tells_of_an_extra_that_asks_for_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """torch-auto[vision] beside groups without torchvision is told, and what check says fixes it."""
    edit(project, '"torch-auto"', '"torch-auto[vision]"')
    assert main(["check"]) == 1
    assert "In a project with torch groups the extra has no effect, and no group pins torchvision." in _flat(capsys)
    assert main(["init", "--portable", "--force"]) == 0
    capsys.readouterr()
    assert main(["check"]) == 1
    assert "has no effect" not in _flat(capsys)


def _flat(capsys: pytest.CaptureFixture[str]) -> str:
    """What was printed, without its line ends."""
    return " ".join(capsys.readouterr().out.split())


def test_check_with_a_lock_that_lacks_a_group(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A lock that is older than the groups is named with the groups that it does not hold."""
    entries = "".join(
        f'{name} = [{{ name = "torch", version = "2.13.0+{backend}" }}]\n'
        for name, backend in zip(GROUPS, BACKENDS.split(","), strict=True)
        if name != "torch-cu130"
    )
    lock = f'version = 1\n[[package]]\nname = "app"\nversion = "1"\n[package.dev-dependencies]\n{entries}'
    (project / "uv.lock").write_text(lock, "utf-8")
    assert main(["check"]) == 1
    assert "It does not hold the torch of torch-cu130." in " ".join(capsys.readouterr().out.split())


def test_the_python_of_the_project(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The Python that counts is the project's, not the one that runs the command: its environment's, or its pin."""
    monkeypatch.delenv("TORCH_AUTO_MACHINE")
    monkeypatch.setenv("UV_CUDA_DRIVER_VERSION", "550.54.14")
    found = []
    for prepare in (
        lambda: (project / ".python-version").write_text("3.7\n", "utf-8"),
        lambda: FakeEnvironment.make(project / ".venv"),
    ):
        prepare()
        assert main(["group", "--why"]) == 0
        found.append("Python 3.7" in capsys.readouterr().err)
    assert found == [True, False]


# --- the calls of uv -----------------------------------------------------------------------------------------------


def test_sync(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """uv sync takes this machine's group and leaves out all others; what is not ours goes to uv."""
    assert project
    assert call(["sync", "--dry-run"], capsys) == ["sync", *OURS]
    assert call(["sync", "--locked", "--dry-run", "--", "--no-dev"], capsys) == ["sync", *OURS, "--locked", "--no-dev"]
    assert call(["sync", "--dry-run", "--", "--only-group", "docs"], capsys) == [
        "sync", *without("torch-cu126"), *KEPT, "--only-group", "docs",
    ]  # fmt: skip


def test_the_line_on_stderr(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line says which group and for what machine, and stdout stays the command's."""
    assert project
    assert main(["sync", "--dry-run"]) == 0
    [line] = capsys.readouterr().err.splitlines()
    assert line == "torch-auto: torch-cu126, torch 2.13.0+cu126, for NVIDIA A100-SXM4-80GB, driver 550.54.14"


def test_run(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """uv run gets the same, and what it runs a UV_NO_SYNC; the command's own options stay its own."""
    assert project
    found = call(["run", "--dry-run", "--locked", "--", "python", "--backend", "x"], capsys)
    assert found[: 1 + len(OURS)] == ["run", *OURS]
    assert found[1 + len(OURS)] == "--env-file"
    with open(found[2 + len(OURS)], encoding="utf-8") as file:
        assert file.read().splitlines()[-1] == "UV_NO_SYNC=1"
    assert found[3 + len(OURS) :] == ["--locked", "--", "python", "--backend", "x"]
    assert call(["run", "--dry-run", "tool", "--only-group", "x"], capsys)[: 1 + len(OURS)] == ["run", *OURS]


def test_run_on_the_default_group(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the default group is this machine's there is nothing to keep, and env has nothing to print."""
    assert project
    on(machines.cpu(), tmp_path, monkeypatch)
    assert "--env-file" not in call(["run", "--dry-run", "python"], capsys)
    assert main(["env"]) == 0
    said = capsys.readouterr()
    assert (said.out, "nothing to set" in said.err) == ("", True)


def test_what_the_user_leaves_out_stays_out(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Groups of UV_NO_GROUP that are no torch groups are left out still, and env repeats them."""
    monkeypatch.setenv("UV_NO_GROUP", "docs torch-cu126")
    assert call(["sync", "--dry-run"], capsys) == ["sync", "--no-group", "docs", *OURS]
    edit(project, 'default-groups = ["dev", "torch-cpu"]', 'default-groups = "all"')
    assert main(["env", "--shell", "dotenv"]) == 0
    assert capsys.readouterr().out == 'UV_NO_GROUP="docs torch-cpu torch-cu130 torch-rocm7-2"\n'


def test_another_folder(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """--project goes to uv too, and a subfolder needs none."""
    (project / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(project / "deep" / "er")
    assert call(["sync", "--dry-run"], capsys) == ["sync", *OURS]
    monkeypatch.chdir("/")
    assert call(["sync", "--dry-run", "--project", str(project)], capsys) == ["sync", "--project", str(project), *OURS]


def test_uv_is_not_there(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without uv the message says so."""
    assert project
    monkeypatch.delenv("UV")
    monkeypatch.setenv("PATH", str(project))
    assert "uv is not in PATH" in refused(["sync"], capsys)


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for uv")
def test_uv_is_called_with_this_environment(project: Path, tmp_path: Path) -> None:
    """uv gets the variables as they are but for those that would send it elsewhere, and its exit status is ours."""
    program = tmp_path / "uv"
    program.write_text('#!/bin/sh\necho "[$VIRTUAL_ENV] [$UV_NO_SYNC] [$UV_NO_GROUP] [$MINE]"\nexit 9\n', "utf-8")
    program.chmod(0o755)
    values = {"VIRTUAL_ENV": sys.prefix, "UV_NO_SYNC": "1", "UV_NO_GROUP": "torch-cpu docs", "MINE": "stays"}
    start = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); from torch_auto.cli import main; sys.exit(main())"
    found = {}
    for words in ("run x", "sync", "sync --active"):
        command = [sys.executable, "-c", start, *words.split()]
        done = subprocess.run(
            command, cwd=project, env={**os.environ, **values}, capture_output=True, text=True, check=False
        )
        found[words] = done.returncode, done.stdout.strip()
    assert found == {
        "run x": (9, "[] [] [docs] [stays]"),
        "sync": (9, "[] [1] [docs] [stays]"),
        "sync --active": (9, f"[{sys.prefix}] [1] [docs] [stays]"),
    }


@pytest.mark.parametrize(
    ("words", "ours", "others"),
    [
        ("plan 2.5.1 --json", "plan 2.5.1 --json", ""),
        ("sync", "sync", ""),
        ("sync --backend cpu --locked --dry-run", "sync --backend cpu --dry-run", "--locked"),
        ("sync --backend=cpu -- --dry-run", "sync --backend=cpu", "--dry-run"),
        ("sync --extra train --dry-run", "sync", "--extra train --dry-run"),
        ("run python -m x --backend y", "run", "python -m x --backend y"),
        ("run --locked --backend cpu -- python", "run --backend cpu", "--locked -- python"),
        ("run --help", "run --help", ""),
        ("run --venv x", "run", "--venv x"),
        ("lock --portable --backends cpu -- --extra x", "lock --portable --backends cpu", "--extra x"),
    ],
)
def test_whose_words(words: str, ours: str, others: str) -> None:
    """Ours are taken before the first word that is no option; the rest is the tool's."""
    assert split(words.split(), command_line()[1].all) == (ours.split(), others.split())

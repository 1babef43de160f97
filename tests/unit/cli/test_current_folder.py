"""Nothing that lies in somebody's project is run because the command stands there."""

from __future__ import annotations

import os
import sys
import venv
from typing import TYPE_CHECKING

import pytest

from torch_auto.cli.processes import Step, answer, output, run_step
from torch_auto.cli.programs import in_path, program
from torch_auto.cli.project import environment as environments

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(os.name != "posix", reason="the programs are scripts for a POSIX shell")

#: Modules that Python itself, pip or a question of ours imports.
MODULES = ("json", "sysconfig", "pip", "runpy", "torch_auto", "sitecustomize", "usercustomize", "typing", "re")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder full of modules and programs, in which the command stands; each leaves a file "ran" behind."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in MODULES:
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n", "utf-8")
    for name in ("uv", "pip", "poetry", "pdm", "torch-auto", "nvidia-smi"):
        (folder / name).write_text(f"#!/bin/sh\n: > '{tmp_path / 'ran'}'\n", "utf-8")
        (folder / name).chmod(0o755)
    monkeypatch.chdir(folder)
    return folder


@posix
@pytest.mark.parametrize("path", ["", ".", ":", ".:{other}", ":{other}", "{other}:", "../project:{other}", "{other}"])
def test_no_program_is_looked_for_in_the_current_folder(project: Path, tmp_path: Path, path: str) -> None:
    """An empty part of PATH means it, and a relative part does."""
    other = tmp_path / "bin"
    other.mkdir()
    path = path.format(other=other)
    for name in ("uv", "torch-auto"):
        assert program(name, {"PATH": path}) is None
    (other / "uv").write_text("#!/bin/sh\necho uv 0.13.9\n", "utf-8")
    (other / "uv").chmod(0o755)
    assert program("uv", {"PATH": path}) == (str(other / "uv") if str(other) in path else None)
    assert program("uv", {"PATH": path, "UV": "uv"}) != "uv"
    assert run_step(Step(("poetry", "lock")), str(project), {"PATH": path}) == 1
    assert not (tmp_path / "ran").exists()


@posix
def test_windows_looks_in_no_other_folder_than_those_of_path(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Windows would look in the current folder first, and with endings of its own."""
    monkeypatch.setenv("PATHEXT", ".COM;.EXE;.BAT")
    other = project / "elsewhere"
    other.mkdir()
    for name in ("uv.exe", "pip.BAT"):
        for folder in (project, other):
            (folder / name).touch(mode=0o755)
    with monkeypatch.context() as patch:
        patch.setattr(os, "name", "nt")
        patch.setenv("PATHEXT", ".com;.exe;.BAT")
        found = [in_path("uv", str(other)), in_path("pip", str(other)), in_path("uv", ""), in_path("uv", ".")]
    assert found == [str(other / "uv.exe"), str(other / "pip.BAT"), None, None]


@posix
def test_a_module_of_the_current_folder_is_not_the_one_that_is_run(project: Path, tmp_path: Path) -> None:
    """``python -m pip`` takes pip.py of the folder that it starts in, before the environment's pip."""
    env = {"PATH": os.environ["PATH"]}
    command = (sys.executable, "-m", "pip", "--version")
    assert run_step(Step(command), str(project), env) == 0
    assert answer(command).startswith("pip ")
    assert output(command, str(project), env).startswith("pip ")
    assert run_step(Step((sys.executable, "-m", "pip", "no-such-word")), str(project), env) != 0
    assert not (tmp_path / "ran").exists()


@posix
@pytest.mark.parametrize("python_path", ["", ":", "{}", "{}:.", "."])
def test_an_environments_python_is_asked_and_runs_nothing_of_the_project(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python_path: str
) -> None:
    """Not from the folder that the command stands in, and not by PYTHONPATH, which is looked into all the same."""
    venv.create(tmp_path / "env")
    monkeypatch.setenv("PYTHONPATH", python_path.format(project))
    monkeypatch.setenv("PYTHONSTARTUP", str(project / "json.py"))
    found = environments.at(str(tmp_path / "env"))
    assert found is not None
    assert found.python == f"3.{sys.version_info[1]}"
    assert any(site.endswith("site-packages") for site in found.site)
    assert (str(project) in found.site) == ("{}" in python_path or "." in python_path)
    assert not (tmp_path / "ran").exists()


@posix
@pytest.mark.parametrize("said", ["", "null", "[]", "[1, 2, 3]", "{}", "7", '[null, "3.11"]', "\\377"])
def test_an_environment_whose_python_says_something_else_is_read_from_its_files(tmp_path: Path, said: str) -> None:
    """A program in its place is no reason for a traceback."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "pyvenv.cfg").write_text("version = 3.11.7\n", "utf-8")
    python = tmp_path / "bin" / "python"
    python.write_text(f"#!/bin/sh\nprintf '{said}\\n'\n", "utf-8")
    python.chmod(0o755)
    found = environments.at(str(tmp_path))
    assert found is not None
    assert (found.prefix, found.python) == (str(tmp_path), "3.11")

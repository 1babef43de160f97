"""`torch-auto lock --portable`, with real uv, and what installs from its files: uv and pip."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support import frontends, machines
from support.lock import tomllib

from torch_auto.cli.portable.pylock_install import target
from torch_auto.cli.project.environment import at
from torch_auto.cli.project.project import Project
from unit.cli.portable_project import IMPORT, NEEDS_TORCH, Host

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.frontends import Frontend, Sandbox
    from support.torch_index import TorchIndex

FEW = ("--portable", "--releases", "2.13.0", "--backends", "cpu,cu126,rocm7.2")
FILES = ["pylock.torch-cpu.toml", "pylock.torch-cu126.toml", "pylock.torch-rocm7-2.toml"]


@pytest.fixture
def host(uv: Frontend, sandbox: Sandbox, index: TorchIndex) -> Callable[[str, Any], Host]:
    """``host(name, machine)``: a machine that sees both indexes, PyPI with a package that depends on torch."""
    index.add_wheel(NEEDS_TORCH)

    def make(name: str, machine: Any) -> Host:
        made = Host(uv, sandbox, index, name)
        made.becomes(machine)
        return made

    return make


def torch_in(path: Path) -> dict[str, str]:
    """The versions of torch in a lock file, each with its marker."""
    packages = tomllib.loads(path.read_text("utf-8"))["packages"]
    return {item["version"]: item.get("marker", "") for item in packages if item["name"] == "torch"}


def locks(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("pylock*"))


@pytest.mark.frontend
@pytest.mark.slow
@pytest.mark.usefixtures("published")
def test_without_uvs_project(host: Callable[..., Host], sandbox: Sandbox) -> None:
    """From requirements uv makes files for every platform, which uv and the newest pip install."""
    item = host("a", machines.a100_550())
    project = sandbox.project(["needs-torch", "torch-auto"], name="a")
    item.command("lock", *FEW, "--with", "vision")
    assert locks(project) == FILES
    found = torch_in(project / "pylock.torch-rocm7-2.toml")
    assert set(found) == {"2.13.0+rocm7.2", "2.13.0+cpu", "2.13.0"}
    assert all(found.values())
    assert "torch-auto" not in {
        package["name"] for package in tomllib.loads((project / FILES[0]).read_text("utf-8"))["packages"]
    }

    # Run again, without options: the same groups, the same files.
    again = item.command("lock", "--portable").stdout
    assert again.count(", as it was\n") == 3
    python = sandbox.venv()
    item.command("sync", VIRTUAL_ENV=str(python.parent.parent))
    seen = f"{IMPORT}; import torchvision; print(torchvision.__version__)"
    assert sandbox.run([python, "-c", seen]).stdout == "2.13.0+cu126\n0.28.0+cu126\n"
    checked = item.command("check", VIRTUAL_ENV=str(python.parent.parent))
    assert "ok    lock files" in checked.stdout

    item.becomes(machines.mi300())
    old, newest = (frontends.pip(version).python.parent.parent for version in (frontends.OLD_PIP, None))
    path = sandbox.environment["PATH"]  # without uv
    refused = item.command("sync", check=False, PATH=path, VIRTUAL_ENV=str(old))
    assert refused.returncode == 2
    assert "has pip 23.2; pip 26.1 is the first that installs from pylock.torch-rocm7-2.toml" in refused.stderr
    planned = item.command("sync", "--dry-run", "--venv", newest, PATH=path).stdout.split()
    assert planned[1:] == ["-m", "pip", "install", "-r", str(project / "pylock.torch-rocm7-2.toml")]
    sandbox.run([newest / "bin/pip", "--python", python, *planned[3:]])
    assert sandbox.run([python, "-c", seen]).stdout == "2.13.0+rocm7.2\n0.28.0+rocm7.2\n"
    runs = item.command("run", "python", check=False)
    assert (runs.returncode, " -m torch_auto sync` works" in runs.stderr) == (2, True)


@pytest.mark.frontend
@pytest.mark.slow
def test_from_a_requirements_file(host: Callable[..., Host], sandbox: Sandbox) -> None:
    """Without a pyproject.toml the lines of requirements.txt are locked, but for torch-auto's own."""
    item = host("a", machines.cpu())
    project = sandbox.project(name="a")
    (project / "pyproject.toml").unlink()
    (project / "requirements.txt").write_text("needs-torch  # ours\ntorch-auto\n", "utf-8")
    words = ("--portable", "--releases", "2.13.0", "--backends", "cpu,cu126")
    without_uv = item.command("lock", *words, check=False, PATH=sandbox.environment["PATH"])
    assert (without_uv.returncode, locks(project)) == (2, [])
    assert "uv is not in PATH" in without_uv.stderr
    item.command("lock", *words)
    assert locks(project) == FILES[:2]
    assert set(torch_in(project / FILES[1])) == {"2.13.0+cu126", "2.13.0+cpu", "2.13.0"}
    python = sandbox.venv()
    item.command("sync", VIRTUAL_ENV=str(python.parent.parent))
    assert sandbox.run([python, "-c", IMPORT]).stdout == "2.13.0+cpu\n"


@pytest.mark.frontend
@pytest.mark.slow
@pytest.mark.usefixtures("published")
def test_from_uvs_groups(host: Callable[..., Host], sandbox: Sandbox) -> None:
    """From uv's own lock come files with the same versions; what is not ours is replaced with --force alone."""
    item = host("a", machines.mi300())
    project = sandbox.project(["needs-torch"], name="a")
    item.command("init", *FEW)
    (project / FILES[2]).write_text("mine\n", "utf-8")
    refused = item.command("lock", "--portable", check=False)
    assert (refused.returncode, locks(project)) == (2, FILES[2:])
    assert "pylock.torch-rocm7-2.toml: not written by this command; --force replaces it" in refused.stderr
    unlocked = item.command("lock", "--portable", "--force", check=False)
    assert unlocked.returncode == 2
    assert "Nothing was written" in unlocked.stderr
    assert (project / FILES[2]).read_text("utf-8") == "mine\n"
    item.with_uv("lock")
    chosen = item.command("lock", "--portable", "--backends", "cpu", check=False)
    assert re.search(r"choose them with `\S+ -m torch_auto init --portable`", chosen.stderr)
    item.command("lock", "--portable", "--force")
    assert locks(project) == FILES
    assert set(torch_in(project / FILES[2])) == {"2.13.0+rocm7.2", "2.13.0+cpu", "2.13.0"}
    assert item.command("group").stdout == "torch-rocm7-2\n"


def test_it_has_to_be_said(host: Callable[..., Host], sandbox: Sandbox) -> None:
    """Without --portable nothing is written, and what is wrong with the options is named."""
    item = host("a", machines.cpu())
    sandbox.project(["numpy"], name="a")
    assert "for the project's own lock use its tool" in item.command("lock", check=False).stderr
    wrong = item.command("lock", "--portable", "--backends", "cu999", "--releases", "9.9", check=False)
    assert wrong.returncode == 2
    assert "'cu999' is not a torch backend" in wrong.stderr
    assert "torch 9.9 is not in the catalog" in wrong.stderr


def test_where_it_installs(tmp_path: Path) -> None:
    """Never into an environment that uvx, uv tool or pipx made for the command alone."""
    project = Project(str(tmp_path))
    own = target(project, {}, None)
    assert own is not None
    assert own.prefix == sys.prefix
    for name, marker in (
        ("cache/archive-v0/abc", "cache/CACHEDIR.TAG"),
        ("tools/torch-auto", "tools/torch-auto/uv-receipt.toml"),
        ("pipx/venvs/torch-auto", "pipx/venvs/torch-auto/pipx_metadata.json"),
        ("mine", "other"),
    ):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "pyvenv.cfg").write_text("version_info = 3.11.7\n", "utf-8")
        (tmp_path / marker).write_text("", "utf-8")
        found = target(project, {"VIRTUAL_ENV": str(tmp_path / name)}, None)
        assert found == (at(str(tmp_path / name)) if name == "mine" else own), name

"""A lock that was made on one machine and synced on another: seen, told at import, and fixed."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from support import machines
from support.lock import read_lock

from unit.data import CATALOG, installs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.frontends import Finished, Frontend, Sandbox
    from support.torch_index import TorchIndex

pytestmark = pytest.mark.frontend

IMPORT = "import torch; print(torch.__version__)"


class Host:
    """A machine: what torch-auto finds there, and a uv cache of its own."""

    def __init__(self, uv: Frontend, sandbox: Sandbox, name: str, machine: machines.Machine) -> None:
        self._uv, self._sandbox = uv, sandbox
        self._file = sandbox.root / f"{name}.json"
        self._file.write_text(json.dumps(machine), "utf-8")
        self._variables = {
            "TORCH_AUTO_MACHINE": str(self._file),
            "UV_CACHE_DIR": str(sandbox.root / f"cache-{name}"),
            "PATH": f"{uv.tool.executable.parent}:{sandbox.environment['PATH']}",
        }

    def becomes(self, machine: machines.Machine) -> None:
        """Its hardware or its driver changes."""
        self._file.write_text(json.dumps(machine), "utf-8")

    def uv(self, *args: str, cwd: Path) -> Finished:
        return self._uv.run(args, cwd=cwd, env=self._variables)

    def python(self, project: Path, code: str) -> Finished:
        return self._sandbox.run([project / ".venv/bin/python", "-c", code], env=self._variables)

    def command(self, project: Path, *args: str) -> Finished:
        return self._sandbox.run(
            [project / ".venv/bin/torch-auto", *args], cwd=project, env=self._variables, check=False
        )


@pytest.fixture
def host(uv: Frontend, sandbox: Sandbox, published: TorchIndex) -> Callable[[str, machines.Machine], Host]:
    """``host(name, machine)``: a machine that sees both indexes."""
    assert published
    return lambda name, machine: Host(uv, sandbox, name, machine)


def with_page(sandbox: Sandbox, index: TorchIndex) -> Path:
    return sandbox.project(extra=f'[tool.uv]\nfind-links = ["{index.find_links}"]')


def taken_to(project: Path, name: str) -> Path:
    """A checkout of the project on another machine."""
    there = project.parent / name
    shutil.copytree(project, there, ignore=shutil.ignore_patterns(".venv"))
    return there


def test_a_lock_from_a_cuda_machine_on_a_cpu_machine(
    host: Callable[..., Host], sandbox: Sandbox, index: TorchIndex
) -> None:
    """It works, so check warns, says whose lock it is and how to lock for all; refresh asks before it changes that."""
    project = with_page(sandbox, index)
    host("a", machines.a100_550()).uv("add", "torch-auto", cwd=project)
    there = taken_to(project, "there")
    b = host("b", machines.cpu())
    b.uv("sync", cwd=there)

    checked = b.command(there, "check")
    assert checked.returncode == 0, checked
    assert checked.stdout.startswith("OK, with 2 suggestions: torch, uv.lock.\n"), checked
    assert "uv cache clean torch-auto" in checked.stdout
    said = " ".join(checked.stdout.split())
    assert "it holds torch 2.14.1+cu126, which is for a machine with an NVIDIA GPU." in said
    assert "or, for every machine: .venv/bin/torch-auto init --portable && uv lock && .venv/bin/torch-auto sync" in said
    imported = b.python(there, IMPORT)
    assert imported.stdout == "2.14.1+cu126\n"
    assert imported.stderr == ""

    before = (there / "uv.lock").read_bytes()
    asked = b.command(there, "refresh")  # nobody answers
    assert asked.returncode == 1, asked
    assert "Nothing was changed. Without the question: .venv/bin/torch-auto refresh --yes" in asked.stderr
    assert (there / "uv.lock").read_bytes() == before
    refreshed = b.command(there, "refresh", "--yes")
    assert refreshed.returncode == 0, refreshed
    assert refreshed.stderr.endswith("Done. `.venv/bin/torch-auto check` is content.\n")
    after = b.command(there, "check")
    assert after.returncode == 0, after
    assert after.stdout.startswith("All is well.\n"), after
    again = b.python(there, IMPORT)
    assert (again.stdout, again.stderr) == (f"{installs(machines.cpu())}\n", "")


def test_a_lock_from_a_cpu_machine_on_a_cuda_machine(
    host: Callable[..., Host], sandbox: Sandbox, index: TorchIndex
) -> None:
    """A release too new for the machine's driver is left for an older one, though `uv add` wrote it as the lowest."""
    project = with_page(sandbox, index)
    host("a", machines.cpu()).uv("add", "torch-auto", cwd=project)
    there = taken_to(project, "there")
    b = host("b", machines.a100_550())
    b.uv("sync", cwd=there)
    checked = b.command(there, "check")
    assert checked.returncode == 1, checked
    said = " ".join(checked.stdout.split())
    held = f"it holds torch {installs(machines.cpu())}, which is for a machine without a GPU."
    assert f"{held} This one needs torch 2.14.1+cu126." in said
    assert b.command(there, "refresh", "--yes").returncode == 0
    after = b.command(there, "check")
    assert after.returncode == 0, after
    assert b.python(there, IMPORT).stdout == "2.14.1+cu126\n"


def test_a_new_driver(host: Callable[..., Host], sandbox: Sandbox, index: TorchIndex) -> None:
    """A driver update after which all works is told and no fault, and refresh, if it is wanted, follows it."""
    project = with_page(sandbox, index)
    a = host("a", machines.with_nvidia("550.54.14", machines.A100))
    a.uv("add", "torch-auto", cwd=project)
    assert a.command(project, "check").returncode == 0
    a.becomes(machines.with_nvidia("580.65.06", machines.A100))
    checked = a.command(project, "check")
    assert checked.returncode == 0, checked
    assert checked.stdout.startswith("All is well."), checked
    assert "driver 550.54.14 then, 580.65.06 now" in " ".join(checked.stdout.split())
    assert "->" not in checked.stdout
    assert a.command(project, "refresh").returncode == 0
    after = a.command(project, "check")
    assert after.stdout.startswith("All is well."), after
    locked = [item.version for item in read_lock(project)["torch"] if item.serves("linux_x86_64", "28_x86_64")]
    assert locked[0] == installs(machines.with_nvidia("580.65.06", machines.A100))
    # It is the only one, or else beside PyPI's build, for the platforms that take that one.
    public = CATALOG.newest.platforms["linux_x86_64"].public
    assert public is not None
    assert set(locked[1:]) <= {f"{CATALOG.newest.version}+{public.torch_backend}"}


def test_without_pages(host: Callable[..., Host], sandbox: Sandbox, index: TorchIndex) -> None:
    """PyPI's build on a machine that a better one exists for is a warning; init and refresh bring the better one."""
    project = sandbox.project()
    a = host("a", machines.a100_550())
    a.uv("add", "torch-auto", cwd=project)
    checked = a.command(project, "check")
    assert checked.returncode == 0, checked
    assert checked.stdout.startswith("OK, with "), checked
    # Below `uv run`, `uv cache clean` would wait for ever for the uv that runs it.
    said = a.uv("run", "torch-auto", "init", "--index-url", index.whl, cwd=project).stdout
    assert said.endswith("Next: uv run torch-auto refresh\n")
    a.uv("run", "torch-auto", "refresh", cwd=project)
    after = a.command(project, "check")
    assert after.stdout.startswith("All is well."), after
    assert a.python(project, IMPORT).stdout == "2.14.1+cu126\n"


@pytest.mark.slow
def test_pip(sandbox: Sandbox, published: TorchIndex) -> None:
    """With pip, the page goes into the environment's pip.conf, and refresh gets past pip's cache."""
    sandbox.run([sandbox.python, "-m", "venv", sandbox.root / "venv"])
    folder = sandbox.root / "venv" / "bin"
    machine = sandbox.root / "machine.json"
    machine.write_text(json.dumps(machines.a100_550()), "utf-8")
    variables = {
        "TORCH_AUTO_MACHINE": str(machine),
        "PIP_CONFIG_FILE": None,
        "VIRTUAL_ENV": str(folder.parent),
        "PATH": f"{folder}:{sandbox.environment['PATH']}",
    }
    empty = sandbox.root / "empty"
    empty.mkdir()

    def run(*command: str, check: bool = True) -> Finished:
        return sandbox.run([folder / command[0], *command[1:]], cwd=empty, env=variables, check=check)

    run("pip", "install", "torch-auto")
    assert run("python", "-c", IMPORT).stdout == "2.10.0+cu128\n"
    assert run("torch-auto", "check").stdout.startswith("OK, with ")
    assert "pip.conf changed:" in run("torch-auto", "init", "--for", "pip", "--index-url", published.whl).stdout
    run("torch-auto", "refresh")
    assert run("torch-auto", "check").stdout.startswith("All is well.")
    assert run("python", "-c", IMPORT).stdout == "2.14.1+cu126\n"
    machine.write_text(json.dumps(machines.cpu()), "utf-8")
    assert run("torch-auto", "check").stdout.startswith("OK, with 1 suggestion: torch.")
    run("torch-auto", "refresh")
    assert run("torch-auto", "check").stdout.startswith("All is well.")
    assert run("python", "-c", IMPORT).stdout == f"{installs(machines.cpu())}\n"


def test_uv_pip(uv: Frontend, sandbox: Sandbox, published: TorchIndex) -> None:
    """With uv pip and no project, refresh fixes the environment that has torch."""
    python = sandbox.venv()
    machine = sandbox.root / "machine.json"
    machine.write_text(json.dumps(machines.a100_550()), "utf-8")
    empty = sandbox.root / "empty"
    empty.mkdir()
    variables = {
        "TORCH_AUTO_MACHINE": str(machine),
        "UV_FIND_LINKS": published.find_links,
        "PATH": f"{uv.tool.executable.parent}:{sandbox.environment['PATH']}",
    }
    uv.run(["pip", "install", "--python", str(python), "torch-auto"], cwd=empty, env=variables)
    command = [python.parent / "torch-auto"]
    assert sandbox.run([*command, "check"], cwd=empty, env=variables).stdout.startswith("All is well.")
    machine.write_text(json.dumps(machines.cpu()), "utf-8")
    assert sandbox.run([*command, "check"], cwd=empty, env=variables).stdout.startswith("OK, with 1 suggestion: torch.")
    sandbox.run([*command, "refresh"], cwd=empty, env=variables)
    assert sandbox.run([*command, "check"], cwd=empty, env=variables).stdout.startswith("All is well.")
    assert sandbox.run([python, "-c", IMPORT], env=variables).stdout == f"{installs(machines.cpu())}\n"


def test_pin_exact_reaches_the_build(
    host: Callable[..., Host], sandbox: Sandbox, index: TorchIndex, uv: Frontend
) -> None:
    """What init --pin exact writes reaches the build, though the build without it is in uv's cache; check agrees."""
    project = sandbox.project()
    a = host("a", machines.h100_580())
    a.uv("add", "torch-auto", cwd=project)
    if tuple(map(int, uv.version.split(".")[:2])) < (0, 13):
        pytest.skip("uv before 0.13 keeps one cache entry for all settings")
    a.uv("run", "torch-auto", "init", "--pin", "exact", "--index-url", index.whl, cwd=project)
    a.uv("lock", "--upgrade", cwd=project)
    a.uv("sync", "--reinstall-package", "torch-auto", cwd=project)
    [metadata] = project.glob(".venv/lib/*/site-packages/torch_auto-*.dist-info/METADATA")
    assert f"Requires-Dist: torch=={installs(machines.h100_580())};" in metadata.read_text("utf-8")
    checked = a.command(project, "check")
    assert checked.stdout.startswith("All is well."), checked


def test_what_updates_the_core_can_be_typed(host: Callable[..., Host], sandbox: Sandbox, index: TorchIndex) -> None:
    """Beside a record of a newer core, the project's command names what brings a newer one, and it ends well."""
    project = with_page(sandbox, index)
    a = host("a", machines.cpu())
    a.uv("add", "torch-auto", cwd=project)
    [record] = project.glob(".venv/lib/*/site-packages/torch_auto-*.dist-info/torch_auto.json")
    record.write_text('{"version": 3}', "utf-8")
    checked = a.command(project, "check", "--json")
    assert checked.returncode == 0, checked
    [only] = json.loads(checked.stdout)["checks"]
    assert len(only["commands"]) == 2
    for command in only["commands"]:
        a.uv(*command.split()[1:], cwd=project)
    assert a.python(project, "import torch_auto").stderr == ""
    # From elsewhere, it is the command itself that is older.
    told = a.uv("tool", "run", "torch-auto-core", "check", "--json", cwd=project)
    [command] = json.loads(told.stdout)["checks"][0]["commands"]
    assert command.startswith("uvx ")
    assert a.uv("tool", "run", *command.split()[1:], cwd=project).stdout.startswith(
        "OK, with 1 suggestion: torch-auto."
    )

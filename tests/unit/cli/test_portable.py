"""One repository and one lock on many machines, end to end with real uv."""

from __future__ import annotations

import hashlib
import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest
from packaging.requirements import Requirement
from support import machines
from support.lock import read_lock

from unit.cli.portable_project import IMPORT, NEEDS_TORCH, Host

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from support.frontends import Frontend, Sandbox
    from support.torch_index import TorchIndex

pytestmark = pytest.mark.frontend

#: The issue's fleet, each with the torch that it gets at the newest release that serves them all.
FLEET: dict[str, tuple[Callable[[], Any], str]] = {
    "cpu": (machines.cpu, "cpu"),
    "a100": (machines.a100_550, "cu126"),
    "h100": (machines.h100_580, "cu129"),
    "rtx5090": (machines.rtx5090_575, "cu129"),
    "p100": (machines.p100_580, "cu126"),
    "mi300": (machines.mi300, "rocm7.2"),
    "b580": (machines.arc_b580, "xpu"),
}

#: What `init --portable` gets in the tests of one or two machines: few groups lock fast.
FEW = ("--releases", "2.13.0", "--backends", "cpu,cu126,cu130")

#: What plain uv says where every torch group is a default.
CONFLICT = "are incompatible with the conflicts"


@pytest.fixture
def host(uv: Frontend, sandbox: Sandbox, published: TorchIndex) -> Callable[[str, Any], Host]:
    """``host(name, machine)``: a machine that sees both indexes, PyPI with a package that depends on torch."""
    if tuple(map(int, uv.version.split(".")[:2])) < (0, 13):
        pytest.skip("uv before 0.13 keeps one cache entry for all settings")
    published.add_wheel(NEEDS_TORCH)

    def make(name: str, machine: Any) -> Host:
        made = Host(uv, sandbox, published, name)
        made.becomes(machine)
        return made

    return make


def repository(sandbox: Sandbox, host: Host, *init: str) -> Path:
    """A committed project with torch groups and its lock, made on a machine."""
    project = sandbox.project(["needs-torch"], name="repository", extra='[dependency-groups]\ndev = ["numpy"]')
    host.command("init", "--portable", *(init or FEW), cwd=project)
    host.with_uv("lock", cwd=project)
    return project


def digest(project: Path) -> str:
    return hashlib.sha256((project / "uv.lock").read_bytes()).hexdigest()


@pytest.mark.slow
def test_one_lock_for_eight_machines(host: Callable[..., Host], sandbox: Sandbox) -> None:
    """From one committed lock, `torch-auto sync` in fresh clones installs the right build on each of eight machines."""
    hosts = {name: host(name, make()) for name, (make, _) in FLEET.items()}
    mac = host("mac", machines.macos_arm64())
    fleet = [word for item in (*hosts.values(), mac) for word in ("--machine", str(item.file))]
    answer = mac.command("plan", *fleet, cwd=sandbox.root).stdout
    assert "torch 2.13.0 is the newest that supports them all" in answer
    committed = repository(sandbox, hosts["cpu"], "--with", "vision", *fleet)
    before = digest(committed)

    found = {}
    for name, item in hosts.items():
        item.clone(committed)
        # That uvx builds torch-auto where nothing is yet is shown on two of them.
        said = (item.uvx if name in ("a100", "mi300") else item.command)("sync", "--locked").stderr
        assert said.count("torch-auto: torch-") == 1, said
        item.with_uv("lock", "--check")
        assert digest(item.checkout) == before
        imported = item.python(f"{IMPORT}; import numpy, torchvision; print(torchvision.__version__)")
        assert imported.stderr == "", name
        found[name] = imported.stdout.split()
    assert found == {name: [f"2.13.0+{local}", f"0.28.0+{local}"] for name, (_, local) in FLEET.items()}
    assert on_a_mac(mac, committed) == {"torch": ["2.13.0"], "torchvision": ["0.28.0"]}
    assert digest(committed) == before


def on_a_mac(mac: Host, committed: Path) -> dict[str, list[str]]:
    """The versions that a Mac on Apple silicon takes from the lock, each with a file for it there."""
    group = mac.command("group", cwd=committed).stdout.strip()
    assert group == "torch-cpu"
    words = ["--no-hashes", "--no-annotate", "--no-header", "--only-group", group]
    exported = mac.with_uv("export", "--locked", *words, cwd=committed).stdout
    here = {"sys_platform": "darwin", "platform_machine": "arm64", "python_version": "3.12"}
    requirements = [Requirement(line) for line in exported.splitlines() if line.startswith("torch")]
    taken: dict[str, list[str]] = {}
    for item in requirements:
        if item.marker is None or item.marker.evaluate(here):
            taken.setdefault(item.name, []).append(str(item.specifier).removeprefix("=="))
    lock = read_lock(committed)
    for name, versions in taken.items():
        assert [item for item in lock[name] if item.version in versions and item.serves("macosx_11_0_arm64", "_arm64")]
    return taken


@pytest.mark.slow
def test_plain_uv_with_the_default_layout(host: Callable[..., Host], sandbox: Sandbox) -> None:
    """A colleague with plain uv gets a CPU torch that works and says so; what torch-auto installed can be kept."""
    a100 = host("a100", machines.a100_550())
    a100.clone(repository(sandbox, a100))
    a100.with_uv("sync", "--locked")
    imported = a100.python()
    assert imported.stdout == "2.13.0+cpu\n"
    assert (
        "TorchAutoWarning: torch 2.13.0+cpu is installed, and this machine needs torch 2.13.0+cu126" in imported.stderr
    )
    assert " check --fix`. Why: `" in imported.stderr
    checked = a100.installed("check", check=False)
    assert checked.returncode == 1
    assert checked.stdout.startswith("1 problem: torch.\n"), checked
    assert "-> .venv/bin/torch-auto sync" in checked.stdout

    a100.installed("sync")
    assert (a100.python().stdout, a100.python().stderr) == ("2.13.0+cu126\n", "")
    assert a100.installed("check").stdout.startswith("All is well.\n")
    # What `torch-auto run` starts may call uv itself.
    below = a100.installed("run", "--locked", "uv", "run", "python", "-c", IMPORT)
    assert (below.stdout, below.stderr.count("torch-auto: ")) == ("2.13.0+cu126\n", 1)
    assert a100.installed("run", "--", "python", "-c", "raise SystemExit(7)", check=False).returncode == 7
    printed = a100.installed("env", "--shell", "sh")
    assert printed.stdout == 'export UV_NO_SYNC="1"\n'
    assert "belongs to this project, not to a profile" in printed.stderr
    kept = a100.run("sh", "-c", f"{printed.stdout}uv run python -c {shlex.quote(IMPORT)}")
    assert kept.stdout == "2.13.0+cu126\n"

    back = a100.with_uv("run", "python", "-c", IMPORT)
    assert back.stdout == "2.13.0+cpu\n"
    assert "TorchAutoWarning" in back.stderr
    # Below `uv run`, from a subfolder, with the variable that keeps plain uv off.
    inside = a100.checkout / "source"
    inside.mkdir()
    a100.with_uv("run", "torch-auto", "sync", cwd=inside, UV_NO_SYNC="1")
    assert a100.python().stdout == "2.13.0+cu126\n"


@pytest.mark.slow
def test_plain_uv_where_every_group_is_default(host: Callable[..., Host], sandbox: Sandbox) -> None:
    """Plain uv ends with an error that names the groups; with what `torch-auto env` prints it takes the right one."""
    a100 = host("a100", machines.a100_550())
    a100.clone(repository(sandbox, a100, *FEW, "--default", "all"))
    refused = a100.with_uv("sync", "--locked", check=False)
    assert refused.returncode != 0
    assert CONFLICT in " ".join(refused.stderr.split())
    assert "torch-cu126" in refused.stderr

    printed = a100.command("env", "--shell", "dotenv").stdout
    assert printed == 'UV_NO_GROUP="torch-cpu torch-cu130"\n'
    chosen = json.loads(printed.partition("=")[2])
    plain = a100.with_uv("run", "--locked", "python", "-c", f"{IMPORT}; import numpy", UV_NO_GROUP=chosen)
    assert plain.stdout == "2.13.0+cu126\n"
    # The groups of another machine in the environment, and one that is no torch group.
    a100.command("sync", UV_NO_GROUP="torch-cu126 torch-cpu dev")
    assert a100.python("import numpy", check=False).returncode == 1
    below = a100.command("run", "uv", "run", "python", "-c", f"{IMPORT}; import numpy")
    assert below.stdout == "2.13.0+cu126\n"


@pytest.mark.slow
def test_machines_that_share_a_cache(host: Callable[..., Host], sandbox: Sandbox) -> None:
    """A login node and a GPU node with one home: each has a record of its own group, and neither is warned."""
    login, node = host("login", machines.cpu()), host("node", machines.a100_550())
    committed = repository(sandbox, login)
    cache = str(sandbox.root / "home-cache")
    for item in (login, node):
        item.clone(committed)
        item.command("sync", "--locked", UV_CACHE_DIR=cache)
    for item, torch in ((login, "2.13.0+cpu"), (node, "2.13.0+cu126")):
        assert item.command("sync", "--locked", UV_CACHE_DIR=cache).returncode == 0
        imported = item.python()
        assert (imported.stdout, imported.stderr) == (f"{torch}\n", "")
        checked = item.installed("check")
        assert checked.stdout.startswith("All is well.\n"), checked
        item.with_uv("lock", "--check", UV_CACHE_DIR=cache)


def test_a_gpu_that_no_group_is_for(host: Callable[..., Host], sandbox: Sandbox) -> None:
    """It is left unused, which check says, with the commands that add the group: they end it."""
    item = host("rtx5090", machines.rtx5090_575())
    item.clone(repository(sandbox, item, "--releases", "2.13.0", "--backends", "cpu,cu126"))
    item.command("sync")
    checked = item.installed("check")
    assert checked.stdout.startswith("OK, with 2 suggestions: machine, torch.\n"), checked
    commands = json.loads(item.installed("check", "--json").stdout)["checks"][0]["commands"]
    assert "--releases 2.13.0 --backends cpu,cu126,cu129" in commands[0]
    for command in commands:
        item.run("sh", "-c", command)
    assert item.installed("check").stdout.startswith("All is well.\n")
    assert item.python().stdout == "2.13.0+cu129\n"


def test_a_new_driver(host: Callable[..., Host], sandbox: Sandbox) -> None:
    """Where another group is the machine's now, sync installs it, and torch-auto's record follows."""
    item = host("a", machines.with_nvidia("550.54.14", machines.A100))
    item.clone(repository(sandbox, item))
    item.command("sync")
    before = digest(item.checkout)
    item.becomes(machines.with_nvidia("580.65.06", machines.A100))
    checked = item.installed("check")  # what is installed still works
    assert checked.stdout.startswith("OK, with 2 suggestions: torch-auto, torch.\n"), checked
    assert (
        "was built for torch-cu126 of torch 2.13.0, and this machine's group is torch-cu130 of torch 2.13.0 now"
        in " ".join(checked.stdout.split())
    )
    item.installed("sync")
    imported = item.python()
    assert (imported.stdout, imported.stderr) == ("2.13.0+cu130\n", "")
    item.becomes(machines.cpu())
    item.installed("refresh")
    imported = item.python()
    assert (imported.stdout, imported.stderr) == ("2.13.0+cpu\n", "")
    assert item.installed("check").stdout.startswith("All is well.\n")
    # A torch backend that is asked for, as a Dockerfile does: the warning at import goes by it too.
    item.installed("sync", "--backend", "cu126")
    imported = item.python()
    assert (imported.stdout, imported.stderr) == ("2.13.0+cu126\n", "")
    told = " ".join(item.installed("check", check=False).stdout.split())
    assert "this machine's torch group is torch-cu126. It was built with backend=cu126" in told
    assert digest(item.checkout) == before


@pytest.mark.slow
def test_a_member_of_a_workspace(host: Callable[..., Host], sandbox: Sandbox) -> None:
    """In a member of a workspace, sync installs what the member needs with the torch that the root's groups name."""
    item = host("a", machines.a100_550())
    project = sandbox.project(["numpy"], name="repository", extra='[tool.uv.workspace]\nmembers = ["libs/*"]')
    member = sandbox.project(["needs-torch"], name="repository/libs/one")
    (member / "pyproject.toml").write_text(
        (member / "pyproject.toml").read_text("utf-8").replace("repository/libs/one", "one"), "utf-8"
    )
    item.command("init", "--portable", *FEW, cwd=project)
    item.with_uv("lock", cwd=project)
    item.clone(project)
    item.command("sync", "--locked", cwd=item.checkout / "libs/one")
    assert item.python().stdout == "2.13.0+cu126\n"

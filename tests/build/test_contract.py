"""Old sdists with newer cores, and records that another core wrote: what docs/maintaining/contract.md promises."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support import dists as published_dists
from support import hooks, machines
from support.cache import REPOSITORY

if TYPE_CHECKING:
    from support.frontends import Frontend, Sandbox

FROZEN = Path(__file__).with_name("frozen") / "torch_auto-2.5.1.tar.gz"
METADATA, RECORD = "*.dist-info/METADATA", "*.dist-info/torch_auto.json"
#: A GPU of a compute capability that no catalog of today has a build for.
NEW_GPU = machines.a100_550() | {
    "accelerators": [
        {
            "vendor": "nvidia",
            "driver_version": "650.10",
            "cuda_driver_version": "14.1",
            "devices": [{"name": "NVIDIA New", "compute_capability": "15.0"}],
        }
    ]
}


@pytest.fixture
def frozen(tmp_path: Path) -> Path:
    """torch-auto 2.5.1 as it was first made, unpacked."""
    return hooks.unpack(FROZEN, tmp_path)


@pytest.fixture
def newer_core(tmp_path: Path, core: Path) -> Path:
    """A core that knows one more build of torch 2.5.1, for a GPU and a toolkit that are new, and its driver."""
    folder = tmp_path / "newer"
    shutil.copytree(core, folder)
    data = folder / "torch_auto" / "catalog" / "data"
    builds = json.loads((data / "builds.json").read_text("utf-8"))
    row = next(row for row in builds["builds"] if (row["release"], row["local"]) == ("2.5.1", "cu124"))
    builds["builds"].append({**row, "torch_backend": "cu1410", "local": "cu1410", "sm": [150], "ptx": []})
    (data / "builds.json").write_text(json.dumps(builds), "utf-8")
    nvidia = json.loads((data / "nvidia.json").read_text("utf-8"))
    nvidia["toolkit_floors"].append({"toolkit_major": 14, "linux": "640", "windows": "640"})
    nvidia["paired_drivers"].append({"cuda": "14.1", "linux": "650.10", "windows": "650.10"})
    (data / "nvidia.json").write_text(json.dumps(nvidia), "utf-8")
    return folder


def torch_pins(wheel: Path) -> list[str]:
    """The requirements of torch in a wheel's METADATA."""
    return re.findall(r"(?m)^Requires-Dist: (torch[=!].*)$", hooks.wheel_file(wheel, METADATA).decode())


def on(machine: dict[str, Any], folder: Path) -> dict[str, str]:
    """The setting that builds for a machine."""
    path = folder / "machine.json"
    path.write_text(json.dumps(machine), "utf-8")
    return {"machine": str(path)}


def test_the_frozen_sdist_is_as_it_was_made() -> None:
    """The bytes are those of the first torch-auto 2.5.1: whoever changes them breaks what is out in the world."""
    assert hashlib.sha256(FROZEN.read_bytes()).hexdigest() == FROZEN.with_suffix(".sha256").read_text("utf-8").strip()


def test_the_frozen_sdist_builds_with_todays_core(tmp_path: Path, frozen: Path, dists: Path) -> None:
    """It gives the wheel that today's sdist of the release gives, and the same METADATA but for what PKG-INFO says."""
    settings = on(machines.a100_550(), tmp_path)
    old = hooks.call("build_wheel", frozen, tmp_path / "old", settings)
    today = hooks.unpack(dists / "torch_auto-2.5.1.tar.gz", tmp_path / "today")
    new = hooks.call("build_wheel", today, tmp_path / "new", settings)
    assert hooks.wheel_file(old, RECORD) == hooks.wheel_file(new, RECORD)
    assert torch_pins(old) == torch_pins(new) != []


@pytest.mark.parametrize("hook", ["build_wheel", "build_editable", "build_sdist"])
def test_every_hook_of_the_frozen_sdist_is_there(tmp_path: Path, frozen: Path, hook: str) -> None:
    """A frontend finds each hook that it may call by the name that the sdist relies on."""
    made = hooks.call(hook, frozen, tmp_path / "out")
    assert made.name.startswith("torch_auto-2.5.1")


def test_the_frozen_sdists_hook_for_hatchling_works_with_todays_core(tmp_path: Path, frozen: Path) -> None:
    """Built with hatchling itself, by the hatch_build.py that it carries, it gives the same pins and record."""
    settings = on(machines.a100_550(), tmp_path)
    ours = hooks.call("build_wheel", frozen, tmp_path / "ours", settings)
    code = f"import sys; from torch_auto.hatch import backend; backend.build_wheel(sys.argv[1], {settings!r})"
    (tmp_path / "theirs").mkdir()
    env = {"PYTHONPATH": str(published_dists.core()), "PATH": ""}
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "theirs")], cwd=frozen, env=env, check=True)
    [theirs] = (tmp_path / "theirs").glob("*.whl")
    assert hooks.wheel_file(ours, METADATA) == hooks.wheel_file(theirs, METADATA)
    assert hooks.wheel_file(ours, RECORD) == hooks.wheel_file(theirs, RECORD)


def test_a_newer_core_gives_the_frozen_sdist_a_newer_answer(tmp_path: Path, frozen: Path, newer_core: Path) -> None:
    """A GPU and a local version that came to be known later are in the answer of the sdist that never changes."""
    settings = on(NEW_GPU, tmp_path)
    before = json.loads(hooks.wheel_file(hooks.call("build_wheel", frozen, tmp_path / "a", settings), RECORD))
    wheel = hooks.call("build_wheel", frozen, tmp_path / "b", settings, core=newer_core)
    after = json.loads(hooks.wheel_file(wheel, RECORD))
    assert (before["decided"]["torch"], before["decided"]["accelerated"]) == (None, False)
    assert (after["decided"]["torch"], after["decided"]["accelerated"]) == ("2.5.1+cu1410", True)
    cpu = hooks.call("build_wheel", frozen, tmp_path / "c", on(machines.cpu(), tmp_path), core=newer_core)
    plain = [pin for pin in torch_pins(cpu) if "extra ==" not in pin]
    assert plain
    assert all("!=2.5.1+cu1410" in pin for pin in plain)


@pytest.mark.frontend
def test_uv_builds_the_frozen_sdist_with_a_newer_core(
    uv: Frontend, sandbox: Sandbox, tmp_path: Path, newer_core: Path, dists: Path
) -> None:
    """In a real ``uv add torch-auto==2.5.1`` the newest core on the index decides, and not one of the sdist's day."""
    tree = tmp_path / "core"
    tree.mkdir()
    for name in ("pyproject.toml", "README.md"):
        shutil.copyfile(REPOSITORY / "core" / name, tree / name)
    shutil.copyfile(REPOSITORY / "LICENSE", tree / "LICENSE")
    shutil.copytree(newer_core / "torch_auto", tree / "torch_auto")
    init = tree / "torch_auto" / "__init__.py"
    init.write_text(re.sub(r'__version__ = ".*"', '__version__ = "2999.1.1"', init.read_text("utf-8")), "utf-8")
    made = tmp_path / "made"
    made.mkdir()
    code = "import sys; from hatchling import build; build.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(made)], cwd=tree, check=True)
    for path in (FROZEN, *made.iterdir(), *dists.glob("torch_auto_core-*.whl")):
        sandbox.index.add(path)
    project = sandbox.project()
    env = {"TORCH_AUTO_MACHINE": on(NEW_GPU, tmp_path)["machine"], "TORCH_AUTO_PIN": "exact"}
    done = uv.run(["add", "--no-sync", "torch-auto==2.5.1"], cwd=project, env=env, check=False)
    assert done.returncode != 0  # nobody has uploaded that build
    assert "==2.5.1+cu1410" in done.stderr, str(done)


# --- records ---------------------------------------------------------------------------------------------------------

#: A stand-in for an installed torch that calls the entry point as torch does.
IMPORT = """
import sys, types, warnings
sys.path[:0] = [{site!r}, {core!r}]
torch = types.ModuleType("torch")
torch.__version__, torch.__file__ = "2.5.1+cpu", {site!r} + "/torch/__init__.py"
sys.modules["torch"] = torch
from torch_auto.import_check import warn_if_wrong
warnings.simplefilter("always")
warn_if_wrong()
"""


def said_at_import(site: Path, record: dict[str, Any]) -> str:
    """What is said at import where torch 2.5.1+cpu is installed beside a torch-auto with this record."""
    for name in ("torch-2.5.1+cpu.dist-info", "torch_auto-2.5.1.dist-info"):
        (site / name).mkdir(parents=True, exist_ok=True)
    (site / "torch_auto-2.5.1.dist-info" / "torch_auto.json").write_text(json.dumps(record), "utf-8")
    code = IMPORT.format(site=str(site), core=str(published_dists.core()))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    return done.stderr


def test_a_record_of_a_newer_format_is_met_with_a_sentence(tmp_path: Path) -> None:
    """The import says that the record is newer than it can read and what to type, and goes on."""
    said = said_at_import(tmp_path, {"version": 3, "whatever": []})
    assert "torch-auto's record of what this machine needs is of a newer format" in said
    assert "check --fix`" in said


def test_a_reason_of_a_newer_core_is_met_with_its_code(tmp_path: Path, dists: Path) -> None:
    """A record of today's format with a code that is not known here is read; the reason shows as code and values."""
    tree = hooks.unpack(dists / "torch_auto-2.5.1.tar.gz", tmp_path / "tree")
    wheel = hooks.call("build_wheel", tree, tmp_path / "out", on(machines.a100_550(), tmp_path))
    record = json.loads(hooks.wheel_file(wheel, RECORD))
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    record["accepted"][python] = ["2.5.1+cu124", "2.5.1+cpu"]
    record["decided"]["rejected"] = [{"torch_backend": "cpu", "reason": {"code": "too-quiet", "decibels": 3}}]
    said = said_at_import(tmp_path / "site", record)
    assert "it does not use this machine's GPU: too-quiet (decibels=3), a reason of a newer torch-auto." in said

"""What torch-auto costs: ``python3 tools/dev.py run python tools/bench.py [GROUP ...]``.

Groups, all of them by default:

metadata  a fresh interpreter that prepares METADATA, against one that does nothing: compiled, not compiled, with NVML
uv        ``uv add torch-auto`` with nothing of it in uv's cache, against ``uv add`` of an empty hatchling sdist with a
          dynamic dependency; without a GPU, and with the tests' NVML library that lists an H100
pip       ``pip install torch-auto`` with an empty cache, against the same sdist
walk      a walk back through all releases with uv, against the same walk over empty sdists; once more where ten cores
          have been published
walk-pip  pip on a P100 with driver 580 and without PyTorch's pages: 12 builds; with ``--old DIR`` against these sdists
command   ``plan``, ``info``, and ``plan`` with 100 machine files
sizes     bytes of what is published

Each pair runs in turn, A B A B, so that a machine that slows down slows both. All raw rows are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from support import fake_nvml, frontends, hooks, machines  # noqa: E402
from support.dists import core, dists  # noqa: E402
from support.torch_index import TorchIndex  # noqa: E402
from support.wheelhouse import wheelhouse  # noqa: E402

from torch_auto import __version__, catalog  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.27", "nvidia-ml-py>=12", "packaging>=24.2"]
build-backend = "hatchling.build"
[project]
name = "empty-probe"
version = "{version}"
requires-python = "{requires_python}"
dynamic = ["dependencies"]
[tool.hatch.build.targets.wheel]
bypass-selection = true
[tool.hatch.build.targets.wheel.hooks.custom]
"""
HOOK = """\
from hatchling.builders.hooks.plugin.interface import BuildHookInterface
class Hook(BuildHookInterface):
    def initialize(self, version, build_data):
        build_data["dependencies"].extend(["nvidia-ml-py>=12", "packaging>=22", "torch=={pin}"])
"""


def empty_sdists(folder: Path, pin: str) -> Path:
    """28 sdists named empty-probe, with what torch-auto requires and torch=={pin}; {release} stands for the release."""
    folder.mkdir()
    for release in catalog.load().releases:
        name = f"empty_probe-{release.version}"
        tree = folder / name
        tree.mkdir()
        pyproject = PYPROJECT.format(version=release.version, requires_python=release.requires_python)
        (tree / "pyproject.toml").write_text(pyproject, "utf-8")
        (tree / "hatch_build.py").write_text(HOOK.format(pin=pin.format(release=release.version)), "utf-8")
        info = f"Metadata-Version: 2.4\nName: empty-probe\nVersion: {release.version}\nDynamic: Requires-Dist\n"
        (tree / "PKG-INFO").write_text(info, "utf-8")
        with tarfile.open(folder / f"{name}.tar.gz", "w:gz") as archive:
            archive.add(tree, name)
        shutil.rmtree(tree)
    return folder


def compare(
    name: str, runs: int, one: Callable[[], float], other: Callable[[], float]
) -> tuple[list[float], list[float]]:
    """Run two measurements in turn, after one of each that does not count; prints the raw rows."""
    one(), other()
    rows = [(one(), other()) for _ in range(runs)]
    print(f"\n{name}\n  " + "  ".join(f"{a * 1000:.0f}/{b * 1000:.0f}" for a, b in rows) + "   (ms, A/B)")
    return [a for a, _ in rows], [b for _, b in rows]


def ratio(rows: tuple[list[float], list[float]], goal: float | None = None) -> None:
    """Print the median of the ratios pair by pair."""
    found = statistics.median(a / b for a, b in zip(*rows, strict=True))
    medians = [statistics.median(column) for column in rows]
    wanted = f" (goal <= {goal})" if goal is not None else ""
    print(f"  ratio {found:.2f}{wanted}; medians {medians[0]:.2f} s and {medians[1]:.2f} s", flush=True)


# --- metadata --------------------------------------------------------------------------------------------------------


def metadata(folder: Path, runs: int) -> None:
    """METADATA in a build, over an interpreter that does nothing."""
    tree = hooks.unpack(dists() / "torch_auto-2.5.1.tar.gz", folder)
    place = folder / "core"
    shutil.copytree(core(), place)
    code = "import torch_auto.backend as b; b.prepare_metadata_for_build_wheel(__import__('sys').argv[1])"
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "TORCH_AUTO_", "UV_"))}
    plain["PYTHONPATH"] = str(place)
    h100 = fake_nvml.env(driver="580.65.06", cuda="13.0", devices=(("NVIDIA H100 80GB HBM3", "9.0"),))

    def measured(program: str, env: dict[str, str]) -> float:
        if "PYTHONDONTWRITEBYTECODE" in env:
            for cache in place.rglob("__pycache__"):
                shutil.rmtree(cache, ignore_errors=True)
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", program, str(folder)], cwd=tree, env=env, check=True)
        return time.perf_counter() - start

    cases = {
        "compiled": (plain, 25),
        "not compiled": ({**plain, "PYTHONDONTWRITEBYTECODE": "1"}, 55),
        "with NVML": ({**plain, **h100}, 110),
    }
    for name, (env, goal) in cases.items():
        title = f"prepare METADATA, {name} / an empty interpreter"
        a, b = compare(title, runs, partial(measured, code, env), partial(measured, "pass", env))
        cost = statistics.median(a) - statistics.median(b)
        print(f"  over an empty interpreter: {cost * 1000:.1f} ms (goal <= {goal})", flush=True)


# --- installers ------------------------------------------------------------------------------------------------------


def _number(root: Path) -> int:
    return len(list(root.glob("project*")))


def _uv_add(uv: frontends.Frontend, package: str, env: dict[str, str], *, fails: bool = False) -> float:
    """Seconds of ``uv add`` in a new project, with nothing of the package in uv's cache."""
    project = uv.sandbox.project(name=f"project{_number(uv.sandbox.root)}", requires_python=">=3.11")
    uv.run(["cache", "clean", package])
    done = uv.run(["add", package], cwd=project, env=env, check=False)
    if (done.returncode != 0) != fails:
        raise RuntimeError(str(done))
    return done.seconds


def _pip_install(pip: frontends.Frontend, package: str, env: dict[str, str]) -> float:
    """Seconds of ``pip install`` into a new environment, with an empty cache."""
    root = pip.sandbox.root
    number = len(list(root.glob("venv*")))
    python = pip.sandbox.venv(name=f"venv{number}")
    env = {**env, "PIP_CACHE_DIR": str(root / f"pip-cache{number}")}
    return pip.run(["--python", python, "install", package], env=env, timeout=600).seconds


def _index(folder: Path, ours: Path, pin: str = "{release}") -> TorchIndex:
    index = TorchIndex(wheelhouse=wheelhouse())
    index.add(ours)
    index.add(empty_sdists(folder / "empty", pin))
    return index


def uv(folder: Path, runs: int) -> None:
    """One build with uv."""
    h100 = fake_nvml.env(driver="580.65.06", cuda="13.0", devices=(("NVIDIA H100 80GB HBM3", "9.0"),))
    with _index(folder, dists()) as index:
        tool = frontends.Frontend(frontends.uv(), frontends.Sandbox(folder, index))
        for name, env, goal in (("no GPU", {}, 0.7), ("an H100 by the tests' NVML", h100, 0.9)):
            title = f"uv add torch-auto / uv add empty-probe, {name}"
            ours, empty = partial(_uv_add, tool, "torch-auto", env), partial(_uv_add, tool, "empty-probe", env)
            ratio(compare(title, runs, ours, empty), goal)


def pip(folder: Path, runs: int) -> None:
    """One build with pip."""
    with _index(folder, dists()) as index:
        tool = frontends.Frontend(frontends.pip(), frontends.Sandbox(folder, index))
        ours, empty = partial(_pip_install, tool, "torch-auto", {}), partial(_pip_install, tool, "empty-probe", {})
        ratio(compare("pip install torch-auto / pip install empty-probe, cold", max(3, runs // 2), ours, empty), 0.85)


def _more_cores(folder: Path) -> Path:
    """Ten more publications of the core, each of the day after the last, with nothing new in them."""
    [wheel] = dists().glob("torch_auto_core-*.whl")
    folder.mkdir()
    for number in range(1, 11):
        version = f"{__version__}.{number}"
        with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(
            folder / wheel.name.replace(__version__, version), "w"
        ) as new:
            for item in old.infolist():
                data = old.read(item)
                if item.filename.endswith(("/METADATA", "/RECORD")):
                    data = re.sub(re.escape(__version__), version, data.decode()).encode()
                if item.filename.endswith("/RECORD"):
                    data = b"".join(line.split(b",")[0] + b",,\n" for line in data.splitlines())
                new.writestr(item.filename.replace(__version__, version), data)
    return folder


def walk(folder: Path, runs: int) -> None:
    """A walk back through all releases with uv: a system without glibc, which no release serves."""
    count = len(catalog.load().releases)
    machine = folder / "machine.json"
    machine.write_text(json.dumps(machines.musl()), "utf-8")
    env = {"TORCH_AUTO_MACHINE": str(machine)}
    with _index(folder, dists(), "{release}+needs.glibc") as index:
        tool = frontends.Frontend(frontends.uv(), frontends.Sandbox(folder, index))
        for name in ("one core", "eleven cores published"):
            if name != "one core":
                index.add(_more_cores(folder / "cores"))
            ours = partial(_uv_add, tool, "torch-auto", env, fails=True)
            empty = partial(_uv_add, tool, "empty-probe", env, fails=True)
            title = f"uv, a walk back through {count} releases / {count} empty sdists, {name}"
            ratio(compare(title, max(3, runs // 3), ours, empty), 0.35)


def walk_pip(folder: Path, runs: int, old: Path | None) -> None:
    """Pip on a P100 with driver 580, PyPI alone: 12 builds, against the same with other sdists or with one build."""
    machine = folder / "machine.json"
    machine.write_text(json.dumps(machines.p100_580()), "utf-8")
    env = {"TORCH_AUTO_MACHINE": str(machine)}
    (folder / "old").mkdir()
    with TorchIndex(wheelhouse=wheelhouse(), dists=dists()) as new, TorchIndex(wheelhouse=wheelhouse()) as other:
        other.add(old or dists())
        tools = []
        for name, index in (("new", new), ("other", other)):
            root = folder / f"walk-{name}"
            root.mkdir()
            tools.append(frontends.Frontend(frontends.pip(), frontends.Sandbox(root, index)))
        wanted = "torch-auto" if old else "torch-auto==2.7.1"
        title = f"pip install torch-auto, P100/580, PyPI alone / {'the old sdists' if old else wanted}"
        ours, others = partial(_pip_install, tools[0], "torch-auto", env), partial(_pip_install, tools[1], wanted, env)
        ratio(compare(title, max(3, runs // 3), ours, others), 0.5 if old else None)


# --- the command and sizes -------------------------------------------------------------------------------------------


def command(folder: Path, runs: int) -> None:
    """Verbs of the command as processes of their own."""
    kinds = (machines.cpu, machines.a100_550, machines.h100_580, machines.p100_580, machines.mi300)
    files = []
    for number in range(100):
        path = folder / f"{number}.json"
        path.write_text(json.dumps(kinds[number % len(kinds)]()), "utf-8")
        files += ["--machine", str(path)]
    env = {**os.environ, "PYTHONPATH": str(core())}

    def measured(*words: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, *words], cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start

    for name, words in (("plan", ("plan",)), ("info", ("info",)), ("plan with 100 machine files", ("plan", *files))):
        rows = compare(
            f"torch-auto {name} / an empty interpreter",
            runs,
            partial(measured, "-m", "torch_auto", *words),
            partial(measured, "-c", "pass"),
        )
        print(f"  {statistics.median(rows[0]):.3f} s")


def sizes() -> None:
    """Bytes of what is published."""
    found = [path.stat().st_size for path in dists().glob("torch_auto-*.tar.gz")]
    print(f"\n{len(found)} sdists of torch-auto: {sum(found)} bytes, the largest {max(found)}")
    for path in sorted(dists().glob("torch_auto_core-*")):
        print(f"{path.name}: {path.stat().st_size} bytes")


def main() -> int:
    """Run the groups that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    groups = ("metadata", "uv", "pip", "walk", "walk-pip", "command", "sizes")
    parser.add_argument("group", nargs="*", help=", ".join(groups))
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--old", type=Path, metavar="DIR", help="sdists to compare with, for walk-pip")
    options = parser.parse_args()
    wrong = [name for name in options.group if name not in groups]
    if wrong:
        parser.error(f"there is no group {', '.join(wrong)}; there are {', '.join(groups)}")
    with tempfile.TemporaryDirectory() as folder:
        for name in options.group or groups:
            place = Path(folder) / name
            place.mkdir()
            if name == "walk-pip":
                walk_pip(place, options.runs, options.old)
            elif name == "sizes":
                sizes()
            else:
                {"metadata": metadata, "uv": uv, "pip": pip, "walk": walk, "command": command}[name](
                    place, options.runs
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
